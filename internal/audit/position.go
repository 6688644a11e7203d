package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/storepb"
)

// position is how far the log has come. It is never changed: advance returns the
// next one.
type position struct {
	edge      edge
	hashes    column
	locators  column
	fold      [32]byte
	highWater time.Time
	leaptFrom time.Time      // see leapt
	revision  store.Revision // the leaves of all commits up to this one are in the tree
	root      tlog.Hash
	signed    string         // the checkpoint
	stored    store.Revision // of the state's own key; zero until it has been written
}

// entry is what the log keeps of a leaf while it waits to be taken in.
type entry struct {
	revision store.Revision
	at       locator
	hash     tlog.Hash
	fold     [32]byte // what the leaf's changes do to the fold
	time     time.Time
	act      amparov1.LeafAction // unless it was refused
}

func emptyPosition() *position {
	return &position{hashes: hashColumn(), locators: locatorColumn()}
}

// advance returns the position after entries, which reaches revision, and the
// writes that lead there: whole chunks and the sealed state with its checkpoint.
func (p *position) advance(c *Config, signer note.Signer, entries []entry, revision store.Revision) (*position, []store.Write, error) {
	next := *p
	next.edge = p.edge.clone()
	next.revision = max(p.revision, revision)
	var hashes, locators []byte
	for _, e := range entries {
		added, err := next.edge.add(e.hash)
		if err != nil {
			return nil, nil, err
		}
		for _, h := range added {
			hashes = append(hashes, h[:]...)
		}
		locators = append(locators, e.at[:]...)
		xor(&next.fold, e.fold)
		next.leaptFrom = leapt(next.leaptFrom, next.highWater, e.time, e.act)
		if e.time.After(next.highWater) {
			next.highWater = e.time
		}
	}
	var writes, more []store.Write
	next.hashes, writes = p.hashes.extend(hashes)
	next.locators, more = p.locators.extend(locators)
	writes = append(writes, more...)
	var err error
	if next.root, err = next.edge.root(); err != nil {
		return nil, nil, err
	}
	if next.signed, err = (checkpoint{signer.Name(), next.edge.size, next.root}).sign(signer); err != nil {
		return nil, nil, err
	}
	state, err := next.seal(c.Sealer)
	return &next, append(writes, store.Write{Key: stateKey, Value: state}), err
}

func (p *position) seal(sealer Sealer) ([]byte, error) {
	state := &storepb.LogState{
		Size:       uint64(p.edge.size),
		Revision:   uint64(p.revision),
		Fold:       p.fold[:],
		Checkpoint: p.signed,
	}
	if !p.highWater.IsZero() {
		state.HighWater = timestamppb.New(p.highWater)
	}
	if !p.leaptFrom.IsZero() {
		state.LeaptFrom = timestamppb.New(p.leaptFrom)
	}
	raw, err := proto.Marshal(state)
	if err != nil {
		return nil, fmt.Errorf("marshal state of the log: %w", err)
	}
	return sealer.SealLogState(statePlace, raw), nil
}

// loadPosition reads the position from the engine and holds it against what else
// lies there: the signature is our own, the stored hashes lead to the signed
// root, and the columns end exactly where the state says, which they do not when
// the state, or they, are from another day.
func loadPosition(ctx context.Context, c *Config, public string) (*position, error) {
	found, err := c.Engine.Get(ctx, stateKey)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("%w: its state is missing", ErrBroken)
	}
	if err != nil {
		return nil, fmt.Errorf("read state of the log: %w", err)
	}
	p, err := openState(c.Sealer, found.Value, public)
	if err != nil {
		return nil, err
	}
	p.stored = found.Revision
	reader := newChunks(c.Engine)
	if err := p.hashes.load(ctx, reader, tlog.StoredHashCount(p.edge.size)); err != nil {
		return nil, err
	}
	if err := p.locators.load(ctx, reader, p.edge.size); err != nil {
		return nil, err
	}
	root, err := tlog.TreeHash(p.edge.size, tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes, err := reader.hashes(ctx)(indexes)
		for i := range hashes {
			p.edge.nodes = append(p.edge.nodes, node{indexes[i], hashes[i]})
		}
		return hashes, err
	}))
	if err != nil {
		return nil, err
	}
	if root != p.root {
		return nil, fmt.Errorf("%w: the stored hashes do not lead to the signed root of %d leaves", ErrBroken, p.edge.size)
	}
	return p, nil
}

// openState opens the sealed state. It leaves the tree's edge and the ends of the
// columns to its caller.
func openState(sealer Sealer, envelope []byte, public string) (*position, error) {
	raw, err := sealer.OpenLogState(statePlace, envelope)
	if err != nil {
		return nil, fmt.Errorf("%w: its state does not open", ErrBroken)
	}
	state := new(storepb.LogState)
	if err := proto.Unmarshal(raw, state); err != nil || hasUnknown(state.ProtoReflect()) {
		return nil, fmt.Errorf("%w: its state is of a form that this version does not know", ErrBroken)
	}
	signed, err := openCheckpoint(public, state.GetCheckpoint())
	if err != nil {
		return nil, fmt.Errorf("%w: newest checkpoint: %w", ErrBroken, err)
	}
	p := emptyPosition()
	if uint64(signed.size) != state.GetSize() || len(state.GetFold()) != len(p.fold) {
		return nil, fmt.Errorf("%w: its state contradicts its checkpoint", ErrBroken)
	}
	p.edge.size = signed.size
	p.fold = [32]byte(state.GetFold())
	if state.GetHighWater() != nil {
		p.highWater = state.GetHighWater().AsTime()
	}
	if state.GetLeaptFrom() != nil {
		p.leaptFrom = state.GetLeaptFrom().AsTime()
	}
	p.revision = store.Revision(state.GetRevision())
	p.root = signed.root
	p.signed = state.GetCheckpoint()
	return p, nil
}

// load reads the end of a column that must have count entries, and nothing after.
func (c *column) load(ctx context.Context, reader *chunks, count int64) error {
	c.count = count
	last := count / perChunk
	if rest := int(count % perChunk); rest > 0 {
		data, err := reader.chunk(ctx, c, last)
		if err != nil {
			return err
		}
		if len(data) != rest*c.width {
			return fmt.Errorf("%w: last chunk of %q has %d entries instead of %d", ErrBroken, c.prefix, len(data)/c.width, rest)
		}
		c.tail = data
		last++
	}
	var after []byte // a first chunk has no key before it
	if last > 0 {
		after = c.key(last - 1)
	}
	beyond, err := reader.engine.Scan(ctx, []byte{c.prefix}, after, 1)
	if err != nil {
		return fmt.Errorf("read end of the log: %w", err)
	}
	if len(beyond) > 0 {
		return fmt.Errorf("%w: chunks of %q beyond its %d entries", ErrBroken, c.prefix, count)
	}
	return nil
}

func xor(fold *[32]byte, with [32]byte) {
	for i := range fold {
		fold[i] ^= with[i]
	}
}
