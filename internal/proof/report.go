package proof

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// noticeTerm is within what time the authority is told of a breach (GDPR, article
// 33(1)).
const noticeTerm = 72 * time.Hour

// Finish returns what the leaves come to. It is called once, after the last of them.
func (p *Proof) Finish() *Report {
	r := &Report{Findings: p.findings, Classes: make(map[Class]uint64), Bases: make(map[amparov1.ListedBasis]uint64)}
	if p.more > 0 {
		r.Findings = append(r.Findings, Finding{Reason: Reason{Code: "AND_MORE", Text: fmt.Sprintf("and %d more", p.more)}})
	}
	staff := make(map[string]*Acts)
	for _, l := range p.order {
		notices := make(map[uint32]*Entry)
		for _, d := range l.disclosures {
			l.conclude(d, p.newest)
			r.Classes[d.Class]++
			if d.Class == classListed {
				b := l.find(d.Basis).Fact.GetBasis()
				r.Bases[b.GetBasis()]++
				if b.GetBasis() == amparov1.ListedBasis_LISTED_BASIS_BREACH_NOTICE && notices[b.GetOf()] == nil {
					notices[b.GetOf()] = &d.Entry
				}
			}
			if d.Against != 0 {
				r.AgainstNo = append(r.AgainstNo, Mention{Pseudonym: l.pseudonym, Entry: d.Entry})
			}
			tally(staff, d)
		}
		for _, e := range l.entries {
			r.mention(l, e, notices[e.Number()], p.newest)
		}
		r.Ledgers = append(r.Ledgers, &Ledger{Pseudonym: l.pseudonym, Entries: l.entries, Disclosures: l.disclosures})
	}
	for _, acts := range staff {
		r.Staff = append(r.Staff, *acts)
	}
	slices.SortFunc(r.Staff, func(a, b Acts) int { return cmp.Compare(a.StaffID, b.StaffID) })
	inLogOrder(r.Breaches, func(b Breach) uint64 { return b.Leaf })
	for _, list := range [][]Mention{r.Oral, r.Late, r.FormShort, r.Belated, r.AgainstNo, r.Unanswered} {
		inLogOrder(list, func(m Mention) uint64 { return m.Leaf })
	}
	return r
}

func inLogOrder[T any](list []T, leaf func(T) uint64) {
	slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(leaf(a), leaf(b)) })
}

// tally counts an act for whoever let it leave.
func tally(staff map[string]*Acts, d *Disclosure) {
	track := d.Fact.GetDisclosure().GetTrack()
	if !isUrgent(track) {
		return
	}
	acts := staff[d.StaffID]
	if acts == nil {
		acts = &Acts{StaffID: d.StaffID}
		staff[d.StaffID] = acts
	}
	t := &acts.Urgent
	if isVital(track) {
		t = &acts.Vital
	}
	switch d.Class {
	case classUrgentCompleted, classVitalCompleted:
		t.Completed++
	case classUrgentPending, classVitalPending:
		t.Pending++
	case classUrgentLate, classVitalLate:
		t.Late++
	default:
		t.Uncovered++
	}
}

// mention puts an entry on the lists on which it belongs; notice is what told of it, if
// it is a breach.
func (r *Report) mention(l *ledger, e, notice *Entry, newest time.Time) {
	m := Mention{Pseudonym: l.pseudonym, Entry: *e}
	switch f := e.Fact.GetFact().(type) {
	case *amparov1.LedgerFact_Consent:
		if unheard(f.Consent) {
			r.Oral = append(r.Oral, m)
		}
		if f.Consent.GetLate() || isBelated(e, f.Consent.GetObtainedAt()) {
			r.Late = append(r.Late, m)
		}
		if f.Consent.GetFormShort() {
			r.FormShort = append(r.FormShort, m)
		}
	case *amparov1.LedgerFact_Withdrawal:
		if isBelated(e, f.Withdrawal.GetSaidAt()) {
			r.Belated = append(r.Belated, m)
		}
	case *amparov1.LedgerFact_Disclosure:
		if isBelated(e, f.Disclosure.GetHappenedAt()) {
			r.Belated = append(r.Belated, m)
		}
	case *amparov1.LedgerFact_ReturnRequest:
		if due, ok := instant(f.ReturnRequest.GetAnswerDueAt()); ok && newest.After(due) && !l.answered[e.Number()] {
			r.Unanswered = append(r.Unanswered, m)
		}
	case *amparov1.LedgerFact_Breach:
		b := Breach{Mention: m, Notice: notice}
		if aware, ok := instant(f.Breach.GetAwareAt()); ok {
			b.NoticeDue = aware.Add(noticeTerm)
		}
		r.Breaches = append(r.Breaches, b)
	default:
		// Nothing of it is listed.
	}
}

// unheard tells a yes that was said aloud and that nobody else heard.
func unheard(c *amparov1.ConsentFact) bool {
	if c.GetAnswer() != amparov1.ConsentAnswer_CONSENT_ANSWER_GIVEN {
		return false
	}
	switch c.GetMethod() {
	case amparov1.ConsentMethod_CONSENT_METHOD_ORAL:
		return true
	case amparov1.ConsentMethod_CONSENT_METHOD_ORAL_WITNESSED, amparov1.ConsentMethod_CONSENT_METHOD_ORAL_RECORDED:
		return !c.GetWitnessed()
	default:
		return false
	}
}
