package lookup

import "sync"

// Watcher collects which cases changed until somebody takes them. Changes of one
// case are folded into one, so a watcher that is slow costs memory for every
// case at most once.
type Watcher struct {
	x     *Index
	ready chan struct{}

	mu    sync.Mutex
	dirty map[uint32]struct{}
}

// Watch begins to collect. Stop must be called when it is no longer needed.
func (x *Index) Watch() *Watcher {
	w := &Watcher{x: x, ready: make(chan struct{}, 1), dirty: map[uint32]struct{}{}}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.watchers[w] = struct{}{}
	return w
}

// Ready receives when there is something to take.
func (w *Watcher) Ready() <-chan struct{} { return w.ready }

// Take returns the cases that changed since the last Take, as they are now, at
// most limit; what is left stays for the next.
func (w *Watcher) Take(limit int) []Head {
	w.x.mu.RLock()
	defer w.x.mu.RUnlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	var heads []Head
	for index := range w.dirty {
		if len(heads) == limit {
			w.signal()
			break
		}
		heads = append(heads, w.x.head(index))
		delete(w.dirty, index)
	}
	return heads
}

// Stop ends the watch.
func (w *Watcher) Stop() {
	w.x.mu.Lock()
	defer w.x.mu.Unlock()
	delete(w.x.watchers, w)
}

func (w *Watcher) changed(index uint32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dirty[index] = struct{}{}
	w.signal()
}

func (w *Watcher) signal() {
	select {
	case w.ready <- struct{}{}:
	default:
	}
}
