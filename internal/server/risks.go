package server

import (
	"context"
	"slices"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/records"
)

// risks serves RiskService.
type risks struct {
	amparov1.UnimplementedRiskServiceServer
	s *Server
}

// shownAssessments is how many assessments of a case are shown.
const shownAssessments = 50

// AssessRisk records an assessment.
func (h *risks) AssessRisk(ctx context.Context, req *amparov1.AssessRiskRequest) (*amparov1.AssessRiskResponse, error) {
	return write(ctx, h.s, req, func(w *records.Work, f *records.File) (*amparov1.AssessRiskResponse, error) {
		assessments, err := f.Assessments()
		if err != nil {
			return nil, err
		}
		made, entry, err := actOf(ctx, w).AssessRisk(f.Case(), assessments, req.GetJudgement())
		if err != nil {
			return nil, err
		}
		f.SetAssessments(made)
		f.Append(entry)
		return &amparov1.AssessRiskResponse{
			CaseId: f.ID(), Version: f.Version(),
			RiskLevel: f.Case().GetRiskLevel(), RiskLevelProposed: f.Case().GetRiskLevelProposed(),
			IndicativeLevel: made[len(made)-1].GetIndicativeLevel(),
		}, nil
	})
}

// ConfirmRisk puts a lowered level in force.
func (h *risks) ConfirmRisk(ctx context.Context, req *amparov1.ConfirmRiskRequest) (*amparov1.ConfirmRiskResponse, error) {
	return write(ctx, h.s, req, func(w *records.Work, f *records.File) (*amparov1.ConfirmRiskResponse, error) {
		assessments, err := f.Assessments()
		if err != nil {
			return nil, err
		}
		made, entry, err := actOf(ctx, w).ConfirmRisk(f.Case(), assessments)
		if err != nil {
			return nil, err
		}
		f.SetAssessments(made)
		f.Append(entry)
		return &amparov1.ConfirmRiskResponse{CaseId: f.ID(), Version: f.Version(), RiskLevel: f.Case().GetRiskLevel()}, nil
	})
}

// ListRiskAssessments shows the assessments of a case, newest first.
func (h *risks) ListRiskAssessments(ctx context.Context, req *amparov1.ListRiskAssessmentsRequest) (*amparov1.ListRiskAssessmentsResponse, error) {
	return read(ctx, h.s, req.GetCaseId(), func(f *records.File) (*amparov1.ListRiskAssessmentsResponse, error) {
		assessments, err := f.Assessments()
		if err != nil {
			return nil, err
		}
		slices.Reverse(assessments)
		shown := assessments[:min(len(assessments), shownAssessments)]
		return &amparov1.ListRiskAssessmentsResponse{Assessments: shown}, nil
	})
}
