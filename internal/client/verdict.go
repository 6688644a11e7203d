package client

import (
	"context"
	"sync"
	"time"
)

const (
	// verdictTime is for how long Close waits for the verdict on the log: longer
	// than a round trip on a bad line, and no longer than a person waits for a
	// prompt.
	verdictTime = 5 * time.Second
	// verdictAgain is when a connection that is still open asks again.
	verdictAgain = 24 * time.Hour
)

// verdict is what one connection does about the service's log. The first answer of
// the service, to whatever call, is the contact after which the newest checkpoint is
// asked for, beside the work that the person is at: no call waits for it. What
// cannot be asked, for want of an answer or of a role, is left for another time, and only
// counted: see unseen.
type verdict struct {
	check func(ctx context.Context) error // nil: nobody wants to be told
	tell  func(*Failure)
	vain  func(*Failure) // is told of each check that came to nothing

	mu     sync.Mutex
	made   bool               // or begun
	asking chan struct{}      // closed when the check that is under way has ended
	ended  chan struct{}      // closed when no further one comes
	cancel context.CancelFunc // ends both
}

// begun says that the checkpoint is being asked for by the command itself.
func (v *verdict) begun() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.made = true
}

// contact is told of every answer; the first one begins the checking, which ends with
// the context of that call.
func (v *verdict) contact(ctx context.Context) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.made || v.check == nil {
		return
	}
	v.made = true
	ctx, cancel := context.WithCancel(ctx)
	v.asking, v.ended, v.cancel = make(chan struct{}), make(chan struct{}), cancel
	go v.run(ctx, v.asking)
}

func (v *verdict) run(ctx context.Context, asking chan struct{}) {
	defer close(v.ended)
	again := time.NewTicker(verdictAgain)
	defer again.Stop()
	for {
		if failure := Explain(v.check(ctx)); failure != nil {
			told := v.vain
			if failure.Reason == reasonLog {
				told = v.tell
			}
			told(failure)
		}
		close(asking)
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
		asking = make(chan struct{})
		v.mu.Lock()
		v.asking = asking
		v.mu.Unlock()
	}
}

// finish waits for a verdict that is under way, for a moment.
func (v *verdict) finish() {
	v.mu.Lock()
	asking, ended, cancel := v.asking, v.ended, v.cancel
	v.made = true // no contact is made after the last
	v.mu.Unlock()
	if ended == nil {
		return
	}
	patience := time.NewTimer(verdictTime)
	defer patience.Stop()
	select {
	case <-asking:
	case <-patience.C:
	}
	cancel()
	<-ended
}
