package calendar

import (
	"cmp"
	"errors"
	"time"
)

// Date is a day of the Gregorian calendar, nowhere in particular. Only dates that
// exist come out of this package.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

const dateForm = "2006-01-02"

// ParseDate reads a date written as 2028-02-29.
func ParseDate(text string) (Date, error) {
	t, err := time.Parse(dateForm, text)
	if err != nil {
		return Date{}, errors.New("read date: it is written as 2028-02-29, and the day exists")
	}
	return dateOf(t), nil
}

// dateOf returns the date that t's own zone shows.
func dateOf(t time.Time) Date {
	year, month, day := t.Date()
	return Date{Year: year, Month: month, Day: day}
}

// String writes the date as ParseDate reads it.
func (d Date) String() string { return d.utc().Format(dateForm) }

// Add returns the date that many days later, or earlier where days is negative.
func (d Date) Add(days int) Date { return dateOf(d.utc().AddDate(0, 0, days)) }

// AddMonths returns the same day so many months later. Where that month is too
// short it is the month's last day: a month after 31 January ends with February
// (Regulation 1182/71, article 3(2)(c), and common usage).
func (d Date) AddMonths(months int) Date {
	first := dateOf(Date{Year: d.Year, Month: d.Month, Day: 1}.utc().AddDate(0, months, 0))
	last := first.utc().AddDate(0, 1, -1).Day()
	return Date{Year: first.Year, Month: first.Month, Day: min(d.Day, last)}
}

// Weekday returns the day of the week.
func (d Date) Weekday() time.Weekday { return d.utc().Weekday() }

// Compare is negative when d is before other, positive when it is after.
func (d Date) Compare(other Date) int {
	return cmp.Or(cmp.Compare(d.Year, other.Year), cmp.Compare(d.Month, other.Month), cmp.Compare(d.Day, other.Day))
}

// utc is the date's midnight in the one zone in which every day has 24 hours, so
// that counting days is counting.
func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }
