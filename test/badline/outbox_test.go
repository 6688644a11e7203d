package badline_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/servertest"
)

// quick gives up at once.
var quick = client.Options{Timeout: 5 * time.Second, Patience: -1}

// try takes one request in and says what became of it: a case, the reason why it is
// kept, or the reason why it is refused.
func try(ctx context.Context, t *testing.T, p *client.Profile, request *amparov1.CreateIntakeRequest) (caseID, kept, refused string) {
	t.Helper()
	conn, err := client.Dial(p, quick)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answer, waiting, why, err := conn.TakeIntake(ctx, request, time.Now())
	if err != nil {
		return "", "", client.Explain(err).Reason
	}
	if waiting != nil {
		return "", why.Reason, ""
	}
	return answer.GetCase().GetCaseId(), "", ""
}

func waits(t *testing.T, p *client.Profile) int {
	t.Helper()
	waiting, err := p.Outbox()
	if err != nil {
		t.Fatal(err)
	}
	return len(waiting)
}

// TestWhatIsKept: everything that may yet be taken in, whatever stood in the way, and
// nothing that must be corrected first.
func TestWhatIsKept(t *testing.T) {
	var full atomic.Bool
	service := servertest.Start(t, servertest.Options{FreeSpace: func() (uint64, error) {
		return map[bool]uint64{false: 1 << 40, true: 1 << 20}[full.Load()], nil
	}})
	p := enrol(t, service, t.TempDir(), "operator")
	good := p.Address
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	wrong := request("Wrong")
	wrong.Intake.Identity.GetPerson().BirthDate = "1984-02-31"
	for _, row := range []struct {
		name, address string
		ctx           context.Context
		full          bool
		request       *amparov1.CreateIntakeRequest
		kept, refused string
	}{
		{"nobody there", "127.0.0.1:1", t.Context(), false, request("Prima"), "UNREACHABLE", ""},
		{"interrupted", good, gone, false, request("Segunda"), "INTERRUPTED", ""},
		{"no room", good, t.Context(), true, request("Tercera"), "DISK_FULL", ""},
		{"wrong", good, t.Context(), false, wrong, "", "DATE_IMPOSSIBLE"},
		{"wrong, and nobody there", "127.0.0.1:1", t.Context(), false, wrong, "", "FIELD_INVALID"},
	} {
		before := waits(t, p)
		p.Address = row.address
		full.Store(row.full)
		if id, kept, refused := try(row.ctx, t, p, row.request); id != "" || kept != row.kept || refused != row.refused {
			t.Errorf("%s: case %q, kept for %q, refused for %q; want kept for %q, refused for %q", row.name, id, kept, refused, row.kept, row.refused)
		}
		if more := waits(t, p) - before; (more == 1) != (row.kept != "") {
			t.Errorf("%s: %d more wait", row.name, more)
		}
	}
	p.Address = good
	full.Store(false)
	for _, path := range []string{"", "*"} {
		found, err := filepath.Glob(filepath.Join(p.Dir, "outbox", path))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v", path, err)
		}
		for _, name := range found {
			if info, err := os.Stat(name); err != nil || info.Mode().Perm()&0o077 != 0 {
				t.Errorf("others may look into %s: %v, %v", name, info.Mode(), err)
			}
		}
	}

	// A call about something else is the contact at which all of it goes out.
	conn, err := client.Dial(p, quick)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Staff.WhoAmI(t.Context(), &amparov1.WhoAmIRequest{}); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if n := waits(t, p); n != 0 {
		t.Errorf("%d wait on after a contact", n)
	}
	for _, name := range []string{"Prima", "Segunda", "Tercera"} {
		if n := len(cases(t, service)[name]); n != 1 {
			t.Errorf("%s is there %d times, want once", name, n)
		}
	}
}

// TestWhatIsRefusedHoldsNothingUp: a capsule that was altered on the disk, and one
// that somebody put there, stay and are told of; the others go out. Many processes
// may send at once.
func TestWhatIsRefusedHoldsNothingUp(t *testing.T) {
	service := servertest.Start(t, servertest.Options{})
	p := enrol(t, service, t.TempDir(), "operator")
	good := p.Address
	p.Address = "127.0.0.1:1"
	for _, name := range []string{"Prima", "Segunda", "Tercera"} {
		if _, kept, _ := try(t.Context(), t, p, request(name)); kept == "" {
			t.Fatal("nothing is kept")
		}
	}
	p.Address = good
	planted := filepath.Join(p.Dir, "outbox", records.NewID()+".age")
	if err := os.WriteFile(planted, []byte("age-encryption.org/v1\n-> no"), 0o600); err != nil {
		t.Fatal(err)
	}
	var refused atomic.Int32
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			conn, err := client.Dial(p, quick)
			if err != nil {
				t.Error(err)
				return
			}
			err = conn.SendOutbox(t.Context(), func(_ *amparov1.KeptCapsule, _ *amparov1.SubmitCapsuleResponse, failure *client.Failure) {
				if failure != nil && failure.Reason == "CAPSULE_DAMAGED" {
					refused.Add(1)
				} else if failure != nil {
					t.Error(failure)
				}
			})
			if err != nil {
				t.Error(err)
			}
			_ = conn.Close()
		})
	}
	all.Wait()
	if refused.Load() < 4 || waits(t, p) != 1 {
		t.Errorf("%d refusals were told, and %d wait", refused.Load(), waits(t, p))
	}
	for name, there := range cases(t, service) {
		if len(there) != 1 {
			t.Errorf("%s is there %d times, want once", name, len(there))
		}
	}
}

// TestAColleagueCarries: a device that was revoked keeps its intake, and somebody
// else brings it.
func TestAColleagueCarries(t *testing.T) {
	service := servertest.Start(t, servertest.Options{})
	home := t.TempDir()
	p, colleague := enrol(t, service, home, "operator"), enrol(t, service, home, "colleague")
	_, err := amparov1.NewStaffServiceClient(service.Admin.Conn).RevokeDevice(t.Context(), &amparov1.RevokeDeviceRequest{
		RequestId: records.NewID(), DeviceId: p.DeviceID,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, kept, _ := try(t.Context(), t, p, request("Prima")); kept != "DEVICE_NOT_ACTIVE" {
		t.Errorf("kept for %q", kept)
	}
	waiting, err := p.Outbox()
	if err != nil || len(waiting) != 1 {
		t.Fatalf("%d wait: %v", len(waiting), err)
	}
	sealed, err := os.ReadFile(filepath.Join(p.Dir, "outbox", waiting[0].GetRequestId()+".age"))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := client.Dial(colleague, quick)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answer, err := conn.SubmitCapsule(t.Context(), sealed, "")
	if err != nil {
		t.Fatal(err)
	}
	if there := cases(t, service)["Prima"]; len(there) != 1 || there[0].id != answer.GetCase().GetCaseId() {
		t.Errorf("%d cases, want the one that was answered", len(there))
	}
}

// wireBytes is what a connection and an intake over it may cost on the wire, both
// ways together. At 32 kbit/s a thousand bytes are a quarter of a second.
const wireBytes = 10_000

// TestWhatAnIntakeCosts: the certificates, the hybrid key exchange and the headers
// are most of it, and must not grow unseen.
func TestWhatAnIntakeCosts(t *testing.T) {
	service := servertest.Start(t, servertest.Options{})
	p := enrol(t, service, t.TempDir(), "operator")
	l := newLine(t, service.Address, bytesASecond*20, roundTrip/20, 0, true)
	p.Address = l.address
	begun := time.Now()
	if id, kept, refused := try(t.Context(), t, p, request("Prima")); id == "" {
		t.Fatalf("kept for %q, refused for %q", kept, refused)
	}
	took := time.Since(begun) * 20
	up, down := l.carried[0].Load(), l.carried[1].Load()
	if up+down > wireBytes {
		t.Errorf("%d bytes went up and %d down, %d together, want at most %d", up, down, up+down, wireBytes)
	}
	t.Logf("%d bytes up, %d down; at 32 kbit/s and 1.5 s it would have taken about %v", up, down, took.Round(100*time.Millisecond))
}

// TestAWatchIsAContact: an operator whose queue stands open all night makes no other
// call.
func TestAWatchIsAContact(t *testing.T) {
	service := servertest.Start(t, servertest.Options{})
	p := enrol(t, service, t.TempDir(), "operator")
	good := p.Address
	p.Address = "127.0.0.1:1"
	if _, kept, _ := try(t.Context(), t, p, request("Prima")); kept == "" {
		t.Fatal("nothing is kept")
	}
	p.Address = good
	told := make(chan string, 1)
	conn, err := client.Dial(p, client.Options{OnSent: func(_ *amparov1.KeptCapsule, answer *amparov1.SubmitCapsuleResponse, failure *client.Failure) {
		if failure != nil {
			t.Error(failure)
		}
		told <- answer.GetCase().GetCaseId()
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	watch, err := conn.Queue.WatchQueue(t.Context(), &amparov1.WatchQueueRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Recv(); err != nil {
		t.Fatal(err)
	}
	select {
	case id := <-told:
		if there := cases(t, service)["Prima"]; len(there) != 1 || there[0].id != id {
			t.Errorf("%d cases, want the one that was told of", len(there))
		}
	case <-time.After(10 * time.Second):
		t.Error("the first rows of a watch are no contact")
	}
}

// TestTheRecipientIsLearnt: a profile of an earlier version has none to seal to, and
// says so instead of losing the request in silence; one call later it has.
func TestTheRecipientIsLearnt(t *testing.T) {
	service := servertest.Start(t, servertest.Options{})
	home := t.TempDir()
	p := enrol(t, service, home, "operator")
	good, want := p.Address, p.ServiceRecipient
	p.Address, p.ServiceRecipient = "127.0.0.1:1", ""
	if id, kept, refused := try(t.Context(), t, p, request("Prima")); refused != "RECIPIENT_UNKNOWN" {
		t.Errorf("case %q, kept for %q, refused for %q", id, kept, refused)
	}
	p.Address = good
	conn, err := client.Dial(p, quick)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.LearnRecipient(t.Context()); err != nil {
		t.Fatal(err)
	}
	again, err := client.OpenProfile(home, "operator")
	if err != nil || again.ServiceRecipient != want {
		t.Errorf("the profile has the recipient %q, %v", again.ServiceRecipient, err)
	}
	p.ServiceRecipient = "another"
	if err := conn.LearnRecipient(t.Context()); err != nil || p.ServiceRecipient != "another" {
		t.Errorf("a recipient that is there was exchanged: %v", err)
	}
}
