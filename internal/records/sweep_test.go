package records_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/memory"
)

// service is what the service itself does to a case.
func (h *house) service(id string, fn func(*records.Work, *records.File) error) {
	h.t.Helper()
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_NOTE)
	_, err := h.Update(ctx, grant, records.Request{}, records.Targets(id), func(w *records.Work) (proto.Message, error) {
		return nil, fn(w, w.File(0))
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// terms are those of a case as they are stored.
func (h *house) terms(id string) (terms []*amparov1.Term) {
	h.t.Helper()
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_CASE_READ)
	_, err := h.View(ctx, grant, records.Targets(id), func(w *records.Work) (proto.Message, error) {
		terms = w.File(0).Case().GetTerms()
		return nil, nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return terms
}

// told are the notices in a case's timeline, the oldest first.
func (h *house) told(id string) (all []string) {
	h.t.Helper()
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_TIMELINE_READ)
	_, err := h.View(ctx, grant, records.Targets(id), func(w *records.Work) (proto.Message, error) {
		all = nil
		entries, _, err := w.File(0).Timeline(0, nil, 1000)
		slices.Reverse(entries)
		for _, entry := range entries {
			for _, event := range entry.GetTermEvents() {
				n := event.GetNotice()
				all = append(all, fmt.Sprint(event.GetKind(), " ", n.GetStep(), " ", n.GetNumber(), " ", n.GetAt().AsTime().Sub(start)))
			}
		}
		return nil, err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}

// withTriage opens a case whose triage is due four hours from now.
func (h *house) withTriage(p person) string {
	h.t.Helper()
	id := h.mustCreate(p, intake{name: "Amaru"})
	h.service(id, func(w *records.Work, f *records.File) error {
		var err error
		f.Case().TermsOnRecord = true
		f.Case().Terms, err = w.Book().Apply(nil, &amparov1.TermEvent{
			Event: amparov1.TermEventKind_TERM_EVENT_KIND_STARTED, At: timestamppb.New(w.Now), RulesVersion: w.Book().Version,
			Kind: amparov1.TermKind_TERM_KIND_TRIAGE,
		})
		f.Touch()
		return err
	})
	return id
}

// ladder is all that is told of a triage that nobody makes, from start on.
var ladder = []string{
	"TERM_KIND_TRIAGE TERM_STEP_WARNING 1 2h0m0s",
	"TERM_KIND_TRIAGE TERM_STEP_WARNING 2 3h12m0s",
	"TERM_KIND_TRIAGE TERM_STEP_OVERDUE 0 4h0m0.001s",
	"TERM_KIND_TRIAGE TERM_STEP_LADDER 1 5h0m0.001s",
	"TERM_KIND_TRIAGE TERM_STEP_LADDER 2 5h30m0.001s",
	"TERM_KIND_TRIAGE TERM_STEP_LADDER 3 6h0m0.001s",
}

func (h *house) sweep(want int) {
	h.t.Helper()
	if told, err := h.Sweep(ctx); told != want || err != nil {
		h.t.Fatalf("%v after the start %d cases are told of (%v), want %d", h.Now().Sub(start), told, err, want)
	}
}

// TestALadderIsClimbed steps through the terms of a case, and of another one all at
// once after a long stop: both are told the same, in order, and once.
func TestALadderIsClimbed(t *testing.T) {
	h, _ := inMemory(t)
	p := newPerson()
	id := h.withTriage(p)
	for i, at := range []time.Duration{2 * time.Hour, 192 * time.Minute, 4*time.Hour + time.Second} {
		h.clock.Store(start.Add(at - time.Second).UnixNano())
		h.sweep(0)
		h.clock.Store(start.Add(at).UnixNano())
		next, ok := h.NextSweep()
		if !ok || next.After(h.Now()) {
			t.Errorf("the next sweep is at %v, %v; want %v", next, ok, h.Now())
		}
		h.sweep(1)
		h.sweep(0)
		if got := h.told(id); !slices.Equal(got, ladder[:i+1]) {
			t.Errorf("after %v: %v is told", at, got)
		}
	}
	stopped, _ := inMemory(t)
	late := stopped.withTriage(p)
	stopped.advance(1000 * time.Hour)
	h.advance(1000 * time.Hour)
	for _, other := range []struct {
		*house
		id string
	}{{h, id}, {stopped, late}} {
		other.reopen()
		other.sweep(1)
		other.reopen()
		other.sweep(0)
		if got := other.told(other.id); !slices.Equal(got, ladder) {
			t.Errorf("in the end %v is told", got)
		}
		if _, ok := other.NextSweep(); ok {
			t.Error("there is still something to tell")
		}
		other.wantClean()
	}
}

// TestALongStopIsCaughtUpInOrder: the case that has waited longest comes first, and
// the log names each once.
func TestALongStopIsCaughtUpInOrder(t *testing.T) {
	h, _ := inMemory(t)
	p := newPerson()
	var ids []string
	for range 300 { // more than a page
		ids = append(ids, h.withTriage(p))
		h.advance(time.Minute)
	}
	h.advance(3000 * time.Hour)
	h.reopen()
	before := len(h.leaves())
	h.sweep(len(ids))
	var swept []string
	for _, leaf := range h.leaves()[before:] {
		if leaf.GetAction() == amparov1.LeafAction_LEAF_ACTION_TERMS_REACHED {
			swept = append(swept, leaf.GetChanges()[0].GetPseudonym())
		}
	}
	for i, id := range ids {
		head, _ := h.Index().Find(records.ParseID(id))
		if i >= len(swept) || swept[i] != records.TextOf(head.Pseudonym) {
			t.Fatalf("case %d is not the one that is swept as number %d of %d", i, i, len(swept))
		}
		if got := h.told(id); len(got) != len(ladder) {
			t.Fatalf("case %d: %d notices, want %d", i, len(got), len(ladder))
		}
	}
}

// TestWhatIsNotSwept: a closed case rests, and wakes when it is opened again; what
// was done in time has nothing to tell.
func TestWhatIsNotSwept(t *testing.T) {
	h, _ := inMemory(t)
	p := newPerson()
	id, done := h.withTriage(p), h.withTriage(p)
	h.service(id, func(_ *records.Work, f *records.File) error {
		f.Case().State = amparov1.CaseState_CASE_STATE_CLOSED
		f.Touch()
		return nil
	})
	h.service(done, func(w *records.Work, f *records.File) error {
		var err error
		f.Case().TermsOnRecord = true
		f.Case().Terms, err = w.Book().Apply(f.Case().GetTerms(), &amparov1.TermEvent{
			Event: amparov1.TermEventKind_TERM_EVENT_KIND_MET, At: timestamppb.New(w.Now), RulesVersion: w.Book().Version,
			Kind: amparov1.TermKind_TERM_KIND_TRIAGE,
		})
		f.Touch()
		return err
	})
	h.advance(10 * time.Hour)
	h.sweep(0)
	h.service(id, func(_ *records.Work, f *records.File) error {
		f.Case().State = amparov1.CaseState_CASE_STATE_ACTIVE
		f.Touch()
		return nil
	})
	h.sweep(1)
	if got := h.told(id); !slices.Equal(got, ladder) {
		t.Errorf("after it was opened again %v is told", got)
	}
	if got := h.told(done); len(got) != 0 {
		t.Errorf("of what was done in time %v is told", got)
	}
}

// TestASweepThatFails tries every way in which a commit can fail, and sweeps again:
// each notice is told once, and no case waits for another.
func TestASweepThatFails(t *testing.T) {
	for name, fault := range map[string]memory.Fault{
		"not written":                  {Before: store.ErrFull},
		"stopped":                      {Before: store.ErrStopped},
		"written, and nobody knows it": {After: store.ErrUnknown},
		"not written, nobody knows it": {Before: store.ErrUnknown},
		"somebody was quicker":         {Before: store.ErrConflict},
	} {
		h, engine := inMemory(t)
		p := newPerson()
		ids := []string{h.withTriage(p), h.withTriage(p), h.withTriage(p)}
		h.advance(10 * time.Hour)
		engine.Inject(func(c memory.Call) memory.Fault {
			if c.Kind == memory.Commit && c.N == 2 {
				return fault
			}
			return memory.Fault{}
		})
		_, _ = h.Sweep(ctx)
		engine.Inject(nil)
		if _, err := h.Sweep(ctx); err != nil {
			t.Errorf("%s: the second sweep: %v", name, err)
		}
		h.reopen()
		h.sweep(0)
		for i, id := range ids {
			if got := h.told(id); !slices.Equal(got, ladder) {
				t.Errorf("%s: of case %d is told %v", name, i, got)
			}
		}
		h.wantClean()
	}
}

// TestADamagedCaseKeepsNoOtherWaiting: it is shut and told of loudly, once.
func TestADamagedCaseKeepsNoOtherWaiting(t *testing.T) {
	h, engine := inMemory(t)
	p := newPerson()
	damaged, whole := h.withTriage(p), h.withTriage(p)
	head, _ := h.Index().Find(records.ParseID(damaged))
	key := append(append([]byte{'f'}, head.Locator[:]...), 1)
	if _, err := engine.Commit(ctx, nil, []store.Write{{Key: key, Value: []byte("no head")}}); err != nil {
		t.Fatal(err)
	}
	h.advance(10 * time.Hour)
	if told, err := h.Sweep(ctx); told != 1 || err == nil {
		t.Errorf("%d cases are told of, %v", told, err)
	}
	h.sweep(0)
	if got := h.told(whole); !slices.Equal(got, ladder) {
		t.Errorf("of the whole case is told %v", got)
	}
	if got := h.shut.Load(); got != 1 {
		t.Errorf("the damage is told of %d times", got)
	}
}

// TestACaseWhosePeopleCannotBeToldStaysDue: when the file of those on call is damaged,
// no case is taken off the list for it.
func TestACaseWhosePeopleCannotBeToldStaysDue(t *testing.T) {
	h, engine := inMemory(t)
	h.withTriage(newPerson())
	head, _ := h.Index().Find(records.ParseID(records.Singles(h.Directory())["duty"]))
	key := append(append([]byte{'f'}, head.Locator[:]...), 1)
	if _, err := engine.Commit(ctx, nil, []store.Write{{Key: key, Value: []byte("no head")}}); err != nil {
		t.Fatal(err)
	}
	h.advance(10 * time.Hour)
	for range 3 {
		if told, err := h.Sweep(ctx); told != 0 || err == nil {
			t.Errorf("%d cases are told of, %v", told, err)
		}
		if next, waits := h.NextSweep(); !waits || next.After(h.Now()) {
			t.Errorf("the case is looked at next at %v, %v", next, waits)
		}
	}
}

// TestAnotherPolicyWakesEarlier: when the warnings move, so does the instant at which
// a case is looked at that nobody touches, now and after a restart.
func TestAnotherPolicyWakesEarlier(t *testing.T) {
	for _, restart := range []bool{false, true} {
		h, _ := inMemory(t)
		id := h.withTriage(newPerson())
		if err := h.decide(true, func(p *amparov1.Policy) { p.Warnings.Percent = []uint32{25, 80} }); err != nil {
			t.Fatal(err)
		}
		if restart {
			h.reopen()
		}
		h.advance(59 * time.Minute)
		h.sweep(0)
		if next, _ := h.NextSweep(); !next.Equal(start.Add(time.Hour)) {
			t.Errorf("restart %v: the next sweep is %v after the start, want an hour", restart, next.Sub(start))
		}
		h.advance(time.Minute)
		h.sweep(1)
		if got := h.told(id); len(got) != 1 || got[0] != "TERM_KIND_TRIAGE TERM_STEP_WARNING 1 1h0m0s" {
			t.Errorf("restart %v: %v is told", restart, got)
		}
	}
}
