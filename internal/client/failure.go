package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/amparo-project/amparo/internal/written"
)

// The exit codes of the command-line contract.
const (
	exitUnavailable  = 1
	exitInvalid      = 2
	exitDenied       = 3
	exitNotFound     = 4
	exitRefused      = 5
	exitConflict     = 6
	exitVerification = 7
)

// Failure is why something was not done, fit to be shown: it never holds a value
// that anybody typed.
type Failure struct {
	// Exit is the exit code of the command-line contract, 1 to 7.
	Exit int
	// Reason is a code for programs: the service's own, or one of this client's.
	Reason string
	// Text says in half a sentence what stands in the way.
	Text string
	// Fields are the places in the request that are at fault.
	Fields []Field
	// Next says what to do about it; may be empty.
	Next string
	// Correlation finds the call in the service's own log; may be empty.
	Correlation string

	// wanted: what the fields say is what would have to hold, and not what does.
	wanted bool
	cause  error
}

// Field is one place in a request that is at fault.
type Field = written.Fault

// Error is the whole failure in one line.
func (f *Failure) Error() string {
	var out strings.Builder
	out.WriteString(f.Text)
	if f.Reason != "" {
		fmt.Fprintf(&out, " (%s)", f.Reason)
	}
	// Where all break one rule, its code stands before them; of several, each names its own.
	several := f.several()
	first := ": "
	if f.wanted {
		first = ": wanted: "
	}
	for i, field := range f.Fields {
		out.WriteString([]string{first, "; "}[min(i, 1)])
		if field.Line > 0 {
			fmt.Fprintf(&out, "line %d: ", field.Line)
		}
		if field.Path != "" {
			out.WriteString(field.Path + " ")
		}
		out.WriteString(field.Rule)
		if several && field.Code != "" {
			out.WriteString(" [" + field.Code + "]")
		}
	}
	if f.Next != "" {
		out.WriteString("; next: " + f.Next)
	}
	if f.Correlation != "" {
		out.WriteString(" [" + f.Correlation + "]")
	}
	return Printable(out.String())
}

// Unwrap returns what led to the failure, for programs; it is never shown.
func (f *Failure) Unwrap() error { return f.cause }

// Printable puts a text on one line and takes out whatever could move the cursor,
// change the direction of writing or hide something: neither the service nor the
// people who wrote into a file are trusted with a colleague's terminal.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case r < 0x20, r >= 0x7f && r < 0xa0, isBidi(r):
			return -1
		}
		return r
	}, text)
}

// isBidi tells the characters that change the direction of the text around them.
func isBidi(r rune) bool {
	return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// Explain turns any error of this package, of a call or of the machine into a
// Failure. It returns nil for nil.
func Explain(err error) *Failure {
	if err == nil {
		return nil
	}
	if known, ok := errors.AsType[*Failure](err); ok {
		return known
	}
	if errors.Is(err, context.Canceled) {
		return &Failure{Exit: exitUnavailable, Reason: "INTERRUPTED", Text: "interrupted", cause: err}
	}
	// Not status.FromError, which would put the wrapping's words into the message.
	if answer, ok := errors.AsType[statusError](err); ok {
		return explainStatus(answer.GRPCStatus(), err)
	}
	return &Failure{Exit: exitUnavailable, Reason: "LOCAL", Text: Printable(err.Error()), cause: err}
}

// statusError is what the errors of a call are.
type statusError interface {
	error
	GRPCStatus() *status.Status
}

// exits is the table of the contract; what is not in it is exit 1.
var exits = map[codes.Code]int{
	codes.InvalidArgument:    exitInvalid,
	codes.Unauthenticated:    exitDenied,
	codes.PermissionDenied:   exitDenied,
	codes.NotFound:           exitNotFound,
	codes.FailedPrecondition: exitRefused,
	codes.Aborted:            exitConflict,
	codes.AlreadyExists:      exitConflict,
	codes.DataLoss:           exitVerification,
}

func explainStatus(answer *status.Status, err error) *Failure {
	f := &Failure{Exit: exits[answer.Code()], wanted: answer.Code() == codes.FailedPrecondition, cause: err}
	if f.Exit == 0 {
		f.Exit = exitUnavailable
	}
	for _, detail := range answer.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			f.Reason = detail.GetReason()
			f.Next = detail.GetMetadata()["next"]
			f.Correlation = detail.GetMetadata()["correlation"]
		case *errdetails.BadRequest:
			for _, v := range detail.GetFieldViolations() {
				f.Fields = append(f.Fields, Field{Path: v.GetField(), Rule: v.GetDescription(), Code: v.GetReason()})
			}
		case *errdetails.PreconditionFailure:
			for _, v := range detail.GetViolations() {
				f.Fields = append(f.Fields, Field{Path: v.GetSubject(), Rule: v.GetDescription(), Code: v.GetType()})
			}
		}
	}
	f.Text = answer.Message()
	if f.Reason == "" {
		explainTransport(f, answer.Code())
	}
	if f.several() {
		f.Next = "put each of these right, and send it again"
	}
	return f
}

// several tells that more reasons are named than one: then the first one's next step is
// not enough.
func (f *Failure) several() bool {
	return slices.ContainsFunc(f.Fields, func(field Field) bool { return field.Code != "" && field.Code != f.Reason })
}

// explainTransport puts plain words to a status that the service did not write
// itself. The text of the transport names addresses and system calls, which help
// nobody at a hotline, so it is replaced.
func explainTransport(f *Failure, code codes.Code) {
	switch code {
	case codes.Unavailable:
		f.Reason, f.Text = "UNREACHABLE", "the service does not answer"
		f.Next = "see whether this machine has a network, then try again"
	case codes.DeadlineExceeded:
		f.Reason, f.Text = "TIMEOUT", "the service did not answer in time"
		f.Next = "try again"
	case codes.Canceled:
		f.Reason, f.Text = "INTERRUPTED", "interrupted"
	case codes.Unimplemented:
		f.Reason, f.Text = "METHOD_UNKNOWN", "the service does not know this call"
		f.Next = "use the client of the service's version"
	case codes.ResourceExhausted:
		f.Reason, f.Text = "TOO_LARGE", "the message is larger than the service takes"
		f.Next = "shorten it"
	default:
		f.Reason, f.Text = strings.ToUpper(code.String()), "the service refused without saying why"
	}
}
