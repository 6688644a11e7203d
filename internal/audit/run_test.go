package audit_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/memory"
)

// running starts Run; stop ends it and returns what it returned.
func running(t *testing.T, l *audit.Log) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	return func() error {
		cancel()
		return <-done
	}
}

// TestPace: the first leaf waits for nothing, none waits longer than a second, and
// there is no more than one checkpoint a second.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := newLog(t)
		l := open(t, config)
		stop := running(t, l)
		time.Sleep(time.Minute)
		record(t, config, evening, read())
		synctest.Wait()
		if got := l.State().Size; got != 1 {
			t.Errorf("after a quiet minute a leaf waits: %d in the tree, want 1", got)
		}
		checkpoints := map[string]bool{}
		for i := 1; i <= 500; i++ {
			record(t, config, evening, read())
			time.Sleep(10 * time.Millisecond)
			synctest.Wait()
			checkpoints[l.Checkpoint()] = true
			if behind := i + 1 - int(l.State().Size); behind > 100 {
				t.Fatalf("%d leaves wait, of 100 a second", behind)
			}
		}
		if n := len(checkpoints); n < 5 || n > 6 {
			t.Errorf("%d checkpoints in 5 seconds", n)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := l.State().Size; got != 501 {
			t.Errorf("%d leaves in the tree, want 501", got)
		}
		if err := stop(); !errors.Is(err, context.Canceled) || l.Err() != nil {
			t.Errorf("Run: %v, failed with %v", err, l.Err())
		}
	})
}

// TestRunRescans: the engine forgets commits before Run has seen them.
func TestRunRescans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := newLog(t)
		config.Engine = memory.New(memory.Limits{Batches: 2})
		if err := audit.Create(t.Context(), config); err != nil {
			t.Fatal(err)
		}
		l := open(t, config)
		for range 3000 { // three pages of a scan
			record(t, config, evening, read())
		}
		stop := running(t, l)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := l.State().Size; got != 3000 {
			t.Errorf("%d leaves in the tree, want 3000", got)
		}
		record(t, config, evening, read())
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := l.State().Size; got != 3001 {
			t.Errorf("%d leaves in the tree, want 3001", got)
		}
		_ = stop()
		if err := l.Check(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestRunMeetsAFullDisk: it waits, and goes on when there is room.
func TestRunMeetsAFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := newLog(t)
		l := open(t, config)
		stop := running(t, l)
		time.Sleep(time.Minute)
		var full atomic.Bool
		config.Engine.(*memory.Engine).Inject(func(c memory.Call) memory.Fault {
			if c.Kind == memory.Commit && full.Load() {
				return memory.Fault{Before: store.ErrFull}
			}
			return memory.Fault{}
		})
		record(t, config, evening, read())
		synctest.Wait()
		record(t, config, evening, read())
		full.Store(true)
		time.Sleep(time.Minute)
		synctest.Wait()
		if size, err := l.State().Size, l.Err(); size != 1 || err != nil {
			t.Errorf("full: %d leaves in the tree, want 1; failed with %v", size, err)
		}
		full.Store(false)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if size := l.State().Size; size != 2 {
			t.Errorf("room again: %d leaves in the tree, want 2", size)
		}
		_ = stop()
	})
}

// TestRunFails: whatever else happens, the service is told.
func TestRunFails(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(t *testing.T, config audit.Config)
		want error
	}{
		{"the engine stops", func(_ *testing.T, config audit.Config) { _ = config.Engine.Close() }, store.ErrStopped},
		{"a leaf is removed", func(t *testing.T, config audit.Config) {
			remove(t, config.Engine, leafKey(t, config.Engine, 1))
		}, audit.ErrBroken},
		{"a leaf that is none", func(t *testing.T, config audit.Config) {
			put(t, config.Engine, append([]byte("l"), make([]byte, 16)...), []byte("x"))
		}, audit.ErrBroken},
		{"a leaf under a key of another form", func(t *testing.T, config audit.Config) {
			put(t, config.Engine, []byte("lx"), []byte("x"))
		}, audit.ErrBroken},
		{"another sequencer", func(t *testing.T, config audit.Config) {
			catchUp(t, open(t, config))
			record(t, config, evening, read())
		}, audit.ErrForeign},
		{"the outcome of commits stays unknown", func(t *testing.T, config audit.Config) {
			// Before there is anything to take in, which the log does at once.
			config.Engine.(*memory.Engine).Inject(func(c memory.Call) memory.Fault {
				if c.Kind == memory.Commit && c.N > 1 {
					return memory.Fault{Before: store.ErrUnknown}
				}
				return memory.Fault{}
			})
			record(t, config, evening, read())
		}, store.ErrUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config, l := grown(t, 3)
				stop := running(t, l)
				synctest.Wait()
				c.do(t, config)
				time.Sleep(10 * time.Second)
				select {
				case <-l.Failed():
				default:
					t.Error("the service was not told")
				}
				if err := stop(); !errors.Is(err, c.want) || !errors.Is(l.Err(), c.want) {
					t.Errorf("Run: %v, Err: %v, want %v", err, l.Err(), c.want)
				}
				if err := l.CatchUp(t.Context()); !errors.Is(err, c.want) {
					t.Errorf("CatchUp goes on after the failure: %v", err)
				}
			})
		})
	}
}

// TestCatchUpEndsEarly: the call ends while its commit is on its way, and the log
// finds out later what became of it.
func TestCatchUpEndsEarly(t *testing.T) {
	for _, happened := range []bool{true, false} {
		config := newLog(t)
		l := open(t, config)
		record(t, config, evening, read())
		ctx, cancel := context.WithCancel(t.Context())
		engine := config.Engine.(*memory.Engine)
		engine.Inject(func(c memory.Call) memory.Fault {
			switch {
			case c.Kind == memory.Get && c.N == 1:
				cancel()
				return memory.Fault{Before: context.Canceled}
			case c.Kind == memory.Commit && c.N == 2 && happened:
				return memory.Fault{After: store.ErrUnknown}
			case c.Kind == memory.Commit && c.N == 2:
				return memory.Fault{Before: store.ErrUnknown}
			}
			return memory.Fault{}
		})
		if err := l.CatchUp(ctx); !errors.Is(err, context.Canceled) || l.Err() != nil {
			t.Fatalf("%v, failed with %v", err, l.Err())
		}
		engine.Inject(nil)
		if err := l.Check(t.Context()); err != nil {
			t.Errorf("happened %v: %v", happened, err)
		}
		catchUp(t, l)
		if got := l.State().Size; got != 1 {
			t.Errorf("happened %v: %d leaves in the tree, want 1", happened, got)
		}
	}
}

// TestCatchUpBesideRun: a leaf that Run is keeping for the end of its second is
// taken in by CatchUp, and not again when the second is over.
func TestCatchUpBesideRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config, l := grown(t, 1)
		stop := running(t, l)
		time.Sleep(time.Minute)
		record(t, config, evening, read())
		synctest.Wait()
		record(t, config, evening, read())
		record(t, config, evening, read(), read(), read(), read())
		synctest.Wait()
		if got := l.State().Size; got != 2 {
			t.Fatalf("%d leaves in the tree, want 2: the others wait", got)
		}
		catchUp(t, l)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := l.State().Size; got != 7 {
			t.Errorf("%d leaves in the tree, want 7", got)
		}
		_ = stop()
		if err := l.Check(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestSameOrder: whether Run or CatchUp takes them in, the leaves of one commit
// come in the order of their keys.
func TestSameOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config, l := grown(t, 1)
		begin := make(map[string][]byte)
		for _, key := range [][]byte{{'s'}, chunkKey('h', 0), chunkKey('i', 0)} {
			begin[string(key)] = get(t, config.Engine, key)
		}
		stop := running(t, l)
		time.Sleep(time.Minute)
		record(t, config, evening, read(), read(), read(), read(), read(), read())
		time.Sleep(2 * time.Second)
		synctest.Wait()
		_ = stop()
		for key, value := range begin {
			put(t, config.Engine, []byte(key), value)
		}
		again := open(t, config)
		catchUp(t, again)
		if l.Checkpoint() != again.Checkpoint() || l.State().Size != 7 {
			t.Error("Run and CatchUp come to different trees")
		}
	})
}

// late answers one commit with an unknown outcome, and carries it out only when the
// next one is asked for: a request that was held up on its way.
type late struct {
	store.Engine
	armed bool
	held  func()
}

func (e *late) Commit(ctx context.Context, conditions []store.Condition, writes []store.Write) (store.Revision, error) {
	switch {
	case e.armed:
		e.armed = false
		e.held = func() { _, _ = e.Engine.Commit(ctx, conditions, writes) }
		return 0, store.ErrUnknown
	case e.held != nil:
		e.held()
		e.held = nil
	}
	return e.Engine.Commit(ctx, conditions, writes)
}

func TestCommitThatComesLate(t *testing.T) {
	config := newLog(t)
	engine := &late{Engine: config.Engine}
	config.Engine = engine
	l := open(t, config)
	record(t, config, evening, read())
	engine.armed = true
	catchUp(t, l)
	if got := l.State().Size; got != 1 {
		t.Errorf("%d leaves in the tree, want 1", got)
	}
	if err := l.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestManyWriters commits from all sides while Run and CatchUp take in: Check would
// find a leaf that either of them passed over, or took in twice.
func TestManyWriters(t *testing.T) {
	config := newLog(t)
	config.Engine = memory.New(memory.Limits{Batches: 100}) // so that Run falls behind at times
	if err := audit.Create(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	config.Engine.(*memory.Engine).Inject(func(c memory.Call) memory.Fault {
		if c.Kind == memory.Scan {
			return memory.Fault{Delay: time.Millisecond} // while others commit
		}
		return memory.Fault{}
	})
	l := open(t, config)
	stop := running(t, l)
	var writers sync.WaitGroup
	const each = 1500
	for range 4 {
		writers.Go(func() {
			for range each {
				record(t, config, evening, read())
			}
		})
	}
	for range 5 {
		time.Sleep(5 * time.Millisecond)
		catchUp(t, l)
	}
	writers.Wait()
	catchUp(t, l)
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if got := l.State().Size; got != 4*each {
		t.Errorf("%d leaves in the tree, want %d", got, 4*each)
	}
	if err := l.Check(t.Context()); err != nil {
		t.Error(err)
	}
}
