package access

import (
	"maps"
	"slices"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

func (r Rules) sorted() []string { return slices.Sorted(maps.Keys(r)) }

// casework are the roles that can open a case; an enrolment in one of them waits
// for a second person.
var casework = []amparov1.Role{
	amparov1.Role_ROLE_HOTLINE_OPERATOR,
	amparov1.Role_ROLE_CASE_OFFICER,
	amparov1.Role_ROLE_REVIEWER,
	amparov1.Role_ROLE_HEAD_OF_SECRETARIAT,
	amparov1.Role_ROLE_COMPLAINTS_OFFICER,
	amparov1.Role_ROLE_PROGRAMME_OFFICER,
	amparov1.Role_ROLE_DATA_PROTECTION_OFFICER,
}

// onTeams are the roles that a member of a case's team can have.
var onTeams = []amparov1.Role{
	amparov1.Role_ROLE_HOTLINE_OPERATOR,
	amparov1.Role_ROLE_CASE_OFFICER,
	amparov1.Role_ROLE_REVIEWER,
	amparov1.Role_ROLE_HEAD_OF_SECRETARIAT,
}

// confirmers are the roles that may confirm an enrolment.
var confirmers = []amparov1.Role{
	amparov1.Role_ROLE_ADMINISTRATOR,
	amparov1.Role_ROLE_REVIEWER,
	amparov1.Role_ROLE_HEAD_OF_SECRETARIAT,
}

// reviewers are the roles that look after the cases of an office beside those who
// work them: they give them to others, and are told when nobody acts.
var reviewers = []amparov1.Role{
	amparov1.Role_ROLE_REVIEWER,
	amparov1.Role_ROLE_HEAD_OF_SECRETARIAT,
}

// overseers are the roles that may know of a case that is restricted to its team.
var overseers = []amparov1.Role{
	amparov1.Role_ROLE_HEAD_OF_SECRETARIAT,
	amparov1.Role_ROLE_DATA_PROTECTION_OFFICER,
}

// clockKeepers are the roles that may confirm the service's clock.
var clockKeepers = []amparov1.Role{
	amparov1.Role_ROLE_ADMINISTRATOR,
	amparov1.Role_ROLE_HEAD_OF_SECRETARIAT,
}

// NeedsConfirmation reports whether one of the roles gives access to cases, so
// that the enrolment waits for a second person.
func NeedsConfirmation(roles []amparov1.Role) bool { return intersects(casework, roles) }

// WorksCases reports whether somebody with the roles can be on a case's team.
func WorksCases(roles []amparov1.Role) bool { return intersects(onTeams, roles) }

// MayConfirm reports whether somebody with the roles may confirm an enrolment.
func MayConfirm(roles []amparov1.Role) bool { return intersects(confirmers, roles) }

// KeepsClock reports whether somebody with the roles may confirm the service's clock.
func KeepsClock(roles []amparov1.Role) bool { return intersects(clockKeepers, roles) }

// Reviews reports whether somebody with the roles looks after the cases of their
// offices whoever owns them.
func Reviews(roles []amparov1.Role) bool { return intersects(reviewers, roles) }
