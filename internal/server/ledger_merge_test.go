package server_test

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/proof"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/servertest"
)

// merged merges one case into another, as two people do.
func (w *world) merged(t testing.TB, stays, other string) {
	t.Helper()
	for _, role := range []amparov1.Role{amparov1.Role_ROLE_REVIEWER, amparov1.Role_ROLE_HEAD_OF_SECRETARIAT} {
		if _, err := links(w.north[role]).MergeCases(t.Context(), &amparov1.MergeCasesRequest{
			RequestId: records.NewID(), CaseId: stays, OtherCaseId: other,
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// nos are the entries of a ledger that take something back.
func (d desk) nos(t testing.TB, id string) (found []*amparov1.LedgerEntry) {
	t.Helper()
	for _, entry := range must[[]*amparov1.LedgerEntry](t)(d.list(t, id)) {
		if entry.GetWithdrawal() != nil {
			found = append(found, entry)
		}
	}
	slices.Reverse(found)
	return found
}

// TestNoNoIsLostInAMerge: what somebody took back in one of their cases holds in the one
// that goes on, at the merge and afterwards, through as many merges as there are.
func TestNoNoIsLostInAMerge(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	officer, heard := w.north[amparov1.Role_ROLE_CASE_OFFICER], deskOf(w.operator)
	d := deskOf(officer)
	newCase := func() string {
		return w.newCase(t, officer, func(c *amparov1.Case) { c.RiskLevel = amparov1.RiskLevel_RISK_LEVEL_LOW })
	}
	first, second, third := newCase(), newCase(), newCase()
	herald := &amparov1.Recipient{Name: "The Herald", Kind: amparov1.RecipientKind_RECIPIENT_KIND_MEDIA}
	toHerald := func(terms *amparov1.ConsentTerms) *amparov1.ConsentTerms {
		terms.Recipients = []*amparov1.Recipient{herald}
		return terms
	}
	for _, id := range []string{first, second, third} {
		must[*amparov1.RecordConsentResponse](t)(d.record(t, id, yes()))
		must[*amparov1.CheckHarmResponse](t)(d.check(t, id, harmless()))
	}
	before := timestamppb.Now() // of all nos
	must[*amparov1.WithdrawConsentResponse](t)(d.withdraw(t, first, &amparov1.WithdrawalDraft{Consent: 1}))
	must[*amparov1.RecordConsentResponse](t)(d.record(t, first, toHerald(no())))
	leaves := func(id, want string) {
		t.Helper()
		if _, err := d.disclose(t, id, leaving()); reason(err) != want {
			t.Errorf("sent: %v, want %q", err, want)
		}
	}
	leaves(second, "")
	size := w.size(t)
	w.merged(t, second, first)
	leaves(second, "CONSENT_WITHDRAWN")
	if nos := d.nos(t, second); len(nos) != 2 || nos[0].GetRecordedById() != "" || len(nos[1].GetWithdrawal().GetRecipients()) != 1 {
		t.Errorf("%d nos came along, want the clinic's and the Herald's, from the service", len(nos))
	}
	facts := 0
	for _, leaf := range w.since(t, size) {
		if facts += len(leaf.GetFacts()); len(leaf.GetFacts()) > 0 && leaf.GetAction() != amparov1.LeafAction_LEAF_ACTION_CASE_MERGE {
			t.Errorf("facts stand in a leaf of %v", leaf.GetAction())
		}
	}
	if facts != 3 { // that the cases were merged, and the two nos
		t.Errorf("%d facts of the merge stand in the log, want 3", facts)
	}

	// A yes that was said before the no to the Herald, and found in a drawer after the merge.
	late := toHerald(yes())
	late.ObtainedAt = before
	must[*amparov1.RecordConsentResponse](t)(d.record(t, second, late))
	sent := leaving()
	sent.Action.Recipient = herald
	if _, err := d.disclose(t, second, sent); reason(err) != "CONSENT_WITHDRAWN" {
		t.Errorf("what was allowed before it was refused leaves: %v", err)
	}

	// The person allows it anew in the case that goes on, and in the merged one nothing
	// leaves any more: it would not know of what is taken back there.
	must[*amparov1.RecordConsentResponse](t)(d.record(t, second, yes()))
	leaves(second, "HARM_CHECK_OVERTAKEN")
	must[*amparov1.CheckHarmResponse](t)(d.check(t, second, harmless()))
	leaves(second, "")
	must[*amparov1.RecordConsentResponse](t)(d.record(t, first, yes()))
	leaves(first, "STATE_FORBIDS")
	if nos := d.nos(t, second); len(nos) != 2 {
		t.Errorf("a yes in the merged case made a no of %d", len(nos)-2)
	}

	// And through a second merge: whoever hears a no, in whichever of the cases.
	w.merged(t, third, second)
	leaves(third, "CONSENT_WITHDRAWN")
	must[*amparov1.CheckHarmResponse](t)(d.check(t, third, harmless()))
	for _, row := range []struct {
		says string
		say  func() error
	}{
		{"a withdrawal that another office heard", func() error {
			_, err := heard.withdraw(t, first, &amparov1.WithdrawalDraft{Everything: true})
			return err
		}},
		{"a refusal", func() error { _, err := d.record(t, second, no()); return err }},
		{"a yes that withholds", func() error {
			terms := yes()
			terms.Withheld = []*amparov1.Withholding{{Category: amparov1.DataCategory_DATA_CATEGORY_NEEDS, Reason: 1}}
			_, err := d.record(t, first, terms)
			return err
		}},
	} {
		must[*amparov1.RecordConsentResponse](t)(d.record(t, third, yes()))
		leaves(third, "")
		known := len(d.nos(t, third))
		if err := row.say(); err != nil {
			t.Fatalf("%s: %v", row.says, err)
		}
		if more := len(d.nos(t, third)) - known; more != 1 {
			t.Errorf("%s: %d nos more in the case that goes on", row.says, more)
		}
		leaves(third, "CONSENT_WITHDRAWN")
	}
}

// TestNoNoIsLostWhenCasesPart: what was taken back in the case that went on holds in the
// other too once the merge is undone.
func TestNoNoIsLostWhenCasesPart(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	officer := w.north[amparov1.Role_ROLE_CASE_OFFICER]
	d := deskOf(officer)
	newCase := func() string {
		id := w.newCase(t, officer, func(c *amparov1.Case) { c.RiskLevel = amparov1.RiskLevel_RISK_LEVEL_LOW })
		must[*amparov1.RecordConsentResponse](t)(d.record(t, id, yes()))
		must[*amparov1.CheckHarmResponse](t)(d.check(t, id, harmless()))
		return id
	}
	stays, other := newCase(), newCase()
	w.merged(t, stays, other)
	must[*amparov1.WithdrawConsentResponse](t)(d.withdraw(t, stays, &amparov1.WithdrawalDraft{Everything: true}))
	for _, role := range []amparov1.Role{amparov1.Role_ROLE_REVIEWER, amparov1.Role_ROLE_HEAD_OF_SECRETARIAT} {
		if _, err := links(w.north[role]).UnmergeCases(t.Context(), &amparov1.UnmergeCasesRequest{
			RequestId: records.NewID(), CaseId: stays, OtherCaseId: other,
		}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.disclose(t, other, leaving()); reason(err) != "CONSENT_WITHDRAWN" {
		t.Errorf("sent after the cases had parted: %v", err)
	}
	judged := proof.New()
	for i, raw := range exported(t, w.bystander) {
		leaf := &amparov1.AuditLeaf{}
		if err := proto.Unmarshal(raw, leaf); err != nil {
			t.Fatal(err)
		}
		judged.Leaf(uint64(i), leaf)
	}
	if r := judged.Finish(); !r.Sound() || len(r.Ledgers) != 2 {
		t.Errorf("the log shows %d ledgers, and finds %v", len(r.Ledgers), r.Findings)
	}
}
