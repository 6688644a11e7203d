package deadline

import (
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
)

// Replay returns the terms that a history gives, each event under the version of the
// rules that it names. It keeps neither events nor books. The error says which event
// was refused, from 0, or names a version that is not among the books; a history that
// Apply has accepted is never refused.
func Replay(books []*Book, events []*amparov1.TermEvent) ([]*amparov1.Term, error) {
	var terms []*amparov1.Term
	for i, event := range events {
		at := slices.IndexFunc(books, func(b *Book) bool { return b.Version == event.GetRulesVersion() })
		if at < 0 {
			return nil, fmt.Errorf("replay event %d: find version %d of the rules", i, event.GetRulesVersion())
		}
		var err error
		if terms, err = books[at].Apply(terms, event); err != nil {
			return nil, fmt.Errorf("replay event %d: %w", i, err)
		}
	}
	return terms, nil
}

// Apply does to the terms what an event says, in place, and returns them. When it
// refuses, nothing has changed. Starting what runs already, meeting what does not run,
// bringing it forward and recording a notice twice are no errors and change nothing.
//
// It refuses with REASON_FIELD_INVALID what no history can hold, and with
// REASON_STATE_FORBIDS what the terms do not allow: a pause without a rule for it, a
// resumption of what is not paused, a confirmation of what does not run.
func (b *Book) Apply(terms []*amparov1.Term, event *amparov1.TermEvent) ([]*amparov1.Term, error) {
	if event.GetAt() == nil {
		return terms, refuseField("at", "is required")
	}
	if event.GetRulesVersion() != b.Version {
		return terms, refuseField("rules_version", "is that of the rules in force")
	}
	now := event.GetAt().AsTime()
	switch event.GetEvent() {
	case amparov1.TermEventKind_TERM_EVENT_KIND_STARTED:
		return b.applyStart(terms, event, now)
	case amparov1.TermEventKind_TERM_EVENT_KIND_LEVEL_CHANGED:
		b.level(terms, event.GetLevel(), now)
	case amparov1.TermEventKind_TERM_EVENT_KIND_MET:
		terms = meet(terms, event.GetKind(), event.GetTermId(), now)
	case amparov1.TermEventKind_TERM_EVENT_KIND_ASSIGNED:
		assign(terms, event.GetStaffId())
	case amparov1.TermEventKind_TERM_EVENT_KIND_MERGED:
		terms = b.merge(terms, event.GetMerged(), now)
	case amparov1.TermEventKind_TERM_EVENT_KIND_AGREED, amparov1.TermEventKind_TERM_EVENT_KIND_SHORTENED:
		return terms, hasten(terms, event, now)
	case amparov1.TermEventKind_TERM_EVENT_KIND_NOTICED:
		return terms, b.record(terms, event)
	case amparov1.TermEventKind_TERM_EVENT_KIND_PAUSED,
		amparov1.TermEventKind_TERM_EVENT_KIND_RESUMED,
		amparov1.TermEventKind_TERM_EVENT_KIND_CONFIRMED:
		return terms, b.applyToOne(terms, event, now)
	default:
		return terms, refuseField("event", "is required")
	}
	return terms, nil
}

func (b *Book) applyStart(terms []*amparov1.Term, event *amparov1.TermEvent, now time.Time) ([]*amparov1.Term, error) {
	base := now
	if event.GetBase() != nil {
		base = event.GetBase().AsTime()
	}
	if base.After(now) {
		return terms, refuseField("base", "is not in the future")
	}
	if event.GetTermId() != "" && event.GetKind() != legal && !Outlives(event.GetKind()) {
		return terms, refuseField("term_id", "is for kinds of which several run at once")
	}
	if event.GetKind() != legal {
		return b.start(terms, event, base), nil
	}
	if event.GetTermId() == "" || event.GetDue() == nil {
		return terms, refuseField("due", "and term_id are required for a legal date")
	}
	for _, t := range terms {
		if t.GetKind() == legal && t.GetId() == event.GetTermId() {
			return terms, nil
		}
	}
	t := &amparov1.Term{
		Kind: legal, Id: event.GetTermId(), Base: timestamppb.New(base),
		Due: proto.CloneOf(event.GetDue()), SuggestedDue: proto.CloneOf(event.GetDue()),
		Rule: event.GetRule(), RulesVersion: b.Version, OwnerId: event.GetStaffId(),
	}
	keepBreach(t, now, now)
	return append(terms, t), nil
}

// applyToOne is for the events that ask for a running term.
func (b *Book) applyToOne(terms []*amparov1.Term, event *amparov1.TermEvent, now time.Time) error {
	i := slices.IndexFunc(terms, func(t *amparov1.Term) bool {
		return t.GetKind() == event.GetKind() && t.GetId() == event.GetTermId() && running(t)
	})
	if i < 0 {
		return refuse("kind", "names a term that runs")
	}
	switch event.GetEvent() {
	case amparov1.TermEventKind_TERM_EVENT_KIND_PAUSED:
		return b.pause(terms[i], event.GetPauseReason(), now)
	case amparov1.TermEventKind_TERM_EVENT_KIND_RESUMED:
		return b.resume(terms[i], now)
	default:
		return confirm(terms[i], event, now)
	}
}

// confirm puts a lawyer's date in force, be it earlier or later than the suggested
// one, which stays beside it.
func confirm(t *amparov1.Term, event *amparov1.TermEvent, now time.Time) error {
	if t.GetKind() != legal {
		return refuseField("kind", "is a legal date: nothing else is confirmed")
	}
	if event.GetDue() == nil || event.GetStaffId() == "" {
		return refuseField("due", "and staff_id are required")
	}
	keepBreach(t, now, time.Time{})
	t.ConfirmedDue, t.ConfirmedById = proto.CloneOf(event.GetDue()), event.GetStaffId()
	t.Due = proto.CloneOf(event.GetDue())
	keepBreach(t, now, now)
	return nil
}

func assign(terms []*amparov1.Term, ownerID string) {
	for _, t := range terms {
		if running(t) {
			t.OwnerId = ownerID
		}
	}
}

// refuse is for what the terms do not allow now, refuseField for what is never right.
func refuse(field, rule string) error {
	return fault.Field(amparov1.Reason_REASON_STATE_FORBIDS, field, rule)
}

func refuseField(field, rule string) error {
	return fault.Field(amparov1.Reason_REASON_FIELD_INVALID, field, rule)
}
