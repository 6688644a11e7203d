package deadline_test

import (
	"slices"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/calendar"
	"github.com/amparo-project/amparo/internal/deadline"
)

// plainClock is a term as somebody would keep it on paper: by the hour and by the
// day, counted anew each time. All its times are whole hours, but for the end of a day.
type plainClock struct {
	kind     amparov1.TermKind
	id       string // which of several
	level    amparov1.RiskLevel
	base     time.Time
	due      time.Time
	met      time.Time // zero: runs
	missed   time.Time // zero: it was not
	pauses   []plainPause
	agreed   time.Time      // or set, because of what has happened; zero: nothing was
	extended int            // how often its due time has moved to a later one
	told     map[string]int // how often each notice was given
}

// repeated are the kinds of lived that begin again after they were met.
var repeated = []amparov1.TermKind{checkIn, reassessment, subjectAccess, countersignature, breachNotice, reconfirmation}

type plainPause struct{ from, until time.Time } // until zero: open

// plainFile is what the engine is compared with.
type plainFile struct {
	book   *deadline.Book
	zone   *time.Location
	clocks []*plainClock
}

func (c *plainClock) runs() bool { return c.met.IsZero() }

func (c *plainClock) late(now time.Time) bool { return now.Sub(c.due) >= time.Millisecond }

// look puts down that a clock is overdue; made is when it was made so, if it was.
func (c *plainClock) look(now, made time.Time) {
	if !c.late(now) || !c.missed.IsZero() {
		return
	}
	c.missed = c.due.Add(time.Millisecond)
	if made.After(c.missed) {
		c.missed = made
	}
}

func (f *plainFile) running(kind amparov1.TermKind, id string) *plainClock {
	for _, c := range f.clocks {
		if c.kind == kind && c.id == id && c.runs() {
			return c
		}
	}
	return nil
}

func (f *plainFile) start(kind amparov1.TermKind, id string, base time.Time, level amparov1.RiskLevel) {
	if _, exists := f.book.Rule(kind, level); !exists || f.running(kind, id) != nil {
		return
	}
	for _, c := range f.clocks {
		if c.kind == kind && !slices.Contains(repeated, kind) {
			return
		}
	}
	c := &plainClock{kind: kind, id: id, level: level, base: base, told: map[string]int{}}
	c.due = f.count(c, base, level)
	f.clocks = append(f.clocks, c)
}

func (f *plainFile) change(level amparov1.RiskLevel, now time.Time) {
	for _, c := range f.clocks {
		if _, exists := f.book.Rule(c.kind, level); !exists || !c.runs() {
			continue
		}
		c.look(now, time.Time{})
		due := f.count(c, c.base, level)
		if due.After(c.due) && !c.missed.IsZero() {
			continue
		}
		c.moveTo(due)
		c.level = level
		c.look(now, now)
	}
}

func (c *plainClock) moveTo(due time.Time) {
	if due.After(c.due) {
		c.extended++
	}
	c.due = due
}

func (f *plainFile) meet(kind amparov1.TermKind, id string, now time.Time) {
	if c := f.running(kind, id); c != nil {
		c.look(now, time.Time{})
		c.met = now
	}
}

// pause tells whether it may be.
func (f *plainFile) pause(kind amparov1.TermKind, now time.Time) bool {
	c := f.running(kind, "")
	if c == nil || !c.missed.IsZero() || c.late(now) || c.paused() || f.used(c) >= f.limit(c) {
		return false
	}
	c.pauses = append(c.pauses, plainPause{from: now})
	c.moveTo(f.count(c, c.base, c.level))
	return true
}

func (f *plainFile) resume(kind amparov1.TermKind, now time.Time) bool {
	c := f.running(kind, "")
	if c == nil || !c.paused() {
		return false
	}
	c.look(now, time.Time{})
	c.pauses[len(c.pauses)-1].until = now
	if due := f.count(c, c.base, c.level); due.Before(c.due) {
		c.due = due
	}
	c.look(now, now)
	return true
}

func (c *plainClock) paused() bool {
	return len(c.pauses) > 0 && c.pauses[len(c.pauses)-1].until.IsZero()
}

func (f *plainFile) limit(c *plainClock) time.Duration {
	rule, _ := f.book.Rule(c.kind, c.level)
	return rule.PauseCap
}

// used is how much of its pauses a clock has used, hour by hour.
func (f *plainFile) used(c *plainClock) time.Duration {
	var used time.Duration
	for _, p := range c.pauses {
		if !p.until.IsZero() {
			used += p.until.Sub(p.from)
		}
	}
	return min(used, f.limit(c))
}

// effective is the pauses of a clock as far as the cap lets them count.
func (f *plainFile) effective(c *plainClock, limit time.Duration) []plainPause {
	var all []plainPause
	for _, p := range c.pauses {
		until := p.from
		for limit > 0 && (p.until.IsZero() || until.Before(p.until)) {
			until = until.Add(time.Hour)
			limit -= time.Hour
		}
		all = append(all, plainPause{p.from, until})
	}
	return all
}

// count is when a clock is due that began at base, unless an earlier time was agreed.
func (f *plainFile) count(c *plainClock, base time.Time, level amparov1.RiskLevel) time.Time {
	due := f.countByRule(c, base, level)
	if !c.agreed.IsZero() && c.agreed.Before(due) {
		return c.agreed
	}
	return due
}

func (f *plainFile) hasten(kind amparov1.TermKind, id string, due, now time.Time) {
	c := f.running(kind, id)
	if c == nil {
		return
	}
	c.look(now, time.Time{})
	if c.agreed.IsZero() || due.Before(c.agreed) {
		c.agreed = due
	}
	if c.agreed.Before(c.due) {
		c.due = c.agreed
	}
	c.look(now, now)
}

// countByRule counts one hour, or one day, at a time.
func (f *plainFile) countByRule(c *plainClock, base time.Time, level amparov1.RiskLevel) time.Time {
	rule, _ := f.book.Rule(c.kind, level)
	pauses := f.effective(c, rule.PauseCap)
	if rule.Length.Unit == calendar.Hours {
		at := base
		for left := rule.Length.Count; left > 0; at = at.Add(time.Hour) {
			if !resting(pauses, at) {
				left--
			}
		}
		return at
	}
	v := vector{zone: f.zone}
	first := plainDayOf(base.In(f.zone))
	last := first
	if rule.Length.Unit == calendar.Months {
		last = first.sameDayLater(rule.Length.Count)
		for d := first.next(); !d.after(last); d = d.next() {
			if f.restingDay(pauses, d) {
				last = last.next()
			}
		}
		return plainEnd(last, f.zone)
	}
	for left := rule.Length.Count; left > 0; {
		last = last.next()
		if !f.restingDay(pauses, last) && (rule.Length.Unit == calendar.Days || !v.off(last)) {
			left--
		}
	}
	return plainEnd(last, f.zone)
}

func resting(pauses []plainPause, at time.Time) bool {
	for _, p := range pauses {
		if !at.Before(p.from) && at.Before(p.until) {
			return true
		}
	}
	return false
}

func (f *plainFile) restingDay(pauses []plainPause, d plainDay) bool {
	for _, p := range pauses {
		if !plainDayOf(p.from.In(f.zone)).after(d) && plainDayOf(p.until.In(f.zone)).after(d) {
			return true
		}
	}
	return false
}

func (f *plainFile) merge(other *plainFile, now time.Time) {
	for _, o := range other.clocks {
		c := f.running(o.kind, o.id)
		if c == nil || !o.runs() {
			f.clocks = append(f.clocks, o)
			continue
		}
		c.look(now, time.Time{})
		o.look(now, time.Time{})
		if c.missed.IsZero() || !o.missed.IsZero() && o.missed.Before(c.missed) {
			c.missed = o.missed
		}
		if o.base.Before(c.base) {
			c.base = o.base
		}
		c.pauses = nil
		if c.agreed.IsZero() || !o.agreed.IsZero() && o.agreed.Before(c.agreed) {
			c.agreed = o.agreed
		}
		levels := []amparov1.RiskLevel{c.level, o.level}
		if o.due.Before(c.due) {
			c.due, c.level = o.due, o.level
		}
		for _, level := range levels {
			if due := f.count(c, c.base, level); due.Before(c.due) {
				c.due, c.level = due, level
			}
		}
		c.look(now, now)
		c.extended += o.extended + 1 // what the other file was told counts as told
		for notice, times := range o.told {
			c.told[notice] += times
		}
	}
}
