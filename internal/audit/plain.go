package audit

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// saysOnce reports that the bytes of a message can be read in one way only. Of two values
// of a field that is no list, or of two members of a oneof, one reader takes the last and
// another the first: an auditor who has another program would judge another log.
func saysOnce(raw []byte, m protoreflect.MessageDescriptor) bool {
	var seen fieldSet
	for len(raw) > 0 {
		number, kind, n := protowire.ConsumeTag(raw)
		if n < 0 {
			return false
		}
		value := raw[n:]
		size := protowire.ConsumeFieldValue(number, kind, value)
		if size < 0 {
			return false
		}
		raw = value[size:]
		field := m.Fields().ByNumber(number)
		if field == nil || !field.IsList() && !seen.add(first(field)) {
			return false
		}
		if field.Message() == nil {
			continue
		}
		inner, n := protowire.ConsumeBytes(value)
		if n < 0 || !saysOnce(inner, field.Message()) {
			return false
		}
	}
	return true
}

// first is the number under which a field is remembered: all members of a oneof under
// that of its first.
func first(field protoreflect.FieldDescriptor) protowire.Number {
	if one := field.ContainingOneof(); one != nil {
		return one.Fields().Get(0).Number()
	}
	return field.Number()
}

// fieldSet holds numbers of fields. No message of a leaf has one beyond 63.
type fieldSet uint64

// add reports whether a number is new, and fits.
func (s *fieldSet) add(number protowire.Number) bool {
	if number > 63 || *s>>number&1 == 1 {
		return false
	}
	*s |= 1 << number
	return true
}
