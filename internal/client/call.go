package client

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// caller makes the calls of one connection.
type caller struct {
	pin      *pinned
	timeout  time.Duration
	patience time.Duration
	onRetry  func()
	contact  func(ctx context.Context) // is told of every answer
}

func newCaller(pin *pinned, options Options) *caller {
	c := &caller{pin: pin, timeout: options.Timeout, patience: options.Patience, onRetry: options.OnRetry, contact: func(context.Context) {}}
	if c.timeout == 0 {
		c.timeout = 30 * time.Second
	}
	if c.patience == 0 {
		c.patience = 10 * time.Second
	}
	if c.onRetry == nil {
		c.onRetry = func() {}
	}
	return c
}

// unary repeats a call for as long as nobody answers it. That is safe: the service
// answers a request id that it has seen with the first result, and reading twice
// does no more than leave a second leaf.
func (c *caller) unary(
	ctx context.Context, method string, request, answer any, conn *grpc.ClientConn,
	invoke grpc.UnaryInvoker, options ...grpc.CallOption,
) error {
	message, ok := request.(proto.Message)
	if !ok {
		return errors.New("call service: the request is no message")
	}
	id := requestID(message)
	if proto.Size(message) > MaxMessage {
		return &Failure{
			Exit: exitInvalid, Reason: "TOO_LARGE", Text: "the request is larger than 1 MiB and was not sent", Next: "shorten it",
		}
	}
	patient, cancel := context.WithTimeout(ctx, max(c.patience, 0))
	defer cancel()
	pause := 200 * time.Millisecond
	for {
		err := c.once(ctx, func(ctx context.Context) error {
			return invoke(ctx, method, request, answer, conn, options...)
		})
		if err == nil {
			c.contact(ctx)
			return nil
		}
		if !unanswered(err) || c.pin.wrong.Load() || !sleep(patient, pause) {
			return c.explain(err, id)
		}
		c.onRetry()
		pause = min(2*pause, 2*time.Second)
	}
}

func (c *caller) once(ctx context.Context, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return call(ctx)
}

func (c *caller) stream(
	ctx context.Context, description *grpc.StreamDesc, conn *grpc.ClientConn, method string,
	open grpc.Streamer, options ...grpc.CallOption,
) (grpc.ClientStream, error) {
	stream, err := open(ctx, description, conn, method, options...)
	if err != nil {
		return nil, c.pin.explain(err)
	}
	return &answeredStream{stream, c.contact}, nil
}

// answeredStream tells of its answers.
type answeredStream struct {
	grpc.ClientStream
	contact func(ctx context.Context)
}

// RecvMsg receives as the stream does.
func (s *answeredStream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	if err == nil {
		s.contact(s.Context())
	}
	return err
}

// unanswered tells what is worth a repetition: nobody was there, or the service
// asked for a moment's rest.
func unanswered(err error) bool {
	switch status.Code(err) {
	case codes.Unavailable:
		return true
	case codes.ResourceExhausted:
		return Explain(err).Reason == "RATE_LIMITED"
	default:
		return false
	}
}

// sleep waits and reports whether it could do so to the end.
func sleep(ctx context.Context, pause time.Duration) bool {
	if ctx.Err() != nil {
		return false
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// explain adds to a writing call of unknown outcome how to repeat it without
// doing it twice.
func (c *caller) explain(err error, id string) error {
	if err == nil {
		return nil
	}
	err = c.pin.explain(err)
	code := status.Code(err)
	if id == "" || code != codes.Unavailable && code != codes.DeadlineExceeded && code != codes.Canceled {
		return err
	}
	f := *Explain(err)
	f.Next = "it may or may not have been done; to do it once and only once, repeat it with --request-id " + id
	return &f
}
