package safety

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// Zones finds a time zone by its IANA name, as time.LoadLocation does.
type Zones func(name string) (*time.Location, error)

// advised is what to read at a contact before its number: the time there, and whether
// it is a safe hour.
func advised(c *amparov1.SafetyContact, zones Zones, at time.Time) *amparov1.ContactAdvice {
	advice := &amparov1.ContactAdvice{Contact: c, SafeHours: amparov1.SafeHours_SAFE_HOURS_ANY}
	way := c.GetContact().GetWay()
	zone := zoneOf(way.GetTimeZone(), zones)
	if zone != nil {
		advice.LocalTime = at.In(zone).Format("Mon 15:04")
	}
	if len(way.GetWindows()) == 0 {
		return advice
	}
	if zone == nil {
		advice.SafeHours = amparov1.SafeHours_SAFE_HOURS_UNKNOWN
		return advice
	}
	next, now := nextSafe(way.GetWindows(), at.In(zone))
	if now {
		advice.SafeHours = amparov1.SafeHours_SAFE_HOURS_NOW
		return advice
	}
	advice.SafeHours = amparov1.SafeHours_SAFE_HOURS_NOT_NOW
	if !next.IsZero() {
		advice.SafeFrom = timestamppb.New(next)
	}
	return advice
}

func zoneOf(name string, zones Zones) *time.Location {
	if name == "" {
		return nil
	}
	zone, err := zones(name)
	if err != nil {
		return nil
	}
	return zone
}

// nextSafe reports whether a local time lies in one of the windows, and otherwise
// when the next one begins. A window that ends before it begins ends on the next day
// and belongs to the day on which it begins; one that ends when it begins lasts a
// day. On the day of a change of clocks a window is as long as the clocks make it.
func nextSafe(windows []*amparov1.SafeWindow, local time.Time) (next time.Time, now bool) {
	for _, w := range windows {
		for day := -1; day <= 7; day++ {
			begin, ok := clockOn(local, day, w.GetFrom())
			if !ok || !onDay(w, begin) {
				continue
			}
			until, ok := clockOn(local, day, w.GetUntil())
			if ok && w.GetUntil() <= w.GetFrom() {
				until, ok = clockOn(local, day+1, w.GetUntil())
			}
			if ok && !local.Before(begin) && local.Before(until) {
				return time.Time{}, true
			}
			if begin.After(local) && (next.IsZero() || begin.Before(next)) {
				next = begin
			}
		}
	}
	return next, false
}

// clockOn is a time HH:MM some days after a local day.
func clockOn(local time.Time, days int, clock string) (time.Time, bool) {
	hour, minute, found := strings.Cut(clock, ":")
	h, errHour := strconv.Atoi(hour)
	m, errMinute := strconv.Atoi(minute)
	if !found || errHour != nil || errMinute != nil {
		return time.Time{}, false
	}
	year, month, day := local.Date()
	return time.Date(year, month, day+days, h, m, 0, 0, local.Location()), true
}

// onDay reports whether a window begins on the day of a time. Days are counted from
// Monday, as ISO 8601 does.
func onDay(w *amparov1.SafeWindow, begin time.Time) bool {
	day := amparov1.Weekday((int(begin.Weekday())+6)%7 + 1)
	return len(w.GetDays()) == 0 || slices.Contains(w.GetDays(), day)
}
