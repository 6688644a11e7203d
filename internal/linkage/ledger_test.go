package linkage_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/casefile"
	"github.com/amparo-project/amparo/internal/deadline"
	"github.com/amparo-project/amparo/internal/linkage"
)

const reassessment = amparov1.TermKind_TERM_KIND_REASSESSMENT

// assessed is a case at a low risk, to be assessed again in 90 days.
func assessed(t *testing.T, act casefile.Act, id string) *amparov1.Case {
	t.Helper()
	c, _, err := act.Open(&amparov1.Intake{}, id, id, "north")
	if err != nil {
		t.Fatal(err)
	}
	judgement := &amparov1.RiskJudgement{Level: amparov1.RiskLevel_RISK_LEVEL_LOW, ThreatRating: 1, VulnerabilityRating: 1, CapacityRating: 1}
	if _, _, err := act.AssessRisk(c, nil, judgement); err != nil {
		t.Fatal(err)
	}
	return c
}

func due(c *amparov1.Case) time.Duration {
	i := slices.IndexFunc(c.GetTerms(), func(t *amparov1.Term) bool { return t.GetKind() == reassessment && t.GetMetAt() == nil })
	return c.GetTerms()[i].GetDue().AsTime().Sub(night)
}

// TestARaidBringsEveryAssessmentForward: whoever shares an incident was struck by it, and
// by what is learnt of it later.
func TestARaidBringsEveryAssessmentForward(t *testing.T) {
	const day = 24 * time.Hour
	act := casefile.Act{StaffID: "ana", Now: night, Book: book(t)}
	c, late := assessed(t, act, "first"), assessed(t, act, "late")
	act.Now = night.Add(day)
	members, entry, err := linkage.Share(act, c, "raid", nil)
	if err != nil || due(c) != 8*day || len(entry.GetTermEvents()) != 1 {
		t.Errorf("shared: assessed again after %v, %v", due(c), err)
	}
	if _, again, err := linkage.Share(act, c, "raid", members); again != nil || err != nil {
		t.Errorf("shared twice: %v, %v", again, err)
	}
	act.Now = night.Add(2 * day)
	entry, err = linkage.Learn(act, late)
	if err != nil || due(late) != 9*day || entry.GetOtherCaseId() != "" {
		t.Errorf("learnt: assessed again after %v, %v", due(late), err)
	}
	if entry, err = linkage.Learn(act, c); err != nil || due(c) != 8*day || entry == nil || len(entry.GetTermEvents()) != 0 {
		t.Errorf("learnt after it was shared: assessed again after %v, %v", due(c), err)
	}
}

// TestWhatOutlivesStaysWithItsLedger: two cases have let something leave, each as the
// second entry of its ledger. Merged, both signatures are still asked for, each once.
func TestWhatOutlivesStaysWithItsLedger(t *testing.T) {
	act := casefile.Act{StaffID: "ana", Now: night, Book: book(t)}
	stays, other := assessed(t, act, "stays"), assessed(t, act, "other")
	for i, c := range []*amparov1.Case{other, stays} {
		act.Now = night.Add(time.Duration(i) * time.Hour)
		err := act.Record(c, &amparov1.TimelineEntry{}, &amparov1.TermEvent{
			Event: amparov1.TermEventKind_TERM_EVENT_KIND_STARTED, Kind: amparov1.TermKind_TERM_KIND_COUNTERSIGNATURE, TermId: "2",
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	before := proto.CloneOf(other)
	if _, _, _, err := linkage.Merge(act, stays, other, officers, false); err != nil {
		t.Fatal(err)
	}
	for c, base := range map[*amparov1.Case]time.Time{other: night, stays: night.Add(time.Hour)} {
		var bases []time.Time
		for _, term := range casefile.Watched(c) {
			if deadline.Outlives(term.GetKind()) {
				bases = append(bases, term.GetBase().AsTime())
			}
		}
		if len(bases) != 1 || !bases[0].Equal(base) {
			t.Errorf("%s waits for signatures since %v, want %v", c.GetId(), bases, base)
		}
	}
	if !slices.EqualFunc(before.GetTerms(), other.GetTerms(), func(a, b *amparov1.Term) bool { return proto.Equal(a, b) }) {
		t.Error("the terms of the other case have changed")
	}
	if next := casefile.Receipt(other).GetNextTerm(); !next.GetBase().AsTime().Equal(night) || other.GetState() != amparov1.CaseState_CASE_STATE_CLOSED {
		t.Errorf("next in the case that was merged is %v, and it is %v", next.GetKind(), other.GetState())
	}
}
