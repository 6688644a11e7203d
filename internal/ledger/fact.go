package ledger

import (
	"slices"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// Fact is what the audit log holds of an entry of the case with a pseudonym.
func Fact(entry *amparov1.LedgerEntry, pseudonym string) *amparov1.LedgerFact {
	fact := &amparov1.LedgerFact{Pseudonym: pseudonym, Number: entry.GetNumber()}
	switch e := entry.GetEntry().(type) {
	case *amparov1.LedgerEntry_Consent:
		fact.Fact = &amparov1.LedgerFact_Consent{Consent: consentFact(e.Consent)}
	case *amparov1.LedgerEntry_Withdrawal:
		w := e.Withdrawal
		fact.Fact = &amparov1.LedgerFact_Withdrawal{Withdrawal: &amparov1.WithdrawalFact{
			Party: w.GetParty(), Purposes: distinct(w.GetPurposes()), Recipients: distinct(w.GetRecipients()), Categories: distinct(w.GetCategories()),
			SaidAt: w.GetDraft().GetSaidAt(),
		}}
	case *amparov1.LedgerEntry_Settlement:
		fact.Fact = &amparov1.LedgerFact_Settlement{Settlement: &amparov1.SettlementFact{
			Withdrawal: e.Settlement.GetDraft().GetWithdrawal(), Stands: e.Settlement.GetDraft().GetStands(),
		}}
	case *amparov1.LedgerEntry_Check:
		fact.Fact = &amparov1.LedgerFact_Check{Check: checkFact(e.Check)}
	case *amparov1.LedgerEntry_Basis:
		draft := e.Basis.GetDraft()
		fact.Fact = &amparov1.LedgerFact_Basis{Basis: &amparov1.BasisFact{
			Basis: draft.GetBasis(), Recipient: draft.GetAction().GetRecipient().GetNumber(), Categories: draft.GetAction().GetCategories(),
			ApprovalsNeeded: e.Basis.GetApprovalsNeeded(), ValidUntil: e.Basis.GetValidUntil(),
			Purpose: draft.GetAction().GetPurpose(), Parties: Numbers(draft.GetAction().GetAbout()), Of: draft.GetOf(),
		}}
	case *amparov1.LedgerEntry_Approval:
		fact.Fact = &amparov1.LedgerFact_Approval{Approval: &amparov1.ApprovalFact{Of: e.Approval.GetOf()}}
	case *amparov1.LedgerEntry_Disclosure:
		fact.Fact = &amparov1.LedgerFact_Disclosure{Disclosure: disclosureFact(e.Disclosure)}
	case *amparov1.LedgerEntry_Event:
		fact.Fact = &amparov1.LedgerFact_Event{Event: &amparov1.EventFact{Kind: e.Event.GetKind(), Operative: e.Event.GetOperative()}}
	case *amparov1.LedgerEntry_ReturnRequest:
		fact.Fact = &amparov1.LedgerFact_ReturnRequest{ReturnRequest: &amparov1.ReturnRequestFact{
			Disclosure: e.ReturnRequest.GetDisclosure(), Recipient: e.ReturnRequest.GetRecipient(), AnswerDueAt: e.ReturnRequest.GetAnswerDueAt(),
		}}
	case *amparov1.LedgerEntry_ReturnAnswer:
		fact.Fact = &amparov1.LedgerFact_ReturnAnswer{ReturnAnswer: &amparov1.ReturnAnswerFact{
			Request: e.ReturnAnswer.GetRequest(), Outcome: e.ReturnAnswer.GetOutcome(),
		}}
	case *amparov1.LedgerEntry_Breach:
		draft := e.Breach.GetDraft()
		fact.Fact = &amparov1.LedgerFact_Breach{Breach: &amparov1.BreachFact{
			Recipient: draft.GetRecipient().GetNumber(), Categories: draft.GetCategories(),
			HappenedAt: draft.GetHappenedAt(), AwareAt: draft.GetAwareAt(),
		}}
	case *amparov1.LedgerEntry_Informed:
		fact.Fact = &amparov1.LedgerFact_Informed{Informed: &amparov1.InformedFact{Of: e.Informed.GetOf()}}
	}
	return fact
}

func consentFact(c *amparov1.Consent) *amparov1.ConsentFact {
	terms := c.GetTerms()
	fact := &amparov1.ConsentFact{
		Party: terms.GetParty().GetNumber(), Answer: terms.GetAnswer(), Purposes: terms.GetPurposes(), Categories: terms.GetCategories(),
		ObtainedAt: terms.GetObtainedAt(), ValidFrom: terms.GetValidFrom(), ExpiresAt: terms.GetExpiresAt(),
		Giver: terms.GetGiver().GetKind(), Method: terms.GetMethod(), Witnessed: terms.GetWitness() != "",
		Late: c.GetLate(), Minor: c.GetMinor(), FormShort: c.GetFormShort(),
		Conditional:   terms.GetOnEvent() != amparov1.PersonStatus_PERSON_STATUS_UNSPECIFIED,
		StatementHash: terms.GetTold().GetStatement().GetHash(),
	}
	for _, r := range terms.GetRecipients() {
		fact.Recipients = append(fact.Recipients, r.GetNumber())
	}
	fact.Recipients, fact.Purposes, fact.Categories = distinct(fact.GetRecipients()), distinct(fact.GetPurposes()), distinct(fact.GetCategories())
	for _, w := range terms.GetWithheld() {
		fact.Withheld = append(fact.Withheld, &amparov1.WithheldFact{Category: w.GetCategory(), Recipient: w.GetFrom().GetNumber()})
	}
	return fact
}

func checkFact(c *amparov1.HarmCheck) *amparov1.CheckFact {
	action := c.GetDraft().GetAction()
	return &amparov1.CheckFact{
		Purpose: action.GetPurpose(), Recipient: action.GetRecipient().GetNumber(), Categories: action.GetCategories(),
		Parties: Numbers(action.GetAbout()), Result: c.GetDraft().GetResult(), ShortForm: c.GetShortForm(),
		ValidUntil: c.GetValidUntil(), ApprovalsNeeded: c.GetApprovalsNeeded(),
	}
}

func disclosureFact(d *amparov1.Disclosure) *amparov1.DisclosureFact {
	draft := d.GetDraft()
	fact := &amparov1.DisclosureFact{
		Purpose: draft.GetAction().GetPurpose(), Recipient: draft.GetAction().GetRecipient().GetNumber(),
		Categories: draft.GetAction().GetCategories(), Parties: Numbers(draft.GetAction().GetAbout()),
		HappenedAt: draft.GetHappenedAt(), Track: draft.GetTrack(),
		Consents: d.GetConsents(), Check: d.GetCheck(), Basis: d.GetBasis(), SecondDueAt: d.GetSecondDueAt(),
	}
	// On another track whoever sent it may have filled these in too, and they mean nothing.
	if draft.GetTrack() == amparov1.DisclosureTrack_DISCLOSURE_TRACK_VITAL_INTERESTS {
		fact.ActExpiresAt, fact.Under = draft.GetVital().GetExpiresAt(), draft.GetVital().GetUnder()
	}
	return fact
}

// distinct is a list without what stands in it twice, as somebody does who is named by
// their number and by their name: the log says everything once.
func distinct[T comparable](list []T) []T {
	var once []T
	for _, one := range list {
		if !slices.Contains(once, one) {
			once = append(once, one)
		}
	}
	return once
}

// Numbers are the numbers of those beside the person of the case, each once.
func Numbers(parties []*amparov1.Party) []uint32 {
	var numbers []uint32
	for _, one := range parties {
		if one.GetNumber() != 0 {
			numbers = append(numbers, one.GetNumber())
		}
	}
	return distinct(numbers)
}
