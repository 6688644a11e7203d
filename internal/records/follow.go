package records

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/lookup"
	"github.com/amparo-project/amparo/internal/store"
)

// Follow keeps the index true to the engine until ctx ends: it sees every commit,
// also one whose caller never learned of its outcome, and takes in what is news.
func (r *Records) Follow(ctx context.Context, from store.Revision) error {
	for {
		err := r.cfg.Engine.Watch(ctx, from, func(batch store.Batch) error {
			from = batch.Revision
			for _, write := range batch.Writes {
				if err := r.see(ctx, write, batch.Revision); err != nil {
					return err
				}
			}
			return nil
		})
		if !errors.Is(err, store.ErrCompacted) {
			return err
		}
		// The engine forgot commits before they were seen: look at all heads.
		if from, err = r.rescan(ctx); err != nil {
			return err
		}
	}
}

func (r *Records) see(ctx context.Context, write store.Write, revision store.Revision) error {
	if len(write.Key) == 19 && write.Key[0] == prefixRequest && !write.Delete {
		r.remember([16]byte(write.Key[3:]), binary.BigEndian.Uint16(write.Key[1:]))
		return nil
	}
	if len(write.Key) != 18 || write.Key[0] != prefixFile || write.Key[17] != slotHead || write.Delete {
		return nil
	}
	locator := lookup.ID(write.Key[1:17])
	if r.ownCommit(locator, write.Value) {
		return nil
	}
	return r.takeIn(ctx, locator, store.Entry{Key: write.Key, Value: write.Value, Revision: revision})
}

// announce tells the follower which heads this process is about to write and will
// enter in the index itself: opening them again would be work for nothing. It comes
// before the commit, since the follower may see that before its caller does.
func (r *Records) announce(work *Work, c *commit) {
	r.ownMu.Lock()
	defer r.ownMu.Unlock()
	for i, file := range work.files {
		if c.hashes[i] != nil {
			r.own[file.locator] = [sha256.Size]byte(c.hashes[i])
		}
	}
}

// ownCommit reports whether the head is one that was announced, and forgets it.
func (r *Records) ownCommit(locator lookup.ID, head []byte) bool {
	r.ownMu.Lock()
	defer r.ownMu.Unlock()
	hash, announced := r.own[locator]
	if !announced || hash != sha256.Sum256(head) {
		return false
	}
	delete(r.own, locator)
	return true
}

// withdraw takes back what was announced for a commit that failed. If its outcome
// is unknown, it may have happened and the follower may have left it to us; then
// the announcement is gone, and the head is taken in from the engine.
func (r *Records) withdraw(ctx context.Context, work *Work, c *commit, failure error) {
	for i, file := range work.files {
		if c.hashes[i] == nil || r.forget(file.locator, [sha256.Size]byte(c.hashes[i])) || errors.Is(failure, store.ErrConflict) {
			continue
		}
		ctx := context.WithoutCancel(ctx)
		stored, err := r.cfg.Engine.Get(ctx, fileKey(file.locator, slotHead))
		if err == nil {
			// A failure means that the engine has stopped, and the follower with it.
			_ = r.takeIn(ctx, file.locator, stored)
		}
	}
}

func (r *Records) forget(locator lookup.ID, hash [sha256.Size]byte) bool {
	r.ownMu.Lock()
	defer r.ownMu.Unlock()
	if r.own[locator] != hash {
		return false
	}
	delete(r.own, locator)
	return true
}

// takeIn opens a head that is news and enters it in the index. One that does not
// open is left to be judged by whoever reads the file.
func (r *Records) takeIn(ctx context.Context, locator lookup.ID, stored store.Entry) error {
	wrapped, err := r.cfg.Engine.Get(ctx, fileKey(locator, slotKey))
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("follow the engine: %w", err)
	}
	file, err := r.openHead(locator, wrapped.Value, stored)
	var id lookup.ID
	ours := err == nil
	if ours {
		id, ours = parseID(file.id)
	}
	if !ours {
		return nil
	}
	// A head that was written later and has no higher version is an older one that
	// was put back. It must not become what reads are held against.
	if known, ok := r.index.Find(id); ok && known.Revision < uint64(stored.Revision) && known.Version >= file.version {
		_ = r.judge(ctx, known, fmt.Errorf("%w: an older head was put back", errProof))
		return nil
	}
	news := r.enter(file, id, file.version, file.hash, uint64(stored.Revision))
	if news && file.kind == kindDirectory {
		if err := r.readDirectory(ctx); err != nil {
			return err
		}
	}
	if news && (file.kind == kindDirectory || file.kind == kindDuty) {
		if err := r.readDuty(ctx); err != nil {
			return err
		}
	}
	// The policy is named by the directory, which may come after it.
	if news && (file.kind == kindDirectory || file.kind == kindPolicy) {
		// One that fails its proof has been shut and told of; the work goes on by
		// the policy that was read before.
		if err := r.readPolicy(ctx); err != nil && !fault.Is(err, fault.Corrupt) {
			return err
		}
	}
	return nil
}

// rescan takes in every head that is news, and returns a revision from which a
// watch misses nothing: that of a scan that began before any of the heads was read.
func (r *Records) rescan(ctx context.Context) (store.Revision, error) {
	from := r.cfg.Log.State().Revision
	r.ownMu.Lock()
	clear(r.own) // what was announced may be among what was forgotten
	r.ownMu.Unlock()
	var after []byte
	for {
		entries, err := r.cfg.Engine.Scan(ctx, []byte{prefixFile}, after, scanPage)
		if err != nil {
			return 0, fmt.Errorf("follow the engine: %w", err)
		}
		for _, entry := range entries {
			if len(entry.Key) == 18 && entry.Key[17] == slotHead {
				if err := r.takeIn(ctx, lookup.ID(entry.Key[1:17]), entry); err != nil {
					return 0, err
				}
			}
		}
		if len(entries) < scanPage {
			return from, nil
		}
		after = entries[len(entries)-1].Key
	}
}
