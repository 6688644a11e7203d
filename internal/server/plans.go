package server

import (
	"context"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/records"
)

// plans serves PlanService.
type plans struct {
	amparov1.UnimplementedPlanServiceServer
	s *Server
}

// SetPlan writes the next version of a protection plan.
func (h *plans) SetPlan(ctx context.Context, req *amparov1.SetPlanRequest) (*amparov1.SetPlanResponse, error) {
	return write(ctx, h.s, req, func(w *records.Work, f *records.File) (*amparov1.SetPlanResponse, error) {
		plan, entry, err := actOf(ctx, w).SetPlan(f.Case(), req.GetPlan())
		if err != nil {
			return nil, err
		}
		f.AddPlan(plan)
		f.Append(entry)
		return &amparov1.SetPlanResponse{Case: receipt(f), PlanVersion: plan.GetVersion()}, nil
	})
}

// GetPlan shows a version of a protection plan.
func (h *plans) GetPlan(ctx context.Context, req *amparov1.GetPlanRequest) (*amparov1.GetPlanResponse, error) {
	return read(ctx, h.s, req.GetCaseId(), func(f *records.File) (*amparov1.GetPlanResponse, error) {
		plan, err := f.Plan(req.GetPlanVersion())
		if err != nil {
			return nil, err
		}
		if plan == nil && req.GetPlanVersion() != 0 {
			return nil, fault.Field(amparov1.Reason_REASON_FIELD_INVALID, "plan_version", "is one that was written")
		}
		return &amparov1.GetPlanResponse{Plan: plan, NewestVersion: f.Case().GetPlan().GetVersion()}, nil
	})
}
