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
// A warning comes again only when the term's due time has moved so that its moment
// lies later than the one recorded. Of a term that was met only the breach is told: a
// warning about what is done helps nobody.
func (b *Book) Reached(terms []*amparov1.Term, now time.Time) []*amparov1.TermEvent {
	var events []*amparov1.TermEvent
	for _, t := range terms {
		for _, n := range b.unrecorded(t) {
			if n.GetAt().AsTime().After(now) {
				continue
			}
			events = append(events, &amparov1.TermEvent{
				Event: amparov1.TermEventKind_TERM_EVENT_KIND_NOTICED, At: timestamppb.New(now), RulesVersion: b.Version,
				Kind: t.GetKind(), TermId: t.GetId(), Base: proto.CloneOf(t.GetBase()), StaffId: t.GetOwnerId(), Notice: n,
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
			if at := n.GetAt().AsTime(); !found || at.Before(next) {
				next, found = at, true
			}
		}
	}
	return next, found
}

// unrecorded returns the notices of a term, past and to come, that are not recorded.
func (b *Book) unrecorded(t *amparov1.Term) []*amparov1.TermNotice {
	var all []*amparov1.TermNotice
	add := func(step amparov1.TermStep, number int, at time.Time) {
		n := &amparov1.TermNotice{Step: step, Number: uint32(number), At: timestamppb.New(at)}
		if !recorded(t, n) && (running(t) || step == overdue && !at.After(t.GetMetAt().AsTime())) {
			all = append(all, n)
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
	if rule, exists := b.byID(t.GetRule()); exists {
		stopped = rests(t.GetPauses(), rule.PauseCap)
	}
	length := due.Sub(base)
	for _, span := range stopped {
		length -= span.Until.Sub(span.From)
	}
	for _, percent := range b.Warnings {
		all = append(all, calendar.Elapse(base, length/100*time.Duration(percent), stopped...))
	}
	return all
}

func recorded(t *amparov1.Term, n *amparov1.TermNotice) bool {
	return slices.ContainsFunc(t.GetNotices(), func(old *amparov1.TermNotice) bool {
		return same(old, n) && !old.GetAt().AsTime().Before(n.GetAt().AsTime())
	})
}

func same(a, b *amparov1.TermNotice) bool {
	return a.GetStep() == b.GetStep() && a.GetNumber() == b.GetNumber()
}

// record keeps a notice with the term that it is about. Files that were merged may
// have had two of a kind with one base: it is the one that still lacks just this
// notice.
func (b *Book) record(terms []*amparov1.Term, event *amparov1.TermEvent) error {
	n := event.GetNotice()
	if n.GetStep() == amparov1.TermStep_TERM_STEP_UNSPECIFIED || n.GetAt() == nil {
		return refuseField("notice", "has a step and an instant")
	}
	var about *amparov1.Term
	for _, t := range terms {
		if t.GetKind() != event.GetKind() || t.GetId() != event.GetTermId() ||
			!t.GetBase().AsTime().Equal(event.GetBase().AsTime()) {
			continue
		}
		lacks := slices.ContainsFunc(b.unrecorded(t), func(u *amparov1.TermNotice) bool { return proto.Equal(u, n) })
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
	if recorded(t, n) {
		return
	}
	t.Notices = slices.DeleteFunc(t.Notices, func(old *amparov1.TermNotice) bool { return same(old, n) })
	t.Notices = append(t.Notices, proto.CloneOf(n))
}
