package server_test

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/server"
	"github.com/amparo-project/amparo/internal/servertest"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/memory"
)

// canary is a text that no refusal and no log line may hold.
const canary = "qx7canary"

// kindCodes are the codes of the kinds, as clients and their exit codes know them.
var kindCodes = map[fault.Kind]codes.Code{
	fault.Internal: codes.Internal, fault.Invalid: codes.InvalidArgument, fault.Unknown: codes.Unauthenticated,
	fault.Denied: codes.PermissionDenied, fault.NotFound: codes.NotFound, fault.Refused: codes.FailedPrecondition,
	fault.Conflict: codes.Aborted, fault.Exhausted: codes.ResourceExhausted, fault.Unavailable: codes.Unavailable,
	fault.Corrupt: codes.DataLoss, fault.Missing: codes.Unimplemented,
}

// wantCode is the code of a reason.
func wantCode(reason amparov1.Reason) codes.Code {
	if reason == amparov1.Reason_REASON_REQUEST_ID_REUSED {
		return codes.AlreadyExists
	}
	return kindCodes[fault.New(reason).Kind()]
}

var correlation = regexp.MustCompile(`^[0-9a-f]{16}$`)

// fromTable holds a refusal to the table: its text, its next step and its code are
// those of its reason, nothing else stands in it but names of fields, rules and a
// random id, and nothing of what was sent or of what the engine said.
func fromTable(t testing.TB, err error) {
	t.Helper()
	st := status.Convert(err)
	number, known := amparov1.Reason_value["REASON_"+reason(err)]
	row := fault.New(amparov1.Reason(number))
	if !known || st.Message() != row.Text() || st.Code() != wantCode(row.Reason) {
		t.Errorf("a refusal that is not from the table: %v (%s)", err, reason(err))
	}
	for _, detail := range st.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			metadata := detail.GetMetadata()
			if detail.GetDomain() != "amparo" || len(metadata) != 2 || metadata["next"] != row.Next() || !correlation.MatchString(metadata["correlation"]) {
				t.Errorf("%s: more than the table in %v", reason(err), metadata)
			}
		case *errdetails.BadRequest, *errdetails.PreconditionFailure:
		default:
			t.Errorf("%s: a detail of type %T", reason(err), detail)
		}
	}
	if raw, _ := proto.Marshal(st.Proto()); bytes.Contains(bytes.ToLower(raw), []byte(canary)) {
		t.Errorf("%s: the refusal holds what was sent", reason(err))
	}
}

func TestEveryReasonHasItsStatus(t *testing.T) {
	for number, name := range amparov1.Reason_name {
		f := fault.Field(amparov1.Reason(number), "some.field", "must be so")
		st := server.StatusOf(f)
		if number == 0 {
			if st.Code() != codes.Internal {
				t.Errorf("no reason: %v, want INTERNAL", st.Code())
			}
			continue
		}
		fromTable(t, st.Err())
		if st.Code() == codes.Unknown || st.Code() == codes.OK || (st.Code() == codes.Internal) != (name == "REASON_INTERNAL") {
			t.Errorf("%s: %v", name, st.Code())
		}
	}
}

// logged is the service's own log, kept.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// bench forces refusals.
type bench struct {
	*world
	officer, administrator, waiting *servertest.Person
	cases                           amparov1.CaseServiceClient
	staff                           amparov1.StaffServiceClient
}

func newBench(t *testing.T, options servertest.Options) *bench {
	t.Helper()
	b := &bench{world: &world{engine: memory.New(memory.Limits{})}}
	options.Engine = b.engine
	b.Service = servertest.Start(t, options)
	both := []amparov1.Role{amparov1.Role_ROLE_HEAD_OF_SECRETARIAT, amparov1.Role_ROLE_HOTLINE_OPERATOR}
	b.officer = b.Enrol(t, canary, both, []string{"north"})
	b.waiting = b.EnrolPending(t, canary, both, []string{"north"})
	b.administrator = b.Admin
	b.cases = amparov1.NewCaseServiceClient(b.officer.Conn)
	b.staff = amparov1.NewStaffServiceClient(b.administrator.Conn)
	return b
}

// note adds a note that holds the canary.
func (b *bench) note(t *testing.T, id string) error {
	_, err := b.cases.AddNote(t.Context(), &amparov1.AddNoteRequest{RequestId: records.NewID(), CaseId: id, Text: canary})
	return err
}

func (b *bench) intake(t *testing.T, spoil func(*amparov1.Intake)) error {
	request := newIntake()
	request.Intake.Situation = canary
	spoil(request.Intake)
	_, err := b.cases.CreateIntake(t.Context(), request)
	return err
}

// triaged is a case in shape for a step that is refused.
func (b *bench) triaged(t *testing.T, shape func(*amparov1.Case)) string {
	return b.newCase(t, b.officer, func(c *amparov1.Case) {
		c.State, c.TriageOutcome = amparov1.CaseState_CASE_STATE_TRIAGED, amparov1.TriageOutcome_TRIAGE_OUTCOME_ACCEPTED
		c.RiskLevel = amparov1.RiskLevel_RISK_LEVEL_EXTREME
		shape(c)
	})
}

func (b *bench) activate(t *testing.T, id string) error {
	_, err := b.cases.AdvanceCase(t.Context(), &amparov1.AdvanceCaseRequest{
		RequestId: records.NewID(), CaseId: id, To: amparov1.CaseState_CASE_STATE_ACTIVE, Text: canary,
	})
	return err
}

// TestEveryRefusalIsFromTheTable forces each reason once over the wire.
func TestEveryRefusalIsFromTheTable(t *testing.T) {
	log := &logged{}
	b := newBench(t, servertest.Options{Output: log})
	forced := map[string]bool{}
	take := func(want string, err error) {
		t.Helper()
		forced[want] = true
		if reason(err) != want {
			t.Errorf("%v (%s), want %s", err, reason(err), want)
		}
		fromTable(t, err)
	}
	b.forceFields(t, take)
	b.forceStaff(t, take)
	b.forceSteps(t, take)
	b.forceHandover(t, take)
	b.forcePolicy(t, take)
	b.forceCapsules(t, take)
	b.forceSafety(t, take)
	forceLedger(t, log, take)
	forceEngine(t, log, take)
	// An empty team is refused by the limits of its field before the rule is asked.
	forced["OWNER_NEEDED"] = true
	for number, name := range amparov1.Reason_name {
		if short := strings.TrimPrefix(name, "REASON_"); number != 0 && !forced[short] {
			t.Errorf("nothing forces %s", short)
		}
	}
	if text := log.String(); strings.Contains(strings.ToLower(text), canary) {
		t.Errorf("the service's own log holds what was sent:\n%s", text)
	}
}

func (b *bench) forceFields(t *testing.T, take func(string, error)) {
	id := b.newCase(t, b.officer, nil)
	take("FIELD_INVALID", b.note(t, canary))
	take("TEXT_UNSAFE", b.intake(t, func(i *amparov1.Intake) { i.Situation = canary + "\u202e" }))
	take("DATE_IMPOSSIBLE", b.intake(t, func(i *amparov1.Intake) { i.GetIdentity().GetPerson().BirthDate = "1984-13" }))
	take("CODE_UNKNOWN", b.intake(t, func(i *amparov1.Intake) {
		i.Incidents = []*amparov1.Incident{{ActCode: "999999999999", Description: canary}}
	}))
	take("OFFICE_UNKNOWN", b.intake(t, func(i *amparov1.Intake) { i.Office = canary }))
	take("STAFF_EXCLUDED", b.intake(t, func(i *amparov1.Intake) { i.ExcludedStaffIds = []string{b.officer.StaffID} }))
	unknown := &amparov1.GetCaseRequest{CaseId: id}
	unknown.ProtoReflect().SetUnknown([]byte("\xba\x05\x09" + canary))
	_, err := b.cases.GetCase(t.Context(), unknown)
	take("FIELD_UNKNOWN", err)
	_, err = b.cases.ListTimeline(t.Context(), &amparov1.ListTimelineRequest{CaseId: id, PageToken: canary})
	take("CURSOR_INVALID", err)
	take("NOT_FOUND", b.note(t, records.NewID()))
	first := &amparov1.AddNoteRequest{RequestId: records.NewID(), CaseId: id, Text: "a"}
	if _, err := b.cases.AddNote(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	first.Text = canary
	_, err = b.cases.AddNote(t.Context(), first)
	take("REQUEST_ID_REUSED", err)
	take("METHOD_UNKNOWN", b.officer.Conn.Invoke(t.Context(), "/amparo.v1.CaseService/"+canary, unknown, &amparov1.GetCaseResponse{}))
	stranger := amparov1.NewCaseServiceClient(b.Dial(t, servertest.NewDevice(t).Certificate))
	_, err = stranger.AddNote(t.Context(), first)
	take("DEVICE_NOT_ACTIVE", err)
}

func (b *bench) forceStaff(t *testing.T, take func(string, error)) {
	id := records.NewID
	_, err := b.staff.ListDevices(t.Context(), &amparov1.ListDevicesRequest{StaffId: b.officer.StaffID})
	if err != nil {
		t.Fatal(err)
	}
	_, err = amparov1.NewAuditServiceClient(b.officer.Conn).ListLeaves(t.Context(), &amparov1.ListLeavesRequest{PageToken: canary})
	take("ROLE_MISSING", err)
	_, err = amparov1.NewCaseServiceClient(b.waiting.Conn).CreateIntake(t.Context(), newIntake())
	take("ROLE_PENDING", err)
	_, err = b.staff.ConfirmStaff(t.Context(), &amparov1.ConfirmStaffRequest{RequestId: id(), StaffId: b.waiting.StaffID, Code: "aaaaaaaa"})
	take("CONFIRMATION_CODE_WRONG", err)
	_, err = b.staff.ConfirmStaff(t.Context(), &amparov1.ConfirmStaffRequest{RequestId: id(), StaffId: b.waiting.StaffID, Code: b.waiting.Code})
	take("SECOND_PERSON_NEEDED", err)
	_, err = b.staff.ConfirmStaff(t.Context(), &amparov1.ConfirmStaffRequest{RequestId: id(), StaffId: b.officer.StaffID, Code: "aaaaaaaa"})
	take("NOTHING_TO_CONFIRM", err)
	_, err = b.staff.SuspendStaff(t.Context(), &amparov1.SuspendStaffRequest{RequestId: id(), StaffId: b.administrator.StaffID})
	take("LAST_ADMINISTRATOR", err)
	_, err = b.staff.ReinstateStaff(t.Context(), &amparov1.ReinstateStaffRequest{RequestId: id(), StaffId: b.officer.StaffID})
	take("STANDING_UNCHANGED", err)
	_, err = amparov1.NewDeadlineServiceClient(b.administrator.Conn).ConfirmClock(t.Context(), &amparov1.ConfirmClockRequest{
		RequestId: id(), At: timestamppb.New(b.Records.Now().Add(-6 * time.Minute)),
	})
	take("CLOCK_DIFFERS", err)
	_, err = amparov1.NewEnrolmentServiceClient(b.dialDoor(t, servertest.NewDevice(t))).Enrol(t.Context(), &amparov1.EnrolRequest{
		InvitationId: id(), AgeRecipient: b.officer.Recipient, SigningKey: make([]byte, 32),
	})
	take("INVITATION_INVALID", err)
}

func (b *bench) forceSteps(t *testing.T, take func(string, error)) {
	take("STATE_FORBIDS", b.activate(t, b.newCase(t, b.officer, nil)))
	take("NOT_ACCEPTED", b.activate(t, b.triaged(t, func(c *amparov1.Case) { c.TriageOutcome = 0 })))
	take("RISK_NOT_ASSESSED", b.activate(t, b.triaged(t, func(c *amparov1.Case) { c.RiskLevel = amparov1.RiskLevel_RISK_LEVEL_NOT_ASSESSED })))
	take("NO_CASE_OFFICER", b.activate(t, b.triaged(t, func(*amparov1.Case) {})))
	caseOfficer := b.Enrol(t, canary, []amparov1.Role{amparov1.Role_ROLE_CASE_OFFICER}, []string{"north"})
	take("PLAN_NEEDED", b.activate(t, b.triaged(t, func(c *amparov1.Case) {
		c.State, c.TeamIds = amparov1.CaseState_CASE_STATE_IN_VERIFICATION, []string{caseOfficer.StaffID}
	})))
	_, err := b.cases.AssignCase(t.Context(), &amparov1.AssignCaseRequest{
		RequestId: records.NewID(), CaseId: b.newCase(t, b.officer, nil), StaffIds: []string{b.administrator.StaffID},
	})
	take("STAFF_UNSUITABLE", err)
	take("NOT_ON_SHIFT", b.acknowledgeOffShift(t))
}

// forceEngine makes the engine fail, each time under a service of its own. What it
// says stays inside.
func forceEngine(t *testing.T, log *logged, take func(string, error)) {
	said := errors.New("open /srv/internal-path: no luck")
	for _, row := range []struct {
		want  string
		kind  memory.Kind
		err   error
		times int // 0 stands for always
	}{
		{"UNAVAILABLE", memory.Commit, store.ErrStopped, 0},
		{"UNAVAILABLE", memory.Commit, store.ErrUnknown, 0},
		{"UNAVAILABLE", memory.Get, store.ErrStopped, 0},
		{"DISK_FULL", memory.Commit, store.ErrFull, 1},
		{"TOO_LARGE", memory.Commit, store.ErrLimit, 1},
		{"BUSY_FILE", memory.Commit, store.ErrConflict, 16},
		{"INTEGRITY", memory.Get, store.ErrNotFound, 0},
		{"INTEGRITY", memory.Get, store.ErrCorrupt, 0},
		{"INTERNAL", memory.Get, said, 0},
	} {
		b := newBench(t, servertest.Options{Output: log})
		id := b.newCase(t, b.officer, nil)
		if err := b.Log.CatchUp(t.Context()); err != nil { // so that the sequencer has nothing to write
			t.Fatal(err)
		}
		b.engine.Inject(func(c memory.Call) memory.Fault {
			if c.Kind == row.kind && (row.times == 0 || c.N <= row.times) {
				return memory.Fault{Before: row.err}
			}
			return memory.Fault{}
		})
		err := b.note(t, id)
		b.engine.Inject(nil)
		take(row.want, err)
		if raw, _ := proto.Marshal(status.Convert(err).Proto()); bytes.Contains(raw, []byte("internal-path")) {
			t.Errorf("the engine's words reach the caller: %v", err)
		}
	}
	limits := servertest.Generous()
	limits.CallsPerSecond, limits.CallBurst = 0.001, 12
	b := newBench(t, servertest.Options{Output: log, Limits: limits})
	var err error
	for range 20 {
		err = b.note(t, records.NewID())
	}
	take("RATE_LIMITED", err)
}

// TestAFullDisk refuses new content, and lets through what protects people.
func TestAFullDisk(t *testing.T) {
	var full bool
	var mu sync.Mutex
	free := func() (uint64, error) {
		mu.Lock()
		defer mu.Unlock()
		return map[bool]uint64{false: 1 << 40, true: 255 << 20}[full], nil
	}
	b := newBench(t, servertest.Options{FreeSpace: free})
	id := b.newCase(t, b.officer, nil)
	mu.Lock()
	full = true
	mu.Unlock()
	err := b.note(t, id)
	if status.Code(err) != codes.ResourceExhausted || reason(err) != "DISK_FULL" {
		t.Errorf("a note on a full disk: %v", err)
	}
	fromTable(t, err)
	if _, err := b.cases.GetCase(t.Context(), &amparov1.GetCaseRequest{CaseId: id}); err != nil {
		t.Errorf("reading on a full disk: %v", err)
	}
	b.suspend(t, b.waiting)
	mu.Lock()
	full = false
	mu.Unlock()
	if err := b.note(t, id); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

// TestNoLeafNoAnswer: when the leaf cannot be written, nothing is shown and nothing
// is acknowledged, by no method, and the service goes on when it can write again.
func TestNoLeafNoAnswer(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	person := w.everybody(t)
	id := w.newCase(t, person, nil)
	size := func() (n int) {
		entries, err := w.engine.Scan(t.Context(), nil, nil, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	door := w.dialDoor(t, person.Device)
	before := size()
	for _, failure := range []error{store.ErrFull, store.ErrStopped, store.ErrUnknown} {
		w.engine.Inject(func(c memory.Call) memory.Fault {
			if c.Kind == memory.Commit {
				return memory.Fault{Before: failure}
			}
			return memory.Fault{}
		})
		for _, method := range methods() {
			request := w.request(t, method, aim{id, w.bystander.StaffID, w.bystander.DeviceID})
			answer, err := call(t.Context(), t, w.connFor(t, person, door, method), method, request)
			// Refusals beyond the first of a second are counted, and stand in a
			// leaf later: they show nothing.
			if err == nil || (answer != nil && proto.Size(answer) > 0) {
				t.Errorf("%s answered without a leaf: %v", shortName(method), err)
			}
			if status.Code(err) == codes.Internal || status.Code(err) == codes.Unknown {
				t.Errorf("%s: %v", shortName(method), err)
			}
		}
		w.engine.Inject(nil)
	}
	if after := size(); after > before+1 { // the sequencer may have kept a checkpoint
		t.Errorf("%d entries were written", after-before)
	}
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		_, err := amparov1.NewCaseServiceClient(person.Conn).GetCase(t.Context(), &amparov1.GetCaseRequest{CaseId: id})
		if err == nil {
			return
		}
		if time.Since(begin) > 2*time.Second {
			t.Fatalf("the service does not go on: %v", err)
		}
	}
}
