package casefile_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/casefile"
)

const (
	triageTerm   = amparov1.TermKind_TERM_KIND_TRIAGE
	firstContact = amparov1.TermKind_TERM_KIND_FIRST_CONTACT
	decision     = amparov1.TermKind_TERM_KIND_SUPPORT_DECISION
	reassessment = amparov1.TermKind_TERM_KIND_REASSESSMENT
	checkIn      = amparov1.TermKind_TERM_KIND_CHECK_IN
	planReview   = amparov1.TermKind_TERM_KIND_PLAN_REVIEW

	countersignature = amparov1.TermKind_TERM_KIND_COUNTERSIGNATURE

	reached = amparov1.ContactOutcome_CONTACT_OUTCOME_REACHED
)

// clock is what a term of a case should look like: base and due as time after
// receipt, met likewise; none stands for no such term, runs for not met.
type clock struct {
	kind           amparov1.TermKind
	base, due, met time.Duration
}

const (
	none = -1 * time.Nanosecond
	runs = -2 * time.Nanosecond
	d24  = 24 * time.Hour
)

func checkClocks(t *testing.T, when string, d *desk, want []clock) {
	t.Helper()
	for _, w := range want {
		term := d.term(w.kind)
		if term == nil || w.base == none {
			if (term == nil) != (w.base == none) {
				t.Errorf("%s: %v exists: %v", when, w.kind, term != nil)
			}
			continue
		}
		base, due, met := term.GetBase().AsTime().Sub(night), term.GetDue().AsTime().Sub(night), runs
		if term.GetMetAt() != nil {
			met = term.GetMetAt().AsTime().Sub(night)
		}
		if base != w.base || due != w.due || met != w.met {
			t.Errorf("%s: %v runs from %v to %v, met %v; want %v to %v, met %v",
				when, w.kind, base, due, met, w.base, w.due, w.met)
		}
	}
}

// TestOneNight follows the terms of an emergency from the call to a reopened file.
func TestOneNight(t *testing.T) {
	d := openDesk(t, &amparov1.Intake{ReceivedAt: timestamppb.New(night)})
	at := func(after time.Duration) { d.now = night.Add(after) }
	checkClocks(t, "taken in", d, []clock{
		{triageTerm, 0, 4 * time.Hour, runs},
		{firstContact, 0, d24, runs},
		{reassessment, 0, d24, runs},
		{decision, none, 0, 0},
		{checkIn, none, 0, 0},
	})

	at(30 * time.Minute)
	must(t, d.triage(acceptedAt(extreme), "operator"))
	checkClocks(t, "triaged", d, []clock{
		{triageTerm, 0, 4 * time.Hour, 30 * time.Minute},
		{firstContact, 0, 4 * time.Hour, runs},
		{decision, 0, d24, runs},
		{reassessment, 30 * time.Minute, 30*time.Minute + 3*d24, runs},
	})

	at(time.Hour)
	must(t, d.contact(amparov1.ContactOutcome_CONTACT_OUTCOME_REACHED_UNSAFE, d.now))
	checkClocks(t, "not safe to speak", d, []clock{{firstContact, 0, 4 * time.Hour, runs}, {checkIn, none, 0, 0}})

	at(3 * time.Hour)
	must(t, d.contact(reached, night.Add(2*time.Hour)))
	checkClocks(t, "reached, noted an hour later", d, []clock{
		{firstContact, 0, 4 * time.Hour, 3 * time.Hour}, {checkIn, 2 * time.Hour, 2*time.Hour + d24, runs},
	})

	at(5 * time.Hour)
	must(t, d.assign("officer", "operator"), d.advance(active))
	checkClocks(t, "active", d, []clock{{decision, 0, d24, 5 * time.Hour}, {checkIn, 2 * time.Hour, 2*time.Hour + d24, runs}})

	at(30 * time.Hour) // four hours late
	must(t, d.contact(reached, d.now))
	checkClocks(t, "checked in", d, []clock{{checkIn, 30 * time.Hour, 30*time.Hour + d24, runs}})
	must(t, d.contact(reached, night.Add(20*time.Hour)))
	checkClocks(t, "an older contact is noted", d, []clock{{checkIn, 30 * time.Hour, 30*time.Hour + d24, runs}})

	at(32 * time.Hour)
	must(t, d.assess(low, "operator"))
	checkClocks(t, "lower, proposed", d, []clock{
		{reassessment, 32 * time.Hour, 32*time.Hour + 3*d24, runs}, {checkIn, 30 * time.Hour, 30*time.Hour + d24, runs},
	})
	must(t, d.confirm("officer"))
	checkClocks(t, "lower, confirmed", d, []clock{
		{reassessment, 32 * time.Hour, 32*time.Hour + 90*d24, runs}, {checkIn, 30 * time.Hour, 30*time.Hour + 30*d24, runs},
	})

	at(40 * d24)
	must(t, d.close())
	if casefile.Receipt(d.c).GetNextTerm() != nil {
		t.Error("a closed case has a next term")
	}
	at(50 * d24)
	must(t, d.note(d.by("operator").Reopen(d.c, "called again", roles)))
	checkClocks(t, "reopened: from the old base", d, []clock{{checkIn, 30 * time.Hour, 30*time.Hour + 30*d24, runs}})
	if next := casefile.Receipt(d.c).GetNextTerm(); next.GetKind() != checkIn {
		t.Errorf("reopened: next is %v", next.GetKind())
	}
}

func TestAssessedBeforeTriage(t *testing.T) {
	d := openDesk(t, &amparov1.Intake{})
	d.now = night.Add(2 * time.Hour)
	must(t, d.assess(extreme, "operator"))
	checkClocks(t, "triage is overdue at once", d, []clock{{triageTerm, 0, time.Hour, runs}, {decision, 0, d24, runs}})
	d.now = night.Add(3 * time.Hour)
	must(t, d.triage(acceptedAt(low), "operator"))
	checkClocks(t, "a lower level at triage is a proposal", d, []clock{{triageTerm, 0, time.Hour, 3 * time.Hour}})
	if d.c.GetRiskLevel() != extreme || d.c.GetRiskLevelProposed() != low {
		t.Errorf("level %v, proposed %v", d.c.GetRiskLevel(), d.c.GetRiskLevelProposed())
	}
}

func TestDeclinedCasesAskForNoCheckIn(t *testing.T) {
	d := openDesk(t, &amparov1.Intake{})
	must(t, d.triage(declinedAt(medium), "operator"), d.contact(reached, d.now))
	checkClocks(t, "told that it is declined", d, []clock{
		{firstContact, 0, 3 * d24, 0}, {decision, 0, 14 * d24, 0}, {checkIn, none, 0, 0},
	})
}

func TestNobodyCanTellYet(t *testing.T) {
	d := openDesk(t, &amparov1.Intake{})
	d.now = night.Add(time.Hour)
	must(t, d.triage(acceptedAt(notAssessed), "operator"))
	checkClocks(t, "the first assessment is still owed", d, []clock{{reassessment, 0, d24, runs}, {decision, none, 0, 0}})
	must(t, d.assess(low, "operator"))
	checkClocks(t, "assessed", d, []clock{{reassessment, time.Hour, time.Hour + 90*d24, runs}, {firstContact, 0, 7 * d24, runs}})
	if d.c.GetRiskLevel() != low {
		t.Errorf("the first level does not hold at once: %v", d.c.GetRiskLevel())
	}
}

// TestReceivedEarlier counts from the request, not from the moment it was typed.
func TestReceivedEarlier(t *testing.T) {
	intake := &amparov1.Intake{ReceivedAt: timestamppb.New(night.Add(-10 * time.Hour))}
	d := openDesk(t, intake)
	checkClocks(t, "a letter of yesterday", d, []clock{{triageTerm, -10 * time.Hour, -6 * time.Hour, runs}})
	if got := d.timeline[0]; !got.GetAt().AsTime().Equal(night.Add(-10*time.Hour)) || !got.GetRecordedAt().AsTime().Equal(night) {
		t.Error("the timeline does not tell receipt from record")
	}
}
