package casefile_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/casefile"
	"github.com/amparo-project/amparo/internal/deadline"
	"github.com/amparo-project/amparo/internal/risk"
)

// life is a case in the hands of people who do whatever comes to their minds. What
// holds after each step stands in check.
type life struct {
	*desk
	before *desk
	did    string // the last action
	who    string
	left   int // how often something left that takes a second signature
}

var levels = []amparov1.RiskLevel{notAssessed, low, medium, high, extreme}

// do takes one action and remembers how the case was.
func (l *life) do(name string, act func(t *rapid.T)) func(t *rapid.T) {
	return func(t *rapid.T) {
		l.before, l.did = l.copy(), name
		l.who = rapid.SampledFrom([]string{"operator", "officer"}).Draw(t, "who")
		act(t)
	}
}

func (l *life) actions() map[string]func(*rapid.T) {
	level := func(t *rapid.T) amparov1.RiskLevel { return rapid.SampledFrom(levels).Draw(t, "level") }
	return map[string]func(*rapid.T){
		"wait": l.do("wait", func(t *rapid.T) {
			l.now = l.now.Add(time.Duration(rapid.Int64Range(1, int64(5*24*time.Hour)).Draw(t, "time")))
		}),
		"triage": l.do("triage", func(t *rapid.T) {
			req := rapid.SampledFrom([]func(amparov1.RiskLevel) *amparov1.TriageCaseRequest{acceptedAt, declinedAt}).Draw(t, "outcome")
			_ = l.triage(req(level(t)), l.who)
		}),
		"assess":  l.do("assess", func(t *rapid.T) { _ = l.assess(level(t), l.who) }),
		"confirm": l.do("confirm", func(*rapid.T) { _ = l.confirm(l.who) }),
		"assign": l.do("assign", func(t *rapid.T) {
			team := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"operator", "officer", "volunteer"}), 0, 3, rapid.ID).Draw(t, "team")
			_ = l.assign(team...)
		}),
		"contact": l.do("contact", func(t *rapid.T) {
			ago := time.Duration(rapid.Int64Range(0, int64(48*time.Hour)).Draw(t, "ago"))
			outcome := rapid.SampledFrom([]amparov1.ContactOutcome{reached, amparov1.ContactOutcome_CONTACT_OUTCOME_NO_ANSWER}).Draw(t, "outcome")
			_ = l.contact(outcome, l.now.Add(-ago))
		}),
		"advance": l.do("advance", func(t *rapid.T) {
			_ = l.advance(rapid.SampledFrom([]amparov1.CaseState{inVerification, active, monitoring, closed, received}).Draw(t, "to"))
		}),
		"plan": l.do("plan", func(t *rapid.T) {
			content := plan(rapid.SampledFrom([]uint32{1, 12, 100, 2160}).Draw(t, "every"))
			content.ReviewOn = l.now.AddDate(0, 0, rapid.IntRange(0, 200).Draw(t, "days")).Format(time.DateOnly)
			_ = l.plan(content)
		}),
		"hold": l.do("hold", func(*rapid.T) {
			_ = l.note(l.by(l.who).Hold(l.c, amparov1.HoldReason_HOLD_REASON_LOST_CONTACT, ""))
		}),
		"resume": l.do("resume", func(*rapid.T) { _ = l.note(l.by(l.who).Resume(l.c, "")) }),
		"close": l.do("close", func(t *rapid.T) {
			c := closing()
			c.FinalRiskLevel = rapid.SampledFrom(append(levels, unset)).Draw(t, "level")
			_ = l.note(l.by(l.who).Close(l.c, c, roles))
		}),
		"reopen":   l.do("reopen", func(*rapid.T) { _ = l.note(l.by(l.who).Reopen(l.c, "again", roles)) }),
		"incident": l.do("incident", func(*rapid.T) { _ = l.note(l.by(l.who).AddIncident(l.c, threat)) }),
		"let leave": l.do("let leave", func(*rapid.T) {
			l.left++
			_ = l.signature(amparov1.TermEventKind_TERM_EVENT_KIND_STARTED, l.left)
		}),
		"sign": l.do("sign", func(t *rapid.T) {
			_ = l.signature(amparov1.TermEventKind_TERM_EVENT_KIND_MET, rapid.IntRange(0, l.left).Draw(t, "which"))
		}),
	}
}

// whatever are the actions that a closed case takes.
var whatever = []string{"reopen", "incident", "let leave", "sign"}

func TestLife(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := openDesk(t, &amparov1.Intake{})
		l := &life{desk: d, before: d.copy()}
		actions := l.actions()
		actions[""] = l.check
		t.Repeat(actions)
	})
}

func (l *life) check(t *rapid.T) {
	was, is := l.before.c, l.c
	changed := was.GetState() != is.GetState()
	if changed && is.GetState() == closed && l.did != "close" {
		t.Fatalf("closed by %s", l.did)
	}
	if changed && was.GetState() == closed && l.did != "reopen" {
		t.Fatalf("reopened by %s", l.did)
	}
	if was.GetState() == closed && !slices.Contains(whatever, l.did) && !proto.Equal(was, is) {
		t.Fatalf("a closed case was changed by %s", l.did)
	}
	if changed && was.GetState() == received && l.did != "triage" {
		t.Fatalf("left triage by %s", l.did)
	}
	if (is.GetState() == onHold) != (is.GetHeldFrom() != amparov1.CaseState_CASE_STATE_UNSPECIFIED) {
		t.Fatalf("%v, held from %v", is.GetState(), is.GetHeldFrom())
	}
	if s := is.GetState(); s == active || s == monitoring {
		if !risk.Assessed(is.GetRiskLevel()) || is.GetTriageOutcome() != amparov1.TriageOutcome_TRIAGE_OUTCOME_ACCEPTED {
			t.Fatalf("%v without what it needs", s)
		}
		if !l.hasOfficer() {
			t.Fatalf("%v without a case officer", s)
		}
	}
	if changed && l.did == "advance" && is.GetState() == active && is.GetPlan() == nil &&
		(is.GetRiskLevel() < high || was.GetState() == inVerification) {
		t.Fatalf("active from %v at %v without a plan", was.GetState(), is.GetRiskLevel())
	}
	if len(is.GetTeamIds()) == 0 || is.GetOwnerId() != is.GetTeamIds()[0] {
		t.Fatal("nobody owns the case")
	}
	if changed && !l.told(was.GetState(), is.GetState()) {
		t.Fatalf("the timeline does not tell of %v", is.GetState())
	}
	l.checkRisk(t)
	l.checkTerms(t)
}

// told looks for a change of state in what the last action left in the timeline.
func (l *life) told(from, to amparov1.CaseState) bool {
	for _, entry := range l.timeline[len(l.before.timeline):] {
		if entry.GetFromState() == from && entry.GetToState() == to {
			return true
		}
	}
	return false
}

func (l *life) hasOfficer() bool {
	for _, id := range l.c.GetTeamIds() {
		if _, officer := roles(id); officer {
			return true
		}
	}
	return false
}

func (l *life) checkRisk(t *rapid.T) {
	was, is := l.before.c.GetRiskLevel(), l.c.GetRiskLevel()
	if risk.Assessed(was) && is < was {
		by := l.before.c.GetRiskProposedById()
		if l.did != "confirm" || by == "" || by == l.who {
			t.Fatalf("lowered from %v to %v by %s of %q, proposed by %q", was, is, l.did, l.who, by)
		}
	}
	if proposed := l.c.GetRiskLevelProposed(); proposed != unset && (proposed >= is || l.c.GetState() == closed) {
		t.Fatalf("%v is proposed where %v holds, in %v", proposed, is, l.c.GetState())
	}
	inForce := 0
	for i, a := range l.made {
		if a.GetSequence() != uint64(i+1) {
			t.Fatalf("assessment %d is numbered %d", i+1, a.GetSequence())
		}
		if a.GetStanding() == amparov1.RiskStanding_RISK_STANDING_IN_FORCE {
			inForce++
		}
	}
	if inForce > 1 || inForce == 0 && len(l.made) > 0 {
		t.Fatalf("%d assessments are in force", inForce)
	}
}

func (l *life) checkTerms(t *rapid.T) {
	for _, before := range l.before.c.GetTerms() {
		missed := deadline.Breached(before, l.before.now)
		stays := slices.ContainsFunc(l.c.GetTerms(), func(term *amparov1.Term) bool {
			if before.GetMetAt() != nil {
				return proto.Equal(before, term)
			}
			return term.GetKind() == before.GetKind() && term.GetId() == before.GetId() && term.GetBase().AsTime().Equal(before.GetBase().AsTime()) &&
				(!missed || deadline.Breached(term, l.now))
		})
		if !stays && (missed || before.GetMetAt() == nil) {
			t.Fatalf("%v was mended, changed or forgotten by %s", before.GetKind(), l.did)
		}
	}
	running, ids := map[amparov1.TermKind]int{}, map[string]bool{}
	for _, term := range l.c.GetTerms() {
		if term.GetMetAt() != nil {
			continue
		}
		if name := term.GetKind().String() + term.GetId(); term.GetId() != "" && !ids[name] {
			ids[name] = true
			continue
		}
		if running[term.GetKind()]++; running[term.GetKind()] > 1 {
			t.Fatalf("%v runs twice after %s", term.GetKind(), l.did)
		}
		rule, exists := book.Rule(term.GetKind(), l.c.GetRiskLevel())
		longest, _ := rule.Length.Elapsed()
		if exists && term.GetDue().AsTime().Sub(term.GetBase().AsTime()) > longest {
			t.Fatalf("%v has more time than the policy gives, after %s", term.GetKind(), l.did)
		}
		if term.GetOwnerId() != l.c.GetOwnerId() {
			t.Fatalf("%v is %s's in a case of %s", term.GetKind(), term.GetOwnerId(), l.c.GetOwnerId())
		}
	}
	l.replays(t)
	if next := casefile.Receipt(l.c).GetNextTerm(); l.c.GetState() == closed && next != nil && !deadline.Outlives(next.GetKind()) {
		t.Fatalf("%v is next in a closed case", next.GetKind())
	}
	if by, _ := book.ReassessBy(l.c.GetRiskLevel(), l.now); l.did == "incident" && l.term(reassessment).GetMetAt() == nil && l.term(reassessment).GetDue().AsTime().After(by) {
		t.Fatalf("after an act the risk is assessed again by %v only", l.term(reassessment).GetDue().AsTime())
	}
	if l.c.GetState() != received && running[triageTerm] > 0 {
		t.Fatal("triage is due in a case that was triaged")
	}
	if l.c.GetState() == active && running[checkIn] == 0 {
		t.Fatal("nobody is asked to check in")
	}
	if l.c.GetState() == active && running[planReview] == 0 {
		t.Fatal("nobody is asked for the plan or its review")
	}
	if l.c.GetState() != closed && running[reassessment] == 0 {
		t.Fatal("nobody is asked to assess the risk again")
	}
}
