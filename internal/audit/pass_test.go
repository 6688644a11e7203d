package audit_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/store"
)

// counted is a log of n leaves, of which the i-th was counted as count says. Leaves
// that are counted one after the other lie side by side.
func counted(t testing.TB, n int, count func(i int) uint32) (audit.Config, *audit.Log) {
	t.Helper()
	config := newLog(t)
	l := open(t, config)
	for from := 0; from < n; from += 50 {
		var writes []store.Write
		for i := from; i < min(n, from+50); i++ {
			// One commit's leaves are in the order of their keys, so each has its own.
			w, err := audit.NewLeaf(config.Sealer, read(), evening.Add(time.Duration(i)*time.Second), count(i))
			if err != nil {
				t.Fatal(err)
			}
			writes = append(writes, w)
		}
		if _, err := config.Engine.Commit(t.Context(), nil, writes); err != nil {
			t.Fatal(err)
		}
	}
	catchUp(t, l)
	return config, l
}

// scanning counts what is read of an engine by scans.
type scanning struct {
	store.Engine
	mu             sync.Mutex
	scans, entries int
}

func (s *scanning) Scan(ctx context.Context, prefix, after []byte, limit int) ([]store.Entry, error) {
	found, err := s.Engine.Scan(ctx, prefix, after, limit)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scans++
	s.entries += len(found)
	return found, err
}

// one reads every leaf by itself, with a proof of its own.
func one(t testing.TB, l *audit.Log) [][]byte {
	t.Helper()
	raws := make([][]byte, l.State().Size)
	for i := range raws {
		var err error
		if raws[i], err = l.Leaf(t.Context(), uint64(i)); err != nil {
			t.Fatal(err)
		}
	}
	return raws
}

func passed(ctx context.Context, l *audit.Log, from, to int) (raws [][]byte, err error) {
	err = l.Leaves(ctx, uint64(from), uint64(to), func(raw []byte) error {
		raws = append(raws, raw)
		return nil
	})
	return raws, err
}

// TestLeavesWhereverTheyLie: however leaves lie in the store, they come in the order
// of the log, and without reading the store over and over.
func TestLeavesWhereverTheyLie(t *testing.T) {
	const n = 1100
	for _, c := range []struct {
		name  string
		count func(i int) uint32
		scans int // of the engine, at most
	}{
		{"one after the other", func(i int) uint32 { return uint32(i) }, 5},
		{"nobody counted", func(int) uint32 { return 0 }, 80},
		{"the service was started anew five times a day", func(i int) uint32 { return uint32(i % 220) }, 60},
		{"backwards", func(i int) uint32 { return uint32(n - i) }, 20},
		{"all over the store", func(int) uint32 { return rand.Uint32() }, n},
	} {
		config, l := counted(t, n, c.count)
		want := one(t, l)
		counting := &scanning{Engine: config.Engine}
		config.Engine = counting
		got, err := passed(t.Context(), open(t, config), 0, n)
		if err != nil || !slices.EqualFunc(got, want, bytes.Equal) {
			t.Errorf("%s: %v, %d leaves, or others", c.name, err, len(got))
		}
		if counting.scans > c.scans+10 || counting.entries > 10*n { // ten to open it
			t.Errorf("%s: %d scans of %d entries, want at most %d", c.name, counting.scans, counting.entries, c.scans)
		}
		for range 20 {
			from := rand.IntN(n + 1)
			to := from + rand.IntN(n+1-from)
			got, err := passed(t.Context(), l, from, to)
			if err != nil || !slices.EqualFunc(got, want[from:to], bytes.Equal) {
				t.Errorf("%s: leaves %d to %d: %v, or others", c.name, from, to, err)
			}
		}
	}
}

// TestLeavesFarApart: where the leaves of a chunk lie among many others, not all of those
// are read.
func TestLeavesFarApart(t *testing.T) {
	config, l := counted(t, 5000, func(int) uint32 { return rand.Uint32() })
	counting := &scanning{Engine: config.Engine}
	config.Engine = counting
	apart := open(t, config)
	before := counting.entries
	got, err := passed(t.Context(), apart, 0, 256)
	if err != nil || len(got) != 256 {
		t.Errorf("%v, %d leaves of %d", err, len(got), l.State().Size)
	}
	if read := counting.entries - before; read > 10*256 {
		t.Errorf("%d entries were read to find 256", read)
	}
}

// TestLeavesOfEverySize holds the end of the log, which no node stands over yet, at
// every size.
func TestLeavesOfEverySize(t *testing.T) {
	config := newLog(t)
	l := open(t, config)
	for n := range 530 {
		if got, err := passed(t.Context(), l, 0, n); err != nil || len(got) != n {
			t.Fatalf("%d leaves: %v, got %d", n, err, len(got))
		}
		record(t, config, evening, read())
		catchUp(t, l)
	}
	for _, wrong := range [][2]int{{1, 0}, {0, 531}, {600, 600}} {
		if _, err := passed(t.Context(), l, wrong[0], wrong[1]); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("leaves %v: %v, want ErrInvalid", wrong, err)
		}
	}
}

// TestNoWrongLeafPasses damages one leaf after the other: those before its chunk may
// pass, and nothing else ever does.
func TestNoWrongLeafPasses(t *testing.T) {
	const n = 700
	for _, at := range []int{0, 1, 255, 256, 300, 511, 512, 699} {
		for name, damage := range map[string]func(e store.Engine, key []byte, config audit.Config){
			"removed": func(e store.Engine, key []byte, _ audit.Config) { remove(t, e, key) },
			"altered": func(e store.Engine, key []byte, _ audit.Config) {
				value := get(t, e, key)
				value[20] ^= 1
				put(t, e, key, value)
			},
			"another sealed in its place": func(e store.Engine, key []byte, config audit.Config) {
				put(t, e, key, config.Sealer.SealLeaf(key[1:], []byte("another leaf")))
			},
		} {
			config, l := counted(t, n, func(i int) uint32 { return uint32(i) })
			want := one(t, l)
			damage(config.Engine, leafKey(t, config.Engine, at), config)
			got, err := passed(t.Context(), l, 0, n)
			if !errors.Is(err, audit.ErrBroken) {
				t.Errorf("leaf %d is %s: %v, want ErrBroken", at, name, err)
			}
			if len(got) > at/256*256 || !slices.EqualFunc(got, want[:len(got)], bytes.Equal) {
				t.Errorf("leaf %d is %s: %d leaves pass, or others", at, name, len(got))
			}
			if rest, err := passed(t.Context(), l, (at/256+1)*256%n, n); at < 512 && (err != nil || len(rest) == 0) {
				t.Errorf("leaf %d is %s: what lies behind it: %v", at, name, err)
			}
		}
	}
}

// TestNoWrongChunkPasses replaces a leaf, and the node of the tree over its chunk so that
// the two agree: whoever could seal leaves could do it. Nothing above them does.
func TestNoWrongChunkPasses(t *testing.T) {
	config, l := counted(t, 1100, func(i int) uint32 { return uint32(i) })
	raws := one(t, l)
	raws[17] = []byte("another leaf")
	key := leafKey(t, config.Engine, 17)
	put(t, config.Engine, key, config.Sealer.SealLeaf(key[1:], raws[17]))
	node := merkle(raws[:256])
	const index = 2*256 - 2 // in the stored order
	chunk := get(t, config.Engine, chunkKey('h', index/256))
	copy(chunk[index%256*32:], node[:])
	put(t, config.Engine, chunkKey('h', index/256), chunk)
	if got, err := passed(t.Context(), l, 0, 1100); !errors.Is(err, audit.ErrBroken) || len(got) > 0 {
		t.Errorf("%v, %d leaves pass", err, len(got))
	}
}

// TestForeignKeysBesideLeaves: keys of a form that no leaf has neither pass for one
// nor keep the others from being found.
func TestForeignKeysBesideLeaves(t *testing.T) {
	config, l := counted(t, 300, func(i int) uint32 { return uint32(i) })
	want := one(t, l)
	for i := range 300 {
		key := leafKey(t, config.Engine, i)
		for at := len(key) - 1; ; at-- {
			if key[at]--; key[at] != 0xff {
				break
			}
		}
		foreign := 3
		if i%100 == 50 {
			foreign = 300 // more than is read at a time
		}
		for j := range foreign {
			put(t, config.Engine, binary.BigEndian.AppendUint16(key, uint16(j)), []byte("x"))
		}
	}
	if got, err := passed(t.Context(), l, 0, 300); err != nil || !slices.EqualFunc(got, want, bytes.Equal) {
		t.Errorf("%v, %d leaves, or others", err, len(got))
	}
}

func TestLeavesStopWhereTheyAreStopped(t *testing.T) {
	_, l := counted(t, 700, func(i int) uint32 { return uint32(i) })
	stop := errors.New("stop")
	seen := 0
	err := l.Leaves(t.Context(), 0, 700, func([]byte) error {
		if seen++; seen == 300 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || seen != 300 {
		t.Errorf("%v after %d leaves", err, seen)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := passed(ctx, l, 0, 700); !errors.Is(err, context.Canceled) || len(got) > 0 {
		t.Errorf("%v, %d leaves", err, len(got))
	}
}

// unwell is a sealer that does not live to open a leaf.
type unwell struct{ audit.Sealer }

func (unwell) OpenLeaf([]byte, []byte) ([]byte, error) { panic("wrong") }

// TestAPanicIsTheCallers: what goes wrong on another core ends the call, and not the
// service.
func TestAPanicIsTheCallers(t *testing.T) {
	config, l := counted(t, 700, func(i int) uint32 { return uint32(i) })
	config.Sealer = unwell{config.Sealer}
	for name, call := range map[string]func() error{
		"the caller's own": func() error { return l.Leaves(t.Context(), 0, 700, func([]byte) error { panic("wrong") }) },
		"of a core":        func() error { return open(t, config).Leaves(t.Context(), 0, 700, func([]byte) error { return nil }) },
	} {
		func() {
			defer func() {
				if p := recover(); p != "wrong" {
					t.Errorf("a panic %s became %v", name, p)
				}
			}()
			t.Errorf("a panic %s: %v", name, call())
		}()
	}
}
