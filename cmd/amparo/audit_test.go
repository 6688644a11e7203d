package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/client"
	"github.com/amparo-project/amparo/internal/proof"
	"github.com/amparo-project/amparo/internal/proof/prooftest"
)

var logBegin = time.Date(2031, 3, 3, 9, 0, 0, 0, time.UTC)

// soundLog is a log in which everything that left was allowed to.
func soundLog() *prooftest.Log {
	log := prooftest.New(logBegin)
	a, b := log.Case("keur7ih42yyyvf5ha4paug6zba"), log.Case("p4x7mzq2vhd6wkfyc3ntbgjs5a")
	a.Consent()
	b.Consent(func(f *amparov1.ConsentFact) {
		f.Method, f.Late, f.FormShort = amparov1.ConsentMethod_CONSENT_METHOD_ORAL, true, true
		f.Withheld = []*amparov1.WithheldFact{{Category: amparov1.DataCategory_DATA_CATEGORY_HEALTH}, {Category: amparov1.DataCategory_DATA_CATEGORY_CONTACT, Recipient: 4}}
	})
	a.Approve(a.Check(func(k *amparov1.CheckFact) { k.ApprovalsNeeded = 1 }), prooftest.Reviewer)
	log.Read(a.Pseudonym)
	left := a.Disclose()
	on := func(d *amparov1.DisclosureFact) { d.Consents = []uint32{1} }
	b.Approve(b.DiscloseAtOnce(on), prooftest.Head)
	b.DiscloseAtOnce(b.Vital)
	withdrawal := a.Withdraw(func(w *amparov1.WithdrawalFact) { w.Recipients, w.SaidAt = []uint32{1}, a.At(-2*prooftest.Day) })
	a.Together(amparov1.LeafAction_LEAF_ACTION_WITHDRAWAL_SETTLE,
		&amparov1.LedgerFact{Fact: &amparov1.LedgerFact_Settlement{Settlement: &amparov1.SettlementFact{Withdrawal: withdrawal, Stands: true}}},
		&amparov1.LedgerFact{Fact: &amparov1.LedgerFact_ReturnRequest{ReturnRequest: &amparov1.ReturnRequestFact{Disclosure: left, Recipient: 1, AnswerDueAt: a.At(14 * prooftest.Day)}}})
	a.Together(amparov1.LeafAction_LEAF_ACTION_BREACH_REPORT, &amparov1.LedgerFact{Fact: &amparov1.LedgerFact_Breach{Breach: &amparov1.BreachFact{
		Recipient: 2, Categories: []amparov1.DataCategory{amparov1.DataCategory_DATA_CATEGORY_CONTACT}, HappenedAt: a.At(-3 * prooftest.Day), AwareAt: a.At(-time.Hour),
	}}})
	profile := []amparov1.DataCategory{amparov1.DataCategory_DATA_CATEGORY_PROFILE}
	a.Approve(a.Basis(func(f *amparov1.BasisFact) {
		f.Basis, f.Of, f.Categories = amparov1.ListedBasis_LISTED_BASIS_BREACH_NOTICE, a.Next()-1, profile
	}), prooftest.Head)
	a.Disclose(func(d *amparov1.DisclosureFact) {
		d.Track, d.Consents, d.Check, d.Basis, d.Categories = amparov1.DisclosureTrack_DISCLOSURE_TRACK_LISTED, nil, 0, a.Next()-2, profile
	})
	log.Wait(15 * prooftest.Day)
	log.Read(b.Pseudonym)
	return log
}

// unsoundLog goes on from there with what nothing allowed.
func unsoundLog() *prooftest.Log {
	log := soundLog()
	c := log.Case("lq3c5vd2gkzxwhm7ynbt4jsofa")
	c.Consent(func(f *amparov1.ConsentFact) { f.ExpiresAt = c.At(time.Hour) })
	c.Approve(c.Check(func(k *amparov1.CheckFact) { k.Recipient = 2 }), prooftest.Officer)
	c.Disclose(func(d *amparov1.DisclosureFact) { d.Parties = []uint32{3} })
	c.Withdraw()
	c.DiscloseAtOnce(c.Vital)
	return log
}

func judgedOf(t *testing.T, log *prooftest.Log, options audit.VerifyOptions) judged {
	t.Helper()
	signer := prooftest.NewSigner(t)
	options.OlderCheckpoint = signer.Note(t, log.Leaves[:7])
	file := signer.Export(t, log.Leaves)
	j, err := judge(func(options audit.VerifyOptions) (audit.Report, error) {
		return audit.VerifyExport(bytes.NewReader(file), options)
	}, options)
	if err != nil {
		t.Fatal(err)
	}
	j.log.LogKey = "log/0+0+0" // the one thing that no two runs have alike
	return j
}

// The pages of an auditor, byte by byte.
func TestAuditPages(t *testing.T) {
	sound, unsound := judgedOf(t, soundLog(), audit.VerifyOptions{}), judgedOf(t, unsoundLog(), audit.VerifyOptions{})
	unsound.log.KeyFromFile = false
	for name, j := range map[string]judged{"audit-sound": sound, "audit-unsound": unsound} {
		wantGolden(t, name, func(p *page) { p.judged(j) })
	}
	wantGolden(t, "audit-consents", func(p *page) { p.ledgers(unsound) })
	wantGolden(t, "audit-log", func(p *page) {
		var leaves []*amparov1.LoggedLeaf
		for i, leaf := range unsoundLog().Leaves {
			leaves = append(leaves, &amparov1.LoggedLeaf{Index: uint64(i), Leaf: leaf})
		}
		slices.Reverse(leaves)
		p.leaves(leaves[:4])
	})
}

// Nothing that a log holds moves the cursor of whoever reads it.
func TestAuditPagesAreText(t *testing.T) {
	hostile := "x\x1b]0;title\x07\x1b[2J\u202e\u009b5m\n"
	log := prooftest.New(logBegin)
	c := log.Case(hostile)
	c.By = hostile
	c.Consent(func(f *amparov1.ConsentFact) { f.Late = true })
	c.By = hostile
	c.DiscloseAtOnce()
	for _, leaf := range log.Leaves {
		leaf.Changes = nil
	}
	j := judgedUnsigned(log)
	for name, draw := range map[string]func(*page){
		"report": func(p *page) { p.judged(j) }, "ledgers": func(p *page) { p.ledgers(j) },
		"log": func(p *page) { p.leaves([]*amparov1.LoggedLeaf{{Leaf: log.Leaves[1]}}) },
	} {
		p := &page{now: testNow, zone: time.UTC}
		draw(p)
		if bytes.ContainsAny(p.bytes(), "\x1b\x07\u202e\u009b") || !bytes.Contains(p.bytes(), []byte("x]0;title")) {
			t.Errorf("%s: %q", name, p.bytes())
		}
	}
}

// judgedUnsigned judges leaves that no log has signed.
func judgedUnsigned(log *prooftest.Log) judged {
	p := proof.New()
	for i, leaf := range log.Leaves {
		p.Leaf(uint64(i), leaf)
	}
	return judged{proof: p.Finish()}
}

// What programs read is one document each, and says what the text says.
func TestAuditJSON(t *testing.T) {
	j := judgedOf(t, unsoundLog(), audit.VerifyOptions{})
	for name, show := range map[string]func(*app) error{
		"report": func(a *app) error { return a.showJudged(j) }, "ledgers": func(a *app) error { return a.showLedgers(j, "") },
	} {
		var out bytes.Buffer
		a := &app{terminal: &terminal{out: &out}, output: "json", now: time.Now, zone: time.UTC}
		if err := show(a); name == "report" && err != nil || name == "ledgers" && client.Explain(err).Reason != "DISCLOSURE_UNCOVERED" {
			t.Errorf("%s: %v", name, err)
		}
		var document map[string]any
		decoder := json.NewDecoder(&out)
		if err := decoder.Decode(&document); err != nil || decoder.More() || document["sound"] != false || document["keyFromFile"] != true {
			t.Errorf("%s: %v, more: %v", name, err, decoder.More())
		}
	}
	report := j.json()
	if *report.Extends != 7 || report.Classes["CONSENT"] != 1 || report.Bases["LISTED_BASIS_BREACH_NOTICE"] != 1 || report.Counts["consents"] != 3 {
		t.Errorf("extends %d, classes %v, bases %v, counts %v", *report.Extends, report.Classes, report.Bases, report.Counts)
	}
	left := report.Uncovered[0]
	if len(report.Uncovered) != 1 || left.Pseudonym != "lq3c5vd2gkzxwhm7ynbt4jsofa" || left.Number != 4 || left.Reasons[0].Code == "" {
		t.Errorf("uncovered: %+v", report.Uncovered)
	}
	if e := report.Exceptions; len(e.Oral) != 1 || len(e.Late) != 1 || len(e.FormShort) != 1 || len(e.Unanswered) != 1 || len(e.Belated) != 1 || len(e.AgainstNo) != 1 || len(e.Acts) != 1 || e.Acts[0].Vital.Late != 1 {
		t.Errorf("exceptions: %+v", e)
	}
	if ledgers := j.ledgersJSON().Ledgers; ledgers[len(ledgers)-1].Disclosures[1].Against != 5 {
		t.Errorf("the ledger does not say against what it left: %+v", ledgers[len(ledgers)-1].Disclosures)
	}
	var fact amparov1.LedgerFact
	if err := client.Decode(report.Exceptions.Oral[0].Fact, &fact); err != nil || !fact.GetConsent().GetLate() {
		t.Errorf("an entry is no LedgerFact: %v", err)
	}
}

// cmdCrafted writes exports that a story verifies, of one log that grows: sound.amparo,
// cut.amparo (its last leaf gone), forged.amparo (another signer under the same origin)
// and unsound.amparo; log.key, and the notes older, newest and fork.
func cmdCrafted(ts *testscript.TestScript, _ bool, _ []string) {
	tb := scriptTB{ts: ts}
	signer := prooftest.NewSigner(tb)
	sound, unsound := soundLog().Leaves, unsoundLog().Leaves
	fork := slices.Clone(sound[:8])
	fork[3], fork[4] = fork[4], fork[3]
	for name, content := range map[string]string{
		"sound.amparo": string(signer.Export(tb, sound)), "cut.amparo": string(signer.Export(tb, sound[:len(sound)-1])),
		"forged.amparo": string(signer.Imposter(tb).Export(tb, sound)), "unsound.amparo": string(signer.Export(tb, unsound)),
		"log.key": signer.Key, "older.note": signer.Note(tb, sound[:8]), "newest.note": signer.Note(tb, sound), "fork.note": signer.Note(tb, fork),
	} {
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(content), 0o600))
	}
	changed := bytes.Clone([]byte(ts.ReadFile("sound.amparo")))
	changed[len(changed)/2] ^= 1
	ts.Check(os.WriteFile(filepath.Clean(ts.MkAbs("changed.amparo")), changed, 0o600))
	ts.Setenv("LOGKEY", strings.TrimSpace(signer.Key))
}

// scriptTB ends a story where a helper fails.
type scriptTB struct {
	testing.TB
	ts *testscript.TestScript
}

func (scriptTB) Helper() {}

func (s scriptTB) Fatal(args ...any) { s.ts.Fatalf("%v", args) }
