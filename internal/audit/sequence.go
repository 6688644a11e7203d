package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/store"
)

// maxTaken is how many leaves one commit takes in. Two hashes and a place for
// each come to 80 bytes a leaf and, in chunks, to 99 writes and 0.7 MiB, which
// leaves room for the state within the engine's limits.
const maxTaken = 8192

// attempts is how often a commit is tried whose outcome is not known.
const attempts = 3

// attempt is a commit on its way. It outlives the call that made it when that
// call ended without knowing the outcome.
type attempt struct {
	next       *position
	conditions []store.Condition
	writes     []store.Write
	envelope   []byte // of the state: random, so it tells this attempt from any other
	unsure     bool   // it may have happened
}

// open makes an entry of a stored leaf.
func (l *Log) open(at locator, envelope []byte, revision store.Revision) (entry, error) {
	raw, err := l.config.Sealer.OpenLeaf(at[:], envelope)
	if err != nil {
		return entry{}, fmt.Errorf("%w: a leaf does not open", ErrBroken)
	}
	leaf := new(amparov1.AuditLeaf)
	if err := proto.Unmarshal(raw, leaf); err != nil {
		return entry{}, fmt.Errorf("%w: a leaf is no message", ErrBroken)
	}
	return entry{
		revision: revision,
		at:       at,
		hash:     tlog.RecordHash(raw),
		fold:     foldOf(l.config.Sealer, leaf),
		time:     leaf.GetRecordedAt().AsTime(),
		act:      done(leaf),
	}, nil
}

// foldOf takes the versions that a leaf ends out of the fold, and those that it
// begins in.
func foldOf(sealer Sealer, leaf *amparov1.AuditLeaf) [32]byte {
	var fold [32]byte
	for _, change := range leaf.GetChanges() {
		if previous := change.GetPreviousHeadHash(); len(previous) > 0 {
			xor(&fold, sealer.Fold(change.GetPseudonym(), change.GetVersion()-1, previous))
		}
		xor(&fold, sealer.Fold(change.GetPseudonym(), change.GetVersion(), change.GetHeadHash()))
	}
	return fold
}

// sequence takes in those of entries that are not in yet, in as many commits as
// the engine's limits ask for. The entries are in the order of the log, and they
// are all leaves of the commits from the log's revision up to revision. Its
// caller holds sequencing.
func (l *Log) sequence(ctx context.Context, entries []entry, revision store.Revision) error {
	if err := l.settle(ctx); err != nil {
		return err
	}
	known := l.at.Load().revision
	entries = entries[countUpTo(entries, known):]
	for len(entries) > 0 {
		n, reached := len(entries), revision
		if n > maxTaken {
			// Only whole commits: the state says which were taken in by their
			// revision alone. None has more leaves than fit.
			n = countUpTo(entries, entries[maxTaken].revision-1)
			reached = entries[n-1].revision
		}
		if err := l.commit(ctx, entries[:n], reached); err != nil {
			return err
		}
		entries = entries[n:]
	}
	return nil
}

// countUpTo counts the entries whose commit is not after revision.
func countUpTo(entries []entry, revision store.Revision) int {
	n, _ := slices.BinarySearchFunc(entries, revision+1, func(e entry, r store.Revision) int {
		if e.revision < r {
			return -1
		}
		return 1
	})
	return n
}

// commit moves the log forward by one commit of the engine. Without entries it
// only claims the log, and learns the engine's revision.
func (l *Log) commit(ctx context.Context, entries []entry, revision store.Revision) error {
	from := l.at.Load()
	next, writes, err := from.advance(&l.config, l.signer, entries, revision)
	if err != nil {
		return err
	}
	// From here on a signed root exists, but only in memory. A crash loses it,
	// nobody has seen it, and the next start signs the same tree again.
	l.attempt = &attempt{
		next:       next,
		conditions: []store.Condition{{Key: stateKey, Revision: from.stored}},
		writes:     writes,
		envelope:   writes[len(writes)-1].Value,
	}
	return l.settle(ctx)
}

// settle brings the attempt to its end, if there is one. It is the way of every
// commit, so what follows an unknown outcome is not a path of its own.
func (l *Log) settle(ctx context.Context) error {
	for range attempts {
		if l.attempt == nil {
			return nil
		}
		if l.attempt.unsure {
			if landed, err := l.landed(ctx); err != nil || landed {
				return err
			}
		}
		if err := l.try(ctx); err != nil {
			return err
		}
	}
	if l.attempt == nil {
		return nil
	}
	if landed, err := l.landed(ctx); err != nil || landed {
		return err
	}
	return fmt.Errorf("store checkpoint: %w after %d attempts", store.ErrUnknown, attempts)
}

// try commits the attempt. Hashes, places and the state with its checkpoint go
// together, on the condition that nobody has moved the state: of two sequencers
// one gets the conflict, so two different trees are never both stored.
//
// A crash before the commit leaves leaves that are in no tree yet, and a crash
// after it leaves a checkpoint that nobody has seen; both are what CatchUp finds
// at the next start. Nothing lies in between.
func (l *Log) try(ctx context.Context) error {
	revision, err := l.config.Engine.Commit(ctx, l.attempt.conditions, l.attempt.writes)
	switch {
	case err == nil:
		l.adopt(revision)
		return nil
	case errors.Is(err, store.ErrUnknown), errors.Is(err, store.ErrConflict) && l.attempt.unsure:
		l.attempt.unsure = true
		return nil
	}
	if !l.attempt.unsure {
		l.attempt = nil // nothing was written
	}
	if errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("store checkpoint: %w", ErrForeign)
	}
	return fmt.Errorf("store checkpoint: %w", err)
}

// landed reads whether the attempt happened after all.
func (l *Log) landed(ctx context.Context) (bool, error) {
	found, err := l.config.Engine.Get(ctx, stateKey)
	switch {
	case err != nil:
		return false, fmt.Errorf("read state of the log: %w", err)
	case bytes.Equal(found.Value, l.attempt.envelope):
		l.adopt(found.Revision)
		return true, nil
	case found.Revision != l.at.Load().stored:
		return false, fmt.Errorf("store checkpoint: %w", ErrForeign)
	}
	return false, nil
}

// adopt shows readers what has become durable; from here on the checkpoint may
// have been seen, and every later one must extend it.
func (l *Log) adopt(revision store.Revision) {
	l.attempt.next.stored = revision
	l.raise(l.attempt.next.highWater)
	l.at.Store(l.attempt.next)
	l.attempt = nil
}

// CatchUp takes in every leaf that was committed before the call, and returns
// when a checkpoint covers it. The service calls it before it answers anybody; it
// may also be called while Run is at work.
func (l *Log) CatchUp(ctx context.Context) error {
	l.sequencing.Lock()
	defer l.sequencing.Unlock()
	if err := l.Err(); err != nil {
		return err
	}
	return l.fail(ctx, l.catchUp(ctx))
}

func (l *Log) catchUp(ctx context.Context) error {
	if err := l.settle(ctx); err != nil {
		return err
	}
	// A scan takes several calls, each of which sees another moment. This commit
	// draws the line: what was committed before it shows in all of them, and
	// what comes after it is left for the next time. It also tells at once when
	// somebody else sequences this store.
	if err := l.commit(ctx, nil, l.at.Load().revision); err != nil {
		return err
	}
	line := l.at.Load().stored
	entries, err := l.scan(ctx, line)
	if err != nil {
		return err
	}
	if err := l.sequence(ctx, entries, line); err != nil {
		return err
	}
	if len(entries) == 0 {
		// The store keeps the older revision, from which the next start finds
		// nothing either.
		reached := *l.at.Load()
		reached.revision = line
		l.at.Store(&reached)
	}
	return nil
}

// scanned is how many leaves are read at a time.
const scanned = 1024

// scan finds the leaves of the commits after the log's revision up to line.
func (l *Log) scan(ctx context.Context, line store.Revision) ([]entry, error) {
	p := l.at.Load()
	var after []byte
	if !p.highWater.IsZero() {
		// Leaves are never made older than the high-water mark of their moment,
		// so those that wait lie on its day or later. The day more allows for
		// one that was made just before midnight and stored behind a newer one.
		day := dayOf(p.highWater.Add(-24 * time.Hour))
		after = append([]byte{prefixLeaf}, day[:]...)
	}
	var entries []entry
	for {
		page, err := l.config.Engine.Scan(ctx, []byte{prefixLeaf}, after, scanned)
		if err != nil {
			return nil, fmt.Errorf("scan leaves: %w", err)
		}
		for _, found := range page {
			if found.Revision <= p.revision || found.Revision > line {
				continue
			}
			at, ok := locatorOf(found.Key)
			if !ok {
				return nil, fmt.Errorf("%w: a leaf under a key of another form", ErrBroken)
			}
			e, err := l.open(at, found.Value, found.Revision)
			if err != nil {
				return nil, err
			}
			entries = append(entries, e)
		}
		if len(page) < scanned {
			slices.SortFunc(entries, inLogOrder)
			return entries, nil
		}
		after = page[len(page)-1].Key
	}
}

func inLogOrder(a, b entry) int {
	if a.revision != b.revision {
		if a.revision < b.revision {
			return -1
		}
		return 1
	}
	return bytes.Compare(a.at[:], b.at[:])
}
