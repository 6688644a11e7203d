package server_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/enrolment"
	"github.com/amparo-project/amparo/internal/servertest"
)

// readMatrix reads the golden matrix: the roles of each method with their relations.
// What people have read is the expectation, not what the service has loaded.
func readMatrix(t *testing.T) map[string]map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../access/testdata/matrix.txt")
	if err != nil {
		t.Fatal(err)
	}
	matrix, method := map[string]map[string][]string{}, ""
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, " ") {
			method = strings.TrimSpace(line)
			matrix[method] = map[string][]string{}
			continue
		}
		role, relation, _ := strings.Cut(strings.TrimSpace(line), " ")
		if relation = strings.TrimSpace(relation); role == "everyone" || role == "whoever" {
			relation = "none"
		}
		matrix[method][role] = append(matrix[method][role], relation)
	}
	return matrix
}

// situations are the ways in which a case can stand to the caller, with the
// relations that hold then. A fresh case is made for each cell.
var situations = []struct {
	name   string
	holds  []string
	fromS  bool // taken by the office south
	shift  bool // whoever is on shift holds the relation of that name
	shapes func(c *amparov1.Case, caller string)
}{
	{name: "foreign", holds: []string{"heard"}, fromS: true},
	{name: "on the team, of another office and restricted", holds: []string{"team", "desk", "office", "oversight", "shift", "heard"}, fromS: true, shapes: func(c *amparov1.Case, caller string) {
		c.TeamIds, c.Restricted = append(c.TeamIds, caller), true
	}},
	{name: "waits at the desk", shift: true, holds: []string{"desk", "office", "oversight", "heard"}},
	{name: "of the office, triaged", shift: true, holds: []string{"office", "oversight", "heard"}, shapes: func(c *amparov1.Case, _ string) {
		c.State, c.TeamIds = amparov1.CaseState_CASE_STATE_TRIAGED, nil
	}},
	{name: "of the office, restricted", shift: true, holds: []string{"oversight", "heard"}, shapes: func(c *amparov1.Case, _ string) {
		c.Restricted, c.TeamIds = true, nil
	}},
	{name: "excluded, though on the team", shapes: func(c *amparov1.Case, caller string) {
		c.TeamIds, c.ExcludedStaffIds = append(c.TeamIds, caller), []string{caller}
	}},
}

// TestMatrix walks every method, every role and every relation over the wire, both
// ways: what the matrix grants passes the gate, everything else does not.
func TestMatrix(t *testing.T) {
	w, matrix := newWorld(t, servertest.Options{}), readMatrix(t)
	cells := 0
	for _, method := range methods() {
		granted, ok := matrix[shortName(method)]
		if !ok {
			t.Errorf("%s is not in the matrix", shortName(method))
			continue
		}
		delete(matrix, shortName(method))
		for role, person := range w.north {
			relations, allowed := granted[strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(role.String(), "ROLE_")), "_", "-")]
			if _, everyone := granted["everyone"]; everyone {
				relations, allowed = []string{"none"}, true
			}
			if method.Input().Fields().ByName("case_id") == nil {
				cells++
				want := map[bool]string{true: "", false: "ROLE_MISSING"}[allowed]
				if _, invited := granted["whoever"]; invited {
					want = "METHOD_UNKNOWN"
				}
				w.cell(t, method, person, aim{staffID: w.bystander.StaffID, deviceID: w.bystander.DeviceID}, "", want)
				continue
			}
			for _, situation := range situations {
				cells++
				want := "ROLE_MISSING"
				holds := situation.holds
				if situation.shift && role == amparov1.Role_ROLE_HOTLINE_OPERATOR { // the office keeps no rota
					holds = append(slices.Clone(holds), "shift")
				}
				if allowed && slices.ContainsFunc(relations, func(r string) bool { return slices.Contains(holds, r) }) {
					want = ""
				} else if allowed {
					want = "NOT_FOUND"
				}
				taker := w.north[amparov1.Role_ROLE_CASE_OFFICER]
				if situation.fromS {
					taker = w.operator
				}
				id := w.newCase(t, taker, func(c *amparov1.Case) {
					c.TeamIds = nil
					if situation.shapes != nil {
						situation.shapes(c, person.StaffID)
					}
				})
				w.cell(t, method, person, aim{id, person.StaffID, ""}, situation.name, want)
			}
		}
	}
	for method := range matrix {
		t.Errorf("the matrix names %s, which does not exist", method)
	}
	t.Logf("%d cells", cells)
}

// gateReasons are the answers of the two gates; any other answer came from behind
// them.
var gateReasons = []string{"ROLE_MISSING", "ROLE_PENDING", "DEVICE_NOT_ACTIVE", "METHOD_UNKNOWN"}

func (w *world) cell(t *testing.T, method protoreflect.MethodDescriptor, person *servertest.Person, at aim, situation, want string) {
	t.Helper()
	_, err := call(t.Context(), t, person.Conn, method, w.request(t, method, at))
	got := reason(err)
	if want == "" {
		shut := slices.Contains(gateReasons, got) || (at.caseID != "" && got == "NOT_FOUND")
		if shut || status.Code(err) == codes.Internal || (err != nil && got == "") {
			t.Errorf("%s, %s, %s: %v (%s), want to pass the gate", shortName(method), person.Name, situation, err, got)
		}
		return
	}
	if got != want {
		t.Errorf("%s, %s, %s: %q (%v), want %s", shortName(method), person.Name, situation, got, err, want)
	}
}

// TestStandings walks every method for those who are not, not yet or no longer in
// standing, and under the enrolment name.
func TestStandings(t *testing.T) {
	clock := newClock()
	w := newWorld(t, servertest.Options{Now: clock.Now})
	matrix, all := readMatrix(t), []amparov1.Role{
		amparov1.Role_ROLE_HOTLINE_OPERATOR, amparov1.Role_ROLE_CASE_OFFICER, amparov1.Role_ROLE_REVIEWER,
		amparov1.Role_ROLE_HEAD_OF_SECRETARIAT, amparov1.Role_ROLE_AUDITOR, amparov1.Role_ROLE_ADMINISTRATOR,
	}
	enrol := func(name string) *servertest.Person { return w.Enrol(t, name, all, []string{"north"}) }
	suspended, revoked := enrol("suspended"), enrol("revoked")
	expired := w.EnrolUntil(t, "expired", all, []string{"north"}, clock.Now().Add(time.Hour))
	pending := w.EnrolPending(t, "pending", all, []string{"north"})
	w.suspend(t, suspended)
	w.revoke(t, revoked)
	clock.Advance(2 * time.Hour)
	id := w.newCase(t, w.north[amparov1.Role_ROLE_CASE_OFFICER], nil)
	for _, row := range []struct {
		name   string
		device *servertest.Device
		door   bool // under the enrolment name
		want   func(method string) string
	}{
		{"none", servertest.NewDevice(t), false, always("DEVICE_NOT_ACTIVE")},
		{"suspended", suspended.Device, false, always("DEVICE_NOT_ACTIVE")},
		{"revoked", revoked.Device, false, always("DEVICE_NOT_ACTIVE")},
		{"expired", expired.Device, false, always("DEVICE_NOT_ACTIVE")},
		{"pending", pending.Device, false, func(method string) string {
			if _, everyone := matrix[method]["everyone"]; everyone {
				return ""
			}
			if method == "EnrolmentService/Enrol" {
				return "METHOD_UNKNOWN"
			}
			return "ROLE_PENDING"
		}},
		{"active, under the enrolment name", w.Admin.Device, true, func(method string) string {
			if method == "EnrolmentService/Enrol" {
				return "INVITATION_INVALID"
			}
			return "METHOD_UNKNOWN"
		}},
	} {
		for _, method := range methods() {
			conn := w.Dial(t, row.device.Certificate)
			if row.door {
				conn = w.dialDoor(t, row.device)
			}
			_, err := call(t.Context(), t, conn, method, w.request(t, method, aim{id, w.bystander.StaffID, w.bystander.DeviceID}))
			if got, want := reason(err), row.want(shortName(method)); got != want {
				t.Errorf("%s, %s: %q (%v), want %q", shortName(method), row.name, got, err, want)
			}
			_ = conn.Close()
		}
	}
}

func always(reason string) func(string) string { return func(string) string { return reason } }

func (w *world) dialDoor(t testing.TB, device *servertest.Device, more ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	config := w.TLS(device.Certificate, enrolment.Name(w.Pin))
	return w.Dial(t, device.Certificate, append(more, grpc.WithTransportCredentials(credentials.NewTLS(config)))...)
}
