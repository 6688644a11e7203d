package year_test

import (
	"fmt"
	"slices"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// hours are how long the terms may take at low, medium, high and extreme risk: typed
// off once more, so that this model shares nothing with what it judges.
var hours = map[amparov1.TermKind][4]time.Duration{
	amparov1.TermKind_TERM_KIND_TRIAGE:           {72, 24, 4, 1},
	amparov1.TermKind_TERM_KIND_FIRST_CONTACT:    {168, 72, 24, 4},
	amparov1.TermKind_TERM_KIND_SUPPORT_DECISION: {720, 336, 72, 24},
	amparov1.TermKind_TERM_KIND_REASSESSMENT:     {2160, 720, 336, 72},
	amparov1.TermKind_TERM_KIND_CHECK_IN:         {720, 336, 168, 24},
}

// clock is one term of a case as the model keeps it. Risk only rises in this year, so
// a term only becomes shorter and nothing is told of it twice.
type clock struct {
	kind      amparov1.TermKind
	base, due time.Time
	met       bool
	breach    time.Time // zero while it is none
	told      map[string]bool
}

// story is a case as the model keeps it.
type story struct {
	clocks []*clock
	closed bool
	told   []string // what its people are told, and when that was due
	alarms []string
}

// tell is what a sweep at an instant tells of a case, and has not told before.
func (s *story) tell(at time.Time) {
	if s.closed {
		return
	}
	for _, c := range s.clocks {
		if c.met {
			continue // each step was swept before people did anything
		}
		length := c.due.Sub(c.base)
		s.say(c, at, "warning 1", c.base.Add(length/2))
		s.say(c, at, "warning 2", c.base.Add(length/10*8))
		late := c.late()
		if s.say(c, at, "overdue 0", late) && c.kind == amparov1.TermKind_TERM_KIND_CHECK_IN {
			s.raise("missed check-in")
		}
		if !at.Before(late) {
			c.breach = late
		}
		s.say(c, at, "ladder 1", late.Add(60*time.Minute))
		s.say(c, at, "ladder 2", late.Add(90*time.Minute))
		if s.say(c, at, "ladder 3", late.Add(120*time.Minute)) {
			s.raise("overdue")
		}
	}
}

func (s *story) say(c *clock, at time.Time, what string, due time.Time) bool {
	if due.After(at) || c.told[what] {
		return false
	}
	c.told[what] = true
	s.told = append(s.told, line(c.kind, c.base, what, due))
	return true
}

func line(kind amparov1.TermKind, base time.Time, what string, due time.Time) string {
	return fmt.Sprint(kind, " since ", base.Sub(begun), ", ", what, " at ", due.Sub(begun))
}

func (s *story) raise(alarm string) {
	if !slices.Contains(s.alarms, alarm) { // nobody acknowledges one in this year
		s.alarms = append(s.alarms, alarm)
	}
}

// late is when the term was or will be overdue.
func (c *clock) late() time.Time {
	if !c.breach.IsZero() {
		return c.breach
	}
	return c.due.Add(time.Millisecond)
}

// live takes in what people did, as the timeline has it.
func (s *story) live(entry *amparov1.TimelineEntry) {
	now := entry.GetAt().AsTime()
	if entry.GetKind() == amparov1.TimelineKind_TIMELINE_KIND_STATE {
		s.closed = entry.GetToState() == amparov1.CaseState_CASE_STATE_CLOSED
	}
	for _, event := range entry.GetTermEvents() {
		length := hours[event.GetKind()][max(event.GetLevel(), 2)-2] * time.Hour
		switch event.GetEvent() {
		case amparov1.TermEventKind_TERM_EVENT_KIND_STARTED:
			if s.mayBegin(event.GetKind()) {
				base := event.GetBase().AsTime()
				s.clocks = append(s.clocks, &clock{kind: event.GetKind(), base: base, due: base.Add(length), told: map[string]bool{}})
			}
		case amparov1.TermEventKind_TERM_EVENT_KIND_MET:
			for _, c := range s.clocks {
				c.met = c.met || c.kind == event.GetKind()
			}
		case amparov1.TermEventKind_TERM_EVENT_KIND_LEVEL_CHANGED:
			for _, c := range s.clocks {
				c.shorten(hours[c.kind][event.GetLevel()-2]*time.Hour, now)
			}
		default:
		}
	}
}

func (s *story) mayBegin(kind amparov1.TermKind) bool {
	again := kind == amparov1.TermKind_TERM_KIND_REASSESSMENT || kind == amparov1.TermKind_TERM_KIND_CHECK_IN
	return !slices.ContainsFunc(s.clocks, func(c *clock) bool { return c.kind == kind && (!c.met || !again) })
}

// shorten counts a running term again; what becomes overdue by that is so from now on.
func (c *clock) shorten(length time.Duration, now time.Time) {
	if c.met {
		return
	}
	c.due = c.base.Add(length)
	if c.breach.IsZero() && c.due.Before(now) {
		c.breach = now
	}
}
