package casefile

import (
	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/risk"
)

const (
	closedBit = 1 << 63
	ownedBit  = 1 << 62 // somebody active answers for it
	otherBit  = 1 << 61
	noDue     = 1<<DueBits - 1
	highRank  = 5
)

// DueBits are the low bits of a SortKey, which hold the second in which the next term
// is due, all of them set when no term runs.
const DueBits = 40

// SortKey packs the place of a case in the queue into one number; the lowest is the
// most pressing. From the highest bit: closed, owned, class, risk, and the second (Unix)
// in which the next term is due; a case without a running term comes after those
// that have one.
//
// Requests from defenders at risk because of their work come before all others
// (ProtectDefenders.eu, feedback and response mechanism), and one that was not
// triaged may be such a request. An emergency comes before whatever is due.
//
// It takes for granted that whoever owns the case is there; see Unowned.
func SortKey(c *amparov1.Case) uint64 {
	key := uint64(ownedBit)
	if c.GetState() == closed {
		key |= closedBit
	}
	if c.GetPriorityClass() == amparov1.PriorityClass_PRIORITY_CLASS_OTHER_INQUIRY {
		key |= otherBit
	}
	key |= uint64(highRank-risk.Rank(c.GetRiskLevel())) << DueBits
	due := uint64(noDue)
	if next := nextTerm(c); next != nil {
		due = uint64(max(0, min(next.GetDue().GetSeconds(), noDue-1)))
	}
	return key | due
}

// Unowned is the place of a case for which nobody active answers: before every other
// open one of its office, whatever its class and risk, since nobody at all is looking
// at it. Owned takes that back.
func Unowned(key uint64) uint64 { return key &^ ownedBit }

// Owned is the place of a case for which somebody active answers.
func Owned(key uint64) uint64 { return key | ownedBit }

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
