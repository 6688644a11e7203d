package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/amparo-project/amparo/internal/store"
)

func testContext(t *testing.T, e store.Engine) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := e.Get(ctx, []byte("k"))
	wantErr(t, "Get", err, context.Canceled)
	_, err = e.Scan(ctx, nil, nil, 1)
	wantErr(t, "Scan", err, context.Canceled)
	_, err = e.Commit(ctx, nil, []store.Write{put("k", "")})
	wantErr(t, "Commit", err, context.Canceled)
	wantErr(t, "Watch", e.Watch(ctx, 0, func(store.Batch) error { return nil }), context.Canceled)
	if got := keys(t, e, "", "", 10); got != "" {
		t.Errorf("a commit whose context had ended wrote %q", got)
	}

	// Contexts that end at any moment: what is said of each commit must be true.
	const workers, each = 8, 40
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				key := fmt.Sprintf("%d/%d", w, i)
				ctx, cancel := context.WithCancel(context.Background())
				go cancel()
				_, said := e.Commit(ctx, nil, []store.Write{put(key, "")})
				_, found := e.Get(context.Background(), []byte(key))
				switch {
				case said == nil && found != nil:
					t.Errorf("%s: committed, but Get says %v", key, found)
				case errors.Is(said, context.Canceled) && !errors.Is(found, store.ErrNotFound):
					t.Errorf("%s: said not to be written, but Get says %v", key, found)
				case said != nil && !errors.Is(said, context.Canceled) && !errors.Is(said, store.ErrUnknown):
					t.Errorf("%s: got error %v", key, said)
				case errors.Is(said, store.ErrUnknown) && errors.Is(said, context.Canceled):
					t.Errorf("%s: unknown and yet the context's error: %v", key, said)
				}
			}
		})
	}
	wg.Wait()
}

func testClose(t *testing.T, e store.Engine) {
	const workers = 16
	ctx := context.Background()
	var wg sync.WaitGroup
	started := make(chan struct{}, workers)
	for w := range workers {
		wg.Go(func() {
			started <- struct{}{}
			for i := 0; ; i++ {
				_, err := e.Commit(ctx, nil, []store.Write{put(fmt.Sprintf("%d/%d", w, i), "")})
				if errors.Is(err, store.ErrStopped) {
					return
				}
				if err != nil {
					t.Errorf("Commit beside Close: %v", err)
					return
				}
			}
		})
	}
	for range workers {
		<-started
	}
	if err := e.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	wg.Wait()
	if err := e.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	_, err := e.Get(ctx, []byte("k"))
	wantErr(t, "Get after Close", err, store.ErrStopped)
	_, err = e.Scan(ctx, nil, nil, 1)
	wantErr(t, "Scan after Close", err, store.ErrStopped)
	_, err = e.Commit(ctx, nil, []store.Write{put("k", "")})
	wantErr(t, "Commit after Close", err, store.ErrStopped)
	wantErr(t, "Watch after Close", e.Watch(ctx, 0, func(store.Batch) error { return nil }), store.ErrStopped)
}

// RunDurable tests that an engine finds everything again. start returns a
// function that opens the same engine each time, empty at first.
func RunDurable(t *testing.T, start func(*testing.T) func() store.Engine) {
	open := start(t)
	e := open()
	a := commit(t, e, put("a", "1"), put("empty", ""))
	b := commit(t, e, put("b", "2"), put("gone", ""))
	last := commit(t, e, remove("gone"))
	if err := e.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}

	e = open()
	defer e.Close()
	if got := keys(t, e, "", "", 10); got != "a b empty" {
		t.Errorf("after opening again the keys are %q, want %q", got, "a b empty")
	}
	if got := mustGet(t, e, "a"); string(got.Value) != "1" || got.Revision != a {
		t.Errorf("after opening again a = %q at %d, want 1 at %d", got.Value, got.Revision, a)
	}
	_, err := e.Commit(context.Background(), []store.Condition{at("b", b), at("gone", 0)}, []store.Write{put("b", "3")})
	if err != nil {
		t.Errorf("conditions must hold over a restart: %v", err)
	}
	if got := mustGet(t, e, "b").Revision; got <= last {
		t.Errorf("after opening again revision %d was given, but %d was before", got, last)
	}
	if got := watch(t, e, last, 1); len(got) != 1 || string(got[0].Writes[0].Value) != "3" {
		t.Errorf("Watch over a restart = %v, want the commit of 3", got)
	}
}
