// Package prooftest writes audit logs with the ledgers of cases in them, honest ones
// and forged ones, for the tests of those who must tell them apart.
//
// Begin a Log with New, open cases in it with Log.Case, and let things happen to
// them; each of them is a leaf of the log an hour after the one before. A Signer signs
// what came of it, as a service would or as somebody who has its key could, and
// exports it. Nothing in the package knows what a ledger allows: what a test writes
// into it stands there.
package prooftest

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// The people of a log.
const (
	Officer  = "officer"
	Reviewer = "reviewer"
	Head     = "head"
)

// Log is the leaves of a log that is being written.
type Log struct {
	// Leaves are what was written so far; a test may change them.
	Leaves []*amparov1.AuditLeaf
	// Now is when the next thing happens.
	Now time.Time

	versions map[string]uint64
}

// New begins a log at an instant.
func New(at time.Time) *Log { return &Log{Now: at, versions: make(map[string]uint64)} }

// Wait lets time pass.
func (l *Log) Wait(d time.Duration) { l.Now = l.Now.Add(d) }

// Read is a leaf that holds nothing of a ledger, as most do.
func (l *Log) Read(pseudonym string) {
	l.write(&amparov1.AuditLeaf{
		Action: amparov1.LeafAction_LEAF_ACTION_CASE_READ, StaffId: Officer, Shown: []string{pseudonym},
	})
}

// write adds a leaf. What is random in a real one follows from its place here, so
// that a log is the same each time.
func (l *Log) write(leaf *amparov1.AuditLeaf) *amparov1.AuditLeaf {
	salt := hashOf("salt", uint64(len(l.Leaves)))
	leaf.Salt, leaf.RecordedAt, leaf.Outcome = salt[:16], timestamppb.New(l.Now), amparov1.LeafOutcome_LEAF_OUTCOME_DONE
	if leaf.GetStaffId() != "" {
		leaf.DeviceId = "device of " + leaf.GetStaffId()
	}
	l.Leaves = append(l.Leaves, leaf)
	l.Wait(time.Hour)
	return leaf
}

// change is the next version of a case.
func (l *Log) change(pseudonym string) *amparov1.FileChange {
	l.versions[pseudonym]++
	version := l.versions[pseudonym]
	change := &amparov1.FileChange{Pseudonym: pseudonym, Version: version, HeadHash: hashOf(pseudonym, version)}
	if version > 1 {
		change.PreviousHeadHash = hashOf(pseudonym, version-1)
	}
	return change
}

func hashOf(what string, n uint64) []byte {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(what), n))
	return sum[:]
}

// Case is a case whose ledger is being written.
type Case struct {
	Pseudonym string
	// By is who acts next; empty stands for Officer.
	By string

	log  *Log
	next uint32
}

// Case opens a case.
func (l *Log) Case(pseudonym string) *Case {
	l.write(&amparov1.AuditLeaf{
		Action: amparov1.LeafAction_LEAF_ACTION_INTAKE, StaffId: Officer, Changes: []*amparov1.FileChange{l.change(pseudonym)},
	})
	return &Case{Pseudonym: pseudonym, log: l, next: 1}
}

// Log is the log in which the case is.
func (c *Case) Log() *Log { return c.log }

// Next is the number that the next entry will have.
func (c *Case) Next() uint32 { return c.next }

// Together writes entries of one act, and returns the number of the first and its
// leaf. Their numbers are given, unless they have some.
func (c *Case) Together(action amparov1.LeafAction, facts ...*amparov1.LedgerFact) (uint32, *amparov1.AuditLeaf) {
	first := c.next
	for _, fact := range facts {
		if fact.GetPseudonym() == "" {
			fact.Pseudonym = c.Pseudonym
		}
		if fact.GetNumber() == 0 {
			fact.Number = c.next
			c.next++
		}
	}
	by := c.By
	if by == "" {
		by = Officer
	}
	c.By = ""
	return first, c.log.write(&amparov1.AuditLeaf{
		Action: action, StaffId: by, Changes: []*amparov1.FileChange{c.log.change(c.Pseudonym)}, Facts: facts,
	})
}

// At is a time for a fact: so long after now, or before.
func (c *Case) At(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(c.log.Now.Add(d)) }

// Day is a day of time.
const Day = 24 * time.Hour

// NewConsent is a yes of the person of the case, to have partner 1 help with contact
// and situation for ninety days, said now and signed.
func (c *Case) NewConsent(edits ...func(*amparov1.ConsentFact)) *amparov1.LedgerFact {
	return &amparov1.LedgerFact{Fact: &amparov1.LedgerFact_Consent{Consent: edited(&amparov1.ConsentFact{
		Answer:   amparov1.ConsentAnswer_CONSENT_ANSWER_GIVEN,
		Purposes: []amparov1.Purpose{amparov1.Purpose_PURPOSE_REFERRAL_TO_PARTNER}, Recipients: []uint32{1},
		Categories: []amparov1.DataCategory{amparov1.DataCategory_DATA_CATEGORY_CONTACT, amparov1.DataCategory_DATA_CATEGORY_SITUATION},
		ObtainedAt: c.At(0), ValidFrom: c.At(0), ExpiresAt: c.At(90 * Day),
		Giver: amparov1.GiverKind_GIVER_KIND_SELF, Method: amparov1.ConsentMethod_CONSENT_METHOD_WRITTEN,
	}, edits)}}
}

// Consent writes NewConsent.
func (c *Case) Consent(edits ...func(*amparov1.ConsentFact)) uint32 {
	n, _ := c.Together(amparov1.LeafAction_LEAF_ACTION_CONSENT_RECORD, c.NewConsent(edits...))
	return n
}

// Withdraw takes everything back that the person of the case has allowed, now.
func (c *Case) Withdraw(edits ...func(*amparov1.WithdrawalFact)) uint32 {
	fact := edited(&amparov1.WithdrawalFact{SaidAt: c.At(0)}, edits)
	n, _ := c.Together(amparov1.LeafAction_LEAF_ACTION_CONSENT_WITHDRAW, &amparov1.LedgerFact{Fact: &amparov1.LedgerFact_Withdrawal{Withdrawal: fact}})
	return n
}

// NewCheck is a full check of what Consent allows, good for a week, to which nobody
// else must agree.
func (c *Case) NewCheck(edits ...func(*amparov1.CheckFact)) *amparov1.LedgerFact {
	return &amparov1.LedgerFact{Fact: &amparov1.LedgerFact_Check{Check: edited(&amparov1.CheckFact{
		Purpose: amparov1.Purpose_PURPOSE_REFERRAL_TO_PARTNER, Recipient: 1,
		Categories: []amparov1.DataCategory{amparov1.DataCategory_DATA_CATEGORY_CONTACT, amparov1.DataCategory_DATA_CATEGORY_SITUATION},
		Result:     amparov1.HarmResult_HARM_RESULT_PROCEED, ValidUntil: c.At(7 * Day),
	}, edits)}}
}

// Check writes NewCheck.
func (c *Case) Check(edits ...func(*amparov1.CheckFact)) uint32 {
	n, _ := c.Together(amparov1.LeafAction_LEAF_ACTION_HARM_CHECK, c.NewCheck(edits...))
	return n
}

// Basis is an order of a court to give recipient 1 the situation, good for a week, to
// which one other person must agree.
func (c *Case) Basis(edits ...func(*amparov1.BasisFact)) uint32 {
	fact := edited(&amparov1.BasisFact{
		Basis: amparov1.ListedBasis_LISTED_BASIS_COURT_ORDER, Purpose: amparov1.Purpose_PURPOSE_REFERRAL_TO_PARTNER, Recipient: 1,
		Categories:      []amparov1.DataCategory{amparov1.DataCategory_DATA_CATEGORY_SITUATION},
		ApprovalsNeeded: 1, ValidUntil: c.At(7 * Day),
	}, edits)
	n, _ := c.Together(amparov1.LeafAction_LEAF_ACTION_BASIS_STATE, &amparov1.LedgerFact{Fact: &amparov1.LedgerFact_Basis{Basis: fact}})
	return n
}

// Approve is somebody's word on an entry.
func (c *Case) Approve(of uint32, by string) uint32 {
	c.By = by
	n, _ := c.Together(amparov1.LeafAction_LEAF_ACTION_DISCLOSURE_APPROVE, &amparov1.LedgerFact{
		Fact: &amparov1.LedgerFact_Approval{Approval: &amparov1.ApprovalFact{Of: of}},
	})
	return n
}

// Event is what befalls the case.
func (c *Case) Event(kind amparov1.LedgerEventKind, operative ...uint32) uint32 {
	n, _ := c.Together(amparov1.LeafAction_LEAF_ACTION_STATUS_RECORD, &amparov1.LedgerFact{
		Fact: &amparov1.LedgerFact_Event{Event: &amparov1.EventFact{Kind: kind, Operative: operative}},
	})
	return n
}

// NewDisclosure is contact and situation to partner 1, now, on consent 1 and check 2.
func (c *Case) NewDisclosure(edits ...func(*amparov1.DisclosureFact)) *amparov1.LedgerFact {
	return &amparov1.LedgerFact{Fact: &amparov1.LedgerFact_Disclosure{Disclosure: edited(&amparov1.DisclosureFact{
		Purpose: amparov1.Purpose_PURPOSE_REFERRAL_TO_PARTNER, Recipient: 1,
		Categories: []amparov1.DataCategory{amparov1.DataCategory_DATA_CATEGORY_CONTACT, amparov1.DataCategory_DATA_CATEGORY_SITUATION},
		HappenedAt: c.At(0), Track: amparov1.DisclosureTrack_DISCLOSURE_TRACK_ORDINARY, Consents: []uint32{1}, Check: 2,
	}, edits)}}
}

// Disclose writes NewDisclosure.
func (c *Case) Disclose(edits ...func(*amparov1.DisclosureFact)) uint32 {
	n, _ := c.Together(amparov1.LeafAction_LEAF_ACTION_DISCLOSE, c.NewDisclosure(edits...))
	return n
}

// DiscloseAtOnce writes a short check and what leaves on it in one act, and returns
// the number of what left.
func (c *Case) DiscloseAtOnce(edits ...func(*amparov1.DisclosureFact)) uint32 {
	check := c.NewCheck(func(k *amparov1.CheckFact) { k.ShortForm, k.ApprovalsNeeded = true, 1 })
	disclosure := c.NewDisclosure(append([]func(*amparov1.DisclosureFact){func(d *amparov1.DisclosureFact) {
		d.Check, d.Track, d.SecondDueAt = c.next, amparov1.DisclosureTrack_DISCLOSURE_TRACK_URGENT, c.At(Day)
	}}, edits...)...)
	n, _ := c.Together(amparov1.LeafAction_LEAF_ACTION_DISCLOSE, check, disclosure)
	return n + 1
}

// Vital makes of a disclosure one for vital interests, without consent, whose act
// holds for a week.
func (c *Case) Vital(d *amparov1.DisclosureFact) {
	d.Track, d.Consents, d.ActExpiresAt = amparov1.DisclosureTrack_DISCLOSURE_TRACK_VITAL_INTERESTS, nil, c.At(7*Day)
}

func edited[T any](fact *T, edits []func(*T)) *T {
	for _, edit := range edits {
		edit(fact)
	}
	return fact
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// Pseudonym is the pseudonym of the n-th case of a test.
func Pseudonym(n int) string { return fmt.Sprintf("pseudonym-%d", n) }
