package server_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/lookup"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/servertest"
	"github.com/amparo-project/amparo/internal/store"
)

// exported is the log as an auditor takes it away.
func exported(t *testing.T, by *servertest.Person) (leaves [][]byte) {
	t.Helper()
	stream, err := amparov1.NewAuditServiceClient(by.Conn).ExportLog(t.Context(), &amparov1.ExportLogRequest{})
	for err == nil {
		var part *amparov1.ExportLogResponse
		if part, err = stream.Recv(); err == nil {
			leaves = append(leaves, part.GetLeaves()...)
		}
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return leaves
}

// entryOf is an entry of the log: where it stands, and what the log says of it.
type entryOf struct {
	leaf uint64
	fact *amparov1.LedgerFact
}

// drawnByHand draws a sample from the bytes of an export alone, word for word as the
// rule has it: the auditor needs no program of ours to know that nobody chose.
func drawnByHand(t *testing.T, leaves [][]byte, nonce []byte, count int) (sample []entryOf) {
	t.Helper()
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) (hashes []tlog.Hash, err error) {
		for _, i := range indexes {
			hashes = append(hashes, stored[i])
		}
		return hashes, nil
	})
	var population []entryOf
	for i, raw := range leaves {
		hashes, err := tlog.StoredHashes(int64(i), raw, reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
		leaf := &amparov1.AuditLeaf{}
		if err := proto.Unmarshal(raw, leaf); err != nil {
			t.Fatal(err)
		}
		for _, fact := range leaf.GetFacts() {
			population = append(population, entryOf{uint64(i), fact})
		}
	}
	root, err := tlog.TreeHash(int64(len(leaves)), reader)
	if err != nil {
		t.Fatal(err)
	}
	size, seen := big.NewInt(int64(len(population))), map[int64]bool{}
	whole := new(big.Int).Mul(size, new(big.Int).Div(new(big.Int).SetUint64(math.MaxUint64), size))
	for k := 0; len(sample) < min(count, len(population)); k++ {
		input := &bytes.Buffer{}
		for _, part := range [][]byte{[]byte("amparo sample draw 1"), root[:], nonce} {
			_ = binary.Write(input, binary.BigEndian, uint64(len(part)))
			input.Write(part)
		}
		_ = binary.Write(input, binary.BigEndian, uint64(k))
		hash := sha256.Sum256(input.Bytes())
		number := new(big.Int).SetBytes(hash[:8])
		if index := new(big.Int).Mod(number, size).Int64(); number.Cmp(whole) < 0 && !seen[index] {
			seen[index] = true
			sample = append(sample, population[index])
		}
	}
	return sample
}

// TestASampleIsNobodysChoice: what is drawn follows from the log and the auditor's nonce;
// the data protection officer opens it without a name or a word.
func TestASampleIsNobodysChoice(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	auditor, officer := w.north[amparov1.Role_ROLE_AUDITOR], w.north[amparov1.Role_ROLE_CASE_OFFICER]
	client := amparov1.NewAuditServiceClient(auditor.Conn)
	_, err := client.DrawSample(t.Context(), &amparov1.DrawSampleRequest{Count: 3, Nonce: []byte(records.NewID())})
	if reason(err) != "ENTRY_UNKNOWN" {
		t.Errorf("drawn from a log without entries: %v", err)
	}
	var cases []string
	for range 3 {
		id := w.newCase(t, officer, func(c *amparov1.Case) { c.RiskLevel = amparov1.RiskLevel_RISK_LEVEL_LOW })
		deskOf(officer).told(t, id)
		cases = append(cases, id)
	}
	for _, count := range []uint32{1, 7, 100} {
		before, nonce := w.size(t), []byte(records.NewID())
		drawn, err := client.DrawSample(t.Context(), &amparov1.DrawSampleRequest{Count: count, Nonce: nonce})
		if err != nil {
			t.Fatal(err)
		}
		want := drawnByHand(t, exported(t, auditor)[:drawn.GetSize()], nonce, int(count))
		if drawn.GetSize() < before || len(drawn.GetFacts()) != len(want) || len(want) != min(int(count), 30) {
			t.Fatalf("%d of %d leaves are drawn, want %d", len(drawn.GetFacts()), drawn.GetSize(), len(want))
		}
		for i, entry := range want {
			if drawn.GetLeaves()[i] != entry.leaf || !proto.Equal(drawn.GetFacts()[i], entry.fact) {
				t.Errorf("entry %d of the sample is of leaf %d, want %d", i, drawn.GetLeaves()[i], entry.leaf)
			}
		}
		w.opens(t, drawn, nonce, count)
	}
	// By a checkpoint that the auditor has kept before the nonce was drawn, the service
	// chooses no size either.
	pinned := w.size(t)
	deskOf(officer).told(t, cases[0])
	for size, want := range map[uint64]string{pinned: "", pinned + 1000: "FIELD_INVALID"} {
		nonce := []byte(records.NewID())
		drawn, err := client.DrawSample(t.Context(), &amparov1.DrawSampleRequest{Count: 9, Nonce: nonce, Size: size})
		if reason(err) != want {
			t.Fatalf("drawn from %d leaves: %v, want %q", size, err, want)
		}
		if err == nil && (drawn.GetSize() != size || !proto.Equal(drawn.GetFacts()[8], drawnByHand(t, exported(t, auditor)[:size], nonce, 9)[8].fact)) {
			t.Errorf("drawn from %d leaves, want %d", drawn.GetSize(), size)
		}
	}
	w.leavesOut(t, cases)
	w.opensNothingElse(t)
}

// opens opens a sample and holds what is shown, and the leaves of both calls, to it.
func (w *world) opens(t *testing.T, drawn *amparov1.DrawSampleResponse, nonce []byte, count uint32) {
	t.Helper()
	protector := w.north[amparov1.Role_ROLE_DATA_PROTECTION_OFFICER]
	client := amparov1.NewAuditServiceClient(protector.Conn)
	if _, err := client.OpenSample(t.Context(), &amparov1.OpenSampleRequest{Sample: drawn.GetSample() + 1}); reason(err) != "NOT_FOUND" {
		t.Errorf("what comes after the newest leaf opens as a sample: %v", err)
	}
	before := w.size(t)
	opened, err := client.OpenSample(t.Context(), &amparov1.OpenSampleRequest{Sample: drawn.GetSample()})
	if err != nil || len(opened.GetEntries()) != len(drawn.GetFacts()) {
		t.Fatalf("%d entries of %d are opened: %v", len(opened.GetEntries()), len(drawn.GetFacts()), err)
	}
	shown := map[string]bool{}
	for i, entry := range opened.GetEntries() {
		fact := drawn.GetFacts()[i]
		shown[fact.GetPseudonym()] = true
		if entry.GetLeaf() != drawn.GetLeaves()[i] || entry.GetPseudonym() != fact.GetPseudonym() || entry.GetEntry().GetNumber() != fact.GetNumber() {
			t.Errorf("entry %d is another than the one that was drawn", i)
		}
		if holds(t, entry, canary) || entry.GetEntry().GetEntry() == nil {
			t.Errorf("entry %d, %T, holds words, or nothing at all", i, entry.GetEntry().GetEntry())
		}
	}
	said := &amparov1.SampleDraw{Size: drawn.GetSize(), Count: count, Nonce: nonce}
	leaf := w.since(t, before)[0]
	if leaf.GetAction() != amparov1.LeafAction_LEAF_ACTION_SAMPLE_OPEN || leaf.GetStaffId() != protector.StaffID || !proto.Equal(leaf.GetSample(), said) ||
		len(leaf.GetShown()) != len(shown) || slices.ContainsFunc(leaf.GetShown(), func(p string) bool { return !shown[p] }) {
		t.Errorf("the leaf of the opening says %v, %d files shown, want %d", leaf.GetAction(), len(leaf.GetShown()), len(shown))
	}
	leaf = w.since(t, drawn.GetSample())[0]
	if leaf.GetAction() != amparov1.LeafAction_LEAF_ACTION_SAMPLE_DRAW || !proto.Equal(leaf.GetSample(), said) || len(leaf.GetShown())+len(leaf.GetChanges()) > 0 {
		t.Errorf("the leaf of the draw says %v", leaf.GetAction())
	}
}

// leavesOut opens a sample of all that there is when one of three cases excludes the
// opener and another is damaged: neither is an error, and nothing of either is shown.
func (w *world) leavesOut(t *testing.T, cases []string) {
	t.Helper()
	protector := w.north[amparov1.Role_ROLE_DATA_PROTECTION_OFFICER]
	drawn, err := amparov1.NewAuditServiceClient(w.north[amparov1.Role_ROLE_AUDITOR].Conn).DrawSample(t.Context(), &amparov1.DrawSampleRequest{
		Count: 100, Nonce: []byte(records.NewID()),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.shape(t, cases[0], func(c *amparov1.Case) { c.ExcludedStaffIds = []string{protector.StaffID} })
	raw, _ := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(cases[1]))
	damaged, _ := w.Records.Index().Find(lookup.ID(raw))
	if _, err := w.engine.Commit(t.Context(), nil, []store.Write{{Key: append(append([]byte{'f'}, damaged.Locator[:]...), 1), Value: []byte("no head")}}); err != nil {
		t.Fatal(err)
	}
	before := w.size(t)
	opened, err := amparov1.NewAuditServiceClient(protector.Conn).OpenSample(t.Context(), &amparov1.OpenSampleRequest{Sample: drawn.GetSample()})
	if err != nil || len(opened.GetEntries()) != 10 {
		t.Errorf("%d entries are opened, want the ten of the third case: %v", len(opened.GetEntries()), err)
	}
	third := w.head(t, cases[2]).GetPseudonym()
	for _, leaf := range w.since(t, before) {
		if leaf.GetAction() == amparov1.LeafAction_LEAF_ACTION_SAMPLE_OPEN && !slices.Equal(leaf.GetShown(), []string{third}) {
			t.Errorf("the log says that %d files were shown, want the third", len(leaf.GetShown()))
		}
	}
}

// opensNothingElse: no other number is a sample, that of an opening neither.
func (w *world) opensNothingElse(t *testing.T) {
	t.Helper()
	client := amparov1.NewAuditServiceClient(w.north[amparov1.Role_ROLE_DATA_PROTECTION_OFFICER].Conn)
	samples := 0
	for index, leaf := range append(w.since(t, 0), nil, nil) {
		number := uint64(index)
		if leaf == nil {
			number = math.MaxUint64 - uint64(index%2)
		}
		if leaf.GetAction() == amparov1.LeafAction_LEAF_ACTION_SAMPLE_DRAW && leaf.GetSample() != nil {
			samples++
			continue
		}
		if _, err := client.OpenSample(t.Context(), &amparov1.OpenSampleRequest{Sample: number}); reason(err) != "NOT_FOUND" {
			t.Errorf("leaf %d, %v, opens as a sample: %v", number, leaf.GetAction(), err)
		}
	}
	if samples != 5 {
		t.Errorf("%d samples stand in the log, want 5", samples)
	}
}
