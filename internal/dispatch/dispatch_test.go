package dispatch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/dispatch"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/memory"
)

const duress = amparov1.AlarmKind_ALARM_KIND_DURESS

// night is a store with a dispatcher in a bubble of time, and what was sent.
type night struct {
	*records.Records
	t      *testing.T
	engine *memory.Engine
	begun  time.Time

	mu     sync.Mutex
	sent   []string // time since the beginning, way, person
	failed int
}

// live runs fn in a bubble with ana and ben on call for two days, and a dispatcher.
func live(t *testing.T, fn func(n *night), ways ...func(n *night) dispatch.Way) {
	t.Helper()
	k, err := sharedKeys()
	must(t, err)
	synctest.Test(t, func(t *testing.T) {
		engine := memory.New(memory.Limits{})
		n := &night{Records: unseal(t, engine, k, true), t: t, engine: engine, begun: time.Now()}
		hire(t, n.Records)
		announce(t, n.Records, 48*time.Hour, "ana", "ben")
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		config := dispatch.Config{Records: n.Records, Failed: n.note}
		for _, way := range ways {
			config.Ways = append(config.Ways, way(n))
		}
		go func() { defer close(ended); _ = dispatch.Run(ctx, config) }()
		fn(n)
		cancel()
		<-ended
	})
}

func (n *night) note(string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.failed++
}

func (n *night) wrote(way string, m dispatch.Message) {
	n.mu.Lock()
	defer n.mu.Unlock()
	kind := ""
	if m.Alarm == "" {
		kind = " task"
	}
	n.sent = append(n.sent, fmt.Sprintf("%s %s %s%s", time.Since(n.begun).Round(time.Second), way, m.StaffID, kind))
}

// want compares what was sent so far, in whatever order, and forgets it.
func (n *night) want(lines ...string) {
	n.t.Helper()
	synctest.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	slices.Sort(n.sent)
	slices.Sort(lines)
	if got, want := strings.Join(n.sent, "\n"), strings.Join(lines, "\n"); got != want {
		n.t.Errorf("sent:\n%s\nwant:\n%s", got, want)
	}
	n.sent = nil
}

// calls are who was called for the one open alarm, those not reached in brackets.
func (n *night) calls() string {
	n.t.Helper()
	synctest.Wait()
	if len(n.Board().Alarms) != 1 {
		n.t.Fatalf("%d alarms are open", len(n.Board().Alarms))
	}
	var who []string
	for _, call := range n.Board().Alarms[0].GetCalls() {
		name := call.GetStaffId()
		if !call.GetReached() {
			name = "(" + name + ")"
		}
		who = append(who, name)
	}
	return strings.Join(who, " ")
}

func good(name string) func(*night) dispatch.Way {
	return func(n *night) dispatch.Way {
		return dispatch.Way{Name: name, Send: func(_ context.Context, m dispatch.Message) error {
			if m.Mail == "" {
				return dispatch.ErrNoWay
			}
			n.wrote(name, m)
			return nil
		}}
	}
}

// stalled takes a message and never comes back, whatever its context says, until the
// test ends.
func stalled(name string) func(*night) dispatch.Way {
	return func(n *night) dispatch.Way {
		over := n.t.Context()
		return dispatch.Way{Name: name, Send: func(_ context.Context, m dispatch.Message) error {
			n.wrote(name, m)
			<-over.Done()
			return over.Err()
		}}
	}
}

// refusing fails until the time has come.
func refusing(name string, until time.Duration) func(*night) dispatch.Way {
	return func(n *night) dispatch.Way {
		return dispatch.Way{Name: name, Send: func(_ context.Context, m dispatch.Message) error {
			if time.Since(n.begun) < until {
				return errors.New("no line")
			}
			n.wrote(name, m)
			return nil
		}}
	}
}

func TestAnAlarmPassesOnUntilItIsAcknowledged(t *testing.T) {
	live(t, func(n *night) {
		time.Sleep(time.Minute)
		alarm := raise(t, n.Records, duress)
		n.want("1m0s mail ana", "1m0s hook ana")
		time.Sleep(15*time.Minute - time.Second)
		n.want()
		time.Sleep(time.Second)
		n.want("16m0s mail ben", "16m0s hook ben")
		time.Sleep(10 * time.Minute)
		acknowledge(t, n.Records, alarm, "ben")
		time.Sleep(5 * time.Hour)
		n.want()
		raise(t, n.Records, duress)
		time.Sleep(45 * time.Minute)
		n.want("5h26m0s mail ana", "5h26m0s hook ana", "5h41m0s mail ben", "5h41m0s hook ben",
			"5h56m0s mail rut", "5h56m0s hook rut", "6h11m0s mail ana", "6h11m0s hook ana")
		if got := n.calls(); got != "ana ben rut ana" {
			t.Errorf("called: %s", got)
		}
	}, good("mail"), good("hook"))
}

// TestAStalledServerHoldsUpNobody: neither the other way, nor the next alarm, nor the
// one after many of them.
func TestAStalledServerHoldsUpNobody(t *testing.T) {
	live(t, func(n *night) {
		raise(t, n.Records, duress)
		time.Sleep(time.Millisecond)
		n.wantHas("0s hook ana")
		if got := n.calls(); got != "ana" {
			t.Errorf("called: %s, want ana reached by the other way", got)
		}
		raise(t, n.Records, amparov1.AlarmKind_ALARM_KIND_MISSED_CHECK_IN)
		time.Sleep(time.Millisecond)
		n.wantHas("0s hook ana", "0s hook ana")
		time.Sleep(24 * time.Hour)
		raise(t, n.Records, amparov1.AlarmKind_ALARM_KIND_EXTREME)
		time.Sleep(time.Millisecond)
		n.wantHas("24h0m0s hook ana")
	}, stalled("mail"), good("hook"))
}

func (n *night) wantHas(lines ...string) {
	n.t.Helper()
	synctest.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	all := strings.Join(n.sent, "\n")
	for _, line := range lines {
		if strings.Count(all, line) < strings.Count(strings.Join(lines, "\n"), line) {
			n.t.Errorf("%q is not among what was sent:\n%s", line, all)
		}
	}
}

// TestManyAlarmsAtOnce: a hundred offices that have nobody left. The head of another
// is told of each at once, and each call is noted once.
func TestManyAlarmsAtOnce(t *testing.T) {
	live(t, func(n *night) {
		act(t, n.Records, n.DutyFile(), func(w *records.Work) error {
			for i := range 100 {
				if err := w.Raise(duress, nil, fmt.Sprint("office-", i)); err != nil {
					return err
				}
			}
			return nil
		})
		n.want(slices.Repeat([]string{"0s mail hal"}, 100)...)
		time.Sleep(14 * time.Minute)
		n.want()
		for _, alarm := range n.Board().Alarms {
			if len(alarm.GetCalls()) != 1 || !alarm.GetCalls()[0].GetReached() {
				t.Fatalf("%d calls are noted for an alarm, want one", len(alarm.GetCalls()))
			}
		}
	}, good("mail"))
}

// slow is a way that takes its time.
func slow(name string, by time.Duration) func(*night) dispatch.Way {
	return func(n *night) dispatch.Way {
		return dispatch.Way{Name: name, Send: func(_ context.Context, m dispatch.Message) error {
			time.Sleep(by)
			n.wrote(name, m)
			return nil
		}}
	}
}

// TestOneWayIsEnough: the mail is refused at once, and the person is not taken for
// out of reach before the other way has had its time.
func TestOneWayIsEnough(t *testing.T) {
	live(t, func(n *night) {
		raise(t, n.Records, duress)
		time.Sleep(10 * time.Minute)
		n.want("5s hook ana")
		if got := n.calls(); got != "ana" {
			t.Errorf("called: %s", got)
		}
	}, refusing("mail", time.Hour), slow("hook", 5*time.Second))
}

// TestAFloodOfNoticesHoldsUpNoAlarm: every line for ordinary notices is stalled.
func TestAFloodOfNoticesHoldsUpNoAlarm(t *testing.T) {
	live(t, func(n *night) {
		tell(t, n.Records, "ana", "ben", "eva", "rut")
		time.Sleep(31 * time.Minute)
		raise(t, n.Records, duress)
		n.wantHas("31m0s mail ana")
	}, func(n *night) dispatch.Way {
		free, blocked := good("mail")(n), stalled("mail")(n)
		return dispatch.Way{Name: "mail", Send: func(ctx context.Context, m dispatch.Message) error {
			if m.Alarm == "" {
				return blocked.Send(ctx, m)
			}
			return free.Send(ctx, m)
		}}
	})
}

// TestWhomNoMessageReachesIsPassedBySooner: with every way stalled the alarm still
// goes round, and each attempt ends.
func TestWhomNoMessageReachesIsPassedBySooner(t *testing.T) {
	live(t, func(n *night) {
		raise(t, n.Records, duress)
		time.Sleep(31 * time.Second)
		if got := n.calls(); got != "(ana)" {
			t.Errorf("after half a minute: %s", got)
		}
		time.Sleep(91 * time.Second)
		if got := n.calls(); got != "(ana) (ben)" {
			t.Errorf("a minute and a try later: %s", got)
		}
		time.Sleep(30 * time.Minute)
		if got := n.calls(); !strings.HasPrefix(got, "(ana) (ben) (rut) (ana)") {
			t.Errorf("after half an hour: %s", got)
		}
	}, stalled("mail"))
}

func TestWithoutAnyWayAnAlarmStillPassesOn(t *testing.T) {
	live(t, func(n *night) {
		raise(t, n.Records, duress)
		time.Sleep(20 * time.Minute)
		if got := n.calls(); got != "(ana) (ben) (rut) (ana) (ben) (rut)" {
			t.Errorf("called: %s", got)
		}
	})
}

func TestAWayThatComesBackIsUsed(t *testing.T) {
	live(t, func(n *night) {
		raise(t, n.Records, duress)
		time.Sleep(5 * time.Minute)
		// Tried at 0, 5, 15 and 35 seconds; ana's alarm has not passed on by then.
		n.want("35s mail ana")
		if got := n.calls(); got != "ana" {
			t.Errorf("called: %s", got)
		}
	}, refusing("mail", 20*time.Second))
}

// TestACallThatCannotBeNotedIsNotedLater: the store refuses for a while, the person
// is not called again and again meanwhile, and the alarm passes on as it should.
func TestACallThatCannotBeNotedIsNotedLater(t *testing.T) {
	live(t, func(n *night) {
		raise(t, n.Records, duress)
		synctest.Wait()
		n.want("0s mail ana")
		time.Sleep(14 * time.Minute)
		n.engine.Inject(func(c memory.Call) memory.Fault {
			if c.Kind == memory.Commit && time.Since(n.begun) < 20*time.Minute {
				return memory.Fault{Before: store.ErrUnknown}
			}
			return memory.Fault{}
		})
		time.Sleep(10 * time.Minute)
		n.want("15m0s mail ben")
		if got := n.calls(); got != "ana ben" {
			t.Errorf("called: %s", got)
		}
	}, good("mail"))
}

// TestAWayThatPanics: what a mail server says may trip a way up, and neither the
// service nor the next attempt.
func TestAWayThatPanics(t *testing.T) {
	var trips atomic.Int32
	tripping := func(n *night) dispatch.Way {
		return dispatch.Way{Name: "mail", Send: func(_ context.Context, m dispatch.Message) error {
			if trips.Add(1) < 3 {
				panic("a line too long")
			}
			n.wrote("mail", m)
			return nil
		}}
	}
	live(t, func(n *night) {
		raise(t, n.Records, duress)
		time.Sleep(time.Minute)
		n.wantHas("mail ana")
	}, tripping)
}

func TestOrdinaryNoticesAreGathered(t *testing.T) {
	live(t, func(n *night) {
		for range 3 {
			tell(t, n.Records, "ana", "eva", "gil")
			time.Sleep(2 * time.Minute)
		}
		tell(t, n.Records, "ben")
		time.Sleep(time.Hour)
		n.want("30m0s mail ana task", "36m0s mail ben task")
		if waiting := n.Board().Notices; len(waiting) != 0 {
			t.Errorf("%d notices wait for people whom no way leads to", len(waiting))
		}
		tell(t, n.Records, "ana")
		tell(t, n.Records, "ana")
		time.Sleep(time.Hour)
		n.want("1h36m0s mail ana task")
	}, good("mail"))
}

func TestADigestWaitsForItsWay(t *testing.T) {
	live(t, func(n *night) {
		tell(t, n.Records, "ana")
		raise(t, n.Records, duress)
		time.Sleep(time.Hour)
		// Tried at 30, 31, 33, 37 and 45 minutes; the alarm did not wait for it.
		n.wantHas("45m0s mail ana task")
		if waiting := n.Board().Notices; len(waiting) != 0 {
			t.Errorf("%d notices still wait", len(waiting))
		}
	}, refusing("mail", 40*time.Minute))
}

// TestAnEmptySlotIsWarnedOfOnce: a rota of two days ends, and nothing is announced
// behind it.
func TestAnEmptySlotIsWarnedOfOnce(t *testing.T) {
	live(t, func(n *night) {
		time.Sleep(24*time.Hour - time.Second)
		n.want()
		time.Sleep(time.Minute)
		n.want("24h0m0s mail rut")
		acknowledge(t, n.Records, n.Board().Alarms[0].GetId(), "rut")
		time.Sleep(72 * time.Hour)
		n.want()
	}, good("mail"))
}
