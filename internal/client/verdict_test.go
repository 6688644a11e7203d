package client_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/audit/audittest"
	"github.com/amparo-project/amparo/internal/client"
)

// TestNoCallWaitsForTheVerdict, and Close waits for it no longer than a person would.
func TestNoCallWaitsForTheVerdict(t *testing.T) {
	b := startBench(t)
	p := enrolledProfile(t, b)
	p.LogKey = audittest.New(t).PublicKey()
	release := make(chan struct{})
	b.answers(func(ctx context.Context, _ uint64) (*amparov1.GetCheckpointResponse, error) {
		select {
		case <-release:
		case <-ctx.Done():
		}
		return nil, status.Error(codes.Unavailable, "no")
	})
	conn := dialled(t, p, client.Options{Patience: -1, OnLogFault: func(*client.Failure) {}})
	begun := time.Now()
	for range 3 {
		if _, err := conn.Staff.WhoAmI(t.Context(), &amparov1.WhoAmIRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("three calls took %v", took)
	}
	close(release)
}

// TestTheVerdictInTime is about the hours and seconds of one connection.
func TestTheVerdictInTime(t *testing.T) {
	for _, row := range []struct {
		name         string
		open         time.Duration // how long the connection is open
		answers      time.Duration // how long each check takes
		checks, told int
		closing      time.Duration // how long Close takes
	}{
		{"a command", 0, 50 * time.Millisecond, 1, 1, 50 * time.Millisecond},
		{"a bad line", 0, 3 * time.Second, 1, 1, 3 * time.Second},
		{"a line that is dead", 0, time.Hour, 1, 0, 5 * time.Second},
		{"a watch of a shift", 9 * time.Hour, time.Second, 1, 1, 0},
		{"a watch of three days", 73 * time.Hour, time.Second, 4, 4, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				checks, told, vain := 0, 0, 0
				contact, finish := client.Verdicts(func(ctx context.Context) error {
					checks++
					select {
					case <-time.After(row.answers):
						return client.LogFault()
					case <-ctx.Done():
						return ctx.Err()
					}
				}, func(*client.Failure) { told++ }, func(*client.Failure) { vain++ })
				contact(t.Context())
				contact(t.Context()) // of the second answer
				time.Sleep(row.open)
				begun := time.Now()
				finish()
				if took := time.Since(begun); took != row.closing {
					t.Errorf("closing takes %v", took)
				}
				contact(t.Context()) // of an answer that came too late
				if checks != row.checks || told != row.told || vain != checks-told {
					t.Errorf("%d checks, %d told, %d in vain", checks, told, vain)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) { // who interrupts a command waits for nothing
		ctx, cancel := context.WithCancel(t.Context())
		contact, finish := client.Verdicts(func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}, func(*client.Failure) { t.Error("something was told") }, func(*client.Failure) {})
		contact(ctx)
		cancel()
		begun := time.Now()
		finish()
		if took := time.Since(begun); took != 0 {
			t.Errorf("closing takes %v", took)
		}
	})
}
