package records_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/memory"
)

// act is one act of a ledger: who did it, under which request, what it should
// leave behind, and whether it was acknowledged. Everybody acts once, so that the
// log tells the acts apart.
type act struct {
	name  string
	by    person
	cases []string               // names of the cases that it writes to
	fresh bool                   // it opens the case instead of writing into it
	put   bool                   // it replaces a record beside the timeline
	says  amparov1.ConsentAnswer // it adds this to the ledger
	kind  amparov1.TimelineKind  // of the entry that it adds to the timeline
	acked bool
}

func (a *act) request() records.Request { return asked(a.name, "content of "+a.name) }

// night is a run of acts over a store that fails at one moment.
type night struct {
	*house
	acts []*act
	ids  map[string]string // case name to id
}

func newNight(h *house) *night {
	n := &night{house: h, ids: map[string]string{}}
	for _, a := range []act{
		{name: "open a", cases: []string{"a"}, fresh: true},
		{name: "open b", cases: []string{"b"}, fresh: true},
		{name: "note in a", cases: []string{"a"}},
		{name: "new identity in b", cases: []string{"b"}, put: true},
		{name: "yes in a", cases: []string{"a"}, says: amparov1.ConsentAnswer_CONSENT_ANSWER_GIVEN},
		{name: "note in both", cases: []string{"a", "b"}},
		{name: "no in a", cases: []string{"a"}, says: amparov1.ConsentAnswer_CONSENT_ANSWER_REFUSED},
		{name: "attack in a", cases: []string{"a"}, kind: amparov1.TimelineKind_TIMELINE_KIND_INCIDENT},
		{name: "another note in a", cases: []string{"a"}},
	} {
		a.by = newPerson()
		n.acts = append(n.acts, &a)
	}
	return n
}

// do runs an act. A case that is not known, because its opening failed, fails it.
func (n *night) do(a *act) error {
	if a.fresh {
		id, err := n.create(a.by, a.request(), intake{name: a.cases[0], notes: []string{a.name}})
		if err == nil {
			n.ids[a.cases[0]], a.acked = id, true
		}
		return err
	}
	if a.says != 0 {
		err := n.allows(a.by, a.request(), n.ids[a.cases[0]], a.name, a.says)
		a.acked = err == nil
		return err
	}
	targets := make([]records.Target, 0, len(a.cases))
	for _, name := range a.cases {
		targets = append(targets, records.Targets(n.ids[name])...)
	}
	_, err := n.Update(ctx, a.by.grant(n.t, "CaseService/AddNote"), a.request(), targets, func(w *records.Work) (proto.Message, error) {
		for i := range targets {
			w.File(i).Append(&amparov1.TimelineEntry{Text: a.name, Kind: a.kind})
			if a.put {
				w.File(i).Put(records.RecordIdentity, "", identity(a.name))
			}
		}
		return &amparov1.CaseReceipt{}, nil
	})
	a.acked = err == nil
	return err
}

// verify holds what is stored against the ledger: what was acknowledged is there
// with its leaf, everything else is wholly there or wholly absent, with its leaf.
func (n *night) verify() {
	n.t.Helper()
	// A commit of unknown outcome is in the index once the follower has seen it.
	err := eventually(func() error {
		if faults := n.check(); len(faults) > 0 {
			return errors.New(strings.Join(faults, "; "))
		}
		return nil
	})
	if err != nil {
		n.t.Fatalf("check finds %v", err)
	}
	done, facts := map[string]int{}, map[string]int{} // by staff id
	for _, leaf := range n.leaves() {
		if len(leaf.GetChanges()) > 0 && leaf.GetStaffId() != "" {
			done[leaf.GetStaffId()]++
			facts[leaf.GetStaffId()] += len(leaf.GetFacts())
		}
	}
	reader := newPerson()
	have := map[string]seen{}
	for name, id := range n.ids {
		s, err := n.read(reader, id)
		if err != nil {
			n.t.Fatalf("read case %s: %v", name, err)
		}
		have[name] = s
	}
	for _, a := range n.acts {
		leaf := done[a.by.staff.GetId()]
		if leaf > 1 || (a.acked && leaf != 1) {
			n.t.Errorf("%q, acknowledged %v, has %d leaves", a.name, a.acked, leaf)
		}
		for _, name := range a.cases {
			s, known := have[name]
			if !known {
				if !a.fresh && leaf != 0 {
					n.t.Errorf("%q has a leaf and no case", a.name)
				}
				continue // its opening was not acknowledged, so nobody knows its id
			}
			times := 0
			for _, note := range slices.Concat(s.notes, s.ledger) {
				if note == a.name {
					times++
				}
			}
			if a.says+amparov1.ConsentAnswer(a.kind) != 0 && facts[a.by.staff.GetId()] != leaf {
				n.t.Errorf("%q has %d leaves with %d facts", a.name, leaf, facts[a.by.staff.GetId()])
			}
			if times != leaf {
				n.t.Errorf("%q has %d leaves, and stands %d times in case %s", a.name, leaf, times, name)
			}
			if a.put && (s.name == a.name) != (leaf == 1) {
				n.t.Errorf("%q has %d leaves, and the identity is %q", a.name, leaf, s.name)
			}
		}
	}
}

// TestFaultAtEveryCall lets each call to the engine fail in each way that it can,
// one in a run, and then repeats with the same request ids what was refused.
func TestFaultAtEveryCall(t *testing.T) {
	for _, c := range []struct {
		name  string
		kind  memory.Kind
		fault memory.Fault
		want  amparov1.Reason
	}{
		{"disk full", memory.Commit, memory.Fault{Before: store.ErrFull}, amparov1.Reason_REASON_DISK_FULL},
		{"unknown, did not happen", memory.Commit, memory.Fault{Before: store.ErrUnknown}, amparov1.Reason_REASON_UNAVAILABLE},
		{"unknown, happened", memory.Commit, memory.Fault{After: store.ErrUnknown}, amparov1.Reason_REASON_UNAVAILABLE},
		{"engine stopped", memory.Commit, memory.Fault{Before: store.ErrStopped}, amparov1.Reason_REASON_UNAVAILABLE},
		{"too large", memory.Commit, memory.Fault{Before: store.ErrLimit}, amparov1.Reason_REASON_TOO_LARGE},
		{"no answer to a get", memory.Get, memory.Fault{Before: store.ErrStopped}, amparov1.Reason_REASON_UNAVAILABLE},
	} {
		t.Run(c.name, func(t *testing.T) {
			for nth := 1; !t.Failed(); nth++ {
				if fell := failingNight(t, c.kind, nth, c.fault, c.want); !fell {
					if nth < 6 {
						t.Errorf("only %d calls were made to fail", nth-1)
					}
					return
				}
			}
		})
	}
}

// failingNight reports whether the nth call came to fail at all.
func failingNight(t *testing.T, kind memory.Kind, nth int, f memory.Fault, want amparov1.Reason) bool {
	h, engine := inMemory(t)
	stop := func() {}
	if kind == memory.Commit { // the follower reads too, and must not take the fault upon itself
		stop = h.follow()
	}
	n := newNight(h)
	fell := false
	engine.Inject(func(call memory.Call) memory.Fault {
		if call.Kind == kind && call.N == nth {
			fell = true
			return f
		}
		return memory.Fault{}
	})
	for _, a := range n.acts {
		err := n.do(a)
		if err != nil && fault.As(err).Reason != want && fault.As(err).Reason != amparov1.Reason_REASON_NOT_FOUND {
			t.Errorf("call %d: %q is refused with %v, want %v", nth, a.name, err, want)
		}
	}
	engine.Inject(nil)
	n.verify()
	for _, a := range n.acts {
		if a.acked {
			continue
		}
		// A case whose opening had an unknown outcome is known as soon as the
		// follower has seen it.
		err := eventually(func() error { return n.do(a) })
		if err != nil {
			t.Errorf("call %d: %q repeated: %v", nth, a.name, err)
		}
	}
	n.verify()
	stop()
	n.reopen()
	n.verify()
	for _, a := range n.acts {
		if !a.acked {
			t.Errorf("call %d: %q was never acknowledged", nth, a.name)
		}
	}
	return fell
}

// follow runs Follow until the returned function is called.
func (h *house) follow() (stop func()) {
	h.t.Helper()
	from, err := h.Started(ctx, false)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.followFrom(from)
}

// eventually tries for up to five seconds.
func eventually(try func() error) error {
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		if err := try(); err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

// TestNoLeafNoAnswer: when the leaf of a read cannot be written, nothing is
// answered, whatever the read.
func TestNoLeafNoAnswer(t *testing.T) {
	h, engine := inMemory(t)
	p := newPerson()
	id, err := h.create(p, asked("r", "x"), intake{name: "Amaru Quispe", notes: []string{"one"}})
	if err != nil {
		t.Fatal(err)
	}
	reads := map[string]func() (any, error){
		"View": func() (any, error) {
			answer, err := h.View(ctx, p.grant(t, "CaseService/GetCase"), records.Targets(id), func(w *records.Work) (proto.Message, error) {
				return w.File(0).Case(), nil
			})
			if answer == nil {
				return nil, err
			}
			return answer, err
		},
		"Queue": func() (any, error) {
			rows, _, err := h.Queue(ctx, p.grant(t, "QueueService/ListQueue"), records.QueueQuery{Offices: []string{office}, Limit: 10})
			return rows, err
		},
		"Search": func() (any, error) {
			rows, _, err := h.Search(ctx, p.grant(t, "QueueService/SearchCases"), "Amaru Quispe", 10)
			return rows, err
		},
		"repetition": func() (any, error) {
			answer, err := h.create(p, asked("r", "x"), intake{name: "Amaru Quispe"})
			return answer, err
		},
		"Note":  func() (any, error) { return nil, h.Note(ctx, p.grant(t, "StaffService/WhoAmI"), &amparov1.AuditLeaf{}) },
		"Watch": func() (any, error) { return nil, h.watchOnce(p) },
	}
	for name, read := range reads {
		if _, err := read(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, cause := range []error{store.ErrFull, store.ErrUnknown, store.ErrStopped, errors.New("something else")} {
			engine.Inject(func(call memory.Call) memory.Fault {
				if call.Kind == memory.Commit {
					return memory.Fault{Before: cause}
				}
				return memory.Fault{}
			})
			answer, err := read()
			if err == nil {
				t.Errorf("%s: no error although its leaf failed with %v", name, cause)
			}
			if text := fmt.Sprintf("%v", answer); strings.Contains(text, id) && name != "Note" && name != "Watch" {
				t.Errorf("%s: answers although its leaf failed with %v", name, cause)
			}
			engine.Inject(nil)
		}
	}
	if faults := h.check(); len(faults) > 0 {
		t.Errorf("check finds %s", strings.Join(faults, "; "))
	}
}

// watchOnce opens a watch and ends it with its first call.
func (h *house) watchOnce(p person) error {
	enough := errors.New("enough")
	err := h.WatchQueue(ctx, p.grant(h.t, "QueueService/WatchQueue"), []string{office}, func([]*amparov1.QueueRow) error { return enough })
	if errors.Is(err, enough) {
		return nil
	}
	return err
}

// TestWriteNamesItsFiles: a write's leaf holds version and hashes of each file, in
// a chain from the first version on.
func TestWriteNamesItsFiles(t *testing.T) {
	h, _ := inMemory(t)
	n := newNight(h)
	for _, a := range n.acts {
		if err := n.do(a); err != nil {
			t.Fatal(err)
		}
	}
	last := map[string]*amparov1.FileChange{}
	for _, leaf := range h.leaves() {
		for _, change := range leaf.GetChanges() {
			before := last[change.GetPseudonym()]
			if change.GetVersion() != before.GetVersion()+1 || !slices.Equal(change.GetPreviousHeadHash(), before.GetHeadHash()) {
				t.Errorf("version %d does not follow version %d", change.GetVersion(), before.GetVersion())
			}
			last[change.GetPseudonym()] = change
		}
	}
	if len(last) != 7 { // two cases, the staff directory and four files that every store has
		t.Errorf("the log names %d files, want 7", len(last))
	}
}
