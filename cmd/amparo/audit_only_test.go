package main

import (
	"fmt"
	"testing"

	"github.com/amparo-project/amparo/internal/proof"
)

// TestOnlyOneCase: whoever asks for one case is told that more was found than is shown,
// which may be of that case.
func TestOnlyOneCase(t *testing.T) {
	j := judged{proof: &proof.Report{
		Ledgers: []*proof.Ledger{{Pseudonym: "a"}, {Pseudonym: "b"}}, Classes: map[proof.Class]uint64{},
		Findings: []proof.Finding{{Pseudonym: "a", Number: 1}, {Pseudonym: "b", Number: 1}, {Reason: proof.Reason{Code: "AND_MORE"}}},
	}}
	if !j.only("b") || j.proof.Sound() {
		t.Error("what was found of the case, or beyond what is kept, is gone")
	}
	if got := fmt.Sprint(j.proof.Findings); got != "[{b 1 0 { }} { 0 0 {AND_MORE }}]" {
		t.Errorf("findings of the case: %s", got)
	}
}
