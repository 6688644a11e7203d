package proof_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/proof"
	"github.com/amparo-project/amparo/internal/proof/prooftest"
)

var monday = time.Date(2031, 3, 3, 9, 0, 0, 0, time.UTC)

const day = prooftest.Day

// What the stories below call by shorter names.
type (
	story      = *prooftest.Case
	consent    = *amparov1.ConsentFact
	withdrawal = *amparov1.WithdrawalFact
	harm       = *amparov1.CheckFact
	basis      = *amparov1.BasisFact
	disclosure = *amparov1.DisclosureFact
)

const (
	contact   = amparov1.DataCategory_DATA_CATEGORY_CONTACT
	situation = amparov1.DataCategory_DATA_CATEGORY_SITUATION
	health    = amparov1.DataCategory_DATA_CATEGORY_HEALTH

	referral = amparov1.Purpose_PURPOSE_REFERRAL_TO_PARTNER
	media    = amparov1.Purpose_PURPOSE_MEDIA

	ordinary = amparov1.DisclosureTrack_DISCLOSURE_TRACK_ORDINARY
	urgent   = amparov1.DisclosureTrack_DISCLOSURE_TRACK_URGENT
	vital    = amparov1.DisclosureTrack_DISCLOSURE_TRACK_VITAL_INTERESTS
	listed   = amparov1.DisclosureTrack_DISCLOSURE_TRACK_LISTED

	incident = amparov1.LedgerEventKind_LEDGER_EVENT_KIND_INCIDENT
	merged   = amparov1.LedgerEventKind_LEDGER_EVENT_KIND_MERGED
	status   = amparov1.LedgerEventKind_LEDGER_EVENT_KIND_STATUS

	reviewer = prooftest.Reviewer
	head     = prooftest.Head
	officer  = prooftest.Officer
)

// row is a story of one case, an hour from act to act, and what is to be said of what
// left last: its class and, where it is uncovered, the codes of all reasons.
type row struct {
	name string
	tell func(c story)
	want string
}

func read(leaves []*amparov1.AuditLeaf) *proof.Report {
	p := proof.New()
	for i, leaf := range leaves {
		p.Leaf(uint64(i), leaf)
	}
	return p.Finish()
}

func told(tell func(c story)) *proof.Report {
	log := prooftest.New(monday)
	tell(log.Case("pseudonym-1"))
	return read(log.Leaves)
}

// verdict is the class of the last disclosure and the codes of its reasons.
func verdict(r *proof.Report) string {
	all := r.Ledgers[0].Disclosures
	d := all[len(all)-1]
	var codes []string
	for _, reason := range d.Reasons {
		codes = append(codes, reason.Code)
	}
	slices.Sort(codes)
	return strings.TrimSpace(string(d.Class) + " " + strings.Join(slices.Compact(codes), " "))
}

func found(r *proof.Report) string {
	var codes []string
	for _, f := range r.Findings {
		codes = append(codes, f.Code)
	}
	return strings.Join(codes, " ")
}

func judge(t *testing.T, rows []row) {
	t.Helper()
	for _, row := range rows {
		r := told(row.tell)
		if got := verdict(r); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
		if got := found(r); got != "" {
			t.Errorf("%s: found %s", row.name, got)
		}
	}
}

func at(c story, d time.Duration) func(disclosure) {
	return func(f disclosure) { f.HappenedAt = c.At(d) }
}

// TestConsent: consents 1, the check of it, and what left three hours after it was
// said, unless the story says otherwise.
func TestConsent(t *testing.T) {
	const covered = "CONSENT"
	// agreed is a consent and a check, in which edits change the consent.
	agreed := func(c story, edits ...func(consent)) {
		c.Consent(edits...)
		c.Check()
	}
	judge(t, []row{
		{"as it should be", func(c story) { agreed(c); c.Disclose() }, covered},
		{"less than was allowed", func(c story) {
			agreed(c)
			c.Disclose(func(d disclosure) { d.Categories = d.Categories[:1] })
		}, covered},
		{"for another purpose", func(c story) {
			agreed(c, func(f consent) { f.Purposes[0] = media })
			c.Disclose()
		}, "UNCOVERED CONSENT_OTHER_PURPOSE"},
		{"to somebody else", func(c story) {
			agreed(c, func(f consent) { f.Recipients = []uint32{2, 3} })
			c.Disclose()
		}, "UNCOVERED CONSENT_OTHER_RECIPIENT"},
		{"one of two kinds of data not allowed", func(c story) {
			agreed(c, func(f consent) { f.Categories = f.Categories[:1] })
			c.Disclose()
		}, "UNCOVERED CONSENT_OTHER_DATA"},
		{"two consents that cover it together", func(c story) {
			c.Consent(func(f consent) { f.Categories = f.Categories[:1] })
			c.Check()
			c.Consent(func(f consent) { f.Categories = f.Categories[1:] })
			c.Disclose(func(d disclosure) { d.Consents = []uint32{1, 3} })
		}, covered},
		{"a consent that it does not name", func(c story) {
			agreed(c, func(f consent) { f.Categories = f.Categories[:1] })
			c.Consent()
			c.Disclose()
		}, "UNCOVERED CONSENT_OTHER_DATA"},
		{"no consent at all", func(c story) {
			agreed(c)
			c.Disclose(func(d disclosure) { d.Consents = nil })
		}, "UNCOVERED CONSENT_MISSING"},
		{"a no", func(c story) {
			agreed(c, func(f consent) { f.Answer = amparov1.ConsentAnswer_CONSENT_ANSWER_REFUSED })
			c.Disclose()
		}, "UNCOVERED CONSENT_REFUSED"},

		{"withheld from this recipient", func(c story) {
			agreed(c, func(f consent) { f.Withheld = []*amparov1.WithheldFact{{Category: contact, Recipient: 1}} })
			c.Disclose()
		}, "UNCOVERED CONSENT_WITHHELD"},
		{"withheld from everybody", func(c story) {
			agreed(c, func(f consent) { f.Withheld = []*amparov1.WithheldFact{{Category: contact}} })
			c.Disclose()
		}, "UNCOVERED CONSENT_WITHHELD"},
		{"withheld from somebody else", func(c story) {
			agreed(c, func(f consent) { f.Withheld = []*amparov1.WithheldFact{{Category: contact, Recipient: 2}} })
			c.Disclose()
		}, covered},

		{"at the moment from which it is valid", func(c story) {
			agreed(c, func(f consent) { f.ValidFrom = c.At(2 * time.Hour) })
			c.Disclose()
		}, covered},
		{"before it is valid", func(c story) {
			agreed(c, func(f consent) { f.ValidFrom = c.At(2*time.Hour + time.Second) })
			c.Disclose()
		}, "UNCOVERED CONSENT_NOT_YET_VALID"},
		{"at the last moment", func(c story) {
			agreed(c, func(f consent) { f.ExpiresAt = c.At(2*time.Hour + time.Nanosecond) })
			c.Disclose()
		}, covered},
		{"at the moment at which it ends", func(c story) {
			agreed(c, func(f consent) { f.ExpiresAt = c.At(2 * time.Hour) })
			c.Disclose()
		}, "UNCOVERED CONSENT_EXPIRED"},
		{"an end that is not set", func(c story) {
			agreed(c, func(f consent) { f.ExpiresAt = nil })
			c.Disclose()
		}, "UNCOVERED CONSENT_EXPIRED"},
		{"a begin that is not set", func(c story) {
			agreed(c, func(f consent) { f.ValidFrom = nil })
			c.Disclose()
		}, "UNCOVERED CONSENT_NOT_YET_VALID"},
		{"it left before it was said", func(c story) {
			agreed(c)
			c.Disclose(at(c, -3*time.Hour))
		}, "UNCOVERED CHECK_RECORDED_LATER CONSENT_NOT_YET_VALID CONSENT_RECORDED_LATER CONSENT_SAID_LATER"},
		{"it left after it was said and before it was written down", func(c story) {
			agreed(c, func(f consent) { f.ObtainedAt, f.ValidFrom = c.At(-day), c.At(-day) })
			c.Disclose(at(c, -3*time.Hour))
		}, "UNCOVERED CHECK_RECORDED_LATER CONSENT_RECORDED_LATER"},
		{"it left at the moment at which consent and check were written down", func(c story) {
			c.Consent()
			c.Check()
			c.Disclose(at(c, -time.Hour))
		}, covered},

		{"for an event that has not come", func(c story) {
			agreed(c, func(f consent) { f.Conditional = true })
			c.Event(status)
			c.Disclose()
		}, "UNCOVERED CONSENT_AWAITS_EVENT"},
		{"for an event that has come", func(c story) {
			agreed(c, func(f consent) { f.Conditional = true })
			c.Event(status, 1)
			c.Disclose()
		}, covered},
		{"for an event that came, by the entry, after it left", func(c story) {
			agreed(c, func(f consent) { f.Conditional = true })
			c.Event(status, 1)
			c.Disclose(at(c, -time.Hour-time.Second))
		}, "UNCOVERED CONSENT_AWAITS_EVENT"},
		{"for an event that came at the moment at which it left", func(c story) {
			agreed(c, func(f consent) { f.Conditional = true })
			c.Event(status, 1)
			c.Disclose(at(c, -time.Hour))
		}, covered},
		{"for an event that came of another consent", func(c story) {
			agreed(c, func(f consent) { f.Conditional = true })
			c.Consent()
			c.Event(status, 3)
			c.Disclose()
		}, "UNCOVERED CONSENT_AWAITS_EVENT"},
	})
}

// TestNoWinsOverYes: whichever is later, by the ledger or by the clock of what was
// said; only a yes that is later in both overrides a no.
func TestNoWinsOverYes(t *testing.T) {
	const covered, stopped = "CONSENT", "UNCOVERED CONSENT_STOPPED"
	narrow := func(edit func(withdrawal)) func(story) {
		return func(c story) { c.Consent(); c.Check(); c.Withdraw(edit); c.Disclose() }
	}
	refuse := func(f consent) { f.Answer, f.ExpiresAt = amparov1.ConsentAnswer_CONSENT_ANSWER_REFUSED, nil }
	judge(t, []row{
		{"withdrawn", func(c story) { c.Consent(); c.Check(); c.Withdraw(); c.Disclose() }, stopped},
		{"withdrawn by ledger, though it was said before the consent", narrow(func(w withdrawal) { w.SaidAt.Seconds -= 86400 }), stopped},
		{"consented anew after it", func(c story) {
			c.Withdraw()
			c.Check()
			c.Consent()
			c.Disclose(func(d disclosure) { d.Consents = []uint32{3} })
		}, covered},
		{"a yes written down after it, and said before it", func(c story) {
			c.Withdraw()
			c.Check()
			c.Consent(func(f consent) { f.ObtainedAt, f.ValidFrom = c.At(-3*time.Hour), c.At(-3*time.Hour) })
			c.Disclose(func(d disclosure) { d.Consents = []uint32{3} })
		}, stopped},
		{"a yes written down after it, and said at the same moment", func(c story) {
			c.Withdraw()
			c.Check()
			c.Consent(func(f consent) { f.ObtainedAt, f.ValidFrom = c.At(-2*time.Hour), c.At(-2*time.Hour) })
			c.Disclose(func(d disclosure) { d.Consents = []uint32{3} })
		}, stopped},
		{"withdrawn for this purpose", narrow(func(w withdrawal) { w.Purposes = []amparov1.Purpose{referral} }), stopped},
		{"withdrawn for another purpose", narrow(func(w withdrawal) { w.Purposes = []amparov1.Purpose{media} }), covered},
		{"withdrawn from this recipient", narrow(func(w withdrawal) { w.Recipients = []uint32{1} }), stopped},
		{"withdrawn from another recipient", narrow(func(w withdrawal) { w.Recipients = []uint32{2} }), covered},
		{"withdrawn for one of the data", narrow(func(w withdrawal) { w.Categories = []amparov1.DataCategory{contact} }), stopped},
		{"withdrawn for other data", narrow(func(w withdrawal) { w.Categories = []amparov1.DataCategory{health} }), covered},
		{"withdrawn by somebody else", narrow(func(w withdrawal) { w.Party = 1 }), covered},

		{"refused later", func(c story) { c.Consent(); c.Check(); c.Consent(refuse); c.Disclose() }, stopped},
		{"refused later, all data", func(c story) {
			c.Consent()
			c.Check()
			c.Consent(refuse, func(f consent) { f.Categories = nil })
			c.Disclose()
		}, stopped},
		{"refused later, everything", func(c story) {
			c.Consent()
			c.Check()
			c.Consent(refuse, func(f consent) { f.Purposes, f.Recipients, f.Categories = nil, nil, nil })
			c.Disclose()
		}, stopped},
		{"refused later, to another recipient", func(c story) {
			c.Consent()
			c.Check()
			c.Consent(refuse, func(f consent) { f.Recipients[0] = 2 })
			c.Disclose()
		}, covered},
		{"refused first, and consented after", func(c story) {
			c.Consent(refuse)
			c.Check()
			c.Consent()
			c.Disclose(func(d disclosure) { d.Consents = []uint32{3} })
		}, covered},

		{"a later consent withholds it from everybody", func(c story) {
			c.Consent()
			c.Check()
			c.Consent(func(f consent) { f.Withheld = []*amparov1.WithheldFact{{Category: contact}} })
			c.Disclose()
		}, stopped},
		{"a later consent to another recipient withholds it from this one", func(c story) {
			c.Consent()
			c.Check()
			c.Consent(func(f consent) {
				f.Recipients, f.Withheld = []uint32{2}, []*amparov1.WithheldFact{{Category: contact, Recipient: 1}}
			})
			c.Disclose()
		}, stopped},
		{"a later consent for another purpose withholds it", func(c story) {
			c.Consent()
			c.Check()
			c.Consent(func(f consent) {
				f.Purposes, f.Withheld = []amparov1.Purpose{media}, []*amparov1.WithheldFact{{Category: contact}}
			})
			c.Disclose()
		}, covered},
		{"withdrawn after it left", func(c story) { c.Consent(); c.Check(); c.Disclose(); c.Withdraw() }, covered},
	})
}

// TestParties: everybody whom it is about consents for themselves.
func TestParties(t *testing.T) {
	with := func(parties ...uint32) func(disclosure) {
		return func(d disclosure) { d.Parties = parties }
	}
	both := func(c story, check ...func(harm)) {
		c.Consent()
		c.Check(append(check, func(k harm) { k.Parties = []uint32{1, 2} })...)
	}
	judge(t, []row{
		{"about somebody who was not asked", func(c story) { both(c); c.Disclose(with(1)) }, "UNCOVERED CONSENT_MISSING"},
		{"about somebody who said yes", func(c story) {
			both(c)
			c.Consent(func(f consent) { f.Party = 1 })
			c.Disclose(with(1), func(d disclosure) { d.Consents = []uint32{1, 3} })
		}, "CONSENT"},
		{"only the other one said yes", func(c story) {
			both(c)
			c.Consent(func(f consent) { f.Party = 1 })
			c.Disclose(with(1), func(d disclosure) { d.Consents = []uint32{3} })
		}, "UNCOVERED CONSENT_MISSING"},
		{"about somebody who said yes to somebody else", func(c story) {
			both(c)
			c.Consent(func(f consent) { f.Party, f.Recipients = 1, []uint32{2} })
			c.Disclose(with(1), func(d disclosure) { d.Consents = []uint32{1, 3} })
		}, "UNCOVERED CONSENT_OTHER_RECIPIENT"},
		{"about somebody of whom nobody asked whether it could do them harm", func(c story) {
			both(c)
			c.Consent(func(f consent) { f.Party = 3 })
			c.Disclose(with(3), func(d disclosure) { d.Consents = []uint32{1, 3} })
		}, "UNCOVERED CHECK_OTHER_ACTION"},
		{"the other one takes it back", func(c story) {
			both(c)
			c.Consent(func(f consent) { f.Party = 1 })
			c.Withdraw(func(w withdrawal) { w.Party = 1 })
			c.Disclose(with(1), func(d disclosure) { d.Consents = []uint32{1, 3} })
		}, "UNCOVERED CONSENT_STOPPED"},
	})
}
