package records_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/records"
)

// writes counts the leaves of acts that changed something.
func (h *house) writes() int {
	n := 0
	for _, leaf := range h.leaves() {
		if len(leaf.GetChanges()) > 0 {
			n++
		}
	}
	return n
}

// TestRepeatedRequest sends one request again and again: at once, after a restart,
// after midnight, in the days for which it is kept.
func TestRepeatedRequest(t *testing.T) {
	h, _ := inMemory(t)
	p := newPerson()
	id, err := h.create(p, asked("req-1", "first"), intake{name: "Amaru"})
	if err != nil {
		t.Fatal(err)
	}
	before := h.writes()
	for _, step := range []struct {
		name    string
		by      time.Duration
		restart bool
	}{
		{"at once", 0, false},
		{"after a restart", 0, true},
		{"past midnight", 3 * time.Hour, false},
		{"past midnight and a restart", 0, true},
		{"two days later", 48 * time.Hour, false},
		{"twenty days later, after a restart", 18 * 24 * time.Hour, true},
	} {
		h.advance(step.by)
		if step.restart {
			h.reopen()
		}
		again, err := h.create(p, asked("req-1", "first"), intake{name: "Amaru"})
		if err != nil || again != id {
			t.Errorf("%s: the repetition answers %q, %v; want %q", step.name, again, err, id)
		}
		_, err = h.create(p, asked("req-1", "other"), intake{name: "Beatriz"})
		wantReason(t, step.name+", another content", err, amparov1.Reason_REASON_REQUEST_ID_REUSED)
	}
	if got := h.writes(); got != before {
		t.Errorf("the repetitions made %d writes", got-before)
	}
	other, err := h.create(newPerson(), asked("req-1", "first"), intake{name: "Amaru"})
	if err != nil || other == id {
		t.Errorf("another person's request of the same id answers %q, %v; want a case of its own", other, err)
	}
	h.wantClean()
}

// TestRepetitionLeavesALeaf: the answer of a repetition is an answer like any.
func TestRepetitionLeavesALeaf(t *testing.T) {
	h, _ := inMemory(t)
	p := newPerson()
	if _, err := h.create(p, asked("r", "x"), intake{name: "Amaru"}); err != nil {
		t.Fatal(err)
	}
	before := len(h.leaves())
	if _, err := h.create(p, asked("r", "x"), intake{name: "Amaru"}); err != nil {
		t.Fatal(err)
	}
	all := h.leaves()
	if len(all) != before+1 || len(all[before].GetShown()) != 1 || all[before].GetStaffId() != p.staff.GetId() {
		t.Errorf("the repetition left %v, want one leaf that names person and file", all[before:])
	}
}

// TestOneRequestAtOnce sends one request from sixteen callers at the same moment,
// around midnight, and on files that others write meanwhile.
func TestOneRequestAtOnce(t *testing.T) {
	h, _ := inMemory(t)
	p := newPerson()
	id := h.mustCreate(p, intake{name: "Amaru"})
	h.clock.Store(time.Date(2026, 3, 9, 23, 59, 59, 0, time.UTC).UnixNano())
	const rounds, callers = 20, 16
	for round := range rounds {
		created := make([]string, callers)
		versions := make([]uint64, callers)
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				h.advance(20 * time.Millisecond) // the day turns in the first rounds
				var err error
				created[i], err = h.create(p, asked(fmt.Sprint("new ", round), "x"), intake{name: "Beatriz"})
				if err != nil {
					t.Errorf("create: %v", err)
				}
				versions[i], err = h.note(p, asked(fmt.Sprint("note ", round), "x"), id, fmt.Sprint(round))
				if err != nil {
					t.Errorf("note: %v", err)
				}
			})
		}
		wg.Wait()
		if slices.Sort(created); created[0] != created[callers-1] {
			t.Errorf("round %d: one request opened several cases", round)
		}
		if slices.Sort(versions); versions[0] != versions[callers-1] {
			t.Errorf("round %d: one note was answered with versions %v", round, versions)
		}
	}
	s, err := h.read(p, id)
	if err != nil || len(s.notes) != rounds {
		t.Errorf("%d notes, %v; want %d", len(s.notes), err, rounds)
	}
	if got, want := h.Index().Len(), 6+rounds; got != want {
		t.Errorf("%d files, want %d", got, want)
	}
	h.wantClean()
}

// TestForgottenRequests: after thirty days an id is free, not before, and the file
// that it was about stays.
func TestForgottenRequests(t *testing.T) {
	h, _ := inMemory(t)
	p := newPerson()
	id, err := h.create(p, asked("r", "x"), intake{name: "Amaru"})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		days  time.Duration
		fresh bool
	}{{29, false}, {1, false}, {2, true}} {
		h.pass(step.days * 24 * time.Hour)
		if err := h.ForgetRequests(ctx); err != nil {
			t.Fatal(err)
		}
		for _, restart := range []bool{false, true} {
			if restart {
				h.reopen()
			}
			_, err := h.create(p, asked("r", "other content"), intake{name: "Beatriz"})
			if step.fresh {
				if err != nil {
					t.Errorf("after thirty days: %v, want the id to be free", err)
				}
				break
			}
			wantReason(t, "within thirty days", err, amparov1.Reason_REASON_REQUEST_ID_REUSED)
		}
	}
	if _, err := h.read(p, id); err != nil {
		t.Errorf("read the case of the forgotten request: %v", err)
	}
	h.wantClean()
}

// TestClockGoesBack: time in the log never does, requests are still known, and
// leaves that were made meanwhile are taken in after a restart.
func TestClockGoesBack(t *testing.T) {
	h, _ := inMemory(t)
	p := newPerson()
	id, err := h.create(p, asked("r", "x"), intake{name: "Amaru"})
	if err != nil {
		t.Fatal(err)
	}
	for _, by := range []time.Duration{-time.Hour, -365 * 24 * time.Hour, 400 * 24 * time.Hour, -30 * 24 * time.Hour} {
		h.advance(by)
		if again, err := h.create(p, asked("r", "x"), intake{name: "Amaru"}); err != nil || again != id {
			t.Errorf("after %v the repetition answers %q, %v", by, again, err)
		}
		if _, err := h.note(p, records.Request{}, id, by.String()); err != nil {
			t.Errorf("after %v: %v", by, err)
		}
		h.leaves() // raises the high-water mark
		h.reopen()
	}
	var last time.Time
	for i, leaf := range h.leaves() {
		at := leaf.GetRecordedAt().AsTime()
		if at.Before(last) {
			t.Errorf("leaf %d is of %v, after one of %v", i, at, last)
		}
		last = at
	}
	h.wantClean()
}

// TestWriters lets 64 people write into one case at once. Whoever is told that
// somebody else is quicker tries again; what was acknowledged is there once.
func TestWriters(t *testing.T) {
	h, _ := inMemory(t)
	p := newPerson()
	id := h.mustCreate(p, intake{name: "Amaru"})
	const writers, each = 64, 4
	var mu sync.Mutex
	acked, busy := map[string]bool{}, 0
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for n := 0; n < each; {
				text := fmt.Sprint(i, "/", n)
				_, err := h.note(p, records.Request{}, id, text)
				mu.Lock()
				if err == nil {
					acked[text] = true
					n++
				} else {
					busy++
					wantReason(t, "note", err, amparov1.Reason_REASON_BUSY_FILE)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	s, err := h.read(p, id)
	if err != nil {
		t.Fatal(err)
	}
	if len(acked) != writers*each || len(s.notes) != len(acked) || s.version != uint64(1+len(acked)) {
		t.Errorf("%d acknowledged, %d in the timeline, version %d", len(acked), len(s.notes), s.version)
	}
	for _, note := range s.notes {
		if !acked[note] {
			t.Errorf("note %q was never acknowledged, or is there twice", note)
		}
		delete(acked, note)
	}
	t.Logf("%d refusals as busy", busy)
	h.wantClean()
	h.reopen()
	h.wantClean()
}

// TestSeveralFiles changes two cases in one act; half of it must never be seen.
func TestSeveralFiles(t *testing.T) {
	h, _ := inMemory(t)
	p := newPerson()
	left, right := h.mustCreate(p, intake{name: "Amaru"}), h.mustCreate(p, intake{name: "Beatriz"})
	both := func(fn func(*records.File)) error {
		_, err := h.Update(ctx, p.grant(t, "CaseService/AddNote"), records.Request{}, records.Targets(left, right),
			func(w *records.Work) (proto.Message, error) {
				fn(w.File(0))
				fn(w.File(1))
				return nil, nil
			})
		return err
	}
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for {
				err := both(func(f *records.File) { f.Append(&amparov1.TimelineEntry{Text: fmt.Sprint(i)}) })
				if err == nil {
					return
				}
				wantReason(t, "both", err, amparov1.Reason_REASON_BUSY_FILE)
			}
		})
		wg.Go(func() {
			_, err := h.View(ctx, p.grant(t, "CaseService/GetCase"), records.Targets(left), func(w *records.Work) (proto.Message, error) {
				_, err := readFile(w.File(0))
				return nil, err
			})
			if err != nil {
				t.Errorf("read beside the writers: %v", err)
			}
		})
	}
	wg.Wait()
	l, err := h.read(p, left)
	if err != nil {
		t.Fatal(err)
	}
	r, err := h.read(p, right)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(l.notes, r.notes) || len(l.notes) != 16 {
		t.Errorf("one case has notes %v, the other %v", l.notes, r.notes)
	}
	for i, leaf := range h.leaves() {
		if len(leaf.GetChanges()) == 1 && leaf.GetAction() == amparov1.LeafAction_LEAF_ACTION_NOTE {
			t.Errorf("leaf %d names one of two cases", i)
		}
	}
	h.wantClean()
}
