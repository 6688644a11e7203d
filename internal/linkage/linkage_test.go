package linkage_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/casefile"
	"github.com/amparo-project/amparo/internal/deadline"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/linkage"
	"github.com/amparo-project/amparo/internal/policy"
	"github.com/amparo-project/amparo/internal/risk"
)

var night = time.Date(2026, 3, 14, 3, 0, 0, 0, time.UTC)

func book(t testing.TB) *deadline.Book {
	t.Helper()
	b, err := policy.Book(policy.Default(), 1, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func officers(string) (worksCases, caseOfficer bool) { return true, true }

// model is a few cases with their histories, and what may never be lost of them.
type model struct {
	act       casefile.Act
	cases     []*amparov1.Case
	histories map[string][]*amparov1.TermEvent
	snapshots map[string]*amparov1.CaseBeforeMerge
	wasBefore map[string]*amparov1.Case
	earliest  map[string]time.Time       // by case: what it may not fall behind
	barred    map[string]map[string]bool // by case: who was ever excluded
	at        map[string]int             // by kind of step: how often it went through
}

func newModel(t *rapid.T, rules *deadline.Book) *model {
	m := &model{
		act:       casefile.Act{Now: night, Book: rules},
		histories: map[string][]*amparov1.TermEvent{}, snapshots: map[string]*amparov1.CaseBeforeMerge{},
		wasBefore: map[string]*amparov1.Case{}, earliest: map[string]time.Time{}, barred: map[string]map[string]bool{}, at: map[string]int{},
	}
	people := []string{"ana", "ben", "eva", "leo", "mia"}
	for i := range rapid.IntRange(2, 4).Draw(t, "cases") {
		taker := rapid.SampledFrom(people).Draw(t, "taker")
		excluded := slices.DeleteFunc(rapid.SliceOfNDistinct(rapid.SampledFrom(people), 0, 2, rapid.ID[string]).Draw(t, "excluded"),
			func(id string) bool { return id == taker })
		intake := &amparov1.Intake{
			ExcludedStaffIds: excluded, Restricted: rapid.Bool().Draw(t, "restricted"),
			ReceivedAt: timestamppb.New(night.Add(-time.Duration(rapid.IntRange(0, 96).Draw(t, "hours ago")) * time.Hour)),
		}
		m.act.StaffID = taker
		c, entry, err := m.act.Open(intake, fmt.Sprint("case", i), fmt.Sprint("name", i), "north")
		if err != nil {
			t.Fatal(err)
		}
		m.keep(c, entry)
		m.cases, m.barred[c.GetId()] = append(m.cases, c), map[string]bool{}
		m.earliest[c.GetId()] = earliest(c)
		if rapid.Bool().Draw(t, "assessed") {
			level := rapid.SampledFrom([]amparov1.RiskLevel{2, 3, 4, 5}).Draw(t, "level")
			_, entry, err := m.act.AssessRisk(c, nil, &amparov1.RiskJudgement{Level: level, ThreatRating: 1, VulnerabilityRating: 1, CapacityRating: 1})
			if err != nil {
				t.Fatal(err)
			}
			m.keep(c, entry)
		}
	}
	return m
}

func (m *model) keep(c *amparov1.Case, entries ...*amparov1.TimelineEntry) {
	for _, entry := range entries {
		m.histories[c.GetId()] = append(m.histories[c.GetId()], entry.GetTermEvents()...)
	}
}

func earliest(c *amparov1.Case) time.Time {
	first := c.GetReceivedAt().AsTime()
	for _, term := range c.GetTerms() {
		if base := term.GetBase().AsTime(); base.Before(first) {
			first = base
		}
	}
	return first
}

// step is one person's say about two cases, some time later.
func (m *model) step(t *rapid.T) {
	m.act.Now = m.act.Now.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "hours")) * time.Hour)
	m.act.StaffID = rapid.SampledFrom([]string{"one", "two"}).Draw(t, "who")
	stays, other := rapid.SampledFrom(m.cases).Draw(t, "stays"), rapid.SampledFrom(m.cases).Draw(t, "other")
	undo := rapid.Bool().Draw(t, "undo")
	before := []proto.Message{proto.Clone(stays), proto.Clone(other)}
	proposedBy := stays.GetMergeProposal().GetProposedById()
	agreed, _, err := linkage.Agree(m.act, stays, other, undo)
	if err != nil {
		if !proto.Equal(before[0], stays) || !proto.Equal(before[1], other) {
			t.Fatal("a refusal has changed something")
		}
		return
	}
	if !agreed {
		return
	}
	if proposedBy == m.act.StaffID {
		t.Fatal("one person did what takes two")
	}
	if undo {
		m.part(t, stays, other)
	} else {
		m.merge(t, stays, other)
	}
}

func (m *model) merge(t *rapid.T, stays, other *amparov1.Case) {
	was, level := proto.CloneOf(other), stays.GetRiskLevel()
	ofStays, ofOther, snapshot, err := linkage.Merge(m.act, stays, other, officers, rapid.Bool().Draw(t, "keep team"))
	if err != nil {
		if fault.As(err).Reason != amparov1.Reason_REASON_OWNER_NEEDED || !proto.Equal(was, other) {
			t.Fatalf("refused: %v", err)
		}
		return
	}
	m.at["merged"]++
	m.keep(stays, ofStays...)
	m.keep(other, ofOther...)
	m.snapshots[other.GetId()], m.wasBefore[other.GetId()] = snapshot, was
	if m.earliest[other.GetId()].Before(m.earliest[stays.GetId()]) {
		m.earliest[stays.GetId()] = m.earliest[other.GetId()]
	}
	if risk.Rank(stays.GetRiskLevel()) < risk.Rank(level) || risk.Assessed(was.GetRiskLevel()) && risk.Rank(stays.GetRiskLevel()) < risk.Rank(was.GetRiskLevel()) {
		t.Fatalf("%v and %v became %v", level, was.GetRiskLevel(), stays.GetRiskLevel())
	}
	if other.GetState() != amparov1.CaseState_CASE_STATE_CLOSED || other.GetMergedIntoId() != stays.GetId() || !slices.Contains(stays.GetMergedCaseIds(), other.GetId()) {
		t.Fatal("the two do not point to each other")
	}
}

func (m *model) part(t *rapid.T, stays, other *amparov1.Case) {
	was := m.wasBefore[other.GetId()]
	ofStays, ofOther, err := linkage.Unmerge(m.act, stays, other, m.snapshots[other.GetId()])
	if err != nil {
		t.Fatal(err)
	}
	m.at["parted"]++
	m.keep(stays, ofStays)
	m.keep(other, ofOther)
	again := proto.CloneOf(other)
	// Only these may differ, and only in one direction: see check.
	again.ExcludedStaffIds, again.Restricted, again.MergeProposal = was.ExcludedStaffIds, was.Restricted, was.MergeProposal
	again.TeamIds, again.OwnerId = was.TeamIds, was.OwnerId
	if !proto.Equal(again, was) {
		t.Fatalf("the case is not as it was:\n%v\n%v", was, again)
	}
}

// check is what holds after every step, whatever came before.
func (m *model) check(t *rapid.T) {
	for _, c := range m.cases {
		if got, limit := earliest(c), m.earliest[c.GetId()]; got.After(limit) {
			t.Fatalf("%s: the earliest clock began at %v, now at %v", c.GetId(), limit, got)
		}
		for _, id := range c.GetExcludedStaffIds() {
			m.barred[c.GetId()][id] = true
		}
		for id := range m.barred[c.GetId()] {
			if !slices.Contains(c.GetExcludedStaffIds(), id) {
				t.Fatalf("%s: %s is excluded no more", c.GetId(), id)
			}
		}
		if c.GetMergedIntoId() == "" && slices.ContainsFunc(c.GetTeamIds(), func(id string) bool { return slices.Contains(c.GetExcludedStaffIds(), id) }) {
			t.Fatalf("%s: somebody on the team is excluded", c.GetId())
		}
		for _, id := range c.GetMergedCaseIds() {
			other := m.byID(id)
			for barred := range maps.Keys(m.barred[id]) {
				if !slices.Contains(c.GetExcludedStaffIds(), barred) {
					t.Fatalf("%s, whom %s excludes, sees %s", barred, other.GetId(), c.GetId())
				}
			}
		}
		terms, err := deadline.Replay([]*deadline.Book{m.act.Book}, m.histories[c.GetId()])
		if err != nil || !slices.EqualFunc(terms, c.GetTerms(), func(a, b *amparov1.Term) bool { return proto.Equal(a, b) }) {
			t.Fatalf("%s: its history gives other terms: %v", c.GetId(), err)
		}
	}
}

func (m *model) byID(id string) *amparov1.Case {
	return m.cases[slices.IndexFunc(m.cases, func(c *amparov1.Case) bool { return c.GetId() == id })]
}

// TestMergedAndParted merges and parts a few cases in any order, by anybody, at any
// time.
func TestMergedAndParted(t *testing.T) {
	rules, total := book(t), map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t, rules)
		for range rapid.IntRange(5, 40).Draw(t, "steps") {
			m.step(t)
			m.check(t)
		}
		for kind, n := range m.at {
			total[kind] += n
		}
	})
	if total["merged"] == 0 || total["parted"] == 0 {
		t.Errorf("only %v went through", total)
	}
}

// TestClocksOfTwo are what a caseworker asks first: which clock runs now.
func TestClocksOfTwo(t *testing.T) {
	act := casefile.Act{StaffID: "ana", Now: night, Book: book(t)}
	open := func(id string, ago time.Duration) *amparov1.Case {
		c, _, err := act.Open(&amparov1.Intake{ReceivedAt: timestamppb.New(night.Add(-ago))}, id, id, "north")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	running := func(c *amparov1.Case, kind amparov1.TermKind) (bases []time.Duration) {
		for _, term := range c.GetTerms() {
			if term.GetKind() == kind && term.GetMetAt() == nil {
				bases = append(bases, night.Sub(term.GetBase().AsTime()))
			}
		}
		return bases
	}
	const triage, contact = amparov1.TermKind_TERM_KIND_TRIAGE, amparov1.TermKind_TERM_KIND_FIRST_CONTACT
	for _, row := range []struct {
		name    string
		triaged bool // the case that stays
		stays   time.Duration
		other   time.Duration
		triage  []time.Duration
		contact []time.Duration
	}{
		{"the other came first", false, time.Hour, 5 * time.Hour, []time.Duration{5 * time.Hour}, []time.Duration{5 * time.Hour}},
		{"the other came later", false, 5 * time.Hour, time.Hour, []time.Duration{5 * time.Hour}, []time.Duration{5 * time.Hour}},
		{"triage has been done", true, time.Hour, 5 * time.Hour, nil, []time.Duration{5 * time.Hour}},
	} {
		stays, other := open("stays", row.stays), open("other", row.other)
		if row.triaged {
			stays.State = amparov1.CaseState_CASE_STATE_TRIAGED
			if err := act.Record(stays, &amparov1.TimelineEntry{}, &amparov1.TermEvent{Event: amparov1.TermEventKind_TERM_EVENT_KIND_MET, Kind: triage}); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, _, err := linkage.Merge(act, stays, other, officers, false); err != nil {
			t.Fatal(err)
		}
		if got := running(stays, triage); !slices.Equal(got, row.triage) {
			t.Errorf("%s: triage runs since %v, want %v", row.name, got, row.triage)
		}
		if got := running(stays, contact); !slices.Equal(got, row.contact) {
			t.Errorf("%s: first contact runs since %v, want %v", row.name, got, row.contact)
		}
	}
}

// TestBarred: nobody who is excluded goes on owning an open case.
func TestBarred(t *testing.T) {
	for _, row := range []struct {
		name string
		c    *amparov1.Case
		want string
	}{
		{"a member is next", &amparov1.Case{OwnerId: "ana", TeamIds: []string{"ana", "ben"}}, "ben"},
		{"nobody is left", &amparov1.Case{OwnerId: "ana", TeamIds: []string{"ana"}}, ""},
		{"a member is barred", &amparov1.Case{OwnerId: "ben", TeamIds: []string{"ben", "ana"}}, "ben"},
		{"closed", &amparov1.Case{OwnerId: "ana", State: amparov1.CaseState_CASE_STATE_CLOSED}, "ana"},
	} {
		as := &amparov1.Case{ExcludedStaffIds: []string{"ana"}}
		if !linkage.Bar(row.c, as) || linkage.Bar(row.c, as) || row.c.GetOwnerId() != row.want || slices.Contains(row.c.GetTeamIds(), "ana") {
			t.Errorf("%s: owner %q, team %v", row.name, row.c.GetOwnerId(), row.c.GetTeamIds())
		}
	}
	open, kept := &amparov1.Case{}, &amparov1.Case{Restricted: true}
	if !linkage.Bar(open, kept) || !open.GetRestricted() || linkage.Bar(kept, &amparov1.Case{}) || !kept.GetRestricted() {
		t.Error("a case stays open to its office beside one that is kept to its team")
	}
}
