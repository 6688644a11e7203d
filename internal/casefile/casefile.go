// Package casefile is the life of a case: which steps are possible in which state,
// what each step leaves in the timeline, and where the case stands in the queue.
//
// Make an Act for each step: Act.Open opens the case for a request that package
// intake has checked, and every other step is a method too. A step takes the case
// and changes it in place; when it refuses, nothing has changed. It returns what
// belongs into the timeline, without a sequence number: whoever keeps the timeline
// counts. The version of the case is theirs too.
//
// What a step does to the terms stands in its entry as events, so that replaying a
// timeline gives the terms of the case again.
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

// Act is one act in a case. It is made for one call and holds nothing of it.
type Act struct {
	// StaffID is who acts; empty for the service itself.
	StaffID string
	// Now is the time of the act (UTC); not before anything that the case holds.
	Now time.Time
	// Book is the book of terms in force, with its calendar.
	Book *deadline.Book
}

// Open opens a case for an intake that was normalised and checked. Its taker
// owns it until a team is set, so that nobody's call is nobody's case. The taker
// cannot be one of those whom the intake excludes (REASON_STAFF_EXCLUDED).
//
// The terms run from the receipt of the request, also where it is typed in later.
// Until somebody has assessed the risk, they are those of an unknown one.
func (a Act) Open(intake *amparov1.Intake, id, pseudonym, office string) (*amparov1.Case, *amparov1.TimelineEntry, error) {
	if slices.Contains(intake.GetExcludedStaffIds(), a.StaffID) {
		return nil, nil, fault.Field(amparov1.Reason_REASON_STAFF_EXCLUDED,
			"intake.excluded_staff_ids", "does not name the one who takes the request")
	}
	received := a.Now
	if at := intake.GetReceivedAt(); at != nil && at.AsTime().Before(a.Now) {
		received = at.AsTime()
	}
	c := &amparov1.Case{
		Id:               id,
		Pseudonym:        pseudonym,
		Office:           office,
		State:            amparov1.CaseState_CASE_STATE_RECEIVED,
		Restricted:       intake.GetRestricted(),
		ReceivedAt:       timestamppb.New(received),
		RecordedAt:       timestamppb.New(a.Now),
		Channel:          intake.GetChannel(),
		TakenById:        a.StaffID,
		OwnerId:          a.StaffID,
		TeamIds:          []string{a.StaffID},
		ExcludedStaffIds: slices.Clone(intake.GetExcludedStaffIds()),
		RiskLevel:        amparov1.RiskLevel_RISK_LEVEL_NOT_ASSESSED,
	}
	entry := a.entry(amparov1.TimelineKind_TIMELINE_KIND_INTAKE)
	entry.At = timestamppb.New(received)
	entry.ToState = c.GetState()
	entry.TeamIds = slices.Clone(c.GetTeamIds())
	err := a.Record(c, entry, starts(c, triageTerm, received), starts(c, firstContact, received), starts(c, reassessment, received))
	return c, entry, err
}

// MarkDuplicate notes on a case that the same person may have been taken in
// elsewhere, and whom to speak to about it. It is possible in every state, and as
// often as it happens.
func (a Act) MarkDuplicate(c *amparov1.Case, colleagueID string) *amparov1.TimelineEntry {
	c.PossibleDuplicate = true
	entry := a.entry(amparov1.TimelineKind_TIMELINE_KIND_POSSIBLE_DUPLICATE)
	entry.StaffId = "" // the service tells of it
	entry.ColleagueId = colleagueID
	return entry
}

// Receipt returns what every write to a case answers. Of a closed case only what
// outlives its closure is a next term.
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
	next := deadline.Next(Watched(c))
	if next.GetOwnerId() == c.GetOwnerId() && next != nil {
		next.OwnerId = "" // which means the owner of the file: each receipt is kept on the disk
	}
	return next
}

// Watched are the terms of a case that its people are told of: all of them, and in a
// closed case those that outlive its closure. What else it left unmet stays on record,
// and is watched again if it is reopened. The terms are the case's own.
func Watched(c *amparov1.Case) []*amparov1.Term {
	if c.GetState() != closed {
		return c.GetTerms()
	}
	var left []*amparov1.Term
	for _, t := range c.GetTerms() {
		if deadline.Outlives(t.GetKind()) {
			left = append(left, t)
		}
	}
	return left
}

func (a Act) entry(kind amparov1.TimelineKind) *amparov1.TimelineEntry {
	return &amparov1.TimelineEntry{
		Kind:       kind,
		At:         timestamppb.New(a.Now),
		RecordedAt: timestamppb.New(a.Now),
		StaffId:    a.StaffID,
	}
}

// move changes the state and returns the entry that says so.
func (a Act) move(c *amparov1.Case, to amparov1.CaseState, text string) *amparov1.TimelineEntry {
	entry := a.entry(amparov1.TimelineKind_TIMELINE_KIND_STATE)
	entry.Text = text
	entry.FromState, entry.ToState = c.GetState(), to
	c.State = to
	return entry
}
