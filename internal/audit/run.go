package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/amparo-project/amparo/internal/store"
)

// pace is the time between two checkpoints: the longest that a leaf waits for
// one while the store keeps up.
const pace = time.Second

// arrival is one commit of the engine, seen by the log.
type arrival struct {
	revision store.Revision
	entries  []entry
}

// Run takes in leaves as they are committed, until ctx ends or the log fails. A
// checkpoint follows a leaf at once when there was none in the last second, and
// within that second otherwise; when more leaves wait than one commit holds, it
// does not wait for the second to end. A full disk makes it wait, and tells
// nobody: nothing can be recorded then that would have to be sequenced.
func (l *Log) Run(ctx context.Context) error {
	if err := l.Err(); err != nil {
		return err
	}
	for {
		err := l.follow(ctx)
		if !errors.Is(err, store.ErrCompacted) {
			return l.fail(ctx, err)
		}
		// The engine no longer tells what was committed since; what it holds
		// tells it as well.
		if err := l.untilRoom(ctx, l.CatchUp); err != nil {
			return err
		}
	}
}

func (l *Log) untilRoom(ctx context.Context, do func(context.Context) error) error {
	for {
		err := do(ctx)
		if !errors.Is(err, store.ErrFull) {
			return err
		}
		timer := time.NewTimer(pace)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
}

// follow watches the engine. Opening leaves and storing checkpoints go on side by
// side; a log that cannot keep up makes the engine say so (store.ErrCompacted)
// instead of filling the memory.
func (l *Log) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	arrivals := make(chan arrival, 256)
	ended := make(chan error, 1)
	from := l.at.Load().revision
	var watching sync.WaitGroup
	watching.Go(func() {
		ended <- l.config.Engine.Watch(ctx, from, func(batch store.Batch) error {
			a, err := l.receive(batch)
			if err != nil {
				return err
			}
			select {
			case arrivals <- a:
			case <-ctx.Done():
			}
			return ctx.Err()
		})
	})
	err := l.takeIn(ctx, arrivals, ended)
	cancel()
	watching.Wait()
	return err
}

// receive makes entries of a commit's leaves, in the order of their keys.
func (l *Log) receive(batch store.Batch) (arrival, error) {
	a := arrival{revision: batch.Revision}
	for _, w := range batch.Writes {
		if !isLeafKey(w.Key) {
			continue
		}
		at, ok := locatorOf(w.Key)
		if !ok || w.Delete {
			return arrival{}, fmt.Errorf("%w: a leaf was removed, or written under a key of another form", ErrBroken)
		}
		e, err := l.open(at, w.Value, batch.Revision)
		if err != nil {
			return arrival{}, err
		}
		a.entries = append(a.entries, e)
		l.raise(e.time)
	}
	slices.SortFunc(a.entries, inLogOrder)
	return a, nil
}

// takeIn gathers what arrives and stores it at its pace. It returns when the watch
// has ended or storing has failed.
func (l *Log) takeIn(ctx context.Context, arrivals <-chan arrival, ended <-chan error) error {
	var (
		waiting  []entry
		revision store.Revision
		rest     = time.NewTimer(0)
		resting  = true  // a checkpoint was stored less than a second ago
		noRoom   = false // the disk was full
	)
	defer rest.Stop()
	for {
		open := arrivals
		if noRoom && len(waiting) >= maxTaken {
			open = nil
		}
		select {
		case err := <-ended:
			return err
		case a := <-open:
			waiting = append(waiting, a.entries...)
			revision = a.revision
		case <-rest.C:
			resting, noRoom = false, false
		}
		if len(waiting) == 0 || noRoom || resting && len(waiting) < maxTaken {
			continue
		}
		err := l.sequenceNow(ctx, waiting, revision)
		if noRoom = errors.Is(err, store.ErrFull); err != nil && !noRoom {
			return err
		}
		if !noRoom {
			waiting = nil
		}
		rest.Reset(pace)
		resting = true
	}
}

func (l *Log) sequenceNow(ctx context.Context, entries []entry, revision store.Revision) error {
	l.sequencing.Lock()
	defer l.sequencing.Unlock()
	if err := l.Err(); err != nil {
		return err
	}
	return l.sequence(ctx, entries, revision)
}
