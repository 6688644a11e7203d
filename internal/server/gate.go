package server

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"
	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/intake"
	"github.com/amparo-project/amparo/internal/records"
)

// call is what the gate knows of a call; handlers find it in the context.
type call struct {
	connection  *connection
	caller      access.Caller
	grant       access.Grant
	hash        [32]byte // of the request as it was sent
	correlation string
}

type callKey struct{}

func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	if c == nil {
		return &call{correlation: newCorrelation()}
	}
	return c
}

// goodbye is how long a connection that was refused stays open, so that the refusal
// reaches the client before the end of the connection does.
const goodbye = time.Second

// enrolMethod is the one method of the enrolment's name.
const enrolMethod = amparov1.EnrolmentService_Enrol_FullMethodName

// tap is asked before a call has a handler, an interceptor or a single byte of a
// request: who calls, and is there such a method. It runs on the connection's own
// reader, so a stranger who waits for a leaf to be written keeps nobody else
// waiting.
func (s *Server) tap(ctx context.Context, info *tap.Info) (context.Context, error) {
	c := &call{correlation: newCorrelation()}
	remote, ok := peer.FromContext(ctx)
	if ok {
		c.connection, ok = remote.AuthInfo.(*connection)
	}
	if !ok {
		return nil, s.refuse(ctx, c, info.FullMethodName, fault.New(amparov1.Reason_REASON_DEVICE_NOT_ACTIVE))
	}
	ctx = context.WithValue(ctx, callKey{}, c)
	if c.connection.enrolment != (info.FullMethodName == enrolMethod) {
		if c.connection.enrolment || s.known(c) {
			return nil, s.refuse(ctx, c, info.FullMethodName, fault.New(amparov1.Reason_REASON_METHOD_UNKNOWN))
		}
	}
	if c.connection.enrolment {
		if !s.enrolments.Allow() {
			return nil, s.refuse(ctx, c, info.FullMethodName, fault.New(amparov1.Reason_REASON_RATE_LIMITED))
		}
		return ctx, nil
	}
	if !s.known(c) {
		time.AfterFunc(goodbye, c.connection.close)
		return nil, s.refuse(ctx, c, info.FullMethodName, fault.New(amparov1.Reason_REASON_DEVICE_NOT_ACTIVE))
	}
	if _, ok := s.rules[info.FullMethodName]; !ok {
		return nil, s.refuse(ctx, c, info.FullMethodName, fault.New(amparov1.Reason_REASON_METHOD_UNKNOWN))
	}
	return ctx, nil
}

// known looks the connection's key up in the newest directory and reports whether
// its person and device are in standing.
func (s *Server) known(c *call) bool {
	c.caller = s.caller(c.connection.pin, s.records.Now())
	return access.Active(c.caller, s.records.Now())
}

// caller is whose key this is, by the newest directory, and where they are on shift.
func (s *Server) caller(pin [32]byte, now time.Time) access.Caller {
	caller := s.records.Directory().ByPin(pin)
	caller.OnShift = s.records.OnShift(caller.Staff, now)
	return caller
}

// admit decides a call that has arrived, on the newest directory.
func (s *Server) admit(c *call, method string) error {
	if c.connection == nil {
		return fault.New(amparov1.Reason_REASON_DEVICE_NOT_ACTIVE)
	}
	if c.connection.enrolment {
		return nil
	}
	now := s.records.Now()
	c.caller = s.caller(c.connection.pin, now)
	// Calls that will be denied count as well, or trying doors would cost nothing.
	if access.Active(c.caller, now) && !s.rates.allow(c.connection.pin) {
		return fault.New(amparov1.Reason_REASON_RATE_LIMITED)
	}
	grant, err := access.Authorize(s.rules, c.caller, method, now)
	c.grant = grant
	return err
}

// inspect holds a request to its messages. The hash that tells a repetition from a
// reuse of its id is taken of the method and of what was sent, before that is put
// into its one form: two methods can have requests that marshal alike.
func (s *Server) inspect(c *call, method string, request proto.Message) error {
	hash, raw, err := hashOf(request, method)
	if err != nil {
		return err
	}
	c.hash = hash
	if err := s.checker.texts(request, raw); err != nil {
		return err
	}
	if opening, ok := request.(*amparov1.CreateIntakeRequest); ok && opening.GetIntake() != nil {
		opening.Intake = intake.Normalise(opening.GetIntake(), s.records.Now())
	}
	return s.checker.fields(request)
}

// hashOf is the hash of a request as it is sent to a method, and its bytes.
func hashOf(request proto.Message, method string) (hash [32]byte, raw []byte, err error) {
	raw, err = proto.MarshalOptions{Deterministic: true}.Marshal(request)
	if err != nil {
		return hash, nil, fault.Wrap(amparov1.Reason_REASON_FIELD_INVALID, err)
	}
	return sha256.Sum256(append(slices.Clip(raw), method...)), raw, nil
}

func (s *Server) unary(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (answer any, err error) {
	c := callOf(ctx)
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Limits.CallTimeout)
	defer cancel()
	defer func() {
		if err != nil {
			answer, err = nil, s.refuse(ctx, c, info.FullMethod, err)
		}
	}()
	defer rescue(&err)
	if err := s.admit(c, info.FullMethod); err != nil {
		return nil, err
	}
	message, ok := request.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("a request of type %T is no message", request)
	}
	if err := s.inspect(c, info.FullMethod, message); err != nil {
		return nil, err
	}
	return handler(ctx, request)
}

// checkedStream inspects what a streaming call receives.
type checkedStream struct {
	grpc.ServerStream
	ctx     context.Context
	inspect func(proto.Message) error
}

// Context is the stream's, which ends when the caller is shut out.
func (s *checkedStream) Context() context.Context { return s.ctx }

// RecvMsg receives a message that has passed the inspection.
func (s *checkedStream) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	message, ok := m.(proto.Message)
	if !ok {
		return fmt.Errorf("a request of type %T is no message", m)
	}
	return s.inspect(message)
}

// recheck is how often an open stream's caller is looked up again: twice in the two
// seconds within which a suspension must end it.
const recheck = 500 * time.Millisecond

func (s *Server) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
	c := callOf(ss.Context())
	ctx, cancel := context.WithCancelCause(ss.Context())
	defer cancel(nil)
	defer func() {
		if _, refused := errors.AsType[*fault.Error](err); !refused && ss.Context().Err() != nil {
			// The caller ended the stream, which is how a watch ends: no refusal.
			err = status.FromContextError(ss.Context().Err()).Err()
		} else if err != nil {
			err = s.refuse(context.WithoutCancel(ctx), c, info.FullMethod, err)
		}
	}()
	defer rescue(&err)
	if err := s.admit(c, info.FullMethod); err != nil {
		return err
	}
	go s.guard(ctx, cancel, *c, info.FullMethod)
	err = handler(srv, &checkedStream{ss, ctx, func(m proto.Message) error { return s.inspect(c, info.FullMethod, m) }})
	// The handler sees that its context ended; why it ended is known here.
	if cause, ok := errors.AsType[*fault.Error](context.Cause(ctx)); ok {
		return cause
	}
	return err
}

// guard ends a stream whose caller may no longer have it, or when the service stops.
func (s *Server) guard(ctx context.Context, cancel context.CancelCauseFunc, c call, method string) {
	ticker := time.NewTicker(recheck)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.stopping:
			cancel(fault.New(amparov1.Reason_REASON_UNAVAILABLE))
			return
		case <-ticker.C:
			c.caller = s.caller(c.connection.pin, s.records.Now())
			if _, err := access.Authorize(s.rules, c.caller, method, s.records.Now()); err != nil {
				cancel(err)
				return
			}
		}
	}
}

// rescue turns a panic of a handler into a fault of the service: one call fails,
// the others go on. The stack goes to the service's own log without its values.
func rescue(err *error) {
	if p := recover(); p != nil {
		*err = fault.Wrap(amparov1.Reason_REASON_INTERNAL, &panicked{stack: debug.Stack()})
	}
}

// panicked is a panic without what was passed to it, which may be a person's data.
type panicked struct{ stack []byte }

func (p *panicked) Error() string { return "panic" }

// refuse makes a refusal durable in the log and turns it into a status. When the
// leaf cannot be written, the answer is that the service cannot answer.
func (s *Server) refuse(ctx context.Context, c *call, method string, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = fault.Wrap(amparov1.Reason_REASON_UNAVAILABLE, err)
	}
	f := fault.As(err)
	if f.Kind() != fault.Unavailable {
		if leafErr := s.noteRefusal(ctx, c, method, f.Reason); leafErr != nil {
			f = fault.Wrap(amparov1.Reason_REASON_UNAVAILABLE, leafErr)
		}
	}
	s.logRefusal(c, method, f)
	return statusOf(f, c.correlation).Err()
}

// request names a writing call for the store.
func (c *call) request(id string) records.Request { return records.Request{ID: id, Hash: c.hash} }
