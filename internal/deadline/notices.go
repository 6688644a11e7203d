package deadline

import (
	"cmp"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/calendar"
)

const (
	warning = amparov1.TermStep_TERM_STEP_WARNING
	overdue = amparov1.TermStep_TERM_STEP_OVERDUE
	rung    = amparov1.TermStep_TERM_STEP_LADDER
)

// Reached returns what the people of the terms should have been told by now and were
// not, oldest first, as events that Apply records. What is recorded is not returned
// again, so each is told once, after a crash and after a stop of weeks as well; what
// was not recorded is returned however long ago it was.
//
// A warning comes again only when the term's due time has moved to a later one, and the
// warning's moment with it. Of a term that was met only the breach is told: a
// warning about what is done helps nobody.
func (b *Book) Reached(terms []*amparov1.Term, now time.Time) []*amparov1.TermEvent {
	var events []*amparov1.TermEvent
	for _, t := range terms {
		for _, n := range b.unrecorded(t) {
			if n.at.After(now) {
				continue
			}
			events = append(events, &amparov1.TermEvent{
				Event: amparov1.TermEventKind_TERM_EVENT_KIND_NOTICED, At: timestamppb.New(now), RulesVersion: b.Version,
				Kind: t.GetKind(), TermId: t.GetId(), Base: proto.CloneOf(t.GetBase()), StaffId: t.GetOwnerId(), Notice: n.message(),
			})
		}
	}
	slices.SortStableFunc(events, func(a, c *amparov1.TermEvent) int {
		return cmp.Or(
			a.GetNotice().GetAt().AsTime().Compare(c.GetNotice().GetAt().AsTime()),
			cmp.Compare(a.GetKind(), c.GetKind()),
			cmp.Compare(a.GetNotice().GetStep(), c.GetNotice().GetStep()),
		)
	})
	return events
}

// NextNotice returns the instant from which Reached has something to return, and
// whether there is one. It may lie in the past.
func (b *Book) NextNotice(terms []*amparov1.Term) (time.Time, bool) {
	var next time.Time
	found := false
	for _, t := range terms {
		for _, n := range b.unrecorded(t) {
			if !found || n.at.Before(next) {
				next, found = n.at, true
			}
		}
	}
	return next, found
}

// moment is a notice that is none yet. There are a million files to look through at
// unseal, and most of their notices lie in the future: messages are made of few.
type moment struct {
	step   amparov1.TermStep
	number uint32
	at     time.Time
	due    time.Time
}

func (m moment) message() *amparov1.TermNotice {
	return &amparov1.TermNotice{Step: m.step, Number: m.number, At: timestamppb.New(m.at), Due: timestamppb.New(m.due)}
}

func momentOf(n *amparov1.TermNotice) moment {
	return moment{n.GetStep(), n.GetNumber(), n.GetAt().AsTime(), n.GetDue().AsTime()}
}

func (m moment) equal(other moment) bool {
	return m.step == other.step && m.number == other.number && m.at.Equal(other.at)
}

// unrecorded returns the notices of a term, past and to come, that are not recorded.
func (b *Book) unrecorded(t *amparov1.Term) []moment {
	all := make([]moment, 0, 8)
	add := func(step amparov1.TermStep, number int, at time.Time) {
		m := moment{step, uint32(number), at, t.GetDue().AsTime()}
		if !recorded(t, m) && (running(t) || step == overdue && !at.After(t.GetMetAt().AsTime())) {
			all = append(all, m)
		}
	}
	for i, at := range b.warnings(t) {
		if !at.Before(t.GetBase().AsTime()) {
			add(warning, i+1, at)
		}
	}
	since := overdueSince(t)
	for _, at := range since {
		add(overdue, 0, at)
	}
	from := since[len(since)-1]
	for i, wait := range b.Ladder {
		add(rung, i+1, from.Add(wait))
	}
	return all
}

// overdueSince returns the instant from which a term is or will be overdue. For a
// legal date that was breached and then moved to a later day there are two: that one
// can be missed as well.
func overdueSince(t *amparov1.Term) []time.Time {
	if t.GetBreachedAt() == nil {
		return []time.Time{late(t)}
	}
	since := []time.Time{t.GetBreachedAt().AsTime()}
	if t.GetKind() == legal && late(t).After(since[0]) {
		since = append(since, late(t))
	}
	return since
}

// warnings returns the instants at which a term's owner is warned. Those of a legal
// date may lie before the term began.
func (b *Book) warnings(t *amparov1.Term) []time.Time {
	var all []time.Time
	base, due := t.GetBase().AsTime(), t.GetDue().AsTime()
	if t.GetKind() == legal {
		for _, days := range b.LegalWarnings {
			all = append(all, due.Add(-time.Duration(days)*day*time.Hour))
		}
		return all
	}
	var stopped []calendar.Span
	if len(t.GetPauses()) > 0 {
		rule, _ := b.byID(t.GetRule()) // without its rule a term has never rested
		stopped = rests(t.GetPauses(), rule.PauseCap)
	}
	length := due.Sub(base)
	for _, span := range stopped {
		until := span.Until
		if until.After(due) {
			until = due // an agreed due time may come before the end of a pause
		}
		length -= max(0, until.Sub(span.From))
	}
	for _, percent := range b.Warnings {
		all = append(all, calendar.Elapse(base, length/100*time.Duration(percent), stopped...))
	}
	return all
}

// recorded tells whether a notice is on record, or a later one that makes it needless.
// A warning comes again only for a later due time: the end of a pause moves its moment
// by a little, which is no news. A rung is climbed once for each time that a term
// became overdue: rules that put it later do not wake everybody again for what has
// been overdue for weeks.
func recorded(t *amparov1.Term, m moment) bool {
	return slices.ContainsFunc(t.GetNotices(), func(n *amparov1.TermNotice) bool {
		old := momentOf(n)
		return old.step == m.step && old.number == m.number &&
			(!old.at.Before(m.at) || m.step == warning && !old.due.Before(m.due) || m.step == rung && climbed(t, old))
	})
}

// climbed tells whether a rung on record is one of the ladder that a term is on.
func climbed(t *amparov1.Term, old moment) bool {
	since := overdueSince(t)
	return !old.at.Before(since[len(since)-1])
}

// record keeps a notice with the term that it is about. Files that were merged may
// have had two of a kind with one base: it is the one that still lacks just this
// notice.
func (b *Book) record(terms []*amparov1.Term, event *amparov1.TermEvent) error {
	n := event.GetNotice()
	told := momentOf(n)
	if n.GetStep() == amparov1.TermStep_TERM_STEP_UNSPECIFIED || n.GetAt() == nil {
		return refuseField("notice", "has a step and an instant")
	}
	var about *amparov1.Term
	for _, t := range terms {
		if t.GetKind() != event.GetKind() || t.GetId() != event.GetTermId() ||
			!t.GetBase().AsTime().Equal(event.GetBase().AsTime()) {
			continue
		}
		lacks := slices.ContainsFunc(b.unrecorded(t), told.equal)
		if about == nil || lacks {
			about = t
		}
		if lacks {
			break
		}
	}
	if about == nil {
		return refuse("kind", "names a term of the file")
	}
	keepNotice(about, n)
	if n.GetStep() == overdue && about.GetBreachedAt() == nil {
		about.BreachedAt = proto.CloneOf(n.GetAt())
	}
	return nil
}

// keepNotice keeps the newest of each step and number.
func keepNotice(t *amparov1.Term, n *amparov1.TermNotice) {
	if recorded(t, momentOf(n)) {
		return
	}
	t.Notices = slices.DeleteFunc(t.Notices, func(old *amparov1.TermNotice) bool {
		return old.GetStep() == n.GetStep() && old.GetNumber() == n.GetNumber()
	})
	t.Notices = append(t.Notices, proto.CloneOf(n))
}

// TellsAs reports whether the notices of every term come at the same instants by both
// books: whoever knows when NextNotice was by the one need not ask the other.
func (b *Book) TellsAs(other *Book) bool {
	return slices.Equal(b.Warnings, other.Warnings) && slices.Equal(b.LegalWarnings, other.LegalWarnings) &&
		slices.Equal(b.Ladder, other.Ladder) && slices.Equal(b.Rules, other.Rules)
}
