// Package calendar counts time as people and laws do: so many hours, so many days
// to the end of the last one, so many working days, so many months, in one zone,
// with its public holidays.
//
// Make a Calendar with New and ask it for Due. A due instant of a term in days is
// the last millisecond of a local day; computed from the local date and stored in
// UTC, it is right whatever the zone's clocks did on the way. Zones come as
// arguments, since loading one reads files.
//
// The package does not know what is being counted, when a term was met or why it
// rests: that is deadline. It knows no calendar but the Gregorian one.
package calendar

import (
	"errors"
	"slices"
	"time"
)

// Config is what makes the days of one mechanism. The zero value but for the zone
// counts calendar days, with Saturdays and Sundays off and no holidays.
type Config struct {
	// Zone is where a day begins and ends. Required.
	Zone *time.Location
	// Holidays are the public holidays, in any order.
	Holidays []Date
	// Weekend are the days of each week that are no working days; nil means
	// Saturday and Sunday. At least one day of the week must be left.
	Weekend []time.Weekday
	// EU118271 counts by article 3 of Regulation (EEC, Euratom) No 1182/71: a
	// period in days or months that would end on a day off ends with the next
	// working day (3(4)), and one of two days or more has at least two working
	// days in it (3(5)). Without it weekends extend nothing: the strictest reading.
	EU118271 bool
}

// Calendar counts days. It never changes, so many may use one at a time.
type Calendar struct {
	zone     *time.Location
	holidays map[Date]bool
	weekend  [7]bool
	extends  bool
}

// Span is time that does not count, from one instant to another.
type Span struct {
	From, Until time.Time
}

// New returns the calendar of a configuration. It refuses one without a zone or
// without a working day, and a holiday that is no date.
func New(config Config) (*Calendar, error) {
	if config.Zone == nil {
		return nil, errors.New("make calendar: it needs a zone")
	}
	c := &Calendar{zone: config.Zone, holidays: map[Date]bool{}, extends: config.EU118271}
	weekend := config.Weekend
	if weekend == nil {
		weekend = []time.Weekday{time.Saturday, time.Sunday}
	}
	for _, day := range weekend {
		if day < time.Sunday || day > time.Saturday {
			return nil, errors.New("make calendar: a week has seven days")
		}
		c.weekend[day] = true
	}
	if !slices.Contains(c.weekend[:], false) {
		return nil, errors.New("make calendar: a week needs a working day")
	}
	for _, holiday := range config.Holidays {
		if dateOf(holiday.utc()) != holiday {
			return nil, errors.New("make calendar: a holiday is no date")
		}
		c.holidays[holiday] = true
	}
	return c, nil
}

// Day returns the date that clocks on the wall show at an instant.
func (c *Calendar) Day(at time.Time) Date { return dateOf(at.In(c.zone)) }

// Working tells whether a day is neither weekend nor public holiday.
func (c *Calendar) Working(d Date) bool { return !c.weekend[d.Weekday()] && !c.holidays[d] }

// End returns the last millisecond of a day, in UTC: 23:59:59.999, the second of
// two where that time comes twice. A day that the zone has left out ends with the
// day before it.
func (c *Calendar) End(d Date) time.Time {
	// Wall clocks run evenly between two changes of the zone. In each stretch the
	// day's last millisecond follows from the offset, or the stretch ends first;
	// the latest of them is the day's end. No zone has ever been 26 hours off.
	const reach = 26 * time.Hour
	midnight := d.utc().Add(24 * time.Hour)
	var last time.Time
	for at := midnight.Add(-reach); !at.After(midnight.Add(reach)); {
		local := at.In(c.zone)
		_, offset := local.Zone()
		start, next := local.ZoneBounds()
		end := midnight.Add(-time.Duration(offset) * time.Second)
		if !next.IsZero() && next.Before(end) {
			end = next
		}
		if start.IsZero() || end.After(start) {
			last = end
		}
		if next.IsZero() {
			break
		}
		at = next
	}
	return last.Add(-time.Millisecond).UTC()
}

// Due returns the last instant at which something is in time that began at base,
// in UTC. Time in stopped does not count: as it elapsed for a term in minutes or
// hours, and else by whole days, from the day of each span's beginning to the day
// before its end. The spans stand in order and do not overlap.
//
// A length that is not valid is due at once.
func (c *Calendar) Due(base time.Time, l Length, stopped ...Span) time.Time {
	if !l.Valid() {
		return base.UTC()
	}
	if elapsed, ok := l.Elapsed(); ok {
		return Elapse(base, elapsed, stopped...)
	}
	rest := c.rests(stopped)
	first := c.Day(base)
	last := first
	switch l.Unit {
	case Months:
		last = first.AddMonths(l.Count)
		for d := first.Add(1); d.Compare(last) <= 0; d = d.Add(1) {
			if rest(d) {
				last = last.Add(1)
			}
		}
	default:
		for left := l.Count; left > 0; {
			last = last.Add(1)
			if !rest(last) && (l.Unit == Days || c.Working(last)) {
				left--
			}
		}
	}
	if c.extends {
		last = c.extend(first, last)
	}
	return c.End(last)
}

// Elapse returns the instant at which a duration has passed since base, in UTC, not
// counting the spans, which stand in order and do not overlap. It needs no
// calendar: hours are the same everywhere.
func Elapse(base time.Time, length time.Duration, stopped ...Span) time.Time {
	due := base.Add(length)
	for _, span := range stopped {
		from := span.From
		if from.Before(base) {
			from = base
		}
		if from.Before(due) && span.Until.After(from) {
			due = due.Add(span.Until.Sub(from))
		}
	}
	return due.UTC()
}

// rests tells of a day whether it does not count.
func (c *Calendar) rests(stopped []Span) func(Date) bool {
	return func(d Date) bool {
		return slices.ContainsFunc(stopped, func(s Span) bool {
			return d.Compare(c.Day(s.From)) >= 0 && d.Compare(c.Day(s.Until)) < 0
		})
	}
}

// extend is article 3(4) and (5) of Regulation 1182/71: it returns the first working
// day from last on by which the period has its working days.
func (c *Calendar) extend(first, last Date) Date {
	needed := 2
	if last == first.Add(1) {
		needed = 1 // 3(5) begins with periods of two days
	}
	for d := first.Add(1); ; d = d.Add(1) {
		if !c.Working(d) {
			continue
		}
		needed--
		if needed <= 0 && d.Compare(last) >= 0 {
			return d
		}
	}
}
