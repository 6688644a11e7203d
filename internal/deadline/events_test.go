package deadline_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/deadline"
	"github.com/amparo-project/amparo/internal/fault"
)

const (
	started   = amparov1.TermEventKind_TERM_EVENT_KIND_STARTED
	changed   = amparov1.TermEventKind_TERM_EVENT_KIND_LEVEL_CHANGED
	met       = amparov1.TermEventKind_TERM_EVENT_KIND_MET
	paused    = amparov1.TermEventKind_TERM_EVENT_KIND_PAUSED
	resumed   = amparov1.TermEventKind_TERM_EVENT_KIND_RESUMED
	confirmed = amparov1.TermEventKind_TERM_EVENT_KIND_CONFIRMED
	assigned  = amparov1.TermEventKind_TERM_EVENT_KIND_ASSIGNED
	merged    = amparov1.TermEventKind_TERM_EVENT_KIND_MERGED
	agreed    = amparov1.TermEventKind_TERM_EVENT_KIND_AGREED
	shortened = amparov1.TermEventKind_TERM_EVENT_KIND_SHORTENED
	noticed   = amparov1.TermEventKind_TERM_EVENT_KIND_NOTICED

	awaits = amparov1.TermPauseReason_TERM_PAUSE_REASON_AWAITS_INFORMATION
)

// file is the terms of a file, with all that has happened to them.
type file struct {
	book    *deadline.Book
	terms   []*amparov1.Term
	history []*amparov1.TermEvent
}

// do applies an event and keeps it when it was accepted. A refused one must leave
// the terms as they were; a notice is never refused here and needs no copy.
func (f *file) do(t failer, at time.Time, e *amparov1.TermEvent) error {
	t.Helper()
	e.At, e.RulesVersion = timestamppb.New(at), f.book.Version
	var before []*amparov1.Term
	if e.GetEvent() != noticed {
		before = cloneTerms(f.terms)
	}
	terms, err := f.book.Apply(f.terms, e)
	if err != nil {
		if !equalTerms(before, f.terms) {
			t.Fatalf("%v was refused and has changed something", e.GetEvent())
		}
		return err
	}
	f.terms = terms
	f.history = append(f.history, proto.CloneOf(e))
	return nil
}

// term returns the newest term of a kind.
func (f *file) term(kind amparov1.TermKind) *amparov1.Term {
	for i := len(f.terms) - 1; i >= 0; i-- {
		if f.terms[i].GetKind() == kind {
			return f.terms[i]
		}
	}
	return nil
}

func cloneTerms(terms []*amparov1.Term) []*amparov1.Term {
	var copied []*amparov1.Term
	for _, t := range terms {
		copied = append(copied, proto.CloneOf(t))
	}
	return copied
}

func equalTerms(a, b []*amparov1.Term) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !proto.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

func wantDue(t failer, what string, term *amparov1.Term, want string) {
	t.Helper()
	if got := term.GetDue().AsTime(); !got.Equal(instant(t, want)) {
		t.Fatalf("%s: due %v, want %s", what, got, want)
	}
}

// TestPauses follows a decision at a low risk, 30 days which may rest for 14.
func TestPauses(t *testing.T) {
	f := &file{book: brussels(t)}
	at := func(text string) time.Time { return instant(t, text) }
	pause := &amparov1.TermEvent{Event: paused, Kind: decision, PauseReason: awaits}
	resume := &amparov1.TermEvent{Event: resumed, Kind: decision}
	must(t, f.do(t, at("2026-01-01T08:00:00Z"), &amparov1.TermEvent{Event: started, Kind: decision, Level: low}))
	wantDue(t, "begun", f.term(decision), "2026-01-31T08:00:00Z")

	must(t, f.do(t, at("2026-01-05T08:00:00Z"), pause))
	wantDue(t, "paused: the latest that it can be", f.term(decision), "2026-02-14T08:00:00Z")
	if err := f.do(t, at("2026-01-06T08:00:00Z"), pause); !fault.Is(err, fault.Refused) {
		t.Errorf("paused twice at once: %v", err)
	}
	must(t, f.do(t, at("2026-01-08T08:00:00Z"), resume))
	wantDue(t, "three days were used", f.term(decision), "2026-02-03T08:00:00Z")
	if err := f.do(t, at("2026-01-08T08:00:00Z"), resume); !fault.Is(err, fault.Refused) {
		t.Errorf("resumed twice: %v", err)
	}

	must(t, f.do(t, at("2026-01-10T08:00:00Z"), pause))
	must(t, f.do(t, at("2026-01-30T08:00:00Z"), resume))
	wantDue(t, "twenty more: eleven of them count", f.term(decision), "2026-02-14T08:00:00Z")
	if err := f.do(t, at("2026-01-31T08:00:00Z"), pause); !fault.Is(err, fault.Refused) {
		t.Errorf("paused beyond the cap: %v", err)
	}

	must(t, f.do(t, at("2026-02-01T08:00:00Z"), &amparov1.TermEvent{Event: changed, Level: medium}))
	wantDue(t, "raised: 14 days and 7 of pause, from the base", f.term(decision), "2026-01-22T08:00:00Z")
	if got := f.term(decision).GetBreachedAt().AsTime(); !got.Equal(at("2026-02-01T08:00:00Z")) {
		t.Errorf("overdue since %v, want the moment of the raise", got)
	}
	must(t, f.do(t, at("2026-02-02T08:00:00Z"), &amparov1.TermEvent{Event: changed, Level: low}))
	wantDue(t, "lowered: mends nothing", f.term(decision), "2026-01-22T08:00:00Z")
}

func TestPausesRefused(t *testing.T) {
	base := instant(t, "2026-01-01T08:00:00Z")
	for _, row := range []struct {
		why    string
		kind   amparov1.TermKind
		level  amparov1.RiskLevel
		after  time.Duration
		reason amparov1.TermPauseReason
	}{
		{"no reason", decision, low, time.Hour, 0},
		{"a complaint is not stopped", initialResponse, low, time.Hour, awaits},
		{"nor a first contact", firstContact, low, time.Hour, awaits},
		{"nor what somebody at high risk waits for", decision, high, time.Hour, awaits},
		{"overdue", decision, low, 31 * 24 * time.Hour, awaits},
		{"before it began", decision, low, -time.Hour, awaits},
		{"does not run", subjectAccess, low, time.Hour, awaits},
	} {
		f := &file{book: brussels(t)}
		if row.kind != subjectAccess {
			must(t, f.do(t, base, &amparov1.TermEvent{Event: started, Kind: row.kind, Level: row.level}))
		}
		err := f.do(t, base.Add(row.after), &amparov1.TermEvent{Event: paused, Kind: row.kind, PauseReason: row.reason})
		if err == nil || fault.Is(err, fault.Internal) {
			t.Errorf("%s: %v", row.why, err)
		}
	}
}

// TestConfirmedWins follows a date that a rule suggests until a lawyer reads the letter.
func TestConfirmedWins(t *testing.T) {
	f := &file{book: brussels(t)}
	at := func(text string) time.Time { return instant(t, text) }
	date := func(event amparov1.TermEventKind, due string) *amparov1.TermEvent {
		return &amparov1.TermEvent{
			Event: event, Kind: legal, TermId: "reply", Base: timestamppb.New(at("2026-01-10T08:00:00Z")),
			Due: timestamppb.New(at(due)), Rule: "four-months", StaffId: "lawyer",
		}
	}
	must(t, f.do(t, at("2026-01-11T08:00:00Z"), date(started, "2026-05-10T21:59:59.999Z")))
	must(t, f.do(t, at("2026-01-11T09:00:00Z"), date(started, "2026-09-10T21:59:59.999Z")))
	if len(f.terms) != 1 {
		t.Fatalf("the same date is kept %d times", len(f.terms))
	}
	wantDue(t, "suggested", f.term(legal), "2026-05-10T21:59:59.999Z")
	must(t, f.do(t, at("2026-02-01T08:00:00Z"), &amparov1.TermEvent{Event: changed, Level: extreme}))
	wantDue(t, "no risk moves a court", f.term(legal), "2026-05-10T21:59:59.999Z")

	must(t, f.do(t, at("2026-02-02T08:00:00Z"), date(confirmed, "2026-04-30T21:59:59.999Z")))
	wantDue(t, "confirmed", f.term(legal), "2026-04-30T21:59:59.999Z")
	if got := f.term(legal).GetSuggestedDue().AsTime(); !got.Equal(at("2026-05-10T21:59:59.999Z")) {
		t.Errorf("the suggestion is now %v", got)
	}
	if got := deadline.Next(f.terms).GetConfirmedById(); got != "lawyer" {
		t.Errorf("confirmed by %q", got)
	}
	// The court grants an extension after the date has passed.
	must(t, f.do(t, at("2026-05-02T08:00:00Z"), date(confirmed, "2026-06-30T21:59:59.999Z")))
	wantDue(t, "extended", f.term(legal), "2026-06-30T21:59:59.999Z")
	if got := f.term(legal).GetBreachedAt().AsTime(); !got.Equal(at("2026-04-30T22:00:00Z")) {
		t.Errorf("missed at %v: an extension wipes nothing out", got)
	}
	other := date(confirmed, "2026-06-30T21:59:59.999Z")
	other.StaffId = ""
	if err := f.do(t, at("2026-05-03T08:00:00Z"), other); !fault.Is(err, fault.Invalid) {
		t.Errorf("confirmed by nobody: %v", err)
	}
	other = date(confirmed, "2026-06-30T21:59:59.999Z")
	other.TermId = "another"
	if err := f.do(t, at("2026-05-03T08:00:00Z"), other); !fault.Is(err, fault.Refused) {
		t.Errorf("a date that is not there: %v", err)
	}
}

func TestMergeKeepsTheStricter(t *testing.T) {
	early, lateBase := instant(t, "2026-01-01T08:00:00Z"), instant(t, "2026-01-10T08:00:00Z")
	one, two := &file{book: brussels(t)}, &file{book: brussels(t)}
	must(t, one.do(t, lateBase, &amparov1.TermEvent{Event: started, Kind: firstContact, Level: high, StaffId: "amina"}))
	must(t, one.do(t, lateBase, &amparov1.TermEvent{Event: started, Kind: decision, Level: high}))
	must(t, two.do(t, early, &amparov1.TermEvent{Event: started, Kind: firstContact, Level: low}))
	must(t, two.do(t, early, &amparov1.TermEvent{Event: started, Kind: triage, Level: low}))
	must(t, two.do(t, early.Add(80*time.Hour), &amparov1.TermEvent{Event: met, Kind: triage}))
	before := cloneTerms(two.terms)

	now := lateBase.Add(time.Hour)
	must(t, one.do(t, now, &amparov1.TermEvent{Event: merged, Merged: two.terms}))
	if !equalTerms(before, two.terms) {
		t.Error("the other file has changed")
	}
	contact := one.term(firstContact)
	if !contact.GetBase().AsTime().Equal(early) {
		t.Errorf("the later base survives: %v", contact.GetBase().AsTime())
	}
	wantDue(t, "24 hours from the earlier base", contact, "2026-01-02T08:00:00Z")
	if got := contact.GetBreachedAt().AsTime(); !got.Equal(early.Add(7*24*time.Hour + time.Millisecond)) {
		t.Errorf("missed at %v, want when the other file missed it", got)
	}
	if contact.GetOwnerId() != "amina" {
		t.Errorf("the owner is now %q", contact.GetOwnerId())
	}
	if !deadline.Breached(one.term(triage), now) || one.term(triage).GetMetAt() == nil {
		t.Error("the late triage of the other file is not on record")
	}
	wantDue(t, "what only one has", one.term(decision), "2026-01-13T08:00:00Z")
	if len(one.terms) != 3 {
		t.Errorf("%d terms, want 3", len(one.terms))
	}
}

func TestReassigningAndReopeningResetNothing(t *testing.T) {
	f := &file{book: brussels(t)}
	must(t, f.do(t, night, &amparov1.TermEvent{Event: started, Kind: triage, Level: high, StaffId: "amina"}))
	must(t, f.do(t, night, &amparov1.TermEvent{Event: started, Kind: checkIn, Level: high, StaffId: "amina"}))
	before := cloneTerms(f.terms)
	must(t, f.do(t, night.Add(time.Hour), &amparov1.TermEvent{Event: assigned, StaffId: "bela"}))
	must(t, f.do(t, night.Add(2*time.Hour), &amparov1.TermEvent{Event: started, Kind: triage, Level: low}))
	must(t, f.do(t, night.Add(2*time.Hour), &amparov1.TermEvent{Event: started, Kind: checkIn, Level: low}))
	for i, term := range before {
		term.OwnerId = "bela"
		if !proto.Equal(term, f.terms[i]) {
			t.Errorf("%v has changed in more than its owner", term.GetKind())
		}
	}
}

func TestApplyRefusesWhatNoHistoryHolds(t *testing.T) {
	book := brussels(t)
	for why, e := range map[string]*amparov1.TermEvent{
		"no time":               {Event: started, Kind: triage, RulesVersion: 1},
		"nothing happened":      {At: timestamppb.New(night), RulesVersion: 1},
		"other rules":           {Event: started, Kind: triage, At: timestamppb.New(night), RulesVersion: 2},
		"begins in the future":  {Event: started, Kind: triage, At: timestamppb.New(night), Base: timestamppb.New(night.Add(1)), RulesVersion: 1},
		"a court without date":  {Event: started, Kind: legal, TermId: "reply", At: timestamppb.New(night), RulesVersion: 1},
		"a notice of nothing":   {Event: noticed, Kind: triage, At: timestamppb.New(night), RulesVersion: 1},
		"a lawyer for a triage": {Event: confirmed, Kind: triage, At: timestamppb.New(night), RulesVersion: 1, Due: timestamppb.New(night), StaffId: "lawyer"},
	} {
		terms := begin(t, nil, triage, night, high)
		got, err := book.Apply(terms, e)
		if err == nil || len(got) != 1 {
			t.Errorf("%s: %d terms, %v", why, len(got), err)
		}
	}
	history := []*amparov1.TermEvent{{Event: started, Kind: triage, At: timestamppb.New(night), RulesVersion: 3}}
	if _, err := deadline.Replay([]*deadline.Book{book}, history); err == nil {
		t.Error("a history is replayed under rules that are not known")
	}
}

// TestReplayUnderChangedRules holds that old events are counted by the rules of
// their day.
func TestReplayUnderChangedRules(t *testing.T) {
	first, second := brussels(t), brussels(t)
	second.Version = 2
	for i := range second.Rules {
		second.Rules[i].Length.Count *= 2
	}
	f := &file{book: first}
	must(t, f.do(t, night, &amparov1.TermEvent{Event: started, Kind: triage, Level: high}))
	f.book = second
	must(t, f.do(t, night.Add(time.Hour), &amparov1.TermEvent{Event: started, Kind: firstContact, Level: high}))
	wantDue(t, "old rules", f.term(triage), "2026-03-29T04:30:00Z")
	wantDue(t, "new rules", f.term(firstContact), "2026-03-31T01:30:00Z")
	terms, err := deadline.Replay([]*deadline.Book{first, second}, f.history)
	must(t, err)
	if !equalTerms(terms, f.terms) {
		t.Error("replayed terms differ")
	}
}

// TestAgreedDueTimes follows a check-in at a medium risk, every 14 days, in a case
// whose plan says every three days.
func TestAgreedDueTimes(t *testing.T) {
	f := &file{book: brussels(t)}
	at := func(text string) time.Time { return instant(t, text) }
	agree := func(now, due string) error {
		return f.do(t, at(now), &amparov1.TermEvent{Event: agreed, Kind: checkIn, Due: timestamppb.New(at(due))})
	}
	must(t, agree("2026-02-28T08:00:00Z", "2026-03-03T08:00:00Z"))
	must(t, f.do(t, at("2026-03-01T08:00:00Z"), &amparov1.TermEvent{Event: started, Kind: checkIn, Level: medium}))
	wantDue(t, "agreed before it began: nothing", f.term(checkIn), "2026-03-15T08:00:00Z")
	must(t, agree("2026-03-01T08:00:00Z", "2026-03-04T08:00:00Z"))
	wantDue(t, "agreed", f.term(checkIn), "2026-03-04T08:00:00Z")
	must(t, agree("2026-03-01T09:00:00Z", "2026-03-08T08:00:00Z"))
	wantDue(t, "later: not for this one", f.term(checkIn), "2026-03-04T08:00:00Z")
	must(t, f.do(t, at("2026-03-02T08:00:00Z"), &amparov1.TermEvent{Event: changed, Level: extreme}))
	wantDue(t, "the policy is stricter", f.term(checkIn), "2026-03-02T08:00:00Z")
	must(t, f.do(t, at("2026-03-02T08:00:00Z"), &amparov1.TermEvent{Event: changed, Level: low}))
	wantDue(t, "the policy is laxer: what was agreed", f.term(checkIn), "2026-03-04T08:00:00Z")
	must(t, agree("2026-03-04T10:00:00Z", "2026-03-09T08:00:00Z"))
	must(t, f.do(t, at("2026-03-04T11:00:00Z"), &amparov1.TermEvent{Event: met, Kind: checkIn}))
	if !deadline.Breached(f.term(checkIn), at("2026-03-04T11:00:00Z")) {
		t.Error("agreeing on a later time has mended a missed check-in")
	}
	for why, e := range map[string]*amparov1.TermEvent{
		"no time": {Event: agreed, Kind: checkIn},
		"a court": {Event: agreed, Kind: legal, TermId: "reply", Due: timestamppb.New(night)},
	} {
		if err := f.do(t, at("2026-03-05T08:00:00Z"), e); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", why, err)
		}
	}
}
