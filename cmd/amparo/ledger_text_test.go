package main

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

const (
	lawyerNumber  = 1
	partnerNumber = 2
)

func lawyer() *amparov1.Recipient {
	return &amparov1.Recipient{Number: lawyerNumber, Name: "Maître Prueba", Kind: amparov1.RecipientKind_RECIPIENT_KIND_LAWYER, Organisation: "Colegio", Country: "CI"}
}

func toTheLawyer() *amparov1.PlannedAction {
	return &amparov1.PlannedAction{
		Purpose: amparov1.Purpose_PURPOSE_LEGAL_ASSISTANCE, Recipient: lawyer(), Channel: amparov1.ContactChannel_CONTACT_CHANNEL_SIGNAL,
		Categories: []amparov1.DataCategory{amparov1.DataCategory_DATA_CATEGORY_IDENTITY, amparov1.DataCategory_DATA_CATEGORY_LEGAL},
		About:      []*amparov1.Party{{Number: 1, Kind: amparov1.PartyKind_PARTY_KIND_COMPANION, Name: "Hijo Testov", BirthDate: "2019~"}},
	}
}

// ledgerOfANight is what a ledger may hold: one of each kind of entry, the oldest first.
func ledgerOfANight() []*amparov1.LedgerEntry {
	draft := &amparov1.DisclosureDraft{
		Action: toTheLawyer(), Track: amparov1.DisclosureTrack_DISCLOSURE_TRACK_URGENT, HappenedAt: in(-5 * time.Hour), Text: "read out\nand sent",
		Documents: []*amparov1.DisclosedDocument{{Title: "the warrant", Hash: []byte{0xab, 0xcd}}},
	}
	return []*amparov1.LedgerEntry{
		{Entry: &amparov1.LedgerEntry_Consent{Consent: consentOfADaughter()}},
		{Entry: &amparov1.LedgerEntry_Consent{Consent: &amparov1.Consent{Terms: &amparov1.ConsentTerms{
			Answer: amparov1.ConsentAnswer_CONSENT_ANSWER_REFUSED, Purposes: []amparov1.Purpose{amparov1.Purpose_PURPOSE_MEDIA},
			Recipients: []*amparov1.Recipient{{Number: partnerNumber, Name: "Diario", Kind: amparov1.RecipientKind_RECIPIENT_KIND_MEDIA}},
			Giver:      &amparov1.ConsentGiver{Kind: amparov1.GiverKind_GIVER_KIND_SELF}, ObtainedAt: in(-7 * time.Hour),
		}}}},
		{Entry: &amparov1.LedgerEntry_Check{Check: &amparov1.HarmCheck{
			ShortForm: true, ValidUntil: in(300 * time.Hour), Level: amparov1.RiskLevel_RISK_LEVEL_EXTREME, ApprovalsNeeded: 1,
			Draft: &amparov1.HarmDraft{Action: toTheLawyer(), Result: amparov1.HarmResult_HARM_RESULT_PROCEED_WITH_MITIGATION, Answers: []*amparov1.HarmAnswer{
				{Question: amparov1.HarmQuestion_HARM_QUESTION_IDENTIFIES, Reply: amparov1.HarmReply_HARM_REPLY_YES, Note: "by her village", Mitigation: "initials only"},
				{Question: amparov1.HarmQuestion_HARM_QUESTION_RETALIATION, Reply: amparov1.HarmReply_HARM_REPLY_NO},
				{Question: amparov1.HarmQuestion_HARM_QUESTION_CHANNEL_SAFE, Reply: amparov1.HarmReply_HARM_REPLY_YES},
			}},
		}}},
		{Entry: &amparov1.LedgerEntry_Disclosure{Disclosure: &amparov1.Disclosure{
			Draft: draft, Consents: []uint32{1}, Check: 3, Level: amparov1.RiskLevel_RISK_LEVEL_EXTREME, SecondDueAt: in(19 * time.Hour),
		}}},
		{Entry: &amparov1.LedgerEntry_Approval{Approval: &amparov1.Approval{Of: 4}}},
		{Entry: &amparov1.LedgerEntry_Withdrawal{Withdrawal: &amparov1.Withdrawal{
			Draft: &amparov1.WithdrawalDraft{
				Consent: 1, SaidBy: amparov1.GiverKind_GIVER_KIND_FAMILY, Channel: amparov1.ContactChannel_CONTACT_CHANNEL_PHONE,
				SaidAt: in(-3 * time.Hour), SuspectedCoercion: true,
			},
			Purposes: []amparov1.Purpose{amparov1.Purpose_PURPOSE_LEGAL_ASSISTANCE}, Recipients: []uint32{lawyerNumber, 9},
		}}},
		{Entry: &amparov1.LedgerEntry_Settlement{Settlement: &amparov1.Settlement{Draft: &amparov1.SettlementDraft{Withdrawal: 6, Stands: true, Contact: 3}}}},
		{Entry: &amparov1.LedgerEntry_ReturnRequest{ReturnRequest: &amparov1.ReturnRequest{
			Disclosure: 4, Recipient: lawyerNumber, BecauseOf: 6, AnswerDueAt: in(14 * 24 * time.Hour),
		}}},
		{Entry: &amparov1.LedgerEntry_Basis{Basis: &amparov1.StatedBasis{
			LegalBasis: "GDPR, articles 17(2) and 19", ValidUntil: in(-time.Hour),
			Draft: &amparov1.BasisDraft{Basis: amparov1.ListedBasis_LISTED_BASIS_RETURN_OR_DELETE, Of: 8, Reason: "to be deleted", Action: &amparov1.PlannedAction{Recipient: lawyer()}},
		}}},
		{Entry: &amparov1.LedgerEntry_ReturnAnswer{ReturnAnswer: &amparov1.ReturnAnswer{
			Request: 8, Outcome: amparov1.ReturnOutcome_RETURN_OUTCOME_REFUSED, Text: "needs it in court",
		}}},
		{Entry: &amparov1.LedgerEntry_Event{Event: &amparov1.LedgerEvent{
			Kind: amparov1.LedgerEventKind_LEDGER_EVENT_KIND_STATUS, Status: amparov1.PersonStatus_PERSON_STATUS_DETAINED, At: in(-2 * time.Hour), Operative: []uint32{1},
		}}},
		{Entry: &amparov1.LedgerEntry_Breach{Breach: &amparov1.Breach{Draft: &amparov1.BreachDraft{
			Recipient: &amparov1.Recipient{Number: partnerNumber, Name: "Diario", Kind: amparov1.RecipientKind_RECIPIENT_KIND_MEDIA},
			AwareAt:   in(-time.Hour), HappenedAt: in(-2 * time.Hour), Channel: amparov1.ContactChannel_CONTACT_CHANNEL_EMAIL,
			Categories: []amparov1.DataCategory{amparov1.DataCategory_DATA_CATEGORY_LOCATION}, Disclosure: 4, Text: "sent to the wrong address",
		}}}},
		{Entry: &amparov1.LedgerEntry_Informed{Informed: &amparov1.Informed{Of: 12, Text: "by telephone"}}},
		{},
	}
}

func consentOfADaughter() *amparov1.Consent {
	return &amparov1.Consent{
		Late: true, FormShort: true,
		Terms: &amparov1.ConsentTerms{
			Answer: amparov1.ConsentAnswer_CONSENT_ANSWER_GIVEN, Purposes: []amparov1.Purpose{amparov1.Purpose_PURPOSE_LEGAL_ASSISTANCE},
			Recipients: []*amparov1.Recipient{lawyer(), {Number: partnerNumber, Name: "Diario", Kind: amparov1.RecipientKind_RECIPIENT_KIND_MEDIA}},
			Categories: toTheLawyer().GetCategories(),
			Withheld: []*amparov1.Withholding{{
				Category: amparov1.DataCategory_DATA_CATEGORY_HEALTH, Reason: amparov1.WithholdingReason_WITHHOLDING_REASON_FEAR_OF_HARM,
			}},
			Giver: &amparov1.ConsentGiver{
				Kind: amparov1.GiverKind_GIVER_KIND_FAMILY, Name: "Hija Testova", Relation: "daughter", WhyNotSelf: amparov1.WhyNotSelf_WHY_NOT_SELF_DETAINED,
				Authority: &amparov1.Authority{Kind: amparov1.AuthorityKind_AUTHORITY_KIND_KINSHIP, Description: "knows the code word"},
			},
			Method: amparov1.ConsentMethod_CONSENT_METHOD_ORAL_WITNESSED, Witness: "the officer", ObtainedAt: in(-8 * time.Hour),
			ValidFrom: in(-8 * time.Hour), ExpiresAt: in(90 * 24 * time.Hour),
			Told:    &amparov1.Telling{Language: "fr", Statement: &amparov1.StatementReference{Id: "consent-release", Version: 1, Language: "fr"}},
			Quality: &amparov1.FreeFullInformed{Risks: "the lawyer may be watched"},
		},
	}
}

func TestTheLedgerOnAPage(t *testing.T) {
	entries := ledgerOfANight()
	answer := &amparov1.ListConsentsResponse{NextBefore: 1}
	for i := range entries {
		entry := entries[len(entries)-1-i]
		entry.Number, entry.RecordedAt = uint32(len(entries)-i), in(-time.Duration(i)*time.Hour)
		if entry.GetEvent() == nil && entry.GetReturnRequest() == nil {
			entry.RecordedById = exampleStaff
		}
		answer.Entries = append(answer.Entries, entry)
	}
	answer.InForce = []uint32{1}
	wantGolden(t, "ledger", func(p *page) { p.ledger(answer) })
}

// What may leave, and what stands in the way: as it is read, and in colour.
func TestTheDecisionOnAPage(t *testing.T) {
	refused := &amparov1.Decision{Obstacles: []*amparov1.Obstacle{
		{Reason: amparov1.Reason_REASON_CONSENT_WITHDRAWN, Field: "disclosure.action", Rule: "has not been withdrawn", Entries: []uint32{3, 5}, Party: 1},
		{Reason: amparov1.Reason_REASON_CHANNEL_UNSAFE, Field: "disclosure.action.channel", Rule: "is a way that the policy allows at this level of risk"},
		{Reason: 999, Rule: "is what a newer service asks for"},
	}}
	wantGolden(t, "decision", func(p *page) {
		p.decision(refused)
		p.colour = true
		p.decision(&amparov1.Decision{Allowed: true, Consents: []uint32{1, 2}, Check: 4})
	})
	for name, decision := range map[string]*amparov1.Decision{"CONSENT_WITHDRAWN": refused, "UNSPECIFIED": {}} {
		if failure := client.Explain(obstructed(decision)); failure == nil || failure.Exit != 5 || failure.Reason != name {
			t.Errorf("%s: exit %d, %s", name, failure.Exit, failure.Reason)
		}
	}
}

// unseen are the texts of an entry that its page leaves out, each with its reason.
var unseen = map[string]string{
	"disclosure.draft.harm":       "an entry of its own",
	"withdrawal.draft.recipients": "shown by their numbers, with the names that the ledger has",
	"withdrawal.draft.party":      "shown by number",
}

// Nothing that somebody wrote into a ledger is left out of its page, and nothing of it
// moves the cursor of whoever reads it.
func TestEveryWordOfALedgerIsShownAndNoneMovesTheCursor(t *testing.T) {
	kinds := (&amparov1.LedgerEntry{}).ProtoReflect().Descriptor().Oneofs().ByName("entry").Fields()
	for i := range kinds.Len() {
		entry := &amparov1.LedgerEntry{Number: 1, RecordedById: "name\x1b[2J\u202e"}
		kind := kinds.Get(i)
		var marks []string
		mark(entry.ProtoReflect().Mutable(kind).Message(), string(kind.Name()), &marks)
		if settlement := entry.GetSettlement(); settlement != nil {
			settlement.Lapsed = false
		}
		p := &page{now: testNow, zone: time.UTC}
		p.ledger(&amparov1.ListConsentsResponse{Entries: []*amparov1.LedgerEntry{entry}})
		for _, m := range marks {
			if !strings.Contains(string(p.bytes()), "<"+m+">") {
				t.Errorf("%s is not shown", m)
			}
		}
		if strings.ContainsAny(string(p.bytes()), "\x1b\x07\u202e\u009b") || !strings.Contains(string(p.bytes()), "name") {
			t.Errorf("%s lets control characters through, or shows nothing", kind.Name())
		}
	}
}

// mark sets every field of a message: texts to their own path and what could move a
// cursor.
func mark(m protoreflect.Message, path string, marks *[]string) {
	if _, left := unseen[path]; left {
		return
	}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		at := path + "." + string(field.Name())
		if _, left := unseen[at]; left {
			continue
		}
		one := m.NewField(field)
		if field.IsList() {
			list := one.List()
			if field.Message() != nil {
				element := list.NewElement()
				mark(element.Message(), at, marks)
				list.Append(element)
			} else {
				list.Append(marked(field, at, marks))
			}
		} else if field.Message() != nil {
			mark(one.Message(), at, marks)
		} else {
			one = marked(field, at, marks)
		}
		m.Set(field, one)
	}
}

func marked(field protoreflect.FieldDescriptor, at string, marks *[]string) protoreflect.Value {
	switch field.Kind() {
	case protoreflect.StringKind:
		*marks = append(*marks, at)
		return protoreflect.ValueOfString("<" + at + ">\x1b]0;title\x07\x1b[2J\u202e\u009b5m")
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte("\x1b[2J"))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(field.Enum().Values().Get(2 % field.Enum().Values().Len()).Number())
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(2e9) // a second of an instant
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(1)
	default:
		return protoreflect.ValueOfUint32(1)
	}
}
