package server_test

import (
	"fmt"
	"testing"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/servertest"
)

// TestPossibleDuplicates: somebody at another office already helps the same person.
// The one who takes the call reads that a possible duplicate exists, and of the other
// file nothing; its owner is told whom to speak to. From the eleventh time in an hour
// on the owner is told and nothing is shown, or intakes would be a search of offices
// that are none of the caller's business.
func TestPossibleDuplicates(t *testing.T) {
	clock := newClock()
	w := &world{Service: servertest.Start(t, servertest.Options{Now: clock.Now})}
	operator := []amparov1.Role{amparov1.Role_ROLE_HOTLINE_OPERATOR}
	owner := w.Enrol(t, "owner", operator, []string{"nairobi"})
	taker := w.Enrol(t, "taker", operator, []string{"brussels"})
	first := take(t, owner, records.NewID(), "Imara Testowa Mwangaza")
	if first.GetPossibleDuplicate() {
		t.Error("the first of its kind is called a duplicate")
	}
	var last *amparov1.CreateIntakeResponse
	id := ""
	for n := range hintsAnHour {
		id = records.NewID()
		if last = take(t, taker, id, "MWANGAZA,  Imara  Testowa"); !last.GetPossibleDuplicate() {
			t.Errorf("the possible duplicate is not said at the intake %d", n+1)
		}
	}
	if again := take(t, taker, id, "MWANGAZA,  Imara  Testowa"); !again.GetPossibleDuplicate() || again.GetCase().GetCaseId() != last.GetCase().GetCaseId() {
		t.Error("a repeated request is not answered as it was first")
	}
	before := w.size(t)
	if take(t, taker, records.NewID(), "Imara Testowa Mwangaza").GetPossibleDuplicate() {
		t.Error("a possible duplicate is said an eleventh time in the hour")
	}
	told := 0
	for _, leaf := range w.since(t, before) {
		if leaf.GetAction() == amparov1.LeafAction_LEAF_ACTION_DUPLICATE_TOLD {
			told++
		}
	}
	if told == 0 {
		t.Error("no leaf says that an owner was told the eleventh time")
	}
	if entries := tellings(t, owner, first.GetCase().GetCaseId(), taker.StaffID); entries != hintsAnHour+1 {
		t.Errorf("the owner was told %d times whom to speak to, want each of %d", entries, hintsAnHour+1)
	}
	if found := search(t, taker, "Imara Mwangaza"); found != hintsAnHour+1 {
		t.Errorf("the taker finds %d cases, want the %d of their own office", found, hintsAnHour+1)
	}
	clock.Advance(61 * 60e9)
	if !take(t, taker, records.NewID(), "Imara Testowa Mwangaza").GetPossibleDuplicate() {
		t.Error("nothing is said an hour later either")
	}
	if take(t, taker, records.NewID(), "Sefu Deneme Prova").GetPossibleDuplicate() {
		t.Error("somebody else is called a duplicate")
	}
}

const hintsAnHour = 10

func take(t *testing.T, p *servertest.Person, id, name string) *amparov1.CreateIntakeResponse {
	t.Helper()
	answer, err := amparov1.NewCaseServiceClient(p.Conn).CreateIntake(t.Context(), &amparov1.CreateIntakeRequest{
		RequestId: id,
		Intake: &amparov1.Intake{
			Channel:   amparov1.Channel_CHANNEL_HOTLINE,
			Submitter: &amparov1.Submitter{Kind: amparov1.SubmitterKind_SUBMITTER_KIND_SELF},
			Identity:  &amparov1.Identity{Subject: &amparov1.Identity_Person{Person: &amparov1.Person{LegalName: name}}},
			Situation: fmt.Sprintf("call %s", id),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// tellings counts the entries that tell the owner of a colleague, and refuses any
// that tells more.
func tellings(t *testing.T, owner *servertest.Person, caseID, colleague string) (count int) {
	t.Helper()
	page, err := amparov1.NewCaseServiceClient(owner.Conn).ListTimeline(t.Context(), &amparov1.ListTimelineRequest{CaseId: caseID})
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range page.GetEntries() {
		if entry.GetKind() != amparov1.TimelineKind_TIMELINE_KIND_POSSIBLE_DUPLICATE {
			continue
		}
		count++
		if entry.GetColleagueId() != colleague || entry.GetText() != "" || entry.GetStaffId() != "" {
			t.Error("the entry names somebody else, or holds words")
		}
	}
	return count
}

func search(t *testing.T, p *servertest.Person, text string) int {
	t.Helper()
	answer, err := amparov1.NewQueueServiceClient(p.Conn).SearchCases(t.Context(), &amparov1.SearchCasesRequest{Text: text, Limit: 50})
	if err != nil {
		t.Fatal(err)
	}
	return len(answer.GetRows())
}
