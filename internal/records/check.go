package records

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/lookup"
	"github.com/amparo-project/amparo/internal/seal"
	"github.com/amparo-project/amparo/internal/store"
)

// Report is what Check found.
type Report struct {
	Files, Records, Leaves uint64
	// Faults say what is wrong, one line each, naming files by their pseudonyms.
	Faults []string
}

// Check opens every record of every file and walks every chain: each child and
// timeline entry against the hashes in its head, each head against the log, each
// leaf against the tree, and the log against an older checkpoint when one is given.
// It reads only, and takes about as long as reading the whole store.
func (r *Records) Check(ctx context.Context, older string) (*Report, error) {
	report := &Report{Leaves: r.LogSize()}
	report.Faults = append(report.Faults, r.unsealFaults...)
	for _, kind := range fileKinds {
		r.index.All(kind, func(head lookup.Head) bool {
			report.Files++
			if err := r.checkFile(ctx, head, report); err != nil {
				report.add(textOf(head.Pseudonym), err)
			}
			return ctx.Err() == nil
		})
	}
	for _, check := range []func(context.Context, *Report) error{r.checkStrays, r.checkRequests, r.checkPrefixes} {
		if err := check(ctx, report); err != nil {
			return nil, err
		}
	}
	if err := r.cfg.Log.Check(ctx); err != nil {
		report.Faults = append(report.Faults, "audit log: "+err.Error())
	}
	if older != "" {
		if err := r.checkOlder(ctx, older); err != nil {
			report.Faults = append(report.Faults, "audit log: "+err.Error())
		}
	}
	return report, ctx.Err()
}

func (report *Report) add(pseudonym string, err error) {
	report.Faults = append(report.Faults, fmt.Sprintf("file %s: %v", pseudonym, err))
}

// checkFile opens all that belongs to a file.
func (r *Records) checkFile(ctx context.Context, known lookup.Head, report *Report) error {
	file, err := r.loadKnown(ctx, known)
	if err != nil {
		return err
	}
	report.Records += 2
	for _, child := range file.head.GetChildren() {
		_, err := file.open(r.recordKey(file.locator, uint8(child.GetKind()), child.GetId()), seal.Context{
			RecordKind: child.GetKind(), RecordID: child.GetId(), Version: child.GetVersion(),
		}, child.GetHash())
		if err != nil {
			return err
		}
		report.Records++
	}
	expected, before := file.head.GetTimelineHash(), file.head.GetTimelineCount()+1
	for before > 1 {
		entries, next, err := file.Timeline(before, expected, scanPage)
		if err != nil {
			return err
		}
		report.Records += uint64(len(entries))
		expected, before = next, before-uint64(len(entries))
	}
	return nil
}

// checkStrays counts what lies beside the heads: a record that no head knows of
// was put there by somebody else, or belongs to a file whose head is gone.
func (r *Records) checkStrays(ctx context.Context, report *Report) error {
	expected := map[string]struct{}{}
	for _, kind := range fileKinds {
		r.index.All(kind, func(head lookup.Head) bool {
			file, err := r.loadKnown(ctx, head)
			if err != nil {
				return true // told of by checkFile
			}
			for _, child := range file.head.GetChildren() {
				expected[string(r.recordKey(file.locator, uint8(child.GetKind()), child.GetId()))] = struct{}{}
			}
			for sequence := uint64(1); sequence <= file.head.GetTimelineCount(); sequence++ {
				expected[string(r.recordKey(file.locator, recordTimeline, timelineID(sequence)))] = struct{}{}
			}
			return ctx.Err() == nil
		})
	}
	strays := 0
	err := r.scan(ctx, prefixRecord, func(entry store.Entry) {
		if _, ok := expected[string(entry.Key)]; !ok {
			strays++
		}
	})
	if strays > 0 {
		report.Faults = append(report.Faults, fmt.Sprintf("%d records lie there that belong to no file", strays))
	}
	return err
}

// checkRequests opens what repetitions are answered from.
func (r *Records) checkRequests(ctx context.Context, report *Report) error {
	return r.scan(ctx, prefixRequest, func(entry store.Entry) {
		report.Records++
		if len(entry.Key) == 19 {
			if _, _, err := r.openRequest(ctx, [16]byte(entry.Key[3:]), entry.Value); err == nil {
				return
			}
		}
		report.Faults = append(report.Faults, "a request record does not open")
	})
}

// checkPrefixes looks where the key space has no room of ours.
func (r *Records) checkPrefixes(ctx context.Context, report *Report) error {
	known := string([]byte{prefixFile, prefixRecord, prefixRequest}) + audit.Prefixes
	for b := range 256 {
		if strings.IndexByte(known, byte(b)) >= 0 {
			continue
		}
		entries, err := r.cfg.Engine.Scan(ctx, []byte{byte(b)}, nil, 1)
		if err != nil {
			return asFault(err)
		}
		if len(entries) > 0 {
			report.Faults = append(report.Faults, "a key lies there that is none of this service")
		}
	}
	return nil
}

// scan calls fn with every entry under a prefix.
func (r *Records) scan(ctx context.Context, prefix byte, fn func(store.Entry)) error {
	var after []byte
	for {
		entries, err := r.cfg.Engine.Scan(ctx, []byte{prefix}, after, scanPage)
		if err != nil {
			return asFault(err)
		}
		for _, entry := range entries {
			fn(entry)
		}
		if len(entries) < scanPage {
			return nil
		}
		after = entries[len(entries)-1].Key
	}
}

// checkOlder proves that the log holds all that an older checkpoint held.
func (r *Records) checkOlder(ctx context.Context, older string) error {
	size, err := audit.CheckpointSize(r.LogKey(), older)
	if err != nil {
		return err
	}
	if size > r.LogSize() {
		return audit.ErrShrunk
	}
	newer, proof, err := r.cfg.Log.ConsistencyProof(ctx, size)
	if err != nil {
		return err
	}
	return audit.CheckConsistency(r.LogKey(), older, newer, proof)
}

// lastChanges reads the log from its beginning for the last version of every file.
func (r *Records) lastChanges(ctx context.Context) (map[string]*amparov1.FileChange, error) {
	last := map[string]*amparov1.FileChange{}
	err := r.cfg.Log.Leaves(ctx, 0, r.LogSize(), func(raw []byte) error {
		leaf := &amparov1.AuditLeaf{}
		if err := proto.Unmarshal(raw, leaf); err != nil {
			return errors.New("a leaf does not parse")
		}
		for _, change := range leaf.GetChanges() {
			last[change.GetPseudonym()] = change
		}
		return nil
	})
	return last, err
}
