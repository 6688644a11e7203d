// Package records is the one way in and out of the sealed store. A caller brings
// a Grant and a closure over a rule; records loads the files, asks the Grant for a
// Permit on each loaded head, runs the closure, seals what it changed, and writes
// it together with its audit leaf in one commit. There is no other code path to
// the disk, so there is no write without a leaf and none without a permit, and no
// answer before the leaf of the read is durable.
//
// Open unseals; Update writes, View reads, Note records an act that opens no file.
// What the service does by itself, Sweep, KeepTime and TellOfWork do when they are
// called. Package server is the caller; what is decided is decided by the rule
// packages. Nothing of the transport is known here.
//
// What is left out: erasure, re-wrapping of keys, and attachments.
package records

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/deadline"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/lookup"
	"github.com/amparo-project/amparo/internal/seal"
	"github.com/amparo-project/amparo/internal/store"
)

// requestLife is how long a request id is remembered at least.
const requestLife = 30 // days

// minFree is the room on disk below which new content is refused, so that leaves,
// suspensions and whatever else protects people can still be written.
const minFree = 256 << 20

// Config is what Open needs. All fields are required but Uptime, Zone,
// FreeSpace and Integrity.
type Config struct {
	Engine  store.Engine
	Keyring *seal.Keyring
	Log     *audit.Log
	// Now is the wall clock. Records never go behind the newest leaf's time.
	Now func() time.Time
	// Uptime is a clock that nobody can set: it only says how long ago something was.
	// Nil means that there is none, and that a clock set forward or back while the
	// service runs is noticed by the log alone.
	Uptime func() time.Duration
	// Zone is where the days of terms begin and end; nil means UTC.
	Zone *time.Location
	// FreeSpace says how many bytes are left where the engine writes; nil means
	// that there is always enough.
	FreeSpace func() (uint64, error)
	// ReadOnly is for Check: what is found to be damaged is not written into the
	// log, and a store without its staff directory is opened all the same.
	ReadOnly bool
	// Integrity is told of a file that failed its proof, by its pseudonym where
	// that is known; nil means that nobody wants to know beyond the leaf.
	Integrity func(pseudonym string)
}

// Records is the unsealed store. It is safe for concurrent use.
type Records struct {
	cfg   Config
	index *lookup.Index

	said atomic.Int64 // the newest time that Now returned, Unix nanoseconds
	// lead is the wall clock less the uptime, nanoseconds: when the clock was trusted
	// last, and where it was furthest since then.
	lead struct{ trusted, furthest atomic.Int64 }
	// leap is a clock that was set forward while the service ran, and whether those
	// who can confirm the clock were told.
	leap struct{ seen, told atomic.Bool }

	policies atomic.Pointer[policies]
	wokenBy  atomic.Pointer[deadline.Book] // the book by which the index knows when cases wake
	// turn is held by a writing act that touches a file of which there is one, until
	// it is durable; see Work.takeTurn.
	turn sync.Mutex

	directory atomic.Pointer[Directory]

	presenceMu sync.RWMutex
	there      presence    // who answers for cases; nil before the directory was read
	absentNews atomic.Bool // somebody has gone or come back since reviewers were told
	// directoryMu keeps an older directory or policy from replacing a newer one.
	directoryMu sync.Mutex

	duty        atomic.Pointer[dutyState]
	dutyMu      sync.Mutex
	dutyChanged chan struct{} // closed at the next change; under dutyMu

	requestMu sync.RWMutex
	requests  map[[16]byte]uint16 // name of a request record to its day

	// placed and leaves count the locators of files and of leaves. They go on from
	// the engine's revision, which grows about as fast, so that a day's count does
	// not go back far at a restart; that would cost room and nothing else.
	placed, leaves atomic.Uint32

	ownMu sync.Mutex
	own   map[lookup.ID][sha256.Size]byte // heads that this process writes and Follow has not seen yet

	brokenMu sync.RWMutex
	broken   map[lookup.ID]struct{} // files that failed their proof

	unsealFaults []string // what Open found; not changed afterwards
}

// Index is the index that Open built; queue and search read it.
func (r *Records) Index() *lookup.Index { return r.index }

// Target is a file to open. Grant stands for the call's own when it is zero; a
// call that touches a file on the service's behalf brings the service's grant.
type Target struct {
	ID    string
	Grant access.Grant
}

// Targets names files to be opened under the call's own grant.
func Targets(ids ...string) []Target {
	targets := make([]Target, len(ids))
	for i, id := range ids {
		targets[i].ID = id
	}
	return targets
}

// errUngranted is a mistake of the service itself: a call path that forgot
// access.Authorize.
var errUngranted = errors.New("records: a call came without a grant")

// asFault translates what an engine says. A conflict is for the caller to handle.
func asFault(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrFull):
		return fault.Wrap(amparov1.Reason_REASON_DISK_FULL, err)
	case errors.Is(err, store.ErrLimit):
		return fault.Wrap(amparov1.Reason_REASON_TOO_LARGE, err)
	case errors.Is(err, store.ErrCorrupt):
		return fault.Wrap(amparov1.Reason_REASON_INTEGRITY, err)
	case errors.Is(err, store.ErrUnknown), errors.Is(err, store.ErrStopped),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fault.Wrap(amparov1.Reason_REASON_UNAVAILABLE, err)
	default:
		return err
	}
}

// Note makes an act durable in the log that opened no file: a page of the queue, a
// search, a refusal. The leaf's action, staff and device are filled in from the
// grant. When Note fails, nothing may be answered.
func (r *Records) Note(ctx context.Context, grant access.Grant, leaf *amparov1.AuditLeaf) error {
	if !grant.Valid() {
		return errUngranted
	}
	_, err := r.writeLeaf(ctx, complete(grant, leaf))
	return err
}

// NoteStranger makes a refusal durable of a caller who has no grant: a device that
// is not known or not active, a method that does not exist or is not for them.
func (r *Records) NoteStranger(ctx context.Context, leaf *amparov1.AuditLeaf) error {
	leaf.Outcome = amparov1.LeafOutcome_LEAF_OUTCOME_REFUSED
	_, err := r.writeLeaf(ctx, leaf)
	return err
}

func (r *Records) writeLeaf(ctx context.Context, leaf *amparov1.AuditLeaf) (store.Revision, error) {
	write, err := audit.NewLeaf(r.cfg.Keyring, leaf, r.Now(), r.leaves.Add(1))
	if err != nil {
		return 0, err
	}
	revision, err := r.cfg.Engine.Commit(ctx, nil, []store.Write{write})
	return revision, asFault(err)
}

func complete(grant access.Grant, leaf *amparov1.AuditLeaf) *amparov1.AuditLeaf {
	if leaf.GetAction() == amparov1.LeafAction_LEAF_ACTION_UNSPECIFIED {
		leaf.Action = grant.Action()
	}
	leaf.StaffId, leaf.DeviceId = grant.StaffID(), grant.DeviceID()
	if leaf.GetOutcome() == amparov1.LeafOutcome_LEAF_OUTCOME_UNSPECIFIED {
		leaf.Outcome = amparov1.LeafOutcome_LEAF_OUTCOME_DONE
	}
	return leaf
}

// QueryHash is the keyed hash under which a search text stands in the log.
func (r *Records) QueryHash(text string) []byte { return r.cfg.Keyring.QueryHash(text) }

// Token is the keyed hash of one thing that a case can be found by.
func (r *Records) Token(kind byte, text string) uint64 { return r.cfg.Keyring.Token(kind, text) }
