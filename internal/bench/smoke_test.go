package bench_test

import (
	"errors"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// TestTheMeasuresMeasure runs every part once on a small store. It asks for no
// speed, only that the two sides do what the table says they do.
func TestTheMeasuresMeasure(t *testing.T) {
	h := open(t)
	c := ceilingOf(t, h)
	h.fill(t, 300)
	h.showSame(t, c)
	id, entries := h.long(t)
	if len(entries) != longLedger {
		t.Errorf("%d entries in a long ledger", len(entries))
	}
	p := plan{callers: 4, rounds: 1, slice: 40 * time.Millisecond}
	for what, sides := range map[string][2]call{
		"intake": {h.take, taking(h, c)}, "read": {h.read, c.read}, "page": {h.page, h.page}, "search": {h.search, h.search},
		"decision": {h.decides(t, entries), h.asks(t, id)},
	} {
		if r := duel(t, p, sides[0], sides[1]); r.rate <= 0 || r.wait <= 0 || r.cpu <= 0 {
			t.Errorf("%s: a ratio is missing: %+v", what, r)
		}
	}
	if got := h.Records.Index().Len(); got < 300 {
		t.Errorf("%d files after filling in 300 cases", got)
	}
}

// TestTheCeilingCarriesTheSame holds the ceiling to the bytes of the service: the
// same number of writes, keys and values of the same lengths, the same answers.
func TestTheCeilingCarriesTheSame(t *testing.T) {
	h := open(t)
	c := ceilingOf(t, h)
	h.fill(t, 10)
	h.showSame(t, c)
	kinds := map[byte]int{}
	for _, write := range c.writes {
		kinds[write.Key[0]]++
	}
	if c.facts == c.person {
		t.Error("of whom it is lies where what was told lies")
	}
	// Wrapped key and head; intake, identity and timeline; leaf; request.
	if kinds['f'] != 2 || kinds['g'] != 3 || kinds['l'] != 1 || kinds['r'] != 1 || len(c.writes) != 7 {
		t.Fatalf("an intake writes %v", kinds)
	}
	want := 0
	for _, write := range c.writes {
		want += len(write.Key) + revisionBytes + len(write.Value)
	}
	before := c.stored(t)
	_, err := c.cases[0].CreateIntake(t.Context(), h.next())
	check(t, err)
	if got := c.stored(t) - before; got != want {
		t.Errorf("the ceiling stores %d bytes for an intake, the service %d", got, want)
	}
	ours, err := h.cases[0].GetCase(t.Context(), &amparov1.GetCaseRequest{CaseId: h.ids[0]})
	check(t, err)
	theirs, err := c.cases[0].GetCase(t.Context(), &amparov1.GetCaseRequest{CaseId: c.shown})
	check(t, err)
	if !proto.Equal(ours, theirs) {
		t.Error("the ceiling shows another case than the service")
	}
}

// TestIntakeIsTypical holds the invented requests to what the table says of them.
func TestIntakeIsTypical(t *testing.T) {
	for i := range uint64(100) {
		request := asked(i, name(i))
		if size := proto.Size(request); size < 1950 || size > 2100 {
			t.Fatalf("an intake of %d bytes, about %q", size, name(i))
		}
		if keys := keysOf(request); keys != 9 {
			t.Errorf("%d search keys of %q", keys, name(i))
		}
	}
}

// TestTheAuditIsMeasured runs the parts of the auditor's benchmark once on a small log:
// what is exported verifies, what left was allowed, and the leaves are the same.
func TestTheAuditIsMeasured(t *testing.T) {
	h := open(t)
	h.fillLog(t, 8*perTurn)
	l := h.auditorsLog(t)
	l.hold(t)
	if l.size < 8*perTurn || len(l.leaves) != l.ends[l.size-1] {
		t.Fatalf("%d leaves, %d bytes", l.size, len(l.leaves))
	}
	for name, part := range map[string]func() error{"bare": l.bare, "export and verification": func() error { return errors.Join(l.export(), l.verify()) }} {
		if err := part(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if l.peak(t) == 0 {
		t.Error("a verification without any memory")
	}
}
