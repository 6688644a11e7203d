package lookup_test

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/amparo-project/amparo/internal/lookup"
)

// model is the index as a slice: in the order in which files became known.
type model struct {
	heads []lookup.Head // Tokens are all that the file ever had
	dirty map[lookup.ID]bool
}

func (m *model) find(id lookup.ID) int {
	return slices.IndexFunc(m.heads, func(h lookup.Head) bool { return h.ID == id })
}

func (m *model) apply(head lookup.Head) bool {
	i := m.find(head.ID)
	if i >= 0 && m.heads[i].Revision >= head.Revision {
		return false
	}
	if i < 0 {
		m.heads, i = append(m.heads, lookup.Head{}), len(m.heads)
	}
	tokens := m.heads[i].Tokens
	m.heads[i] = head
	m.heads[i].Tokens = append(slices.Clone(tokens), head.Tokens...)
	if head.Row.Flags&lookup.Queued != 0 && m.dirty != nil {
		m.dirty[head.ID] = true
	}
	return true
}

func (m *model) page(offices []string, after lookup.Cursor, limit int, match func(*lookup.Head) bool) ([]lookup.Head, bool) {
	var rows []lookup.Head
	for _, h := range m.heads {
		beyond := cmp.Or(cmp.Compare(h.Row.Order, after.Order), bytes.Compare(h.ID[:], after.ID[:])) > 0
		if h.Row.Flags&lookup.Queued != 0 && slices.Contains(offices, h.Row.Office) && beyond && match(&h) {
			rows = append(rows, h)
		}
	}
	slices.SortFunc(rows, func(a, b lookup.Head) int {
		return cmp.Or(cmp.Compare(a.Row.Order, b.Row.Order), bytes.Compare(a.ID[:], b.ID[:]))
	})
	return rows[:min(limit, len(rows))], len(rows) > limit
}

// candidates are told apart by the upper halves of their tokens.
func (m *model) candidates(parts [][]uint64, limit int) ([]lookup.Head, bool) {
	if len(parts) == 0 {
		return nil, false
	}
	var found []lookup.Head
	for _, h := range slices.Backward(m.heads) {
		bears := func(part []uint64) bool {
			return slices.ContainsFunc(part, func(asked uint64) bool {
				return slices.ContainsFunc(h.Tokens, func(held uint64) bool { return held>>32 == asked>>32 })
			})
		}
		if !slices.ContainsFunc(parts, func(part []uint64) bool { return !bears(part) }) {
			found = append(found, h)
		}
	}
	return found[:min(limit, len(found))], len(found) > limit
}

var offices = []string{"lima", "quito", "cusco"}

func anyID(t *rapid.T, n int) (id lookup.ID) {
	// Spread, so that the order of ids is not that of their making.
	binary.BigEndian.PutUint64(id[:], uint64(rapid.IntRange(1, n).Draw(t, "id"))*0x9E3779B97F4A7C15)
	return id
}

func anyHead(t *rapid.T) lookup.Head {
	staff := func(label string) []lookup.ID {
		ids := make([]lookup.ID, rapid.IntRange(0, 2).Draw(t, label))
		for i := range ids {
			ids[i] = anyID(t, 4)
		}
		return ids
	}
	h := lookup.Head{
		Kind: uint8(rapid.IntRange(1, 2).Draw(t, "kind")), ID: anyID(t, 30), Revision: uint64(rapid.IntRange(1, 40).Draw(t, "revision")),
		Version: uint64(rapid.IntRange(1, 9).Draw(t, "version")),
	}
	h.Locator, h.Pseudonym, h.Hash = lookup.ID{1, h.ID[0]}, lookup.ID{2, h.ID[0]}, lookup.ID{3, byte(h.Version)}
	h.Wake = uint32(rapid.IntRange(0, 4).Draw(t, "wake"))
	h.Tokens = rapid.SliceOfN(anyToken, 0, 4).Draw(t, "tokens")
	h.Row = lookup.Row{
		Order:  rapid.SampledFrom([]uint64{0, 1, 2, 7, 9, 10, 1 << 63, math.MaxUint64}).Draw(t, "order"),
		Office: rapid.SampledFrom(offices).Draw(t, "office"), Owner: anyID(t, 4), Team: staff("team"), Excluded: staff("excluded"),
		State: rapid.Byte().Draw(t, "state"), Due: rapid.Uint32().Draw(t, "due"), Risk: 3, Class: 2, Programme: 1, NextTerm: 4, Received: 5,
	}
	if rapid.Bool().Draw(t, "queued") {
		h.Row.Flags = lookup.Queued | lookup.Restricted
	}
	return h
}

// anyToken draws from few upper halves, so that tokens meet, and some meet by half.
var anyToken = rapid.Custom(func(t *rapid.T) uint64 {
	return uint64(rapid.IntRange(0, 6).Draw(t, "upper"))<<32 | uint64(rapid.IntRange(0, 2).Draw(t, "lower"))
})

// same compares what the index hands out with the model, which keeps tokens.
func same(t *rapid.T, what string, got, want []lookup.Head) {
	if len(got) != len(want) {
		t.Fatalf("%s: %d heads, want %d", what, len(got), len(want))
	}
	for i := range got {
		w := want[i]
		w.Tokens = nil
		g := got[i]
		g.Row.Team, w.Row.Team = slices.Clip(append([]lookup.ID{}, g.Row.Team...)), append([]lookup.ID{}, w.Row.Team...)
		g.Row.Excluded, w.Row.Excluded = append([]lookup.ID{}, g.Row.Excluded...), append([]lookup.ID{}, w.Row.Excluded...)
		if !reflect.DeepEqual(g, w) {
			t.Fatalf("%s: head %d is %+v, want %+v", what, i, g, w)
		}
	}
}

// TestAgainstAModel does random things to an index and to a slice.
func TestAgainstAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, m := lookup.New(), &model{}
		first := rapid.SliceOfNDistinct(rapid.Custom(anyHead), 0, 20, func(h lookup.Head) lookup.ID { return h.ID }).Draw(t, "loaded")
		x.Load(first)
		for _, h := range first {
			m.apply(h)
		}
		w := x.Watch()
		defer w.Stop()
		m.dirty = map[lookup.ID]bool{}
		t.Repeat(map[string]func(*rapid.T){
			"apply": func(t *rapid.T) {
				h := anyHead(t)
				if got, want := x.Apply(h), m.apply(h); got != want {
					t.Fatalf("Apply says %v, want %v", got, want)
				}
			},
			"page":       func(t *rapid.T) { comparePages(t, x, m) },
			"candidates": func(t *rapid.T) { compareCandidates(t, x, m) },
			"due":        func(t *rapid.T) { compareDue(t, x, m) },
			"bands":      func(t *rapid.T) { compareBands(t, x, m) },
			"wake":       func(t *rapid.T) { setWake(t, x, m) },
			"take":       func(t *rapid.T) { compareTaken(t, w, m) },
			"find": func(t *rapid.T) {
				id := anyID(t, 33)
				got, found := x.Find(id)
				i := m.find(id)
				if found != (i >= 0) {
					t.Fatalf("Find says %v", found)
				}
				if found {
					same(t, "Find", []lookup.Head{got}, m.heads[i:i+1])
				}
			},
			"": func(t *rapid.T) {
				if x.Len() != len(m.heads) {
					t.Fatalf("%d files, want %d", x.Len(), len(m.heads))
				}
			},
		})
		compareAll(t, x, m)
	})
}

func compareAll(t *rapid.T, x *lookup.Index, m *model) {
	for _, kind := range []uint8{1, 2, 3} {
		var got, want []lookup.Head
		x.All(kind, func(h lookup.Head) bool { got = append(got, h); return true })
		for _, h := range m.heads {
			if h.Kind == kind {
				want = append(want, h)
			}
		}
		same(t, fmt.Sprint("All of kind ", kind), got, want)
	}
}

// comparePages walks a whole queue in pages.
func comparePages(t *rapid.T, x *lookup.Index, m *model) {
	asked := rapid.SliceOfN(rapid.SampledFrom(append(offices, "nowhere")), 0, 5).Draw(t, "offices")
	limit := rapid.IntRange(1, 6).Draw(t, "limit")
	state := rapid.Byte().Draw(t, "at most")
	match := func(h *lookup.Head) bool { return h.Row.State <= state }
	var after lookup.Cursor
	if rapid.Bool().Draw(t, "from anywhere") {
		after = lookup.Cursor{Order: rapid.SampledFrom([]uint64{0, 1, 3, 1 << 63}).Draw(t, "order"), ID: anyID(t, 33)}
	}
	for {
		got, more := x.Page(asked, after, limit, match)
		want, wantMore := m.page(asked, after, limit, match)
		same(t, "Page", got, want)
		if more != wantMore {
			t.Fatalf("Page says that there is more: %v, want %v", more, wantMore)
		}
		if !more {
			return
		}
		last := got[len(got)-1]
		after = lookup.Cursor{Order: last.Row.Order, ID: last.ID}
	}
}

func compareCandidates(t *rapid.T, x *lookup.Index, m *model) {
	parts := rapid.SliceOfN(rapid.SliceOfN(anyToken, 0, 3), 0, 3).Draw(t, "parts")
	limit := rapid.IntRange(0, 5).Draw(t, "limit")
	got, truncated := x.Candidates(parts, limit)
	want, wantTruncated := m.candidates(parts, limit)
	same(t, "Candidates", got, want)
	if truncated != wantTruncated {
		t.Fatalf("Candidates says that it is cut short: %v, want %v", truncated, wantTruncated)
	}
}

// compareTaken takes what changed, and demands it as it is by now.
func compareTaken(t *rapid.T, w *lookup.Watcher, m *model) {
	limit := rapid.IntRange(1, 5).Draw(t, "limit")
	select {
	case <-w.Ready():
	default:
		if len(m.dirty) > 0 {
			t.Fatalf("nothing is ready of %d changes", len(m.dirty))
		}
	}
	got := w.Take(limit)
	if want := min(limit, len(m.dirty)); len(got) != want {
		t.Fatalf("%d heads taken, want %d", len(got), want)
	}
	for _, h := range got {
		if !m.dirty[h.ID] {
			t.Fatal("a head is taken that did not change, or twice")
		}
		delete(m.dirty, h.ID)
		i := m.find(h.ID)
		same(t, "Take", []lookup.Head{h}, m.heads[i:i+1])
	}
}
