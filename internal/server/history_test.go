package server_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/deadline"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/servertest"
)

// office is a service with two people who do all of its work, in a time that moves.
type office struct {
	*servertest.Service
	clock  *clock
	people [2]*servertest.Person
}

func openOffice(t *testing.T) *office {
	t.Helper()
	o := &office{clock: newClock()}
	o.Service = servertest.Start(t, servertest.Options{Now: o.clock.Now, Unswept: true})
	roles := []amparov1.Role{
		amparov1.Role_ROLE_HOTLINE_OPERATOR, amparov1.Role_ROLE_CASE_OFFICER, amparov1.Role_ROLE_REVIEWER,
	}
	for i, name := range []string{"one", "two"} {
		o.people[i] = o.Enrol(t, name, roles, []string{"north"})
	}
	return o
}

// act makes a call and takes what a rule says to it as it comes.
func (o *office) act(t *rapid.T, method string, request, answer proto.Message) bool {
	return o.actAs(t, o.people[rapid.IntRange(0, 1).Draw(t, "who")], method, request, answer)
}

func (o *office) actAs(t *rapid.T, person *servertest.Person, method string, request, answer proto.Message) bool {
	err := person.Conn.Invoke(context.Background(), method, request, answer, grpc.WaitForReady(true))
	if code := status.Code(err); code != codes.OK && code != codes.FailedPrecondition && code != codes.InvalidArgument {
		t.Fatalf("%s: %v", method, err)
	}
	return err == nil
}

func drawJudgement(t *rapid.T) *amparov1.RiskJudgement {
	j := judgement()
	j.Level = amparov1.RiskLevel(rapid.IntRange(1, 5).Draw(t, "level"))
	return j
}

// acts are what may happen in a case and to its terms.
func (o *office) acts(id string) map[string]func(*rapid.T) {
	receipts := func(method string, request func(*rapid.T) proto.Message, answer proto.Message) func(*rapid.T) {
		return func(t *rapid.T) { o.act(t, method, request(t), answer) }
	}
	return map[string]func(*rapid.T){
		"wait": func(t *rapid.T) {
			o.clock.Advance(time.Duration(rapid.IntRange(1, 72*60).Draw(t, "minutes")) * time.Minute)
		},
		"sweep": func(t *rapid.T) {
			if _, err := o.Records.Sweep(context.Background()); err != nil {
				t.Fatal(err)
			}
		},
		"triage": receipts(amparov1.CaseService_TriageCase_FullMethodName, func(t *rapid.T) proto.Message {
			return &amparov1.TriageCaseRequest{
				RequestId: records.NewID(), CaseId: id, PriorityClass: amparov1.PriorityClass_PRIORITY_CLASS_HRD_AT_RISK,
				Risk: drawJudgement(t), Programme: amparov1.Programme_PROGRAMME_EMERGENCY_SUPPORT,
				Outcome: amparov1.TriageOutcome_TRIAGE_OUTCOME_ACCEPTED,
			}
		}, &amparov1.TriageCaseResponse{}),
		"assess": receipts(amparov1.RiskService_AssessRisk_FullMethodName, func(t *rapid.T) proto.Message {
			return &amparov1.AssessRiskRequest{RequestId: records.NewID(), CaseId: id, Judgement: drawJudgement(t)}
		}, &amparov1.AssessRiskResponse{}),
		"confirm": receipts(amparov1.RiskService_ConfirmRisk_FullMethodName, func(*rapid.T) proto.Message {
			return &amparov1.ConfirmRiskRequest{RequestId: records.NewID(), CaseId: id}
		}, &amparov1.ConfirmRiskResponse{}),
		"assign": receipts(amparov1.CaseService_AssignCase_FullMethodName, func(t *rapid.T) proto.Message {
			owner := rapid.IntRange(0, 1).Draw(t, "owner")
			team := []string{o.people[owner].StaffID, o.people[1-owner].StaffID}
			return &amparov1.AssignCaseRequest{RequestId: records.NewID(), CaseId: id, StaffIds: team}
		}, &amparov1.AssignCaseResponse{}),
		"contact": receipts(amparov1.CaseService_RecordContact_FullMethodName, func(t *rapid.T) proto.Message {
			ago := time.Duration(rapid.IntRange(0, 48).Draw(t, "ago")) * time.Hour
			return &amparov1.RecordContactRequest{RequestId: records.NewID(), CaseId: id, Contact: &amparov1.ContactAttempt{
				At: timestamppb.New(o.clock.Now().Add(-ago)), Channel: amparov1.ContactChannel_CONTACT_CHANNEL_SIGNAL,
				Outcome: amparov1.ContactOutcome_CONTACT_OUTCOME_REACHED,
			}}
		}, &amparov1.RecordContactResponse{}),
		"advance": receipts(amparov1.CaseService_AdvanceCase_FullMethodName, func(t *rapid.T) proto.Message {
			to := rapid.SampledFrom([]amparov1.CaseState{
				amparov1.CaseState_CASE_STATE_IN_VERIFICATION, amparov1.CaseState_CASE_STATE_ACTIVE, amparov1.CaseState_CASE_STATE_MONITORING,
			}).Draw(t, "to")
			return &amparov1.AdvanceCaseRequest{RequestId: records.NewID(), CaseId: id, To: to}
		}, &amparov1.AdvanceCaseResponse{}),
		"plan": receipts(amparov1.PlanService_SetPlan_FullMethodName, func(t *rapid.T) proto.Message {
			content := newPlan()
			content.CheckInHours = uint32(rapid.IntRange(1, 2160).Draw(t, "every"))
			content.ReviewOn = o.clock.Now().AddDate(0, 0, rapid.IntRange(1, 200).Draw(t, "days")).Format(time.DateOnly)
			return &amparov1.SetPlanRequest{RequestId: records.NewID(), CaseId: id, Plan: content}
		}, &amparov1.SetPlanResponse{}),
		"pause": receipts(amparov1.DeadlineService_PauseTerm_FullMethodName, func(*rapid.T) proto.Message {
			return &amparov1.PauseTermRequest{
				RequestId: records.NewID(), CaseId: id, Kind: amparov1.TermKind_TERM_KIND_SUPPORT_DECISION,
				Reason: amparov1.TermPauseReason_TERM_PAUSE_REASON_AWAITS_INFORMATION,
			}
		}, &amparov1.PauseTermResponse{}),
		"resume": receipts(amparov1.DeadlineService_ResumeTerm_FullMethodName, func(*rapid.T) proto.Message {
			return &amparov1.ResumeTermRequest{RequestId: records.NewID(), CaseId: id, Kind: amparov1.TermKind_TERM_KIND_SUPPORT_DECISION}
		}, &amparov1.ResumeTermResponse{}),
		"close": receipts(amparov1.CaseService_CloseCase_FullMethodName, func(*rapid.T) proto.Message {
			return &amparov1.CloseCaseRequest{RequestId: records.NewID(), CaseId: id, Closing: &amparov1.Closing{
				Reason: amparov1.ClosureReason_CLOSURE_REASON_NEEDS_MET, Outcome: "safe",
				FinalRiskLevel: amparov1.RiskLevel_RISK_LEVEL_EXTREME, RetentionWish: amparov1.RetentionWish_RETENTION_WISH_KEEP,
			}}
		}, &amparov1.CloseCaseResponse{}),
		"consent": receipts(amparov1.ConsentService_RecordConsent_FullMethodName, func(*rapid.T) proto.Message {
			return &amparov1.RecordConsentRequest{RequestId: records.NewID(), CaseId: id, Terms: yes()}
		}, &amparov1.RecordConsentResponse{}),
		"check": receipts(amparov1.DisclosureService_CheckHarm_FullMethodName, func(*rapid.T) proto.Message {
			return &amparov1.CheckHarmRequest{RequestId: records.NewID(), CaseId: id, Harm: harmless()}
		}, &amparov1.CheckHarmResponse{}),
		"disclose": receipts(amparov1.DisclosureService_Disclose_FullMethodName, func(*rapid.T) proto.Message {
			draft := vital()
			draft.Vital.ExpiresAt = timestamppb.New(o.clock.Now().Add(time.Hour))
			return &amparov1.DiscloseRequest{RequestId: records.NewID(), CaseId: id, Disclosure: draft}
		}, &amparov1.DiscloseResponse{}),
		"countersign": receipts(amparov1.DisclosureService_CountersignDisclosure_FullMethodName, func(t *rapid.T) proto.Message {
			entry := rapid.Uint32Range(1, 12).Draw(t, "entry")
			return &amparov1.CountersignDisclosureRequest{RequestId: records.NewID(), CaseId: id, Entry: entry}
		}, &amparov1.CountersignDisclosureResponse{}),
		"withdraw": receipts(amparov1.ConsentService_WithdrawConsent_FullMethodName, func(*rapid.T) proto.Message {
			return &amparov1.WithdrawConsentRequest{RequestId: records.NewID(), CaseId: id, Withdrawal: &amparov1.WithdrawalDraft{Everything: true}}
		}, &amparov1.WithdrawConsentResponse{}),
		"breach": receipts(amparov1.DisclosureService_ReportBreach_FullMethodName, func(*rapid.T) proto.Message {
			return &amparov1.ReportBreachRequest{RequestId: records.NewID(), CaseId: id, Breach: &amparov1.BreachDraft{Text: "a", HighRisk: true}}
		}, &amparov1.ReportBreachResponse{}),
		"informed": receipts(amparov1.DisclosureService_RecordInformed_FullMethodName, func(t *rapid.T) proto.Message {
			entry := rapid.Uint32Range(1, 12).Draw(t, "entry")
			return &amparov1.RecordInformedRequest{RequestId: records.NewID(), CaseId: id, Entry: entry}
		}, &amparov1.RecordInformedResponse{}),
		"reopen": receipts(amparov1.CaseService_ReopenCase_FullMethodName, func(*rapid.T) proto.Message {
			return &amparov1.ReopenCaseRequest{RequestId: records.NewID(), CaseId: id, Reason: "again"}
		}, &amparov1.ReopenCaseResponse{}),
	}
}

// TestHistoryGivesTheTerms lets cases live through anything over the wire, with the
// service stopped and unsealed again in the middle, and replays what their timelines
// say: the terms come out as the service shows them.
func TestHistoryGivesTheTerms(t *testing.T) {
	o := openOffice(t)
	lives, events := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		late := time.Duration(rapid.IntRange(0, 72).Draw(rt, "typed in late")) * time.Hour
		received := o.clock.Now().Add(-late)
		request := newIntake()
		request.Intake.ReceivedAt = timestamppb.New(received)
		opened := &amparov1.CreateIntakeResponse{}
		if !o.actAs(rt, o.people[0], amparov1.CaseService_CreateIntake_FullMethodName, request, opened) {
			rt.Fatal("the request is not taken in")
		}
		id := opened.GetCase().GetCaseId()
		acts := o.acts(id)
		o.actAs(rt, o.people[0], amparov1.CaseService_AssignCase_FullMethodName, &amparov1.AssignCaseRequest{
			RequestId: records.NewID(), CaseId: id, StaffIds: []string{o.people[0].StaffID, o.people[1].StaffID},
		}, &amparov1.AssignCaseResponse{}) // both are on the team from now on
		for _, name := range rapid.SliceOfN(rapid.SampledFrom(names(acts)), 10, 30).Draw(rt, "acts") {
			acts[name](rt)
		}
		if lives++; lives%40 == 0 {
			o.Restart(t)
		}
		shown, history := o.atOnce(rt, id)
		events += len(history)
		terms, err := deadline.Replay(o.Records.Books(), history)
		if err != nil {
			rt.Fatal(err)
		}
		if !proto.Equal(&amparov1.Case{Terms: terms}, &amparov1.Case{Terms: shown.GetCase().GetTerms()}) {
			rt.Fatal("the timeline gives other terms than the case has")
		}
		for _, term := range terms[:2] { // triage and first contact
			if !term.GetBase().AsTime().Equal(received) {
				rt.Fatalf("%v runs from %v, and the request came at %v", term.GetKind(), term.GetBase().AsTime(), received)
			}
		}
	})
	t.Logf("%d lives, %d events", lives, events)
}

func names(acts map[string]func(*rapid.T)) []string {
	sorted := make([]string, 0, len(acts))
	for name := range acts {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	return sorted
}

// atOnce reads a case and the history of its terms, both as of one version: the
// service itself may be recording a notice in the meantime.
func (o *office) atOnce(t *rapid.T, id string) (*amparov1.GetCaseResponse, []*amparov1.TermEvent) {
	get := func() *amparov1.GetCaseResponse {
		shown := &amparov1.GetCaseResponse{}
		if !o.actAs(t, o.people[0], amparov1.CaseService_GetCase_FullMethodName, &amparov1.GetCaseRequest{CaseId: id}, shown) {
			t.Fatal("the case is not shown")
		}
		return shown
	}
	for {
		before := get()
		history := o.history(t, id)
		if get().GetCase().GetVersion() == before.GetCase().GetVersion() {
			return before, history
		}
	}
}

// history reads all that happened to the terms of a case, page by page.
func (o *office) history(t *rapid.T, id string) []*amparov1.TermEvent {
	var pages [][]*amparov1.TermEvent
	for token := ""; ; {
		page := &amparov1.ListTimelineResponse{}
		if !o.actAs(t, o.people[0], amparov1.CaseService_ListTimeline_FullMethodName,
			&amparov1.ListTimelineRequest{CaseId: id, PageSize: 7, PageToken: token}, page) {
			t.Fatal("the timeline is not shown")
		}
		for _, entry := range page.GetEntries() {
			pages = append(pages, entry.GetTermEvents())
		}
		if token = page.GetNextPageToken(); token == "" {
			slices.Reverse(pages)
			return slices.Concat(pages...)
		}
	}
}
