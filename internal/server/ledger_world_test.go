package server_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/servertest"
)

// ledgerRequest holds a valid request for every method of ConsentService and
// DisclosureService, and for the samples of AuditService, that takes more than ids; nil
// for any other.
func ledgerRequest(method, id, newID string) proto.Message {
	switch method {
	case "ConsentService/RecordConsent":
		return &amparov1.RecordConsentRequest{RequestId: newID, CaseId: id, Terms: yes()}
	case "ConsentService/WithdrawConsent":
		return &amparov1.WithdrawConsentRequest{RequestId: newID, CaseId: id, Withdrawal: &amparov1.WithdrawalDraft{Everything: true}}
	case "ConsentService/SettleWithdrawal":
		return &amparov1.SettleWithdrawalRequest{RequestId: newID, CaseId: id, Settlement: &amparov1.SettlementDraft{Withdrawal: 1, Stands: true}}
	case "ConsentService/CheckConsent":
		return &amparov1.CheckConsentRequest{CaseId: id, Disclosure: leaving()}
	case "DisclosureService/CheckHarm":
		return &amparov1.CheckHarmRequest{RequestId: newID, CaseId: id, Harm: harmless()}
	case "DisclosureService/StateBasis":
		return &amparov1.StateBasisRequest{RequestId: newID, CaseId: id, Basis: ordered()}
	case "DisclosureService/ApproveDisclosure":
		return &amparov1.ApproveDisclosureRequest{RequestId: newID, CaseId: id, Entry: 1}
	case "DisclosureService/Disclose":
		return &amparov1.DiscloseRequest{RequestId: newID, CaseId: id, Disclosure: leaving()}
	case "DisclosureService/CountersignDisclosure":
		return &amparov1.CountersignDisclosureRequest{RequestId: newID, CaseId: id, Entry: 1}
	case "DisclosureService/ReportBreach":
		return &amparov1.ReportBreachRequest{RequestId: newID, CaseId: id, Breach: &amparov1.BreachDraft{Text: "a list lay on the copier"}}
	case "DisclosureService/RecordInformed":
		return &amparov1.RecordInformedRequest{RequestId: newID, CaseId: id, Entry: 1}
	case "DisclosureService/AnswerReturn":
		return &amparov1.AnswerReturnRequest{RequestId: newID, CaseId: id, Request: 1, Outcome: amparov1.ReturnOutcome_RETURN_OUTCOME_CONFIRMED_DELETED}
	case "AuditService/DrawSample":
		return &amparov1.DrawSampleRequest{Count: 3, Nonce: []byte(newID)}
	default:
		return nil
	}
}

// clinic is whom the tests' consents are for.
func clinic() *amparov1.Recipient {
	return &amparov1.Recipient{Name: "Clínica Invierno", Kind: amparov1.RecipientKind_RECIPIENT_KIND_PARTNER, Country: "CO"}
}

// referral is the action that the tests' consents allow: the clinic is told what
// happened and what is needed.
func referral() *amparov1.PlannedAction {
	return &amparov1.PlannedAction{
		Purpose: amparov1.Purpose_PURPOSE_REFERRAL_TO_PARTNER, Recipient: clinic(), Channel: amparov1.ContactChannel_CONTACT_CHANNEL_SIGNAL,
		Categories: []amparov1.DataCategory{amparov1.DataCategory_DATA_CATEGORY_SITUATION, amparov1.DataCategory_DATA_CATEGORY_NEEDS},
	}
}

// yes is the person's consent to the referral. Nobody knows the age of the tests'
// person, whose own word carries then.
func yes() *amparov1.ConsentTerms {
	return &amparov1.ConsentTerms{
		Answer:   amparov1.ConsentAnswer_CONSENT_ANSWER_GIVEN,
		Giver:    &amparov1.ConsentGiver{Kind: amparov1.GiverKind_GIVER_KIND_SELF},
		Purposes: []amparov1.Purpose{referral().GetPurpose()}, Recipients: []*amparov1.Recipient{clinic()}, Categories: referral().GetCategories(),
		Method:  amparov1.ConsentMethod_CONSENT_METHOD_WRITTEN,
		Told:    &amparov1.Telling{Language: "es", Statement: &amparov1.StatementReference{Id: "consent-release", Language: "es"}},
		Quality: &amparov1.FreeFullInformed{Free: true, Full: true, Informed: true},
		Witness: "the nurse",
	}
}

// no is a refusal of the same.
func no() *amparov1.ConsentTerms {
	return &amparov1.ConsentTerms{
		Answer: amparov1.ConsentAnswer_CONSENT_ANSWER_REFUSED, Purposes: yes().GetPurposes(), Recipients: yes().GetRecipients(), Categories: yes().GetCategories(),
	}
}

// short are the questions of the short form, with the answers that see no danger; all
// are those of the whole.
var (
	short = map[amparov1.HarmQuestion]amparov1.HarmReply{1: 2, 2: 2, 4: 1, 5: 1, 12: 1}
	all12 = map[amparov1.HarmQuestion]amparov1.HarmReply{1: 2, 2: 2, 3: 2, 4: 1, 5: 1, 6: 2, 7: 1, 8: 2, 9: 1, 10: 1, 11: 2, 12: 1}
)

func answered(replies map[amparov1.HarmQuestion]amparov1.HarmReply) *amparov1.HarmDraft {
	draft := &amparov1.HarmDraft{Result: amparov1.HarmResult_HARM_RESULT_PROCEED}
	for question := range amparov1.HarmQuestion(13) {
		if reply, asked := replies[question]; asked {
			draft.Answers = append(draft.Answers, &amparov1.HarmAnswer{Question: question, Reply: reply})
		}
	}
	return draft
}

// harmless is a do-no-harm check of the referral that sees no danger.
func harmless() *amparov1.HarmDraft {
	draft := answered(all12)
	draft.Action = referral()
	return draft
}

// leaving is the referral as it leaves.
func leaving() *amparov1.DisclosureDraft { return &amparov1.DisclosureDraft{Action: referral()} }

// hurried is it on the urgent track, with its short check.
func hurried() *amparov1.DisclosureDraft {
	return &amparov1.DisclosureDraft{Action: referral(), Track: amparov1.DisclosureTrack_DISCLOSURE_TRACK_URGENT, Harm: answered(short)}
}

// vital is it without consent, because a life hangs on it.
func vital() *amparov1.DisclosureDraft {
	return &amparov1.DisclosureDraft{
		Action: referral(), Track: amparov1.DisclosureTrack_DISCLOSURE_TRACK_VITAL_INTERESTS, Harm: answered(short),
		Vital: &amparov1.VitalInterests{Reason: "she does not wake up", ExpiresAt: timestamppb.New(time.Now().Add(time.Hour))},
	}
}

// ordered is an order of a court to send the court what happened.
func ordered() *amparov1.BasisDraft {
	action := referral()
	action.Purpose, action.Categories = amparov1.Purpose_PURPOSE_LEGAL_ASSISTANCE, action.GetCategories()[:1]
	action.Recipient = &amparov1.Recipient{Name: "Juzgado Tercero", Kind: amparov1.RecipientKind_RECIPIENT_KIND_AUTHORITY}
	return &amparov1.BasisDraft{Basis: amparov1.ListedBasis_LISTED_BASIS_COURT_ORDER, Action: action, Reason: "the order of 3 March"}
}

// desk is somebody at a case: the calls of its ledger in one line each.
type desk struct {
	consents    amparov1.ConsentServiceClient
	disclosures amparov1.DisclosureServiceClient
}

func deskOf(p *servertest.Person) desk {
	return desk{amparov1.NewConsentServiceClient(p.Conn), amparov1.NewDisclosureServiceClient(p.Conn)}
}

func (d desk) record(t testing.TB, id string, terms *amparov1.ConsentTerms) (*amparov1.RecordConsentResponse, error) {
	return d.consents.RecordConsent(t.Context(), &amparov1.RecordConsentRequest{RequestId: records.NewID(), CaseId: id, Terms: terms})
}

func (d desk) withdraw(t testing.TB, id string, draft *amparov1.WithdrawalDraft) (*amparov1.WithdrawConsentResponse, error) {
	return d.consents.WithdrawConsent(t.Context(), &amparov1.WithdrawConsentRequest{RequestId: records.NewID(), CaseId: id, Withdrawal: draft})
}

func (d desk) list(t testing.TB, id string) ([]*amparov1.LedgerEntry, error) {
	page, err := d.consents.ListConsents(t.Context(), &amparov1.ListConsentsRequest{CaseId: id, PageSize: 200})
	return page.GetEntries(), err
}

func (d desk) check(t testing.TB, id string, draft *amparov1.HarmDraft) (*amparov1.CheckHarmResponse, error) {
	return d.disclosures.CheckHarm(t.Context(), &amparov1.CheckHarmRequest{RequestId: records.NewID(), CaseId: id, Harm: draft})
}

func (d desk) disclose(t testing.TB, id string, draft *amparov1.DisclosureDraft) (*amparov1.DiscloseResponse, error) {
	return d.disclosures.Disclose(t.Context(), &amparov1.DiscloseRequest{RequestId: records.NewID(), CaseId: id, Disclosure: draft})
}

func (d desk) state(t testing.TB, id string, draft *amparov1.BasisDraft) (*amparov1.StateBasisResponse, error) {
	return d.disclosures.StateBasis(t.Context(), &amparov1.StateBasisRequest{RequestId: records.NewID(), CaseId: id, Basis: draft})
}

func (d desk) approve(t testing.TB, id string, entry uint32) (*amparov1.ApproveDisclosureResponse, error) {
	return d.disclosures.ApproveDisclosure(t.Context(), &amparov1.ApproveDisclosureRequest{RequestId: records.NewID(), CaseId: id, Entry: entry})
}

func (d desk) countersign(t testing.TB, id string, entry uint32) error {
	_, err := d.disclosures.CountersignDisclosure(t.Context(), &amparov1.CountersignDisclosureRequest{RequestId: records.NewID(), CaseId: id, Entry: entry})
	return err
}

func (d desk) report(t testing.TB, id string, draft *amparov1.BreachDraft) (*amparov1.ReportBreachResponse, error) {
	return d.disclosures.ReportBreach(t.Context(), &amparov1.ReportBreachRequest{RequestId: records.NewID(), CaseId: id, Breach: draft})
}

// must is the answer of a call that is not to fail.
func must[T any](t testing.TB) func(answer T, err error) T {
	return func(answer T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
}
