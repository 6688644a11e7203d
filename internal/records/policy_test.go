package records_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/policy"
	"github.com/amparo-project/amparo/internal/records"
)

// decide proposes a policy like the one in force but for a change, and may put it in
// force at once.
func (h *house) decide(inForce bool, change func(*amparov1.Policy)) error {
	h.t.Helper()
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_POLICY_CONFIRM)
	_, err := h.Update(ctx, grant, records.Request{}, []records.Target{h.PolicyFile()}, func(w *records.Work) (proto.Message, error) {
		p := proto.CloneOf(w.Policy())
		change(p)
		proposal, raw, err := policy.Propose(p, nil, records.NewID(), "administrator", w.Now)
		if err != nil {
			return nil, err
		}
		w.File(0).Propose(proposal, raw)
		if inForce {
			w.PutInForce(w.File(0), raw, proposal)
		}
		return nil, nil
	})
	return err
}

// TestAnotherZoneIsAnotherVersion: days that begin elsewhere are other days, so the
// service notes the zone, and an older version goes on meaning what it meant.
func TestAnotherZoneIsAnotherVersion(t *testing.T) {
	h, _ := inMemory(t)
	brussels, err := time.LoadLocation("Europe/Brussels")
	if err != nil {
		t.Fatal(err)
	}
	due := func(version int) string {
		book := h.Books()[version-1]
		rule, ok := book.Rule(amparov1.TermKind_TERM_KIND_COMPLAINT_INITIAL_RESPONSE, 0)
		if !ok || book.Version != uint32(version) {
			t.Fatalf("version %d has no rule, or is %d", version, book.Version)
		}
		return book.Calendar.Due(start, rule.Length).Format(time.RFC3339)
	}
	for range 2 { // a second start notes nothing
		h.zone = brussels
		h.reopen()
		if _, err := h.Started(ctx, false); err != nil {
			t.Fatal(err)
		}
		if n := len(h.Books()); n != 2 {
			t.Fatalf("%d versions", n)
		}
	}
	if due(1) != "2026-03-24T23:59:59Z" || due(2) != "2026-03-24T22:59:59Z" {
		t.Errorf("due %s in UTC and %s in Brussels", due(1), due(2))
	}
	h.zone = nil
	h.reopen()
	if _, err := h.Started(ctx, false); err != nil {
		t.Fatal(err)
	}
	if n := len(h.Books()); n != 3 || due(2) != "2026-03-24T22:59:59Z" || due(3) != due(1) {
		t.Errorf("%d versions; the second is due %s, the third %s", n, due(2), due(3))
	}
	h.wantClean()
}

// TestTheBookIsOneUntilItChanges: whoever counts by it may compare pointers.
func TestTheBookIsOneUntilItChanges(t *testing.T) {
	h, _ := inMemory(t)
	stop := h.follow()
	defer stop()
	book := h.Book()
	h.mustCreate(newPerson(), intake{name: "Amaru Quispe"})
	if h.Book() != book {
		t.Error("the book is another, and no policy has changed")
	}
	if err := h.decide(true, func(p *amparov1.Policy) { p.OnCall.PassOnAfter.Length = "2s" }); err != nil {
		t.Fatal(err)
	}
	if h.Book() == book || h.Books()[0] != book || h.Policy().GetOnCall().GetPassOnAfter().GetLength() != "2s" {
		t.Error("the book is not a new one beside the old one")
	}
}

// TestANewerReleaseCompletesThePolicy: what a policy could not say yet is decided in
// a version of its own, at the next start, and what waits goes on waiting.
func TestANewerReleaseCompletesThePolicy(t *testing.T) {
	h, _ := inMemory(t)
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_POLICY_CONFIRM)
	_, err := h.Update(ctx, grant, records.Request{}, []records.Target{h.PolicyFile()}, func(w *records.Work) (proto.Message, error) {
		old := policy.Default()
		old.OnCall.PassOnAfter.Length, old.Limits, old.Approvals = "5min", nil, old.GetApprovals()[:3]
		raw, err := policy.Marshal(old)
		if err != nil {
			return nil, err
		}
		w.PutInForce(w.File(0), raw, nil)
		waiting, raw, err := policy.Propose(policy.Default(), nil, records.NewID(), "administrator", w.Now)
		if err != nil {
			return nil, err
		}
		w.File(0).Propose(waiting, raw)
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // a second start has nothing to add
		h.reopen()
		if _, err := h.Started(ctx, false); err != nil {
			t.Fatal(err)
		}
		if err := policy.Check(h.Policy()); err != nil || len(h.Books()) != 3 || h.Policy().GetOnCall().GetPassOnAfter().GetLength() != "5min" {
			t.Errorf("%d versions: %v", len(h.Books()), err)
		}
	}
	_, err = h.View(ctx, grant, []records.Target{h.PolicyFile()}, func(w *records.Work) (proto.Message, error) {
		if p, _, err := w.File(0).PolicyText(0); err != nil || !proto.Equal(p, policy.Default()) {
			t.Errorf("what waited is another: %v", err)
		}
		if v := w.File(0).PolicyVersions()[2]; len(v.GetConfirmedByIds()) != 0 || v.GetProposedById() != "" {
			t.Error("the service's own version names people")
		}
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	h.wantClean()
}
