package policy

import (
	"bytes"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
)

// Propose makes a proposal of a policy, and the bytes as which it is stored. It
// refuses what Check refuses, and with REASON_STANDING_UNCHANGED a policy whose
// bytes are those in force.
func Propose(p *amparov1.Policy, inForce []byte, id, staffID string, now time.Time) (*amparov1.PolicyProposal, []byte, error) {
	if err := Check(p); err != nil {
		return nil, nil, err
	}
	raw, err := Marshal(p)
	if err != nil {
		return nil, nil, err
	}
	hash := Hash(raw)
	if bytes.Equal(hash, inForce) {
		return nil, nil, fault.New(amparov1.Reason_REASON_STANDING_UNCHANGED)
	}
	return &amparov1.PolicyProposal{Id: id, Hash: hash, ProposedAt: timestamppb.New(now), ProposedById: staffID}, raw, nil
}

// Confirm adds a person's word to a proposal and returns how many more the policy in
// force asks for. It refuses with REASON_NOT_FOUND when another proposal waits, or
// none, and with REASON_SECOND_PERSON_NEEDED the one who proposed and
// whoever has confirmed already, whatever roles they have. p is what is proposed:
// the bounds may have become stricter since.
func Confirm(p *amparov1.Policy, proposal *amparov1.PolicyProposal, id string, inForce *amparov1.Policy, staffID string) (missing int, err error) {
	if proposal == nil || proposal.GetId() != id {
		return 0, fault.New(amparov1.Reason_REASON_NOT_FOUND)
	}
	if staffID == proposal.GetProposedById() || slices.Contains(proposal.GetConfirmedByIds(), staffID) {
		return 0, fault.New(amparov1.Reason_REASON_SECOND_PERSON_NEEDED)
	}
	if err := Check(p); err != nil {
		return 0, err
	}
	proposal.ConfirmedByIds = append(proposal.GetConfirmedByIds(), staffID)
	return max(0, Approvals(inForce, amparov1.Gate_GATE_POLICY_CHANGE)-len(proposal.GetConfirmedByIds())), nil
}
