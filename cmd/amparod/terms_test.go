package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/casefile"
	"github.com/amparo-project/amparo/internal/deadline"
	"github.com/amparo-project/amparo/internal/records"
)

// TestTermsOfFormat1GoOn acts in the cases of an earlier release, whose timelines say
// nothing of terms: from the first act on, replaying them gives the terms of the
// case, and no clock has begun anew.
func TestTermsOfFormat1GoOn(t *testing.T) {
	r, ids := openFormat1(t)
	for _, id := range ids {
		found := actInOldCase(t, r, id)
		terms := replayed(t, r, id)
		for _, old := range found {
			if !slices.ContainsFunc(terms, func(term *amparov1.Term) bool {
				return term.GetKind() == old.GetKind() && proto.Equal(term.GetBase(), old.GetBase())
			}) {
				t.Errorf("case %s: %v has lost its base", id, old.GetKind())
			}
		}
	}
}

// TestTermsOfFormat1AreSwept lets the sweep be the first that acts on them.
func TestTermsOfFormat1AreSwept(t *testing.T) {
	r, ids := openFormat1(t)
	if _, err := r.Started(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if swept, err := r.Sweep(t.Context()); swept == 0 || err != nil {
		t.Fatalf("%d cases were told of, %v", swept, err)
	}
	notices := 0
	for _, id := range ids {
		if _, history := termsOf(t, r, id); len(history) == 0 {
			continue // closed: nothing is told of it
		}
		for _, term := range replayed(t, r, id) {
			notices += len(term.GetNotices())
		}
	}
	if notices == 0 {
		t.Error("no notice is on record")
	}
}

func openFormat1(t *testing.T) (r *records.Records, caseIDs []string) {
	t.Helper()
	dir := t.TempDir()
	unpack(t, filepath.Join("testdata", "format1.tar.gz"), dir)
	f, err := openFolder(filepath.Join(dir, "data"), filepath.Join(dir, "identity.age"))
	if err != nil {
		t.Fatal(err)
	}
	engine, err := f.openStore(false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	u, err := f.unseal(t.Context(), engine, func(pseudonym string) { t.Errorf("%s failed its proof", pseudonym) })
	if err != nil {
		t.Fatal(err)
	}
	ids, err := os.ReadFile(filepath.Join("testdata", "format1.cases"))
	if err != nil {
		t.Fatal(err)
	}
	return u.records, strings.Fields(string(ids))
}

// replayed returns the terms of a case, which are those that its timeline gives.
func replayed(t *testing.T, r *records.Records, id string) []*amparov1.Term {
	t.Helper()
	terms, history := termsOf(t, r, id)
	again, err := deadline.Replay(r.Books(), history)
	if err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(&amparov1.Case{Terms: again}, &amparov1.Case{Terms: terms}) {
		t.Errorf("case %s: the timeline gives other terms than the case has", id)
	}
	return terms
}

// actInOldCase assesses the risk, in a closed case after reopening it, and returns
// the terms that the case had before.
func actInOldCase(t *testing.T, r *records.Records, id string) (found []*amparov1.Term) {
	t.Helper()
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_RISK_ASSESS)
	_, err := r.Update(t.Context(), grant, records.Request{}, records.Targets(id), func(w *records.Work) (proto.Message, error) {
		c, act := w.File(0).Case(), casefile.Act{StaffID: "somebody", Now: w.Now, Book: w.Book()}
		if found = c.GetTerms(); len(found) == 0 || c.GetTermsOnRecord() {
			t.Errorf("case %s has no terms of an earlier release", id)
		}
		if c.GetState() == amparov1.CaseState_CASE_STATE_CLOSED {
			entry, err := act.Reopen(c, "called again", func(string) (bool, bool) { return true, true })
			if err != nil {
				return nil, err
			}
			w.File(0).Append(entry)
		}
		made, err := w.File(0).Assessments()
		if err != nil {
			return nil, err
		}
		all, entry, err := act.AssessRisk(c, made, &amparov1.RiskJudgement{Level: amparov1.RiskLevel_RISK_LEVEL_EXTREME, Reasons: "so"})
		if err != nil {
			return nil, err
		}
		w.File(0).SetAssessments(all)
		w.File(0).Append(entry)
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func termsOf(t *testing.T, r *records.Records, id string) (terms []*amparov1.Term, history []*amparov1.TermEvent) {
	t.Helper()
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_CASE_READ)
	_, err := r.View(t.Context(), grant, records.Targets(id), func(w *records.Work) (proto.Message, error) {
		entries, _, err := w.File(0).Timeline(0, nil, 1000)
		for _, entry := range slices.Backward(entries) {
			history = append(history, entry.GetTermEvents()...)
		}
		terms = w.File(0).Case().GetTerms()
		return nil, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return terms, history
}
