// Package linkage ties cases together without mixing them: links, shared incidents,
// and the merge of two cases that turn out to be about one person.
//
// Link ties two files, and Share an open one to an incident. A merge and its undoing take two people: Agree
// proposes for the first and says yes for the second, and then Merge or Unmerge does
// it. Nothing is deleted by either: the case that is closed keeps its file, and
// Unmerge gives it back as it was.
//
// Two things only ever grow, whatever is merged and parted in whatever order: whom a
// case excludes, and how early its clocks began. Who may act on both cases is decided
// before, by access.
package linkage

import (
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/casefile"
	"github.com/amparo-project/amparo/internal/fault"
)

// How many ties there may be. A head that grew without bound would slow down every
// call on its case.
const (
	maxLinks     = 50
	maxGroups    = 10
	maxMembers   = 200
	maxIncidents = 50
)

const closed = amparov1.CaseState_CASE_STATE_CLOSED

// Link notes on two cases that they touch each other, and returns an entry for each
// timeline, or none where they are linked already. The entries do not name the other
// case: a timeline is read by people whom the other case may exclude.
func Link(act casefile.Act, c, other *amparov1.Case) ([2]*amparov1.TimelineEntry, error) {
	var entries [2]*amparov1.TimelineEntry
	if slices.Contains(c.GetLinkedCaseIds(), other.GetId()) {
		return entries, nil
	}
	if len(c.GetLinkedCaseIds()) >= maxLinks || len(other.GetLinkedCaseIds()) >= maxLinks {
		return entries, fault.Field(amparov1.Reason_REASON_STATE_FORBIDS, "other_case_id", "leaves each case with at most 50 links")
	}
	c.LinkedCaseIds = append(c.LinkedCaseIds, other.GetId())
	other.LinkedCaseIds = append(other.LinkedCaseIds, c.GetId())
	for i := range entries {
		entries[i] = line(act, amparov1.TimelineKind_TIMELINE_KIND_LINKED)
	}
	return entries, nil
}

// Share adds a case to an incident that others share, given those others, and returns
// the members with it and the entry for its timeline; nil where it is one already. What
// was done to them all was done to its person: see casefile.Act.Reconsider.
func Share(act casefile.Act, c *amparov1.Case, groupID string, members []string) ([]string, *amparov1.TimelineEntry, error) {
	if slices.Contains(members, c.GetId()) {
		return members, nil, nil
	}
	if c.GetState() == closed || len(members) >= maxMembers || len(c.GetIncidentGroupIds()) >= maxGroups {
		return nil, nil, fault.Field(amparov1.Reason_REASON_STATE_FORBIDS, "case_id", "is open and shares at most 10 incidents, each with at most 199 others")
	}
	entry := line(act, amparov1.TimelineKind_TIMELINE_KIND_INCIDENT_SHARED)
	if err := act.Reconsider(c, entry); err != nil {
		return nil, nil, err
	}
	c.IncidentGroupIds = append(c.IncidentGroupIds, groupID)
	return append(slices.Clone(members), c.GetId()), entry, nil
}

// Learn is what facts that were added to a shared incident do to one of its cases: the
// entry for its timeline, which does not say from which of the others they came.
func Learn(act casefile.Act, c *amparov1.Case) (*amparov1.TimelineEntry, error) {
	entry := line(act, amparov1.TimelineKind_TIMELINE_KIND_INCIDENT_SHARED)
	return entry, act.Reconsider(c, entry)
}

// Add adds facts to a shared incident.
func Add(shared *amparov1.SharedIncident, incident *amparov1.Incident) error {
	if len(shared.GetIncidents()) >= maxIncidents {
		return fault.Field(amparov1.Reason_REASON_STATE_FORBIDS, "incident", "is one of at most 50")
	}
	shared.Incidents = append(shared.Incidents, proto.CloneOf(incident))
	return nil
}

// Agree is the say of one person about merging two cases, or about undoing that. The
// first one's is kept on both heads and returns the entries for their timelines; the
// second one's is agreement, and is true. The first one's again is refused with
// REASON_SECOND_PERSON_NEEDED. What does not fit what was proposed is a proposal of
// its own, in its place.
func Agree(act casefile.Act, stays, other *amparov1.Case, undo bool) (agreed bool, entries [2]*amparov1.TimelineEntry, err error) {
	if stays.GetId() == other.GetId() {
		return false, entries, fault.Field(amparov1.Reason_REASON_FIELD_INVALID, "other_case_id", "is another case")
	}
	if undo && other.GetMergedIntoId() != stays.GetId() || !undo && (stays.GetState() == closed || other.GetState() == closed) {
		return false, entries, fault.New(amparov1.Reason_REASON_STATE_FORBIDS)
	}
	held := stays.GetMergeProposal()
	if held.GetOtherCaseId() == other.GetId() && held.GetStays() && held.GetUndo() == undo && other.GetMergeProposal().GetOtherCaseId() == stays.GetId() {
		if held.GetProposedById() == act.StaffID {
			return false, entries, fault.New(amparov1.Reason_REASON_SECOND_PERSON_NEEDED)
		}
		return true, entries, nil
	}
	stays.MergeProposal = &amparov1.MergeProposal{OtherCaseId: other.GetId(), Stays: true, Undo: undo, ProposedById: act.StaffID}
	other.MergeProposal = &amparov1.MergeProposal{OtherCaseId: stays.GetId(), Undo: undo, ProposedById: act.StaffID}
	kind := amparov1.TimelineKind_TIMELINE_KIND_MERGE_PROPOSED
	if undo {
		kind = amparov1.TimelineKind_TIMELINE_KIND_UNMERGE_PROPOSED
	}
	return false, [2]*amparov1.TimelineEntry{about(act, kind, other), about(act, kind, stays)}, nil
}

func line(act casefile.Act, kind amparov1.TimelineKind) *amparov1.TimelineEntry {
	return &amparov1.TimelineEntry{Kind: kind, At: timestamppb.New(act.Now), RecordedAt: timestamppb.New(act.Now), StaffId: act.StaffID}
}

func about(act casefile.Act, kind amparov1.TimelineKind, other *amparov1.Case) *amparov1.TimelineEntry {
	entry := line(act, kind)
	entry.OtherCaseId = other.GetId()
	return entry
}

// Hide takes out of a case, for somebody who is about to read it, every other case
// that must stay unknown to them.
func Hide(c *amparov1.Case, unknown func(caseID string) bool) {
	c.LinkedCaseIds = slices.DeleteFunc(c.LinkedCaseIds, unknown)
	c.MergedCaseIds = slices.DeleteFunc(c.MergedCaseIds, unknown)
	if p := c.GetMergeProposal(); p != nil && unknown(p.GetOtherCaseId()) {
		c.MergeProposal = nil
	}
	if id := c.GetMergedIntoId(); id != "" && unknown(id) {
		c.MergedIntoId = ""
	}
}
