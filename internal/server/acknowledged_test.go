package server_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/servertest"
)

// TestWhatWasAcknowledgedIsTakenAlong: whoever asks for the log at once after an act is
// shown that act: in an export, on the first page, and under a checkpoint that is up to
// date.
func TestWhatWasAcknowledgedIsTakenAlong(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	auditor := amparov1.NewAuditServiceClient(w.bystander.Conn)
	officer := w.north[amparov1.Role_ROLE_CASE_OFFICER]
	for round := range 5 {
		w.newCase(t, officer, nil)
		if got := intakesIn(exported(t, w.bystander)); got != 3*round+1 {
			t.Errorf("the export holds %d intakes, want %d", got, 3*round+1)
		}
		w.newCase(t, officer, nil)
		page := must[*amparov1.ListLeavesResponse](t)(auditor.ListLeaves(t.Context(), &amparov1.ListLeavesRequest{}))
		if newest := page.GetLeaves()[0].GetLeaf(); newest.GetAction() != amparov1.LeafAction_LEAF_ACTION_INTAKE {
			t.Errorf("the page begins with %v", newest.GetAction())
		}
		before := page.GetSize()
		w.newCase(t, officer, nil)
		must[*amparov1.GetCheckpointResponse](t)(auditor.GetCheckpoint(t.Context(), &amparov1.GetCheckpointRequest{UpToDate: true}))
		if size := w.Records.LogSize(); size < before+2 { // the page, and the intake
			t.Errorf("the checkpoint covers %d leaves, of at least %d", size, before+2)
		}
	}
}

func intakesIn(leaves [][]byte) (n int) {
	for _, raw := range leaves {
		leaf := &amparov1.AuditLeaf{}
		if proto.Unmarshal(raw, leaf) == nil && leaf.GetAction() == amparov1.LeafAction_LEAF_ACTION_INTAKE {
			n++
		}
	}
	return n
}
