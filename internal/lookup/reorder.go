package lookup

// Reorder changes the place and the flags of a case in its queue, provided that the
// index holds the revision of it from which that was found: a newer one knows
// better. Whoever watches the queue is told.
func (x *Index) Reorder(id ID, revision, order uint64, flags uint8) {
	x.mu.Lock()
	defer x.mu.Unlock()
	index, known := x.byID[id]
	if !known || x.entries[index].revision != revision || x.entries[index].flags&Queued == 0 {
		return
	}
	x.unqueue(index)
	e := &x.entries[index]
	e.order, e.flags = order, flags|Queued
	x.queues[e.office].Set(place{e.order, index})
	for w := range x.watchers {
		w.changed(index)
	}
}
