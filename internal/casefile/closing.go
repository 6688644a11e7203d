package casefile

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/risk"
)

// Close closes a case that was triaged. A case that was accepted says what was
// reached; so does one closed for another reason than those listed. The final level
// may be higher than the level in force, which is raised then, or the first one; a
// lower one is refused with REASON_SECOND_PERSON_NEEDED and has to be proposed and
// confirmed before. What follows may have a day, and then has somebody who does it
// and works cases of the office. A proposal that nobody has
// confirmed lapses. Terms that are not met stay on record as they are, and those that
// outlive the closure run on.
func (a Act) Close(
	c *amparov1.Case, closing *amparov1.Closing, roles Roles,
) (*amparov1.TimelineEntry, error) {
	end, err := follows(c, toClose)
	if err != nil {
		return nil, err
	}
	if err := fault.Fields(a.checkClosing(c, closing)); err != nil {
		return nil, err
	}
	if by := closing.GetFollowUpStaffId(); by != "" {
		if works, _ := roles(by); !works {
			return nil, fault.Field(amparov1.Reason_REASON_STAFF_UNSUITABLE, "closing.follow_up_staff_id", "works cases of the case's office")
		}
	}
	before, final := c.GetRiskLevel(), closing.GetFinalRiskLevel()
	if final == amparov1.RiskLevel_RISK_LEVEL_UNSPECIFIED {
		final = before
	}
	if risk.Assessed(before) && final < before {
		return nil, fault.Field(amparov1.Reason_REASON_SECOND_PERSON_NEEDED,
			"closing.final_risk_level", "is not below the level in force")
	}
	release(c)
	c.RiskLevelProposed, c.RiskProposedById = amparov1.RiskLevel_RISK_LEVEL_UNSPECIFIED, ""
	entry := a.move(c, end, closing.GetOutcome())
	c.Closing = proto.CloneOf(closing)
	c.Closing.FinalRiskLevel = final
	c.Closing.ClosedAt = timestamppb.New(a.Now)
	c.Closing.ClosedById = a.StaffID
	if final == before {
		return entry, nil
	}
	entry.FromLevel, entry.ToLevel = before, final
	c.RiskLevel = final
	return entry, a.Record(c, entry, retimes(c)...)
}

func (a Act) checkClosing(c *amparov1.Case, closing *amparov1.Closing) []fault.Violation {
	var vs violations
	if closing.GetReason() == amparov1.ClosureReason_CLOSURE_REASON_UNSPECIFIED {
		vs.add(amparov1.Reason_REASON_FIELD_INVALID, "closing.reason", "is required")
	}
	if closing.GetRetentionWish() == amparov1.RetentionWish_RETENTION_WISH_UNSPECIFIED {
		vs.add(amparov1.Reason_REASON_FIELD_INVALID, "closing.retention_wish", "is required; that the person could not be asked is an answer")
	}
	other := closing.GetReason() == amparov1.ClosureReason_CLOSURE_REASON_OTHER
	if closing.GetOutcome() == "" && (other || accepted(c, false) == nil) {
		vs.add(amparov1.Reason_REASON_FIELD_INVALID, "closing.outcome", "is required for a case that was accepted, and for another reason")
	}
	if closing.GetFinalRiskLevel() == amparov1.RiskLevel_RISK_LEVEL_NOT_ASSESSED && risk.Assessed(c.GetRiskLevel()) {
		vs.add(amparov1.Reason_REASON_FIELD_INVALID, "closing.final_risk_level", "states a level")
	}
	day, by := closing.GetFollowUpOn(), closing.GetFollowUpStaffId()
	if (day == "") != (by == "") {
		vs.add(amparov1.Reason_REASON_FIELD_INVALID, "closing.follow_up_staff_id", "is required with follow_up_on, and only then")
	}
	if day != "" {
		a.day(&vs, "closing.follow_up_on", day)
		if closing.GetFollowUp() == "" {
			vs.add(amparov1.Reason_REASON_FIELD_INVALID, "closing.follow_up", "says what is done on that day")
		}
	}
	return vs
}

// Reopen opens a closed case again, with a reason. An accepted one becomes active
// if it may be (its risk is assessed, and roles finds a case officer on the team);
// any other goes back to where triage left it. It is not refused for what is
// missing: somebody has come back and needs an open case first.
//
// The terms keep their base, so whoever reopens a case sees at once what is overdue.
// How it was closed stays on record, with the person's wish about the file.
func (a Act) Reopen(
	c *amparov1.Case, reason string, roles Roles,
) (*amparov1.TimelineEntry, error) {
	if err := possible(c, toReopen); err != nil {
		return nil, err
	}
	if c.GetMergedIntoId() != "" {
		// It goes on in another case; were both open, two teams would work past
		// each other. To part them takes two people.
		return nil, fault.New(amparov1.Reason_REASON_STATE_FORBIDS)
	}
	mayBeWorked := holdAll([]guard{accepted, assessed, worked}, c, hasOfficer(c.GetTeamIds(), roles)) == nil
	if !mayBeWorked {
		return a.move(c, triaged, reason), nil
	}
	entry := a.move(c, active, reason)
	return entry, a.Record(c, entry, a.beginsSupport(c)...)
}
