package casefile_test

import (
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/casefile"
)

// TestAnActBringsTheNextAssessmentForward adds an act against the person at each level of
// risk, a day after it was assessed.
func TestAnActBringsTheNextAssessmentForward(t *testing.T) {
	for level, want := range map[amparov1.RiskLevel]time.Duration{
		low: d24 + 7*d24, medium: d24 + 3*d24, high: d24 + d24, extreme: d24 + 4*time.Hour,
	} {
		d := openDesk(t, &amparov1.Intake{})
		must(t, d.triage(acceptedAt(level), "operator"))
		d.now = night.Add(d24)
		must(t, d.note(d.by("operator").AddIncident(d.c, threat)))
		checkClocks(t, level.String(), d, []clock{{reassessment, 0, want, runs}})
		d.now = night.Add(d24 + time.Hour)
		must(t, d.note(d.by("operator").AddIncident(d.c, threat)))
		checkClocks(t, "another act, "+level.String(), d, []clock{{reassessment, 0, want, runs}})
		if events := d.timeline[len(d.timeline)-1].GetTermEvents(); len(events) != 0 {
			t.Errorf("%v: an act that changes nothing is on record as %v", level, events[0].GetEvent())
		}
		d.replays(t)
		must(t, d.assess(level, "officer"))
		if got := d.term(reassessment).GetAgreedDue(); got != nil {
			t.Errorf("%v: the assessment after the act is hurried as well", level)
		}
	}
	d := openDesk(t, &amparov1.Intake{})
	must(t, d.note(d.by("operator").AddIncident(d.c, threat)))
	checkClocks(t, "nobody has assessed: within a day of the request anyway", d, []clock{{reassessment, 0, d24, runs}})
}

// TestAnActInAClosedCase is not told of, and shows when the case is opened again.
func TestAnActInAClosedCase(t *testing.T) {
	d := openDesk(t, &amparov1.Intake{})
	must(t, d.triage(acceptedAt(low), "operator"), d.close())
	d.now = night.Add(d24)
	must(t, d.note(d.by("operator").AddIncident(d.c, threat)))
	if next := casefile.Receipt(d.c).GetNextTerm(); next != nil || d.c.GetState() != closed {
		t.Errorf("%v is next in a case that is %v", next.GetKind(), d.c.GetState())
	}
	must(t, d.note(d.by("operator").Reopen(d.c, "called again", roles)))
	checkClocks(t, "reopened", d, []clock{{reassessment, 0, 8 * d24, runs}})
}

// TestWhatOutlivesAClosure: what somebody let leave alone still takes a second signature
// when the case is closed, and nothing else of it is due.
func TestWhatOutlivesAClosure(t *testing.T) {
	d := openDesk(t, &amparov1.Intake{})
	must(t, d.triage(acceptedAt(low), "operator"))
	const begun, met = amparov1.TermEventKind_TERM_EVENT_KIND_STARTED, amparov1.TermEventKind_TERM_EVENT_KIND_MET
	must(t, d.signature(begun, 4), d.close(), d.signature(begun, 5))
	closedKey := casefile.SortKey(d.c)
	for _, signed := range []struct {
		number int
		left   int
	}{{0, 2}, {4, 1}, {5, 0}} {
		must(t, d.signature(met, signed.number))
		running := 0
		for _, term := range casefile.Watched(d.c) {
			if term.GetMetAt() == nil {
				running++
			}
			if term.GetKind() != countersignature {
				t.Errorf("%v is watched in a closed case", term.GetKind())
			}
		}
		row, receipt := casefile.QueueRow(d.c), casefile.Receipt(d.c)
		isDue := receipt.GetNextTerm().GetKind() == countersignature && row.GetNextTerm() == countersignature &&
			row.GetDue().AsTime().Equal(night.Add(d24))
		if running != signed.left || isDue != (signed.left > 0) || d.c.GetState() != closed {
			t.Errorf("after %d was signed %d run, next %v, in a case that is %v", signed.number, running, receipt.GetNextTerm(), d.c.GetState())
		}
	}
	if open := queued(active, atRisk, low, none); closedKey <= casefile.SortKey(open) {
		t.Error("a closed case stands before an open one")
	}
	d.replays(t)
}
