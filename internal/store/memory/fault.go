package memory

import (
	"context"
	"sync"
	"time"
)

// Kind is a method of the engine.
type Kind string

// The methods that can be made to fail.
const (
	Get    Kind = "get"
	Scan   Kind = "scan"
	Commit Kind = "commit"
	Watch  Kind = "watch"
)

// Call is one call of a method: N counts the calls of its kind from 1, since
// the fault function was installed.
type Call struct {
	Kind Kind
	N    int
}

// Fault is what happens to a call. The zero Fault lets it through.
type Fault struct {
	// Delay passes first; the call's context ends it early.
	Delay time.Duration
	// Before is returned instead of doing anything, as by a full disk
	// (store.ErrFull) or a stopped engine (store.ErrStopped).
	Before error
	// After is returned although everything was done, as by a commit whose
	// answer was lost (store.ErrUnknown). A call that is refused for a reason
	// of its own returns that reason. It has no meaning for Watch.
	After error
}

// Inject installs the function that decides about every call from now on; nil
// lets all of them through. The function is called by one call at a time.
func (e *Engine) Inject(decide func(Call) Fault) {
	e.faults.mu.Lock()
	defer e.faults.mu.Unlock()
	e.faults.decide = decide
	e.faults.seen = make(map[Kind]int)
}

type injector struct {
	mu     sync.Mutex
	decide func(Call) Fault
	seen   map[Kind]int
}

// enter is the first step of every method: it returns the error to fail with
// at once, or the one to fail with in the end.
func (i *injector) enter(ctx context.Context, kind Kind) (after, before error) {
	fault := i.next(kind)
	if err := wait(ctx, fault.Delay); err != nil {
		return nil, err
	}
	return fault.After, fault.Before
}

func (i *injector) next(kind Kind) Fault {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.decide == nil {
		return Fault{}
	}
	i.seen[kind]++
	return i.decide(Call{Kind: kind, N: i.seen[kind]})
}
