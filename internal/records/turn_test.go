package records_test

import (
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/records"
)

// TestManyAlarmsAtOnce: in a night on which many cases turn bad together, every act
// is recorded with its alarm, and none gives up because the others were quicker.
func TestManyAlarmsAtOnce(t *testing.T) {
	h, _ := inMemory(t)
	p := newPerson()
	const callers, each = 48, 4
	ids := make([]string, callers)
	for i := range ids {
		ids[i] = h.mustCreate(p, intake{name: "Amaru"})
	}
	kinds := []amparov1.AlarmKind{
		amparov1.AlarmKind_ALARM_KIND_EXTREME, amparov1.AlarmKind_ALARM_KIND_DURESS,
		amparov1.AlarmKind_ALARM_KIND_MISSED_CHECK_IN, amparov1.AlarmKind_ALARM_KIND_OVERDUE,
	}
	var wg sync.WaitGroup
	for _, id := range ids {
		wg.Go(func() {
			for i := range each {
				grant := access.Service(amparov1.LeafAction_LEAF_ACTION_NOTE)
				_, err := h.Update(ctx, grant, records.Request{}, records.Targets(id), func(w *records.Work) (proto.Message, error) {
					w.File(0).Append(&amparov1.TimelineEntry{Text: "worse"})
					return nil, w.Raise(kinds[i], w.File(0), "")
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if _, open := h.waiting(); len(open) != callers*each {
		t.Errorf("%d alarms are open, want %d", len(open), callers*each)
	}
	h.wantClean()
}
