package client_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"filippo.io/age"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

func (b *bench) CreateIntake(_ context.Context, request *amparov1.CreateIntakeRequest) (*amparov1.CreateIntakeResponse, error) {
	return &amparov1.CreateIntakeResponse{}, b.intakes(request.GetRequestId())
}

func (b *bench) SubmitCapsule(_ context.Context, request *amparov1.SubmitCapsuleRequest) (*amparov1.SubmitCapsuleResponse, error) {
	return &amparov1.SubmitCapsuleResponse{}, b.capsules(request.GetCapsule())
}

func answer(code codes.Code, reason string) error {
	says, _ := status.New(code, "no").WithDetails(&errdetails.ErrorInfo{Reason: reason})
	return says.Err()
}

// hotline is a profile that can seal, and a request that the service would take.
func hotline(t *testing.T, b *bench) (*client.Profile, *amparov1.CreateIntakeRequest) {
	t.Helper()
	p := enrolledProfile(t, b)
	service, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	p.ServiceRecipient = service.Recipient().String()
	return p, &amparov1.CreateIntakeRequest{Intake: &amparov1.Intake{
		Channel:   amparov1.Channel_CHANNEL_HOTLINE,
		Submitter: &amparov1.Submitter{Kind: amparov1.SubmitterKind_SUBMITTER_KIND_SELF},
		Identity:  &amparov1.Identity{Subject: &amparov1.Identity_Person{Person: &amparov1.Person{LegalName: "Prima", CurrentCountry: "CO"}}},
		Situation: "They know the house.",
	}}
}

func lying(t *testing.T, p *client.Profile) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(p.Dir, "outbox", "*.age"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, path := range paths {
		if files[path], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// TestWhatTheServiceSaidToAnIntake: it is let go only when it was taken in or can
// never be as it is.
func TestWhatTheServiceSaidToAnIntake(t *testing.T) {
	b := startBench(t)
	p, request := hotline(t, b)
	for _, row := range []struct {
		code   codes.Code
		reason string
		kept   bool
	}{
		{codes.Aborted, "BUSY_FILE", true},
		{codes.Unavailable, "UNAVAILABLE", true},
		{codes.Internal, "INTERNAL", true},
		{codes.DataLoss, "INTEGRITY", true},
		{codes.PermissionDenied, "ROLE_MISSING", true},
		{codes.InvalidArgument, "DATE_IMPOSSIBLE", false},
		{codes.AlreadyExists, "REQUEST_ID_REUSED", false},
	} {
		request.RequestId = ""
		b.intakes = func(string) error { return answer(row.code, row.reason) }
		conn := dialled(t, p, client.Options{Patience: -1})
		_, kept, _, err := conn.TakeIntake(t.Context(), request, time.Now())
		if there := len(lying(t, p)) == 1; (kept != nil) != row.kept || (err == nil) != row.kept || there != row.kept {
			t.Errorf("%s: kept is %v, and it lies there: %v (%v)", row.reason, kept != nil, there, err)
		}
		for path := range lying(t, p) {
			_ = os.Remove(path)
		}
	}
}

// TestARefusalTakesNothingElseAway: what waits under an id stays when something else
// is sent under it and refused.
func TestARefusalTakesNothingElseAway(t *testing.T) {
	b := startBench(t)
	p, request := hotline(t, b)
	b.intakes = func(string) error { return answer(codes.Unavailable, "UNAVAILABLE") }
	conn := dialled(t, p, client.Options{Patience: -1})
	if _, kept, _, err := conn.TakeIntake(t.Context(), request, time.Now()); kept == nil {
		t.Fatal(err)
	}
	before := lying(t, p)
	b.intakes = func(string) error { return answer(codes.InvalidArgument, "OFFICE_UNKNOWN") }
	request.Intake.Situation = "another"
	if _, _, _, err := conn.TakeIntake(t.Context(), request, time.Now()); err == nil {
		t.Fatal("it is not refused")
	}
	for path, sealed := range before {
		if got := lying(t, p)[path]; !bytes.Equal(got, sealed) {
			t.Errorf("what waited is gone, or is another: %d bytes", len(got))
		}
	}
}

// TestOneCapsuleHoldsUpNoOther: whatever the service answers to one, and also when it
// says nothing to it, the others are sent; where nobody answers, not all are tried.
func TestOneCapsuleHoldsUpNoOther(t *testing.T) {
	b := startBench(t)
	p, request := hotline(t, b)
	b.intakes = func(string) error { return answer(codes.Unavailable, "UNAVAILABLE") }
	conn := dialled(t, p, client.Options{Patience: -1})
	for range 3 {
		request.RequestId = ""
		if _, kept, _, err := conn.TakeIntake(t.Context(), request, time.Now()); kept == nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Millisecond) // for the order
	}
	tried := 0
	for _, row := range []struct {
		reason string
		code   codes.Code
		all    bool
		tried  int
	}{
		{"UNAVAILABLE", codes.Unavailable, true, 2},
		{"INTERNAL", codes.Internal, false, 3},
	} {
		tried = 0
		b.capsules = func([]byte) error {
			if tried++; tried == 1 || row.all {
				return answer(row.code, row.reason)
			}
			return nil
		}
		err := conn.SendOutbox(t.Context(), func(*amparov1.KeptCapsule, *amparov1.SubmitCapsuleResponse, *client.Failure) {})
		if tried != row.tried || (err != nil) != row.all {
			t.Errorf("%s: %d were tried, want %d: %v", row.reason, tried, row.tried, err)
		}
	}
	if left := len(lying(t, p)); left != 1 {
		t.Errorf("%d wait, want the one", left)
	}
}

// TestAnIDIsNoPath: the request may be a file that somebody else wrote; its id reaches
// no file outside of the outbox.
func TestAnIDIsNoPath(t *testing.T) {
	b := startBench(t)
	p, request := hotline(t, b)
	b.intakes = func(string) error { return answer(codes.InvalidArgument, "FIELD_INVALID") }
	conn := dialled(t, p, client.Options{Patience: -1})
	own := filepath.Join(p.Dir, "own.age")
	if err := os.WriteFile(own, []byte("identity"), 0o600); err != nil {
		t.Fatal(err)
	}
	request.RequestId = "../own"
	before, err := os.Stat(own)
	if err != nil {
		t.Fatal(err)
	}
	if _, kept, _, err := conn.TakeIntake(t.Context(), request, time.Now()); kept != nil || client.Explain(err).Exit != 2 {
		t.Errorf("it is taken: %v", err)
	}
	if after, err := os.Stat(own); err != nil || !os.SameFile(before, after) {
		t.Errorf("another file is touched: %v", err)
	}
}

// TestAClockWithoutABatteryLosesNobody: by such a clock everything in a request lies
// ahead, and there is no line on which the service could say otherwise.
func TestAClockWithoutABatteryLosesNobody(t *testing.T) {
	p, request := hotline(t, startBench(t))
	request.Intake.Identity.GetPerson().BirthDate = "1984-03"
	request.Intake.Incidents = []*amparov1.Incident{{ActCode: "020103020000", Date: "2026-02"}}
	for _, says := range []string{"1970-01-01T00:00:12Z", "2020-01-01T00:00:00Z", "2027-01-01T00:00:00Z"} {
		clock, err := time.Parse(time.RFC3339, says)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.SealCapsule(request, clock); err != nil {
			t.Errorf("at %s: %v", says, err)
		}
	}
	request.Intake.Incidents[0].Date = "2026-02-31"
	if _, err := p.SealCapsule(request, time.Time{}); err == nil {
		t.Error("a day that there never is passes with it")
	}
}
