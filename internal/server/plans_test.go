package server_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/servertest"
)

// TestPlansAreKept writes three versions of a plan, one of them twice, and reads each
// of them back, also after the service was unsealed anew.
func TestPlansAreKept(t *testing.T) {
	b := newBench(t, servertest.Options{})
	plans := amparov1.NewPlanServiceClient(b.officer.Conn)
	id := b.triaged(t, func(*amparov1.Case) {})
	none, err := plans.GetPlan(t.Context(), &amparov1.GetPlanRequest{CaseId: id})
	if err != nil || none.GetPlan() != nil || none.GetNewestVersion() != 0 {
		t.Fatalf("a case without a plan shows version %d, %v", none.GetNewestVersion(), err)
	}
	var written []*amparov1.PlanContent
	for version := range uint32(3) {
		content := newPlan()
		content.EmergencyPlan = fmt.Sprintf("the way out number %d", version)
		request := &amparov1.SetPlanRequest{RequestId: records.NewID(), CaseId: id, Plan: content}
		for range 2 {
			answer, err := plans.SetPlan(t.Context(), request)
			if err != nil || answer.GetPlanVersion() != version+1 {
				t.Fatalf("written as version %d, %v, want %d", answer.GetPlanVersion(), err, version+1)
			}
		}
		written = append(written, content)
	}
	b.Restart(t)
	for version := range uint32(4) { // 0 is the newest
		answer, err := plans.GetPlan(t.Context(), &amparov1.GetPlanRequest{CaseId: id, PlanVersion: version})
		want := written[(version+2)%3]
		if err != nil || !proto.Equal(answer.GetPlan().GetContent(), want) || answer.GetNewestVersion() != 3 ||
			answer.GetPlan().GetWrittenById() != b.officer.StaffID {
			t.Errorf("version %d of %d is another: %v", version, answer.GetNewestVersion(), err)
		}
	}
	_, err = plans.GetPlan(t.Context(), &amparov1.GetPlanRequest{CaseId: id, PlanVersion: 4})
	if status.Code(err) != codes.InvalidArgument {
		t.Errorf("a version that was never written: %v", err)
	}
	report, err := b.Records.Check(t.Context(), "")
	if err != nil || len(report.Faults) > 0 {
		t.Errorf("%v: %v", err, report.Faults)
	}
}

// TestTheCardShowsTheEmergencyPlan and nothing else of the plan, and not even that
// while a contact may be in hostile hands.
func TestTheCardShowsTheEmergencyPlan(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	officer, operator := w.north[amparov1.Role_ROLE_CASE_OFFICER], w.north[amparov1.Role_ROLE_HOTLINE_OPERATOR]
	asked := newIntake()
	asked.Intake.SafeContact = &amparov1.SafeContact{Channel: amparov1.ContactChannel_CONTACT_CHANNEL_PHONE, Address: "+573005550101"}
	cases := amparov1.NewCaseServiceClient(officer.Conn)
	opened, err := cases.CreateIntake(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	id := opened.GetCase().GetCaseId()
	card := func() *amparov1.Card {
		answer, err := amparov1.NewCardServiceClient(operator.Conn).OpenCard(t.Context(), &amparov1.OpenCardRequest{CaseId: id})
		if err != nil {
			t.Fatal(err)
		}
		return answer.GetCard()
	}
	if c := card(); c.GetEmergencyPlan() != "" || c.GetEmergencyPlanWithheld() {
		t.Error("the card of a case without a plan shows one")
	}
	_, err = cases.TriageCase(t.Context(), &amparov1.TriageCaseRequest{
		RequestId: records.NewID(), CaseId: id, PriorityClass: amparov1.PriorityClass_PRIORITY_CLASS_HRD_AT_RISK, Risk: judgement(),
		Programme: amparov1.Programme_PROGRAMME_EMERGENCY_SUPPORT, Outcome: amparov1.TriageOutcome_TRIAGE_OUTCOME_ACCEPTED,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = amparov1.NewPlanServiceClient(officer.Conn).SetPlan(t.Context(), &amparov1.SetPlanRequest{
		RequestId: records.NewID(), CaseId: id, Plan: newPlan(),
	})
	if err != nil {
		t.Fatal(err)
	}
	shown := card()
	raw, err := protojson.Marshal(shown)
	if err != nil {
		t.Fatal(err)
	}
	if shown.GetEmergencyPlan() != newPlan().GetEmergencyPlan() || strings.Contains(string(raw), "lock") {
		t.Errorf("the card shows %q of the plan", shown.GetEmergencyPlan())
	}
	_, err = amparov1.NewSafetyServiceClient(officer.Conn).DistrustContact(t.Context(), &amparov1.DistrustContactRequest{
		RequestId: records.NewID(), CaseId: id, Contact: 1, SuspectedHostile: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if c := card(); c.GetEmergencyPlan() != "" || !c.GetEmergencyPlanWithheld() {
		t.Error("the card shows the way out to whoever looks over the operator's shoulder")
	}
}
