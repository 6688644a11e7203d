package notify

import (
	"context"
	"errors"
	"net"
	"strconv"
)

// maxHeard is how many bytes another end may say: a mail server in one connection,
// a webhook in the head of an answer.
const maxHeard = 256 << 10

var errTooMuch = errors.New("the other end says too much")

// boundedLine is a connection whose other end cannot talk for ever, and which ends
// with its context. The mail library sets a fresh deadline at each of its steps, so
// that a server which stalls at every one would hold a message for several times
// the limit; and it leaves the line open where a step of its own failed.
type boundedLine struct {
	net.Conn
	heard  int
	failed error // the first error of the line itself, which the library may hide
	forget func() bool
}

func dial(ctx context.Context, to wayOut) (*boundedLine, error) {
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(to.host, strconv.Itoa(to.port)))
	if err != nil {
		return nil, err
	}
	return &boundedLine{Conn: raw, forget: context.AfterFunc(ctx, func() { _ = raw.Close() })}, nil
}

// hangUp ends the line. Closing a connection twice does no harm.
func (l *boundedLine) hangUp() {
	l.forget()
	_ = l.Close()
}

// Read implements net.Conn.
func (l *boundedLine) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	if l.heard += n; l.heard > maxHeard {
		n, err = 0, errTooMuch
	}
	l.note(err)
	return n, err
}

// Write implements net.Conn.
func (l *boundedLine) Write(p []byte) (int, error) {
	n, err := l.Conn.Write(p)
	l.note(err)
	return n, err
}

func (l *boundedLine) note(err error) {
	if l.failed == nil {
		l.failed = err
	}
}
