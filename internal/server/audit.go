package server

import (
	"context"
	"encoding/binary"

	"google.golang.org/grpc"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
)

// auditing serves AuditService.
type auditing struct {
	amparov1.UnimplementedAuditServiceServer
	s *Server
}

// ListLeaves shows the log, newest first.
func (h *auditing) ListLeaves(ctx context.Context, req *amparov1.ListLeavesRequest) (*amparov1.ListLeavesResponse, error) {
	grant := callOf(ctx).grant
	place, err := h.s.records.OpenCursor(grant, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	if req.GetPageToken() == "" {
		if err := h.s.records.CatchUp(ctx); err != nil {
			return nil, err
		}
	}
	size := h.s.records.LogSize()
	before := size
	if len(place) == 8 {
		before = min(size, binary.BigEndian.Uint64(place))
	}
	limit := int(req.GetPageSize())
	if limit == 0 {
		limit = defaultPage
	}
	leaves, err := h.s.records.Leaves(ctx, before, limit)
	if err != nil {
		return nil, err
	}
	answer := &amparov1.ListLeavesResponse{Size: size}
	for _, leaf := range leaves {
		if req.GetSince() != nil && leaf.GetLeaf().GetRecordedAt().AsTime().Before(req.GetSince().AsTime()) {
			return answer, h.s.records.Note(ctx, grant, &amparov1.AuditLeaf{})
		}
		answer.Leaves = append(answer.Leaves, leaf)
	}
	if len(leaves) == limit && leaves[limit-1].GetIndex() > 0 {
		last := binary.BigEndian.AppendUint64(nil, leaves[limit-1].GetIndex())
		answer.NextPageToken = h.s.records.SealCursor(grant, last)
	}
	return answer, h.s.records.Note(ctx, grant, &amparov1.AuditLeaf{})
}

// exportBytes is about how much of the log is sent in one part: with one leaf more, and
// what the message itself takes, it stays below the largest message.
const exportBytes = 768 << 10

// ExportLog streams the log, its own leaf included.
func (h *auditing) ExportLog(_ *amparov1.ExportLogRequest, stream grpc.ServerStreamingServer[amparov1.ExportLogResponse]) error {
	ctx := stream.Context()
	if err := h.s.records.Note(ctx, callOf(ctx).grant, &amparov1.AuditLeaf{}); err != nil {
		return err
	}
	if err := h.s.records.CatchUp(ctx); err != nil {
		return err
	}
	checkpoint, size := h.s.records.Checkpoint()
	if err := stream.Send(&amparov1.ExportLogResponse{Checkpoint: checkpoint, LogKey: h.s.records.LogKey()}); err != nil {
		return err
	}
	part, bytes := &amparov1.ExportLogResponse{}, 0
	err := h.s.records.EachLeaf(ctx, size, func(raw []byte) error {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		part.Leaves = append(part.Leaves, raw)
		if bytes += len(raw); bytes < exportBytes {
			return nil
		}
		full := part
		part, bytes = &amparov1.ExportLogResponse{Leaves: make([][]byte, 0, len(full.GetLeaves()))}, 0
		return stream.Send(full)
	})
	if err != nil || len(part.GetLeaves()) == 0 {
		return err
	}
	return stream.Send(part)
}

// GetCheckpoint returns a checkpoint, cosigned where it can be, and the proof that it
// extends an older one.
func (h *auditing) GetCheckpoint(ctx context.Context, req *amparov1.GetCheckpointRequest) (*amparov1.GetCheckpointResponse, error) {
	if req.GetUpToDate() {
		if err := h.s.records.CatchUp(ctx); err != nil {
			return nil, err
		}
	}
	checkpoint, proof, err := h.s.records.Consistency(ctx, req.GetOldSize())
	if err != nil {
		return nil, err
	}
	if checkpoint == "" {
		return nil, fault.Field(amparov1.Reason_REASON_FIELD_INVALID, "old_size", "must not be beyond the log")
	}
	return &amparov1.GetCheckpointResponse{Checkpoint: checkpoint, Proof: proof}, h.s.records.Note(ctx, callOf(ctx).grant, &amparov1.AuditLeaf{})
}

// DrawSample draws entries of ledgers at random.
func (h *auditing) DrawSample(ctx context.Context, req *amparov1.DrawSampleRequest) (*amparov1.DrawSampleResponse, error) {
	return h.s.records.DrawSample(ctx, callOf(ctx).grant, req)
}

// OpenSample opens the entries of a sample, redacted.
func (h *auditing) OpenSample(ctx context.Context, req *amparov1.OpenSampleRequest) (*amparov1.OpenSampleResponse, error) {
	return h.s.records.OpenSample(ctx, callOf(ctx).grant, req.GetSample())
}
