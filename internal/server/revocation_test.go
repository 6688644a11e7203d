package server_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/servertest"
)

// streamEnd is within what time an open stream of somebody shut out must end.
const streamEnd = 2 * time.Second

// caller calls in a loop and remembers whether a call that began after the door was
// shut came through.
type caller struct {
	shut          atomic.Int64 // when, in nanoseconds; zero while open
	before, after atomic.Int64 // calls that were answered, and that were made after
	through       atomic.Int64 // calls made after that were answered with content
}

func (c *caller) loop(ctx context.Context, conn *grpc.ClientConn) {
	client := amparov1.NewQueueServiceClient(conn)
	for ctx.Err() == nil {
		shut := c.shut.Load() != 0
		_, err := client.ListQueue(ctx, &amparov1.ListQueueRequest{})
		switch {
		case !shut && err == nil:
			c.before.Add(1)
		case shut:
			c.after.Add(1)
			if err == nil {
				c.through.Add(1)
			}
		}
	}
}

// TestShutOut shuts a person out in the middle of their work. From the moment at
// which the act is acknowledged, no call that begins is answered; the open stream
// ends in time; and a restart changes nothing.
func TestShutOut(t *testing.T) {
	operator := []amparov1.Role{amparov1.Role_ROLE_HOTLINE_OPERATOR}
	for _, row := range []struct {
		name string
		act  func(t *testing.T, w *world, clock *clock, p *servertest.Person)
	}{
		{"suspended", func(t *testing.T, w *world, _ *clock, p *servertest.Person) { w.suspend(t, p) }},
		{"device revoked", func(t *testing.T, w *world, _ *clock, p *servertest.Person) { w.revoke(t, p) }},
		{"account expired", func(_ *testing.T, _ *world, clock *clock, _ *servertest.Person) { clock.Advance(2 * time.Hour) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			clock := newClock()
			w := &world{Service: servertest.Start(t, servertest.Options{Now: clock.Now})}
			person := w.EnrolUntil(t, "operator", operator, []string{"north"}, clock.Now().Add(time.Hour))
			stream, err := amparov1.NewQueueServiceClient(w.Dial(t, person.Certificate)).WatchQueue(t.Context(), &amparov1.WatchQueueRequest{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := stream.Recv(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() {
				_, err := stream.Recv()
				ended <- err
			}()
			calls := &caller{}
			ctx, cancel := context.WithCancel(t.Context())
			var loops sync.WaitGroup
			for range 4 {
				conn := w.Dial(t, person.Certificate)
				loops.Go(func() { calls.loop(ctx, conn) })
			}
			for calls.before.Load() < 200 {
				time.Sleep(time.Millisecond)
			}
			row.act(t, w, clock, person)
			begin := time.Now()
			calls.shut.Store(begin.UnixNano())
			streamEnds(t, ended, begin)
			for calls.after.Load() < 1000 && time.Since(begin) < 5*time.Second {
				time.Sleep(time.Millisecond)
			}
			cancel()
			loops.Wait()
			t.Logf("answered before: %d; made after: %d", calls.before.Load(), calls.after.Load())
			if calls.through.Load() != 0 || calls.after.Load() < 200 {
				t.Errorf("%d of %d calls came through after the act", calls.through.Load(), calls.after.Load())
			}
			w.staysOut(t, person)
			w.Restart(t)
			w.staysOut(t, person)
		})
	}
}

func streamEnds(t *testing.T, ended <-chan error, begin time.Time) {
	t.Helper()
	select {
	case err := <-ended:
		t.Logf("the stream ended after %v", time.Since(begin))
		if status.Code(err) != codes.Unauthenticated || time.Since(begin) > streamEnd {
			t.Errorf("the stream ended after %v with %v", time.Since(begin), err)
		}
	case <-time.After(2 * streamEnd):
		t.Error("the stream does not end")
	}
}

// staysOut asks anew over a connection of its own.
func (w *world) staysOut(t *testing.T, person *servertest.Person) {
	t.Helper()
	conn := w.Dial(t, person.Certificate)
	defer conn.Close()
	if _, err := amparov1.NewStaffServiceClient(conn).WhoAmI(t.Context(), &amparov1.WhoAmIRequest{}, grpc.WaitForReady(true)); reason(err) != "DEVICE_NOT_ACTIVE" {
		t.Errorf("somebody shut out: %v", err)
	}
}

// TestLetInAgain: a suspension is not for ever, a revoked device is.
func TestLetInAgain(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	suspended, revoked := w.north[amparov1.Role_ROLE_REVIEWER], w.north[amparov1.Role_ROLE_CASE_OFFICER]
	w.suspend(t, suspended)
	w.revoke(t, revoked)
	w.suspend(t, revoked)
	for _, person := range []*servertest.Person{suspended, revoked} {
		_, err := amparov1.NewStaffServiceClient(w.Admin.Conn).ReinstateStaff(t.Context(), &amparov1.ReinstateStaffRequest{
			RequestId: records.NewID(), StaffId: person.StaffID,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := amparov1.NewStaffServiceClient(suspended.Conn).WhoAmI(t.Context(), &amparov1.WhoAmIRequest{}); err != nil {
		t.Errorf("a person reinstated: %v", err)
	}
	w.staysOut(t, revoked)
}

// TestTheLastAdministrator cannot be shut out, by nobody and in no way, not even by
// two who shut each other out at the same time.
func TestTheLastAdministrator(t *testing.T) {
	w := &world{Service: servertest.Start(t, servertest.Options{})}
	administrators := func() (active []*servertest.Person) {
		for _, p := range []*servertest.Person{w.Admin, w.bystander} {
			if _, err := amparov1.NewStaffServiceClient(p.Conn).ListStaff(t.Context(), &amparov1.ListStaffRequest{}); err == nil {
				active = append(active, p)
			}
		}
		return active
	}
	out := func(by, whom *servertest.Person, device bool) error {
		client := amparov1.NewStaffServiceClient(by.Conn)
		if device {
			_, err := client.RevokeDevice(t.Context(), &amparov1.RevokeDeviceRequest{RequestId: records.NewID(), DeviceId: whom.DeviceID})
			return err
		}
		_, err := client.SuspendStaff(t.Context(), &amparov1.SuspendStaffRequest{RequestId: records.NewID(), StaffId: whom.StaffID})
		return err
	}
	for _, device := range []bool{false, true} {
		if err := out(w.Admin, w.Admin, device); reason(err) != "LAST_ADMINISTRATOR" {
			t.Errorf("the only administrator, device %v: %v", device, err)
		}
	}
	for round := range 20 {
		w.bystander = w.Enrol(t, "second", []amparov1.Role{amparov1.Role_ROLE_ADMINISTRATOR}, nil)
		var both sync.WaitGroup
		both.Go(func() { _ = out(w.Admin, w.bystander, round%2 == 0) })
		both.Go(func() { _ = out(w.bystander, w.Admin, round%3 == 0) })
		both.Wait()
		left := administrators()
		if len(left) == 0 {
			t.Fatalf("round %d: nobody is left who could administer", round)
		}
		for _, other := range left[1:] { // both were refused: one of them goes now
			if err := out(left[0], other, false); err != nil {
				t.Fatal(err)
			}
		}
		w.Admin = left[0]
	}
}
