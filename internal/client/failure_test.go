package client_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/amparo-project/amparo/internal/client"
)

func TestExitCodes(t *testing.T) {
	want := map[codes.Code]int{
		codes.Canceled: 1, codes.Unknown: 1, codes.InvalidArgument: 2, codes.DeadlineExceeded: 1, codes.NotFound: 4,
		codes.AlreadyExists: 6, codes.PermissionDenied: 3, codes.ResourceExhausted: 1, codes.FailedPrecondition: 5,
		codes.Aborted: 6, codes.OutOfRange: 1, codes.Unimplemented: 1, codes.Internal: 1, codes.Unavailable: 1,
		codes.DataLoss: 7, codes.Unauthenticated: 3,
	}
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		failure := client.Explain(status.Error(code, "text"))
		if failure.Exit != want[code] {
			t.Errorf("%s: exit = %d, want %d", code, failure.Exit, want[code])
		}
		if failure.Reason == "" || failure.Text == "" {
			t.Errorf("%s: nothing is said", code)
		}
	}
	if client.Explain(nil) != nil {
		t.Error("no error is explained")
	}
	if got := client.Explain(fmt.Errorf("read: %w", context.Canceled)); got.Exit != 1 || got.Reason != "INTERRUPTED" {
		t.Errorf("interruption = %d %s", got.Exit, got.Reason)
	}
	if got := client.Explain(errors.New("disk is gone")); got.Exit != 1 || got.Text != "disk is gone" {
		t.Errorf("local error = %d %s", got.Exit, got.Text)
	}
}

func TestARefusalIsOneLineWithReasonFieldsAndNext(t *testing.T) {
	answer, err := status.New(codes.InvalidArgument, "a field is not valid").WithDetails(
		&errdetails.ErrorInfo{Reason: "FIELD_INVALID", Domain: "amparo", Metadata: map[string]string{
			"next": "correct the fields named and send again", "correlation": "c0rr",
		}},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: "intake.channel", Description: "is required", Reason: "FIELD_INVALID"},
			{Field: "intake.office", Description: "does not match", Reason: "FIELD_INVALID"},
		}},
	)
	if err != nil {
		t.Fatal(err)
	}
	got := client.Explain(fmt.Errorf("write file: %w", answer.Err()))
	want := "a field is not valid (FIELD_INVALID): intake.channel is required; intake.office does not match;" +
		" next: correct the fields named and send again [c0rr]"
	if got.Error() != want {
		t.Errorf("line = %q", got.Error())
	}
	if got.Exit != 2 || len(got.Fields) != 2 || got.Correlation != "c0rr" {
		t.Errorf("failure = exit %d, %d fields, correlation %s", got.Exit, len(got.Fields), got.Correlation)
	}
}

func TestAPreconditionNamesItsGuard(t *testing.T) {
	answer, err := status.New(codes.FailedPrecondition, "the case's state does not allow this").WithDetails(
		&errdetails.ErrorInfo{Reason: "STATE_FORBIDS", Domain: "amparo"},
		&errdetails.PreconditionFailure{Violations: []*errdetails.PreconditionFailure_Violation{
			{Type: "STATE_FORBIDS", Subject: "case.state", Description: "must be active"},
		}},
	)
	if err != nil {
		t.Fatal(err)
	}
	got := client.Explain(answer.Err())
	if got.Exit != 5 || got.Error() != "the case's state does not allow this (STATE_FORBIDS): wanted: case.state must be active" {
		t.Errorf("exit %d: %s", got.Exit, got)
	}
}

// Whoever reads why something may not leave must see each reason by its code, and not
// only the first.
func TestSeveralReasonsAreEachNamed(t *testing.T) {
	answer, err := status.New(codes.FailedPrecondition, "the consent was withdrawn").WithDetails(
		&errdetails.ErrorInfo{Reason: "CONSENT_WITHDRAWN", Domain: "amparo", Metadata: map[string]string{"next": "stop"}},
		&errdetails.PreconditionFailure{Violations: []*errdetails.PreconditionFailure_Violation{
			{Type: "CONSENT_WITHDRAWN", Subject: "disclosure.action", Description: "has not been withdrawn: entry 3, 5"},
			{Type: "CHANNEL_UNSAFE", Subject: "disclosure.action.channel", Description: "says by which way"},
		}},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "x", Description: "is not known", Reason: "FIELD_UNKNOWN"}}},
	)
	if err != nil {
		t.Fatal(err)
	}
	want := "the consent was withdrawn (CONSENT_WITHDRAWN): wanted: disclosure.action has not been withdrawn: entry 3, 5 [CONSENT_WITHDRAWN];" +
		" disclosure.action.channel says by which way [CHANNEL_UNSAFE]; x is not known [FIELD_UNKNOWN]; next: put each of these right, and send it again"
	if got := client.Explain(answer.Err()); got.Error() != want {
		t.Errorf("line = %q", got.Error())
	}
}

func TestAServiceCannotMoveTheCursor(t *testing.T) {
	failure := client.Explain(status.Error(codes.NotFound, "x"))
	failure.Text = "gone\x1b[2J\x07\nand\u202eback\u0085"
	if got := failure.Error(); strings.ContainsAny(got, "\x1b\x07\n\u202e\u0085") {
		t.Errorf("line = %q", got)
	}
}

func TestATransportFaultNamesNoAddress(t *testing.T) {
	err := status.Error(codes.Unavailable, `connection error: desc = "dial tcp 192.0.2.7:7443: connect: connection refused"`)
	if got := client.Explain(err).Error(); strings.Contains(got, "192.0.2.7") {
		t.Errorf("line = %q", got)
	}
}
