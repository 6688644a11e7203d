package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	bbolt "go.etcd.io/bbolt"

	"github.com/amparo-project/amparo/internal/store"
)

// write is the writer: the only goroutine that writes, until the queue is
// closed and drained. last is the revision of the last commit.
func (e *Engine) write(last store.Revision) {
	defer close(e.written)
	debug.SetPanicOnFault(true) // for this goroutine, which does nothing else
	var group []*proposal
	for {
		group = e.queue.take(group[:0])
		if len(group) == 0 {
			return
		}
		if err := e.stopped(); err != nil {
			for _, p := range group {
				p.answer(err)
			}
		} else {
			last = e.writeGroup(group, last)
		}
		clear(group)
	}
}

// writeGroup commits one group and answers everybody in it. It returns the
// revision of the last commit that is now durable.
func (e *Engine) writeGroup(group []*proposal, last store.Revision) store.Revision {
	accepted, err := e.apply(group, last)
	if err != nil {
		for _, p := range group {
			p.answer(e.explain(p, err))
		}
		return last
	}
	if len(accepted) > 0 {
		batches := make([]store.Batch, len(accepted))
		for i, p := range accepted {
			batches[i] = store.Batch{Revision: p.revision, Writes: p.writes}
		}
		// Before the answers: who has a revision in hand can watch from it.
		e.recent.Append(batches...)
		last = accepted[len(accepted)-1].revision
	}
	for _, p := range group {
		if p.revision == 0 {
			p.answer(store.ErrConflict)
		} else {
			p.answer(nil)
		}
	}
	return last
}

// explain says what a failed transaction means for one caller. A proposal that
// was refused in it was not written in any case, but the conflict may have been
// with one that was not written either, so it is not called one.
func (e *Engine) explain(p *proposal, err error) error {
	refused := p.revision == 0
	p.revision = 0
	if refused && errors.Is(err, store.ErrUnknown) {
		return e.stopped()
	}
	return err
}

// apply writes the group in one transaction, and returns those proposals whose
// conditions held. An error is everybody's: nothing was written, or with
// store.ErrUnknown perhaps all of it.
func (e *Engine) apply(group []*proposal, last store.Revision) (accepted []*proposal, err error) {
	tx, err := e.beginWrite()
	if err != nil {
		return nil, err
	}
	txid := uint64(tx.ID())
	err = inBucket(tx, func(b *bbolt.Bucket) error {
		var err error
		if accepted, err = accept(b, group, last); err != nil || len(accepted) == 0 {
			return err
		}
		b.FillPercent = fill
		if err := put(b, accepted); err != nil {
			return err
		}
		return b.SetSequence(uint64(accepted[len(accepted)-1].revision))
	})
	if err != nil {
		// Pages that make no sense: bbolt's memory may hold half a change.
		e.latchInterrupted(err)
		return nil, fmt.Errorf("%w: %w", store.ErrCorrupt, err)
	}
	if len(accepted) == 0 {
		return nil, tx.Rollback()
	}
	if err := e.commit(tx); err != nil {
		if !errors.Is(err, store.ErrCorrupt) && roomOnly(e.file, txid, err) {
			return nil, fmt.Errorf("%w: %w", store.ErrFull, err)
		}
		e.latch(err)
		return nil, fmt.Errorf("%w: %w", store.ErrUnknown, err)
	}
	return accepted, nil
}

func (e *Engine) beginWrite() (tx *bbolt.Tx, err error) {
	defer func() {
		if err != nil {
			e.latchInterrupted(err)
		}
	}()
	defer corruptOnPanic(&err)
	if tx, err = e.db.Begin(true); err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrStopped, err)
	}
	return tx, nil
}

func (e *Engine) commit(tx *bbolt.Tx) (err error) {
	interrupted := true
	defer func() {
		if interrupted {
			e.latchInterrupted(err)
		}
	}()
	defer corruptOnPanic(&err)
	err = e.commitTx(tx)
	interrupted = false
	return err
}

// accept gives a revision to every proposal whose conditions hold, each seeing
// the ones before it. The bucket is only read: a refused proposal leaves
// nothing to undo.
func accept(b *bbolt.Bucket, group []*proposal, last store.Revision) ([]*proposal, error) {
	accepted := make([]*proposal, 0, len(group))
	var ahead map[string]store.Revision // written by this group; 0 for removed
	if len(group) > 1 {
		ahead = make(map[string]store.Revision, 2*len(group))
	}
	for _, p := range group {
		held, err := holds(b, p.conditions, ahead)
		if err != nil {
			return nil, err
		}
		if !held {
			continue
		}
		last++
		p.revision = last
		accepted = append(accepted, p)
		if ahead == nil {
			continue
		}
		for _, w := range p.writes {
			if w.Delete {
				ahead[string(w.Key)] = 0
			} else {
				ahead[string(w.Key)] = last
			}
		}
	}
	return accepted, nil
}

func holds(b *bbolt.Bucket, conditions []store.Condition, ahead map[string]store.Revision) (bool, error) {
	for _, c := range conditions {
		now, ok := ahead[string(c.Key)]
		if !ok {
			value := b.Get(c.Key)
			if value != nil && len(value) < revisionBytes {
				return false, fmt.Errorf("%w: entry of an impossible length", store.ErrCorrupt)
			}
			if value != nil {
				now = store.Revision(binary.BigEndian.Uint64(value))
			}
		}
		if now != c.Revision {
			return false, nil
		}
	}
	return true, nil
}

// change is the last word of a group about one key.
type change struct {
	key    []byte
	stored []byte // nil removes
}

// put writes what the accepted proposals amount to, in the order of the keys:
// neighbours then fall into the same page one after the other.
func put(b *bbolt.Bucket, accepted []*proposal) error {
	n := 0
	for _, p := range accepted {
		n += len(p.writes)
	}
	changes := make([]change, 0, n)
	for _, p := range accepted {
		for i, w := range p.writes {
			if p.stored[i] != nil {
				binary.BigEndian.PutUint64(p.stored[i], uint64(p.revision))
			}
			changes = append(changes, change{w.Key, p.stored[i]})
		}
	}
	slices.SortStableFunc(changes, func(a, b change) int { return bytes.Compare(a.key, b.key) })
	for i, c := range changes {
		if i+1 < len(changes) && bytes.Equal(c.key, changes[i+1].key) {
			continue // a later commit of this group has the key
		}
		var err error
		if c.stored == nil {
			err = b.Delete(c.key)
		} else {
			err = b.Put(c.key, c.stored)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
