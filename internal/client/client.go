// Package client is what everything on the side of the staff shares: profiles on
// disk, enrolment, connections to the service, requests written as YAML, and
// answers turned into words. The command uses it now, a desk will later.
//
// Make a profile with Enrol, open one with OpenProfile, connect it with Dial, and
// hand the connection to the generated stubs of api/amparo/v1. Read a request
// from a file with Decode, and turn any error that comes back into one line and
// an exit code with Explain.
//
// The package decides nothing that the service decides too: it checks only what
// would be lost or leaked before the service could say so. It draws no tables and
// asks no questions; that is the command's.
package client

import (
	"crypto/rand"
	"encoding/base32"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// MaxMessage is the size in bytes of the largest message that the service takes
// or gives.
const MaxMessage = 1 << 20

// NewRequestID draws the id of one writing request: 128 random bits as 26
// characters of a-z and 2-7.
func NewRequestID() string {
	var raw [16]byte
	// crypto/rand.Read never fails; it ends the process rather than weaken an id.
	_, _ = rand.Read(raw[:])
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw[:]))
}

// requestIDField returns the field that makes a request a writing one, or nil.
func requestIDField(message proto.Message) protoreflect.FieldDescriptor {
	field := message.ProtoReflect().Descriptor().Fields().ByName("request_id")
	if field == nil || field.Kind() != protoreflect.StringKind || field.IsList() {
		return nil
	}
	return field
}

// requestID returns the request's id, drawing one where a writing request has
// none yet. It is "" for a request that only reads.
func requestID(message proto.Message) string {
	field := requestIDField(message)
	if field == nil {
		return ""
	}
	if message.ProtoReflect().Get(field).String() == "" {
		message.ProtoReflect().Set(field, protoreflect.ValueOfString(NewRequestID()))
	}
	return message.ProtoReflect().Get(field).String()
}
