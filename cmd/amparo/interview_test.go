package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

// drive is an interview whose operator types the given lines.
func drive(typed string) (*interview, *bytes.Buffer, *[][]byte) {
	var screen bytes.Buffer
	var kept [][]byte
	t := &terminal{in: strings.NewReader(typed), out: io.Discard, err: &screen, inIsPerson: true}
	i := newInterview(t, func() *page { return &page{now: testNow, zone: time.UTC} }, func(content []byte) error {
		kept = append(kept, bytes.Clone(content))
		return nil
	}, testNow)
	return i, &screen, &kept
}

var testNow = time.Date(2026, 3, 9, 21, 40, 0, 0, time.UTC)

// One who can speak: every part of the conversation, with slips in between.
const typedAnswers = `maybe
yes
3
+41790000000
yes
1 tue
8:30
08:30
21:00

America/Bogota
heron
yes
n
es
ring twice

hours
Two men wait before the house.
They have done so since Monday.

yes
death
death threats
2026-03-07
co
CO
Quibdó

a note under the door

no

yes
Тест Тестова
Test Testova
Testa
Testita

CO
CO VE
CO
resident
1984~
female

yes
number
+41791111111

environment 1
spokesperson

yes
urgent relocation


yes
female
b
2
yes


self
hotline

no
`

func TestTheInterviewFillsTheRequest(t *testing.T) {
	i, screen, kept := drive(typedAnswers + "send\n")
	if err := i.askAll(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, screen)
	}
	got, err := i.review(t.Context())
	if err != nil || got != decisionSend {
		t.Fatalf("decision = %d, %v", got, err)
	}
	want := &amparov1.CreateIntakeRequest{}
	if err := client.Decode([]byte(wantAnswers), want); err != nil {
		t.Fatal(err)
	}
	want.RequestId = i.request.GetRequestId()
	if !proto.Equal(i.request, want) {
		got, _ := jsonLine(i.request)
		wanted, _ := jsonLine(want)
		t.Errorf("the request is\n%swant\n%s", got, wanted)
	}
	if len(*kept) < 30 {
		t.Errorf("%d drafts were kept, want one for each answer", len(*kept))
	}
	for _, text := range []string{"yes or no is needed", "write hours and minutes", "write two capital letters", "Quibdó", "Тест Тестова", "heron"} {
		if !strings.Contains(screen.String(), text) {
			t.Errorf("the screen never showed %q", text)
		}
	}
}

const wantAnswers = `
intake:
  channel: hotline
  safe_contact:
    channel: signal
    address: "+41790000000"
    language: es
    time_zone: America/Bogota
    windows: [{days: [monday, tuesday], from: "08:30", until: "21:00"}]
    code_word: heron
    do_not_leave_message: true
    instructions: ring twice
  urgency_self_assessed: hours
  situation: |-
    Two men wait before the house.
    They have done so since Monday.
  incidents:
    - {act_code: "020103020000", date: 2026-03-07, country: CO, place: Quibdó, description: a note under the door}
  identity:
    person:
      legal_name: Тест Тестова
      latin_alias: Test Testova
      aliases: [Testa, Testita]
      current_country: CO
      nationalities: [CO, VE]
      residence_country: CO
      displacement: resident
      birth_date: 1984~
      sex: female
      identifiers: [{kind: number, value: "+41791111111"}]
      rights_work: {sectors: [environment, land], role: spokesperson}
  needs: [{code: urgent_relocation}]
  beneficiaries: [{sex: female, age_group: "5", count: 2, family: true}]
  submitter: {kind: self}
`

// The line breaks after every answer in turn: what was answered is never asked
// again, and the result is the same.
func TestAnInterruptedInterviewGoesOn(t *testing.T) {
	whole, _, kept := drive(typedAnswers)
	if err := whole.askAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	for n, draft := range *kept {
		i, screen, _ := drive("")
		if err := i.load(draft); err != nil {
			t.Fatal(err)
		}
		// What is still to be typed: the lines after those that led to this draft.
		i.term.in = strings.NewReader(rest(t, n))
		if err := i.askAll(t.Context()); err != nil {
			t.Fatalf("after answer %d: %v\n%s", n+1, err, screen)
		}
		i.request.RequestId, whole.request.RequestId = "", ""
		if !proto.Equal(i.request, whole.request) {
			t.Errorf("after answer %d the request differs", n+1)
		}
	}
}

// rest finds what an operator would still type after n+1 kept answers: it counts the
// lines that had been read when the draft was kept.
func rest(t *testing.T, n int) string {
	t.Helper()
	lines := strings.SplitAfter(typedAnswers, "\n")
	counted := &countingReader{lines: lines}
	i, _, _ := drive("")
	i.term.in = counted
	stop := errors.New("stop")
	seen := 0
	i.save = func([]byte) error {
		seen++
		if seen == n+1 {
			return stop
		}
		return nil
	}
	if err := i.askAll(t.Context()); !errors.Is(err, stop) {
		t.Fatalf("answer %d was never kept: %v", n+1, err)
	}
	return strings.Join(lines[counted.next:], "")
}

// countingReader hands out one line a read and knows how many.
type countingReader struct {
	lines []string
	next  int
}

func (r *countingReader) Read(p []byte) (int, error) {
	if r.next >= len(r.lines) {
		return 0, io.EOF
	}
	r.next++
	return copy(p, r.lines[r.next-1]), nil
}

func TestWhoCannotSpeakIsAskedWhatCannotWait(t *testing.T) {
	i, screen, _ := drive("no\nsms\n+41790000000\n\nheron\nyes\nyes\nhours\nshe whispers\n\nyes\nTest Testova\nCO\n\n\nno\n")
	if err := i.askAll(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, screen)
	}
	intake := i.request.GetIntake()
	if intake.GetSafeContact().GetChannel() != amparov1.ContactChannel_CONTACT_CHANNEL_SMS || !intake.GetSafeContact().GetDoNotLeaveMessage() ||
		intake.GetIdentity().GetPerson().GetLegalName() != "Test Testova" || intake.GetChannel() != amparov1.Channel_CHANNEL_HOTLINE ||
		intake.GetSubmitter().GetKind() != amparov1.SubmitterKind_SUBMITTER_KIND_SELF {
		t.Errorf("what cannot wait was not taken down\n%s", screen)
	}
	if strings.Contains(screen.String(), "Nationalities") {
		t.Error("what can wait was asked")
	}
}

func TestGoingBackAsksAgain(t *testing.T) {
	i, _, _ := drive("yes\nsignal\n<\nsms\n")
	if err := i.askAll(t.Context()); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	if got := i.request.GetIntake().GetSafeContact().GetChannel(); got != amparov1.ContactChannel_CONTACT_CHANNEL_SMS {
		t.Errorf("channel = %d", got)
	}
}

func TestTheReviewTakesAnAnswerBack(t *testing.T) {
	i, screen, _ := drive(typedAnswers + "6\nlater\n")
	if err := i.askAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	line := "  6  Code word"
	if got, err := i.review(t.Context()); got != decisionChange || err != nil {
		t.Fatalf("decision = %d, %v", got, err)
	}
	if !strings.Contains(screen.String(), line) {
		t.Fatalf("the sixth line is not the code word:\n%s", screen)
	}
	if i.request.GetIntake().GetSafeContact().GetCodeWord() != "" || i.answered["safe_contact.code_word"] {
		t.Error("the answer was not taken back")
	}
	if i.request.GetIntake().GetSafeContact().GetAddress() == "" {
		t.Error("another answer went with it")
	}
}

func TestWhatTheServiceRefusesIsAskedAgain(t *testing.T) {
	i, _, _ := drive(typedAnswers)
	if err := i.askAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	i.correct(&client.Failure{Exit: 2, Fields: []client.Field{
		{Path: "intake.identity.person.birth_date", Rule: "lies in the future"}, {Path: "intake.incidents[0].act_code", Rule: "is no code"},
	}})
	for _, id := range []string{"identity.person.birth_date", "incidents", "incidents[0].act_code"} {
		if i.answered[id] {
			t.Errorf("%s still counts as answered", id)
		}
	}
	if !i.answered["identity.person.legal_name"] {
		t.Error("the name would be asked again")
	}
}

func TestAnInterruptionSaysHowToGoOn(t *testing.T) {
	for typed, want := range map[string]string{"": "nothing was answered yet", "yes\n": "is kept, sealed"} {
		i, _, _ := drive(typed)
		failure := client.Explain(i.interrupted(i.askAll(t.Context())))
		if failure.Exit != 1 || !strings.Contains(failure.Text, want) || !strings.Contains(failure.Next, "amparo intake") {
			t.Errorf("%q: %s", typed, failure)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	i, _, _ := drive("")
	i.term.in = blockedReader{}
	cancel()
	if failure := client.Explain(i.interrupted(i.askAll(ctx))); failure.Reason != "INTERRUPTED" {
		t.Errorf("Ctrl-C: %s", failure)
	}
}

type blockedReader struct{}

func (blockedReader) Read([]byte) (int, error) { select {} }

func TestADamagedDraftIsRefused(t *testing.T) {
	for _, content := range []string{"", "{}", `{"version":2}`, `{"version":1,"request":"////"}`, `{"version":1}`} {
		i, _, _ := drive("")
		if failure := client.Explain(i.load([]byte(content))); failure == nil || failure.Exit != 7 {
			t.Errorf("%q: %v", content, failure)
		}
	}
}

// Every path of the script must lead to a field, or the question would fail in the
// middle of a call.
func TestEveryQuestionHasItsField(t *testing.T) {
	seen := map[string]bool{}
	for _, q := range script {
		if seen[q.id()] {
			t.Errorf("%s is asked twice", q.id())
		}
		seen[q.id()] = true
		if q.path == "" || q.path == identityKind {
			continue
		}
		i, _, _ := drive("")
		message, field := i.locate(q.path)
		if field == nil {
			t.Errorf("%s is no field", q.path)
			continue
		}
		for _, part := range q.group {
			entry := message.NewField(field).List().NewElement().Message()
			if entry.Descriptor().Fields().ByName(protoreflect.Name(part.path)) == nil {
				t.Errorf("%s.%s is no field", q.path, part.path)
			}
		}
	}
}
