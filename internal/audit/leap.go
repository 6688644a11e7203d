package audit

import (
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// maxLeap is how far the time of one leaf may lie after that of the leaf before it
// and nobody asks. The service says what time it is when nothing else happens, so
// what is longer is a clock that was set, or a service that stood still.
const maxLeap = 24 * time.Hour

// leapt returns from when time leapt and nobody has confirmed it since, after one
// more leaf; mark is the newest time before it. That it follows from the leaves
// alone makes it as hard to lose as they are: no crash parts the first act at a
// wrong time from the knowledge that the time may be wrong.
func leapt(from, mark, at time.Time, act amparov1.LeafAction) time.Time {
	switch {
	case act == amparov1.LeafAction_LEAF_ACTION_CLOCK_CONFIRM:
		return time.Time{}
	case !from.IsZero() || mark.IsZero():
		return from
	case act == amparov1.LeafAction_LEAF_ACTION_CLOCK_LEAPT || at.Sub(mark) > maxLeap:
		return mark
	default:
		return from
	}
}

// done is a leaf's act, unless it was refused.
func done(leaf *amparov1.AuditLeaf) amparov1.LeafAction {
	if leaf.GetOutcome() != amparov1.LeafOutcome_LEAF_OUTCOME_DONE {
		return amparov1.LeafAction_LEAF_ACTION_UNSPECIFIED
	}
	return leaf.GetAction()
}

// Leapt reports whether time has leapt forward by more than a day, in the log or
// between its newest leaf and now, and nobody has confirmed the clock since. A
// service that stood still for a day looks the same.
func (l *Log) Leapt(now time.Time) bool {
	p := l.at.Load()
	if !p.leaptFrom.IsZero() {
		return true
	}
	return !p.highWater.IsZero() && now.Sub(p.highWater) > maxLeap
}
