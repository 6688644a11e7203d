package deadline

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/calendar"
)

// rests returns the time that does not count, up to a cap on all of it together. An
// open pause counts as if it went on until the cap: a due time that can only come
// nearer is no false promise to whoever plans by it, and nobody has to move it when
// the cap is reached.
func rests(pauses []*amparov1.TermPause, left time.Duration) []calendar.Span {
	var spans []calendar.Span
	for _, pause := range pauses {
		from := pause.GetFrom().AsTime()
		until := from.Add(left)
		if end := pause.GetUntil(); end != nil && end.AsTime().Before(until) {
			until = end.AsTime()
		}
		if until.After(from) {
			spans = append(spans, calendar.Span{From: from, Until: until})
			left -= until.Sub(from)
		}
	}
	return spans
}

// resting returns the open pause of a term, or nil.
func resting(t *amparov1.Term) *amparov1.TermPause {
	pauses := t.GetPauses()
	if len(pauses) == 0 || pauses[len(pauses)-1].GetUntil() != nil {
		return nil
	}
	return pauses[len(pauses)-1]
}

func (b *Book) pause(t *amparov1.Term, reason amparov1.TermPauseReason, at time.Time) error {
	if reason == amparov1.TermPauseReason_TERM_PAUSE_REASON_UNSPECIFIED {
		return refuseField("pause_reason", "is required")
	}
	rule, exists := b.byID(t.GetRule())
	if !exists || rule.PauseCap == 0 {
		return refuse("kind", "names a term whose rule allows pauses")
	}
	if resting(t) != nil || t.GetBreachedAt() != nil || !at.Before(late(t)) {
		return refuse("kind", "names a term that is neither paused nor overdue")
	}
	earliest := t.GetBase().AsTime()
	if n := len(t.GetPauses()); n > 0 {
		earliest = t.GetPauses()[n-1].GetUntil().AsTime()
	}
	if at.Before(earliest) {
		return refuseField("at", "is not before the term's base or its last pause")
	}
	pauses := append(t.GetPauses()[:len(t.GetPauses()):len(t.GetPauses())],
		&amparov1.TermPause{Reason: reason, From: timestamppb.New(at)})
	if len(rests(pauses, rule.PauseCap)) == len(rests(t.GetPauses(), rule.PauseCap)) {
		return refuse("kind", "names a term with time left to pause")
	}
	t.Pauses = pauses
	b.give(t, rule, b.count(t, rule))
	return nil
}

// resume ends a pause. Should the rules have lost the term's rule meanwhile, it keeps
// the due time that the cap gave it.
func (b *Book) resume(t *amparov1.Term, at time.Time) error {
	pause := resting(t)
	if pause == nil {
		return refuse("kind", "names a term that is paused")
	}
	keepBreach(t, at, time.Time{})
	if at.Before(pause.GetFrom().AsTime()) {
		at = pause.GetFrom().AsTime()
	}
	pause.Until = timestamppb.New(at)
	rule, exists := b.byID(t.GetRule())
	if !exists {
		return nil
	}
	due := b.count(t, rule)
	if due.Before(t.GetDue().AsTime()) {
		b.give(t, rule, due)
	}
	keepBreach(t, at, at)
	return nil
}
