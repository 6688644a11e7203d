package records_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/memory"
)

// The grids below put stored values where they do not belong: another record of
// the same file, the same record of another file, another kind of file, an older
// version. They do it twice, under a running service and between two starts.

// laid is one move of a grid: what is put into which cells, and how it was.
type laid struct {
	name   string
	cells  []cell   // as they were
	values [][]byte // as they become; nil is taken away
}

func (a *archive) apply(move laid) {
	for i, c := range move.cells {
		a.lay(c.key, move.values[i])
	}
}

func (a *archive) undo(move laid) {
	for _, c := range move.cells {
		a.lay(c.key, c.value)
	}
}

// play makes a move under the running service, and then between two starts, and
// demands each time that what was moved is refused and everything else is exact.
func (a *archive) play(move laid) {
	a.t.Helper()
	allowed := touched(move.cells...)
	a.apply(move)
	refused := a.judge(move.name+", under a running service", allowed...)
	for _, c := range move.cells {
		if !strings.HasPrefix(c.of, "request") && !slices.Contains(refused, c.of) {
			a.t.Errorf("%s: %s still answers", move.name, c.of)
		}
	}
	if len(refused) == 0 {
		a.t.Errorf("%s: nothing is refused", move.name)
	}
	a.playRestart(move, allowed)
	a.undo(move)
	a.reopen()
}

func (a *archive) playRestart(move laid, allowed []string) {
	a.t.Helper()
	if err := a.unseal(); err != nil {
		// Only without its staff directory or its policy may a store refuse to start.
		needed := func(c cell) bool { return c.of == "directory" || c.of == "policy" }
		if !slices.ContainsFunc(move.cells, needed) || !errors.Is(err, store.ErrCorrupt) {
			a.t.Errorf("%s, across a restart: unseal: %v", move.name, err)
		}
		return
	}
	if faults := a.check(); len(faults) == 0 {
		a.t.Errorf("%s, across a restart: check finds nothing", move.name)
	}
	if a.forgotten(move) {
		return // told by check above; doing the act again is what a probe would do
	}
	if refused := a.judge(move.name+", across a restart", allowed...); len(refused) == 0 {
		a.t.Errorf("%s, across a restart: nothing is refused", move.name)
	}
}

// forgotten: a request record lies under no key any more.
func (a *archive) forgotten(move laid) bool {
	for i, c := range move.cells {
		if c.key[0] == 'r' && move.values[i] == nil {
			return true
		}
	}
	return false
}

// TestSwappedRecords exchanges every stored record with every other one, and
// copies each over each. Every refusal leaves its leaves, and every move reads all
// of them, so a new archive is taken now and then. The short form plays a tenth of
// the moves, others each time.
func TestSwappedRecords(t *testing.T) {
	const size, fresh = 49, 25
	var a *archive
	var cells []cell
	moves, turn := 0, rand.IntN(10)
	play := func(move func() laid) {
		if turn++; !*long && turn%10 != 0 {
			return
		}
		if moves%fresh == 0 {
			a = newArchive(t, memory.New(memory.Limits{}))
			cells = a.cells()
			slices.SortFunc(cells, func(x, y cell) int { return strings.Compare(x.name, y.name) })
			if len(cells) != size {
				t.Fatalf("%d cells, want %d", len(cells), size)
			}
		}
		moves++
		a.play(move())
		if moves%fresh == 0 {
			a.wantClean()
		}
	}
	for i := range size {
		for j := range size {
			if i < j {
				play(func() laid {
					one, other := cells[i], cells[j]
					return laid{"exchange " + one.name + " and " + other.name, []cell{one, other}, [][]byte{other.value, one.value}}
				})
			}
			if i != j {
				play(func() laid {
					one, other := cells[i], cells[j]
					return laid{"copy " + other.name + " over " + one.name, []cell{one}, [][]byte{other.value}}
				})
			}
		}
	}
	t.Logf("%d moves of %d records, each refused twice", moves, size)
}

// TestOlderRecords puts back what lay in a cell before: an older head, child or
// staff member that was valid in its time, and whole files as they were.
func TestOlderRecords(t *testing.T) {
	a := newArchive(t, memory.New(memory.Limits{}))
	now := map[string]cell{}
	for _, c := range a.cells() {
		now[string(c.key)] = c
	}
	moves := 0
	for _, old := range a.old {
		current := now[string(old.key)]
		if !bytes.Equal(old.value, current.value) {
			a.play(laid{"put back " + old.name, []cell{current}, [][]byte{old.value}})
			moves++
		}
	}
	for _, file := range []string{"case a", "case b", "directory", "invitation", "policy", "duty"} {
		// The oldest state of the file: its first values, and nothing where
		// there was nothing yet.
		move := laid{name: "put back the whole of " + file}
		for _, c := range now {
			if c.of != file {
				continue
			}
			var first []byte
			if i := slices.IndexFunc(a.old, func(o cell) bool { return bytes.Equal(o.key, c.key) }); i >= 0 {
				first = a.old[i].value
			}
			if !bytes.Equal(first, c.value) {
				move.cells, move.values = append(move.cells, c), append(move.values, first)
			}
		}
		a.play(move)
		moves++
	}
	if moves < 20 {
		t.Errorf("only %d older values were put back", moves)
	}
	a.wantClean()
	t.Logf("%d older values, each refused twice", moves)
}

// TestMissingRecords takes each record away, and each whole file.
func TestMissingRecords(t *testing.T) {
	a := newArchive(t, memory.New(memory.Limits{}))
	whole := map[string]*laid{}
	for _, c := range a.cells() {
		if c.key[0] != 'r' {
			a.play(laid{"take away " + c.name, []cell{c}, [][]byte{nil}})
			if whole[c.of] == nil {
				whole[c.of] = &laid{name: "take away the whole of " + c.of}
			}
			whole[c.of].cells, whole[c.of].values = append(whole[c.of].cells, c), append(whole[c.of].values, nil)
			continue
		}
		// A request record stands in no head. While the service runs, its absence
		// is noticed; across a restart the act could be done again.
		a.lay(c.key, nil)
		if refused := a.judge("take away "+c.name, touched(c)...); len(refused) != 1 {
			t.Errorf("take away %s: %d requests are refused, want 1", c.name, len(refused))
		}
		a.lay(c.key, c.value)
	}
	for _, move := range whole {
		a.play(*move)
	}
	a.wantClean()
}

// TestOlderHeadBesideFollower puts older heads back while the service follows the
// engine: what the follower sees must not become what reads are held against.
func TestOlderHeadBesideFollower(t *testing.T) {
	a := newArchive(t, memory.New(memory.Limits{}))
	for _, old := range a.old {
		if old.key[0] != 'f' || old.key[17] != 1 {
			continue
		}
		current, err := a.engine.Get(ctx, old.key)
		a.must(err)
		if bytes.Equal(current.Value, old.value) {
			continue
		}
		stop := a.follow()
		shut := a.shut.Load() // the follower may be quicker than what comes after lay
		a.lay(old.key, old.value)
		if err := eventually(func() error {
			if a.shut.Load() == shut {
				return errors.New("nobody was told")
			}
			return nil
		}); err != nil {
			t.Errorf("%s: %v", old.name, err)
		}
		if refused := a.judge(old.name, touched(old)...); !slices.Contains(refused, old.of) {
			t.Errorf("%s: still answered", old.name)
		}
		stop()
		a.lay(old.key, current.Value)
		a.reopen()
	}
	a.wantClean()
}

// TestTheDamagedFileIsShut, and not the one that was read beside it.
func TestTheDamagedFileIsShut(t *testing.T) {
	a := newArchive(t, memory.New(memory.Limits{}))
	cells := a.cells()
	damaged := cells[slices.IndexFunc(cells, func(c cell) bool { return c.name == "case b: identity" })]
	a.lay(damaged.key, []byte("x"))
	_, err := a.View(ctx, a.reader.grant(t, "CaseService/GetCase"), records.Targets(a.cases["a"], a.cases["b"]),
		func(w *records.Work) (proto.Message, error) {
			if _, err := readFile(w.File(0)); err != nil {
				t.Errorf("the whole one of two files: %v", err)
			}
			_, err := readFile(w.File(1))
			return nil, err
		})
	wantReason(t, "the damaged one of two files", err, amparov1.Reason_REASON_INTEGRITY)
	a.lay(damaged.key, damaged.value) // it stays shut all the same
	if refused := a.judge("after it was read beside a whole one", "case b"); !slices.Equal(refused, []string{"case b"}) {
		t.Errorf("shut are %v, want case b", refused)
	}
}

// TestCheckFindsStrays lays down what nobody wrote.
func TestCheckFindsStrays(t *testing.T) {
	a := newArchive(t, memory.New(memory.Limits{}))
	cells := a.cells()
	record := cells[slices.IndexFunc(cells, func(c cell) bool { return c.key[0] == 'g' })]
	for name, c := range map[string]cell{
		"a record under a new id":        {key: append(bytes.Clone(record.key), 1), value: record.value},
		"a record of no file":            {key: append([]byte("g"), bytes.Repeat([]byte{9}, 20)...), value: record.value},
		"a head of no file":              {key: append([]byte("f"), append(bytes.Repeat([]byte{9}, 16), 1)...), value: cells[1].value},
		"a key of no file":               {key: append([]byte("f"), append(bytes.Repeat([]byte{9}, 16), 0)...), value: cells[0].value},
		"a head's key of another length": {key: []byte("f1"), value: []byte("x")},
		"a request of another length":    {key: []byte("r1"), value: []byte("x")},
		"a request that does not open":   {key: append([]byte("r"), bytes.Repeat([]byte{9}, 18)...), value: record.value},
		"a key of no kind":               {key: []byte("z"), value: []byte("x")},
		"a leaf that nobody recorded":    {key: append([]byte("l"), bytes.Repeat([]byte{9}, 16)...), value: record.value},
		"a chunk of the tree too many":   {key: append([]byte("h"), bytes.Repeat([]byte{9}, 8)...), value: []byte("x")},
		"a chunk of places too many":     {key: append([]byte("i"), bytes.Repeat([]byte{9}, 8)...), value: []byte("x")},
	} {
		a.lay(c.key, c.value)
		if err := a.unseal(); err == nil && len(a.check()) == 0 {
			t.Errorf("%s: check finds nothing", name)
		}
		a.lay(c.key, nil)
		if name != "a leaf that nobody recorded" {
			a.reopen()
		}
	}
}
