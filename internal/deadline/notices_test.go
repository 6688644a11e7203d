package deadline_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/deadline"
)

// told is what a sweep records: which notice, and for when.
type told struct {
	notice string
	at     string
}

// sweep records all that is due and returns it.
func (f *file) sweep(t failer, now time.Time) []told {
	t.Helper()
	var all []told
	for _, e := range f.book.Reached(f.terms, now) {
		must(t, f.do(t, now, e))
		all = append(all, told{noticeName(e.GetNotice()), e.GetNotice().GetAt().AsTime().Format(time.RFC3339Nano)})
	}
	return all
}

func checkTold(t *testing.T, when string, got, want []told) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: told %v, want %v", when, got, want)
		return
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s: told %v, want %v", when, got[i], want[i])
		}
	}
}

const (
	half   = "TERM_STEP_WARNING 1"
	most   = "TERM_STEP_WARNING 2"
	missed = "TERM_STEP_OVERDUE 0"
	first  = "TERM_STEP_LADDER 1"
	second = "TERM_STEP_LADDER 2"
	third  = "TERM_STEP_LADDER 3"
)

// TestAfterALongStop holds that what was due while nobody looked is told in order.
func TestAfterALongStop(t *testing.T) {
	f := &file{book: brussels(t)}
	base := instant(t, "2026-03-01T08:00:00Z")
	must(t, f.do(t, base, &amparov1.TermEvent{Event: started, Kind: triage, Level: high, StaffId: "amina"}))
	must(t, f.do(t, base, &amparov1.TermEvent{Event: started, Kind: initialResponse}))
	if next, found := f.book.NextNotice(f.terms); !found || !next.Equal(base.Add(2*time.Hour)) {
		t.Errorf("the next notice is for %v", next)
	}
	checkTold(t, "too early", f.sweep(t, base.Add(2*time.Hour-1)), nil)
	checkTold(t, "half of four hours", f.sweep(t, base.Add(2*time.Hour)), []told{{half, "2026-03-01T10:00:00Z"}})
	checkTold(t, "again", f.sweep(t, base.Add(2*time.Hour)), nil)
	checkTold(t, "the due instant is in time", f.sweep(t, base.Add(4*time.Hour)), []told{{most, "2026-03-01T11:12:00Z"}})
	checkTold(t, "after three weeks", f.sweep(t, base.Add(21*24*time.Hour)), []told{
		{missed, "2026-03-01T12:00:00.001Z"},
		{first, "2026-03-01T13:00:00.001Z"},
		{second, "2026-03-01T13:30:00.001Z"},
		{third, "2026-03-01T14:00:00.001Z"},
		{half, "2026-03-09T03:29:59.9995Z"},
		{most, "2026-03-13T19:59:59.9992Z"},
		{missed, "2026-03-16T23:00:00Z"},
		{first, "2026-03-17T00:00:00Z"},
		{second, "2026-03-17T00:30:00Z"},
		{third, "2026-03-17T01:00:00Z"},
	})
	if _, found := f.book.NextNotice(f.terms); found {
		t.Error("everything was told, and there is more to come")
	}
	if got := f.term(triage).GetBreachedAt().AsTime(); !got.Equal(base.Add(4*time.Hour + time.Millisecond)) {
		t.Errorf("missed at %v", got)
	}
}

// TestALongerLadder: rules that put the rungs later wake nobody again for what has been
// overdue for weeks, save for a rung that there was not.
func TestALongerLadder(t *testing.T) {
	f := &file{book: brussels(t)}
	base := instant(t, "2026-03-01T08:00:00Z")
	must(t, f.do(t, base, &amparov1.TermEvent{Event: started, Kind: triage, Level: high}))
	if got := f.sweep(t, base.Add(9*time.Hour)); len(got) != 6 {
		t.Errorf("told %v", got)
	}
	changed := *f.book
	changed.Ladder = []time.Duration{2 * time.Hour, 3 * time.Hour, 4 * time.Hour, 5 * time.Hour}
	f.book = &changed
	checkTold(t, "under a longer ladder", f.sweep(t, base.Add(14*24*time.Hour)), []told{
		{"TERM_STEP_LADDER 4", "2026-03-01T17:00:00.001Z"},
	})
	if next, found := f.book.NextNotice(f.terms); found {
		t.Errorf("another notice is for %v", next)
	}
}

// TestMetBeforeTheSweep holds that a term that was met late tells of that, and one
// that was met in time of nothing.
func TestMetBeforeTheSweep(t *testing.T) {
	for _, row := range []struct {
		after time.Duration
		want  []told
	}{
		{4 * time.Hour, nil},
		{4*time.Hour + time.Millisecond - 1, nil},
		{4*time.Hour + time.Millisecond, []told{{missed, "2026-03-29T04:30:00.001Z"}}},
		{6 * time.Hour, []told{{missed, "2026-03-29T04:30:00.001Z"}}},
	} {
		f := &file{book: brussels(t)}
		must(t, f.do(t, night, &amparov1.TermEvent{Event: started, Kind: triage, Level: high}))
		must(t, f.do(t, night.Add(row.after), &amparov1.TermEvent{Event: met, Kind: triage}))
		checkTold(t, row.after.String(), f.sweep(t, night.Add(24*time.Hour)), row.want)
		checkTold(t, "again", f.sweep(t, night.Add(48*time.Hour)), nil)
	}
}

// TestLevelsAndNotices holds that nobody is warned twice of the same moment, and that
// somebody is warned anew when there is more time again.
func TestLevelsAndNotices(t *testing.T) {
	f := &file{book: brussels(t)}
	at := func(hours int) time.Time { return night.Add(time.Duration(hours) * time.Hour) }
	must(t, f.do(t, night, &amparov1.TermEvent{Event: started, Kind: firstContact, Level: medium})) // 72 h
	checkTold(t, "half of 72 hours", f.sweep(t, at(40)), []told{{half, "2026-03-30T12:30:00Z"}})
	must(t, f.do(t, at(41), &amparov1.TermEvent{Event: changed, Level: low})) // 168 h
	checkTold(t, "lowered", f.sweep(t, at(83)), nil)
	checkTold(t, "half of 168 hours", f.sweep(t, at(84)), []told{{half, "2026-04-01T12:30:00Z"}})
	must(t, f.do(t, at(85), &amparov1.TermEvent{Event: changed, Level: high})) // 24 h
	checkTold(t, "raised into the past: overdue from the raise", f.sweep(t, at(85)), []told{
		{most, "2026-03-29T19:42:00Z"}, {missed, "2026-04-01T13:30:00Z"},
	})
	checkTold(t, "an hour later", f.sweep(t, at(86)), []told{{first, "2026-04-01T14:30:00Z"}})
	must(t, f.do(t, at(86), &amparov1.TermEvent{Event: changed, Level: extreme}))
	checkTold(t, "raised again", f.sweep(t, at(86)), nil)
}

// TestPausedTermsAreQuiet holds that a warning waits while its term rests.
func TestPausedTermsAreQuiet(t *testing.T) {
	f := &file{book: brussels(t)}
	days := func(n int) time.Time { return night.AddDate(0, 0, n) }
	must(t, f.do(t, night, &amparov1.TermEvent{Event: started, Kind: decision, Level: low}))
	must(t, f.do(t, days(10), &amparov1.TermEvent{Event: paused, Kind: decision, PauseReason: awaits}))
	checkTold(t, "resting", f.sweep(t, days(20)), nil)
	must(t, f.do(t, days(20), &amparov1.TermEvent{Event: resumed, Kind: decision}))
	checkTold(t, "half of 30 days and 10", f.sweep(t, days(25).Add(-1)), nil)
	checkTold(t, "half of 30 days and 10", f.sweep(t, days(25)), []told{{half, "2026-04-23T00:30:00Z"}})
}

// TestCourtsWarnInDays holds the warnings before a date, and those that a later date
// brings again.
func TestCourtsWarnInDays(t *testing.T) {
	f := &file{book: brussels(t)}
	at := func(text string) time.Time { return instant(t, text) }
	date := func(event amparov1.TermEventKind, due string) *amparov1.TermEvent {
		return &amparov1.TermEvent{Event: event, Kind: legal, TermId: "reply", Due: timestamppb.New(at(due)), StaffId: "lawyer"}
	}
	must(t, f.do(t, at("2026-03-11T12:00:00Z"), date(started, "2026-03-31T12:00:00Z")))
	checkTold(t, "60 and 30 days are past", f.sweep(t, at("2026-03-18T12:00:00Z")), []told{{"TERM_STEP_WARNING 3", "2026-03-17T12:00:00Z"}})
	must(t, f.do(t, at("2026-03-19T12:00:00Z"), date(confirmed, "2026-04-07T12:00:00Z")))
	checkTold(t, "14 days before the later date", f.sweep(t, at("2026-03-24T12:00:00Z")), []told{{"TERM_STEP_WARNING 3", "2026-03-24T12:00:00Z"}})
	f.sweep(t, at("2026-04-07T12:00:00Z"))
	checkTold(t, "missed", f.sweep(t, at("2026-04-07T12:00:01Z")), []told{{missed, "2026-04-07T12:00:00.001Z"}})
	must(t, f.do(t, at("2026-04-07T12:30:00Z"), date(confirmed, "2026-04-09T12:00:00Z")))
	checkTold(t, "the court has moved the date: the ladder waits", f.sweep(t, at("2026-04-08T12:00:00Z")), []told{
		{"TERM_STEP_WARNING 3", "2026-03-26T12:00:00Z"}, {"TERM_STEP_WARNING 4", "2026-04-02T12:00:00Z"}, {"TERM_STEP_WARNING 5", "2026-04-07T12:00:00Z"},
	})
	checkTold(t, "missed a second time", f.sweep(t, at("2026-04-09T13:00:01Z")), []told{
		{missed, "2026-04-09T12:00:00.001Z"}, {first, "2026-04-09T13:00:00.001Z"},
	})
}

// TestTwinsAreToldApart merges two files whose triage began at the same instant and
// was missed in both.
func TestTwinsAreToldApart(t *testing.T) {
	one, two := &file{book: brussels(t)}, &file{book: brussels(t)}
	for i, f := range []*file{one, two} {
		level := []amparov1.RiskLevel{high, extreme}[i]
		must(t, f.do(t, night, &amparov1.TermEvent{Event: started, Kind: triage, Level: level}))
		must(t, f.do(t, night.Add(10*time.Hour), &amparov1.TermEvent{Event: met, Kind: triage}))
	}
	must(t, one.do(t, night.Add(11*time.Hour), &amparov1.TermEvent{Event: merged, Merged: two.terms}))
	checkTold(t, "both", one.sweep(t, night.Add(12*time.Hour)), []told{
		{missed, "2026-03-29T01:30:00.001Z"}, {missed, "2026-03-29T04:30:00.001Z"},
	})
	checkTold(t, "again", one.sweep(t, night.Add(13*time.Hour)), nil)
	terms, err := deadline.Replay([]*deadline.Book{one.book}, one.history)
	must(t, err)
	if !equalTerms(terms, one.terms) {
		t.Error("replayed terms differ")
	}
}
