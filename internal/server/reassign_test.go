package server_test

import (
	"slices"
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/servertest"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/memory"
)

func reassigning(from, to *servertest.Person) *amparov1.ReassignCasesRequest {
	return &amparov1.ReassignCasesRequest{RequestId: records.NewID(), FromStaffId: from.StaffID, ToStaffId: to.StaffID}
}

func (w *world) owned(t testing.TB, by *servertest.Person) []*amparov1.QueueRow {
	t.Helper()
	answer, err := amparov1.NewQueueServiceClient(by.Conn).ListQueue(t.Context(), &amparov1.ListQueueRequest{PageSize: 200})
	if err != nil {
		t.Fatal(err)
	}
	return answer.GetRows()
}

func ownedBy(rows []*amparov1.QueueRow, p *servertest.Person) (n uint32) {
	for _, row := range rows {
		if row.GetOwnerId() == p.StaffID {
			n++
		}
	}
	return n
}

// TestALeaver gives up everything in one act, which is broken off between its
// commits and repeated.
func TestALeaver(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	leaver, heir := w.north[amparov1.Role_ROLE_HOTLINE_OPERATOR], w.north[amparov1.Role_ROLE_CASE_OFFICER]
	head, reviewer := w.north[amparov1.Role_ROLE_HEAD_OF_SECRETARIAT], w.north[amparov1.Role_ROLE_REVIEWER]
	const count = 60
	for range count {
		w.newCase(t, leaver, nil)
	}
	forbidden := w.newCase(t, leaver, func(c *amparov1.Case) { c.ExcludedStaffIds = []string{heir.StaffID} })
	proposed := w.newCase(t, leaver, func(c *amparov1.Case) {
		c.RiskLevel, c.RiskLevelProposed, c.RiskProposedById = amparov1.RiskLevel_RISK_LEVEL_HIGH, amparov1.RiskLevel_RISK_LEVEL_LOW, leaver.StaffID
	})
	closed := w.newCase(t, leaver, func(c *amparov1.Case) { c.State = amparov1.CaseState_CASE_STATE_CLOSED })
	w.newCase(t, reviewer, nil)
	if _, err := handovers(reviewer).BeginHandover(t.Context(), offering(reviewer, leaver, w.prepared(t, reviewer)...)); err != nil {
		t.Fatal(err)
	}
	request, cuts := reassigning(leaver, heir), 0
	for cut := 2; cut < 6; cut++ { // the engine stops before its cut-th commit
		w.engine.Inject(func(c memory.Call) memory.Fault {
			if c.Kind == memory.Commit && c.N >= cut {
				return memory.Fault{Before: store.ErrStopped}
			}
			return memory.Fault{}
		})
		_, err := handovers(head).ReassignCases(t.Context(), request)
		w.engine.Inject(nil)
		if reason(err) != "UNAVAILABLE" {
			break // it came to its end before the cut
		}
		cuts++
		w.Restart(t)
		rows := w.owned(t, head)
		if ownedBy(rows, leaver)+ownedBy(rows, heir) != count+2 {
			t.Fatalf("a case belongs to neither")
		}
	}
	answer, err := handovers(head).ReassignCases(t.Context(), request)
	if err != nil || cuts < 2 {
		t.Fatalf("after %d cuts: %v", cuts, err)
	}
	if answer.GetReassigned() != count+1 || answer.GetHandoversReturned() != 1 || answer.GetApprovalsReturned() != 1 {
		t.Errorf("the answer: %v", answer)
	}
	if left := answer.GetLeft(); len(left) != 1 || left[0].GetCaseId() != forbidden || left[0].GetWhy() != amparov1.HandoverObstacle_HANDOVER_OBSTACLE_EXCLUDED {
		t.Errorf("left: %v", left)
	}
	if w.head(t, proposed).GetRiskLevelProposed() != amparov1.RiskLevel_RISK_LEVEL_LOW {
		t.Error("what waits for a second person is gone")
	}
	if w.head(t, closed).GetOwnerId() != leaver.StaffID {
		t.Error("a closed case has changed hands")
	}
	// The same request again does nothing, not even to what has come since.
	since := w.newCase(t, leaver, nil)
	again, err := handovers(head).ReassignCases(t.Context(), request)
	if err != nil || again.GetReassigned() != answer.GetReassigned() || w.head(t, since).GetOwnerId() != leaver.StaffID {
		t.Errorf("repeated: %v, %v", again, err)
	}
}

// TestWhoMayReassign: a reviewer gives what a reviewer may know of, a head the rest;
// nobody gives to whom it may not go.
func TestWhoMayReassign(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	leaver, heir := w.north[amparov1.Role_ROLE_HOTLINE_OPERATOR], w.north[amparov1.Role_ROLE_CASE_OFFICER]
	head, reviewer := w.north[amparov1.Role_ROLE_HEAD_OF_SECRETARIAT], w.north[amparov1.Role_ROLE_REVIEWER]
	open := w.newCase(t, leaver, nil)
	restricted := w.newCase(t, leaver, func(c *amparov1.Case) { c.Restricted = true })
	hidden := w.newCase(t, leaver, func(c *amparov1.Case) { c.ExcludedStaffIds = []string{reviewer.StaffID, head.StaffID} })
	for _, row := range []struct {
		name     string
		who      *servertest.Person
		from, to *servertest.Person
		want     string
	}{
		{"another office's reviewer", w.reviewer, leaver, heir, "STAFF_UNSUITABLE"},
		{"to another office", reviewer, leaver, w.operator, "STAFF_UNSUITABLE"},
		{"to an auditor", reviewer, leaver, w.bystander, "STAFF_UNSUITABLE"},
		{"to the same", reviewer, leaver, leaver, "STAFF_UNSUITABLE"},
		{"an officer", heir, leaver, heir, "ROLE_MISSING"},
		{"an administrator", w.Admin, leaver, heir, "ROLE_MISSING"},
		{"a reviewer", reviewer, leaver, heir, ""},
	} {
		if _, err := handovers(row.who).ReassignCases(t.Context(), reassigning(row.from, row.to)); reason(err) != row.want {
			t.Errorf("%s: %v, want %q", row.name, err, row.want)
		}
	}
	owners := func() []bool {
		var theirs []bool
		for _, id := range []string{open, restricted, hidden} {
			theirs = append(theirs, w.head(t, id).GetOwnerId() == heir.StaffID)
		}
		return theirs
	}
	if got := owners(); !slices.Equal(got, []bool{true, false, false}) {
		t.Errorf("the reviewer gave %v", got)
	}
	if _, err := handovers(head).ReassignCases(t.Context(), reassigning(leaver, heir)); err != nil {
		t.Fatal(err)
	}
	if got := owners(); !slices.Equal(got, []bool{true, true, false}) {
		t.Errorf("the head gave %v", got)
	}
}

// TestNobodyAnswersForIt: the open cases of somebody who is suspended, or whose
// account has ended, come first in their office's queue, and reviewers are told once.
func TestNobodyAnswersForIt(t *testing.T) {
	clock := newClock()
	w := newWorld(t, servertest.Options{Now: clock.Now})
	officer, reviewer := w.north[amparov1.Role_ROLE_CASE_OFFICER], w.north[amparov1.Role_ROLE_REVIEWER]
	temporary := w.EnrolUntil(t, "temporary", []amparov1.Role{amparov1.Role_ROLE_CASE_OFFICER}, []string{"north"}, clock.Now().Add(time.Hour))
	extreme := func(c *amparov1.Case) { c.RiskLevel = amparov1.RiskLevel_RISK_LEVEL_EXTREME }
	other := func(c *amparov1.Case) {
		c.PriorityClass, c.RiskLevel = amparov1.PriorityClass_PRIORITY_CLASS_OTHER_INQUIRY, amparov1.RiskLevel_RISK_LEVEL_LOW
	}
	w.newCase(t, officer, extreme)
	ends, suspended := w.newCase(t, temporary, other), w.newCase(t, w.north[amparov1.Role_ROLE_HOTLINE_OPERATOR], other)
	tops := func(want ...string) {
		t.Helper()
		var got []string
		for _, row := range w.owned(t, reviewer) {
			if row.GetOwnerAbsent() {
				got = append(got, row.GetCaseId())
			}
		}
		first := w.owned(t, reviewer)[0]
		if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(want))) || len(want) > 0 && !first.GetOwnerAbsent() {
			t.Errorf("nobody answers for %v, want %v; the first row is %v", got, want, first.GetOwnerAbsent())
		}
	}
	told := func() (n int) {
		before := w.size(t)
		if err := w.Records.TellOfWork(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, leaf := range w.since(t, before) {
			if leaf.GetAction() == amparov1.LeafAction_LEAF_ACTION_OWNER_ABSENT_TOLD {
				n++
			}
		}
		return n
	}
	tops()
	answer, err := amparov1.NewStaffServiceClient(w.Admin.Conn).SuspendStaff(t.Context(), &amparov1.SuspendStaffRequest{
		RequestId: records.NewID(), StaffId: w.north[amparov1.Role_ROLE_HOTLINE_OPERATOR].StaffID,
	})
	if err != nil || answer.GetCasesWithoutOwner() != 1 {
		t.Errorf("a suspension leaves %d cases: %v", answer.GetCasesWithoutOwner(), err)
	}
	tops(suspended)
	clock.Advance(2 * time.Hour)
	if got := []int{told(), told()}; !slices.Equal(got, []int{1, 0}) {
		t.Errorf("told %v times, want once", got)
	}
	tops(suspended, ends)
	w.Restart(t)
	tops(suspended, ends)
	if got := told(); got != 0 {
		t.Errorf("told again after a restart")
	}
	if _, err := amparov1.NewStaffServiceClient(w.Admin.Conn).ReinstateStaff(t.Context(), &amparov1.ReinstateStaffRequest{
		RequestId: records.NewID(), StaffId: w.north[amparov1.Role_ROLE_HOTLINE_OPERATOR].StaffID,
	}); err != nil {
		t.Fatal(err)
	}
	tops(ends)
	if _, err := handovers(reviewer).ReassignCases(t.Context(), reassigning(temporary, officer)); err != nil {
		t.Fatal(err)
	}
	tops()
}
