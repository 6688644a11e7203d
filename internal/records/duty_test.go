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
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/memory"
)

// onDuty changes the file of those on call.
func (h *house) onDuty(fn func(*records.Work) error) {
	h.t.Helper()
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_NOTE)
	_, err := h.Update(ctx, grant, records.Request{}, records.Targets(h.DutyFile()), func(w *records.Work) (proto.Message, error) {
		return nil, fn(w)
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// operator employs an operator of the office, who is on shift without a rota.
func (h *house) operator() person {
	h.t.Helper()
	p := newPerson()
	p.staff.Roles = []amparov1.Role{amparov1.Role_ROLE_HOTLINE_OPERATOR}
	h.employ(p.staff)
	return p
}

func (h *house) raise() string {
	h.t.Helper()
	h.onDuty(func(w *records.Work) error { return w.Raise(amparov1.AlarmKind_ALARM_KIND_DURESS, nil, office) })
	open := h.Board().Alarms
	return open[len(open)-1].GetId()
}

func (h *house) take(p person, alarm string) (taken *amparov1.Alarm) {
	h.t.Helper()
	h.onDuty(func(w *records.Work) (err error) {
		taken, err = w.Acknowledge(alarm, p.staff)
		return err
	})
	return taken
}

// TestTakenAlarmsLeaveTheHead for the record of their month, are found there in that
// month and the next, and cost the head nothing.
func TestTakenAlarmsLeaveTheHead(t *testing.T) {
	h, engine := inMemory(t)
	p := h.operator()
	largest := func() int {
		size := 0
		for _, entry := range headsOf(t, engine) {
			size = max(size, len(entry))
		}
		return size
	}
	first := h.raise()
	h.take(p, first)
	before := largest()
	for range 510 {
		h.take(p, h.raise())
	}
	if after := largest(); after > before+400 {
		t.Errorf("the largest head grew from %d to %d bytes", before, after)
	}
	if open := len(h.Board().Alarms); open != 0 {
		t.Errorf("%d alarms are open", open)
	}
	h.advance(31 * 24 * time.Hour)
	h.reopen()
	if taken := h.take(p, first); taken.GetAcknowledgedById() != p.staff.GetId() {
		t.Errorf("a month later it is not known who took the first alarm")
	}
	h.wantClean()
}

// headsOf are the stored heads of an engine.
func headsOf(t *testing.T, engine *memory.Engine) [][]byte {
	t.Helper()
	entries, err := engine.Scan(ctx, []byte("f"), nil, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var heads [][]byte
	for _, entry := range entries {
		if entry.Key[17] == 1 {
			heads = append(heads, entry.Value)
		}
	}
	return heads
}

// TestTheBoardIsTheSameAfterARestart with its rota, alarms, calls, notices, addresses
// and warnings; and a change is known as soon as its act has ended.
func TestTheBoardIsTheSameAfterARestart(t *testing.T) {
	h, _ := inMemory(t)
	p, other := h.operator(), h.operator()
	tell := func() string {
		b := h.Board()
		text := fmt.Sprint(len(b.Rotas), h.OnShift(p.staff, h.Now()), h.OnShift(other.staff, h.Now()), h.Address(p.staff.GetId()), b.Warned)
		for _, alarm := range b.Alarms {
			text += fmt.Sprint(" alarm ", alarm.GetId(), len(alarm.GetCalls()))
		}
		for _, notice := range b.Notices {
			text += fmt.Sprint(" notice ", notice)
		}
		return text
	}
	unset := tell()
	if times := h.Board().Times; times.PassOn != 15*time.Minute || times.WarnBefore != 24*time.Hour || times.Digest != 30*time.Minute || times.NoticesAnHour != 4 {
		t.Errorf("the built-in policy's times are %v", times)
	}
	changed := h.DutyChanged()
	alarm := h.raise()
	select {
	case <-changed:
	default:
		t.Error("nobody is told that the board changed")
	}
	h.onDuty(func(w *records.Work) error {
		_, _, err := w.Announce(&amparov1.Rota{Office: office, Slots: []*amparov1.RotaSlot{{
			From: timestamppb.New(w.Now), Until: timestamppb.New(w.Now.Add(time.Hour)), StaffIds: []string{p.staff.GetId()},
		}}}, []*amparov1.StaffAddress{{StaffId: p.staff.GetId(), Mail: "desk@example.org"}})
		return err
	})
	if got, want := h.OnShift(other.staff, h.Now()), []string(nil); !slices.Equal(got, want) {
		t.Errorf("whom the rota does not name is on shift for %v", got)
	}
	must(t, h.NoteCall(ctx, alarm, p.staff.GetId(), true))
	must(t, h.NoteCall(ctx, alarm, p.staff.GetId(), true)) // said twice, noted once
	must(t, h.WarnOfEmptySlots(ctx))                       // the rota ends in an hour
	must(t, h.WarnOfEmptySlots(ctx))
	h.onDuty(func(w *records.Work) error { return w.Tell(p.staff.GetId(), other.staff.GetId(), p.staff.GetId()) })
	board := h.Board()
	if len(board.Alarms) != 2 || len(board.Alarms[0].GetCalls()) != 1 || len(board.Notices) != 2 || len(board.Warned) != 1 {
		t.Errorf("%d alarms, %d notices, %d warnings", len(board.Alarms), len(board.Notices), len(board.Warned))
	}
	set := tell()
	h.reopen()
	if got := tell(); got != set || got == unset {
		t.Errorf("after a restart:\n%s\nbefore:\n%s", got, set)
	}
	must(t, h.NoteTold(ctx, h.Board().Notices[0], true))
	if left := h.Board().Notices; len(left) != 1 || left[0].StaffID != other.staff.GetId() {
		t.Errorf("%d notices wait after one was told", len(left))
	}
	if told := h.Board().Told; len(told) != 1 || told[0].StaffID != p.staff.GetId() {
		t.Errorf("%d notices count as sent, want the one that was", len(told))
	}
	h.advance(2 * time.Hour)
	must(t, h.NoteTold(ctx, h.Board().Notices[0], false))
	if told := h.Board().Told; len(told) != 0 {
		t.Errorf("%d notices still count two hours later", len(told))
	}
	h.wantClean()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestADamagedRotaOpensNothing: while it cannot be read who is on call, nobody is on
// shift, nobody is told that no alarm waits, and the files of cases are served all the
// same.
func TestADamagedRotaOpensNothing(t *testing.T) {
	h, engine := inMemory(t)
	p, author := h.operator(), newPerson()
	id := h.mustCreate(author, intake{name: "Amaru"})
	h.raise()
	if on := h.OnShift(p.staff, h.Now()); len(on) != 1 {
		t.Fatalf("on shift for %v", on)
	}
	stored, err := engine.Get(ctx, records.HeadKey(h.Records, h.DutyFile()))
	must(t, err)
	stored.Value[len(stored.Value)-1] ^= 1
	_, err = engine.Commit(ctx, nil, []store.Write{{Key: stored.Key, Value: stored.Value}})
	must(t, err)
	h.reopen()
	if on := h.OnShift(p.staff, h.Now()); len(on) != 0 {
		t.Errorf("on shift for %v by a file that cannot be read", on)
	}
	if shown, err := h.Alarms(ctx, p.grant(t, "OnCallService/ListAlarms"), ""); !fault.Is(err, fault.Corrupt) {
		t.Errorf("%d alarms are said to wait, error %v", len(shown), err)
	}
	if _, err := h.read(author, id); err != nil {
		t.Errorf("the case: %v", err)
	}
}

// TestAlarmsOnAFullDisk: they are raised with what raises them, called for and taken.
func TestAlarmsOnAFullDisk(t *testing.T) {
	h, _ := inMemory(t)
	p := h.operator()
	alarm := h.raise()
	h.free.Store(1 << 20)
	must(t, h.NoteCall(ctx, alarm, p.staff.GetId(), true))
	grant := p.grant(t, "OnCallService/AcknowledgeAlarm")
	_, err := h.Update(ctx, grant, records.Request{}, records.Targets(h.DutyFile()), func(w *records.Work) (proto.Message, error) {
		_, err := w.Acknowledge(alarm, p.staff)
		return nil, err
	})
	must(t, err)
}
