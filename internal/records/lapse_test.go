package records_test

import (
	"slices"
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/disclosure"
	"github.com/amparo-project/amparo/internal/records"
)

// TestAWithdrawalLapses: a lawyer was told, and three days ago that was withdrawn. What
// cannot be undone happens when nobody has settled it by then, in a closed case too, but
// not while the clock is in doubt; and then its owner has somebody to ask.
func TestAWithdrawalLapses(t *testing.T) {
	for _, row := range []struct {
		says     string
		closed   bool
		frozen   bool
		restarts bool
	}{
		{says: "a quiet store"},
		{says: "a closed case", closed: true},
		{says: "a clock that leapt, and was confirmed", frozen: true},
		{says: "a clock that leapt, and a start before it was confirmed", frozen: true, restarts: true},
	} {
		t.Run(row.says, func(t *testing.T) {
			h, _ := inMemory(t)
			p := newPerson()
			h.employ(p.staff)
			id := h.mustCreate(p, intake{name: "Amaru", risk: amparov1.RiskLevel_RISK_LEVEL_LOW})
			story := &history{house: h, id: id, staff: []person{p, newPerson(), newPerson()}, recollection: recollection{known: map[string]bool{}}}
			h.toldTheLawyer(t, story)
			if row.closed {
				h.service(id, func(_ *records.Work, f *records.File) error {
					f.Case().State = amparov1.CaseState_CASE_STATE_CLOSED
					f.Touch()
					return nil
				})
			}
			h.pass(71 * time.Hour)
			h.sweepAll(t)
			if n := h.requests(id); n != 0 {
				t.Fatalf("%d recipients are to be asked within the three days", n)
			}
			if row.frozen {
				h.advance(30 * time.Hour) // and the uptime knows nothing of it
				h.sweepAll(t)
				h.advance(30 * time.Minute)
				if row.restarts {
					h.reopen()
				}
				h.sweepAll(t)
				if n := h.requests(id); n != 0 {
					t.Fatalf("%d recipients are to be asked by a clock in doubt", n)
				}
				if _, err := h.ConfirmClock(ctx, p.grant(t, "DeadlineService/ConfirmClock"), h.Now()); err != nil {
					t.Fatal(err)
				}
				h.pass(11 * time.Minute)
			} else {
				h.pass(time.Hour + time.Second)
			}
			h.sweepAll(t)
			if n := h.requests(id); n != 1 {
				t.Errorf("%d recipients are to be asked", n)
			}
			if told, _ := h.waiting(); !slices.Contains(told, p.staff.GetId()) {
				t.Error("its owner is not told")
			}
			before := h.leaves()
			if !slices.ContainsFunc(before, func(l *amparov1.AuditLeaf) bool {
				return l.GetAction() == amparov1.LeafAction_LEAF_ACTION_WITHDRAWAL_LAPSED && l.GetStaffId() == "" && len(l.GetFacts()) > 1
			}) {
				t.Error("no leaf says so")
			}
			h.sweepAll(t)
			if after := h.leaves(); len(after) != len(before) {
				t.Errorf("it lapses again: %d leaves more", len(after)-len(before))
			}
			h.wantClean()
		})
	}
}

// toldTheLawyer lets a lawyer know, and withdraws it.
func (h *house) toldTheLawyer(t *testing.T, story *history) {
	t.Helper()
	w := wish{
		purpose: amparov1.Purpose_PURPOSE_LEGAL_ASSISTANCE, recipient: "Adila Testowa",
		data: []amparov1.DataCategory{amparov1.DataCategory_DATA_CATEGORY_IDENTITY},
	}
	h.service(story.id, func(_ *records.Work, f *records.File) error {
		f.Put(records.RecordIdentity, "", adult("Amaru"))
		f.Case().OwnerId = story.staff[0].staff.GetId()
		return nil
	})
	story.notes(said{yes: true, purposes: []amparov1.Purpose{w.purpose}, recipients: []string{w.recipient}, categories: w.data, at: h.Now(), from: h.Now(), end: h.Now().Add(time.Hour)}, said{})
	story.judges(story.staff[0], w, true)
	err := story.act(story.staff[0], func(work *records.Work, f *records.File, _ disclosure.Act) error {
		_, err := work.Disclose(f, &amparov1.DisclosureDraft{Action: story.planned(w)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	story.must(story.staff[1], func(_ *records.Work, _ *records.File, act disclosure.Act) (disclosure.Added, error) {
		return act.Withdraw(&amparov1.WithdrawalDraft{Everything: true})
	})
}

func (h *house) sweepAll(t *testing.T) {
	t.Helper()
	if _, err := h.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
}

// requests is how many past recipients are to be asked to return or delete what they have.
func (h *house) requests(id string) (n int) {
	h.service(id, func(_ *records.Work, f *records.File) error {
		entries, err := f.Ledger()
		for _, entry := range entries {
			if entry.GetReturnRequest() != nil {
				n++
			}
		}
		return err
	})
	return n
}
