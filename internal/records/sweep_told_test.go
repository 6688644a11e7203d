package records_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/records"
)

// employ puts people of the office into the staff directory.
func (h *house) employ(members ...*amparov1.StaffMember) {
	h.t.Helper()
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_STAFF_CONFIRM)
	_, err := h.Update(ctx, grant, records.Request{}, records.Targets(h.Directory().FileID), func(w *records.Work) (proto.Message, error) {
		for _, member := range members {
			member.Offices = []string{office}
			w.File(0).Put(records.RecordStaff, member.GetId(), member)
		}
		return nil, nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// waiting is who is to be told of a task, and which alarms are open.
func (h *house) waiting() (staffIDs []string, alarms []amparov1.AlarmKind) {
	h.t.Helper()
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_TELL)
	_, err := h.View(ctx, grant, records.Targets(records.Singles(h.Directory())["duty"]), func(w *records.Work) (proto.Message, error) {
		for _, n := range records.Duty(w.File(0)).GetNotices() {
			staffIDs = append(staffIDs, n.GetStaffId())
		}
		for _, a := range records.Duty(w.File(0)).GetOpenAlarms() {
			alarms = append(alarms, a.GetKind())
		}
		return nil, nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return staffIDs, alarms
}

// TestWhoIsToldOfATerm climbs the ladder of an open case and of a restricted one,
// beside people who are excluded, suspended, or whose time is over.
func TestWhoIsToldOfATerm(t *testing.T) {
	const (
		operator = amparov1.Role_ROLE_HOTLINE_OPERATOR
		reviewer = amparov1.Role_ROLE_REVIEWER
		head     = amparov1.Role_ROLE_HEAD_OF_SECRETARIAT
	)
	for _, restricted := range []bool{false, true} {
		h, _ := inMemory(t)
		p := newPerson()
		named := map[string]string{p.staff.GetId(): "owner"}
		member := func(name string, standing amparov1.StaffStanding, until time.Time, role amparov1.Role) *amparov1.StaffMember {
			m := &amparov1.StaffMember{Id: records.NewID(), Name: name, Roles: []amparov1.Role{role}, Standing: standing}
			if !until.IsZero() {
				m.ValidUntil = timestamppb.New(until)
			}
			named[m.GetId()] = name
			return m
		}
		const active = amparov1.StaffStanding_STAFF_STANDING_ACTIVE
		p.staff.Roles = []amparov1.Role{amparov1.Role_ROLE_CASE_OFFICER}
		excluded := member("excluded", active, time.Time{}, reviewer)
		h.employ(p.staff, excluded, member("operator", active, time.Time{}, operator),
			member("suspended", amparov1.StaffStanding_STAFF_STANDING_SUSPENDED, time.Time{}, operator),
			member("gone", active, start.Add(time.Hour), reviewer), member("reviewer", active, start.Add(9000*time.Hour), reviewer),
			member("head", active, time.Time{}, head))
		id := h.withTriage(p)
		h.service(id, func(_ *records.Work, f *records.File) error {
			c := f.Case()
			c.OwnerId, c.TeamIds, c.Restricted = p.staff.GetId(), []string{p.staff.GetId()}, restricted
			c.ExcludedStaffIds = []string{excluded.GetId()}
			f.Touch()
			return nil
		})
		for _, step := range []struct {
			at         time.Duration
			open, kept []string // who is told by then, of an open and of a restricted case
			alarms     []amparov1.AlarmKind
		}{
			{2 * time.Hour, []string{"owner"}, []string{"owner"}, nil},
			{5*time.Hour + time.Second, []string{"owner"}, []string{"owner"}, nil},
			{5*time.Hour + 31*time.Minute, []string{"operator", "owner"}, []string{"head", "owner"}, nil},
			{
				6*time.Hour + time.Second,
				[]string{"head", "operator", "owner", "reviewer"},
				[]string{"head", "owner"},
				[]amparov1.AlarmKind{amparov1.AlarmKind_ALARM_KIND_OVERDUE},
			},
		} {
			h.clock.Store(start.Add(step.at).UnixNano())
			h.sweep(1)
			ids, alarms := h.waiting()
			var told []string
			for _, id := range ids {
				told = append(told, named[id])
			}
			slices.Sort(told)
			want := step.open
			if restricted {
				want = step.kept
			}
			if !slices.Equal(told, want) || !slices.Equal(alarms, step.alarms) {
				t.Errorf("restricted %v, after %v: %v are told and %v raised, want %v and %v", restricted, step.at, told, alarms, want, step.alarms)
			}
		}
		h.reopen()
		h.sweep(0)
		if _, alarms := h.waiting(); len(alarms) != 1 {
			t.Errorf("%d alarms after a restart", len(alarms))
		}
		h.wantClean()
	}
}
