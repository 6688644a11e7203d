package records_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/store"
)

// TestDraw: whoever draws again must get the same, for as long as anybody asks.
func TestDraw(t *testing.T) {
	root, nonce := bytes.Repeat([]byte{7}, 32), bytes.Repeat([]byte{9}, 16)
	five := records.Draw(root, nonce, 1000, 5)
	if want := []uint64{603, 844, 959, 85, 1}; !slices.Equal(five, want) {
		t.Errorf("%v, want %v", five, want)
	}
	for name, other := range map[string][]uint64{
		"another root":                    records.Draw(append([]byte{8}, root[1:]...), nonce, 1000, 5),
		"a longer nonce":                  records.Draw(root, append(slices.Clone(nonce), 0), 1000, 5),
		"a byte of the root in the nonce": records.Draw(root[:31], append([]byte{7}, nonce...), 1000, 5),
	} {
		if slices.Equal(other, five) {
			t.Errorf("%s draws the same", name)
		}
	}
	for _, population := range []uint64{1, 2, 7, 100} {
		all := records.Draw(root, nonce, population, 1000)
		if slices.Sort(all); uint64(len(slices.Compact(all))) != population || all[len(all)-1] != population-1 {
			t.Errorf("of %d entries %v are drawn, want each once", population, all)
		}
	}
	// Three quarters of all numbers are entries: did the others count too, a third of the
	// entries would be drawn twice as often as the rest.
	low := 0
	for i := range 6000 {
		if records.Draw(root, []byte{byte(i), byte(i >> 8)}, 3<<62, 1)[0] < 1<<62 {
			low++
		}
	}
	if low < 1800 || low > 2200 {
		t.Errorf("%d of 6000 are in the first third, want about 2000", low)
	}
}

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
	drawn, err := h.DrawSample(ctx, p.grant(t, "AuditService/DrawSample"), 9, bytes.Repeat([]byte{9}, 16))
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
	if _, err := h.DrawSample(ctx, p.grant(t, "AuditService/DrawSample"), 1, bytes.Repeat([]byte{9}, 16)); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	t.Logf("a sample of %d leaves took %v", leaves, took.Round(time.Millisecond))
	if took > 30*time.Second {
		t.Errorf("a sample of %d leaves took %v, which no caller waits for", leaves, took)
	}
}
