package server

import (
	"context"
	"slices"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/disclosure"
	"github.com/amparo-project/amparo/internal/records"
)

// disclosures serves DisclosureService.
type disclosures struct {
	amparov1.UnimplementedDisclosureServiceServer
	s *Server
}

// CheckHarm records a do-no-harm check.
func (h *disclosures) CheckHarm(ctx context.Context, req *amparov1.CheckHarmRequest) (*amparov1.CheckHarmResponse, error) {
	return enter(ctx, h.s, req, func(act disclosure.Act, _ *records.Work, _ *records.File) (disclosure.Added, error) {
		return act.CheckHarm(req.GetHarm())
	}, func(f *records.File, added disclosure.Added) *amparov1.CheckHarmResponse {
		check := added.Last().GetCheck()
		return &amparov1.CheckHarmResponse{
			Case: receipt(f), Number: added.Last().GetNumber(), ApprovalsNeeded: check.GetApprovalsNeeded(), ValidUntil: check.GetValidUntil(),
		}
	})
}

// StateBasis states a basis other than consent.
func (h *disclosures) StateBasis(ctx context.Context, req *amparov1.StateBasisRequest) (*amparov1.StateBasisResponse, error) {
	return enter(ctx, h.s, req, func(act disclosure.Act, _ *records.Work, _ *records.File) (disclosure.Added, error) {
		return act.StateBasis(req.GetBasis())
	}, func(f *records.File, added disclosure.Added) *amparov1.StateBasisResponse {
		return &amparov1.StateBasisResponse{
			Case: receipt(f), Number: added.Last().GetNumber(), ApprovalsNeeded: added.Last().GetBasis().GetApprovalsNeeded(),
		}
	})
}

// ApproveDisclosure is a second person's word.
func (h *disclosures) ApproveDisclosure(ctx context.Context, req *amparov1.ApproveDisclosureRequest) (*amparov1.ApproveDisclosureResponse, error) {
	missing := uint32(0)
	return enter(ctx, h.s, req, func(act disclosure.Act, w *records.Work, f *records.File) (added disclosure.Added, err error) {
		if added, missing, err = act.Approve(req.GetEntry()); err != nil {
			return added, err
		}
		return added, tellOwner(w, f, act.StaffID)
	}, func(f *records.File, added disclosure.Added) *amparov1.ApproveDisclosureResponse {
		return &amparov1.ApproveDisclosureResponse{Case: receipt(f), Number: added.Last().GetNumber(), ApprovalsMissing: missing}
	})
}

// Disclose records that something leaves, if the gate allows it.
func (h *disclosures) Disclose(ctx context.Context, req *amparov1.DiscloseRequest) (*amparov1.DiscloseResponse, error) {
	return write(ctx, h.s, req, func(w *records.Work, f *records.File) (*amparov1.DiscloseResponse, error) {
		entry, err := w.Disclose(f, req.GetDisclosure())
		if err != nil {
			return nil, err
		}
		left := entry.GetDisclosure()
		return &amparov1.DiscloseResponse{
			Case: receipt(f), Number: entry.GetNumber(), Consents: left.GetConsents(), Check: left.GetCheck(), Basis: left.GetBasis(),
			SecondDueAt: left.GetSecondDueAt(),
		}, tellOwner(w, f, callOf(ctx).grant.StaffID())
	})
}

// CountersignDisclosure is the second signature.
func (h *disclosures) CountersignDisclosure(ctx context.Context, req *amparov1.CountersignDisclosureRequest) (*amparov1.CountersignDisclosureResponse, error) {
	return enter(ctx, h.s, req, func(act disclosure.Act, _ *records.Work, _ *records.File) (disclosure.Added, error) {
		return act.Countersign(req.GetEntry())
	}, func(f *records.File, added disclosure.Added) *amparov1.CountersignDisclosureResponse {
		return &amparov1.CountersignDisclosureResponse{Case: receipt(f), Number: added.Last().GetNumber()}
	})
}

// ReportBreach records something that should not have left. Like a withdrawal it shows
// nothing of the case.
func (h *disclosures) ReportBreach(ctx context.Context, req *amparov1.ReportBreachRequest) (*amparov1.ReportBreachResponse, error) {
	return enter(ctx, h.s, req, func(act disclosure.Act, w *records.Work, f *records.File) (disclosure.Added, error) {
		added, err := act.Breach(req.GetBreach())
		if err != nil {
			return added, err
		}
		return added, w.Tell(slices.Concat(h.protectors(f.Case()), []string{f.Case().GetOwnerId()})...)
	}, func(f *records.File, added disclosure.Added) *amparov1.ReportBreachResponse {
		return &amparov1.ReportBreachResponse{
			CaseId: f.ID(), Number: added.Last().GetNumber(), NoticeDueAt: disclosure.NoticeDue(f.Case(), added.Last().GetNumber()),
		}
	})
}

// protectors are the data protection officers of a case's office, who are told of every
// breach in a case that does not exclude them. Where there is none, those are told who
// answer for the office.
func (h *disclosures) protectors(c *amparov1.Case) []string {
	var officers, answering []string
	for _, member := range h.s.records.Directory().Staff() {
		excluded := slices.Contains(c.GetExcludedStaffIds(), member.GetId())
		if excluded || !slices.Contains(member.GetOffices(), c.GetOffice()) || !access.InService(member, h.s.records.Now()) {
			continue
		}
		switch {
		case slices.Contains(member.GetRoles(), amparov1.Role_ROLE_DATA_PROTECTION_OFFICER):
			officers = append(officers, member.GetId())
		case access.Reviews(member.GetRoles()) && access.MayKnow(member, c):
			answering = append(answering, member.GetId())
		}
	}
	if len(officers) == 0 {
		return answering
	}
	return officers
}

// ListBreaches shows the register.
func (h *disclosures) ListBreaches(ctx context.Context, req *amparov1.ListBreachesRequest) (*amparov1.ListBreachesResponse, error) {
	rows, err := h.s.records.Breaches(ctx, callOf(ctx).grant, req.GetAll())
	if err != nil {
		return nil, err
	}
	return &amparov1.ListBreachesResponse{Breaches: rows}, nil
}

// RecordInformed records that the person was told.
func (h *disclosures) RecordInformed(ctx context.Context, req *amparov1.RecordInformedRequest) (*amparov1.RecordInformedResponse, error) {
	return enter(ctx, h.s, req, func(act disclosure.Act, _ *records.Work, _ *records.File) (disclosure.Added, error) {
		return act.Inform(req.GetEntry(), req.GetText())
	}, func(f *records.File, added disclosure.Added) *amparov1.RecordInformedResponse {
		return &amparov1.RecordInformedResponse{Case: receipt(f), Number: added.Last().GetNumber()}
	})
}

// AnswerReturn records what a past recipient answered.
func (h *disclosures) AnswerReturn(ctx context.Context, req *amparov1.AnswerReturnRequest) (*amparov1.AnswerReturnResponse, error) {
	return enter(ctx, h.s, req, func(act disclosure.Act, _ *records.Work, _ *records.File) (disclosure.Added, error) {
		return act.AnswerReturn(req.GetRequest(), req.GetOutcome(), req.GetText())
	}, func(f *records.File, added disclosure.Added) *amparov1.AnswerReturnResponse {
		return &amparov1.AnswerReturnResponse{Case: receipt(f), Number: added.Last().GetNumber()}
	})
}
