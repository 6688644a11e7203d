package proof_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/proof"
	"github.com/amparo-project/amparo/internal/proof/prooftest"
)

// drawn changes a story here and there.
type drawn struct {
	*rapid.T
	c story
}

func (t drawn) seldom() bool { return rapid.IntRange(0, 15).Draw(t.T, "seldom") == 15 }

func (t drawn) number() uint32 {
	if t.c.Next() == 1 {
		return 1
	}
	return rapid.Uint32Range(1, t.c.Next()-1).Draw(t.T, "number")
}

// of picks an entry of a kind, mostly, and any number otherwise.
func (t drawn) of(is func(*amparov1.LedgerFact) bool) uint32 {
	var found []uint32
	for _, leaf := range t.c.Log().Leaves {
		for _, fact := range leaf.GetFacts() {
			if is(fact) {
				found = append(found, fact.GetNumber())
			}
		}
	}
	if len(found) == 0 || t.seldom() {
		return t.number()
	}
	return found[len(found)-1-rapid.IntRange(0, min(1, len(found)-1)).Draw(t.T, "which")]
}

func (t drawn) people() []uint32 {
	return rapid.SliceOfNDistinct(rapid.Uint32Range(1, 2), 0, 2, rapid.ID).Draw(t.T, "parties")
}

func (t drawn) data() []amparov1.DataCategory {
	if !t.seldom() {
		return []amparov1.DataCategory{contact, situation}
	}
	return rapid.SliceOfNDistinct(rapid.SampledFrom([]amparov1.DataCategory{contact, situation}), 1, 2, rapid.ID).Draw(t.T, "data")
}

func (t drawn) purpose() amparov1.Purpose {
	if t.seldom() {
		return media
	}
	return referral
}

func (t drawn) recipient() uint32 {
	if t.seldom() {
		return 2
	}
	return 1
}

func (t drawn) time(usual time.Duration) *timestamppb.Timestamp {
	if t.seldom() {
		usual = time.Duration(rapid.IntRange(-6, 6).Draw(t.T, "hours")) * time.Hour
	}
	return t.c.At(usual)
}

// end is the end of a term, which is seldom one that no policy can give.
func (t drawn) end(usual time.Duration) *timestamppb.Timestamp {
	if t.seldom() {
		return t.c.At(rapid.SampledFrom([]time.Duration{day, 7 * day, 14 * day, 15 * day}).Draw(t.T, "end"))
	}
	return t.time(usual)
}

func (t drawn) consent() *amparov1.LedgerFact {
	return t.c.NewConsent(func(f consent) {
		f.Purposes, f.Categories, f.Recipients = []amparov1.Purpose{t.purpose()}, t.data(), []uint32{t.recipient()}
		f.ObtainedAt, f.ValidFrom, f.ExpiresAt = t.time(0), t.time(-time.Hour), t.time(5*day)
		if t.seldom() {
			f.Party = rapid.Uint32Range(0, 2).Draw(t.T, "party")
		}
		if t.seldom() {
			f.Answer = amparov1.ConsentAnswer_CONSENT_ANSWER_REFUSED
			if t.seldom() {
				f.Purposes, f.Recipients, f.Categories = nil, nil, nil
			}
		}
		if t.seldom() {
			f.Withheld = []*amparov1.WithheldFact{{Category: t.data()[0], Recipient: rapid.Uint32Range(0, 2).Draw(t.T, "from")}}
		}
		f.Conditional = t.seldom()
	})
}

func (t drawn) check() *amparov1.LedgerFact {
	return t.c.NewCheck(func(f harm) {
		f.Purpose, f.Recipient, f.Categories, f.ValidUntil = t.purpose(), t.recipient(), t.data(), t.end(3*day)
		f.Parties = []uint32{1, 2}
		if t.seldom() {
			f.Result = amparov1.HarmResult_HARM_RESULT_DEFER
		}
		f.ShortForm, f.ApprovalsNeeded = t.seldom(), rapid.Uint32Range(0, 2).Draw(t.T, "approvals")
	})
}

func (t drawn) disclosure() *amparov1.LedgerFact {
	return t.c.NewDisclosure(func(f disclosure) {
		f.Purpose, f.Recipient, f.Categories, f.HappenedAt = t.purpose(), t.recipient(), t.data(), t.time(0)
		if t.seldom() {
			f.Parties = t.people()
		}
		f.Track = rapid.SampledFrom([]amparov1.DisclosureTrack{ordinary, urgent, vital, listed}).Draw(t.T, "track")
		isConsent := func(f *amparov1.LedgerFact) bool {
			return f.GetConsent().GetAnswer() == amparov1.ConsentAnswer_CONSENT_ANSWER_GIVEN
		}
		f.Consents = []uint32{t.of(isConsent), t.of(isConsent)}
		f.Check = t.of(func(f *amparov1.LedgerFact) bool { return f.GetCheck() != nil })
		f.Basis = t.of(func(f *amparov1.LedgerFact) bool { return f.GetBasis() != nil })
		if f.Track == urgent || f.Track == vital {
			f.SecondDueAt = t.end(6 * time.Hour)
		}
		if f.Track == vital && t.seldom() {
			f.Under, f.SecondDueAt = t.of(func(f *amparov1.LedgerFact) bool { return f.GetDisclosure().GetTrack() == vital }), nil
		} else if f.Track == vital {
			f.ActExpiresAt = t.end(2 * day)
		}
		if t.seldom() {
			f.SecondDueAt, f.ActExpiresAt = nil, nil
		}
	})
}

func (t drawn) basis() *amparov1.LedgerFact {
	b := &amparov1.BasisFact{
		Basis: amparov1.ListedBasis_LISTED_BASIS_COURT_ORDER, Purpose: t.purpose(), Recipient: t.recipient(), Categories: t.data(), Parties: []uint32{1, 2},
		ApprovalsNeeded: rapid.Uint32Range(0, 2).Draw(t.T, "approvals"), ValidUntil: t.end(3 * day),
	}
	if t.seldom() {
		b.Basis, b.Of = child, t.number()
	}
	if t.seldom() {
		b.Parties = t.people()
	}
	return &amparov1.LedgerFact{Fact: &amparov1.LedgerFact_Basis{Basis: b}}
}

func (t drawn) fact(kind int) *amparov1.LedgerFact {
	switch kind {
	case 0:
		return t.consent()
	case 2:
		return t.check()
	case 3:
		return t.basis()
	case 4, 5, 8:
		return approval(t.of(func(f *amparov1.LedgerFact) bool {
			return f.GetCheck() != nil || f.GetBasis() != nil || f.GetDisclosure().GetSecondDueAt() != nil
		}))
	case 6:
		if !t.seldom() {
			return approval(t.number())
		}
		w := &amparov1.WithdrawalFact{SaidAt: t.time(0)}
		if t.seldom() {
			w.Recipients, w.Party = []uint32{t.recipient()}, rapid.Uint32Range(0, 2).Draw(t.T, "party")
		}
		return &amparov1.LedgerFact{Fact: &amparov1.LedgerFact_Withdrawal{Withdrawal: w}}
	case 7:
		e := &amparov1.EventFact{Kind: status, Operative: []uint32{t.number(), t.number()}}
		if t.seldom() {
			e.Kind = rapid.SampledFrom([]amparov1.LedgerEventKind{incident, merged}).Draw(t.T, "event")
		}
		return &amparov1.LedgerFact{Fact: &amparov1.LedgerFact_Event{Event: e}}
	default:
		return t.disclosure()
	}
}

// TestModel: whatever a ledger holds, each disclosure has the class that the sentences
// give it, read one by one over all entries.
func TestModel(t *testing.T) {
	classes := map[proof.Class]int{}
	rapid.Check(t, func(t *rapid.T) {
		for range 5 { // or a class might not come up
			compare(t, classes)
		}
	})
	for _, class := range proof.Classes() {
		if classes[class] == 0 {
			t.Errorf("nothing was %s: the model proves nothing of it", class)
		}
	}
}

func compare(t *rapid.T, classes map[proof.Class]int) {
	log := prooftest.New(monday)
	d := drawn{t, log.Case("pseudonym-1")}
	other := log.Case("pseudonym-2") // so that nothing of one case counts in another
	other.Consent()
	other.Check()
	other.Disclose()
	for i := range rapid.IntRange(4, 40).Draw(t, "acts") {
		d.c.By = rapid.SampledFrom([]string{officer, officer, reviewer, head}).Draw(t, "by")
		facts := []*amparov1.LedgerFact{d.fact(rapid.IntRange(0, 9).Draw(t, "kind"))}
		if i < 4 { // what most need to be covered at all
			facts = []*amparov1.LedgerFact{d.fact([]int{0, 2, 3, 4}[i])}
		} else if d.seldom() {
			facts = append(facts, d.fact(rapid.IntRange(0, 9).Draw(t, "kind")))
		}
		d.c.Together(amparov1.LeafAction_LEAF_ACTION_NOTE, facts...)
		log.Wait(time.Duration(rapid.IntRange(-3, 2).Draw(t, "hours")) * time.Hour)
	}
	m := modelOf(log.Leaves, "pseudonym-1")
	for _, l := range read(log.Leaves).Ledgers {
		if l.Pseudonym != "pseudonym-1" {
			continue
		}
		for _, d := range l.Disclosures {
			if want := m.class(entry{d.Fact, d.At, d.StaffID}); d.Class != want {
				t.Fatalf("entry %d is %s (%v), want %s", d.Number(), d.Class, d.Reasons, want)
			}
			if (len(d.Reasons) > 0) != (d.Class == proof.Uncovered) {
				t.Fatalf("entry %d is %s for %d reasons", d.Number(), d.Class, len(d.Reasons))
			}
			classes[d.Class]++
		}
	}
}
