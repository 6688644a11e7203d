// Package notify carries a notice out of the house: by mail and by webhook, to
// people who may be asleep, in the street, or without their phone.
//
// A phone may be in anybody's hand, and mail is read on its way. So a notice has
// one of six fixed texts and nothing of what it is about: no name, no number, no
// risk, no case. The most that it can hold is the random id of an alarm, which
// means nothing to anyone who cannot open it anyway.
//
// Make a Sender with New and call Send. A message goes out at least once: where
// the other end broke off after taking it, Send reports a failure and the caller
// sends again. Send never outlasts the time limits of its Config, however the
// other end behaves. Deciding whom to tell and when, what may wait for a digest
// and when to try again is left to the caller, and nothing is kept here.
package notify

import (
	"context"
	"errors"
	"net/mail"
	"regexp"
	"strings"
	"time"
)

// Kind is what a notice says. There is no other text.
type Kind int

const (
	// Task is an ordinary notice: something waits.
	Task Kind = iota + 1
	// Alarm must be acknowledged by its recipient, or passes to the next person.
	Alarm
	// Sealed is the last word of a service that can vouch for nothing any more.
	Sealed
	// Silent says that the service does not answer.
	Silent
	// Answers says that a service which was silent answers again.
	Answers
	// Doubted says that somebody outside has seen what the service does not hold.
	Doubted
)

// Message is one notice to some people.
type Message struct {
	Kind Kind
	// Ref is the random id of an alarm, 26 characters of a-z and 2-7; empty for
	// none. Nothing else fits.
	Ref string
	// To are the people. May be empty, for a notice to the webhook alone.
	To []Recipient
}

// Recipient is one person, by the ways that they can be reached. Nobody learns
// from a notice who else got it, except whoever runs the webhook.
type Recipient struct {
	// Mail is a bare address, local@domain; empty when the person has none.
	Mail string
	// PersonID is the staff id, for the webhook to know whom to call; empty for an
	// address that is no member of the staff.
	PersonID string
}

// Receipt is what became of a message.
type Receipt struct {
	// Mail has one entry for each recipient, in their order: nil when the mail
	// server took responsibility for it.
	Mail []error
	// Webhook is nil when the webhook took the message for everybody.
	Webhook error
}

// ErrNoWay says that a way out is not configured, or the recipient has no address
// for it.
var ErrNoWay = errors.New("send notice: no such way is configured")

// Reached reports whether one way at least took the message for the recipient of
// that index.
func (r Receipt) Reached(index int) bool { return r.Webhook == nil || r.Mail[index] == nil }

// Any reports whether anybody was reached by any way.
func (r Receipt) Any() bool {
	if r.Webhook == nil {
		return true
	}
	for _, err := range r.Mail {
		if err == nil {
			return true
		}
	}
	return false
}

// Err joins what failed, for a log; nil when nothing did. A way that is not
// configured is no failure as long as another took the message.
func (r Receipt) Err() error {
	var failed []error
	for _, err := range append([]error{r.Webhook}, r.Mail...) {
		if err != nil && !errors.Is(err, ErrNoWay) {
			failed = append(failed, err)
		}
	}
	if len(failed) == 0 && !r.Any() {
		return ErrNoWay
	}
	return errors.Join(failed...)
}

// Sender sends notices. Its methods may be called from several goroutines.
type Sender struct {
	mail *mailer
	hook *hook
}

// New makes a Sender and reads the secrets that the configuration names. A
// configuration without any way out makes a Sender that answers ErrNoWay. Errors
// name the setting at fault and never its value.
func New(config Config, now func() time.Time) (*Sender, error) {
	s := &Sender{}
	var err error
	if config.SMTP != (SMTP{}) {
		if s.mail, err = newMailer(config.SMTP, now); err != nil {
			return nil, err
		}
	}
	if config.Webhook != (Webhook{}) {
		if s.hook, err = newHook(config.Webhook, now); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Send hands the message to every way at once and returns when each has taken or
// refused it, or when its time is up.
func (s *Sender) Send(ctx context.Context, m Message) Receipt {
	receipt := Receipt{Mail: make([]error, len(m.To))}
	if err := m.check(); err != nil {
		for i := range receipt.Mail {
			receipt.Mail[i] = err
		}
		receipt.Webhook = err
		return receipt
	}
	hooked := make(chan error, 1)
	go func() { hooked <- contained("webhook", func() error { return s.hook.send(ctx, m) }) }()
	if err := contained("mail", func() error { s.mail.send(ctx, m, receipt.Mail); return nil }); err != nil {
		for i := range receipt.Mail {
			receipt.Mail[i] = err
		}
	}
	receipt.Webhook = <-hooked
	return receipt
}

// contained makes a failure of a panic: no message, and no fault in a library that
// meets a strange server, is worth the service.
func contained(way string, send func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = &Error{Way: way, why: "a fault of the program itself"}
		}
	}()
	return send()
}

var ref = regexp.MustCompile(`^[a-z2-7]{26}$`)

func (m Message) check() error {
	if m.text() == "" {
		return errors.New("send notice: unknown kind")
	}
	if m.Ref != "" && !ref.MatchString(m.Ref) {
		return errors.New("send notice: the reference is no id")
	}
	for _, to := range m.To {
		if to.PersonID != "" && !ref.MatchString(to.PersonID) {
			return errors.New("send notice: the person is named by no id")
		}
	}
	return nil
}

func (k Kind) urgent() bool { return k == Alarm || k == Sealed || k == Silent || k == Doubted }

// subject shows on a locked screen.
func (m Message) subject() string {
	if m.Kind.urgent() {
		return "Urgent notice"
	}
	return "Notice"
}

// text is the whole of what is said; empty for a kind that does not exist.
func (m Message) text() string {
	switch m.Kind {
	case Task:
		return "You have a task."
	case Alarm:
		return "You have an urgent task: open Amparo and acknowledge it."
	case Sealed:
		return "The service has stopped by itself and needs its operator."
	case Silent:
		return "The service does not answer and needs its operator."
	case Answers:
		return "The service answers again."
	case Doubted:
		return "The service's memory is in doubt and it needs its operator."
	default:
		return ""
	}
}

// word is the kind for programs.
func (k Kind) word() string {
	return map[Kind]string{Task: "task", Alarm: "alarm", Sealed: "sealed", Silent: "silent", Answers: "answers", Doubted: "doubted"}[k]
}

// CheckAddress refuses what is not one bare mail address of at most 254 ASCII
// characters. The error does not repeat it.
func CheckAddress(address string) error {
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || parsed.Name != "" || len(address) > 254 {
		return errNoAddress
	}
	if strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"<>()[],;:\`, r) }) {
		return errNoAddress
	}
	return nil
}

var errNoAddress = errors.New("not a bare mail address, such as desk@example.org")
