package night_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
	"github.com/amparo-project/amparo/internal/enrolment"
)

// eachMethod calls do for every method of every service.
func eachMethod(do func(protoreflect.MethodDescriptor)) {
	protoregistry.GlobalFiles.RangeFilesByPackage("amparo.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				do(methods.Get(j))
			}
		}
		return true
	})
}

func methodOf(t interface{ Fatalf(string, ...any) }, name string) protoreflect.MethodDescriptor {
	var found protoreflect.MethodDescriptor
	eachMethod(func(method protoreflect.MethodDescriptor) {
		if string(method.Name()) == name {
			found = method
		}
	})
	if found == nil {
		t.Fatalf("there is no method %s", name)
	}
	return found
}

// callerOf is who may make the calls of a service.
func (m *mine) callerOf(method protoreflect.MethodDescriptor) *person {
	switch method.Parent().Name() {
	case "StaffService":
		return m.admin
	case "AuditService":
		return m.auditor
	case "InterpreterService":
		return m.head
	default:
		return m.officer
	}
}

// accept makes a call whose every field of words is a canary, and which must be
// taken.
func (m *mine) accept(name, choose string, change func(proto.Message)) (proto.Message, proto.Message) {
	m.t.Helper()
	method := methodOf(m.t, name)
	request := message(m.t, method.Input())
	m.aviary.fill(request.ProtoReflect(), choose)
	if change != nil {
		change(request)
	}
	answer, err := m.call(m.callerOf(method), method, request)
	if err != nil {
		m.t.Fatalf("%s: %v", name, client.Explain(err))
	}
	return request, answer
}

// work takes a person and a community in, works both cases through their states,
// and asks that what was whispered is shown to those who may see it.
func (m *mine) work() []string {
	m.t.Helper()
	var cases []string
	name := ""
	for _, subject := range []string{"person", "collective"} {
		asked, answer := m.accept("CreateIntake", subject, nil)
		id := answer.(*amparov1.CreateIntakeResponse).GetCase().GetCaseId()
		m.aviary.fixed["case_id"], m.aviary.fixed["staff_ids"] = id, m.officer.id()
		whispered := []proto.Message{asked}
		if person := asked.(*amparov1.CreateIntakeRequest).GetIntake().GetIdentity().GetPerson(); person != nil {
			name = person.GetLegalName()
		}
		m.workLedger(id, subject)
		for _, step := range []string{
			"AddNote", "AssignCase", "AssessRisk", "TriageCase", "RecordContact", "ReportDuress",
			"RecordStatus", "ConfirmStatus", "ProposeContactChange", "SetAdvanceInstructions", "DistrustContact", "HoldCase", "ResumeCase", "AdvanceCase",
			"CloseCase", "ReopenCase",
		} {
			request, _ := m.accept(step, subject, nil)
			whispered = append(whispered, request)
		}
		interpreter, _ := m.accept("AddInterpreter", "", nil)
		m.isShown(id, append(whispered, interpreter))
		m.hostile(id)
		cases = append(cases, id)
	}
	m.accept("ListQueue", "", nil)
	m.accept("WatchQueue", "", nil)
	_, answer := m.accept("SearchCases", "", func(request proto.Message) {
		request.(*amparov1.SearchCasesRequest).Text = name
	})
	if len(answer.(*amparov1.SearchCasesResponse).GetRows()) == 0 {
		m.t.Error("a person whose name is a canary is not found by it")
	}
	m.accept("WhoAmI", "", nil)
	m.accept("ListStaff", "", nil)
	m.invite()
	return cases
}

// isShown asks that every canary of the requests stands in the case as its officer
// sees it: what was never taken in could not have leaked either.
func (m *mine) isShown(id string, whispered []proto.Message) {
	m.t.Helper()
	var shown []byte
	for _, name := range []string{"GetCase", "ListTimeline", "ListRiskAssessments", "GetSafety", "FindInterpreters"} {
		_, answer := m.accept(name, "", func(request proto.Message) {
			request.ProtoReflect().Set(request.ProtoReflect().Descriptor().Fields().ByName("case_id"), protoreflect.ValueOfString(id))
		})
		raw, err := protojson.Marshal(answer)
		if err != nil {
			m.t.Fatal(err)
		}
		shown = append(shown, raw...)
	}
	canary := regexp.MustCompile(m.aviary.latin + "[0-9]{4}" + m.aviary.cyrillic)
	for _, request := range whispered {
		request = proto.Clone(request)
		for _, secret := range m.takeSecrets(request.ProtoReflect()) {
			if bytes.Contains(shown, []byte(secret)) {
				m.t.Errorf("%s: a word that is only compared is shown", request.ProtoReflect().Descriptor().Name())
			}
		}
		raw, err := protojson.Marshal(request)
		if err != nil {
			m.t.Fatal(err)
		}
		missing := 0
		for _, one := range canary.FindAll(raw, -1) {
			if !bytes.Contains(shown, one) {
				missing++
			}
		}
		if missing > 0 {
			m.t.Errorf("%d canaries of %s are shown nowhere", missing, request.ProtoReflect().Descriptor().Name())
		}
	}
}

// compared are the fields whose words are compared with others and shown to nobody.
var compared = []protoreflect.Name{"duress_word", "word", "answer"}

// takeSecrets takes the words that are only compared out of a message, at any depth.
func (m *mine) takeSecrets(message protoreflect.Message) (secrets []string) {
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case slices.Contains(compared, field.Name()):
			secrets = append(secrets, value.String())
			message.Clear(field)
		case field.Message() == nil:
		case field.IsList():
			for i := range value.List().Len() {
				secrets = append(secrets, m.takeSecrets(value.List().Get(i).Message())...)
			}
		default:
			secrets = append(secrets, m.takeSecrets(value.Message())...)
		}
		return true
	})
	return secrets
}

// invite makes invitations under names that are canaries.
func (m *mine) invite() {
	_, invited := m.accept("InviteStaff", "", nil)
	m.keepSecret("an invitation", invited.(*amparov1.InviteStaffResponse).GetInvitation())
	m.aviary.fixed["staff_id"] = m.officer.id()
	_, device := m.accept("InviteDevice", "", nil)
	m.keepSecret("a device's invitation", device.(*amparov1.InviteDeviceResponse).GetInvitation())
}

// spoilEverything sends each request once for each of its fields of words, with a
// canary where it may not stand, with one that also rings the bell, and with one in
// a field that nobody knows.
func (m *mine) spoilEverything(cases []string) {
	m.aviary.fixed["case_id"] = cases[0]
	spoilt := 0
	eachMethod(func(method protoreflect.MethodDescriptor) {
		if method.Parent().Name() == "EnrolmentService" {
			return
		}
		who := m.callerOf(method)
		for _, subject := range []string{"person", "collective"} {
			request := message(m.t, method.Input())
			m.aviary.fill(request.ProtoReflect(), subject)
			for _, at := range places(request.ProtoReflect(), nil) {
				spoilt++
				_, _ = m.call(who, method, spoil(request, at, m.aviary.next()))
				if _, err := m.call(who, method, spoil(request, at, m.aviary.next()+"\a")); err == nil {
					m.t.Errorf("%s takes a control character in its field %s", method.Name(), at[len(at)-1].Name())
				}
			}
			if m.unknownField(who, method, request) == nil {
				m.t.Errorf("%s takes a field that nobody knows", method.Name())
			}
		}
	})
	if spoilt < 150 {
		m.t.Errorf("only %d fields of words were found", spoilt)
	}
}

func (m *mine) unknownField(who *person, method protoreflect.MethodDescriptor, request proto.Message) error {
	raw := protowire.AppendTag(nil, 12345, protowire.BytesType)
	request.ProtoReflect().SetUnknown(protowire.AppendString(raw, m.aviary.next()))
	_, err := m.call(who, method, request)
	return err
}

// refuseOddly makes the calls that are refused for other reasons than a field.
func (m *mine) refuseOddly() {
	note := methodOf(m.t, "AddNote")
	big := &amparov1.AddNoteRequest{RequestId: client.NewRequestID(), CaseId: client.NewRequestID(), Text: strings.Repeat(m.aviary.next(), 1200)}
	m.refused(m.officer, note, big)
	big.Text = m.aviary.next()
	m.refused(m.officer, note, big)   // no such case
	m.refused(m.auditor, note, big)   // no role that may
	m.refused(m.dismissed, note, big) // not on the team, if there were a case
	reused := &amparov1.CreateIntakeRequest{}
	m.aviary.fill(reused.ProtoReflect(), "person")
	if _, err := m.call(m.officer, methodOf(m.t, "CreateIntake"), reused); err != nil {
		m.t.Error(client.Explain(err))
	}
	reused.Intake.Situation = m.aviary.next()
	m.refused(m.officer, methodOf(m.t, "CreateIntake"), reused)
	if _, err := m.call(m.admin, methodOf(m.t, "SuspendStaff"), &amparov1.SuspendStaffRequest{StaffId: m.dismissed.id()}); err != nil {
		m.t.Error(client.Explain(err))
	}
	m.refused(m.dismissed, methodOf(m.t, "CreateIntake"), reused)
	err := m.officer.Invoke(m.t.Context(), "/amparo.v1.CaseService/"+m.aviary.latin, &amparov1.WhoAmIRequest{}, &amparov1.WhoAmIResponse{})
	m.calls++
	m.keep("a method that nobody knows", nil, err)
	m.knockAsStranger()
}

func (m *mine) refused(who *person, method protoreflect.MethodDescriptor, request proto.Message) {
	m.t.Helper()
	if _, err := m.call(who, method, request); err == nil {
		m.t.Errorf("%s should have been refused", method.Name())
	}
}

// knockAsStranger calls with a certificate and names that are canaries, at the door
// of the staff and at that of the invited.
func (m *mine) knockAsStranger() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		m.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		Subject: pkix.Name{CommonName: m.aviary.next(), Organization: []string{m.aviary.next()}}, DNSNames: []string{m.aviary.latin + ".example"},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		m.t.Fatal(err)
	}
	for _, name := range []string{m.aviary.latin + ".example", enrolment.Name(m.admin.profile.ServerPin)} {
		conn, err := grpc.NewClient(m.address, grpc.WithUserAgent(m.aviary.latin), grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
			ServerName: name, InsecureSkipVerify: true, Certificates: []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: key}},
		})))
		if err != nil {
			m.t.Fatal(err)
		}
		stranger := &person{Conn: &client.Conn{ClientConn: conn}}
		m.aviary.fixed["signing_key"] = []byte(m.aviary.next())
		request := message(m.t, methodOf(m.t, "Enrol").Input())
		m.aviary.fill(request.ProtoReflect(), "")
		m.refused(stranger, methodOf(m.t, "Enrol"), request)
		m.refused(stranger, methodOf(m.t, "WhoAmI"), &amparov1.WhoAmIRequest{})
		_ = conn.Close()
	}
}

// useCommands takes an intake, a note and a search through the real command, whose
// output is not for everybody's eyes but whose errors are.
func (m *mine) useCommands(caseID string) {
	profile := m.officer.profile.Name
	request := &amparov1.CreateIntakeRequest{}
	m.aviary.fill(request.ProtoReflect(), "person")
	raw, err := protojson.Marshal(request)
	if err != nil {
		m.t.Fatal(err)
	}
	input := filepath.Join(m.t.TempDir(), "intake.json")
	writeFile(m.t, input, string(raw))
	broken := bytes.Replace(raw, []byte(`"2020-02"`), []byte(`"`+m.aviary.next()+`"`), 1)
	for name, run := range map[string]struct {
		got  ran
		want int
	}{
		"intake":        {m.runClient("", profile, "intake", "--file", input), 0},
		"intake again":  {m.runClient(string(raw), profile, "intake", "--file", "-"), 0},
		"broken intake": {m.runClient(string(broken), profile, "intake", "--file", "-", "--request-id", client.NewRequestID()), 2},
		"note":          {m.runClient(m.aviary.next(), profile, "case", "note", caseID), 0},
		"note nowhere":  {m.runClient(m.aviary.next(), profile, "case", "note", client.NewRequestID()), 4},
		"search":        {m.runClient(m.aviary.next(), profile, "search"), 0},
		"queue":         {m.runClient("", profile, "queue"), 0},
		"odd argument":  {m.runClient("", profile, "queue", m.aviary.latin), 2},
		"odd command":   {m.runClient("", profile, m.aviary.latin), 2},
		"odd profile":   {m.runClient("", m.aviary.latin, "queue"), 2},
	} {
		m.said["amparo "+name] = []byte(run.got.stdout + run.got.stderr)
		if run.got.exit != run.want {
			m.t.Errorf("amparo %s: exit code %d, want %d: %s", name, run.got.exit, run.want, run.got.stderr)
		}
	}
	if err := os.Remove(input); err != nil {
		m.t.Fatal(err)
	}
}

// readLog pages through the whole log and takes it away, into the service's folder.
func (m *mine) readLog() {
	ctx, cancel := context.WithTimeout(m.t.Context(), time.Minute)
	defer cancel()
	time.Sleep(1100 * time.Millisecond) // refusals that were counted together, and a checkpoint over them
	request := &amparov1.ListLeavesRequest{PageSize: 200}
	leaves := 0
	for {
		answer, err := m.auditor.Audit.ListLeaves(ctx, request)
		if err != nil {
			m.t.Fatal(client.Explain(err))
		}
		for _, leaf := range answer.GetLeaves() {
			m.said["the log"] = append(m.said["the log"], leaf.GetRaw()...)
			text, err := protojson.Marshal(leaf)
			if err != nil {
				m.t.Fatal(err)
			}
			m.said["the log as text"] = append(m.said["the log as text"], text...)
			leaves++
		}
		if request.PageToken = answer.GetNextPageToken(); request.PageToken == "" {
			break
		}
	}
	if leaves < 50 {
		m.t.Errorf("the log has only %d leaves", leaves)
	}
	m.exported(m.auditor)
}
