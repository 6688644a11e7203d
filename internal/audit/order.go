package audit

import (
	"iter"
	"runtime"
	"sync"
)

// inOrder does work on every batch that produce yields, on all cores, and hands the
// batches to take in the order in which they came. A few are on their way at a time,
// so what is held in memory does not depend on how many there are. It ends with the
// first error, of produce or of take.
//
// produce runs on a goroutine of its own and take on the caller's; neither runs any
// more when inOrder has returned. A panic of work is the caller's panic.
func inOrder[T any](produce iter.Seq2[*T, error], work func(*T), take func(*T) error) error {
	workers := runtime.GOMAXPROCS(0)
	// Whoever produces or takes now and then waits for a line or a disk; the workers
	// go on meanwhile.
	todo := make(chan *job[T], 2*workers)
	ordered := make(chan *job[T], 4*workers)
	stopped := make(chan struct{})
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for j := range todo {
				j.do(work)
			}
		})
	}
	running.Go(func() {
		defer close(todo)
		defer close(ordered)
		for batch, err := range produce {
			j := &job[T]{batch: batch, err: err, done: make(chan struct{})}
			select {
			case ordered <- j:
			case <-stopped:
				return
			}
			if err != nil {
				close(j.done)
				return
			}
			todo <- j
		}
	})
	defer running.Wait()
	defer close(stopped)
	for j := range ordered {
		if err := j.result(take); err != nil {
			return err
		}
	}
	return nil
}

// job is one batch on its way.
type job[T any] struct {
	batch    *T
	err      error // there is no batch
	panicked any
	done     chan struct{}
}

func (j *job[T]) do(work func(*T)) {
	defer close(j.done)
	defer func() { j.panicked = recover() }()
	work(j.batch)
}

func (j *job[T]) result(take func(*T) error) error {
	<-j.done
	if j.panicked != nil {
		panic(j.panicked) //nolint:forbidigo // it was one already, on a goroutine where nobody could rescue the call
	}
	if j.err != nil {
		return j.err
	}
	return take(j.batch)
}
