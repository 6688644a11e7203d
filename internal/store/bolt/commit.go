package bolt

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/amparo-project/amparo/internal/store"
)

// The largest group. It bounds the memory of a transaction and how long the
// first caller in it waits for the others.
const (
	maxGroup      = 1024
	maxGroupBytes = 8 << 20
)

// The states of a proposal. Who moves it away from waiting decides: the writer
// takes it, or its caller withdraws it.
const (
	waiting int32 = iota
	taken
	withdrawn
)

// proposal is one call of Commit on its way through the writer. Everything in
// it is the engine's own copy, since a caller whose context ends gets its
// slices back at once.
type proposal struct {
	conditions []store.Condition
	writes     []store.Write // as watchers will see them
	stored     [][]byte      // per write: room for the revision, then the value; nil removes
	size       int

	state    atomic.Int32
	revision store.Revision
	err      error
	answered chan struct{}
}

func newProposal(conditions []store.Condition, writes []store.Write) *proposal {
	size, room := 0, 0
	for _, w := range writes {
		size += len(w.Key) + len(w.Value)
		room += len(w.Key) + revisionBytes + len(w.Value)
	}
	p := &proposal{
		conditions: make([]store.Condition, len(conditions)),
		writes:     make([]store.Write, len(writes)),
		stored:     make([][]byte, len(writes)),
		size:       size,
		answered:   make(chan struct{}),
	}
	for i, c := range conditions {
		p.conditions[i] = store.Condition{Key: bytes.Clone(c.Key), Revision: c.Revision}
	}
	buf := make([]byte, 0, room) // never grows: the slices below stay where they are
	for i, w := range writes {
		n := len(buf)
		buf = append(buf, w.Key...)
		p.writes[i] = store.Write{Key: buf[n:len(buf):len(buf)], Delete: w.Delete}
		if w.Delete {
			continue
		}
		n = len(buf)
		buf = append(buf, make([]byte, revisionBytes)...)
		buf = append(buf, w.Value...)
		p.stored[i] = buf[n:len(buf):len(buf)]
		p.writes[i].Value = p.stored[i][revisionBytes:]
	}
	return p
}

func (p *proposal) answer(err error) {
	p.err = err
	close(p.answered)
}

// Commit implements store.Engine.
func (e *Engine) Commit(ctx context.Context, conditions []store.Condition, writes []store.Write) (store.Revision, error) {
	if err := store.CheckCommit(conditions, writes); err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := e.stopped(); err != nil {
		return 0, err
	}
	p := newProposal(conditions, writes)
	if !e.queue.add(p) {
		return 0, fmt.Errorf("%w: %v", store.ErrStopped, errClosed)
	}
	select {
	case <-p.answered:
		return p.revision, p.err
	case <-ctx.Done():
		if p.state.CompareAndSwap(waiting, withdrawn) {
			return 0, ctx.Err()
		}
	case <-e.wedged:
		if p.state.CompareAndSwap(waiting, withdrawn) {
			return 0, e.stopped()
		}
	}
	select {
	case <-p.answered: // at the same moment
		return p.revision, p.err
	default:
		return 0, fmt.Errorf("%w: left while the commit was under way", store.ErrUnknown)
	}
}

// queue is where proposals wait for the writer.
type queue struct {
	mu      sync.Mutex
	waiting []*proposal
	closed  bool
	wake    chan struct{} // holds one token when there may be something to do
}

func newQueue() queue { return queue{wake: make(chan struct{}, 1)} }

// add reports whether the queue still takes proposals.
func (q *queue) add(p *proposal) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.waiting = append(q.waiting, p)
	q.signal()
	return true
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.signal()
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take appends the next group to buf, in the order of arrival, without those
// that were withdrawn. It waits until there is one, and returns nothing when
// the queue is closed and empty.
func (q *queue) take(buf []*proposal) []*proposal {
	for {
		q.gather()
		group, closed := q.takeNow(buf)
		if len(group) > 0 || closed {
			return group
		}
		<-q.wake
	}
}

// gather lets those goroutines run that are about to add something, which are
// mostly the callers of the group before: without it the first of them would be
// committed by itself and the rest in the next group, two by two for ever. It
// ends as soon as a turn brought nobody, and never waits for a timer.
func (q *queue) gather() {
	for before := -1; ; {
		q.mu.Lock()
		now := len(q.waiting)
		q.mu.Unlock()
		if now == before || now >= maxGroup {
			return
		}
		before = now
		runtime.Gosched()
	}
}

func (q *queue) takeNow(group []*proposal) (_ []*proposal, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	size, n := 0, 0
	for _, p := range q.waiting {
		if len(group) == maxGroup || (len(group) > 0 && size+p.size > maxGroupBytes) {
			break
		}
		n++
		if p.state.CompareAndSwap(waiting, taken) {
			group = append(group, p)
			size += p.size
		}
	}
	left := copy(q.waiting, q.waiting[n:])
	clear(q.waiting[left:])
	q.waiting = q.waiting[:left]
	return group, q.closed && left == 0
}
