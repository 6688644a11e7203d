package audit

import "golang.org/x/mod/sumdb/tlog"

// chunkLevel is the level in the tree of a node over perChunk leaves.
const chunkLevel = 8

// storedOf appends the hashes that the leaves of one chunk add to a tree, in tlog's
// stored order and without those of nodes over more than the chunk. Of a whole chunk
// the last one is its node.
func storedOf(out, leaves []tlog.Hash) []tlog.Hash {
	for i, h := range leaves {
		out = append(out, h)
		// The node at each level is the newest hash, and the one beside it lies
		// before all hashes of its own subtree.
		for level, n := 0, i; n&1 == 1; level, n = level+1, n>>1 {
			h = tlog.NodeHash(out[len(out)-2<<level], h)
			out = append(out, h)
		}
	}
	return out
}

// chunkHashes is how many hashes storedOf makes of a whole chunk.
const chunkHashes = 2*perChunk - 1

// nodeOver is the node over the leaves of a whole chunk.
func nodeOver(leaves []tlog.Hash) tlog.Hash {
	chunk := [perChunk]tlog.Hash(leaves)
	level := chunk[:]
	for ; len(level) > 1; level = level[:len(level)/2] {
		for i := range len(level) / 2 {
			level[i] = tlog.NodeHash(level[2*i], level[2*i+1])
		}
	}
	return level[0]
}

// addSubtree takes in the node over the next 1<<level leaves, of a tree whose size is
// a multiple of that, and returns it with the nodes that it completes.
func (e *edge) addSubtree(level int, h tlog.Hash) []tlog.Hash {
	hashes := []tlog.Hash{h}
	size := e.size >> level
	e.size += 1 << level
	for ; size&1 == 1; size, level = size>>1, level+1 {
		last := len(e.nodes) - 1
		h = tlog.NodeHash(e.nodes[last].hash, h)
		hashes = append(hashes, h)
		e.nodes = e.nodes[:last]
	}
	e.nodes = append(e.nodes, node{tlog.StoredHashIndex(level, size), h})
	return hashes
}

// provingTree is a tree that grows, and proves some of its leaves when it is whole.
// It keeps all hashes of the chunks that hold one of those, and one of each other.
type provingTree struct {
	chunks edge                  // the tree of all whole chunks
	above  []tlog.Hash           // the nodes over chunks and all above them, in the stored order of a tree of chunks
	kept   map[int64][]tlog.Hash // chunks with leaves to be proven, in tlog's stored order
	tail   []tlog.Hash           // leaves of the chunk that is not whole yet
	wanted bool                  // one of them is to be proven
}

// add takes in leaves that all lie in one chunk, with what storedOf makes of them
// where they are all of it, and whether some of them are to be proven.
func (t *provingTree) add(leaves, stored []tlog.Hash, wanted bool) {
	t.wanted = t.wanted || wanted
	if stored == nil {
		if t.tail = append(t.tail, leaves...); len(t.tail) < perChunk {
			return
		}
		stored = storedOf(make([]tlog.Hash, 0, chunkHashes), t.tail)
	}
	if t.wanted {
		if t.kept == nil {
			t.kept = make(map[int64][]tlog.Hash)
		}
		t.kept[t.chunks.size/perChunk] = stored
	}
	t.above = append(t.above, t.chunks.addSubtree(chunkLevel, stored[len(stored)-1])...)
	t.tail, t.wanted = t.tail[:0], false
}

func (t *provingTree) size() int64 { return t.chunks.size + int64(len(t.tail)) }

func (t *provingTree) root() (tlog.Hash, error) {
	whole := t.chunks.clone()
	for _, h := range t.tail {
		whole.addSubtree(0, h)
	}
	return whole.root()
}

// prover proves the leaves of a tree that were to be proven, in any order.
type prover struct {
	tree  *provingTree
	tail  []tlog.Hash // what is stored of the chunk that is not whole
	chunk int64       // whose path was proven last; -1 for none
	path  tlog.RecordProof
}

func (t *provingTree) prover() *prover {
	return &prover{tree: t, tail: storedOf(nil, t.tail), chunk: -1}
}

// prove returns the inclusion proof of a leaf. All leaves of a chunk share the part of
// it that leads on from the node over the chunk.
func (p *prover) prove(index int64) (tlog.RecordProof, error) {
	chunk := index / perChunk
	if chunk >= p.tree.chunks.size/perChunk {
		return tlog.ProveRecord(p.tree.size(), index, p)
	}
	if chunk != p.chunk {
		first, err := tlog.ProveRecord(p.tree.size(), chunk*perChunk, p)
		if err != nil {
			return nil, err
		}
		p.chunk, p.path = chunk, first
	}
	stored, at := p.tree.kept[chunk], index%perChunk
	for level := range chunkLevel {
		p.path[level] = stored[tlog.StoredHashIndex(level, at>>level^1)]
	}
	return p.path, nil
}

// ReadHashes implements tlog.HashReader, for the proofs of leaves to be proven.
func (p *prover) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	t := p.tree
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		level, n := tlog.SplitStoredHashIndex(index)
		if level >= chunkLevel {
			hashes[i] = t.above[tlog.StoredHashIndex(level-chunkLevel, n)]
			continue
		}
		chunk := n >> (chunkLevel - level)
		stored := t.kept[chunk]
		if chunk == t.chunks.size/perChunk {
			stored = p.tail
		}
		hashes[i] = stored[tlog.StoredHashIndex(level, n-chunk<<(chunkLevel-level))]
	}
	return hashes, nil
}
