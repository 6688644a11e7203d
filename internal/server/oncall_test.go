package server_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/servertest"
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

func onCall(p *servertest.Person) amparov1.OnCallServiceClient {
	return amparov1.NewOnCallServiceClient(p.Conn)
}

// alarms are those that a person is shown.
func alarms(t *testing.T, p *servertest.Person) []*amparov1.Alarm {
	t.Helper()
	answer, err := onCall(p).ListAlarms(t.Context(), &amparov1.ListAlarmsRequest{})
	if err != nil {
		t.Fatalf("%s: %v", p.Name, err)
	}
	return answer.GetAlarms()
}

func assess(t *testing.T, p *servertest.Person, id string, level amparov1.RiskLevel) {
	t.Helper()
	request := &amparov1.AssessRiskRequest{RequestId: records.NewID(), CaseId: id, Judgement: judgement()}
	request.Judgement.Level = level
	if _, err := amparov1.NewRiskServiceClient(p.Conn).AssessRisk(t.Context(), request); err != nil {
		t.Fatal(err)
	}
}

func acknowledge(t *testing.T, p *servertest.Person, alarm string) (*amparov1.Alarm, error) {
	t.Helper()
	answer, err := onCall(p).AcknowledgeAlarm(t.Context(), &amparov1.AcknowledgeAlarmRequest{RequestId: records.NewID(), AlarmId: alarm})
	return answer.GetAlarm(), err
}

const (
	high    = amparov1.RiskLevel_RISK_LEVEL_HIGH
	extreme = amparov1.RiskLevel_RISK_LEVEL_EXTREME
)

// TestAnExtremeRiskRaisesOneAlarm whichever act makes it extreme, in the language of
// the safe contact, and not again while it is open.
func TestAnExtremeRiskRaisesOneAlarm(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	head, operator := w.north[amparov1.Role_ROLE_HEAD_OF_SECRETARIAT], w.north[amparov1.Role_ROLE_HOTLINE_OPERATOR]
	request := newIntake()
	request.Intake.SafeContact = &amparov1.SafeContact{Channel: amparov1.ContactChannel_CONTACT_CHANNEL_SIGNAL, Language: "prs"}
	taken, err := amparov1.NewCaseServiceClient(head.Conn).CreateIntake(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	id := taken.GetCase().GetCaseId()
	assess(t, head, id, high)
	if open := alarms(t, operator); len(open) != 0 {
		t.Fatalf("%d alarms for a high risk", len(open))
	}
	assess(t, head, id, extreme)
	assess(t, head, id, extreme)
	open := alarms(t, operator)
	if len(open) != 1 || open[0].GetKind() != amparov1.AlarmKind_ALARM_KIND_EXTREME || open[0].GetCaseId() != id ||
		open[0].GetOffice() != "north" || open[0].GetLanguage() != "prs" {
		t.Fatalf("%d alarms, or another than was raised", len(open))
	}
	other := w.newCase(t, head, nil)
	triage := w.request(t, methodOf(t, "CaseService/TriageCase"), aim{caseID: other}).(*amparov1.TriageCaseRequest)
	triage.Risk.Level = extreme
	if _, err := amparov1.NewCaseServiceClient(head.Conn).TriageCase(t.Context(), triage); err != nil {
		t.Fatal(err)
	}
	if open := alarms(t, operator); len(open) != 2 || open[1].GetCaseId() != other {
		t.Errorf("%d alarms after an extreme triage, want a second", len(open))
	}
}

// TestWhoSeesAnAlarm: who is on shift for it, reviewer or head of its office; the
// case only to those who may know of it; and nothing to somebody excluded.
func TestWhoSeesAnAlarm(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	head, operator := w.north[amparov1.Role_ROLE_HEAD_OF_SECRETARIAT], w.north[amparov1.Role_ROLE_HOTLINE_OPERATOR]
	reviewer, officer := w.north[amparov1.Role_ROLE_REVIEWER], w.north[amparov1.Role_ROLE_CASE_OFFICER]
	second := w.Enrol(t, "second operator", []amparov1.Role{amparov1.Role_ROLE_HOTLINE_OPERATOR}, []string{"north"})
	id := w.newCase(t, head, func(c *amparov1.Case) {
		c.TeamIds, c.Restricted, c.ExcludedStaffIds = []string{head.StaffID}, true, []string{second.StaffID}
	})
	assess(t, head, id, extreme)
	var alarm string
	for _, row := range []struct {
		what   string
		person *servertest.Person
		shown  string
		refuse string
	}{
		{"on shift", operator, id, ""},
		{"on shift, excluded from the case", second, "-", "NOT_FOUND"},
		{"off shift", officer, "-", "NOT_ON_SHIFT"},
		{"of another office", w.operator, "-", "NOT_FOUND"},
		{"reviewer of another office", w.reviewer, "-", "NOT_FOUND"},
		{"head, who may know of a restricted case", head, id, ""},
		{"reviewer, who may not", reviewer, "", ""},
	} {
		open := alarms(t, row.person)
		got := "-"
		if len(open) == 1 {
			got, alarm = open[0].GetCaseId(), open[0].GetId()
		}
		if got != row.shown {
			t.Errorf("%s: is shown %q, want %q", row.what, got, row.shown)
		}
		if row.refuse == "" {
			continue
		}
		if _, err := acknowledge(t, row.person, alarm); reason(err) != row.refuse {
			t.Errorf("%s: takes it: %v, want %s", row.what, err, row.refuse)
		}
	}
	if taken, err := acknowledge(t, reviewer, alarm); err != nil || taken.GetAcknowledgedById() != reviewer.StaffID || taken.GetCaseId() != "" {
		t.Errorf("the reviewer takes it: %v, by %s", err, taken.GetAcknowledgedById())
	}
	if taken, err := acknowledge(t, operator, alarm); err != nil || taken.GetAcknowledgedById() != reviewer.StaffID {
		t.Errorf("the operator comes later: %v, and is told of %s", err, taken.GetAcknowledgedById())
	}
	if open := alarms(t, head); len(open) != 0 {
		t.Errorf("%d alarms are open after that", len(open))
	}
}

// TestAWatchOfAlarmsPushesAtOnce what is raised and taken, with a leaf for each.
func TestAWatchOfAlarmsPushesAtOnce(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	head, operator := w.north[amparov1.Role_ROLE_HEAD_OF_SECRETARIAT], w.north[amparov1.Role_ROLE_HOTLINE_OPERATOR]
	id := w.newCase(t, head, nil)
	before := w.size(t)
	stream, err := onCall(operator).WatchAlarms(t.Context(), &amparov1.WatchAlarmsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	batch := func() *amparov1.WatchAlarmsResponse {
		t.Helper()
		got, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if first := batch(); len(first.GetAlarms()) != 0 {
		t.Errorf("%d alarms at the opening", len(first.GetAlarms()))
	}
	time.Sleep(1100 * time.Millisecond) // the opening was a batch
	begun := time.Now()
	assess(t, head, id, extreme)
	raised := batch()
	if took := time.Since(begun); len(raised.GetAlarms()) != 1 || took > 5*time.Second { // a watch looks again by itself after 15 s
		t.Fatalf("%d alarms after %v", len(raised.GetAlarms()), took)
	}
	alarm := raised.GetAlarms()[0].GetId()
	if _, err := acknowledge(t, head, alarm); err != nil {
		t.Fatal(err)
	}
	if gone := batch(); len(gone.GetGoneIds()) != 1 || gone.GetGoneIds()[0] != alarm {
		t.Errorf("%v are gone, want the alarm", gone.GetGoneIds())
	}
	pushed := 0
	for _, leaf := range w.since(t, before) {
		if leaf.GetAction() == amparov1.LeafAction_LEAF_ACTION_ALARM_WATCH {
			pushed++
		}
	}
	if pushed != 3 {
		t.Errorf("%d leaves for three batches", pushed)
	}
}

// TestSettingARota: the office must be one's own, a repetition is answered with the
// first result, addresses come back to nobody, and the rota decides who is on shift.
func TestSettingARota(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	reviewer, officer := w.north[amparov1.Role_ROLE_REVIEWER], w.north[amparov1.Role_ROLE_CASE_OFFICER]
	operator := w.north[amparov1.Role_ROLE_HOTLINE_OPERATOR]
	now := time.Now()
	request := &amparov1.SetRotaRequest{
		RequestId: records.NewID(),
		Rota: &amparov1.Rota{Office: "north", Slots: []*amparov1.RotaSlot{{
			From: timestamppb.New(now.Add(-time.Hour)), Until: timestamppb.New(now.Add(time.Hour)), StaffIds: []string{officer.StaffID},
		}}},
		Addresses: []*amparov1.StaffAddress{{StaffId: officer.StaffID, Mail: canary + "@example.org"}},
	}
	foreign := proto.CloneOf(request)
	foreign.Rota.Office = "south"
	if _, err := onCall(reviewer).SetRota(t.Context(), foreign); reason(err) != "OFFICE_UNKNOWN" {
		t.Errorf("for another office: %v", err)
	}
	for _, other := range []string{w.operator.StaffID, records.NewID()} {
		elsewhere := proto.CloneOf(request)
		elsewhere.Addresses[0].StaffId = other
		if _, err := onCall(reviewer).SetRota(t.Context(), elsewhere); reason(err) != "STAFF_UNSUITABLE" {
			t.Errorf("with the address of somebody who is not of the office: %v", err)
		}
	}
	first, err := onCall(reviewer).SetRota(t.Context(), request)
	if err != nil || len(first.GetUnreachableIds()) != 0 {
		t.Fatalf("%v, and %d cannot be reached", err, len(first.GetUnreachableIds()))
	}
	again, err := onCall(reviewer).SetRota(t.Context(), request)
	if err != nil || !proto.Equal(first, again) {
		t.Errorf("a repetition is answered otherwise: %v", err)
	}
	w.Restart(t)
	shown, err := onCall(operator).GetRota(t.Context(), &amparov1.GetRotaRequest{})
	if err != nil || len(shown.GetRotas()) != 1 || len(shown.GetOnShift()) != 1 {
		t.Fatalf("%v, %d rotas are shown", err, len(shown.GetRotas()))
	}
	if on := shown.GetOnShift()[0]; !on.GetByRota() || strings.Join(on.GetStaffIds(), " ") != officer.StaffID {
		t.Errorf("on shift by the rota (%v): %d people, want the case officer", on.GetByRota(), len(on.GetStaffIds()))
	}
	if raw, _ := proto.Marshal(shown); bytes.Contains(raw, []byte(canary)) {
		t.Error("the address is shown")
	}
	if got := w.Records.Address(officer.StaffID); got != canary+"@example.org" {
		t.Errorf("the address is %q after a restart", got)
	}
	// The operator is off shift now, and so is no longer shown alarms.
	assess(t, reviewer, w.newCase(t, operator, nil), extreme)
	if off, on := alarms(t, operator), alarms(t, officer); len(off) != 0 || len(on) != 1 {
		t.Errorf("%d alarms are shown off shift and %d on it", len(off), len(on))
	}
}

// methodOf finds a method by its short name.
func methodOf(t *testing.T, name string) protoreflect.MethodDescriptor {
	t.Helper()
	all := methods()
	i := slices.IndexFunc(all, func(m protoreflect.MethodDescriptor) bool { return shortName(m) == name })
	if i < 0 {
		t.Fatalf("there is no %s", name)
	}
	return all[i]
}
