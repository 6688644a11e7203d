package server_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/servertest"
)

// place is a message inside a request, by the fields that lead to it.
type place []protoreflect.FieldDescriptor

// places are the request itself and every message that can stand inside it.
func places(in protoreflect.MessageDescriptor, path place) []place {
	found := []place{path}
	for i := range in.Fields().Len() {
		field := in.Fields().Get(i)
		if field.Message() != nil && len(path) < 8 {
			found = append(found, places(field.Message(), append(slices.Clone(path), field))...)
		}
	}
	return found
}

// build makes a request in which only that place exists, and returns both.
func build(t testing.TB, method protoreflect.MethodDescriptor, path place) (request proto.Message, at protoreflect.Message) {
	t.Helper()
	request = newMessage(t, method.Input())
	at = request.ProtoReflect()
	for _, field := range path {
		if field.IsList() {
			at = at.Mutable(field).List().AppendMutable().Message()
		} else {
			at = at.Mutable(field).Message()
		}
	}
	return request, at
}

// where is the path of a field as the service names it.
func (p place) where(field string) string {
	var parts []string
	for _, step := range p {
		name := string(step.Name())
		if step.IsList() {
			name += "[0]"
		}
		parts = append(parts, name)
	}
	if field != "" {
		parts = append(parts, field)
	}
	return strings.Join(parts, ".")
}

// everybody is one person in all roles, so that no gate stands before the fields.
func (w *world) everybody(t testing.TB) *servertest.Person {
	t.Helper()
	var all []amparov1.Role
	for role := range w.north {
		all = append(all, role)
	}
	return w.Enrol(t, "everybody", all, []string{"north"})
}

// connFor is the connection on which the method exists.
func (w *world) connFor(t testing.TB, person *servertest.Person, door *grpc.ClientConn, method protoreflect.MethodDescriptor) *grpc.ClientConn {
	t.Helper()
	if method.Parent().Name() == "EnrolmentService" {
		return door
	}
	return person.Conn
}

// violated reports whether a refusal names the field, for the reason.
func violated(err error, field, because string) bool {
	for _, detail := range status.Convert(err).Details() {
		bad, _ := detail.(*errdetails.BadRequest)
		for _, violation := range bad.GetFieldViolations() {
			if violation.GetField() == field && violation.GetReason() == because {
				return status.Code(err) == codes.InvalidArgument
			}
		}
	}
	return false
}

// TestEveryFieldIsHeldToItsMessage puts into every place of every request what does
// not belong there, and finds that very place named in the refusal.
func TestEveryFieldIsHeldToItsMessage(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	person := w.everybody(t)
	door := w.dialDoor(t, person.Device)
	count := 0
	for _, method := range methods() {
		conn := w.connFor(t, person, door, method)
		for _, path := range places(method.Input(), nil) {
			expect := func(spoil func(protoreflect.Message), field, because string, want bool) {
				t.Helper()
				count++
				request, at := build(t, method, path)
				spoil(at)
				if _, err := call(t.Context(), t, conn, method, request); violated(err, path.where(field), because) != want {
					t.Errorf("%s, %q: %v, want %s = %v", shortName(method), path.where(field), err, because, want)
				}
			}
			_, inside := build(t, method, path)
			expect(func(m protoreflect.Message) {
				m.SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 77, protowire.VarintType), 1))
			}, "", "FIELD_UNKNOWN", true)
			fields := inside.Descriptor().Fields()
			for i := range fields.Len() {
				field := fields.Get(i)
				name := string(field.Name())
				if field.IsList() {
					name += "[0]"
				}
				switch {
				case field.Kind() == protoreflect.StringKind:
					multiline, _ := proto.GetExtension(field.Options(), amparov1.E_Multiline).(bool)
					for text, unsafe := range map[string]bool{
						"a\x1b[2Jb": true, "a\u202eb": true, "a\u2066b": true, "a\x7fb": true, "a\u0085b": true, "a\u2028b": true,
						"a\nb": !multiline, "a\tb": !multiline, "\u200fa\u200db": false,
					} {
						expect(setter(field, protoreflect.ValueOfString(text)), name, "TEXT_UNSAFE", unsafe)
					}
				case field.Kind() == protoreflect.EnumKind:
					expect(setter(field, protoreflect.ValueOfEnum(9999)), name, "FIELD_INVALID", true)
					expect(setter(field, protoreflect.ValueOfEnum(-1)), name, "FIELD_INVALID", true)
				}
			}
		}
	}
	t.Logf("%d spoilt requests", count)
}

func setter(field protoreflect.FieldDescriptor, value protoreflect.Value) func(protoreflect.Message) {
	return func(m protoreflect.Message) {
		if field.IsList() {
			m.Mutable(field).List().Append(value)
			return
		}
		m.Set(field, value)
	}
}

// authored are the fields of requests whose names say that the service writes them,
// and why they may stand in a request all the same.
var authored = map[protoreflect.FullName]string{
	"amparo.v1.Intake.received_at":                     "when the person asked for help, which only the taker knows",
	"amparo.v1.Policy.terms":                           "what the mechanism decides, and the second person confirms",
	"amparo.v1.Closing.closed_at":                      "overwritten: TestWhatTheServiceWrites",
	"amparo.v1.Closing.closed_by_id":                   "overwritten: TestWhatTheServiceWrites",
	"amparo.v1.SetAdvanceInstructionsRequest.given_at": "when the person said so, which only the one who heard it knows",
	"amparo.v1.PlanAgreement.agreed_at":                "when the person agreed, which only the one who spoke to them knows",
	"amparo.v1.RecordConsentRequest.terms":             "what the person said, in the taker's words; what follows from it is overwritten: TestWhatALedgerWrites",
	"amparo.v1.ConsentTerms.obtained_at":               "when the person said it, which only the taker knows; never in the future",
	"amparo.v1.ConsentTerms.expires_at":                "until when the person allowed it; the policy fills it in where they did not say",
	"amparo.v1.ConsentTerms.stay_ends_at":              "when a stay is planned to end, which only whoever planned it knows",
	"amparo.v1.Authority.decided_at":                   "when a mandated body decided, which stands on its paper",
	"amparo.v1.StatementReference.version":             "which text was read aloud; only one that exists is taken",
	"amparo.v1.StatementReference.hash":                "overwritten: TestWhatALedgerWrites",
	"amparo.v1.Recipient.number":                       "how a colleague names somebody whom the ledger knows; it gives no numbers: TestWhatALedgerWrites",
	"amparo.v1.Party.number":                           "likewise",
	"amparo.v1.GetPolicyRequest.number":                "which version is asked for",
	"amparo.v1.GetTextRequest.number":                  "likewise",
	"amparo.v1.DisclosedDocument.hash":                 "of the bytes that left, which the service never sees",
	"amparo.v1.WithdrawalDraft.said_at":                "when the person said it; one in the future is taken for now",
	"amparo.v1.DisclosureDraft.happened_at":            "when it left, if it is typed in afterwards; the gate is asked as of then",
	"amparo.v1.VitalInterests.expires_at":              "until when a life hangs on it, as somebody answers for; the policy bounds it",
	"amparo.v1.BreachDraft.happened_at":                "when it got out, as far as anybody knows",
	"amparo.v1.BreachDraft.aware_at":                   "since when it is known: the 72 hours run from here, and not from when it is typed in",
}

// TestRequestsHoldNothingThatIsTheServices finds no field in any request that only
// the service may write, so that there is nothing to smuggle in.
func TestRequestsHoldNothingThatIsTheServices(t *testing.T) {
	used := map[protoreflect.FullName]bool{}
	for _, method := range methods() {
		for _, path := range places(method.Input(), nil) {
			_, inside := build(t, method, path)
			fields := inside.Descriptor().Fields()
			for i := range fields.Len() {
				name := string(fields.Get(i).Name())
				services := strings.HasSuffix(name, "_by_id") || strings.HasSuffix(name, "_at") || slices.Contains([]string{
					"pseudonym", "version", "sequence", "standing", "state", "owner_id", "team_ids", "recorded", "terms", "eligibility", "hash", "number",
				}, name)
				if full := fields.Get(i).FullName(); services && authored[full] == "" {
					t.Errorf("%s can carry %s, which is the service's to write", shortName(method), full)
				} else if services {
					used[full] = true
				}
			}
		}
	}
	if len(used) != len(authored) {
		t.Errorf("%d of %d exceptions are used: take the others out", len(used), len(authored))
	}
}

// TestWhatTheServiceWrites sets what a request can carry of the service's own, and
// finds the service's own values stored.
func TestWhatTheServiceWrites(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	head := w.north[amparov1.Role_ROLE_HEAD_OF_SECRETARIAT]
	id := w.newCase(t, head, func(c *amparov1.Case) { c.State = amparov1.CaseState_CASE_STATE_TRIAGED })
	client := amparov1.NewCaseServiceClient(head.Conn)
	before := time.Now().Add(-time.Second)
	_, err := client.CloseCase(t.Context(), &amparov1.CloseCaseRequest{RequestId: records.NewID(), CaseId: id, Closing: &amparov1.Closing{
		Reason: amparov1.ClosureReason_CLOSURE_REASON_OTHER, Outcome: "done", RetentionWish: amparov1.RetentionWish_RETENTION_WISH_KEEP,
		ClosedAt: timestamppb.New(time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)), ClosedById: w.bystander.StaffID,
	}})
	if err != nil {
		t.Fatal(err)
	}
	shown, err := client.GetCase(t.Context(), &amparov1.GetCaseRequest{CaseId: id})
	if err != nil {
		t.Fatal(err)
	}
	closing := shown.GetCase().GetClosing()
	if closing.GetClosedAt().AsTime().Before(before) || closing.GetClosedById() != head.StaffID {
		t.Errorf("closed at %v by %s: the caller's words, not the service's", closing.GetClosedAt().AsTime(), closing.GetClosedById())
	}
	entries, err := client.ListTimeline(t.Context(), &amparov1.ListTimelineRequest{CaseId: id})
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries.GetEntries() {
		if entry.GetRecordedAt().AsTime().Before(before) || entry.GetStaffId() != head.StaffID {
			t.Errorf("entry %d is not recorded by the caller now", entry.GetSequence())
		}
	}
	someoneElses := newIntake()
	someoneElses.Intake.Office = "south"
	if _, err := client.CreateIntake(t.Context(), someoneElses); reason(err) != "OFFICE_UNKNOWN" {
		t.Errorf("an intake at another office: %v", err)
	}
}

// TestSizes: too much of anything is refused and does no harm.
func TestSizes(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	officer := w.north[amparov1.Role_ROLE_CASE_OFFICER]
	client := amparov1.NewCaseServiceClient(officer.Conn)
	id := w.newCase(t, officer, nil)
	note := func(text string) error {
		_, err := client.AddNote(t.Context(), &amparov1.AddNoteRequest{RequestId: records.NewID(), CaseId: id, Text: text})
		return err
	}
	if err := note(strings.Repeat("é", 20000)); err != nil {
		t.Errorf("the longest note: %v", err)
	}
	if err := note(strings.Repeat("é", 20001)); !violated(err, "text", "FIELD_INVALID") {
		t.Errorf("a note one character too long: %v", err)
	}
	if err := note(strings.Repeat("x", 2<<20)); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a note of 2 MiB: %v", err)
	}
	if err := note("still here"); err != nil {
		t.Errorf("after all that: %v", err)
	}
}
