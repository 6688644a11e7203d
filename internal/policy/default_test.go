package policy_test

import (
	"flag"
	"os"
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

// TestTheDefaultKeepsTheTerms compares the built-in policy with the rules that
// package deadline has of its own.
func TestTheDefaultKeepsTheTerms(t *testing.T) {
	if err := policy.Check(policy.Default()); err != nil {
		t.Fatal(err)
	}
	book, err := policy.Book(policy.Default(), 1, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	days, err := calendar.New(calendar.Config{Zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	want := deadline.Defaults(days)
	if len(book.Rules) != len(want.Rules) {
		t.Errorf("%d rules, want %d", len(book.Rules), len(want.Rules))
	}
	for _, rule := range want.Rules {
		got, ok := book.Rule(rule.Kind, rule.Level)
		if !ok || got != rule {
			t.Errorf("%s: %v at most paused %v, want %v at most paused %v", rule.ID, got.Length, got.PauseCap, rule.Length, rule.PauseCap)
		}
	}
	for i := range max(len(want.Warnings), len(want.LegalWarnings), len(want.Ladder)) {
		if i < len(want.Warnings) && book.Warnings[i] != want.Warnings[i] ||
			i < len(want.Ladder) && book.Ladder[i] != want.Ladder[i] || book.LegalWarnings[i] != want.LegalWarnings[i] {
			t.Errorf("warning or rung %d differs", i)
		}
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
