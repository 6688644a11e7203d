package casefile_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/deadline"
)

// monthEnd is the end of 30 April, the day of the plan's review.
const monthEnd = 32*d24 + 21*time.Hour - time.Millisecond

// TestPlansShortenTerms follows the terms of a case at medium risk, whose policy asks
// for a check-in every 14 days and a look at the plan within 60.
func TestPlansShortenTerms(t *testing.T) {
	d := openDesk(t, &amparov1.Intake{ReceivedAt: timestamppb.New(night)})
	at := func(after time.Duration) { d.now = night.Add(after) }
	must(t, d.triage(acceptedAt(medium), "operator"), d.assign("officer"), d.contact(reached, d.now), d.advance(inVerification))
	checkClocks(t, "no plan is due before the work begins", d, []clock{
		{planReview, none, 0, 0}, {checkIn, 0, 14 * d24, runs},
	})

	at(d24)
	must(t, d.plan(plan(72)))
	checkClocks(t, "every three days, from when it was agreed", d, []clock{
		{planReview, d24, monthEnd, runs}, {checkIn, 0, 4 * d24, runs},
	})
	at(2 * d24)
	must(t, d.advance(active), d.contact(reached, d.now))
	checkClocks(t, "the next check-in", d, []clock{{planReview, d24, monthEnd, runs}, {checkIn, 2 * d24, 5 * d24, runs}})
	must(t, d.assess(extreme, "operator"))
	checkClocks(t, "the policy is stricter", d, []clock{{planReview, d24, 15 * d24, runs}, {checkIn, 2 * d24, 3 * d24, runs}})
	must(t, d.assess(low, "operator"), d.confirm("officer"))
	checkClocks(t, "the policy is laxer", d, []clock{{planReview, d24, monthEnd, runs}, {checkIn, 2 * d24, 5 * d24, runs}})

	at(3 * d24)
	laxer := plan(60 * 24)
	laxer.ReviewOn = "2027-03-01"
	must(t, d.plan(laxer))
	checkClocks(t, "a laxer plan is for the next term, and never laxer than the policy", d, []clock{
		{planReview, 3 * d24, 93 * d24, runs}, {checkIn, 2 * d24, 5 * d24, runs},
	})
	must(t, d.contact(reached, d.now))
	checkClocks(t, "the next term", d, []clock{{checkIn, 3 * d24, 33 * d24, runs}})
	d.replays(t)
	if mark := d.c.GetPlan(); mark.GetVersion() != 2 || !mark.GetAgreed() || mark.GetCheckInHours() != 60*24 {
		t.Errorf("version %d, agreed %v", mark.GetVersion(), mark.GetAgreed())
	}
}

// TestEmergenciesOweAPlan begins to help at once; what is missing has a term.
func TestEmergenciesOweAPlan(t *testing.T) {
	d := openDesk(t, &amparov1.Intake{})
	must(t, d.triage(acceptedAt(extreme), "operator"), d.assign("officer"), d.advance(active))
	checkClocks(t, "active without a plan", d, []clock{{planReview, 0, 14 * d24, runs}})
	d.now = night.Add(15 * d24)
	must(t, d.plan(plan(1)))
	if first := d.c.GetTerms()[5]; first.GetKind() != planReview || !deadline.Breached(first, d.now) || first.GetMetAt() == nil {
		t.Error("a plan that came a day late has mended its term")
	}
	must(t, d.close(), d.note(d.by("officer").Reopen(d.c, "called again", roles)))
	d.replays(t)
}

// TestMissedCheckInsStayMissed writes a plan after a check-in was missed.
func TestMissedCheckInsStayMissed(t *testing.T) {
	d := openDesk(t, &amparov1.Intake{})
	must(t, d.triage(acceptedAt(extreme), "operator"), d.assign("officer"), d.advance(active))
	d.now = night.Add(2 * d24)
	must(t, d.plan(plan(12)), d.contact(reached, d.now))
	var missed int
	for _, term := range d.c.GetTerms() {
		if term.GetKind() == checkIn && term.GetMetAt() != nil && deadline.Breached(term, d.now) {
			missed++
		}
	}
	if missed != 1 {
		t.Errorf("%d missed check-ins are on record", missed)
	}
}

func TestPlansThatNobodyCouldFollow(t *testing.T) {
	const impossible = amparov1.Reason_REASON_DATE_IMPOSSIBLE
	for _, row := range []struct {
		name  string
		spoil func(p *amparov1.PlanContent)
		why   amparov1.Reason
		field string
	}{
		{"neither agreed nor why not", func(p *amparov1.PlanContent) { p.Agreement.AgreedAt = nil }, invalid, "plan.agreement.why_not"},
		{"both", func(p *amparov1.PlanContent) {
			p.Agreement.WhyNot = amparov1.PlanNotAgreed_PLAN_NOT_AGREED_NO_TIME
		}, invalid, "plan.agreement.why_not"},
		{"agreed, nobody knows how", func(p *amparov1.PlanContent) { p.Agreement.Channel = 0 }, invalid, "plan.agreement.channel"},
		{"agreed tomorrow", func(p *amparov1.PlanContent) {
			p.Agreement.AgreedAt = timestamppb.New(night.Add(d24))
		}, impossible, "plan.agreement.agreed_at"},
		{"another reason, unsaid", func(p *amparov1.PlanContent) {
			p.Agreement = &amparov1.PlanAgreement{WhyNot: amparov1.PlanNotAgreed_PLAN_NOT_AGREED_OTHER}
		}, invalid, "plan.agreement.text"},
		{"nothing upon the first missed check-in", func(p *amparov1.PlanContent) { p.MissedContact[0].Missed = 2 }, invalid, "plan.missed_contact[0].missed"},
		{"two steps upon the first", func(p *amparov1.PlanContent) {
			p.MissedContact = append(p.MissedContact, p.GetMissedContact()[0])
		}, invalid, "plan.missed_contact[1].missed"},
		{"looked at again yesterday", func(p *amparov1.PlanContent) { p.ReviewOn = "2026-03-28" }, impossible, "plan.review_on"},
		{"on a day that does not exist", func(p *amparov1.PlanContent) { p.ReviewOn = "2026-04-31" }, impossible, "plan.review_on"},
		{"a lock by no day", func(p *amparov1.PlanContent) { p.Measures[0].DueOn = "soon" }, impossible, "plan.measures[0].due_on"},
	} {
		d := openDesk(t, &amparov1.Intake{})
		must(t, d.triage(acceptedAt(medium), "operator"))
		content := plan(24)
		row.spoil(content)
		refusal(t, row.name, d, row.why, row.field, func() error { return d.plan(content) })
	}
	d := openDesk(t, &amparov1.Intake{})
	content := plan(24)
	content.ReviewOn, content.Measures[0].DueOn = "2026-03-29", "2026-01-01"
	content.Agreement = &amparov1.PlanAgreement{WhyNot: amparov1.PlanNotAgreed_PLAN_NOT_AGREED_UNSAFE_TO_SPEAK}
	must(t, d.triage(acceptedAt(medium), "operator"), d.plan(content))
	if entry := d.timeline[len(d.timeline)-1]; d.c.GetPlan().GetAgreed() || entry.GetText() != "version 1, not agreed yet: unsafe to speak" {
		t.Errorf("the timeline says %q", entry.GetText())
	}
}

func TestFollowUps(t *testing.T) {
	for _, row := range []struct {
		name, day, by, what string
		why                 amparov1.Reason
		field               string
	}{
		{"nobody does it", "2026-04-30", "", "a call", invalid, "closing.follow_up_staff_id"},
		{"at no time", "", "officer", "a call", invalid, "closing.follow_up_staff_id"},
		{"nothing is done", "2026-04-30", "officer", "", invalid, "closing.follow_up"},
		{"it is over", "2026-03-28", "officer", "a call", amparov1.Reason_REASON_DATE_IMPOSSIBLE, "closing.follow_up_on"},
		{"by a volunteer", "2026-04-30", "volunteer", "a call", amparov1.Reason_REASON_STAFF_UNSUITABLE, "closing.follow_up_staff_id"},
	} {
		d, c := openDesk(t, &amparov1.Intake{}), closing()
		must(t, d.triage(acceptedAt(high), "operator"))
		c.FollowUpOn, c.FollowUpStaffId, c.FollowUp = row.day, row.by, row.what
		refusal(t, row.name, d, row.why, row.field, func() error { return d.note(d.by("operator").Close(d.c, c, roles)) })
		c.FollowUpOn, c.FollowUpStaffId, c.FollowUp = "2026-03-29", "officer", "a call"
		must(t, d.note(d.by("operator").Close(d.c, c, roles)))
		if d.c.GetClosing().GetFollowUpStaffId() != "officer" {
			t.Error("the follow-up is lost")
		}
	}
}
