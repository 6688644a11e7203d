package written

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// scalar reads one value as the field's type, or says which rule it breaks.
func scalar(node *yaml.Node, empty protoreflect.Value, field protoreflect.FieldDescriptor) (protoreflect.Value, string) {
	text := node.Value
	switch field.Kind() {
	case protoreflect.StringKind:
		// As it was written: +49 and 1984-03 are text here, whatever YAML takes
		// them for.
		return protoreflect.ValueOfString(text), ""
	case protoreflect.BytesKind:
		return bytesValue(text)
	case protoreflect.BoolKind:
		switch strings.ToLower(text) {
		case "true":
			return protoreflect.ValueOfBool(true), ""
		case "false":
			return protoreflect.ValueOfBool(false), ""
		}
		return protoreflect.Value{}, "must be true or false"
	case protoreflect.EnumKind:
		number, ok := ParseEnum(field.Enum(), text)
		if !ok {
			return protoreflect.Value{}, enumRule(field.Enum(), text)
		}
		return protoreflect.ValueOfEnum(number), ""
	case protoreflect.MessageKind:
		return instant(text, empty)
	default:
		return number(text, field.Kind())
	}
}

func number(text string, kind protoreflect.Kind) (protoreflect.Value, string) {
	const rule = "must be a whole number within its range"
	switch kind {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return protoreflect.Value{}, rule
		}
		return protoreflect.ValueOfInt32(int32(n)), ""
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return protoreflect.Value{}, rule
		}
		return protoreflect.ValueOfInt64(n), ""
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return protoreflect.Value{}, rule
		}
		return protoreflect.ValueOfUint32(uint32(n)), ""
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return protoreflect.Value{}, rule
		}
		return protoreflect.ValueOfUint64(n), ""
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return float(text, kind)
	default:
		return protoreflect.Value{}, "cannot be given in a file"
	}
}

func float(text string, kind protoreflect.Kind) (protoreflect.Value, string) {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return protoreflect.Value{}, "must be a number"
	}
	if kind == protoreflect.FloatKind {
		return protoreflect.ValueOfFloat32(float32(x)), ""
	}
	return protoreflect.ValueOfFloat64(x), ""
}

func bytesValue(text string) (protoreflect.Value, string) {
	text = strings.TrimRight(text, "=")
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if raw, err := encoding.DecodeString(text); err == nil {
			return protoreflect.ValueOfBytes(raw), ""
		}
	}
	return protoreflect.Value{}, "must be base64"
}

// instant wants a zone: without one, an hour that a term runs from would depend on
// the machine that read it.
func instant(text string, empty protoreflect.Value) (protoreflect.Value, string) {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || at.Year() < 1 || at.Year() > 9999 {
		return protoreflect.Value{}, "must be an instant with its zone, as 2026-03-09T21:40:00+01:00"
	}
	fields := empty.Message().Descriptor().Fields()
	empty.Message().Set(fields.ByName("seconds"), protoreflect.ValueOfInt64(at.Unix()))
	empty.Message().Set(fields.ByName("nanos"), protoreflect.ValueOfInt32(int32(at.Nanosecond())))
	return empty, ""
}
