package proof_test

import (
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// TestCheck: a do-no-harm check allows one action, for a time, until something
// happens.
func TestCheck(t *testing.T) {
	const covered = "CONSENT"
	never := func(k harm) { k.Result = amparov1.HarmResult_HARM_RESULT_DO_NOT_PROCEED }
	checked := func(edits ...func(harm)) func(story) {
		return func(c story) { c.Consent(); c.Check(edits...); c.Disclose() }
	}
	judge(t, []row{
		{"with what was decided against the harm", checked(func(k harm) { k.Result = amparov1.HarmResult_HARM_RESULT_PROCEED_WITH_MITIGATION }), covered},
		{"not now", checked(func(k harm) { k.Result = amparov1.HarmResult_HARM_RESULT_DEFER }), "UNCOVERED CHECK_FORBIDS"},
		{"not at all", checked(func(k harm) { k.Result = amparov1.HarmResult_HARM_RESULT_DO_NOT_PROCEED }), "UNCOVERED CHECK_FORBIDS"},
		{"none", func(c story) { c.Consent(); c.Check(); c.Disclose(func(d disclosure) { d.Check = 0 }) }, "UNCOVERED CHECK_MISSING"},
		{"for another purpose", checked(func(k harm) { k.Purpose = media }), "UNCOVERED CHECK_OTHER_ACTION"},
		{"for somebody else", checked(func(k harm) { k.Recipient = 2 }), "UNCOVERED CHECK_OTHER_ACTION"},
		{"of less data", checked(func(k harm) { k.Categories = k.Categories[:1] }), "UNCOVERED CHECK_OTHER_ACTION"},
		{"of more data, and of more people", checked(func(k harm) { k.Categories, k.Parties = append(k.Categories, health), []uint32{1} }), covered},
		{"too old by a moment", checked(func(k harm) { k.ValidUntil.Seconds -= 7*86400 - 3600 }), "UNCOVERED CHECK_EXPIRED"},
		{"at its last moment", checked(func(k harm) { k.ValidUntil.Seconds -= 7*86400 - 3601 }), covered},
		{"without an end", checked(func(k harm) { k.ValidUntil = nil }), "UNCOVERED CHECK_EXPIRED"},
		{"in haste", checked(func(k harm) { k.ShortForm = true }), "UNCOVERED CHECK_SHORT"},
		{"an incident since", func(c story) { c.Consent(); c.Check(); c.Event(incident); c.Disclose() }, "UNCOVERED CHECK_OVERTAKEN"},
		{"a merge with another case since", func(c story) { c.Consent(); c.Check(); c.Event(merged); c.Disclose() }, "UNCOVERED CHECK_OVERTAKEN"},
		{"an incident before", func(c story) {
			c.Consent()
			c.Event(incident)
			c.Check()
			c.Disclose(func(d disclosure) { d.Check = 3 })
		}, covered},
		{"something else since", func(c story) {
			c.Consent()
			c.Check()
			c.Event(amparov1.LedgerEventKind_LEDGER_EVENT_KIND_RISK_RAISED)
			c.Disclose()
		}, covered},
		{"a check since that says no", func(c story) { c.Consent(); c.Check(); c.Check(never); c.Disclose() }, "UNCOVERED CHECK_FORBIDS"},
		{"a check since that says no to some of it", func(c story) {
			c.Consent()
			c.Check()
			c.Check(never, func(k harm) { k.Categories = k.Categories[1:] })
			c.Disclose()
		}, "UNCOVERED CHECK_FORBIDS"},
		{"a check since that says no to other data", func(c story) {
			c.Consent()
			c.Check()
			c.Check(never, func(k harm) { k.Categories = []amparov1.DataCategory{health} })
			c.Disclose()
		}, covered},
		{"a check since that says no to somebody else", func(c story) {
			c.Consent()
			c.Check()
			c.Check(never, func(k harm) { k.Recipient = 2 })
			c.Disclose()
		}, covered},
		{"a check before that said no", func(c story) { c.Consent(); c.Check(never); c.Check(); c.Disclose(func(d disclosure) { d.Check = 3 }) }, covered},
		{"a check that says no, after it left", func(c story) { c.Consent(); c.Check(); c.Disclose(); c.Check(never) }, covered},
		{"an incident after it left", func(c story) { c.Consent(); c.Check(); c.Disclose(); c.Event(incident) }, covered},

		{"two must agree, and do", func(c story) {
			c.Consent()
			check := c.Check(func(k harm) { k.ApprovalsNeeded = 2 })
			c.Approve(check, reviewer)
			c.Approve(check, head)
			c.Disclose()
		}, covered},
		{"two must agree, and one does", func(c story) {
			c.Consent()
			c.Approve(c.Check(func(k harm) { k.ApprovalsNeeded = 2 }), reviewer)
			c.Disclose()
		}, "UNCOVERED CHECK_UNAPPROVED"},
		{"the second one agrees after it left", func(c story) {
			c.Consent()
			check := c.Check(func(k harm) { k.ApprovalsNeeded = 2 })
			c.Approve(check, reviewer)
			c.Disclose()
			c.Approve(check, head)
		}, "UNCOVERED CHECK_UNAPPROVED"},
		{"the second one agrees, by the entry, after it left", func(c story) {
			c.Consent()
			check := c.Check(func(k harm) { k.ApprovalsNeeded = 2 })
			c.Approve(check, reviewer)
			c.Approve(check, head)
			c.Disclose(at(c, -time.Hour-time.Second))
		}, "UNCOVERED CHECK_UNAPPROVED"},
		{"the second one agrees at the moment at which it left", func(c story) {
			c.Consent()
			check := c.Check(func(k harm) { k.ApprovalsNeeded = 2 })
			c.Approve(check, reviewer)
			c.Approve(check, head)
			c.Disclose(at(c, -time.Hour))
		}, covered},
		{"for as long as any can hold", checked(func(k harm) { k.ValidUntil.Seconds += 7 * 86400 }), covered},
		{"for longer than any can hold", checked(func(k harm) { k.ValidUntil.Seconds += 7*86400 + 1 }), "UNCOVERED TERM_TOO_LONG"},
		{"three since that say no, which is said once", func(c story) {
			c.Consent()
			c.Check()
			c.Check(never)
			c.Check(never)
			c.Disclose()
		}, "UNCOVERED CHECK_FORBIDS"},
		{"somebody agrees to another check", func(c story) {
			c.Consent()
			c.Check(func(k harm) { k.ApprovalsNeeded = 1 })
			c.Approve(c.Check(func(k harm) { k.ApprovalsNeeded = 1 }), reviewer)
			c.Disclose()
		}, "UNCOVERED CHECK_UNAPPROVED"},
	})
}

// TestUrgent: one person alone, on a consent and the short check, and a second one
// signs within the day.
func TestUrgent(t *testing.T) {
	hasty := func(c story, edits ...func(disclosure)) uint32 {
		return c.DiscloseAtOnce(append([]func(disclosure){func(d disclosure) { d.Consents = []uint32{1} }}, edits...)...)
	}
	judge(t, []row{
		{"the term runs", func(c story) { c.Consent(); hasty(c) }, "URGENT_PENDING"},
		{"the term has just run out when the log ends", func(c story) {
			c.Consent()
			hasty(c)
			c.Log().Wait(23 * time.Hour)
			c.Log().Read("pseudonym-1")
		}, "URGENT_PENDING"},
		{"nobody signed", func(c story) {
			c.Consent()
			hasty(c)
			c.Log().Wait(23*time.Hour + time.Second)
			c.Log().Read("pseudonym-1")
		}, "URGENT_LATE"},
		{"nobody signed, and the clock went back before the log ends", func(c story) {
			c.Consent()
			hasty(c)
			c.Log().Wait(2 * day)
			c.Log().Read("pseudonym-1")
			c.Log().Wait(-2 * day)
			c.Log().Read("pseudonym-1")
		}, "URGENT_LATE"},
		{"signed", func(c story) { c.Consent(); c.Approve(hasty(c), reviewer) }, "URGENT_COMPLETED"},
		{"signed at the last moment", func(c story) {
			c.Consent()
			n := hasty(c)
			c.Log().Wait(23 * time.Hour)
			c.Approve(n, reviewer)
		}, "URGENT_COMPLETED"},
		{"signed late", func(c story) {
			c.Consent()
			n := hasty(c)
			c.Log().Wait(23*time.Hour + time.Second)
			c.Approve(n, reviewer)
		}, "URGENT_LATE"},
		{"the event from which the consent counts written down in the same act", func(c story) {
			c.Consent(func(f consent) { f.Conditional = true })
			event := &amparov1.LedgerFact{Fact: &amparov1.LedgerFact_Event{Event: &amparov1.EventFact{Kind: status, Operative: []uint32{1}}}}
			check, left := c.NewCheck(), c.NewDisclosure(func(d disclosure) {
				d.Check, d.Track, d.SecondDueAt, d.HappenedAt = 3, urgent, c.At(20*time.Hour), c.At(-time.Minute)
			})
			c.Together(amparov1.LeafAction_LEAF_ACTION_DISCLOSE, event, check, left)
		}, "URGENT_PENDING"},
		{"signed within a term that it gave itself, and not within a day", func(c story) {
			c.Consent()
			n := hasty(c, func(d disclosure) { d.SecondDueAt = c.At(30 * day) })
			c.Log().Wait(23*time.Hour + time.Second)
			c.Approve(n, reviewer)
		}, "URGENT_LATE"},
		{"the consent written down in the same act", func(c story) {
			yes, check, left := c.NewConsent(), c.NewCheck(func(k harm) { k.ShortForm = true }), c.NewDisclosure(func(d disclosure) {
				d.Track, d.SecondDueAt = urgent, c.At(day)
			})
			yes.GetConsent().ObtainedAt, yes.GetConsent().ValidFrom = c.At(-2*time.Hour), c.At(-2*time.Hour)
			left.GetDisclosure().HappenedAt = c.At(-time.Hour)
			c.Together(amparov1.LeafAction_LEAF_ACTION_DISCLOSE, yes, check, left)
		}, "URGENT_PENDING"},
		{"without consent", func(c story) { c.Consent(); hasty(c, func(d disclosure) { d.Consents = nil }) }, "UNCOVERED CONSENT_MISSING"},
		{"after a no", func(c story) { c.Consent(); c.Withdraw(); hasty(c) }, "UNCOVERED CONSENT_STOPPED"},
		{"without a check", func(c story) { c.Consent(); hasty(c, func(d disclosure) { d.Check = 0 }) }, "UNCOVERED CHECK_MISSING"},
		{"no second signature asked for", func(c story) { c.Consent(); hasty(c, func(d disclosure) { d.SecondDueAt = nil }) }, "UNCOVERED SECOND_TERM_MISSING"},
		{"a full check that others must agree to", func(c story) {
			c.Consent()
			c.Check(func(k harm) { k.ApprovalsNeeded = 2 })
			c.Disclose(func(d disclosure) { d.Track, d.SecondDueAt = urgent, c.At(day) })
		}, "URGENT_PENDING"},
		{"a check that an incident has overtaken", func(c story) {
			c.Consent()
			c.Check()
			c.Event(incident)
			c.Disclose(func(d disclosure) { d.Track, d.SecondDueAt = urgent, c.At(day) })
		}, "UNCOVERED CHECK_OVERTAKEN"},
		{"a check that forbids it", func(c story) {
			c.Consent()
			c.Check(func(k harm) { k.Result = amparov1.HarmResult_HARM_RESULT_DEFER })
			c.Disclose(func(d disclosure) { d.Track, d.SecondDueAt = urgent, c.At(day) })
		}, "UNCOVERED CHECK_FORBIDS"},
	})
}

// TestVitalInterests: without consent, because a life hangs on it.
func TestVitalInterests(t *testing.T) {
	act := func(c story, edits ...func(disclosure)) uint32 {
		return c.DiscloseAtOnce(append([]func(disclosure){c.Vital}, edits...)...)
	}
	under := func(c story, n uint32, edits ...func(disclosure)) uint32 {
		return act(c, append([]func(disclosure){func(d disclosure) {
			d.Under, d.SecondDueAt, d.ActExpiresAt = n, nil, nil
		}}, edits...)...)
	}
	judge(t, []row{
		{"the term runs", func(c story) { act(c) }, "VITAL_PENDING"},
		{"against a no", func(c story) { c.Withdraw(); act(c) }, "VITAL_PENDING"},
		{"signed", func(c story) { c.Approve(act(c), reviewer) }, "VITAL_COMPLETED"},
		{"signed late", func(c story) { n := act(c); c.Log().Wait(day); c.Approve(n, reviewer) }, "VITAL_LATE"},
		{"without a check", func(c story) { act(c, func(d disclosure) { d.Check = 0 }) }, "UNCOVERED CHECK_MISSING"},
		{"without an end", func(c story) { act(c, func(d disclosure) { d.ActExpiresAt = nil }) }, "UNCOVERED ACT_TERM_MISSING"},
		{"for as long as any can hold", func(c story) { act(c, func(d disclosure) { d.ActExpiresAt = c.At(168 * time.Hour) }) }, "VITAL_PENDING"},
		{"for longer than any can hold", func(c story) {
			act(c, func(d disclosure) { d.ActExpiresAt = c.At(168*time.Hour + time.Second) })
		}, "UNCOVERED TERM_TOO_LONG"},
		{"after its end", func(c story) { act(c, func(d disclosure) { d.ActExpiresAt = c.At(0) }) }, "UNCOVERED ACT_EXPIRED"},
		{"no second signature asked for", func(c story) { act(c, func(d disclosure) { d.SecondDueAt = nil }) }, "UNCOVERED SECOND_TERM_MISSING"},

		{"more on the same act", func(c story) { under(c, act(c)) }, "VITAL_PENDING"},
		{"more on an act that was signed", func(c story) { n := act(c); c.Approve(n, reviewer); under(c, n) }, "VITAL_COMPLETED"},
		{"more on an act that was signed late", func(c story) {
			n := act(c)
			c.Log().Wait(day)
			c.Approve(n, reviewer)
			under(c, n)
		}, "VITAL_LATE"},
		{"more, of less data", func(c story) {
			under(c, act(c), func(d disclosure) { d.Categories = d.Categories[:1] })
		}, "VITAL_PENDING"},
		{"more, without a check", func(c story) { under(c, act(c), func(d disclosure) { d.Check = 0 }) }, "UNCOVERED CHECK_MISSING"},
		{"more, of other data", func(c story) {
			n := act(c, func(d disclosure) { d.Categories = d.Categories[:1] })
			under(c, n)
		}, "UNCOVERED ACT_OTHER_ACTION"},
		{"more, to somebody else", func(c story) {
			n := act(c)
			c.Check(func(k harm) { k.Recipient = 2 })
			under(c, n, func(d disclosure) { d.Recipient, d.Check = 2, 3 })
		}, "UNCOVERED ACT_OTHER_ACTION"},
		{"more, for another purpose", func(c story) {
			n := act(c)
			c.Check(func(k harm) { k.Purpose = media })
			under(c, n, func(d disclosure) { d.Purpose, d.Check = media, 3 })
		}, "UNCOVERED ACT_OTHER_ACTION"},
		{"more, about somebody else too", func(c story) {
			n := act(c)
			c.Check(func(k harm) { k.Parties = []uint32{1} })
			under(c, n, func(d disclosure) { d.Parties, d.Check = []uint32{1}, 3 })
		}, "UNCOVERED ACT_OTHER_ACTION"},
		{"more, after the act has ended", func(c story) { n := act(c); c.Log().Wait(7 * day); under(c, n) }, "UNCOVERED ACT_EXPIRED"},
		{"more, on what is under another act itself", func(c story) { under(c, under(c, act(c))) }, "UNCOVERED ACT_UNKNOWN"},
		{"more, on what was only urgent", func(c story) {
			c.Consent()
			n := c.DiscloseAtOnce(func(d disclosure) { d.Consents = []uint32{1} })
			under(c, n)
		}, "UNCOVERED ACT_UNKNOWN"},
		{"more, on an act that is not covered itself", func(c story) {
			under(c, act(c, func(d disclosure) { d.Check = 0 }))
		}, "UNCOVERED ACT_UNCOVERED"},
		{"more, with a term of its own", func(c story) {
			under(c, act(c), func(d disclosure) { d.SecondDueAt = c.At(day) })
		}, "UNCOVERED SECOND_TERM_MISPLACED"},
	})
}

// TestDisclosure: what is to be said of anything that leaves.
func TestDisclosure(t *testing.T) {
	left := func(edit func(disclosure)) func(story) {
		return func(c story) { c.Consent(); c.Check(); c.Disclose(edit) }
	}
	judge(t, []row{
		{"no data", left(func(d disclosure) { d.Categories = nil }), "UNCOVERED INCOMPLETE"},
	})
	for name, want := range map[string]string{
		"on a track of a later version": "UNCOVERED TRACK_UNKNOWN", "to nobody": "UNCOVERED CHECK_OTHER_ACTION CONSENT_OTHER_RECIPIENT INCOMPLETE",
	} {
		edit := map[string]func(disclosure){
			"on a track of a later version": func(d disclosure) { d.Track = 9 }, "to nobody": func(d disclosure) { d.Recipient = 0 },
		}[name]
		if got := verdict(told(left(edit))); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
