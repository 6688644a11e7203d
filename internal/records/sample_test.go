package records_test

import (
	"bytes"
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/store"
)

// TestASampleLeavesADamagedLedgerOut, shuts its file and says so, and shows the rest.
func TestASampleLeavesADamagedLedgerOut(t *testing.T) {
	h, engine := inMemory(t)
	p := newPerson()
	p.staff.Roles = append(p.staff.Roles, amparov1.Role_ROLE_AUDITOR, amparov1.Role_ROLE_DATA_PROTECTION_OFFICER)
	var cases []string
	for _, name := range []string{"Amaru", "Beatriz", "Chasca"} {
		id := h.mustCreate(p, intake{name: name})
		if err := h.allows(p, records.Request{}, id, name, amparov1.ConsentAnswer_CONSENT_ANSWER_REFUSED); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, id)
	}
	if err := h.log.CatchUp(ctx); err != nil {
		t.Fatal(err)
	}
	drawn, err := h.DrawSample(ctx, p.grant(t, "AuditService/DrawSample"), &amparov1.DrawSampleRequest{Count: 9, Nonce: bytes.Repeat([]byte{9}, 16)})
	if err != nil || len(drawn.GetFacts()) != 3 {
		t.Fatalf("%d entries are drawn: %v", len(drawn.GetFacts()), err)
	}
	known, _ := h.Index().Find(records.ParseID(cases[1]))
	if _, err := engine.Commit(ctx, nil, []store.Write{{Key: records.RecordKey(h.Records, known.Locator, records.RecordLedger, "1", 0), Value: []byte("x")}}); err != nil {
		t.Fatal(err)
	}
	opened, err := h.OpenSample(ctx, p.grant(t, "AuditService/OpenSample"), drawn.GetSample())
	if err != nil || len(opened.GetEntries()) != 2 || h.Broken() != 1 || h.shut.Load() != 1 {
		t.Errorf("%d entries are opened, %d files shut: %v", len(opened.GetEntries()), h.Broken(), err)
	}
	for _, entry := range opened.GetEntries() {
		if entry.GetPseudonym() == records.TextOf(known.Pseudonym) {
			t.Error("the damaged ledger is shown")
		}
	}
}

// TestASampleOfALongLog takes no longer than an answer may.
func TestASampleOfALongLog(t *testing.T) {
	h, _ := inMemory(t)
	p := newPerson()
	p.staff.Roles = append(p.staff.Roles, amparov1.Role_ROLE_AUDITOR)
	id := h.mustCreate(p, intake{name: "Amaru"})
	if err := h.allows(p, records.Request{}, id, "no", amparov1.ConsentAnswer_CONSENT_ANSWER_REFUSED); err != nil {
		t.Fatal(err)
	}
	leaves := 20_000
	if *long {
		leaves = 1_000_000
	}
	for range leaves {
		if err := h.Note(ctx, p.grant(t, "QueueService/ListQueue"), &amparov1.AuditLeaf{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.log.CatchUp(ctx); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err := h.DrawSample(ctx, p.grant(t, "AuditService/DrawSample"), &amparov1.DrawSampleRequest{Count: 1, Nonce: bytes.Repeat([]byte{9}, 16)}); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	t.Logf("a sample of %d leaves took %v", leaves, took.Round(time.Millisecond))
	if took > 30*time.Second {
		t.Errorf("a sample of %d leaves took %v, which no caller waits for", leaves, took)
	}
}
