package casefile_test

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/casefile"
	"github.com/amparo-project/amparo/internal/deadline"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/policy"
)

const (
	received       = amparov1.CaseState_CASE_STATE_RECEIVED
	triaged        = amparov1.CaseState_CASE_STATE_TRIAGED
	inVerification = amparov1.CaseState_CASE_STATE_IN_VERIFICATION
	active         = amparov1.CaseState_CASE_STATE_ACTIVE
	monitoring     = amparov1.CaseState_CASE_STATE_MONITORING
	onHold         = amparov1.CaseState_CASE_STATE_ON_HOLD
	closed         = amparov1.CaseState_CASE_STATE_CLOSED

	unset       = amparov1.RiskLevel_RISK_LEVEL_UNSPECIFIED
	notAssessed = amparov1.RiskLevel_RISK_LEVEL_NOT_ASSESSED
	low         = amparov1.RiskLevel_RISK_LEVEL_LOW
	medium      = amparov1.RiskLevel_RISK_LEVEL_MEDIUM
	high        = amparov1.RiskLevel_RISK_LEVEL_HIGH
	extreme     = amparov1.RiskLevel_RISK_LEVEL_EXTREME
)

// failer is what *testing.T and *rapid.T have in common.
type failer interface {
	Helper()
	Fatal(args ...any)
}

var night = time.Date(2026, time.March, 29, 3, 0, 0, 0, time.UTC)

// roles of the people at the desk: an operator, a case officer, and a volunteer who
// works no cases.
func roles(staffID string) (worksCases, caseOfficer bool) {
	return staffID == "operator" || staffID == "officer", staffID == "officer"
}

// desk is a case with its assessments, and where its timeline goes.
type desk struct {
	c        *amparov1.Case
	made     []*amparov1.RiskAssessment
	timeline []*amparov1.TimelineEntry
	now      time.Time
}

func openDesk(t failer, intake *amparov1.Intake) *desk {
	t.Helper()
	return openDeskAt(t, intake, night)
}

func openDeskAt(t failer, intake *amparov1.Intake, now time.Time) *desk {
	t.Helper()
	d := &desk{now: now}
	c, entry, err := d.by("operator").Open(intake, "id", "pseudonym", "bogota")
	if err != nil {
		t.Fatal(err)
	}
	d.c, d.timeline = c, []*amparov1.TimelineEntry{entry}
	return d
}

// book is the built-in policy's.
var book = func() *deadline.Book {
	b, err := policy.Book(policy.Default(), 1, time.UTC)
	if err != nil {
		panic(err)
	}
	return b
}()

// by is an act of somebody at the desk.
func (d *desk) by(who string) casefile.Act {
	return casefile.Act{StaffID: who, Now: d.now, Book: book}
}

func (d *desk) note(e *amparov1.TimelineEntry, err error) error {
	if err == nil {
		d.timeline = append(d.timeline, e)
	}
	return err
}

func (d *desk) triage(req *amparov1.TriageCaseRequest, who string) error {
	made, entries, err := d.by(who).Triage(d.c, d.made, req, &amparov1.Identity{})
	if err == nil {
		d.made = made
		d.timeline = append(d.timeline, entries...)
	}
	return err
}

func (d *desk) assess(level amparov1.RiskLevel, who string) error {
	made, entry, err := d.by(who).AssessRisk(d.c, d.made, &amparov1.RiskJudgement{Level: level, Reasons: "so"})
	if err == nil {
		d.made = made
	}
	return d.note(entry, err)
}

func (d *desk) confirm(who string) error {
	made, entry, err := d.by(who).ConfirmRisk(d.c, d.made)
	if err == nil {
		d.made = made
	}
	return d.note(entry, err)
}

func (d *desk) assign(ids ...string) error {
	return d.note(d.by("operator").Assign(d.c, ids, roles))
}

func (d *desk) plan(content *amparov1.PlanContent) error {
	_, entry, err := d.by("officer").SetPlan(d.c, content)
	return d.note(entry, err)
}

// plan is one that was agreed by telephone, with a check-in every so many hours.
func plan(every uint32) *amparov1.PlanContent {
	return &amparov1.PlanContent{
		Measures: []*amparov1.PlanMeasure{{
			What: "a new lock", Who: "her brother", Progress: amparov1.PlanMeasureProgress_PLAN_MEASURE_PROGRESS_PLANNED,
		}},
		Agreement:     &amparov1.PlanAgreement{AgreedAt: timestamppb.New(night), Channel: amparov1.ContactChannel_CONTACT_CHANNEL_PHONE},
		CheckInHours:  every,
		MissedContact: []*amparov1.MissedContactStep{{Missed: 1, What: "call the sister"}},
		ReviewOn:      "2026-04-30",
	}
}

func (d *desk) advance(to amparov1.CaseState) error {
	return d.note(d.by("operator").Advance(d.c, to, "onwards", roles))
}

func (d *desk) contact(outcome amparov1.ContactOutcome, at time.Time) error {
	attempt := &amparov1.ContactAttempt{
		At: timestamppb.New(at), Channel: amparov1.ContactChannel_CONTACT_CHANNEL_PHONE, Outcome: outcome,
	}
	return d.note(d.by("operator").Contact(d.c, attempt))
}

// threat is an act against the person.
var threat = &amparov1.Incident{ActCode: "020103020000", Date: "2026-03-28", Description: "two men at the door"}

// signature is what happens to the second signature under one of the things that left.
func (d *desk) signature(event amparov1.TermEventKind, number int) error {
	entry := &amparov1.TimelineEntry{}
	return d.note(entry, d.by("operator").Record(d.c, entry, &amparov1.TermEvent{
		Event: event, Kind: countersignature, TermId: fmt.Sprint(number), StaffId: d.c.GetOwnerId(), Level: d.c.GetRiskLevel(),
	}))
}

func (d *desk) close() error {
	return d.note(d.by("operator").Close(d.c, closing(), roles))
}

func closing() *amparov1.Closing {
	return &amparov1.Closing{
		Reason:        amparov1.ClosureReason_CLOSURE_REASON_NEEDS_MET,
		RetentionWish: amparov1.RetentionWish_RETENTION_WISH_KEEP,
		Outcome:       "moved to a safe place",
	}
}

func acceptedAt(level amparov1.RiskLevel) *amparov1.TriageCaseRequest {
	return &amparov1.TriageCaseRequest{
		PriorityClass: amparov1.PriorityClass_PRIORITY_CLASS_HRD_AT_RISK,
		Risk:          &amparov1.RiskJudgement{Level: level, Reasons: "so"},
		Programme:     amparov1.Programme_PROGRAMME_EMERGENCY_SUPPORT,
		Outcome:       amparov1.TriageOutcome_TRIAGE_OUTCOME_ACCEPTED,
	}
}

func declinedAt(level amparov1.RiskLevel) *amparov1.TriageCaseRequest {
	return &amparov1.TriageCaseRequest{
		PriorityClass: amparov1.PriorityClass_PRIORITY_CLASS_OTHER_INQUIRY,
		Risk:          &amparov1.RiskJudgement{Level: level, Reasons: "so"},
		Outcome:       amparov1.TriageOutcome_TRIAGE_OUTCOME_NOT_ABLE_TO_SUPPORT,
		Reason:        amparov1.TriageReason_TRIAGE_REASON_OUTSIDE_MANDATE,
	}
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func reasonOf(err error) amparov1.Reason {
	if err == nil {
		return amparov1.Reason_REASON_UNSPECIFIED
	}
	return fault.As(err).Reason
}

func (d *desk) copy() *desk {
	return &desk{c: proto.CloneOf(d.c), made: d.made, timeline: d.timeline, now: d.now}
}

// term returns the newest term of a kind, or nil.
func (d *desk) term(kind amparov1.TermKind) *amparov1.Term {
	for i := len(d.c.GetTerms()) - 1; i >= 0; i-- {
		if d.c.GetTerms()[i].GetKind() == kind {
			return d.c.GetTerms()[i]
		}
	}
	return nil
}
