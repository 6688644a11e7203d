package records

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/lookup"
	"github.com/amparo-project/amparo/internal/seal"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/storepb"
)

// File is an opened file: its head, and what a closure changed of it. What the
// closure does not call Touch, Append or Put for is not written.
type File struct {
	records  *Records
	ctx      context.Context // of the call that opened it; a File does not outlive that
	kind     uint8
	id       string
	locator  lookup.ID
	key      seal.FileKey
	head     *storepb.Head
	revision store.Revision // of the stored head; zero for a new file
	version  uint64         // of the stored head; zero for a new file
	hash     []byte         // of the stored head

	touched bool
	entries []*amparov1.TimelineEntry
	puts    []put
	read    map[string][]byte // records that were opened, by id and kind, in the clear
	shown   bool
	failed  bool // one of its records failed its proof

	work       *Work                   // the act that opened it; nil outside one
	ledger     []*amparov1.LedgerEntry // once ledgerRead
	ledgerRead bool
	facts      []*amparov1.LedgerFact // of what the act added to the ledger
	followErr  error                  // of the first entry that the ledger could not follow
}

type put struct {
	kind uint8
	id   []byte
	msg  proto.Message
}

// ID is the file's public id.
func (f *File) ID() string { return f.id }

// Version is the version that the head will have when the file is written.
func (f *File) Version() uint64 { return f.version + 1 }

// Pseudonym is the file's name in the audit log.
func (f *File) Pseudonym() string { return f.head.GetPseudonym() }

// Case is the case in the head, to be read or, before Touch or Append, changed. It
// is nil for a file of another kind.
func (f *File) Case() *amparov1.Case { return f.head.GetCase() }

// Invitation is what the service keeps of an invitation.
func (f *File) Invitation() *Invitation { return f.head.GetInvitation() }

// SetTokens sets what the file can be found by, the strong ones first.
func (f *File) SetTokens(tokens []uint64, strong int) {
	f.head.Tokens, f.head.StrongTokens = tokens, uint32(strong)
	f.touched = true
}

// Touch says that the closure changed the head.
func (f *File) Touch() { f.touched = true }

// Append adds entries to the timeline. Their sequence numbers are filled in, and what
// they tell of is followed in the ledger (see follow).
func (f *File) Append(entries ...*amparov1.TimelineEntry) {
	for _, entry := range entries {
		entry.Sequence = f.head.GetTimelineCount() + uint64(len(f.entries)) + 1
		f.entries = append(f.entries, entry)
		f.followErr = cmp.Or(f.followErr, f.follow(entry))
	}
	f.touched = true
}

// Put writes a record of the file, new or in place of the one before.
func (f *File) Put(kind uint8, id string, msg proto.Message) {
	f.puts = append(f.puts, put{kind, recordID(id), msg})
	f.touched = true
}

// drop removes a record of the file.
func (f *File) drop(kind uint8, id string) { f.Put(kind, id, nil) }

// recordID is how a record's id stands in its key: public ids in their 16 bytes,
// anything else as it is.
func recordID(id string) []byte {
	if raw, ok := parseID(id); ok {
		return raw[:]
	}
	return []byte(id)
}

// Children lists the ids of the file's records of a kind.
func (f *File) Children(kind uint8) []string {
	var ids []string
	for _, child := range f.head.GetChildren() {
		if child.GetKind() == uint32(kind) {
			if len(child.GetId()) == len(lookup.ID{}) {
				ids = append(ids, textOf(lookup.ID(child.GetId())))
			} else {
				ids = append(ids, string(child.GetId()))
			}
		}
	}
	return ids
}

// Get reads a record of the file into msg and reports whether there is one. What
// the head says about it, version and hash, must be what lies on the disk.
func (f *File) Get(kind uint8, id string, msg proto.Message) (bool, error) {
	f.shown = true
	rid := recordID(id)
	for _, p := range slices.Backward(f.puts) {
		if p.kind == kind && bytes.Equal(p.id, rid) && p.msg == nil {
			return false, nil
		}
		if p.kind == kind && bytes.Equal(p.id, rid) {
			proto.Reset(msg)
			proto.Merge(msg, p.msg)
			return true, nil
		}
	}
	child := f.child(kind, rid)
	if child == nil {
		return false, nil
	}
	plaintext, read := f.read[string(rid)+string(rune(kind))]
	if !read {
		var err error
		plaintext, err = f.open(f.records.recordKey(f.locator, kind, rid), seal.Context{
			RecordKind: uint32(kind), RecordID: rid, Version: child.GetVersion(),
		}, child.GetHash())
		if err != nil {
			return false, err
		}
		if f.read == nil {
			f.read = map[string][]byte{}
		}
		f.read[string(rid)+string(rune(kind))] = plaintext
	}
	if err := proto.Unmarshal(plaintext, msg); err != nil {
		return false, fmt.Errorf("%w: record does not parse", errProof)
	}
	return true, nil
}

func (f *File) child(kind uint8, id []byte) *storepb.Child {
	for _, child := range f.head.GetChildren() {
		if child.GetKind() == uint32(kind) && bytes.Equal(child.GetId(), id) {
			return child
		}
	}
	return nil
}

// open fetches a record and proves that it is the one that the head, or the entry
// after it, speaks of.
func (f *File) open(key []byte, where seal.Context, hash []byte) ([]byte, error) {
	plaintext, err := f.prove(key, where, hash)
	f.failed = f.failed || errors.Is(err, store.ErrCorrupt)
	return plaintext, err
}

func (f *File) prove(key []byte, where seal.Context, hash []byte) ([]byte, error) {
	entry, err := f.records.cfg.Engine.Get(f.ctx, key)
	if err != nil {
		return nil, missing(err)
	}
	if sum := sha256.Sum256(entry.Value); !bytes.Equal(sum[:], hash) {
		return nil, fmt.Errorf("%w: record is not the one that its head names", errProof)
	}
	plaintext, err := f.key.Open(where, entry.Value)
	if err != nil {
		return nil, fmt.Errorf("%w: record does not open", errProof)
	}
	return plaintext, nil
}

// Timeline returns up to limit entries, newest first. The page begins before the
// entry with the sequence and must hash to what the page before, or the head,
// expects: an entry that was removed, exchanged or put back shows. A nil expected
// begins at the newest. The expectation for the next page is returned; it is nil
// at the end.
func (f *File) Timeline(before uint64, expected []byte, limit int) (entries []*amparov1.TimelineEntry, next []byte, err error) {
	f.shown = true
	if expected == nil {
		before, expected = f.head.GetTimelineCount()+1, f.head.GetTimelineHash()
	}
	for sequence := before - 1; sequence > 0 && len(entries) < limit; sequence-- {
		id := timelineID(sequence)
		plaintext, err := f.open(f.records.recordKey(f.locator, recordTimeline, id), seal.Context{
			RecordKind: uint32(recordTimeline), RecordID: id, Version: 1,
		}, expected)
		if err != nil {
			return nil, nil, err
		}
		record := &storepb.TimelineRecord{}
		if err := proto.Unmarshal(plaintext, record); err != nil || record.GetEntry().GetSequence() != sequence {
			return nil, nil, fmt.Errorf("%w: timeline entry does not parse", errProof)
		}
		entries = append(entries, entryOf(record))
		expected = record.GetPreviousHash()
	}
	return entries, expected, nil
}

// headValue is how a head is stored: its version in the clear, since a reader
// must know it to open the envelope, and then the envelope that it is bound to.
func headValue(version uint64, envelope []byte) []byte {
	return append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(envelope)), version), envelope...)
}

func splitHead(value []byte) (version uint64, envelope []byte, ok bool) {
	if len(value) < 8 {
		return 0, nil, false
	}
	return binary.BigEndian.Uint64(value), value[8:], true
}
