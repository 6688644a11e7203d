package server_test

import (
	"bytes"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/servertest"
	read "github.com/amparo-project/amparo/internal/texts"
)

// TestWhatALedgerWrites sends what a request can carry of the ledger's own, and finds the
// ledger's own values kept: hashes of texts, numbers of people, and times.
func TestWhatALedgerWrites(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	officer := w.north[amparov1.Role_ROLE_CASE_OFFICER]
	d, id := deskOf(officer), w.newCase(t, officer, func(c *amparov1.Case) { c.RiskLevel = amparov1.RiskLevel_RISK_LEVEL_LOW })
	before := w.size(t)
	forged, tomorrow := bytes.Repeat([]byte("qx7canar"), 4), timestamppb.New(time.Now().Add(4*time.Minute))
	for _, terms := range []*amparov1.ConsentTerms{no(), yes()} {
		terms.Told = &amparov1.Telling{Statement: &amparov1.StatementReference{Id: "consent-release", Language: "es", Hash: forged}}
		terms.ObtainedAt = tomorrow // within what clocks may differ by
		terms.Recipients[0].Number = 0
		must[*amparov1.RecordConsentResponse](t)(d.record(t, id, terms))
	}
	renumbered := yes()
	renumbered.Recipients[0].Number, renumbered.Recipients[0].Name = 1, "another"
	if _, err := d.record(t, id, renumbered); reason(err) != "RECIPIENT_UNKNOWN" {
		t.Errorf("the number of one beside the name of another: %v", err)
	}
	must[*amparov1.WithdrawConsentResponse](t)(d.withdraw(t, id, &amparov1.WithdrawalDraft{Everything: true, SaidAt: tomorrow}))
	must[*amparov1.RecordConsentResponse](t)(d.record(t, id, yes()))
	must[*amparov1.CheckHarmResponse](t)(d.check(t, id, harmless()))
	left := leaving()
	left.HappenedAt, left.Basis, left.Vital = tomorrow, 77, &amparov1.VitalInterests{Under: 3, ExpiresAt: tomorrow}
	must[*amparov1.DiscloseResponse](t)(d.disclose(t, id, left))
	must[*amparov1.ReportBreachResponse](t)(d.report(t, id, &amparov1.BreachDraft{Text: canary, AwareAt: tomorrow, HappenedAt: tomorrow, Disclosure: 2}))

	entries := must[[]*amparov1.LedgerEntry](t)(d.list(t, id))
	text, _ := read.Find("consent-release", 0, "es")
	for _, entry := range entries {
		if entry.GetRecordedById() != officer.StaffID || entry.GetRecordedAt().AsTime().After(time.Now()) {
			t.Errorf("entry %d is not recorded by the caller now", entry.GetNumber())
		}
		for what, at := range map[string]*timestamppb.Timestamp{
			"consent": entry.GetConsent().GetTerms().GetObtainedAt(), "withdrawal": entry.GetWithdrawal().GetDraft().GetSaidAt(),
			"disclosure": entry.GetDisclosure().GetDraft().GetHappenedAt(), "breach": entry.GetBreach().GetDraft().GetAwareAt(),
			"what got out": entry.GetBreach().GetDraft().GetHappenedAt(),
		} {
			if at.AsTime().After(time.Now()) {
				t.Errorf("entry %d: the time of the %s lies ahead", entry.GetNumber(), what)
			}
		}
		if terms := entry.GetConsent().GetTerms(); terms != nil {
			if hash := terms.GetTold().GetStatement().GetHash(); !bytes.Equal(hash, text.Hash[:]) || terms.GetRecipients()[0].GetNumber() != 1 {
				t.Errorf("entry %d: the hash of another text, or recipient %d", entry.GetNumber(), terms.GetRecipients()[0].GetNumber())
			}
		}
		if entry.GetDisclosure().GetBasis() != 0 || entry.GetBreach().GetDraft().GetDisclosure() != 0 {
			t.Errorf("entry %d rests on what it does not rest on", entry.GetNumber())
		}
	}
	for _, leaf := range w.since(t, before) {
		for _, fact := range leaf.GetFacts() {
			if c := fact.GetConsent(); c != nil && !bytes.Equal(c.GetStatementHash(), text.Hash[:]) {
				t.Error("the log holds what somebody sent for the hash of a text")
			}
			if f := fact.GetDisclosure(); f.GetUnder() != 0 || f.GetActExpiresAt() != nil || f.GetBasis() != 0 {
				t.Error("the log holds what a disclosure does not rest on")
			}
		}
	}
	if len(entries) != 7 {
		t.Errorf("%d entries, want 7", len(entries))
	}
}
