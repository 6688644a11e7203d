package witness_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amparo-project/amparo/internal/audit/audittest"
	"github.com/amparo-project/amparo/internal/witness"
)

// history is a witness's folder after each of its steps.
func history(t *testing.T, log *audittest.Log, steps int) (dirs []string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "witness")
	for n := range steps {
		r, stop := start(t, dir, log.PublicKey())
		if n > 0 {
			if got := r.post(submission(t, log, uint64(n-1), uint64(n))); got.code != 200 {
				t.Fatalf("step %d: %v", n, got)
			}
		}
		stop()
		dirs = append(dirs, copyOf(t, dir))
	}
	return dirs
}

func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "witness")
	if err := errors.Join(os.CopyFS(to, os.DirFS(dir)), os.Chmod(to, 0o700)); err != nil {
		t.Fatal(err)
	}
	return to
}

// TestAStart: what a crash leaves is gone on from, and whatever else is amiss is
// refused, since a witness that forgot could cosign another log.
func TestAStart(t *testing.T) {
	log := audittest.New(t).Grow(10)
	was := history(t, log, 5)
	strange := history(t, log, 2)[1]
	otherwise := copyOf(t, was[3]) // the same witness, had it gone another way
	r, stop := start(t, otherwise, log.PublicKey())
	if got := r.post(submission(t, log, 3, 5)); got.code != 200 {
		t.Fatalf("%v", got)
	}
	stop()
	file := func(dir, name string) []byte {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	put := func(dir, name string, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	from := func(dir, name string) func(string) { return func(to string) { put(to, name, file(dir, name)) } }
	remove := func(names ...string) func(string) {
		return func(dir string) {
			for _, name := range names {
				if err := os.Remove(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	flipped := func(name string) func(string) {
		return func(dir string) {
			text := file(dir, name)
			text[len(text)/2] ^= 1
			put(dir, name, text)
		}
	}
	cut := func(name string) func(string) {
		return func(dir string) { put(dir, name, file(dir, name)[:60]) }
	}
	for _, row := range []struct {
		name   string
		happen func(dir string) // to the folder after four steps
		holds  uint64           // leaves; 0 for a start that is refused
	}{
		{"nothing happens", func(string) {}, 4},
		{"a crash before the second file", from(was[3], "kept"), 4},
		{"an older second file", from(was[2], "kept"), 0},
		{"an older first file", from(was[3], "promised"), 0},
		{"a much older first file", from(was[0], "promised"), 0},
		{"two files of one step that differ", from(otherwise, "promised"), 0},
		{"no first file", remove("promised"), 0},
		{"no second file", remove("kept"), 0},
		{"no state at all", remove("promised", "kept"), 0},
		{"no key", remove("key"), 0},
		{"another key", from(strange, "key"), 0},
		{"another's state", func(dir string) { from(strange, "kept")(dir); from(strange, "promised")(dir) }, 0},
		{"the first file is changed", flipped("promised"), 0},
		{"the second file is changed", flipped("kept"), 0},
		{"the key is changed", flipped("key"), 0},
		{"the first file is cut short", cut("promised"), 0},
		{"the key is cut short", cut("key"), 0},
		{"an empty file", func(dir string) { put(dir, "kept", nil) }, 0},
		{"others can look into it", func(dir string) { os.Chmod(dir, 0o750) }, 0},
	} {
		dir := copyOf(t, was[4])
		row.happen(dir)
		w, err := witness.Open(dir, []string{log.PublicKey()}, nil)
		if (err == nil) != (row.holds > 0) {
			t.Errorf("%s: %v", row.name, err)
		}
		if err != nil {
			continue
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		r, _ := start(t, dir, log.PublicKey())
		if at := r.size(log); at != row.holds {
			t.Errorf("%s: it holds %d leaves, want %d", row.name, at, row.holds)
		}
	}
}

// TestALogOfAnotherKey: what was cosigned must be the log's that it is configured with.
func TestALogOfAnotherKey(t *testing.T) {
	log := audittest.New(t).Grow(3)
	dir := history(t, log, 2)[1]
	other := audittest.New(t)
	// The same name, and so the same log, under another key: as after a mistake in a
	// unit file.
	key := strings.Replace(log.PublicKey(), log.PublicKey()[strings.LastIndex(log.PublicKey(), "+"):], other.PublicKey()[strings.LastIndex(other.PublicKey(), "+"):], 1)
	if _, err := witness.Open(dir, []string{key}, nil); !errors.Is(err, witness.ErrKey) {
		t.Errorf("a key whose hash does not fit: %v", err)
	}
	if _, err := witness.Open(dir, []string{audittest.Named(t, log.Origin()).PublicKey()}, nil); !errors.Is(err, witness.ErrDamaged) {
		t.Errorf("another key of the same name: %v", err)
	}
}

// TestAFirstStartThatWasInterrupted left no key, so nothing was signed.
func TestAFirstStartThatWasInterrupted(t *testing.T) {
	log := audittest.New(t).Grow(2)
	for _, missing := range [][]string{{"key"}, {"key", "kept"}, {"key", "kept", "promised"}} {
		dir := copyOf(t, history(t, log, 1)[0])
		for _, name := range missing {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		r, _ := start(t, dir, log.PublicKey())
		if got := r.post(submission(t, log, 0, 1)); got.code != 200 {
			t.Errorf("without %v: %v", missing, got)
		}
	}
}

func TestAFolderIsPrivateAndHeld(t *testing.T) {
	log := audittest.New(t).Grow(2)
	dir := filepath.Join(t.TempDir(), "witness")
	r, stop := start(t, dir, log.PublicKey())
	r.post(submission(t, log, 0, 1))
	if _, err := witness.Open(dir, []string{log.PublicKey()}, nil); !errors.Is(err, witness.ErrHeld) {
		t.Errorf("a second witness: %v", err)
	}
	key := r.w.Key()
	stop()
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder: %v, %v", info.Mode(), err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 4 {
		t.Errorf("%d files: %v", len(entries), err)
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", entry.Name(), info.Mode(), err)
		}
	}
	again, _ := start(t, dir, log.PublicKey())
	if again.w.Key() != key {
		t.Error("the key is another one after a start")
	}
}
