package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	berrors "go.etcd.io/bbolt/errors"

	"github.com/amparo-project/amparo/internal/store"
)

var (
	errClosed   = errors.New("closed")
	errLeftOpen = fmt.Errorf("%w: the writer is stuck, the file stays locked until the process ends", store.ErrCorrupt)
	errNoBucket = &DamageError{Part: "root page", Reason: "the bucket is missing"}
)

// latch is why the engine answers nothing any more.
type latch struct {
	cause error
	// interrupted: bbolt was left in the middle of something by a panic.
	interrupted bool
}

// latch stops the engine for good. The first cause is the one that is told,
// but a later interruption is remembered.
func (e *Engine) latch(cause error) { e.setLatch(&latch{cause: cause}) }

func (e *Engine) latchInterrupted(cause error) {
	e.setLatch(&latch{cause: cause, interrupted: true})
}

func (e *Engine) setLatch(next *latch) {
	for {
		old := e.latched.Load()
		if old != nil && (old.interrupted || !next.interrupted) {
			break
		}
		if old != nil {
			next.cause = old.cause
		}
		if e.latched.CompareAndSwap(old, next) {
			break
		}
	}
	e.recent.Stop(e.stopped())
}

// stopped returns nil while the engine works, else an error that wraps
// store.ErrStopped and tells the cause.
func (e *Engine) stopped() error {
	if l := e.latched.Load(); l != nil {
		return fmt.Errorf("%w: %v", store.ErrStopped, l.cause)
	}
	return nil
}

// corruptOnPanic turns a panic into an error that wraps store.ErrCorrupt: bbolt
// panics when a page contradicts itself, and the runtime does when the mapped
// file has become shorter (only under debug.SetPanicOnFault). The panic's text
// holds page numbers and never a value.
func corruptOnPanic(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%w: %v", store.ErrCorrupt, r)
	}
}

// roomOnly decides whether a failed commit left the disk exactly as it was, so
// that the engine may answer store.ErrFull and go on. All else latches.
//
// bbolt's Tx.Commit (1.5.0) does these things in this order, and rolls its
// memory back after an error in any of them:
//
//  1. spill and allocate: memory only, but a failed mmap leaves bbolt unusable;
//  2. grow the file: ftruncate ("file resize error"), then fsync;
//  3. write the data pages: pwrite into pages that no meta page refers to;
//  4. fdatasync;
//  5. write the meta page: pwrite, which is the moment the commit exists;
//  6. fdatasync.
//
// A failure in 2 (ftruncate) or 3 for want of room has changed nothing that the
// meta pages refer to, and no sync has failed, so everything acknowledged
// before is still on its way to the disk or there. A failed sync in 2, 4 or 6
// is never harmless: the kernel may have marked pages clean that it could not
// write. A failure in 5 may have written half of the new meta page.
//
// How they are told apart: a failed pwrite is an *fs.PathError of operation
// "write", a failed fdatasync a bare errno, and the errors of 2 are text. What
// separates 3 from 5 is the file itself: both go through the page cache, so if
// both meta pages still read as valid and older than the transaction, no byte
// of the new one was written. Whatever bbolt may say differently one day falls
// on the safe side, which is to latch.
func roomOnly(file *os.File, txid uint64, err error) bool {
	var path *fs.PathError
	switch {
	case errors.As(err, &path):
		if path.Op != "write" || !noRoom(path.Err) {
			return false
		}
	case errors.Is(err, berrors.ErrMaxSizeReached): // in 1, before anything
	case strings.HasPrefix(err.Error(), "file resize error: "):
		// No errno survives in this text. ftruncate fails without any change.
	default:
		return false
	}
	for slot := range uint64(2) {
		m, err := readMeta(file, slot, pageSize)
		if err != nil || m.txid >= txid {
			return false
		}
	}
	return true
}

// noRoom: the disk, the quota or the process's file size limit is used up.
func noRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}
