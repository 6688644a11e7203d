package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/store"
)

// maxProblems is where Check stops looking: beyond it the log is beyond repair.
const maxProblems = 100

// Check reads the whole log as it is stored and returns all that is wrong with it
// (errors joined, each wrapping ErrBroken), or nil: every leaf opens, is well
// formed and has the hash that the tree holds; every tree hash follows from the
// leaves, and the signed root from them; no version of a file is missing; the fold
// and the high-water mark are those of the leaves; and no leaf lies in the store
// that the tree ought to hold and does not (of those that CatchUp has seen, so it
// comes first). It looks every leaf up by itself, which takes some times as long as
// Leaves, and Run goes on beside it.
func (l *Log) Check(ctx context.Context) error {
	p, err := l.stored(ctx)
	if err != nil {
		return err
	}
	c := &checking{config: &l.config, at: p, reader: newChunks(l.config.Engine), history: newHistory()}
	if err := c.leaves(ctx); err != nil {
		return err
	}
	c.end()
	if err := c.orphans(ctx); err != nil {
		return err
	}
	return errors.Join(c.problems...)
}

// stored loads the position anew, since what the disk holds is the question, and
// compares it with the one that is being served.
func (l *Log) stored(ctx context.Context) (*position, error) {
	l.sequencing.Lock()
	defer l.sequencing.Unlock()
	if err := l.settle(ctx); err != nil {
		return nil, l.fail(ctx, err)
	}
	p, err := loadPosition(ctx, &l.config, l.public)
	if err != nil {
		return nil, err
	}
	served := l.at.Load()
	if p.signed != served.signed || p.stored != served.stored {
		return nil, fmt.Errorf("%w: its state is not the one that was stored last", ErrBroken)
	}
	p.revision = served.revision // which may be ahead by commits without leaves
	return p, nil
}

type checking struct {
	config   *Config
	at       *position
	reader   *chunks
	tree     edge
	history  *history
	fold     [32]byte
	locators []locator
	problems []error
}

func (c *checking) found(err error) {
	if !errors.Is(err, ErrBroken) {
		err = fmt.Errorf("%w: %w", ErrBroken, err)
	}
	c.problems = append(c.problems, err)
}

// leaves walks the log from its first leaf. Only errors that keep it from going on
// are returned.
func (c *checking) leaves(ctx context.Context) error {
	for index := range c.at.edge.size {
		if len(c.problems) >= maxProblems {
			return errors.Join(c.problems...)
		}
		err := c.leaf(ctx, index)
		if errors.Is(err, ErrBroken) || errors.Is(err, ErrInvalid) {
			c.found(fmt.Errorf("leaf %d: %w", index, err))
			err = nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *checking) leaf(ctx context.Context, index int64) error {
	var raw []byte
	at, err := c.reader.entry(ctx, &c.at.locators, index)
	if err == nil {
		c.locators = append(c.locators, locator(at))
		raw, err = readLeaf(ctx, c.config, locator(at), index)
	}
	if err != nil {
		// Go on with the hash that is stored, so that one missing leaf does not
		// make all that come after it look wrong.
		if hashes, hashErr := c.storedHashes(ctx, index, 1); hashErr == nil {
			_, _ = c.tree.add(hashes[0])
		}
		return err
	}
	hashes, err := c.tree.add(tlog.RecordHash(raw))
	if err != nil {
		return err
	}
	leaf := new(amparov1.AuditLeaf)
	wrong := decodeLeaf(raw, leaf)
	if wrong == nil {
		wrong = c.history.take(leaf)
		xor(&c.fold, foldOf(c.config.Sealer, leaf))
	}
	stored, err := c.storedHashes(ctx, index, len(hashes))
	if err == nil && !slices.Equal(stored, hashes) {
		err = fmt.Errorf("%w: its hashes are not those of the tree", ErrBroken)
	}
	return errors.Join(wrong, err)
}

func (c *checking) storedHashes(ctx context.Context, index int64, n int) ([]tlog.Hash, error) {
	indexes := make([]int64, n)
	for i := range indexes {
		indexes[i] = tlog.StoredHashIndex(0, index) + int64(i)
	}
	return c.reader.hashes(ctx)(indexes)
}

// end compares what the leaves come to with what was signed and sealed.
func (c *checking) end() {
	root, err := c.tree.root()
	if err != nil || root != c.at.root {
		c.found(errors.New("the leaves do not lead to the signed root"))
	}
	if len(c.problems) > 0 {
		return // what follows is then wrong by necessity
	}
	if c.fold != c.at.fold {
		c.found(errors.New("the fold over all files is not that of the leaves"))
	}
	if !c.history.report.Last.Equal(c.at.highWater) && c.at.edge.size > 0 {
		c.found(errors.New("the high-water mark is not the newest time of a leaf"))
	}
}

// orphans looks for leaves that were committed while the log was followed, and are
// not in it, and for places that the log names twice.
func (c *checking) orphans(ctx context.Context) error {
	slices.SortFunc(c.locators, func(a, b locator) int { return bytes.Compare(a[:], b[:]) })
	if len(slices.Compact(slices.Clone(c.locators))) != len(c.locators) {
		c.found(errors.New("one leaf stands in the log twice"))
	}
	var after []byte
	for len(c.problems) < maxProblems {
		page, err := c.config.Engine.Scan(ctx, []byte{prefixLeaf}, after, scanned)
		if err != nil {
			return fmt.Errorf("scan leaves: %w", err)
		}
		for _, e := range page {
			c.orphan(e)
		}
		if len(page) < scanned {
			return nil
		}
		after = page[len(page)-1].Key
	}
	return nil
}

func (c *checking) orphan(e store.Entry) {
	at, ok := locatorOf(e.Key)
	_, known := slices.BinarySearchFunc(c.locators, at, func(a, b locator) int { return bytes.Compare(a[:], b[:]) })
	switch {
	case !ok:
		c.found(errors.New("a leaf lies under a key of another form"))
	case known && e.Revision > c.at.revision:
		c.found(errors.New("a leaf was stored again after it was taken in"))
	case !known && e.Revision <= c.at.revision:
		c.found(errors.New("a leaf lies in the store that the log passed over"))
	}
}
