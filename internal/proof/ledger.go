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

	known      []*Entry             // those with a place, by number
	stops      map[uint32][]stop    // by party
	yeses      []*Entry             // of the person of the case
	operative  map[uint32]time.Time // since when a consent counts that awaited an event
	incidents  []uint32
	forbidding []*Entry            // checks that do not say to go on
	approvals  map[uint32][]*Entry // by what they approve: of others than its author, each once
	approved   map[approval]bool   // all that were there, the author's too
	answered   map[uint32]bool     // requests to return or delete, in time
	acts       map[uint32]*Disclosure
}

// approval is whose word it is, on which entry.
type approval struct {
	of      uint32
	staffID string
}

// mostApprovals is how many are kept of those of one entry: far more than any policy
// asks for, and few enough to go through for whatever rests on it.
const mostApprovals = 16

func newLedger(pseudonym string) *ledger {
	return &ledger{
		pseudonym: pseudonym,
		stops:     make(map[uint32][]stop), operative: make(map[uint32]time.Time),
		approvals: make(map[uint32][]*Entry), approved: make(map[approval]bool), answered: make(map[uint32]bool),
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

// after is how many of some entries, which stand by number, have one up to this.
func after(entries []*Entry, number uint32) int {
	i, ok := slices.BinarySearchFunc(entries, number, byNumber)
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

// support is find for what something is to rest on: nothing rests on an entry that
// nobody wrote.
func (l *ledger) support(number uint32) *Entry {
	if e := l.find(number); e != nil && !isOrphan(e) {
		return e
	}
	return nil
}

// isOrphan tells an entry that nobody wrote although somebody must have. By itself the
// service says no, settles what nobody has settled, says what befell the person, and asks
// for what left to be returned; it never allows anything.
func isOrphan(e *Entry) bool {
	switch f := e.Fact.GetFact().(type) {
	case *amparov1.LedgerFact_Consent, *amparov1.LedgerFact_Check, *amparov1.LedgerFact_Approval, *amparov1.LedgerFact_Disclosure:
		return e.StaffID == ""
	case *amparov1.LedgerFact_Basis:
		return e.StaffID == "" && f.Basis.GetBasis() != amparov1.ListedBasis_LISTED_BASIS_RETURN_OR_DELETE
	default:
		return false
	}
}

// index enters an entry where later ones are held against it.
func (l *ledger) index(e *Entry) {
	l.known = append(l.known, e)
	switch f := e.Fact.GetFact().(type) {
	case *amparov1.LedgerFact_Consent:
		l.stop(stopsOfConsent(e.Number(), f.Consent)...)
		if f.Consent.GetParty() == 0 && f.Consent.GetAnswer() == amparov1.ConsentAnswer_CONSENT_ANSWER_GIVEN {
			l.yeses = append(l.yeses, e)
		}
	case *amparov1.LedgerFact_Withdrawal:
		l.stop(stopOfWithdrawal(e.Number(), f.Withdrawal))
	case *amparov1.LedgerFact_Check:
		if !goesOn(f.Check) {
			l.forbidding = append(l.forbidding, e)
		}
	case *amparov1.LedgerFact_Approval:
		l.approve(e, f.Approval.GetOf())
	case *amparov1.LedgerFact_Event:
		// A merge brings along what was known in another case only.
		if kind := f.Event.GetKind(); kind == amparov1.LedgerEventKind_LEDGER_EVENT_KIND_INCIDENT || kind == amparov1.LedgerEventKind_LEDGER_EVENT_KIND_MERGED {
			l.incidents = append(l.incidents, e.Number())
		}
		for _, consent := range f.Event.GetOperative() {
			l.begin(consent, e.At)
		}
	case *amparov1.LedgerFact_ReturnAnswer:
		l.answer(e, f.ReturnAnswer)
	default:
		// Nothing is held against the others but their number.
	}
}

func (l *ledger) stop(stops ...stop) {
	for _, s := range stops {
		l.stops[s.party] = append(l.stops[s.party], s)
	}
}

// begin lets a consent count from an instant on, if it was there.
func (l *ledger) begin(consent uint32, at time.Time) {
	since, ok := l.operative[consent]
	if l.find(consent).fact().GetConsent() != nil && (!ok || at.Before(since)) {
		l.operative[consent] = at
	}
}

// approve takes in a word on an entry that was there, by somebody who is not its author:
// nobody agrees with themselves, and the service agrees with nobody.
func (l *ledger) approve(e *Entry, number uint32) {
	of, word := l.find(number), approval{number, e.StaffID}
	if of == nil || l.approved[word] {
		return
	}
	l.approved[word] = true
	if e.StaffID != "" && e.StaffID != of.StaffID && len(l.approvals[number]) < mostApprovals {
		l.approvals[number] = append(l.approvals[number], e)
	}
}

// agreed are the approvals of an entry that were there when something happened.
func (l *ledger) agreed(of *Entry, happened *timestamppb.Timestamp) []*Entry {
	return slices.DeleteFunc(slices.Clone(l.approvals[of.Number()]), func(a *Entry) bool { return !isBy(a.At, happened) })
}

// answer takes in what a past recipient answered in time. That they did not answer is
// written down as well, and is no answer.
func (l *ledger) answer(e *Entry, a *amparov1.ReturnAnswerFact) {
	due, ok := instant(l.find(a.GetRequest()).fact().GetReturnRequest().GetAnswerDueAt())
	switch a.GetOutcome() {
	case amparov1.ReturnOutcome_RETURN_OUTCOME_CONFIRMED_DELETED, amparov1.ReturnOutcome_RETURN_OUTCOME_RETURNED, amparov1.ReturnOutcome_RETURN_OUTCOME_REFUSED:
		if ok && !e.At.After(due) {
			l.answered[a.GetRequest()] = true
		}
	default:
		// The request stays open.
	}
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
