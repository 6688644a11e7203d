package server_test

import (
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/servertest"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/memory"
)

// TestNoLeafNoLedger goes through the life of a ledger, from a consent to the sample of
// an auditor. Each call is made twice: while no leaf can be written, when it is neither
// answered nor done, and then in earnest, when it leaves its one leaf, with a fact for
// each entry that it made.
func TestNoLeafNoLedger(t *testing.T) {
	w := newWatched(t)
	rules, err := access.LoadV1()
	if err != nil {
		t.Fatal(err)
	}
	one, other := w.everybody(t), w.everybody(t)
	w.shape(t, w.id, func(c *amparov1.Case) { c.RiskLevel = high })
	sample := uint64(0)
	for _, step := range []struct {
		method string
		by     *servertest.Person
		facts  int
		spoil  func(request proto.Message)
	}{
		{"ConsentService/RecordConsent", one, 1, nil},
		{"DisclosureService/CheckHarm", one, 1, nil},
		{"DisclosureService/ApproveDisclosure", other, 1, func(r proto.Message) { r.(*amparov1.ApproveDisclosureRequest).Entry = 2 }},
		{"ConsentService/CheckConsent", one, 0, nil},
		{"DisclosureService/Disclose", one, 1, nil},
		{"DisclosureService/Disclose", one, 2, func(r proto.Message) { r.(*amparov1.DiscloseRequest).Disclosure = vital() }},
		{"DisclosureService/CountersignDisclosure", other, 1, func(r proto.Message) { r.(*amparov1.CountersignDisclosureRequest).Entry = 6 }},
		{"DisclosureService/RecordInformed", one, 1, func(r proto.Message) { r.(*amparov1.RecordInformedRequest).Entry = 6 }},
		{"DisclosureService/StateBasis", one, 1, nil},
		{"ConsentService/WithdrawConsent", one, 1, nil},
		{"CaseService/RecordContact", one, 0, func(r proto.Message) { r.(*amparov1.RecordContactRequest).Contact = reached(1) }},
		{"ConsentService/SettleWithdrawal", one, 5, func(r proto.Message) {
			r.(*amparov1.SettleWithdrawalRequest).Settlement = &amparov1.SettlementDraft{Withdrawal: 10, Stands: true, Contact: 1}
		}},
		{"DisclosureService/AnswerReturn", one, 1, func(r proto.Message) { r.(*amparov1.AnswerReturnRequest).Request = 12 }},
		{"DisclosureService/ReportBreach", one, 1, nil},
		{"DisclosureService/ListBreaches", one, 0, nil},
		{"ConsentService/ListConsents", one, 0, nil},
		{"AuditService/DrawSample", one, 0, nil},
		{"AuditService/OpenSample", one, 0, func(r proto.Message) { r.(*amparov1.OpenSampleRequest).Sample = sample }},
	} {
		method := methodOf(t, step.method)
		request := w.request(t, method, aim{w.id, one.StaffID, one.DeviceID})
		if step.spoil != nil {
			step.spoil(request)
		}
		before := w.size(t)
		w.withoutLeaf(t, step.by, method, request)
		answer, err := call(t.Context(), t, step.by.Conn, method, request)
		if err != nil {
			t.Fatalf("%s: %v", step.method, err)
		}
		if drawn, ok := answer.(*amparov1.DrawSampleResponse); ok {
			sample = drawn.GetSample()
		}
		leaves, facts := 0, 0
		for _, leaf := range w.since(t, before) {
			if leaf.GetStaffId() == "" {
				continue // the service's own, beside the call's
			}
			leaves, facts = leaves+1, facts+len(leaf.GetFacts())
			if leaf.GetAction() != rules[fullName(method)].GetAction() || leaf.GetOutcome() != amparov1.LeafOutcome_LEAF_OUTCOME_DONE {
				t.Errorf("%s leaves %v, %v", step.method, leaf.GetAction(), leaf.GetOutcome())
			}
		}
		if leaves != 1 || facts != step.facts {
			t.Errorf("%s left %d leaves with %d facts, want 1 with %d", step.method, leaves, facts, step.facts)
		}
	}
}

// withoutLeaf makes a call while nothing can be written.
func (w *watched) withoutLeaf(t *testing.T, by *servertest.Person, method protoreflect.MethodDescriptor, request proto.Message) {
	t.Helper()
	entries, err := w.engine.Scan(t.Context(), nil, nil, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	w.engine.Inject(func(c memory.Call) memory.Fault {
		if c.Kind == memory.Commit {
			return memory.Fault{Before: store.ErrFull}
		}
		return memory.Fault{}
	})
	answer, err := call(t.Context(), t, by.Conn, method, request)
	w.engine.Inject(nil)
	if code := status.Code(err); code != codes.ResourceExhausted && code != codes.Unavailable || proto.Size(answer) > 0 {
		t.Errorf("%s without a leaf: %v, and %d bytes of an answer", method.Name(), err, proto.Size(answer))
	}
	after, err := w.engine.Scan(t.Context(), nil, nil, 1<<20)
	if err != nil || len(after) > len(entries)+1 { // the sequencer may have kept a checkpoint
		t.Errorf("%s without a leaf wrote %d entries: %v", method.Name(), len(after)-len(entries), err)
	}
}
