package casefile_test

import (
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// TestADeathEndsTheCheckIns, nothing begins them again, and a report that turns out to
// be untrue does.
func TestADeathEndsTheCheckIns(t *testing.T) {
	const (
		deceased = amparov1.PersonStatus_PERSON_STATUS_DECEASED
		detained = amparov1.PersonStatus_PERSON_STATUS_DETAINED
	)
	d := openDesk(t, &amparov1.Intake{})
	befall := func(status amparov1.PersonStatus) {
		entry := &amparov1.TimelineEntry{}
		if err := d.note(entry, d.by("operator").Befall(d.c, status, entry)); err != nil {
			t.Fatal(err)
		}
	}
	running := func(when string, want bool) {
		t.Helper()
		runs := false
		for _, term := range d.c.GetTerms() {
			runs = runs || term.GetKind() == checkIn && term.GetMetAt() == nil
		}
		if runs != want {
			t.Errorf("%s: a check-in runs: %v", when, runs)
		}
	}
	must(t, d.triage(acceptedAt(high), "operator"), d.assign("officer"), d.plan(plan(24)), d.advance(active))
	running("support begins", true)
	befall(detained)
	running("arrested", true)
	d.now = d.now.Add(time.Hour)
	befall(deceased)
	running("dead", false)
	if d.c.GetPersonStatus() != deceased || len(d.timeline[len(d.timeline)-1].GetTermEvents()) == 0 {
		t.Error("the case or its timeline does not tell of the death")
	}
	must(t, d.contact(reached, d.now), d.plan(plan(12)))
	running("the family was reached, and the plan changed", false)
	must(t, d.close())
	must(t, d.note(d.by("operator").Reopen(d.c, "the family asks", roles)))
	running("reopened for the family", false)
	befall(detained)
	running("found alive", true)
}
