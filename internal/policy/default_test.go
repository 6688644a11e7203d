package policy_test

import (
	"flag"
	"os"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/calendar"
	"github.com/amparo-project/amparo/internal/deadline"
	"github.com/amparo-project/amparo/internal/policy"
	"github.com/amparo-project/amparo/internal/written"
)

// go test ./internal/policy -update writes the golden policy anew; whoever knows the
// work reads the difference before it is committed.
var update = flag.Bool("update", false, "write testdata/default.yaml anew")

// TestTheDefaultIsTheOneThatWasRead keeps the built-in policy as a file that needs
// no programmer to be read.
func TestTheDefaultIsTheOneThatWasRead(t *testing.T) {
	const golden = "testdata/default.yaml"
	got, err := written.Encode(policy.Default())
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("the built-in policy has changed; read it, then run with -update. It is now:\n%s", got)
	}
	again := &amparov1.Policy{}
	if err := written.Decode(want, again); err != nil || !proto.Equal(again, policy.Default()) {
		t.Errorf("what is written is not read as the same policy: %v", err)
	}
}

// TestTheDefaultMakesABook: the built-in policy is within its own bounds, and its terms
// are counted as they stand in it.
func TestTheDefaultMakesABook(t *testing.T) {
	if err := policy.Check(policy.Default()); err != nil {
		t.Fatal(err)
	}
	book, err := policy.Book(policy.Default(), 1, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	const low, high = amparov1.RiskLevel_RISK_LEVEL_LOW, amparov1.RiskLevel_RISK_LEVEL_HIGH
	for _, want := range []deadline.Rule{
		{ID: "triage/high", Kind: amparov1.TermKind_TERM_KIND_TRIAGE, Level: high, Length: calendar.Length{Count: 4, Unit: calendar.Hours}},
		{
			ID: "support-decision/low", Kind: amparov1.TermKind_TERM_KIND_SUPPORT_DECISION, Level: low,
			Length: calendar.Length{Count: 720, Unit: calendar.Hours}, PauseCap: 336 * time.Hour,
		},
		{ID: "complaint-final-response", Kind: amparov1.TermKind_TERM_KIND_COMPLAINT_FINAL_RESPONSE, Length: calendar.Length{Count: 30, Unit: calendar.Days}},
		{
			ID: "subject-access", Kind: amparov1.TermKind_TERM_KIND_SUBJECT_ACCESS,
			Length: calendar.Length{Count: 1, Unit: calendar.Months}, PauseCap: 720 * time.Hour,
		},
	} {
		if got, _ := book.Rule(want.Kind, want.Level); got != want {
			t.Errorf("%s: %v at most paused %v, want %v at most paused %v", want.ID, got.Length, got.PauseCap, want.Length, want.PauseCap)
		}
	}
	ladder := []time.Duration{60 * time.Minute, 90 * time.Minute, 120 * time.Minute}
	if !slices.Equal(book.Ladder, ladder) || !slices.Equal(book.Warnings, []int{50, 80}) || !slices.Equal(book.LegalWarnings, []int{60, 30, 14, 7, 2}) {
		t.Errorf("rungs %v, warnings %v and %v", book.Ladder, book.Warnings, book.LegalWarnings)
	}
}

// TestOlderPoliciesAreCompleted: what an older release could not say gets the
// built-in value, and what a mechanism has decided stays.
func TestOlderPoliciesAreCompleted(t *testing.T) {
	if _, added := policy.Complete(policy.Default()); added {
		t.Error("something is added to a whole policy")
	}
	old := policy.Default()
	old.Terms, old.Approvals, old.OnCall.DigestEvery, old.Limits = old.Terms[1:], old.Approvals[1:], nil, nil
	old.OnCall.PassOnAfter.Length = "5min"
	old.Levels, old.Consent, old.Disclosure, old.Bases, old.Children = old.Levels[:3], nil, nil, nil, nil
	whole, added := policy.Complete(old)
	if err := policy.Check(whole); err != nil || !added {
		t.Errorf("added %v, %v", added, err)
	}
	differences := policy.Differences(policy.Default(), whole)
	if len(differences) != 1 || differences[0].GetPath() != "on_call.pass_on_after.length" || differences[0].GetAfter() != "5min" {
		t.Errorf("%d values differ from the built-in ones", len(differences))
	}
	if len(old.GetTerms()) != len(policy.Default().GetTerms())-1 {
		t.Error("the old policy has changed")
	}
}

// TestACountrysAgesAreItsOwn: a release that knows ages which a mechanism has moved does
// not put its own between them.
func TestACountrysAgesAreItsOwn(t *testing.T) {
	p := policy.Default()
	p.Children = slices.Delete(p.GetChildren(), 1, 3)
	p.Children[1].FromAge = 13
	if _, added := policy.Complete(p); added {
		t.Error("rows are added to a table of ages that is whole")
	}
}
