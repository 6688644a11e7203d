package server

import (
	"errors"
	"strconv"
	"strings"
	"unicode"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
)

// checker holds a request to what its messages say: no unknown field at any depth,
// no text that hides or turns what a reader sees, and the limits beside the fields.
type checker struct {
	limits protovalidate.Validator
}

// newChecker compiles the limits of every request once; compiling on first use
// would make the first caller of each method wait.
func newChecker() (*checker, error) {
	requests := []proto.Message{&amparov1.Capsule{}}
	for _, service := range services() {
		methods := service.Methods()
		for i := range methods.Len() {
			message, err := newRequest(methods.Get(i).Input())
			if err != nil {
				return nil, err
			}
			requests = append(requests, message)
		}
	}
	limits, err := protovalidate.New(protovalidate.WithMessages(requests...), protovalidate.WithDisableLazy())
	if err != nil {
		return nil, err
	}
	return &checker{limits: limits}, nil
}

// texts refuses unknown fields and unsafe texts of a request, which it is given in
// its bytes too. Like fields, it names fields and rules and never a value.
func (c *checker) texts(request proto.Message, raw []byte) error {
	if quiet(request.ProtoReflect().Descriptor(), raw) {
		return nil
	}
	w := &walk{}
	w.message(request.ProtoReflect())
	return fault.Fields(w.violations)
}

// fields refuses what breaks the limits that stand beside the fields.
func (c *checker) fields(request proto.Message) error {
	err := c.limits.Validate(request)
	if err == nil {
		return nil
	}
	invalid, ok := errors.AsType[*protovalidate.ValidationError](err)
	if !ok {
		return fault.Wrap(amparov1.Reason_REASON_INTERNAL, err)
	}
	var violations []fault.Violation
	for _, v := range invalid.Violations {
		violations = append(violations, fault.Violation{
			Field:  protovalidate.FieldPathString(v.Proto.GetField()),
			Rule:   v.Proto.GetMessage(),
			Reason: amparov1.Reason_REASON_FIELD_INVALID,
		})
	}
	return fault.Fields(violations)
}

// maxViolations is how many violations of one request are named.
const maxViolations = 20

// walk goes through a message once for what no field's own limits can say. Where it
// stands is put into words only for a violation: hardly any request has one.
type walk struct {
	at         []waypoint
	violations []fault.Violation
}

// waypoint is a field on the way to where a walk stands.
type waypoint struct {
	field protoreflect.FieldDescriptor
	index int // in a list; negative for a field that is none
}

func (w *walk) add(reason amparov1.Reason, rule string) {
	if len(w.violations) < maxViolations {
		w.violations = append(w.violations, fault.Violation{Field: w.path(), Rule: rule, Reason: reason})
	}
}

func (w *walk) path() string {
	var b strings.Builder
	for i, s := range w.at {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(string(s.field.Name()))
		if s.index >= 0 {
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		}
	}
	return b.String()
}

func (w *walk) message(m protoreflect.Message) {
	if len(m.GetUnknown()) > 0 {
		w.add(amparov1.Reason_REASON_FIELD_UNKNOWN, "holds a field that is not known")
	}
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.IsList():
			list := value.List()
			for i := range list.Len() {
				w.value(waypoint{field, i}, list.Get(i))
			}
		default:
			w.value(waypoint{field, -1}, value)
		}
		return true
	})
}

func (w *walk) value(s waypoint, value protoreflect.Value) {
	w.at = append(w.at, s)
	switch s.field.Kind() {
	case protoreflect.MessageKind:
		w.message(value.Message())
	case protoreflect.StringKind:
		if text := value.String(); unsafeText(text, false) && (!multiline(s.field) || unsafeText(text, true)) {
			w.add(amparov1.Reason_REASON_TEXT_UNSAFE, "must hold no control or direction-override characters")
		}
	default: // numbers, enums and bytes are held to the limits beside the fields
	}
	w.at = w.at[:len(w.at)-1]
}

// multiline reports whether a text may hold line breaks.
func multiline(field protoreflect.FieldDescriptor) bool {
	is, _ := proto.GetExtension(field.Options(), amparov1.E_Multiline).(bool)
	return is
}

// unsafeText reports characters that change how a text looks without being seen:
// control characters, which move a terminal's cursor, and bidirectional embeddings,
// overrides and isolates, which turn a name or a number around for the reader.
// Joiners and the marks of left and right stay: scripts need them.
func unsafeText(text string, multiline bool) bool {
	for i := range len(text) {
		if c := text[i]; c < 0x20 || c >= 0x7f {
			return unsafeRunes(text[i:], multiline)
		}
	}
	return false
}

func unsafeRunes(text string, multiline bool) bool {
	for _, r := range text {
		switch {
		case multiline && (r == '\n' || r == '\t'):
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			return true
		case r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			return true
		}
	}
	return false
}
