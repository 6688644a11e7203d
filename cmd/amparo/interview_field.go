package main

import (
	"context"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// askField asks for one field until the answer fits it or is left out.
func (i *interview) askField(
	ctx context.Context, q question, message protoreflect.Message, field protoreflect.FieldDescriptor,
) (back bool, err error) {
	choices := q.choices(field)
	prompt := i.prompt(q, field, choices)
	for {
		text, err := i.ask(ctx, prompt)
		if err != nil || text == goBack {
			return text == goBack, err
		}
		if text == "" {
			text = q.normal
		}
		switch {
		case text == "" && q.needed:
			i.term.tell("%s\n", "  this one is needed")
			continue
		case text == "":
			return false, nil
		}
		if isMultiline(field) || takesLines(field, q) {
			if text, err = i.moreLines(ctx, text); err != nil {
				return false, err
			}
		}
		rule := fill(q, message, field, choices, text)
		if rule == "" {
			return false, nil
		}
		i.term.tell("%s\n", "  "+rule)
		prompt = q.text
	}
}

func (q question) choices(field protoreflect.FieldDescriptor) []choice {
	switch {
	case q.codes != nil:
		return q.codes()
	case field.Enum() != nil:
		return enumChoices(field.Enum())
	default:
		return nil
	}
}

func (i *interview) prompt(q question, field protoreflect.FieldDescriptor, choices []choice) string {
	text := q.text
	switch {
	case q.normal != "":
		text += " (Enter: " + q.normal + ")"
	case field.Kind() == protoreflect.BoolKind:
		text += " (yes, no)"
	case isMultiline(field):
		text += " (an empty line ends it)"
	case takesLines(field, q):
		text += " (one a line, an empty line ends them)"
	}
	if field.Enum() != nil {
		text += "\n" + strings.TrimRight(choiceLines(choices), "\n")
	}
	return text
}

// isMultiline reads the option that stands beside the field in the proto.
func isMultiline(field protoreflect.FieldDescriptor) bool {
	multiline, ok := proto.GetExtension(field.Options(), amparov1.E_Multiline).(bool)
	return ok && multiline
}

// takesLines tells lists whose items may hold spaces from lists of words.
func takesLines(field protoreflect.FieldDescriptor, q question) bool {
	return field.IsList() && field.Kind() == protoreflect.StringKind && q.rule == nil
}

func (i *interview) moreLines(ctx context.Context, first string) (string, error) {
	lines := []string{first}
	for {
		more, err := i.term.readLine(ctx)
		if err != nil {
			return "", err
		}
		if strings.TrimSpace(more) == "" {
			return strings.Join(lines, "\n"), nil
		}
		lines = append(lines, more)
	}
}

// fill puts an answer into a field, or says what is wrong with it.
func fill(q question, message protoreflect.Message, field protoreflect.FieldDescriptor, choices []choice, text string) string {
	if !field.IsList() {
		value, rule := read(q, field, choices, text)
		if rule == "" {
			message.Set(field, value)
		}
		return rule
	}
	items := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == ';' || r == '\n' })
	if takesLines(field, q) {
		items = strings.Split(text, "\n")
	}
	list := message.NewField(field).List()
	for _, item := range items {
		value, rule := read(q, field, choices, strings.TrimSpace(item))
		if rule != "" {
			return rule
		}
		list.Append(value)
	}
	message.Set(field, protoreflect.ValueOfList(list))
	return ""
}

// read understands one answer.
func read(q question, field protoreflect.FieldDescriptor, choices []choice, text string) (protoreflect.Value, string) {
	if q.rule != nil {
		if rule := q.rule(text); rule != "" {
			return protoreflect.Value{}, rule
		}
	}
	if choices != nil {
		return readChoice(field, choices, text)
	}
	switch field.Kind() {
	case protoreflect.BoolKind:
		answer := parseYes(text)
		if answer == answerUnclear {
			return protoreflect.Value{}, "yes or no is needed"
		}
		return protoreflect.ValueOfBool(answer == answerYes), ""
	case protoreflect.Uint32Kind:
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return protoreflect.Value{}, "a number is needed"
		}
		return protoreflect.ValueOfUint32(uint32(n)), ""
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(text), ""
	default:
		return protoreflect.Value{}, "this cannot be answered here"
	}
}

func readChoice(field protoreflect.FieldDescriptor, choices []choice, text string) (protoreflect.Value, string) {
	chosen, near := pick(choices, text)
	if chosen.value == "" {
		if len(near) == 0 {
			near = choices
		}
		return protoreflect.Value{}, "choose one by its number or word:\n" + strings.TrimRight(choiceLines(near), "\n")
	}
	if field.Enum() == nil {
		return protoreflect.ValueOfString(chosen.value), ""
	}
	number, rule := enumNumber(field.Enum(), chosen.value)
	return protoreflect.ValueOfEnum(number), rule
}
