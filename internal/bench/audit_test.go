package bench_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sys/unix"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/proof"
	"github.com/amparo-project/amparo/internal/proof/prooftest"
	"github.com/amparo-project/amparo/internal/records"
)

// BenchmarkAudit sets the export of a log over the wire into a file, and its
// verification with all that is judged of it, against the bare hashing of the same
// leaves: their hashes and those of the tree over them, in memory, on one core, as the
// library does it that both use too.
func BenchmarkAudit(b *testing.B) {
	h := open(b)
	h.fillLog(b, many())
	h.settle(b)
	l := h.auditorsLog(b)
	l.hold(b)
	kinds := []string{"audit export", "audit verification", "audit export and verification"}
	for b.Loop() {
		took, used := map[string][]float64{}, map[string][]float64{}
		var bares, exports, verifications []time.Duration
		for round := range 7 {
			var bare, export, verification, bareUsed, exportUsed, verifyUsed time.Duration
			measureBare := func() { bare, bareUsed = timed(b, l.bare) }
			measure := func() {
				export, exportUsed = timed(b, l.export)
				verification, verifyUsed = timed(b, l.verify)
			}
			if round%2 == 0 {
				measureBare()
				measure()
			} else {
				measure()
				measureBare()
			}
			for i, cost := range [][2]time.Duration{{export, exportUsed}, {verification, verifyUsed}, {export + verification, exportUsed + verifyUsed}} {
				took[kinds[i]] = append(took[kinds[i]], float64(cost[0])/float64(bare))
				used[kinds[i]] = append(used[kinds[i]], float64(cost[1])/float64(bareUsed))
			}
			bares, exports, verifications = append(bares, bare), append(exports, export), append(verifications, verification)
		}
		b.ReportMetric(0, "ns/op")
		inMillis := func(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }
		for i, cost := range []time.Duration{median(exports), median(verifications), median(exports) + median(verifications)} {
			b.ReportMetric(median(took[kinds[i]]), []string{"export", "verification", "both"}[i]+"-ratio")
			b.ReportMetric(median(used[kinds[i]]), []string{"export", "verification", "both"}[i]+"-cpu-ratio")
			wanted := "at most 3 times"
			if i == 2 {
				wanted = "" // of each; what both come to is for whoever does the one after the other
			}
			row(fmt.Sprintf("%s, %d leaves", kinds[i], l.size), "1", inMillis(cost), inMillis(median(bares))+", bare hashing", "",
				fmt.Sprintf("%.2f", median(took[kinds[i]])), wanted)
		}
	}
	b.ReportMetric(float64(l.peak(b))/(1<<20), "MiB-verification")
}

// timed is how long something takes, and how long the cores work for it.
func timed(tb testing.TB, do func() error) (took, used time.Duration) {
	tb.Helper()
	runtime.GC()
	begin, before := time.Now(), processTime(tb)
	check(tb, do())
	return time.Since(begin), processTime(tb) - before
}

// perTurn is how many leaves are of one case: three of them hold entries of its ledger,
// a quarter of the others change it, and the rest is somebody who reads it.
const perTurn = 150

// fillLog records n leaves through records. Each worker has a case of its own, since
// the entries of a ledger follow each other.
func (h *house) fillLog(tb testing.TB, n int) {
	tb.Helper()
	const workers = 128
	grant := h.grant(tb)
	var turns atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for failed.Load() == nil && turns.Add(1) <= int64(n/perTurn) {
				log := prooftest.New(time.Now())
				c := log.Case(records.NewID())
				for i := range perTurn {
					if i > 0 {
						log.Now = time.Now()
						happen(log, c, i)
					}
					if err := h.Records.Note(tb.Context(), grant, log.Leaves[i]); err != nil {
						failed.Store(&err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		tb.Fatal(*err)
	}
}

// happen is the i-th thing that befalls a case.
func happen(log *prooftest.Log, c *prooftest.Case, i int) {
	switch {
	case i == 10:
		c.Consent()
	case i == 20:
		c.Check()
	case i == 30:
		c.Disclose()
	case i%4 == 1:
		c.Together(amparov1.LeafAction_LEAF_ACTION_NOTE)
	default:
		log.Read(c.Pseudonym)
	}
}

// auditorsLog is the log of a service as its auditor takes it away.
type auditorsLog struct {
	tb     testing.TB
	audit  amparov1.AuditServiceClient
	key    string
	path   string
	size   int
	leaves []byte // one after the other, outside the heap
	ends   []int
}

func (h *house) auditorsLog(tb testing.TB) *auditorsLog {
	tb.Helper()
	auditor := h.Enrol(tb, "Auditor", []amparov1.Role{amparov1.Role_ROLE_AUDITOR}, nil)
	l := &auditorsLog{
		tb: tb, audit: amparov1.NewAuditServiceClient(auditor.Conn), key: h.Records.LogKey(), path: filepath.Join(tb.TempDir(), "log.amparo"),
	}
	h.settle(tb)
	return l
}

// parts sends the log as the client receives it.
func (l *auditorsLog) parts(each func(first *amparov1.ExportLogResponse, leaves iter.Seq2[[]byte, error]) error) error {
	stream, err := l.audit.ExportLog(l.tb.Context(), &amparov1.ExportLogRequest{})
	if err != nil {
		return err
	}
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	return each(first, func(yield func([]byte, error) bool) {
		for {
			part, err := stream.Recv()
			if errors.Is(err, io.EOF) {
				return
			}
			for _, leaf := range part.GetLeaves() {
				if !yield(leaf, nil) {
					return
				}
			}
			if err != nil {
				yield(nil, err)
				return
			}
		}
	})
}

// hold puts the leaves where they cost the collector nothing, which would otherwise
// work less for both sides.
func (l *auditorsLog) hold(tb testing.TB) {
	tb.Helper()
	file, err := os.Create(filepath.Join(tb.TempDir(), "leaves"))
	check(tb, err)
	defer file.Close()
	out, end := bufio.NewWriter(file), 0
	check(tb, l.parts(func(_ *amparov1.ExportLogResponse, leaves iter.Seq2[[]byte, error]) error {
		for raw, err := range leaves {
			if err != nil {
				return err
			}
			if _, err := out.Write(raw); err != nil {
				return err
			}
			end += len(raw)
			l.ends = append(l.ends, end)
		}
		return out.Flush()
	}))
	l.size = len(l.ends)
	l.leaves, err = unix.Mmap(int(file.Fd()), 0, end, unix.PROT_READ, unix.MAP_PRIVATE)
	check(tb, err)
	tb.Cleanup(func() { _ = unix.Munmap(l.leaves) })
}

// bare hashes the leaves and the tree over them.
func (l *auditorsLog) bare() error {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			hashes[i] = stored[index]
		}
		return hashes, nil
	})
	from := 0
	for i, to := range l.ends {
		hashes, err := tlog.StoredHashes(int64(i), l.leaves[from:to], reader)
		if err != nil {
			return err
		}
		stored = append(stored, hashes...)
		from = to
	}
	_, err := tlog.TreeHash(int64(len(l.ends)), reader)
	return err
}

// export takes the log away, durably, as amparo audit export does.
func (l *auditorsLog) export() error {
	file, err := os.Create(l.path)
	if err != nil {
		return err
	}
	err = l.parts(func(first *amparov1.ExportLogResponse, leaves iter.Seq2[[]byte, error]) error {
		return audit.WriteExport(file, first.GetLogKey(), first.GetCheckpoint(), leaves)
	})
	return errors.Join(err, file.Sync(), file.Close())
}

// verify verifies the file and judges what left, as amparo audit verify does.
func (l *auditorsLog) verify() error { return l.verifySeeing(func(uint64) {}) }

func (l *auditorsLog) verifySeeing(see func(index uint64)) error {
	file, err := os.Open(l.path)
	if err != nil {
		return err
	}
	defer file.Close()
	p := proof.New()
	report, err := audit.VerifyExport(file, audit.VerifyOptions{LogKey: l.key, Leaf: func(index uint64, leaf *amparov1.AuditLeaf) error {
		p.Leaf(index, leaf)
		see(index)
		return nil
	}})
	if err != nil {
		return err
	}
	if judged := p.Finish(); !judged.Sound() || judged.Classes["CONSENT"] != uint64(l.size/perTurn) || report.Size < uint64(l.size) {
		return errWrong
	}
	return nil
}

// peak is the largest heap that a verification was seen to have.
func (l *auditorsLog) peak(tb testing.TB) (peak uint64) {
	tb.Helper()
	check(tb, l.verifySeeing(func(index uint64) {
		if index%50_000 == 0 {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc)
		}
	}))
	return peak
}
