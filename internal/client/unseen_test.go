package client_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/audit/audittest"
	"github.com/amparo-project/amparo/internal/client"
)

// warned makes a call that is answered, and returns since when the log was not shown;
// zero where nothing was said.
func warned(t *testing.T, p *client.Profile) (since time.Time) {
	t.Helper()
	calls(t, p, client.Options{
		Patience: -1, Now: time.Now, OnLogFault: func(f *client.Failure) { t.Errorf("an alarm: %v", f) }, OnLogUnseen: func(at time.Time) { since = at },
	})
	return since
}

// lastSeen is what the profile remembers; zero where that is nothing.
func lastSeen(t *testing.T, p *client.Profile) time.Time {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(p.Dir, "log.seen"))
	if err != nil {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339+"\n", string(raw))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// seen sets what the profile remembers.
func seen(t *testing.T, p *client.Profile, text string) {
	t.Helper()
	if err := client.WriteFile(filepath.Join(p.Dir, "log.seen"), []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func before(ago time.Duration) string {
	return time.Now().Add(-ago).UTC().Format(time.RFC3339) + "\n"
}

// refuses lets the service answer every call but that for its log.
func (b *bench) refuses(err error) {
	b.answers(func(context.Context, uint64) (*amparov1.GetCheckpointResponse, error) { return nil, err })
}

// TestALogThatIsNotShown for a day, by a service that answers, is told of at each command
// until it is shown.
func TestALogThatIsNotShown(t *testing.T) {
	log := audittest.New(t).Grow(3)
	b := startBench(t)
	p := enrolledProfile(t, b)
	p.LogKey = log.PublicKey()
	b.shows(log)
	if since := warned(t, p); !since.IsZero() || time.Since(lastSeen(t, p)) > time.Minute {
		t.Fatalf("warned since %v, remembered is %v", since, lastSeen(t, p))
	}
	for _, code := range []codes.Code{codes.Unavailable, codes.PermissionDenied, codes.Unimplemented, codes.NotFound, codes.InvalidArgument, codes.Internal} {
		b.refuses(status.Error(code, "no"))
		if code == codes.InvalidArgument { // of a request that names nothing older it is no alarm
			if err := os.Remove(filepath.Join(p.Dir, "checkpoint")); err != nil {
				t.Fatal(err)
			}
		}
		seen(t, p, before(23*time.Hour))
		if since := warned(t, p); !since.IsZero() {
			t.Errorf("%v: warned after 23 hours", code)
		}
		seen(t, p, before(25*time.Hour))
		for range 2 {
			if since := warned(t, p); !since.Equal(lastSeen(t, p)) || time.Since(since) < 25*time.Hour {
				t.Errorf("%v: warned since %v, remembered is %v", code, since, lastSeen(t, p))
			}
		}
	}
	b.shows(log)
	if since := warned(t, p); !since.IsZero() || time.Since(lastSeen(t, p)) > time.Minute {
		t.Errorf("shown again: warned since %v, remembered is %v", since, lastSeen(t, p))
	}
}

// TestTheFirstDayBeginsInVain where nothing is remembered, or nothing that can be.
func TestTheFirstDayBeginsInVain(t *testing.T) {
	b := startBench(t)
	p := enrolledProfile(t, b)
	p.LogKey = audittest.New(t).PublicKey()
	b.refuses(answer(codes.PermissionDenied, "ROLE_PENDING"))
	if since := warned(t, p); !since.IsZero() || !lastSeen(t, p).IsZero() {
		t.Error("the days are counted for somebody whom nobody has let in")
	}
	b.refuses(status.Error(codes.Unavailable, "no"))
	for _, text := range []string{"", "nonsense", before(-48 * time.Hour)} {
		if text != "" {
			seen(t, p, text)
		}
		if since := warned(t, p); !since.IsZero() || time.Since(lastSeen(t, p)).Abs() > time.Minute {
			t.Errorf("%q: warned since %v, remembered is %v", text, since, lastSeen(t, p))
		}
	}
}
