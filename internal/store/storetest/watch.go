package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/amparo-project/amparo/internal/store"
)

// watch collects commits after from until it has n of them.
func watch(t testing.TB, e store.Engine, from store.Revision, n int) []store.Batch {
	t.Helper()
	var seen []store.Batch
	enough := errors.New("enough")
	err := e.Watch(context.Background(), from, func(b store.Batch) error {
		if seen = append(seen, b); len(seen) == n {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Errorf("Watch from %d: got error %v, want %v", from, err, enough)
	}
	return seen
}

func testWatchOrder(t *testing.T, e store.Engine) {
	const workers, each = 8, 25
	start := commit(t, e, put("start", ""))
	var watchers, writers sync.WaitGroup
	histories := make([][]store.Batch, 3)
	for i := range histories {
		watchers.Go(func() { histories[i] = watch(t, e, start, workers*each) })
	}
	for w := range workers {
		writers.Go(func() {
			for i := range each {
				key := fmt.Sprintf("%d/%d", w, i)
				rev, err := e.Commit(context.Background(), nil, []store.Write{put(key, ""), put("last", key)})
				if err != nil {
					t.Error(err)
				}
				if got := watch(t, e, rev-1, 1); len(got) == 1 && got[0].Revision != rev {
					t.Errorf("after Commit returned %d, Watch showed %s", rev, show(got[0]))
				}
			}
		})
	}
	writers.Wait()
	watchers.Wait()
	seen := make(map[string]bool)
	last := start
	for _, b := range histories[0] {
		if b.Revision <= last || len(b.Writes) != 2 || string(b.Writes[1].Key) != "last" {
			t.Fatalf("after revision %d came %s", last, show(b))
		}
		last = b.Revision
		seen[string(b.Writes[0].Key)] = true
	}
	if len(seen) != workers*each {
		t.Errorf("the watcher saw %d of %d commits", len(seen), workers*each)
	}
	if got := mustGet(t, e, "last").Revision; got != last {
		t.Errorf("the last commit shown is %d, the last one stored %d", last, got)
	}
	for _, other := range histories[1:] {
		for i := range other {
			if got, want := show(other[i]), show(histories[0][i]); got != want {
				t.Fatalf("two watchers differ: %s and %s", got, want)
			}
		}
	}
}

func testWatchFrom(t *testing.T, e store.Engine) {
	first := commit(t, e, put("a", "1"))
	second := commit(t, e, put("b", "2"), remove("a"), put("empty", ""))
	if _, err := e.Commit(context.Background(), []store.Condition{at("a", first)}, []store.Write{put("no", "")}); !errors.Is(err, store.ErrConflict) {
		t.Fatalf("Commit: got error %v, want %v", err, store.ErrConflict)
	}
	third := commit(t, e, put("c", "3"))
	want := fmt.Sprintf("%d: +b=2 -a +empty=|%d: +c=3", second, third)
	var got []string
	for _, b := range watch(t, e, first, 2) {
		got = append(got, show(b))
	}
	if strings.Join(got, "|") != want {
		t.Errorf("Watch from %d = %s, want %s", first, strings.Join(got, "|"), want)
	}

	ahead := make(chan []store.Batch)
	go func() { ahead <- watch(t, e, third+1, 1) }()
	commit(t, e, put("d", ""))
	fifth := commit(t, e, put("e", ""))
	if got := <-ahead; len(got) != 1 || got[0].Revision != fifth {
		t.Errorf("Watch from a revision ahead = %v, want the commit %d", got, fifth)
	}
}

func testWatchEnds(t *testing.T, e store.Engine) {
	rev := commit(t, e, put("a", ""))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- e.Watch(ctx, rev, func(store.Batch) error { return nil }) }()
	cancel()
	wantErr(t, "Watch whose context ends", <-ended, context.Canceled)

	commit(t, e, put("b", ""))
	mine := errors.New("mine")
	calls := 0
	err := e.Watch(context.Background(), rev-1, func(store.Batch) error { calls++; return mine })
	wantErr(t, "Watch whose function fails", err, mine)
	if calls != 1 {
		t.Errorf("the function was called %d times, want once", calls)
	}

	now := commit(t, e, put("c", ""))
	go func() { ended <- e.Watch(context.Background(), now, func(store.Batch) error { return nil }) }()
	if err := e.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	wantErr(t, "Watch of a closed engine", <-ended, store.ErrStopped)
}

// RunBounded tests an engine that remembers its latest commits only, at the
// most 48 MiB of them: a watcher that is further behind is told so.
func RunBounded(t *testing.T, open func(*testing.T) store.Engine) {
	e := open(t)
	defer e.Close()
	first := commit(t, e, put("first", ""))
	big := store.Write{Key: []byte("big"), Value: make([]byte, store.MaxCommitBytes-3)}

	fill := func() (last store.Revision) {
		for range 48 {
			last = commit(t, e, big)
		}
		return last
	}
	slow := e.Watch(context.Background(), first-1, func(b store.Batch) error {
		if b.Revision == first {
			fill()
			return nil
		}
		return fmt.Errorf("got commit %d", b.Revision)
	})
	wantErr(t, "Watch that is too slow", slow, store.ErrCompacted)
	last := fill()
	err := e.Watch(context.Background(), first, func(store.Batch) error { return nil })
	wantErr(t, "Watch from long ago", err, store.ErrCompacted)
	if got := watch(t, e, last-1, 1); len(got) != 1 || got[0].Revision != last {
		t.Errorf("Watch of the last commit = %v, want %d", got, last)
	}
}
