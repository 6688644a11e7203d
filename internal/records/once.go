package records

import (
	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/store/storepb"
)

// marked is how many of a list a mark can speak of; what stands behind is stored as
// it is.
const marked = 64

// chained is an entry as it is stored: what its term events repeat of it is written
// once. The events of one act mostly share its time and its person, and a case has
// some of them from its first entry on.
func chained(previous []byte, entry *amparov1.TimelineEntry) *storepb.TimelineRecord {
	record := &storepb.TimelineRecord{PreviousHash: previous, Entry: entry}
	if len(entry.GetTermEvents()) == 0 {
		return record
	}
	record.Entry = proto.CloneOf(entry)
	for i, event := range record.GetEntry().GetTermEvents()[:min(marked, len(entry.GetTermEvents()))] {
		if event.GetBase() != nil && proto.Equal(event.GetBase(), event.GetAt()) {
			event.Base, record.EventsFromAt = nil, record.GetEventsFromAt()|1<<i
		}
		if event.GetAt() != nil && proto.Equal(event.GetAt(), entry.GetRecordedAt()) {
			event.At, record.EventsAtEntry = nil, record.GetEventsAtEntry()|1<<i
		}
		if event.GetStaffId() != "" && event.GetStaffId() == entry.GetStaffId() {
			event.StaffId, record.EventsOfRecorder = "", record.GetEventsOfRecorder()|1<<i
		}
	}
	return record
}

// entryOf is the entry of a stored record, whole.
func entryOf(record *storepb.TimelineRecord) *amparov1.TimelineEntry {
	entry := record.GetEntry()
	for i, event := range entry.GetTermEvents()[:min(marked, len(entry.GetTermEvents()))] {
		if record.GetEventsAtEntry()>>i&1 == 1 {
			event.At = proto.CloneOf(entry.GetRecordedAt())
		}
		if record.GetEventsFromAt()>>i&1 == 1 {
			event.Base = proto.CloneOf(event.GetAt())
		}
		if record.GetEventsOfRecorder()>>i&1 == 1 {
			event.StaffId = entry.GetStaffId()
		}
	}
	return entry
}

// marshalHead is a head as it is stored: the owner of a case is not written again for
// each term of which the owner is told first. The head is left as it was.
func marshalHead(head *storepb.Head) ([]byte, error) {
	c := head.GetCase()
	terms := c.GetTerms()[:min(marked, len(c.GetTerms()))]
	for i, term := range terms {
		if c.GetOwnerId() != "" && term.GetOwnerId() == c.GetOwnerId() {
			term.OwnerId, head.TermsOfOwner = "", head.GetTermsOfOwner()|1<<i
		}
	}
	plaintext, err := proto.Marshal(head)
	nameOwners(head)
	return plaintext, err
}

// nameOwners makes a head whole that was stored by marshalHead.
func nameOwners(head *storepb.Head) {
	c := head.GetCase()
	for i, term := range c.GetTerms()[:min(marked, len(c.GetTerms()))] {
		if head.GetTermsOfOwner()>>i&1 == 1 {
			term.OwnerId = c.GetOwnerId()
		}
	}
	head.TermsOfOwner = 0
}
