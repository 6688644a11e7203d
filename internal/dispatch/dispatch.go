// Package dispatch wakes people: it asks the rules of package duty who is to be
// called now, sends each of them a message by every way at once, and makes the call
// durable. It gathers ordinary notices, and warns of shifts that nobody took.
//
// Start Run beside the server. A call is noted after its message left, so a crash in
// between leads to a second message and never to none. A way that fails or stalls
// holds up neither the other ways nor the next alarm: each attempt has a goroutine
// and a time limit of its own, and is repeated until the alarm passes on.
//
// What a message says, and how it travels, is the business of the ways; nothing
// about a case gets here but that there is an alarm.
package dispatch

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/amparo-project/amparo/internal/records"
)

// Message is one message to one person.
type Message struct {
	// Alarm is the id of an alarm; empty for an ordinary task.
	Alarm string
	// StaffID is the person, and Mail their address, which may be empty.
	StaffID, Mail string
}

// ErrNoWay says that a way does not lead to a person: it is not tried again.
var ErrNoWay = errors.New("send message: no such way leads to the person")

// errWayPanicked is for a way that fell over what the other side said to it: that is
// a failure of the way, as any other.
var errWayPanicked = errors.New("send message: the way panicked")

// errPanicked says no more, since what panicked may hold somebody's address.
var errPanicked = errors.New("wake people: a call panicked")

// Way is one way for a message to reach a person.
type Way struct {
	// Name stands in the service's own log.
	Name string
	// Send returns when the message is in somebody else's hands, or an error. It is
	// called from several goroutines. Errors must not hold an address.
	Send func(ctx context.Context, m Message) error
}

// Config is what Run needs.
type Config struct {
	Records *records.Records
	// Ways are used all at once. Without any, alarms are shown only to those who
	// watch them, and still pass on.
	Ways []Way
	// Failed is told what went wrong and on which way; empty for the store.
	Failed func(way string, err error)
}

const (
	// attempt bounds one try on one way, the wait for a free line included.
	attempt = 30 * time.Second
	// lines and digestLines are how many messages may be under way at once on one
	// way; a flood of ordinary notices leaves the lines of alarms free.
	lines, digestLines = 16, 2
	// look is how often the board is looked at where nothing else says when.
	look = time.Minute
)

// Run wakes people until ctx ends. A panic in any of its goroutines ends it with an
// error, so that whoever started it can say so before everything is over.
func Run(ctx context.Context, cfg Config) error {
	d := &dispatcher{Config: cfg, busy: map[string]bool{}, panicked: make(chan struct{}, 1)}
	for _, way := range cfg.Ways {
		d.ways = append(d.ways, &line{way, make(chan struct{}, lines), make(chan struct{}, digestLines)})
	}
	defer d.wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for ctx.Err() == nil {
		changed := d.Records.DutyChanged()
		timer := time.NewTimer(d.round(ctx))
		select {
		case <-ctx.Done():
		case <-d.panicked:
			timer.Stop()
			return errPanicked
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
	}
	return nil
}

// dispatcher is the state of one Run.
type dispatcher struct {
	Config
	ways []*line
	wg   sync.WaitGroup

	// noting lets one call be noted at a time: all are noted in one file, and an act
	// that raises an alarm there must not lose against a crowd.
	noting sync.Mutex

	panicked chan struct{} // told when something panicked

	mu   sync.Mutex
	busy map[string]bool // calls and notices that are under way
}

// line is a way with room for so many messages at once.
type line struct {
	Way
	alarms, digests chan struct{}
}

// round begins everything that is due, and returns when to look again.
func (d *dispatcher) round(ctx context.Context) time.Duration {
	if err := d.Records.WarnOfEmptySlots(ctx); err != nil && ctx.Err() == nil {
		d.Failed("", err)
	}
	now, board := d.Records.Now(), d.Records.Board()
	next := now.Add(look)
	sooner := func(at time.Time) {
		if !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	for _, alarm := range board.Alarms {
		who, at := board.Next(alarm, d.Records.Excluded(alarm.GetCaseId()), now)
		for _, staffID := range who {
			id := alarm.GetId()
			d.once(id+" "+staffID, func() { d.call(ctx, id, staffID) })
		}
		if len(who) == 0 {
			sooner(at)
		}
	}
	due, at := board.DueNotices(now)
	sooner(at)
	for _, notice := range due {
		d.once(notice.StaffID, func() { d.tell(ctx, notice) })
	}
	return next.Sub(now)
}

// spawn runs fn in a goroutine. Should it panic, Run ends.
func (d *dispatcher) spawn(fn func()) {
	d.wg.Go(func() {
		defer func() {
			if recover() != nil {
				select {
				case d.panicked <- struct{}{}:
				default:
				}
			}
		}()
		fn()
	})
}

// once runs fn in a goroutine, unless it is running already.
func (d *dispatcher) once(what string, fn func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.busy[what] {
		return
	}
	d.busy[what] = true
	d.spawn(func() {
		fn()
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.busy, what)
	})
}

// send makes one attempt on a way. A way that does not heed the end of its time is
// left behind, and keeps its place on the line until it returns.
func (d *dispatcher) send(ctx context.Context, l *line, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	places := l.alarms
	if m.Alarm == "" {
		places = l.digests
	}
	select {
	case places <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	sent := make(chan error, 1)
	go func() {
		defer func() { <-places }()
		defer func() {
			if recover() != nil {
				sent <- errWayPanicked
			}
		}()
		sent <- l.Send(ctx, m)
	}()
	select {
	case err := <-sent:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// pause waits, or reports that there is nothing more to wait for.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
