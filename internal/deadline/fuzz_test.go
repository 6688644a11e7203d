package deadline_test

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/deadline"
)

// FuzzApply takes any event that can be read, with any terms of another file in it,
// into a file with something of everything. Nothing panics or hangs, a refusal changes
// nothing, what was missed stays missed, and a sweep ends.
func FuzzApply(f *testing.F) {
	seeds := []*amparov1.TermEvent{
		{Event: started, Kind: firstContact, Level: high, At: timestamppb.New(night), RulesVersion: 1},
		{Event: paused, Kind: decision, PauseReason: awaits, At: timestamppb.New(night), RulesVersion: 1},
		{Event: resumed, Kind: decision, At: timestamppb.New(night), RulesVersion: 1},
		{Event: confirmed, Kind: legal, TermId: "reply", Due: timestamppb.New(night), StaffId: "lawyer", At: timestamppb.New(night), RulesVersion: 1},
		{Event: merged, At: timestamppb.New(night), RulesVersion: 1, Merged: []*amparov1.Term{
			{Kind: decision, Base: timestamppb.New(night), Due: timestamppb.New(night), Rule: "triage/low", Pauses: []*amparov1.TermPause{{}}},
			{Kind: subjectAccess, Base: &timestamppb.Timestamp{Seconds: 1 << 50}, Rule: "subject-access", Notices: []*amparov1.TermNotice{{}}},
		}},
		{Event: noticed, Kind: triage, Base: timestamppb.New(night), Notice: &amparov1.TermNotice{Step: 2, At: timestamppb.New(night)}, At: timestamppb.New(night), RulesVersion: 1},
	}
	for _, e := range seeds {
		raw, err := proto.Marshal(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		e := &amparov1.TermEvent{}
		if proto.Unmarshal(raw, e) != nil || len(e.GetMerged()) > 20 {
			return
		}
		book := brussels(t)
		terms := begin(t, nil, triage, night.AddDate(0, 0, -1), high)
		terms = begin(t, terms, decision, night, low)
		before := cloneTerms(terms)
		after, err := book.Apply(terms, e)
		if err != nil && !equalTerms(before, after) {
			t.Fatal("a refusal has changed something")
		}
		kept := 0
		for _, term := range after {
			if term.GetKind() == triage && deadline.Breached(term, night.AddDate(1, 0, 0)) {
				kept++
			}
		}
		if kept == 0 {
			t.Fatal("a missed triage was mended")
		}
		now := night.AddDate(100, 0, 0)
		for _, n := range book.Reached(after, now) {
			if after, err = book.Apply(after, n); err != nil {
				t.Fatal(err)
			}
		}
		if again := book.Reached(after, now); len(again) > 0 {
			t.Fatalf("%d notices are given again", len(again))
		}
	})
}
