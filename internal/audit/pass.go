package audit

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/amparo-project/amparo/internal/store"
)

// Leaves calls fn with the leaves from index from up to, and without, index to, in
// order, and ends with the first error. No leaf reaches fn before it is proven, as by
// Leaf, to be the one that the newest checkpoint covers.
//
// It reads and proves leaves by the chunk, on all cores: which node of the tree
// stands over each chunk is proven once, at the beginning.
func (l *Log) Leaves(ctx context.Context, from, to uint64, fn func(raw []byte) error) error {
	p := l.at.Load()
	if from > to || to > uint64(p.edge.size) {
		return fmt.Errorf("%w: leaves %d to %d of %d", ErrInvalid, from, to, p.edge.size)
	}
	if from == to {
		return nil
	}
	pass := &pass{log: l, at: p}
	if err := pass.proveNodes(ctx); err != nil {
		return err
	}
	first, last := int64(from)/perChunk, int64(to-1)/perChunk
	return inOrder(chunksOf(first, last), func(c *passed) { pass.read(ctx, c) }, func(c *passed) error {
		if c.err != nil {
			return c.err
		}
		// The chunk is proven as a whole, also where less of it was asked for.
		begin := c.number * perChunk
		for _, raw := range c.raws[max(0, int64(from)-begin):min(int64(len(c.raws)), int64(to)-begin)] {
			if err := fn(raw); err != nil {
				return err
			}
		}
		return nil
	})
}

// wide is among how many others a leaf may lie so that to read them all is cheaper
// than to look for it.
const wide = 8

// pass is one reading of the log from one end to the other.
type pass struct {
	log   *Log
	at    *position
	nodes []tlog.Hash // over each whole chunk
	rest  edge        // of the tree of all whole chunks
}

// passed is a chunk of leaves that was read.
type passed struct {
	number int64
	raws   [][]byte
	err    error
}

func chunksOf(first, last int64) iter.Seq2[*passed, error] {
	return func(yield func(*passed, error) bool) {
		for number := first; number <= last; number++ {
			if !yield(&passed{number: number}, nil) {
				return
			}
		}
	}
}

// proveNodes reads the nodes over all whole chunks and holds what they lead to
// against the edge of the tree, which was proven against the signed root when the
// log was opened.
func (p *pass) proveNodes(ctx context.Context) error {
	column := hashColumn()
	for number := range p.at.edge.size / perChunk {
		index := tlog.StoredHashIndex(chunkLevel, number)
		data, err := p.log.reader.chunk(ctx, &column, index/perChunk)
		if err != nil {
			return err
		}
		from := int(index%perChunk) * tlog.HashSize
		if len(data) < from+tlog.HashSize {
			return fmt.Errorf("%w: chunk %d of %q is too short", ErrBroken, index/perChunk, column.prefix)
		}
		h := tlog.Hash(data[from : from+tlog.HashSize])
		p.nodes = append(p.nodes, h)
		p.rest.addSubtree(chunkLevel, h)
	}
	if len(p.rest.nodes) > len(p.at.edge.nodes) || !slices.Equal(p.rest.nodes, p.at.edge.nodes[:len(p.rest.nodes)]) {
		return fmt.Errorf("%w: the stored hashes do not lead to the signed root of %d leaves", ErrBroken, p.at.edge.size)
	}
	return nil
}

// read reads and proves a chunk.
func (p *pass) read(ctx context.Context, c *passed) {
	locators, err := p.locators(ctx, c.number)
	if err == nil {
		c.raws, err = p.open(ctx, c.number*perChunk, locators)
	}
	if err == nil {
		err = p.prove(c)
	}
	c.err = err
}

func (p *pass) locators(ctx context.Context, number int64) ([]locator, error) {
	column := locatorColumn()
	data, err := p.log.reader.chunk(ctx, &column, number)
	if err != nil {
		return nil, err
	}
	locators := make([]locator, min(perChunk, p.at.edge.size-number*perChunk))
	if len(data) < len(locators)*locatorBytes {
		return nil, fmt.Errorf("%w: chunk %d of %q is too short", ErrBroken, number, column.prefix)
	}
	for i := range locators {
		locators[i] = locator(data[i*locatorBytes:])
	}
	return locators, nil
}

// open returns the leaves that lie under locators, in their order.
//
// The leaves of a chunk were recorded one after the other and lie nearly so, among
// few others. It reads from the first of them on and, wherever it has come to the
// end of what it read, goes on with the next one that it needs, as far as the others
// will reach if they lie as those did. Were they all over the store, it would read
// wide times as many as there are, which costs about as much as to look each up.
func (p *pass) open(ctx context.Context, first int64, locators []locator) ([][]byte, error) {
	raws := make([][]byte, len(locators))
	order := make([]int, len(locators))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return bytes.Compare(locators[a][:], locators[b][:]) })
	for limit := len(order); len(order) > 0; {
		page, err := p.log.config.Engine.Scan(ctx, []byte{prefixLeaf}, before(locators[order[0]]), limit)
		if err != nil {
			return nil, fmt.Errorf("read leaf %d: %w", first+int64(order[0]), err)
		}
		taken, err := p.take(page, first, locators, order, raws)
		if err != nil {
			return nil, err
		}
		if taken == 0 {
			// It is not among what lies there: this way says why, or finds it.
			i := order[0]
			if raws[i], err = readLeaf(ctx, &p.log.config, locators[i], first+int64(i)); err != nil {
				return nil, err
			}
			taken = 1
		}
		order = order[taken:]
		limit = max(1, min(wide*taken, len(order)*(1+len(page)/taken)))
	}
	return raws, nil
}

// take opens the leaves of a page that order names, up to the first that is not
// there, and returns how many.
func (p *pass) take(page []store.Entry, first int64, locators []locator, order []int, raws [][]byte) (int, error) {
	taken := 0
	for _, e := range page {
		for ; taken < len(order); taken++ {
			i := order[taken]
			if way := bytes.Compare(e.Key[1:], locators[i][:]); way < 0 {
				break
			} else if way > 0 {
				return taken, nil
			}
			var err error
			if raws[i], err = p.log.config.Sealer.OpenLeaf(locators[i][:], e.Value); err != nil {
				return 0, fmt.Errorf("%w: leaf %d does not open", ErrBroken, first+int64(i))
			}
		}
	}
	return taken, nil
}

// before is a key to begin a scan behind that is to find a leaf first. Only keys of a
// form that no leaf has could lie in between.
func before(at locator) []byte {
	key := at.key()
	for i := len(key) - 1; i > 0; i-- {
		key[i]--
		if key[i] != 0xff {
			break
		}
	}
	return key
}

// prove holds a chunk against the node over it or, at the end of the log, where
// there is none yet, against the edge of the tree.
func (p *pass) prove(c *passed) error {
	var chunk [perChunk]tlog.Hash
	hashes := chunk[:len(c.raws)]
	for i, raw := range c.raws {
		hashes[i] = tlog.RecordHash(raw)
	}
	if len(hashes) == perChunk {
		if nodeOver(hashes) == p.nodes[c.number] {
			return nil
		}
	} else {
		end := p.rest.clone()
		for _, h := range hashes {
			end.addSubtree(0, h)
		}
		if slices.Equal(end.nodes, p.at.edge.nodes) {
			return nil
		}
	}
	first := c.number * perChunk
	return fmt.Errorf("%w: leaves %d to %d are not those that the checkpoint covers", ErrBroken, first, first+int64(len(c.raws))-1)
}
