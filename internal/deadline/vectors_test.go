package deadline_test

import (
	"encoding/csv"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the zones are the vectors' premise, not the machine's

	"github.com/amparo-project/amparo/internal/calendar"
)

// vector is a line of testdata/vectors.csv; docs/deadline-vectors.md explains it.
type vector struct {
	line     int
	zone     *time.Location
	received time.Time
	unit     string
	length   int
	eu       bool
	weekend  []time.Weekday
	holidays []calendar.Date
	due      time.Time
	note     string
}

var unitsByName = map[string]calendar.Unit{
	"minutes": calendar.Minutes, "hours": calendar.Hours, "days": calendar.Days,
	"working-days": calendar.WorkingDays, "months": calendar.Months,
}

var weekdays = []string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}

func readVectors(t *testing.T) []vector {
	t.Helper()
	file, err := os.Open("testdata/vectors.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	for i, row := range rows[1:] {
		all = append(all, readVector(t, i+2, row))
	}
	return all
}

func readVector(t *testing.T, line int, row []string) vector {
	t.Helper()
	v := vector{line: line, unit: row[2], eu: row[4] == "eu-1182-71", note: row[8]}
	if !v.eu && row[4] != "plain" {
		t.Fatalf("line %d: there is no counting called %q", line, row[4])
	}
	var errs [4]error
	v.zone, errs[0] = time.LoadLocation(row[0])
	v.received, errs[1] = time.Parse(time.RFC3339, row[1])
	v.length, errs[2] = strconv.Atoi(row[3])
	v.due, errs[3] = time.Parse(time.RFC3339, row[7])
	for _, err := range errs {
		if err != nil {
			t.Fatalf("line %d: %v", line, err)
		}
	}
	for _, name := range strings.Fields(row[5]) {
		v.weekend = append(v.weekend, time.Weekday(slices.Index(weekdays, name)))
	}
	for _, text := range strings.Fields(row[6]) {
		day, err := calendar.ParseDate(text)
		if err != nil {
			t.Fatalf("line %d: %v", line, err)
		}
		v.holidays = append(v.holidays, day)
	}
	return v
}

func TestVectors(t *testing.T) {
	all := readVectors(t)
	seen := map[string]int{}
	for _, v := range all {
		c, err := calendar.New(calendar.Config{Zone: v.zone, Holidays: v.holidays, Weekend: v.weekend, EU118271: v.eu})
		if err != nil {
			t.Fatalf("line %d: %v", v.line, err)
		}
		got := c.Due(v.received, calendar.Length{Count: v.length, Unit: unitsByName[v.unit]})
		if !got.Equal(v.due) {
			t.Errorf("line %d (%s): due %v, the table says %v", v.line, v.note, got, v.due)
		}
		if got := v.plainDue(); !got.Equal(v.due) {
			t.Errorf("line %d (%s): plain counting says %v, the table %v", v.line, v.note, got, v.due)
		}
		seen[v.zone.String()]++
		seen[strconv.Itoa(v.received.Year())]++
	}
	for _, wanted := range []string{
		"Europe/Brussels", "Asia/Kabul", "America/Port-au-Prince", "Africa/Abidjan",
		"2024", "2025", "2026", "2027", "2028", "2029", "2030",
	} {
		if seen[wanted] < 5 {
			t.Errorf("%s is in %d vectors only", wanted, seen[wanted])
		}
	}
}

// plainDue counts a vector again in the slowest way: it shares with the package
// neither its dates nor its search for the end of a day, only what a wall clock of
// the zone shows.
func (v vector) plainDue() time.Time {
	switch v.unit {
	case "minutes":
		return v.received.Add(time.Duration(v.length) * time.Minute)
	case "hours":
		return v.received.Add(time.Duration(v.length) * time.Hour)
	}
	first := plainDayOf(v.received.In(v.zone))
	last := first
	switch v.unit {
	case "days":
		for range v.length {
			last = last.next()
		}
	case "working-days":
		for left := v.length; left > 0; {
			if last = last.next(); !v.off(last) {
				left--
			}
		}
	case "months":
		last = first.sameDayLater(v.length)
	}
	if v.eu {
		last = v.moved(first, last)
	}
	return plainEnd(last, v.zone)
}

// moved is article 3(4) and 3(5) of Regulation 1182/71, a day at a time.
func (v vector) moved(first, last plainDay) plainDay {
	days, working := 0, 0
	for d := first; d != last; {
		d = d.next()
		days++
		if !v.off(d) {
			working++
		}
	}
	for v.off(last) || (days >= 2 && working < 2) {
		last = last.next()
		if !v.off(last) {
			working++
		}
	}
	return last
}

func (v vector) off(d plainDay) bool {
	weekend := v.weekend
	if weekend == nil {
		weekend = []time.Weekday{time.Saturday, time.Sunday}
	}
	return slices.Contains(weekend, d.weekday()) ||
		slices.Contains(v.holidays, calendar.Date{Year: d.year, Month: time.Month(d.month), Day: d.day})
}

// plainDay is a date counted on the fingers.
type plainDay struct{ year, month, day int }

func plainDayOf(wall time.Time) plainDay {
	return plainDay{wall.Year(), int(wall.Month()), wall.Day()}
}

func daysIn(year, month int) int {
	if month == 2 {
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return []int{31, 0, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[month-1]
}

func (d plainDay) next() plainDay {
	switch {
	case d.day < daysIn(d.year, d.month):
		return plainDay{d.year, d.month, d.day + 1}
	case d.month < 12:
		return plainDay{d.year, d.month + 1, 1}
	default:
		return plainDay{d.year + 1, 1, 1}
	}
}

func (d plainDay) sameDayLater(months int) plainDay {
	for range months {
		if d.month++; d.month > 12 {
			d.year, d.month = d.year+1, 1
		}
	}
	d.day = min(d.day, daysIn(d.year, d.month))
	return d
}

// weekday counts from 1 January 2001, which was a Monday, by years, months and days.
func (d plainDay) weekday() time.Weekday {
	days := d.day
	for year := 2001; year < d.year; year++ {
		days += 337 + daysIn(year, 2)
	}
	for month := 1; month < d.month; month++ {
		days += daysIn(d.year, month)
	}
	return time.Weekday(days % 7)
}

func (d plainDay) after(other plainDay) bool {
	if d.year != other.year {
		return d.year > other.year
	}
	if d.month != other.month {
		return d.month > other.month
	}
	return d.day > other.day
}

// plainEnd walks back by minutes from a time that is surely past the day, until the
// wall shows the day.
func plainEnd(d plainDay, zone *time.Location) time.Time {
	at := time.Date(d.year, time.Month(d.month), d.day+2, 0, 0, 0, 0, time.UTC)
	for plainDayOf(at.In(zone)).after(d) {
		at = at.Add(-time.Minute)
	}
	return at.Add(59*time.Second + 999*time.Millisecond)
}
