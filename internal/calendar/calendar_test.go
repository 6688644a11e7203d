package calendar_test

import (
	"testing"
	"time"
	_ "time/tzdata" // the zones are a test's premise, not the machine's

	"pgregory.net/rapid"

	"github.com/amparo-project/amparo/internal/calendar"
)

// failer is what a test and a property have in common.
type failer interface {
	Helper()
	Fatal(args ...any)
}

func zone(t failer, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func newCalendar(t failer, config calendar.Config) *calendar.Calendar {
	t.Helper()
	c, err := calendar.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func instant(t failer, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func date(t failer, text string) calendar.Date {
	t.Helper()
	d, err := calendar.ParseDate(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestEndOfDay goes where the clocks change at night, by half an hour, or by a day.
func TestEndOfDay(t *testing.T) {
	for _, row := range []struct{ zone, day, end, why string }{
		{"Europe/Brussels", "2026-03-29", "2026-03-29T21:59:59.999Z", "a day of 23 hours"},
		{"Europe/Brussels", "2026-10-25", "2026-10-25T22:59:59.999Z", "a day of 25 hours"},
		{"Asia/Kabul", "2026-03-29", "2026-03-29T19:29:59.999Z", "four and a half hours ahead"},
		{"Asia/Kathmandu", "2026-03-29", "2026-03-29T18:14:59.999Z", "five and three quarters"},
		{"America/Havana", "2026-03-07", "2026-03-08T04:59:59.999Z", "midnight does not exist: 00:00 becomes 01:00"},
		{"America/Havana", "2026-03-08", "2026-03-09T03:59:59.999Z", "the day that began at 01:00"},
		{"America/Havana", "2026-11-01", "2026-11-02T04:59:59.999Z", "00:30 came twice"},
		{"Asia/Beirut", "2026-03-28", "2026-03-28T21:59:59.999Z", "midnight does not exist"},
		{"Asia/Beirut", "2026-10-24", "2026-10-24T21:59:59.999Z", "23:59:59.999 comes twice: the second"},
		{"Africa/Cairo", "2026-10-29", "2026-10-29T21:59:59.999Z", "23:59:59.999 comes twice: the second"},
		{"America/Port-au-Prince", "2005-04-02", "2005-04-03T04:59:59.999Z", "midnight does not exist"},
		{"America/Port-au-Prince", "2005-10-29", "2005-10-30T04:59:59.999Z", "23:59:59.999 comes twice: the second"},
		{"America/St_Johns", "2010-11-06", "2010-11-07T03:29:59.999Z", "at 00:01 on Sunday it is Saturday again"},
		{"America/St_Johns", "2010-03-13", "2010-03-14T03:29:59.999Z", "00:01 becomes 01:01"},
		{"Australia/Lord_Howe", "2026-04-05", "2026-04-05T13:29:59.999Z", "half an hour back"},
		{"Pacific/Apia", "2011-12-29", "2011-12-30T09:59:59.999Z", "the last day before the line was crossed"},
		{"Pacific/Apia", "2011-12-30", "2011-12-30T09:59:59.999Z", "there was no such day: the end of the one before"},
		{"Pacific/Apia", "2011-12-31", "2011-12-31T09:59:59.999Z", "the first day after"},
		{"Africa/Abidjan", "2028-02-29", "2028-02-29T23:59:59.999Z", "UTC"},
	} {
		c := newCalendar(t, calendar.Config{Zone: zone(t, row.zone)})
		if got := c.End(date(t, row.day)); !got.Equal(instant(t, row.end)) || got.Location() != time.UTC {
			t.Errorf("%s in %s (%s) ends at %v, want %s", row.day, row.zone, row.why, got, row.end)
		}
	}
}

// TestEndIsTheLastMillisecond asks the wall clock alone: no later minute within the
// next two days may show the day, and the millisecond must show it or, where the day
// was left out, one before it.
func TestEndIsTheLastMillisecond(t *testing.T) {
	names := []string{
		"Europe/Brussels", "Asia/Kabul", "America/Port-au-Prince", "Africa/Abidjan", "America/Havana",
		"Africa/Cairo", "Asia/Beirut", "America/St_Johns", "Australia/Lord_Howe", "America/Santiago",
		"America/Asuncion", "Asia/Tehran", "Pacific/Apia", "Africa/Casablanca", "Asia/Pyongyang",
	}
	start := date(t, "2000-01-01")
	rapid.Check(t, func(t *rapid.T) {
		z := zone(t, rapid.SampledFrom(names).Draw(t, "zone"))
		c := newCalendar(t, calendar.Config{Zone: z})
		day := start.Add(rapid.IntRange(0, 40*365).Draw(t, "day"))
		end := c.End(day)
		if shown := c.Day(end); shown.Compare(day) > 0 || shown.Compare(day.Add(-1)) < 0 {
			t.Fatalf("%v ends on %v", day, shown)
		}
		for after := time.Millisecond; after < 48*time.Hour; after += time.Minute {
			if shown := c.Day(end.Add(after)); shown.Compare(day) <= 0 {
				t.Fatalf("%v in %v still lasts %v after its end", day, z, after)
			}
		}
	})
}

func TestMonths(t *testing.T) {
	for _, row := range []struct {
		from   string
		months int
		want   string
	}{
		{"2028-01-31", 1, "2028-02-29"},
		{"2027-01-31", 1, "2027-02-28"},
		{"2027-01-28", 1, "2027-02-28"},
		{"2028-02-29", 12, "2029-02-28"},
		{"2028-02-29", 48, "2032-02-29"},
		{"2100-01-31", 1, "2100-02-28"},
		{"2026-12-31", 2, "2027-02-28"},
		{"2026-08-31", 1, "2026-09-30"},
		{"2026-11-30", 1, "2026-12-30"},
	} {
		if got := date(t, row.from).AddMonths(row.months); got.String() != row.want {
			t.Errorf("%d months from %s: %v, want %s", row.months, row.from, got, row.want)
		}
	}
}

// TestStoppedTime holds what a pause is worth.
func TestStoppedTime(t *testing.T) {
	c := newCalendar(t, calendar.Config{Zone: zone(t, "Europe/Brussels"), Holidays: []calendar.Date{date(t, "2026-06-15")}})
	received := instant(t, "2026-06-01T08:00:00Z") // a Monday
	span := func(from, until string) calendar.Span {
		return calendar.Span{From: instant(t, from), Until: instant(t, until)}
	}
	for _, row := range []struct {
		length  string
		stopped []calendar.Span
		due     string
		why     string
	}{
		{"72h", nil, "2026-06-04T08:00:00Z", "nothing stopped"},
		{"72h", []calendar.Span{span("2026-06-02T00:00:00Z", "2026-06-02T06:00:00Z")}, "2026-06-04T14:00:00Z", "six hours"},
		{
			"72h",
			[]calendar.Span{span("2026-06-02T00:00:00Z", "2026-06-02T06:00:00Z"), span("2026-06-04T10:00:00Z", "2026-06-04T11:00:00Z")},
			"2026-06-04T15:00:00Z", "the second within what the first has added",
		},
		{"72h", []calendar.Span{span("2026-06-05T00:00:00Z", "2026-06-06T00:00:00Z")}, "2026-06-04T08:00:00Z", "too late to matter"},
		{"10d", []calendar.Span{span("2026-06-03T08:00:00Z", "2026-06-05T08:00:00Z")}, "2026-06-13T21:59:59.999Z", "two days"},
		{"10d", []calendar.Span{span("2026-06-03T08:00:00Z", "2026-06-03T20:00:00Z")}, "2026-06-11T21:59:59.999Z", "within a day: nothing"},
		{"10d", []calendar.Span{span("2026-06-03T21:00:00Z", "2026-06-03T23:00:00Z")}, "2026-06-12T21:59:59.999Z", "over a midnight: a day"},
		{"10d", []calendar.Span{span("2026-06-11T08:00:00Z", "2026-06-13T08:00:00Z")}, "2026-06-13T21:59:59.999Z", "from the last day on"},
		{"10d", []calendar.Span{span("2026-06-01T09:00:00Z", "2026-06-02T09:00:00Z")}, "2026-06-11T21:59:59.999Z", "the day of receipt never counted"},
		{"5wd", nil, "2026-06-08T21:59:59.999Z", "nothing stopped"},
		{"5wd", []calendar.Span{span("2026-06-04T08:00:00Z", "2026-06-08T08:00:00Z")}, "2026-06-10T21:59:59.999Z", "two working days over a weekend"},
		{"10wd", nil, "2026-06-16T21:59:59.999Z", "a holiday on the way"},
		{"1mo", []calendar.Span{span("2026-06-30T08:00:00Z", "2026-07-02T08:00:00Z")}, "2026-07-03T21:59:59.999Z", "two days"},
	} {
		length, err := calendar.ParseLength(row.length)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Due(received, length, row.stopped...); !got.Equal(instant(t, row.due)) {
			t.Errorf("%s, %s: due %v, want %s", row.length, row.why, got, row.due)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	week := []time.Weekday{0, 1, 2, 3, 4, 5, 6}
	for why, config := range map[string]calendar.Config{
		"no zone":        {},
		"no working day": {Zone: time.UTC, Weekend: week},
		"an eighth day":  {Zone: time.UTC, Weekend: []time.Weekday{7}},
		"30 February":    {Zone: time.UTC, Holidays: []calendar.Date{{Year: 2026, Month: 2, Day: 30}}},
	} {
		if _, err := calendar.New(config); err == nil {
			t.Errorf("%s is accepted", why)
		}
	}
	everyDay := newCalendar(t, calendar.Config{Zone: time.UTC, Weekend: []time.Weekday{}})
	if !everyDay.Working(date(t, "2026-06-06")) {
		t.Error("an empty weekend is not nil: every day is a working day")
	}
}

// TestLaterNeverEndsEarlier holds for every unit and policy: who asks later is not
// answered earlier, and a longer term does not end before a shorter one.
func TestLaterNeverEndsEarlier(t *testing.T) {
	calendars := []*calendar.Calendar{
		newCalendar(t, calendar.Config{Zone: zone(t, "Europe/Brussels"), EU118271: true, Holidays: []calendar.Date{date(t, "2026-05-01")}}),
		newCalendar(t, calendar.Config{Zone: zone(t, "Asia/Kabul"), Weekend: []time.Weekday{time.Friday}}),
		newCalendar(t, calendar.Config{Zone: zone(t, "America/Havana")}),
	}
	start := instant(t, "2024-01-01T00:00:00Z")
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(calendars).Draw(t, "calendar")
		unit := rapid.SampledFrom([]calendar.Unit{calendar.Seconds, calendar.Minutes, calendar.Hours, calendar.Days, calendar.WorkingDays, calendar.Months}).Draw(t, "unit")
		length := calendar.Length{Unit: unit, Count: rapid.IntRange(1, 60).Draw(t, "count")}
		base := start.Add(time.Duration(rapid.Int64Range(0, int64(7*365*24*time.Hour)).Draw(t, "base")))
		later := base.Add(time.Duration(rapid.Int64Range(0, int64(72*time.Hour)).Draw(t, "later")))
		due := c.Due(base, length)
		if due.Before(base) {
			t.Fatalf("%v from %v ends before it begins", length, base)
		}
		if c.Due(later, length).Before(due) {
			t.Fatalf("%v from %v ends after the same from %v", length, base, later)
		}
		longer := calendar.Length{Unit: unit, Count: length.Count + 1}
		if c.Due(base, longer).Before(due) {
			t.Fatalf("%v from %v ends before %v", longer, base, length)
		}
		if c.Due(base, length, calendar.Span{From: base, Until: later}).Before(due) {
			t.Fatalf("%v from %v ends earlier for having been stopped", length, base)
		}
	})
}

func FuzzParseLength(f *testing.F) {
	for _, text := range []string{"90min", "72h", "15d", "10wd", "1mo", "015d", "+1d", "-1d", "0d", "d", "99999999999999999999h", "1 d", "1D", "1mo ", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		length, err := calendar.ParseLength(text)
		if err != nil {
			if length != (calendar.Length{}) {
				t.Errorf("%q is refused and read", text)
			}
			return
		}
		if length.String() != text || !length.Valid() {
			t.Errorf("%q is read as %v", text, length)
		}
	})
}

func TestLengths(t *testing.T) {
	for _, text := range []string{"2s", "1min", "72h", "15d", "10wd", "120mo", "3660d"} {
		if length, err := calendar.ParseLength(text); err != nil || length.String() != text {
			t.Errorf("%q is read as %v, %v", text, length, err)
		}
	}
	for _, text := range []string{"", "0d", "-1d", "+1d", "015d", "1.5h", "3661d", "121mo", "1w", "1 d", "١d", "72"} {
		if length, err := calendar.ParseLength(text); err == nil {
			t.Errorf("%q is read as %v", text, length)
		}
	}
}

func FuzzParseDate(f *testing.F) {
	for _, text := range []string{"2028-02-29", "2027-02-29", "2027-2-1", "0000-00-00", "9999-12-31", "2026-06-01T00:00:00Z"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if d, err := calendar.ParseDate(text); err == nil && d.String() != text {
			t.Errorf("%q is read as %v", text, d)
		}
	})
}
