package server

import (
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"pgregory.net/rapid"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// pieces are what people write and what hides between it.
var pieces = []string{
	"", "Ana", "line one\nline two", "tab\there", "María", "مريم", "က", "z\u200dero", "left\u200e", "\u202eturned", "\u2066isolated",
	"bell\a", "\x7f", "\u0085", "\u2028", "\x00",
}

// TestQuietIsAShortCut: the walk refuses nothing that is quiet, and what the walk
// would let through is quiet, for any request in any bytes.
func TestQuietIsAShortCut(t *testing.T) {
	requests := []proto.Message{&amparov1.CreateIntakeRequest{}, &amparov1.ListQueueRequest{}, &amparov1.EnrolRequest{}, &amparov1.InviteStaffRequest{}}
	var both [2]int
	rapid.Check(t, func(t *rapid.T) {
		request := rapid.SampledFrom(requests).Draw(t, "request").ProtoReflect().New().Interface()
		fill(t, request.ProtoReflect(), 5)
		raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(request)
		if err != nil {
			return // bytes that are no text
		}
		w := &walk{}
		w.message(request.ProtoReflect())
		allowed := len(w.violations) == 0
		if got := quiet(request.ProtoReflect().Descriptor(), raw); got != allowed {
			t.Fatalf("quiet %t, the walk finds %d violations", got, len(w.violations))
		}
		if allowed {
			both[0]++
		} else {
			both[1]++
		}
	})
	if both[0] == 0 || both[1] == 0 {
		t.Errorf("%d requests were fine and %d were not: one side was never tried", both[0], both[1])
	}
}

// TestQuietKnowsEveryCharacter compares the two over one character after the other,
// in a text of one line and in one of several.
func TestQuietKnowsEveryCharacter(t *testing.T) {
	for r := rune(0); r < 0x2100; r++ {
		for _, intake := range []*amparov1.Intake{{Situation: "a" + string(r)}, {Office: "a" + string(r)}} {
			request := &amparov1.CreateIntakeRequest{Intake: intake}
			raw, err := proto.Marshal(request)
			if err != nil {
				t.Fatal(err)
			}
			w := &walk{}
			w.message(request.ProtoReflect())
			if got := quiet(request.ProtoReflect().Descriptor(), raw); got != (len(w.violations) == 0) {
				t.Errorf("%U: quiet %t, the walk finds %d violations", r, got, len(w.violations))
			}
		}
	}
}

// fill sets some fields, and now and then adds one that nobody knows, or that comes
// as another type than it should.
func fill(t *rapid.T, m protoreflect.Message, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if depth == 0 || rapid.IntRange(0, 2).Draw(t, "set") > 0 {
			continue
		}
		if field.IsList() {
			list := m.Mutable(field).List()
			for range rapid.IntRange(0, 2).Draw(t, "length") {
				if field.Message() != nil {
					fill(t, list.AppendMutable().Message(), depth-1)
				} else {
					list.Append(scalar(t, field, list.NewElement()))
				}
			}
		} else if field.Message() != nil {
			fill(t, m.Mutable(field).Message(), depth-1)
		} else {
			m.Set(field, scalar(t, field, m.NewField(field)))
		}
	}
	switch rapid.IntRange(0, 60).Draw(t, "unknown") {
	case 0:
		m.SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 5000, protowire.VarintType), 1))
	case 1:
		if fields.Len() > 0 {
			m.SetUnknown(protowire.AppendFixed64(protowire.AppendTag(nil, fields.Get(0).Number(), protowire.Fixed64Type), 1))
		}
	default: // as it should be
	}
}

func scalar(t *rapid.T, field protoreflect.FieldDescriptor, zero protoreflect.Value) protoreflect.Value {
	switch field.Kind() {
	case protoreflect.StringKind:
		from := pieces
		if rapid.IntRange(0, 9).Draw(t, "harmless") > 0 {
			from = pieces[:2]
		}
		return protoreflect.ValueOfString(rapid.SampledFrom(from).Draw(t, "text"))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(3)
	default:
		return zero
	}
}
