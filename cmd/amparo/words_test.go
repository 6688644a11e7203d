package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// What was forgotten on the command line is named, and what is too much is not repeated.
func TestArgumentsAreNamed(t *testing.T) {
	for line, says := range map[string]string{
		"consent list":                   "CASE is missing (USAGE); next: amparo consent list --help",
		"consent withdraw":               "CASE and CONSENT are missing (USAGE)",
		"consent settle x":               "WITHDRAWAL is missing (USAGE)",
		"harm approve":                   "CASE and ENTRY are missing (USAGE)",
		"disclose":                       "CASE is missing (USAGE)",
		"breach report":                  "CASE is missing (USAGE)",
		"audit verify":                   "FILE is missing (USAGE)",
		"audit verify a canary":          "it takes no more than FILE (USAGE)",
		"case advance":                   "ID is missing (USAGE)",
		"case assign":                    "ID and STAFF are missing (USAGE)",
		"audit sample draw -1":           "a number here is never below 0 (USAGE)",
		"audit sample draw 0":            "draw at least 1 (USAGE)",
		"audit sample draw many canarys": "it takes no more than COUNT (USAGE)",
	} {
		var said bytes.Buffer
		exit := run(context.Background(), &terminal{in: strings.NewReader(""), out: &bytes.Buffer{}, err: &said}, strings.Fields(line))
		if exit != exitUsage || !strings.Contains(said.String(), says) || strings.Contains(said.String(), "canary") {
			t.Errorf("amparo %s: exit %d: %s", line, exit, said.String())
		}
	}
}

func TestNumbersAgreeWithTheirWords(t *testing.T) {
	for n, want := range map[uint64]string{0: "0 leaves", 1: "1 leaf", 2: "2 leaves"} {
		if got := count(n, "leaf", "leaves"); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}

// What devices do by themselves must not bury what people did; nothing is left out in
// silence, and nothing that was refused.
func TestAPageOfTheLogLeavesOutOwnChecks(t *testing.T) {
	leaf := func(action amparov1.LeafAction, outcome amparov1.LeafOutcome) *amparov1.LoggedLeaf {
		return &amparov1.LoggedLeaf{Leaf: &amparov1.AuditLeaf{Action: action, Outcome: outcome}}
	}
	check, done, refused := amparov1.LeafAction_LEAF_ACTION_AUDIT_CHECKPOINT, amparov1.LeafOutcome_LEAF_OUTCOME_DONE, amparov1.LeafOutcome_LEAF_OUTCOME_REFUSED
	leaves := []*amparov1.LoggedLeaf{leaf(check, done), leaf(amparov1.LeafAction_LEAF_ACTION_NOTE, done), leaf(check, refused), leaf(check, done)}
	for all, want := range map[bool]int{false: 1, true: 3} {
		p := &page{now: testNow, zone: time.UTC}
		p.logPage(leaves, all)
		text := string(p.bytes())
		if strings.Count(text, "audit checkpoint")-want != 0 || strings.Contains(text, "2 leaves of this page left out") == all {
			t.Errorf("all %v:\n%s", all, text)
		}
	}
}

// That the log is not shown is said in one line after whatever was asked for, and changes
// no exit code.
func TestAnUnseenLogIsToldOf(t *testing.T) {
	var out, said bytes.Buffer
	a := &app{terminal: &terminal{in: strings.NewReader(""), out: &out, err: &said}, now: time.Now, zone: time.UTC}
	a.noteUnseen(time.Date(2031, 3, 3, 9, 0, 0, 0, time.UTC))
	exit := a.execute(context.Background(), []string{"--version"})
	if exit != 0 || strings.Count(said.String(), "\n") != 1 || !strings.Contains(said.String(), "since Mon 3 Mar 2031 09:00 (LOG_UNSEEN); next: ask colleagues") {
		t.Errorf("exit %d: %s", exit, said.String())
	}
}

func TestASmallerSampleSaysSo(t *testing.T) {
	sample := &amparov1.DrawSampleResponse{Facts: make([]*amparov1.LedgerFact, 4), Leaves: []uint64{1, 2, 3, 4}, Size: 9}
	for wanted, says := range map[uint64]bool{4: false, 5: true} {
		p := &page{now: testNow, zone: time.UTC}
		p.drawn(sample, wanted)
		if strings.Contains(string(p.bytes()), "4 and not 5: there are no more") != says {
			t.Errorf("of %d:\n%s", wanted, p.bytes())
		}
	}
}
