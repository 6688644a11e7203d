package casefile

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/calendar"
	"github.com/amparo-project/amparo/internal/fault"
)

// tolerance is how far the clock of a client may be ahead.
const tolerance = 5 * time.Minute

// SetPlan writes the next version of a case's protection plan and returns it. The
// review is done with that, and the next one is due on the day that the plan names,
// or by the policy where that is earlier. A running check-in is held to the plan's
// interval, counted from now: what is agreed today was not missed yesterday.
//
// It refuses a case that is not open or was not accepted, and by field a plan that
// nobody could follow: see the messages of plan.proto.
func (a Act) SetPlan(c *amparov1.Case, content *amparov1.PlanContent) (*amparov1.ProtectionPlan, *amparov1.TimelineEntry, error) {
	if err := possible(c, toPlan); err != nil {
		return nil, nil, err
	}
	if err := accepted(c, false); err != nil {
		return nil, nil, err
	}
	if err := fault.Fields(a.checkPlan(content)); err != nil {
		return nil, nil, err
	}
	plan := &amparov1.ProtectionPlan{
		Version:     c.GetPlan().GetVersion() + 1,
		Content:     proto.CloneOf(content),
		WrittenById: a.StaffID,
		WrittenAt:   timestamppb.New(a.Now),
	}
	agreement := content.GetAgreement()
	c.Plan = &amparov1.PlanMark{
		Version: plan.GetVersion(), CheckInHours: content.GetCheckInHours(), Agreed: agreement.GetAgreedAt() != nil,
	}
	entry := a.entry(amparov1.TimelineKind_TIMELINE_KIND_PLAN)
	entry.Text = fmt.Sprintf("version %d, agreed with the person", plan.GetVersion())
	if why := agreement.GetWhyNot(); why != amparov1.PlanNotAgreed_PLAN_NOT_AGREED_UNSPECIFIED {
		entry.Text = fmt.Sprintf("version %d, not agreed yet: %s", plan.GetVersion(), wordOf(why))
	}
	review, _ := a.dayEnd(content.GetReviewOn())
	return plan, entry, a.Record(c, entry, meets(planReview), starts(c, planReview, a.Now),
		agrees(planReview, review), agrees(checkIn, a.Now.Add(checkInInterval(c))))
}

func wordOf(why amparov1.PlanNotAgreed) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(why.String(), "PLAN_NOT_AGREED_"), "_", " "))
}

func checkInInterval(c *amparov1.Case) time.Duration {
	return time.Duration(c.GetPlan().GetCheckInHours()) * time.Hour
}

// dayEnd is the end of a day in the mechanism's zone.
func (a Act) dayEnd(text string) (time.Time, error) {
	day, err := calendar.ParseDate(text)
	if err != nil {
		return time.Time{}, err
	}
	return a.Book.Calendar.End(day), nil
}

// day refuses what is no day, or one that is over.
func (a Act) day(vs *violations, field, text string) {
	end, err := a.dayEnd(text)
	if err != nil || end.Before(a.Now) {
		vs.add(amparov1.Reason_REASON_DATE_IMPOSSIBLE, field, "is a day that exists, today or later, as 2027-01-31")
	}
}

func (a Act) checkPlan(content *amparov1.PlanContent) []fault.Violation {
	var vs violations
	for i, measure := range content.GetMeasures() {
		if _, err := calendar.ParseDate(measure.GetDueOn()); measure.GetDueOn() != "" && err != nil {
			vs.add(amparov1.Reason_REASON_DATE_IMPOSSIBLE, fmt.Sprintf("plan.measures[%d].due_on", i), "is a day that exists, as 2027-01-31")
		}
	}
	a.checkAgreement(&vs, content.GetAgreement())
	last := uint32(0)
	for i, step := range content.GetMissedContact() {
		if i == 0 && step.GetMissed() != 1 || step.GetMissed() <= last {
			vs.add(amparov1.Reason_REASON_FIELD_INVALID, fmt.Sprintf("plan.missed_contact[%d].missed", i),
				"is 1 in the first step, and more in each later one")
		}
		last = step.GetMissed()
	}
	a.day(&vs, "plan.review_on", content.GetReviewOn())
	return vs
}

// checkAgreement asks for the person's word or for the reason why nobody has it. A
// plan without either would be one that was made over the person's head.
func (a Act) checkAgreement(vs *violations, agreement *amparov1.PlanAgreement) {
	const field = "plan.agreement"
	has := agreement.GetAgreedAt() != nil
	why := agreement.GetWhyNot()
	if has == (why != amparov1.PlanNotAgreed_PLAN_NOT_AGREED_UNSPECIFIED) {
		vs.add(amparov1.Reason_REASON_FIELD_INVALID, field+".why_not", "is required unless agreed_at is set, and only then")
	}
	if has && agreement.GetChannel() == amparov1.ContactChannel_CONTACT_CHANNEL_UNSPECIFIED {
		vs.add(amparov1.Reason_REASON_FIELD_INVALID, field+".channel", "says how they were spoken to")
	}
	if why == amparov1.PlanNotAgreed_PLAN_NOT_AGREED_OTHER && agreement.GetText() == "" {
		vs.add(amparov1.Reason_REASON_FIELD_INVALID, field+".text", "says which other reason it is")
	}
	if has && agreement.GetAgreedAt().AsTime().After(a.Now.Add(tolerance)) {
		vs.add(amparov1.Reason_REASON_DATE_IMPOSSIBLE, field+".agreed_at", "is not in the future")
	}
}
