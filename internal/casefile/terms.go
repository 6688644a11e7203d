package casefile

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/risk"
)

const (
	triageTerm   = amparov1.TermKind_TERM_KIND_TRIAGE
	firstContact = amparov1.TermKind_TERM_KIND_FIRST_CONTACT
	decision     = amparov1.TermKind_TERM_KIND_SUPPORT_DECISION
	reassessment = amparov1.TermKind_TERM_KIND_REASSESSMENT
	checkIn      = amparov1.TermKind_TERM_KIND_CHECK_IN
	planReview   = amparov1.TermKind_TERM_KIND_PLAN_REVIEW
)

// Record does to the terms of a case what events say, in their order, and puts them
// on record in an entry of its timeline. Their time and version of the rules are
// filled in. Events that change nothing are left out, so that a timeline is no
// longer for them. When one of them is refused, nothing has changed; those that the
// steps of this package make never are.
//
// A case of an earlier release has terms and no history of them. Its history begins
// here, before the events, with the terms as they were found: replayed as a file
// that was merged into an empty one, which takes them as they are.
func (a Act) Record(c *amparov1.Case, entry *amparov1.TimelineEntry, events ...*amparov1.TermEvent) error {
	terms := cloneTerms(c.GetTerms())
	if !c.GetTermsOnRecord() && len(terms) > 0 {
		found := &amparov1.TermEvent{Event: amparov1.TermEventKind_TERM_EVENT_KIND_MERGED, Merged: terms}
		terms, events = nil, slices.Concat([]*amparov1.TermEvent{found}, events)
	}
	var happened []*amparov1.TermEvent
	for _, event := range events {
		event.At, event.RulesVersion = timestamppb.New(a.Now), a.Book.Version
		before := cloneTerms(terms)
		after, err := a.Book.Apply(terms, event)
		if err != nil {
			return err
		}
		terms = after
		if !slices.EqualFunc(before, terms, func(x, y *amparov1.Term) bool { return proto.Equal(x, y) }) {
			happened = append(happened, event)
		}
	}
	if len(happened) == 0 {
		return nil
	}
	c.Terms, c.TermsOnRecord = terms, true
	entry.TermEvents = append(entry.GetTermEvents(), happened...)
	return nil
}

// PauseTerm lets a term of an open case rest, for a reason; the book says which terms
// may. It refuses with REASON_STATE_FORBIDS as deadline does.
func (a Act) PauseTerm(c *amparov1.Case, kind amparov1.TermKind, why amparov1.TermPauseReason) (*amparov1.TimelineEntry, error) {
	if err := possible(c, toPause); err != nil {
		return nil, err
	}
	entry := a.entry(amparov1.TimelineKind_TIMELINE_KIND_TERM_PAUSED)
	return entry, a.Record(c, entry, &amparov1.TermEvent{
		Event: amparov1.TermEventKind_TERM_EVENT_KIND_PAUSED, Kind: kind, PauseReason: why,
	})
}

// ResumeTerm lets a term that rests go on.
func (a Act) ResumeTerm(c *amparov1.Case, kind amparov1.TermKind) (*amparov1.TimelineEntry, error) {
	if err := possible(c, toPause); err != nil {
		return nil, err
	}
	entry := a.entry(amparov1.TimelineKind_TIMELINE_KIND_TERM_RESUMED)
	return entry, a.Record(c, entry, &amparov1.TermEvent{
		Event: amparov1.TermEventKind_TERM_EVENT_KIND_RESUMED, Kind: kind,
	})
}

func cloneTerms(terms []*amparov1.Term) []*amparov1.Term {
	copied := make([]*amparov1.Term, len(terms))
	for i, t := range terms {
		copied[i] = proto.CloneOf(t)
	}
	return copied
}

func starts(c *amparov1.Case, kind amparov1.TermKind, base time.Time) *amparov1.TermEvent {
	return &amparov1.TermEvent{
		Event: amparov1.TermEventKind_TERM_EVENT_KIND_STARTED,
		Kind:  kind, Base: timestamppb.New(base), Level: c.GetRiskLevel(), StaffId: c.GetOwnerId(),
	}
}

func meets(kind amparov1.TermKind) *amparov1.TermEvent {
	return &amparov1.TermEvent{Event: amparov1.TermEventKind_TERM_EVENT_KIND_MET, Kind: kind}
}

func agrees(kind amparov1.TermKind, due time.Time) *amparov1.TermEvent {
	return &amparov1.TermEvent{Event: amparov1.TermEventKind_TERM_EVENT_KIND_AGREED, Kind: kind, Due: timestamppb.New(due)}
}

// startsCheckIn begins a check-in at a contact, at the latest when the plan says.
func startsCheckIn(c *amparov1.Case, base time.Time) []*amparov1.TermEvent {
	events := []*amparov1.TermEvent{starts(c, checkIn, base)}
	if every := c.GetPlan().GetCheckInHours(); every > 0 {
		events = append(events, agrees(checkIn, base.Add(checkInInterval(c))))
	}
	return events
}

// retimes counts the running terms at the level in force. The decision on support
// has a term only when the level is known, and then runs from the request like the
// others.
func retimes(c *amparov1.Case) []*amparov1.TermEvent {
	return []*amparov1.TermEvent{
		{Event: amparov1.TermEventKind_TERM_EVENT_KIND_LEVEL_CHANGED, Level: c.GetRiskLevel()},
		starts(c, decision, c.GetReceivedAt().AsTime()),
	}
}

// reassesses is what a judgement does: one that states a level begins the time to
// the next one.
func (a Act) reassesses(c *amparov1.Case, j *amparov1.RiskJudgement) []*amparov1.TermEvent {
	events := retimes(c)
	if risk.Assessed(j.GetLevel()) {
		events = append(events, meets(reassessment), starts(c, reassessment, a.Now))
	}
	return events
}

// beginsSupport is what active work does: the decision has been made, the person is
// to be heard from, and a plan is due where an emergency has begun without one.
func (a Act) beginsSupport(c *amparov1.Case) []*amparov1.TermEvent {
	if died(c) {
		return []*amparov1.TermEvent{meets(decision)}
	}
	return append([]*amparov1.TermEvent{meets(decision), starts(c, planReview, a.Now)}, startsCheckIn(c, a.Now)...)
}

// checksIn begins the next check-in at a contact. A contact older than the one that
// is counted from says nothing new.
func checksIn(c *amparov1.Case, at time.Time) []*amparov1.TermEvent {
	if accepted(c, false) != nil || died(c) {
		return nil
	}
	for _, t := range c.GetTerms() {
		if t.GetKind() == checkIn && !t.GetBase().AsTime().Before(at) {
			return nil
		}
	}
	return append([]*amparov1.TermEvent{meets(checkIn)}, startsCheckIn(c, at)...)
}
