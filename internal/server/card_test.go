package server_test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/servertest"
)

// TestTheCard: an operator who never heard of a case opens its card at night, sees
// how to reach the person and whom to wake, and nothing of what the case says; the
// owner sees that it was opened.
func TestTheCard(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	officer, operator := w.north[amparov1.Role_ROLE_CASE_OFFICER], w.north[amparov1.Role_ROLE_HOTLINE_OPERATOR]
	asked := newIntake()
	asked.Intake.Situation = "two men in a grey car since Monday"
	asked.Intake.Restricted = true
	asked.Intake.SafeContact = &amparov1.SafeContact{
		Channel: amparov1.ContactChannel_CONTACT_CHANNEL_SIGNAL, Address: "+573005550101", TimeZone: "America/Bogota",
		CodeWord: "heron", DuressWord: "sparrow", Windows: []*amparov1.SafeWindow{{From: "20:00", Until: "23:00"}},
	}
	opened, err := amparov1.NewCaseServiceClient(officer.Conn).CreateIntake(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	id, cards := opened.GetCase().GetCaseId(), amparov1.NewCardServiceClient(operator.Conn)
	if _, err := amparov1.NewCaseServiceClient(operator.Conn).GetCase(t.Context(), &amparov1.GetCaseRequest{CaseId: id}); status.Code(err) != codes.NotFound {
		t.Fatalf("the case itself opens: %v", err)
	}
	before := w.size(t)
	answer, err := cards.OpenCard(t.Context(), &amparov1.OpenCardRequest{CaseId: id})
	if err != nil {
		t.Fatal(err)
	}
	card := answer.GetCard()
	way := card.GetAdvice().GetContacts()[0]
	if way.GetContact().GetContact().GetWay().GetAddress() != "+573005550101" || way.GetContact().GetContact().GetWay().GetCodeWord() != "heron" {
		t.Errorf("the card does not say how to reach her: %v", way.GetContact().GetNumber())
	}
	if way.GetLocalTime() == "" {
		t.Error("the time where she is does not stand before the number")
	}
	raw, err := protojson.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"grey car", "sparrow", "Prueba"} {
		if strings.Contains(string(raw), secret) {
			t.Errorf("the card holds %q", secret)
		}
	}
	if len(card.GetOnDuty()) < 2 || card.GetOnDuty()[0].GetStaffId() != officer.StaffID || card.GetOnDuty()[0].GetName() != officer.Name {
		t.Errorf("on duty: %v", card.GetOnDuty())
	}
	leaf := w.since(t, before)[0]
	if leaf.GetAction() != amparov1.LeafAction_LEAF_ACTION_CARD_OPEN || leaf.GetStaffId() != operator.StaffID ||
		!slices.Contains(leaf.GetShown(), card.GetPseudonym()) {
		t.Errorf("the leaf of the opening is %v", leaf)
	}
	w.shownToOwner(t, officer, id, operator.StaffID)
}

// shownToOwner finds the opening in the timeline.
func (w *world) shownToOwner(t *testing.T, owner *servertest.Person, id, openedBy string) {
	t.Helper()
	timeline, err := amparov1.NewCaseServiceClient(owner.Conn).ListTimeline(t.Context(), &amparov1.ListTimelineRequest{CaseId: id})
	if err != nil {
		t.Fatal(err)
	}
	newest := timeline.GetEntries()[0]
	if newest.GetKind() != amparov1.TimelineKind_TIMELINE_KIND_CARD || newest.GetStaffId() != openedBy {
		t.Errorf("the owner sees %v by %s", newest.GetKind(), newest.GetStaffId())
	}
}

// TestACardNamesNobodyToHostileHands: while a contact is suspected, whoever reads
// the screen over the operator's shoulder learns no name.
func TestACardNamesNobodyToHostileHands(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	officer, operator := w.north[amparov1.Role_ROLE_CASE_OFFICER], w.north[amparov1.Role_ROLE_HOTLINE_OPERATOR]
	asked := newIntake()
	asked.Intake.SafeContact = &amparov1.SafeContact{Channel: amparov1.ContactChannel_CONTACT_CHANNEL_PHONE, Address: "+573005550101"}
	opened, err := amparov1.NewCaseServiceClient(officer.Conn).CreateIntake(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	id := opened.GetCase().GetCaseId()
	_, err = amparov1.NewSafetyServiceClient(officer.Conn).DistrustContact(t.Context(), &amparov1.DistrustContactRequest{
		RequestId: records.NewID(), CaseId: id, Contact: 1, SuspectedHostile: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := amparov1.NewCardServiceClient(operator.Conn).OpenCard(t.Context(), &amparov1.OpenCardRequest{CaseId: id})
	if err != nil {
		t.Fatal(err)
	}
	if !answer.GetCard().GetAdvice().GetNamesHidden() || len(answer.GetCard().GetOnDuty()) == 0 {
		t.Error("the card does not say that names are hidden")
	}
	raw, err := protojson.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	for _, person := range w.north {
		if strings.Contains(string(raw), person.StaffID) || strings.Contains(string(raw), `"`+person.Name+`"`) {
			t.Errorf("the card names %s", person.Name)
		}
	}
}
