package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/store"
)

// shortened is a folder with more than one chunk of a log, as it is and as it was.
type shortened struct {
	dataFolder
	was        [][]store.Entry // the log's entries, at some moments before
	leaves     int
	checkpoint string // a file with the newest one
}

// newShortened makes a log of some 300 leaves. Each records a change, but for the last
// five, which are of readings.
func newShortened(t *testing.T) *shortened {
	s := &shortened{dataFolder: newFolder(t)}
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_NOTE)
	snap := func() {
		s.change(func(all []store.Entry) []store.Write {
			s.was = append(s.was, all)
			return replace(all[0], all[0].Value) // as it was
		})
	}
	for _, notes := range []int{1, 90, 170, 20, 1} {
		s.open(func(u *unsealed) {
			for range notes {
				_, err := u.records.Update(context.Background(), grant, records.Request{}, records.Targets(s.caseID), func(w *records.Work) (proto.Message, error) {
					w.File(0).Append(&amparov1.TimelineEntry{Text: "a note"})
					return nil, nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
		})
		snap()
	}
	s.checkpoint = filepath.Join(t.TempDir(), "newest.note")
	s.read(5)
	s.open(func(u *unsealed) {
		if err := u.log.CatchUp(context.Background()); err != nil {
			t.Fatal(err)
		}
		s.leaves = int(u.records.LogSize())
		if err := os.WriteFile(s.checkpoint, []byte(u.log.Checkpoint()), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	return s
}

// read leaves so many leaves of readings.
func (f dataFolder) read(n int) {
	f.t.Helper()
	f.open(func(u *unsealed) {
		for range n {
			grant := access.Service(amparov1.LeafAction_LEAF_ACTION_NOTE)
			if err := u.records.Note(context.Background(), grant, &amparov1.AuditLeaf{}); err != nil {
				f.t.Fatal(err)
			}
		}
	})
}

// damage is one way to make a log shorter.
type damage struct {
	name   string
	writes func(all []store.Entry) []store.Write
	whole  bool // nothing is missing after it
	quiet  bool // what is missing changed nothing, so only who saw a checkpoint knows
}

// leavesOf returns the leaves in the order in which they were stored.
func leavesOf(all []store.Entry) (leaves []store.Entry) {
	for _, e := range all {
		if e.Key[0] == 'l' {
			leaves = append(leaves, e)
		}
	}
	return leaves
}

// damages are several hundred.
func (s *shortened) damages() (all []damage) {
	for k := 1; k <= s.leaves; k++ {
		all = append(all,
			damage{name: fmt.Sprintf("the first %d leaves", k), writes: without(func(i, _ int) bool { return i < k })},
			damage{name: fmt.Sprintf("the last %d leaves", k), writes: without(func(i, n int) bool { return i >= n-k })})
	}
	for _, column := range []struct {
		prefix string
		width  int
	}{{"h", 32}, {"i", 16}} {
		for k := 1; k <= 3; k++ {
			all = append(all, damage{name: fmt.Sprintf("the last %d of %s", k, column.prefix), writes: func(all []store.Entry) []store.Write {
				e := nth(all, column.prefix, -1)
				return replace(e, e.Value[:len(e.Value)-k*column.width])
			}})
		}
		all = append(all, damage{name: "the last chunk of " + column.prefix, writes: func(all []store.Entry) []store.Write {
			return remove(nth(all, column.prefix, -1))
		}}, damage{name: "the first chunk of " + column.prefix, writes: func(all []store.Entry) []store.Write {
			return remove(nth(all, column.prefix, 0))
		}})
	}
	for _, prefixes := range []string{"s", "h", "i", "l", "hi", "shi", "shil"} {
		all = append(all, damage{name: "all of " + prefixes, writes: func(all []store.Entry) (writes []store.Write) {
			for _, e := range all {
				if strings.Contains(prefixes, string(e.Key[:1])) {
					writes = append(writes, remove(e)...)
				}
			}
			return writes
		}})
	}
	for n, was := range s.was {
		for _, prefixes := range []string{"s", "h", "i", "sh", "si", "hi", "shi"} {
			for _, cut := range []bool{false, true} {
				all = append(all, damage{
					name:   fmt.Sprintf("%s put back to moment %d, later leaves removed: %v", prefixes, n, cut),
					writes: func(all []store.Entry) []store.Write { return putBack(all, was, prefixes, cut) },
					// With its leaves there, a log comes to the same tree again.
					whole: prefixes == "shi" && !cut,
					quiet: prefixes == "shi" && cut && n == len(s.was)-1,
				})
			}
		}
	}
	return all
}

// without removes the leaves that gone says; the order is that of their keys, which is
// good enough to remove any number from either end.
func without(gone func(i, n int) bool) func(all []store.Entry) []store.Write {
	return func(all []store.Entry) (writes []store.Write) {
		leaves := leavesOf(all)
		for i, leaf := range leaves {
			if gone(i, len(leaves)) {
				writes = append(writes, remove(leaf)...)
			}
		}
		return writes
	}
}

// putBack gives the keys of some kinds the values that they had, and where cut is set
// removes the leaves that there were not yet.
func putBack(all, was []store.Entry, prefixes string, cut bool) (writes []store.Write) {
	before := map[string][]byte{}
	for _, e := range was {
		before[string(e.Key)] = e.Value
	}
	for _, e := range all {
		value, there := before[string(e.Key)]
		switch kind := string(e.Key[:1]); {
		case kind == "l" && cut && !there, strings.Contains(prefixes, kind) && !there:
			writes = append(writes, remove(e)...)
		case strings.Contains(prefixes, kind):
			writes = append(writes, replace(e, value)...)
		}
	}
	return writes
}

// TestAShortenedLogIsNotAccepted by amparod check, whatever was cut off it; and where
// only readings were cut off, not by check --checkpoint.
func TestAShortenedLogIsNotAccepted(t *testing.T) {
	t.Parallel()
	s := newShortened(t)
	if got := s.checkWith("--checkpoint", s.checkpoint); got.code != 0 {
		t.Fatalf("check of the whole log ends with %d: %s", got.code, got.said)
	}
	all := s.damages()
	every := 75
	if *long {
		every = 1
	}
	var slots sync.WaitGroup
	gate := make(chan struct{}, 2)
	tried := 0
	for n, d := range all {
		// The hundreds that differ by one leaf are sampled; the others are all tried.
		if n < 2*s.leaves && n%every > 1 {
			continue
		}
		tried++
		f := s.copyTo(t)
		f.change(d.writes)
		slots.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			defer os.RemoveAll(filepath.Dir(f.path))
			bare, known := f.check(), f.checkWith("--checkpoint", s.checkpoint)
			accepted := map[bool]int{true: 0, false: exitBroken}
			if bare.code != accepted[d.whole || d.quiet] || known.code != accepted[d.whole] {
				t.Errorf("%s: check ends with %d, and with a checkpoint with %d: %s%s", d.name, bare.code, known.code, bare.said, known.said)
			}
		})
	}
	slots.Wait()
	t.Logf("%d of %d ways to shorten a log of %d leaves were tried", tried, len(all), s.leaves)
}

// TestAForkedLogIsNotAccepted by whoever has seen the other: what was cut off was
// replaced, by as many leaves and by more.
func TestAForkedLogIsNotAccepted(t *testing.T) {
	t.Parallel()
	s := newShortened(t)
	for _, readings := range []int{5, 9} {
		f := s.copyTo(t)
		f.change(func(all []store.Entry) []store.Write { return putBack(all, s.was[len(s.was)-1], "shi", true) })
		f.read(readings)
		bare, known := f.check(), f.checkWith("--checkpoint", s.checkpoint)
		if bare.code != 0 || known.code != exitBroken {
			t.Errorf("%d other leaves: check ends with %d, and with a checkpoint with %d: %s%s", readings, bare.code, known.code, bare.said, known.said)
		}
	}
}

func (f dataFolder) checkWith(args ...string) outcome {
	f.t.Helper()
	return finish(f.t, amparod(f.t, append([]string{"check", "--data", f.path, "--identity", f.identity}, args...)...))
}
