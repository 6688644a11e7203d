package server_test

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/servertest"
)

// safetyRequest holds a valid request for every method of SafetyService that takes
// more than ids; nil for any other.
func safetyRequest(method, id, newID string) proto.Message {
	switch method {
	case "SafetyService/RecordStatus":
		return &amparov1.RecordStatusRequest{RequestId: newID, CaseId: id, Report: detained()}
	case "SafetyService/ConfirmStatus":
		return &amparov1.ConfirmStatusRequest{RequestId: newID, CaseId: id, Source: amparov1.StatusSource_STATUS_SOURCE_LAWYER}
	case "SafetyService/DistrustContact":
		return &amparov1.DistrustContactRequest{RequestId: newID, CaseId: id, Contact: 1}
	case "SafetyService/ProposeContactChange":
		return &amparov1.ProposeContactChangeRequest{RequestId: newID, CaseId: id, Change: newNumber()}
	case "SafetyService/ConfirmContactChange":
		return &amparov1.ConfirmContactChangeRequest{RequestId: newID, CaseId: id, Change: 1}
	case "SafetyService/SetAdvanceInstructions":
		return &amparov1.SetAdvanceInstructionsRequest{RequestId: newID, CaseId: id}
	case "SafetyService/ReportDuress":
		return &amparov1.ReportDuressRequest{RequestId: newID, CaseId: id, Contact: reached(0)}
	default:
		return nil
	}
}

func detained() *amparov1.StatusDraft {
	return &amparov1.StatusDraft{
		Status: amparov1.PersonStatus_PERSON_STATUS_DETAINED, Source: amparov1.StatusSource_STATUS_SOURCE_FAMILY,
	}
}

func newNumber() *amparov1.ChangeDraft {
	return &amparov1.ChangeDraft{Change: &amparov1.ChangeDraft_Contact{Contact: &amparov1.ContactDraft{
		Kind: amparov1.ContactKind_CONTACT_KIND_OWN,
		Way:  &amparov1.SafeContact{Channel: amparov1.ContactChannel_CONTACT_CHANNEL_SIGNAL, Address: "+57 300 555 0101"},
	}}}
}

func reached(contact uint32) *amparov1.ContactAttempt {
	return &amparov1.ContactAttempt{
		Channel: amparov1.ContactChannel_CONTACT_CHANNEL_SIGNAL, Outcome: amparov1.ContactOutcome_CONTACT_OUTCOME_REACHED,
		ContactNumber: contact,
	}
}

func (b *bench) forceSafety(t *testing.T, take func(string, error)) {
	id, client := b.newCase(t, b.officer, nil), amparov1.NewSafetyServiceClient(b.officer.Conn)
	_, err := client.ProposeContactChange(t.Context(), &amparov1.ProposeContactChangeRequest{
		RequestId: records.NewID(), CaseId: id, Change: newNumber(), Answer: canary,
	})
	take("NOT_PROVEN", err)
	_, err = b.cases.CloseCase(t.Context(), &amparov1.CloseCaseRequest{
		RequestId: records.NewID(), CaseId: id, Closing: &amparov1.Closing{
			Reason: amparov1.ClosureReason_CLOSURE_REASON_DIED, Outcome: canary, RetentionWish: amparov1.RetentionWish_RETENTION_WISH_KEEP,
		},
	})
	take("SECOND_SOURCE_NEEDED", err)
}

// watched is a case whose person has a telephone with both words and a proxy, which
// the reviewer has confirmed.
type watched struct {
	*world
	id               string
	officer, second  *servertest.Person
	cases            amparov1.CaseServiceClient
	safety, reviewer amparov1.SafetyServiceClient
}

func newWatched(t *testing.T) *watched {
	t.Helper()
	w := &watched{world: newWorld(t, servertest.Options{})}
	w.officer, w.second = w.north[amparov1.Role_ROLE_CASE_OFFICER], w.north[amparov1.Role_ROLE_REVIEWER]
	w.cases = amparov1.NewCaseServiceClient(w.officer.Conn)
	w.safety, w.reviewer = amparov1.NewSafetyServiceClient(w.officer.Conn), amparov1.NewSafetyServiceClient(w.second.Conn)
	request := newIntake()
	request.Intake.SafeContact = &amparov1.SafeContact{
		Channel: amparov1.ContactChannel_CONTACT_CHANNEL_SIGNAL, Address: "+573005550100", TimeZone: "America/Bogota",
		CodeWord: "Guayaba", DuressWord: "Naranja", DoNotLeaveMessage: true,
	}
	answer, err := w.cases.CreateIntake(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	w.id = answer.GetCase().GetCaseId()
	return w
}

func (w *watched) shown(t *testing.T) *amparov1.GetSafetyResponse {
	t.Helper()
	answer, err := w.safety.GetSafety(t.Context(), &amparov1.GetSafetyRequest{CaseId: w.id})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func (w *watched) propose(t *testing.T, change *amparov1.ChangeDraft, answer string) *amparov1.ProposeContactChangeResponse {
	t.Helper()
	got, err := w.safety.ProposeContactChange(t.Context(), &amparov1.ProposeContactChangeRequest{
		RequestId: records.NewID(), CaseId: w.id, Change: change, Answer: answer,
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// alarms asks for so many open alarms for duress.
func (w *watched) alarms(t *testing.T, want int) {
	t.Helper()
	operator := w.north[amparov1.Role_ROLE_HOTLINE_OPERATOR]
	answer, err := amparov1.NewOnCallServiceClient(operator.Conn).ListAlarms(t.Context(), &amparov1.ListAlarmsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	for _, alarm := range answer.GetAlarms() {
		if alarm.GetKind() == amparov1.AlarmKind_ALARM_KIND_DURESS && alarm.GetCaseId() == w.id {
			got++
		}
	}
	if got != want {
		t.Errorf("%d alarms for duress, want %d", got, want)
	}
}

// TestAnArrestAtNight follows a case from an arrest to a release: the telephone goes
// out of use in the commit that records the arrest, the proxy comes first, and nothing
// comes back by itself.
func TestAnArrestAtNight(t *testing.T) {
	w := newWatched(t)
	sister := w.propose(t, &amparov1.ChangeDraft{Change: &amparov1.ChangeDraft_Contact{Contact: &amparov1.ContactDraft{
		Kind: amparov1.ContactKind_CONTACT_KIND_PROXY, Name: "Hermana",
		Way: &amparov1.SafeContact{Channel: amparov1.ContactChannel_CONTACT_CHANNEL_PHONE, Address: "+573005550102"},
	}}}, "")
	if sister.GetStanding() != amparov1.ChangeStanding_CHANGE_STANDING_PENDING || len(w.shown(t).GetAdvice().GetContacts()) != 1 {
		t.Errorf("a proxy whom nobody has proven: %v", sister.GetStanding())
	}
	confirm := &amparov1.ConfirmContactChangeRequest{RequestId: records.NewID(), CaseId: w.id, Change: sister.GetChange()}
	if _, err := w.safety.ConfirmContactChange(t.Context(), confirm); reason(err) != "SECOND_PERSON_NEEDED" {
		t.Errorf("the proposer confirms: %v", err)
	}
	if _, err := w.reviewer.ConfirmContactChange(t.Context(), confirm); err != nil {
		t.Fatal(err)
	}
	_, err := w.safety.SetAdvanceInstructions(t.Context(), &amparov1.SetAdvanceInstructionsRequest{
		RequestId: records.NewID(), CaseId: w.id,
		Instructions: []*amparov1.AdvanceInstruction{{Event: amparov1.PersonStatus_PERSON_STATUS_DETAINED, Text: "Call my lawyer, not the press."}},
	})
	if err != nil {
		t.Fatal(err)
	}
	arrest, err := w.safety.RecordStatus(t.Context(), &amparov1.RecordStatusRequest{RequestId: records.NewID(), CaseId: w.id, Report: detained()})
	if err != nil {
		t.Fatal(err)
	}
	contacts := arrest.GetAdvice().GetContacts()
	if len(contacts) != 2 || contacts[0].GetContact().GetContact().GetName() != "Hermana" ||
		contacts[1].GetContact().GetUse() != amparov1.ContactUse_CONTACT_USE_DO_NOT_USE || arrest.GetAdvice().GetInstruction().GetText() == "" {
		t.Error("after the arrest: want the proxy, the telephone out of use, and what the person wished")
	}
	called, err := w.cases.RecordContact(t.Context(), &amparov1.RecordContactRequest{RequestId: records.NewID(), CaseId: w.id, Contact: reached(1)})
	if err != nil || len(called.GetWarnings()) == 0 || called.GetWarnings()[0] != amparov1.SafetyWarning_SAFETY_WARNING_DO_NOT_USE {
		t.Errorf("a contact over a telephone out of use: %v, %v; want it recorded, with a warning", called.GetWarnings(), err)
	}
	free := detained()
	free.Status, free.At = amparov1.PersonStatus_PERSON_STATUS_AT_LIBERTY, timestamppb.Now()
	release, err := w.safety.RecordStatus(t.Context(), &amparov1.RecordStatusRequest{RequestId: records.NewID(), CaseId: w.id, Report: free})
	if err != nil || release.GetAdvice().GetContacts()[1].GetContact().GetUse() != amparov1.ContactUse_CONTACT_USE_DO_NOT_USE {
		t.Errorf("a release restores a contact: %v", err)
	}
	c, err := w.cases.GetCase(t.Context(), &amparov1.GetCaseRequest{CaseId: w.id})
	if err != nil || c.GetCase().GetPersonStatus() != amparov1.PersonStatus_PERSON_STATUS_AT_LIBERTY {
		t.Errorf("the head: %v, %v", c.GetCase().GetPersonStatus(), err)
	}
	if c.GetIntake().GetSafeContact().GetDuressWord() != "" || c.GetIntake().GetSafeContact().GetCodeWord() != "Guayaba" {
		t.Error("the case shows the word for duress, or hides the code word")
	}
}

// TestDuressIsSilent compares an ordinary call with one under duress: whoever sees the
// screen must find no difference, and somebody is woken.
func TestDuressIsSilent(t *testing.T) {
	w := newWatched(t)
	call := func(word string) *amparov1.RecordContactResponse {
		answer, err := w.cases.RecordContact(t.Context(), &amparov1.RecordContactRequest{
			RequestId: records.NewID(), CaseId: w.id, Contact: reached(1), Word: word,
		})
		if err != nil {
			t.Fatal(err)
		}
		answer.Case.Version, answer.Case.NextTerm = 0, nil
		return answer
	}
	w.alarms(t, 0)
	call("guayaba")
	ordinary := call("guayaba")
	w.alarms(t, 0)
	if duress := call(" NARANJA "); !proto.Equal(ordinary, duress) {
		t.Error("the answer under duress is another")
	}
	w.alarms(t, 1)
	if told := w.propose(t, newNumber(), "naranja"); told.GetStanding() != amparov1.ChangeStanding_CHANGE_STANDING_IN_FORCE {
		t.Errorf("a change under duress looks as if it is %v", told.GetStanding())
	}
	if contacts := w.shown(t).GetSafety().GetContacts(); len(contacts) != 1 {
		t.Errorf("%d contacts: an address given under duress is used", len(contacts))
	}
	entries, err := w.cases.ListTimeline(t.Context(), &amparov1.ListTimelineRequest{CaseId: w.id})
	if err != nil {
		t.Fatal(err)
	}
	a, b := entries.GetEntries()[2], entries.GetEntries()[1]
	for _, e := range []*amparov1.TimelineEntry{a, b} {
		e.Sequence, e.At, e.RecordedAt, e.TermEvents, e.Contact.At = 0, nil, nil, nil, nil
	}
	if !proto.Equal(a, b) {
		t.Error("the timeline shows which contact was under duress")
	}
	if signs := w.shown(t).GetSafety().GetDuressSigns(); len(signs) != 0 {
		t.Error("whoever heard the word is shown that they did")
	}
	other, err := w.reviewer.GetSafety(t.Context(), &amparov1.GetSafetyRequest{CaseId: w.id})
	if err != nil || len(other.GetSafety().GetDuressSigns()) != 2 {
		t.Errorf("a colleague sees %d signs, %v", len(other.GetSafety().GetDuressSigns()), err)
	}
}
