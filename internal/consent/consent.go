// Package consent keeps what the person of a case allows: Record adds what was said,
// yes or no, Withdraw what was taken back, and Decide says whether something may
// leave, with everything that stands in the way.
//
// "Actions on specific cases should be taken with the free, full, and informed consent
// of the human rights defenders in question, wherever possible, or of their
// representatives or families, in the alternative" (Voices at Risk). A consent is for
// named recipients, for purposes, for kinds of data and for a time. A no wins over a
// yes that is not later in both what was said and what was recorded. Nothing is ever
// edited: what holds is derived from all entries (see Decide), and an entry that is
// found to be wrong is followed by another.
//
// Whether an action could do harm is asked by risk; what leaves, and on which track,
// is for disclosure. Who may record what is decided by access.
package consent

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/ledger"
	"github.com/amparo-project/amparo/internal/policy"
	"github.com/amparo-project/amparo/internal/texts"
)

const (
	given   = amparov1.ConsentAnswer_CONSENT_ANSWER_GIVEN
	refused = amparov1.ConsentAnswer_CONSENT_ANSWER_REFUSED

	self           = amparov1.GiverKind_GIVER_KIND_SELF
	representative = amparov1.GiverKind_GIVER_KIND_REPRESENTATIVE
	family         = amparov1.GiverKind_GIVER_KIND_FAMILY
	body           = amparov1.GiverKind_GIVER_KIND_COLLECTIVE_BODY
	caregiver      = amparov1.GiverKind_GIVER_KIND_CAREGIVER
	trustedAdult   = amparov1.GiverKind_GIVER_KIND_TRUSTED_ADULT
	caseWorker     = amparov1.GiverKind_GIVER_KIND_CASE_WORKER
)

// longest is how long a consent without an end of its own may last: one that was given
// for the day of an arrest must still be there when it comes.
const longest = 10 * 365 * 24 * time.Hour

// Book is what a consent is recorded against: the entries of the case so far, who the
// case is about, and the policy in force.
type Book struct {
	Entries  []*amparov1.LedgerEntry
	Identity *amparov1.Identity
	Policy   *amparov1.Policy
}

// Record makes the entry of what was said; it is added by ledger.Add. A consent that
// was said before it is recorded is accepted, and flagged when it took longer than the
// policy takes for at once.
//
// It refuses, with every reason at once: no purpose, recipient or data
// (REASON_PURPOSE_MISSING, RECIPIENT_MISSING, DATA_CATEGORY_MISSING), somebody who may
// not speak for the person (GIVER_NOT_AUTHORISED), one who does without a reason why not
// the person (FALLBACK_REASON_MISSING), a validity that ends before it begins
// (VALIDITY_IMPOSSIBLE), one that was not free, full and informed, a child who was not
// asked as their age allows, and a companion who was not asked alone. A refusal asks
// for none of these: no needs no form.
func Record(b Book, terms *amparov1.ConsentTerms, act ledger.Act) (*amparov1.LedgerEntry, error) {
	r := &recording{book: b, act: act, people: ledger.PeopleOf(b.Entries), terms: proto.CloneOf(terms)}
	if r.terms.GetGiver() == nil {
		r.terms.Giver = &amparov1.ConsentGiver{Kind: self}
	}
	r.consent = &amparov1.Consent{Terms: r.terms}
	r.name()
	r.times()
	r.whose()
	r.readOut()
	if r.terms.GetAnswer() == given {
		r.complete()
		r.quality()
		r.giver()
	}
	if err := fault.Fields(r.wrong); err != nil {
		return nil, err
	}
	return &amparov1.LedgerEntry{Entry: &amparov1.LedgerEntry_Consent{Consent: r.consent}}, nil
}

// recording is one Record.
type recording struct {
	book    Book
	act     ledger.Act
	people  *ledger.People
	terms   *amparov1.ConsentTerms // a copy, which is filled in
	consent *amparov1.Consent
	party   *amparov1.Party // whose consent it is; nil for the person of the case
	wrong   []fault.Violation
	// endNamed is that somebody named an end.
	endNamed bool
}

func (r *recording) add(reason amparov1.Reason, field, rule string) {
	r.wrong = append(r.wrong, fault.Violation{Field: "terms." + field, Rule: rule, Reason: reason})
}

// name numbers the people of the entry, in the order in which People reads them again.
func (r *recording) name() {
	for i, recipient := range r.terms.GetRecipients() {
		if r.terms.Recipients[i] = r.people.Recipient(recipient); r.terms.Recipients[i] == nil {
			r.add(amparov1.Reason_REASON_RECIPIENT_UNKNOWN, at("recipients", i), "is known to the case, or has a name and says what they are")
		}
	}
	for i, withheld := range r.terms.GetWithheld() {
		if withheld.GetFrom() != nil {
			if withheld.From = r.people.Recipient(withheld.GetFrom()); withheld.From == nil {
				r.add(amparov1.Reason_REASON_RECIPIENT_UNKNOWN, at("withheld", i)+".from", "is known to the case, or has a name and says what they are")
			}
		}
		other := withheld.GetReason() == amparov1.WithholdingReason_WITHHOLDING_REASON_OTHER && withheld.GetText() == ""
		if other || withheld.GetReason() == amparov1.WithholdingReason_WITHHOLDING_REASON_UNSPECIFIED {
			r.add(amparov1.Reason_REASON_WITHHOLDING_UNEXPLAINED, at("withheld", i)+".reason", "says why it is withheld")
		}
	}
	if ledger.Subject(r.terms.GetParty()) {
		r.terms.Party = nil
		return
	}
	if r.party = r.people.Party(r.terms.GetParty()); r.party == nil {
		r.add(amparov1.Reason_REASON_RECIPIENT_UNKNOWN, "party", "is known to the case, or has a name")
	}
	r.terms.Party = r.party
}

// times fills in when it was said and for how long it is valid.
func (r *recording) times() {
	obtained, possible := ledger.Said(r.terms.GetObtainedAt(), r.act.Now)
	if !possible {
		r.add(amparov1.Reason_REASON_VALIDITY_IMPOSSIBLE, "obtained_at", "is not in the future, nor before 2000")
	}
	r.terms.ObtainedAt = timestamppb.New(obtained)
	r.consent.Late = r.act.Now.Sub(obtained) > policy.Wait(r.book.Policy.GetConsent().GetLateAfter())
	if r.terms.GetAnswer() != given {
		r.terms.ValidFrom, r.terms.ExpiresAt = nil, nil
		return
	}
	from := obtained
	if t := r.terms.GetValidFrom(); t != nil {
		from = t.AsTime()
	}
	r.terms.ValidFrom = timestamppb.New(from)
	if r.endNamed = r.terms.GetExpiresAt() != nil; !r.endNamed {
		r.terms.ExpiresAt = timestamppb.New(r.expiry(from))
	}
	if from.Before(obtained) {
		r.add(amparov1.Reason_REASON_VALIDITY_IMPOSSIBLE, "valid_from", "is not before it was said: nothing is allowed after the fact")
	}
	if !r.terms.GetExpiresAt().AsTime().After(from) || r.terms.GetExpiresAt().AsTime().Sub(obtained) > longest {
		r.add(amparov1.Reason_REASON_VALIDITY_IMPOSSIBLE, "expires_at", "is after it begins, and within ten years")
	}
}

// expiry is when a consent ends that names no end: 90 days after it was given for one
// release (Washington RCW 70.123.076), the planned end and the follow-up of a stay for
// a stay. Of several purposes the shortest counts. One that waits for an arrest or a
// death does not run out while it waits.
func (r *recording) expiry(from time.Time) time.Time {
	rules := r.book.Policy.GetConsent()
	if r.terms.GetOnEvent() != amparov1.PersonStatus_PERSON_STATUS_UNSPECIFIED {
		return r.terms.GetObtainedAt().AsTime().Add(longest)
	}
	end := from.Add(policy.Wait(rules.GetRelease()))
	if r.terms.GetStayEndsAt() == nil || !subset(r.terms.GetPurposes(), rules.GetStay().GetPurposes()) {
		return end
	}
	return r.terms.GetStayEndsAt().AsTime().Add(policy.Wait(rules.GetFollowUp()))
}

// complete demands what a consent must say to mean anything.
func (r *recording) complete() {
	if len(r.terms.GetPurposes()) == 0 {
		r.add(amparov1.Reason_REASON_PURPOSE_MISSING, "purposes", "says what for")
	}
	if len(r.terms.GetRecipients()) == 0 {
		r.add(amparov1.Reason_REASON_RECIPIENT_MISSING, "recipients", "names each of them")
	}
	if len(r.terms.GetCategories()) == 0 {
		r.add(amparov1.Reason_REASON_DATA_CATEGORY_MISSING, "categories", "says which data")
	}
	if r.terms.GetMethod() == amparov1.ConsentMethod_CONSENT_METHOD_UNSPECIFIED {
		r.add(amparov1.Reason_REASON_CONSENT_METHOD_MISSING, "method", "says how it was given")
	}
	if r.terms.GetLegalBasis() == amparov1.LegalBasis_LEGAL_BASIS_UNSPECIFIED {
		r.terms.LegalBasis = r.book.Policy.GetConsent().GetLegalBasis().GetBasis()
	}
}

// readOut fills in the hash of the text that was read out, if it is one of ours. The log
// takes that hash over, so one that somebody sent is never kept, with a refusal neither.
func (r *recording) readOut() {
	statement := r.terms.GetTold().GetStatement()
	if statement == nil {
		return
	}
	statement.Hash = nil
	if text, known := texts.Find(statement.GetId(), statement.GetVersion(), statement.GetLanguage()); known {
		statement.Version, statement.Hash = text.Version, text.Hash[:]
	}
}

// quality demands that the consent was free, full and informed, each for itself.
func (r *recording) quality() {
	for _, row := range []struct {
		holds  bool
		reason amparov1.Reason
		field  string
		rule   string
	}{
		{r.terms.GetQuality().GetFree(), amparov1.Reason_REASON_CONSENT_NOT_FREE, "quality.free", "says that nobody pressed the person and nothing hangs on the answer"},
		{r.terms.GetQuality().GetFull(), amparov1.Reason_REASON_CONSENT_NOT_FULL, "quality.full", "says that it covers the action and what follows from it"},
		{r.terms.GetQuality().GetInformed(), amparov1.Reason_REASON_CONSENT_NOT_INFORMED, "quality.informed", "says that the person was told what is planned and what it risks"},
	} {
		if !row.holds {
			r.add(row.reason, row.field, row.rule)
		}
	}
	if len(r.terms.GetTold().GetStatement().GetHash()) == 0 {
		r.add(amparov1.Reason_REASON_STATEMENT_UNKNOWN, "told.statement", "is one of the texts for the person, in a language in which it exists")
	}
	if r.terms.GetTold().GetUnvettedInterpreter() && r.terms.GetTold().GetInterpreterReason() == "" {
		r.add(amparov1.Reason_REASON_CONSENT_NOT_INFORMED, "told.interpreter_reason", "says who interpreted and why, when nobody vetted did")
	}
}
