package server

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/amparo-project/amparo/internal/written"
)

// quiet reports whether the bytes of a message hold nothing that a walk through it
// would refuse. It allocates next to nothing where the walk reflects on every field,
// and it is only a short cut: whatever it does not understand at once is not quiet,
// and the walk decides.
func quiet(message protoreflect.MessageDescriptor, raw []byte) bool {
	fields := message.Fields()
	for len(raw) > 0 {
		number, wire, n := protowire.ConsumeTag(raw)
		if n < 0 {
			return false
		}
		raw = raw[n:]
		field := fields.ByNumber(number)
		if field == nil || !carries(field, wire) {
			return false
		}
		if wire != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(number, wire, raw); n < 0 {
				return false
			}
			raw = raw[n:]
			continue
		}
		value, n := protowire.ConsumeBytes(raw)
		if n < 0 || !quietValue(field, value) {
			return false
		}
		raw = raw[n:]
	}
	return true
}

func quietValue(field protoreflect.FieldDescriptor, value []byte) bool {
	switch field.Kind() {
	case protoreflect.MessageKind:
		return quiet(field.Message(), value)
	case protoreflect.StringKind:
		return plain(value) || !written.Unsafe(string(value), multiline(field))
	default: // bytes, and numbers packed together
		return true
	}
}

// carries reports whether a field of this kind comes in this wire type. One that
// comes in another is kept by protobuf as a field that is not known.
func carries(field protoreflect.FieldDescriptor, wire protowire.Type) bool {
	switch field.Kind() {
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		return wire == protowire.BytesType
	case protoreflect.BoolKind, protoreflect.EnumKind, protoreflect.Int32Kind, protoreflect.Int64Kind,
		protoreflect.Uint32Kind, protoreflect.Uint64Kind, protoreflect.Sint32Kind, protoreflect.Sint64Kind:
		return wire == protowire.VarintType || wire == protowire.BytesType && field.IsList()
	default: // no request has such a field
		return false
	}
}

// plain reports whether a text is of printable ASCII alone.
func plain(text []byte) bool {
	for _, c := range text {
		if c < 0x20 || c >= 0x7f {
			return false
		}
	}
	return true
}
