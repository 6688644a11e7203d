package audit_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/memory"
)

// witness knows what the log must be: every leaf in order, every file, and every
// checkpoint that was ever shown.
type witness struct {
	config audit.Config
	engine *memory.Engine
	log    *audit.Log

	now      time.Time
	leaves   [][]byte
	roots    [][32]byte // of the first n leaves, for each n
	files    map[string]*amparov1.FileChange
	shown    []string // checkpoints, by when they were seen
	recorded int
}

// recordSome commits leaves, some of which change files.
func (w *witness) recordSome(t *rapid.T) {
	w.now = w.now.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "hours")) * time.Hour)
	var writes []store.Write
	touched := make(map[string]bool) // a commit writes a file once
	for range rapid.IntRange(1, 4).Draw(t, "leaves") {
		leaf := read()
		name := fmt.Sprintf("pseudonym-%d", rapid.IntRange(0, 3).Draw(t, "file"))
		if rapid.Bool().Draw(t, "changes") && !touched[name] {
			touched[name] = true
			leaf.Action = amparov1.LeafAction_LEAF_ACTION_NOTE
			leaf.Changes = []*amparov1.FileChange{w.change(name)}
		}
		write, err := audit.NewLeaf(w.config.Sealer, leaf, w.now, 0)
		if err != nil {
			t.Fatal(err)
		}
		writes = append(writes, write)
	}
	if _, err := w.engine.Commit(t.Context(), nil, writes); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(writes, func(a, b store.Write) int { return bytes.Compare(a.Key, b.Key) })
	for _, write := range writes {
		raw, err := w.config.Sealer.OpenLeaf(write.Key[1:], write.Value)
		if err != nil {
			t.Fatal(err)
		}
		w.leaves = append(w.leaves, raw)
		w.roots = append(w.roots, merkle(w.leaves))
	}
}

func (w *witness) change(name string) *amparov1.FileChange {
	w.recorded++
	head := sha256.Sum256(fmt.Append(nil, "head", w.recorded))
	change := &amparov1.FileChange{Pseudonym: name, Version: 1, HeadHash: head[:]}
	if known := w.files[name]; known != nil {
		change.Version = known.GetVersion() + 1
		change.PreviousHeadHash = known.GetHeadHash()
	}
	w.files[name] = change
	return change
}

func (w *witness) restart(t *rapid.T) {
	w.engine.Inject(nil)
	l, err := audit.Open(t.Context(), w.config)
	if err != nil {
		t.Fatal(err)
	}
	w.log = l
}

func (w *witness) catchUp(t *rapid.T) {
	w.engine.Inject(nil)
	if err := w.log.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.log.State().Size; got != uint64(len(w.leaves)) {
		t.Fatalf("caught up with %d leaves of %d", got, len(w.leaves))
	}
}

// catchUpBadly lets the engine fail on one of the calls that it takes.
func (w *witness) catchUpBadly(t *rapid.T) {
	kind := rapid.SampledFrom([]memory.Kind{memory.Commit, memory.Commit, memory.Get, memory.Scan}).Draw(t, "call")
	n := rapid.IntRange(1, 4).Draw(t, "n")
	fault := rapid.SampledFrom([]memory.Fault{
		{Before: store.ErrUnknown}, {After: store.ErrUnknown}, {Before: store.ErrFull}, {Before: store.ErrStopped},
	}).Draw(t, "fault")
	again := rapid.Bool().Draw(t, "again and again")
	w.engine.Inject(func(c memory.Call) memory.Fault {
		if c.Kind == kind && (c.N == n || again && c.N > n) {
			return fault
		}
		return memory.Fault{}
	})
	err := w.log.CatchUp(t.Context())
	w.engine.Inject(nil)
	if err == nil && w.log.State().Size != uint64(len(w.leaves)) {
		t.Fatalf("caught up with %d leaves of %d and said nothing", w.log.State().Size, len(w.leaves))
	}
	select {
	case <-w.log.Failed():
		if w.log.Err() == nil {
			t.Fatal("failed without an error")
		}
		w.restart(t)
	default:
		if err != nil && !errors.Is(err, store.ErrFull) {
			t.Fatalf("%v, and the log goes on", err)
		}
	}
}

// verify holds all that the log shows against what it must be.
func (w *witness) verify(t *rapid.T) {
	ctx, state := t.Context(), w.log.State()
	public := w.log.PublicKey()
	n := int(state.Size)
	if n > len(w.leaves) {
		t.Fatalf("%d leaves of %d", n, len(w.leaves))
	}
	if size, err := audit.CheckpointSize(public, state.Checkpoint); err != nil || size != state.Size {
		t.Fatalf("checkpoint of %d leaves (%v), want %d", size, err, n)
	}
	if len(w.shown) == 0 || w.shown[len(w.shown)-1] != state.Checkpoint {
		w.shown = append(w.shown, state.Checkpoint)
	}
	for _, older := range w.shown {
		size, err := audit.CheckpointSize(public, older)
		if err != nil {
			t.Fatal(err)
		}
		newest, proof, err := w.log.ConsistencyProof(ctx, size)
		if err != nil {
			t.Fatal(err)
		}
		if err := audit.CheckConsistency(public, older, newest, proof); err != nil {
			t.Fatalf("from %d to %d leaves: %v", size, n, err)
		}
	}
	for i := range n {
		raw, err := w.log.Leaf(ctx, uint64(i))
		if err != nil || !bytes.Equal(raw, w.leaves[i]) {
			t.Fatalf("leaf %d is another one (%v)", i, err)
		}
		for size := i + 1; size <= n; size++ {
			if size > 20 && size < n {
				continue // of the larger trees only the newest
			}
			proof, err := w.log.InclusionProof(ctx, uint64(i), uint64(size))
			if err != nil {
				t.Fatal(err)
			}
			if got, want := rootOf(w.leaves[i], i, size, proof), w.roots[size]; got != want {
				t.Fatalf("leaf %d in %d leaves: its proof leads to another root", i, size)
			}
		}
	}
	if n == len(w.leaves) {
		w.verifyFold(t, state)
	}
	if err := w.log.Check(ctx); err != nil {
		t.Fatal(err)
	}
}

func (w *witness) verifyFold(t *rapid.T, state audit.State) {
	var fold [32]byte
	for _, f := range w.files {
		for i, b := range w.config.Sealer.Fold(f.GetPseudonym(), f.GetVersion(), f.GetHeadHash()) {
			fold[i] ^= b
		}
	}
	if state.Fold != fold {
		t.Fatal("the fold is not that of the newest versions")
	}
}

// merkle is RFC 6962, section 2.1, word for word.
func merkle(leaves [][]byte) [32]byte {
	switch len(leaves) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, leaves[0]...))
	}
	k := split(len(leaves))
	return parent(merkle(leaves[:k]), merkle(leaves[k:]))
}

func parent(left, right [32]byte) [32]byte {
	return sha256.Sum256(slices.Concat([]byte{1}, left[:], right[:]))
}

// split is the largest power of two that is smaller than n.
func split(n int) int {
	k := 1
	for 2*k < n {
		k *= 2
	}
	return k
}

// rootOf follows an audit path (RFC 6962, section 2.1.1) from the leaf up.
func rootOf(leaf []byte, index, size int, path [][]byte) [32]byte {
	if size == 1 {
		return merkle([][]byte{leaf})
	}
	sibling, rest := [32]byte(path[len(path)-1]), path[:len(path)-1]
	k := split(size)
	if index < k {
		return parent(rootOf(leaf, index, k, rest), sibling)
	}
	return parent(sibling, rootOf(leaf, index-k, size-k, rest))
}

// TestAnyHistory lets commits, restarts and failures of the engine come in any
// order, and verifies the whole log after each of them.
func TestAnyHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret, _, err := audit.GenerateKey()
		if err != nil {
			t.Fatal(err)
		}
		engine := memory.New(memory.Limits{})
		w := &witness{
			config: audit.Config{Engine: engine, Sealer: newSealer(), Key: secret},
			engine: engine,
			now:    evening,
			files:  make(map[string]*amparov1.FileChange),
			roots:  [][32]byte{merkle(nil)},
		}
		if err := audit.Create(t.Context(), w.config); err != nil {
			t.Fatal(err)
		}
		w.restart(t)
		steps := map[string]func(*rapid.T){
			"record":         w.recordSome,
			"restart":        w.restart,
			"catch up":       w.catchUp,
			"catch up badly": w.catchUpBadly,
		}
		steps[""] = w.verify
		t.Repeat(steps)
		w.catchUp(t)
		w.verify(t)
	})
}
