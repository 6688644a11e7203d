package night_test

import (
	"context"
	"sync"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

// file is one case as the service shows it.
type file struct {
	shown       *amparov1.GetCaseResponse
	timeline    []*amparov1.TimelineEntry // newest first
	assessments []*amparov1.RiskAssessment
	ledger      []*amparov1.LedgerEntry // newest first
}

func (s *siege) open(ctx context.Context, caseID string) (*file, error) {
	shown, err := s.reviewer.Cases.GetCase(ctx, &amparov1.GetCaseRequest{CaseId: caseID})
	if err != nil {
		return nil, err
	}
	f := &file{shown: shown}
	page := &amparov1.ListTimelineRequest{CaseId: caseID, PageSize: 200}
	for {
		answer, err := s.reviewer.Cases.ListTimeline(ctx, page)
		if err != nil {
			return nil, err
		}
		f.timeline = append(f.timeline, answer.GetEntries()...)
		if page.PageToken = answer.GetNextPageToken(); page.PageToken == "" {
			break
		}
	}
	risks, err := s.reviewer.Risk.ListRiskAssessments(ctx, &amparov1.ListRiskAssessmentsRequest{CaseId: caseID})
	f.assessments = risks.GetAssessments()
	for before := uint32(0); err == nil; {
		var page *amparov1.ListConsentsResponse
		page, err = amparov1.NewConsentServiceClient(s.reviewer).ListConsents(ctx, &amparov1.ListConsentsRequest{CaseId: caseID, PageSize: 200, Before: before})
		f.ledger = append(f.ledger, page.GetEntries()...)
		if before = page.GetNextBefore(); before == 0 {
			break
		}
	}
	return f, err
}

// judge holds every case of the acts against them and returns which acts are there.
// found are the cases of intakes that the ledger does not know the case of.
func (s *siege) judge(acts []*act, found map[string]string) map[string]bool {
	groups := byCase(acts)
	for _, a := range acts {
		if opened := found[a.ID]; opened != "" {
			groups[opened] = append(groups[opened], a)
		}
	}
	there := map[string]bool{}
	var mu sync.Mutex
	var workers sync.WaitGroup
	cases := make(chan string)
	for range writerCount {
		workers.Go(func() {
			for caseID := range cases {
				states := s.judgeCase(caseID, groups[caseID])
				mu.Lock()
				for id, is := range states {
					there[id] = is
				}
				mu.Unlock()
			}
		})
	}
	for caseID := range groups {
		cases <- caseID
	}
	close(cases)
	workers.Wait()
	return there
}

// judgeCase asks of one case: is every acknowledged act there, once and as it was
// sent; is every other one there wholly or not at all; and is there nothing else.
func (s *siege) judgeCase(caseID string, acts []*act) map[string]bool {
	f, err := s.open(s.t.Context(), caseID)
	if err != nil {
		s.t.Errorf("a case with acknowledged acts cannot be opened: %v", client.Explain(err))
		return nil
	}
	there := map[string]bool{}
	versions, entries := uint64(0), 0
	for _, a := range acts {
		if hashOf(s.crew.requestOf(forRequest(a))) != a.SHA256 {
			s.t.Errorf("%s: the ledger does not describe what was sent", a.Kind)
		}
		traces := f.traces(a, acts)
		for i := range traces {
			if traces[i] != traces[0] {
				s.t.Errorf("%s %s was done by half: its traces are %v", a.Kind, a.ID, traces)
			}
		}
		switch {
		case traces[0] > 1:
			s.t.Errorf("%s %s was done %d times", a.Kind, a.ID, traces[0])
		case a.Acked && traces[0] == 0:
			s.t.Errorf("%s %s was acknowledged and is lost", a.Kind, a.ID)
		case traces[0] == 1:
			there[a.ID] = true
			versions++
			entries += entriesOf(a)
		}
		if a.Acked && a.Version > f.shown.GetCase().GetVersion() {
			s.t.Errorf("%s: the case is older than its receipt", a.Kind)
		}
	}
	if got := f.shown.GetCase().GetVersion(); got != versions {
		s.t.Errorf("case is at version %d after %d acts", got, versions)
	}
	if len(f.timeline) != entries {
		s.t.Errorf("the timeline has %d entries, want %d", len(f.timeline), entries)
	}
	for i, entry := range f.timeline {
		if entry.GetSequence() != uint64(len(f.timeline)-i) {
			s.t.Errorf("the timeline has a gap at %d", entry.GetSequence())
		}
	}
	for i, entry := range f.ledger {
		if entry.GetNumber() != uint32(len(f.ledger)-i) {
			s.t.Errorf("the ledger has a gap at %d", entry.GetNumber())
		}
	}
	return there
}

// forRequest is an act as it was when its request was made: an intake knew no case.
func forRequest(a *act) *act {
	made := *a
	if made.Kind == "intake" {
		made.Case = ""
	}
	return &made
}

// entriesOf is how many entries an act leaves in the timeline.
func entriesOf(a *act) int {
	if a.Kind == "triage" {
		return 2
	}
	return 1
}

// traces counts what an act left in each place where it leaves something.
func (f *file) traces(a *act, acts []*act) []int {
	switch a.Kind {
	case "intake":
		asSent := 0
		if f.shown.GetIdentity().GetPerson().GetLegalName() == nameOf(a) && f.shown.GetIntake().GetSituation() == textOf(a) {
			asSent = 1
		}
		return []int{asSent, f.count(amparov1.TimelineKind_TIMELINE_KIND_INTAKE, "")}
	case "note":
		return []int{f.count(amparov1.TimelineKind_TIMELINE_KIND_NOTE, textOf(a))}
	case "contact":
		return []int{f.count(amparov1.TimelineKind_TIMELINE_KIND_CONTACT, textOf(a))}
	case "risk":
		return []int{f.judged(a), f.count(amparov1.TimelineKind_TIMELINE_KIND_RISK, textOf(a)) +
			f.count(amparov1.TimelineKind_TIMELINE_KIND_RISK_PROPOSED, textOf(a))}
	case "triage":
		triaged := 0
		if f.shown.GetCase().GetState() == amparov1.CaseState_CASE_STATE_TRIAGED {
			triaged = 1
		}
		return []int{
			f.judged(a), triaged, f.count(amparov1.TimelineKind_TIMELINE_KIND_TRIAGE, textOf(a)),
			f.count(amparov1.TimelineKind_TIMELINE_KIND_RISK, textOf(a)) + f.count(amparov1.TimelineKind_TIMELINE_KIND_RISK_PROPOSED, textOf(a)),
		}
	case "assign", "assign-all":
		return []int{f.assigned(a, acts)}
	default:
		return f.entered(a)
	}
}

// count counts the entries of a kind with a text; contacts keep theirs in the
// attempt, and an empty text fits all.
func (f *file) count(kind amparov1.TimelineKind, text string) int {
	n := 0
	for _, entry := range f.timeline {
		if entry.GetKind() == kind && (text == "" || entry.GetText() == text || entry.GetContact().GetText() == text) {
			n++
		}
	}
	return n
}

func (f *file) judged(a *act) int {
	n := 0
	for _, assessment := range f.assessments {
		if assessment.GetJudgement().GetReasons() == textOf(a) {
			n++
		}
	}
	return n
}

// assigned tells assignments apart by their order, since they have no words: one
// person makes them one after the other in a case of their own.
func (f *file) assigned(a *act, acts []*act) int {
	before, after := 0, 0
	for _, other := range acts {
		if other.Kind != "assign" && other.Kind != "assign-all" {
			continue
		}
		switch {
		case other == a:
			after = 1
		case after == 0:
			before++
		default:
			after++
		}
	}
	there := f.count(amparov1.TimelineKind_TIMELINE_KIND_ASSIGNED, "") - before
	if after > 1 {
		there = min(there, 1)
	}
	return max(there, 0)
}
