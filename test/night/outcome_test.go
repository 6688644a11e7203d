package night_test

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/client"
	"github.com/amparo-project/amparo/internal/intake"
)

// checkQueue counts the queue over all its pages, as a head of secretariat who sees
// every office and as each operator, and by state, office and level.
func (n *night) checkQueue() {
	everyState := []amparov1.CaseState{
		amparov1.CaseState_CASE_STATE_RECEIVED, amparov1.CaseState_CASE_STATE_TRIAGED,
		amparov1.CaseState_CASE_STATE_ON_HOLD, amparov1.CaseState_CASE_STATE_CLOSED,
	}
	all := func(*taken) bool { return true }
	n.countQueue("every case", n.head, &amparov1.ListQueueRequest{States: everyState}, all)
	n.countQueue("all that is open", n.head, &amparov1.ListQueueRequest{}, func(c *taken) bool {
		return c.state != amparov1.CaseState_CASE_STATE_CLOSED
	})
	for _, state := range everyState {
		n.countQueue(state.String(), n.head, &amparov1.ListQueueRequest{States: []amparov1.CaseState{state}},
			func(c *taken) bool { return c.state == state })
	}
	for _, office := range offices {
		n.countQueue(office, n.head, &amparov1.ListQueueRequest{States: everyState, Office: office},
			func(c *taken) bool { return c.office == office })
	}
	n.countQueue("high", n.head, &amparov1.ListQueueRequest{States: everyState, AtLeast: amparov1.RiskLevel_RISK_LEVEL_HIGH},
		func(c *taken) bool { return c.level >= amparov1.RiskLevel_RISK_LEVEL_HIGH })
	for i, p := range n.operators {
		n.countQueue(p.profile.Name, p, &amparov1.ListQueueRequest{States: everyState}, func(c *taken) bool {
			return c.office == offices[i%len(offices)] && (!c.intake.GetRestricted() || c.operator == p)
		})
		n.countQueue("own of "+p.profile.Name, p, &amparov1.ListQueueRequest{States: everyState, Mine: true},
			func(c *taken) bool { return c.operator == p })
	}
}

// countQueue compares a queue with the reports that belong into it: each once, each
// with its state, and the most pressing first.
func (n *night) countQueue(what string, who *person, request *amparov1.ListQueueRequest, belongs func(*taken) bool) {
	want := map[string]*taken{}
	for _, c := range n.all {
		if c.answer != nil && belongs(c) {
			want[c.caseID()] = c
		}
	}
	rows := who.pages(n.t.Context(), n.t, request)
	seen := map[string]bool{}
	for _, r := range rows {
		c := want[r.GetCaseId()]
		switch {
		case c == nil:
			n.t.Errorf("queue of %s: a case that does not belong there", what)
		case seen[r.GetCaseId()]:
			n.t.Errorf("queue of %s: %s stands there twice", what, c.row.ref)
		case r.GetPseudonym() != c.answer.GetCase().GetPseudonym() || r.GetState() != c.state ||
			r.GetRiskLevel() != c.level || r.GetOffice() != c.office:
			n.t.Errorf("queue of %s: %s shows other things than its answers said", what, c.row.ref)
		}
		seen[r.GetCaseId()] = true
	}
	if len(seen) != len(want) {
		n.t.Errorf("queue of %s: %d cases, want %d", what, len(seen), len(want))
	}
	if !slices.IsSortedFunc(rows, pressing) {
		n.t.Errorf("queue of %s: not in the order of class, risk and due time", what)
	}
}

// pressing orders rows as domain rules do: open before closed, defenders at risk
// (or not judged yet) before others, the higher risk, the earlier due time.
func pressing(a, b *amparov1.QueueRow) int {
	late := func(r *amparov1.QueueRow) int64 {
		if r.GetDue() == nil {
			return 1 << 40
		}
		return r.GetDue().GetSeconds()
	}
	danger := func(r *amparov1.QueueRow) int {
		return slices.Index([]amparov1.RiskLevel{
			amparov1.RiskLevel_RISK_LEVEL_EXTREME, amparov1.RiskLevel_RISK_LEVEL_HIGH, amparov1.RiskLevel_RISK_LEVEL_NOT_ASSESSED,
			amparov1.RiskLevel_RISK_LEVEL_MEDIUM, amparov1.RiskLevel_RISK_LEVEL_LOW,
		}, r.GetRiskLevel())
	}
	closed := func(r *amparov1.QueueRow) int {
		if r.GetState() == amparov1.CaseState_CASE_STATE_CLOSED {
			return 1
		}
		return 0
	}
	other := func(r *amparov1.QueueRow) int {
		if r.GetPriorityClass() == amparov1.PriorityClass_PRIORITY_CLASS_OTHER_INQUIRY {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(closed(a), closed(b)), cmp.Compare(other(a), other(b)),
		cmp.Compare(danger(a), danger(b)), cmp.Compare(late(a), late(b)))
}

// checkContent opens every case and compares what is kept with what was sent.
func (n *night) checkContent() {
	n.each(func(c *taken) {
		got, err := n.head.Cases.GetCase(n.t.Context(), &amparov1.GetCaseRequest{CaseId: c.caseID()})
		if err != nil {
			n.t.Errorf("%s: %v", c.row.ref, client.Explain(err))
			return
		}
		want := intake.Normalise(c.intake, time.Now())
		identity := want.GetIdentity()
		want.Identity, want.Office = nil, c.office
		want.ReceivedAt = got.GetIntake().GetReceivedAt()
		if !proto.Equal(got.GetIntake(), want) || !proto.Equal(got.GetIdentity(), identity) {
			n.t.Errorf("%s: what is kept is not what was sent", c.row.ref)
		}
	})
}

// checkSearch finds every person by the name as it was typed, by the name in other
// capitals and spaces, and by the number. A name that more people bear than an
// answer holds is told by the answer, and only the number finds them all.
func (n *night) checkSearch() {
	var common atomic.Int64
	n.each(func(c *taken) {
		for _, text := range []string{c.row.name, respelt(c.row.name), safeNumber(c.number)} {
			answer, err := c.operator.Queue.SearchCases(n.t.Context(), &amparov1.SearchCasesRequest{Text: text, Limit: 50})
			if err != nil {
				n.t.Errorf("%s: %v", c.row.ref, client.Explain(err))
				continue
			}
			found := slices.ContainsFunc(answer.GetRows(), func(r *amparov1.QueueRow) bool { return r.GetCaseId() == c.caseID() })
			switch {
			case !found && answer.GetTruncated() && text != safeNumber(c.number):
				common.Add(1)
			case !found:
				n.t.Errorf("%s is not found by %q", c.row.ref, text)
			}
		}
	})
	n.t.Logf("%d searches had more answers than a page holds", common.Load())
}

// checkLog takes the log away, verifies it, and compares what it counts with what
// was done.
func (n *night) checkLog() {
	n.keepCheckpoints()
	time.Sleep(1100 * time.Millisecond) // a checkpoint is at most a second behind
	file, err := os.Open(filepath.Clean(n.exported(n.auditor)))
	if err != nil {
		n.t.Fatal(err)
	}
	defer file.Close()
	report, err := audit.VerifyExport(file, audit.VerifyOptions{LogKey: n.auditor.profile.LogKey})
	if err != nil {
		n.t.Fatalf("the export does not verify: %v", err)
	}
	// A repetition of a request whose answer was lost leaves a leaf too.
	if got := int64(report.Acts[amparov1.LeafAction_LEAF_ACTION_INTAKE]); got < n.acked.Load() || got > n.acked.Load()+n.repeats.Load() {
		n.t.Errorf("the log knows %d intakes, want %d and at most %d repetitions", got, n.acked.Load(), n.repeats.Load())
	}
	if got := report.Acts[amparov1.LeafAction_LEAF_ACTION_SERVICE_STARTED]; got != 4 {
		n.t.Errorf("the log knows %d starts, want 4", got)
	}
	n.t.Logf("%d leaves", report.Size)
}
