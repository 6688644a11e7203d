package server_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/servertest"
)

// told fills the ledger of a case with entries of as many kinds as one person can make,
// whose every word and name is a canary.
func (d desk) told(t testing.TB, id string) {
	t.Helper()
	whom := func() *amparov1.Recipient {
		return &amparov1.Recipient{Name: canary + " clinic", Kind: amparov1.RecipientKind_RECIPIENT_KIND_PARTNER, Organisation: canary, Country: "CO", Agreement: canary}
	}
	sister := &amparov1.Party{Kind: amparov1.PartyKind_PARTY_KIND_COMPANION, Name: canary + " sister", BirthDate: "1984", AgeGroup: amparov1.AgeGroup_AGE_GROUP_ADULT}
	for _, party := range []*amparov1.Party{nil, sister} {
		terms := yes()
		terms.Recipients[0], terms.Party, terms.AskedAlone, terms.Text, terms.Witness = whom(), party, true, canary, canary
		terms.Withheld = []*amparov1.Withholding{{Category: amparov1.DataCategory_DATA_CATEGORY_FAMILY, From: &amparov1.Recipient{
			Name: canary + " press", Kind: amparov1.RecipientKind_RECIPIENT_KIND_MEDIA,
		}, Reason: 1, Text: canary}}
		terms.Quality.Pressures, terms.Quality.Risks, terms.EvidenceHash = canary, canary, bytes.Repeat([]byte("qx7canar"), 4)
		must[*amparov1.RecordConsentResponse](t)(d.record(t, id, terms))
	}
	harm := harmless()
	harm.Action.Recipient, harm.Action.About, harm.Text, harm.Answers[1].Note = whom(), []*amparov1.Party{sister}, canary, canary
	must[*amparov1.CheckHarmResponse](t)(d.check(t, id, harm))
	draft := leaving()
	draft.Action.Recipient, draft.Action.About, draft.Text = whom(), []*amparov1.Party{sister}, canary
	draft.Documents = []*amparov1.DisclosedDocument{{Hash: bytes.Repeat([]byte("qx7canar"), 4), Title: canary}}
	must[*amparov1.DiscloseResponse](t)(d.disclose(t, id, draft))
	act := vital()
	act.Action.Recipient, act.Vital.Reason, act.Text = &amparov1.Recipient{Name: canary + " police", Kind: amparov1.RecipientKind_RECIPIENT_KIND_AUTHORITY}, canary, canary
	left := must[*amparov1.DiscloseResponse](t)(d.disclose(t, id, act))
	basis := ordered()
	basis.Action.Recipient.Name, basis.Reason, basis.Reference = canary+" court", canary, canary
	must[*amparov1.StateBasisResponse](t)(d.state(t, id, basis))
	must[*amparov1.WithdrawConsentResponse](t)(d.withdraw(t, id, &amparov1.WithdrawalDraft{Consent: 1, Recipients: []*amparov1.Recipient{whom()}, Text: canary}))
	must[*amparov1.ReportBreachResponse](t)(d.report(t, id, &amparov1.BreachDraft{Recipient: whom(), About: []*amparov1.Party{sister}, Text: canary}))
	_, err := d.disclosures.RecordInformed(t.Context(), &amparov1.RecordInformedRequest{RequestId: records.NewID(), CaseId: id, Entry: left.GetNumber(), Text: canary})
	if err != nil {
		t.Fatal(err)
	}
}

func holds(t testing.TB, m proto.Message, text string) bool {
	t.Helper()
	raw, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(raw, []byte(text))
}

// TestALedgerShowsEachWhatTheyMayKnow: names and words are for those who work on the
// case; a data protection officer sees what was done, and not about whom.
func TestALedgerShowsEachWhatTheyMayKnow(t *testing.T) {
	log := &logged{}
	w := newWorld(t, servertest.Options{Output: log})
	officer, protector := w.north[amparov1.Role_ROLE_CASE_OFFICER], w.north[amparov1.Role_ROLE_DATA_PROTECTION_OFFICER]
	both := w.Enrol(t, "both hats", []amparov1.Role{amparov1.Role_ROLE_HOTLINE_OPERATOR, amparov1.Role_ROLE_DATA_PROTECTION_OFFICER}, []string{"north"})
	barred := w.Enrol(t, "barred", []amparov1.Role{amparov1.Role_ROLE_DATA_PROTECTION_OFFICER, amparov1.Role_ROLE_REVIEWER}, []string{"north"})
	id := w.newCase(t, officer, func(c *amparov1.Case) {
		c.RiskLevel, c.TeamIds, c.ExcludedStaffIds = amparov1.RiskLevel_RISK_LEVEL_LOW, []string{officer.StaffID}, []string{barred.StaffID}
	})
	before := w.size(t)
	deskOf(officer).told(t, id)
	whole := must[[]*amparov1.LedgerEntry](t)(deskOf(officer).list(t, id))
	for _, row := range []struct {
		who   *servertest.Person
		shape func(*amparov1.Case)
		named bool
	}{
		{officer, nil, true},
		{protector, nil, false},
		{w.north[amparov1.Role_ROLE_REVIEWER], nil, true},
		{both, nil, true}, // it waits at the desk, where the operator works on it
		{w.north[amparov1.Role_ROLE_HEAD_OF_SECRETARIAT], func(c *amparov1.Case) { c.Restricted = true }, true},
		{protector, nil, false},
		{both, nil, false}, // restricted: known to the data protection officer, and not to the operator
	} {
		if row.shape != nil {
			w.shape(t, id, row.shape)
		}
		shown := must[[]*amparov1.LedgerEntry](t)(deskOf(row.who).list(t, id))
		if len(shown) != len(whole) {
			t.Fatalf("%s: %d entries of %d", row.who.Name, len(shown), len(whole))
		}
		for i, entry := range shown {
			named := holds(t, entry, canary)
			if row.named != proto.Equal(entry, whole[i]) || !row.named && named {
				t.Errorf("%s: entry %d, %T, with words %v, want %v", row.who.Name, entry.GetNumber(), entry.GetEntry(), named, row.named)
			}
			if entry.GetNumber() != whole[i].GetNumber() || entry.GetRecordedById() != whole[i].GetRecordedById() {
				t.Errorf("%s: entry %d has lost its number or its author", row.who.Name, i)
			}
		}
	}
	// Being the data protection officer lets them into the ledger, and into nothing else.
	queue := amparov1.NewQueueServiceClient(both.Conn)
	rows, err := queue.ListQueue(t.Context(), &amparov1.ListQueueRequest{})
	found, err2 := queue.SearchCases(t.Context(), &amparov1.SearchCasesRequest{Text: "Prueba"})
	if err != nil || err2 != nil || len(rows.GetRows())+len(found.GetRows()) > 0 {
		t.Errorf("a restricted case stands in the queue %d times and is found %d times by an operator of the office: %v, %v", len(rows.GetRows()), len(found.GetRows()), err, err2)
	}
	if _, err := deskOf(barred).list(t, id); status.Code(err) != codes.NotFound {
		t.Errorf("whom the case excludes is answered %v", err)
	}
	if rows := breaches(t, barred, protector); !slices.Equal(rows, []int{0, 1}) {
		t.Errorf("the register shows %v breaches, want none to whom the case excludes", rows)
	}
	told := map[string]bool{}
	for _, notice := range w.Records.Board().Notices {
		told[notice.StaffID] = true
	}
	if !told[protector.StaffID] || told[barred.StaffID] {
		t.Errorf("of the breach the data protection officer is told %v, and the one whom the case excludes %v", told[protector.StaffID], told[barred.StaffID])
	}
	for _, leaf := range w.since(t, before) {
		if holds(t, leaf, canary) {
			t.Errorf("the log's leaf of %v holds words", leaf.GetAction())
		}
	}
	if strings.Contains(log.String(), canary) {
		t.Error("the service's own log holds words")
	}
}

// TestWhoeverHeardItLearnsNothing: a withdrawal and a breach are taken from another
// office, and the answers show what the caller knew. Whom the case excludes does not
// learn by them that it is there.
func TestWhoeverHeardItLearnsNothing(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	officer, barred := w.north[amparov1.Role_ROLE_CASE_OFFICER], w.north[amparov1.Role_ROLE_PROGRAMME_OFFICER]
	id := w.newCase(t, officer, func(c *amparov1.Case) {
		c.RiskLevel, c.Restricted, c.ExcludedStaffIds = amparov1.RiskLevel_RISK_LEVEL_LOW, true, []string{barred.StaffID}
	})
	deskOf(officer).told(t, id)
	said := must[*amparov1.WithdrawConsentResponse](t)(deskOf(w.operator).withdraw(t, id, &amparov1.WithdrawalDraft{Everything: true}))
	if !proto.Equal(said, &amparov1.WithdrawConsentResponse{CaseId: id, Number: 11}) {
		t.Errorf("a withdrawal answers %v", said)
	}
	got := must[*amparov1.ReportBreachResponse](t)(deskOf(w.operator).report(t, id, &amparov1.BreachDraft{Text: "on a bus"}))
	if due := got.GetNoticeDueAt().AsTime(); due.Before(time.Now().Add(71*time.Hour)) || due.After(time.Now().Add(73*time.Hour)) {
		t.Errorf("the authority must be told until %v", due)
	}
	if got.NoticeDueAt = nil; !proto.Equal(got, &amparov1.ReportBreachResponse{CaseId: id, Number: 12}) {
		t.Errorf("a breach answers %v", got)
	}
	for _, row := range []struct {
		who  *servertest.Person
		call func(d desk, id string) error
	}{
		{barred, func(d desk, id string) error {
			_, err := d.withdraw(t, id, &amparov1.WithdrawalDraft{Everything: true})
			return err
		}},
		{barred, func(d desk, id string) error {
			_, err := d.withdraw(t, id, &amparov1.WithdrawalDraft{Consent: 99})
			return err
		}},
		{barred, func(d desk, id string) error {
			_, err := d.report(t, id, &amparov1.BreachDraft{Text: "on a bus"})
			return err
		}},
		{w.operator, func(d desk, id string) error { _, err := d.list(t, id); return err }},
		{w.operator, func(d desk, id string) error { _, err := d.record(t, id, yes()); return err }},
		{w.operator, func(d desk, id string) error { _, err := d.disclose(t, id, hurried()); return err }},
	} {
		here, nowhere := row.call(deskOf(row.who), id), row.call(deskOf(row.who), records.NewID())
		if status.Code(here) != codes.NotFound || mark(here) != mark(nowhere) {
			t.Errorf("%s: %v of this case, %v of none", row.who.Name, here, nowhere)
		}
	}
	if rows := breaches(t, barred, w.north[amparov1.Role_ROLE_REVIEWER], w.operator); !slices.Equal(rows, []int{-1, 0, -1}) {
		t.Errorf("the register shows %v, want nothing to whom the case is restricted or whose role it is not", rows)
	}
	if rows := breaches(t, w.north[amparov1.Role_ROLE_HEAD_OF_SECRETARIAT], w.reviewer); !slices.Equal(rows, []int{2, 0}) {
		t.Errorf("the register shows %v, want both breaches to the head and none to another office", rows)
	}
}

// breaches is how many breaches the register shows to each; -1 where it shows nothing.
func breaches(t testing.TB, people ...*servertest.Person) (rows []int) {
	t.Helper()
	for _, p := range people {
		answer, err := deskOf(p).disclosures.ListBreaches(t.Context(), &amparov1.ListBreachesRequest{All: true})
		if rows = append(rows, len(answer.GetBreaches())); err != nil {
			rows[len(rows)-1] = -1
		}
	}
	return rows
}

// TestAHostileReaderLearnsNobodysName: while a contact is thought to be in hostile hands,
// what is shown may be read over a shoulder. It names neither staff nor recipients.
func TestAHostileReaderLearnsNobodysName(t *testing.T) {
	w := newWatched(t)
	w.shape(t, w.id, func(c *amparov1.Case) { c.RiskLevel = amparov1.RiskLevel_RISK_LEVEL_LOW })
	d := deskOf(w.officer)
	d.told(t, w.id)
	names := []string{canary + " clinic", canary + " press", canary + " police", canary + " court", w.officer.StaffID}
	shown := func() (found []string) {
		page := &amparov1.ListConsentsResponse{Entries: must[[]*amparov1.LedgerEntry](t)(d.list(t, w.id))}
		for _, name := range names {
			if holds(t, page, name) {
				found = append(found, name)
			}
		}
		return found
	}
	if found := shown(); !slices.Equal(found, names) {
		t.Fatalf("shown are %v, so that nothing can be hidden", found)
	}
	if _, err := w.safety.DistrustContact(t.Context(), &amparov1.DistrustContactRequest{
		RequestId: records.NewID(), CaseId: w.id, Contact: 1, SuspectedHostile: true,
	}); err != nil {
		t.Fatal(err)
	}
	if found := shown(); len(found) > 0 {
		t.Errorf("shown are %v", found)
	}
	register := must[*amparov1.ListBreachesResponse](t)(deskOf(w.second).disclosures.ListBreaches(t.Context(), &amparov1.ListBreachesRequest{}))
	if len(register.GetBreaches()) != 1 || holds(t, register, names[0]) {
		t.Errorf("the register shows %d breaches, and the name of a recipient", len(register.GetBreaches()))
	}
}
