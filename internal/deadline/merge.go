package deadline

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// merge takes the terms of another file in. Where both have a term of a kind running,
// one is left, with the earlier base and the earliest of all due times; what was met
// or missed in either stays on record. The other file's own terms are not changed.
func (b *Book) merge(terms, others []*amparov1.Term, now time.Time) []*amparov1.Term {
	for _, other := range others {
		other = proto.CloneOf(other)
		i := slices.IndexFunc(terms, func(t *amparov1.Term) bool {
			return running(t) && running(other) && t.GetKind() == other.GetKind() && t.GetId() == other.GetId()
		})
		if i < 0 {
			terms = append(terms, other)
			continue
		}
		b.join(terms[i], other, now)
	}
	slices.SortStableFunc(terms, func(a, c *amparov1.Term) int {
		return a.GetBase().AsTime().Compare(c.GetBase().AsTime())
	})
	return terms
}

// join gives t the stricter of two clocks in all that they have. Pauses go: whatever
// one file was waiting for, the person of the other was not.
func (b *Book) join(t, other *amparov1.Term, now time.Time) {
	keepBreach(t, now, time.Time{})
	keepBreach(other, now, time.Time{})
	if t.GetBreachedAt() == nil || other.GetBreachedAt() != nil && other.GetBreachedAt().AsTime().Before(t.GetBreachedAt().AsTime()) {
		t.BreachedAt = other.GetBreachedAt()
	}
	if other.GetBase().AsTime().Before(t.GetBase().AsTime()) {
		t.Base = other.GetBase()
	}
	t.Pauses = nil
	t.AgreedDue = earliest(t.GetAgreedDue(), other.GetAgreedDue())
	rules := []string{t.GetRule(), other.GetRule()}
	if other.GetDue().AsTime().Before(t.GetDue().AsTime()) {
		t.Due, t.Rule, t.RulesVersion = other.GetDue(), other.GetRule(), other.GetRulesVersion()
		t.SuggestedDue, t.ConfirmedDue, t.ConfirmedById = other.GetSuggestedDue(), other.GetConfirmedDue(), other.GetConfirmedById()
	}
	for _, id := range rules {
		rule, exists := b.byID(id)
		if !exists || rule.Kind != t.GetKind() {
			continue
		}
		if due := b.count(t, rule); due.Before(t.GetDue().AsTime()) {
			b.give(t, rule, due)
		}
	}
	for _, n := range other.GetNotices() {
		keepNotice(t, n)
	}
	keepBreach(t, now, now)
}
