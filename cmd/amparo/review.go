package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

type decision int

const (
	decisionSend decision = iota
	decisionChange
	decisionLater
	decisionDiscard
)

// review shows everything again and asks what to do with it. A number takes the
// answer of that line back.
func (i *interview) review(ctx context.Context) (decision, error) {
	shown := i.showAll()
	prune(i.request.ProtoReflect())
	for {
		text, err := i.ask(ctx, "Send it? (send; a number to answer that again; later; discard)")
		if err != nil {
			return decisionLater, err
		}
		switch strings.ToLower(text) {
		case "send", "yes", "y":
			return decisionSend, nil
		case "later", "l":
			return decisionLater, nil
		case "discard":
			return decisionDiscard, nil
		}
		if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= len(shown) {
			i.forget(shown[n-1])
			return decisionChange, i.keep()
		}
	}
}

// showAll writes the questions that apply with their answers, and returns their ids
// in the order of the lines.
func (i *interview) showAll() []string {
	p := i.page()
	var ids []string
	for _, q := range script {
		if q.when != nil && !q.when(i) || i.cannotSpeak && !q.brief {
			continue
		}
		if q.heading != "" {
			p.heading(q.heading)
		}
		ids = append(ids, q.id())
		fmt.Fprintf(&p.buffer, "%3d  %s\n", len(ids), q.text)
		i.showAnswer(p, q)
	}
	// A terminal that cannot be written to shows at the next question.
	_, _ = i.term.err.Write(p.bytes())
	return ids
}

func (i *interview) showAnswer(p *page, q question) {
	switch q.path {
	case "":
		p.line("      ", map[bool]string{true: "no", false: "yes"}[i.cannotSpeak])
		return
	case identityKind:
		p.line("      ", map[bool]string{true: "yes", false: "no"}[onePerson(i)])
		return
	}
	message, field := i.locate(q.path)
	if field == nil || !message.Has(field) {
		p.line("      ", "-")
		return
	}
	if !field.IsList() {
		p.line("      ", client.Printable(scalarText(field, message.Get(field))))
		return
	}
	list := message.Get(field).List()
	for n := range list.Len() {
		if field.Message() == nil {
			p.line("      ", client.Printable(scalarText(field, list.Get(n))))
			continue
		}
		var parts []string
		entry := list.Get(n).Message()
		for _, part := range q.group {
			if f := entry.Descriptor().Fields().ByName(protoreflect.Name(part.path)); f != nil && entry.Has(f) {
				parts = append(parts, spokenAll(f, entry.Get(f)))
			}
		}
		p.line("      ", client.Printable(strings.Join(parts, ", ")))
	}
}

func spokenAll(field protoreflect.FieldDescriptor, value protoreflect.Value) string {
	if field.IsList() {
		return scalarList(field, value.List())
	}
	return scalarText(field, value)
}

func enumNumber(enum protoreflect.EnumDescriptor, text string) (protoreflect.EnumNumber, string) {
	number, ok := client.ParseEnum(enum, text)
	if !ok {
		return 0, "that is not in the list"
	}
	return number, ""
}

// correct takes back the answers that the service refused, so that they are asked
// again.
func (i *interview) correct(failure *client.Failure) {
	i.term.tell("%s\n", "\n"+failure.Error())
	for _, fault := range failure.Fields {
		path := strings.TrimPrefix(fault.Path, "intake.")
		for _, q := range script {
			if q.path != "" && (path == q.path || strings.HasPrefix(path, q.path+"[")) {
				i.forget(q.path)
			}
		}
	}
}

// draft is what is kept of an unfinished interview.
type draft struct {
	Version     int      `json:"version"`
	Begun       int64    `json:"begun,omitempty"` // Unix seconds
	Answered    []string `json:"answered"`
	CannotSpeak bool     `json:"cannot_speak"`
	Request     []byte   `json:"request"`
}

// keep makes what was answered durable.
func (i *interview) keep() error {
	request, err := proto.Marshal(i.request)
	if err != nil {
		return fmt.Errorf("keep draft: %w", err)
	}
	content, err := json.Marshal(draft{
		Version: 1, Begun: i.begun.Unix(), Answered: slices.Sorted(maps.Keys(i.answered)), CannotSpeak: i.cannotSpeak, Request: request,
	})
	if err != nil {
		return fmt.Errorf("keep draft: %w", err)
	}
	if err := i.save(content); err != nil {
		return err
	}
	i.saved = true
	return nil
}

// load goes on from a kept draft.
func (i *interview) load(content []byte) error {
	damaged := &client.Failure{
		Exit: exitVerification, Reason: "DRAFT_DAMAGED", Text: "the kept draft is of another version or damaged",
		Next: "begin anew with: amparo intake --discard-draft",
	}
	var d draft
	request := &amparov1.CreateIntakeRequest{}
	if json.Unmarshal(content, &d) != nil || d.Version != 1 || proto.Unmarshal(d.Request, request) != nil || request.Intake == nil {
		return damaged
	}
	i.request, i.cannotSpeak, i.saved = request, d.CannotSpeak, true
	if d.Begun != 0 {
		i.begun = time.Unix(d.Begun, 0)
	}
	for _, id := range d.Answered {
		i.answered[id] = true
	}
	return nil
}
