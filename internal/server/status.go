package server

import (
	"crypto/rand"
	"encoding/hex"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
)

// errorDomain is the domain of every ErrorInfo.
const errorDomain = "amparo"

// codeOf maps the kinds of refusal to gRPC's codes. A kind that is not here is a
// fault of the service.
var codeOf = map[fault.Kind]codes.Code{
	fault.Internal:    codes.Internal,
	fault.Invalid:     codes.InvalidArgument,
	fault.Unknown:     codes.Unauthenticated,
	fault.Denied:      codes.PermissionDenied,
	fault.NotFound:    codes.NotFound,
	fault.Refused:     codes.FailedPrecondition,
	fault.Conflict:    codes.Aborted,
	fault.Exhausted:   codes.ResourceExhausted,
	fault.Unavailable: codes.Unavailable,
	fault.Corrupt:     codes.DataLoss,
	fault.Missing:     codes.Unimplemented,
}

// statusOf turns a refusal into what a caller sees: the table's text, the reason,
// the fields, and an id by which the service's own log can be searched. Nothing
// that the caller sent and nothing of the cause is in it.
func statusOf(f *fault.Error, correlation string) *status.Status {
	code := codeOf[f.Kind()]
	if f.Reason == amparov1.Reason_REASON_REQUEST_ID_REUSED {
		code = codes.AlreadyExists
	}
	details := []protoadapt.MessageV1{&errdetails.ErrorInfo{
		Reason: strings.TrimPrefix(f.Reason.String(), "REASON_"),
		Domain: errorDomain,
		Metadata: map[string]string{
			"correlation": correlation,
			"next":        f.Next(),
		},
	}}
	if len(f.Violations) > 0 && code == codes.FailedPrecondition {
		details = append(details, preconditions(f.Violations))
	} else if len(f.Violations) > 0 {
		details = append(details, badRequest(f.Violations))
	}
	st := status.New(code, f.Text())
	if detailed, err := st.WithDetails(details...); err == nil {
		return detailed
	}
	return st
}

func badRequest(violations []fault.Violation) *errdetails.BadRequest {
	detail := &errdetails.BadRequest{}
	for _, v := range violations {
		detail.FieldViolations = append(detail.FieldViolations, &errdetails.BadRequest_FieldViolation{
			Field: v.Field, Description: v.Rule, Reason: strings.TrimPrefix(v.Reason.String(), "REASON_"),
		})
	}
	return detail
}

func preconditions(violations []fault.Violation) *errdetails.PreconditionFailure {
	detail := &errdetails.PreconditionFailure{}
	for _, v := range violations {
		detail.Violations = append(detail.Violations, &errdetails.PreconditionFailure_Violation{
			Type: strings.TrimPrefix(v.Reason.String(), "REASON_"), Subject: v.Field, Description: v.Rule,
		})
	}
	return detail
}

func newCorrelation() string {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails: the runtime ends the process instead
	return hex.EncodeToString(id[:])
}
