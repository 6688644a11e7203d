package server_test

import (
	"errors"
	"flag"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/servertest"
)

// A seed that was reported makes the same choices again; ids are drawn anew.
var seed = flag.Uint64("seed", 0, "seed of the fuzzed requests; 0 draws one")

// mutator spoils requests.
type mutator struct {
	*rand.Rand
	ids []string // of things that exist
}

var texts = []string{
	"", canary, canary + "\x00", canary + "\u202e", canary + "\n", "%s%n%x", "../../" + canary, "' OR 1=1 --", "\U0001F600", "é\u0301\u0301",
	"0000-00-00", "9999-12-31", "1984~", "2024-02-30", "+1", "+" + strings.Repeat("9", 198), "00:00", "24:00", "Local", "Etc/../../" + canary,
	"x-" + canary, "en-u-" + strings.Repeat("aa-", 10) + "a", "ZZ", "XK", "XXX", "990000000000", "AMP-Z99", "age1" + canary,
	strings.Repeat("ä", 200), strings.Repeat(canary, 100), strings.Repeat("a ", 10000), strings.Repeat("ツ", 7000), "ffffffff", "\u200f\u200d",
}

func (m *mutator) text() string {
	switch m.IntN(4) {
	case 0:
		return m.ids[m.IntN(len(m.ids))]
	case 1:
		return records.NewID()
	default:
		return texts[m.IntN(len(texts))]
	}
}

var numbers = []int64{0, 1, -1, 5, 6, 50, 200, 201, math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64, 253402300799, 253402300800, -62135596801}

func (m *mutator) value(field protoreflect.FieldDescriptor) protoreflect.Value {
	number := numbers[m.IntN(len(numbers))]
	switch field.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(m.IntN(2) == 0)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(m.IntN(14) - 1))
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(m.text())
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte(m.text()))
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(int32(number))
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(number)
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(uint32(number))
	case protoreflect.Uint64Kind:
		return protoreflect.ValueOfUint64(uint64(number))
	default:
		return field.Default()
	}
}

// fields changes some fields of a message, and of what stands inside.
func (m *mutator) fields(in protoreflect.Message, depth int) {
	fields := in.Descriptor().Fields()
	if fields.Len() == 0 {
		return
	}
	for range 1 + m.IntN(3) {
		field := fields.Get(m.IntN(fields.Len()))
		switch {
		case field.Name() == "request_id" && m.IntN(8) > 0:
		case m.IntN(8) == 0:
			in.Clear(field)
		case field.IsList():
			list := in.Mutable(field).List()
			for range []int{1, 1, 2, 21, 60}[m.IntN(5)] {
				if field.Message() != nil {
					m.fields(list.AppendMutable().Message(), depth+1)
				} else {
					list.Append(m.value(field))
				}
			}
		case field.Message() != nil:
			if depth < 6 {
				m.fields(in.Mutable(field).Message(), depth+1)
			}
		default:
			in.Set(field, m.value(field))
		}
	}
}

// rawBytes are sent as they are.
type rawBytes []byte

// rawCodec lets a test send bytes that are no message.
type rawCodec struct{}

func (rawCodec) Marshal(v any) ([]byte, error) {
	switch v := v.(type) {
	case rawBytes:
		return v, nil
	case proto.Message:
		return proto.Marshal(v)
	}
	return nil, errors.New("neither bytes nor a message")
}

func (rawCodec) Unmarshal(data []byte, v any) error { return proto.Unmarshal(data, v.(proto.Message)) }

func (rawCodec) Name() string { return "proto" }

// damage changes the bytes of a request.
func (m *mutator) damage(request proto.Message) rawBytes {
	raw, err := proto.Marshal(request)
	if err != nil || len(raw) == 0 {
		return rawBytes(m.text())
	}
	switch m.IntN(4) {
	case 0:
		raw = raw[:m.IntN(len(raw))]
	case 1:
		raw = append(raw, m.text()...)
	default:
		for range 1 + m.IntN(4) {
			raw[m.IntN(len(raw))] ^= byte(1 << m.IntN(8))
		}
	}
	return raw
}

// TestFuzz sends each method requests that are nearly right, and some that are not
// even messages. Nothing makes the service fail, no refusal says more than the
// table, and neither a refusal nor the log repeats what was sent.
func TestFuzz(t *testing.T) {
	log := &logged{}
	w := newWorld(t, servertest.Options{Output: log})
	person := w.everybody(t)
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	codec := grpc.WithDefaultCallOptions(grpc.ForceCodec(rawCodec{}), grpc.MaxCallRecvMsgSize(1<<20))
	person.Conn = w.Dial(t, person.Certificate, codec)
	door := w.dialDoor(t, person.Device, codec)
	spent := 45 * time.Millisecond
	if *long {
		spent = time.Minute
	}
	total, answered := 0, 0
	for _, method := range methods() {
		m := &mutator{Rand: rand.New(rand.NewPCG(*seed, 1)), ids: []string{
			w.newCase(t, person, nil), w.newCase(t, w.operator, nil), w.bystander.StaffID, w.bystander.DeviceID, w.reviewer.StaffID,
			w.Records.Directory().FileID, "north", "south",
		}}
		conn := w.connFor(t, person, door, method)
		for begin, i := time.Now(), 0; time.Since(begin) < spent && !t.Failed(); i++ {
			at := aim{w.newCaseAt(t, person, i, m.ids), w.bystander.StaffID, w.bystander.DeviceID}
			if strings.HasPrefix(shortName(method), "CaseService/Assign") {
				at.staffID = person.StaffID
			}
			request := w.request(t, method, at)
			m.fields(request.ProtoReflect(), 0)
			var sent any = request
			if m.IntN(5) == 0 {
				sent = m.damage(request)
			}
			_, err := call(t.Context(), t, conn, method, sent)
			total++
			if err == nil {
				answered++
				continue
			}
			w.judge(t, method, request, err)
		}
	}
	t.Logf("%d calls, %d answered", total, answered)
	if answered < total/50 || answered > total*49/50 {
		t.Errorf("%d of %d calls were answered: the requests are too wrong, or too right, to find anything", answered, total)
	}
	if text := log.String(); strings.Contains(text, canary) || strings.Contains(text, "panic") {
		t.Errorf("seed %d: the log holds what was sent, or a panic:\n%.2000s", *seed, text)
	}
}

// newCaseAt is a fresh case from time to time, so that there is one in every state.
func (w *world) newCaseAt(t *testing.T, person *servertest.Person, i int, ids []string) string {
	t.Helper()
	if i%50 == 49 {
		ids[0] = w.newCase(t, person, func(c *amparov1.Case) { c.State = amparov1.CaseState(1 + i/50%7) })
	}
	return ids[0]
}

func (w *world) judge(t *testing.T, method protoreflect.MethodDescriptor, request proto.Message, err error) {
	t.Helper()
	code := status.Code(err)
	if code == codes.ResourceExhausted && reason(err) == "" {
		return // larger than a message may be: gRPC's own words, which are numbers
	}
	if code == codes.Internal || code == codes.Unknown || code == codes.Unavailable {
		t.Errorf("seed %d: %s fails: %v\nfor %v", *seed, shortName(method), err, request)
	}
	fromTable(t, err)
	if t.Failed() {
		t.Logf("seed %d: %s: %v\nfor %v", *seed, shortName(method), err, request)
	}
}
