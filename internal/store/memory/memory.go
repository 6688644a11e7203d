// Package memory is a storage engine without a disk, for the tests of what is
// built on package store.
//
// It keeps the contract of store.Engine (storetest says so) except that nothing
// survives the process, and it fails on demand: Inject installs a function that
// decides for each call whether it fails before anything happens, fails after
// everything happened (an unknown outcome), or is late.
//
// Start with New. No binary links this package.
package memory

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/tidwall/btree"

	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/recent"
)

// Engine is a store.Engine in memory.
type Engine struct {
	mu       sync.RWMutex
	closed   bool
	revision store.Revision
	entries  btree.Map[string, entry]
	commits  *recent.Commits
	faults   injector
}

type entry struct {
	value    []byte
	revision store.Revision
}

// Limits bounds what the engine remembers for watchers, so that a test can see
// one fall behind.
type Limits struct {
	Batches int // 0 stands for 1,024
	Bytes   int // 0 stands for 16 MiB
}

// New returns an empty engine.
func New(limits Limits) *Engine {
	if limits.Batches == 0 {
		limits.Batches = 1024
	}
	if limits.Bytes == 0 {
		limits.Bytes = 16 << 20
	}
	return &Engine{commits: recent.New(0, limits.Batches, limits.Bytes)}
}

// Get implements store.Engine.
func (e *Engine) Get(ctx context.Context, key []byte) (store.Entry, error) {
	after, err := e.faults.enter(ctx, Get)
	if err != nil {
		return store.Entry{}, err
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed {
		return store.Entry{}, store.ErrStopped
	}
	found, ok := e.entries.Get(string(key))
	switch {
	case after != nil:
		return store.Entry{}, after
	case !ok:
		return store.Entry{}, store.ErrNotFound
	}
	return store.Entry{Key: bytes.Clone(key), Value: copyOf(found.value), Revision: found.revision}, nil
}

// Scan implements store.Engine.
func (e *Engine) Scan(ctx context.Context, prefix, after []byte, limit int) ([]store.Entry, error) {
	late, err := e.faults.enter(ctx, Scan)
	if err != nil {
		return nil, err
	}
	if limit < 1 {
		return nil, fmt.Errorf("%w: scan of %d entries", store.ErrLimit, limit)
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed {
		return nil, store.ErrStopped
	}
	start := string(prefix)
	if string(after) > start {
		start = string(after)
	}
	var found []store.Entry
	e.entries.Ascend(start, func(key string, v entry) bool {
		if !strings.HasPrefix(key, string(prefix)) {
			return false
		}
		if after == nil || key > string(after) {
			found = append(found, store.Entry{Key: []byte(key), Value: copyOf(v.value), Revision: v.revision})
		}
		return len(found) < limit
	})
	if late != nil {
		return nil, late
	}
	return found, nil
}

// Commit implements store.Engine.
func (e *Engine) Commit(ctx context.Context, conditions []store.Condition, writes []store.Write) (store.Revision, error) {
	after, err := e.faults.enter(ctx, Commit)
	if err != nil {
		return 0, err
	}
	if err := store.CheckCommit(conditions, writes); err != nil {
		return 0, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return 0, store.ErrStopped
	}
	for _, c := range conditions {
		if found, _ := e.entries.Get(string(c.Key)); found.revision != c.Revision {
			return 0, store.ErrConflict
		}
	}
	e.revision++
	batch := store.Batch{Revision: e.revision, Writes: make([]store.Write, len(writes))}
	for i, w := range writes {
		shown := store.Write{Key: bytes.Clone(w.Key), Delete: w.Delete}
		if w.Delete {
			e.entries.Delete(string(w.Key))
		} else {
			shown.Value = copyOf(w.Value)
			e.entries.Set(string(w.Key), entry{shown.Value, e.revision})
		}
		batch.Writes[i] = shown
	}
	e.commits.Append(batch)
	if after != nil {
		return 0, after
	}
	return e.revision, nil
}

// Watch implements store.Engine.
func (e *Engine) Watch(ctx context.Context, from store.Revision, fn func(store.Batch) error) error {
	if _, err := e.faults.enter(ctx, Watch); err != nil {
		return err
	}
	return e.commits.Watch(ctx, from, fn)
}

// Close implements store.Engine.
func (e *Engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	e.commits.Stop(store.ErrStopped)
	return nil
}

// copyOf returns a copy that is never nil: an empty value is a value.
func copyOf(value []byte) []byte { return append([]byte{}, value...) }

// wait sleeps, but not past the end of ctx.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
