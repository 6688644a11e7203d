package deadline_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/deadline"
	"github.com/amparo-project/amparo/internal/fault"
)

// outliving are the kinds of which several run at once, each about one entry of a
// ledger.
var outliving = []amparov1.TermKind{
	countersignature, breachNotice, amparov1.TermKind_TERM_KIND_WITHDRAWAL_SETTLEMENT,
	amparov1.TermKind_TERM_KIND_RETURN_ANSWER, amparov1.TermKind_TERM_KIND_DUTY_TO_INFORM,
}

func TestWhatOutlives(t *testing.T) {
	for number, name := range amparov1.TermKind_name {
		kind := amparov1.TermKind(number)
		if got := deadline.Outlives(kind); got != slices.Contains(outliving, kind) {
			t.Errorf("%s goes on in a closed file: %v", name, got)
		}
	}
}

// TestSeveralAtOnce: two of a kind run beside each other, and each is met for itself.
func TestSeveralAtOnce(t *testing.T) {
	for _, kind := range outliving {
		f := &file{book: brussels(t)}
		begin := func(after time.Duration, id string) {
			t.Helper()
			must(t, f.do(t, night.Add(after), &amparov1.TermEvent{Event: started, Kind: kind, TermId: id, Level: high}))
		}
		begin(0, "3")
		begin(time.Hour, "7")
		begin(2*time.Hour, "3")
		if len(f.terms) != 2 {
			t.Fatalf("%v: %d run after two were begun, one of them twice", kind, len(f.terms))
		}
		must(t, f.do(t, night.Add(3*time.Hour), &amparov1.TermEvent{Event: met, Kind: kind, TermId: "7"}))
		if first, second := f.terms[0], f.terms[1]; first.GetMetAt() != nil || second.GetMetAt() == nil || first.GetId() != "3" {
			t.Errorf("%v: the second is signed for, and met are %v and %v", kind, first.GetMetAt(), second.GetMetAt())
		}
		if next := deadline.Next(f.terms); next.GetId() != "3" || !next.GetBase().AsTime().Equal(night) {
			t.Errorf("%v: next is %q from %v", kind, next.GetId(), next.GetBase().AsTime())
		}
		terms, err := deadline.Replay([]*deadline.Book{f.book}, f.history)
		must(t, err)
		if !equalTerms(terms, f.terms) {
			t.Errorf("%v: replayed terms differ", kind)
		}
	}
	f := &file{book: brussels(t)}
	for _, kind := range []amparov1.TermKind{reconfirmation, triage} {
		if err := f.do(t, night, &amparov1.TermEvent{Event: started, Kind: kind, TermId: "3", Level: high}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%v is told apart from another by an id: %v", kind, err)
		}
	}
}

// TestALegalDateIsNoLedgerEntry: what a lawyer calls 7 and the seventh entry of a ledger
// are two things.
func TestALegalDateIsNoLedgerEntry(t *testing.T) {
	f := &file{book: brussels(t)}
	must(t, f.do(t, night, &amparov1.TermEvent{Event: started, Kind: countersignature, TermId: "7"}))
	must(t, f.do(t, night, &amparov1.TermEvent{Event: started, Kind: legal, TermId: "7", Due: timestamppb.New(night.AddDate(0, 1, 0))}))
	if len(f.terms) != 2 {
		t.Errorf("%d terms, want both", len(f.terms))
	}
}

// TestABreachRunsFromWhenItIsKnown: somebody reports on Thursday what was known on
// Monday. The 72 hours of the authority are over on Thursday morning, and whoever should
// have been told by then is told at once.
func TestABreachRunsFromWhenItIsKnown(t *testing.T) {
	f := &file{book: brussels(t)}
	known, reported := instant(t, "2026-03-02T08:00:00Z"), instant(t, "2026-03-05T08:30:00Z")
	must(t, f.do(t, reported, &amparov1.TermEvent{Event: started, Kind: breachNotice, TermId: "9", Base: timestamppb.New(known), Level: low}))
	wantDue(t, "from when it was known", f.term(breachNotice), "2026-03-05T08:00:00Z")
	checkTold(t, "at once", f.sweep(t, reported), []told{
		{half, "2026-03-03T20:00:00Z"}, {most, "2026-03-04T17:36:00Z"}, {missed, "2026-03-05T08:00:00.001Z"},
	})
	checkTold(t, "up the ladder", f.sweep(t, reported.Add(24*time.Hour)), []told{
		{first, "2026-03-05T09:00:00.001Z"}, {second, "2026-03-05T09:30:00.001Z"}, {third, "2026-03-05T10:00:00.001Z"},
	})
	must(t, f.do(t, reported.Add(30*time.Hour), &amparov1.TermEvent{Event: met, Kind: breachNotice, TermId: "9"}))
	if got := f.term(breachNotice).GetBreachedAt().AsTime(); !got.Equal(known.Add(72*time.Hour + time.Millisecond)) {
		t.Errorf("late since %v", got)
	}
}

// TestTheNewestAnswersAreKept: recipients answer in another order than they were asked
// in. What is forgotten of what came in time is what came in longest ago.
func TestTheNewestAnswersAreKept(t *testing.T) {
	const asked, kept = 20, 12
	kind := amparov1.TermKind_TERM_KIND_RETURN_ANSWER
	f := &file{book: brussels(t)}
	for i := range asked {
		must(t, f.do(t, night.Add(time.Duration(i)*time.Minute), &amparov1.TermEvent{Event: started, Kind: kind, TermId: fmt.Sprint(i)}))
	}
	for i := range asked - 1 { // the last one asked answers first, and the first one asked never
		must(t, f.do(t, night.Add(time.Duration(i+1)*time.Hour), &amparov1.TermEvent{Event: met, Kind: kind, TermId: fmt.Sprint(asked - 1 - i)}))
	}
	var left []string
	for _, term := range f.terms {
		left = append(left, term.GetId())
	}
	want := []string{"0"}
	for i := 1; i <= kept; i++ {
		want = append(want, fmt.Sprint(i))
	}
	if !slices.Equal(left, want) {
		t.Errorf("%v are on record, want %v", left, want)
	}
}

// TestAnActBringsTheNextAssessmentForward follows a case at a low risk, to be assessed
// again in 90 days, in which somebody is beaten.
func TestAnActBringsTheNextAssessmentForward(t *testing.T) {
	f := &file{book: brussels(t)}
	at := func(text string) time.Time { return instant(t, text) }
	act := func(now string, level amparov1.RiskLevel) {
		t.Helper()
		by, exists := f.book.ReassessBy(level, at(now))
		if !exists {
			t.Fatalf("the rules say nothing at %v", level)
		}
		must(t, f.do(t, at(now), &amparov1.TermEvent{Event: shortened, Kind: reassessment, Due: timestamppb.New(by)}))
	}
	must(t, f.do(t, at("2026-03-01T08:00:00Z"), &amparov1.TermEvent{Event: started, Kind: reassessment, Level: low}))
	wantDue(t, "begun", f.term(reassessment), "2026-05-30T08:00:00Z")
	act("2026-03-10T20:00:00Z", low)
	wantDue(t, "a week after the act", f.term(reassessment), "2026-03-17T20:00:00Z")
	act("2026-03-12T20:00:00Z", low)
	wantDue(t, "another act gives no more time", f.term(reassessment), "2026-03-17T20:00:00Z")
	must(t, f.do(t, at("2026-03-13T08:00:00Z"), &amparov1.TermEvent{Event: agreed, Kind: reassessment, Due: timestamppb.New(at("2026-03-20T08:00:00Z"))}))
	wantDue(t, "nor does what was agreed", f.term(reassessment), "2026-03-17T20:00:00Z")
	must(t, f.do(t, at("2026-03-14T08:00:00Z"), &amparov1.TermEvent{Event: changed, Level: medium}))
	wantDue(t, "a higher level of 30 days gives no more", f.term(reassessment), "2026-03-17T20:00:00Z")
	must(t, f.do(t, at("2026-03-15T08:00:00Z"), &amparov1.TermEvent{Event: met, Kind: reassessment}))
	must(t, f.do(t, at("2026-03-15T08:00:00Z"), &amparov1.TermEvent{Event: started, Kind: reassessment, Level: medium}))
	wantDue(t, "assessed: the next one is the level's", f.term(reassessment), "2026-04-14T08:00:00Z")
	act("2026-04-14T07:00:00Z", extreme)
	wantDue(t, "an hour before it is due anyway", f.term(reassessment), "2026-04-14T08:00:00Z")
	act("2026-04-15T08:00:00Z", extreme)
	if !deadline.Breached(f.term(reassessment), at("2026-04-15T08:00:00Z")) {
		t.Error("an act has mended a missed assessment")
	}
	if _, exists := (&deadline.Book{}).ReassessBy(low, night); exists {
		t.Error("a book without such a rule has one")
	}
	if by, _ := f.book.ReassessBy(unset, night); !by.Equal(night.Add(24 * time.Hour)) {
		t.Errorf("before anybody has assessed: by %v", by)
	}
}

// TestOneIsMetAndTheOtherIsTold: the notices of two that began together stay with theirs.
func TestOneIsMetAndTheOtherIsTold(t *testing.T) {
	f := &file{book: brussels(t)}
	for _, id := range []string{"4", "5"} {
		must(t, f.do(t, night, &amparov1.TermEvent{Event: started, Kind: countersignature, TermId: id}))
	}
	before := proto.CloneOf(f.terms[0])
	must(t, f.do(t, night.Add(time.Hour), &amparov1.TermEvent{Event: met, Kind: countersignature, TermId: "5"}))
	for _, e := range f.book.Reached(f.terms, night.Add(25*time.Hour)) {
		if e.GetTermId() != "4" {
			t.Errorf("%s of %q", noticeName(e.GetNotice()), e.GetTermId())
		}
		must(t, f.do(t, night.Add(25*time.Hour), e))
	}
	if got := len(f.terms[0].GetNotices()); got != 3 || len(f.terms[1].GetNotices()) != 0 || before.GetNotices() != nil {
		t.Errorf("%d and %d notices", got, len(f.terms[1].GetNotices()))
	}
}
