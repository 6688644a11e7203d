package records_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/records"
)

// pass lets time go by as it does in a service that runs: it is looked at twice a day.
func (h *house) pass(by time.Duration) {
	h.t.Helper()
	for by > 0 {
		step := min(by, 12*time.Hour)
		by -= step
		h.advance(step)
		h.uptime.Add(int64(step))
		if _, err := h.KeepTime(ctx); err != nil {
			h.t.Fatal(err)
		}
		if err := h.log.CatchUp(ctx); err != nil {
			h.t.Fatal(err)
		}
	}
}

// erased forgets what is old, and returns how many request records that were.
func (h *house) erased() int {
	h.t.Helper()
	count := func() int {
		entries, err := h.engine.Scan(ctx, []byte{'r'}, nil, 1<<20)
		if err != nil {
			h.t.Fatal(err)
		}
		return len(entries)
	}
	before := count()
	if err := h.ForgetRequests(ctx); err != nil {
		h.t.Fatal(err)
	}
	return before - count()
}

// remembering is a house with twenty requests of a month ago, to the day.
func remembering(t *testing.T) (*house, person) {
	h, _ := inMemory(t)
	p := newPerson()
	for i := range 20 {
		if _, err := h.create(p, asked(fmt.Sprint("r", i), "x"), intake{name: "Amaru"}); err != nil {
			t.Fatal(err)
		}
	}
	h.pass(30 * 24 * time.Hour)
	return h, p
}

// wantOrder demands that no leaf is older than the one before it.
func (h *house) wantOrder() {
	h.t.Helper()
	var last time.Time
	for i, leaf := range h.leaves() {
		at := leaf.GetRecordedAt().AsTime()
		if at.Before(last) {
			h.t.Errorf("leaf %d is of %v, the one before it of %v", i, at, last)
		}
		last = at
	}
}

const decade = 3652 * 24 * time.Hour

// jumps are how far a clock is set, whether a start by it is let through, and
// whether somebody must confirm it.
var jumps = []struct {
	by            time.Duration
	start, freeze bool
}{
	{-decade, false, false},
	{-time.Hour, false, false},
	{-5 * time.Minute, true, false},
	{time.Minute, true, false},
	{time.Hour, true, false},
	{23 * time.Hour, true, false},
	{24*time.Hour + time.Minute, true, true},
	{decade, true, true},
}

// TestAClockThatJumps sets the clock while the service runs, and while it stands
// still: nothing is erased because of it, and time in the log does not go back.
func TestAClockThatJumps(t *testing.T) {
	for _, jump := range jumps {
		for _, running := range []bool{true, false} {
			t.Run(fmt.Sprintf("%v, running %v", jump.by, running), func(t *testing.T) {
				h, p := remembering(t)
				before := h.Now()
				h.advance(jump.by)
				if !running {
					h.reopen()
					if _, err := h.Started(ctx, false); (err == nil) != jump.start {
						t.Errorf("a start: %v, want it let through: %v", err, jump.start)
					}
				}
				h.wantNothingErased(p, jump.freeze)
				if h.Now().Before(before) {
					t.Error("the service's time goes back")
				}
				if !running || jump.start {
					h.reopen()
					h.wantNothingErased(p, jump.freeze)
				}
				h.wantOrder()
				h.wantClean()
			})
		}
	}
}

// wantNothingErased tries it at once and after whatever may come between.
func (h *house) wantNothingErased(p person, frozen bool) {
	h.t.Helper()
	for step, act := range []func() error{
		func() error { return nil },
		func() error {
			_, err := h.note(p, records.Request{}, h.mustCreate(p, intake{name: "Carlos"}), "x")
			return err
		},
		func() error { return h.log.CatchUp(ctx) },
		func() error { _, err := h.KeepTime(ctx); return err },
		func() error { return h.log.CatchUp(ctx) },
	} {
		if err := act(); err != nil {
			h.t.Fatal(err)
		}
		if got := h.Frozen(); got != frozen {
			h.t.Errorf("step %d: frozen is %v, want %v", step, got, frozen)
		}
		if got := h.erased(); got != 0 {
			h.t.Errorf("step %d: the jump erases %d request records", step, got)
		}
	}
}

// TestAConfirmedClock: the clock is confirmed by somebody whose own agrees with it,
// and then what has become old is forgotten.
func TestAConfirmedClock(t *testing.T) {
	h, p := remembering(t)
	h.advance(72 * time.Hour)
	if got := h.erased(); got != 0 || !h.Frozen() {
		t.Fatalf("%d erased, frozen %v", got, h.Frozen())
	}
	confirm := func(at time.Time) error {
		_, err := h.ConfirmClock(ctx, p.grant(t, "DeadlineService/ConfirmClock"), at)
		return err
	}
	for _, wrong := range []time.Time{h.Now().Add(-48 * time.Hour), h.Now().Add(6 * time.Minute), {}} {
		wantReason(t, "a clock that differs", confirm(wrong), amparov1.Reason_REASON_CLOCK_DIFFERS)
	}
	if got := h.erased(); got != 0 {
		t.Errorf("%d erased before the clock is confirmed", got)
	}
	for range 2 {
		if err := confirm(h.Now().Add(-4 * time.Minute)); err != nil || h.Frozen() {
			t.Fatalf("confirm: %v, frozen %v", err, h.Frozen())
		}
	}
	if got := h.erased(); got != 20 {
		t.Errorf("%d of 20 old request records erased once the clock is confirmed", got)
	}
	h.advance(decade)
	if !h.Frozen() {
		t.Error("a second leap is let through")
	}
}

// TestAClockSetBack: a service that runs goes on by its uptime, so that terms do not
// wait for the clock to come round again.
func TestAClockSetBack(t *testing.T) {
	h, p := remembering(t)
	id := h.withTriage(p)
	before := h.Now()
	h.advance(-decade)
	if told, err := h.Sweep(ctx); told != 0 || err != nil {
		t.Errorf("%d cases are told of, %v", told, err)
	}
	h.uptime.Add(int64(5 * time.Hour))
	if got := h.Now().Sub(before); got != 5*time.Hour {
		t.Errorf("five hours later the service's time is %v later", got)
	}
	if told, err := h.Sweep(ctx); told != 1 || err != nil {
		t.Errorf("%d cases are told of that are overdue, %v", told, err)
	}
	if terms := h.terms(id); terms[0].GetBreachedAt() == nil {
		t.Error("the breach is not on record")
	}
	h.wantOrder()
}

// TestAClockThatTrembles: what a clock does that is kept by a network erases nothing,
// freezes nothing, and does not turn time back.
func TestAClockThatTrembles(t *testing.T) {
	h, p := remembering(t)
	r := rand.New(rand.NewPCG(37, 37))
	off, last := time.Duration(0), h.Now()
	for range 500 {
		to := time.Duration(r.IntN(240)-120) * time.Second
		h.advance(to - off + time.Second)
		h.uptime.Add(int64(time.Second))
		off = to
		if now := h.Now(); now.Before(last) {
			t.Fatalf("time goes from %v to %v", last, now)
		} else {
			last = now
		}
		if r.IntN(20) == 0 {
			h.mustCreate(p, intake{name: "Amaru"})
		}
		if h.Frozen() || h.erased() != 0 {
			t.Fatal("it freezes or erases")
		}
	}
	h.wantOrder()
	h.wantClean()
}

// TestAClockSetForwardInSteps of less than a day each, with acts in between that hide
// the gap: the uptime tells, and a restart does not make it forgotten.
func TestAClockSetForwardInSteps(t *testing.T) {
	h, _ := remembering(t)
	for range 5 {
		h.advance(20 * time.Hour)
		h.mustCreate(newPerson(), intake{name: "Amaru"})
		if _, err := h.KeepTime(ctx); err != nil {
			t.Fatal(err)
		}
		if err := h.log.CatchUp(ctx); err != nil {
			t.Fatal(err)
		}
		if got := h.erased(); got != 0 {
			t.Fatalf("%d request records are erased", got)
		}
	}
	h.reopen()
	if got := h.erased(); got != 0 || !h.Frozen() {
		t.Errorf("after a restart %d request records are erased, frozen %v", got, h.Frozen())
	}
}

// TestTimeGoesOnAfterALeap: a clock that was set forward, used, and set right again
// leaves the service ahead, and not standing still: an alarm would never pass on.
func TestTimeGoesOnAfterALeap(t *testing.T) {
	h, _ := inMemory(t)
	h.advance(decade)
	h.raise()
	ahead := h.Now()
	h.advance(-decade)
	h.advance(15 * time.Minute)
	h.uptime.Add(int64(15 * time.Minute))
	if got := h.Now().Sub(ahead); got < 15*time.Minute {
		t.Errorf("a quarter of an hour later, %v have gone by", got)
	}
}
