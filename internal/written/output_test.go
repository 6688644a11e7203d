package written_test

import (
	"math"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/written"
)

func TestEncodeIsForPeople(t *testing.T) {
	message := &amparov1.CreateIntakeRequest{Intake: &amparov1.Intake{
		ReceivedAt: &timestamppb.Timestamp{Seconds: 1773088800}, Channel: amparov1.Channel_CHANNEL_HOTLINE,
		Situation: "First line: it began.\nSecond line.\n",
		Identity: &amparov1.Identity{Subject: &amparov1.Identity_Person{Person: &amparov1.Person{
			LegalName: "no", BirthDate: "1984-03", Nationalities: []string{"NO", "CO"},
		}}},
	}}
	got, err := written.Encode(message)
	if err != nil {
		t.Fatal(err)
	}
	want := `intake:
  received_at: 2026-03-09T20:40:00Z
  channel: hotline
  identity:
    person:
      legal_name: no
      birth_date: 1984-03
      nationalities: [NO, CO]
  situation: |
    First line: it began.
    Second line.
`
	if string(got) != want {
		t.Errorf("it is written as\n%s\nwant\n%s", got, want)
	}
}

// TestWhatIsWrittenIsRead fills messages at random and reads back what is written of
// them, whatever their texts hold.
func TestWhatIsWrittenIsRead(t *testing.T) {
	texts := rapid.OneOf(
		rapid.String(),
		rapid.SampledFrom([]string{
			"", " ", "no", "~", "null", "1e3", "0x10", "-", "- a", "a: b", "#", "'", "\"", "{}", "[", "*a", "&a", "!x", "%", "@", "`",
			"a\nb", "\n", "a\n", "\ta", "a\t", " a", "a ", "2026-03-09", "<<", "? a", "|", ">", "\u00e9\u202f", "\u2028", "\ufeffa", "\r\n", "...", "---",
		}),
	)
	messages := []proto.Message{
		&amparov1.CreateIntakeRequest{}, &amparov1.ProposePolicyRequest{}, &amparov1.AssessRiskRequest{}, &amparov1.AuditLeaf{},
	}
	rapid.Check(t, func(t *rapid.T) {
		message := proto.Clone(rapid.SampledFrom(messages).Draw(t, "message"))
		proto.Reset(message)
		fill(t, message.ProtoReflect(), texts, 3)
		raw, err := written.Encode(message)
		if err != nil {
			t.Fatal(err)
		}
		again := message.ProtoReflect().New().Interface()
		if proto.Size(message) == 0 {
			return
		}
		if err := written.Decode(raw, again); err != nil || !proto.Equal(message, again) {
			t.Fatalf("another message is read: %v\n%s", err, raw)
		}
	})
}

// fill sets some fields of a message, and of those in it down to a depth.
func fill(t *rapid.T, message protoreflect.Message, texts *rapid.Generator[string], depth int) {
	fields := message.Descriptor().Fields()
	for range rapid.IntRange(1, 4).Draw(t, "fields") {
		field := fields.Get(rapid.IntRange(0, fields.Len()-1).Draw(t, "field"))
		if field.Message() != nil && depth == 0 || field.IsMap() {
			continue
		}
		if !field.IsList() {
			message.Set(field, draw(t, field, message.NewField(field), texts, depth))
			continue
		}
		list := message.Mutable(field).List()
		for range rapid.IntRange(1, 3).Draw(t, "items") {
			var empty protoreflect.Value
			if field.Message() != nil {
				empty = list.NewElement()
			}
			list.Append(draw(t, field, empty, texts, depth))
		}
	}
}

func draw(t *rapid.T, field protoreflect.FieldDescriptor, empty protoreflect.Value, texts *rapid.Generator[string], depth int) protoreflect.Value {
	switch field.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(strings.ToValidUTF8(texts.Draw(t, "text"), ""))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(rapid.Bool().Draw(t, "bool"))
	case protoreflect.EnumKind:
		values := field.Enum().Values()
		return protoreflect.ValueOfEnum(values.Get(rapid.IntRange(0, values.Len()-1).Draw(t, "enum")).Number())
	case protoreflect.MessageKind:
		if field.Message().FullName() == "google.protobuf.Timestamp" {
			at := &timestamppb.Timestamp{Seconds: rapid.Int64Range(0, 4e9).Draw(t, "seconds"), Nanos: rapid.Int32Range(0, 999999999).Draw(t, "nanos")}
			return protoreflect.ValueOfMessage(at.ProtoReflect())
		}
		fill(t, empty.Message(), texts, depth-1)
		return empty
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(rapid.Uint32().Draw(t, "number"))
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(rapid.Int32().Draw(t, "number"))
	case protoreflect.Uint64Kind:
		return protoreflect.ValueOfUint64(rapid.Uint64Max(math.MaxUint64).Draw(t, "number"))
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(rapid.Int64().Draw(t, "number"))
	default:
		t.Fatalf("no value is drawn for %s", field.FullName())
		return empty
	}
}
