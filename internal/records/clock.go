package records

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/fault"
)

const (
	// maxAside is how far two clocks may differ and pass for one.
	maxAside = 5 * time.Minute
	// maxLeap is how far the clock may be set forward and nobody asks.
	maxLeap = 24 * time.Hour
	// maxQuiet is how long nothing may happen before the service writes down what
	// time it is: well within the day after which a silence looks like a leap.
	maxQuiet = 12 * time.Hour
)

// Now is the service's time. It is the wall clock, except that it never goes back
// behind the newest leaf or behind what Now has said before, and that it goes on by
// the uptime where the wall clock was set back, also from where it had leapt to: a
// term, and whoever is called next, must not wait ten years for a clock to come
// round again.
//
// The log learns of a leaf only after its commit: were its mark the only one, a
// clock set back in between would date a leaf where no start looks for it.
func (r *Records) Now() time.Time {
	now := r.cfg.Now().UTC()
	if r.cfg.Uptime != nil {
		// The uptime is read second: a pause in between makes too little of the wall
		// clock's lead, and never too much.
		uptime := int64(r.cfg.Uptime())
		steady := time.Unix(0, raise(&r.lead.furthest, now.UnixNano()-uptime)+uptime).UTC()
		if steady.Sub(now) > maxAside {
			now = steady
		}
	}
	if mark := r.cfg.Log.HighWater(); mark.After(now) {
		now = mark.UTC()
	}
	return time.Unix(0, raise(&r.said, now.UnixNano())).UTC()
}

// raise makes a number the larger one of itself and another, and returns it.
func raise(number *atomic.Int64, to int64) int64 {
	for {
		held := number.Load()
		if held >= to {
			return held
		}
		if number.CompareAndSwap(held, to) {
			return to
		}
	}
}

// trustClock takes the wall clock for right from here on.
func (r *Records) trustClock() {
	if r.cfg.Uptime != nil {
		booted := r.cfg.Now().UnixNano() - int64(r.cfg.Uptime())
		r.lead.trusted.Store(booted)
		r.lead.furthest.Store(booted)
	}
}

// ahead is how far the wall clock was set forward since it was trusted last.
func (r *Records) ahead() time.Duration {
	if r.cfg.Uptime == nil {
		return 0
	}
	return time.Duration(r.cfg.Now().UnixNano() - int64(r.cfg.Uptime()) - r.lead.trusted.Load())
}

// Frozen reports whether nothing may be destroyed because its time has come: the
// clock was set forward by more than a day, or the service stood still for as long,
// which looks the same, and nobody has confirmed the clock since. Whatever erases,
// forgets or lets a consent expire must ask; what warns and what is overdue goes on,
// since a warning too many harms nobody.
func (r *Records) Frozen() bool {
	if r.ahead() > maxLeap {
		// Were the clock set back before anybody asked again, the leaves of the
		// time between would still be of a time that never was.
		r.leap.seen.Store(true)
	}
	return r.leap.seen.Load() || r.cfg.Log.Leapt(r.Now())
}

// ConfirmClock is for a person who says what time it is by a clock of their own. If
// the service's clock agrees within five minutes, it is taken for right: what was
// frozen goes on. To confirm what needs no confirmation is no error. It returns the
// service's time, and refuses with REASON_CLOCK_DIFFERS.
func (r *Records) ConfirmClock(ctx context.Context, grant access.Grant, at time.Time) (time.Time, error) {
	now := r.Now()
	if now.Sub(at).Abs() > maxAside || now.Sub(r.cfg.Now()).Abs() > maxAside {
		return now, fault.Field(amparov1.Reason_REASON_CLOCK_DIFFERS, "at", "is within five minutes of the service's clock")
	}
	if err := r.Note(ctx, grant, &amparov1.AuditLeaf{}); err != nil {
		return now, err
	}
	r.trustClock()
	r.leap.seen.Store(false)
	// The log knows by itself within a second; who has confirmed need not wait.
	return now, logFault(r.cfg.Log.CatchUp(ctx))
}

// KeepTime leaves a leaf when none was left for half a day, so that a quiet week is
// told from a clock that was set. When the clock has leapt, it tells those who can
// confirm it, once. It reports whether the store is frozen.
func (r *Records) KeepTime(ctx context.Context) (frozen bool, err error) {
	if r.Frozen() {
		return true, r.tellLeap(ctx)
	}
	r.leap.told.Store(false)
	mark := r.cfg.Log.HighWater()
	if mark.IsZero() || r.Now().Sub(mark) < maxQuiet {
		return false, nil
	}
	_, err = r.writeLeaf(ctx, complete(access.Service(amparov1.LeafAction_LEAF_ACTION_CLOCK_TOLD), &amparov1.AuditLeaf{}))
	return false, err
}

func (r *Records) tellLeap(ctx context.Context) error {
	if r.leap.told.Load() {
		return nil
	}
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_CLOCK_LEAPT)
	_, err := r.Update(ctx, grant, Request{}, nil, func(w *Work) (proto.Message, error) {
		var ids []string
		for _, member := range r.Directory().Staff() {
			if access.KeepsClock(member.GetRoles()) && access.InService(member, w.Now) {
				ids = append(ids, member.GetId())
			}
		}
		return nil, w.Tell(ids...)
	})
	if err == nil {
		r.leap.told.Store(true)
	}
	return err
}

// checkClock refuses a start whose leaves would be older than those of the log.
func (r *Records) checkClock() error {
	now, mark := r.cfg.Now().UTC(), r.cfg.Log.HighWater()
	if mark.Sub(now) <= maxAside {
		return nil
	}
	return fmt.Errorf("records: the clock says %s, and the newest act is of %s: set the clock; if it was ahead when that was written, restore a backup",
		now.Format(time.RFC3339), mark.Format(time.RFC3339))
}
