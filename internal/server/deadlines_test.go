package server_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/servertest"
)

// TestDeadlines lists cases by what is due next, whatever their class and risk, page
// by page, and leaves out what the caller may not know of.
func TestDeadlines(t *testing.T) {
	w := newWorld(t, servertest.Options{Unswept: true})
	officer := w.north[amparov1.Role_ROLE_CASE_OFFICER]
	now := w.Records.Now()
	due := func(in time.Duration, more func(*amparov1.Case)) string {
		return w.newCase(t, officer, func(c *amparov1.Case) {
			c.Terms = []*amparov1.Term{{Kind: amparov1.TermKind_TERM_KIND_CHECK_IN, Base: timestamppb.New(now.Add(-time.Hour)), Due: timestamppb.New(now.Add(in))}}
			if more != nil {
				more(c)
			}
		})
	}
	other := func(c *amparov1.Case) { c.PriorityClass = amparov1.PriorityClass_PRIORITY_CLASS_OTHER_INQUIRY }
	extreme := func(c *amparov1.Case) { c.RiskLevel = amparov1.RiskLevel_RISK_LEVEL_EXTREME }
	low := func(c *amparov1.Case) { c.RiskLevel = amparov1.RiskLevel_RISK_LEVEL_LOW }
	late, soon, tomorrow := due(-3*time.Hour, low), due(-time.Minute, other), due(20*time.Hour, nil)
	week, never := due(7*24*time.Hour, extreme), due(time.Hour, func(c *amparov1.Case) { c.Terms = nil })
	hidden := []string{
		never,
		due(-time.Hour, func(c *amparov1.Case) { c.State = amparov1.CaseState_CASE_STATE_CLOSED }),
		due(-time.Hour, func(c *amparov1.Case) { c.Restricted, c.TeamIds = true, nil }),
		due(-time.Hour, func(c *amparov1.Case) { c.ExcludedStaffIds = []string{officer.StaffID} }),
		w.newCase(t, w.operator, nil),
	}
	for name, c := range map[string]struct {
		request *amparov1.ListDeadlinesRequest
		want    []string
	}{
		"everything":        {&amparov1.ListDeadlinesRequest{}, []string{late, soon, tomorrow, week}},
		"in pages":          {&amparov1.ListDeadlinesRequest{PageSize: 1}, []string{late, soon, tomorrow, week}},
		"overdue":           {&amparov1.ListDeadlinesRequest{Overdue: true}, []string{late, soon}},
		"within 72 hours":   {&amparov1.ListDeadlinesRequest{Office: "north", Within: durationpb.New(72 * time.Hour)}, []string{late, soon, tomorrow}},
		"within no time":    {&amparov1.ListDeadlinesRequest{Within: durationpb.New(0)}, []string{late, soon}},
		"within many years": {&amparov1.ListDeadlinesRequest{PageSize: 3, Within: durationpb.New(80000 * time.Hour)}, []string{late, soon, tomorrow, week}},
	} {
		before := w.size(t)
		var got, shown, leafed []string
		for more := true; more; more = c.request.GetPageToken() != "" {
			page, err := amparov1.NewDeadlineServiceClient(officer.Conn).ListDeadlines(t.Context(), c.request)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, row := range page.GetRows() {
				got, shown = append(got, row.GetCaseId()), append(shown, row.GetPseudonym())
			}
			c.request.PageToken = page.GetNextPageToken()
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %d cases in another order or others than the %d wanted", name, len(got), len(c.want))
		}
		for _, id := range hidden {
			if slices.Contains(got, id) {
				t.Errorf("%s: a case is shown that must not be", name)
			}
		}
		for _, leaf := range w.since(t, before) {
			leafed = append(leafed, leaf.GetShown()...)
		}
		if !slices.Equal(leafed, shown) {
			t.Errorf("%s: the leaves name %d cases, %d are shown", name, len(leafed), len(shown))
		}
	}
}

// TestTheClockIsConfirmedOverTheWire, by the clock of whoever confirms it.
func TestTheClockIsConfirmedOverTheWire(t *testing.T) {
	clock := newClock()
	w := newWorld(t, servertest.Options{Now: clock.Now, Unswept: true})
	clock.Advance(48 * time.Hour)
	client := amparov1.NewDeadlineServiceClient(w.Admin.Conn)
	request := &amparov1.ConfirmClockRequest{RequestId: records.NewID(), At: timestamppb.New(time.Now())}
	if _, err := client.ConfirmClock(t.Context(), request); reason(err) != "CLOCK_DIFFERS" || !w.Records.Frozen() {
		t.Errorf("by another clock: %v, frozen %v", err, w.Records.Frozen())
	}
	request.At = timestamppb.New(clock.Now())
	for range 2 {
		answer, err := client.ConfirmClock(t.Context(), request)
		if err != nil || answer.GetAt().AsTime().Sub(clock.Now()).Abs() > time.Minute || w.Records.Frozen() {
			t.Errorf("by the same clock: %v, frozen %v", err, w.Records.Frozen())
		}
	}
}
