package audit

import (
	"context"
	"fmt"
)

// cosigned is a checkpoint of this log that others have signed too.
type cosigned struct {
	size   uint64
	signed string
}

// Cosign keeps a checkpoint of this log that bears signatures of others beside the
// log's own, until the next call; an empty one drops it. Whether those signatures
// are good, its caller has verified. It fails with ErrInvalid for what is not a
// checkpoint of this log.
//
// It lives in memory alone: after a start the log is cosigned anew.
func (l *Log) Cosign(signed string) error {
	if signed == "" {
		l.cosigned.Store(nil)
		return nil
	}
	size, err := CheckpointSize(l.public, signed)
	if err != nil {
		return err
	}
	if newest := uint64(l.at.Load().edge.size); size > newest {
		return fmt.Errorf("%w: a cosigned checkpoint of %d leaves, of %d", ErrInvalid, size, newest)
	}
	l.cosigned.Store(&cosigned{size, signed})
	return nil
}

// CosignedProof is ConsistencyProof for the checkpoint that was given to Cosign. The
// newest one stands in for it where there is none, or where the caller has seen more
// than it covers.
func (l *Log) CosignedProof(ctx context.Context, oldSize uint64) (signed string, proof [][]byte, err error) {
	c := l.cosigned.Load()
	if c == nil || c.size < oldSize {
		return l.ConsistencyProof(ctx, oldSize)
	}
	proof, err = l.extension(ctx, oldSize, c.size)
	return c.signed, proof, err
}
