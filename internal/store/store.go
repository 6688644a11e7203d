// Package store is the contract between sealed records and a storage engine.
//
// An engine keeps sorted keys with opaque values and is not trusted with
// anything else: what it holds is sealed before it arrives, and whatever it
// returns is authenticated before it is believed. The contract is therefore cut
// for the weaker of the engines that fulfil it (a commit of at most MaxOps
// operations and MaxCommitBytes, no callback transactions, no cursors), and
// package storetest is the suite that each of them passes.
//
// Start with Engine. This package knows no rule, no key material and no
// message; package records is the only caller that writes case files.
package store

import (
	"context"
	"errors"
)

// Limits of one commit. They are etcd's defaults, the narrower of the two
// engines, so that nothing written for one engine is refused by the other.
const (
	MaxOps         = 128     // conditions and writes together
	MaxCommitBytes = 1 << 20 // keys and values of the writes together
	MaxKeyBytes    = 256
)

// Revision numbers commits: each commit gets one, greater than every one
// before it. Zero stands for "no such key" in a Condition.
type Revision uint64

// Entry is one key with its value and the revision of the commit that wrote it.
type Entry struct {
	Key      []byte
	Value    []byte
	Revision Revision
}

// Condition demands that Key was last written at Revision, or, when Revision
// is zero, that Key does not exist.
type Condition struct {
	Key      []byte
	Revision Revision
}

// Write puts Value under Key, or removes Key when Delete is set. An empty value
// is a value.
type Write struct {
	Key    []byte
	Value  []byte
	Delete bool
}

// Batch is one commit as a watcher sees it, its writes in the order given. It
// is shared between watchers: whoever receives it reads it, keeps it if they
// like, and never changes it.
type Batch struct {
	Revision Revision
	Writes   []Write
}

// The errors of an engine, by what the caller may conclude. Everything that an
// engine returns wraps one of them, or the context's own error.
var (
	// ErrNotFound: Get found no such key.
	ErrNotFound = errors.New("store: key not found")
	// ErrConflict: a condition did not hold; nothing was written.
	ErrConflict = errors.New("store: condition not met")
	// ErrUnknown: the commit may have happened and may not have. The caller
	// reads again before it tries again.
	ErrUnknown = errors.New("store: outcome unknown")
	// ErrFull: there was no room; nothing was written.
	ErrFull = errors.New("store: no space left")
	// ErrCompacted: Watch cannot go back that far; the caller scans again.
	ErrCompacted = errors.New("store: revision compacted")
	// ErrCorrupt: what lies on the disk is not what the engine wrote.
	ErrCorrupt = errors.New("store: corrupt")
	// ErrLimit: a commit or key beyond the limits above; nothing was written.
	ErrLimit = errors.New("store: limit exceeded")
	// ErrStopped: the engine is closed, or has latched an earlier failure after
	// which it can vouch for nothing (a failed fsync marks pages clean that
	// never reached the disk, so carrying on would acknowledge lost writes).
	ErrStopped = errors.New("store: engine stopped")
)

// Engine stores sealed bytes. All methods are safe for concurrent use. Slices
// that are returned belong to the caller; slices that are passed in belong to
// the engine until the call returns.
type Engine interface {
	// Get returns the entry under key, or ErrNotFound.
	//
	// Get and Scan may show a commit in the moment before it is durable, while
	// its own Commit has not returned yet. Whoever must not show what a power
	// cut could still take back commits something after reading and before
	// answering (a read's audit leaf is that): commits become durable in order.
	Get(ctx context.Context, key []byte) (Entry, error)

	// Scan returns, in key order, up to limit entries whose key starts with
	// prefix and is greater than after (all of them when after is nil). Fewer
	// than limit entries mean that there are no more. One call sees one
	// moment; two calls may see two. A limit below one is refused with ErrLimit.
	Scan(ctx context.Context, prefix, after []byte, limit int) ([]Entry, error)

	// Commit applies all writes, or none: none when a condition fails
	// (ErrConflict), when there is no room (ErrFull), or when the commit is
	// over the limits (ErrLimit). A key may be written once in a commit. When
	// Commit returns nil the writes have survived a power cut. A commit
	// without writes is refused with ErrLimit. ErrUnknown means what it says;
	// after it the engine may latch and answer ErrStopped from then on. When
	// ctx ends, its own error says that nothing was written; if the commit was
	// under way by then, the answer is ErrUnknown and never ctx's error.
	Commit(ctx context.Context, conditions []Condition, writes []Write) (Revision, error)

	// Watch calls fn with every commit after from, once each and in order,
	// until ctx ends (it returns ctx's error) or fn fails (it returns that
	// error). Only commits that are durable are shown. ErrCompacted: the
	// engine no longer holds the commits after from, or fn was too slow to
	// follow. A from that lies ahead waits for the commits after it.
	Watch(ctx context.Context, from Revision, fn func(Batch) error) error

	// Close waits for running commits and releases the files. Calls after it
	// return ErrStopped, and so does a Watch that runs. A second Close does
	// nothing.
	Close() error
}
