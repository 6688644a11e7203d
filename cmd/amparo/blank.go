package main

import (
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/amparo-project/amparo/internal/client"
)

// formWidth is what fits a page of A4 in the type of a line printer, with margins.
const formWidth = 76

// blankForm is the interview on paper: every question, with room for the answer.
// Its id goes into the request, so that a form that two people type in, each not
// knowing of the other, is one case.
func blankForm(id string) string {
	f := &form{i: newInterview(nil, nil, nil, time.Time{})}
	f.line("INTAKE FORM", "request_id: "+id)
	f.text("")
	f.text("Whoever finds this paper reads what you write. Keep it on you, type it in")
	f.text("with: amparo intake --request-id and the id above, then burn it.")
	f.text("")
	f.text("Taken by " + blanks(26) + "  called on (date, time, zone) " + blanks(10))
	number := 0
	for _, q := range script {
		if q.heading != "" {
			f.text("")
			f.text(strings.ToUpper(q.heading))
		}
		number++
		f.question(number, q)
	}
	return f.out.String()
}

// form is a blank form as it grows.
type form struct {
	i   *interview
	out strings.Builder
}

func (f *form) text(line string) { f.out.WriteString(strings.TrimRight(line, " ") + "\n") }

// line writes one text at the left and one at the right.
func (f *form) line(left, right string) {
	f.text(left + strings.Repeat(" ", max(1, formWidth-len([]rune(left))-len([]rune(right)))) + right)
}

func blanks(n int) string { return strings.Repeat("_", max(n, 4)) }

func (f *form) question(number int, q question) {
	label := formNumber(number) + "  " + q.text
	switch {
	case strings.HasPrefix(q.path, "identity.person."):
		label += " (a person)"
	case strings.HasPrefix(q.path, "identity.collective."):
		label += " (a group)"
	}
	if q.path == "" || q.path == identityKind {
		f.line(label, "[ ] yes  [ ] no")
		return
	}
	message, field := f.i.locate(q.path)
	if q.group == nil {
		f.answer(label, q, field)
		return
	}
	f.text(label + ", each:")
	entry := message.NewField(field).List().NewElement().Message().Descriptor()
	for copies := range 2 {
		for _, part := range q.group {
			indent := "      "
			if copies > 0 {
				indent = "    + "
			}
			f.answer(indent+part.text, part, entry.Fields().ByName(protoreflect.Name(part.path)))
		}
	}
}

func formNumber(n int) string {
	text := []byte("   ")
	for at := 2; n > 0; at, n = at-1, n/10 {
		text[at] = byte('0' + n%10)
	}
	return string(text)
}

// answer writes a question with the room that its kind of answer takes.
func (f *form) answer(label string, q question, field protoreflect.FieldDescriptor) {
	switch {
	case field.Kind() == protoreflect.BoolKind:
		f.line(label, "[ ] yes  [ ] no")
	case field.Enum() != nil:
		f.text(label)
		f.boxes(client.EnumWords(field.Enum()))
	case isMultiline(field) || takesLines(field, q):
		f.text(label)
		for range 4 {
			f.text("     " + blanks(formWidth-5))
		}
	case len([]rune(label)) > formWidth-24:
		f.text(label)
		f.text("     " + blanks(formWidth-5))
	default:
		f.text(label + " " + blanks(formWidth-1-len([]rune(label))))
	}
}

// boxes lays the values of an enum out to be ticked.
func (f *form) boxes(words []string) {
	row := "    "
	for _, word := range words {
		box := " [ ] " + strings.ReplaceAll(word, "_", " ") + " "
		if len(row)+len(box) > formWidth {
			f.text(row)
			row = "    "
		}
		row += box
	}
	f.text(row)
}
