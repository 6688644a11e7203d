package deadline_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/deadline"
)

const (
	triage       = amparov1.TermKind_TERM_KIND_TRIAGE
	firstContact = amparov1.TermKind_TERM_KIND_FIRST_CONTACT
	decision     = amparov1.TermKind_TERM_KIND_SUPPORT_DECISION
	reassessment = amparov1.TermKind_TERM_KIND_REASSESSMENT
	checkIn      = amparov1.TermKind_TERM_KIND_CHECK_IN
	planReview   = amparov1.TermKind_TERM_KIND_PLAN_REVIEW
	breachNotice = amparov1.TermKind_TERM_KIND_DATA_BREACH_NOTICE

	countersignature = amparov1.TermKind_TERM_KIND_COUNTERSIGNATURE
	reconfirmation   = amparov1.TermKind_TERM_KIND_CONSENT_RECONFIRMATION

	unset       = amparov1.RiskLevel_RISK_LEVEL_UNSPECIFIED
	notAssessed = amparov1.RiskLevel_RISK_LEVEL_NOT_ASSESSED
	low         = amparov1.RiskLevel_RISK_LEVEL_LOW
	medium      = amparov1.RiskLevel_RISK_LEVEL_MEDIUM
	high        = amparov1.RiskLevel_RISK_LEVEL_HIGH
	extreme     = amparov1.RiskLevel_RISK_LEVEL_EXTREME
)

// night is in the hours that Europe's clocks skip in spring, and terms do not care.
var night = time.Date(2026, time.March, 29, 0, 30, 0, 0, time.UTC)

// happens applies an event under the defaults, which accept all that this file has.
func happens(t failer, terms []*amparov1.Term, at time.Time, e *amparov1.TermEvent) []*amparov1.Term {
	t.Helper()
	f := &file{book: withoutCalendar(), terms: terms}
	must(t, f.do(t, at, e))
	return f.terms
}

func begin(t failer, terms []*amparov1.Term, kind amparov1.TermKind, base time.Time, level amparov1.RiskLevel) []*amparov1.Term {
	t.Helper()
	return happens(t, terms, base, &amparov1.TermEvent{Event: started, Kind: kind, Level: level})
}

func end(t failer, terms []*amparov1.Term, kind amparov1.TermKind, at time.Time) []*amparov1.Term {
	t.Helper()
	return happens(t, terms, at, &amparov1.TermEvent{Event: met, Kind: kind})
}

func relevel(t failer, terms []*amparov1.Term, level amparov1.RiskLevel, now time.Time) {
	t.Helper()
	happens(t, terms, now, &amparov1.TermEvent{Event: changed, Level: level})
}

// length is what the rules in hours say, zero where they say nothing.
func length(kind amparov1.TermKind, level amparov1.RiskLevel) (time.Duration, bool) {
	rule, exists := withoutCalendar().Rule(kind, level)
	elapsed, _ := rule.Length.Elapsed()
	return elapsed, exists
}

func TestLengths(t *testing.T) {
	levels := []amparov1.RiskLevel{low, medium, high, extreme, notAssessed, unset}
	for _, row := range []struct {
		kind  amparov1.TermKind
		hours [6]int // zero: no such term
	}{
		{triage, [6]int{72, 24, 4, 1, 4, 4}},
		{firstContact, [6]int{7 * 24, 72, 24, 4, 24, 24}},
		{decision, [6]int{30 * 24, 14 * 24, 72, 24, 0, 0}},
		{reassessment, [6]int{90 * 24, 30 * 24, 14 * 24, 3 * 24, 24, 24}},
		{checkIn, [6]int{30 * 24, 14 * 24, 7 * 24, 24, 0, 0}},
		{planReview, [6]int{90 * 24, 60 * 24, 30 * 24, 14 * 24, 0, 0}},
		{amparov1.TermKind_TERM_KIND_UNSPECIFIED, [6]int{}},
	} {
		for i, level := range levels {
			length, exists := length(row.kind, level)
			want := time.Duration(row.hours[i]) * time.Hour
			if length != want || exists != (want > 0) {
				t.Errorf("%v at %v: %v, want %v", row.kind, level, length, want)
			}
		}
	}
	for _, kind := range []amparov1.TermKind{triage, firstContact, decision, reassessment, checkIn} {
		if _, exists := length(kind, high); !exists {
			t.Errorf("%v has no length at a high level", kind)
		}
	}
}

// TestLevelsMoveTerms begins a term at one level and looks at it after a while, when
// the level becomes another one.
func TestLevelsMoveTerms(t *testing.T) {
	for _, row := range []struct {
		name     string
		kind     amparov1.TermKind
		from, to amparov1.RiskLevel
		after    time.Duration // of the change, from the base
		met      time.Duration // before the change; zero: not met
		due      time.Duration // from the base
	}{
		{"raised: from the base, not from now", firstContact, notAssessed, extreme, 3 * time.Hour, 0, 4 * time.Hour},
		{"raised: into the past", firstContact, notAssessed, extreme, 9 * time.Hour, 0, 4 * time.Hour},
		{"raised twice over", triage, low, extreme, time.Minute, 0, time.Hour},
		{"lowered in time: more time", firstContact, notAssessed, low, 23 * time.Hour, 0, 7 * 24 * time.Hour},
		{"lowered at the due instant: in time", firstContact, notAssessed, low, 24 * time.Hour, 0, 7 * 24 * time.Hour},
		{"lowered within its last millisecond: in time", firstContact, notAssessed, low, 24*time.Hour + time.Millisecond - 1, 0, 7 * 24 * time.Hour},
		{"lowered when overdue: stays", firstContact, notAssessed, low, 24*time.Hour + time.Millisecond, 0, 24 * time.Hour},
		{"raised when overdue: earlier still", firstContact, high, extreme, 30 * time.Hour, 0, 4 * time.Hour},
		{"lowered when met: stays", checkIn, extreme, low, 20 * time.Hour, time.Hour, 24 * time.Hour},
		{"raised when met: stays", checkIn, low, extreme, 48 * time.Hour, 40 * time.Hour, 30 * 24 * time.Hour},
		{"no term at the new level: stays", decision, high, notAssessed, time.Hour, 0, 72 * time.Hour},
	} {
		terms := begin(t, nil, row.kind, night, row.from)
		if row.met > 0 {
			terms = end(t, terms, row.kind, night.Add(row.met))
		}
		relevel(t, terms, row.to, night.Add(row.after))
		if got := terms[0].GetDue().AsTime(); !got.Equal(night.Add(row.due)) {
			t.Errorf("%s: due after %v, want %v", row.name, got.Sub(night), row.due)
		}
		if got := terms[0].GetBase().AsTime(); !got.Equal(night) {
			t.Errorf("%s: the base has moved by %v", row.name, got.Sub(night))
		}
	}
}

func TestOnceOrAgain(t *testing.T) {
	for kind, again := range map[amparov1.TermKind]bool{
		triage: false, firstContact: false, decision: false, reassessment: true, checkIn: true,
	} {
		terms := begin(t, nil, kind, night, medium)
		terms = begin(t, terms, kind, night.Add(time.Hour), medium)
		if len(terms) != 1 {
			t.Errorf("%v: %d terms run at once", kind, len(terms))
		}
		terms = end(t, terms, kind, night.Add(2*time.Hour))
		terms = end(t, terms, kind, night.Add(3*time.Hour))
		if got := terms[0].GetMetAt().AsTime(); !got.Equal(night.Add(2 * time.Hour)) {
			t.Errorf("%v: met at %v, want the first time", kind, got)
		}
		terms = begin(t, terms, kind, night.Add(4*time.Hour), medium)
		if (len(terms) == 2) != again {
			t.Errorf("%v: %d terms after it was met, begins again: %v", kind, len(terms), again)
		}
	}
	if got := begin(t, nil, checkIn, night, notAssessed); len(got) != 0 {
		t.Error("a check-in begins though nobody has assessed the risk")
	}
}

func TestNext(t *testing.T) {
	if deadline.Next(nil) != nil {
		t.Error("a case without terms has a next one")
	}
	terms := begin(t, nil, firstContact, night, high)   // after 24 h
	terms = begin(t, terms, reassessment, night, unset) // after 24 h
	terms = begin(t, terms, triage, night, high)        // after 4 h
	terms = begin(t, terms, decision, night, amparov1.RiskLevel_RISK_LEVEL_LOW)
	for _, want := range []amparov1.TermKind{triage, firstContact, reassessment, decision} {
		next := deadline.Next(terms)
		if next.GetKind() != want {
			t.Fatalf("next is %v, want %v", next.GetKind(), want)
		}
		next.Due = nil // a copy: the case's own term must not change
		terms = end(t, terms, want, night)
	}
	if next := deadline.Next(terms); next != nil {
		t.Errorf("%v runs after everything was met", next.GetKind())
	}
}

// TestDailyCheckIns holds that a year of them leaves a short record, and each late
// one in it.
func TestDailyCheckIns(t *testing.T) {
	var terms []*amparov1.Term
	at, late := night, 0
	for i := range 365 {
		terms = begin(t, terms, checkIn, at, extreme)
		step := 20 * time.Hour
		if i%30 == 0 {
			step, late = 25*time.Hour, late+1
		}
		at = at.Add(step)
		terms = end(t, terms, checkIn, at)
	}
	breached := 0
	for _, term := range terms {
		if deadline.Breached(term, at) {
			breached++
		}
	}
	if breached != late || len(terms) != late+12 {
		t.Errorf("%d terms with %d late, want %d with %d", len(terms), breached, late+12, late)
	}
	if got := terms[len(terms)-1].GetMetAt().AsTime(); !got.Equal(at) {
		t.Error("the newest check-in was forgotten")
	}
}

// TestWhatIsMissedStaysMissed changes levels at random and lets time pass.
func TestWhatIsMissedStaysMissed(t *testing.T) {
	kinds := []amparov1.TermKind{triage, firstContact, decision, reassessment, checkIn}
	levels := []amparov1.RiskLevel{notAssessed, low, medium, high, extreme}
	rapid.Check(t, func(t *rapid.T) {
		var terms []*amparov1.Term
		now := night
		missed := map[*amparov1.Term]bool{}
		met := map[*amparov1.Term]*amparov1.Term{}
		t.Repeat(map[string]func(*rapid.T){
			"start": func(t *rapid.T) {
				terms = begin(t, terms, rapid.SampledFrom(kinds).Draw(t, "kind"), now, rapid.SampledFrom(levels).Draw(t, "level"))
			},
			"meet": func(t *rapid.T) {
				terms = end(t, terms, rapid.SampledFrom(kinds).Draw(t, "kind"), now)
			},
			"level": func(t *rapid.T) {
				relevel(t, terms, rapid.SampledFrom(levels).Draw(t, "level"), now)
			},
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.Int64Range(1, int64(10*24*time.Hour)).Draw(t, "time")))
			},
			"": func(t *rapid.T) {
				for _, term := range terms {
					if missed[term] && !deadline.Breached(term, now) {
						t.Fatalf("%v was missed and is mended", term.GetKind())
					}
					if before := met[term]; before != nil && !proto.Equal(before, term) {
						t.Fatalf("%v was met and has changed", term.GetKind())
					}
					missed[term] = deadline.Breached(term, now)
					if term.GetMetAt() != nil {
						met[term] = proto.CloneOf(term)
					}
				}
				kept := 0
				for _, term := range terms {
					if missed[term] {
						kept++
					}
				}
				all := 0
				for _, was := range missed {
					if was {
						all++
					}
				}
				if kept != all {
					t.Fatalf("%d of %d missed terms are on record", kept, all)
				}
			},
		})
	})
}
