package bench_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// call is one request of a caller; callers are numbered from zero.
type call func(ctx context.Context, caller int) error

// plan is how two sides are set against each other.
type plan struct {
	callers int
	rounds  int
	slice   time.Duration // of one side in one round
}

// turn is what one side did in one slice.
type turn struct {
	perSecond float64
	median    time.Duration
	cpu       time.Duration // of one call, both ends and all that works beside them
}

// result is what came of a plan: medians over the rounds, and the medians of the
// ratios of each round.
type result struct {
	product, ceiling turn
	rate             float64 // product's rate by ceiling's
	wait             float64 // product's median by ceiling's
	cpu              float64 // product's processor time by ceiling's
}

// duel lets two sides work in turn. Who begins changes from round to round, so that
// neither always finds the disk as the other left it.
func duel(tb testing.TB, p plan, product, ceiling call) result {
	tb.Helper()
	warm := plan{callers: p.callers, slice: p.slice / 2}
	work(tb, warm, product)
	work(tb, warm, ceiling)
	var products, ceilings []turn
	for round := range p.rounds {
		if round%2 == 0 {
			products = append(products, work(tb, p, product))
			ceilings = append(ceilings, work(tb, p, ceiling))
		} else {
			ceilings = append(ceilings, work(tb, p, ceiling))
			products = append(products, work(tb, p, product))
		}
	}
	var rates, waits, cpus []float64
	for i := range p.rounds {
		rates = append(rates, products[i].perSecond/ceilings[i].perSecond)
		waits = append(waits, float64(products[i].median)/float64(ceilings[i].median))
		cpus = append(cpus, float64(products[i].cpu)/float64(ceilings[i].cpu))
	}
	return result{
		product: middle(products), ceiling: middle(ceilings),
		rate: median(rates), wait: median(waits), cpu: median(cpus),
	}
}

// work lets the callers call until the slice is over, and waits for the last
// answers.
func work(tb testing.TB, p plan, do call) turn {
	tb.Helper()
	ctx := tb.Context()
	var failed atomic.Pointer[error]
	waits := make([][]time.Duration, p.callers)
	begin, used := time.Now(), processTime(tb)
	var wg sync.WaitGroup
	for caller := range p.callers {
		wg.Go(func() {
			for last := begin; last.Sub(begin) < p.slice && failed.Load() == nil; {
				if err := do(ctx, caller); err != nil {
					failed.Store(&err)
					return
				}
				now := time.Now()
				waits[caller] = append(waits[caller], now.Sub(last))
				last = now
			}
		})
	}
	wg.Wait()
	took, used := time.Since(begin), processTime(tb)-used
	if err := failed.Load(); err != nil {
		tb.Fatal(*err)
	}
	all := slices.Concat(waits...)
	return turn{
		perSecond: float64(len(all)) / took.Seconds(), median: median(all),
		cpu: used / time.Duration(max(1, len(all))),
	}
}

// processTime is how long the cores have worked for this process. Neighbours on the
// machine change it less than they change rates.
func processTime(tb testing.TB) time.Duration {
	tb.Helper()
	var usage unix.Rusage
	check(tb, unix.Getrusage(unix.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func median[T float64 | time.Duration](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[len(sorted)/2]
}

func middle(turns []turn) turn {
	var rates []float64
	var waits, cpus []time.Duration
	for _, t := range turns {
		rates, waits, cpus = append(rates, t.perSecond), append(waits, t.median), append(cpus, t.cpu)
	}
	return turn{median(rates), median(waits), median(cpus)}
}

// report hands a result to go test and prints its row of the table.
func (r result) report(b *testing.B, p plan, what, unit, against, wanted string) {
	b.Helper()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(r.product.perSecond, unit+"/s")
	b.ReportMetric(r.ceiling.perSecond, against+"/s")
	b.ReportMetric(r.rate, "ratio")
	b.ReportMetric(r.wait, "wait-ratio")
	b.ReportMetric(float64(r.product.cpu.Microseconds()), "cpu-us/"+unit)
	b.ReportMetric(float64(r.ceiling.cpu.Microseconds()), "cpu-us/"+against)
	b.ReportMetric(r.cpu, "cpu-ratio")
	row(what, fmt.Sprint(p.callers), rate(r.product), rate(r.ceiling), fmt.Sprintf("%.2f", r.rate), fmt.Sprintf("%.2f", r.wait), wanted)
}

func rate(t turn) string {
	return fmt.Sprintf("%.0f/s, %.2f ms", t.perSecond, float64(t.median.Microseconds())/1000)
}

var heading sync.Once

// row prints a row of the table, and before the first one its head.
func row(cells ...string) {
	line := func(cells []string) {
		for _, cell := range cells {
			fmt.Fprint(os.Stdout, "| ", cell, " ")
		}
		fmt.Fprintln(os.Stdout, "|")
	}
	heading.Do(func() {
		line([]string{"what", "callers", "Amparo", "against", "rate ratio", "median ratio", "wanted"})
		line([]string{"---", "---", "---", "---", "---", "---", "---"})
	})
	line(cells)
}
