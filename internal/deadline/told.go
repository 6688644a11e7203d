package deadline

import (
	"slices"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// Circle is who stands around a file at a moment and may know of it.
type Circle struct {
	// OwnerID owns the file. A term may have an owner of its own.
	OwnerID string
	// Reachable says of a person whether they are in service and may know of the file.
	Reachable func(staffID string) bool
	// OnCall are those on call for the file, Above those who answer for its office.
	OnCall, Above []string
}

// Told says who is told of notices, each once and in order, and which alarms are
// raised. terms are the file's.
//
// A warning and what is overdue go to the owner. Then the ladder is climbed (practice
// of Access Now's helpline): its first rung is the owner again, its last those who
// answer for the office, with an alarm that somebody must take; between them are
// those on call. A place where nobody is reachable is passed over for the next, so
// that an owner who has left keeps nothing quiet. A missed check-in is an alarm at
// once, unless the person has been heard from by now, and so is a second signature that
// nobody has given: somebody let something leave alone, and nobody else has looked.
func (b *Book) Told(terms []*amparov1.Term, circle Circle, notices []*amparov1.TermEvent) (staffIDs []string, alarms []amparov1.AlarmKind) {
	for _, event := range notices {
		for _, id := range circle.from(b.place(event.GetNotice()), event.GetStaffId()) {
			if !slices.Contains(staffIDs, id) {
				staffIDs = append(staffIDs, id)
			}
		}
		kind := b.alarm(terms, event)
		if kind != amparov1.AlarmKind_ALARM_KIND_UNSPECIFIED && !slices.Contains(alarms, kind) {
			alarms = append(alarms, kind)
		}
	}
	return staffIDs, alarms
}

// The places that are told, from the nearest to the file up.
const (
	toOwner = iota
	toOnCall
	toAbove
)

func (b *Book) place(n *amparov1.TermNotice) int {
	switch {
	case n.GetStep() != rung:
		return toOwner
	case b.top(n):
		return toAbove
	case n.GetNumber() == 1:
		return toOwner
	default:
		return toOnCall
	}
}

// top tells whether a notice is the last rung. A ladder that was longer when the
// notice was due counts as one.
func (b *Book) top(n *amparov1.TermNotice) bool {
	return n.GetStep() == rung && int(n.GetNumber()) >= len(b.Ladder)
}

func (c *Circle) from(place int, termOwnerID string) []string {
	owner := termOwnerID
	if owner == "" {
		owner = c.OwnerID
	}
	for _, told := range [][]string{{owner}, c.OnCall, c.Above}[place:] {
		told = slices.DeleteFunc(slices.Clone(told), func(id string) bool { return id == "" || !c.Reachable(id) })
		if len(told) > 0 {
			return told
		}
	}
	return nil
}

// atOnce are the alarms that do not wait for the end of the ladder.
var atOnce = map[amparov1.TermKind]amparov1.AlarmKind{
	amparov1.TermKind_TERM_KIND_CHECK_IN:         amparov1.AlarmKind_ALARM_KIND_MISSED_CHECK_IN,
	amparov1.TermKind_TERM_KIND_COUNTERSIGNATURE: amparov1.AlarmKind_ALARM_KIND_COUNTERSIGNATURE,
}

func (b *Book) alarm(terms []*amparov1.Term, event *amparov1.TermEvent) amparov1.AlarmKind {
	n := event.GetNotice()
	switch {
	case b.top(n):
		return amparov1.AlarmKind_ALARM_KIND_OVERDUE
	case n.GetStep() == overdue && stillMissed(terms, event):
		return atOnce[event.GetKind()]
	default:
		return amparov1.AlarmKind_ALARM_KIND_UNSPECIFIED
	}
}

func stillMissed(terms []*amparov1.Term, event *amparov1.TermEvent) bool {
	return slices.ContainsFunc(terms, func(t *amparov1.Term) bool {
		return t.GetKind() == event.GetKind() && t.GetId() == event.GetTermId() && running(t) &&
			t.GetBase().AsTime().Equal(event.GetBase().AsTime())
	})
}
