package records_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/memory"
)

func (h *house) followFrom(from store.Revision) (stop func()) {
	until, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	followed := h.Records
	go func() { ended <- followed.Follow(until, from) }()
	return sync.OnceFunc(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			h.t.Errorf("Follow ended with %v", err)
		}
	})
}

// second unseals the same store once more, as another server on the engine would.
func (h *house) second() *house {
	h.t.Helper()
	other := &house{t: h.t, engine: h.engine, keys: h.keys}
	other.clock.Store(h.clock.Load())
	other.free.Store(1 << 40)
	other.reopen()
	return other
}

// TestFollow: what one server writes, another one on the same engine sees, in its
// index, in its reads and among the requests that it repeats.
func TestFollow(t *testing.T) {
	h, _ := inMemory(t)
	p := newPerson()
	other := h.second()
	defer other.follow()()
	id, err := h.create(p, asked("r", "x"), intake{name: "Amaru"})
	if err != nil {
		t.Fatal(err)
	}
	var s seen
	if err := eventually(func() error { s, err = other.read(p, id); return err }); err != nil || s.name != "Amaru" {
		t.Fatalf("the other server reads %q, %v", s.name, err)
	}
	if again, err := other.create(p, asked("r", "x"), intake{name: "Amaru"}); err != nil || again != id {
		t.Errorf("the other server answers the repetition with %q, %v; want %q", again, err, id)
	}
	for i := range 20 { // in turns: each must see the other's newest version
		writer := []*house{h, other}[i%2]
		if err := eventually(func() error { _, err := writer.note(p, records.Request{}, id, fmt.Sprint(i)); return err }); err != nil {
			t.Fatalf("note %d: %v", i, err)
		}
	}
	if s, err := h.read(p, id); err != nil || len(s.notes) != 20 {
		t.Errorf("%d notes, %v; want 20", len(s.notes), err)
	}
}

// TestFollowAfterCompaction: a server that fell behind further than the engine
// remembers looks at all heads and misses nothing.
func TestFollowAfterCompaction(t *testing.T) {
	h := begin(t, memory.New(memory.Limits{Batches: 4}))
	p := newPerson()
	old := h.mustCreate(p, intake{name: "Amaru"})
	other := h.second()
	from, err := other.Started(ctx, false)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for i := range 12 {
		ids = append(ids, h.mustCreate(p, intake{name: fmt.Sprint("person ", i)}))
		if _, err := h.note(p, records.Request{}, old, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := other.read(p, ids[0]); err == nil {
		t.Fatal("the other server knows of a case before it followed")
	}
	defer other.followFrom(from)()
	for _, id := range ids {
		if err := eventually(func() error { _, err := other.read(p, id); return err }); err != nil {
			t.Errorf("read after the rescan: %v", err)
		}
	}
	late := h.mustCreate(p, intake{name: "after the rescan"})
	if err := eventually(func() error { _, err := other.read(p, late); return err }); err != nil {
		t.Errorf("read what came after the rescan: %v", err)
	}
	if s, err := other.read(p, old); err != nil || len(s.notes) != 12 {
		t.Errorf("%d notes, %v; want 12", len(s.notes), err)
	}
}

// TestNothingWithoutAGrant: the zero Grant, and the zero Permit, open nothing and
// leave nothing behind.
func TestNothingWithoutAGrant(t *testing.T) {
	h, _ := inMemory(t)
	p := newPerson()
	id := h.mustCreate(p, intake{name: "Amaru"})
	before := len(h.leaves())
	ran := false
	run := func(*records.Work) (proto.Message, error) { ran = true; return nil, nil }
	if _, err := h.Update(ctx, access.Grant{}, records.Request{}, records.Targets(id), run); err == nil {
		t.Error("Update without a grant succeeds")
	}
	if _, err := h.View(ctx, access.Grant{}, records.Targets(id), run); err == nil {
		t.Error("View without a grant succeeds")
	}
	if _, err := h.Update(ctx, access.Grant{}, records.Request{}, nil, run); err == nil {
		t.Error("Update of no file without a grant succeeds")
	}
	if _, err := h.View(ctx, access.Grant{}, nil, run); err == nil {
		t.Error("View of no file without a grant succeeds")
	}
	if err := h.Note(ctx, access.Grant{}, &amparov1.AuditLeaf{Action: amparov1.LeafAction_LEAF_ACTION_WHO_AM_I}); err == nil {
		t.Error("Note without a grant succeeds")
	}
	if rows, _, err := h.Queue(ctx, access.Grant{}, records.QueueQuery{Offices: []string{office}, Limit: 9}); err == nil || len(rows) > 0 {
		t.Error("Queue without a grant succeeds")
	}
	grant := p.grant(t, "CaseService/CreateIntake")
	_, err := h.Update(ctx, grant, records.Request{}, nil, func(w *records.Work) (proto.Message, error) {
		_, err := w.CreateCase(access.Permit{}, &amparov1.Case{Id: records.NewID()}, &amparov1.Intake{}, &amparov1.Identity{})
		return nil, err
	})
	if err == nil {
		t.Error("CreateCase without a permit succeeds")
	}
	if ran {
		t.Error("a closure ran without a grant")
	}
	if got := len(h.leaves()); got != before {
		t.Errorf("%d leaves were written", got-before)
	}
}

// TestForeignIsAbsent: what one may not see answers as what does not exist.
func TestForeignIsAbsent(t *testing.T) {
	h, _ := inMemory(t)
	id := h.mustCreate(newPerson(), intake{name: "Amaru"})
	stranger := newPerson("quito")
	for what, asked := range map[string]string{
		"another office's case": id, "no case": records.NewID(), "no id": "x", "nothing": "",
		"the directory": h.Directory().FileID,
	} {
		_, err := h.read(stranger, asked)
		wantReason(t, "read "+what, err, amparov1.Reason_REASON_NOT_FOUND)
		_, err = h.note(stranger, records.Request{}, asked, "x")
		wantReason(t, "write to "+what, err, amparov1.Reason_REASON_NOT_FOUND)
	}
}

// TestLittleRoom: below 256 MiB new content is refused; reading, and what protects
// people, goes on.
func TestLittleRoom(t *testing.T) {
	h, _ := inMemory(t)
	p := newPerson()
	id := h.mustCreate(p, intake{name: "Amaru"})
	h.free.Store(256<<20 - 1)
	_, err := h.create(p, records.Request{}, intake{name: "Beatriz"})
	wantReason(t, "create", err, amparov1.Reason_REASON_DISK_FULL)
	_, err = h.note(p, records.Request{}, id, "x")
	wantReason(t, "note", err, amparov1.Reason_REASON_DISK_FULL)
	if _, err := h.read(p, id); err != nil {
		t.Errorf("read: %v", err)
	}
	if err := h.Note(ctx, p.grant(t, "StaffService/WhoAmI"), &amparov1.AuditLeaf{}); err != nil {
		t.Errorf("leaf: %v", err)
	}
	directory := records.Targets(h.Directory().FileID)
	for _, method := range []string{"StaffService/SuspendStaff", "StaffService/RevokeDevice"} {
		_, err := h.Update(ctx, p.grant(t, method), records.Request{}, directory, func(w *records.Work) (proto.Message, error) {
			w.File(0).Put(records.RecordStaff, p.staff.GetId(), p.staff)
			return nil, nil
		})
		if err != nil {
			t.Errorf("%s: %v", method, err)
		}
	}
	_, err = h.Update(ctx, p.grant(t, "RiskService/AssessRisk"), records.Request{}, records.Targets(id), func(w *records.Work) (proto.Message, error) {
		w.File(0).SetAssessments([]*amparov1.RiskAssessment{{Sequence: 1}})
		return nil, nil
	})
	if err != nil {
		t.Errorf("assess a risk: %v", err)
	}
	h.free.Store(256 << 20)
	if _, err := h.note(p, records.Request{}, id, "x"); err != nil {
		t.Errorf("note after room was made: %v", err)
	}
	h.wantClean()
}

// TestWatchQueue: what is committed after the first push is pushed, once its leaf
// is durable, and only to whoever may know of it.
func TestWatchQueue(t *testing.T) {
	h, _ := inMemory(t)
	p, stranger := newPerson(), newPerson("quito")
	open, got := make(chan struct{}, 2), make(chan []*amparov1.QueueRow, 8)
	until, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for i, who := range []person{p, stranger} {
		wg.Go(func() {
			first := true
			_ = h.WatchQueue(until, who.grant(t, "QueueService/WatchQueue"), []string{office, "quito"}, func(rows []*amparov1.QueueRow) error {
				if first {
					first = false
					open <- struct{}{}
					return nil
				}
				if i == 1 {
					t.Errorf("the stranger is shown %d cases", len(rows))
				}
				got <- rows
				return nil
			})
		})
	}
	<-open
	<-open
	id := h.mustCreate(p, intake{name: "Amaru"})
	select {
	case rows := <-got:
		if len(rows) != 1 || rows[0].GetCaseId() != id {
			t.Errorf("the watch shows %d rows, want the new case", len(rows))
		}
	case <-time.After(5 * time.Second):
		t.Error("the watch shows nothing")
	}
	cancel()
	wg.Wait()
	shown := 0
	for _, leaf := range h.leaves() {
		if leaf.GetAction() == amparov1.LeafAction_LEAF_ACTION_QUEUE_WATCH {
			shown += len(leaf.GetShown())
		}
	}
	if shown != 1 {
		t.Errorf("the log says that %d rows were shown to watchers, want 1", shown)
	}
}
