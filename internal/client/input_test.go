package client_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

const goodYAML = `
intake:
  received_at: 2026-03-09T21:40:00+01:00
  channel: hotline
  safeContact:
    channel: CONTACT_CHANNEL_SIGNAL
    address: +41790000000
    do_not_leave_message: true
    windows:
      - {days: [monday, Tuesday], from: "08:30", until: 21:00}
  submitter: {kind: third-party, may_contact_subject_directly: false}
  identity:
    person:
      legal_name: Тест Тестова
      birth_date: 1984-03-09
      age_group: 18_59
      nationalities: [NO, CO]
      gender:
      identifiers:
        - kind: number
          value: 0041790000000
  situation: |
    First line.
    Second line.
  needs:
    - code: urgent_relocation
      amount: {currency: EUR, minor_units: "1250000"}
`

func wantIntake() *amparov1.CreateIntakeRequest {
	contactable := false
	return &amparov1.CreateIntakeRequest{Intake: &amparov1.Intake{
		ReceivedAt: &timestamppb.Timestamp{Seconds: 1773088800},
		Channel:    amparov1.Channel_CHANNEL_HOTLINE,
		SafeContact: &amparov1.SafeContact{
			Channel: amparov1.ContactChannel_CONTACT_CHANNEL_SIGNAL, Address: "+41790000000", DoNotLeaveMessage: true,
			Windows: []*amparov1.SafeWindow{{
				Days: []amparov1.Weekday{amparov1.Weekday_WEEKDAY_MONDAY, amparov1.Weekday_WEEKDAY_TUESDAY},
				From: "08:30", Until: "21:00",
			}},
		},
		Submitter: &amparov1.Submitter{Kind: amparov1.SubmitterKind_SUBMITTER_KIND_THIRD_PARTY, MayContactSubjectDirectly: &contactable},
		Identity: &amparov1.Identity{Subject: &amparov1.Identity_Person{Person: &amparov1.Person{
			LegalName: "Тест Тестова", BirthDate: "1984-03-09", AgeGroup: amparov1.AgeGroup_AGE_GROUP_18_59,
			Nationalities: []string{"NO", "CO"},
			Identifiers:   []*amparov1.Identifier{{Kind: amparov1.IdentifierKind_IDENTIFIER_KIND_NUMBER, Value: "0041790000000"}},
		}}},
		Situation: "First line.\nSecond line.\n",
		Needs: []*amparov1.Need{{
			Code:   amparov1.NeedCode_NEED_CODE_URGENT_RELOCATION,
			Amount: &amparov1.Money{Currency: "EUR", MinorUnits: 1250000},
		}},
	}}
}

func TestDecodeReadsWhatPeopleWrite(t *testing.T) {
	got := &amparov1.CreateIntakeRequest{}
	if err := client.Decode([]byte(goodYAML), got); err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(got, wantIntake()) {
		t.Errorf("the request differs: %d bytes, want %d", proto.Size(got), proto.Size(wantIntake()))
	}
}

func TestDecodeReadsJSON(t *testing.T) {
	text := "{\n\t\"caseId\": \"k7w3dq5ztm2xgynvp4chbrjlse\",\n\t\"text\": \"a\\u00e9 \\ud83d\\ude00 \\\\ud83d \\/ b\"\n}"
	got := &amparov1.AddNoteRequest{}
	if err := client.Decode([]byte(text), got); err != nil {
		t.Fatal(err)
	}
	if want := "aé 😀 \\ud83d / b"; got.GetText() != want {
		t.Errorf("text = %q, want %q", got.GetText(), want)
	}
	if got.GetCaseId() != "k7w3dq5ztm2xgynvp4chbrjlse" {
		t.Errorf("case id = %q", got.GetCaseId())
	}
}

// A canary in every value: no fault may repeat it.
const canary = "Zoraidacanary"

func TestDecodeNamesFieldAndLine(t *testing.T) {
	tests := []struct {
		name, text string
		path       string
		line       int
		rule       string
	}{
		{"unknown field", "intake:\n  chanel: " + canary, "intake.chanel", 2, "did you mean channel?"},
		{"unknown field deep inside", "intake:\n  identity:\n    person:\n      legal_nam: " + canary, "intake.identity.person.legal_nam", 4, "did you mean legal_name?"},
		{"a value where a name belongs", "intake:\n  " + canary + " 17: x", "intake", 2, "holds a key that is no field's name"},
		{"a key twice", "intake:\n  situation: a\n  situation: " + canary, "intake.situation", 3, "is given twice"},
		{"a key twice in two spellings", "intake:\n  safe_contact: {}\n  safeContact: {}", "intake.safe_contact", 3, "is given twice"},
		{"an enum value that is none", "intake:\n  channel: hotlin" + canary, "intake.channel", 2, "must be one of form, email, hotline"},
		{"an enum value nearly right", "intake:\n  channel: hotlien", "intake.channel", 2, "did you mean hotline?"},
		{"an enum value by number", "intake:\n  channel: 3", "intake.channel", 2, "must be one of"},
		{"an enum value of another enum", "intake:\n  urgency_self_assessed: extreme", "intake.urgency_self_assessed", 2, "must be one of hours"},
		{"an instant without a zone", "intake:\n  received_at: 2026-03-09 21:40", "intake.received_at", 2, "must be an instant with its zone"},
		{"a day that does not exist", "intake:\n  received_at: 2026-02-30T10:00:00Z", "intake.received_at", 2, "must be an instant"},
		{"a bool that is a word", "intake:\n  restricted: yes", "intake.restricted", 2, "must be true or false"},
		{"a number that is a word", "intake:\n  beneficiaries:\n    - {sex: female, count: " + canary + "}", "intake.beneficiaries[0].count", 3, "must be a whole number"},
		{"a number below zero", "intake:\n  beneficiaries:\n    - {sex: female, count: -1}", "intake.beneficiaries[0].count", 3, "must be a whole number"},
		{"a number too large", "intake:\n  beneficiaries:\n    - count: 4294967296", "intake.beneficiaries[0].count", 3, "must be a whole number"},
		{"one value for a list", "intake:\n  identity:\n    person: {aliases: " + canary + "}", "intake.identity.person.aliases", 3, "must be a list"},
		{"a list for one value", "intake:\n  situation: [" + canary + "]", "intake.situation", 2, "must be a single value"},
		{"a text for a group", "intake: " + canary, "intake", 1, "must be a group of fields"},
		{"an empty item", "intake:\n  identity:\n    person:\n      aliases: [a, ]\n      nationalities:\n        -\n", "intake.identity.person.nationalities[0]", 6, "is empty"},
		{"both of two that exclude each other", "intake:\n  identity:\n    person: {}\n    collective: {name: " + canary + "}", "intake.identity.collective", 4, "cannot stand beside person"},
		{"an anchor", "intake:\n  situation: &a " + canary + "\n", "intake.situation", 2, "anchors and aliases"},
		{"an alias", "request_id: &a x\nintake:\n  situation: *a", "request_id", 1, "anchors and aliases"},
		{"a merge key", "intake:\n  <<: {situation: x}", "intake", 2, "holds a key that is no field's name"},
		{"a second document", "intake: {}\n---\nintake: {}", "", 2, "a second document"},
		{"broken YAML", "intake:\n  situation: [" + canary, "", 0, "neither YAML nor JSON"},
		{"an alias of nothing", "intake:\n  situation: *" + canary, "", 0, "neither YAML nor JSON"},
		{"not UTF-8", "intake:\n  situation: \xff\xfe", "", 2, "not UTF-8"},
		{"nothing", "", "", 0, "empty"},
		{"a list at the top", "- intake", "", 1, "must be a group of fields"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := client.Decode([]byte(test.text), &amparov1.CreateIntakeRequest{})
			failure, ok := errors.AsType[*client.Failure](err)
			if !ok {
				t.Fatalf("error = %v, want a Failure", err)
			}
			if failure.Exit != 2 {
				t.Errorf("exit = %d, want 2", failure.Exit)
			}
			if len(failure.Fields) == 0 {
				t.Fatal("no field is named")
			}
			first := failure.Fields[0]
			if first.Path != test.path || test.line != 0 && first.Line != test.line || !strings.Contains(first.Rule, test.rule) {
				t.Errorf("fault = %q line %d: %s", first.Path, first.Line, first.Rule)
			}
			if strings.Contains(err.Error(), canary) {
				t.Errorf("the fault repeats a value: %s", err)
			}
		})
	}
}

func TestDecodeReportsSeveralFaultsAtOnce(t *testing.T) {
	err := client.Decode([]byte("intake:\n  chanel: x\n  office: [a]\n  restricted: maybe\n"), &amparov1.CreateIntakeRequest{})
	failure, ok := errors.AsType[*client.Failure](err)
	if !ok || len(failure.Fields) != 3 {
		t.Fatalf("faults = %v, want three", err)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Error("the error is longer than a line")
	}
}

func TestDecodeRefusesWhatIsTooLarge(t *testing.T) {
	text := "text: " + strings.Repeat("a", client.MaxMessage)
	err := client.Decode([]byte(text), &amparov1.AddNoteRequest{})
	if failure := client.Explain(err); failure == nil || failure.Exit != 2 || failure.Reason != "TOO_LARGE" {
		t.Errorf("error = %v", err)
	}
}

// The billion laughs: refused before anything is expanded.
func TestDecodeRefusesNestedAliases(t *testing.T) {
	text := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'z'; c++ {
		before := string(c - 1)
		text += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+before+",", 9) + "]\n"
	}
	if err := client.Decode([]byte(text), &amparov1.CreateIntakeRequest{}); err == nil {
		t.Error("accepted")
	}
}

// However a megabyte is arranged, reading it ends soon and refuses it.
func TestDecodeIsBounded(t *testing.T) {
	for _, part := range []string{"[", "{", "- ", "? ", "&a ", "[a,", "{a: ", "!t ", "a: ", "'", "\"\\", "#\n", "- a\n", "a: b\n", "|\n", "\n ", "? a\n", "[]", "{a: b},", "---\n", "%", "\t"} {
		started := time.Now()
		err := client.Decode([]byte(strings.Repeat(part, (1<<20-8)/len(part))), &amparov1.CreateIntakeRequest{})
		if took := time.Since(started); took > 30*time.Second {
			t.Errorf("%q: %s", part, took)
		}
		if err == nil {
			t.Errorf("%q: accepted", part)
		}
	}
}

func TestEnumWordsComeBack(t *testing.T) {
	descriptor := amparov1.AgeGroup(0).Descriptor()
	for i, word := range client.EnumWords(descriptor) {
		number, ok := client.ParseEnum(descriptor, word)
		if !ok || number != descriptor.Values().Get(i+1).Number() {
			t.Errorf("%q is read as %d", word, number)
		}
	}
}

// Whatever is read must be refused or accepted without a panic, and a refusal must
// have exit code 2.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(goodYAML))
	f.Add([]byte(`{"intake":{"channel":"HOTLINE","needs":[{"code":"other"}]}}`))
	f.Add([]byte("intake: &a {identity: *a}"))
	f.Add([]byte("{\"text\":\"\\ud83d\\"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if err := client.Decode(raw, &amparov1.CreateIntakeRequest{}); err != nil {
			if failure := client.Explain(err); failure.Exit != 2 || strings.Contains(failure.Error(), "\n") {
				t.Errorf("exit = %d: %s", failure.Exit, failure)
			}
		}
	})
}
