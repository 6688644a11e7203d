package server

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/policy"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/staffing"
)

// policies serves PolicyService.
type policies struct {
	amparov1.UnimplementedPolicyServiceServer
	s *Server
}

// decide runs fn on the policy's file, and answers what fn returned once it is durable.
func decide[T proto.Message](ctx context.Context, s *Server, requestID string, fn func(*records.Work, *records.File) (T, error)) (T, error) {
	return update(ctx, s, requestID, []records.Target{s.records.PolicyFile()}, func(w *records.Work) (T, error) { return fn(w, w.File(0)) })
}

// newest is the version in force.
func newest(f *records.File) *amparov1.PolicyVersion {
	versions := f.PolicyVersions()
	return versions[len(versions)-1]
}

// GetPolicy shows a version of the policy and the proposal.
func (h *policies) GetPolicy(ctx context.Context, req *amparov1.GetPolicyRequest) (*amparov1.GetPolicyResponse, error) {
	return view(ctx, h.s, []records.Target{h.s.records.PolicyFile()}, func(w *records.Work) (*amparov1.GetPolicyResponse, error) {
		f := w.File(0)
		inForce, _, err := f.PolicyText(newest(f).GetVersion())
		if err != nil {
			return nil, err
		}
		shown := &amparov1.GetPolicyResponse{Version: newest(f), Proposal: f.Proposal()}
		if req.GetNumber() > 0 {
			shown.Version = nil
		}
		for _, v := range f.PolicyVersions() {
			if v.GetVersion() == req.GetNumber() {
				shown.Version = v
			}
		}
		if shown.GetVersion() == nil {
			return nil, fault.New(amparov1.Reason_REASON_NOT_FOUND)
		}
		if shown.Policy, shown.Raw, err = f.PolicyText(shown.GetVersion().GetVersion()); err != nil {
			return nil, err
		}
		if f.Proposal() != nil {
			proposed, _, err := f.PolicyText(0)
			if err != nil {
				return nil, err
			}
			shown.Differences = policy.Differences(inForce, proposed)
		}
		return shown, nil
	})
}

// ProposePolicy proposes a policy.
func (h *policies) ProposePolicy(ctx context.Context, req *amparov1.ProposePolicyRequest) (*amparov1.ProposePolicyResponse, error) {
	staffID := callOf(ctx).grant.StaffID()
	return decide(ctx, h.s, req.GetRequestId(), func(w *records.Work, f *records.File) (*amparov1.ProposePolicyResponse, error) {
		inForce, _, err := f.PolicyText(newest(f).GetVersion())
		if err != nil {
			return nil, err
		}
		proposal, raw, err := policy.Propose(req.GetPolicy(), newest(f).GetHash(), records.NewID(), staffID, w.Now)
		if err != nil {
			return nil, err
		}
		f.Propose(proposal, raw)
		return &amparov1.ProposePolicyResponse{Proposal: proposal, Differences: policy.Differences(inForce, req.GetPolicy())}, nil
	})
}

// ConfirmPolicy agrees to the proposal, and puts it in force when enough people have.
func (h *policies) ConfirmPolicy(ctx context.Context, req *amparov1.ConfirmPolicyRequest) (*amparov1.ConfirmPolicyResponse, error) {
	staffID := callOf(ctx).grant.StaffID()
	return decide(ctx, h.s, req.GetRequestId(), func(w *records.Work, f *records.File) (*amparov1.ConfirmPolicyResponse, error) {
		proposal := f.Proposal()
		if proposal == nil {
			return nil, fault.New(amparov1.Reason_REASON_NOT_FOUND)
		}
		proposed, raw, err := f.PolicyText(0)
		if err != nil {
			return nil, err
		}
		missing, err := policy.Confirm(proposed, proposal, req.GetProposalId(), w.Policy(), staffID)
		if err != nil {
			return nil, err
		}
		if h.s.unstaffed(w.Policy(), proposed, w.Now) {
			return nil, fault.New(amparov1.Reason_REASON_POLICY_UNSTAFFED)
		}
		f.Touch()
		if missing > 0 {
			return &amparov1.ConfirmPolicyResponse{Missing: uint32(missing)}, nil
		}
		return &amparov1.ConfirmPolicyResponse{Version: w.PutInForce(f, raw, proposal)}, nil
	})
}

// CheckStaffing names the gates that fail, or that one absence would make fail.
func (h *policies) CheckStaffing(ctx context.Context, req *amparov1.CheckStaffingRequest) (*amparov1.CheckStaffingResponse, error) {
	now := h.s.records.Now()
	if req.GetAt() != nil {
		if at := req.GetAt().AsTime(); at.After(now) {
			now = at
		}
	}
	answer := &amparov1.CheckStaffingResponse{Gaps: h.s.gaps(h.s.records.Policy(), h.s.records.Directory().Staff(), now)}
	return answer, h.s.records.Note(ctx, callOf(ctx).grant, &amparov1.AuditLeaf{})
}

func (s *Server) gaps(p *amparov1.Policy, people []*amparov1.StaffMember, now time.Time) []*amparov1.StaffingGap {
	return staffing.Gaps(staffing.Picture{
		Rules: s.rules, Policy: p, People: people, Offices: s.records.Directory().Offices, Rotas: s.records.Board().Rotas, Now: now,
	})
}

// unstaffed reports whether a policy would make a gate fail that holds now: it could
// not even be taken back.
func (s *Server) unstaffed(inForce, proposed *amparov1.Policy, now time.Time) bool {
	people := s.records.Directory().Staff()
	fails := func(gap *amparov1.StaffingGap) bool { return gap.GetFails() }
	return slices.ContainsFunc(staffing.Worse(s.gaps(inForce, people, now), s.gaps(proposed, people, now)), fails)
}

// warnOfStaffing tells the service's operator once how thin the staff is, in counts
// and names of gates: who is missing is for the mechanism to look up.
func (s *Server) warnOfStaffing() {
	fails, thin := map[string]int{}, map[string]int{}
	for _, gap := range s.gaps(s.records.Policy(), s.records.Directory().Staff(), s.records.Now()) {
		name := strings.ToLower(strings.TrimPrefix(gap.GetGate().String(), "GATE_"))
		if gap.GetFails() {
			fails[name]++
		} else {
			thin[name]++
		}
	}
	if len(fails)+len(thin) == 0 {
		return
	}
	s.cfg.Log.Warn().Strs("fail", counted(fails)).Strs("one_absence_from_failing", counted(thin)).
		Msg("staffing: gates fail, or would with one person absent; see amparo policy staffing")
}

// counted lists names with how often each was met.
func counted(times map[string]int) []string {
	list := []string{}
	for name, n := range times {
		list = append(list, name+" "+strconv.Itoa(n))
	}
	slices.Sort(list)
	return list
}
