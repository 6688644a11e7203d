package audit

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// The export is a text file of lines that end in "\n", in this order:
//
//	amparo audit log v2
//	KEY                    the public key of the log, as a note's verifier key
//	ORIGIN                 from here the newest checkpoint, a signed note:
//	SIZE                   the number of leaves, in decimal
//	ROOT                   the tree's root, base64
//	                       an empty line
//	— ORIGIN SIGNATURE     one signature, base64
//	leaves SIZE
//	LEAF                   SIZE lines: the bytes of one leaf each, base64, in the
//	                       order of the log
//	counts
//	NAME NUMBER            one line for each of countNames
//	proofs NUMBER
//	INDEX HASH HASH...     one line for each leaf that holds entries of ledgers: its
//	                       index, and the hashes of its RFC 6962 inclusion proof, the
//	                       leaf's neighbour first, base64
//	end
//
// Base64 of leaves and proofs is RFC 4648 without padding; the key and the note are
// as their own formats want them, with it. Every line has one spelling only: whatever
// byte of the file is changed, it no longer verifies. The tree is that of RFC
// 6962: a leaf's hash is SHA-256 of a zero byte and the leaf's bytes, which are an
// amparo.v1.AuditLeaf message. Whoever adds to the format raises the version in
// the first line; a reader refuses a version that it does not know.
//
// Version 1, which is read and no longer written, had the leaves in base64 with
// padding and neither counts nor proofs.
const (
	exportFirst  = "amparo audit log v2"
	exportLeaves = "leaves "
	exportCounts = "counts"
	exportProofs = "proofs "
	exportLast   = "end"

	exportFirstV1 = "amparo audit log v1"
)

// lineBase64 is the base64 of an export's own lines. It overlooks no bits at the end.
var lineBase64 = base64.RawStdEncoding.Strict()

// exportBytes bounds what is gathered before it is worked on.
const exportBytes = 1 << 20

// WriteExport writes an export of the leaves that a checkpoint covers, for
// VerifyExport. It fails with ErrInvalid when the checkpoint is not signed with the
// log's key, or the leaves are not those that it covers; then what was written is no
// export. It leaves it to VerifyExport to judge what is in the leaves.
//
// leaves runs on a goroutine of its own, and has ended when WriteExport returns; the
// bytes that it yields must stay as they are. Hashes are kept where a proof will need
// them, so that memory grows with the entries of ledgers, by at most 64 bytes a leaf.
func WriteExport(w io.Writer, public, signed string, leaves iter.Seq2[[]byte, error]) error {
	c, err := openExact(public, signed)
	if err != nil {
		return err
	}
	e := &exporting{out: bufio.NewWriterSize(w, 64<<10), checkpoint: c, counts: newCounts()}
	// A bufio.Writer remembers its first error until Flush.
	_, _ = fmt.Fprintf(e.out, "%s\n%s\n%s%s%d\n", exportFirst, public, signed, exportLeaves, c.size)
	if err := inOrder(e.batches(leaves), (*exported).work, e.take); err != nil {
		return fmt.Errorf("export log: %w", err)
	}
	if err := e.end(); err != nil {
		return fmt.Errorf("export log: %w", err)
	}
	return nil
}

type exporting struct {
	out        *bufio.Writer
	checkpoint checkpoint
	counts     *counts
	tree       provingTree
	proven     []int64   // leaves that hold entries of ledgers
	spare      sync.Pool // of *exported
}

// exported is a run of leaves on their way into the file. It is used again when it was
// written.
type exported struct {
	raws   [][]byte
	bytes  int // of all of them
	lines  []byte
	hashes []tlog.Hash
	stored []tlog.Hash                    // of a whole chunk
	facts  map[int][]*amparov1.LedgerFact // by place in the batch
}

// batches gathers leaves: a chunk of them, or fewer where they are large.
func (e *exporting) batches(leaves iter.Seq2[[]byte, error]) iter.Seq2[*exported, error] {
	return func(yield func(*exported, error) bool) {
		batch, read := e.freshBatch(), int64(0)
		for raw, err := range leaves {
			if err == nil && read == e.checkpoint.size {
				err = fmt.Errorf("%w: more leaves than the checkpoint's %d", ErrInvalid, read)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			batch.raws = append(batch.raws, raw)
			batch.bytes += len(raw)
			if read++; read%perChunk != 0 && batch.bytes < exportBytes {
				continue
			}
			if !yield(batch, nil) {
				return
			}
			batch = e.freshBatch()
		}
		if len(batch.raws) > 0 {
			yield(batch, nil)
		}
	}
}

// freshBatch is a batch without anything in it.
func (e *exporting) freshBatch() *exported {
	b, ok := e.spare.Get().(*exported)
	if !ok {
		return &exported{raws: make([][]byte, 0, perChunk)}
	}
	clear(b.raws)
	*b = exported{raws: b.raws[:0], lines: b.lines[:0], hashes: b.hashes[:0]}
	return b
}

// work does for a batch all that needs no other one.
func (b *exported) work() {
	b.lines = slices.Grow(b.lines, b.bytes/3*4+4*len(b.raws))
	for i, raw := range b.raws {
		b.lines = append(lineBase64.AppendEncode(b.lines, raw), '\n')
		b.hashes = append(b.hashes, tlog.RecordHash(raw))
		// What is no leaf has no entries, and does not verify.
		if facts, err := factsOf(raw); err == nil && len(facts) > 0 {
			if b.facts == nil {
				b.facts = make(map[int][]*amparov1.LedgerFact)
			}
			b.facts[i] = facts
		}
	}
	if len(b.hashes) == perChunk {
		b.stored = storedOf(make([]tlog.Hash, 0, chunkHashes), b.hashes)
	}
}

// take writes a batch, and keeps of it what the end of the file will need.
func (e *exporting) take(b *exported) error {
	first := e.tree.size()
	for i := range b.hashes {
		if facts := b.facts[i]; facts != nil {
			e.counts.add(facts)
			e.proven = append(e.proven, first+int64(i))
		}
	}
	e.counts.leaves += uint64(len(b.hashes))
	e.tree.add(b.hashes, b.stored, len(b.facts) > 0)
	_, err := e.out.Write(b.lines)
	e.spare.Put(b)
	return err
}

// end writes what follows the leaves.
func (e *exporting) end() error {
	root, err := e.tree.root()
	if err != nil {
		return err
	}
	if root != e.checkpoint.root {
		return fmt.Errorf("%w: the leaves are not those that the checkpoint covers", ErrInvalid)
	}
	_, _ = e.out.WriteString(exportCounts + "\n")
	for _, name := range countNames {
		_, _ = e.out.WriteString(e.counts.line(name) + "\n")
	}
	_, _ = fmt.Fprintf(e.out, "%s%d\n", exportProofs, len(e.proven))
	prover := e.tree.prover()
	for _, index := range e.proven {
		proof, err := prover.prove(index)
		if err != nil {
			return err
		}
		line := strconv.AppendInt(e.out.AvailableBuffer(), index, 10)
		for _, h := range proof {
			line = lineBase64.AppendEncode(append(line, ' '), h[:])
		}
		if _, err := e.out.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	_, _ = e.out.WriteString(exportLast + "\n")
	return e.out.Flush()
}
