package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"runtime/debug"

	bbolt "go.etcd.io/bbolt"

	"github.com/amparo-project/amparo/internal/store"
)

// revisionBytes is the length of the revision before each value.
const revisionBytes = 8

// scanCheck is after how many entries a scan looks at its context.
const scanCheck = 256

// Get implements store.Engine.
func (e *Engine) Get(ctx context.Context, key []byte) (store.Entry, error) {
	var found store.Entry
	err := e.view(ctx, func(b *bbolt.Bucket) error {
		value := b.Get(key)
		if value == nil {
			return store.ErrNotFound
		}
		var err error
		found, err = entry(key, value)
		return err
	})
	if err != nil {
		return store.Entry{}, err
	}
	return found, nil
}

// Scan implements store.Engine.
func (e *Engine) Scan(ctx context.Context, prefix, after []byte, limit int) ([]store.Entry, error) {
	if limit < 1 {
		return nil, fmt.Errorf("%w: scan of %d entries", store.ErrLimit, limit)
	}
	var found []store.Entry
	err := e.view(ctx, func(b *bbolt.Bucket) error {
		found = make([]store.Entry, 0, min(limit, scanCheck))
		c := b.Cursor()
		start := prefix
		if bytes.Compare(after, start) > 0 {
			start = after
		}
		key, value := c.Seek(start)
		if after != nil && bytes.Equal(key, after) {
			key, value = c.Next()
		}
		for ; key != nil && bytes.HasPrefix(key, prefix) && len(found) < limit; key, value = c.Next() {
			if n := len(found); n > 0 && bytes.Compare(key, found[n-1].Key) <= 0 {
				return fmt.Errorf("%w: keys out of order", store.ErrCorrupt)
			}
			if len(found)%scanCheck == scanCheck-1 && ctx.Err() != nil {
				return ctx.Err()
			}
			next, err := entry(key, value)
			if err != nil {
				return err
			}
			found = append(found, next)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// entry copies a key and its value out of the mapped file. Lengths that no
// commit could have written are damage, and are refused before anything of
// that length is allocated.
func entry(key, value []byte) (store.Entry, error) {
	if len(key) > store.MaxKeyBytes || len(value) < revisionBytes || len(value) > revisionBytes+store.MaxCommitBytes {
		return store.Entry{}, fmt.Errorf("%w: entry of an impossible length", store.ErrCorrupt)
	}
	buf := make([]byte, len(key)+len(value)-revisionBytes)
	n := copy(buf, key)
	copy(buf[n:], value[revisionBytes:])
	return store.Entry{
		Key:      buf[:n:n],
		Value:    buf[n:],
		Revision: store.Revision(binary.BigEndian.Uint64(value)),
	}, nil
}

// view calls fn with the bucket as of the last commit.
func (e *Engine) view(ctx context.Context, fn func(*bbolt.Bucket) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := e.stopped(); err != nil {
		return err
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	tx, err := e.begin()
	if err != nil {
		return err
	}
	err = inBucket(tx, fn)
	e.end(tx)
	// What was read beside a failing sync may never have become durable.
	if stopped := e.stopped(); stopped != nil {
		return stopped
	}
	return err
}

func inBucket(tx *bbolt.Tx, fn func(*bbolt.Bucket) error) (err error) {
	defer corruptOnPanic(&err)
	b := tx.Bucket(entriesBucket)
	if b == nil {
		return errNoBucket
	}
	return fn(b)
}

// begin starts a read transaction, and end must end it.
//
// bbolt reads the mapped meta pages while it holds two locks of its own, and
// gives them back without a defer: a fault there (the file was cut to nothing)
// would leave everybody waiting who wants to begin or to end. So readers do
// both under txMu, where none of them can be waiting for bbolt's locks when
// another one faults, and after a fault nobody goes in any more; those who wait
// for the writer are let go through wedged. Holding txMu while bbolt waits is
// safe because what it waits for never waits for a reader: it does not map the
// file again (maxSize), and Close waits for the readers before it calls it.
func (e *Engine) begin() (tx *bbolt.Tx, err error) {
	e.txMu.Lock()
	defer e.txMu.Unlock()
	if err := e.stopped(); err != nil {
		return nil, err
	}
	faulted := true
	defer func() {
		if faulted {
			e.latchInterrupted(err)
			close(e.wedged) // once: it is latched from here on
		}
	}()
	defer corruptOnPanic(&err)
	tx, err = e.db.Begin(false)
	faulted = false
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrCorrupt, err)
	}
	e.readers.Add(1)
	return tx, nil
}

func (e *Engine) end(tx *bbolt.Tx) {
	e.txMu.Lock()
	defer e.txMu.Unlock()
	defer e.readers.Done()
	select {
	case <-e.wedged:
	default:
		// It can only say that the transaction is closed already.
		_ = tx.Rollback()
	}
}
