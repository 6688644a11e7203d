package server_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/servertest"
)

// since are the leaves that were written after so many, oldest first.
func (w *world) since(t testing.TB, size uint64) []*amparov1.AuditLeaf {
	t.Helper()
	if err := w.Log.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	now := w.Log.State().Size
	if now == size {
		return nil
	}
	listed, err := w.Log.List(t.Context(), now, int(now-size))
	if err != nil {
		t.Fatal(err)
	}
	leaves := make([]*amparov1.AuditLeaf, len(listed))
	for i, leaf := range listed {
		leaves[len(listed)-1-i] = leaf.GetLeaf()
	}
	return leaves
}

func (w *world) size(t testing.TB) uint64 {
	t.Helper()
	if err := w.Log.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w.Log.State().Size
}

// TestEveryCallLeavesItsLeaf makes each call once and finds one leaf, of the act
// that the method declares, by that person on that device, done or refused.
func TestEveryCallLeavesItsLeaf(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	rules, err := access.LoadV1()
	if err != nil {
		t.Fatal(err)
	}
	person := w.everybody(t)
	door := w.dialDoor(t, servertest.NewDevice(t))
	for _, method := range methods() {
		id := w.newCase(t, person, nil)
		request := w.request(t, method, aim{id, w.bystander.StaffID, w.bystander.DeviceID})
		before := w.size(t)
		_, err := call(t.Context(), t, w.connFor(t, person, door, method), method, request)
		leaves := slices.DeleteFunc(w.since(t, before), func(leaf *amparov1.AuditLeaf) bool {
			// The service's own, beside the call's: an alarm, and that somebody is to be told.
			return leaf.GetAction() == amparov1.LeafAction_LEAF_ACTION_ALARM_RAISE || leaf.GetAction() == amparov1.LeafAction_LEAF_ACTION_TELL
		})
		if len(leaves) != 1 {
			t.Errorf("%s left %d leaves", shortName(method), len(leaves))
			continue
		}
		leaf, outcome := leaves[0], amparov1.LeafOutcome_LEAF_OUTCOME_DONE
		if err != nil {
			outcome = amparov1.LeafOutcome_LEAF_OUTCOME_REFUSED
		}
		staff, device := person.StaffID, person.DeviceID
		if method.Parent().Name() == "EnrolmentService" {
			staff, device = "", ""
		}
		if leaf.GetAction() != rules[fullName(method)].GetAction() || leaf.GetOutcome() != outcome ||
			leaf.GetStaffId() != staff || leaf.GetDeviceId() != device || "REASON_"+reason(err) != leaf.GetReason().String() && err != nil {
			t.Errorf("%s: %v, and the leaf says %s, %s, %s, by %q on %q", shortName(method), err,
				leaf.GetAction(), leaf.GetOutcome(), leaf.GetReason(), leaf.GetStaffId(), leaf.GetDeviceId())
		}
	}
}

// TestAWatchThatItsCallerEndsIsNoRefusal: whoever closes the queue on the screen has
// not been refused anything.
func TestAWatchThatItsCallerEndsIsNoRefusal(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	p := w.Enrol(t, "watcher", []amparov1.Role{amparov1.Role_ROLE_CASE_OFFICER}, []string{"brussels"})
	before := w.size(t)
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := amparov1.NewQueueServiceClient(p.Conn).WatchQueue(ctx, &amparov1.WatchQueueRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	cancel()
	time.Sleep(200 * time.Millisecond) // the service hears of it over the network
	for _, leaf := range w.since(t, before) {
		if leaf.GetOutcome() != amparov1.LeafOutcome_LEAF_OUTCOME_DONE {
			t.Errorf("the log says %s %s: %s", leaf.GetAction(), leaf.GetOutcome(), leaf.GetReason())
		}
	}
}

// TestRefusalsAreFolded: the first refusal of a second has its leaf before it is
// answered, the others are counted, and none is lost.
func TestRefusalsAreFolded(t *testing.T) {
	clock := newClock()
	still := clock.Now()
	frozen := func() time.Time { return still.Add(time.Duration(clock.ahead.Load())) }
	w := newWorld(t, servertest.Options{Now: frozen})
	auditor := w.north[amparov1.Role_ROLE_AUDITOR]
	refused := func(conn *servertest.Person, want string) {
		t.Helper()
		if _, err := amparov1.NewCaseServiceClient(conn.Conn).GetCase(t.Context(), &amparov1.GetCaseRequest{CaseId: records.NewID()}); reason(err) != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	strangers := make([]*servertest.Person, 5)
	for i := range strangers {
		device := servertest.NewDevice(t)
		strangers[i] = &servertest.Person{Device: device, Conn: w.Dial(t, device.Certificate)}
	}
	before := w.size(t)
	refused(auditor, "ROLE_MISSING")
	if leaves := w.since(t, before); len(leaves) != 1 || leaves[0].GetReason() != amparov1.Reason_REASON_ROLE_MISSING {
		t.Errorf("%d leaves after the first refusal", len(leaves))
	}
	for range 49 {
		refused(auditor, "ROLE_MISSING")
	}
	for _, stranger := range strangers {
		for range 4 {
			refused(stranger, "DEVICE_NOT_ACTIVE")
		}
	}
	// What was refused while the world was made may be counted in between.
	told := func() (leaves int, ofAuditor, ofStrangers uint32) {
		for _, leaf := range w.since(t, before) {
			switch leaf.GetAction() {
			case amparov1.LeafAction_LEAF_ACTION_CASE_READ:
				ofAuditor += max(1, leaf.GetCount())
				leaves++
			case amparov1.LeafAction_LEAF_ACTION_CONNECT:
				ofStrangers += max(1, leaf.GetCount())
				leaves++
			default:
			}
		}
		return leaves, ofAuditor, ofStrangers
	}
	if leaves, ofAuditor, ofStrangers := told(); leaves != 2 || ofAuditor != 1 || ofStrangers != 1 {
		t.Errorf("%d leaves for the refusals of one second, want one of the auditor and one of all strangers", leaves)
	}
	// In the next second the auditor's are told by the next refusal, and the
	// strangers', who have gone, when the service comes by.
	clock.Advance(1100 * time.Millisecond)
	refused(auditor, "ROLE_MISSING")
	leaves, ofAuditor, ofStrangers := told()
	for begin := time.Now(); ofStrangers < 20 && time.Since(begin) < 5*time.Second; time.Sleep(50 * time.Millisecond) {
		leaves, ofAuditor, ofStrangers = told()
	}
	if leaves > 5 || ofAuditor != 51 || ofStrangers != 20 {
		t.Errorf("%d leaves, of %d refusals of the auditor and %d of strangers; want 4 of 51 and 20", leaves, ofAuditor, ofStrangers)
	}
}

// TestRatesAreOfADevice: who calls too fast is slowed down alone.
func TestRatesAreOfADevice(t *testing.T) {
	limits := servertest.Generous()
	limits.CallsPerSecond, limits.CallBurst = 2, 10
	w := &world{Service: servertest.Start(t, servertest.Options{Limits: limits})}
	fast := w.Enrol(t, "fast", []amparov1.Role{amparov1.Role_ROLE_AUDITOR}, nil)
	slow := w.Enrol(t, "slow", []amparov1.Role{amparov1.Role_ROLE_AUDITOR}, nil)
	whoAmI := func(p *servertest.Person) error {
		_, err := amparov1.NewStaffServiceClient(p.Conn).WhoAmI(t.Context(), &amparov1.WhoAmIRequest{})
		return err
	}
	answered, limited := 0, 0
	for range 40 {
		switch err := whoAmI(fast); {
		case err == nil:
			answered++
		case status.Code(err) == codes.ResourceExhausted && reason(err) == "RATE_LIMITED":
			limited++
		default:
			t.Error(err)
		}
	}
	if answered < 5 || answered > 15 || answered+limited != 40 {
		t.Errorf("%d calls were answered and %d limited, of a burst of 10", answered, limited)
	}
	if err := whoAmI(slow); err != nil {
		t.Errorf("another device: %v", err)
	}
	time.Sleep(600 * time.Millisecond)
	if err := whoAmI(fast); err != nil {
		t.Errorf("after a moment's rest: %v", err)
	}
}
