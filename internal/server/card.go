package server

import (
	"cmp"
	"context"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/safety"
)

// cards serves CardService.
type cards struct {
	amparov1.UnimplementedCardServiceServer
	s *Server
}

// tellOwner has the owner told, at the next digest, that somebody else acted on a
// case of theirs.
func tellOwner(w *records.Work, f *records.File, staffID string) error {
	if f.Case().GetOwnerId() == staffID {
		return nil
	}
	return w.Tell(f.Case().GetOwnerId())
}

// OpenCard opens the card of a case. The owner is told of it, as of everything that
// others do in a case of theirs.
func (h *cards) OpenCard(ctx context.Context, req *amparov1.OpenCardRequest) (*amparov1.OpenCardResponse, error) {
	c := callOf(ctx)
	answer, err := h.s.records.Update(ctx, c.grant, records.Request{}, records.Targets(req.GetCaseId()),
		func(w *records.Work) (proto.Message, error) {
			f := w.File(0)
			f.Append(actOf(ctx, w).OpenCard())
			if err := tellOwner(w, f, c.grant.StaffID()); err != nil {
				return nil, err
			}
			shown, err := h.card(f, w.Now)
			w.Leaf.Shown = append(w.Leaf.Shown, f.Pseudonym())
			return &amparov1.OpenCardResponse{Card: shown}, err
		})
	if err != nil {
		return nil, err
	}
	return as[*amparov1.OpenCardResponse](answer)
}

// card is what is shown of an opened case.
func (h *cards) card(f *records.File, now time.Time) (*amparov1.Card, error) {
	held, err := f.Safety()
	if err != nil {
		return nil, err
	}
	plan, err := f.Plan(0)
	if err != nil {
		return nil, err
	}
	c, emergency := f.Case(), plan.GetContent().GetEmergencyPlan()
	withheld := emergency != "" && safety.HidesNames(held)
	if withheld {
		emergency = ""
	}
	return &amparov1.Card{
		CaseId: c.GetId(), Pseudonym: c.GetPseudonym(), State: c.GetState(), RiskLevel: c.GetRiskLevel(),
		Advice: safety.Advise(held, zone, now),
		OnDuty: h.onDuty(c, held, now), EmergencyPlan: emergency, EmergencyPlanWithheld: withheld,
	}, nil
}

// onDuty are the owner, the team, and whoever is on call for the office in the
// person's language, each once.
func (h *cards) onDuty(c *amparov1.Case, held *amparov1.Safety, now time.Time) []*amparov1.CardDuty {
	var all []*amparov1.CardDuty
	add := func(part amparov1.CardPart, ids ...string) {
		for _, id := range ids {
			there := func(one *amparov1.CardDuty) bool { return one.GetStaffId() == id }
			if id == "" || slices.Contains(c.GetExcludedStaffIds(), id) || slices.ContainsFunc(all, there) {
				continue
			}
			all = append(all, &amparov1.CardDuty{StaffId: id, Name: h.s.records.Directory().ByID(id).GetName(), Part: part})
		}
	}
	language := ""
	for _, contact := range held.GetContacts() {
		language = cmp.Or(language, contact.GetContact().GetWay().GetLanguage())
	}
	add(amparov1.CardPart_CARD_PART_OWNER, c.GetOwnerId())
	add(amparov1.CardPart_CARD_PART_TEAM, c.GetTeamIds()...)
	add(amparov1.CardPart_CARD_PART_ON_CALL, h.s.records.Board().OnDuty(c.GetOffice(), language, now)...)
	if safety.HidesNames(held) {
		for _, one := range all {
			one.StaffId, one.Name = "", ""
		}
	}
	return all
}

// AddIncident adds an act against the person.
func (h *cards) AddIncident(ctx context.Context, req *amparov1.AddIncidentRequest) (*amparov1.AddIncidentResponse, error) {
	staffID := callOf(ctx).grant.StaffID()
	return write(ctx, h.s, req, func(w *records.Work, f *records.File) (*amparov1.AddIncidentResponse, error) {
		entry, err := actOf(ctx, w).AddIncident(f.Case(), req.GetIncident())
		if err != nil {
			return nil, err
		}
		f.Append(entry)
		return &amparov1.AddIncidentResponse{Case: receipt(f)}, tellOwner(w, f, staffID)
	})
}

// RaiseRisk raises the risk level at once.
func (h *cards) RaiseRisk(ctx context.Context, req *amparov1.RaiseRiskRequest) (*amparov1.RaiseRiskResponse, error) {
	staffID := callOf(ctx).grant.StaffID()
	return write(ctx, h.s, req, func(w *records.Work, f *records.File) (*amparov1.RaiseRiskResponse, error) {
		assessments, err := f.Assessments()
		if err != nil {
			return nil, err
		}
		made, entry, err := actOf(ctx, w).RaiseRisk(f.Case(), assessments, req.GetJudgement())
		if err != nil {
			return nil, err
		}
		f.SetAssessments(made)
		f.Append(entry)
		return &amparov1.RaiseRiskResponse{Case: receipt(f)}, tellOwner(w, f, staffID)
	})
}

// ExcludeStaff sets who must not learn of a case.
func (h *cards) ExcludeStaff(ctx context.Context, req *amparov1.ExcludeStaffRequest) (*amparov1.ExcludeStaffResponse, error) {
	roles := callOf(ctx).caller.Staff.GetRoles()
	mayAdmit := access.Reviews(roles)
	return write(ctx, h.s, req, func(w *records.Work, f *records.File) (*amparov1.ExcludeStaffResponse, error) {
		c := f.Case()
		ofOffice := func(id string) bool {
			return slices.Contains(h.s.records.Directory().ByID(id).GetOffices(), c.GetOffice())
		}
		entry, err := actOf(ctx, w).Exclude(c, req.GetStaffIds(), ofOffice, mayAdmit)
		if err != nil {
			return nil, err
		}
		f.Append(entry)
		return &amparov1.ExcludeStaffResponse{Case: receipt(f)}, h.s.barFromMerged(ctx, w, c)
	})
}
