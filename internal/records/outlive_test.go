package records_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/records"
)

// signatures is all that is told of a second signature that nobody gives, from start on.
var signatures = []string{
	"TERM_KIND_COUNTERSIGNATURE TERM_STEP_WARNING 1 12h0m0s",
	"TERM_KIND_COUNTERSIGNATURE TERM_STEP_WARNING 2 19h12m0s",
	"TERM_KIND_COUNTERSIGNATURE TERM_STEP_OVERDUE 0 24h0m0.001s",
	"TERM_KIND_COUNTERSIGNATURE TERM_STEP_LADDER 1 25h0m0.001s",
	"TERM_KIND_COUNTERSIGNATURE TERM_STEP_LADDER 2 25h30m0.001s",
	"TERM_KIND_COUNTERSIGNATURE TERM_STEP_LADDER 3 26h0m0.001s",
}

// TestAClosedCaseStillAsksForASignature: somebody let something leave alone, and the case
// was closed an hour later. Its people are told of the signature all the same, of nothing
// else, and after a restart as well; the case stays closed.
func TestAClosedCaseStillAsksForASignature(t *testing.T) {
	const (
		overdue = amparov1.AlarmKind_ALARM_KIND_OVERDUE
		alone   = amparov1.AlarmKind_ALARM_KIND_COUNTERSIGNATURE
	)
	for _, restart := range []bool{false, true} {
		h, _ := inMemory(t)
		p := newPerson()
		id := h.withTriage(p)
		h.employ(p.staff)
		h.service(id, func(w *records.Work, f *records.File) error {
			var err error
			c := f.Case()
			c.OwnerId, c.TeamIds, c.State = p.staff.GetId(), []string{p.staff.GetId()}, amparov1.CaseState_CASE_STATE_CLOSED
			c.Terms, err = w.Book().Apply(c.GetTerms(), &amparov1.TermEvent{
				Event: amparov1.TermEventKind_TERM_EVENT_KIND_STARTED, At: timestamppb.New(w.Now), RulesVersion: w.Book().Version,
				Kind: amparov1.TermKind_TERM_KIND_COUNTERSIGNATURE, TermId: "4",
			})
			f.Touch()
			return err
		})
		h.advance(11 * time.Hour) // the triage is overdue for hours, and rests
		h.sweep(0)
		for _, step := range []struct {
			at     time.Duration
			told   int
			alarms []amparov1.AlarmKind
		}{
			{12 * time.Hour, 1, nil},
			{24*time.Hour + time.Second, 3, []amparov1.AlarmKind{alone}},
			{26*time.Hour + time.Second, 6, []amparov1.AlarmKind{alone, overdue}},
		} {
			h.clock.Store(start.Add(step.at).UnixNano())
			if restart {
				h.reopen()
			}
			h.sweep(1)
			h.sweep(0)
			if got := h.told(id); !slices.Equal(got, signatures[:step.told]) {
				t.Errorf("after %v: told\n%s", step.at, strings.Join(got, "\n"))
			}
			if ids, alarms := h.waiting(); !slices.Equal(alarms, step.alarms) || !slices.Contains(ids, p.staff.GetId()) {
				t.Errorf("after %v: %v are told and %v raised, want %v", step.at, ids, alarms, step.alarms)
			}
		}
		row := h.due(t, p)
		if len(row) != 1 || row[0].GetNextTerm() != amparov1.TermKind_TERM_KIND_COUNTERSIGNATURE || row[0].GetState() != amparov1.CaseState_CASE_STATE_CLOSED {
			t.Errorf("what is due: %d rows", len(row))
		}
		if rows, _, err := h.Queue(ctx, p.grant(t, "QueueService/ListQueue"), records.QueueQuery{Offices: []string{office}, Limit: 10}); err != nil || len(rows) != 0 {
			t.Errorf("the closed case stands in the queue: %d rows, %v", len(rows), err)
		}
		h.service(id, func(w *records.Work, f *records.File) error {
			_, err := w.Book().Apply(f.Case().GetTerms(), &amparov1.TermEvent{
				Event: amparov1.TermEventKind_TERM_EVENT_KIND_MET, At: timestamppb.New(w.Now), RulesVersion: w.Book().Version,
				Kind: amparov1.TermKind_TERM_KIND_COUNTERSIGNATURE, TermId: "4",
			})
			f.Touch()
			return err
		})
		if row := h.due(t, p); len(row) != 0 {
			t.Errorf("somebody has signed, and %d cases are due", len(row))
		}
		if _, waits := h.NextSweep(); waits {
			t.Error("somebody has signed, and the closed case still has something to tell")
		}
		h.wantClean()
	}
}

// due are the cases that a person sees with something due.
func (h *house) due(t *testing.T, p person) []*amparov1.QueueRow {
	t.Helper()
	rows, _, err := h.Deadlines(ctx, p.grant(t, "DeadlineService/ListDeadlines"), records.QueueQuery{Offices: []string{office}, Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
