package server_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/deadline"
	"github.com/amparo-project/amparo/internal/policy"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/servertest"
)

// propose has a person propose the built-in policy as it is after a change.
func propose(t testing.TB, by *servertest.Person, change func(*amparov1.Policy)) (*amparov1.ProposePolicyResponse, error) {
	t.Helper()
	p := policy.Default()
	change(p)
	return amparov1.NewPolicyServiceClient(by.Conn).ProposePolicy(t.Context(), &amparov1.ProposePolicyRequest{RequestId: records.NewID(), Policy: p})
}

func confirm(t testing.TB, by *servertest.Person, id string) (*amparov1.ConfirmPolicyResponse, error) {
	t.Helper()
	return amparov1.NewPolicyServiceClient(by.Conn).ConfirmPolicy(t.Context(), &amparov1.ConfirmPolicyRequest{RequestId: records.NewID(), ProposalId: id})
}

func getPolicy(t testing.TB, by *servertest.Person, version uint32) *amparov1.GetPolicyResponse {
	t.Helper()
	answer, err := amparov1.NewPolicyServiceClient(by.Conn).GetPolicy(t.Context(), &amparov1.GetPolicyRequest{Number: version})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func fasterTriage(p *amparov1.Policy) {
	triage := p.GetTerms()[0].GetLength()
	triage.NotAssessed, triage.High = "2h", "2h" // what nobody has assessed waits no longer than a high risk
}

func (b *bench) forcePolicy(t *testing.T, take func(string, error)) {
	_, err := propose(t, b.administrator, func(p *amparov1.Policy) { p.GetTerms()[0].GetLength().Extreme = "100h" })
	take("POLICY_UNSAFE", err)
	proposed, err := propose(t, b.administrator, func(p *amparov1.Policy) {
		p.GetApprovals()[slices.IndexFunc(p.GetApprovals(), func(a *amparov1.ApprovalPolicy) bool {
			return a.GetGate() == amparov1.Gate_GATE_POLICY_CHANGE
		})].People = 2
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = confirm(t, b.officer, proposed.GetProposal().GetId()) // the only head of secretariat
	take("POLICY_UNSTAFFED", err)
}

// TestAPolicyTakesTwo follows a change of the policy from its proposal into the
// leaves of what is decided by it, across restarts in between.
func TestAPolicyTakesTwo(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	w := &world{Service: s}
	head := s.Enrol(t, "head", []amparov1.Role{amparov1.Role_ROLE_HEAD_OF_SECRETARIAT}, []string{"north"})
	desk := s.Enrol(t, "desk", []amparov1.Role{amparov1.Role_ROLE_CASE_OFFICER}, []string{"north"})
	both := s.Enrol(t, "both hats", []amparov1.Role{amparov1.Role_ROLE_HEAD_OF_SECRETARIAT, amparov1.Role_ROLE_ADMINISTRATOR}, []string{"north"})
	first := getPolicy(t, desk, 0)
	if err := policy.Check(first.GetPolicy()); err != nil || first.GetVersion().GetVersion() != 1 || !bytes.Equal(policy.Hash(first.GetRaw()), first.GetVersion().GetHash()) {
		t.Errorf("version %d: %v", first.GetVersion().GetVersion(), err)
	}
	w.newCase(t, desk, nil)

	older, err := propose(t, both, fasterTriage)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := confirm(t, both, older.GetProposal().GetId()); reason(err) != "SECOND_PERSON_NEEDED" {
		t.Errorf("the proposer confirms with the other hat: %v", err)
	}
	if _, err := propose(t, s.Admin, func(*amparov1.Policy) {}); reason(err) != "STANDING_UNCHANGED" {
		t.Errorf("what is in force is proposed: %v", err)
	}
	proposed, err := propose(t, s.Admin, func(p *amparov1.Policy) { fasterTriage(p); p.Days.Holidays = []string{"2026-05-01"} })
	if err != nil {
		t.Fatal(err)
	}
	id := proposed.GetProposal().GetId()
	if _, err := confirm(t, head, older.GetProposal().GetId()); reason(err) != "NOT_FOUND" {
		t.Errorf("a proposal that was replaced: %v", err)
	}
	s.Restart(t) // ends between proposal and confirmation
	shown := getPolicy(t, head, 0)
	if shown.GetProposal().GetId() != id || shown.GetVersion().GetVersion() != 1 || len(shown.GetDifferences()) != 3 ||
		shown.GetDifferences()[1].GetPath() != "terms.triage.length.high" || shown.GetDifferences()[1].GetAfter() != "2h" {
		t.Errorf("after a restart %d differences of another proposal wait", len(shown.GetDifferences()))
	}
	w.newCase(t, desk, nil)
	answer, err := confirm(t, head, id)
	if err != nil || answer.GetVersion().GetVersion() != 2 || answer.GetMissing() != 0 {
		t.Fatalf("version %d, %d missing: %v", answer.GetVersion().GetVersion(), answer.GetMissing(), err)
	}
	if _, err := confirm(t, both, id); reason(err) != "NOT_FOUND" {
		t.Errorf("confirmed twice: %v", err)
	}
	w.newCase(t, desk, nil)
	s.Restart(t)
	w.newCase(t, desk, nil)
	if got := getPolicy(t, desk, 1); !proto.Equal(got.GetPolicy(), first.GetPolicy()) || !bytes.Equal(got.GetRaw(), first.GetRaw()) {
		t.Error("the first version has changed")
	}
	if got := getPolicy(t, desk, 0).GetVersion(); got.GetVersion() != 2 || got.GetProposedById() != s.Admin.StaffID || !slices.Equal(got.GetConfirmedByIds(), []string{head.StaffID}) {
		t.Errorf("version %d is in force", got.GetVersion())
	}
	var intakes []int
	for _, leaf := range w.since(t, 0) {
		if leaf.GetAction() != amparov1.LeafAction_LEAF_ACTION_INTAKE {
			continue
		}
		switch {
		case bytes.Equal(leaf.GetPolicyHash(), first.GetVersion().GetHash()):
			intakes = append(intakes, 1)
		case bytes.Equal(leaf.GetPolicyHash(), answer.GetVersion().GetHash()):
			intakes = append(intakes, 2)
		default:
			intakes = append(intakes, 0)
		}
	}
	if !slices.Equal(intakes, []int{1, 1, 2, 2}) {
		t.Errorf("the intakes were decided by versions %v", intakes)
	}
}

// TestTwoVersionsReplay: what a history says of each version is counted by that
// version, also after a restart.
func TestTwoVersionsReplay(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	head := s.Enrol(t, "head", []amparov1.Role{amparov1.Role_ROLE_HEAD_OF_SECRETARIAT}, []string{"north"})
	old := s.Records.Book()
	start := s.Records.Now()
	event := func(kind amparov1.TermEventKind, level amparov1.RiskLevel) *amparov1.TermEvent {
		return &amparov1.TermEvent{
			Event: kind, Kind: amparov1.TermKind_TERM_KIND_TRIAGE, Level: level,
			At: timestamppb.New(start), RulesVersion: s.Records.Book().Version,
		}
	}
	history := []*amparov1.TermEvent{event(amparov1.TermEventKind_TERM_EVENT_KIND_STARTED, amparov1.RiskLevel_RISK_LEVEL_HIGH)}
	terms, err := old.Apply(nil, history[0])
	if err != nil {
		t.Fatal(err)
	}
	due := terms[0].GetDue().AsTime()
	proposed, err := propose(t, s.Admin, func(p *amparov1.Policy) {
		fasterTriage(p)
		p.GetTerms()[0].GetLength().Extreme = "30min"
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := confirm(t, head, proposed.GetProposal().GetId()); err != nil {
		t.Fatal(err)
	}
	if s.Records.Book() == old || s.Records.Book().Version != 2 {
		t.Fatal("the book has not changed")
	}
	if got := terms[0].GetDue().AsTime(); !got.Equal(due) {
		t.Errorf("a term that runs is due %v, and was %v", got, due)
	}
	history = append(history, event(amparov1.TermEventKind_TERM_EVENT_KIND_LEVEL_CHANGED, amparov1.RiskLevel_RISK_LEVEL_EXTREME))
	if terms, err = s.Records.Book().Apply(terms, history[1]); err != nil {
		t.Fatal(err)
	}
	if got := terms[0].GetDue().AsTime().Sub(start); got.Minutes() != 30 {
		t.Errorf("raised under the new version, it is due after %v", got)
	}
	s.Restart(t)
	if n := len(s.Records.Books()); n != 2 {
		t.Fatalf("%d versions after a restart", n)
	}
	again, err := deadline.Replay(s.Records.Books(), history)
	if err != nil || len(again) != 1 || !proto.Equal(again[0], terms[0]) {
		t.Errorf("the history gives other terms: %v", err)
	}
}

// TestSuspendingSaysWhatItCosts: the answer names the gates that fail from now on,
// and the service says at its start how thin the staff is, in names of gates only.
func TestSuspendingSaysWhatItCosts(t *testing.T) {
	log := &logged{}
	s := servertest.Start(t, servertest.Options{Output: log})
	head := s.Enrol(t, "head", []amparov1.Role{amparov1.Role_ROLE_HEAD_OF_SECRETARIAT}, []string{"north"})
	other := s.Enrol(t, "other", []amparov1.Role{amparov1.Role_ROLE_HEAD_OF_SECRETARIAT}, []string{"north"})
	policies := amparov1.NewPolicyServiceClient(s.Admin.Conn)
	staffing, err := policies.CheckStaffing(t.Context(), &amparov1.CheckStaffingRequest{})
	if err != nil {
		t.Fatal(err)
	}
	gates := func(gaps []*amparov1.StaffingGap, fails bool) (names []string) {
		for _, gap := range gaps {
			if gap.GetFails() == fails {
				names = append(names, strings.TrimPrefix(gap.GetGate().String(), "GATE_"))
			}
		}
		return names
	}
	if got := gates(staffing.GetGaps(), true); !slices.Equal(got, []string{"CASE_OFFICER", "ON_CALL", "LISTED_BASIS", "DATA_PROTECTION"}) {
		t.Errorf("%v fail", got)
	}
	suspend := func(p *servertest.Person) []*amparov1.StaffingGap {
		answer, err := amparov1.NewStaffServiceClient(s.Admin.Conn).SuspendStaff(t.Context(), &amparov1.SuspendStaffRequest{RequestId: records.NewID(), StaffId: p.StaffID})
		if err != nil {
			t.Fatal(err)
		}
		return answer.GetGaps()
	}
	if got := suspend(other); !slices.Contains(gates(got, false), "POLICY_CHANGE") || !slices.Equal(gates(got, true), []string{"LOWERED_RISK", "CONTACT_CHANGE", "MERGE", "DEATH", "HANDOVER", "HARM_CHECK", "COUNTERSIGNATURE"}) {
		t.Errorf("the first suspension: %v fail, %v nearly", gates(got, true), gates(got, false))
	}
	if got := gates(suspend(head), true); !slices.Contains(got, "POLICY_CHANGE") || slices.Contains(got, "LOWERED_RISK") {
		t.Errorf("the second suspension: %v fail", got)
	}
	s.Restart(t)
	var line struct {
		Level, Message string
		Fail           []string
	}
	for text := range strings.Lines(log.String()) {
		if strings.Contains(text, "staffing") {
			if err := json.Unmarshal([]byte(text), &line); err != nil {
				t.Fatal(err)
			}
		}
	}
	if line.Level != "warn" || !slices.Contains(line.Fail, "policy_change 1") || strings.Contains(log.String(), head.StaffID) {
		t.Errorf("the service says at its start: %+v", line)
	}
}

// TestAnExportSaysByWhichPolicy: an auditor who holds the log and the policies' bytes,
// and nothing else, can tell by which of them each decision was made.
func TestAnExportSaysByWhichPolicy(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	auditor := s.Enrol(t, "auditor", []amparov1.Role{amparov1.Role_ROLE_AUDITOR}, nil)
	head := s.Enrol(t, "head", []amparov1.Role{amparov1.Role_ROLE_HEAD_OF_SECRETARIAT}, []string{"north"})
	proposed, err := propose(t, s.Admin, fasterTriage)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := confirm(t, head, proposed.GetProposal().GetId()); err != nil {
		t.Fatal(err)
	}
	s.Enrol(t, "later", []amparov1.Role{amparov1.Role_ROLE_AUDITOR}, nil)
	if err := s.Log.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	stream, err := amparov1.NewAuditServiceClient(auditor.Conn).ExportLog(t.Context(), &amparov1.ExportLogRequest{})
	if err != nil {
		t.Fatal(err)
	}
	part, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	key, checkpoint, leaves := part.GetLogKey(), part.GetCheckpoint(), [][]byte{}
	for ; err == nil; part, err = stream.Recv() {
		leaves = append(leaves, part.GetLeaves()...)
	}
	var file bytes.Buffer
	err = audit.WriteExport(&file, key, checkpoint, func(yield func([]byte, error) bool) {
		for _, leaf := range leaves {
			if !yield(leaf, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := audit.VerifyExport(&file, audit.VerifyOptions{LogKey: key}); err != nil {
		t.Fatal(err)
	}
	known := map[string]uint32{}
	for version := range uint32(2) {
		known[string(policy.Hash(getPolicy(t, auditor, version+1).GetRaw()))] = version + 1
	}
	latest := uint32(1)
	for _, raw := range leaves {
		leaf := &amparov1.AuditLeaf{}
		if err := proto.Unmarshal(raw, leaf); err != nil {
			t.Fatal(err)
		}
		if len(leaf.GetChanges()) == 0 {
			if len(leaf.GetPolicyHash()) > 0 {
				t.Errorf("%s wrote nothing and names a policy", leaf.GetAction())
			}
			continue
		}
		version, ok := known[string(leaf.GetPolicyHash())]
		if !ok || version < latest {
			t.Errorf("%s names version %d, after %d", leaf.GetAction(), version, latest)
		}
		latest = version
	}
	if latest != 2 {
		t.Errorf("the last decision was made by version %d", latest)
	}
}
