package server_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/servertest"
)

// TestAnAlarmIsHandedOnlyToWhomItMayConcern: nobody who is excluded from its case, and
// nobody of another office, is passed an alarm; not even when the exclusion comes
// between the offer and the answer.
func TestAnAlarmIsHandedOnlyToWhomItMayConcern(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	giver, taker, abroad := w.north[amparov1.Role_ROLE_HOTLINE_OPERATOR], w.north[amparov1.Role_ROLE_CASE_OFFICER], w.operator
	barred := w.Enrol(t, "barred", []amparov1.Role{amparov1.Role_ROLE_CASE_OFFICER}, []string{"north"})
	id := w.newCase(t, giver, func(c *amparov1.Case) { c.ExcludedStaffIds = []string{barred.StaffID} })
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_NOTE)
	if _, err := w.Records.Update(t.Context(), grant, records.Request{}, records.Targets(id), func(work *records.Work) (proto.Message, error) {
		return nil, work.Raise(amparov1.AlarmKind_ALARM_KIND_DURESS, work.File(0), "")
	}); err != nil {
		t.Fatal(err)
	}
	alarm := w.Records.Board().Alarms[0].GetId()
	if err := w.Records.NoteCall(t.Context(), alarm, giver.StaffID, true); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		to   *servertest.Person
		want string
	}{{barred, "STAFF_EXCLUDED"}, {abroad, "STAFF_UNSUITABLE"}, {taker, ""}} {
		begun, err := handovers(giver).BeginHandover(t.Context(), offering(giver, row.to, &amparov1.HandoverEntry{AlarmId: alarm}))
		if reason(err) != row.want {
			t.Errorf("to %s: %v, want %q", row.to.Name, err, row.want)
		}
		if err != nil {
			continue
		}
		w.shape(t, id, func(c *amparov1.Case) { c.ExcludedStaffIds = append(c.ExcludedStaffIds, row.to.StaffID) })
		count, err := handovers(row.to).AcceptHandover(t.Context(), answering(t, row.to, begun.GetHandoverId(), took(0)))
		if err != nil || count.GetLapsed() != 1 {
			t.Errorf("an alarm is taken by somebody whom its case excludes by now: %v, %v", count, err)
		}
	}
}
