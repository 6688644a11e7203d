package bench_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/records"
)

const (
	// together is how many cases have something to tell at the same hour.
	together = 1000
	// half of a re-assessment at a low risk, after which its first warning comes.
	half = 45 * 24 * time.Hour
)

// BenchmarkSweep sets a sweep of a store with many running clocks against one with
// few, a thousand of which are due in either.
func BenchmarkSweep(b *testing.B) {
	begun := time.Now()
	small, large := open(b), open(b)
	small.fillClocks(b, few, begun)
	large.fillClocks(b, many(), begun)
	const rounds = 7
	small.settle(b)
	large.settle(b)
	for b.Loop() {
		small.sweepHour(b, begun)
		large.sweepHour(b, begun)
		var smalls, larges []time.Duration
		var ratios, cpus []float64
		for round := range rounds {
			hour := begun.Add(time.Duration(round+1) * time.Hour)
			var s, l, sUsed, lUsed time.Duration
			if round%2 == 0 {
				s, sUsed = small.sweepHour(b, hour)
				l, lUsed = large.sweepHour(b, hour)
			} else {
				l, lUsed = large.sweepHour(b, hour)
				s, sUsed = small.sweepHour(b, hour)
			}
			smalls, larges = append(smalls, s), append(larges, l)
			ratios, cpus = append(ratios, float64(l)/float64(s)), append(cpus, float64(lUsed)/float64(sUsed))
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(median(ratios), "ratio")
		b.ReportMetric(median(cpus), "cpu-ratio")
		inMillis := func(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }
		row(fmt.Sprintf("sweep, %d due, %d clocks against %d", together, many(), few), "1",
			inMillis(median(larges)), inMillis(median(smalls)), "", fmt.Sprintf("%.2f", median(ratios)), "at most 1.5 times")
	}
}

// fillClocks enters n cases that have nothing but a clock each. A thousand of them
// have their first notice at the instant begun, and a thousand more each hour after;
// neighbours on the disk are not due together.
func (h *house) fillClocks(b *testing.B, n int, begun time.Time) {
	b.Helper()
	const workers, atOnce = 16, 25
	h.clock.filling.Store(begun.Add(-time.Minute).UnixNano())
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for failed.Load() == nil {
				first := int(next.Add(atOnce)) - atOnce
				if first >= n {
					return
				}
				bases := make([]time.Time, atOnce)
				for i := range bases {
					bases[i] = begun.Add(time.Duration((first+i)%(n/together))*time.Hour - half)
				}
				if err := h.enterClocks(b.Context(), bases); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		b.Fatal(*err)
	}
}

// enterClocks enters a case for each base of its clock.
func (h *house) enterClocks(ctx context.Context, bases []time.Time) error {
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_INTAKE)
	_, err := h.Records.Update(ctx, grant, records.Request{}, nil, func(w *records.Work) (proto.Message, error) {
		permit, err := grant.PermitDirectory()
		if err != nil {
			return nil, err
		}
		for _, base := range bases {
			terms, err := w.Book().Apply(nil, &amparov1.TermEvent{
				Event: amparov1.TermEventKind_TERM_EVENT_KIND_STARTED, At: timestamppb.New(w.Now), RulesVersion: w.Book().Version,
				Base: timestamppb.New(base), Kind: amparov1.TermKind_TERM_KIND_REASSESSMENT, Level: amparov1.RiskLevel_RISK_LEVEL_LOW,
			})
			if err != nil {
				return nil, err
			}
			if _, err := w.CreateCase(permit, &amparov1.Case{
				Id: records.NewID(), Pseudonym: records.NewID(), Office: office, State: amparov1.CaseState_CASE_STATE_ACTIVE,
				ReceivedAt: timestamppb.New(base), OwnerId: h.operator.StaffID, Terms: terms,
			}, &amparov1.Intake{}, &amparov1.Identity{}); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
	return err
}

// sweepHour sweeps what is due at an instant, and returns how long that took, and how
// long the cores worked for it.
func (h *house) sweepHour(b *testing.B, at time.Time) (took, used time.Duration) {
	b.Helper()
	h.clock.filling.Store(at.Add(time.Second).UnixNano())
	begin, before := time.Now(), processTime(b)
	told, err := h.Records.Sweep(context.WithoutCancel(b.Context()))
	took, used = time.Since(begin), processTime(b)-before
	check(b, err)
	if told != together {
		b.Fatalf("%d cases were told of, want %d", told, together)
	}
	return took, used
}
