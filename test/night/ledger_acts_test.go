package night_test

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// referralOf is the planned action of an act: its recipient is known by the act's own
// name, so that no two acts are about the same.
func referralOf(a *act) *amparov1.PlannedAction {
	return &amparov1.PlannedAction{
		Purpose: amparov1.Purpose_PURPOSE_REFERRAL_TO_PARTNER, Channel: amparov1.ContactChannel_CONTACT_CHANNEL_SIGNAL,
		Categories: []amparov1.DataCategory{amparov1.DataCategory_DATA_CATEGORY_NEEDS},
		Recipient:  &amparov1.Recipient{Name: "Clinic " + a.ID, Kind: amparov1.RecipientKind_RECIPIENT_KIND_PARTNER},
	}
}

// harmOf answers the questions of a check, those of the short form or all.
func harmOf(a *act, questions int) *amparov1.HarmDraft {
	harm := &amparov1.HarmDraft{Text: textOf(a), Result: amparov1.HarmResult_HARM_RESULT_PROCEED_WITH_MITIGATION}
	for _, question := range []amparov1.HarmQuestion{1, 2, 4, 5, 12, 3, 6, 7, 8, 9, 10, 11}[:questions] {
		harm.Answers = append(harm.Answers, &amparov1.HarmAnswer{
			Question: question, Reply: amparov1.HarmReply_HARM_REPLY_YES, Mitigation: "a code instead of the name",
		})
	}
	return harm
}

// began is when the test began: a request must be the same each time that it is made.
var began = timestamppb.New(time.Now())

// ledgerRequest is the request of an act on a ledger; nil for any other.
func ledgerRequest(a *act) proto.Message {
	switch a.Kind {
	case "consent":
		action := referralOf(a)
		return &amparov1.RecordConsentRequest{RequestId: a.ID, CaseId: a.Case, Terms: &amparov1.ConsentTerms{
			Answer: amparov1.ConsentAnswer_CONSENT_ANSWER_GIVEN, Method: amparov1.ConsentMethod_CONSENT_METHOD_WRITTEN, Text: textOf(a),
			Purposes: []amparov1.Purpose{action.GetPurpose()}, Recipients: []*amparov1.Recipient{action.GetRecipient()}, Categories: action.GetCategories(),
			Told:    &amparov1.Telling{Statement: &amparov1.StatementReference{Id: "consent-release", Language: "es"}},
			Quality: &amparov1.FreeFullInformed{Free: true, Full: true, Informed: true},
		}}
	case "withdraw":
		return &amparov1.WithdrawConsentRequest{RequestId: a.ID, CaseId: a.Case, Withdrawal: &amparov1.WithdrawalDraft{Everything: true, Text: textOf(a)}}
	case "check":
		harm := harmOf(a, 12)
		harm.Action = referralOf(a)
		return &amparov1.CheckHarmRequest{RequestId: a.ID, CaseId: a.Case, Harm: harm}
	case "vital":
		return &amparov1.DiscloseRequest{RequestId: a.ID, CaseId: a.Case, Disclosure: &amparov1.DisclosureDraft{
			Action: referralOf(a), Track: amparov1.DisclosureTrack_DISCLOSURE_TRACK_VITAL_INTERESTS, Harm: harmOf(a, 5), Text: textOf(a),
			Vital: &amparov1.VitalInterests{Reason: "she does not wake up", ExpiresAt: timestamppb.New(began.AsTime().Add(24 * time.Hour))},
		}}
	case "breach":
		return &amparov1.ReportBreachRequest{RequestId: a.ID, CaseId: a.Case, Breach: &amparov1.BreachDraft{Text: textOf(a)}}
	case "countersign":
		return &amparov1.CountersignDisclosureRequest{RequestId: a.ID, CaseId: a.Case, Entry: a.Of}
	default:
		return nil
	}
}

// callLedger makes the call of an act on a ledger, and keeps the number of its entry. An
// answer without a receipt names no version.
func (c *crew) callLedger(ctx context.Context, a *act, request proto.Message) (caseID string, version uint64, err error) {
	p := c.writers[a.Writer]
	consents, disclosures := amparov1.NewConsentServiceClient(p), amparov1.NewDisclosureServiceClient(p)
	var receipt *amparov1.CaseReceipt
	switch request := request.(type) {
	case *amparov1.RecordConsentRequest:
		answer, e := consents.RecordConsent(ctx, request)
		receipt, a.Entry, err = answer.GetCase(), answer.GetNumber(), e
	case *amparov1.CheckHarmRequest:
		answer, e := disclosures.CheckHarm(ctx, request)
		receipt, a.Entry, err = answer.GetCase(), answer.GetNumber(), e
	case *amparov1.DiscloseRequest:
		answer, e := disclosures.Disclose(ctx, request)
		receipt, a.Entry, err = answer.GetCase(), answer.GetNumber(), e
	case *amparov1.CountersignDisclosureRequest:
		answer, e := disclosures.CountersignDisclosure(ctx, request)
		receipt, a.Entry, err = answer.GetCase(), answer.GetNumber(), e
	case *amparov1.WithdrawConsentRequest:
		answer, e := consents.WithdrawConsent(ctx, request)
		a.Entry = answer.GetNumber()
		return answer.GetCaseId(), 0, e
	case *amparov1.ReportBreachRequest:
		answer, e := disclosures.ReportBreach(ctx, request)
		a.Entry = answer.GetNumber()
		return answer.GetCaseId(), 0, e
	default:
		return "", 0, fmt.Errorf("no call for %s", a.Kind)
	}
	return receipt.GetCaseId(), receipt.GetVersion(), err
}

// entered counts the entries of the ledger that an act made, each in its place.
func (f *file) entered(a *act) []int {
	main, beside := 0, 0
	for _, entry := range f.ledger {
		var text string
		switch a.Kind {
		case "consent":
			text = entry.GetConsent().GetTerms().GetText()
		case "withdraw":
			text = entry.GetWithdrawal().GetDraft().GetText()
		case "check":
			text = entry.GetCheck().GetDraft().GetText()
		case "breach":
			text = entry.GetBreach().GetDraft().GetText()
		case "countersign":
			if entry.GetApproval().GetOf() == a.Of {
				text = textOf(a)
			}
		case "vital":
			text = entry.GetDisclosure().GetDraft().GetText()
			if entry.GetCheck().GetDraft().GetText() == textOf(a) {
				beside++
			}
		}
		if text != textOf(a) {
			continue
		}
		main++
		if a.Acked && a.Entry != entry.GetNumber() {
			main += 100 // another number than the one that was answered
		}
	}
	if a.Kind == "vital" {
		return []int{main, beside}
	}
	return []int{main}
}
