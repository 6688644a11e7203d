package bench_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/intake"
	"github.com/amparo-project/amparo/internal/lookup"
)

// million makes the large store ten times as large: filling it takes minutes.
var million = flag.Bool("million", false, "measure with a store of 1,000,000 cases instead of 100,000")

const few = 10_000

func many() int {
	if *million {
		return 1_000_000
	}
	return 100_000
}

// BenchmarkScale sets a store with many open cases against one with few: a page of
// the queue, a search, an intake. Then it stops the large one and waits for its
// first answer after the start, and looks at what it takes on disk.
func BenchmarkScale(b *testing.B) {
	small, large := open(b), open(b)
	small.fill(b, few)
	begin := time.Now()
	large.fill(b, many())
	large.settle(b)
	row("filling", "256", perSecond(many(), time.Since(begin)), fmt.Sprintf("%d cases over ten years", many()), "", "", "")
	large.disk(b, many())
	grown := func(what string) string { return fmt.Sprintf("%s, %d cases against %d", what, many(), few) }
	for _, part := range []struct {
		name, wanted string
		callers      int
		large, small call
	}{
		{"page of 50", "at most 1.35 times", 1, large.page, small.page},
		{"page of 50", "", 16, large.page, small.page},
		{"search, three found", "at most 1.35 times", 1, large.search, small.search},
		{"search, three found", "", 16, large.search, small.search},
		{"intake", "", 64, large.take, small.take},
	} {
		p := plan{callers: part.callers, rounds: 9, slice: 200 * time.Millisecond}
		b.Run(fmt.Sprintf("%s/callers=%d", part.name, part.callers), func(b *testing.B) {
			var r result
			for b.Loop() {
				r = duel(b, p, part.large, part.small)
			}
			r.report(b, p, grown(part.name), "many", "few", part.wanted)
		})
	}
	small.start(b, few)
	large.start(b, many())
}

func perSecond(n int, took time.Duration) string {
	return fmt.Sprintf("%.0f/s", float64(n)/took.Seconds())
}

// disk holds the file against the plaintext of the intakes in it: their bytes as
// marshalled, without what the service adds about each.
func (h *house) disk(b *testing.B, cases int) {
	info, err := os.Stat(h.path)
	check(b, err)
	plain := 0
	for i := range uint64(1000) {
		plain += proto.Size(asked(i, name(i)))
	}
	a := float64(info.Size()) / float64(cases)
	b.ReportMetric(a/float64(plain/1000), "disk/plaintext")
	row("disk a case", "", fmt.Sprintf("%.0f B", a), fmt.Sprintf("plaintext %d B", plain/1000),
		fmt.Sprintf("%.2f times", a*1000/float64(plain)), "", "at most 2.4 times")
}

// start measures from the opening of the store's file to the first page answered.
func (h *house) start(b *testing.B, cases int) {
	h.Stop()
	check(b, h.Engine.Close())
	begin := time.Now()
	h.reopen(b)
	opened := time.Since(begin)
	_, err := h.queues[0].ListQueue(b.Context(), &amparov1.ListQueueRequest{PageSize: 50}, grpc.WaitForReady(true))
	check(b, err)
	row("start to first answer", "1", fmt.Sprintf("%.2f s", time.Since(begin).Seconds()),
		fmt.Sprintf("%d cases, unsealed in %.2f s", cases, opened.Seconds()), "", "", "")
}

// BenchmarkIndex measures what a case takes in memory, at nine search keys.
func BenchmarkIndex(b *testing.B) {
	tokens := keysOf(asked(1, name(1)))
	var loaded, entered float64
	for b.Loop() {
		loaded = heapOf(func(x *lookup.Index) { x.Load(headsFor(many(), tokens)) }) / float64(many())
		entered = heapOf(func(x *lookup.Index) {
			for _, head := range headsFor(many(), tokens) {
				x.Apply(head)
			}
		}) / float64(many())
	}
	b.ReportMetric(loaded, "B/case")
	b.ReportMetric(entered, "B/case-entered")
	row("index, live heap a case", "", fmt.Sprintf("%.0f B", loaded),
		fmt.Sprintf("%d cases, %d search keys; %.0f B when entered one by one", many(), tokens, entered), "", "", "at most 300 B")
}

func keysOf(request *amparov1.Intake) int {
	return len(intake.Keys(request.GetIdentity(), request.GetSafeContact(), request.GetSubmitter()))
}

// heapOf is what an index still holds after fill and a collection.
func heapOf(fill func(*lookup.Index)) float64 {
	before := live()
	x := lookup.New()
	fill(x)
	after := live()
	runtime.KeepAlive(x)
	return float64(after) - float64(before)
}

func live() uint64 {
	runtime.GC()
	runtime.GC() // what the first one's pools still held
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// headsFor are heads as records enters them.
func headsFor(n, tokens int) []lookup.Head {
	heads := make([]lookup.Head, n)
	for i := range heads {
		at := uint64(i)
		head := lookup.Head{
			Kind: 1, ID: idOf(4 * at), Locator: idOf(4*at + 1), Pseudonym: idOf(4*at + 2), Hash: idOf(4*at + 3),
			Revision: at + 1, Version: 1, Wake: 1 + uint32(nth(at)>>33),
			Row:    lookup.Row{Order: nth(at), Due: 1, Received: 1, State: 1, Office: office, Flags: lookup.Queued, Owner: idOf(at % 40)},
			Tokens: make([]uint64, tokens),
		}
		for j := range head.Tokens {
			head.Tokens[j] = nth(at*uint64(tokens) + uint64(j))
		}
		heads[i] = head
	}
	return heads
}

func idOf(i uint64) (id lookup.ID) {
	for j := range id {
		id[j] = byte(nth(2*i+uint64(j/8)) >> (j % 8 * 8))
	}
	return id
}
