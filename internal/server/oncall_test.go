package server_test

import (
	"testing"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/records"
)

// acknowledgeOffShift takes an alarm as a case officer of the office, where every
// operator is on shift.
func (b *bench) acknowledgeOffShift(t *testing.T) error {
	request := &amparov1.AssessRiskRequest{RequestId: records.NewID(), CaseId: b.newCase(t, b.officer, nil), Judgement: judgement()}
	request.Judgement.Level = amparov1.RiskLevel_RISK_LEVEL_EXTREME
	if _, err := amparov1.NewRiskServiceClient(b.officer.Conn).AssessRisk(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	open, err := amparov1.NewOnCallServiceClient(b.officer.Conn).ListAlarms(t.Context(), &amparov1.ListAlarmsRequest{})
	if err != nil || len(open.GetAlarms()) != 1 {
		t.Fatalf("%d alarms are open: %v", len(open.GetAlarms()), err)
	}
	off := b.Enrol(t, canary, []amparov1.Role{amparov1.Role_ROLE_CASE_OFFICER}, []string{"north"})
	_, err = amparov1.NewOnCallServiceClient(off.Conn).AcknowledgeAlarm(t.Context(), &amparov1.AcknowledgeAlarmRequest{
		RequestId: records.NewID(), AlarmId: open.GetAlarms()[0].GetId(),
	})
	return err
}
