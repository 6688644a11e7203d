package night_test

import (
	"bytes"
	"fmt"
	"regexp"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

// somebody is a recipient or a companion of a case, by the name that its first entry
// gave them.
type somebody struct {
	clinic *amparov1.Recipient
	sister *amparov1.Party
}

// workLedger goes with a case through all that its ledger can hold, with a canary in every
// field of words: names of recipients and of those who go along, reasons, answers, papers.
// It asks that they are shown to those who work on the case, and to nobody else.
func (m *mine) workLedger(id, subject string) {
	m.t.Helper()
	m.aviary.fixed["case_id"] = id
	known := &somebody{}
	whispered := []proto.Message{m.says(subject, known, true), m.says(subject, known, false)}
	take := func(name string, by *person, change func(proto.Message)) proto.Message {
		m.t.Helper()
		request := message(m.t, methodOf(m.t, name).Input())
		m.aviary.fill(request.ProtoReflect(), "")
		change(request)
		answer, err := m.call(by, methodOf(m.t, name), request)
		if err != nil {
			m.t.Fatalf("%s: %v", name, client.Explain(err))
		}
		whispered = append(whispered, request)
		return answer
	}
	check := take("CheckHarm", m.officer, func(r proto.Message) {
		harm := r.(*amparov1.CheckHarmRequest).GetHarm()
		known.in(harm.GetAction())
		m.answers(harm, 12)
	}).(*amparov1.CheckHarmResponse)
	take("ApproveDisclosure", m.head, func(r proto.Message) { r.(*amparov1.ApproveDisclosureRequest).Entry = check.GetNumber() })
	take("Disclose", m.officer, func(r proto.Message) {
		draft := r.(*amparov1.DiscloseRequest).GetDisclosure()
		known.in(draft.GetAction())
		draft.Check, draft.Basis, draft.Harm = 0, 0, nil
	})
	for _, track := range []amparov1.DisclosureTrack{amparov1.DisclosureTrack_DISCLOSURE_TRACK_URGENT, amparov1.DisclosureTrack_DISCLOSURE_TRACK_VITAL_INTERESTS} {
		left := take("Disclose", m.dismissed, func(r proto.Message) {
			draft := r.(*amparov1.DiscloseRequest).GetDisclosure()
			known.in(draft.GetAction())
			draft.Track, draft.Check, draft.Basis, draft.Harm.Action = track, 0, 0, nil
			draft.Vital.Under, draft.Vital.ExpiresAt = 0, timestamppb.New(time.Now().Add(time.Hour))
			m.answers(draft.GetHarm(), 5)
		}).(*amparov1.DiscloseResponse)
		take("CountersignDisclosure", m.head, func(r proto.Message) { r.(*amparov1.CountersignDisclosureRequest).Entry = left.GetNumber() })
	}
	take("CheckConsent", m.officer, func(r proto.Message) { r.(*amparov1.CheckConsentRequest).Disclosure.Action.Recipient = known.clinic })
	whispered = whispered[:len(whispered)-1] // it is only asked, and shown nowhere
	take("StateBasis", m.officer, func(r proto.Message) {
		basis := r.(*amparov1.StateBasisRequest).GetBasis()
		basis.Basis, basis.Of = amparov1.ListedBasis_LISTED_BASIS_COURT_ORDER, 0
	})
	withdrawal := take("WithdrawConsent", m.dismissed, func(r proto.Message) {
		draft := r.(*amparov1.WithdrawConsentRequest).GetWithdrawal()
		draft.Consent, draft.Everything, draft.Party, draft.Recipients = 1, false, known.sister, []*amparov1.Recipient{known.clinic}
	}).(*amparov1.WithdrawConsentResponse)
	m.settles(withdrawal.GetNumber(), take)
	breach := take("ReportBreach", m.dismissed, func(r proto.Message) { r.(*amparov1.ReportBreachRequest).Breach.Disclosure = 0 }).(*amparov1.ReportBreachResponse)
	take("RecordInformed", m.officer, func(r proto.Message) { r.(*amparov1.RecordInformedRequest).Entry = breach.GetNumber() })
	m.refusedByLedger()
	m.ledgerIsShown(id, whispered)
}

// refusedByLedger makes calls that the ledger's own rules refuse, whose words must not
// come back in the refusal.
func (m *mine) refusedByLedger() {
	m.t.Helper()
	for name, spoil := range map[string]func(proto.Message){
		"RecordConsent": func(r proto.Message) {
			r.(*amparov1.RecordConsentRequest).Terms.Giver.Kind = amparov1.GiverKind_GIVER_KIND_COLLECTIVE_BODY
		},
		"WithdrawConsent": func(r proto.Message) { r.(*amparov1.WithdrawConsentRequest).Withdrawal.Party = nil },
		"SettleWithdrawal": func(r proto.Message) {
			r.(*amparov1.SettleWithdrawalRequest).Settlement.Withdrawal = 777
		},
		"CheckHarm":  func(proto.Message) {},
		"StateBasis": func(r proto.Message) { r.(*amparov1.StateBasisRequest).Basis.Of = 777 },
		"Disclose": func(r proto.Message) {
			r.(*amparov1.DiscloseRequest).Disclosure.Track = amparov1.DisclosureTrack_DISCLOSURE_TRACK_URGENT
		},
		"RecordInformed": func(r proto.Message) { r.(*amparov1.RecordInformedRequest).Entry = 777 },
		"AnswerReturn":   func(r proto.Message) { r.(*amparov1.AnswerReturnRequest).Request = 777 },
	} {
		request := message(m.t, methodOf(m.t, name).Input())
		m.aviary.fill(request.ProtoReflect(), "")
		spoil(request)
		m.refused(m.officer, methodOf(m.t, name), request)
	}
}

// in puts those whom the ledger knows into a planned action.
func (s *somebody) in(action *amparov1.PlannedAction) {
	action.Recipient, action.About = s.clinic, []*amparov1.Party{s.sister}
}

// says records a consent, of somebody who goes along or of the person of the case. What
// it names is known from then on.
func (m *mine) says(subject string, known *somebody, companion bool) proto.Message {
	m.t.Helper()
	request, _ := m.accept("RecordConsent", "", func(r proto.Message) {
		terms := r.(*amparov1.RecordConsentRequest).GetTerms()
		if companion {
			known.clinic, known.sister = terms.GetRecipients()[0], terms.GetParty()
			return
		}
		terms.Recipients[0], terms.Party = known.clinic, nil
		if subject == "collective" {
			terms.Giver.Kind, terms.Giver.Authority.Kind = amparov1.GiverKind_GIVER_KIND_COLLECTIVE_BODY, amparov1.AuthorityKind_AUTHORITY_KIND_MANDATE
			terms.Giver.Authority.DecidedAt = timestamppb.New(time.Now().Add(-time.Hour))
		}
	})
	return request
}

// answers answers the questions of a check, each with words, so that it goes on.
func (m *mine) answers(harm *amparov1.HarmDraft, questions int) {
	harm.Answers, harm.Result = nil, amparov1.HarmResult_HARM_RESULT_PROCEED_WITH_MITIGATION
	for _, question := range []amparov1.HarmQuestion{1, 2, 4, 5, 12, 3, 6, 7, 8, 9, 10, 11}[:questions] {
		harm.Answers = append(harm.Answers, &amparov1.HarmAnswer{
			Question: question, Reply: amparov1.HarmReply_HARM_REPLY_YES, Note: m.aviary.next(), Mitigation: m.aviary.next(),
		})
	}
}

// settles has a withdrawal confirmed over the safe contact, and the past recipients asked
// and answering.
func (m *mine) settles(withdrawal uint32, take func(string, *person, func(proto.Message)) proto.Message) {
	m.t.Helper()
	m.accept("RecordContact", "", func(r proto.Message) { r.(*amparov1.RecordContactRequest).Contact.ContactNumber = 1 })
	settled := take("SettleWithdrawal", m.officer, func(r proto.Message) {
		r.(*amparov1.SettleWithdrawalRequest).Settlement.Withdrawal = withdrawal
	}).(*amparov1.SettleWithdrawalResponse)
	if len(settled.GetReturnRequests()) == 0 {
		m.t.Error("nobody is asked to return anything")
	}
	for _, number := range settled.GetReturnRequests() {
		take("AnswerReturn", m.officer, func(r proto.Message) { r.(*amparov1.AnswerReturnRequest).Request = number })
	}
}

// ledgerIsShown asks that every canary stands in the ledger as the officer sees it, and
// the words of the breach in the register; and none of them where a data protection
// officer or an auditor looks.
func (m *mine) ledgerIsShown(id string, whispered []proto.Message) {
	m.t.Helper()
	canary := regexp.MustCompile(m.aviary.latin + "[0-9]{4}" + m.aviary.cyrillic)
	read := func(who *person, name string, request proto.Message) []byte {
		answer, err := m.call(who, methodOf(m.t, name), request)
		if err != nil {
			m.t.Fatalf("%s: %v", name, client.Explain(err))
		}
		raw, err := protojson.Marshal(answer)
		if err != nil {
			m.t.Fatal(err)
		}
		return raw
	}
	whole := &amparov1.ListConsentsRequest{CaseId: id, PageSize: 200}
	shown := read(m.officer, "ListConsents", whole)
	for _, request := range whispered {
		raw, err := protojson.Marshal(request)
		if err != nil {
			m.t.Fatal(err)
		}
		missing := 0
		for _, one := range canary.FindAll(raw, -1) {
			if !bytes.Contains(shown, one) {
				missing++
			}
		}
		if missing > 0 {
			m.t.Errorf("%d canaries of %s are shown nowhere", missing, request.ProtoReflect().Descriptor().Name())
		}
	}
	if register := read(m.head, "ListBreaches", &amparov1.ListBreachesRequest{}); !canary.Match(register) {
		m.t.Error("the register of breaches shows nothing")
	}
	m.said[fmt.Sprintf("the ledger to the data protection officer, at call %d", m.calls)] = read(m.protector, "ListConsents", whole)
	time.Sleep(1100 * time.Millisecond) // until a checkpoint covers the entries
	drawn := &amparov1.DrawSampleResponse{}
	raw := read(m.auditor, "DrawSample", &amparov1.DrawSampleRequest{Count: 100, Nonce: []byte(client.NewRequestID())})
	if err := protojson.Unmarshal(raw, drawn); err != nil || len(drawn.GetFacts()) < 15 {
		m.t.Errorf("a sample of %d entries: %v", len(drawn.GetFacts()), err)
	}
	m.said[fmt.Sprintf("the sample, at call %d", m.calls)] = read(m.protector, "OpenSample", &amparov1.OpenSampleRequest{Sample: drawn.GetSample()})
}

// hostile asks that the ledger names no recipient any more, once a contact is thought to
// be in hostile hands.
func (m *mine) hostile(id string) {
	m.t.Helper()
	_, answer := m.accept("ListConsents", "", func(r proto.Message) { r.(*amparov1.ListConsentsRequest).CaseId = id })
	named := 0
	for _, entry := range answer.(*amparov1.ListConsentsResponse).GetEntries() {
		for _, r := range append(entry.GetConsent().GetTerms().GetRecipients(), entry.GetDisclosure().GetDraft().GetAction().GetRecipient(), entry.GetBreach().GetDraft().GetRecipient()) {
			if r.GetName()+r.GetOrganisation()+r.GetAgreement() != "" {
				named++
			}
		}
	}
	if named > 0 || len(answer.(*amparov1.ListConsentsResponse).GetEntries()) == 0 {
		m.t.Errorf("%d recipients are named while a contact is in hostile hands", named)
	}
}
