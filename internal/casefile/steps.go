package casefile

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/intake"
)

// Roles says of a person whether they are active in a role that works cases of the
// case's office, and whether as a case officer.
type Roles func(staffID string) (worksCases, caseOfficer bool)

// Assign sets the whole team; the first named owns the case. It refuses an empty
// team (REASON_OWNER_NEEDED), one whom the case excludes (REASON_STAFF_EXCLUDED) or
// who cannot work it (REASON_STAFF_UNSUITABLE), and to leave a case that is being
// worked without a case officer (REASON_NO_CASE_OFFICER). Of the terms that run, the
// new owner is told first; what was met or missed before stays with whom it was.
func (a Act) Assign(
	c *amparov1.Case, staffIDs []string, roles Roles,
) (*amparov1.TimelineEntry, error) {
	if err := possible(c, toAssign); err != nil {
		return nil, err
	}
	if len(staffIDs) == 0 {
		return nil, fault.New(amparov1.Reason_REASON_OWNER_NEEDED)
	}
	for i, id := range staffIDs {
		field := fmt.Sprintf("staff_ids[%d]", i)
		if slices.Contains(c.GetExcludedStaffIds(), id) {
			return nil, fault.Field(amparov1.Reason_REASON_STAFF_EXCLUDED, field, "is not excluded from the case")
		}
		if works, _ := roles(id); !works {
			return nil, fault.Field(amparov1.Reason_REASON_STAFF_UNSUITABLE, field, "works cases of the case's office")
		}
	}
	if beingWorked(c) && !hasOfficer(staffIDs, roles) {
		return nil, fault.New(amparov1.Reason_REASON_NO_CASE_OFFICER)
	}
	c.OwnerId = staffIDs[0]
	c.TeamIds = slices.Clone(staffIDs)
	entry := a.entry(amparov1.TimelineKind_TIMELINE_KIND_ASSIGNED)
	entry.TeamIds = slices.Clone(staffIDs)
	return entry, a.Record(c, entry, &amparov1.TermEvent{
		Event: amparov1.TermEventKind_TERM_EVENT_KIND_ASSIGNED, StaffId: c.GetOwnerId(),
	})
}

// beingWorked looks through a hold at the state behind it.
func beingWorked(c *amparov1.Case) bool {
	state := c.GetState()
	if state == onHold {
		state = c.GetHeldFrom()
	}
	return state == active || state == monitoring
}

func hasOfficer(staffIDs []string, roles Roles) bool {
	return slices.ContainsFunc(staffIDs, func(id string) bool {
		works, officer := roles(id)
		return works && officer
	})
}

// Note adds words to the timeline, in every state.
func (a Act) Note(c *amparov1.Case, text string) (*amparov1.TimelineEntry, error) {
	if err := possible(c, toNote); err != nil {
		return nil, err
	}
	entry := a.entry(amparov1.TimelineKind_TIMELINE_KIND_NOTE)
	entry.Text = text
	return entry, nil
}

// Contact records an attempt at contact. Only somebody who was reached and safe to
// speak meets the first contact, and from that moment the next check-in is counted,
// in a case that was accepted. The term is met when the contact is recorded, not
// when it is said to have been: a late note must not hide that nobody knew in time.
// In a closed case it is recorded and no term meets or begins.
//
// A time in the future and an unknown language are refused by field.
func (a Act) Contact(c *amparov1.Case, attempt *amparov1.ContactAttempt) (*amparov1.TimelineEntry, error) {
	if err := possible(c, toContact); err != nil {
		return nil, err
	}
	if err := fault.Fields(intake.CheckAttempt("contact", attempt, a.Now)); err != nil {
		return nil, err
	}
	at := a.Now
	if attempt.GetAt() != nil && attempt.GetAt().AsTime().Before(a.Now) {
		at = attempt.GetAt().AsTime()
	}
	entry := a.entry(amparov1.TimelineKind_TIMELINE_KIND_CONTACT)
	entry.At = timestamppb.New(at)
	entry.Contact = proto.CloneOf(attempt)
	entry.Contact.At = timestamppb.New(at)
	if attempt.GetOutcome() != amparov1.ContactOutcome_CONTACT_OUTCOME_REACHED || c.GetState() == closed {
		return entry, nil
	}
	return entry, a.Record(c, entry, append([]*amparov1.TermEvent{meets(firstContact)}, checksIn(c, at)...)...)
}

// Advance moves an accepted case to verification, to active work, to monitoring or
// back from there. For active work somebody must have assessed the risk, the team
// must have a case officer, and there must be a protection plan; a case that is high
// or extreme may go there straight from triage, without one. Refusals: REASON_STATE_FORBIDS, REASON_NOT_ACCEPTED,
// REASON_RISK_NOT_ASSESSED, REASON_NO_CASE_OFFICER, REASON_PLAN_NEEDED.
func (a Act) Advance(
	c *amparov1.Case, to amparov1.CaseState, text string, roles Roles,
) (*amparov1.TimelineEntry, error) {
	if err := reachable(c, to, hasOfficer(c.GetTeamIds(), roles)); err != nil {
		return nil, err
	}
	entry := a.move(c, to, text)
	if to != active {
		return entry, nil
	}
	return entry, a.Record(c, entry, a.beginsSupport(c)...)
}

// Hold lets a case rest, for a reason. Its terms go on running: a person who
// cannot be reached is not safer for it.
func (a Act) Hold(c *amparov1.Case, reason amparov1.HoldReason, text string) (*amparov1.TimelineEntry, error) {
	rest, err := follows(c, toHold)
	if err != nil {
		return nil, err
	}
	c.HeldFrom, c.HoldReason = c.GetState(), reason
	entry := a.move(c, rest, text)
	entry.HoldReason = reason
	return entry, nil
}

// Resume takes a case off hold, back to the state that it was held in.
func (a Act) Resume(c *amparov1.Case, text string) (*amparov1.TimelineEntry, error) {
	if err := possible(c, toResume); err != nil {
		return nil, err
	}
	back := c.GetHeldFrom()
	release(c)
	return a.move(c, back, text), nil
}

func release(c *amparov1.Case) {
	c.HeldFrom = amparov1.CaseState_CASE_STATE_UNSPECIFIED
	c.HoldReason = amparov1.HoldReason_HOLD_REASON_UNSPECIFIED
}

// Restrict keeps a case to its team, or opens it to its office, in every state.
func (a Act) Restrict(c *amparov1.Case, restricted bool) (*amparov1.TimelineEntry, error) {
	if err := possible(c, toRestrict); err != nil {
		return nil, err
	}
	c.Restricted = restricted
	entry := a.entry(amparov1.TimelineKind_TIMELINE_KIND_RESTRICTION)
	entry.Text = "opened to the office"
	if restricted {
		entry.Text = "kept to the team"
	}
	return entry, nil
}
