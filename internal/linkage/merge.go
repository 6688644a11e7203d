package linkage

import (
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/casefile"
	"github.com/amparo-project/amparo/internal/deadline"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/risk"
)

// Merge makes other a duplicate of the case that stays. The two heads are changed;
// the entries are for the timelines, and before is what Unmerge will need. It refuses
// when nobody would be left who may own the case (REASON_OWNER_NEEDED), or no case
// officer where it needs one; then nothing has changed.
//
// Whoever either excludes is excluded from both, and one that only its team may know
// of makes both so: else somebody would learn through one case of the other. With
// keepTeam the team stays as it is; otherwise that of the other joins it.
func Merge(act casefile.Act, stays, other *amparov1.Case, roles casefile.Roles, keepTeam bool) (ofStays, ofOther []*amparov1.TimelineEntry, before *amparov1.CaseBeforeMerge, err error) {
	c := proto.CloneOf(stays)
	excluded := union(stays.GetExcludedStaffIds(), other.GetExcludedStaffIds())
	c.ExcludedStaffIds, c.Restricted = excluded, stays.GetRestricted() || other.GetRestricted()
	team := c.GetTeamIds()
	if !keepTeam {
		team = union(team, other.GetTeamIds())
	}
	merged := about(act, amparov1.TimelineKind_TIMELINE_KIND_MERGED, other)
	if err := act.Record(c, merged, clocks(c, other, merged)...); err != nil {
		return nil, nil, nil, err
	}
	// Afterwards, so that its owner is told first of the terms that came in, too.
	assigned, err := act.Assign(c, fit(team, excluded, roles), roles)
	if err != nil {
		return nil, nil, nil, err
	}
	c.MergeProposal = nil
	c.MergedCaseIds = union(c.GetMergedCaseIds(), []string{other.GetId()})
	c.IncidentGroupIds = union(c.GetIncidentGroupIds(), other.GetIncidentGroupIds())
	before = &amparov1.CaseBeforeMerge{Before: proto.CloneOf(other)}
	replace(stays, c)
	closeAs(act, other, stays, excluded)
	into := about(act, amparov1.TimelineKind_TIMELINE_KIND_MERGED, stays)
	into.FromState, into.ToState = before.GetBefore().GetState(), closed
	return []*amparov1.TimelineEntry{merged, assigned}, []*amparov1.TimelineEntry{into}, before, nil
}

// clocks are the events by which a case takes the clocks of another in, with the
// level that is in force afterwards: the higher one, and never one that nobody has
// assessed in place of one that somebody has. What has been done in the case that
// stays has been done for the person: the other's triage, and its decision on support
// where support is being given, wait for nobody any more. What outlives the closure of
// the other is about entries of its own ledger, which stays with it: it runs on there.
func clocks(c, other *amparov1.Case, entry *amparov1.TimelineEntry) []*amparov1.TermEvent {
	if other.GetReceivedAt().AsTime().Before(c.GetReceivedAt().AsTime()) {
		c.ReceivedAt = proto.CloneOf(other.GetReceivedAt())
	}
	var theirs []*amparov1.Term
	for _, term := range other.GetTerms() {
		if !deadline.Outlives(term.GetKind()) {
			theirs = append(theirs, proto.CloneOf(term))
		}
	}
	events := []*amparov1.TermEvent{{Event: amparov1.TermEventKind_TERM_EVENT_KIND_MERGED, Merged: theirs}}
	if done(c, amparov1.TermKind_TERM_KIND_TRIAGE) {
		events = append(events, met(amparov1.TermKind_TERM_KIND_TRIAGE))
	}
	if done(c, amparov1.TermKind_TERM_KIND_SUPPORT_DECISION) {
		events = append(events, met(amparov1.TermKind_TERM_KIND_SUPPORT_DECISION))
	}
	if Raises(c, other) {
		entry.FromLevel, entry.ToLevel = c.GetRiskLevel(), other.GetRiskLevel()
		c.RiskLevel = other.GetRiskLevel()
	}
	// Also where the level stays: the terms that came in run by another one.
	return append(events, &amparov1.TermEvent{Event: amparov1.TermEventKind_TERM_EVENT_KIND_LEVEL_CHANGED, Level: c.GetRiskLevel()})
}

func met(kind amparov1.TermKind) *amparov1.TermEvent {
	return &amparov1.TermEvent{Event: amparov1.TermEventKind_TERM_EVENT_KIND_MET, Kind: kind}
}

func done(c *amparov1.Case, kind amparov1.TermKind) bool {
	return slices.ContainsFunc(c.GetTerms(), func(t *amparov1.Term) bool { return t.GetKind() == kind && t.GetMetAt() != nil })
}

// Raises reports whether a merge puts the other's risk level in force.
func Raises(stays, other *amparov1.Case) bool {
	return risk.Assessed(other.GetRiskLevel()) && risk.Rank(other.GetRiskLevel()) > risk.Rank(stays.GetRiskLevel())
}

func closeAs(act casefile.Act, other, stays *amparov1.Case, excluded []string) {
	other.State, other.HeldFrom, other.HoldReason = closed, 0, 0
	other.RiskLevelProposed, other.RiskProposedById = 0, ""
	other.HandoverId, other.HandoverToId = "", ""
	other.MergeProposal, other.MergedIntoId = nil, stays.GetId()
	other.ExcludedStaffIds, other.Restricted, other.IncidentGroupIds = excluded, stays.GetRestricted(), nil
	other.Closing = &amparov1.Closing{
		Reason: amparov1.ClosureReason_CLOSURE_REASON_DUPLICATE, FinalRiskLevel: other.GetRiskLevel(),
		RetentionWish: amparov1.RetentionWish_RETENTION_WISH_COULD_NOT_ASK,
		ClosedAt:      timestamppb.New(act.Now), ClosedById: act.StaffID,
	}
}

// Merged are the cases that are merged with a case: those that went into it, and the
// one that it went into.
func Merged(c *amparov1.Case) []string {
	ids := slices.Clone(c.GetMergedCaseIds())
	if id := c.GetMergedIntoId(); id != "" {
		ids = append(ids, id)
	}
	return ids
}

// Bar shuts a case to whomever another one about the same person is shut to, and
// reports whether that was news: whom that one excludes is excluded and leaves the
// team, and where only its team may know of it, so it is here. An open case whose
// owner is excluded is the next member's, or nobody's; then it stands at the top of
// the queue.
func Bar(c, as *amparov1.Case) bool {
	before, restricted := len(c.GetExcludedStaffIds()), c.GetRestricted()
	c.ExcludedStaffIds = union(c.GetExcludedStaffIds(), as.GetExcludedStaffIds())
	c.Restricted = restricted || as.GetRestricted()
	c.TeamIds = admitted(c.GetTeamIds(), c.GetExcludedStaffIds())
	if c.GetState() != closed {
		c.OwnerId = ownerOf(c, c.GetOwnerId())
	}
	return len(c.GetExcludedStaffIds()) > before || c.GetRestricted() != restricted
}

// ownerOf is who owns a case that was somebody's: they, or if it excludes them by now
// the next of its team, or nobody.
func ownerOf(c *amparov1.Case, was string) string {
	if !slices.Contains(c.GetExcludedStaffIds(), was) {
		return was
	}
	return append(slices.Clone(c.GetTeamIds()), "")[0]
}

// admitted are those of a team who are not excluded.
func admitted(team, excluded []string) []string {
	return slices.DeleteFunc(slices.Clone(team), func(id string) bool { return slices.Contains(excluded, id) })
}

// fit are those of a team who may be on it, the first of whom owns the case.
func fit(team, excluded []string, roles casefile.Roles) []string {
	return slices.DeleteFunc(admitted(team, excluded), func(id string) bool {
		works, _ := roles(id)
		return !works
	})
}

// Unmerge gives the other case back as it was before it was merged, and returns an
// entry for each timeline. Its terms have run on as they were, and the case that
// stayed keeps the clocks that it took in. Exclusions stay those of both: whoever was
// kept out of one has not become a person to be trusted with the other. A member of
// the old team who is excluded by now does not come back, and if that is the owner,
// the next member is, or nobody; then the case stands at the top of the queue.
func Unmerge(act casefile.Act, stays, other *amparov1.Case, before *amparov1.CaseBeforeMerge) (ofStays, ofOther *amparov1.TimelineEntry, err error) {
	was := before.GetBefore()
	if was.GetId() != other.GetId() || other.GetMergedIntoId() != stays.GetId() {
		return nil, nil, fault.New(amparov1.Reason_REASON_STATE_FORBIDS)
	}
	stays.MergeProposal, other.MergeProposal, other.MergedIntoId = nil, nil, ""
	stays.MergedCaseIds = slices.DeleteFunc(stays.MergedCaseIds, func(id string) bool { return id == other.GetId() })
	ofOther = about(act, amparov1.TimelineKind_TIMELINE_KIND_UNMERGED, stays)
	ofOther.FromState, ofOther.ToState = other.GetState(), was.GetState()
	other.State, other.HeldFrom, other.HoldReason = was.GetState(), was.GetHeldFrom(), was.GetHoldReason()
	other.Closing = proto.CloneOf(was.GetClosing())
	other.RiskLevelProposed, other.RiskProposedById = was.GetRiskLevelProposed(), was.GetRiskProposedById()
	other.IncidentGroupIds = slices.Clone(was.GetIncidentGroupIds())
	other.TeamIds = admitted(was.GetTeamIds(), other.GetExcludedStaffIds())
	other.OwnerId = ownerOf(other, was.GetOwnerId())
	return about(act, amparov1.TimelineKind_TIMELINE_KIND_UNMERGED, other), ofOther, nil
}

func union(a, b []string) []string {
	all := slices.Clone(a)
	for _, id := range b {
		if !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	return all
}

func replace(c, by *amparov1.Case) {
	proto.Reset(c)
	proto.Merge(c, by)
}
