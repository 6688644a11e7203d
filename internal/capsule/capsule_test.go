package capsule_test

import (
	"errors"
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/capsule"
	"github.com/amparo-project/amparo/internal/written"
)

const byHand = `# typed at 03:10
called_at: 2026-03-09T22:40:00-05:00
intake:
  channel: hotline
  submitter: {kind: self}
  identity: {person: {legal_name: Ficticia Prueba}}
`

// TestATextIsItsOwnID: the same text is the same request, also sealed anew; another
// text, or another time of the call, is another.
func TestATextIsItsOwnID(t *testing.T) {
	id := func(text string) string {
		c, err := capsule.Read([]byte(text))
		if err != nil {
			t.Fatalf("%v in:\n%s", err, text)
		}
		return c.GetRequestId()
	}
	first := id(byHand)
	if !regexp.MustCompile(`^[a-z2-7]{26}$`).MatchString(first) {
		t.Errorf("the id %q is none", first)
	}
	for name, row := range map[string]struct {
		text string
		same bool
	}{
		"without the remark": {strings.Replace(byHand, "# typed at 03:10\n", "", 1), true},
		"in other words":     {strings.Replace(byHand, "channel: hotline", "channel: CHANNEL_HOTLINE", 1), true},
		"another name":       {strings.Replace(byHand, "Prueba", "Otra", 1), false},
		"another hour":       {strings.Replace(byHand, "22:40", "22:41", 1), false},
		"another taker":      {"taken_by_id: " + strings.Repeat("a", 26) + "\n" + byHand, false},
	} {
		if got := id(row.text) == first; got != row.same {
			t.Errorf("%s: the same request %v, want %v", name, got, row.same)
		}
	}
	if got := id("request_id: " + strings.Repeat("b", 26) + "\n" + byHand); got != strings.Repeat("b", 26) {
		t.Errorf("the id that the text names became %s", got)
	}
}

func TestWhatIsNoCapsule(t *testing.T) {
	for name, row := range map[string]struct{ text, path string }{
		"nothing":               {"", ""},
		"no intake":             {"request_id: " + strings.Repeat("b", 26), "intake"},
		"an unknown field":      {byHand + "  situatoin: x\n", "intake.situatoin"},
		"a field given twice":   {byHand + "intake: {}\n", "intake"},
		"two documents":         {byHand + "---\n" + byHand, ""},
		"an anchor":             {"intake: &a {channel: hotline}\n", "intake"},
		"a time without a zone": {"called_at: 2026-03-09T22:40:00\nintake: {}\n", "called_at"},
	} {
		_, err := capsule.Read([]byte(row.text))
		faults, ok := errors.AsType[written.Faults](err)
		if !ok || faults[0].Path != row.path {
			t.Errorf("%s: %v at %v, want a fault at %q", name, err, faults, row.path)
		}
	}
}

// text draws what people write, and what their machines put in between.
var text = rapid.Custom(func(t *rapid.T) string {
	return rapid.StringOf(rapid.OneOf(
		rapid.Rune(),
		rapid.SampledFrom([]rune("\n\t\r\"'\\:#&*!|>%@`{}[],?-\x7f\u0085\u2028\u2029\ufeff\ufffe\uffff\u202e\u200d")),
		rapid.SampledFrom([]rune("नेपालعربيမြန်မා😀𐐷")),
	)).Draw(t, "text")
})

// TestWhatIsWrittenIsRead: whatever the people on both ends wrote, the service reads
// the same, with the same id and bytes.
func TestWhatIsWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &amparov1.Capsule{
			ServiceId: capsule.ServiceID("age1"), RequestId: strings.Repeat("c", 26),
			CalledAt: &timestamppb.Timestamp{Seconds: rapid.Int64Range(0, 4e9).Draw(t, "s"), Nanos: rapid.Int32Range(0, 999_999_999).Draw(t, "ns")},
			Intake: &amparov1.Intake{
				Channel:     amparov1.Channel(rapid.Int32Range(0, 3).Draw(t, "channel")),
				Situation:   text.Draw(t, "situation"),
				SafeContact: &amparov1.SafeContact{Address: text.Draw(t, "address"), DoNotLeaveMessage: rapid.Bool().Draw(t, "quiet")},
				Submitter:   &amparov1.Submitter{},
				Identity: &amparov1.Identity{Subject: &amparov1.Identity_Person{Person: &amparov1.Person{
					LegalName: text.Draw(t, "name"), Aliases: rapid.SliceOfN(text, 0, 3).Draw(t, "aliases"),
				}}},
				Beneficiaries: []*amparov1.Beneficiaries{{Count: rapid.Uint32().Draw(t, "count")}},
			},
		}
		content, err := capsule.Write(c)
		if err != nil {
			t.Fatalf("%v", err)
		}
		back, err := capsule.Read(content)
		if err != nil {
			t.Fatalf("%v in %q", err, content)
		}
		wrote, _ := proto.MarshalOptions{Deterministic: true}.Marshal(c)
		read, _ := proto.MarshalOptions{Deterministic: true}.Marshal(back)
		if string(wrote) != string(read) {
			t.Fatalf("what was read is not what was written: %q", content)
		}
	})
}

// TestCostlyTexts: the largest text of any shape is read, or refused, within the
// bounds of opening it.
func TestCostlyTexts(t *testing.T) {
	for _, part := range []string{
		"[", "{", "{a: ", "- ", "? ", "a,", "[],", "!!x ", "&a ", "*a ", "a: b\n", "- - - -\n", "\"", "'\n", "|\n ", "\\u0000", "\n", "# \n", "{}\n---\n",
	} {
		for _, prefix := range []string{"", "intake: {needs: [", "intake: {situation: \""} {
			content := []byte((prefix + strings.Repeat(part, capsule.MaxSize/len(part)+1))[:capsule.MaxSize])
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begun := time.Now()
			_, err := capsule.Read(content)
			took := time.Since(begun)
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Errorf("%q after %q is taken for a capsule", part, prefix)
			}
			if used := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 2*time.Second || used > 64 {
				t.Errorf("%q after %q took %v and %d MiB", part, prefix, took, used)
			} else if testing.Verbose() && (took > 200*time.Millisecond || used > 30) {
				t.Logf("%q after %q took %v and %d MiB", part, prefix, took, used)
			}
		}
	}
}

// FuzzRead: no text harms the service, and what is taken for a capsule is written
// and read as the same.
func FuzzRead(f *testing.F) {
	f.Add([]byte(byHand))
	f.Add([]byte(`{"request_id":"bbbbbbbbbbbbbbbbbbbbbbbbbb","intake":{"situation":"\u2028 \ud83d\ude00"}}`))
	f.Add([]byte("intake: &a [*a, *a]"))
	f.Fuzz(func(t *testing.T, content []byte) {
		c, err := capsule.Read(content)
		if err != nil {
			if _, ok := errors.AsType[written.Faults](err); !ok {
				t.Fatalf("no fault of the text: %v", err)
			}
			return
		}
		again, err := capsule.Write(c)
		if err != nil {
			t.Fatal(err)
		}
		back, err := capsule.Read(again)
		if err != nil || !proto.Equal(back, c) {
			t.Fatalf("%v, or another capsule, from %q", err, again)
		}
	})
}

// TestTheExampleOfTheManual: what people copy is taken.
func TestTheExampleOfTheManual(t *testing.T) {
	manual, err := os.ReadFile("../../docs/capsule.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(manual), "```yaml\n")
	example, _, _ := strings.Cut(rest, "```")
	c, err := capsule.Read([]byte(example))
	if !found || err != nil {
		t.Fatalf("the example is not read: %v", err)
	}
	if !c.ProtoReflect().Has(c.ProtoReflect().Descriptor().Fields().ByName("called_at")) || c.GetTakenById() == "" || c.GetServiceId() == "" || c.GetRequestId() == "" {
		t.Error("the example does not show every field")
	}
}
