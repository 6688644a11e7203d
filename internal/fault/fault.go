// Package fault is how Amparo says no: a refusal with a reason from the closed
// list of the vocabulary, never with words of its own and never with anything
// that a caller sent.
//
// Build one with New or Fields, read one with As. What is not a fault is an
// internal error: the edge answers it with one fixed text. This package knows
// nothing of gRPC; server/status.go maps kinds to codes, and amparo's exit codes
// follow from those.
package fault

import (
	"errors"
	"fmt"
	"strings"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// Kind is the little that a caller needs in order to react.
type Kind uint8

// The kinds. The zero Kind is Internal, so that a forgotten entry in the table
// says nothing rather than too much.
const (
	Internal    Kind = iota // a fault of the service itself
	Invalid                 // the request cannot be right, whatever the state
	Unknown                 // the caller is not known (not authenticated)
	Denied                  // the caller is known and may not
	NotFound                // absent, or not for the caller to know of
	Refused                 // a rule stands in the way: state, consent, approval
	Conflict                // somebody was quicker, or an id was used before
	Exhausted               // too much, too large, too full
	Unavailable             // not now; nothing was acknowledged
	Corrupt                 // stored data failed its proof
	Missing                 // there is no such method
)

// Violation is one field that breaks a rule. Field is a path in the request's
// own names; Rule says what holds there and never repeats the value.
type Violation struct {
	Field  string
	Rule   string
	Reason amparov1.Reason
}

// Error is a refusal.
type Error struct {
	Reason     amparov1.Reason
	Violations []Violation
	cause      error
}

// New refuses for one reason.
func New(reason amparov1.Reason) *Error { return &Error{Reason: reason} }

// Wrap refuses for one reason and keeps what led to it for the service's own
// log. The cause is never shown to a caller.
func Wrap(reason amparov1.Reason, cause error) *Error {
	return &Error{Reason: reason, cause: cause}
}

// Field refuses one field for a reason.
func Field(reason amparov1.Reason, field, rule string) *Error {
	return &Error{Reason: reason, Violations: []Violation{{Field: field, Rule: rule, Reason: reason}}}
}

// Fields refuses a request for its fields, or returns nil when there are no
// violations. The reason is the first violation's.
func Fields(violations []Violation) error {
	if len(violations) == 0 {
		return nil
	}
	return &Error{Reason: violations[0].Reason, Violations: violations}
}

// Error names the reason and the fields. It holds nothing that a caller sent.
func (e *Error) Error() string {
	text := strings.ToLower(strings.TrimPrefix(e.Reason.String(), "REASON_"))
	for _, v := range e.Violations {
		text += fmt.Sprintf(" [%s: %s]", v.Field, v.Rule)
	}
	return text
}

// Unwrap returns the cause, for errors.Is and the service's own log.
func (e *Error) Unwrap() error { return e.cause }

// Kind returns the kind that belongs to the reason.
func (e *Error) Kind() Kind { return table[e.Reason].kind }

// Text is the one sentence that a caller reads for the reason.
func (e *Error) Text() string { return table[e.Reason].text }

// Next is what the caller can do about it.
func (e *Error) Next() string { return table[e.Reason].next }

// As returns the fault in err's chain. An error that is none becomes a fault of
// the service, so that a stranger's text never reaches a caller.
func As(err error) *Error {
	if f, ok := errors.AsType[*Error](err); ok {
		return f
	}
	return Wrap(amparov1.Reason_REASON_INTERNAL, err)
}

// Is reports whether err is a fault of the kind.
func Is(err error, kind Kind) bool {
	f, ok := errors.AsType[*Error](err)
	return ok && f.Kind() == kind
}
