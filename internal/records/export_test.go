package records

import (
	"google.golang.org/protobuf/types/known/emptypb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/lookup"
	"github.com/amparo-project/amparo/internal/store/storepb"
)

// The kinds of records that callers reach by methods of their own.
const (
	RecordRisk     = recordRisk
	RecordTimeline = recordTimeline
	RecordPolicy   = recordPolicy
	RecordDuty     = recordDuty
	RecordLedger   = recordLedger
)

// RecordKey is where a record of the file at a locator lies; an entry of the
// timeline goes by its sequence.
func RecordKey(r *Records, locator lookup.ID, kind uint8, id string, sequence uint64) []byte {
	if kind == recordTimeline {
		return r.recordKey(locator, kind, timelineID(sequence))
	}
	return r.recordKey(locator, kind, recordID(id))
}

// Singles are the files of which a store has one, by a name and their id.
func Singles(d *Directory) map[string]string {
	names := map[uint8]string{
		kindPolicy: "policy", kindDuty: "duty", kindInterpreters: "interpreters", kindHandovers: "hand-overs",
	}
	found := map[string]string{}
	for kind, id := range d.singles {
		found[names[kind]] = id
	}
	return found
}

// ParseID is a public id as the index has it.
func ParseID(text string) lookup.ID {
	id, _ := parseID(text)
	return id
}

// TextOf is a public id as people have it.
func TextOf(id lookup.ID) string { return textOf(id) }

// Duty is the head of the file of those on call.
func Duty(f *File) *storepb.Duty { return f.head.GetDuty() }

// DutyRecords are the records of the file of those on call, one behind the other.
func DutyRecords(f *File) (all []byte, err error) {
	for _, id := range f.Children(recordDuty) {
		any := &emptypb.Empty{} // keeps what it does not know
		if _, err := f.Get(recordDuty, id, any); err != nil {
			return nil, err
		}
		all = append(all, any.ProtoReflect().GetUnknown()...)
	}
	return all, nil
}

// HeadKey is where the head of a file lies.
func HeadKey(r *Records, fileID string) []byte {
	id, _ := parseID(fileID)
	known, _ := r.index.Find(id)
	return fileKey(known.Locator, slotHead)
}

// Finds asks what a search asks of each candidate that the caller may know of.
func Finds(p *amparov1.Policy, grant access.Grant, staff lookup.ID) func(*lookup.Row) bool {
	reaches := reachesOf(p)
	return func(row *lookup.Row) bool { return reaches.finds(grant, staff, row) }
}
