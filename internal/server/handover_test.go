package server_test

import (
	"crypto/ed25519"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/handover"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/servertest"
)

func handovers(p *servertest.Person) amparov1.HandoverServiceClient {
	return amparov1.NewHandoverServiceClient(p.Conn)
}

// offering is an offer that a person's own device has signed.
func offering(from, to *servertest.Person, entries ...*amparov1.HandoverEntry) *amparov1.BeginHandoverRequest {
	request := &amparov1.BeginHandoverRequest{RequestId: records.NewID(), ToStaffId: to.StaffID, Entries: entries}
	h := &amparov1.Handover{Id: request.RequestId, FromId: from.StaffID, ToId: to.StaffID}
	for _, entry := range entries {
		h.Items = append(h.Items, &amparov1.HandoverItem{Entry: entry})
	}
	request.Signature = ed25519.Sign(from.Signing, handover.Offer(h, from.DeviceID))
	return request
}

// answering is an answer that a person's own device has signed, to an offer as the
// service shows it.
func answering(t testing.TB, to *servertest.Person, id string, decisions ...*amparov1.HandoverDecision) *amparov1.AcceptHandoverRequest {
	t.Helper()
	shown, err := handovers(to).ShowHandover(t.Context(), &amparov1.ShowHandoverRequest{HandoverId: id})
	if err != nil {
		t.Fatal(err)
	}
	if !handover.Verified(shown.GetHandover()) {
		t.Fatal("the hand-over does not verify")
	}
	return &amparov1.AcceptHandoverRequest{
		RequestId: records.NewID(), HandoverId: id, Decisions: decisions,
		Signature: ed25519.Sign(to.Signing, handover.Answer(shown.GetHandover(), to.DeviceID, decisions)),
	}
}

func took(item uint32) *amparov1.HandoverDecision {
	return &amparov1.HandoverDecision{Item: item, Accepted: true}
}

func (w *world) prepared(t testing.TB, p *servertest.Person) []*amparov1.HandoverEntry {
	t.Helper()
	answer, err := handovers(p).PrepareHandover(t.Context(), &amparov1.PrepareHandoverRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var entries []*amparov1.HandoverEntry
	for _, item := range answer.GetItems() {
		entries = append(entries, item.GetEntry())
	}
	return entries
}

// head reads the head of a case on the service's own behalf.
func (w *world) head(t testing.TB, id string) *amparov1.Case {
	t.Helper()
	var head *amparov1.Case
	w.shape(t, id, func(c *amparov1.Case) { head = proto.CloneOf(c) })
	return head
}

// TestHandover is the end of a night: one case is taken, one is refused.
func TestHandover(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	giver, taker := w.north[amparov1.Role_ROLE_HOTLINE_OPERATOR], w.north[amparov1.Role_ROLE_CASE_OFFICER]
	first := w.newCase(t, giver, nil)
	w.newCase(t, giver, nil)
	rests := w.newCase(t, giver, func(c *amparov1.Case) {
		c.State, c.Terms = amparov1.CaseState_CASE_STATE_TRIAGED, nil // nothing of it is due
	})
	entries := w.prepared(t, giver)
	if len(entries) != 2 || slices.ContainsFunc(entries, func(e *amparov1.HandoverEntry) bool { return e.GetCaseId() == rests }) {
		t.Fatalf("%d items are open, want the two that wait for triage", len(entries))
	}
	entries[0].Note = "he calls again at six, ask for his brother"
	offer := offering(giver, taker, entries...)
	begun, err := handovers(giver).BeginHandover(t.Context(), offer)
	if err != nil {
		t.Fatal(err)
	}
	waiting, err := handovers(taker).ListHandovers(t.Context(), &amparov1.ListHandoversRequest{})
	if err != nil || len(waiting.GetHandovers()) != 1 || waiting.GetHandovers()[0].GetId() != begun.GetHandoverId() {
		t.Fatalf("the receiver is shown %v: %v", waiting, err)
	}
	if owner := w.head(t, first).GetOwnerId(); owner != giver.StaffID {
		t.Errorf("the case changed hands before anybody accepted it")
	}
	accept := answering(t, taker, begun.GetHandoverId(), took(0))
	count, err := handovers(taker).AcceptHandover(t.Context(), accept)
	if err != nil || count.GetAccepted() != 1 || count.GetWaiting() != 1 {
		t.Fatalf("%v: %v", count, err)
	}
	again, err := handovers(taker).AcceptHandover(t.Context(), accept)
	if err != nil || !proto.Equal(again, count) {
		t.Errorf("the same answer again: %v, %v", again, err)
	}
	_, err = handovers(taker).AcceptHandover(t.Context(), answering(t, taker, begun.GetHandoverId(), took(0)))
	if reason(err) != "HANDOVER_CHANGED" {
		t.Errorf("an item answered twice: %v", err)
	}
	count, err = handovers(taker).AcceptHandover(t.Context(), answering(t, taker, begun.GetHandoverId(),
		&amparov1.HandoverDecision{Item: 1, Refusal: "I know the family"}))
	if err != nil || count.GetRefused() != 1 || count.GetWaiting() != 0 {
		t.Fatalf("%v: %v", count, err)
	}
	taken, stayed := w.head(t, entries[0].GetCaseId()), w.head(t, entries[1].GetCaseId())
	if taken.GetOwnerId() != taker.StaffID || slices.Contains(taken.GetTeamIds(), giver.StaffID) {
		t.Errorf("the case that was taken: owner %s, team %v", taken.GetOwnerId(), taken.GetTeamIds())
	}
	if stayed.GetOwnerId() != giver.StaffID || stayed.GetHandoverId() != "" {
		t.Errorf("the case that was refused did not stay: %s, %q", stayed.GetOwnerId(), stayed.GetHandoverId())
	}
	shown, err := handovers(giver).ShowHandover(t.Context(), &amparov1.ShowHandoverRequest{HandoverId: begun.GetHandoverId()})
	if err != nil || !handover.Verified(shown.GetHandover()) || shown.GetHandover().GetClosedAt() == nil {
		t.Errorf("the giver cannot verify what was answered: %v, %v", shown, err)
	}
}

// TestHandoverIsRefused: nothing is stored that the giver's device has not signed,
// and nothing goes to whom it may not go.
func TestHandoverIsRefused(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	giver, taker := w.north[amparov1.Role_ROLE_HOTLINE_OPERATOR], w.north[amparov1.Role_ROLE_CASE_OFFICER]
	id := w.newCase(t, giver, nil)
	entry := func() *amparov1.HandoverEntry { return &amparov1.HandoverEntry{CaseId: id, CaseVersion: 1, Note: "a"} }
	foreign := w.newCase(t, w.operator, nil)
	for _, row := range []struct {
		name, want string
		request    func() *amparov1.BeginHandoverRequest
	}{
		{"another device signed", "SIGNATURE_WRONG", func() *amparov1.BeginHandoverRequest {
			r := offering(giver, taker, entry())
			r.Signature = offering(taker, taker, entry()).Signature
			return r
		}},
		{"a note changed on its way", "SIGNATURE_WRONG", func() *amparov1.BeginHandoverRequest {
			r := offering(giver, taker, entry())
			r.Entries[0].Note = "b"
			return r
		}},
		{"another receiver", "SIGNATURE_WRONG", func() *amparov1.BeginHandoverRequest {
			r := offering(giver, taker, entry())
			r.ToStaffId = w.north[amparov1.Role_ROLE_REVIEWER].StaffID
			return r
		}},
		{"an older version", "HANDOVER_CHANGED", func() *amparov1.BeginHandoverRequest {
			e := entry()
			e.CaseVersion = 9
			return offering(giver, taker, e)
		}},
		{"twice the same", "FIELD_INVALID", func() *amparov1.BeginHandoverRequest { return offering(giver, taker, entry(), entry()) }},
		{"an alarm of nobody", "HANDOVER_CHANGED", func() *amparov1.BeginHandoverRequest {
			return offering(giver, taker, &amparov1.HandoverEntry{AlarmId: records.NewID()})
		}},
		{"to oneself", "STAFF_UNSUITABLE", func() *amparov1.BeginHandoverRequest { return offering(giver, giver, entry()) }},
		{"to an auditor", "STAFF_UNSUITABLE", func() *amparov1.BeginHandoverRequest { return offering(giver, w.bystander, entry()) }},
		{"to another office", "STAFF_UNSUITABLE", func() *amparov1.BeginHandoverRequest { return offering(giver, w.operator, entry()) }},
		{"somebody else's case", "NOT_FOUND", func() *amparov1.BeginHandoverRequest {
			return offering(giver, taker, &amparov1.HandoverEntry{CaseId: foreign, CaseVersion: 1})
		}},
		{"one whom the case excludes", "STAFF_EXCLUDED", func() *amparov1.BeginHandoverRequest {
			w.shape(t, id, func(c *amparov1.Case) { c.ExcludedStaffIds = []string{taker.StaffID} })
			e := entry()
			e.CaseVersion = 2
			return offering(giver, taker, e)
		}},
	} {
		if _, err := handovers(giver).BeginHandover(t.Context(), row.request()); reason(err) != row.want {
			t.Errorf("%s: %v (%s), want %s", row.name, err, reason(err), row.want)
		}
	}
}

// TestHandoverIsForItsPeople walks who may see and who may answer a hand-over, and
// what is withheld from whom.
func TestHandoverIsForItsPeople(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	giver, taker := w.north[amparov1.Role_ROLE_HOTLINE_OPERATOR], w.north[amparov1.Role_ROLE_CASE_OFFICER]
	reviewer, head := w.north[amparov1.Role_ROLE_REVIEWER], w.north[amparov1.Role_ROLE_HEAD_OF_SECRETARIAT]
	colleague := w.Enrol(t, "colleague", []amparov1.Role{amparov1.Role_ROLE_CASE_OFFICER}, []string{"north"})
	w.newCase(t, giver, nil)
	w.newCase(t, giver, func(c *amparov1.Case) { c.Restricted = true })
	w.newCase(t, giver, func(c *amparov1.Case) { c.ExcludedStaffIds = []string{reviewer.StaffID} })
	offer := offering(giver, taker, w.prepared(t, giver)...)
	if _, err := handovers(giver).BeginHandover(t.Context(), offer); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name     string
		who      *servertest.Person
		want     string
		withheld uint32
	}{
		{"giver", giver, "", 0},
		{"receiver", taker, "", 0},
		{"head", head, "", 0},
		{"reviewer, who may know of one of three", reviewer, "", 2},
		{"colleague", colleague, "NOT_FOUND", 0},
		{"another office", w.reviewer, "NOT_FOUND", 0},
		{"auditor", w.bystander, "ROLE_MISSING", 0},
		{"administrator", w.Admin, "ROLE_MISSING", 0},
	} {
		shown, err := handovers(row.who).ShowHandover(t.Context(), &amparov1.ShowHandoverRequest{HandoverId: offer.RequestId})
		h := shown.GetHandover()
		if reason(err) != row.want || h.GetWithheld() != row.withheld || err == nil && handover.Verified(h) != (row.withheld == 0) {
			t.Errorf("%s: %v, %d withheld", row.name, err, h.GetWithheld())
		}
		if row.withheld > 0 && (h.GetOffer() != nil || len(h.GetItems()) != 1) {
			t.Errorf("%s: sees more than is theirs", row.name)
		}
		if row.who == taker || row.want == "ROLE_MISSING" {
			continue
		}
		request := &amparov1.AcceptHandoverRequest{
			RequestId: records.NewID(), HandoverId: offer.RequestId, Decisions: []*amparov1.HandoverDecision{took(0)},
			Signature: ed25519.Sign(row.who.Signing, []byte("x")),
		}
		if _, err := handovers(row.who).AcceptHandover(t.Context(), request); reason(err) != "NOT_FOUND" {
			t.Errorf("%s accepts what was offered to another: %v", row.name, err)
		}
	}
	// A case that comes to exclude the receiver is theirs to know of no more.
	third := offer.Entries[0].GetCaseId()
	w.shape(t, third, func(c *amparov1.Case) { c.ExcludedStaffIds = append(c.ExcludedStaffIds, taker.StaffID) })
	shown, err := handovers(taker).ShowHandover(t.Context(), &amparov1.ShowHandoverRequest{HandoverId: offer.RequestId})
	if err != nil || shown.GetHandover().GetWithheld() != 1 || shown.GetHandover().GetOffer() != nil {
		t.Errorf("an excluded receiver sees %v: %v", shown, err)
	}
}

// TestHandoverNobodyAccepts: after an hour its giver and the reviewers are told, once.
func TestHandoverNobodyAccepts(t *testing.T) {
	clock := newClock()
	w := newWorld(t, servertest.Options{Now: clock.Now})
	giver, taker := w.north[amparov1.Role_ROLE_HOTLINE_OPERATOR], w.north[amparov1.Role_ROLE_CASE_OFFICER]
	w.newCase(t, giver, nil)
	if _, err := handovers(giver).BeginHandover(t.Context(), offering(giver, taker, w.prepared(t, giver)...)); err != nil {
		t.Fatal(err)
	}
	told := func() int {
		before := w.size(t)
		if err := w.Records.TellOfWork(t.Context()); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, leaf := range w.since(t, before) {
			if leaf.GetAction() == amparov1.LeafAction_LEAF_ACTION_HANDOVER_REMINDED {
				n++
			}
		}
		return n
	}
	for _, row := range []struct {
		after time.Duration
		want  int
	}{{0, 0}, {59 * time.Minute, 0}, {2 * time.Minute, 1}, {time.Minute, 0}} {
		clock.Advance(row.after)
		if got := told(); got != row.want {
			t.Errorf("%v later: told %d times, want %d", row.after, got, row.want)
		}
	}
	w.Restart(t)
	if got := told(); got != 0 {
		t.Errorf("told again after a restart")
	}
}

func (b *bench) forceHandover(t *testing.T, take func(string, error)) {
	stale := offering(b.officer, b.waiting, &amparov1.HandoverEntry{AlarmId: records.NewID(), Note: canary})
	other := b.Enrol(t, "other", []amparov1.Role{amparov1.Role_ROLE_CASE_OFFICER}, []string{"north"})
	_, err := handovers(b.officer).BeginHandover(t.Context(), offering(b.officer, other, stale.Entries...))
	take("HANDOVER_CHANGED", err)
	stale.Signature[0]++
	_, err = handovers(b.officer).BeginHandover(t.Context(), stale)
	take("SIGNATURE_WRONG", err)
}
