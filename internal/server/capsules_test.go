package server_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/capsule"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/servertest"
)

// written is what a person writes by hand, beside what more says.
func written(more ...string) string {
	return strings.Join(append(more, `intake:
  channel: hotline
  submitter: {kind: self}
  identity:
    person: {legal_name: Ficticia Prueba, current_country: co}
  situation: `+canary+`
`), "\n")
}

// sealed is a text as stock age seals it.
func sealed(t testing.TB, recipient, text string) []byte {
	t.Helper()
	to, err := age.ParseHybridRecipient(recipient)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func armoured(t testing.TB, raw []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := armor.NewWriter(&out)
	if _, err := w.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func submit(t testing.TB, by *servertest.Person, raw []byte) (*amparov1.SubmitCapsuleResponse, error) {
	t.Helper()
	return amparov1.NewCapsuleServiceClient(by.Conn).SubmitCapsule(t.Context(), &amparov1.SubmitCapsuleRequest{
		RequestId: records.NewID(), Capsule: raw,
	})
}

func (b *bench) forceCapsules(t *testing.T, take func(string, error)) {
	other, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	_, err = submit(t, b.officer, []byte(canary))
	take("CAPSULE_DAMAGED", err)
	_, err = submit(t, b.officer, sealed(t, other.Recipient().String(), written()))
	take("CAPSULE_FOREIGN", err)
	recipient := b.Records.ServiceRecipient()
	for name, row := range map[string]struct{ text, want string }{
		"names another service": {written("service_id: " + capsule.ServiceID(other.Recipient().String())), "CAPSULE_FOREIGN"},
		"is no message":         {canary, "FIELD_INVALID"},
		"has a field too many":  {written(canary + ": 1"), "FIELD_INVALID"},
		"names a stranger":      {written("taken_by_id: " + records.NewID()), "FIELD_INVALID"},
		"has an id of no form":  {written("request_id: " + canary), "FIELD_INVALID"},
		"names a foreign place": {written() + "  office: " + canary + "\n", "OFFICE_UNKNOWN"},
		"turns a text around":   {written() + "  other_funders: \"a\\u202eb\"\n", "TEXT_UNSAFE"},
		"has a wrong number":    {written() + "  safe_contact: {channel: phone, address: " + canary + "}\n", "FIELD_INVALID"},
		"says it was tomorrow":  {written() + "  received_at: " + time.Now().Add(24*time.Hour).Format(time.RFC3339) + "\n", "DATE_IMPOSSIBLE"},
		"needs no intake":       {"request_id: " + records.NewID(), "FIELD_INVALID"},
	} {
		t.Run(name, func(t *testing.T) {
			before := b.Records.Index().Len()
			_, err := submit(t, b.officer, sealed(t, recipient, row.text))
			take(row.want, err)
			if after := b.Records.Index().Len(); after != before {
				t.Errorf("%d files were begun by a capsule that is refused", after-before)
			}
		})
	}
}

// TestACapsuleIsOneCase: whoever brings it, however often, sealed anew, after a
// restart, and after the service has forgotten first answers.
func TestACapsuleIsOneCase(t *testing.T) {
	clock := newClock()
	w := newWorld(t, servertest.Options{Now: clock.Now})
	officer, reviewer := w.north[amparov1.Role_ROLE_CASE_OFFICER], w.north[amparov1.Role_ROLE_REVIEWER]
	text := written("taken_by_id: "+officer.StaffID, "called_at: 2026-03-09T22:40:00-05:00")
	recipient := w.Records.ServiceRecipient()
	raw := sealed(t, recipient, text)

	first, err := submit(t, officer, raw)
	if err != nil {
		t.Fatal(err)
	}
	again := func(when string, by *servertest.Person, raw []byte) {
		t.Helper()
		answer, err := submit(t, by, raw)
		if err != nil || answer.GetCase().GetCaseId() != first.GetCase().GetCaseId() {
			t.Errorf("%s: case %s, %v; want %s", when, answer.GetCase().GetCaseId(), err, first.GetCase().GetCaseId())
		}
	}
	again("once more", officer, raw)
	again("by a colleague", reviewer, raw)
	again("sealed anew, in armour", reviewer, armoured(t, sealed(t, recipient, text)))
	w.Restart(t)
	again("after a restart", reviewer, raw)
	clock.Advance(400 * 24 * time.Hour)
	if err := w.Records.ForgetRequests(t.Context()); err != nil {
		t.Fatal(err)
	}
	again("after a year", reviewer, raw)
	w.Restart(t)
	again("after a year and a restart", reviewer, raw)

	anonymous := sealed(t, recipient, written())
	if first, err = submit(t, officer, anonymous); err != nil {
		t.Fatal(err)
	}
	again("without a taker, by a colleague", reviewer, anonymous)
}

// TestACapsuleKeepsItsTaker: the terms run from the call, and the case is that of
// whoever took it, not of whoever brought it.
func TestACapsuleKeepsItsTaker(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	officer, reviewer := w.north[amparov1.Role_ROLE_CASE_OFFICER], w.north[amparov1.Role_ROLE_REVIEWER]
	called := time.Now().Add(-9 * time.Hour).Truncate(time.Second)
	first, err := submit(t, reviewer, sealed(t, w.Records.ServiceRecipient(),
		written("taken_by_id: "+officer.StaffID, "called_at: "+called.Format(time.RFC3339))))
	if err != nil {
		t.Fatal(err)
	}
	shown, err := amparov1.NewCaseServiceClient(officer.Conn).GetCase(t.Context(), &amparov1.GetCaseRequest{CaseId: first.GetCase().GetCaseId()})
	if err != nil {
		t.Fatal(err)
	}
	if got := shown.GetCase(); !got.GetReceivedAt().AsTime().Equal(called) || got.GetTakenById() != officer.StaffID {
		t.Errorf("received at %v by %s; want the time of the call, %v, by %s", got.GetReceivedAt().AsTime(), got.GetTakenById(), called, officer.StaffID)
	}
}

// TestALeafForEachCapsule: the log says who brought it and what became of it, of a
// repetition what was shown, and of a refusal why.
func TestALeafForEachCapsule(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	reviewer := w.north[amparov1.Role_ROLE_REVIEWER]
	raw := sealed(t, w.Records.ServiceRecipient(), written("taken_by_id: "+w.operator.StaffID))
	before := w.size(t)
	for _, one := range [][]byte{raw, raw, raw[:len(raw)-1]} {
		_, _ = submit(t, reviewer, one)
	}
	var told []string
	for _, leaf := range w.since(t, before) {
		if leaf.GetAction() == amparov1.LeafAction_LEAF_ACTION_CAPSULE_SUBMIT && leaf.GetStaffId() == reviewer.StaffID {
			told = append(told, fmt.Sprint(len(leaf.GetChanges()), len(leaf.GetShown()), leaf.GetReason()))
		}
	}
	want := []string{"1 0 REASON_UNSPECIFIED", "0 1 REASON_UNSPECIFIED", "0 0 REASON_CAPSULE_DAMAGED"}
	if !slices.Equal(told, want) {
		t.Errorf("the leaves say %q, want %q", told, want)
	}
}

// TestSentAndSealed: a request that was sent, with an answer that got lost, and then
// sealed, is one; with another content under its id it is refused, at once and later.
func TestSentAndSealed(t *testing.T) {
	clock := newClock()
	w := newWorld(t, servertest.Options{Now: clock.Now})
	officer, reviewer := w.north[amparov1.Role_ROLE_CASE_OFFICER], w.north[amparov1.Role_ROLE_REVIEWER]
	request := newIntake()
	sent, err := amparov1.NewCaseServiceClient(officer.Conn).CreateIntake(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	recipient := w.Records.ServiceRecipient()
	packed := func() []byte {
		content, err := capsule.Write(&amparov1.Capsule{
			ServiceId: capsule.ServiceID(recipient), TakenById: officer.StaffID, RequestId: request.GetRequestId(),
			CalledAt: timestamppb.New(clock.Now().Add(-time.Hour)), Intake: request.GetIntake(),
		})
		if err != nil {
			t.Fatal(err)
		}
		return sealed(t, recipient, string(content))
	}
	kept := packed()
	request.Intake.Situation = "something else"
	altered := packed()
	for _, days := range []int{0, 60} {
		clock.Advance(time.Duration(days) * 24 * time.Hour)
		if err := w.Records.ForgetRequests(t.Context()); err != nil {
			t.Fatal(err)
		}
		answer, err := submit(t, reviewer, kept)
		if err != nil || answer.GetCase().GetCaseId() != sent.GetCase().GetCaseId() {
			t.Errorf("after %d days: case %s, %v; want %s", days, answer.GetCase().GetCaseId(), err, sent.GetCase().GetCaseId())
		}
		if _, err := submit(t, reviewer, altered); status.Code(err) != codes.AlreadyExists || reason(err) != "REQUEST_ID_REUSED" {
			t.Errorf("after %d days, with another content: %v", days, err)
		}
	}
}

// TestAWrongClockLosesNobody: nobody can correct the time in a capsule.
func TestAWrongClockLosesNobody(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	officer := w.north[amparov1.Role_ROLE_CASE_OFFICER]
	for said, want := range map[string]time.Duration{
		"1970-01-01T00:00:12Z": 0, "2077-01-01T00:00:00Z": 0, time.Now().Add(-3650 * 24 * time.Hour).Format(time.RFC3339): 3650 * 24 * time.Hour,
	} {
		answer, err := submit(t, officer, sealed(t, w.Records.ServiceRecipient(), written("called_at: "+said)))
		if err != nil {
			t.Fatal(err)
		}
		shown, err := amparov1.NewCaseServiceClient(officer.Conn).GetCase(t.Context(), &amparov1.GetCaseRequest{CaseId: answer.GetCase().GetCaseId()})
		if err != nil {
			t.Fatal(err)
		}
		if got := time.Since(shown.GetCase().GetReceivedAt().AsTime()) - want; got < -time.Minute || got > time.Minute {
			t.Errorf("called at %s: received %v beside what is wanted", said, got)
		}
	}
}
