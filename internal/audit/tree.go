package audit

import (
	"encoding/binary"
	"errors"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/amparo-project/amparo/internal/store"
)

// edge is the right side of a tree: the roots of the complete subtrees that make
// it up, the largest first. They are all that is needed to go on and to compute
// the root, so a tree of any size grows without reading what is stored of it.
type edge struct {
	size  int64
	nodes []node
}

type node struct {
	index int64 // in tlog's stored order
	hash  tlog.Hash
}

// ReadHashes implements tlog.HashReader for the nodes of the edge.
func (e *edge) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		at := slices.IndexFunc(e.nodes, func(n node) bool { return n.index == index })
		if at < 0 {
			return nil, errors.New("audit: hash outside the edge of the tree")
		}
		hashes[i] = e.nodes[at].hash
	}
	return hashes, nil
}

// add takes in a leaf's hash and returns the hashes to be stored for it.
func (e *edge) add(leaf tlog.Hash) ([]tlog.Hash, error) {
	hashes, err := tlog.StoredHashesForRecordHash(e.size, leaf, e)
	if err != nil {
		return nil, err
	}
	// The leaf completes as many subtrees as further hashes came out, and each
	// of them swallows the last node.
	level := len(hashes) - 1
	e.nodes = append(e.nodes[:len(e.nodes)-level], node{tlog.StoredHashIndex(level, e.size>>level), hashes[level]})
	e.size++
	return hashes, nil
}

func (e *edge) root() (tlog.Hash, error) { return tlog.TreeHash(e.size, e) }

func (e *edge) clone() edge { return edge{size: e.size, nodes: slices.Clone(e.nodes)} }

// perChunk is how many entries of a column lie under one key.
const perChunk = 256

// column is the growing end of a list whose entries, all of one width, are stored
// in chunks.
type column struct {
	prefix byte
	width  int
	count  int64
	tail   []byte // the entries of the last chunk, unless it is full
}

func (c *column) chunkBytes() int { return perChunk * c.width }

func (c *column) key(chunk int64) []byte {
	return binary.BigEndian.AppendUint64([]byte{c.prefix}, uint64(chunk))
}

// extend returns the column with entries added, and the writes that make it so.
func (c *column) extend(entries []byte) (column, []store.Write) {
	next := *c
	if len(entries) == 0 {
		return next, nil
	}
	next.count += int64(len(entries) / c.width)
	next.tail = nil
	var writes []store.Write
	chunk := c.count / perChunk
	for data := slices.Concat(c.tail, entries); len(data) > 0; chunk++ {
		n := min(len(data), c.chunkBytes())
		writes = append(writes, store.Write{Key: c.key(chunk), Value: data[:n]})
		if n < c.chunkBytes() {
			next.tail = data[:n]
		}
		data = data[n:]
	}
	return next, writes
}
