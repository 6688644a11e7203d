package memory_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/memory"
	"github.com/amparo-project/amparo/internal/store/storetest"
)

func open(*testing.T) store.Engine { return memory.New(memory.Limits{}) }

func TestContract(t *testing.T) { storetest.Run(t, open) }

func TestBoundedMemory(t *testing.T) { storetest.RunBounded(t, open) }

func TestInjectedFaults(t *testing.T) {
	ctx := context.Background()
	writes := func(key string) []store.Write { return []store.Write{{Key: []byte(key)}} }
	e := memory.New(memory.Limits{})
	e.Inject(func(c memory.Call) memory.Fault {
		switch c {
		case memory.Call{Kind: memory.Commit, N: 1}:
			return memory.Fault{Before: store.ErrFull}
		case memory.Call{Kind: memory.Commit, N: 2}:
			return memory.Fault{After: store.ErrUnknown}
		case memory.Call{Kind: memory.Commit, N: 3}:
			return memory.Fault{Delay: time.Hour}
		}
		return memory.Fault{}
	})
	if _, err := e.Commit(ctx, nil, writes("full")); !errors.Is(err, store.ErrFull) {
		t.Errorf("first commit: got error %v, want %v", err, store.ErrFull)
	}
	if _, err := e.Commit(ctx, nil, writes("unknown")); !errors.Is(err, store.ErrUnknown) {
		t.Errorf("second commit: got error %v, want %v", err, store.ErrUnknown)
	}
	late, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	if _, err := e.Commit(late, nil, writes("late")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("third commit: got error %v, want %v", err, context.DeadlineExceeded)
	}
	for key, want := range map[string]error{"full": store.ErrNotFound, "unknown": nil, "late": store.ErrNotFound} {
		if _, err := e.Get(ctx, []byte(key)); !errors.Is(err, want) {
			t.Errorf("Get %q: got error %v, want %v", key, err, want)
		}
	}
	e.Inject(nil)
	if _, err := e.Commit(ctx, nil, writes("full")); err != nil {
		t.Errorf("commit without faults: %v", err)
	}
}
