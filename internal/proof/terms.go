package proof

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
)

// The longest terms that any policy can give: its bounds of TERM_KIND_COUNTERSIGNATURE,
// disclosure.vital_act and disclosure.check_valid. An entry that gives itself a longer one
// was not written by a service that keeps to a policy.
const (
	secondWithin = 24 * time.Hour  // until a second person has signed
	actWithin    = 168 * time.Hour // of an act for vital interests
	checkWithin  = 336 * time.Hour // of a check, or of a stated basis
)

// lateAfter is when something was written down so late that an auditor is shown it,
// whatever the policy takes for at once.
const lateAfter = 24 * time.Hour

// exceeds reports that a term ends later than it can, counted from an instant.
func exceeds(end *timestamppb.Timestamp, from time.Time, longest time.Duration) bool {
	until, ok := instant(end)
	return ok && until.Sub(from) > longest
}

// isBelated reports that something was written down long after it was.
func isBelated(e *Entry, was *timestamppb.Timestamp) bool {
	at, ok := instant(was)
	return ok && e.At.Sub(at) > lateAfter
}

// notBefore is the time from which an entry counts: that of its leaf, but not one that
// lies before the leaves in front of it. A service whose clock is right is never behind
// its own log by more than the overlap of acts that are recorded side by side, so a leaf
// that goes further back proves nothing earlier than where it stands.
func notBefore(at, newest time.Time) time.Time {
	if floor := newest.Add(-overlap); at.Before(floor) {
		return floor
	}
	return at
}

// overlap is by how much leaves that stand side by side may be out of order.
const overlap = time.Minute

// isBy reports that something was there at an instant; a time that is missing, which is
// found for itself, takes nothing away.
func isBy(at time.Time, happened *timestamppb.Timestamp) bool {
	t, ok := instant(happened)
	return !ok || !at.After(t)
}
