package dispatch

import (
	"context"
	"errors"
	"slices"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/duty"
)

// The pauses between attempts: each is twice the one before.
const (
	firstPause  = 5 * time.Second
	longestCall = time.Minute
	firstTell   = time.Minute
	longestTell = 15 * time.Minute
)

// call sends a message to one person by every way at once, and notes the call as
// soon as one message left or every way has failed. Ways that failed go on trying
// behind it.
func (d *dispatcher) call(ctx context.Context, alarmID, staffID string) {
	if !d.Records.Board().Wants(alarmID, staffID, d.Records.Now()) {
		return // somebody was quicker: the board that named the person is older than their call
	}
	m := Message{Alarm: alarmID, StaffID: staffID, Mail: d.Records.Address(staffID)}
	first := make(chan bool, len(d.ways))
	for _, l := range d.ways {
		d.spawn(func() { d.insist(ctx, l, m, first) })
	}
	reached := false
	for range d.ways {
		if reached = <-first; reached {
			break
		}
	}
	d.note(ctx, m, reached)
}

// insist tries one way until the message left, the alarm is acknowledged, or it has
// passed on. The outcome of the first attempt goes to first.
func (d *dispatcher) insist(ctx context.Context, l *line, m Message, first chan<- bool) {
	err := d.send(ctx, l, m)
	first <- err == nil
	until := d.Records.Now().Add(d.Records.Board().Times.PassOn)
	for wait := firstPause; err != nil; wait = min(2*wait, longestCall) {
		if errors.Is(err, ErrNoWay) || ctx.Err() != nil {
			return
		}
		d.Failed(l.Name, err)
		if !pause(ctx, wait) || !d.Records.Now().Before(until) || !d.stillFor(m) {
			return
		}
		if err = d.send(ctx, l, m); err == nil {
			d.note(ctx, m, true)
		}
	}
}

// stillFor reports whether nobody has acknowledged the alarm yet, and it is the
// person's to know: they may have been excluded from its case since.
func (d *dispatcher) stillFor(m Message) bool {
	return slices.ContainsFunc(d.Records.Board().Alarms, func(alarm *amparov1.Alarm) bool {
		return alarm.GetId() == m.Alarm && !slices.Contains(d.Records.Excluded(alarm.GetCaseId()), m.StaffID)
	})
}

// note makes a call durable. While it cannot, it goes on trying: called again before
// that, the person would only be disturbed twice.
func (d *dispatcher) note(ctx context.Context, m Message, reached bool) {
	d.persist(ctx, func() error { return d.Records.NoteCall(ctx, m.Alarm, m.StaffID, reached) })
}

func (d *dispatcher) persist(ctx context.Context, write func() error) {
	for wait := time.Second; ctx.Err() == nil; wait = min(2*wait, longestCall) {
		d.noting.Lock()
		err := write()
		d.noting.Unlock()
		if err == nil || ctx.Err() != nil {
			return
		}
		d.Failed("", err)
		if !pause(ctx, wait) {
			return
		}
	}
}

// tell sends somebody the digest of what waits for them: that there is a task. One
// way is enough. Where no way leads to them, the notice is let go: they see their
// tasks when they next look at the queue.
func (d *dispatcher) tell(ctx context.Context, notice duty.Notice) {
	if !d.waits(notice) {
		return
	}
	m := Message{StaffID: notice.StaffID, Mail: d.Records.Address(notice.StaffID)}
	for wait := firstTell; ; wait = min(2*wait, longestTell) {
		left, done := d.digest(ctx, m)
		if done {
			d.persist(ctx, func() error { return d.Records.NoteTold(ctx, notice, left) })
			return
		}
		if !pause(ctx, wait) || !d.waits(notice) {
			return
		}
	}
}

// digest tries the ways one after the other. It reports whether a message left, and
// whether there is nothing left to try.
func (d *dispatcher) digest(ctx context.Context, m Message) (left, done bool) {
	member := d.Records.Directory().ByID(m.StaffID)
	if member.GetStanding() != amparov1.StaffStanding_STAFF_STANDING_ACTIVE {
		return false, true
	}
	none := true
	for _, l := range d.ways {
		err := d.send(ctx, l, m)
		if err == nil {
			return true, true
		}
		if !errors.Is(err, ErrNoWay) && ctx.Err() == nil {
			none = false
			d.Failed(l.Name, err)
		}
	}
	return false, none && ctx.Err() == nil
}

func (d *dispatcher) waits(notice duty.Notice) bool {
	return slices.Contains(d.Records.Board().Notices, notice)
}
