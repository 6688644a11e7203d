package audit

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/store"
)

// Leaf returns the bytes of leaf index as they were recorded, after proving that
// the newest checkpoint covers exactly them. ErrBroken: the stored leaf is missing
// or another one, or what proves it is. ErrInvalid: there is no such index.
func (l *Log) Leaf(ctx context.Context, index uint64) ([]byte, error) {
	p := l.at.Load()
	if index >= uint64(p.edge.size) {
		return nil, fmt.Errorf("%w: leaf %d of %d", ErrInvalid, index, p.edge.size)
	}
	return l.leaf(ctx, p, int64(index))
}

func (l *Log) leaf(ctx context.Context, p *position, index int64) ([]byte, error) {
	at, err := l.reader.entry(ctx, &p.locators, index)
	if err != nil {
		return nil, err
	}
	raw, err := readLeaf(ctx, &l.config, locator(at), index)
	if err != nil {
		return nil, err
	}
	proof, err := tlog.ProveRecord(p.edge.size, index, l.reader.hashes(ctx))
	if err != nil {
		return nil, fmt.Errorf("prove leaf %d: %w", index, err)
	}
	if tlog.CheckRecord(proof, p.edge.size, p.root, index, tlog.RecordHash(raw)) != nil {
		return nil, fmt.Errorf("%w: leaf %d is not the one that the checkpoint covers", ErrBroken, index)
	}
	return raw, nil
}

func readLeaf(ctx context.Context, c *Config, at locator, index int64) ([]byte, error) {
	found, err := c.Engine.Get(ctx, at.key())
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("%w: leaf %d is missing", ErrBroken, index)
	}
	if err != nil {
		return nil, fmt.Errorf("read leaf %d: %w", index, err)
	}
	raw, err := c.Sealer.OpenLeaf(at[:], found.Value)
	if err != nil {
		return nil, fmt.Errorf("%w: leaf %d does not open", ErrBroken, index)
	}
	return raw, nil
}

// List returns up to limit leaves before index before, the newest first. A before
// beyond the newest checkpoint stands for its size.
func (l *Log) List(ctx context.Context, before uint64, limit int) ([]*amparov1.LoggedLeaf, error) {
	p := l.at.Load()
	before = min(before, uint64(p.edge.size))
	var page []*amparov1.LoggedLeaf
	for ; before > 0 && len(page) < limit; before-- {
		raw, err := l.leaf(ctx, p, int64(before-1))
		if err != nil {
			return nil, err
		}
		leaf := new(amparov1.AuditLeaf)
		if err := decodeLeaf(raw, leaf); err != nil {
			return nil, fmt.Errorf("%w: leaf %d: %w", ErrBroken, before-1, err)
		}
		page = append(page, &amparov1.LoggedLeaf{Index: before - 1, Raw: raw, Leaf: leaf})
	}
	return page, nil
}

// InclusionProof returns the RFC 6962 proof that leaf index is in the tree of the
// first size leaves.
func (l *Log) InclusionProof(ctx context.Context, index, size uint64) ([][]byte, error) {
	p := l.at.Load()
	if index >= size || size > uint64(p.edge.size) {
		return nil, fmt.Errorf("%w: proof of leaf %d in %d of %d", ErrInvalid, index, size, p.edge.size)
	}
	proof, err := tlog.ProveRecord(int64(size), int64(index), l.reader.hashes(ctx))
	if err != nil {
		return nil, fmt.Errorf("prove leaf %d: %w", index, err)
	}
	return hashBytes(proof), nil
}

// ConsistencyProof returns a checkpoint, and the RFC 6962 proof that it extends
// the tree of the first oldSize leaves: what CheckConsistency asks for. The proof
// is empty where none is needed. ErrInvalid: the log is smaller than oldSize.
func (l *Log) ConsistencyProof(ctx context.Context, oldSize uint64) (signed string, proof [][]byte, err error) {
	p := l.at.Load()
	proof, err = l.extension(ctx, oldSize, uint64(p.edge.size))
	if err != nil {
		return "", nil, err
	}
	return p.signed, proof, nil
}

// Extension returns the proof that ConsistencyProof gives, for a checkpoint of
// newSize leaves instead of the newest.
func (l *Log) Extension(ctx context.Context, oldSize, newSize uint64) ([][]byte, error) {
	if size := uint64(l.at.Load().edge.size); newSize > size {
		return nil, fmt.Errorf("%w: proof to %d of %d", ErrInvalid, newSize, size)
	}
	return l.extension(ctx, oldSize, newSize)
}

func (l *Log) extension(ctx context.Context, oldSize, newSize uint64) ([][]byte, error) {
	if oldSize > newSize {
		return nil, fmt.Errorf("%w: proof from %d of %d", ErrInvalid, oldSize, newSize)
	}
	if oldSize == 0 || oldSize == newSize {
		return nil, nil
	}
	hashes, err := tlog.ProveTree(int64(newSize), int64(oldSize), l.reader.hashes(ctx))
	if err != nil {
		return nil, fmt.Errorf("prove tree of %d leaves: %w", oldSize, err)
	}
	return hashBytes(hashes), nil
}

func hashBytes(hashes []tlog.Hash) [][]byte {
	out := make([][]byte, len(hashes))
	for i, h := range hashes {
		out[i] = h[:]
	}
	return out
}
