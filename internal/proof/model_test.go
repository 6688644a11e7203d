package proof_test

import (
	"slices"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/proof"
)

// entry is an entry as the model sees it: every question is asked of all entries of
// the case, and nothing is remembered from one to the next.
type entry struct {
	*amparov1.LedgerFact
	at time.Time
	by string
}

type model struct {
	all  []entry
	last time.Time
}

func modelOf(leaves []*amparov1.AuditLeaf, pseudonym string) model {
	var m model
	for _, leaf := range leaves {
		at := leaf.GetRecordedAt().AsTime()
		if earliest := m.last.Add(-time.Minute); at.Before(earliest) {
			at = earliest
		}
		if at.After(m.last) {
			m.last = at
		}
		for _, fact := range leaf.GetFacts() {
			if fact.GetPseudonym() == pseudonym {
				m.all = append(m.all, entry{fact, at, leaf.GetStaffId()})
			}
		}
	}
	return m
}

func (m model) some(is func(entry) bool) bool { return slices.ContainsFunc(m.all, is) }

func (m model) where(is func(entry) bool) []entry {
	return slices.DeleteFunc(slices.Clone(m.all), func(e entry) bool { return !is(e) })
}

// class is the class of what left with entry n.
func (m model) class(n entry) proof.Class {
	d := n.GetDisclosure()
	switch d.GetTrack() {
	case ordinary:
		if m.covered(n) && m.checked(n) {
			return "CONSENT"
		}
	case listed:
		if m.based(n) {
			return "LISTED"
		}
	case urgent:
		if m.covered(n) && m.checked(n) && d.GetSecondDueAt() != nil {
			return "URGENT_" + m.signed(n)
		}
	case vital:
		for _, u := range m.where(func(u entry) bool {
			return u.GetNumber() == d.GetUnder() || d.GetUnder() == 0 && u.GetNumber() == n.GetNumber()
		}) {
			own := u.GetNumber() == n.GetNumber()
			if m.checked(n) && (d.GetSecondDueAt() == nil) != own && u.GetNumber() <= n.GetNumber() && m.act(u) && sameOrLess(d, u.GetDisclosure()) &&
				d.GetHappenedAt().AsTime().Before(u.GetDisclosure().GetActExpiresAt().AsTime()) {
				return "VITAL_" + m.signed(u)
			}
		}
	default:
	}
	return proof.Uncovered
}

func (m model) act(u entry) bool {
	d := u.GetDisclosure()
	return d.GetTrack() == vital && d.GetUnder() == 0 && d.GetSecondDueAt() != nil && d.GetActExpiresAt() != nil &&
		d.GetHappenedAt().AsTime().Before(d.GetActExpiresAt().AsTime()) && m.checked(u) &&
		!d.GetActExpiresAt().AsTime().After(d.GetHappenedAt().AsTime().Add(7*day))
}

func sameOrLess(d, u *amparov1.DisclosureFact) bool {
	return d.GetPurpose() == u.GetPurpose() && d.GetRecipient() == u.GetRecipient() &&
		subset(d.GetCategories(), u.GetCategories()) && subset(d.GetParties(), u.GetParties())
}

func subset[T comparable](part, whole []T) bool {
	for _, p := range part {
		if !slices.Contains(whole, p) {
			return false
		}
	}
	return true
}

func (m model) signed(n entry) proof.Class {
	due := n.GetDisclosure().GetSecondDueAt().AsTime()
	if t := n.GetDisclosure().GetHappenedAt().AsTime(); due.Sub(t) > day {
		due = t.Add(day)
	}
	signature := func(inTime bool) bool {
		return m.some(func(a entry) bool {
			return a.GetApproval() != nil && a.GetApproval().GetOf() == n.GetNumber() && a.GetNumber() > n.GetNumber() && a.by != n.by && a.at.After(due) != inTime
		})
	}
	switch {
	case signature(true):
		return "COMPLETED"
	case signature(false), m.last.After(due):
		return "LATE"
	default:
		return "PENDING"
	}
}

// agreed counts who agreed to entry k before entry n, and when it happened.
func (m model) agreed(k, n entry) int {
	people := map[string]bool{}
	for _, a := range m.all {
		if a.GetApproval().GetOf() == k.GetNumber() && a.GetApproval() != nil && k.GetNumber() < a.GetNumber() && a.GetNumber() < n.GetNumber() && !a.at.After(n.GetDisclosure().GetHappenedAt().AsTime()) {
			people[a.by] = true
		}
	}
	delete(people, k.by)
	return len(people)
}

func (m model) checked(n entry) bool {
	d := n.GetDisclosure()
	t := d.GetHappenedAt().AsTime()
	return m.some(func(k entry) bool {
		c := k.GetCheck()
		if c == nil || k.GetNumber() != d.GetCheck() || k.GetNumber() >= n.GetNumber() || c.GetPurpose() != d.GetPurpose() || c.GetRecipient() != d.GetRecipient() {
			return false
		}
		overtaken := m.some(func(i entry) bool {
			later := k.GetNumber() < i.GetNumber() && i.GetNumber() < n.GetNumber()
			f := i.GetCheck()
			says := f != nil && !good(f) && f.GetPurpose() == d.GetPurpose() && f.GetRecipient() == d.GetRecipient() &&
				slices.ContainsFunc(f.GetCategories(), func(one amparov1.DataCategory) bool { return subset([]amparov1.DataCategory{one}, d.GetCategories()) })
			return later && (says || slices.Contains([]amparov1.LedgerEventKind{incident, merged}, i.GetEvent().GetKind()))
		})
		thorough := !c.GetShortForm() && !k.at.After(t) && m.agreed(k, n) >= int(c.GetApprovalsNeeded())
		return good(c) && !overtaken && subset(d.GetCategories(), c.GetCategories()) && subset(d.GetParties(), c.GetParties()) &&
			t.Before(c.GetValidUntil().AsTime()) && c.GetValidUntil().AsTime().Sub(k.at) <= 14*day && (d.GetTrack() != ordinary || thorough)
	})
}

func good(c *amparov1.CheckFact) bool {
	return c.GetResult() == amparov1.HarmResult_HARM_RESULT_PROCEED || c.GetResult() == amparov1.HarmResult_HARM_RESULT_PROCEED_WITH_MITIGATION
}

func (m model) based(n entry) bool {
	d := n.GetDisclosure()
	t := d.GetHappenedAt().AsTime()
	return m.some(func(k entry) bool {
		b := k.GetBasis()
		needed := int(b.GetApprovalsNeeded())
		if b.GetBasis() == amparov1.ListedBasis_LISTED_BASIS_COURT_ORDER {
			needed = max(needed, 1)
		}
		return b != nil && b.GetPurpose() == d.GetPurpose() && subset(d.GetParties(), b.GetParties()) && b.GetValidUntil().AsTime().Sub(k.at) <= 14*day &&
			k.GetNumber() == d.GetBasis() && k.GetNumber() < n.GetNumber() && b.GetRecipient() == d.GetRecipient() &&
			subset(d.GetCategories(), b.GetCategories()) && t.Before(b.GetValidUntil().AsTime()) && !k.at.After(t) &&
			m.agreed(k, n) >= needed
	})
}

// covered asks for every party and category whether there is one consent among those
// named for which all six sentences hold.
func (m model) covered(n entry) bool {
	d := n.GetDisclosure()
	for _, q := range append([]uint32{0}, d.GetParties()...) {
		for _, c := range d.GetCategories() {
			if !m.some(func(e entry) bool {
				return slices.Contains(d.GetConsents(), e.GetNumber()) && m.allows(e, n, q, c)
			}) {
				return false
			}
		}
	}
	return true
}

func (m model) allows(e, n entry, q uint32, c amparov1.DataCategory) bool {
	d, y := n.GetDisclosure(), e.GetConsent()
	p, r, t := d.GetPurpose(), d.GetRecipient(), d.GetHappenedAt().AsTime()
	one := y.GetAnswer() == amparov1.ConsentAnswer_CONSENT_ANSWER_GIVEN && y.GetParty() == q && e.GetNumber() < n.GetNumber() &&
		slices.Contains(y.GetPurposes(), p) && slices.Contains(y.GetRecipients(), r) && slices.Contains(y.GetCategories(), c)
	two := !withholds(y, r, c)
	three := !t.Before(y.GetValidFrom().AsTime()) && t.Before(y.GetExpiresAt().AsTime()) && !y.GetObtainedAt().AsTime().After(t)
	four := !y.GetConditional() || m.some(func(v entry) bool {
		return e.GetNumber() < v.GetNumber() && v.GetNumber() < n.GetNumber() && slices.Contains(v.GetEvent().GetOperative(), e.GetNumber()) &&
			(d.GetTrack() == urgent || !v.at.After(t))
	})
	five := !m.some(func(s entry) bool {
		said, reaches := says(s, q, p, r, c)
		return reaches && s.GetNumber() < n.GetNumber() && (s.GetNumber() > e.GetNumber() || !said.Before(y.GetObtainedAt().AsTime()))
	})
	six := d.GetTrack() == urgent || !e.at.After(t)
	return one && two && three && four && five && six
}

func withholds(y *amparov1.ConsentFact, r uint32, c amparov1.DataCategory) bool {
	return slices.ContainsFunc(y.GetWithheld(), func(w *amparov1.WithheldFact) bool {
		return w.GetCategory() == c && (w.GetRecipient() == r || w.GetRecipient() == 0)
	})
}

// says is when an entry said no to a triple, if it did.
func says(s entry, q uint32, p amparov1.Purpose, r uint32, c amparov1.DataCategory) (time.Time, bool) {
	if w := s.GetWithdrawal(); w != nil {
		return w.GetSaidAt().AsTime(), w.GetParty() == q && (len(w.GetPurposes()) == 0 || slices.Contains(w.GetPurposes(), p)) &&
			(len(w.GetRecipients()) == 0 || slices.Contains(w.GetRecipients(), r)) &&
			(len(w.GetCategories()) == 0 || slices.Contains(w.GetCategories(), c))
	}
	y := s.GetConsent()
	if y == nil || y.GetParty() != q {
		return time.Time{}, false
	}
	refused := y.GetAnswer() == amparov1.ConsentAnswer_CONSENT_ANSWER_REFUSED && (len(y.GetPurposes()) == 0 || slices.Contains(y.GetPurposes(), p)) &&
		(len(y.GetRecipients()) == 0 || slices.Contains(y.GetRecipients(), r)) && (len(y.GetCategories()) == 0 || slices.Contains(y.GetCategories(), c))
	kept := y.GetAnswer() == amparov1.ConsentAnswer_CONSENT_ANSWER_GIVEN && slices.Contains(y.GetPurposes(), p) && withholds(y, r, c)
	return y.GetObtainedAt().AsTime(), refused || kept
}
