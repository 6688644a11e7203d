package audit_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/proof/prooftest"
)

// sequence is leaves as somebody else makes them.
func sequence(raws [][]byte, err error) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, raw := range raws {
			if !yield(raw, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// TestEveryProofOfAnyExport: whichever leaves hold entries, the file has a proof of
// each that leads to the root word for word as RFC 6962 says, and of no other.
func TestEveryProofOfAnyExport(t *testing.T) {
	signer := prooftest.NewSigner(t)
	rapid.Check(t, func(t *rapid.T) {
		log := prooftest.New(evening)
		c := log.Case("pseudonym-1")
		for range rapid.IntRange(0, 3).Draw(t, "runs") {
			for range rapid.IntRange(0, 300).Draw(t, "read") {
				log.Read("pseudonym-1")
			}
			for range rapid.IntRange(0, 3).Draw(t, "entries") {
				c.Consent()
			}
		}
		file := string(signer.Export(nop{}, log.Leaves))
		if report, err := verify([]byte(file), audit.VerifyOptions{}); err != nil || report.Ledger["facts"] != uint64(c.Next()-1) {
			t.Fatalf("%d entries: %v", report.Ledger["facts"], err)
		}
		if proven, err := plainly(file, signer.Key); err != nil || proven != int(c.Next()-1) {
			t.Fatalf("%d of %d proofs: %v", proven, c.Next()-1, err)
		}
	})
}

// nop is a testing.TB for helpers that do not fail here.
type nop struct{ testing.TB }

func (nop) Helper() {}

// TestOlderCheckpointAtAnySize: wherever the older checkpoint ends, the file is held
// against it there, and a fork is told from its continuation.
func TestOlderCheckpointAtAnySize(t *testing.T) {
	signer := prooftest.NewSigner(t)
	log := prooftest.New(evening)
	for range 600 {
		log.Read("pseudonym-1")
	}
	file := signer.Export(t, log.Leaves)
	fork := slices.Clone(log.Leaves)
	fork[0] = log.Leaves[1]
	for _, size := range []int{0, 1, 2, 255, 256, 257, 511, 512, 513, 599, 600} {
		report, err := verify(file, audit.VerifyOptions{OlderCheckpoint: signer.Note(t, log.Leaves[:size])})
		if err != nil || !report.Extends || report.Older != uint64(size) {
			t.Errorf("from %d: %v, extends %d", size, err, report.Older)
		}
		if size == 0 {
			continue
		}
		if _, err := verify(file, audit.VerifyOptions{OlderCheckpoint: signer.Note(t, fork[:size])}); !errors.Is(err, audit.ErrFork) {
			t.Errorf("from %d others: %v, want ErrFork", size, err)
		}
		if _, err := verify(signer.Export(t, log.Leaves[:size-1]), audit.VerifyOptions{OlderCheckpoint: signer.Note(t, log.Leaves[:size])}); !errors.Is(err, audit.ErrShrunk) {
			t.Errorf("without leaf %d: %v, want ErrShrunk", size-1, err)
		}
	}
	if report, err := verify(file, audit.VerifyOptions{}); err != nil || report.Extends {
		t.Errorf("against nothing: %v, extends %v", err, report.Extends)
	}
}

// TestEachLeafIsShown: whoever wants to judge the leaves sees each once, in order, and
// can end it.
func TestEachLeafIsShown(t *testing.T) {
	signer := prooftest.NewSigner(t)
	log := prooftest.New(evening)
	for i := range 600 {
		log.Read(prooftest.Pseudonym(i))
	}
	for _, at := range []int{599, 0, 255, 256, 300} {
		next, stop := 0, errors.New("stop")
		_, err := verify(signer.Export(t, log.Leaves), audit.VerifyOptions{Leaf: func(index uint64, leaf *amparov1.AuditLeaf) error {
			if index != uint64(next) || leaf.GetShown()[0] != prooftest.Pseudonym(next) {
				t.Errorf("leaf %d comes as leaf %d", index, next)
			}
			if next++; next == at+1 && at != 599 {
				return stop
			}
			return nil
		}})
		if at == 599 && err != nil || at != 599 && !errors.Is(err, stop) || next != at+1 {
			t.Errorf("%v after %d leaves", err, next)
		}
	}
}

// TestWhatIsNotWritten: an export that would not verify ends in an error.
func TestWhatIsNotWritten(t *testing.T) {
	config, l := grown(t, 300)
	raws := one(t, l)
	other := slices.Clone(raws)
	other[7] = other[8]
	broken := errors.New("broken off")
	write := func(w io.Writer, key, signed string, leaves iter.Seq2[[]byte, error]) error {
		return audit.WriteExport(w, key, signed, leaves)
	}
	record(t, config, evening, read())
	older := l.Checkpoint()
	catchUp(t, l)
	for name, c := range map[string]struct {
		err  error
		want error
	}{
		"whole":                     {write(io.Discard, l.PublicKey(), older, sequence(raws, nil)), nil},
		"too few leaves":            {write(io.Discard, l.PublicKey(), older, sequence(raws[:299], nil)), audit.ErrInvalid},
		"too many leaves":           {write(io.Discard, l.PublicKey(), older, sequence(append(raws[:300:300], raws[0]), nil)), audit.ErrInvalid},
		"another leaf":              {write(io.Discard, l.PublicKey(), older, sequence(other, nil)), audit.ErrInvalid},
		"a newer checkpoint":        {write(io.Discard, l.PublicKey(), l.Checkpoint(), sequence(raws, nil)), audit.ErrInvalid},
		"a checkpoint that is none": {write(io.Discard, l.PublicKey(), "x", sequence(raws, nil)), audit.ErrInvalid},
		"a key that is none":        {write(io.Discard, "x", older, sequence(raws, nil)), audit.ErrInvalid},
		"leaves without end":        {write(io.Discard, l.PublicKey(), older, endless(raws)), audit.ErrInvalid},
		"broken off":                {write(io.Discard, l.PublicKey(), older, sequence(raws[:200], broken)), broken},
		"a full disk":               {write(full{}, l.PublicKey(), older, sequence(raws, nil)), errFull},
	} {
		if !errors.Is(c.err, c.want) || (c.err == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", name, c.err, c.want)
		}
	}
}

// endless goes on for as long as anybody listens.
func endless(raws [][]byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for i := 0; yield(raws[i%len(raws)], nil); i++ {
		}
	}
}

var errFull = errors.New("no room")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// TestTheLineIsNamed: of a damaged file the reader is told where.
func TestTheLineIsNamed(t *testing.T) {
	signer := prooftest.NewSigner(t)
	log := prooftest.New(evening)
	c := log.Case("pseudonym-1")
	for i := range 1500 {
		log.Read("pseudonym-1")
		if i%300 == 0 {
			c.Consent()
		}
	}
	lines := strings.SplitAfter(string(signer.Export(t, log.Leaves)), "\n")
	for _, at := range []int{9, 300, 900, 1500, len(lines) - 3} {
		changed := slices.Clone(lines)
		changed[at-1] = "?" + changed[at-1][1:]
		_, err := verify([]byte(strings.Join(changed, "")), audit.VerifyOptions{})
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("line %d of the export", at)) {
			t.Errorf("line %d is damaged: %v", at, err)
		}
	}
}

// TestCounts: each entry is counted under its kind, and what left under its track.
func TestCounts(t *testing.T) {
	signer := prooftest.NewSigner(t)
	log := prooftest.New(evening)
	c := log.Case("pseudonym-1")
	log.Case("pseudonym-2").Consent()
	c.Consent()
	c.Approve(c.Check(), prooftest.Reviewer)
	left := c.Disclose()
	c.DiscloseAtOnce()
	c.DiscloseAtOnce(c.Vital)
	basis := c.Basis()
	c.Disclose(func(d *amparov1.DisclosureFact) {
		d.Track, d.Basis = amparov1.DisclosureTrack_DISCLOSURE_TRACK_LISTED, basis
	})
	c.Event(amparov1.LedgerEventKind_LEDGER_EVENT_KIND_STATUS)
	withdrawal := c.Withdraw()
	c.Together(amparov1.LeafAction_LEAF_ACTION_NOTE,
		&amparov1.LedgerFact{Fact: &amparov1.LedgerFact_Settlement{Settlement: &amparov1.SettlementFact{Withdrawal: withdrawal}}},
		&amparov1.LedgerFact{Fact: &amparov1.LedgerFact_ReturnRequest{ReturnRequest: &amparov1.ReturnRequestFact{Disclosure: left}}},
		&amparov1.LedgerFact{Fact: &amparov1.LedgerFact_ReturnAnswer{ReturnAnswer: &amparov1.ReturnAnswerFact{}}},
		&amparov1.LedgerFact{Fact: &amparov1.LedgerFact_Breach{Breach: &amparov1.BreachFact{}}},
		&amparov1.LedgerFact{Fact: &amparov1.LedgerFact_Informed{Informed: &amparov1.InformedFact{Of: left}}})
	report, err := verify(signer.Export(t, log.Leaves), audit.VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]uint64{
		"ledgers": 2, "facts": 18, "consents": 2, "withdrawals": 1, "settlements": 1, "checks": 3, "bases": 1, "approvals": 1,
		"disclosures": 4, "disclosures-ordinary": 1, "disclosures-urgent": 1, "disclosures-vital": 1, "disclosures-listed": 1,
		"events": 1, "return-requests": 1, "return-answers": 1, "breaches": 1, "informed": 1,
	}
	if !maps.Equal(report.Ledger, want) {
		t.Errorf("%v, want %v", report.Ledger, want)
	}
}

// TestLargeLeaves: leaves of the greatest length, which come by themselves instead of
// by the chunk.
func TestLargeLeaves(t *testing.T) {
	signer := prooftest.NewSigner(t)
	log := prooftest.New(evening)
	c := log.Case("pseudonym-1")
	for i := range 300 {
		log.Read("pseudonym-1")
		if i%50 == 0 {
			c.Consent()
		}
		log.Leaves[len(log.Leaves)-1].QueryHash = bytes.Repeat([]byte{1}, 60<<10)
	}
	file := signer.Export(t, log.Leaves)
	for _, older := range []int{1, 20, 256, 300} {
		report, err := verify(file, audit.VerifyOptions{OlderCheckpoint: signer.Note(t, log.Leaves[:older])})
		if err != nil || report.Size != 307 {
			t.Errorf("%d leaves: %v", report.Size, err)
		}
	}
	if proven, err := plainly(string(file), signer.Key); err != nil || proven != 6 {
		t.Errorf("%d proofs: %v", proven, err)
	}
}

// TestCheckpointWithFurtherSignatures: what a witness has signed too is no part of the
// file, since nobody could verify it there.
func TestCheckpointWithFurtherSignatures(t *testing.T) {
	signer := prooftest.NewSigner(t)
	log := prooftest.New(evening)
	log.Read("pseudonym-1")
	signed := signer.Note(t, log.Leaves)
	signed += strings.SplitAfter(prooftest.NewSigner(t).Note(t, log.Leaves), "\n")[4]
	if size, err := audit.CheckpointSize(signer.Key, signed); err != nil || size != 1 {
		t.Fatalf("a checkpoint that somebody else has signed too: %v", err)
	}
	err := audit.WriteExport(io.Discard, signer.Key, signed, sequence(prooftest.Marshal(t, log.Leaves), nil))
	if !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("as part of an export: %v, want ErrInvalid", err)
	}
	if _, err := verify(signer.Export(t, log.Leaves), audit.VerifyOptions{OlderCheckpoint: signed}); err != nil {
		t.Errorf("as what was seen before: %v", err)
	}
	if root := tlog.Hash(merkle(nil)); !strings.Contains(string(signer.Export(t, nil)), fmt.Sprintf("\n0\n%s\n", root)) {
		t.Error("an empty log has another root than RFC 6962 gives it")
	}
}
