package client

import (
	"context"
	"sync"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// farewell is for how long Close waits for what is being sent from the outbox.
const farewell = 45 * time.Second

// outbox is what one connection does about the requests that wait. The first answer
// of the service, to whatever call, is the contact at which they are sent, beside
// the work that the person is at.
type outbox struct {
	send func(ctx context.Context) // may be nil

	mu     sync.Mutex
	busy   map[string]bool // ids that are being sent by somebody else here
	sent   bool
	done   chan struct{}
	cancel context.CancelFunc
}

func (o *outbox) hold(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.busy[id] = true
}

func (o *outbox) release(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.busy, id)
}

func (o *outbox) held(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.busy[id]
}

// contact is told of every answer; the first one begins the sending, which ends
// with the context of that call: a person who interrupts a command means all of it.
func (o *outbox) contact(ctx context.Context) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.sent || o.send == nil {
		return
	}
	o.sent = true
	ctx, cancel := context.WithCancel(ctx)
	o.done, o.cancel = make(chan struct{}), cancel
	go func() {
		defer close(o.done)
		o.send(ctx)
	}()
}

// begun says that what waits is being sent: the first answer to that must not have all
// of it sent a second time.
func (o *outbox) begun() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sent = true
}

// finish waits for the sending, for a while; what is not sent by then waits on.
func (o *outbox) finish() {
	o.mu.Lock()
	done, cancel := o.done, o.cancel
	o.sent = true // no contact is made after the last
	o.mu.Unlock()
	if done == nil {
		return
	}
	timer := time.AfterFunc(farewell, cancel)
	defer timer.Stop()
	<-done
	cancel()
}

// Close closes the connection once what was being sent from the outbox has been
// answered, or is not answered in time, and the verdict on the log has come, for
// which it waits no more than some seconds.
func (c *Conn) Close() error {
	c.outbox.finish()
	c.verdict.finish()
	return c.ClientConn.Close()
}

// LearnRecipient asks for the service's recipient and keeps it in the profile, where
// one of an earlier version has none. It never exchanges one that is there.
func (c *Conn) LearnRecipient(ctx context.Context) error {
	if c.profile.ServiceRecipient != "" {
		return nil
	}
	answer, err := c.Capsules.GetServiceRecipient(ctx, &amparov1.GetServiceRecipientRequest{})
	if err != nil {
		return err
	}
	c.profile.ServiceRecipient = answer.GetServiceRecipient()
	return c.profile.writeSettings()
}
