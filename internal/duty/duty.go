// Package duty holds the rules of being on call: who answers at an office at a
// given instant, whether a rota leaves nobody alone, who is called for an alarm and
// who after that, who may take it, and what may wait for the next digest.
//
// A Board is what is known at one moment; ask it OnShift, OnDuty, Next and
// MayAcknowledge. Announce joins a new rota to the one before it. Called changes what
// is kept of an alarm.
//
// Nothing here sends anything or waits: package dispatch does. How long a person is
// given before an alarm passes on is the policy's, and stands in Times.
package duty

import (
	"slices"
	"strings"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
)

// Staff is who there is. Staff lists them in an order that does not change by
// itself; ByID returns nil for somebody unknown.
type Staff interface {
	// ByID returns a person, or nil.
	ByID(id string) *amparov1.StaffMember
	// Staff lists everybody.
	Staff() []*amparov1.StaffMember
}

// Times are what the policy says of being on call.
type Times struct {
	// PassOn is how long somebody who was called has to acknowledge an alarm before
	// it passes to the next.
	PassOn time.Duration
	// WarnBefore is how long before it begins an empty slot is warned of.
	WarnBefore time.Duration
	// Digest is how long ordinary notices are gathered.
	Digest time.Duration
	// NoticesAnHour is how many ordinary notices a person gets in an hour at most.
	NoticesAnHour int
}

// Board is what is known about duty at one moment. It changes nothing.
type Board struct {
	Staff   Staff
	Times   Times
	Rotas   []*amparov1.Rota  // of all offices, at most one for each language of each
	Alarms  []*amparov1.Alarm // that nobody has acknowledged, the oldest first
	Notices []Notice          // that nobody has sent
	Told    []Notice          // that were sent in the last hour
	// Warned are the empty slots that an alarm has been raised for.
	Warned []EmptySlot
}

// able reports whether a person can answer at an office: active, of the office, in
// a role that works cases.
func able(member *amparov1.StaffMember, office string, now time.Time) bool {
	return access.InService(member, now) && slices.Contains(member.GetOffices(), office) && access.WorksCases(member.GetRoles())
}

func has(member *amparov1.StaffMember, role amparov1.Role) bool {
	return slices.Contains(member.GetRoles(), role)
}

// OnShift are the offices for which a person is on shift: those whose rota names
// them now, in whatever language. Where no rota is in force, or nobody whom it names
// can answer, every operator of the office is on shift: five people who share the
// phone keep no rota, and whoever calls one of them must be helped.
func (b *Board) OnShift(member *amparov1.StaffMember, now time.Time) []string {
	var offices []string
	for _, office := range member.GetOffices() {
		people := b.named(office, now)
		if slices.Contains(people, member.GetId()) || len(people) == 0 && operates(member, office, now) {
			offices = append(offices, office)
		}
	}
	return offices
}

// Shift is who is on shift at an office, whatever the language, and whether a rota
// says so.
func (b *Board) Shift(office string, now time.Time) (people []string, byRota bool) {
	if people = b.named(office, now); len(people) > 0 {
		return people, true
	}
	return b.operators(office, now), false
}

// named are those whom the rotas of an office name for an instant, and who can
// answer.
func (b *Board) named(office string, now time.Time) []string {
	var people []string
	for _, rota := range b.Rotas {
		if rota.GetOffice() == office {
			people = join(people, b.inSlot(rota, now))
		}
	}
	return people
}

// OnDuty is who answers at an office for somebody who speaks the language (BCP 47;
// empty where it is not known), in the order in which they are called: the people of
// that language's rota, then those of the rota for all languages, and where there is
// neither, whoever is on shift.
func (b *Board) OnDuty(office, language string, now time.Time) []string {
	var people []string
	for _, match := range []func(string) bool{
		func(of string) bool { return of != "" && strings.EqualFold(of, language) },
		func(of string) bool { return of != "" && primary(of) == primary(language) },
		func(of string) bool { return of == "" },
	} {
		for _, rota := range b.Rotas {
			if rota.GetOffice() == office && match(rota.GetLanguage()) {
				people = join(people, b.inSlot(rota, now))
			}
		}
	}
	if len(people) == 0 {
		people, _ = b.Shift(office, now)
	}
	return people
}

// primary is the language itself, without script and region.
func primary(language string) string {
	first, _, _ := strings.Cut(language, "-")
	return strings.ToLower(first)
}

// inSlot are the people of a rota's slot at an instant who can answer.
func (b *Board) inSlot(rota *amparov1.Rota, now time.Time) []string {
	slot := slotAt(rota, now)
	var people []string
	for _, id := range slot.GetStaffIds() {
		if able(b.Staff.ByID(id), rota.GetOffice(), now) {
			people = append(people, id)
		}
	}
	return people
}

func operates(member *amparov1.StaffMember, office string, now time.Time) bool {
	return able(member, office, now) && has(member, amparov1.Role_ROLE_HOTLINE_OPERATOR)
}

func (b *Board) operators(office string, now time.Time) []string {
	return b.those(func(m *amparov1.StaffMember) bool { return operates(m, office, now) })
}

func (b *Board) those(fit func(*amparov1.StaffMember) bool) []string {
	var people []string
	for _, member := range b.Staff.Staff() {
		if fit(member) {
			people = append(people, member.GetId())
		}
	}
	return people
}

// join adds those who are not in the list yet.
func join(people, more []string) []string {
	for _, id := range more {
		if !slices.Contains(people, id) {
			people = append(people, id)
		}
	}
	return people
}
