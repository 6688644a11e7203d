package server_test

import (
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/servertest"
)

// TestPlansAreKept writes three versions of a plan, one of them twice, and reads each
// of them back, also after the service was unsealed anew.
func TestPlansAreKept(t *testing.T) {
	b := newBench(t, servertest.Options{})
	plans := amparov1.NewPlanServiceClient(b.officer.Conn)
	id := b.triaged(t, func(*amparov1.Case) {})
	none, err := plans.GetPlan(t.Context(), &amparov1.GetPlanRequest{CaseId: id})
	if err != nil || none.GetPlan() != nil || none.GetNewestVersion() != 0 {
		t.Fatalf("a case without a plan shows version %d, %v", none.GetNewestVersion(), err)
	}
	var written []*amparov1.PlanContent
	for version := range uint32(3) {
		content := newPlan()
		content.EmergencyPlan = fmt.Sprintf("the way out number %d", version)
		request := &amparov1.SetPlanRequest{RequestId: records.NewID(), CaseId: id, Plan: content}
		for range 2 {
			answer, err := plans.SetPlan(t.Context(), request)
			if err != nil || answer.GetPlanVersion() != version+1 {
				t.Fatalf("written as version %d, %v, want %d", answer.GetPlanVersion(), err, version+1)
			}
		}
		written = append(written, content)
	}
	b.Restart(t)
	for version := range uint32(4) { // 0 is the newest
		answer, err := plans.GetPlan(t.Context(), &amparov1.GetPlanRequest{CaseId: id, PlanVersion: version})
		want := written[(version+2)%3]
		if err != nil || !proto.Equal(answer.GetPlan().GetContent(), want) || answer.GetNewestVersion() != 3 ||
			answer.GetPlan().GetWrittenById() != b.officer.StaffID {
			t.Errorf("version %d of %d is another: %v", version, answer.GetNewestVersion(), err)
		}
	}
	_, err = plans.GetPlan(t.Context(), &amparov1.GetPlanRequest{CaseId: id, PlanVersion: 4})
	if status.Code(err) != codes.InvalidArgument {
		t.Errorf("a version that was never written: %v", err)
	}
	report, err := b.Records.Check(t.Context(), "")
	if err != nil || len(report.Faults) > 0 {
		t.Errorf("%v: %v", err, report.Faults)
	}
}
