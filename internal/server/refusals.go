package server

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/time/rate"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
)

// refusals folds the refusals of a device: the first of a second has a leaf of its
// own, the others of that second are counted and stand in one leaf when the next
// one is written or when flush comes by. Strangers count as device "": they have no
// identity that could be believed.
type refusals struct {
	mu   sync.Mutex
	seen map[refusalKey]*folded
}

type refusalKey struct {
	staff, device string
	action        amparov1.LeafAction
	reason        amparov1.Reason
}

type folded struct {
	last  time.Time
	count uint32
}

// take reports whether the refusal needs a leaf now, and for how many it stands.
func (r *refusals) take(key refusalKey, now time.Time) (count uint32, write bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.seen[key]
	if f == nil {
		r.seen[key] = &folded{last: now}
		return 1, true
	}
	if now.Sub(f.last) < time.Second {
		f.count++
		return 0, false
	}
	count = f.count + 1
	f.last, f.count = now, 0
	return count, true
}

// due takes what was counted and not written for a second, and forgets the rest.
func (r *refusals) due(now time.Time) map[refusalKey]uint32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	counts := map[refusalKey]uint32{}
	for key, f := range r.seen {
		if now.Sub(f.last) < time.Second {
			continue
		}
		if f.count > 0 {
			counts[key] = f.count
		}
		delete(r.seen, key)
	}
	return counts
}

// noteRefusal makes a refusal durable, or counts it towards the leaf that will.
func (s *Server) noteRefusal(ctx context.Context, c *call, method string, reason amparov1.Reason) error {
	key := refusalKey{
		staff: c.caller.Staff.GetId(), device: c.caller.Device.GetId(),
		action: s.actionOf(method), reason: reason,
	}
	if reason == amparov1.Reason_REASON_DEVICE_NOT_ACTIVE {
		key.action = amparov1.LeafAction_LEAF_ACTION_CONNECT
	}
	count, write := s.refused.take(key, s.records.Now())
	if !write {
		return nil
	}
	return s.writeRefusal(context.WithoutCancel(ctx), key, count)
}

func (s *Server) writeRefusal(ctx context.Context, key refusalKey, count uint32) error {
	leaf := &amparov1.AuditLeaf{Action: key.action, Reason: key.reason, StaffId: key.staff, DeviceId: key.device}
	if count > 1 {
		leaf.Count = count
	}
	return s.records.NoteStranger(ctx, leaf)
}

func (s *Server) actionOf(method string) amparov1.LeafAction {
	if rule, ok := s.rules[method]; ok {
		return rule.GetAction()
	}
	return amparov1.LeafAction_LEAF_ACTION_UNKNOWN_CALL
}

// flushRefusals writes what was counted, every second, until ctx ends.
func (s *Server) flushRefusals(ctx context.Context) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			for key, count := range s.refused.due(s.records.Now()) {
				if err := s.writeRefusal(ctx, key, count); err != nil {
					s.cfg.Log.Error().Err(err).Msg("refusals could not be logged")
				}
			}
		}
	}
}

// logRefusal tells the service's operator what a caller was told, and, for a fault
// of the service itself, what led to it.
func (s *Server) logRefusal(c *call, method string, f *fault.Error) {
	event := s.cfg.Log.Debug()
	if kind := f.Kind(); kind == fault.Internal || kind == fault.Corrupt || kind == fault.Unavailable {
		event = s.cfg.Log.Error().AnErr("cause", f.Unwrap())
		if p, ok := errors.AsType[*panicked](f.Unwrap()); ok {
			event = event.Bytes("stack", p.stack)
		}
	}
	if _, known := s.rules[method]; known {
		event = event.Str("method", method)
	}
	event.Str("reason", f.Reason.String()).Str("correlation", c.correlation).Msg("refused")
}

// rates limits the calls of each device.
type rates struct {
	mu       sync.Mutex
	perCall  rate.Limit
	burst    int
	limiters map[[32]byte]*rate.Limiter
}

func (r *rates) allow(pin [32]byte) bool {
	r.mu.Lock()
	limiter := r.limiters[pin]
	if limiter == nil {
		limiter = rate.NewLimiter(r.perCall, r.burst)
		r.limiters[pin] = limiter
	}
	r.mu.Unlock()
	return limiter.Allow()
}
