package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

// speakNow is the one question whose answer is not sent: it shortens the rest.
const speakNow = "speak"

// identityKind decides which of two messages the following questions fill.
const identityKind = "identity"

// goBack is what is typed to take the last answer back.
const goBack = "<"

// interview is one intake being asked.
type interview struct {
	term    *terminal
	page    func() *page
	save    func(content []byte) error
	request *amparov1.CreateIntakeRequest
	begun   time.Time // when the person asked for help

	answered    map[string]bool // by id, also what was answered with nothing
	cannotSpeak bool
	saved       bool     // a draft exists
	history     []string // ids of the answers, in their order, for goBack
}

func newInterview(t *terminal, newPage func() *page, save func([]byte) error, now time.Time) *interview {
	return &interview{
		term: t, page: newPage, save: save, answered: map[string]bool{}, begun: now,
		// The id is drawn now and kept in the draft: an intake that is sent again
		// after a broken line is taken in once.
		request: &amparov1.CreateIntakeRequest{RequestId: client.NewRequestID(), Intake: &amparov1.Intake{}},
	}
}

func (q question) id() string {
	if q.path == "" {
		return speakNow
	}
	return q.path
}

func (i *interview) asks(q question) bool {
	return !i.answered[q.id()] && (q.when == nil || q.when(i)) && (q.brief || !i.cannotSpeak)
}

// askAll asks what has not been answered yet, and keeps a draft after each answer.
func (i *interview) askAll(ctx context.Context) error {
	for n := 0; n < len(script); n++ {
		q := script[n]
		if q.heading != "" && i.partOpen(n) {
			i.term.tell("\n== %s ==   (Enter skips, %s goes back, Ctrl-C keeps it for later)\n", q.heading, goBack)
		}
		if !i.asks(q) {
			continue
		}
		back, err := i.askOne(ctx, q)
		switch {
		case err != nil:
			return err
		case back:
			i.takeBack()
			n = -1 // what was taken back is the first that is not answered
			continue
		}
		i.answered[q.id()] = true
		i.history = append(i.history, q.id())
		if err := i.keep(); err != nil {
			return err
		}
	}
	return nil
}

// partOpen tells whether the part that begins at question n has something to ask.
func (i *interview) partOpen(n int) bool {
	for m := n; m < len(script) && (m == n || script[m].heading == ""); m++ {
		if i.asks(script[m]) {
			return true
		}
	}
	return false
}

func (i *interview) takeBack() {
	if len(i.history) == 0 {
		i.term.tell("%s\n", "this is the first question")
		return
	}
	last := i.history[len(i.history)-1]
	i.history = i.history[:len(i.history)-1]
	i.forget(last)
}

// forget takes an answer out, and those that hang on it.
func (i *interview) forget(id string) {
	for other := range i.answered {
		if other == id || strings.HasPrefix(other, id+".") || strings.HasPrefix(other, id+"[") {
			delete(i.answered, other)
		}
	}
	if id == speakNow {
		i.cannotSpeak = false
		return
	}
	if message, field := i.locate(id); field != nil {
		message.Clear(field)
	}
}

// askOne asks one question of the script; back says that the one before is wanted.
func (i *interview) askOne(ctx context.Context, q question) (back bool, err error) {
	switch q.path {
	case "":
		return i.askYes(ctx, q, func(yes bool) {
			i.cannotSpeak = !yes
			if !yes {
				i.term.tell("%s\n", "Agree on a safe way and time first. Only what cannot wait is asked now.")
			}
		})
	case identityKind:
		return i.askYes(ctx, q, func(yes bool) {
			i.request.Intake.Identity = &amparov1.Identity{Subject: &amparov1.Identity_Collective{Collective: &amparov1.Collective{}}}
			if yes {
				i.request.Intake.Identity.Subject = &amparov1.Identity_Person{Person: &amparov1.Person{}}
			}
		})
	}
	message, field := i.locate(q.path)
	if field == nil {
		return false, fmt.Errorf("ask %s: there is no such field", q.path)
	}
	if q.group != nil {
		return i.askGroup(ctx, q, message.Mutable(field).List())
	}
	return i.askField(ctx, q, message, field)
}

func (i *interview) askYes(ctx context.Context, q question, take func(yes bool)) (back bool, err error) {
	for {
		text, err := i.ask(ctx, q.text+" (yes, no)")
		if err != nil {
			return false, err
		}
		if text == goBack {
			return true, nil
		}
		if answer := parseYes(text); answer != answerUnclear {
			take(answer == answerYes)
			return false, nil
		}
		i.term.tell("%s\n", "  yes or no is needed")
	}
}

// askGroup asks for the entries of a list, one by one, until none is added. An entry
// that an interruption left unfinished is finished first.
func (i *interview) askGroup(ctx context.Context, q question, list protoreflect.List) (back bool, err error) {
	for {
		last := list.Len() - 1
		entry := fmt.Sprintf("%s[%d]", q.path, last)
		if last < 0 || i.answered[entry] {
			more := " Add one? (yes; Enter: no)"
			if last >= 0 {
				more = fmt.Sprintf(" Add another to the %d? (yes; Enter: no)", last+1)
			}
			text, err := i.ask(ctx, q.text+":"+more)
			if err != nil || text == goBack {
				return text == goBack, err
			}
			if parseYes(text) != answerYes {
				return false, nil
			}
			list.AppendMutable()
			continue
		}
		dropped, err := i.askEntry(ctx, q, entry, list.Get(last).Message())
		if err != nil {
			return false, err
		}
		if dropped {
			list.Truncate(last)
			i.dropMarks(entry)
			continue
		}
		i.answered[entry] = true
		if err := i.keep(); err != nil {
			return false, err
		}
	}
}

func (i *interview) dropMarks(entry string) {
	for id := range i.answered {
		if strings.HasPrefix(id, entry) {
			delete(i.answered, id)
		}
	}
}

// askEntry asks the questions of one entry; going back drops the entry.
func (i *interview) askEntry(ctx context.Context, q question, entry string, message protoreflect.Message) (dropped bool, err error) {
	for _, part := range q.group {
		id := entry + "." + part.path
		if i.answered[id] {
			continue
		}
		field := message.Descriptor().Fields().ByName(protoreflect.Name(part.path))
		if field == nil {
			return false, fmt.Errorf("ask %s: there is no such field", id)
		}
		back, err := i.askField(ctx, part, message, field)
		if err != nil || back {
			return back, err
		}
		i.answered[id] = true
		if err := i.keep(); err != nil {
			return false, err
		}
	}
	return false, nil
}

// ask writes a question and reads the answer.
func (i *interview) ask(ctx context.Context, text string) (string, error) {
	i.term.tell("%s\n> ", text)
	answer, err := i.term.readLine(ctx)
	return strings.TrimSpace(answer), err
}

// locate finds a field of the intake by its path and makes the messages on the way.
func (i *interview) locate(path string) (protoreflect.Message, protoreflect.FieldDescriptor) {
	message := i.request.Intake.ProtoReflect()
	names := strings.Split(path, ".")
	for n, name := range names {
		field := message.Descriptor().Fields().ByName(protoreflect.Name(name))
		if field == nil || n == len(names)-1 {
			return message, field
		}
		if field.Message() == nil || field.IsList() {
			return nil, nil
		}
		message = message.Mutable(field).Message()
	}
	return nil, nil
}

// prune takes out the messages in which nothing was answered: asking makes them.
func prune(message protoreflect.Message) {
	fields := message.Descriptor().Fields()
	for n := range fields.Len() {
		field := fields.Get(n)
		if field.Message() == nil || field.IsList() || !message.Has(field) {
			continue
		}
		prune(message.Mutable(field).Message())
		if field.ContainingOneof() == nil && proto.Size(message.Get(field).Message().Interface()) == 0 {
			message.Clear(field)
		}
	}
}

// interrupted says how to go on after the terminal, the line or the person broke
// off.
func (i *interview) interrupted(err error) error {
	kept := "nothing was answered yet, and nothing was sent"
	next := "amparo intake"
	if i.saved {
		kept = "what was answered is kept, sealed to this device"
		next = "go on with: amparo intake"
	}
	if errors.Is(err, io.EOF) || errors.Is(err, context.Canceled) {
		i.term.tell("\n")
		return &client.Failure{Exit: exitLocal, Reason: "INTERRUPTED", Text: "interrupted; " + kept, Next: next}
	}
	failure := *client.Explain(err)
	if i.saved {
		failure.Next = strings.TrimPrefix(failure.Next+"; "+kept+"; send it again with: amparo intake", "; ")
	}
	return &failure
}
