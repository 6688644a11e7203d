package night_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
	"github.com/amparo-project/amparo/internal/enrolment"
)

// mine is the service as somebody sees it who whispers canaries into every field
// and listens where they sing.
type mine struct {
	*service
	t        *testing.T
	aviary   *aviary
	secrets  map[string]string // what must not be seen anywhere, by name
	said     map[string][]byte // what the service said to anybody, that must hold none
	calls    int
	refusals int

	admin, head, officer, auditor, dismissed, protector *person
}

// TestCanary puts a canary into every field of words of every request, into names,
// invitations, profile names and metadata; makes calls that succeed and calls that
// are refused in as many ways as there are, with the log at debug; and looks for
// them in the log, the data folder, the audit log and its export, the errors, the
// rows, the receipts, the process's own arguments and environment, the temporary
// folder and the profiles. Only sealed may they lie there.
func TestCanary(t *testing.T) {
	t.Parallel()
	m := open(t)
	cases := m.work()
	m.spoilEverything(cases)
	m.refuseOddly()
	m.useCommands(cases[0])
	m.readLog()
	h := m.hunt()
	m.lookAt(h)
	m.stop()
	m.said["amparod check"] = []byte(m.check())
	m.lookAt(h)
	t.Logf("%d canaries in %d calls, %d of them refused; %d MB looked through for %d forms",
		m.aviary.count, m.calls, m.refusals, h.seen>>20, len(h.forms))
	if m.refusals < 100 || m.aviary.count < 300 {
		t.Error("too few calls were refused, or too few canaries flew, to say anything")
	}
}

// open starts the service and hires people whose names are canaries.
func open(t *testing.T) *mine {
	t.Helper()
	m := &mine{
		service: newService(t, "debug"), t: t, aviary: newAviary(),
		secrets: map[string]string{}, said: map[string][]byte{},
	}
	m.start()
	m.keepSecret("the first invitation", m.invitation)
	m.admin = m.administrator()
	m.head = m.hireCanary(head, "bogota")
	m.officer = m.hireCanary(officer, "bogota")
	m.dismissed = m.hireCanary(operator, "bogota")
	m.auditor = m.hireCanary(auditor)
	m.protector = m.hireCanary(protector, "bogota")
	return m
}

// hireCanary hires a person under a name, and with a profile, that are canaries.
func (m *mine) hireCanary(role amparov1.Role, offices ...string) *person {
	m.t.Helper()
	profile := fmt.Sprintf("%s-%d", m.aviary.latin, len(m.invited))
	hired := m.hireAs(m.admin, profile, m.aviary.next(), role, offices...)
	m.keepSecret("the invitation of "+role.String(), m.invited[len(m.invited)-1])
	return hired
}

// keepSecret adds an invitation and its secret to what must not be seen.
func (m *mine) keepSecret(name, invitation string) {
	m.t.Helper()
	parsed, err := enrolment.Parse(invitation)
	if err != nil {
		m.t.Fatal(err)
	}
	m.secrets[name] = string(parsed.GetSecret())
}

// message makes an empty message by its descriptor.
func message(t testing.TB, descriptor protoreflect.MessageDescriptor) proto.Message {
	t.Helper()
	kind, err := protoregistry.GlobalTypes.FindMessageByName(descriptor.FullName())
	if err != nil {
		t.Fatal(err)
	}
	return kind.New().Interface()
}

// call makes a call by its descriptor and keeps what was said: the whole status of
// a refusal, and the answers of calls that show no content.
func (m *mine) call(who *person, method protoreflect.MethodDescriptor, request proto.Message) (proto.Message, error) {
	ctx, cancel := context.WithTimeout(m.t.Context(), 10*time.Second)
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx, "x-note", m.aviary.latin)
	path := fmt.Sprintf("/%s/%s", method.Parent().FullName(), method.Name())
	answer := message(m.t, method.Output())
	m.calls++
	var err error
	if method.IsStreamingServer() {
		err = m.firstOf(ctx, who, path, request, answer)
	} else {
		err = who.Invoke(ctx, path, request, answer)
	}
	m.keep(string(method.Name()), answer, err)
	return answer, err
}

func (m *mine) firstOf(ctx context.Context, who *person, path string, request, answer proto.Message) error {
	stream, err := who.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, path)
	if err != nil {
		return err
	}
	if err := stream.SendMsg(request); err != nil {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	return stream.RecvMsg(answer)
}

// showing are the calls whose answers show content, names or an invitation to those
// who may see them, besides the calls of the directory; all other answers must hold
// none.
var showing = []string{
	"GetCase", "ListTimeline", "ListRiskAssessments", "WhoAmI", "InviteDevice",
	"GetSafety", "RecordStatus", "DistrustContact", "ListInterpreters", "FindInterpreters", "ListConsents", "ListBreaches",
}

func (m *mine) keep(method string, answer proto.Message, err error) {
	name := fmt.Sprintf("answer %d of %s", m.calls, method)
	if err != nil {
		m.refusals++
		raw, _ := proto.Marshal(status.Convert(err).Proto())
		m.said[name] = append(raw, " "+client.Explain(err).Error()+" "+err.Error()...)
		return
	}
	if slices.Contains(showing, method) || strings.HasSuffix(method, "Staff") {
		return
	}
	raw, err := protojson.Marshal(answer)
	if err != nil {
		m.t.Fatal(err)
	}
	m.said[name] = raw
}

// hunt prepares the look for everything that was whispered.
func (m *mine) hunt() *hunt {
	secrets := map[string]string{"a canary": m.aviary.latin, "the end of a canary": m.aviary.cyrillic}
	for name, secret := range m.secrets {
		secrets[name] = secret
	}
	return newHunt(secrets)
}

// lookAt looks everywhere.
func (m *mine) lookAt(h *hunt) {
	m.t.Helper()
	for where, data := range m.said {
		h.in(m.t, where, data)
	}
	if files := h.inFolder(m.t, m.dir); files < 8 {
		m.t.Errorf("only %d files lie in the service's folder", files)
	}
	if entries, err := os.ReadDir(m.temp); err != nil || len(entries) != 0 {
		m.t.Errorf("the service left %d files in its temporary folder: %v", len(entries), err)
	}
	m.lookAtProfiles(h)
	if m.process != nil && runtime.GOOS == "linux" {
		for _, file := range []string{"cmdline", "environ", "comm", "status"} {
			raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", m.process.cmd.Process.Pid, file))
			if err != nil || len(raw) == 0 {
				m.t.Errorf("read %s of the service: %v", file, err)
			}
			h.in(m.t, file+" of the service", raw)
		}
	}
	m.t.Logf("the log is %d bytes", size(m.t, m.logFile()))
}

// lookAtProfiles looks through the profiles' files. The name of the folder is the
// one that the person chose on that machine.
func (m *mine) lookAtProfiles(h *hunt) {
	m.t.Helper()
	profiles, err := os.ReadDir(m.home)
	if err != nil || len(profiles) < 5 {
		m.t.Fatalf("%d profiles: %v", len(profiles), err)
	}
	for _, profile := range profiles {
		h.inFolder(m.t, filepath.Join(m.home, profile.Name()))
	}
}

func size(t testing.TB, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
