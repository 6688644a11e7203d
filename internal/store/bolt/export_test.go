package bolt

import (
	bbolt "go.etcd.io/bbolt"
)

// PageSize is the page size of the files.
const PageSize = pageSize

// Tx is bbolt's transaction.
type Tx = bbolt.Tx

// CheckEveryCommit lets bbolt check its whole file at each commit, and panic.
func CheckEveryCommit(e *Engine) { e.db.StrictMode = true }

// OnCommit replaces the step that makes a transaction durable. It must be set
// before the first commit. The real step is bbolt's own: commit(tx).
func OnCommit(e *Engine, step func(tx *bbolt.Tx, commit func(*bbolt.Tx) error) error) {
	e.commitTx = func(tx *bbolt.Tx) error { return step(tx, (*bbolt.Tx).Commit) }
}

// Waiting returns how many proposals wait for the writer.
func Waiting(e *Engine) int {
	e.queue.mu.Lock()
	defer e.queue.mu.Unlock()
	return len(e.queue.waiting)
}
