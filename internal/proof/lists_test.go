package proof_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/proof"
	"github.com/amparo-project/amparo/internal/proof/prooftest"
)

func numbers(list []proof.Mention) string {
	var out []uint32
	for _, m := range list {
		out = append(out, m.Number())
	}
	return fmt.Sprint(out)
}

// TestOralConsents: a yes that nobody else heard is shown, and no other.
func TestOralConsents(t *testing.T) {
	for _, row := range []struct {
		name   string
		method amparov1.ConsentMethod
		heard  bool
		shown  bool
	}{
		{"signed", amparov1.ConsentMethod_CONSENT_METHOD_WRITTEN, false, false},
		{"aloud, before a witness", amparov1.ConsentMethod_CONSENT_METHOD_ORAL_WITNESSED, true, false},
		{"aloud, before a witness of whom nobody knows", amparov1.ConsentMethod_CONSENT_METHOD_ORAL_WITNESSED, false, true},
		{"aloud, and recorded before a witness", amparov1.ConsentMethod_CONSENT_METHOD_ORAL_RECORDED, true, false},
		{"aloud, and recorded", amparov1.ConsentMethod_CONSENT_METHOD_ORAL_RECORDED, false, true},
		{"aloud", amparov1.ConsentMethod_CONSENT_METHOD_ORAL, false, true},
		{"by thumbprint", amparov1.ConsentMethod_CONSENT_METHOD_THUMBPRINT, false, false},
	} {
		for answer, shown := range map[amparov1.ConsentAnswer]bool{
			amparov1.ConsentAnswer_CONSENT_ANSWER_GIVEN: row.shown, amparov1.ConsentAnswer_CONSENT_ANSWER_REFUSED: false,
		} {
			r := told(func(c story) {
				c.Consent(func(f consent) { f.Answer, f.Method, f.Witnessed = answer, row.method, row.heard })
			})
			if (len(r.Oral) == 1) != shown || !r.Sound() {
				t.Errorf("%s: shown is %v, want %v", row.name, len(r.Oral) == 1, shown)
			}
		}
	}
}

func TestListsOfEntries(t *testing.T) {
	r := told(func(c story) {
		c.Consent(func(f consent) { f.Late = true })
		c.Check()
		c.Consent(func(f consent) { f.FormShort = true })
		left := c.Disclose()
		c.Withdraw()
		note(c, requested(left, monday.Add(2*day)), requested(left, monday.Add(2*day)), requested(left, monday.Add(4*day)))
		note(c, answered(7))
		note(c, answers(8, amparov1.ReturnOutcome_RETURN_OUTCOME_NO_ANSWER))
		c.Consent(func(f consent) { f.ObtainedAt, f.ValidFrom = c.At(-day), c.At(-day) })
		c.Consent(func(f consent) { f.ObtainedAt, f.ValidFrom = c.At(-day-time.Second), c.At(-day) })
		c.Withdraw(func(w withdrawal) { w.SaidAt = c.At(-day - time.Second) })
		c.Disclose(at(c, -day-time.Second))
		c.Disclose(at(c, -day))
		c.Log().Wait(2 * day)
		note(c, answered(6))
		c.Log().Wait(2 * day)
		c.Log().Read("pseudonym-1")
	})
	for name, got := range map[string][2]string{
		"late": {numbers(r.Late), "[1 12]"}, "of the day before": {numbers(r.Belated), "[13 14]"}, "not in writing": {numbers(r.FormShort), "[3]"},
		"without an answer in time": {numbers(r.Unanswered), "[6 8]"},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: %s, want %s", name, got[0], got[1])
		}
	}
	if r.Unanswered[0].Pseudonym != "pseudonym-1" || r.Unanswered[0].Leaf != 6 || r.Unanswered[0].StaffID != officer {
		t.Errorf("said of it: %s, leaf %d, by %s", r.Unanswered[0].Pseudonym, r.Unanswered[0].Leaf, r.Unanswered[0].StaffID)
	}
}

// TestActsAgainstANo: what left for vital interests although the person had said no is
// shown, and is covered all the same.
func TestActsAgainstANo(t *testing.T) {
	refuse := func(f consent) { f.Answer = amparov1.ConsentAnswer_CONSENT_ANSWER_REFUSED }
	withhold := func(recipient uint32) func(consent) {
		return func(f consent) { f.Withheld = []*amparov1.WithheldFact{{Category: contact, Recipient: recipient}} }
	}
	for _, row := range []struct {
		name    string
		before  func(c story)
		against uint32
	}{
		{"nobody was asked", func(story) {}, 0},
		{"a yes", func(c story) { c.Consent() }, 0},
		{"a no", func(c story) { c.Consent(refuse) }, 1},
		{"a yes, taken back", func(c story) { c.Consent(); c.Withdraw() }, 2},
		{"a no, and a yes to all of it", func(c story) { c.Consent(refuse); c.Consent() }, 0},
		{"a no, and a yes to some of it", func(c story) {
			c.Consent(refuse)
			c.Consent(func(f consent) { f.Categories = f.Categories[:1] })
		}, 1},
		{"a no, and a yes written down later that was said before it", func(c story) {
			c.Consent(refuse)
			c.Consent(func(f consent) { f.ObtainedAt = c.At(-2 * time.Hour) })
		}, 1},
		{"a no, and a yes that has ended", func(c story) {
			c.Consent(refuse)
			c.Consent(func(f consent) { f.ExpiresAt = c.At(time.Minute) })
		}, 1},
		{"withheld from the recipient", func(c story) { c.Consent(withhold(1)) }, 1},
		{"withheld from somebody else", func(c story) { c.Consent(withhold(2)) }, 0},
		{"a no for another purpose", func(c story) { c.Withdraw(func(w withdrawal) { w.Purposes = []amparov1.Purpose{media} }) }, 0},
		{"a no of somebody else", func(c story) { c.Withdraw(func(w withdrawal) { w.Party = 1 }) }, 0},
	} {
		r := told(func(c story) { row.before(c); c.DiscloseAtOnce(c.Vital) })
		if got := r.Ledgers[0].Disclosures[0].Against; got != row.against || (len(r.AgainstNo) == 1) != (row.against != 0) || !r.Sound() {
			t.Errorf("%s: against %d, %d shown, want %d; sound is %v", row.name, got, len(r.AgainstNo), row.against, r.Sound())
		}
	}
}

// TestBreaches: an admitted breach is always shown, with until when the authority is to
// be told, and is no disclosure that would have to be covered.
func TestBreaches(t *testing.T) {
	stated := func(c story) {
		note(c, breach(monday.Add(-day), monday))
		c.Approve(c.Basis(func(b basis) { b.Basis, b.Of, b.Categories = notice, 1, []amparov1.DataCategory{profile} }), reviewer)
	}
	tells := func(c story) { leaveOn(c, 2, func(d disclosure) { d.Categories = []amparov1.DataCategory{profile} }) }
	r := told(func(c story) { stated(c); tells(c); note(c, breach(monday, monday)) })
	if len(r.Breaches) != 2 || !r.Sound() || r.Bases[amparov1.ListedBasis_LISTED_BASIS_BREACH_NOTICE] != 1 {
		t.Fatalf("%d breaches, sound is %v", len(r.Breaches), r.Sound())
	}
	first, second := r.Breaches[0], r.Breaches[1]
	if !first.NoticeDue.Equal(monday.Add(72*time.Hour)) || first.Notice == nil || first.Notice.Number() != 4 {
		t.Errorf("the first: due %v", first.NoticeDue)
	}
	if second.Notice != nil {
		t.Error("a notice of one breach passes for that of another")
	}
	if r := told(func(c story) { stated(c); c.Log().Wait(8 * day); tells(c) }); r.Breaches[0].Notice != nil {
		t.Error("what was not allowed to leave passes for a notice")
	}
}

// TestStaff: acts are counted for whoever let them leave.
func TestStaff(t *testing.T) {
	log := prooftest.New(monday)
	for i := range 3 {
		c := log.Case(prooftest.Pseudonym(i))
		c.Consent()
		on := func(d disclosure) { d.Consents = []uint32{1} }
		c.Approve(c.DiscloseAtOnce(on), reviewer)
		c.By = head
		late := c.DiscloseAtOnce(on)
		c.DiscloseAtOnce(c.Vital)
		c.DiscloseAtOnce(c.Vital, func(d disclosure) { d.Check = 0 })
		log.Wait(2 * day)
		c.Approve(late, reviewer)
		c.DiscloseAtOnce(c.Vital)
	}
	want := []proof.Acts{
		{StaffID: head, Urgent: proof.Tally{Late: 3}},
		{StaffID: officer, Urgent: proof.Tally{Completed: 3}, Vital: proof.Tally{Pending: 1, Late: 5, Uncovered: 3}},
	}
	if got := read(log.Leaves).Staff; !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestReportsOfManyCases: each case has its own ledger, in the order of the log, and
// leaves without entries are passed over.
func TestReportsOfManyCases(t *testing.T) {
	log := prooftest.New(monday)
	a, b := log.Case("pseudonym-b"), log.Case("pseudonym-a")
	a.Consent()
	b.Consent()
	log.Read("pseudonym-a")
	b.Check()
	a.Check()
	a.Disclose()
	b.Disclose()
	b.Disclose(func(d disclosure) { d.Recipient = 9 })
	r := read(log.Leaves)
	if len(r.Ledgers) != 2 || r.Ledgers[0].Pseudonym != "pseudonym-b" || len(r.Ledgers[1].Entries) != 4 {
		t.Fatalf("%d ledgers", len(r.Ledgers))
	}
	left := r.Ledgers[1].Disclosures[0]
	if left.Leaf != 8 || left.Number() != 3 || !slices.Equal(left.Consents, []uint32{1}) || left.Check != 2 || !left.At.Equal(monday.Add(8*time.Hour)) {
		t.Errorf("leaf %d, entry %d, on %v and %d, at %v", left.Leaf, left.Number(), left.Consents, left.Check, left.At)
	}
	var counted uint64
	for _, class := range proof.Classes() {
		counted += r.Classes[class]
	}
	if counted != 3 || r.Classes[proof.Uncovered] != 1 || r.Sound() {
		t.Errorf("%d disclosures counted, %d uncovered", counted, r.Classes[proof.Uncovered])
	}
	reasons := r.Ledgers[1].Disclosures[1].Reasons
	if len(reasons) == 0 || reasons[0].Text != "consent 1 is not for recipient 9" {
		t.Errorf("the reasons do not begin with the consent: %d", len(reasons))
	}
}
