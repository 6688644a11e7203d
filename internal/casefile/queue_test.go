package casefile_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/casefile"
)

const (
	untriaged = amparov1.PriorityClass_PRIORITY_CLASS_UNSPECIFIED
	atRisk    = amparov1.PriorityClass_PRIORITY_CLASS_HRD_AT_RISK
	other     = amparov1.PriorityClass_PRIORITY_CLASS_OTHER_INQUIRY
)

func queued(state amparov1.CaseState, class amparov1.PriorityClass, level amparov1.RiskLevel, due time.Duration) *amparov1.Case {
	c := &amparov1.Case{Id: fmt.Sprint(state, class, level, due), State: state, PriorityClass: class, RiskLevel: level}
	if due != none {
		c.Terms = []*amparov1.Term{{Kind: checkIn, Due: timestamppb.New(night.Add(due))}}
	}
	return c
}

// TestQueueOrder lists cases as they must stand in the queue, and shuffles them.
func TestQueueOrder(t *testing.T) {
	want := []*amparov1.Case{
		queued(active, atRisk, extreme, -1000*time.Hour),
		queued(onHold, atRisk, extreme, -time.Hour),
		queued(monitoring, atRisk, extreme, 1000*time.Hour),
		queued(active, atRisk, extreme, none),
		queued(active, atRisk, high, -1000*time.Hour),
		queued(received, untriaged, notAssessed, -time.Hour),
		queued(received, untriaged, unset, -59*time.Minute),
		queued(triaged, atRisk, notAssessed, time.Hour),
		queued(active, atRisk, medium, -time.Hour),
		queued(active, atRisk, medium, time.Hour),
		queued(active, atRisk, low, -1000*time.Hour),
		queued(active, atRisk, low, none),
		queued(triaged, other, extreme, -1000*time.Hour),
		queued(triaged, other, low, time.Hour),
		queued(closed, atRisk, extreme, -1000*time.Hour),
		queued(closed, atRisk, low, none),
		queued(closed, other, extreme, none),
	}
	got := slices.Clone(want)
	rand.Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
	slices.SortStableFunc(got, func(a, b *amparov1.Case) int {
		if casefile.SortKey(a) < casefile.SortKey(b) {
			return -1
		}
		return 1
	})
	for i := range want {
		if got[i].GetId() != want[i].GetId() {
			t.Errorf("place %d: %s, want %s", i+1, got[i].GetId(), want[i].GetId())
		}
	}
}

// TestSortKeyKeepsToItsBits holds that no due time reaches into the risk.
func TestSortKeyKeepsToItsBits(t *testing.T) {
	never := casefile.SortKey(queued(active, atRisk, extreme, none))
	for _, year := range []int{1, 1969, 1970, 2026, 9999} {
		c := queued(active, atRisk, extreme, 0)
		c.Terms[0].Due = timestamppb.New(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC))
		if key := casefile.SortKey(c); key >= never {
			t.Errorf("due in year %d: after the cases that have no term", year)
		}
	}
	broken := queued(active, atRisk, extreme, 0)
	broken.Terms[0].Due = &timestamppb.Timestamp{Seconds: 1 << 50}
	if casefile.SortKey(broken) >= never {
		t.Error("a broken due time reaches into the risk, or counts as none")
	}
	if never >= casefile.SortKey(queued(active, atRisk, high, -1000*time.Hour)) {
		t.Error("a case without a term has sunk below its risk")
	}
}

func TestRowAndReceipt(t *testing.T) {
	d := openDesk(t, &amparov1.Intake{Restricted: true})
	must(t, d.triage(acceptedAt(extreme), "operator"), d.assess(low, "officer"))
	d.by("operator").MarkDuplicate(d.c, "colleague")
	row, receipt := casefile.QueueRow(d.c), casefile.Receipt(d.c)
	if row.GetNextTerm() != firstContact || !row.GetDue().AsTime().Equal(night.Add(4*time.Hour)) {
		t.Errorf("next is %v at %v", row.GetNextTerm(), row.GetDue().AsTime())
	}
	if !row.GetRestricted() || !row.GetPossibleDuplicate() || !row.GetRiskConfirmationWaits() || row.GetOwnerId() != "operator" {
		t.Error("the row leaves out a mark")
	}
	if receipt.GetRiskLevel() != extreme || receipt.GetRiskLevelProposed() != low || receipt.GetNextTerm().GetKind() != firstContact {
		t.Error("the receipt does not say what holds")
	}
	must(t, d.close())
	if row := casefile.QueueRow(d.c); row.GetDue() != nil || row.GetNextTerm() != amparov1.TermKind_TERM_KIND_UNSPECIFIED {
		t.Error("a closed case has something due")
	}
}
