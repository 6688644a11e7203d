package records

import "github.com/amparo-project/amparo/internal/lookup"

// The kinds of records that callers reach by methods of their own.
const (
	RecordRisk     = recordRisk
	RecordTimeline = recordTimeline
)

// RecordKey is where a record of the file at a locator lies; an entry of the
// timeline goes by its sequence.
func RecordKey(r *Records, locator lookup.ID, kind uint8, id string, sequence uint64) []byte {
	if kind == recordTimeline {
		return r.recordKey(locator, kind, timelineID(sequence))
	}
	return r.recordKey(locator, kind, recordID(id))
}
