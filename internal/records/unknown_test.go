package records_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/memory"
)

// losing is an engine that loses the answers of commits which it made.
type losing struct {
	store.Engine
	on    atomic.Bool
	after time.Duration // for which the commit is known to watchers and not to its caller
}

// Commit commits, and does not say so.
func (e *losing) Commit(ctx context.Context, conditions []store.Condition, writes []store.Write) (store.Revision, error) {
	revision, err := e.Engine.Commit(ctx, conditions, writes)
	if err != nil || !e.on.Load() {
		return revision, err
	}
	time.Sleep(e.after)
	return 0, store.ErrUnknown
}

// TestLostAnswer: a case whose commit happened stands in the queue and can be
// found, although nobody learned that it happened, and whether the follower saw it
// before or after its caller gave up.
func TestLostAnswer(t *testing.T) {
	for _, after := range []time.Duration{0, 20 * time.Millisecond} {
		engine := &losing{Engine: memory.New(memory.Limits{}), after: after}
		h := begin(t, engine)
		p := newPerson()
		stop := h.follow()
		known := h.mustCreate(p, intake{name: "Beatriz"})
		engine.on.Store(true)
		if _, err := h.create(p, asked("r", "x"), intake{name: "Amaru"}); !errors.Is(err, store.ErrUnknown) {
			t.Fatalf("create: %v, want %v", err, store.ErrUnknown)
		}
		if _, err := h.note(p, records.Request{}, known, "x"); !errors.Is(err, store.ErrUnknown) {
			t.Fatalf("note: %v, want %v", err, store.ErrUnknown)
		}
		engine.on.Store(false)
		err := eventually(func() error {
			rows, _, err := h.Queue(ctx, p.grant(t, "QueueService/ListQueue"), records.QueueQuery{Offices: []string{office}, Limit: 9})
			versions := uint64(0)
			for _, row := range rows {
				versions += row.GetVersion()
			}
			if err == nil && (len(rows) != 2 || versions != 3) {
				err = fmt.Errorf("%d rows of %d versions, want 2 of 3", len(rows), versions)
			}
			return err
		})
		if err != nil {
			t.Errorf("answer lost for %v: %v", after, err)
		}
		stop()
	}
}
