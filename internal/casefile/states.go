package casefile

import (
	"slices"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/risk"
)

// The states under short names, for the table below.
const (
	received       = amparov1.CaseState_CASE_STATE_RECEIVED
	triaged        = amparov1.CaseState_CASE_STATE_TRIAGED
	inVerification = amparov1.CaseState_CASE_STATE_IN_VERIFICATION
	active         = amparov1.CaseState_CASE_STATE_ACTIVE
	monitoring     = amparov1.CaseState_CASE_STATE_MONITORING
	onHold         = amparov1.CaseState_CASE_STATE_ON_HOLD
	closed         = amparov1.CaseState_CASE_STATE_CLOSED
)

// action is what somebody does in a case.
type action uint8

const (
	toTriage action = iota + 1
	toAssign
	toNote
	toContact
	toAssess
	toRestrict
	toAdvance
	toHold
	toResume
	toClose
	toReopen
	toPlan
	toPause
)

// rule is one line of the table: an action, the states in which it is possible,
// and the state in which it ends. No end means that the case stays where it is, or
// that the action's own function knows the way back (resume, reopen).
type rule struct {
	do     action
	in     []amparov1.CaseState
	ends   amparov1.CaseState
	guards []guard
}

// table is the whole life of a case; what it does not hold is refused with
// REASON_STATE_FORBIDS. Why it is so:
//   - A note and a contact are possible for ever: somebody may call about a closed
//     case, or in it, and were that refused, a call under duress would look different.
//   - A request that was not triaged can neither rest nor be closed: either would
//     hide somebody whom nobody has judged yet. Triage itself can decline.
//   - The risk may be assessed before triage; a call may leave no time for the rest.
//   - A case is verified before it is worked, except in an emergency: then help
//     comes first and the check follows (emergency tracks of the field decide with
//     one verification and complete the second afterwards).
//   - What was monitored may flare up again; what is worked is never unverified.
//   - What is worked has a protection plan. In an emergency help comes first, and
//     the plan has a term instead: straight from triage, and when a case that was
//     monitored flares up.
var table = []rule{
	{do: toNote, in: []amparov1.CaseState{received, triaged, inVerification, active, monitoring, onHold, closed}},
	{do: toRestrict, in: []amparov1.CaseState{received, triaged, inVerification, active, monitoring, onHold, closed}},
	{do: toAssign, in: []amparov1.CaseState{received, triaged, inVerification, active, monitoring, onHold}},
	{do: toContact, in: []amparov1.CaseState{received, triaged, inVerification, active, monitoring, onHold, closed}},
	{do: toAssess, in: []amparov1.CaseState{received, triaged, inVerification, active, monitoring, onHold}},
	{do: toPause, in: []amparov1.CaseState{received, triaged, inVerification, active, monitoring, onHold}},
	{do: toPlan, in: []amparov1.CaseState{triaged, inVerification, active, monitoring, onHold}},
	{do: toTriage, in: []amparov1.CaseState{received}, ends: triaged},

	{do: toAdvance, in: []amparov1.CaseState{triaged}, ends: inVerification, guards: []guard{accepted}},
	{do: toAdvance, in: []amparov1.CaseState{triaged}, ends: active, guards: []guard{accepted, assessed, emergency, worked}},
	{do: toAdvance, in: []amparov1.CaseState{inVerification, monitoring}, ends: active, guards: []guard{accepted, assessed, worked, planned}},
	{do: toAdvance, in: []amparov1.CaseState{active}, ends: monitoring, guards: []guard{accepted}},

	{do: toHold, in: []amparov1.CaseState{triaged, inVerification, active, monitoring}, ends: onHold},
	{do: toResume, in: []amparov1.CaseState{onHold}},
	{do: toClose, in: []amparov1.CaseState{triaged, inVerification, active, monitoring, onHold}, ends: closed},
	{do: toReopen, in: []amparov1.CaseState{closed}},
}

// violations gathers what is wrong with a step. A rule is said in words that never
// repeat the value.
type violations []fault.Violation

func (vs *violations) add(reason amparov1.Reason, field, rule string) {
	*vs = append(*vs, fault.Violation{Field: field, Rule: rule, Reason: reason})
}

// guard is what must hold besides the state. officers tells whether a case officer
// is among the team.
type guard func(c *amparov1.Case, officers bool) error

func accepted(c *amparov1.Case, _ bool) error {
	if c.GetTriageOutcome() != amparov1.TriageOutcome_TRIAGE_OUTCOME_ACCEPTED {
		return fault.New(amparov1.Reason_REASON_NOT_ACCEPTED)
	}
	return nil
}

func assessed(c *amparov1.Case, _ bool) error {
	if !risk.Assessed(c.GetRiskLevel()) {
		return fault.New(amparov1.Reason_REASON_RISK_NOT_ASSESSED)
	}
	return nil
}

func emergency(c *amparov1.Case, _ bool) error {
	if !risk.AtLeast(c.GetRiskLevel(), amparov1.RiskLevel_RISK_LEVEL_HIGH) {
		return fault.New(amparov1.Reason_REASON_STATE_FORBIDS)
	}
	return nil
}

func worked(_ *amparov1.Case, officers bool) error {
	if !officers {
		return fault.New(amparov1.Reason_REASON_NO_CASE_OFFICER)
	}
	return nil
}

func planned(c *amparov1.Case, officers bool) error {
	flaresUp := c.GetState() == monitoring && emergency(c, officers) == nil
	if c.GetPlan().GetVersion() == 0 && !flaresUp {
		return fault.New(amparov1.Reason_REASON_PLAN_NEEDED)
	}
	return nil
}

// possible refuses an action that the state of the case does not allow.
func possible(c *amparov1.Case, do action) error {
	_, err := follows(c, do)
	return err
}

// follows returns the state in which an action ends, or refuses it.
func follows(c *amparov1.Case, do action) (amparov1.CaseState, error) {
	for _, r := range table {
		if r.do == do && slices.Contains(r.in, c.GetState()) {
			return r.ends, nil
		}
	}
	return amparov1.CaseState_CASE_STATE_UNSPECIFIED, fault.New(amparov1.Reason_REASON_STATE_FORBIDS)
}

// reachable refuses a step to a state that is not next, or whose guards do not hold.
func reachable(c *amparov1.Case, to amparov1.CaseState, officers bool) error {
	for _, r := range table {
		if r.do == toAdvance && r.ends == to && slices.Contains(r.in, c.GetState()) {
			return holdAll(r.guards, c, officers)
		}
	}
	return fault.New(amparov1.Reason_REASON_STATE_FORBIDS)
}

func holdAll(guards []guard, c *amparov1.Case, officers bool) error {
	for _, g := range guards {
		if err := g(c, officers); err != nil {
			return err
		}
	}
	return nil
}
