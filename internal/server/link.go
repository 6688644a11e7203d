package server

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/intake"
	"github.com/amparo-project/amparo/internal/linkage"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/risk"
)

// links serves LinkService.
type links struct {
	amparov1.UnimplementedLinkServiceServer
	s *Server
}

// unknownTo says of another case whether it must stay unknown to the caller.
func (s *Server) unknownTo(ctx context.Context) func(caseID string) bool {
	staffID := callOf(ctx).grant.StaffID()
	return func(caseID string) bool { return caseID != "" && s.records.Excludes(caseID, staffID) }
}

// pairing is a request about two cases.
type pairing interface {
	writing
	GetOtherCaseId() string
}

// writePair opens both cases of a request under the caller's own grant, runs fn on
// them, and answers what it returned once it is durable.
func writePair[T proto.Message](ctx context.Context, s *Server, request pairing, fn func(w *records.Work, c, other *records.File) (T, error)) (T, error) {
	return update(ctx, s, request.GetRequestId(), records.Targets(request.GetCaseId()), func(w *records.Work) (T, error) {
		var none T
		if request.GetOtherCaseId() == request.GetCaseId() {
			return none, fault.Field(amparov1.Reason_REASON_FIELD_INVALID, "other_case_id", "is another case")
		}
		other, err := w.Open(records.Target{ID: request.GetOtherCaseId()})
		if err != nil {
			return none, err
		}
		if other.Case() == nil {
			return none, fault.New(amparov1.Reason_REASON_NOT_FOUND)
		}
		return fn(w, w.File(0), other)
	})
}

// LinkCases links two cases.
func (h *links) LinkCases(ctx context.Context, req *amparov1.LinkCasesRequest) (*amparov1.LinkCasesResponse, error) {
	return writePair(ctx, h.s, req, func(w *records.Work, c, other *records.File) (*amparov1.LinkCasesResponse, error) {
		entries, err := linkage.Link(actOf(ctx, w), c.Case(), other.Case())
		if err != nil {
			return nil, err
		}
		appendEach(entries, c, other)
		return &amparov1.LinkCasesResponse{Case: receipt(c)}, nil
	})
}

func appendEach(entries [2]*amparov1.TimelineEntry, c, other *records.File) {
	if entries[0] != nil {
		c.Append(entries[0])
		other.Append(entries[1])
	}
}

// ShareIncident begins a shared incident.
func (h *links) ShareIncident(ctx context.Context, req *amparov1.ShareIncidentRequest) (*amparov1.ShareIncidentResponse, error) {
	return write(ctx, h.s, req, func(w *records.Work, f *records.File) (*amparov1.ShareIncidentResponse, error) {
		group, err := w.CreateIncident(f)
		if err != nil {
			return nil, err
		}
		shared := &amparov1.SharedIncident{}
		if err := h.addTo(w, shared, req.GetIncident()); err != nil {
			return nil, err
		}
		group.SetShared(shared)
		if err := h.join(ctx, w, f, group); err != nil {
			return nil, err
		}
		return &amparov1.ShareIncidentResponse{Case: receipt(f), IncidentGroupId: group.ID()}, nil
	})
}

func (h *links) addTo(w *records.Work, shared *amparov1.SharedIncident, incident *amparov1.Incident) error {
	if err := fault.Fields(intake.CheckIncident("incident", incident, w.Now)); err != nil {
		return err
	}
	return linkage.Add(shared, incident)
}

func (h *links) join(ctx context.Context, w *records.Work, f, group *records.File) error {
	members, entry, err := linkage.Share(actOf(ctx, w), f.Case(), group.ID(), group.Members())
	if err != nil || entry == nil {
		return err
	}
	group.SetMembers(members)
	f.Append(entry)
	return nil
}

// JoinIncident adds a case to a shared incident of which the caller may know.
func (h *links) JoinIncident(ctx context.Context, req *amparov1.JoinIncidentRequest) (*amparov1.JoinIncidentResponse, error) {
	return write(ctx, h.s, req, func(w *records.Work, f *records.File) (*amparov1.JoinIncidentResponse, error) {
		group, err := w.Incident(req.GetIncidentGroupId())
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(group.Members(), w.Sees) {
			return nil, fault.New(amparov1.Reason_REASON_NOT_FOUND)
		}
		if err := h.join(ctx, w, f, group); err != nil {
			return nil, err
		}
		return &amparov1.JoinIncidentResponse{Case: receipt(f)}, nil
	})
}

// AddSharedIncident adds facts to an incident that the case shares.
func (h *links) AddSharedIncident(ctx context.Context, req *amparov1.AddSharedIncidentRequest) (*amparov1.AddSharedIncidentResponse, error) {
	more := true // unless the closure says otherwise, which a repeated request does not run
	answer, err := write(ctx, h.s, req, func(w *records.Work, f *records.File) (*amparov1.AddSharedIncidentResponse, error) {
		group, err := w.Incident(req.GetIncidentGroupId())
		if err != nil {
			return nil, err
		}
		if !slices.Contains(group.Members(), f.ID()) {
			return nil, fault.New(amparov1.Reason_REASON_NOT_FOUND)
		}
		shared, err := group.Shared()
		if err != nil {
			return nil, err
		}
		if err := h.addTo(w, shared, req.GetIncident()); err != nil {
			return nil, err
		}
		group.SetShared(shared)
		entry, err := linkage.Learn(actOf(ctx, w), f.Case())
		if err != nil {
			return nil, err
		}
		f.Append(entry)
		if more, err = othersLearn(w, group, f.ID(), 0); err != nil {
			return nil, err
		}
		return &amparov1.AddSharedIncidentResponse{Case: receipt(f)}, nil
	})
	if err != nil || !more {
		return answer, err
	}
	return answer, h.restLearns(ctx, req)
}

// ShowLinks shows what a case is tied to.
func (h *links) ShowLinks(ctx context.Context, req *amparov1.ShowLinksRequest) (*amparov1.ShowLinksResponse, error) {
	unknown := h.s.unknownTo(ctx)
	return view(ctx, h.s, records.Targets(req.GetCaseId()), func(w *records.Work) (*amparov1.ShowLinksResponse, error) {
		answer, c := &amparov1.ShowLinksResponse{}, w.File(0).Case()
		for _, id := range c.GetLinkedCaseIds() {
			if !unknown(id) {
				answer.Linked = append(answer.Linked, &amparov1.LinkedCase{CaseId: id, OwnerId: h.s.records.OwnerOf(id)})
			}
		}
		for _, id := range c.GetIncidentGroupIds() {
			group, err := w.Incident(id)
			if err != nil {
				return nil, err
			}
			shown, err := h.groupFor(group, c.GetId(), unknown)
			if err != nil {
				return nil, err
			}
			answer.Incidents = append(answer.Incidents, shown)
		}
		return answer, nil
	})
}

// groupFor is a shared incident as somebody on one of its cases may see it.
func (h *links) groupFor(group *records.File, caseID string, unknown func(string) bool) (*amparov1.IncidentGroup, error) {
	shared, err := group.Shared()
	if err != nil {
		return nil, err
	}
	shown := &amparov1.IncidentGroup{Id: group.ID(), Shared: shared}
	for _, id := range group.Members() {
		if id == caseID || unknown(id) {
			continue
		}
		shown.Others++
		if owner := h.s.records.OwnerOf(id); owner != "" && !slices.Contains(shown.GetOwnerIds(), owner) {
			shown.OwnerIds = append(shown.OwnerIds, owner)
		}
	}
	return shown, nil
}

// MergeCases proposes a merge, or does it for a second person.
func (h *links) MergeCases(ctx context.Context, req *amparov1.MergeCasesRequest) (*amparov1.MergeCasesResponse, error) {
	return writePair(ctx, h.s, req, func(w *records.Work, c, other *records.File) (*amparov1.MergeCasesResponse, error) {
		act := actOf(ctx, w)
		agreed, entries, err := linkage.Agree(act, c.Case(), other.Case(), false)
		if err != nil {
			return nil, err
		}
		if !agreed {
			appendEach(entries, c, other)
			return &amparov1.MergeCasesResponse{Case: receipt(c)}, nil
		}
		w.Leaf.Action = amparov1.LeafAction_LEAF_ACTION_CASE_MERGE
		raises := linkage.Raises(c.Case(), other.Case())
		ofCase, ofOther, before, err := linkage.Merge(act, c.Case(), other.Case(), h.s.rolesAt(c.Case().GetOffice(), w.Now), req.GetKeepTeam())
		if err != nil {
			return nil, err
		}
		c.Append(ofCase...)
		other.Append(ofOther...)
		if err := carryOver(w, c, other, before); err != nil {
			return nil, err
		}
		for _, id := range before.GetBefore().GetIncidentGroupIds() {
			group, err := w.Incident(id)
			if err != nil {
				return nil, err
			}
			group.SwapMember(other.ID(), c.ID())
		}
		if raises {
			if err := h.adoptRisk(w, c, other); err != nil {
				return nil, err
			}
		}
		// Cases that were merged with either before learn whom the other excludes.
		return &amparov1.MergeCasesResponse{Case: receipt(c), Merged: true}, h.s.barFromMerged(ctx, w, c.Case())
	})
}

// carryOver takes the nos of a case along that is merged into another, and notes how far
// the ledger of the one that goes on had come by then.
func carryOver(w *records.Work, c, other *records.File, before *amparov1.CaseBeforeMerge) error {
	theirs, err := other.Ledger()
	if err != nil {
		return err
	}
	if err := w.Carry(c, theirs, 0); err != nil {
		return err
	}
	ours, err := c.Ledger()
	if err != nil {
		return err
	}
	before.LedgerEntries = uint32(len(ours))
	other.SetBeforeMerge(before)
	return nil
}

// barFromMerged excludes whom a case excludes from every case that is merged with it,
// by however many merges, and makes them as restricted as it is: they are about the
// same person. Somebody who is let in again is let into the one case alone.
func (s *Server) barFromMerged(ctx context.Context, w *records.Work, c *amparov1.Case) error {
	known := append([]string{c.GetId()}, linkage.Merged(c)...)
	for i := 1; i < len(known); i++ {
		file, err := w.Open(records.Target{ID: known[i], Grant: access.Service(callOf(ctx).grant.Action())})
		if fault.Is(err, fault.Corrupt) || fault.Is(err, fault.NotFound) {
			continue // nobody opens it, and nobody is less shut out for that
		}
		if err != nil {
			return err
		}
		merged := file.Case()
		if linkage.Bar(merged, c) {
			file.Touch()
		}
		for _, id := range linkage.Merged(merged) {
			if !slices.Contains(known, id) {
				known = append(known, id)
			}
		}
	}
	return nil
}

// adoptRisk brings the assessment along whose level is in force now.
func (h *links) adoptRisk(w *records.Work, c, other *records.File) error {
	made, err := c.Assessments()
	if err != nil {
		return err
	}
	theirs, err := other.Assessments()
	if err != nil {
		return err
	}
	c.SetAssessments(risk.Adopt(made, risk.InForce(theirs)))
	if c.Case().GetRiskLevel() != amparov1.RiskLevel_RISK_LEVEL_EXTREME {
		return nil
	}
	return w.Raise(amparov1.AlarmKind_ALARM_KIND_EXTREME, c, "")
}

// UnmergeCases proposes to undo a merge, or does it for a second person.
func (h *links) UnmergeCases(ctx context.Context, req *amparov1.UnmergeCasesRequest) (*amparov1.UnmergeCasesResponse, error) {
	return writePair(ctx, h.s, req, func(w *records.Work, c, other *records.File) (*amparov1.UnmergeCasesResponse, error) {
		act := actOf(ctx, w)
		agreed, entries, err := linkage.Agree(act, c.Case(), other.Case(), true)
		if err != nil {
			return nil, err
		}
		if !agreed {
			appendEach(entries, c, other)
			return &amparov1.UnmergeCasesResponse{Case: receipt(c)}, nil
		}
		w.Leaf.Action = amparov1.LeafAction_LEAF_ACTION_CASE_UNMERGE
		before, err := other.BeforeMerge()
		if err != nil {
			return nil, err
		}
		ofCase, ofOther, err := linkage.Unmerge(act, c.Case(), other.Case(), before)
		if err != nil {
			return nil, err
		}
		c.Append(ofCase)
		other.Append(ofOther)
		said, err := c.Ledger()
		if err != nil {
			return nil, err
		}
		if err := w.CarryBack(other, said, int(before.GetLedgerEntries())); err != nil {
			return nil, err
		}
		for _, id := range other.Case().GetIncidentGroupIds() {
			group, err := w.Incident(id)
			if err != nil {
				return nil, err
			}
			group.SwapMember("", other.ID())
		}
		return &amparov1.UnmergeCasesResponse{Case: receipt(c), Unmerged: true}, nil
	})
}
