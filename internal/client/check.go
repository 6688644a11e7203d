package client

import (
	"errors"
	"strconv"
	"sync"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/intake"
	"github.com/amparo-project/amparo/internal/written"
)

// limits are those that stand beside the fields of an intake. Compiling them takes
// some milliseconds, so it is done when an intake is there, and once.
var limits = sync.OnceValues(func() (protovalidate.Validator, error) {
	return protovalidate.New(protovalidate.WithMessages(&amparov1.CreateIntakeRequest{}), protovalidate.WithDisableLazy())
})

// A clock that says less than earliest is wrong: this was not written yet. Then nothing
// can be said about what lies ahead, and by latest nothing does; the service has a
// clock of its own.
var (
	earliest = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
)

// checkIntake holds a request for help to what the service would refuse it for.
// What is sealed can be corrected by nobody, so it must be right before; every other
// request is checked by the service alone.
func checkIntake(request *amparov1.CreateIntakeRequest, now time.Time) error {
	if now.Before(earliest) {
		now = latest
	}
	var fields []Field
	unsafeTexts(request.ProtoReflect(), "", func(path string) {
		fields = append(fields, Field{Path: path, Rule: "must hold no control or direction-override characters"})
	})
	if request.GetIntake() != nil && len(fields) == 0 {
		asked := intake.Normalise(request.GetIntake(), now)
		fields = broken(&amparov1.CreateIntakeRequest{RequestId: request.GetRequestId(), Intake: asked})
		for _, violation := range intake.Check(asked, now) {
			fields = append(fields, Field{Path: violation.Field, Rule: violation.Rule})
		}
	}
	if request.GetIntake() == nil {
		fields = append(fields, Field{Path: "intake", Rule: "is required"})
	}
	if len(fields) == 0 {
		return nil
	}
	return &Failure{
		Exit: exitInvalid, Reason: "FIELD_INVALID", Text: "a field is not valid",
		Fields: fields, Next: "correct the fields named and send again",
	}
}

func broken(request *amparov1.CreateIntakeRequest) []Field {
	rules, err := limits()
	if err != nil {
		return nil // the service has the same rules, and will say so
	}
	invalid, ok := errors.AsType[*protovalidate.ValidationError](rules.Validate(request))
	if !ok {
		return nil
	}
	var fields []Field
	for _, v := range invalid.Violations {
		rule := v.Proto.GetMessage()
		if v.Proto.GetRuleId() == "enum.not_in" {
			rule = "is required" // as the service says it
		}
		fields = append(fields, Field{Path: protovalidate.FieldPathString(v.Proto.GetField()), Rule: rule})
	}
	return fields
}

// unsafeTexts tells of each text that the service would not take.
func unsafeTexts(message protoreflect.Message, path string, tell func(path string)) {
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		at := string(field.Name())
		if path != "" {
			at = path + "." + at
		}
		multiline, _ := proto.GetExtension(field.Options(), amparov1.E_Multiline).(bool)
		look := func(at string, value protoreflect.Value) {
			switch {
			case field.Message() != nil:
				unsafeTexts(value.Message(), at, tell)
			case field.Kind() == protoreflect.StringKind && written.Unsafe(value.String(), multiline):
				tell(at)
			}
		}
		if !field.IsList() {
			look(at, value)
			return true
		}
		for i := range value.List().Len() {
			look(at+"["+strconv.Itoa(i)+"]", value.List().Get(i))
		}
		return true
	})
}
