package casefile

import (
	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/risk"
)

const (
	dueBits  = 40
	noDue    = 1<<dueBits - 1
	highRank = 5
)

// SortKey packs the place of a case in the queue into one number; the lowest is the
// most pressing. From the highest bit: closed, class, risk, and the second (Unix)
// in which the next term is due; a case without a running term comes after those
// that have one.
//
// Requests from defenders at risk because of their work come before all others
// (ProtectDefenders.eu, feedback and response mechanism), and one that was not
// triaged may be such a request. An emergency comes before whatever is due.
func SortKey(c *amparov1.Case) uint64 {
	var key uint64
	if c.GetState() == closed {
		key |= 1 << 63
	}
	if c.GetPriorityClass() == amparov1.PriorityClass_PRIORITY_CLASS_OTHER_INQUIRY {
		key |= 1 << 62
	}
	key |= uint64(highRank-risk.Rank(c.GetRiskLevel())) << dueBits
	due := uint64(noDue)
	if next := nextTerm(c); next != nil {
		due = uint64(max(0, min(next.GetDue().GetSeconds(), noDue-1)))
	}
	return key | due
}

// QueueRow returns a case at a glance. It holds nothing that identifies a person.
func QueueRow(c *amparov1.Case) *amparov1.QueueRow {
	next := nextTerm(c)
	return &amparov1.QueueRow{
		CaseId:                c.GetId(),
		Pseudonym:             c.GetPseudonym(),
		Office:                c.GetOffice(),
		State:                 c.GetState(),
		PriorityClass:         c.GetPriorityClass(),
		RiskLevel:             c.GetRiskLevel(),
		Programme:             c.GetProgramme(),
		NextTerm:              next.GetKind(),
		Due:                   next.GetDue(),
		ReceivedAt:            c.GetReceivedAt(),
		OwnerId:               c.GetOwnerId(),
		Restricted:            c.GetRestricted(),
		PossibleDuplicate:     c.GetPossibleDuplicate(),
		RiskConfirmationWaits: risk.Assessed(c.GetRiskLevelProposed()),
		Version:               c.GetVersion(),
	}
}
