// Package casefile is the life of a case: which steps are possible in which state,
// what each step leaves in the timeline, and where the case stands in the queue.
//
// Call NewCase to open the case for a request that package intake has checked, and
// then one function a step. A step takes the case and changes it in place; when it
// refuses, nothing has changed. It returns what belongs into the timeline, without
// a sequence number: whoever keeps the timeline counts. The version of the case is
// theirs too.
//
// Who may take a step is decided before, by access; that a lower risk level takes a
// second person is kept by risk; how long each term is, by deadline. Consent,
// referrals and complaints are not part of a case's life.
package casefile

import (
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/deadline"
	"github.com/amparo-project/amparo/internal/fault"
)

// NewCase opens a case for an intake that was normalised and checked. Its taker
// owns it until a team is set, so that nobody's call is nobody's case. The taker
// cannot be one of those whom the intake excludes (REASON_STAFF_EXCLUDED).
//
// Until somebody has assessed the risk, the terms are those of an unknown one.
func NewCase(
	intake *amparov1.Intake, id, pseudonym, office, takerID string, now time.Time,
) (*amparov1.Case, *amparov1.TimelineEntry, error) {
	if slices.Contains(intake.GetExcludedStaffIds(), takerID) {
		return nil, nil, fault.Field(amparov1.Reason_REASON_STAFF_EXCLUDED,
			"intake.excluded_staff_ids", "does not name the one who takes the request")
	}
	received := now
	if at := intake.GetReceivedAt(); at != nil && at.AsTime().Before(now) {
		received = at.AsTime()
	}
	c := &amparov1.Case{
		Id:               id,
		Pseudonym:        pseudonym,
		Office:           office,
		State:            amparov1.CaseState_CASE_STATE_RECEIVED,
		Restricted:       intake.GetRestricted(),
		ReceivedAt:       timestamppb.New(received),
		RecordedAt:       timestamppb.New(now),
		Channel:          intake.GetChannel(),
		TakenById:        takerID,
		OwnerId:          takerID,
		TeamIds:          []string{takerID},
		ExcludedStaffIds: slices.Clone(intake.GetExcludedStaffIds()),
		RiskLevel:        amparov1.RiskLevel_RISK_LEVEL_NOT_ASSESSED,
	}
	for _, kind := range []amparov1.TermKind{
		amparov1.TermKind_TERM_KIND_TRIAGE,
		amparov1.TermKind_TERM_KIND_FIRST_CONTACT,
		amparov1.TermKind_TERM_KIND_REASSESSMENT,
	} {
		c.Terms = deadline.Start(c.Terms, kind, received, c.GetRiskLevel())
	}
	entry := newEntry(amparov1.TimelineKind_TIMELINE_KIND_INTAKE, takerID, now)
	entry.At = timestamppb.New(received)
	entry.ToState = c.GetState()
	entry.TeamIds = slices.Clone(c.GetTeamIds())
	return c, entry, nil
}

// MarkDuplicate notes on a case that the same person may have been taken in
// elsewhere, and whom to speak to about it. It is possible in every state, and as
// often as it happens.
func MarkDuplicate(c *amparov1.Case, colleagueID string, now time.Time) *amparov1.TimelineEntry {
	c.PossibleDuplicate = true
	entry := newEntry(amparov1.TimelineKind_TIMELINE_KIND_POSSIBLE_DUPLICATE, "", now)
	entry.ColleagueId = colleagueID
	return entry
}

// Receipt returns what every write to a case answers. A closed case has no next
// term: what it left unmet stays on record and runs again if it is reopened.
func Receipt(c *amparov1.Case) *amparov1.CaseReceipt {
	return &amparov1.CaseReceipt{
		CaseId:            c.GetId(),
		Pseudonym:         c.GetPseudonym(),
		Version:           c.GetVersion(),
		State:             c.GetState(),
		RiskLevel:         c.GetRiskLevel(),
		RiskLevelProposed: c.GetRiskLevelProposed(),
		NextTerm:          nextTerm(c),
	}
}

func nextTerm(c *amparov1.Case) *amparov1.Term {
	if c.GetState() == closed {
		return nil
	}
	return deadline.Next(c.GetTerms())
}

func newEntry(kind amparov1.TimelineKind, staffID string, now time.Time) *amparov1.TimelineEntry {
	return &amparov1.TimelineEntry{
		Kind:       kind,
		At:         timestamppb.New(now),
		RecordedAt: timestamppb.New(now),
		StaffId:    staffID,
	}
}

// move changes the state and returns the entry that says so.
func move(c *amparov1.Case, to amparov1.CaseState, text, staffID string, now time.Time) *amparov1.TimelineEntry {
	entry := newEntry(amparov1.TimelineKind_TIMELINE_KIND_STATE, staffID, now)
	entry.Text = text
	entry.FromState, entry.ToState = c.GetState(), to
	c.State = to
	return entry
}
