package deadline_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/calendar"
	"github.com/amparo-project/amparo/internal/deadline"
	"github.com/amparo-project/amparo/internal/policy"
)

const (
	initialResponse = amparov1.TermKind_TERM_KIND_COMPLAINT_INITIAL_RESPONSE
	finalResponse   = amparov1.TermKind_TERM_KIND_COMPLAINT_FINAL_RESPONSE
	subjectAccess   = amparov1.TermKind_TERM_KIND_SUBJECT_ACCESS
	legal           = amparov1.TermKind_TERM_KIND_LEGAL
)

// failer is what a test and a property have in common.
type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func must(t failer, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func instant(t failer, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	must(t, err)
	return at
}

// brussels is a book as the mechanism would have it.
func brussels(t failer) *deadline.Book {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Brussels")
	must(t, err)
	b, err := policy.Book(policy.Default(), 1, zone)
	must(t, err)
	return b
}

// withoutCalendar is the same book, where days cannot be counted.
func withoutCalendar() *deadline.Book {
	b, err := policy.Book(policy.Default(), 1, time.UTC)
	if err != nil {
		panic(err) // its own tests have said so before
	}
	b.Calendar = nil
	return b
}

func TestDefaultsHold(t *testing.T) {
	if err := brussels(t).Check(); err != nil {
		t.Error(err)
	}
	if err := withoutCalendar().Check(); err != nil {
		t.Error(err)
	}
	for number, name := range amparov1.TermKind_name {
		kind := amparov1.TermKind(number)
		_, exists := brussels(t).Rule(kind, high)
		if want := number != 0 && kind != legal; exists != want {
			t.Errorf("%s has a rule at a high level: %v", name, exists)
		}
	}
	if _, exists := withoutCalendar().Rule(initialResponse, low); exists {
		t.Error("15 days are counted without a calendar")
	}
}

func TestCheckRefuses(t *testing.T) {
	for _, row := range []struct {
		says  string
		spoil func(*deadline.Book)
	}{
		{"version is at least 1", func(b *deadline.Book) { b.Version = 0 }},
		{"no name", func(b *deadline.Book) { b.Rules[0].ID = "" }},
		{"no name", func(b *deadline.Book) { b.Rules[0].ID = "two words" }},
		{"no kind of term", func(b *deadline.Book) { b.Rules[0].Kind = 0 }},
		{"no kind of term", func(b *deadline.Book) { b.Rules[0].Kind = legal }},
		{"no length", func(b *deadline.Book) { b.Rules[0].Length = calendar.Length{} }},
		{"negative cap", func(b *deadline.Book) { b.Rules[0].PauseCap = -1 }},
		{"two are called", func(b *deadline.Book) { b.Rules[1].ID = b.Rules[0].ID }},
		{"the same term", func(b *deadline.Book) { b.Rules[1].Level = b.Rules[0].Level }},
		{"the order in which", func(b *deadline.Book) { b.Warnings = []int{80, 50} }},
		{"the order in which", func(b *deadline.Book) { b.Warnings = []int{100} }},
		{"the order in which", func(b *deadline.Book) { b.Ladder = []time.Duration{0} }},
		{"the order in which", func(b *deadline.Book) { b.LegalWarnings = []int{2, 7} }},
		{"triage/extreme gives more time", func(b *deadline.Book) {
			i := slices.IndexFunc(b.Rules, func(r deadline.Rule) bool { return r.ID == "triage/extreme" })
			b.Rules[i].Length.Count = 100
		}},
	} {
		b := brussels(t)
		row.spoil(b)
		if err := b.Check(); err == nil || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: %v", row.says, err)
		}
	}
}
