package audit

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Root returns the root of the tree of the first size leaves, from the stored hashes.
// ErrInvalid: the newest checkpoint covers fewer.
func (l *Log) Root(ctx context.Context, size uint64) ([]byte, error) {
	p := l.at.Load()
	if size > uint64(p.edge.size) {
		return nil, fmt.Errorf("%w: root of %d of %d leaves", ErrInvalid, size, p.edge.size)
	}
	root, err := tlog.TreeHash(int64(size), l.reader.hashes(ctx))
	if err != nil {
		return nil, fmt.Errorf("root of %d leaves: %w", size, err)
	}
	return root[:], nil
}
