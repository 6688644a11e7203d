package proof

import (
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// isUrgent tells the tracks on which one person lets something leave and a second
// one signs afterwards.
func isUrgent(track amparov1.DisclosureTrack) bool {
	return track == amparov1.DisclosureTrack_DISCLOSURE_TRACK_URGENT || isVital(track)
}

func isVital(track amparov1.DisclosureTrack) bool {
	return track == amparov1.DisclosureTrack_DISCLOSURE_TRACK_VITAL_INTERESTS
}

// judge holds a disclosure against all that stands in the ledger before it. Only the
// second signature, which comes later, is left to conclude.
func (l *ledger) judge(e *Entry, d *amparov1.DisclosureFact, placed bool) *Disclosure {
	out := &Disclosure{Entry: *e}
	var why reasons
	if !placed {
		why.add("MISPLACED", "nothing rests where it stands")
	}
	if isOrphan(e) {
		why.add("AUTHOR_MISSING", "nobody let it leave")
	}
	if d.GetPurpose() == 0 || d.GetRecipient() == 0 || len(kinds(d)) == 0 || len(kinds(d)) < len(unique(d.GetCategories())) {
		why.add("INCOMPLETE", "it does not say for what, to whom, or which data")
	}
	if _, ok := instant(d.GetHappenedAt()); !ok {
		why.add("INCOMPLETE", "it does not say when")
	}
	switch track := d.GetTrack(); track {
	case amparov1.DisclosureTrack_DISCLOSURE_TRACK_UNSPECIFIED, amparov1.DisclosureTrack_DISCLOSURE_TRACK_ORDINARY:
		out.Consents = l.consents(d, &why)
		l.check(out, d, &why)
	case amparov1.DisclosureTrack_DISCLOSURE_TRACK_URGENT:
		out.Consents = l.consents(d, &why)
		l.check(out, d, &why)
		secondTerm(d, &why)
	case amparov1.DisclosureTrack_DISCLOSURE_TRACK_VITAL_INTERESTS:
		out.Against = l.refusedBy(d)
		l.check(out, d, &why)
		l.vital(out, d, &why)
	case amparov1.DisclosureTrack_DISCLOSURE_TRACK_LISTED:
		l.basis(out, d, &why)
	default:
		why.add("TRACK_UNKNOWN", "it does not say on what it left")
	}
	out.Reasons = why.all()
	return out
}

func secondTerm(d *amparov1.DisclosureFact, why *reasons) {
	if _, ok := instant(d.GetSecondDueAt()); !ok {
		why.add("SECOND_TERM_MISSING", "no second signature is asked for")
	}
}

// check holds a disclosure against the do-no-harm check that it names.
func (l *ledger) check(out *Disclosure, d *amparov1.DisclosureFact, why *reasons) {
	k := l.support(d.GetCheck())
	c := k.fact().GetCheck()
	if c == nil {
		why.add("CHECK_MISSING", "it names no do-no-harm check that was there")
		return
	}
	out.Check = k.Number()
	n := k.Number()
	if c.GetPurpose() != d.GetPurpose() || c.GetRecipient() != d.GetRecipient() ||
		!within(d.GetCategories(), c.GetCategories()) || !within(others(d.GetParties()), c.GetParties()) {
		why.add("CHECK_OTHER_ACTION", "check %d is of another action", n)
	}
	if !goesOn(c) {
		why.add("CHECK_FORBIDS", "check %d says %s", n, word(c.GetResult()))
	}
	for _, later := range l.forbidding[after(l.forbidding, n):] {
		if f := later.Fact.GetCheck(); touches(f, d) {
			why.add("CHECK_FORBIDS", "check %d, which came after check %d, says %s", later.Number(), n, word(f.GetResult()))
			break // one no is enough
		}
	}
	if !before(d.GetHappenedAt(), c.GetValidUntil()) {
		why.add("CHECK_EXPIRED", "check %d was too old", n)
	}
	if exceeds(c.GetValidUntil(), k.At, checkWithin) {
		why.add("TERM_TOO_LONG", "check %d holds longer than any can", n)
	}
	if i, _ := slices.BinarySearch(l.incidents, n); i < len(l.incidents) {
		why.add("CHECK_OVERTAKEN", "check %d was overtaken by entry %d", n, l.incidents[i])
	}
	if isUrgent(d.GetTrack()) {
		out.Approvals = numbers(l.approvals[n])
		return // what follows is what haste leaves no time for
	}
	approvals := l.agreed(k, d.GetHappenedAt())
	out.Approvals = numbers(approvals)
	if c.GetShortForm() {
		why.add("CHECK_SHORT", "check %d asked only what is asked in haste", n)
	}
	if before(d.GetHappenedAt(), timestamppb.New(k.At)) {
		why.add("CHECK_RECORDED_LATER", "check %d was written down later", n)
	}
	if uint64(len(approvals)) < uint64(c.GetApprovalsNeeded()) {
		why.add("CHECK_UNAPPROVED", "check %d had %d of %d approvals by others", n, len(approvals), c.GetApprovalsNeeded())
	}
}

// goesOn reports whether a check says to go on.
func goesOn(c *amparov1.CheckFact) bool {
	return c.GetResult() == amparov1.HarmResult_HARM_RESULT_PROCEED || c.GetResult() == amparov1.HarmResult_HARM_RESULT_PROCEED_WITH_MITIGATION
}

// touches reports whether a check judged any of what left, for whoever it is about. One
// that does not say what it is of is of everything: a no is not lost for a blank.
func touches(c *amparov1.CheckFact, d *amparov1.DisclosureFact) bool {
	return (c.GetPurpose() == 0 || c.GetPurpose() == d.GetPurpose()) && (c.GetRecipient() == 0 || c.GetRecipient() == d.GetRecipient()) &&
		(len(c.GetCategories()) == 0 || slices.ContainsFunc(kinds(d), func(one amparov1.DataCategory) bool { return slices.Contains(c.GetCategories(), one) }))
}

// vital holds a disclosure for vital interests against what such an act needs of its
// own, or against the earlier act on which it leaves.
func (l *ledger) vital(out *Disclosure, d *amparov1.DisclosureFact, why *reasons) {
	if d.GetUnder() == 0 {
		secondTerm(d, why)
		if _, ok := instant(d.GetActExpiresAt()); !ok {
			why.add("ACT_TERM_MISSING", "it does not say until when the act holds")
		} else if !before(d.GetHappenedAt(), d.GetActExpiresAt()) {
			why.add("ACT_EXPIRED", "it left after the act had ended")
		}
		if at, ok := instant(d.GetHappenedAt()); ok && exceeds(d.GetActExpiresAt(), at, actWithin) {
			why.add("TERM_TOO_LONG", "the act holds longer than any can")
		}
		return
	}
	earlier := l.support(d.GetUnder())
	u := earlier.fact().GetDisclosure()
	if !isVital(u.GetTrack()) || u.GetUnder() != 0 {
		why.add("ACT_UNKNOWN", "entry %d is no act for vital interests that was there", d.GetUnder())
		return
	}
	n := earlier.Number()
	out.Under = n
	if u.GetPurpose() != d.GetPurpose() || u.GetRecipient() != d.GetRecipient() ||
		!within(d.GetCategories(), u.GetCategories()) || !within(others(d.GetParties()), u.GetParties()) {
		why.add("ACT_OTHER_ACTION", "the act of entry %d is another", n)
	}
	if !before(d.GetHappenedAt(), u.GetActExpiresAt()) {
		why.add("ACT_EXPIRED", "it left after the act of entry %d had ended", n)
	}
	if d.GetSecondDueAt() != nil {
		why.add("SECOND_TERM_MISPLACED", "the signature asked for is that of the act of entry %d", n)
	}
}

// conclude gives a disclosure its class, now that all signatures are there that ever
// will be; newest is the newest time of the log.
func (l *ledger) conclude(d *Disclosure, newest time.Time) {
	f := d.Fact.GetDisclosure()
	act := d
	if d.Under != 0 {
		act = l.acts[d.Under]
		if len(act.Reasons) > 0 {
			d.Reasons = append(d.Reasons, Reason{Code: "ACT_UNCOVERED", Text: "the act on which it left is not covered itself"})
		}
	}
	switch {
	case len(d.Reasons) > 0:
		d.Class = Uncovered
	case f.GetTrack() == amparov1.DisclosureTrack_DISCLOSURE_TRACK_LISTED:
		d.Class = classListed
	case !isUrgent(f.GetTrack()):
		d.Class = classConsent
	default:
		d.Class, d.Second = l.signed(act, newest)
	}
}

// signed is the class of an urgent act or one for vital interests, and its second
// signature.
func (l *ledger) signed(act *Disclosure, newest time.Time) (Class, uint32) {
	f := act.Fact.GetDisclosure()
	completed, pending, late := classUrgentCompleted, classUrgentPending, classUrgentLate
	if isVital(f.GetTrack()) {
		completed, pending, late = classVitalCompleted, classVitalPending, classVitalLate
	}
	due := secondDue(f)
	signatures := l.approvals[act.Number()]
	for _, s := range signatures {
		if !s.At.After(due) {
			return completed, s.Number()
		}
	}
	switch {
	case len(signatures) > 0:
		return late, signatures[0].Number()
	case newest.After(due):
		return late, 0
	default:
		return pending, 0
	}
}

// secondDue is until when a second person must sign, which is never later than the day
// after, whatever the entry says.
func secondDue(d *amparov1.DisclosureFact) time.Time {
	due, latest := d.GetSecondDueAt().AsTime(), d.GetHappenedAt().AsTime().Add(secondWithin)
	if due.After(latest) {
		return latest
	}
	return due
}

// within reports that a list holds nothing that is not in another.
func within[T comparable](list, all []T) bool {
	if len(all) < few {
		return !slices.ContainsFunc(list, func(value T) bool { return !slices.Contains(all, value) })
	}
	known := make(map[T]bool, len(all))
	for _, value := range all {
		known[value] = true
	}
	return !slices.ContainsFunc(list, func(value T) bool { return !known[value] })
}

// few is up to how many values a list is gone through as quickly as it is looked up.
const few = 32

// others are the parties beside the person of the case.
func others(parties []uint32) []uint32 {
	return slices.DeleteFunc(slices.Clone(parties), func(p uint32) bool { return p == 0 })
}

func numbers(entries []*Entry) []uint32 {
	var out []uint32
	for _, e := range entries {
		out = append(out, e.Number())
	}
	return out
}
