package lookup

import (
	"bytes"
	"math"
	"slices"

	"github.com/tidwall/btree"
)

// Due returns up to limit files that ask for something at now (Unix seconds) or
// before, the longest waiting first, after the cursor, whose order is a Wake and
// which does not outlive this index. It costs the same whatever the number of files
// that do not.
func (x *Index) Due(now uint32, after Cursor, limit int) []Head {
	x.mu.RLock()
	defer x.mu.RUnlock()
	// What is not known any more would stand before all others of its wake.
	from := pack(after.Order<<32, x.byID[after.ID])
	var due []Head
	x.wakes.Ascend(from, func(waking uint64) bool {
		if waking>>32 > uint64(now) || len(due) == limit {
			return false
		}
		if waking != from {
			due = append(due, x.head(uint32(waking)))
		}
		return true
	})
	return due
}

func newWakes() *btree.BTreeG[uint64] {
	less := func(a, b uint64) bool { return a < b }
	return btree.NewBTreeGOptions(less, btree.Options{NoLocks: true, Degree: 64})
}

// NextWake returns when the first file asks for something (Unix seconds); zero
// means that none does.
func (x *Index) NextWake() uint32 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	first, _ := x.wakes.Min()
	return uint32(first >> 32)
}

// Sooner receives when NextWake may have become earlier than it was.
func (x *Index) Sooner() <-chan struct{} { return x.sooner }

// SetWake changes when a file asks for something, provided that the index holds
// the revision of it from which that was found: a newer one knows better.
func (x *Index) SetWake(id ID, revision uint64, wake uint32) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if index, known := x.byID[id]; known && x.entries[index].revision == revision {
		x.setWake(index, wake)
	}
}

func (x *Index) setWake(index, wake uint32) {
	e := &x.entries[index]
	if e.wake != 0 {
		x.wakes.Delete(pack(uint64(e.wake)<<32, index))
	}
	e.wake = wake
	if wake == 0 {
		return
	}
	x.wakes.Set(pack(uint64(wake)<<32, index))
	if first, _ := x.wakes.Min(); uint32(first) == index {
		x.tellSooner()
	}
}

func (x *Index) tellSooner() {
	select {
	case x.sooner <- struct{}{}:
	default:
	}
}

// Bands returns up to limit files of the offices' queues that match says yes to, by
// the low bits of their order alone, from after the cursor up to before, and whether
// there may be more. Files that differ in the other bits stand in one band after the
// other in the queue; here the bands are merged, and what lies outside of the range
// costs nothing. match is called under the index's lock.
func (x *Index) Bands(offices []string, bits uint, after Cursor, before uint64, limit int, match func(*Head) bool) ([]Head, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	w := &walker{x: x, mask: 1<<bits - 1}
	if before == 0 {
		return nil, false
	}
	for i, office := range offices {
		id, ok := x.officeIDs[office]
		if !ok || x.queues[id] == nil || slices.Contains(offices[:i], office) {
			continue
		}
		w.addBands(id, after, min(before-1, w.mask))
	}
	return w.page(limit, match)
}

// addBands adds a walk through each band of an office's queue, up to last within it.
func (w *walker) addBands(office uint16, after Cursor, last uint64) {
	for band := uint64(0); ; {
		iter := w.x.queues[office].Iter()
		if !iter.Seek(place{order: band}) {
			return
		}
		band = iter.Item().order &^ w.mask
		end := band | last
		begun := Cursor{Order: band | after.Order, ID: after.ID}
		on := iter.Seek(place{order: begun.Order})
		for on && !w.x.past(iter.Item(), begun) {
			on = iter.Next()
		}
		if on && iter.Item().order <= end {
			w.heads = append(w.heads, iter.Item())
			w.queues = append(w.queues, func() (place, bool) {
				if !iter.Next() || iter.Item().order > end {
					return place{}, false
				}
				return iter.Item(), true
			})
		}
		if band|w.mask == math.MaxUint64 {
			return
		}
		band += w.mask + 1
	}
}

func (w *walker) before(a, b place) bool {
	if a.order&w.mask != b.order&w.mask {
		return a.order&w.mask < b.order&w.mask
	}
	return bytes.Compare(w.x.entries[a.index].id[:], w.x.entries[b.index].id[:]) < 0
}
