package audit

import (
	"encoding/base64"
	"fmt"
	"iter"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// rest reads all that follows the header.
func (v *verifying) rest() error {
	if err := v.lines.expect(exportLeaves + strconv.FormatInt(v.newest.size, 10)); err != nil {
		return err
	}
	if err := v.compare(); err != nil {
		return err
	}
	if err := inOrder(v.leafBatches(), v.work, v.take); err != nil {
		return err
	}
	root, err := v.tree.root()
	if err != nil {
		return err
	}
	if root != v.newest.root {
		return fmt.Errorf("%w: the leaves are not those that the checkpoint covers", ErrInvalid)
	}
	if v.header.version > 1 {
		if err := v.countsAndProofs(); err != nil {
			return err
		}
	}
	if err := v.lines.end(); err != nil {
		return err
	}
	// Said last, since it is an accusation only if the file is what the log signed.
	if v.forked {
		return fmt.Errorf("%w: the first %d leaves are not those of the older checkpoint", ErrFork, v.older.size)
	}
	return nil
}

// compare holds the tree against the older checkpoint, where it has come to its size.
func (v *verifying) compare() error {
	if v.tree.size != v.older.size {
		return nil
	}
	root, err := v.tree.root()
	v.forked = root != v.older.root
	return err
}

func (v *verifying) countsAndProofs() error {
	if err := v.lines.expect(exportCounts); err != nil {
		return err
	}
	v.counts.leaves = uint64(v.newest.size)
	for _, name := range countNames {
		if err := v.lines.expect(v.counts.line(name)); err != nil {
			return err
		}
	}
	if err := v.lines.expect(exportProofs + strconv.Itoa(len(v.proven))); err != nil {
		return err
	}
	return inOrder(v.proofBatches(), v.prove, func(b *provenBatch) error { return b.err })
}

// textBatch is a run of lines.
type textBatch struct {
	line int // number of the first
	text []byte
	ends []int // of each line in text
}

// more reads another line, and reports whether there is room for one after it.
func (b *textBatch) more(lines *lineReader) (bool, error) {
	line, err := lines.slice()
	if err != nil {
		return false, err
	}
	if b.line == 0 {
		b.line = lines.number
	}
	b.text = append(b.text, line...)
	b.ends = append(b.ends, len(b.text))
	return len(b.text) < exportBytes, nil
}

// each calls fn with every line, and says of its error in which line of the file.
func (b *textBatch) each(fn func(i int, line []byte) error) error {
	from := 0
	for i, to := range b.ends {
		if err := fn(i, b.text[from:to]); err != nil {
			return fmt.Errorf("line %d of the export: %w", b.line+i, err)
		}
		from = to
	}
	return nil
}

// leafBatch is a run of leaves that all lie in one chunk. It is used again when it was
// taken in.
type leafBatch struct {
	textBatch
	buffer []byte               // for one leaf's bytes
	leaves []amparov1.AuditLeaf // as many as it ever had
	hashes []tlog.Hash
	node   tlog.Hash // over a whole chunk
	good   int       // leaves before the first that is none
	err    error
}

// freshBatch is a batch without anything in it.
func (v *verifying) freshBatch() *leafBatch {
	b, ok := v.spare.Get().(*leafBatch)
	if !ok {
		return &leafBatch{}
	}
	b.line, b.text, b.ends, b.hashes, b.good, b.err = 0, b.text[:0], b.ends[:0], b.hashes[:0], 0, nil
	return b
}

// leafBatches reads the leaves by the chunk, or fewer where they are large, and ends
// one where the older checkpoint ends.
func (v *verifying) leafBatches() iter.Seq2[*leafBatch, error] {
	return func(yield func(*leafBatch, error) bool) {
		batch := v.freshBatch()
		for read := int64(0); read < v.newest.size; {
			room, err := batch.more(v.lines)
			if err != nil {
				yield(nil, err)
				return
			}
			read++
			if room && read%perChunk != 0 && read != v.older.size && read != v.newest.size {
				continue
			}
			if !yield(batch, nil) {
				return
			}
			batch = v.freshBatch()
		}
	}
}

// work does for a batch all that needs no other one.
func (v *verifying) work(b *leafBatch) {
	encoding := lineBase64
	if v.header.version == 1 {
		encoding = base64.StdEncoding.Strict()
	}
	if len(b.leaves) < len(b.ends) {
		b.leaves = make([]amparov1.AuditLeaf, len(b.ends))
	}
	b.err = b.each(func(i int, line []byte) error {
		raw, err := decodeLine(encoding, b.buffer[:0], line)
		if err == nil {
			b.buffer = raw
			b.hashes = append(b.hashes, tlog.RecordHash(raw))
			err = decodeLeaf(raw, &b.leaves[i])
		}
		if err == nil {
			b.good++
		}
		return err
	})
	if b.err == nil && len(b.hashes) == perChunk {
		b.node = nodeOver(b.hashes)
	}
}

// decodeLine refuses every spelling but the one that an encoder writes.
func decodeLine(encoding *base64.Encoding, buffer, line []byte) ([]byte, error) {
	// The decoder looks at bits at the end, and overlooks carriage returns anywhere.
	raw, err := encoding.AppendDecode(buffer, line)
	if err != nil || encoding.EncodedLen(len(raw)) != len(line) {
		return nil, fmt.Errorf("%w: base64", ErrInvalid)
	}
	return raw, nil
}

// take holds a batch against all that came before it.
func (v *verifying) take(b *leafBatch) error {
	for i := range b.good {
		leaf, index := &b.leaves[i], v.tree.size+int64(i)
		if err := v.history.take(leaf); err != nil {
			return fmt.Errorf("line %d of the export: %w", b.line+i, err)
		}
		if facts := leaf.GetFacts(); len(facts) > 0 {
			v.counts.add(facts)
			v.proven = append(v.proven, provenLeaf{index, b.hashes[i]})
		}
		if v.leafDone != nil {
			if err := v.leafDone(uint64(index), leaf); err != nil {
				return err
			}
		}
	}
	if b.err != nil {
		return b.err
	}
	if len(b.hashes) == perChunk {
		v.tree.addSubtree(chunkLevel, b.node)
	} else {
		for _, h := range b.hashes {
			v.tree.addSubtree(0, h)
		}
	}
	v.spare.Put(b)
	return v.compare()
}

// provenBatch is a run of proofs, with the leaves that they are of.
type provenBatch struct {
	textBatch
	leaves []provenLeaf
	err    error
}

func (v *verifying) proofBatches() iter.Seq2[*provenBatch, error] {
	return func(yield func(*provenBatch, error) bool) {
		size := 0 // of the largest batch so far
		for rest := v.proven; len(rest) > 0; {
			batch := &provenBatch{leaves: rest[:min(len(rest), perChunk)]}
			rest = rest[len(batch.leaves):]
			batch.text = make([]byte, 0, size)
			for range batch.leaves {
				if _, err := batch.more(v.lines); err != nil {
					yield(nil, err)
					return
				}
			}
			size = max(size, len(batch.text))
			if !yield(batch, nil) {
				return
			}
		}
	}
}

// prove verifies the proofs of a batch.
func (v *verifying) prove(b *provenBatch) {
	b.err = b.each(func(i int, line []byte) error {
		leaf := b.leaves[i]
		proof, err := readProof(line, leaf.index)
		if err != nil {
			return err
		}
		if tlog.CheckRecord(proof, v.newest.size, v.newest.root, leaf.index, leaf.hash) != nil {
			return fmt.Errorf("%w: proof that does not show that the checkpoint covers leaf %d", ErrInvalid, leaf.index)
		}
		return nil
	})
}

// readProof reads the proof of one leaf.
func readProof(line []byte, index int64) (tlog.RecordProof, error) {
	const step = 1 + (tlog.HashSize*8+5)/6 // a space, and a hash in base64
	lead := strconv.FormatInt(index, 10)
	if len(line) < len(lead) || string(line[:len(lead)]) != lead || (len(line)-len(lead))%step != 0 {
		return nil, fmt.Errorf("%w: not a proof of leaf %d", ErrInvalid, index)
	}
	line = line[len(lead):]
	proof := make(tlog.RecordProof, 0, len(line)/step)
	var buffer [tlog.HashSize + 2]byte
	for ; len(line) > 0; line = line[step:] {
		h, err := decodeLine(lineBase64, buffer[:0], line[1:step])
		if err != nil || line[0] != ' ' || len(h) != tlog.HashSize {
			return nil, fmt.Errorf("%w: not a proof of leaf %d", ErrInvalid, index)
		}
		proof = append(proof, tlog.Hash(h))
	}
	return proof, nil
}
