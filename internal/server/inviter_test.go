package server_test

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/servertest"
)

// TestAnInvitationFallsWithItsInviter: an invitation is good for a day, but not
// longer than the one who made it. Somebody reinstated has not been shut out.
func TestAnInvitationFallsWithItsInviter(t *testing.T) {
	w := &world{Service: servertest.Start(t, servertest.Options{})}
	administrator := []amparov1.Role{amparov1.Role_ROLE_ADMINISTRATOR}
	second := w.Enrol(t, "second", administrator, nil)
	invited, err := amparov1.NewStaffServiceClient(second.Conn).InviteStaff(t.Context(), &amparov1.InviteStaffRequest{
		RequestId: records.NewID(), Name: "successor", Roles: administrator,
	})
	if err != nil {
		t.Fatal(err)
	}
	staff := amparov1.NewStaffServiceClient(w.Admin.Conn)
	suspend := &amparov1.SuspendStaffRequest{RequestId: records.NewID(), StaffId: second.StaffID}
	if _, err := staff.SuspendStaff(t.Context(), suspend); err != nil {
		t.Fatal(err)
	}
	if _, err := w.TryEnrol(t, servertest.NewDevice(t), invited.GetInvitation(), nil); status.Code(err) != codes.Unauthenticated {
		t.Fatalf("the invitation of somebody suspended: %v", err)
	}
	if _, err := staff.ReinstateStaff(t.Context(), &amparov1.ReinstateStaffRequest{RequestId: records.NewID(), StaffId: second.StaffID}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.TryEnrol(t, servertest.NewDevice(t), invited.GetInvitation(), nil); err != nil {
		t.Errorf("the invitation of somebody reinstated: %v", err)
	}
}

// TestTryingDoorsCountsAsCalls: calls that are denied use up the device's calls too.
func TestTryingDoorsCountsAsCalls(t *testing.T) {
	limits := servertest.Generous()
	limits.CallsPerSecond, limits.CallBurst = 1, 5
	w := &world{Service: servertest.Start(t, servertest.Options{Limits: limits})}
	p := w.Enrol(t, "curious", []amparov1.Role{amparov1.Role_ROLE_AUDITOR}, nil)
	codesSeen := map[codes.Code]int{}
	for begun := time.Now(); codesSeen[codes.ResourceExhausted] == 0 && time.Since(begun) < 10*time.Second; {
		_, err := amparov1.NewCaseServiceClient(p.Conn).GetCase(t.Context(), &amparov1.GetCaseRequest{CaseId: records.NewID()})
		codesSeen[status.Code(err)]++
	}
	if codesSeen[codes.ResourceExhausted] == 0 || codesSeen[codes.PermissionDenied] == 0 || len(codesSeen) != 2 {
		t.Errorf("got %v, want denials and then a limit", codesSeen)
	}
}
