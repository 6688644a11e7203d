package server_test

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/servertest"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/memory"
)

// TestNoLeafNoWord: a case is read while whatever holds the log fails, is full, hangs or
// loses its answers, in random order. Nothing of the case leaves without a leaf that says
// so; a read that hangs ends with its caller's patience. (go test -long: ten thousand
// reads.)
func TestNoLeafNoWord(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	person := w.everybody(t)
	id := w.newCase(t, person, nil)
	deskOf(person).record(t, id, yes())
	reads := 120
	if *long {
		reads = 10_000
	}
	faults := []memory.Fault{
		{}, {}, {Before: store.ErrFull}, {Before: store.ErrStopped}, {Before: store.ErrUnknown}, {After: store.ErrUnknown}, {Delay: 2 * time.Second},
	}
	before := w.size(t)
	var failing atomic.Int32
	w.engine.Inject(func(c memory.Call) memory.Fault {
		if c.Kind != memory.Commit {
			return memory.Fault{}
		}
		return faults[failing.Load()]
	})
	cases, ledgers := amparov1.NewCaseServiceClient(person.Conn), amparov1.NewConsentServiceClient(person.Conn)
	answered, silent := 0, 0
	for range reads {
		failing.Store(int32(rand.IntN(len(faults))))
		ctx, cancel := context.WithTimeout(t.Context(), 40*time.Millisecond)
		begin := time.Now()
		var shown bool
		var err error
		if rand.IntN(2) == 0 {
			var answer *amparov1.GetCaseResponse
			answer, err = cases.GetCase(ctx, &amparov1.GetCaseRequest{CaseId: id})
			shown = answer.GetCase() != nil
		} else {
			var answer *amparov1.ListConsentsResponse
			answer, err = ledgers.ListConsents(ctx, &amparov1.ListConsentsRequest{CaseId: id})
			shown = len(answer.GetEntries()) > 0
		}
		cancel()
		switch {
		case shown != (err == nil):
			t.Fatalf("something is shown: %v, and the call ends with %v", shown, err)
		case shown:
			answered++
		default:
			silent++
		}
		if took := time.Since(begin); took > 2*time.Second {
			t.Fatalf("a read took %v", took)
		}
	}
	w.engine.Inject(nil)
	told := 0
	for _, leaf := range w.since(t, before) {
		read := leaf.GetAction() == amparov1.LeafAction_LEAF_ACTION_CASE_READ || leaf.GetAction() == amparov1.LeafAction_LEAF_ACTION_CONSENT_READ
		if read && leaf.GetOutcome() == amparov1.LeafOutcome_LEAF_OUTCOME_DONE {
			told++
		}
	}
	// A leaf whose answer was lost is there without one.
	if told < answered || answered == 0 || silent == 0 {
		t.Errorf("%d reads were answered and %d were not; %d leaves tell of one", answered, silent, told)
	}
}
