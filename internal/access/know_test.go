package access_test

import (
	"testing"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
)

// TestWhoMayKnow: whoever does not call is told of no case that they would not see.
func TestWhoMayKnow(t *testing.T) {
	const (
		officer = amparov1.Role_ROLE_CASE_OFFICER
		head    = amparov1.Role_ROLE_HEAD_OF_SECRETARIAT
	)
	for name, row := range map[string]struct {
		c      *amparov1.Case
		role   amparov1.Role
		office string
		want   bool
	}{
		"a colleague":                        {&amparov1.Case{}, officer, "north", true},
		"somebody of another office":         {&amparov1.Case{}, officer, "south", false},
		"a colleague, of a restricted case":  {&amparov1.Case{Restricted: true}, officer, "north", false},
		"the head, of a restricted case":     {&amparov1.Case{Restricted: true}, head, "north", true},
		"the head of another office":         {&amparov1.Case{Restricted: true}, head, "south", false},
		"a team member, of another office":   {&amparov1.Case{Restricted: true, TeamIds: []string{"me"}}, officer, "south", true},
		"the owner, of another office":       {&amparov1.Case{Restricted: true, OwnerId: "me"}, officer, "south", true},
		"the owner, who is excluded by now":  {&amparov1.Case{OwnerId: "me", ExcludedStaffIds: []string{"me"}}, officer, "north", false},
		"a head who is excluded":             {&amparov1.Case{ExcludedStaffIds: []string{"me"}}, head, "north", false},
		"a team member, who is excluded too": {&amparov1.Case{TeamIds: []string{"me"}, ExcludedStaffIds: []string{"me"}}, officer, "north", false},
	} {
		row.c.Office = "north"
		member := &amparov1.StaffMember{Id: "me", Roles: []amparov1.Role{row.role}, Offices: []string{row.office}}
		if got := access.MayKnow(member, row.c); got != row.want {
			t.Errorf("%s: %v, want %v", name, got, row.want)
		}
	}
}

// TestWhoKeepsTheClock: those who are told that the clock leapt are those who may
// confirm it.
func TestWhoKeepsTheClock(t *testing.T) {
	rules, err := access.LoadV1()
	if err != nil {
		t.Fatal(err)
	}
	for number := range amparov1.Role_name {
		roles := []amparov1.Role{amparov1.Role(number)}
		if got, want := access.KeepsClock(roles), rules.Allows(amparov1.DeadlineService_ConfirmClock_FullMethodName, roles); got != want {
			t.Errorf("%v is told: %v, and may confirm: %v", roles[0], got, want)
		}
	}
}
