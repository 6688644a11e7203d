// Package deadline counts the time limits of a case: how long each may take at
// each level of risk, when it is due, whether it was met. Start begins a term,
// Meet ends it, Update moves what still runs after the level has changed, and
// Next says what is due first.
//
// Every term counts elapsed hours, day and night: the hotline is open 24/7. The
// package knows no calendars, no pauses, no warnings before a term is due and no
// ladder of people to tell; a rule with a calendar would stand in the table of
// lengths, beside the duration, and everything here would go on to use it.
//
// What has been missed stays missed. A term that was met keeps its times for ever,
// and one that is overdue is never given more time.
package deadline

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

const (
	hour = time.Hour
	day  = 24 * time.Hour
)

// byLevel holds one length a level; zero means that there is no such term.
type byLevel struct {
	notAssessed, low, medium, high, extreme time.Duration
}

// lengths are Amparo's defaults. Their anchors in the field: Urgent Action Fund
// answers within 72 h; Primero assigns in 1 h and 3 h; Mexico's mechanism decides
// in 3 h and acts in 9 h; child protection visits within 24 h, 72 h, a week. A
// person whose risk nobody knows is triaged as fast as one at high risk.
var lengths = map[amparov1.TermKind]byLevel{
	amparov1.TermKind_TERM_KIND_TRIAGE: {
		notAssessed: 4 * hour, low: 72 * hour, medium: 24 * hour, high: 4 * hour, extreme: hour,
	},
	amparov1.TermKind_TERM_KIND_FIRST_CONTACT: {
		notAssessed: 24 * hour, low: 7 * day, medium: 72 * hour, high: 24 * hour, extreme: 4 * hour,
	},
	amparov1.TermKind_TERM_KIND_SUPPORT_DECISION: {
		low: 30 * day, medium: 14 * day, high: 72 * hour, extreme: 24 * hour,
	},
	amparov1.TermKind_TERM_KIND_REASSESSMENT: {
		notAssessed: 24 * hour, low: 90 * day, medium: 30 * day, high: 14 * day, extreme: 3 * day,
	},
	amparov1.TermKind_TERM_KIND_CHECK_IN: {
		low: 30 * day, medium: 14 * day, high: 7 * day, extreme: day,
	},
}

// timelyKept is how many of a kind are kept that were met in time. Terms that were
// met late are evidence and are all kept; of the others the timeline of the case
// tells, and a head that grew by one with every daily check-in would be rewritten
// with all of them at every write.
const timelyKept = 12

// Length returns how long a term may take at a level, and whether there is such a
// term at that level. A level that is not set counts as not assessed.
func Length(kind amparov1.TermKind, level amparov1.RiskLevel) (time.Duration, bool) {
	row := lengths[kind]
	var length time.Duration
	switch level {
	case amparov1.RiskLevel_RISK_LEVEL_LOW:
		length = row.low
	case amparov1.RiskLevel_RISK_LEVEL_MEDIUM:
		length = row.medium
	case amparov1.RiskLevel_RISK_LEVEL_HIGH:
		length = row.high
	case amparov1.RiskLevel_RISK_LEVEL_EXTREME:
		length = row.extreme
	default:
		length = row.notAssessed
	}
	return length, length > 0
}

// Start begins a term at its base and returns the terms with it. Nothing changes
// when the kind has no length at the level, when one of the kind is running, or
// when it happens once only and has been met: there is one triage, one first
// contact and one decision in a case, however often it is reopened.
func Start(terms []*amparov1.Term, kind amparov1.TermKind, base time.Time, level amparov1.RiskLevel) []*amparov1.Term {
	length, exists := Length(kind, level)
	if !exists {
		return terms
	}
	for _, t := range terms {
		if t.GetKind() == kind && (running(t) || !recurs(kind)) {
			return terms
		}
	}
	return append(terms, &amparov1.Term{
		Kind: kind,
		Base: timestamppb.New(base),
		Due:  timestamppb.New(base.Add(length)),
	})
}

// Meet ends the running term of a kind at an instant, if there is one, and returns
// the terms. The instant is when the service learns of it: a call noted down after
// the term has passed leaves it missed.
func Meet(terms []*amparov1.Term, kind amparov1.TermKind, at time.Time) []*amparov1.Term {
	for _, t := range terms {
		if t.GetKind() == kind && running(t) {
			t.MetAt = timestamppb.New(at)
		}
	}
	return forgetTimely(terms, kind)
}

// Update counts every running term again at a level, from the base that it has. A
// higher level shortens terms, perhaps into the past; a lower one lengthens them,
// but never one that is overdue at now. A term that has no length at the level is
// left as it is.
func Update(terms []*amparov1.Term, level amparov1.RiskLevel, now time.Time) {
	for _, t := range terms {
		length, exists := Length(t.GetKind(), level)
		if !exists || !running(t) {
			continue
		}
		due := t.GetBase().AsTime().Add(length)
		if due.After(t.GetDue().AsTime()) && Breached(t, now) {
			continue
		}
		t.Due = timestamppb.New(due)
	}
}

// Breached tells whether a term was met late, or still runs at now and is overdue.
// The instant at which it is due is in time.
func Breached(t *amparov1.Term, now time.Time) bool {
	ended := now
	if !running(t) {
		ended = t.GetMetAt().AsTime()
	}
	return ended.After(t.GetDue().AsTime())
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

func running(t *amparov1.Term) bool { return t.GetMetAt() == nil }

// recurs tells the terms that begin again from those that a case has once.
func recurs(kind amparov1.TermKind) bool {
	return kind == amparov1.TermKind_TERM_KIND_REASSESSMENT || kind == amparov1.TermKind_TERM_KIND_CHECK_IN
}

// forgetTimely drops the oldest of a kind that were met in time. The terms of a
// kind stand in the order in which they began.
func forgetTimely(terms []*amparov1.Term, kind amparov1.TermKind) []*amparov1.Term {
	timely := func(t *amparov1.Term) bool {
		return t.GetKind() == kind && !running(t) && !Breached(t, t.GetMetAt().AsTime())
	}
	surplus := -timelyKept
	for _, t := range terms {
		if timely(t) {
			surplus++
		}
	}
	return slices.DeleteFunc(terms, func(t *amparov1.Term) bool {
		if surplus <= 0 || !timely(t) {
			return false
		}
		surplus--
		return true
	})
}
