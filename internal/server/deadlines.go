package server

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/casefile"
	"github.com/amparo-project/amparo/internal/records"
)

// deadlines serves DeadlineService.
type deadlines struct {
	amparov1.UnimplementedDeadlineServiceServer
	s *Server
}

// ListDeadlines shows what is due.
func (h *deadlines) ListDeadlines(ctx context.Context, req *amparov1.ListDeadlinesRequest) (*amparov1.ListDeadlinesResponse, error) {
	grant := callOf(ctx).grant
	where, err := offices(grant, req.GetOffice())
	if err != nil {
		return nil, err
	}
	query := records.QueueQuery{Offices: where, Limit: int(req.GetPageSize()), PageToken: req.GetPageToken()}
	if query.Limit == 0 {
		query.Limit = defaultPage
	}
	switch now := h.s.records.Now(); {
	case req.GetOverdue():
		query.DueBefore = now
	case req.GetWithin() != nil:
		query.DueBefore = now.Add(req.GetWithin().AsDuration())
	}
	rows, next, err := h.s.records.Deadlines(ctx, grant, query)
	if err != nil {
		return nil, err
	}
	return &amparov1.ListDeadlinesResponse{Rows: rows, NextPageToken: next}, nil
}

// PauseTerm lets a term rest.
func (h *deadlines) PauseTerm(ctx context.Context, req *amparov1.PauseTermRequest) (*amparov1.PauseTermResponse, error) {
	return step(ctx, h.s, req, func(act casefile.Act, c *amparov1.Case) (*amparov1.TimelineEntry, error) {
		return act.PauseTerm(c, req.GetKind(), req.GetReason())
	}, func(r *amparov1.CaseReceipt) *amparov1.PauseTermResponse {
		return &amparov1.PauseTermResponse{Case: r}
	})
}

// ResumeTerm lets a term go on.
func (h *deadlines) ResumeTerm(ctx context.Context, req *amparov1.ResumeTermRequest) (*amparov1.ResumeTermResponse, error) {
	return step(ctx, h.s, req, func(act casefile.Act, c *amparov1.Case) (*amparov1.TimelineEntry, error) {
		return act.ResumeTerm(c, req.GetKind())
	}, func(r *amparov1.CaseReceipt) *amparov1.ResumeTermResponse {
		return &amparov1.ResumeTermResponse{Case: r}
	})
}

// ConfirmClock says that the service's clock is right.
func (h *deadlines) ConfirmClock(ctx context.Context, req *amparov1.ConfirmClockRequest) (*amparov1.ConfirmClockResponse, error) {
	at, err := h.s.records.ConfirmClock(ctx, callOf(ctx).grant, req.GetAt().AsTime())
	if err != nil {
		return nil, err
	}
	return &amparov1.ConfirmClockResponse{At: timestamppb.New(at)}, nil
}
