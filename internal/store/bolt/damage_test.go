package bolt_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/bolt"
)

// database returns the bytes of a closed database with n records, and with free
// pages from the commits before the last.
func database(t testing.TB, n int) []byte {
	t.Helper()
	e, path := create(t)
	for i := 0; i < n; i += 50 {
		var writes []store.Write
		for j := i; j < min(i+50, n); j++ {
			writes = append(writes, store.Write{Key: key(j), Value: value(j)})
		}
		if _, err := e.Commit(context.Background(), nil, writes); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.Commit(context.Background(), nil, []store.Write{{Key: key(n), Value: value(n)}}); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data[:used(data)]
}

// used returns how many bytes of a file its newer meta page lays claim to.
func used(data []byte) int {
	word := binary.NativeEndian
	return int(max(word.Uint64(data[56:]), word.Uint64(data[bolt.PageSize+56:]))) * bolt.PageSize
}

func key(i int) []byte { return fmt.Appendf(nil, "record/%08d", i*7919%100_000) }

func value(i int) []byte {
	return fmt.Appendf(nil, "%d %s", i, strings.Repeat("x", 100+i*37%1900))
}

// file writes data to a new file.
func file(t testing.TB, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "amparo.db")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// sum gives the meta page in the given slot a checksum that matches.
func sum(data []byte, slot int) {
	body := data[slot*bolt.PageSize+16:]
	h := fnv.New64a()
	h.Write(body[:56])
	binary.NativeEndian.PutUint64(body[56:], h.Sum64())
}

// TestDamagedMeta changes each field of each meta page, with and without a
// checksum that goes along with it.
func TestDamagedMeta(t *testing.T) {
	whole := database(t, 200)
	for _, f := range []struct {
		name   string
		offset int // within the page
		size   int
		want   string
	}{
		{"page id", 0, 8, "number of another page"},
		{"page flags", 8, 2, "not marked as a meta page"},
		{"magic number", 16, 4, "magic number"},
		{"format version", 20, 4, "format version"},
		{"page size", 24, 4, "page size"},
		{"flags", 28, 4, "checksum"},
		{"root page", 32, 8, "checksum"},
		{"root sequence", 40, 8, "checksum"},
		{"freelist page", 48, 8, "checksum"},
		{"high-water mark", 56, 8, "checksum"},
		{"transaction", 64, 8, "checksum"},
		{"checksum", 72, 8, "checksum"},
	} {
		lost := f.offset >= 16 // a damaged page header costs nothing
		for slot := range 2 {
			t.Run(fmt.Sprintf("%s of meta page %d", f.name, slot), func(t *testing.T) {
				data := append([]byte(nil), whole...)
				for i := range f.size {
					data[slot*bolt.PageSize+f.offset+i] ^= 0x55
				}
				path := file(t, data)
				_, err := bolt.Open(bolt.Options{Path: path})
				var damage *bolt.DamageError
				if !errors.As(err, &damage) || !errors.Is(err, store.ErrCorrupt) {
					t.Fatalf("Open: got error %v, want a DamageError", err)
				}
				if damage.Part != fmt.Sprintf("meta page %d", slot) || !strings.Contains(damage.Reason, f.want) || !damage.OtherMetaWhole {
					t.Errorf("Open says %v (other whole: %v), want meta page %d, %s", err, damage.OtherMetaWhole, slot, f.want)
				}
				goOn(t, path, 200, lost)
			})
		}
	}
}

// goOn accepts the lost commit: all but the newest record must be there, and
// revisions must not repeat.
func goOn(t *testing.T, path string, n int, lost bool) {
	t.Helper()
	e, err := bolt.Open(bolt.Options{Path: path, AcceptLostCommit: true})
	if err != nil {
		t.Fatalf("Open with AcceptLostCommit: %v", err)
	}
	if e.LostCommit() != lost {
		t.Errorf("LostCommit = %v, want %v", !lost, lost)
	}
	for i := range n {
		if got, err := e.Get(context.Background(), key(i)); err != nil || string(got.Value) != string(value(i)) {
			t.Fatalf("record %d after going on: %v", i, err)
		}
	}
	rev, err := e.Commit(context.Background(), nil, []store.Write{{Key: []byte("new")}})
	if err != nil || rev <= 5 || (lost && rev <= 1000) {
		t.Errorf("Commit afterwards = %d, %v; want a revision beyond any that may be lost", rev, err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	again, err := bolt.Open(bolt.Options{Path: path})
	if err != nil {
		t.Fatalf("Open after it was accepted once: %v", err)
	}
	if again.LostCommit() {
		t.Error("LostCommit = true although the file is whole again")
	}
	again.Close()
}

func TestUnrelatedMetas(t *testing.T) {
	whole := database(t, 10)
	for _, c := range []struct {
		name   string
		change func(data []byte)
	}{
		{"one meta page is far behind", func(data []byte) {
			txid := binary.NativeEndian.Uint64(data[bolt.PageSize+64:])
			binary.NativeEndian.PutUint64(data[bolt.PageSize+64:], txid+4)
			sum(data, 1)
		}},
		{"they are in each other's place", func(data []byte) {
			zero := append([]byte(nil), data[:bolt.PageSize]...)
			copy(data, data[bolt.PageSize:2*bolt.PageSize])
			copy(data[bolt.PageSize:], zero)
			data[0], data[bolt.PageSize] = 0, 1 // the page numbers
		}},
		{"one is a copy of the other", func(data []byte) {
			copy(data[:bolt.PageSize], data[bolt.PageSize:])
			data[0] = 0
		}},
		{"both are damaged", func(data []byte) { data[70], data[bolt.PageSize+70] = 1, 1 }},
		{"both are blank", func(data []byte) { clear(data[:2*bolt.PageSize]) }},
	} {
		for _, accept := range []bool{false, true} {
			data := append([]byte(nil), whole...)
			c.change(data)
			_, err := bolt.Open(bolt.Options{Path: file(t, data), AcceptLostCommit: accept})
			var damage *bolt.DamageError
			if !errors.As(err, &damage) || damage.OtherMetaWhole {
				t.Errorf("%s (accept: %v): got error %v, want a DamageError that nothing helps", c.name, accept, err)
			}
		}
	}
}

// TestCutShort cuts the file at 200 places: below its high-water mark it must
// be refused, and it must never be made anew.
func TestCutShort(t *testing.T) {
	whole := database(t, 300)
	used := len(whole)
	path := file(t, whole)
	for i := 200; i >= 0; i-- {
		size := used * i / 200
		if err := os.Truncate(path, int64(size)); err != nil {
			t.Fatal(err)
		}
		for _, accept := range []bool{false, true} {
			e, err := bolt.Open(bolt.Options{Path: path, AcceptLostCommit: accept})
			if i == 200 && err == nil {
				e.Close()
				continue
			}
			var damage *bolt.DamageError
			if !errors.As(err, &damage) {
				t.Fatalf("cut at %d of %d: got error %v, want a DamageError", size, used, err)
			}
		}
		if info, err := os.Stat(path); err != nil || info.Size() != int64(size) {
			t.Fatalf("cut at %d: the file was changed: %v, %v", size, info.Size(), err)
		}
	}
}

func TestMissingAndExisting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "amparo.db")
	if _, err := bolt.Open(bolt.Options{Path: path}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of a missing file: got error %v, want %v", err, fs.ErrNotExist)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("Open has made a file")
	}
	e, path := create(t)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	if names, _ := os.ReadDir(filepath.Dir(path)); len(names) != 1 {
		t.Errorf("Create left %d files, want 1", len(names))
	}
	if _, err := bolt.Create(bolt.Options{Path: path}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create over a database: got error %v, want %v", err, fs.ErrExist)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	empty := file(t, nil)
	if _, err := bolt.Create(bolt.Options{Path: empty}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create over an empty file: got error %v, want %v", err, fs.ErrExist)
	}
}

func TestHeld(t *testing.T) {
	e, path := create(t)
	asked := time.Now()
	if _, err := bolt.Open(bolt.Options{Path: path}); !errors.Is(err, bolt.ErrHeld) {
		t.Errorf("Open of a held file: got error %v, want %v", err, bolt.ErrHeld)
	}
	if took := time.Since(asked); took > time.Second {
		t.Errorf("it took %v to say so, want less than a second", took)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	reopen(t, path)
}

// TestMisleadingPages damages what would lead bbolt into a recursion without an
// end, or an allocation without a bound, which no recover would catch.
func TestMisleadingPages(t *testing.T) {
	whole := database(t, 3000)
	word := binary.NativeEndian
	newest := 0
	if word.Uint64(whole[bolt.PageSize+64:]) > word.Uint64(whole[64:]) {
		newest = bolt.PageSize
	}
	page := func(id uint64) int { return int(id) * bolt.PageSize }
	freelist := page(word.Uint64(whole[newest+48:]))
	rootPage := page(word.Uint64(whole[newest+32:]))
	tree := word.Uint64(whole[rootPage+32+len("entries"):]) // after one element
	if whole[page(tree)+8] != 1 {
		t.Fatalf("page %d is not a branch page", tree)
	}
	child := page(tree) + 16 + 8
	for _, c := range []struct {
		name   string
		change func(data []byte)
	}{
		{"branch page leads to itself", func(d []byte) { word.PutUint64(d[child:], tree) }},
		{"branch page leads to one page twice", func(d []byte) { copy(d[child:child+8], d[child+16:]) }},
		{"branch page leads out of the file", func(d []byte) { word.PutUint64(d[child:], 1<<40) }},
		{"branch page leads to a meta page", func(d []byte) { word.PutUint64(d[child:], 0) }},
		{"branch page has too many children", func(d []byte) { word.PutUint16(d[page(tree)+10:], 60000) }},
		{"branch page has no children", func(d []byte) { word.PutUint16(d[page(tree)+10:], 0) }},
		{"branch page is longer than the file", func(d []byte) { word.PutUint32(d[page(tree)+12:], 1<<30) }},
		{"key lies beyond its page", func(d []byte) { word.PutUint32(d[page(tree)+16+4:], 1<<30) }},
		{"freelist is absurdly long", func(d []byte) {
			word.PutUint16(d[freelist+10:], 0xFFFF)
			word.PutUint64(d[freelist+16:], 1<<38)
		}},
		{"freelist holds a page in use", func(d []byte) {
			word.PutUint16(d[freelist+10:], 1)
			word.PutUint64(d[freelist+16:], tree)
		}},
		{"freelist holds a page twice", func(d []byte) {
			word.PutUint16(d[freelist+10:], 2)
			copy(d[freelist+24:freelist+32], d[freelist+16:])
		}},
	} {
		for _, accept := range []bool{false, true} {
			data := append([]byte(nil), whole...)
			c.change(data)
			_, err := bolt.Open(bolt.Options{Path: file(t, data), AcceptLostCommit: accept})
			var damage *bolt.DamageError
			if !errors.As(err, &damage) {
				t.Errorf("%s (accept: %v): got error %v, want a DamageError", c.name, accept, err)
			}
		}
	}
}
