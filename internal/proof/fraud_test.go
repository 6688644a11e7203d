package proof_test

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/proof"
	"github.com/amparo-project/amparo/internal/proof/prooftest"
)

// forger has an honest log, in which something left on a consent and a check, and
// what somebody makes of it.
type forger struct {
	t      *testing.T
	log    *prooftest.Log
	c      story
	signer *prooftest.Signer
	older  string // a checkpoint that the auditor saw, of the first five leaves
	newest string // one of the whole log

	lines   []string // of the file
	options audit.VerifyOptions
}

func newForger(t *testing.T) *forger {
	f := &forger{t: t, log: prooftest.New(monday), signer: prooftest.NewSigner(t)}
	f.c = f.log.Case("pseudonym-1")
	f.c.Consent()
	f.c.Check()
	f.log.Read("pseudonym-1")
	f.c.Disclose()
	f.log.Read("pseudonym-1")
	f.older, f.newest = f.signer.Note(t, f.log.Leaves[:5]), f.signer.Note(t, f.log.Leaves)
	f.write(f.signer)
	f.options.LogKey = f.signer.Key
	return f
}

// write exports the log as it stands, signed by somebody.
func (f *forger) write(by *prooftest.Signer) {
	f.lines = strings.SplitAfter(string(by.Export(f.t, f.log.Leaves)), "\n")
}

// signAnew lets whoever has the log's key rebuild the tree over what they like.
func (f *forger) signAnew(edit func()) { edit(); f.write(f.signer) }

// leaf is the place of a leaf's line in the file.
func (f *forger) leaf(i int) int { return slices.Index(f.lines, "leaves 6\n") + 1 + i }

// proofOf is the place of the n-th proof.
func (f *forger) proofOf(n int) int { return slices.Index(f.lines, "proofs 3\n") + 1 + n }

// edit changes a leaf where it stands in the file, and nothing else.
func (f *forger) edit(i int, change func(*amparov1.AuditLeaf)) {
	leaf := proto.CloneOf(f.log.Leaves[i])
	change(leaf)
	raw := prooftest.Marshal(f.t, []*amparov1.AuditLeaf{leaf})[0]
	f.lines[f.leaf(i)] = base64.RawStdEncoding.EncodeToString(raw) + "\n"
}

// drop takes a leaf out of the log, and mends the versions of the case behind it.
func (f *forger) drop(i int) {
	gone := f.log.Leaves[i].GetChanges()[0]
	f.log.Leaves = slices.Delete(f.log.Leaves, i, i+1)
	before := gone.GetPreviousHeadHash()
	for _, leaf := range f.log.Leaves[i:] {
		for _, change := range leaf.GetChanges() {
			change.Version--
			change.PreviousHeadHash, before = before, change.GetHeadHash()
		}
	}
}

// caught is what an auditor is told: why the file does not verify, or the codes of
// what is wrong with what left and of what was found.
func (f *forger) caught() string {
	p := proof.New()
	f.options.Leaf = func(index uint64, leaf *amparov1.AuditLeaf) error { p.Leaf(index, leaf); return nil }
	if _, err := audit.VerifyExport(bytes.NewReader([]byte(strings.Join(f.lines, ""))), f.options); err != nil {
		return err.Error()
	}
	r := p.Finish()
	var codes []string
	for _, l := range r.Ledgers {
		for _, d := range l.Disclosures {
			for _, reason := range d.Reasons {
				codes = append(codes, reason.Code)
			}
		}
	}
	for _, finding := range r.Findings {
		codes = append(codes, finding.Code)
	}
	for _, class := range []proof.Class{"URGENT_LATE", "VITAL_LATE"} {
		if r.Classes[class] > 0 {
			codes = append(codes, string(class))
		}
	}
	slices.Sort(codes)
	return strings.Join(slices.Compact(codes), " ")
}

// Who could do it.
const (
	holder  = "whoever holds the file"
	insider = "whoever runs the service, with the log's key"
	staff   = "staff whom the service's rules let through"
)

// fraud is one thing that somebody could do, and what catches it.
type fraud struct {
	what, by string
	do       func(f *forger)
	caught   string // by what: the words of the verification, or the codes of the report
}

var filed = []fraud{
	{"nothing", "nobody", func(*forger) {}, ""},
	{"a leaf dropped from the file", holder, func(f *forger) { f.lines = slices.Delete(f.lines, f.leaf(3), f.leaf(4)) }, "base64"},
	{"a leaf dropped, and one less promised", holder, func(f *forger) {
		at := f.leaf(3)
		f.lines[f.leaf(0)-1] = "leaves 5\n"
		f.lines = slices.Delete(f.lines, at, at+1)
	}, `line 8 of the export is not "leaves 6"`},
	{"a leaf of a ledger dropped", holder, func(f *forger) { f.lines[f.leaf(1)] = f.lines[f.leaf(3)] }, "a file's version 3 follows its version 1"},
	{"two leaves reordered", holder, func(f *forger) {
		f.lines[f.leaf(2)], f.lines[f.leaf(3)] = f.lines[f.leaf(3)], f.lines[f.leaf(2)]
	}, "the leaves are not those that the checkpoint covers"},
	{"a leaf that stands there twice", holder, func(f *forger) { f.lines[f.leaf(5)] = f.lines[f.leaf(3)] }, "the leaves are not those that the checkpoint covers"},
	{"a fact edited: the consent lasts longer", holder, func(f *forger) {
		f.edit(1, func(l *amparov1.AuditLeaf) { l.Facts[0].GetConsent().ExpiresAt.Seconds += 86400 })
	}, "the leaves are not those that the checkpoint covers"},
	{"a checkpoint forged: fewer leaves", holder, func(f *forger) { f.lines[3] = "5\n" }, "checkpoint without a good signature"},
	{"a checkpoint forged: the root of other leaves", holder, func(f *forger) {
		f.lines[4] = strings.SplitAfter(f.older, "\n")[2]
	}, "checkpoint without a good signature"},
	{"a checkpoint of before, on the leaves of now", holder, func(f *forger) {
		copy(f.lines[2:7], strings.SplitAfter(f.older, "\n"))
	}, `is not "leaves 5"`},
	{"a proof of another leaf", holder, func(f *forger) {
		a, b := f.proofOf(0), f.proofOf(1)
		f.lines[a] = f.lines[a][:1] + f.lines[b][1:]
	}, "proof that does not show that the checkpoint covers leaf 1"},
	{"two proofs swapped", holder, func(f *forger) {
		a, b := f.proofOf(0), f.proofOf(1)
		f.lines[a], f.lines[b] = f.lines[b], f.lines[a]
	}, "not a proof of leaf 1"},
	{"counts that hide a disclosure", holder, func(f *forger) {
		f.lines[slices.Index(f.lines, "disclosures 1\n")] = "disclosures 0\n"
	}, `is not "disclosures 1"`},
	{"bytes put after the end", holder, func(f *forger) { f.lines = append(f.lines, "leaf\n") }, "export goes on after its end"},
}

var resigned = []fraud{
	{"a leaf of a ledger dropped, and the tree signed anew", insider, func(f *forger) {
		f.signAnew(func() { f.log.Leaves = slices.Delete(f.log.Leaves, 2, 3) })
	}, "a file's version 4 follows its version 2"},
	{"and the versions of the case mended", insider, func(f *forger) { f.signAnew(func() { f.drop(2) }) }, "CHECK_MISSING ENTRY_UNKNOWN NUMBER_GAP"},
	{"and the numbers of its entries mended", insider, func(f *forger) {
		f.signAnew(func() { f.drop(2); f.log.Leaves[3].Facts[0].Number = 2 })
	}, "CHECK_MISSING ENTRY_UNKNOWN"},
	{"the disclosure itself dropped, and all mended: an older checkpoint knows", insider, func(f *forger) {
		f.options.OlderCheckpoint = f.older
		f.signAnew(func() { f.drop(4) })
	}, "the first 5 leaves are not those of the older checkpoint"},
	{"a fact edited, and signed anew: an older checkpoint knows", insider, func(f *forger) {
		f.options.OlderCheckpoint = f.older
		f.signAnew(func() { f.log.Leaves[1].Facts[0].GetConsent().ExpiresAt.Seconds += 86400 })
	}, "the first 5 leaves are not those of the older checkpoint"},
	{"a log that went another way from some leaf on", insider, func(f *forger) {
		f.options.OlderCheckpoint = f.older
		f.signAnew(func() { f.log.Leaves[3].StaffId = head })
	}, "the first 5 leaves are not those of the older checkpoint"},
	{"a log cut at its end: a newer checkpoint knows", insider, func(f *forger) {
		f.options.OlderCheckpoint = f.newest
		f.signAnew(func() { f.log.Leaves = f.log.Leaves[:4] })
	}, "log shrunk: from 6 to 4 leaves"},
	{"two leaves reordered, and signed anew", insider, func(f *forger) {
		f.options.OlderCheckpoint = f.older
		f.signAnew(func() { f.log.Leaves[2], f.log.Leaves[3] = f.log.Leaves[3], f.log.Leaves[2] })
	}, "the first 5 leaves are not those of the older checkpoint"},
	{"a leaf recorded twice, and signed anew", insider, func(f *forger) {
		f.signAnew(func() { f.log.Leaves = slices.Insert(f.log.Leaves, 3, f.log.Leaves[2]) })
	}, "a file's version 3 follows its version 3"},
	{"another signer under the same name: the key knows", "another service", func(f *forger) {
		f.write(f.signer.Imposter(f.t))
	}, "export of a log with another key"},
	{"another signer, with a checkpoint of the log beside it", "another service", func(f *forger) {
		f.options.LogKey, f.options.OlderCheckpoint = "", f.newest
		f.write(f.signer.Imposter(f.t))
	}, "older checkpoint: audit: invalid: checkpoint without a good signature"},
	{"a consent typed after what left, and dated back", insider, func(f *forger) {
		f.signAnew(func() {
			back := func(c consent) { c.ObtainedAt, c.ValidFrom = f.c.At(-2*day), f.c.At(-2*day) }
			f.c.Consent(back)
			f.c.Disclose(func(d disclosure) { d.Consents, d.HappenedAt = []uint32{4}, f.c.At(-3*time.Hour) })
		})
	}, "CONSENT_RECORDED_LATER"},
	{"an act that was refused, and recorded its fact", insider, func(f *forger) {
		f.signAnew(func() {
			leaf := note(f.c, f.c.NewConsent())
			leaf.Outcome, leaf.Reason, leaf.Changes = amparov1.LeafOutcome_LEAF_OUTCOME_REFUSED, 1, nil
		})
	}, "IN_REFUSAL WITHOUT_CHANGE"},
	{"a fact of a case that the act did not touch", insider, func(f *forger) {
		f.signAnew(func() { note(f.c, f.c.NewConsent()).Facts[0].Pseudonym = "pseudonym-2" })
	}, "NUMBER_GAP WITHOUT_CHANGE"},
}

// TestFrauds plants every fraud and asks what catches it.
func TestFrauds(t *testing.T) {
	for _, row := range slices.Concat(filed, resigned, passed, beyond, afterwards) {
		f := newForger(t)
		row.do(f)
		if row.by == staff {
			f.write(f.signer)
		}
		got := f.caught()
		inWords := strings.ToUpper(row.caught) != row.caught && strings.Contains(got, row.caught)
		if got != row.caught && !inWords {
			t.Errorf("%s, by %s: %q, want %q", row.what, row.by, got, row.caught)
		}
	}
	if n := len(filed) + len(resigned) + len(passed) + len(beyond) + len(afterwards); n < 70 {
		t.Errorf("%d frauds", n)
	}
}
