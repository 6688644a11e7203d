package proof

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// ledger is what is known of one case's ledger, up to the newest entry.
type ledger struct {
	pseudonym   string
	entries     []*Entry // as they stand in the log
	disclosures []*Disclosure

	known     []*Entry            // those with a place, by number
	stops     map[uint32][]stop   // by party
	operative map[uint32][]uint32 // events that name a consent, by the consent
	incidents []uint32
	approvals map[uint32][]*Entry // by what they approve
	answered  map[uint32]bool     // requests to return or delete
	acts      map[uint32]*Disclosure
}

func newLedger(pseudonym string) *ledger {
	return &ledger{
		pseudonym: pseudonym,
		stops:     make(map[uint32][]stop), operative: make(map[uint32][]uint32),
		approvals: make(map[uint32][]*Entry), answered: make(map[uint32]bool),
		acts: make(map[uint32]*Disclosure),
	}
}

func (l *ledger) last() uint32 {
	if len(l.known) == 0 {
		return 0
	}
	return l.known[len(l.known)-1].Number()
}

// place says what is wrong with where an entry stands, and whether anything may rest
// on it: not on one whose number was there before, and not on one of an act that was
// refused.
func (l *ledger) place(e *Entry, leaf *amparov1.AuditLeaf, find func(code, text string)) bool {
	if !slices.ContainsFunc(leaf.GetChanges(), func(c *amparov1.FileChange) bool { return c.GetPseudonym() == l.pseudonym }) {
		find("WITHOUT_CHANGE", "the leaf does not change the case")
	}
	if leaf.GetOutcome() != amparov1.LeafOutcome_LEAF_OUTCOME_DONE {
		find("IN_REFUSAL", "the act was refused")
		return false
	}
	switch last := l.last(); {
	case e.Number() <= last:
		find("NUMBER_REPEATED", fmt.Sprintf("entry %d follows entry %d", e.Number(), last))
		return false
	case e.Number() > last+1:
		find("NUMBER_GAP", fmt.Sprintf("entry %d follows entry %d", e.Number(), last))
	}
	return true
}

// after is how many of the known entries have a number up to this one.
func (l *ledger) after(number uint32) int {
	i, ok := slices.BinarySearchFunc(l.known, number, byNumber)
	if ok {
		i++
	}
	return i
}

func byNumber(e *Entry, n uint32) int { return cmp.Compare(e.Number(), n) }

// find returns the entry with a number, or nil.
func (l *ledger) find(number uint32) *Entry {
	i, ok := slices.BinarySearchFunc(l.known, number, byNumber)
	if !ok {
		return nil
	}
	return l.known[i]
}

// index enters an entry where later ones are held against it.
func (l *ledger) index(e *Entry) {
	l.known = append(l.known, e)
	switch f := e.Fact.GetFact().(type) {
	case *amparov1.LedgerFact_Consent:
		l.stop(stopsOfConsent(e.Number(), f.Consent)...)
	case *amparov1.LedgerFact_Withdrawal:
		l.stop(stopOfWithdrawal(e.Number(), f.Withdrawal))
	case *amparov1.LedgerFact_Approval:
		l.approvals[f.Approval.GetOf()] = append(l.approvals[f.Approval.GetOf()], e)
	case *amparov1.LedgerFact_Event:
		if f.Event.GetKind() == amparov1.LedgerEventKind_LEDGER_EVENT_KIND_INCIDENT {
			l.incidents = append(l.incidents, e.Number())
		}
		for _, consent := range f.Event.GetOperative() {
			l.operative[consent] = append(l.operative[consent], e.Number())
		}
	case *amparov1.LedgerFact_ReturnAnswer:
		l.answered[f.ReturnAnswer.GetRequest()] = true
	default:
		// Nothing is held against the others but their number.
	}
}

func (l *ledger) stop(stops ...stop) {
	for _, s := range stops {
		l.stops[s.party] = append(l.stops[s.party], s)
	}
}

// approvalsOf are the approvals of an entry by people who are not its author: nobody agrees with themselves,
// and the service agrees with nobody.
func (l *ledger) approvalsOf(of *Entry) []*Entry {
	return slices.DeleteFunc(slices.Clone(l.approvals[of.Number()]), func(a *Entry) bool {
		return a.Number() <= of.Number() || a.StaffID == "" || a.StaffID == of.StaffID
	})
}

// approvers are the approvals of an entry, the first one of each person.
func (l *ledger) approvers(of *Entry) []*Entry {
	var approvals []*Entry
	for _, a := range l.approvalsOf(of) {
		if !slices.ContainsFunc(approvals, func(b *Entry) bool { return b.StaffID == a.StaffID }) {
			approvals = append(approvals, a)
		}
	}
	return approvals
}

// instant is a time of the log; ok tells that there is one.
func instant(at *timestamppb.Timestamp) (t time.Time, ok bool) {
	if at.CheckValid() != nil {
		return time.Time{}, false
	}
	return at.AsTime(), true
}

// before reports that a is before b, and both are known.
func before(a, b *timestamppb.Timestamp) bool {
	from, ok := instant(a)
	to, also := instant(b)
	return ok && also && from.Before(to)
}
