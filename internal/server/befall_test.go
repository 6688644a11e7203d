package server_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/records"
)

// TestADeathIsConfirmedAndTheCaseClosed on two sources.
func TestADeathIsConfirmedAndTheCaseClosed(t *testing.T) {
	w := newWatched(t)
	report := detained()
	report.Status = amparov1.PersonStatus_PERSON_STATUS_DECEASED
	if _, err := w.safety.RecordStatus(t.Context(), &amparov1.RecordStatusRequest{RequestId: records.NewID(), CaseId: w.id, Report: report}); err != nil {
		t.Fatal(err)
	}
	w.triage(t)
	shut := func() error {
		_, err := w.cases.CloseCase(t.Context(), &amparov1.CloseCaseRequest{RequestId: records.NewID(), CaseId: w.id, Closing: &amparov1.Closing{
			Reason: amparov1.ClosureReason_CLOSURE_REASON_DIED, Outcome: "the family was told",
			RetentionWish: amparov1.RetentionWish_RETENTION_WISH_COULD_NOT_ASK,
		}})
		return err
	}
	confirm := func(source amparov1.StatusSource) error {
		_, err := w.safety.ConfirmStatus(t.Context(), &amparov1.ConfirmStatusRequest{RequestId: records.NewID(), CaseId: w.id, Source: source})
		return err
	}
	if err := shut(); reason(err) != "SECOND_SOURCE_NEEDED" {
		t.Errorf("closed on one source: %v", err)
	}
	if err := confirm(amparov1.StatusSource_STATUS_SOURCE_FAMILY); reason(err) != "SECOND_SOURCE_NEEDED" {
		t.Errorf("the same source twice: %v", err)
	}
	if err := confirm(amparov1.StatusSource_STATUS_SOURCE_LAWYER); err != nil {
		t.Fatal(err)
	}
	if err := shut(); err != nil {
		t.Errorf("closed on two sources: %v", err)
	}
	// Whoever took her telephone calls after the case was closed. What the screen says
	// is the same, whether she is forced to or not.
	call := func(word string) string {
		answer, err := w.cases.RecordContact(t.Context(), &amparov1.RecordContactRequest{
			RequestId: records.NewID(), CaseId: w.id, Contact: reached(1), Word: word,
		})
		if err != nil {
			t.Fatalf("a contact in a closed case: %v", err)
		}
		answer.GetCase().Version = 0 // grows with every act
		raw, err := protojson.MarshalOptions{}.Marshal(answer)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(strings.Fields(string(raw)), " ")
	}
	plain := call("")
	w.alarms(t, 0)
	if forced := call("naranja"); forced != plain {
		t.Errorf("duress in a closed case answers %s, any other call %s", forced, plain)
	}
	w.alarms(t, 1)
}

func (w *watched) triage(t *testing.T) {
	t.Helper()
	_, err := w.cases.TriageCase(t.Context(), &amparov1.TriageCaseRequest{
		RequestId: records.NewID(), CaseId: w.id, PriorityClass: amparov1.PriorityClass_PRIORITY_CLASS_HRD_AT_RISK, Risk: judgement(),
		Programme: amparov1.Programme_PROGRAMME_EMERGENCY_SUPPORT, Outcome: amparov1.TriageOutcome_TRIAGE_OUTCOME_ACCEPTED,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestANewNumberIsFound once it is proven, and not before; so is a proxy's.
func TestANewNumberIsFound(t *testing.T) {
	w := newWatched(t)
	finds := func(text string) bool {
		answer, err := amparov1.NewQueueServiceClient(w.officer.Conn).SearchCases(t.Context(), &amparov1.SearchCasesRequest{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		return len(answer.GetRows()) == 1 && answer.GetRows()[0].GetCaseId() == w.id
	}
	own, sister := newNumber(), newNumber()
	sister.GetContact().Kind, sister.GetContact().GetWay().Address = amparov1.ContactKind_CONTACT_KIND_PROXY, "+573005550102"
	waits := w.propose(t, own, "")
	if finds("+57 300 555 0101") {
		t.Error("a number that nobody has proven finds the case")
	}
	_, err := w.reviewer.ConfirmContactChange(t.Context(), &amparov1.ConfirmContactChangeRequest{RequestId: records.NewID(), CaseId: w.id, Change: waits.GetChange()})
	if err != nil {
		t.Fatal(err)
	}
	w.propose(t, sister, "guayaba")
	for _, number := range []string{"+573005550100", "0057 300 5550101", "+573005550102"} {
		if !finds(number) {
			t.Errorf("%s does not find the case", number)
		}
	}
}
