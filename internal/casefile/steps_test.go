package casefile_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
)

// refusal is an action that must be refused for a reason, in a field if one is named,
// and leave the case as it was.
func refusal(t *testing.T, name string, d *desk, want amparov1.Reason, field string, act func() error) {
	t.Helper()
	before := proto.CloneOf(d.c)
	err := act()
	if reasonOf(err) != want {
		t.Errorf("%s: %v, want %v", name, err, want)
		return
	}
	if !proto.Equal(before, d.c) {
		t.Errorf("%s: refused, and the case has changed", name)
	}
	if field != "" && !slices.ContainsFunc(fault.As(err).Violations, func(v fault.Violation) bool { return v.Field == field }) {
		t.Errorf("%s: %v does not name %s", name, err, field)
	}
}

const invalid = amparov1.Reason_REASON_FIELD_INVALID

func TestNewCase(t *testing.T) {
	intake := &amparov1.Intake{ExcludedStaffIds: []string{"cousin"}, Restricted: true, Channel: amparov1.Channel_CHANNEL_PARTNER}
	d := openDesk(t, intake)
	if d.c.GetState() != received || d.c.GetOwnerId() != "operator" || !slices.Equal(d.c.GetTeamIds(), []string{"operator"}) ||
		d.c.GetRiskLevel() != notAssessed || !d.c.GetRestricted() || d.c.GetChannel() != amparov1.Channel_CHANNEL_PARTNER {
		t.Error("the new case is not as it was taken in")
	}
	_, _, err := d.by("cousin").Open(intake, "id", "pseudonym", "bogota")
	if reasonOf(err) != amparov1.Reason_REASON_STAFF_EXCLUDED {
		t.Errorf("taken in by one whom it excludes: %v", err)
	}
}

func TestTriageAsksForReasons(t *testing.T) {
	for _, row := range []struct {
		name  string
		req   *amparov1.TriageCaseRequest
		spoil func(req *amparov1.TriageCaseRequest)
		field string
	}{
		{"accepted into nothing", acceptedAt(low), func(r *amparov1.TriageCaseRequest) {
			r.Programme = amparov1.Programme_PROGRAMME_UNSPECIFIED
		}, "programme"},
		{"accepted with a reason against it", acceptedAt(low), func(r *amparov1.TriageCaseRequest) {
			r.Reason = amparov1.TriageReason_TRIAGE_REASON_NO_MEANS
		}, "reason"},
		{"declined without a reason", declinedAt(low), func(r *amparov1.TriageCaseRequest) {
			r.Reason = amparov1.TriageReason_TRIAGE_REASON_UNSPECIFIED
		}, "reason"},
		{"routed without a reason", declinedAt(low), func(r *amparov1.TriageCaseRequest) {
			r.Outcome, r.Reason = amparov1.TriageOutcome_TRIAGE_OUTCOME_ROUTED_ELSEWHERE, amparov1.TriageReason_TRIAGE_REASON_UNSPECIFIED
		}, "reason"},
		{"declined for another reason, unsaid", declinedAt(low), func(r *amparov1.TriageCaseRequest) {
			r.Reason = amparov1.TriageReason_TRIAGE_REASON_OTHER
		}, "text"},
	} {
		d := openDesk(t, &amparov1.Intake{})
		row.spoil(row.req)
		refusal(t, row.name, d, invalid, row.field, func() error { return d.triage(row.req, "operator") })
	}
	d := openDesk(t, &amparov1.Intake{})
	must(t, d.assess(high, "operator"))
	refusal(t, "nobody can tell, though somebody could", d, invalid, "risk.level",
		func() error { return d.triage(acceptedAt(notAssessed), "operator") })
}

func TestTriageTells(t *testing.T) {
	d := openDesk(t, &amparov1.Intake{})
	req := declinedAt(medium)
	req.Text = "told of two other funds"
	must(t, d.triage(req, "officer"))
	if d.c.GetPriorityClass() != other || d.c.GetTriageReason() != req.GetReason() || d.c.GetRiskLevel() != medium || len(d.made) != 1 {
		t.Error("the case does not hold what triage decided")
	}
	triage, assessed := d.timeline[1], d.timeline[2]
	if triage.GetKind() != amparov1.TimelineKind_TIMELINE_KIND_TRIAGE || triage.GetText() != req.GetText() ||
		triage.GetFromState() != received || triage.GetToState() != triaged || triage.GetStaffId() != "officer" {
		t.Error("the entry does not tell of the triage")
	}
	if assessed.GetKind() != amparov1.TimelineKind_TIMELINE_KIND_RISK || assessed.GetText() != "so" ||
		assessed.GetFromLevel() != notAssessed || assessed.GetToLevel() != medium {
		t.Error("the entry does not tell of the assessment")
	}
}

func TestAssign(t *testing.T) {
	d := openDesk(t, &amparov1.Intake{ExcludedStaffIds: []string{"officer"}})
	for _, row := range []struct {
		name  string
		team  []string
		want  amparov1.Reason
		field string
	}{
		{"nobody", nil, amparov1.Reason_REASON_OWNER_NEEDED, ""},
		{"a volunteer", []string{"operator", "volunteer"}, amparov1.Reason_REASON_STAFF_UNSUITABLE, "staff_ids[1]"},
		{"one who is excluded", []string{"officer"}, amparov1.Reason_REASON_STAFF_EXCLUDED, "staff_ids[0]"},
	} {
		refusal(t, row.name, d, row.want, row.field, func() error { return d.assign(row.team...) })
	}
	d = openDesk(t, &amparov1.Intake{})
	must(t, d.assign("officer", "operator"))
	entry := d.timeline[len(d.timeline)-1]
	if d.c.GetOwnerId() != "officer" || !slices.Equal(entry.GetTeamIds(), []string{"officer", "operator"}) {
		t.Error("the first named does not own the case")
	}
}

func TestContactIsNotInTheFuture(t *testing.T) {
	d := openDesk(t, &amparov1.Intake{})
	refusal(t, "tomorrow", d, amparov1.Reason_REASON_DATE_IMPOSSIBLE, "contact.at",
		func() error { return d.contact(reached, d.now.Add(24*time.Hour)) })
	must(t, d.contact(reached, d.now.Add(time.Minute)))
	if entry := d.timeline[len(d.timeline)-1]; !entry.GetContact().GetAt().AsTime().Equal(d.now) {
		t.Error("a fast clock has put a contact into the future")
	}
	refusal(t, "no language", d, amparov1.Reason_REASON_CODE_UNKNOWN, "contact.language", func() error {
		return d.note(d.by("operator").Contact(d.c, &amparov1.ContactAttempt{Language: "Spanish language"}))
	})
}

// TestLateNotesMendNothing records a contact after its term as one of before it.
func TestLateNotesMendNothing(t *testing.T) {
	d := openDesk(t, &amparov1.Intake{})
	d.now = night.Add(30 * time.Hour)
	must(t, d.contact(reached, night.Add(time.Hour)))
	if term := d.term(firstContact); !term.GetMetAt().AsTime().Equal(d.now) {
		t.Errorf("met at %v", term.GetMetAt().AsTime())
	}
}

func TestClose(t *testing.T) {
	open := func() *desk {
		d := openDesk(t, &amparov1.Intake{})
		must(t, d.triage(acceptedAt(high), "operator"))
		return d
	}
	for _, row := range []struct {
		name  string
		spoil func(c *amparov1.Closing)
		want  amparov1.Reason
		field string
	}{
		{"no reason", func(c *amparov1.Closing) { c.Reason = 0 }, invalid, "closing.reason"},
		{"the wish was not noted", func(c *amparov1.Closing) { c.RetentionWish = 0 }, invalid, "closing.retention_wish"},
		{"accepted, and no outcome", func(c *amparov1.Closing) { c.Outcome = "" }, invalid, "closing.outcome"},
		{"not assessed after all", func(c *amparov1.Closing) { c.FinalRiskLevel = notAssessed }, invalid, "closing.final_risk_level"},
		{
			"a lower level by the way", func(c *amparov1.Closing) { c.FinalRiskLevel = medium },
			amparov1.Reason_REASON_SECOND_PERSON_NEEDED, "closing.final_risk_level",
		},
	} {
		d, c := open(), closing()
		row.spoil(c)
		refusal(t, row.name, d, row.want, row.field, func() error { return d.note(d.by("operator").Close(d.c, c, roles)) })
	}
	for final, want := range map[amparov1.RiskLevel]amparov1.RiskLevel{unset: high, high: high, extreme: extreme} {
		d, c := open(), closing()
		c.FinalRiskLevel = final
		must(t, d.note(d.by("operator").Close(d.c, c, roles)))
		if d.c.GetRiskLevel() != want || d.c.GetClosing().GetFinalRiskLevel() != want ||
			d.c.GetClosing().GetClosedById() != "operator" || !d.c.GetClosing().GetClosedAt().AsTime().Equal(d.now) {
			t.Errorf("closed at %v: the case says %v", final, d.c.GetClosing().GetFinalRiskLevel())
		}
	}
	d, c := openDesk(t, &amparov1.Intake{}), closing()
	must(t, d.triage(declinedAt(low), "operator"))
	c.Outcome = ""
	other := proto.CloneOf(c)
	other.Reason = amparov1.ClosureReason_CLOSURE_REASON_OTHER
	refusal(t, "another reason, unsaid", d, invalid, "closing.outcome", func() error { return d.note(d.by("operator").Close(d.c, other, roles)) })
	must(t, d.note(d.by("operator").Close(d.c, c, roles)))
}

func TestReopenKeepsTheWish(t *testing.T) {
	d, c := openDesk(t, &amparov1.Intake{}), closing()
	must(t, d.triage(acceptedAt(high), "operator"), d.assign("officer"))
	c.RetentionWish = amparov1.RetentionWish_RETENTION_WISH_ERASE_EARLY
	must(t, d.note(d.by("operator").Close(d.c, c, roles)))
	must(t, d.note(d.by("officer").Reopen(d.c, "called again", roles)))
	if d.c.GetState() != active || d.c.GetClosing().GetRetentionWish() != c.GetRetentionWish() {
		t.Error("the person's wish about the file is lost")
	}
	entry := d.timeline[len(d.timeline)-1]
	if entry.GetText() != "called again" || entry.GetFromState() != closed || entry.GetToState() != active {
		t.Error("the entry does not tell of the reopening")
	}
}
