package bench_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// plans are many callers and one. At one caller the wait counts, and at many the
// rate.
var plans = []plan{
	{callers: 64, rounds: 9, slice: 400 * time.Millisecond},
	{callers: 1, rounds: 9, slice: 300 * time.Millisecond},
}

// taking lets the ceiling take the same requests as the house.
func taking(h *house, c *ceiling) call {
	return func(ctx context.Context, caller int) error {
		_, err := c.cases[caller%connections].CreateIntake(ctx, h.next())
		return err
	}
}

// BenchmarkIntake sets a durable intake against its ceiling.
func BenchmarkIntake(b *testing.B) {
	for _, p := range plans {
		b.Run(fmt.Sprintf("callers=%d", p.callers), func(b *testing.B) {
			h := open(b)
			c := ceilingOf(b, h)
			var r result
			for b.Loop() {
				r = duel(b, p, h.take, taking(h, c))
			}
			r.report(b, p, "intake", "intakes", "ceiling", wanted(p, "median at most 1.30"))
		})
	}
}

// BenchmarkGetCase sets the reading of a case, of 5,000, against its ceiling.
func BenchmarkGetCase(b *testing.B) {
	for _, p := range plans {
		b.Run(fmt.Sprintf("callers=%d", p.callers), func(b *testing.B) {
			h := open(b)
			c := ceilingOf(b, h)
			h.fill(b, 5000)
			h.showSame(b, c)
			var r result
			for b.Loop() {
				r = duel(b, p, h.read, c.read)
			}
			r.report(b, p, "reading a case", "reads", "ceiling", wanted(p, ""))
		})
	}
}

// showSame gives the ceiling the answer of the house.
func (h *house) showSame(tb testing.TB, c *ceiling) {
	tb.Helper()
	answer, err := h.cases[0].GetCase(tb.Context(), &amparov1.GetCaseRequest{CaseId: h.ids[0]})
	check(tb, err)
	c.hold(tb, answer)
}

// wanted is what is asked for: of many callers the same for all calls.
func wanted(p plan, ofOne string) string {
	if p.callers == 1 {
		return ofOne
	}
	return "rate at least 0.70"
}

// BenchmarkProfile runs one side for a while, for the profiler.
func BenchmarkProfile(b *testing.B) {
	p := plan{callers: 64, slice: 10 * time.Second}
	h := open(b)
	h.fill(b, 1000)
	for name, do := range map[string]call{"intake": h.take, "read": h.read} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				b.ReportMetric(work(b, p, do).perSecond, "calls/s")
			}
		})
	}
}
