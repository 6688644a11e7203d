package records

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/lookup"
	"github.com/amparo-project/amparo/internal/seal"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/storepb"
)

// errProof says that stored data is not what was written: changed, exchanged,
// missing, or older than what is known.
var errProof = fmt.Errorf("records: a proof failed: %w", store.ErrCorrupt)

// missing turns the absence of a record that must be there into a failed proof.
func missing(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("%w: record is missing", errProof)
	}
	return err
}

var errNotFound = fault.New(amparov1.Reason_REASON_NOT_FOUND)

// load opens a file and asks the grant for its permit. What may not be opened is
// not found, by the same path and at the same cost as what does not exist, save
// for the opening itself.
func (r *Records) load(ctx context.Context, target Target, grant access.Grant) (*File, error) {
	if target.Grant.Valid() {
		grant = target.Grant
	}
	id, ok := parseID(target.ID)
	if !ok {
		return nil, errNotFound
	}
	if r.isBroken(id) {
		return nil, fault.New(amparov1.Reason_REASON_INTEGRITY)
	}
	known, ok := r.index.Find(id)
	if !ok {
		return nil, errNotFound
	}
	file, err := r.loadKnown(ctx, known)
	if err != nil {
		return nil, r.judge(ctx, known, err)
	}
	permit, err := permitFile(grant, file)
	if err != nil {
		return nil, err
	}
	if !permit.Granted() {
		return nil, errUngranted
	}
	return file, nil
}

func permitFile(grant access.Grant, file *File) (access.Permit, error) {
	if c := file.Case(); c != nil {
		return grant.PermitCase(c)
	}
	return grant.PermitDirectory()
}

func (r *Records) loadKnown(ctx context.Context, known lookup.Head) (*File, error) {
	wrapped, err := r.cfg.Engine.Get(ctx, fileKey(known.Locator, slotKey))
	if err != nil {
		return nil, missing(err)
	}
	stored, err := r.cfg.Engine.Get(ctx, fileKey(known.Locator, slotHead))
	if err != nil {
		return nil, missing(err)
	}
	file, err := r.openHead(known.Locator, wrapped.Value, stored)
	if err != nil {
		return nil, err
	}
	file.ctx = ctx
	if file.id != textOf(known.ID) || file.kind != known.Kind {
		return nil, fmt.Errorf("%w: another file lies in its place", errProof)
	}
	// A head that is newer than the index is one whose commit has just been made:
	// it opened under this file's key at that version, so the service wrote it.
	// An older one, or another one of the same version, is a rollback.
	if file.version < known.Version || (file.version == known.Version && !bytes.Equal(file.hash[:16], known.Hash[:])) {
		return nil, fmt.Errorf("%w: head is older than the one known", errProof)
	}
	return file, nil
}

// openHead opens a file from its two records in the heads' key space.
func (r *Records) openHead(locator lookup.ID, wrapped []byte, stored store.Entry) (*File, error) {
	key, err := r.cfg.Keyring.Unwrap(locator[:], wrapped)
	if err != nil {
		return nil, fmt.Errorf("%w: file key does not open", errProof)
	}
	version, envelope, ok := splitHead(stored.Value)
	if !ok {
		return nil, fmt.Errorf("%w: head is cut short", errProof)
	}
	plaintext, err := key.Open(seal.Context{RecordKind: uint32(recordHead), Version: version}, envelope)
	if err != nil {
		return nil, fmt.Errorf("%w: head does not open", errProof)
	}
	head := &storepb.Head{}
	if err := proto.Unmarshal(plaintext, head); err != nil {
		return nil, fmt.Errorf("%w: head does not parse", errProof)
	}
	nameOwners(head)
	hash := sha256.Sum256(stored.Value)
	return &File{
		records: r, kind: uint8(key.Kind()), id: key.ID(), locator: locator, key: key,
		head: head, revision: stored.Revision, version: version, hash: hash[:],
	}, nil
}

// judge decides what a failure to open a file means. A failed proof shuts that
// file, is written into the log and shown loudly; the rest of the service runs.
func (r *Records) judge(ctx context.Context, known lookup.Head, err error) error {
	if !errors.Is(err, store.ErrCorrupt) {
		return asFault(err)
	}
	r.brokenMu.Lock()
	_, before := r.broken[known.ID]
	r.broken[known.ID] = struct{}{}
	r.brokenMu.Unlock()
	if !before {
		r.tellBroken(ctx, textOf(known.Pseudonym))
	}
	return fault.Wrap(amparov1.Reason_REASON_INTEGRITY, err)
}

func (r *Records) tellBroken(ctx context.Context, pseudonym string) {
	if r.cfg.Integrity != nil {
		r.cfg.Integrity(pseudonym)
	}
	if r.cfg.ReadOnly {
		return
	}
	leaf := &amparov1.AuditLeaf{
		Action:  amparov1.LeafAction_LEAF_ACTION_INTEGRITY_FAILED,
		Outcome: amparov1.LeafOutcome_LEAF_OUTCOME_REFUSED,
		Reason:  amparov1.Reason_REASON_INTEGRITY,
		About:   pseudonym,
	}
	// The file stays shut whether or not the leaf could be written; what could
	// not be written here is written when the next reader is refused.
	_, _ = r.writeLeaf(context.WithoutCancel(ctx), leaf)
}

func (r *Records) isBroken(id lookup.ID) bool {
	r.brokenMu.RLock()
	defer r.brokenMu.RUnlock()
	_, broken := r.broken[id]
	return broken
}

// Broken is how many files are shut because they failed their proof.
func (r *Records) Broken() int {
	r.brokenMu.RLock()
	defer r.brokenMu.RUnlock()
	return len(r.broken)
}
