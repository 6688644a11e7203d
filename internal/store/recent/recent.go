// Package recent keeps an engine's latest commits in memory for its watchers.
//
// An engine calls New with the revision that it starts from, Append with each
// group of commits once they are durable, and Stop when it ends; its Watch
// method is Commits.Watch. Batches are shared by reference, so a commit costs
// the same with one watcher as with many, and almost nothing without any. The
// memory is bounded by count and by bytes: whoever falls behind further than
// that is told so (store.ErrCompacted) and scans again.
//
// It leaves out any order of its own (the engine appends in the order of
// revisions) and anything on disk.
package recent

import (
	"context"
	"sort"
	"sync"

	"github.com/amparo-project/amparo/internal/store"
)

// chunk is how many batches a watcher takes at once: enough to make the lock
// cheap, few enough that a slow watcher holds little.
const chunk = 64

// Commits holds the latest commits. Its methods are safe for concurrent use.
type Commits struct {
	maxCount int
	maxBytes int

	mu      sync.Mutex
	batches []store.Batch  // ascending revisions, never changed in place
	bytes   int            // keys and values of batches
	floor   store.Revision // every commit after it is in batches
	changed chan struct{}  // closed at the next Append or Stop; nil when nobody waits
	stopped error
}

// New returns an empty Commits for an engine whose last commit was last.
// It keeps at most maxCount batches and maxBytes of keys and values, but always
// the latest batch.
func New(last store.Revision, maxCount, maxBytes int) *Commits {
	return &Commits{maxCount: maxCount, maxBytes: maxBytes, floor: last}
}

// Append adds durable commits in ascending order of revision.
func (c *Commits) Append(batches ...store.Batch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range batches {
		c.bytes += size(b)
	}
	c.batches = append(c.batches, batches...)
	drop := 0
	for left := len(c.batches); left > 1 && (left > c.maxCount || c.bytes > c.maxBytes); left-- {
		c.bytes -= size(c.batches[drop])
		c.floor = c.batches[drop].Revision
		drop++
	}
	// The dropped ones stay in the array until append needs a new one, which
	// is at most one more length of the slice.
	c.batches = c.batches[drop:]
	c.wake()
}

// Stop ends every Watch, running or to come, with err. The first call counts.
func (c *Commits) Stop(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped == nil {
		c.stopped = err
	}
	c.wake()
}

func (c *Commits) wake() {
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}

// Watch is store.Engine's Watch.
func (c *Commits) Watch(ctx context.Context, from store.Revision, fn func(store.Batch) error) error {
	buf := make([]store.Batch, 0, chunk)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		next, changed, err := c.after(from, buf)
		if err != nil {
			return err
		}
		if len(next) == 0 {
			select {
			case <-ctx.Done():
			case <-changed:
			}
			continue
		}
		for _, b := range next {
			if err := fn(b); err != nil {
				return err
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			from = b.Revision
		}
	}
}

// after copies the batches that follow from into buf; when there are none it
// returns the channel that tells of the next.
func (c *Commits) after(from store.Revision, buf []store.Batch) ([]store.Batch, <-chan struct{}, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped != nil {
		return nil, nil, c.stopped
	}
	if from < c.floor {
		return nil, nil, store.ErrCompacted
	}
	i := sort.Search(len(c.batches), func(i int) bool { return c.batches[i].Revision > from })
	if i < len(c.batches) {
		return append(buf, c.batches[i:min(i+chunk, len(c.batches))]...), nil, nil
	}
	if c.changed == nil {
		c.changed = make(chan struct{})
	}
	return nil, c.changed, nil
}

func size(b store.Batch) int {
	n := 0
	for _, w := range b.Writes {
		n += len(w.Key) + len(w.Value)
	}
	return n
}
