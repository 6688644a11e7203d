// Package handover is how work passes from one person to another: which open items
// somebody leaves behind, what each side's device signs, and what becomes of a case
// that is offered, taken, refused or given to a new owner for good.
//
// Why names the open items. One device signs the Offer, the other its Answer, and
// whoever receives a hand-over calls Verified before believing it. Put, Take, Refuse
// and Reassign change the head of a case; Decide and Close are about the hand-over.
//
// Who may be on a team is kept by casefile: Take and Reassign are handed its rule.
// How a device's key is known to be that of a person is the client's to say, and
// keeping a hand-over that of whoever stores it.
package handover

import (
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/deadline"
	"github.com/amparo-project/amparo/internal/fault"
)

// MaxItems is how many items a hand-over holds: as many as fit, with their leaves,
// into one commit.
const MaxItems = 30

const (
	waits    = amparov1.HandoverItemStanding_HANDOVER_ITEM_STANDING_WAITS
	accepted = amparov1.HandoverItemStanding_HANDOVER_ITEM_STANDING_ACCEPTED
	refused  = amparov1.HandoverItemStanding_HANDOVER_ITEM_STANDING_REFUSED
	lapsed   = amparov1.HandoverItemStanding_HANDOVER_ITEM_STANDING_LAPSED

	closed = amparov1.CaseState_CASE_STATE_CLOSED
)

// Why says why a case does not wait for a person's return: they own it, and it was
// not triaged, is overdue, has a term due until then or a lower risk that waits; or
// they proposed that lower risk as a member of its team. Empty means that it waits.
func Why(c *amparov1.Case, staffID string, now, until time.Time) []amparov1.HandoverWhy {
	if c.GetState() == closed || !slices.Contains(c.GetTeamIds(), staffID) {
		return nil
	}
	var why []amparov1.HandoverWhy
	owns := c.GetOwnerId() == staffID
	if owns && c.GetState() == amparov1.CaseState_CASE_STATE_RECEIVED {
		why = append(why, amparov1.HandoverWhy_HANDOVER_WHY_UNTRIAGED)
	}
	if next := deadline.Next(c.GetTerms()); owns && next != nil {
		switch due := next.GetDue().AsTime(); {
		case due.Before(now):
			why = append(why, amparov1.HandoverWhy_HANDOVER_WHY_OVERDUE)
		case !due.After(until):
			why = append(why, amparov1.HandoverWhy_HANDOVER_WHY_DUE_SOON)
		}
	}
	proposed := c.GetRiskLevelProposed() != amparov1.RiskLevel_RISK_LEVEL_UNSPECIFIED
	if proposed && (owns || c.GetRiskProposedById() == staffID) {
		why = append(why, amparov1.HandoverWhy_HANDOVER_WHY_CONFIRMATION_WAITS)
	}
	return why
}

// Put offers a case: it notes on its head which hand-over waits for whom, in place
// of an earlier one, and returns the item and the entry for the timeline. It refuses
// a case that has changed since its giver saw it (REASON_HANDOVER_CHANGED) and a
// receiver whom the case excludes (REASON_STAFF_EXCLUDED).
func Put(c *amparov1.Case, h *amparov1.Handover, entry *amparov1.HandoverEntry, now, until time.Time) (*amparov1.HandoverItem, *amparov1.TimelineEntry, error) {
	if c.GetState() == closed || c.GetVersion() != entry.GetCaseVersion() || !slices.Contains(c.GetTeamIds(), h.GetFromId()) {
		return nil, nil, fault.New(amparov1.Reason_REASON_HANDOVER_CHANGED)
	}
	if slices.Contains(c.GetExcludedStaffIds(), h.GetToId()) {
		return nil, nil, fault.Field(amparov1.Reason_REASON_STAFF_EXCLUDED, "to_staff_id", "is not excluded from a case of the list")
	}
	c.HandoverId, c.HandoverToId = h.GetId(), h.GetToId()
	item := &amparov1.HandoverItem{
		Entry: proto.CloneOf(entry), Pseudonym: c.GetPseudonym(), Why: Why(c, h.GetFromId(), now, until), Standing: waits,
	}
	return item, timelineEntry(amparov1.TimelineKind_TIMELINE_KIND_HANDOVER_OFFERED, h.GetFromId(), h.GetToId(), now), nil
}

// Decide checks answers against a hand-over before any is carried out: each is of an
// item that waits, once, and a refusal says why.
func Decide(h *amparov1.Handover, decisions []*amparov1.HandoverDecision) error {
	var seen []uint32
	for i, d := range decisions {
		field := fmt.Sprintf("decisions[%d]", i)
		if int(d.GetItem()) >= len(h.GetItems()) || slices.Contains(seen, d.GetItem()) {
			return fault.Field(amparov1.Reason_REASON_FIELD_INVALID, field+".item", "is an item of the hand-over, once")
		}
		if !d.GetAccepted() && d.GetRefusal() == "" {
			return fault.Field(amparov1.Reason_REASON_FIELD_INVALID, field+".refusal", "says why the item is refused")
		}
		if h.GetItems()[d.GetItem()].GetStanding() != waits {
			return fault.New(amparov1.Reason_REASON_HANDOVER_CHANGED)
		}
		seen = append(seen, d.GetItem())
	}
	return nil
}

// Offered reports whether a hand-over still has a say over a case: nobody else was
// given it meanwhile, and it is open.
func Offered(c *amparov1.Case, h *amparov1.Handover) bool {
	return c.GetHandoverId() == h.GetId() && c.GetState() != closed && slices.Contains(c.GetTeamIds(), h.GetFromId())
}

// Assign sets the team of a case, the first named as its owner, or refuses; it is
// casefile's rule with everything but the team filled in.
type Assign func(team []string) (*amparov1.TimelineEntry, error)

// Roles says of a person whether they are active in a role that works cases of the
// case's office, and whether as a case officer.
type Roles func(staffID string) (worksCases, caseOfficer bool)

// give puts one person in another's place on the team of a case, as its owner if the
// other owned it. The one who gives leaves the team, unless the case is being worked
// and would be without a case officer. Members who cannot work the case any more are
// left out. A hand-over that waits for an answer about the case is over.
func give(c *amparov1.Case, fromID, toID string, roles Roles, assign Assign) (*amparov1.TimelineEntry, error) {
	team := after(c, fromID, toID, roles)
	entry, err := assign(team)
	works, _ := roles(fromID)
	if works && err != nil && fault.As(err).Reason == amparov1.Reason_REASON_NO_CASE_OFFICER {
		entry, err = assign(append(team, fromID))
	}
	if err != nil {
		return nil, err
	}
	entry.ColleagueId = fromID
	release(c)
	return entry, nil
}

func after(c *amparov1.Case, fromID, toID string, roles Roles) []string {
	team := []string{toID}
	if c.GetOwnerId() != fromID && c.GetOwnerId() != toID {
		team = []string{c.GetOwnerId(), toID}
	}
	for _, id := range c.GetTeamIds() {
		works, _ := roles(id)
		if works && id != fromID && !slices.Contains(team, id) && !slices.Contains(c.GetExcludedStaffIds(), id) {
			team = append(team, id)
		}
	}
	return team
}

// Reassign gives a case to a new owner for good.
func Reassign(c *amparov1.Case, fromID, toID string, roles Roles, assign Assign) (*amparov1.TimelineEntry, error) {
	entry, err := give(c, fromID, toID, roles, assign)
	if err != nil {
		return nil, err
	}
	entry.Kind = amparov1.TimelineKind_TIMELINE_KIND_REASSIGNED
	return entry, nil
}

// Obstacle says why a case could not be given, when a rule about people stood in the
// way; anything else is unspecified.
func Obstacle(err error) amparov1.HandoverObstacle {
	switch fault.As(err).Reason {
	case amparov1.Reason_REASON_STAFF_EXCLUDED:
		return amparov1.HandoverObstacle_HANDOVER_OBSTACLE_EXCLUDED
	case amparov1.Reason_REASON_STAFF_UNSUITABLE:
		return amparov1.HandoverObstacle_HANDOVER_OBSTACLE_UNSUITABLE
	case amparov1.Reason_REASON_NO_CASE_OFFICER:
		return amparov1.HandoverObstacle_HANDOVER_OBSTACLE_NO_CASE_OFFICER
	default:
		return amparov1.HandoverObstacle_HANDOVER_OBSTACLE_UNSPECIFIED
	}
}

// Take gives an offered case to its receiver.
func Take(c *amparov1.Case, h *amparov1.Handover, item *amparov1.HandoverItem, roles Roles, assign Assign) (*amparov1.TimelineEntry, error) {
	entry, err := give(c, h.GetFromId(), h.GetToId(), roles, assign)
	if err != nil {
		return nil, err
	}
	item.Standing = accepted
	entry.Kind = amparov1.TimelineKind_TIMELINE_KIND_HANDOVER_ACCEPTED
	return entry, nil
}

// Refuse leaves an offered case with its giver.
func Refuse(c *amparov1.Case, h *amparov1.Handover, item *amparov1.HandoverItem, why string, now time.Time) *amparov1.TimelineEntry {
	item.Standing, item.Refusal = refused, why
	release(c)
	entry := timelineEntry(amparov1.TimelineKind_TIMELINE_KIND_HANDOVER_REFUSED, h.GetToId(), h.GetFromId(), now)
	entry.Text = why
	return entry
}

// Return ends what waits of a hand-over: nobody is there to answer it, and its cases
// stay where they are.
func Return(h *amparov1.Handover, now time.Time) {
	for _, item := range h.GetItems() {
		if item.GetStanding() == waits {
			item.Standing = lapsed
		}
	}
	Close(h, now)
}

// Lapse says of an item that it went another way before it was answered.
func Lapse(item *amparov1.HandoverItem) { item.Standing = lapsed }

func release(c *amparov1.Case) { c.HandoverId, c.HandoverToId = "", "" }

// Close closes a hand-over once none of its items waits, and counts them.
func Close(h *amparov1.Handover, now time.Time) *amparov1.AcceptHandoverResponse {
	count := &amparov1.AcceptHandoverResponse{HandoverId: h.GetId()}
	for _, item := range h.GetItems() {
		switch item.GetStanding() {
		case accepted:
			count.Accepted++
		case refused:
			count.Refused++
		case lapsed:
			count.Lapsed++
		default:
			count.Waiting++
		}
	}
	if count.GetWaiting() == 0 && h.GetClosedAt() == nil {
		h.ClosedAt = timestamppb.New(now)
	}
	return count
}

func timelineEntry(kind amparov1.TimelineKind, staffID, colleagueID string, now time.Time) *amparov1.TimelineEntry {
	return &amparov1.TimelineEntry{
		Kind: kind, At: timestamppb.New(now), RecordedAt: timestamppb.New(now), StaffId: staffID, ColleagueId: colleagueID,
	}
}

// Shown is a hand-over as somebody may see it, who may know of the items for which
// knows says yes. The others are counted, and the signatures go with them: over a
// list with gaps they prove nothing.
func Shown(h *amparov1.Handover, knows func(*amparov1.HandoverItem) bool) *amparov1.Handover {
	shown := proto.CloneOf(h)
	shown.Items = slices.DeleteFunc(shown.GetItems(), func(item *amparov1.HandoverItem) bool { return !knows(item) })
	shown.Withheld = uint32(len(h.GetItems()) - len(shown.GetItems()))
	if shown.GetWithheld() > 0 {
		shown.Offer, shown.Answers = nil, nil
	}
	return shown
}
