// Package ledger keeps the entries of a case: consents, do-no-harm checks, what left,
// and what became of it. Entries are added and never changed, each under the next
// number of its case; what holds now is derived from all of them by others.
//
// Add adds entries, Find finds one by its number, and People knows by which numbers
// the case speaks of its recipients and of those beside its person. Fact is what the
// audit log holds of an entry: numbers, enums and times, nothing of anybody.
//
// What an entry means, and whether it may be made, is not decided here: consent, risk
// and disclosure do.
package ledger

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// Act is who adds entries, and when. An empty StaffID is the service itself.
type Act struct {
	StaffID string
	Now     time.Time
}

// Add adds an entry to those of a case and returns them with it. Its number and who
// recorded it when are filled in.
func Add(entries []*amparov1.LedgerEntry, act Act, entry *amparov1.LedgerEntry) []*amparov1.LedgerEntry {
	entry.Number = uint32(len(entries)) + 1
	entry.RecordedAt, entry.RecordedById = timestamppb.New(act.Now), act.StaffID
	return append(entries, entry)
}

// Find returns the entry of a number, or nil. Entries stand under their numbers
// without a gap.
func Find(entries []*amparov1.LedgerEntry, number uint32) *amparov1.LedgerEntry {
	if number == 0 || int(number) > len(entries) {
		return nil
	}
	return entries[number-1]
}

// Approvers are those who have agreed to an entry, each once.
func Approvers(entries []*amparov1.LedgerEntry, number uint32) []string {
	var ids []string
	for _, entry := range entries[min(int(number), len(entries)):] {
		if entry.GetApproval().GetOf() == number {
			ids = append(ids, entry.GetRecordedById())
		}
	}
	return ids
}

// Agreed counts those who had agreed to an entry at an instant: whoever agrees after
// something has left did not let it leave. It is for what left, and not for who may still
// agree: of two who do at once, the one who is stored last may have begun first.
func Agreed(entries []*amparov1.LedgerEntry, number uint32, at time.Time) (n uint32) {
	for _, entry := range entries[min(int(number), len(entries)):] {
		if entry.GetApproval().GetOf() == number && !entry.GetRecordedAt().AsTime().After(at) {
			n++
		}
	}
	return n
}

// ahead is how far the clock of whoever says when something was may be ahead.
const ahead = 5 * time.Minute

// Said is when something was, as somebody says it who speaks now; now, where they do not
// say. It is never later than now. possible tells that it is neither in the future, by
// more than a clock may be ahead, nor before 2000.
func Said(at *timestamppb.Timestamp, now time.Time) (said time.Time, possible bool) {
	if at == nil {
		return now, true
	}
	said = at.AsTime()
	possible = said.Year() >= 2000 && !said.After(now.Add(ahead))
	if said.After(now) {
		said = now
	}
	return said, possible
}
