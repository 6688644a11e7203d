// Package access decides who may do what: roles and relations, and nothing else.
//
// A call passes two gates. Authorize looks at the caller and the method and
// yields a Grant; Grant.PermitCase looks at the loaded head of a file and yields
// a Permit. Package records demands both, and neither can be made anywhere but
// here, so a forgotten check fails at once. Start with Load, which reads from the
// descriptors what each method declares (access.proto), then Authorize.
//
// The package keeps no state and knows no transport: who is connected, and which
// directory is the newest, is for the caller to say.
package access

import (
	"slices"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
)

// Grant says that a person, on a device, may make one call. It does not say on
// which file: see PermitCase. The zero Grant permits nothing.
type Grant struct {
	staffID   string
	deviceID  string
	method    string
	action    amparov1.LeafAction
	offices   []string
	relations []amparov1.Relation
	onShift   []string // offices
	reviews   bool
	oversight bool
	service   bool
}

// Permit says that a Grant covers a file. The zero Permit covers none.
type Permit struct {
	granted bool
}

// Granted reports whether the permit was given; the zero Permit's was not.
func (p Permit) Granted() bool { return p.granted }

// Valid reports whether the grant was given; the zero Grant was not.
func (g Grant) Valid() bool { return g.method != "" }

// StaffID is the person who acts; empty for the service itself.
func (g Grant) StaffID() string { return g.staffID }

// DeviceID is the device that acts; empty for the service itself.
func (g Grant) DeviceID() string { return g.deviceID }

// Method is the full name of the method that was granted.
func (g Grant) Method() string { return g.method }

// Action is the act under which the call stands in the audit log.
func (g Grant) Action() amparov1.LeafAction { return g.action }

// OnShift reports whether the caller is on shift for an office.
func (g Grant) OnShift(office string) bool { return slices.Contains(g.onShift, office) }

// Reviews reports whether the caller looks after the cases of their offices, whoever
// owns them.
func (g Grant) Reviews() bool { return g.reviews }

// Oversees reports whether the caller may know of what is restricted to its team.
func (g Grant) Oversees() bool { return g.oversight }

// Offices are the caller's; the slice must not be changed.
func (g Grant) Offices() []string { return g.offices }

// Caller is a device and its person, as a connection has proven them.
type Caller struct {
	Staff  *amparov1.StaffMember
	Device *amparov1.Device
	// OnShift are the offices for which the person is on shift now.
	OnShift []string
}

// Authorize grants the method to the caller, or refuses: a person or device that
// is not active, a role that waits for its confirmation, a role that the method
// does not name. A method without a rule is refused to everybody.
func Authorize(rules Rules, caller Caller, method string, now time.Time) (Grant, error) {
	if !Active(caller, now) {
		return Grant{}, fault.New(amparov1.Reason_REASON_DEVICE_NOT_ACTIVE)
	}
	rule, ok := rules[method]
	if !ok || rule.GetCaller() != amparov1.Caller_CALLER_ENROLLED {
		return Grant{}, fault.New(amparov1.Reason_REASON_METHOD_UNKNOWN)
	}
	grant := Grant{
		staffID:   caller.Staff.GetId(),
		deviceID:  caller.Device.GetId(),
		method:    method,
		action:    rule.GetAction(),
		offices:   caller.Staff.GetOffices(),
		onShift:   caller.OnShift,
		reviews:   Reviews(caller.Staff.GetRoles()),
		oversight: intersects(overseers, caller.Staff.GetRoles()),
	}
	if len(rule.GetAllow()) == 0 {
		return grant, nil
	}
	if pending(caller) {
		return Grant{}, fault.New(amparov1.Reason_REASON_ROLE_PENDING)
	}
	for _, allowance := range rule.GetAllow() {
		if intersects(allowance.GetRoles(), caller.Staff.GetRoles()) {
			grant.relations = append(grant.relations, allowance.GetRelation())
		}
	}
	if len(grant.relations) == 0 {
		return Grant{}, fault.New(amparov1.Reason_REASON_ROLE_MISSING)
	}
	grant.oversight = oversees(rule, caller.Staff.GetRoles())
	return grant, nil
}

// oversees reports whether somebody oversees by a role that the call is for: an operator
// who is the data protection officer as well does not search restricted cases for that.
func oversees(rule *amparov1.AccessRule, roles []amparov1.Role) bool {
	return slices.ContainsFunc(rule.GetAllow(), func(allowance *amparov1.Allowance) bool {
		return slices.ContainsFunc(allowance.GetRoles(), func(role amparov1.Role) bool {
			return slices.Contains(overseers, role) && slices.Contains(roles, role)
		})
	})
}

// Service grants the service an act of its own: nobody called, so nobody's roles
// count, and the audit leaf names no one.
func Service(action amparov1.LeafAction) Grant {
	return Grant{method: "service", action: action, service: true}
}

// Active reports whether the caller's person and device are in standing at all,
// confirmed or not. An unset end of validity means that there is none.
func Active(caller Caller, now time.Time) bool {
	staff, device := caller.Staff, caller.Device
	if staff == nil || device == nil || ended(staff, now) {
		return false
	}
	staffIn := staff.GetStanding() == amparov1.StaffStanding_STAFF_STANDING_ACTIVE ||
		staff.GetStanding() == amparov1.StaffStanding_STAFF_STANDING_PENDING
	deviceIn := device.GetStanding() == amparov1.DeviceStanding_DEVICE_STANDING_ACTIVE ||
		device.GetStanding() == amparov1.DeviceStanding_DEVICE_STANDING_PENDING
	return staffIn && deviceIn
}

func ended(member *amparov1.StaffMember, now time.Time) bool {
	return member.GetValidUntil() != nil && !now.Before(member.GetValidUntil().AsTime())
}

// InService reports whether a member of staff is active and confirmed, with a device
// or without: somebody who can be told of a task.
func InService(member *amparov1.StaffMember, now time.Time) bool {
	return member.GetStanding() == amparov1.StaffStanding_STAFF_STANDING_ACTIVE && !ended(member, now)
}

// Present reports whether a member of staff can act now: active and confirmed, and
// with a device that is.
func Present(member *amparov1.StaffMember, now time.Time) bool {
	return slices.ContainsFunc(member.GetDevices(), func(device *amparov1.Device) bool {
		caller := Caller{Staff: member, Device: device}
		return Active(caller, now) && !pending(caller)
	})
}

func pending(caller Caller) bool {
	return caller.Staff.GetStanding() != amparov1.StaffStanding_STAFF_STANDING_ACTIVE ||
		caller.Device.GetStanding() != amparov1.DeviceStanding_DEVICE_STANDING_ACTIVE
}

// PermitCase permits the granted call on a case when one of the relations that
// the caller's roles came with holds. What is not permitted is not found: the
// answer must not tell a foreign case from an absent one.
func (g Grant) PermitCase(c *amparov1.Case) (Permit, error) {
	if g.service {
		return Permit{granted: true}, nil
	}
	if slices.Contains(c.GetExcludedStaffIds(), g.staffID) {
		return Permit{}, fault.New(amparov1.Reason_REASON_NOT_FOUND)
	}
	for _, relation := range g.relations {
		if g.relates(relation, c) {
			return Permit{granted: true}, nil
		}
	}
	return Permit{}, fault.New(amparov1.Reason_REASON_NOT_FOUND)
}

func (g Grant) relates(relation amparov1.Relation, c *amparov1.Case) bool {
	if relation != amparov1.Relation_RELATION_NONE && slices.Contains(c.GetTeamIds(), g.staffID) {
		return true
	}
	if relation == amparov1.Relation_RELATION_HEARD {
		return true // a withdrawal waits for nobody's office
	}
	if !slices.Contains(g.offices, c.GetOffice()) {
		return false
	}
	switch relation {
	case amparov1.Relation_RELATION_SHIFT:
		return slices.Contains(g.onShift, c.GetOffice())
	case amparov1.Relation_RELATION_HANDOVER:
		return c.GetHandoverToId() == g.staffID
	case amparov1.Relation_RELATION_DESK:
		return !c.GetRestricted() && c.GetState() == amparov1.CaseState_CASE_STATE_RECEIVED
	case amparov1.Relation_RELATION_OFFICE:
		return !c.GetRestricted()
	case amparov1.Relation_RELATION_OVERSIGHT:
		return true
	default:
		return false
	}
}

// PermitIntake permits opening a case at an office: one must belong to it.
func (g Grant) PermitIntake(office string) (Permit, error) {
	if !g.Valid() || !slices.Contains(g.offices, office) {
		return Permit{}, fault.Field(amparov1.Reason_REASON_OFFICE_UNKNOWN, "intake.office", "must be one of your offices")
	}
	return Permit{granted: true}, nil
}

// PermitDirectory permits the granted call on the staff directory and on
// invitations, which have no relation but the role. Only calls that declare
// RELATION_NONE, or that are open to everyone enrolled, get it.
func (g Grant) PermitDirectory() (Permit, error) {
	none := len(g.relations) == 0 || slices.Contains(g.relations, amparov1.Relation_RELATION_NONE)
	if !g.Valid() || !none {
		return Permit{}, fault.New(amparov1.Reason_REASON_NOT_FOUND)
	}
	return Permit{granted: true}, nil
}

// Standing is what a row of the queue must say about a case for Sees to decide.
type Standing struct {
	Office     string
	Restricted bool
	OnTeam     bool
	Excluded   bool
}

// Sees reports whether the caller may know that a case exists: as a member of its
// team, or of its office unless it is restricted to the team, which a head of
// secretariat may still see.
func (g Grant) Sees(s Standing) bool {
	return g.Valid() && s.knownTo(g.offices, g.oversight)
}

func (s Standing) knownTo(offices []string, oversight bool) bool {
	if s.Excluded || s.OnTeam {
		return !s.Excluded
	}
	return slices.Contains(offices, s.Office) && (!s.Restricted || oversight)
}

// MayKnow is what Sees decides of a caller, for somebody who does not call. Whoever
// owns a case may know of it.
func MayKnow(member *amparov1.StaffMember, c *amparov1.Case) bool {
	id := member.GetId()
	return Standing{
		Office: c.GetOffice(), Restricted: c.GetRestricted(), Excluded: slices.Contains(c.GetExcludedStaffIds(), id),
		OnTeam: slices.Contains(c.GetTeamIds(), id) || c.GetOwnerId() == id,
	}.knownTo(member.GetOffices(), slices.Contains(member.GetRoles(), amparov1.Role_ROLE_HEAD_OF_SECRETARIAT))
}

func intersects(a, b []amparov1.Role) bool {
	return slices.ContainsFunc(a, func(r amparov1.Role) bool { return slices.Contains(b, r) })
}
