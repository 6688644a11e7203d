// Package bolt is the storage engine in one bbolt file: for a single machine,
// with nothing to operate beside it.
//
// Call Create once, when a service is set up, and Open from then on: Open never
// makes a file, so a database that has gone missing is an error and not an
// empty one. Open checks the file before bbolt sees it and refuses a damaged
// one with a DamageError; a file that another process holds is ErrHeld within
// a second.
//
// Commits are grouped: one writer drains its queue into one bbolt transaction,
// and while that one syncs the next group gathers, so nobody waits for a timer
// and many callers share two syncs. After a failure that leaves the disk in
// doubt the engine latches and answers store.ErrStopped until it is opened
// again. bbolt panics on pages that make no sense, and a file cut short under a
// running process raises a fault; both come back as store.ErrCorrupt.
//
// What is left out: values are not checked (what is sealed above is
// authenticated above), a page that is damaged while the process runs is found
// only when it is read, deleted bytes stay in the file until bbolt reuses their
// page, and there is no snapshot.
package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	bbolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/recent"
)

const (
	// pageSize is four times bbolt's usual one: with sealed records of about
	// 2 KiB the file takes 1.77 bytes per byte stored instead of 2.39, at the
	// same rates.
	pageSize = 16 << 10

	// maxSize is the largest file. All of it is mapped from the start, which
	// costs addresses and no memory: bbolt would otherwise have to wait for
	// all readers each time it maps more, and begin could not do what it does.
	maxSize = 256 << 30

	// fill is how full bbolt leaves the first half of a page that it splits. Most
	// keys come in ascending order, so what is left empty there stays empty; the rest
	// is room for what is added to a file later.
	fill = 0.85

	// recentBatches and recentBytes bound what watchers can fall behind.
	recentBatches = 16 << 10
	recentBytes   = 32 << 20

	// lostRevisions is by how much the revision jumps after a lost commit: more
	// than one group can hold, so that no revision is ever given out twice.
	lostRevisions = 1 << 20

	// The lock is tried for about a quarter of a second, long enough for a
	// predecessor that is just closing.
	lockTries = 6
	lockPause = 50 * time.Millisecond

	// wedgedPatience is how long Close waits for a writer that may be stuck.
	wedgedPatience = time.Second
)

// entriesBucket is the one bucket. Its sequence number is the revision of the
// last commit; each value starts with the eight bytes of its own.
var entriesBucket = []byte("entries")

// ErrHeld says that another process, or another engine of this one, has the
// file open.
var ErrHeld = errors.New("bolt: file is held by another process")

// Options say which file to open, and what to do about a damaged one.
type Options struct {
	// Path is the database file. Its folder must exist.
	Path string

	// AcceptLostCommit lets Open go on when one of the two meta pages is
	// damaged (a DamageError with OtherMetaWhole): the database is then as of
	// the other one, which may be one group of commits older. Every page is
	// checked first. LostCommit tells afterwards whether it came to that.
	AcceptLostCommit bool
}

// Engine is a store.Engine in a bbolt file.
type Engine struct {
	db         *bbolt.DB
	file       *os.File // the descriptor that db uses, and the lock lies on
	lostCommit bool
	commitTx   func(*bbolt.Tx) error // (*bbolt.Tx).Commit, but for tests

	queue   queue
	recent  *recent.Commits
	written chan struct{} // closed when the writer has ended

	latched atomic.Pointer[latch]

	// txMu is held where a read transaction begins or ends; see begin.
	txMu    sync.Mutex
	readers sync.WaitGroup // added to under txMu, while not latched
	// wedged is closed, under txMu, when a panic left bbolt's own locks taken;
	// from then on nobody may call it, not even to close.
	wedged chan struct{}

	closeOnce sync.Once
	closeErr  error
}

// Create makes a new, empty database and opens it. It returns an error that
// wraps fs.ErrExist when there is a file already, whatever is in it.
func Create(options Options) (*Engine, error) {
	if err := create(options.Path); err != nil {
		return nil, fmt.Errorf("create database: %w", err)
	}
	return Open(options)
}

// create builds the file under another name and then links it to its own, so
// that a crash leaves either no database or a whole one.
func create(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return os.ErrExist
	}
	dir := filepath.Dir(path)
	file, err := os.CreateTemp(dir, filepath.Base(path)+".*.new") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }() // after the rename there is nothing left
	db, err := openBbolt(file)                    // takes over the file, also when it fails
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket(entriesBucket)
		return err
	})
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); err != nil { // unlike a rename, never replaces
		return err
	}
	return syncFolder(dir)
}

// syncFolder makes a new name in dir survive a power cut.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}

// Open opens an existing database. The errors to tell apart: fs.ErrNotExist
// (no such file), ErrHeld, and *DamageError, which wraps store.ErrCorrupt.
func Open(options Options) (*Engine, error) {
	file, err := os.OpenFile(options.Path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	// The lock comes before the check: the file must not change in between.
	if err := lock(file); err != nil {
		return nil, errors.Join(fmt.Errorf("open database: %w", err), file.Close())
	}
	lost, err := inspect(file, options.AcceptLostCommit)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database: %w", err), file.Close())
	}
	e, err := start(file, lost)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return e, nil
}

// start hands the checked file to bbolt and starts the writer. It owns file.
func start(file *os.File, lost bool) (*Engine, error) {
	db, err := openBbolt(file)
	if err != nil {
		return nil, err
	}
	revision, err := firstRevision(db, lost)
	if err != nil {
		// After a panic bbolt may hold its locks, so only the file is closed.
		return nil, errors.Join(err, letGo(file))
	}
	e := &Engine{
		db:         db,
		file:       file,
		lostCommit: lost,
		commitTx:   (*bbolt.Tx).Commit,
		queue:      newQueue(),
		recent:     recent.New(revision, recentBatches, recentBytes),
		written:    make(chan struct{}),
		wedged:     make(chan struct{}),
	}
	go e.write(revision)
	return e, nil
}

// openBbolt lets bbolt work on a file that is open already. bbolt locks it
// again, which does nothing on a descriptor that has the lock.
func openBbolt(file *os.File) (db *bbolt.DB, err error) {
	defer func() {
		if err != nil {
			_ = letGo(file) // bbolt may have done so; what it returned says why
		}
	}()
	defer corruptOnPanic(&err)
	return bbolt.Open(file.Name(), 0o600, &bbolt.Options{
		Timeout:         lockPause,
		PageSize:        pageSize,
		InitialMmapSize: maxSize,
		MaxSize:         maxSize,
		FreelistType:    bbolt.FreelistMapType,
		NoStatistics:    true,
		OpenFile:        func(string, int, os.FileMode) (*os.File, error) { return file, nil },
	})
}

// firstRevision reads the revision of the last commit. After a lost commit it
// first checks every page: the older meta page describes pages that a later
// transaction was free to overwrite. Then it commits once, which replaces the
// damaged meta page and moves the revision past any that was lost.
func firstRevision(db *bbolt.DB, lost bool) (revision store.Revision, err error) {
	defer corruptOnPanic(&err)
	if lost {
		err := db.View(func(tx *bbolt.Tx) error {
			for err := range tx.Check() {
				return &DamageError{Part: "pages of the older commit", Reason: err.Error()}
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
		err = db.Update(func(tx *bbolt.Tx) error {
			b := tx.Bucket(entriesBucket)
			if b == nil {
				return errNoBucket
			}
			return b.SetSequence(b.Sequence() + lostRevisions)
		})
		if err != nil {
			return 0, err
		}
	}
	err = db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket(entriesBucket)
		if b == nil {
			return errNoBucket
		}
		revision = store.Revision(b.Sequence())
		return nil
	})
	return revision, err
}

// LostCommit tells whether the database was opened from its older state because
// AcceptLostCommit allowed it. Whoever relies on the latest commits, such as an
// audit log, then has to compare.
func (e *Engine) LostCommit() bool { return e.lostCommit }

// Watch implements store.Engine.
func (e *Engine) Watch(ctx context.Context, from store.Revision, fn func(store.Batch) error) error {
	return e.recent.Watch(ctx, from, fn)
}

// Close implements store.Engine. Commits that are queued are still written.
// After a fault it can happen that the writer is stuck in bbolt; then the file
// stays open and locked until the process ends, and Close says so: giving the
// lock away would let another process write beside a commit.
func (e *Engine) Close() error {
	e.closeOnce.Do(func() {
		e.queue.close()
		ended := e.awaitWriter()
		e.recent.Stop(store.ErrStopped)
		e.latch(errClosed)
		e.txMu.Lock()   // whoever has not begun by now is refused
		e.txMu.Unlock() //nolint:staticcheck // SA2001: to have held it once is all that is wanted
		e.readers.Wait()
		if ended {
			e.closeErr = e.release()
		} else {
			e.closeErr = errLeftOpen
		}
	})
	return e.closeErr
}

// awaitWriter reports whether the writer has ended. It always does, unless a
// reader's fault left bbolt's locks taken just while a commit needed them.
func (e *Engine) awaitWriter() bool {
	select {
	case <-e.written:
		return true
	case <-e.wedged:
	}
	patience := time.NewTimer(wedgedPatience)
	defer patience.Stop()
	select {
	case <-e.written:
		return true
	case <-patience.C:
		return false
	}
}

// release gives the file and its lock back. A bbolt that was interrupted
// may hold its own locks for ever; then the descriptor is closed underneath it,
// which frees the file, and the mapping stays until the process ends.
func (e *Engine) release() error {
	if e.latched.Load().interrupted {
		return letGo(e.file)
	}
	if err := e.db.Close(); err != nil && !errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}
