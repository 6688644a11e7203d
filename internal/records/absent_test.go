package records_test

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/records"
)

// TestWhoIsToldOfTheAbsent: two people who are gone leave a case each, at offices of
// which one has a reviewer. The other's case is told of as soon as somebody is there
// to tell, and each once.
func TestWhoIsToldOfTheAbsent(t *testing.T) {
	h, _ := inMemory(t)
	for _, at := range []string{office, "cusco"} {
		id := h.mustCreate(newPerson(at), intake{name: "Amaru"})
		h.service(id, func(_ *records.Work, f *records.File) error {
			f.Case().OwnerId = records.NewID()
			f.Touch()
			return nil
		})
	}
	reviewer := func(at string) string {
		p := newPerson(at)
		p.staff.Devices = []*amparov1.Device{p.device}
		grant := access.Service(amparov1.LeafAction_LEAF_ACTION_STAFF_CONFIRM)
		_, err := h.Update(ctx, grant, records.Request{}, records.Targets(h.Directory().FileID), func(w *records.Work) (proto.Message, error) {
			w.File(0).Put(records.RecordStaff, p.staff.GetId(), p.staff)
			return nil, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return p.staff.GetId()
	}
	var want []string
	for _, at := range []string{office, "cusco"} {
		want = append(want, reviewer(at))
		for range 2 {
			if err := h.TellOfWork(ctx); err != nil {
				t.Fatal(err)
			}
			if told, _ := h.waiting(); !slices.Equal(told, want) {
				t.Errorf("%v are told, want %v", told, want)
			}
		}
	}
	leaves := 0
	for _, leaf := range h.leaves() {
		if leaf.GetAction() == amparov1.LeafAction_LEAF_ACTION_OWNER_ABSENT_TOLD {
			leaves++
		}
	}
	if leaves != len(want) {
		t.Errorf("%d acts told of %d people", leaves, len(want))
	}
	h.wantClean()
}
