// Package storetest is the one test suite that every storage engine passes.
//
// An engine's own test calls Run with a function that opens an empty engine;
// an engine that keeps its data calls RunDurable as well, and one that
// remembers a bounded number of commits for its watchers calls RunBounded. The
// suite says what package store says, sentence by sentence, and compares long
// random histories with a map. Crashes, full disks and damaged files differ
// from engine to engine and are tested beside each.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/amparo-project/amparo/internal/store"
)

// Run tests an engine. open returns an empty one; the suite closes it.
func Run(t *testing.T, open func(*testing.T) store.Engine) {
	for _, c := range []struct {
		name string
		test func(*testing.T, store.Engine)
	}{
		{"get", testGet},
		{"slices belong to the caller", testSlices},
		{"scan pages", testScanPages},
		{"scan borders", testScanBorders},
		{"conditions", testConditions},
		{"a refused commit writes nothing", testAtomic},
		{"limits", testLimits},
		{"counting together", testCounting},
		{"the last one wins", testLastWins},
		{"scan sees one moment", testOneMoment},
		{"watch in order", testWatchOrder},
		{"watch from the middle", testWatchFrom},
		{"watch ends", testWatchEnds},
		{"context", testContext},
		{"close", testClose},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := open(t)
			c.test(t, e)
			if err := e.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
	t.Run("like a map", func(t *testing.T) { testModel(t, open) })
}

// commit commits without conditions and fails the test if that fails.
func commit(t testing.TB, e store.Engine, writes ...store.Write) store.Revision {
	t.Helper()
	rev, err := e.Commit(context.Background(), nil, writes)
	if err != nil {
		t.Fatalf("Commit: %v", err)
	}
	return rev
}

func put(key, value string) store.Write {
	return store.Write{Key: []byte(key), Value: []byte(value)}
}

func remove(key string) store.Write { return store.Write{Key: []byte(key), Delete: true} }

func at(key string, rev store.Revision) store.Condition {
	return store.Condition{Key: []byte(key), Revision: rev}
}

func mustGet(t testing.TB, e store.Engine, key string) store.Entry {
	t.Helper()
	found, err := e.Get(context.Background(), []byte(key))
	if err != nil {
		t.Fatalf("Get %q: %v", key, err)
	}
	return found
}

// keys scans and returns "k1 k2 k3".
func keys(t testing.TB, e store.Engine, prefix, after string, limit int) string {
	t.Helper()
	var from []byte
	if after != "" {
		from = []byte(after)
	}
	found, err := e.Scan(context.Background(), []byte(prefix), from, limit)
	if err != nil {
		t.Fatalf("Scan %q after %q: %v", prefix, after, err)
	}
	var out bytes.Buffer
	for i, f := range found {
		if i > 0 {
			out.WriteByte(' ')
		}
		out.Write(f.Key)
	}
	return out.String()
}

func wantErr(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", what, got, want)
	}
}

// show renders a batch as "rev: +key=value -key".
func show(b store.Batch) string {
	out := fmt.Sprintf("%d:", b.Revision)
	for _, w := range b.Writes {
		if w.Delete {
			out += " -" + string(w.Key)
		} else {
			out += " +" + string(w.Key) + "=" + string(w.Value)
		}
	}
	return out
}
