package server

import (
	"errors"
	"strconv"
	"strings"
	"sync"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/written"
)

// checker holds a request to what its messages say: no unknown field at any depth,
// no text that hides or turns what a reader sees, and the limits beside the fields.
type checker struct {
	limits protovalidate.Validator
}

// newChecker compiles the limits of every request, once in a process: they are part of
// the program. Compiling on first use would make the first caller of each method wait.
var newChecker = sync.OnceValues(func() (*checker, error) {
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
})

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
		rule := v.Proto.GetMessage()
		if v.Proto.GetRuleId() == "enum.not_in" {
			rule = "is required" // what no field may be is that it was not set
		}
		violations = append(violations, fault.Violation{
			Field:  protovalidate.FieldPathString(v.Proto.GetField()),
			Rule:   rule,
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
		if text := value.String(); written.Unsafe(text, false) && (!multiline(s.field) || written.Unsafe(text, true)) {
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
