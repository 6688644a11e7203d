package records

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/lookup"
	"github.com/amparo-project/amparo/internal/store"
)

// scanPage is how many entries are read from the engine at a time.
const scanPage = 4096

// Open unseals a store: it opens every head once, builds the index from them, and
// compares what it found with what the log says was written last. A head that is
// missing or older than the log knows shuts its file, or, when that file cannot be
// told, is an error: the store must not serve what may have been rolled back. The
// log must have caught up before. The caller runs Follow beside its work.
func Open(ctx context.Context, cfg Config) (*Records, error) {
	r := &Records{
		cfg: cfg, index: lookup.New(),
		dutyChanged: make(chan struct{}),
		requests:    map[[16]byte]uint16{}, broken: map[lookup.ID]struct{}{}, own: map[lookup.ID][sha256.Size]byte{},
	}
	r.trustClock()
	if err := r.builtInPolicy(); err != nil {
		return nil, err
	}
	r.placed.Store(uint32(cfg.Log.State().Revision))
	r.leaves.Store(uint32(cfg.Log.State().Revision))
	u := &unsealing{r: r}
	if err := u.readHeads(ctx); err != nil {
		return nil, err
	}
	if err := u.compare(ctx); err != nil {
		return nil, err
	}
	r.index.Load(u.heads)
	r.wokenBy.Store(r.Book())
	if err := r.readRequests(ctx); err != nil {
		return nil, err
	}
	for _, pseudonym := range u.damaged {
		fault := "a head is missing, does not open, or is not the newest"
		if pseudonym != "" {
			fault = "file " + pseudonym + ": " + fault
		}
		r.unsealFaults = append(r.unsealFaults, fault)
		r.tellBroken(ctx, pseudonym)
	}
	if err := r.beginDirectory(ctx); err != nil {
		return r, err
	}
	return r, r.beginDuty(ctx)
}

// beginDirectory reads the staff directory and the policy. Without the one nobody can
// be let in, and without the other terms would be counted by rules that nobody here
// has decided, so a store that has begun and lacks either is not served, only checked.
func (r *Records) beginDirectory(ctx context.Context) error {
	err := r.readDirectory(ctx)
	if err == nil {
		err = r.readPolicy(ctx)
	}
	if errors.Is(err, errNoDirectory) {
		if r.LogSize() == 0 {
			return nil
		}
		err = fmt.Errorf("%w: the staff directory is missing or not the newest", errProof)
	}
	if r.cfg.ReadOnly && errors.Is(err, store.ErrCorrupt) {
		r.unsealFaults = append(r.unsealFaults, "the staff directory or the policy cannot be read")
		return nil
	}
	return err
}

// Started leaves the leaf that says that the service began to serve, and, when
// the engine had to go back behind its last commit, the loud one that says so. It
// returns the revision from which Follow misses nothing. It refuses to start by a
// clock that is behind the newest leaf.
func (r *Records) Started(ctx context.Context, lostCommit bool) (from store.Revision, err error) {
	if err := r.checkClock(); err != nil {
		return 0, err
	}
	if err := r.beginSingles(ctx); err != nil {
		return 0, err
	}
	if err := r.renewPolicy(ctx); err != nil {
		return 0, err
	}
	actions := []amparov1.LeafAction{amparov1.LeafAction_LEAF_ACTION_SERVICE_STARTED}
	if lostCommit {
		actions = append(actions, amparov1.LeafAction_LEAF_ACTION_LOST_COMMIT_ACCEPTED)
	}
	for _, action := range actions {
		leaf := complete(access.Service(action), &amparov1.AuditLeaf{})
		if from, err = r.writeLeaf(ctx, leaf); err != nil {
			return 0, err
		}
	}
	return from, nil
}

// unsealing is the state of one Open.
type unsealing struct {
	r       *Records
	heads   []lookup.Head
	fold    [32]byte
	damaged []string // what is said of files that did not open
}

// pair is a file's two records in the heads' key space.
type pair struct {
	locator lookup.ID
	wrapped []byte
	stored  store.Entry
}

// opened is what became of a pair.
type opened struct {
	head lookup.Head
	fold [32]byte
	ok   bool
}

// readHeads scans the heads' key space and opens what it finds, on all cores.
func (u *unsealing) readHeads(ctx context.Context) error {
	var carry pair
	var after []byte
	for {
		entries, err := u.r.cfg.Engine.Scan(ctx, []byte{prefixFile}, after, scanPage)
		if err != nil {
			return fmt.Errorf("read heads: %w", err)
		}
		var pairs []pair
		for _, entry := range entries {
			if len(entry.Key) != 18 {
				u.damaged = append(u.damaged, "") // no key of ours has that length
				continue
			}
			locator, slot := lookup.ID(entry.Key[1:17]), entry.Key[17]
			switch {
			case slot == slotKey:
				u.lost(carry)
				carry = pair{locator: locator, wrapped: entry.Value}
			case slot == slotHead && carry.wrapped != nil && carry.locator == locator:
				pairs = append(pairs, pair{locator, carry.wrapped, entry})
				carry = pair{}
			default:
				u.damaged = append(u.damaged, "")
			}
		}
		u.openAll(pairs)
		if len(entries) < scanPage {
			u.lost(carry)
			return nil
		}
		after = entries[len(entries)-1].Key
	}
}

// lost notes a wrapped key that has no head behind it.
func (u *unsealing) lost(p pair) {
	if p.wrapped != nil {
		u.shut(p)
	}
}

// shut notes a file whose head is missing or does not open. Where its key still
// says which file it is, whoever asks for that is told of the damage, and not that
// there is no such file.
func (u *unsealing) shut(p pair) {
	u.damaged = append(u.damaged, "")
	if key, err := u.r.cfg.Keyring.Unwrap(p.locator[:], p.wrapped); err == nil {
		if id, ok := parseID(key.ID()); ok {
			u.r.broken[id] = struct{}{}
		}
	}
}

func (u *unsealing) openAll(pairs []pair) {
	results := make([]opened, len(pairs))
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(pairs); i += workers {
				results[i] = u.open(pairs[i])
			}
		})
	}
	wg.Wait()
	for i, result := range results {
		if !result.ok {
			u.shut(pairs[i])
			continue
		}
		u.heads = append(u.heads, result.head)
		for i := range u.fold {
			u.fold[i] ^= result.fold[i]
		}
	}
}

func (u *unsealing) open(p pair) opened {
	file, err := u.r.openHead(p.locator, p.wrapped, p.stored)
	if err != nil {
		return opened{}
	}
	id, ok := parseID(file.id)
	if !ok {
		return opened{}
	}
	return opened{
		head: indexed(file, id, file.version, file.hash, uint64(file.revision)),
		fold: u.r.cfg.Keyring.Fold(file.Pseudonym(), file.version, file.hash),
		ok:   true,
	}
}

// compare holds the heads against the log. The folds agree in one comparison when
// every head is the one that was written last. When they do not, the log is read
// from its beginning for the last version of every file, which names the files
// that are missing or old; they are shut and the rest is served.
func (u *unsealing) compare(ctx context.Context) error {
	if u.fold == u.r.cfg.Log.State().Fold {
		return nil
	}
	last, err := u.r.lastChanges(ctx)
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	found := len(u.damaged)
	u.heads = slices.DeleteFunc(u.heads, func(head lookup.Head) bool {
		pseudonym := textOf(head.Pseudonym)
		change := last[pseudonym]
		delete(last, pseudonym)
		if change != nil && change.GetVersion() == head.Version && bytes.Equal(change.GetHeadHash()[:16], head.Hash[:]) {
			return false
		}
		// It is not entered in the index: the queue would show what it says.
		u.r.broken[head.ID] = struct{}{}
		u.damaged = append(u.damaged, pseudonym)
		return true
	})
	for pseudonym := range last {
		u.damaged = append(u.damaged, pseudonym)
	}
	if len(u.damaged) == found {
		return fmt.Errorf("%w: heads and log disagree, and no file can be named", errProof)
	}
	return nil
}

// readRequests learns the names of the request records, so that a repetition is
// found whatever the day.
func (r *Records) readRequests(ctx context.Context) error {
	var after []byte
	for {
		entries, err := r.cfg.Engine.Scan(ctx, []byte{prefixRequest}, after, scanPage)
		if err != nil {
			return fmt.Errorf("read request records: %w", err)
		}
		for _, entry := range entries {
			if len(entry.Key) == 19 {
				r.requests[[16]byte(entry.Key[3:])] = binary.BigEndian.Uint16(entry.Key[1:])
			}
		}
		if len(entries) < scanPage {
			return nil
		}
		after = entries[len(entries)-1].Key
	}
}
