package lookup_test

import (
	"bytes"
	"cmp"
	"slices"

	"pgregory.net/rapid"

	"github.com/amparo-project/amparo/internal/lookup"
)

// compareDue takes what is due in pages, and asks when the next is.
func compareDue(t *rapid.T, x *lookup.Index, m *model) {
	now, limit := uint32(rapid.IntRange(0, 5).Draw(t, "now")), rapid.IntRange(1, 6).Draw(t, "limit")
	var want []lookup.Head
	next := uint32(0)
	for _, h := range m.heads {
		if h.Wake != 0 && h.Wake <= now {
			want = append(want, h)
		}
		if h.Wake != 0 && (next == 0 || h.Wake < next) {
			next = h.Wake
		}
	}
	slices.SortFunc(want, func(a, b lookup.Head) int {
		return cmp.Or(cmp.Compare(a.Wake, b.Wake), cmp.Compare(m.find(a.ID), m.find(b.ID)))
	})
	if got := x.NextWake(); got != next {
		t.Fatalf("the next wakes at %d, want %d", got, next)
	}
	var after lookup.Cursor
	for {
		got := x.Due(now, after, limit)
		same(t, "Due", got, want[:min(limit, len(want))])
		want = want[len(got):]
		if len(got) == 0 {
			return
		}
		last := got[len(got)-1]
		after = lookup.Cursor{Order: uint64(last.Wake), ID: last.ID}
	}
}

// setWake changes a wake, of the revision that is known or of another.
func setWake(t *rapid.T, x *lookup.Index, m *model) {
	id, wake := anyID(t, 33), uint32(rapid.IntRange(0, 4).Draw(t, "wake"))
	revision := uint64(rapid.IntRange(1, 40).Draw(t, "revision"))
	i := m.find(id)
	if i >= 0 && rapid.Bool().Draw(t, "of what is known") {
		revision = m.heads[i].Revision
	}
	x.SetWake(id, revision, wake)
	if i >= 0 && m.heads[i].Revision == revision {
		m.heads[i].Wake = wake
	}
}

// compareBands walks what lies in a range of the low three bits, in pages.
func compareBands(t *rapid.T, x *lookup.Index, m *model) {
	const bits, mask = 3, 7
	asked := rapid.SliceOfN(rapid.SampledFrom(append(offices, "nowhere")), 0, 5).Draw(t, "offices")
	limit := rapid.IntRange(1, 6).Draw(t, "limit")
	before := uint64(rapid.IntRange(0, 9).Draw(t, "before"))
	state := rapid.Byte().Draw(t, "at most")
	match := func(h *lookup.Head) bool { return h.Row.State <= state }
	var want []lookup.Head
	for _, h := range m.heads {
		if h.Row.Flags&lookup.Queued != 0 && slices.Contains(asked, h.Row.Office) && h.Row.Order&mask < before && match(&h) {
			want = append(want, h)
		}
	}
	slices.SortFunc(want, func(a, b lookup.Head) int {
		return cmp.Or(cmp.Compare(a.Row.Order&mask, b.Row.Order&mask), bytes.Compare(a.ID[:], b.ID[:]))
	})
	var after lookup.Cursor
	for {
		got, more := x.Bands(asked, bits, after, before, limit, match)
		same(t, "Bands", got, want[:min(limit, len(want))])
		want = want[len(got):]
		if more != (len(want) > 0) {
			t.Fatalf("Bands says that there is more: %v, and there are %d", more, len(want))
		}
		if !more {
			return
		}
		last := got[len(got)-1]
		after = lookup.Cursor{Order: last.Row.Order & mask, ID: last.ID}
	}
}
