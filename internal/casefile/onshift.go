package casefile

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/intake"
	"github.com/amparo-project/amparo/internal/risk"
)

// OpenCard puts on record that somebody on shift opened the card of a case.
func (a Act) OpenCard() *amparov1.TimelineEntry {
	return a.entry(amparov1.TimelineKind_TIMELINE_KIND_CARD)
}

// AddIncident adds an act against the person to the timeline, in every state: what
// has happened can always be recorded. It brings the next assessment of the risk
// forward. What is wrong with it is refused by field.
func (a Act) AddIncident(c *amparov1.Case, incident *amparov1.Incident) (*amparov1.TimelineEntry, error) {
	if err := possible(c, toNote); err != nil {
		return nil, err
	}
	if err := fault.Fields(intake.CheckIncident("incident", incident, a.Now)); err != nil {
		return nil, err
	}
	entry := a.entry(amparov1.TimelineKind_TIMELINE_KIND_INCIDENT)
	entry.Incident = proto.CloneOf(incident)
	return entry, a.Reconsider(c, entry)
}

// Reconsider brings the next assessment of the risk forward, in the entry that tells of
// an act against the person: to as long after now as the policy says at the level in
// force, where that is sooner. It counts from now, since nobody could act on what nobody
// knew of. In a closed case it shows when the case is reopened.
func (a Act) Reconsider(c *amparov1.Case, entry *amparov1.TimelineEntry) error {
	by, exists := a.Book.ReassessBy(c.GetRiskLevel(), a.Now)
	if !exists {
		return nil
	}
	return a.Record(c, entry, &amparov1.TermEvent{
		Event: amparov1.TermEventKind_TERM_EVENT_KIND_SHORTENED, Kind: reassessment, Due: timestamppb.New(by),
	})
}

// RaiseRisk is AssessRisk for somebody who may have seen no more than the card: the
// level must be higher than the one in force, of which "not assessed" ranks above
// medium. Anything else is refused (REASON_FIELD_INVALID): it would take the whole
// case to judge.
func (a Act) RaiseRisk(
	c *amparov1.Case, made []*amparov1.RiskAssessment, j *amparov1.RiskJudgement,
) ([]*amparov1.RiskAssessment, *amparov1.TimelineEntry, error) {
	if !risk.Assessed(j.GetLevel()) || risk.Rank(j.GetLevel()) <= risk.Rank(c.GetRiskLevel()) {
		return nil, nil, fault.Field(amparov1.Reason_REASON_FIELD_INVALID, "judgement.level", "is higher than the level in force")
	}
	return a.AssessRisk(c, made, j)
}

// Exclude sets who must not learn of a case, whatever their role; whoever is named
// leaves its team. ofOffice says of a staff member whether they belong to the case's
// office: an id of nobody would pass for an exclusion and be none. mayAdmit says that
// the one who asks may let somebody in again, or a member of the team alone could
// undo what protects the person from a friend of theirs. It refuses the owner
// (REASON_OWNER_NEEDED), the one who asks and people of no such office
// (REASON_STAFF_UNSUITABLE), and an admission without mayAdmit (REASON_STAFF_EXCLUDED).
func (a Act) Exclude(c *amparov1.Case, staffIDs []string, ofOffice func(staffID string) bool, mayAdmit bool) (*amparov1.TimelineEntry, error) {
	if err := possible(c, toRestrict); err != nil {
		return nil, err
	}
	for i, id := range staffIDs {
		field := fmt.Sprintf("staff_ids[%d]", i)
		switch {
		case id == c.GetOwnerId():
			return nil, fault.Field(amparov1.Reason_REASON_OWNER_NEEDED, field, "is not the owner: assign the case first")
		case id == a.StaffID:
			return nil, fault.Field(amparov1.Reason_REASON_STAFF_UNSUITABLE, field, "is somebody else than you")
		case !ofOffice(id) && !slices.Contains(c.GetExcludedStaffIds(), id):
			return nil, fault.Field(amparov1.Reason_REASON_STAFF_UNSUITABLE, field, "belongs to the case's office")
		}
	}
	admitted := func(id string) bool { return !slices.Contains(staffIDs, id) }
	if slices.ContainsFunc(c.GetExcludedStaffIds(), admitted) && !mayAdmit {
		return nil, fault.Field(amparov1.Reason_REASON_STAFF_EXCLUDED, "staff_ids", "holds everybody who is excluded now")
	}
	c.ExcludedStaffIds = slices.Clone(staffIDs)
	c.TeamIds = slices.DeleteFunc(c.GetTeamIds(), func(id string) bool { return slices.Contains(staffIDs, id) })
	entry := a.entry(amparov1.TimelineKind_TIMELINE_KIND_EXCLUSION)
	entry.ExcludedStaffIds = slices.Clone(staffIDs)
	entry.TeamIds = slices.Clone(c.GetTeamIds())
	return entry, nil
}
