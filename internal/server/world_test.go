package server_test

import (
	"context"
	"errors"
	"flag"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/policy"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/servertest"
	"github.com/amparo-project/amparo/internal/store/memory"
)

// world is a service with one person of each role at the office north, and an
// operator and a reviewer at the office south.
type world struct {
	*servertest.Service
	engine    *memory.Engine
	north     map[amparov1.Role]*servertest.Person
	operator  *servertest.Person // of south
	reviewer  *servertest.Person // of south
	bystander *servertest.Person // an auditor whom nobody needs
}

func newWorld(t testing.TB, options servertest.Options) *world {
	t.Helper()
	w := &world{engine: memory.New(memory.Limits{}), north: map[amparov1.Role]*servertest.Person{}}
	options.Engine = w.engine
	w.Service = servertest.Start(t, options)
	for number, name := range amparov1.Role_name {
		role := amparov1.Role(number)
		if role != amparov1.Role_ROLE_UNSPECIFIED {
			w.north[role] = w.Enrol(t, strings.ToLower(name), []amparov1.Role{role}, []string{"north"})
		}
	}
	w.operator = w.Enrol(t, "south operator", []amparov1.Role{amparov1.Role_ROLE_HOTLINE_OPERATOR}, []string{"south"})
	w.reviewer = w.Enrol(t, "south reviewer", []amparov1.Role{amparov1.Role_ROLE_REVIEWER}, []string{"south"})
	w.bystander = w.Enrol(t, "bystander", []amparov1.Role{amparov1.Role_ROLE_AUDITOR}, nil)
	return w
}

// newCase opens a case over the wire and brings its head into shape.
func (w *world) newCase(t testing.TB, by *servertest.Person, shape func(*amparov1.Case)) string {
	t.Helper()
	answer, err := amparov1.NewCaseServiceClient(by.Conn).CreateIntake(t.Context(), newIntake())
	if err != nil {
		t.Fatal(err)
	}
	id := answer.GetCase().GetCaseId()
	if shape != nil {
		w.shape(t, id, shape)
	}
	return id
}

// shape brings the head of a case into shape, as no call would.
func (w *world) shape(t testing.TB, id string, shape func(*amparov1.Case)) {
	t.Helper()
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_NOTE)
	_, err := w.Records.Update(t.Context(), grant, records.Request{}, records.Targets(id), func(work *records.Work) (proto.Message, error) {
		shape(work.File(0).Case())
		work.File(0).Touch()
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func newIntake() *amparov1.CreateIntakeRequest {
	return &amparov1.CreateIntakeRequest{RequestId: records.NewID(), Intake: &amparov1.Intake{
		Channel:   amparov1.Channel_CHANNEL_HOTLINE,
		Submitter: &amparov1.Submitter{Kind: amparov1.SubmitterKind_SUBMITTER_KIND_SELF},
		Identity: &amparov1.Identity{Subject: &amparov1.Identity_Person{Person: &amparov1.Person{
			LegalName: "Prueba " + records.NewID(), CurrentCountry: "CO",
		}}},
		Situation: "Followed home twice this week.",
	}}
}

func newPlan() *amparov1.PlanContent {
	return &amparov1.PlanContent{
		Measures: []*amparov1.PlanMeasure{{
			What: "a new lock", Who: "her brother", Progress: amparov1.PlanMeasureProgress_PLAN_MEASURE_PROGRESS_PLANNED,
		}},
		Agreement:     &amparov1.PlanAgreement{WhyNot: amparov1.PlanNotAgreed_PLAN_NOT_AGREED_NOT_REACHED},
		CheckInHours:  24,
		MissedContact: []*amparov1.MissedContactStep{{Missed: 1, What: "call her sister"}},
		ReviewOn:      "2099-01-31",
		EmergencyPlan: "She goes to her sister's by the back door.",
	}
}

func judgement() *amparov1.RiskJudgement {
	return &amparov1.RiskJudgement{
		Threats: []string{"calls at night"}, ThreatRating: 4, VulnerabilityRating: 3, CapacityRating: 2,
		Level: amparov1.RiskLevel_RISK_LEVEL_HIGH, Reasons: "they know the address",
	}
}

// aim is what a request is about.
type aim struct{ caseID, staffID, deviceID string }

// requests holds a valid request for every method; a method that is not here fails
// every test that walks them.
func (w *world) request(t testing.TB, method protoreflect.MethodDescriptor, at aim) proto.Message {
	t.Helper()
	id, newID := at.caseID, records.NewID()
	switch key := shortName(method); key {
	case "CaseService/CreateIntake":
		return newIntake()
	case "CapsuleService/SubmitCapsule":
		return &amparov1.SubmitCapsuleRequest{RequestId: newID, Capsule: sealed(t, w.Records.ServiceRecipient(), written())}
	case "CaseService/TriageCase":
		return &amparov1.TriageCaseRequest{
			RequestId: newID, CaseId: id, PriorityClass: amparov1.PriorityClass_PRIORITY_CLASS_HRD_AT_RISK, Risk: judgement(),
			Programme: amparov1.Programme_PROGRAMME_EMERGENCY_SUPPORT, Outcome: amparov1.TriageOutcome_TRIAGE_OUTCOME_ACCEPTED,
		}
	case "CaseService/AssignCase":
		return &amparov1.AssignCaseRequest{RequestId: newID, CaseId: id, StaffIds: []string{at.staffID}}
	case "CaseService/AddNote":
		return &amparov1.AddNoteRequest{RequestId: newID, CaseId: id, Text: "she called back"}
	case "CaseService/RecordContact":
		return &amparov1.RecordContactRequest{RequestId: newID, CaseId: id, Contact: &amparov1.ContactAttempt{
			Channel: amparov1.ContactChannel_CONTACT_CHANNEL_SIGNAL, Outcome: amparov1.ContactOutcome_CONTACT_OUTCOME_NO_ANSWER,
		}}
	case "CaseService/AdvanceCase":
		return &amparov1.AdvanceCaseRequest{RequestId: newID, CaseId: id, To: amparov1.CaseState_CASE_STATE_IN_VERIFICATION}
	case "CaseService/HoldCase":
		return &amparov1.HoldCaseRequest{RequestId: newID, CaseId: id, Reason: amparov1.HoldReason_HOLD_REASON_LOST_CONTACT}
	case "CaseService/CloseCase":
		return &amparov1.CloseCaseRequest{RequestId: newID, CaseId: id, Closing: &amparov1.Closing{
			Reason: amparov1.ClosureReason_CLOSURE_REASON_NEEDS_MET, Outcome: "safe",
			RetentionWish: amparov1.RetentionWish_RETENTION_WISH_KEEP,
		}}
	case "PlanService/SetPlan":
		return &amparov1.SetPlanRequest{RequestId: newID, CaseId: id, Plan: newPlan()}
	case "CaseService/ReopenCase":
		return &amparov1.ReopenCaseRequest{RequestId: newID, CaseId: id, Reason: "threatened again"}
	case "OnCallService/SetRota":
		return &amparov1.SetRotaRequest{RequestId: newID, Rota: &amparov1.Rota{Office: "north", Slots: []*amparov1.RotaSlot{{
			From: timestamppb.New(time.Now()), Until: timestamppb.New(time.Now().Add(time.Hour)),
		}}}}
	case "OnCallService/AcknowledgeAlarm":
		return &amparov1.AcknowledgeAlarmRequest{RequestId: newID, AlarmId: newID}
	case "CardService/AddIncident":
		return &amparov1.AddIncidentRequest{RequestId: newID, CaseId: id, Incident: &amparov1.Incident{ActCode: "020103020000"}}
	case "CardService/RaiseRisk":
		return &amparov1.RaiseRiskRequest{RequestId: newID, CaseId: id, Judgement: judgement()}
	case "CardService/ExcludeStaff":
		return &amparov1.ExcludeStaffRequest{RequestId: newID, CaseId: id, StaffIds: []string{at.staffID}}
	case "RiskService/AssessRisk":
		return &amparov1.AssessRiskRequest{RequestId: newID, CaseId: id, Judgement: judgement()}
	case "DeadlineService/PauseTerm":
		return &amparov1.PauseTermRequest{
			RequestId: newID, CaseId: id, Kind: amparov1.TermKind_TERM_KIND_SUPPORT_DECISION,
			Reason: amparov1.TermPauseReason_TERM_PAUSE_REASON_AWAITS_INFORMATION,
		}
	case "DeadlineService/ResumeTerm":
		return &amparov1.ResumeTermRequest{RequestId: newID, CaseId: id, Kind: amparov1.TermKind_TERM_KIND_SUPPORT_DECISION}
	case "DeadlineService/ConfirmClock":
		return &amparov1.ConfirmClockRequest{RequestId: newID, At: timestamppb.New(w.Records.Now())}
	case "PolicyService/ProposePolicy":
		proposed := policy.Default()
		proposed.OnCall.PassOnAfter.Length = "10min"
		return &amparov1.ProposePolicyRequest{RequestId: newID, Policy: proposed}
	case "TextService/GetText":
		return &amparov1.GetTextRequest{Text: "consent-release", Language: "fr"}
	case "QueueService/SearchCases":
		return &amparov1.SearchCasesRequest{Text: "Prueba"}
	case "LinkService/LinkCases":
		return &amparov1.LinkCasesRequest{RequestId: newID, CaseId: id, OtherCaseId: id}
	case "LinkService/MergeCases":
		return &amparov1.MergeCasesRequest{RequestId: newID, CaseId: id, OtherCaseId: id}
	case "LinkService/UnmergeCases":
		return &amparov1.UnmergeCasesRequest{RequestId: newID, CaseId: id, OtherCaseId: id}
	case "LinkService/ShareIncident":
		return &amparov1.ShareIncidentRequest{RequestId: newID, CaseId: id, Incident: raid()}
	case "LinkService/JoinIncident":
		return &amparov1.JoinIncidentRequest{RequestId: newID, CaseId: id, IncidentGroupId: w.group(t, id)}
	case "LinkService/AddSharedIncident":
		return &amparov1.AddSharedIncidentRequest{RequestId: newID, CaseId: id, IncidentGroupId: w.group(t, id), Incident: raid()}
	case "HandoverService/BeginHandover":
		return &amparov1.BeginHandoverRequest{
			RequestId: newID, ToStaffId: at.staffID, Entries: []*amparov1.HandoverEntry{{CaseId: newID}}, Signature: make([]byte, 64),
		}
	case "HandoverService/AcceptHandover":
		return &amparov1.AcceptHandoverRequest{
			RequestId: newID, HandoverId: newID, Decisions: []*amparov1.HandoverDecision{{Accepted: true}}, Signature: make([]byte, 64),
		}
	case "HandoverService/ShowHandover":
		return &amparov1.ShowHandoverRequest{HandoverId: newID}
	case "HandoverService/ReassignCases":
		return &amparov1.ReassignCasesRequest{RequestId: newID, FromStaffId: at.staffID, ToStaffId: at.staffID}
	case "StaffService/InviteStaff":
		return &amparov1.InviteStaffRequest{RequestId: newID, Name: "New", Roles: []amparov1.Role{amparov1.Role_ROLE_AUDITOR}}
	case "StaffService/ConfirmStaff":
		return &amparov1.ConfirmStaffRequest{RequestId: newID, StaffId: at.staffID, Code: "aaaaaaaa"}
	case "EnrolmentService/Enrol":
		return &amparov1.EnrolRequest{InvitationId: newID, AgeRecipient: w.Admin.Recipient, SigningKey: make([]byte, 32)}
	default:
		for _, request := range []proto.Message{safetyRequest(key, id, newID), interpreterRequest(key, newID), ledgerRequest(key, id, newID)} {
			if request != nil {
				return request
			}
		}
		return plainRequest(t, method, at, newID)
	}
}

// plainRequest makes the request of a method that takes nothing but ids.
func plainRequest(t testing.TB, method protoreflect.MethodDescriptor, at aim, newID string) proto.Message {
	t.Helper()
	request := newMessage(t, method.Input())
	values := map[protoreflect.Name]string{
		"request_id": newID, "case_id": at.caseID, "staff_id": at.staffID, "device_id": at.deviceID,
		"proposal_id": newID,
	}
	fields := method.Input().Fields()
	for i := range fields.Len() {
		if value, ok := values[fields.Get(i).Name()]; ok {
			request.ProtoReflect().Set(fields.Get(i), protoreflect.ValueOfString(value))
		}
	}
	return request
}

func newMessage(t testing.TB, descriptor protoreflect.MessageDescriptor) proto.Message {
	t.Helper()
	kind, err := protoregistry.GlobalTypes.FindMessageByName(descriptor.FullName())
	if err != nil {
		t.Fatal(err)
	}
	return kind.New().Interface()
}

// methods are all methods of the vocabulary, from the descriptors.
func methods() []protoreflect.MethodDescriptor {
	var all []protoreflect.MethodDescriptor
	protoregistry.GlobalFiles.RangeFilesByPackage("amparo.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				all = append(all, service.Methods().Get(j))
			}
		}
		return true
	})
	return all
}

func shortName(method protoreflect.MethodDescriptor) string {
	return string(method.Parent().Name()) + "/" + string(method.Name())
}

func fullName(method protoreflect.MethodDescriptor) string {
	return "/" + string(method.Parent().FullName()) + "/" + string(method.Name())
}

// call makes a call of any method; of a stream it takes the first answer.
func call(ctx context.Context, t testing.TB, conn *grpc.ClientConn, method protoreflect.MethodDescriptor, request any) (proto.Message, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	answer := newMessage(t, method.Output())
	if !method.IsStreamingServer() {
		return answer, conn.Invoke(ctx, fullName(method), request, answer)
	}
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, fullName(method))
	if err != nil {
		return nil, err
	}
	if err := stream.SendMsg(request); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if err := stream.CloseSend(); err != nil {
		return nil, err
	}
	return answer, stream.RecvMsg(answer)
}

// reason is the coded reason of a refusal, empty for none.
func reason(err error) string {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info.GetReason()
		}
	}
	return ""
}

// mark is all of a refusal that could tell one from another: everything but the
// correlation id.
func mark(err error) string {
	st := status.Convert(err)
	text := st.Code().String() + " " + st.Message()
	for _, detail := range st.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			delete(info.GetMetadata(), "correlation")
		}
		raw, _ := proto.MarshalOptions{Deterministic: true}.Marshal(detail.(proto.Message))
		text += "\n" + string(raw)
	}
	return text
}

// clock is the wall clock, which a test can put forward.
type clock struct{ ahead atomic.Int64 }

func newClock() *clock { return &clock{} }

func (c *clock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *clock) Advance(by time.Duration) { c.ahead.Add(int64(by)) }

func (w *world) suspend(t testing.TB, person *servertest.Person) {
	t.Helper()
	_, err := amparov1.NewStaffServiceClient(w.Admin.Conn).SuspendStaff(t.Context(), &amparov1.SuspendStaffRequest{
		RequestId: records.NewID(), StaffId: person.StaffID,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) revoke(t testing.TB, person *servertest.Person) {
	t.Helper()
	_, err := amparov1.NewStaffServiceClient(w.Admin.Conn).RevokeDevice(t.Context(), &amparov1.RevokeDeviceRequest{
		RequestId: records.NewID(), DeviceId: person.DeviceID,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// go test ./internal/server -long -timeout 3h runs the long forms: a minute of
// fuzzed calls a method, a thousand races for an invitation, ten times as many
// frames in a flood, ten thousand rounds of signatures, three thousand withdrawals.
// They take some two hours.
var long = flag.Bool("long", false, "run the long forms")
