package server_test

import (
	"slices"
	"testing"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/lookup"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/servertest"
	"github.com/amparo-project/amparo/internal/store"
)

// damaged opens a case and writes over its head.
func (w *world) damaged(t *testing.T, by *servertest.Person) string {
	t.Helper()
	heads := func() (all []lookup.ID) {
		for kind := range uint8(32) {
			w.Records.Index().All(kind, func(head lookup.Head) bool { all = append(all, head.Locator); return true })
		}
		return all
	}
	before := heads()
	id := w.newCase(t, by, nil)
	for _, locator := range heads() {
		if slices.Contains(before, locator) {
			continue
		}
		key := append(append([]byte{'f'}, locator[:]...), 1)
		if _, err := w.engine.Commit(t.Context(), nil, []store.Write{{Key: key, Value: []byte("no head")}}); err != nil {
			t.Fatal(err)
		}
		return id
	}
	t.Fatal("the case has no head")
	return ""
}

// TestADamagedCaseKeepsNobodysWorkWaiting: neither a leaver's other cases, nor the list
// of a shift that ends.
func TestADamagedCaseKeepsNobodysWorkWaiting(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	leaver, heir := w.north[amparov1.Role_ROLE_HOTLINE_OPERATOR], w.north[amparov1.Role_ROLE_CASE_OFFICER]
	w.newCase(t, leaver, nil)
	broken := w.damaged(t, leaver)
	whole := w.newCase(t, leaver, nil)
	_, err := amparov1.NewCaseServiceClient(leaver.Conn).GetCase(t.Context(), &amparov1.GetCaseRequest{CaseId: broken})
	if reason(err) != "INTEGRITY" {
		t.Fatalf("the case is not damaged: %v", err)
	}
	if entries := w.prepared(t, leaver); len(entries) != 2 {
		t.Errorf("a shift ends with %d open items, want the two that can be opened", len(entries))
	}
	answer, err := handovers(w.north[amparov1.Role_ROLE_HEAD_OF_SECRETARIAT]).ReassignCases(t.Context(), reassigning(leaver, heir))
	if err != nil || answer.GetReassigned() != 2 || w.head(t, whole).GetOwnerId() != heir.StaffID {
		t.Errorf("of a leaver's cases %d are given, want 2: %v", answer.GetReassigned(), err)
	}
}

// TestADamagedDuplicateLetsPeopleBeExcluded: whom a case must be kept from is kept from
// it at once, whatever has become of what was merged into it.
func TestADamagedDuplicateLetsPeopleBeExcluded(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	head, barred := w.north[amparov1.Role_ROLE_HEAD_OF_SECRETARIAT], w.north[amparov1.Role_ROLE_REVIEWER]
	broken := w.damaged(t, head)
	stays := w.newCase(t, head, func(c *amparov1.Case) { c.MergedCaseIds = []string{broken} })
	if _, err := amparov1.NewCardServiceClient(head.Conn).ExcludeStaff(t.Context(), &amparov1.ExcludeStaffRequest{
		RequestId: records.NewID(), CaseId: stays, StaffIds: []string{barred.StaffID},
	}); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(w.head(t, stays).GetExcludedStaffIds(), barred.StaffID) {
		t.Error("nobody is excluded")
	}
}
