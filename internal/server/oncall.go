package server

import (
	"context"
	"slices"

	"google.golang.org/grpc"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/duty"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/records"
)

// oncall serves OnCallService.
type oncall struct {
	amparov1.UnimplementedOnCallServiceServer
	s *Server
}

// GetRota shows who answers when.
func (h *oncall) GetRota(ctx context.Context, req *amparov1.GetRotaRequest) (*amparov1.GetRotaResponse, error) {
	grant := callOf(ctx).grant
	where, err := offices(grant, req.GetOffice())
	if err != nil {
		return nil, err
	}
	return h.s.records.Rotas(ctx, grant, where)
}

// SetRota announces who answers when.
func (h *oncall) SetRota(ctx context.Context, req *amparov1.SetRotaRequest) (*amparov1.SetRotaResponse, error) {
	c := callOf(ctx)
	if !slices.Contains(c.grant.Offices(), req.GetRota().GetOffice()) {
		return nil, fault.Field(amparov1.Reason_REASON_OFFICE_UNKNOWN, "rota.office", "must be one of your offices")
	}
	return update(ctx, h.s, req.GetRequestId(), records.Targets(h.s.records.DutyFile()), func(w *records.Work) (*amparov1.SetRotaResponse, error) {
		rota, unreachable, err := w.Announce(req.GetRota(), req.GetAddresses())
		if err != nil {
			return nil, err
		}
		return &amparov1.SetRotaResponse{Rota: rota, UnreachableIds: unreachable}, nil
	})
}

// ListAlarms shows the open alarms that are the caller's.
func (h *oncall) ListAlarms(ctx context.Context, req *amparov1.ListAlarmsRequest) (*amparov1.ListAlarmsResponse, error) {
	alarms, err := h.s.records.Alarms(ctx, callOf(ctx).grant, req.GetOffice())
	if err != nil {
		return nil, err
	}
	return &amparov1.ListAlarmsResponse{Alarms: alarms}, nil
}

// WatchAlarms streams them as they change.
func (h *oncall) WatchAlarms(req *amparov1.WatchAlarmsRequest, stream grpc.ServerStreamingServer[amparov1.WatchAlarmsResponse]) error {
	return h.s.records.WatchAlarms(stream.Context(), callOf(stream.Context()).grant, req.GetOffice(), stream.Send)
}

// AcknowledgeAlarm takes one.
func (h *oncall) AcknowledgeAlarm(ctx context.Context, req *amparov1.AcknowledgeAlarmRequest) (*amparov1.AcknowledgeAlarmResponse, error) {
	c := callOf(ctx)
	return update(ctx, h.s, req.GetRequestId(), records.Targets(h.s.records.DutyFile()), func(w *records.Work) (*amparov1.AcknowledgeAlarmResponse, error) {
		alarm, err := w.Acknowledge(req.GetAlarmId(), c.caller.Staff)
		if err != nil {
			return nil, err
		}
		return &amparov1.AcknowledgeAlarmResponse{Alarm: alarm}, nil
	})
}

// raiseExtreme raises an alarm where an act has made a case's risk extreme, in that
// act's own commit. before is the level that was in force.
func raiseExtreme(w *records.Work, f *records.File, before amparov1.RiskLevel) error {
	if !duty.Extreme(before, f.Case().GetRiskLevel()) {
		return nil
	}
	return w.Raise(amparov1.AlarmKind_ALARM_KIND_EXTREME, f, "")
}
