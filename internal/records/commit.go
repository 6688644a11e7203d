package records

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/seal"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/storepb"
)

// commit is everything that one act writes, and on what conditions.
type commit struct {
	conditions []store.Condition
	writes     []store.Write
	hashes     [][]byte // of each file's new head; nil where it is unchanged
	requests   []requestName
}

// compose seals an act: for each changed file its records, timeline and head; the
// leaves that name every changed head; and the request record. All of it is in one
// commit or none is, so no crash can part a write from its leaf.
func (r *Records) compose(work *Work, request Request, answer proto.Message) (*commit, error) {
	c := &commit{hashes: make([][]byte, len(work.files))}
	leaf := complete(work.grant, work.Leaf)
	leaves := []*amparov1.AuditLeaf{leaf}
	var first *File
	for i, file := range work.files {
		r.nameBeginning(file, work.grant, request)
		if !file.touched {
			if file.shown {
				leaf.Shown = append(leaf.Shown, file.Pseudonym())
			}
			continue
		}
		if first == nil || file.version == 0 {
			first = file
		}
		change, err := c.addFile(r, file, i)
		if err != nil {
			return nil, err
		}
		if other := work.asOther[i]; other.Valid() {
			leaves = append(leaves, complete(other, &amparov1.AuditLeaf{Changes: []*amparov1.FileChange{change}, Facts: file.facts}))
		} else {
			leaf.Changes = append(leaf.Changes, change)
			leaf.Facts = append(leaf.Facts, file.facts...)
		}
	}
	for _, l := range leaves {
		if len(l.GetChanges()) > 0 {
			l.PolicyHash = work.policy.hash
		}
		write, err := audit.NewLeaf(r.cfg.Keyring, l, work.Now, r.leaves.Add(1))
		if err != nil {
			return nil, err
		}
		c.writes = append(c.writes, write)
	}
	for _, named := range request.all() {
		if first == nil {
			break
		}
		if err := c.addRequest(r, work, first, named, answer); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *commit) addFile(r *Records, file *File, i int) (*amparov1.FileChange, error) {
	if file.followErr != nil {
		return nil, file.followErr
	}
	if err := c.addRecords(file); err != nil {
		return nil, err
	}
	if err := c.addTimeline(file); err != nil {
		return nil, err
	}
	version := file.Version()
	if own := file.Case(); own != nil {
		own.Version = version
	}
	plaintext, err := marshalHead(file.head)
	if err != nil {
		return nil, fmt.Errorf("marshal head: %w", err)
	}
	value := headValue(version, file.key.Seal(seal.Context{RecordKind: uint32(recordHead), Version: version}, plaintext))
	hash := sha256.Sum256(value)
	c.hashes[i] = hash[:]
	key := fileKey(file.locator, slotHead)
	c.conditions = append(c.conditions, store.Condition{Key: key, Revision: file.revision})
	c.writes = append(c.writes, store.Write{Key: key, Value: value})
	if file.version == 0 {
		wrapped := r.cfg.Keyring.Wrap(file.key, file.locator[:])
		c.writes = append(c.writes, store.Write{Key: fileKey(file.locator, slotKey), Value: wrapped})
	}
	return &amparov1.FileChange{
		Pseudonym: file.Pseudonym(), Version: version, HeadHash: hash[:], PreviousHeadHash: file.hash,
	}, nil
}

// addRecords seals the file's changed records, each under its next version, and
// enters version and hash in the head.
func (c *commit) addRecords(file *File) error {
	for _, p := range file.puts {
		if p.msg == nil {
			c.dropRecord(file, p)
			continue
		}
		plaintext, err := proto.Marshal(p.msg)
		if err != nil {
			return fmt.Errorf("marshal record: %w", err)
		}
		child := file.child(p.kind, p.id)
		if child == nil {
			child = &storepb.Child{Kind: uint32(p.kind), Id: p.id}
			file.head.Children = append(file.head.Children, child)
		}
		child.Version++
		value := file.key.Seal(seal.Context{RecordKind: uint32(p.kind), RecordID: p.id, Version: child.GetVersion()}, plaintext)
		hash := sha256.Sum256(value)
		child.Hash = hash[:]
		c.writes = append(c.writes, store.Write{Key: file.records.recordKey(file.locator, p.kind, p.id), Value: value})
	}
	return nil
}

// dropRecord removes a record and its entry in the head, without which what lies on
// the disk is nobody's.
func (c *commit) dropRecord(file *File, p put) {
	if file.child(p.kind, p.id) == nil {
		return
	}
	file.head.Children = slices.DeleteFunc(file.head.GetChildren(), func(child *storepb.Child) bool {
		return child.GetKind() == uint32(p.kind) && bytes.Equal(child.GetId(), p.id)
	})
	c.writes = append(c.writes, store.Write{Key: file.records.recordKey(file.locator, p.kind, p.id), Delete: true})
}

// addTimeline seals the new entries, each holding the hash of the one before it.
func (c *commit) addTimeline(file *File) error {
	for _, entry := range file.entries {
		plaintext, err := proto.Marshal(chained(file.head.GetTimelineHash(), entry))
		if err != nil {
			return fmt.Errorf("marshal timeline entry: %w", err)
		}
		id := timelineID(entry.GetSequence())
		value := file.key.Seal(seal.Context{RecordKind: uint32(recordTimeline), RecordID: id, Version: 1}, plaintext)
		hash := sha256.Sum256(value)
		file.head.TimelineHash = hash[:]
		file.head.TimelineCount = entry.GetSequence()
		c.writes = append(c.writes, store.Write{Key: file.records.recordKey(file.locator, recordTimeline, id), Value: value})
	}
	return nil
}
