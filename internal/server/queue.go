package server

import (
	"context"
	"slices"

	"google.golang.org/grpc"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/records"
)

// queue serves QueueService.
type queue struct {
	amparov1.UnimplementedQueueServiceServer
	s *Server
}

// offices are those that a request is about: the one it names, which must be the
// caller's, or all of the caller's.
func offices(grant access.Grant, named string) ([]string, error) {
	if named == "" {
		return grant.Offices(), nil
	}
	if !slices.Contains(grant.Offices(), named) {
		return nil, fault.Field(amparov1.Reason_REASON_OFFICE_UNKNOWN, "office", "must be one of your offices")
	}
	return []string{named}, nil
}

// ListQueue shows the cases that the caller may know of.
func (h *queue) ListQueue(ctx context.Context, req *amparov1.ListQueueRequest) (*amparov1.ListQueueResponse, error) {
	grant := callOf(ctx).grant
	where, err := offices(grant, req.GetOffice())
	if err != nil {
		return nil, err
	}
	query := records.QueueQuery{
		Offices: where, States: req.GetStates(), AtLeast: req.GetAtLeast(), Mine: req.GetMine(),
		Limit: int(req.GetPageSize()), PageToken: req.GetPageToken(),
	}
	if query.Limit == 0 {
		query.Limit = defaultPage
	}
	if req.GetDueBefore() != nil {
		query.DueBefore = req.GetDueBefore().AsTime()
	}
	rows, next, err := h.s.records.Queue(ctx, grant, query)
	if err != nil {
		return nil, err
	}
	return &amparov1.ListQueueResponse{Rows: rows, NextPageToken: next}, nil
}

// WatchQueue streams the rows that change.
func (h *queue) WatchQueue(req *amparov1.WatchQueueRequest, stream grpc.ServerStreamingServer[amparov1.WatchQueueResponse]) error {
	grant := callOf(stream.Context()).grant
	where, err := offices(grant, req.GetOffice())
	if err != nil {
		return err
	}
	return h.s.records.WatchQueue(stream.Context(), grant, where, func(rows []*amparov1.QueueRow) error {
		return stream.Send(&amparov1.WatchQueueResponse{Rows: rows})
	})
}

const defaultFound = 20

// SearchCases finds cases by what their subject is known by.
func (h *queue) SearchCases(ctx context.Context, req *amparov1.SearchCasesRequest) (*amparov1.SearchCasesResponse, error) {
	limit := int(req.GetLimit())
	if limit == 0 {
		limit = defaultFound
	}
	rows, truncated, err := h.s.records.Search(ctx, callOf(ctx).grant, req.GetText(), limit)
	if err != nil {
		return nil, err
	}
	return &amparov1.SearchCasesResponse{Rows: rows, Truncated: truncated}, nil
}
