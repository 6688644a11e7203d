package client

import (
	"errors"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/amparo-project/amparo/internal/written"
)

// Decode reads a request message from YAML or JSON of at most 1 MiB, as
// written.Decode does. What is wrong is a Failure that names paths and lines and
// repeats no value.
func Decode(raw []byte, into proto.Message) error {
	if len(raw) > MaxMessage {
		return &Failure{Exit: exitInvalid, Reason: "TOO_LARGE", Text: "the input is larger than 1 MiB", Next: "shorten it"}
	}
	err := written.Decode(raw, into)
	if faults, ok := errors.AsType[written.Faults](err); ok {
		return &Failure{
			Exit: exitInvalid, Reason: "INPUT_INVALID", Text: "the input cannot be read",
			Fields: faults, Next: "correct it and send again",
		}
	}
	return err
}

// ParseEnum finds the value of an enum by its name, as written.ParseEnum does.
func ParseEnum(enum protoreflect.EnumDescriptor, text string) (protoreflect.EnumNumber, bool) {
	return written.ParseEnum(enum, text)
}

// EnumWords lists the values of an enum as a person types them.
func EnumWords(enum protoreflect.EnumDescriptor) []string { return written.EnumWords(enum) }
