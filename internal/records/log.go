package records

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/seal"
)

// LogKey is the verifier key of the log's checkpoints.
func (r *Records) LogKey() string { return r.cfg.Log.PublicKey() }

// LogSize is how many leaves the newest checkpoint covers.
func (r *Records) LogSize() uint64 { return r.cfg.Log.State().Size }

// Checkpoint is the newest checkpoint and how many leaves it covers.
func (r *Records) Checkpoint() (signed string, size uint64) {
	state := r.cfg.Log.State()
	return state.Checkpoint, state.Size
}

// CatchUp returns when the newest checkpoint covers every act that was acknowledged
// before the call: what an auditor takes away leaves out none of those.
func (r *Records) CatchUp(ctx context.Context) error { return logFault(r.cfg.Log.CatchUp(ctx)) }

// Leaves returns up to limit leaves before an index, newest first.
func (r *Records) Leaves(ctx context.Context, before uint64, limit int) ([]*amparov1.LoggedLeaf, error) {
	leaves, err := r.cfg.Log.List(ctx, before, limit)
	return leaves, logFault(err)
}

// EachLeaf calls fn with the bytes of the first size leaves, in order.
func (r *Records) EachLeaf(ctx context.Context, size uint64, fn func(raw []byte) error) error {
	return logFault(r.cfg.Log.Leaves(ctx, 0, size, fn))
}

// Consistency is the newest checkpoint that witnesses have signed, or the newest of
// all, with the proof that it extends the log of an older size. The checkpoint is
// empty when there is no log of that size yet.
func (r *Records) Consistency(ctx context.Context, oldSize uint64) (signed string, proof [][]byte, err error) {
	if oldSize > r.LogSize() {
		return "", nil, nil
	}
	signed, proof, err = r.cfg.Log.CosignedProof(ctx, oldSize)
	return signed, proof, logFault(err)
}

func logFault(err error) error {
	if errors.Is(err, audit.ErrBroken) {
		return fault.Wrap(amparov1.Reason_REASON_INTEGRITY, err)
	}
	return asFault(err)
}

// ServiceRecipient is the age recipient of the service: what is sealed to it.
func (r *Records) ServiceRecipient() string { return r.cfg.Keyring.ServiceRecipient() }

// OpenCapsule returns what is sealed in a capsule, which may come from anybody. It
// refuses with REASON_CAPSULE_FOREIGN or REASON_CAPSULE_DAMAGED.
func (r *Records) OpenCapsule(sealed []byte) ([]byte, error) {
	content, err := r.cfg.Keyring.OpenOutside(sealed)
	if errors.Is(err, seal.ErrWrongIdentity) {
		return nil, fault.Wrap(amparov1.Reason_REASON_CAPSULE_FOREIGN, err)
	}
	if err != nil {
		return nil, fault.Wrap(amparov1.Reason_REASON_CAPSULE_DAMAGED, err)
	}
	return content, nil
}

// ProofKey is what the service keeps of an invitation to check a proof with. It is
// nil for an invitation that does not exist. The caller has no grant yet: the key
// is public and is shown to nobody.
func (r *Records) ProofKey(ctx context.Context, invitationID string) (ed25519.PublicKey, error) {
	id, ok := parseID(invitationID)
	if !ok {
		return nil, nil
	}
	known, ok := r.index.Find(id)
	if !ok || known.Kind != kindInvitation {
		return nil, nil
	}
	file, err := r.loadKnown(ctx, known)
	if err != nil {
		return nil, r.judge(ctx, known, err)
	}
	key := file.Invitation().GetProofKey()
	if len(key) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("%w: invitation without a key", errProof)
	}
	return key, nil
}
