package bench_test

import (
	"context"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/casefile"
	"github.com/amparo-project/amparo/internal/intake"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/servertest"
	"github.com/amparo-project/amparo/internal/spelling"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/bolt"
)

const office = "river-desk"

// connections is how many the callers of one side share.
const connections = 8

// span is over how many days a filled store's cases are spread.
const span = 3650 * 24 * time.Hour

// clock is the wall clock, or, while a store is filled, ten years in a minute.
type clock struct {
	filling atomic.Int64 // nanoseconds since 1970; zero for the wall clock
}

func (c *clock) now() time.Time {
	if at := c.filling.Load(); at != 0 {
		return time.Unix(0, at)
	}
	return time.Now()
}

// house is a service with an operator on several connections.
type house struct {
	*servertest.Service
	path     string // of the store's file
	clock    *clock
	operator *servertest.Person
	cases    []amparov1.CaseServiceClient
	queues   []amparov1.QueueServiceClient
	people   atomic.Uint64 // how many there were so far; none comes twice
	ids      []string      // of the cases that were filled in
}

// open starts a service as amparod would, on a file, with its limits raised.
func open(tb testing.TB) *house {
	tb.Helper()
	folder := tb.TempDir()
	h := &house{clock: &clock{}, path: filepath.Join(folder, "store.bolt")}
	engine, err := bolt.Create(bolt.Options{Path: h.path})
	check(tb, err)
	tb.Cleanup(func() { _ = h.Engine.Close() })
	h.Service = servertest.Start(tb, servertest.Options{
		Engine: engine, Now: h.clock.now, Unswept: true,
		FreeSpace: func() (uint64, error) {
			var stat unix.Statfs_t
			err := unix.Statfs(folder, &stat)
			return stat.Bavail * uint64(stat.Bsize), err
		},
	})
	h.operator = h.Enrol(tb, "Operator", []amparov1.Role{amparov1.Role_ROLE_HOTLINE_OPERATOR}, []string{office})
	for range connections {
		conn := h.Dial(tb, h.operator.Certificate)
		h.cases = append(h.cases, amparov1.NewCaseServiceClient(conn))
		h.queues = append(h.queues, amparov1.NewQueueServiceClient(conn))
	}
	return h
}

// reopen opens the file of a service that was stopped, and starts it again.
func (h *house) reopen(tb testing.TB) {
	tb.Helper()
	engine, err := bolt.Open(bolt.Options{Path: h.path})
	check(tb, err)
	h.Engine = engine
	h.Restart(tb)
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// next is a request about somebody new.
func (h *house) next() *amparov1.CreateIntakeRequest {
	i := h.people.Add(1)
	return &amparov1.CreateIntakeRequest{RequestId: records.NewID(), Intake: asked(i, name(i))}
}

// take sends an intake over the wire.
func (h *house) take(ctx context.Context, caller int) error {
	_, err := h.cases[caller%connections].CreateIntake(ctx, h.next())
	return err
}

// read opens one of the cases after the other over the wire.
func (h *house) read(ctx context.Context, caller int) error {
	i := nth(h.people.Add(1)) % uint64(len(h.ids))
	_, err := h.cases[caller%connections].GetCase(ctx, &amparov1.GetCaseRequest{CaseId: h.ids[i]})
	return err
}

// page asks for the first page of the queue.
func (h *house) page(ctx context.Context, caller int) error {
	answer, err := h.queues[caller%connections].ListQueue(ctx, &amparov1.ListQueueRequest{PageSize: 50})
	if err == nil && len(answer.GetRows()) != 50 {
		err = errWrong
	}
	return err
}

// search asks for the name that three cases bear.
func (h *house) search(ctx context.Context, caller int) error {
	answer, err := h.queues[caller%connections].SearchCases(ctx, &amparov1.SearchCasesRequest{Text: sharedName})
	if err == nil && len(answer.GetRows()) != 3 {
		err = errWrong
	}
	return err
}

// fill takes n cases in, spread over ten years, through records: what the server
// does with an intake, without the wire. Three of them bear the shared name.
func (h *house) fill(tb testing.TB, n int) {
	tb.Helper()
	const workers = 256
	end := time.Now()
	h.clock.filling.Store(end.Add(-span).UnixNano())
	defer h.clock.filling.Store(0)
	grant := h.grant(tb)
	h.ids = make([]string, n)
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for failed.Load() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				h.advance(end.Add(-span + span/time.Duration(n)*time.Duration(i)))
				called := name(h.people.Add(1))
				if i == n/4 || i == n/2 || i == n-1 {
					called = sharedName
				}
				id, err := h.enter(tb.Context(), grant, asked(uint64(i), called))
				if err != nil {
					failed.Store(&err)
				}
				h.ids[i] = id
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		tb.Fatal(*err)
	}
}

// advance moves the clock forward and never back: log time does not go back.
func (h *house) advance(to time.Time) {
	for {
		old := h.clock.filling.Load()
		if to.UnixNano() <= old || h.clock.filling.CompareAndSwap(old, to.UnixNano()) {
			return
		}
	}
}

// grant is what the operator may do at the door of an intake.
func (h *house) grant(tb testing.TB) access.Grant {
	tb.Helper()
	rules, err := access.LoadV1()
	check(tb, err)
	caller := h.Records.Directory().ByPin(h.operator.Pin)
	grant, err := access.Authorize(rules, caller, amparov1.CaseService_CreateIntake_FullMethodName, time.Now())
	check(tb, err)
	return grant
}

func (h *house) enter(ctx context.Context, grant access.Grant, request *amparov1.Intake) (id string, err error) {
	permit, err := grant.PermitIntake(request.GetOffice())
	if err != nil {
		return "", err
	}
	keys := intake.Keys(request.GetIdentity(), request.GetSafeContact(), request.GetSubmitter())
	strong := 0
	for _, key := range keys {
		if spelling.Strong(key) {
			strong++
		}
	}
	tokens := h.Records.Tokens(keys)
	_, err = h.Records.Update(ctx, grant, records.Request{}, nil, func(w *records.Work) (proto.Message, error) {
		id = records.NewID()
		c, entry, err := casefile.Act{StaffID: grant.StaffID(), Now: w.Now, Book: w.Book()}.Open(request, id, records.NewID(), request.GetOffice())
		if err != nil {
			return nil, err
		}
		facts := proto.CloneOf(request)
		facts.Identity = nil
		file, err := w.CreateCase(permit, c, facts, request.GetIdentity())
		if err != nil {
			return nil, err
		}
		file.SetTokens(tokens, strong)
		file.Append(entry)
		return nil, nil
	})
	return id, err
}

// settle waits until the log has taken in what was written so far.
func (h *house) settle(tb testing.TB) {
	tb.Helper()
	check(tb, h.Records.Note(tb.Context(), h.grant(tb), &amparov1.AuditLeaf{}))
	for before := uint64(0); ; {
		size := h.Log.State().Size
		if size == before {
			return
		}
		before = size
		time.Sleep(1200 * time.Millisecond) // a checkpoint follows within a second
	}
}

// footprint is what one intake writes, as the engine sees it.
func (h *house) footprint(tb testing.TB) (*amparov1.CreateIntakeResponse, []store.Write) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 10*time.Second)
	defer cancel()
	var answer *amparov1.CreateIntakeResponse
	sent := make(chan error, 1)
	go func() {
		var err error
		answer, err = h.cases[0].CreateIntake(ctx, h.next(), grpc.WaitForReady(true))
		sent <- err
	}()
	var writes []store.Write
	err := h.Engine.Watch(ctx, h.Log.State().Revision, func(batch store.Batch) error {
		for _, write := range batch.Writes {
			if write.Key[0] == 'r' { // the one request that is a person's own
				writes = batch.Writes
			}
		}
		if len(writes) < 6 {
			return nil
		}
		return context.Canceled
	})
	if len(writes) < 6 {
		tb.Fatal(err)
	}
	check(tb, <-sent)
	return answer, writes
}
