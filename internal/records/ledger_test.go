package records_test

import (
	"context"
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/disclosure"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/memory"
)

// adds makes an act of a person on the ledger of a case.
func (h *house) adds(p person, request records.Request, id, method string, step func(disclosure.Act) (disclosure.Added, error)) (*amparov1.LedgerEntry, error) {
	h.t.Helper()
	var entry *amparov1.LedgerEntry
	_, err := h.Update(ctx, p.grant(h.t, method), request, records.Targets(id), func(w *records.Work) (proto.Message, error) {
		act, err := w.LedgerAct(w.File(0))
		if err != nil {
			return nil, err
		}
		added, err := step(act)
		if err != nil {
			return nil, err
		}
		entry = added.Last()
		return &amparov1.CaseReceipt{CaseId: id}, w.Enter(w.File(0), added)
	})
	return entry, err
}

// allows records the person's consent that a clinic learns their needs, or their no.
func (h *house) allows(p person, request records.Request, id, text string, answer amparov1.ConsentAnswer) error {
	h.t.Helper()
	_, err := h.adds(p, request, id, "ConsentService/RecordConsent", func(act disclosure.Act) (disclosure.Added, error) {
		return act.Consent(&amparov1.ConsentTerms{
			Answer: answer, Text: text, Purposes: []amparov1.Purpose{toClinic().GetPurpose()}, Categories: toClinic().GetCategories(),
			Recipients: []*amparov1.Recipient{toClinic().GetRecipient()}, Method: amparov1.ConsentMethod_CONSENT_METHOD_WRITTEN,
			Told:    &amparov1.Telling{Statement: &amparov1.StatementReference{Id: "consent-release", Language: "es"}},
			Quality: &amparov1.FreeFullInformed{Free: true, Full: true, Informed: true},
		}, identity(text))
	})
	return err
}

func (h *house) withdraws(p person, request records.Request, id, text string) error {
	h.t.Helper()
	_, err := h.adds(p, request, id, "ConsentService/WithdrawConsent", func(act disclosure.Act) (disclosure.Added, error) {
		return act.Withdraw(&amparov1.WithdrawalDraft{Everything: true, Text: text})
	})
	return err
}

func toClinic() *amparov1.PlannedAction {
	return &amparov1.PlannedAction{
		Purpose: amparov1.Purpose_PURPOSE_REFERRAL_TO_PARTNER, Categories: []amparov1.DataCategory{amparov1.DataCategory_DATA_CATEGORY_NEEDS},
		Recipient: &amparov1.Recipient{Name: "Clínica Invierno", Kind: amparov1.RecipientKind_RECIPIENT_KIND_PARTNER},
		Channel:   amparov1.ContactChannel_CONTACT_CHANNEL_SIGNAL,
	}
}

// ledger is the ledger of a case, read as a whole.
func (h *house) ledger(p person, id string) (entries []*amparov1.LedgerEntry, err error) {
	h.t.Helper()
	_, err = h.View(ctx, p.grant(h.t, "ConsentService/ListConsents"), records.Targets(id), func(w *records.Work) (proto.Message, error) {
		entries, err = w.File(0).Ledger()
		return nil, err
	})
	return entries, err
}

// writeLedgers has something allowed and taken back in each case.
func (a *archive) writeLedgers() {
	for _, name := range []string{"a", "b"} {
		a.keepOld()
		a.must(a.allows(a.reader, records.Request{}, a.cases[name], "yes in "+name, amparov1.ConsentAnswer_CONSENT_ANSWER_GIVEN))
		a.keepOld()
		a.must(a.withdraws(a.reader, records.Request{}, a.cases[name], "no in "+name))
	}
}

// weighed is an engine that remembers the largest commit.
type weighed struct {
	store.Engine
	ops, bytes int
}

// Commit implements store.Engine.
func (e *weighed) Commit(ctx context.Context, conditions []store.Condition, writes []store.Write) (store.Revision, error) {
	size := 0
	for _, write := range writes {
		size += len(write.Key) + len(write.Value)
	}
	e.ops, e.bytes = max(e.ops, len(conditions)+len(writes)), max(e.bytes, size)
	return e.Engine.Commit(ctx, conditions, writes)
}

// TestALongLedger: somebody about whom something left a hundred times takes everything
// back, and each of those who have it is asked to return it, in one act. Every act on the
// way is within what the engines take.
func TestALongLedger(t *testing.T) {
	engine := &weighed{Engine: memory.New(memory.Limits{})}
	h, p := begin(t, engine), newPerson()
	id := h.mustCreate(p, intake{name: "Amaru", risk: amparov1.RiskLevel_RISK_LEVEL_LOW})
	const times = 100
	if err := h.allows(p, records.Request{}, id, "yes", amparov1.ConsentAnswer_CONSENT_ANSWER_GIVEN); err != nil {
		t.Fatal(err)
	}
	harm := &amparov1.HarmDraft{Action: toClinic(), Result: amparov1.HarmResult_HARM_RESULT_PROCEED_WITH_MITIGATION}
	for question := amparov1.HarmQuestion(1); question <= 12; question++ {
		harm.Answers = append(harm.Answers, &amparov1.HarmAnswer{
			Question: question, Reply: amparov1.HarmReply_HARM_REPLY_NO, Mitigation: "a code instead of the name",
		})
	}
	if _, err := h.adds(p, records.Request{}, id, "DisclosureService/CheckHarm", func(act disclosure.Act) (disclosure.Added, error) { return act.CheckHarm(harm) }); err != nil {
		t.Fatal(err)
	}
	for range times {
		_, err := h.Update(ctx, p.grant(t, "DisclosureService/Disclose"), records.Request{}, records.Targets(id), func(w *records.Work) (proto.Message, error) {
			_, err := w.Disclose(w.File(0), &amparov1.DisclosureDraft{Action: toClinic(), Text: "what she needs this week"})
			return nil, err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := h.withdraws(p, records.Request{}, id, "nothing more"); err != nil {
		t.Fatal(err)
	}
	settled, err := h.adds(p, records.Request{}, id, "ConsentService/SettleWithdrawal", func(act disclosure.Act) (disclosure.Added, error) {
		return act.Settle(&amparov1.SettlementDraft{Withdrawal: times + 3, Stands: true}, func(uint32, *timestamppb.Timestamp) bool { return true })
	})
	if err != nil {
		t.Fatalf("settled with %d who have something: %v", times, err)
	}
	entries, err := h.ledger(p, id)
	requests, facts := 0, uint32(0)
	for i, entry := range entries {
		if entry.GetNumber() != uint32(i)+1 {
			t.Fatalf("entry %d stands at %d", entry.GetNumber(), i+1)
		}
		if entry.GetReturnRequest() != nil {
			requests++
		}
	}
	for _, leaf := range h.leaves() {
		for _, fact := range leaf.GetFacts() {
			if facts++; fact.GetNumber() != facts {
				t.Fatalf("fact %d of the log is of entry %d", facts, fact.GetNumber())
			}
		}
	}
	if err != nil || requests != times || int(facts) != len(entries) || settled.GetNumber() != facts {
		t.Errorf("%d requests, %d facts of %d entries: %v", requests, facts, len(entries), err)
	}
	h.wantClean()
	h.reopen()
	if again, err := h.ledger(p, id); err != nil || fmt.Sprint(again) != fmt.Sprint(entries) {
		t.Errorf("after a restart the ledger is another: %v", err)
	}
	t.Logf("%d entries; the largest commit had %d operations and %d KiB", len(entries), engine.ops, engine.bytes>>10)
}

// TestWhatBefallsACaseWithADamagedLedger is not taken as if nothing had been allowed in
// it: the file is shut, and says that it is damaged.
func TestWhatBefallsACaseWithADamagedLedger(t *testing.T) {
	h, engine := inMemory(t)
	p := newPerson()
	id := h.mustCreate(p, intake{name: "Amaru"})
	if err := h.allows(p, records.Request{}, id, "yes", amparov1.ConsentAnswer_CONSENT_ANSWER_GIVEN); err != nil {
		t.Fatal(err)
	}
	known, _ := h.Index().Find(records.ParseID(id))
	if _, err := engine.Commit(ctx, nil, []store.Write{{Key: records.RecordKey(h.Records, known.Locator, records.RecordLedger, "1", 0), Value: []byte("x")}}); err != nil {
		t.Fatal(err)
	}
	_, err := h.change(p, records.Request{}, id, func(f *records.File) {
		f.Append(&amparov1.TimelineEntry{Kind: amparov1.TimelineKind_TIMELINE_KIND_INCIDENT})
	})
	wantReason(t, "an attack", err, amparov1.Reason_REASON_INTEGRITY)
	if h.Broken() != 1 || h.shut.Load() != 1 {
		t.Errorf("%d files are shut, and %d were told of", h.Broken(), h.shut.Load())
	}
}
