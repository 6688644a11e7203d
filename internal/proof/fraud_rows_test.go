package proof_test

import (
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// leaves lets something leave on a consent and a check.
func (f *forger) leaves(on, checked uint32, edits ...func(disclosure)) {
	f.c.Disclose(append([]func(disclosure){func(d disclosure) { d.Consents, d.Check = []uint32{on}, checked }}, edits...)...)
}

// passed are disclosures that the rules should have refused. Entries 1 to 3 are a
// consent, a check and what left; the next is 4.
var passed = []fraud{
	{"left under a consent that had ended", staff, func(f *forger) { f.log.Wait(91 * day); f.c.Check(); f.leaves(1, 4) }, "CONSENT_EXPIRED"},
	{"left under a consent that was withdrawn", staff, func(f *forger) { f.c.Withdraw(); f.leaves(1, 2) }, "CONSENT_STOPPED"},
	{"left although it was withheld", staff, func(f *forger) {
		f.c.Consent(func(c consent) { c.Withheld = []*amparov1.WithheldFact{{Category: contact, Recipient: 1}} })
		f.leaves(4, 2)
	}, "CONSENT_WITHHELD"},
	{"left to somebody else", staff, func(f *forger) {
		f.c.Check(func(k harm) { k.Recipient = 2 })
		f.leaves(1, 4, func(d disclosure) { d.Recipient = 2 })
	}, "CONSENT_OTHER_RECIPIENT"},
	{"left for another purpose", staff, func(f *forger) {
		f.c.Check(func(k harm) { k.Purpose = media })
		f.leaves(1, 4, func(d disclosure) { d.Purpose = media })
	}, "CONSENT_OTHER_PURPOSE"},
	{"left under a conditional consent before its event", staff, func(f *forger) {
		f.c.Consent(func(c consent) { c.Conditional = true })
		f.leaves(4, 2)
	}, "CONSENT_AWAITS_EVENT"},
	{"a check used again, for another action", staff, func(f *forger) {
		f.c.Consent(func(c consent) { c.Recipients = []uint32{2} })
		f.leaves(4, 2, func(d disclosure) { d.Recipient = 2 })
	}, "CHECK_OTHER_ACTION"},
	{"a check that an incident has overtaken", staff, func(f *forger) { f.c.Event(incident); f.leaves(1, 2) }, "CHECK_OVERTAKEN"},
	{"a check that its author approved", staff, func(f *forger) {
		f.c.Approve(f.c.Check(func(k harm) { k.ApprovalsNeeded = 1 }), officer)
		f.leaves(1, 4)
	}, "APPROVAL_OF_OWN CHECK_UNAPPROVED"},
	{"a check that nobody approved", staff, func(f *forger) { f.c.Check(func(k harm) { k.ApprovalsNeeded = 2 }); f.leaves(1, 4) }, "CHECK_UNAPPROVED"},
	{"a check that one person approved twice", staff, func(f *forger) {
		check := f.c.Check(func(k harm) { k.ApprovalsNeeded = 2 })
		f.c.Approve(check, reviewer)
		f.c.Approve(check, reviewer)
		f.leaves(1, 4)
	}, "APPROVAL_REPEATED CHECK_UNAPPROVED"},
	{"an urgent act that its author signed as the second person", staff, func(f *forger) {
		f.c.Approve(f.c.DiscloseAtOnce(), officer)
		f.log.Wait(day)
		f.log.Read("pseudonym-1")
	}, "APPROVAL_OF_OWN URGENT_LATE"},
	{"an urgent act without a second signature in its term, which is late and not uncovered", staff, func(f *forger) {
		f.c.DiscloseAtOnce()
		f.log.Wait(day)
		f.log.Read("pseudonym-1")
	}, "URGENT_LATE"},
	{"an act for vital interests without an end", staff, func(f *forger) {
		f.c.DiscloseAtOnce(f.c.Vital, func(d disclosure) { d.ActExpiresAt = nil })
	}, "ACT_TERM_MISSING"},
	{"a listed basis used beyond its data", staff, func(f *forger) {
		f.c.Approve(f.c.Basis(), reviewer)
		f.leaves(0, 0, func(d disclosure) { d.Track, d.Basis, d.Consents = listed, 4, nil })
	}, "BASIS_OTHER_DATA"},
	{"a consent from the future", staff, func(f *forger) { f.c.Consent(func(c consent) { c.ObtainedAt = f.c.At(day) }) }, "FROM_FUTURE"},
	{"what left, dated ahead to when it will be allowed", staff, func(f *forger) {
		f.c.Consent(func(c consent) { c.ValidFrom = f.c.At(5 * day) })
		f.leaves(4, 2, func(d disclosure) { d.HappenedAt = f.c.At(5 * day) })
	}, "FROM_FUTURE"},
}

// afterwards are entries that were made up once it had left, to allow it. What left is
// dated back to before them.
var afterwards = []fraud{
	{"a check to which somebody agreed afterwards", staff, func(f *forger) {
		f.c.Approve(f.c.Check(func(k harm) { k.ApprovalsNeeded = 1 }), reviewer)
		f.leaves(1, 4, at(f.c, -time.Hour-time.Minute))
	}, "CHECK_UNAPPROVED"},
	{"an order of a court to which somebody agreed afterwards", staff, func(f *forger) {
		f.c.Approve(f.c.Basis(), reviewer)
		leaveOn(f.c, 4, at(f.c, -time.Hour-time.Minute))
	}, "BASIS_UNAPPROVED"},
	{"an arrest, written down afterwards, for which something was allowed", staff, func(f *forger) {
		f.c.Consent(func(c consent) { c.Conditional = true })
		f.c.Event(status, 4)
		f.leaves(4, 2, at(f.c, -time.Hour-time.Minute))
	}, "CONSENT_AWAITS_EVENT"},
	{"a consent in a leaf that goes back in time", insider, func(f *forger) {
		f.signAnew(func() {
			n := f.backdated(3*time.Hour, func() uint32 { return f.c.Consent() })
			f.leaves(n, 2, at(f.c, -2*time.Hour))
		})
	}, "CONSENT_RECORDED_LATER"},
	{"a check in a leaf that goes back in time", insider, func(f *forger) {
		f.signAnew(func() {
			n := f.backdated(3*time.Hour, func() uint32 { return f.c.Check() })
			f.leaves(1, n, at(f.c, -2*time.Hour))
		})
	}, "CHECK_RECORDED_LATER"},
	{"an approval in a leaf that goes back in time", insider, func(f *forger) {
		f.signAnew(func() {
			n := f.c.Check(func(k harm) { k.ApprovalsNeeded = 1 })
			f.log.Wait(2 * time.Hour)
			f.log.Read("pseudonym-1")
			f.backdated(3*time.Hour, func() uint32 { return f.c.Approve(n, reviewer) })
			f.leaves(1, n, at(f.c, -2*time.Hour))
		})
	}, "CHECK_UNAPPROVED"},
	{"a second signature in a leaf that goes back in time", insider, func(f *forger) {
		f.signAnew(func() {
			n := f.c.DiscloseAtOnce()
			f.log.Wait(2 * day)
			f.log.Read("pseudonym-1")
			f.backdated(2*day, func() uint32 { return f.c.Approve(n, reviewer) })
		})
	}, "URGENT_LATE"},
}

// beyond are entries that say of themselves what no policy can allow, or that are
// nobody's.
var beyond = []fraud{
	{"an order of a court to which nobody needs to agree", staff, func(f *forger) {
		f.c.Basis(func(b basis) { b.ApprovalsNeeded = 0 })
		leaveOn(f.c, 4)
	}, "BASIS_UNAPPROVED"},
	{"a basis that is none of the list", staff, func(f *forger) {
		f.c.Basis(func(b basis) { b.Basis, b.ApprovalsNeeded = 0, 0 })
		leaveOn(f.c, 4)
	}, "BASIS_UNLISTED SAYS_NOTHING"},
	{"an order of a court for another purpose", staff, func(f *forger) {
		f.c.Approve(f.c.Basis(), reviewer)
		leaveOn(f.c, 4, func(d disclosure) { d.Purpose = media })
	}, "BASIS_OTHER_PURPOSE"},
	{"an order of a court about somebody else too", staff, func(f *forger) {
		f.c.Approve(f.c.Basis(), reviewer)
		leaveOn(f.c, 4, func(d disclosure) { d.Parties = []uint32{1} })
	}, "BASIS_OTHER_PARTY"},
	{"a request to delete that tells everything anew", staff, func(f *forger) {
		note(f.c, requested(3, f.log.Now.Add(5*day)))
		f.c.Basis(func(b basis) { b.Basis, b.Of, b.ApprovalsNeeded = back, 4, 0 })
		leaveOn(f.c, 5)
	}, "BASIS_TOO_WIDE"},
	{"a request to delete to somebody who never had it", staff, func(f *forger) {
		note(f.c, requested(3, f.log.Now.Add(5*day)))
		f.c.Basis(func(b basis) {
			b.Basis, b.Of, b.ApprovalsNeeded, b.Recipient, b.Categories = back, 4, 0, 2, []amparov1.DataCategory{profile}
		})
		leaveOn(f.c, 5, func(d disclosure) { d.Recipient, d.Categories = 2, []amparov1.DataCategory{profile} })
	}, "BASIS_WITHOUT_CAUSE"},
	{"a notice of a breach that there was not", staff, func(f *forger) {
		f.c.Basis(func(b basis) { b.Basis, b.ApprovalsNeeded, b.Categories = notice, 0, []amparov1.DataCategory{profile} })
		leaveOn(f.c, 4, func(d disclosure) { d.Categories = []amparov1.DataCategory{profile} })
	}, "BASIS_WITHOUT_CAUSE ENTRY_UNKNOWN"},
	{"a check that holds for ever", staff, func(f *forger) {
		n := f.c.Check(func(k harm) { k.ValidUntil = f.c.At(3650 * day) })
		f.log.Wait(60 * day)
		f.leaves(1, n)
	}, "TERM_TOO_LONG"},
	{"an order of a court that holds for ever", staff, func(f *forger) {
		f.c.Approve(f.c.Basis(func(b basis) { b.ValidUntil = f.c.At(3650 * day) }), reviewer)
		leaveOn(f.c, 4)
	}, "TERM_TOO_LONG"},
	{"an act for vital interests that holds for ever", staff, func(f *forger) {
		f.c.DiscloseAtOnce(f.c.Vital, func(d disclosure) { d.ActExpiresAt = f.c.At(3650 * day) })
	}, "TERM_TOO_LONG"},
	{"a second signature that is due in ten years", staff, func(f *forger) {
		f.c.DiscloseAtOnce(func(d disclosure) { d.SecondDueAt = f.c.At(3650 * day) })
		f.log.Wait(2 * day)
		f.log.Read("pseudonym-1")
	}, "URGENT_LATE"},
	{"a consent that nobody wrote down", insider, func(f *forger) {
		f.signAnew(func() { nobody(note(f.c, f.c.NewConsent())); f.leaves(4, 2) })
	}, "AUTHOR_MISSING CONSENT_MISSING"},
	{"a check that nobody made, so that whoever discloses agrees to it", insider, func(f *forger) {
		f.signAnew(func() {
			nobody(note(f.c, f.c.NewCheck(func(k harm) { k.ApprovalsNeeded = 1 })))
			f.c.Approve(4, officer)
			f.leaves(1, 4)
		})
	}, "AUTHOR_MISSING CHECK_MISSING"},
	{"an urgent act that is nobody's, so that whoever did it signs", insider, func(f *forger) {
		f.signAnew(func() { n := f.c.DiscloseAtOnce(); nobody(f.log.Leaves[len(f.log.Leaves)-1]); f.c.Approve(n, officer) })
	}, "AUTHOR_MISSING CHECK_MISSING"},
	{"a check since that says no, left blank", staff, func(f *forger) {
		f.c.Check(func(k harm) { k.Result, k.Categories = amparov1.HarmResult_HARM_RESULT_DO_NOT_PROCEED, nil })
		f.leaves(1, 2)
	}, "CHECK_FORBIDS SAYS_NOTHING"},
	{"a yes of nobody, heard by nobody", staff, func(f *forger) {
		f.c.Consent(func(c consent) { c.Giver, c.Method = 0, 0 })
		f.leaves(4, 2)
	}, "SAYS_NOTHING"},
	{"asked back from the wrong recipient", staff, func(f *forger) {
		r := requested(3, f.log.Now.Add(5*day))
		r.GetReturnRequest().Recipient = 9
		note(f.c, r)
	}, "REQUEST_TO_ANOTHER"},
	{"asked back without an end, so that no answer is late", staff, func(f *forger) {
		r := requested(3, f.log.Now)
		r.GetReturnRequest().AnswerDueAt = nil
		note(f.c, r)
	}, "TIME_MISSING"},
	{"a leaf with two answers, of which each reader takes another", insider, func(f *forger) {
		f.signAnew(func() {
			n := f.c.NewConsent(func(c consent) { c.Answer = amparov1.ConsentAnswer_CONSENT_ANSWER_REFUSED })
			n.GetConsent().ProtoReflect().SetUnknown([]byte{2 << 3, 1})
			note(f.c, n)
		})
	}, "leaf that says something twice"},
}

// backdated lets an act record a time that lies so long before the log's.
func (f *forger) backdated(by time.Duration, act func() uint32) uint32 {
	f.log.Wait(-by)
	n := act()
	f.log.Wait(by - time.Hour)
	return n
}
