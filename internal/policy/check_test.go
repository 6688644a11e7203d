package policy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/policy"
)

// term returns a kind of the policy, to be changed.
func term(p *amparov1.Policy, kind amparov1.TermKind) *amparov1.TermPolicy {
	return p.GetTerms()[slices.IndexFunc(p.GetTerms(), func(t *amparov1.TermPolicy) bool { return t.GetKind() == kind })]
}

const (
	triage   = amparov1.TermKind_TERM_KIND_TRIAGE
	decision = amparov1.TermKind_TERM_KIND_SUPPORT_DECISION
	checkIn  = amparov1.TermKind_TERM_KIND_CHECK_IN
	response = amparov1.TermKind_TERM_KIND_COMPLAINT_INITIAL_RESPONSE
	access   = amparov1.TermKind_TERM_KIND_SUBJECT_ACCESS
	breach   = amparov1.TermKind_TERM_KIND_DATA_BREACH_NOTICE

	unsafe  = amparov1.Reason_REASON_POLICY_UNSAFE
	invalid = amparov1.Reason_REASON_FIELD_INVALID
)

// idea is what a mechanism may, or may not, decide. An empty field means that it may.
type idea struct {
	says   string
	field  string
	reason amparov1.Reason
	change func(*amparov1.Policy)
}

func try(t *testing.T, ideas []idea) {
	t.Helper()
	for _, row := range ideas {
		p := policy.Default()
		row.change(p)
		err := policy.Check(p)
		if row.field == "" {
			if err != nil {
				t.Errorf("%s: %v", row.says, err)
			}
			continue
		}
		refusal := fault.As(err)
		if err == nil || refusal.Reason != row.reason || refusal.Violations[0].Field != row.field {
			t.Errorf("%s: %v, want %s for %s", row.says, err, row.reason, row.field)
		}
	}
}

// TestBounds has a row for what a mechanism may, and may not, decide.
func TestBounds(t *testing.T) {
	try(t, []idea{
		{"an alarm passes on after two seconds", "", 0, func(p *amparov1.Policy) { p.OnCall.PassOnAfter.Length = "2s" }},
		{"after two hours: nobody is woken", "policy.on_call.pass_on_after.length", unsafe, func(p *amparov1.Policy) { p.OnCall.PassOnAfter.Length = "2h" }},
		{"in days", "policy.on_call.pass_on_after.length", invalid, func(p *amparov1.Policy) { p.OnCall.PassOnAfter.Length = "1d" }},
		{"an empty slot is told of a minute before", "policy.on_call.warn_of_empty_slot_before.length", unsafe, func(p *amparov1.Policy) { p.OnCall.WarnOfEmptySlotBefore.Length = "1min" }},
		{"no notices at all", "policy.on_call.notices_an_hour.count", unsafe, func(p *amparov1.Policy) { p.OnCall.NoticesAnHour.Count = 0 }},
		{"a hand-over that nobody takes waits until the next shift", "policy.handover.remind_after.length", unsafe, func(p *amparov1.Policy) { p.Handover.RemindAfter.Length = "8h" }},
		{"no hints of duplicates", "policy.limits.duplicate_hints_an_hour.count", unsafe, func(p *amparov1.Policy) { p.Limits.DuplicateHintsAnHour.Count = 0 }},
		{"a thousand hints of duplicates: a search", "policy.limits.duplicate_hints_an_hour.count", unsafe, func(p *amparov1.Policy) { p.Limits.DuplicateHintsAnHour.Count = 1000 }},
		{"triage of an extreme risk in 90 minutes", "", 0, func(p *amparov1.Policy) { term(p, triage).Length.Extreme = "90min" }},
		{"on the next day", "policy.terms[0].length.extreme", unsafe, func(p *amparov1.Policy) { term(p, triage).Length.Extreme = "4h"; term(p, triage).Length.High = "24h" }},
		{"a higher risk gets more time", "policy.terms[0].length.high", unsafe, func(p *amparov1.Policy) { term(p, triage).Length.Medium = "3h" }},
		{"what nobody has assessed waits longer than a high risk", "policy.terms[0].length.not_assessed", unsafe, func(p *amparov1.Policy) { term(p, triage).Length.NotAssessed = "5h" }},
		{"no triage while nobody has assessed", "policy.terms[0].length.not_assessed", invalid, func(p *amparov1.Policy) { term(p, triage).Length.NotAssessed = "" }},
		{"a decision is wanted before anybody has assessed", "", 0, func(p *amparov1.Policy) { term(p, decision).Length.NotAssessed = "72h" }},
		{"days that depend on the weekend, at a risk", "policy.terms[0].length.low", invalid, func(p *amparov1.Policy) { term(p, triage).Length.Low = "1wd" }},
		{"one length for all levels of risk", "policy.terms[0].length.every_level", invalid, func(p *amparov1.Policy) { term(p, triage).Length.EveryLevel = "1h" }},
		{"a decision at high risk rests", "policy.terms[2].pauses.high", unsafe, func(p *amparov1.Policy) { term(p, decision).Pauses.High = "1h" }},
		{"a decision rests longer than it takes", "policy.terms[2].pauses.medium", unsafe, func(p *amparov1.Policy) {
			term(p, decision).Pauses.Medium, term(p, decision).Length.Medium = "200h", "100h"
		}},
		{"a check-in rests", "policy.terms[4].pauses.low", unsafe, func(p *amparov1.Policy) { term(p, checkIn).Pauses = &amparov1.LengthByLevel{Low: "1h"} }},
		{"no pause for a decision", "", 0, func(p *amparov1.Policy) { term(p, decision).Pauses = nil }},
		{"an initial response in ten working days", "", 0, func(p *amparov1.Policy) { term(p, response).Length.EveryLevel = "10wd" }},
		{"in four months", "policy.terms[7].length.every_level", unsafe, func(p *amparov1.Policy) { term(p, response).Length.EveryLevel = "4mo" }},
		{"in 90 days, which no three months are certain to have", "policy.terms[7].length.every_level", unsafe, func(p *amparov1.Policy) { term(p, response).Length.EveryLevel = "90d" }},
		{"subject access in two months", "policy.terms[9].length.every_level", unsafe, func(p *amparov1.Policy) { term(p, access).Length.EveryLevel = "2mo" }},
		{"a breach in three days, which may be 96 hours", "policy.terms[10].length.every_level", unsafe, func(p *amparov1.Policy) { term(p, breach).Length.EveryLevel = "3d" }},
		{"in 48 hours", "", 0, func(p *amparov1.Policy) { term(p, breach).Length.EveryLevel = "48h" }},
		{"a kind is left out", "policy.terms", invalid, func(p *amparov1.Policy) { p.Terms = p.GetTerms()[1:] }},
		{"a kind stands twice", "policy.terms[17].kind", invalid, func(p *amparov1.Policy) { p.Terms = append(p.GetTerms(), p.GetTerms()[0]) }},
		{"a court's dates by rule", "policy.terms[17].kind", invalid, func(p *amparov1.Policy) {
			p.Terms = append(p.GetTerms(), &amparov1.TermPolicy{Kind: amparov1.TermKind_TERM_KIND_LEGAL, Length: &amparov1.LengthByLevel{EveryLevel: "1d"}, Source: "x"})
		}},
		{"nobody confirms", "policy.approvals[1].people", unsafe, func(p *amparov1.Policy) { p.Approvals[1].People = 0 }},
		{"more confirm than the service counts", "policy.approvals[1].people", invalid, func(p *amparov1.Policy) { p.Approvals[1].People = 2 }},
		{"two heads confirm a policy", "", 0, func(p *amparov1.Policy) { p.Approvals[2].People = 2 }},
		{"a gate is left out", "policy.approvals", invalid, func(p *amparov1.Policy) { p.Approvals = p.GetApprovals()[1:] }},
		{"a gate that takes no approval", "policy.approvals[5].gate", invalid, func(p *amparov1.Policy) {
			p.Approvals = append(p.GetApprovals(), &amparov1.ApprovalPolicy{Gate: amparov1.Gate_GATE_INTAKE, People: 1, Source: "x"})
		}},
		{"a week without work", "policy.days", invalid, func(p *amparov1.Policy) { p.Days.Weekend = []amparov1.Weekday{1, 2, 3, 4, 5, 6, 7} }},
		{"a holiday that does not exist", "policy.days", invalid, func(p *amparov1.Policy) { p.Days.Holidays = []string{"2026-02-30"} }},
		{"a warning when it is too late", "policy.warnings.percent", invalid, func(p *amparov1.Policy) { p.Warnings.Percent = []uint32{50, 100} }},
		{"no warning", "policy.warnings.percent", invalid, func(p *amparov1.Policy) { p.Warnings.Percent = nil }},
		{"a court's date is told of two days before", "policy.legal_warnings.days_before", unsafe, func(p *amparov1.Policy) { p.LegalWarnings.DaysBefore = []uint32{2} }},
		{"rungs out of order", "policy.ladder.after", invalid, func(p *amparov1.Policy) { p.Ladder.After = []string{"2h", "60min"} }},
		{"the first rung on the next day", "policy.ladder.after", unsafe, func(p *amparov1.Policy) { p.Ladder.After = []string{"20h"} }},
		{"a ladder of a month", "policy.ladder.after", unsafe, func(p *amparov1.Policy) { p.Ladder.After = []string{"1h", "700h"} }},
		{"a value without a source", "policy.terms[0].source", invalid, func(p *amparov1.Policy) { p.Terms[0].Source = "" }},
		{"a length without a source", "policy.on_call.digest_every.source", invalid, func(p *amparov1.Policy) { p.OnCall.DigestEvery.Source = "" }},
		{"another format", "policy.format", invalid, func(p *amparov1.Policy) { p.Format = 2 }},
	})
}

// TestNothingIsNoPolicy: whatever is missing is named, and nothing falls over.
func TestNothingIsNoPolicy(t *testing.T) {
	err := policy.Check(&amparov1.Policy{})
	for _, field := range []string{"format", "terms", "approvals", "warnings", "legal_warnings", "ladder", "days", "on_call", "handover", "limits", "levels", "consent", "disclosure", "bases", "children"} {
		if err == nil || !strings.Contains(err.Error(), "policy."+field) {
			t.Errorf("%s is missing and not named", field)
		}
	}
}

// TestWhatPassesKeepsPeopleSafe draws policies and holds those that pass to the one
// sentence that matters: a higher risk never gets more time, and nothing is due later
// than its bound.
func TestWhatPassesKeepsPeopleSafe(t *testing.T) {
	passed := 0
	rapid.Check(t, func(t *rapid.T) {
		p := policy.Default()
		length := rapid.Custom(func(t *rapid.T) string {
			unit := rapid.SampledFrom([]string{"s", "min", "h", "h", "h", "d"}).Draw(t, "unit")
			return fmt.Sprint(rapid.IntRange(1, 100).Draw(t, "count")) + unit
		})
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			l := p.GetTerms()[rapid.IntRange(0, 5).Draw(t, "term")].GetLength()
			at := rapid.SampledFrom([]*string{&l.NotAssessed, &l.Low, &l.Medium, &l.High, &l.Extreme}).Draw(t, "level")
			*at = length.Draw(t, "length")
		}
		if policy.Check(p) != nil {
			return
		}
		passed++
		book, err := policy.Book(p, 7, time.UTC)
		if err != nil || book.Version != 7 {
			t.Fatalf("a policy that passes makes no book: %v", err)
		}
		for _, kind := range []amparov1.TermKind{triage, decision, checkIn} {
			before := time.Duration(1<<63 - 1)
			for level := amparov1.RiskLevel_RISK_LEVEL_LOW; level <= amparov1.RiskLevel_RISK_LEVEL_EXTREME; level++ {
				rule, ok := book.Rule(kind, level)
				took, elapsed := rule.Length.Elapsed()
				if !ok || !elapsed || took > before {
					t.Fatalf("%s takes %v, after %v at the level before", rule.ID, took, before)
				}
				before = took
			}
			if before > 72*time.Hour {
				t.Fatalf("%s at an extreme risk takes %v", kind, before)
			}
		}
	})
	if passed < 5 {
		t.Errorf("only %d policies passed: the property was hardly tried", passed)
	}
}

// TestDifferences: what the one who confirms reads.
func TestDifferences(t *testing.T) {
	after := policy.Default()
	term(after, triage).Length.High = "2h"
	term(after, decision).Pauses = nil
	after.Days.Holidays = []string{"2026-05-01", "2026-12-25"}
	after.Days.Weekend = []amparov1.Weekday{amparov1.Weekday_WEEKDAY_FRIDAY}
	slices.Reverse(after.Terms) // the order says nothing
	var got []string
	for _, d := range policy.Differences(policy.Default(), after) {
		got = append(got, d.GetPath()+": "+d.GetBefore()+" -> "+d.GetAfter())
	}
	want := []string{
		"terms.triage.length.high: 4h -> 2h",
		"terms.support_decision.pauses.low: 336h -> ",
		"terms.support_decision.pauses.medium: 168h -> ",
		"days.weekend: saturday, sunday -> friday",
		"days.holidays:  -> 2026-05-01, 2026-12-25",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the differences are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestDaysAreCountedAsThePolicySays: an initial response, asked for on the evening of
// Monday 20 April 2026, in ten working days or fifteen days.
func TestDaysAreCountedAsThePolicySays(t *testing.T) {
	base := time.Date(2026, 4, 20, 20, 0, 0, 0, time.UTC)
	friday := []amparov1.Weekday{amparov1.Weekday_WEEKDAY_FRIDAY}
	for _, row := range []struct {
		says, length, due string
		change            func(*amparov1.DayPolicy)
	}{
		{"ten working days", "10wd", "2026-05-04", func(*amparov1.DayPolicy) {}},
		{"without the first of May", "10wd", "2026-05-05", func(d *amparov1.DayPolicy) { d.Holidays = []string{"2026-05-01"} }},
		{"where only Friday is off", "10wd", "2026-05-02", func(d *amparov1.DayPolicy) { d.Weekend = friday }},
		{"where only Sunday is off", "10wd", "2026-05-01", func(d *amparov1.DayPolicy) {
			d.Weekend = []amparov1.Weekday{amparov1.Weekday_WEEKDAY_SUNDAY}
		}},
		{"twelve days end on a Saturday", "12d", "2026-05-02", func(*amparov1.DayPolicy) {}},
		{"and by the European rule on Monday", "12d", "2026-05-04", func(d *amparov1.DayPolicy) {
			d.Counting = amparov1.DayCounting_DAY_COUNTING_EU_1182_71
		}},
	} {
		p := policy.Default()
		term(p, response).Length.EveryLevel = row.length
		row.change(p.GetDays())
		book, err := policy.Book(p, 1, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		rule, _ := book.Rule(response, amparov1.RiskLevel_RISK_LEVEL_LOW)
		if got := book.Calendar.Due(base, rule.Length).Format(time.DateOnly); got != row.due {
			t.Errorf("%s: due on %s, want %s", row.says, got, row.due)
		}
	}
}
