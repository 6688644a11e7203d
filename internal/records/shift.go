package records

import (
	"slices"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// OnShift returns the offices for which a person is on shift at a time. An office
// that keeps no rota counts every operator of its own as on shift: five people who
// share the phone have none, and a person who calls one of them must be helped.
func (r *Records) OnShift(member *amparov1.StaffMember, _ time.Time) []string {
	if !slices.Contains(member.GetRoles(), amparov1.Role_ROLE_HOTLINE_OPERATOR) {
		return nil
	}
	return member.GetOffices()
}
