package bench_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/casefile"
	"github.com/amparo-project/amparo/internal/disclosure"
	"github.com/amparo-project/amparo/internal/policy"
	"github.com/amparo-project/amparo/internal/records"
)

// longLedger is a case of years: many times more than one that is closed after weeks.
const longLedger = 200

var errRefused = errors.New("the gate refuses what it should let leave")

// told are the data of a decision: of each it is asked who allows it.
var told = []amparov1.DataCategory{
	amparov1.DataCategory_DATA_CATEGORY_IDENTITY, amparov1.DataCategory_DATA_CATEGORY_CONTACT, amparov1.DataCategory_DATA_CATEGORY_SITUATION,
	amparov1.DataCategory_DATA_CATEGORY_LEGAL, amparov1.DataCategory_DATA_CATEGORY_NEEDS,
}

// lawyer is one of twelve recipients of a long case.
func lawyer(i int) *amparov1.Recipient {
	return &amparov1.Recipient{Name: "Counsel " + word(nth(uint64(i%12)), 3), Kind: amparov1.RecipientKind_RECIPIENT_KIND_LAWYER}
}

// companion is one of three who are asked for themselves.
func companion(i int) *amparov1.Party {
	return &amparov1.Party{Name: "Companion " + word(nth(uint64(i%3)), 3), Kind: amparov1.PartyKind_PARTY_KIND_COMPANION, BirthDate: "1984"}
}

func planned(i int, about ...*amparov1.Party) *amparov1.PlannedAction {
	return &amparov1.PlannedAction{
		Purpose: amparov1.Purpose_PURPOSE_LEGAL_ASSISTANCE, Recipient: lawyer(i), Categories: told, About: about,
		Channel: amparov1.ContactChannel_CONTACT_CHANNEL_SIGNAL,
	}
}

// step is the i-th thing that happened in a long case: somebody was asked, a check was
// made, or something was taken back. The last of them let one lawyer be told of three
// people.
func step(act disclosure.Act, i int) (disclosure.Added, error) {
	last := longLedger - 5
	switch {
	case i == longLedger-1:
		return act.CheckHarm(harm(planned(0, companion(0), companion(1), companion(2))))
	case i >= last:
		return act.Consent(terms(0, i-last), adult())
	case i%10 == 3 && len(act.Entries) > 20:
		return act.Withdraw(&amparov1.WithdrawalDraft{Consent: 1, SaidAt: timestamppb.New(act.Now.Add(-time.Hour))})
	case i%3 == 2:
		return act.CheckHarm(harm(planned(i)))
	default:
		return act.Consent(terms(i, i%4), adult())
	}
}

// terms are a yes to a lawyer, of the person or, from the second on, of a companion.
func terms(i, party int) *amparov1.ConsentTerms {
	t := &amparov1.ConsentTerms{
		Answer: amparov1.ConsentAnswer_CONSENT_ANSWER_GIVEN, Purposes: []amparov1.Purpose{amparov1.Purpose_PURPOSE_LEGAL_ASSISTANCE},
		Recipients: []*amparov1.Recipient{lawyer(i)}, Categories: told, AskedAlone: true, Method: amparov1.ConsentMethod_CONSENT_METHOD_ORAL,
		Told:    &amparov1.Telling{Language: "es", Statement: &amparov1.StatementReference{Id: "consent-release", Language: "es"}},
		Quality: &amparov1.FreeFullInformed{Free: true, Full: true, Informed: true},
	}
	if party > 0 {
		t.Party = companion(party - 1)
	}
	return t
}

func adult() *amparov1.Identity {
	return &amparov1.Identity{Subject: &amparov1.Identity_Person{Person: &amparov1.Person{LegalName: name(1 << 40), BirthDate: "1984"}}}
}

func harm(action *amparov1.PlannedAction) *amparov1.HarmDraft {
	no, yes := amparov1.HarmReply_HARM_REPLY_NO, amparov1.HarmReply_HARM_REPLY_YES
	draft := &amparov1.HarmDraft{Action: action, Result: amparov1.HarmResult_HARM_RESULT_PROCEED}
	for i, reply := range []amparov1.HarmReply{no, no, no, yes, yes, no, yes, no, yes, yes, no, yes} {
		draft.Answers = append(draft.Answers, &amparov1.HarmAnswer{Question: amparov1.HarmQuestion(i + 1), Reply: reply})
	}
	return draft
}

// long enters a case with a long ledger, and returns its id and the ledger.
func (h *house) long(tb testing.TB) (id string, entries []*amparov1.LedgerEntry) {
	tb.Helper()
	id, err := h.enter(tb.Context(), h.grant(tb), asked(0, name(1<<40)))
	check(tb, err)
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_CONSENT_RECORD)
	for len(entries) < longLedger {
		_, err := h.Records.Update(tb.Context(), grant, records.Request{}, records.Targets(id), func(w *records.Work) (proto.Message, error) {
			f := w.File(0)
			f.Case().RiskLevel = amparov1.RiskLevel_RISK_LEVEL_LOW
			for range 20 {
				act, err := w.LedgerAct(f)
				if err != nil {
					return nil, err
				}
				added, err := step(act, len(act.Entries))
				if err != nil {
					return nil, err
				}
				if err := w.Enter(f, added); err != nil {
					return nil, err
				}
			}
			entries, err = f.Ledger()
			return nil, err
		})
		check(tb, err)
	}
	return id, entries
}

// draft is that one lawyer is told of four people.
func (h *house) draft() *amparov1.DisclosureDraft {
	return &amparov1.DisclosureDraft{Action: planned(0, companion(0), companion(1), companion(2))}
}

// decides asks the gate about a ledger that has been read.
func (h *house) decides(tb testing.TB, entries []*amparov1.LedgerEntry) call {
	tb.Helper()
	p := policy.Default()
	book, err := policy.Book(p, 1, time.UTC)
	check(tb, err)
	c, draft := &amparov1.Case{RiskLevel: amparov1.RiskLevel_RISK_LEVEL_LOW}, h.draft()
	return func(context.Context, int) error {
		act := disclosure.Act{Act: casefile.Act{StaffID: h.operator.StaffID, Now: time.Now(), Book: book}, Case: c, Entries: entries, Policy: p}
		if !act.Decide(draft).GetAllowed() {
			return errRefused
		}
		return nil
	}
}

// asks asks the gate over the wire, which reads and opens the whole ledger.
func (h *house) asks(tb testing.TB, id string) call {
	tb.Helper()
	client := amparov1.NewConsentServiceClient(h.Dial(tb, h.operator.Certificate))
	return func(ctx context.Context, _ int) error {
		answer, err := client.CheckConsent(ctx, &amparov1.CheckConsentRequest{CaseId: id, Disclosure: h.draft()})
		if err == nil && !answer.GetDecision().GetAllowed() {
			err = errRefused
		}
		return err
	}
}

// BenchmarkDecision sets a decision of the gate on a long ledger against a durable
// intake: by itself, and over the wire with all that has to be read for it.
func BenchmarkDecision(b *testing.B) {
	h := open(b)
	id, entries := h.long(b)
	p := plan{callers: 1, rounds: 9, slice: 300 * time.Millisecond}
	for _, part := range []struct {
		what, wanted string
		product      call
	}{
		{"decision on %d entries against an intake", "median at most 0.05", h.decides(b, entries)},
		{"decision on %d entries, read and over the wire, against an intake", "", h.asks(b, id)},
	} {
		what := fmt.Sprintf(part.what, longLedger)
		b.Run(what, func(b *testing.B) {
			var r result
			for b.Loop() {
				r = duel(b, p, part.product, h.take)
			}
			r.report(b, p, what, "decisions", "intakes", part.wanted)
		})
	}
}
