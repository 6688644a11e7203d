package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"os"

	gomail "github.com/wneessen/go-mail"
)

// Error is why a way out did not take a message. Its text is fit for a log: what
// the other end said is left out, since servers repeat addresses in their
// refusals.
type Error struct {
	// Way is mail or webhook.
	Way string
	// Code is what an SMTP or HTTP server answered; zero when it did not.
	Code int

	why   string
	cause error
}

func (e *Error) Error() string {
	if e.Code != 0 {
		return fmt.Sprintf("send notice by %s: refused with code %d", e.Way, e.Code)
	}
	return fmt.Sprintf("send notice by %s: %s", e.Way, e.why)
}

func (e *Error) Unwrap() error { return e.cause }

// explain sorts an error by what an operator would do about it.
func explain(way string, err error) error {
	e := &Error{Way: way, cause: err}
	timeout, isNet := errors.AsType[net.Error](err)
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	answer, answered := errors.AsType[*textproto.Error](err)
	refusal, refused := errors.AsType[*gomail.SendError](err)
	_, unreachable := errors.AsType[*net.OpError](err)
	switch {
	case answered:
		e.Code = answer.Code
	case refused && refusal.ErrorCode() != 0:
		e.Code = refusal.ErrorCode()
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), isNet && timeout.Timeout():
		e.why = "no answer in time"
	case errors.Is(err, context.Canceled):
		e.why = "interrupted"
	case untrusted:
		e.why = "the certificate is not good for this server"
	case errors.Is(err, errTooMuch):
		e.why = "the server says too much"
	case unreachable:
		e.why = "cannot be reached, or broke off"
	default:
		e.why = "broke off, or does not offer the TLS or login that is configured"
	}
	return e
}
