// Package deadline keeps the terms of a file: how long each may take at each level
// of risk, when it is due, what its people are told, whether it was met.
//
// A Book holds the rules, which are the policy's. Apply does to the terms what an
// event says: begin, change the level, meet, pause, resume, confirm, reassign, bring
// forward, merge, record a notice. Replay applies a whole history and gives the same
// terms again.
// Reached says which notices are due and not recorded, as events; NextNotice says
// when to ask again. Next finds the term that is due first.
//
// Terms in hours run day and night, since the hotline is open 24/7; terms in days end
// with a local day, and calendar knows when that is. Raising the risk counts a term
// again from its base, perhaps into the past; lowering it never helps one that is
// overdue. Reopening a file changes no term, and merging keeps the earliest base.
//
// What has been missed stays missed. A term that was met keeps its times for ever,
// and one that is overdue is never given more time. The one exception is a date that
// a lawyer confirms, since a court's word is not ours to keep or break; that the
// suggested date had passed by then stays on record.
//
// Of most kinds a file has one at a time. Those that are each about one thing that
// happened run beside each other, told apart by their ids, and Outlives says that
// they go on in a closed file.
//
// The package does not send anything, does not know who is on duty, and does not
// say when a file is closed.
package deadline

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/calendar"
)

const legal = amparov1.TermKind_TERM_KIND_LEGAL

// timelyKept is how many of a kind are kept that were met in time. Terms that were
// met late are evidence and are all kept; of the others the timeline of the case
// tells, and a head that grew by one with every daily check-in would be rewritten
// with all of them at every write.
const timelyKept = 12

// Breached tells whether a term was met late, or was overdue at now or before. The
// instant at which it is due is in time, and all of its millisecond with it.
func Breached(t *amparov1.Term, now time.Time) bool {
	if t.GetBreachedAt() != nil && !t.GetBreachedAt().AsTime().After(now) {
		return true
	}
	ended := now
	if !running(t) {
		ended = t.GetMetAt().AsTime()
	}
	return !ended.Before(late(t))
}

// Next returns a copy of the running term that is due first, or nil when none runs.
// Of two that are due together the earlier kind comes first.
func Next(terms []*amparov1.Term) *amparov1.Term {
	var next *amparov1.Term
	for _, t := range terms {
		if !running(t) {
			continue
		}
		if next == nil || earlier(t, next) {
			next = t
		}
	}
	if next == nil {
		return nil
	}
	return proto.CloneOf(next)
}

func earlier(a, b *amparov1.Term) bool {
	if c := a.GetDue().AsTime().Compare(b.GetDue().AsTime()); c != 0 {
		return c < 0
	}
	return a.GetKind() < b.GetKind()
}

// Outlives tells whether a kind of term goes on when its file is closed. Such a term is
// about one thing that happened, which its id names, and several of the kind run beside
// each other: what left still lacks a signature, whoever has it still has it, and the
// person still does not know, whether anybody works on the case or not.
func Outlives(kind amparov1.TermKind) bool {
	switch kind {
	case amparov1.TermKind_TERM_KIND_COUNTERSIGNATURE,
		amparov1.TermKind_TERM_KIND_WITHDRAWAL_SETTLEMENT,
		amparov1.TermKind_TERM_KIND_RETURN_ANSWER,
		amparov1.TermKind_TERM_KIND_DUTY_TO_INFORM,
		amparov1.TermKind_TERM_KIND_DATA_BREACH_NOTICE:
		return true
	default:
		return false
	}
}

// start begins a term at its base. Nothing changes when the rules have no length for
// the kind at the level, when the one that the event names is running, or when it
// happens once only and has been met: there is one triage, one first contact and one
// decision in a case, however often it is reopened.
func (b *Book) start(terms []*amparov1.Term, event *amparov1.TermEvent, base time.Time) []*amparov1.Term {
	kind := event.GetKind()
	rule, exists := b.Rule(kind, event.GetLevel())
	if !exists {
		return terms
	}
	for _, t := range terms {
		if t.GetKind() == kind && t.GetId() == event.GetTermId() && (running(t) || once(kind)) {
			return terms
		}
	}
	t := &amparov1.Term{Kind: kind, Id: event.GetTermId(), Base: timestamppb.New(base), OwnerId: event.GetStaffId()}
	b.give(t, rule, b.count(t, rule))
	return append(terms, t)
}

// give puts a due time in force, with the rule that it follows from.
func (b *Book) give(t *amparov1.Term, rule Rule, due time.Time) {
	t.Due, t.Rule, t.RulesVersion = timestamppb.New(due), rule.ID, b.Version
}

// count returns when a term is due by a rule, or by what was agreed or set where that
// is earlier.
func (b *Book) count(t *amparov1.Term, rule Rule) time.Time {
	base, stopped := t.GetBase().AsTime(), rests(t.GetPauses(), rule.PauseCap)
	var due time.Time
	if length, elapsed := rule.Length.Elapsed(); elapsed {
		due = calendar.Elapse(base, length, stopped...)
	} else {
		due = b.Calendar.Due(base, rule.Length, stopped...)
	}
	if agreed := t.GetAgreedDue(); agreed != nil && agreed.AsTime().Before(due) {
		due = agreed.AsTime()
	}
	return due
}

// hasten holds the running term that an event names to an earlier due time: one that was
// agreed with the person, or that an act against them demands. Both mean that somebody
// is looked after sooner, so the earliest of them counts, whichever came first: one that
// is later than the time in force lengthens nothing, and a later one does not undo an
// earlier. It is for the next term of the kind.
func hasten(terms []*amparov1.Term, event *amparov1.TermEvent, now time.Time) error {
	if event.GetDue() == nil || event.GetKind() == legal {
		return refuseField("due", "is required, and not for a legal date")
	}
	for _, t := range terms {
		if t.GetKind() != event.GetKind() || t.GetId() != event.GetTermId() || !running(t) {
			continue
		}
		keepBreach(t, now, time.Time{})
		t.AgreedDue = earliest(t.GetAgreedDue(), event.GetDue())
		t.Due = earliest(t.GetDue(), t.GetAgreedDue())
		keepBreach(t, now, now)
	}
	return nil
}

// earliest returns a copy of the earlier of two instants, of which one may be unset.
func earliest(a, b *timestamppb.Timestamp) *timestamppb.Timestamp {
	if a == nil || b != nil && b.AsTime().Before(a.AsTime()) {
		a = b
	}
	return proto.CloneOf(a)
}

// level counts every running term again at a level, from the base that it has. A
// higher level shortens terms, perhaps into the past; a lower one lengthens them, but
// never one that is overdue at now. A term that has no length at the level is left as
// it is.
func (b *Book) level(terms []*amparov1.Term, level amparov1.RiskLevel, now time.Time) {
	for _, t := range terms {
		rule, exists := b.Rule(t.GetKind(), level)
		if !exists || !running(t) {
			continue
		}
		keepBreach(t, now, time.Time{})
		due := b.count(t, rule)
		if due.After(t.GetDue().AsTime()) && t.GetBreachedAt() != nil {
			continue
		}
		b.give(t, rule, due)
		keepBreach(t, now, now)
	}
}

// meet ends the running terms of a kind at an instant, which is when the service
// learns of it: a call noted down after the term has passed leaves it missed.
func meet(terms []*amparov1.Term, kind amparov1.TermKind, id string, at time.Time) []*amparov1.Term {
	for _, t := range terms {
		if t.GetKind() != kind || t.GetId() != id || !running(t) {
			continue
		}
		keepBreach(t, at, time.Time{})
		if pause := resting(t); pause != nil {
			pause.Until = timestamppb.New(at)
		}
		t.MetAt = timestamppb.New(at)
	}
	return forgetTimely(terms, kind)
}

// late is the first millisecond that is too late.
func late(t *amparov1.Term) time.Time { return t.GetDue().AsTime().Add(time.Millisecond) }

// keepBreach puts on record that a term is overdue at now, if it is: since its first
// late millisecond, however long nobody looked, or since a moment after that at which
// it was made overdue by what was decided then.
func keepBreach(t *amparov1.Term, now, madeAt time.Time) {
	if t.GetBreachedAt() != nil || now.Before(late(t)) {
		return
	}
	since := late(t)
	if madeAt.After(since) {
		since = madeAt
	}
	t.BreachedAt = timestamppb.New(since)
}

func running(t *amparov1.Term) bool { return t.GetMetAt() == nil }

// once are the terms that a file has once; the others begin again after they were
// met.
func once(kind amparov1.TermKind) bool {
	switch kind {
	case amparov1.TermKind_TERM_KIND_TRIAGE,
		amparov1.TermKind_TERM_KIND_FIRST_CONTACT,
		amparov1.TermKind_TERM_KIND_SUPPORT_DECISION,
		amparov1.TermKind_TERM_KIND_COMPLAINT_ACKNOWLEDGEMENT,
		amparov1.TermKind_TERM_KIND_COMPLAINT_INITIAL_RESPONSE,
		amparov1.TermKind_TERM_KIND_COMPLAINT_FINAL_RESPONSE:
		return true
	default:
		return false
	}
}

// forgetTimely drops those of a kind that were met in time and longest ago, but no date
// of a court. Where several ran at once, the one that was met last may have begun first,
// and is what somebody has just done.
func forgetTimely(terms []*amparov1.Term, kind amparov1.TermKind) []*amparov1.Term {
	if kind == legal {
		return terms
	}
	var timely []*amparov1.Term
	for _, t := range terms {
		if t.GetKind() == kind && !running(t) && !Breached(t, t.GetMetAt().AsTime()) {
			timely = append(timely, t)
		}
	}
	if len(timely) <= timelyKept {
		return terms
	}
	slices.SortStableFunc(timely, func(a, b *amparov1.Term) int { return a.GetMetAt().AsTime().Compare(b.GetMetAt().AsTime()) })
	surplus := timely[:len(timely)-timelyKept]
	return slices.DeleteFunc(terms, func(t *amparov1.Term) bool { return slices.Contains(surplus, t) })
}
