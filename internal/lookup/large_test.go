package lookup_test

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/amparo-project/amparo/internal/lookup"
)

// long runs the benchmarks at a million cases as well.
var long = flag.Bool("long", false, "run the long forms of the tests")

// heads makes n cases as they come: nine tokens each, eight offices of 25 people,
// of whom one owns a case and one more is on its team.
func heads(n int) []lookup.Head {
	r := rand.New(rand.NewPCG(1, 2))
	id := func() (id lookup.ID) {
		binary.BigEndian.PutUint64(id[:], r.Uint64())
		binary.BigEndian.PutUint64(id[8:], r.Uint64())
		return id
	}
	var staff [8][25]lookup.ID
	for i := range staff {
		for j := range staff[i] {
			staff[i][j] = id()
		}
	}
	all := make([]lookup.Head, n)
	for i := range all {
		o := r.IntN(8)
		owner, other := staff[o][r.IntN(25)], staff[o][r.IntN(25)]
		all[i] = lookup.Head{
			Kind: 1, ID: id(), Locator: id(), Pseudonym: id(), Hash: id(), Revision: uint64(i + 1), Version: 3, Wake: 1 + r.Uint32()/2,
			Row: lookup.Row{
				Order: uint64(r.IntN(5))<<40 | uint64(r.Uint32()), Due: r.Uint32(), Received: r.Uint32(), Flags: lookup.Queued,
				State: uint8(r.IntN(6)), Risk: uint8(r.IntN(5)), Office: fmt.Sprint("office-", o), Owner: owner, Team: []lookup.ID{owner, other},
			},
			Tokens: make([]uint64, 9),
		}
		for j := range all[i].Tokens {
			all[i].Tokens[j] = r.Uint64()
		}
	}
	return all
}

// heapPerCase loads n cases and returns how many bytes each keeps alive.
func heapPerCase(n int) float64 {
	live := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := live()
	x := lookup.New()
	x.Load(heads(n))
	after := live()
	runtime.KeepAlive(x)
	return float64(after-before) / float64(n)
}

// maxHeapPerCase is the most that a case may cost in memory: a million of them fit
// a small machine.
const maxHeapPerCase = 300

func TestHeapPerCase(t *testing.T) {
	got := heapPerCase(100_000)
	if got > maxHeapPerCase {
		t.Errorf("a case costs %.0f bytes of memory, at most %d", got, maxHeapPerCase)
	}
	t.Logf("%.0f bytes a case", got)
}

func sizes() []int {
	if *long {
		return []int{10_000, 100_000, 1_000_000}
	}
	return []int{10_000, 100_000}
}

// BenchmarkHeapPerCase reports live bytes per case.
func BenchmarkHeapPerCase(b *testing.B) {
	for _, n := range sizes() {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			got := 0.0
			for b.Loop() {
				got = heapPerCase(n)
			}
			b.ReportMetric(got, "B/case")
		})
	}
}

// BenchmarkPage asks for pages of fifty from anywhere in the queue of one office.
func BenchmarkPage(b *testing.B) {
	for _, n := range sizes() {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			x := lookup.New()
			x.Load(heads(n))
			r := rand.New(rand.NewPCG(3, 4))
			all := func(*lookup.Head) bool { return true }
			for b.Loop() {
				after := lookup.Cursor{Order: uint64(r.IntN(5))<<40 | uint64(r.Uint32())}
				x.Page([]string{"office-3"}, after, 50, all)
			}
		})
	}
}

// TestPagesBesideChanges pages through a queue while others change other cases:
// whatever is not changed is shown once, and in order.
func TestPagesBesideChanges(t *testing.T) {
	all := heads(20_000)
	x := lookup.New()
	x.Load(all)
	still, moving := all[:10_000], all[10_000:]
	done := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(5, uint64(w)))
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				h := moving[r.IntN(len(moving))]
				h.Revision = uint64(1_000_000 + i)
				h.Row.Order = uint64(r.IntN(5))<<40 | uint64(r.Uint32())
				h.Row.Office = fmt.Sprint("office-", r.IntN(8))
				x.Apply(h)
			}
		})
	}
	offices := []string{"office-0", "office-1", "office-2", "office-3", "office-4", "office-5", "office-6", "office-7"}
	shown := map[lookup.ID]int{}
	var after lookup.Cursor
	for more := true; more; {
		var page []lookup.Head
		page, more = x.Page(offices, after, 100, func(*lookup.Head) bool { return true })
		for _, h := range page {
			shown[h.ID]++
			next := lookup.Cursor{Order: h.Row.Order, ID: h.ID}
			if next.Order < after.Order || next.Order == after.Order && slices.Compare(next.ID[:], after.ID[:]) <= 0 {
				t.Fatal("a row stands behind one that comes after it")
			}
			after = next
		}
	}
	close(done)
	wg.Wait()
	for _, h := range still {
		if shown[h.ID] != 1 {
			t.Fatalf("a case that did not change is shown %d times", shown[h.ID])
		}
	}
}

// TestWatchersAreToldOnce: many changes of one case are one to take, and a watcher
// that has stopped costs nothing.
func TestWatchersAreToldOnce(t *testing.T) {
	x := lookup.New()
	w, gone := x.Watch(), x.Watch()
	gone.Stop()
	h := heads(1)[0]
	for range 100 {
		h.Revision++
		x.Apply(h)
	}
	<-w.Ready()
	if got := w.Take(10); len(got) != 1 || got[0].Revision != h.Revision {
		t.Errorf("%d heads taken, want the newest of one", len(got))
	}
	if got := w.Take(10); len(got) != 0 {
		t.Errorf("%d heads taken twice", len(got))
	}
	if got := gone.Take(10); len(got) != 0 {
		t.Errorf("a watcher that stopped has %d heads", len(got))
	}
}
