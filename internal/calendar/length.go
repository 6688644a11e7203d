package calendar

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Unit is what a length is counted in.
type Unit uint8

// The units. The zero Unit is none.
const (
	Minutes     Unit = iota + 1 // elapsed, day and night
	Hours                       // elapsed, day and night
	Days                        // of the calendar, the day of the base not counted
	WorkingDays                 // the same, without weekends and public holidays
	Months                      // to the same day of a later month, or its last
	Seconds                     // elapsed, day and night
)

// units are the endings under which lengths are written, and the longest of each:
// about ten years. What is longer is a slip of the pen.
var units = []struct {
	unit    Unit
	ending  string
	longest int
}{
	{Seconds, "s", 10 * 366 * 24 * 60 * 60},
	{Minutes, "min", 10 * 366 * 24 * 60},
	{Hours, "h", 10 * 366 * 24},
	{WorkingDays, "wd", 10 * 366},
	{Days, "d", 10 * 366},
	{Months, "mo", 10 * 12},
}

// Length is how long a term may take. "72h" and "3d" differ: the first ends to the
// minute after three times 24 hours, the second with the last millisecond of the
// third day.
type Length struct {
	Count int
	Unit  Unit
}

// ParseLength reads a length as String writes it: 2s, 90min, 72h, 15d, 10wd, 1mo. The
// number is whole, at least 1, and stands for no more than ten years.
func ParseLength(text string) (Length, error) {
	for _, u := range units {
		number, found := strings.CutSuffix(text, u.ending)
		if !found {
			continue
		}
		count, err := strconv.Atoi(number)
		length := Length{Count: count, Unit: u.unit}
		// Comparing with what String writes leaves one spelling of each length.
		if err != nil || !length.Valid() || length.String() != text {
			break
		}
		return length, nil
	}
	return Length{}, errors.New("read length: it is written as 2s, 90min, 72h, 15d, 10wd or 1mo, up to ten years")
}

// Valid tells whether the unit exists and the count is within 1 and ten years.
func (l Length) Valid() bool {
	for _, u := range units {
		if u.unit == l.Unit {
			return l.Count >= 1 && l.Count <= u.longest
		}
	}
	return false
}

// String writes the length as ParseLength reads it.
func (l Length) String() string {
	for _, u := range units {
		if u.unit == l.Unit {
			return strconv.Itoa(l.Count) + u.ending
		}
	}
	return fmt.Sprintf("%d?", l.Count)
}

// Elapsed returns the length as a duration, and whether it is one: days have no
// fixed length, since a day that changes its clocks has 23 or 25 hours.
func (l Length) Elapsed() (time.Duration, bool) {
	switch l.Unit {
	case Seconds:
		return time.Duration(l.Count) * time.Second, true
	case Minutes:
		return time.Duration(l.Count) * time.Minute, true
	case Hours:
		return time.Duration(l.Count) * time.Hour, true
	default:
		return 0, false
	}
}
