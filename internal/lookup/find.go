package lookup

import (
	"bytes"
	"math"
	"slices"
)

// Find returns the head of a file, without its tokens.
func (x *Index) Find(id ID) (Head, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	index, ok := x.byID[id]
	if !ok {
		return Head{}, false
	}
	return x.head(index), true
}

// All calls fn with every file of a kind, until fn returns false. Changes that
// happen meanwhile may or may not be seen.
func (x *Index) All(kind uint8, fn func(Head) bool) {
	for index := uint32(1); ; index++ {
		x.mu.RLock()
		if int(index) >= len(x.entries) {
			x.mu.RUnlock()
			return
		}
		match := x.entries[index].kind == kind
		var head Head
		if match {
			head = x.head(index)
		}
		x.mu.RUnlock()
		if match && !fn(head) {
			return
		}
	}
}

// Len is how many files there are, of every kind.
func (x *Index) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.entries) - 1
}

func (x *Index) head(index uint32) Head {
	e := &x.entries[index]
	c := &x.crews[e.crew]
	return Head{
		Kind: e.kind, ID: e.id, Locator: e.locator, Pseudonym: e.pseudonym,
		Revision: e.revision, Version: e.version, Hash: e.hash, Wake: e.wake,
		Row: Row{
			Order: e.order, Due: e.due, Received: e.received,
			State: e.state, Class: e.class, Risk: e.risk,
			Programme: e.programme, NextTerm: e.nextTerm, Flags: e.flags,
			Office: x.offices[e.office], Owner: c.owner, Team: c.team, Excluded: c.excluded,
		},
	}
}

// Cursor is the place after which a page begins; the zero Cursor is the start.
type Cursor struct {
	Order uint64
	ID    ID
}

// Page returns up to limit cases of the offices in queue order, after the cursor,
// that match says yes to, and whether there may be more. match is called under
// the index's lock: it must be quick and must not call the index.
func (x *Index) Page(offices []string, after Cursor, limit int, match func(*Head) bool) ([]Head, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.walk(offices, after).page(limit, match)
}

func (w *walker) page(limit int, match func(*Head) bool) ([]Head, bool) {
	var page []Head
	for {
		index, ok := w.next()
		if !ok {
			return page, false
		}
		head := w.x.head(index)
		if !match(&head) {
			continue
		}
		if len(page) == limit {
			return page, true
		}
		page = append(page, head)
	}
}

// walker goes through several queues as if they were one, in the order of the bits
// of the mask.
type walker struct {
	x      *Index
	mask   uint64
	queues []func() (place, bool)
	heads  []place
}

func (x *Index) walk(offices []string, after Cursor) *walker {
	w := &walker{x: x, mask: math.MaxUint64}
	for i, office := range offices {
		id, ok := x.officeIDs[office]
		if !ok || x.queues[id] == nil || slices.Contains(offices[:i], office) {
			continue
		}
		iter := x.queues[id].Iter()
		// Entry 0 has the zero id, so this seeks to the first place of the
		// cursor's order, and the loop steps over what was shown before.
		on := iter.Seek(place{order: after.Order})
		for on && !x.past(iter.Item(), after) {
			on = iter.Next()
		}
		if !on {
			continue
		}
		w.heads = append(w.heads, iter.Item())
		w.queues = append(w.queues, func() (place, bool) {
			if !iter.Next() {
				return place{}, false
			}
			return iter.Item(), true
		})
	}
	return w
}

func (x *Index) past(p place, after Cursor) bool {
	if p.order != after.Order {
		return p.order > after.Order
	}
	return bytes.Compare(x.entries[p.index].id[:], after.ID[:]) > 0
}

func (w *walker) next() (uint32, bool) {
	if len(w.heads) == 0 {
		return 0, false
	}
	first := 0
	for i := range w.heads {
		if w.before(w.heads[i], w.heads[first]) {
			first = i
		}
	}
	index := w.heads[first].index
	if p, ok := w.queues[first](); ok {
		w.heads[first] = p
	} else {
		w.heads = slices.Delete(w.heads, first, first+1)
		w.queues = slices.Delete(w.queues, first, first+1)
	}
	return index, true
}

// Candidates returns files that may bear one token of every part, at most limit of
// them; truncated says that there were more. Whether they do is for the caller to
// check against the opened heads, since two tokens can share their upper half.
// No part is no question, and finds nobody.
func (x *Index) Candidates(parts [][]uint64, limit int) (heads []Head, truncated bool) {
	if len(parts) == 0 {
		return nil, false
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	var indexes []uint32
	for i, part := range parts {
		bearers := x.tokens.bearers(part)
		if i == 0 {
			indexes = bearers
		} else {
			indexes = slices.DeleteFunc(indexes, func(index uint32) bool {
				_, found := slices.BinarySearch(bearers, index)
				return !found
			})
		}
		if len(indexes) == 0 {
			return nil, false
		}
	}
	// The newest come first: a person who calls again is likelier to be in a
	// case of this year.
	slices.Reverse(indexes)
	for _, index := range indexes {
		if len(heads) == limit {
			return heads, true
		}
		heads = append(heads, x.head(index))
	}
	return heads, false
}
