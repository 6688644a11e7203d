package casefile_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
)

// TestRaisedFromTheCard: whoever saw no more than the card raises a risk and can do
// nothing else to it. Nobody knows what "not assessed" is, so only an emergency is
// surely more.
func TestRaisedFromTheCard(t *testing.T) {
	for _, row := range []struct {
		inForce, to amparov1.RiskLevel
		raised      bool
	}{
		{medium, high, true},
		{low, extreme, true},
		{notAssessed, high, true},
		{notAssessed, medium, false},
		{high, high, false},
		{extreme, high, false},
		{medium, notAssessed, false}, // ranks above, but says less
		{high, unset, false},
	} {
		d := openDesk(t, &amparov1.Intake{})
		if row.inForce != notAssessed {
			must(t, d.assess(row.inForce, "officer"))
		}
		made, _, err := d.by("operator").RaiseRisk(d.c, d.made, &amparov1.RiskJudgement{Level: row.to, Reasons: "a call"})
		if (err == nil) != row.raised {
			t.Errorf("%v to %v: %v", row.inForce, row.to, err)
		}
		if row.raised && (d.c.GetRiskLevel() != row.to || len(made) != len(d.made)+1) {
			t.Errorf("%v to %v is not in force", row.inForce, row.to)
		}
		if !row.raised && d.c.GetRiskLevel() != row.inForce {
			t.Errorf("%v to %v was refused, and the level is %v now", row.inForce, row.to, d.c.GetRiskLevel())
		}
	}
}

func TestAnIncidentCanAlwaysBeAdded(t *testing.T) {
	for _, state := range []amparov1.CaseState{received, triaged, inVerification, active, monitoring, onHold, closed} {
		d := openDesk(t, &amparov1.Intake{})
		d.c.State = state
		entry, err := d.by("operator").AddIncident(d.c, threat)
		if err != nil || entry.GetIncident().GetDescription() != threat.GetDescription() {
			t.Errorf("%v: %v", state, err)
		}
	}
	d := openDesk(t, &amparov1.Intake{})
	for what, wrong := range map[string]*amparov1.Incident{
		"incident.act_code": {ActCode: "999999999999"},
		"incident.date":     {ActCode: "020103020000", Date: night.Add(72 * time.Hour).Format(time.DateOnly)},
		"incident.country":  {ActCode: "020103020000", Country: "ZZ"},
	} {
		_, err := d.by("operator").AddIncident(d.c, wrong)
		if err == nil || fault.As(err).Violations[0].Field != what {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestExclusion: a colleague who must not learn of a case leaves it at once; letting
// one in again is not for the team alone.
func TestExclusion(t *testing.T) {
	for _, row := range []struct {
		what     string
		excluded []string // before
		names    []string
		mayAdmit bool
		want     amparov1.Reason
	}{
		{what: "a colleague on the team", names: []string{"officer"}},
		{what: "somebody else of the office", names: []string{"reviewer"}},
		{what: "the owner", names: []string{"operator"}, want: amparov1.Reason_REASON_OWNER_NEEDED},
		{what: "yourself", names: []string{"friend"}, want: amparov1.Reason_REASON_STAFF_UNSUITABLE},
		{what: "nobody of the office", names: []string{"stranger"}, want: amparov1.Reason_REASON_STAFF_UNSUITABLE},
		{what: "one more", excluded: []string{"reviewer"}, names: []string{"reviewer", "officer"}},
		{what: "letting one in, from the team", excluded: []string{"reviewer"}, want: amparov1.Reason_REASON_STAFF_EXCLUDED},
		{what: "exchanging one, from the team", excluded: []string{"reviewer"}, names: []string{"officer"}, want: amparov1.Reason_REASON_STAFF_EXCLUDED},
		{what: "letting one in, as a reviewer", excluded: []string{"reviewer"}, mayAdmit: true},
	} {
		d := openDesk(t, &amparov1.Intake{ExcludedStaffIds: row.excluded})
		must(t, d.assign("operator", "officer"))
		ofOffice := func(id string) bool { return id != "stranger" }
		_, err := d.by("friend").Exclude(d.c, row.names, ofOffice, row.mayAdmit)
		if row.want != 0 {
			if err == nil || fault.As(err).Reason != row.want {
				t.Errorf("%s: %v, want %v", row.what, err, row.want)
			}
			if !slices.Equal(d.c.GetExcludedStaffIds(), row.excluded) || len(d.c.GetTeamIds()) != 2 {
				t.Errorf("%s: was refused and changed the case", row.what)
			}
			continue
		}
		if err != nil || !slices.Equal(d.c.GetExcludedStaffIds(), row.names) {
			t.Errorf("%s: %v, excluded are %v", row.what, err, d.c.GetExcludedStaffIds())
		}
		for _, id := range row.names {
			if slices.Contains(d.c.GetTeamIds(), id) {
				t.Errorf("%s: %s is still on the team", row.what, id)
			}
		}
	}
}

// TestACallInAClosedCase is recorded, and neither meets a term nor begins one: what
// was left unmet runs again if the case is reopened.
func TestACallInAClosedCase(t *testing.T) {
	d := openDesk(t, &amparov1.Intake{})
	must(t, d.triage(acceptedAt(high), "operator"))
	must(t, d.close())
	before := proto.CloneOf(d.c)
	must(t, d.contact(amparov1.ContactOutcome_CONTACT_OUTCOME_REACHED, d.now))
	last := d.timeline[len(d.timeline)-1]
	if last.GetKind() != amparov1.TimelineKind_TIMELINE_KIND_CONTACT || len(last.GetTermEvents()) != 0 || !proto.Equal(d.c, before) {
		t.Errorf("the call left %v and %d events of terms", last.GetKind(), len(last.GetTermEvents()))
	}
}
