package records

import (
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/duty"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/safety"
	"github.com/amparo-project/amparo/internal/store/storepb"
)

// Raise raises an alarm about a case in the act's own commit: either the act and
// its alarm are durable, or neither is. An alarm of the same kind about the same
// case that nobody has acknowledged yet is not raised twice. file may be nil where
// the alarm is about no case; then office says whose people are told.
func (w *Work) Raise(kind amparov1.AlarmKind, file *File, office string) error {
	held, err := w.openSingle(kindDuty, amparov1.LeafAction_LEAF_ACTION_ALARM_RAISE)
	if err != nil {
		return err
	}
	alarm := &amparov1.Alarm{Id: NewID(), Kind: kind, Office: office, RaisedAt: timestamppb.New(w.Now)}
	if file != nil {
		alarm.CaseId, alarm.Office = file.id, file.Case().GetOffice()
		if alarm.Language, err = file.language(); err != nil {
			return err
		}
	}
	head := held.head.GetDuty()
	if duty.Fold(head.GetOpenAlarms(), alarm) {
		return nil
	}
	head.OpenAlarms = append(head.GetOpenAlarms(), alarm)
	held.Touch()
	return nil
}

// language is what whoever is called about a case must speak: the language of the
// person's own contact.
func (f *File) language() (string, error) {
	held, err := f.Safety()
	return safety.Language(held), err
}

// Tell notes in the act's own commit that people are to be told, at the next
// digest, that they have a task. Somebody who is to be told already is not told
// twice.
func (w *Work) Tell(staffIDs ...string) error {
	held, err := w.openSingle(kindDuty, amparov1.LeafAction_LEAF_ACTION_TELL)
	if err != nil {
		return err
	}
	head := held.head.GetDuty()
	for _, id := range staffIDs {
		waits := func(n *storepb.PendingNotice) bool { return n.GetStaffId() == id }
		if id == "" || slices.ContainsFunc(head.GetNotices(), waits) {
			continue
		}
		head.Notices = append(head.GetNotices(), &storepb.PendingNotice{StaffId: id, Since: timestamppb.New(w.Now)})
		held.Touch()
	}
	return nil
}

// Acknowledge takes an open alarm for a person, who must be one whom it is for, and
// puts it with those of its month. An alarm that was taken before is returned as it
// is.
func (w *Work) Acknowledge(alarmID string, member *amparov1.StaffMember) (*amparov1.Alarm, error) {
	held, err := w.openSingle(kindDuty, amparov1.LeafAction_LEAF_ACTION_ALARM_ACKNOWLEDGE)
	if err != nil {
		return nil, err
	}
	alarm := find(held.head.GetDuty().GetOpenAlarms(), alarmID)
	open := alarm != nil
	if !open {
		if alarm, err = held.pastAlarm(alarmID, w.Now); err != nil {
			return nil, err
		}
	}
	if alarm == nil {
		return nil, fault.New(amparov1.Reason_REASON_NOT_FOUND)
	}
	board := w.records.Board()
	if err := board.MayAcknowledge(alarm, w.records.Excluded(alarm.GetCaseId()), member, w.Now); err != nil {
		return nil, err
	}
	w.Leaf.About = w.records.about(alarm)
	if open {
		alarm.AcknowledgedById, alarm.AcknowledgedAt = member.GetId(), timestamppb.New(w.Now)
		err = held.putAway(alarm, w.Now)
	}
	return w.records.shownTo(w.grant, alarm, board.OnShift(member, w.Now)), err
}

func find(alarms []*amparov1.Alarm, id string) *amparov1.Alarm {
	i := slices.IndexFunc(alarms, func(alarm *amparov1.Alarm) bool { return alarm.GetId() == id })
	if i < 0 {
		return nil
	}
	return alarms[i]
}

// maxPast is how many alarms one record of a month holds before another is begun.
const maxPast = 500

// pastID names a record of acknowledged alarms: the month, and how many records of
// that month came before.
func pastID(month time.Time, part int) string {
	return fmt.Sprintf("%s%s %d", pastPrefix, month.Format("2006-01"), part)
}

// putAway moves an alarm from the head to the month in which it was acknowledged, so
// that the head stays small.
func (f *File) putAway(alarm *amparov1.Alarm, now time.Time) error {
	head := f.head.GetDuty()
	head.OpenAlarms = slices.DeleteFunc(head.GetOpenAlarms(), func(open *amparov1.Alarm) bool { return open.GetId() == alarm.GetId() })
	for part := 0; ; part++ {
		past := &storepb.PastAlarms{}
		if _, err := f.Get(recordDuty, pastID(now, part), past); err != nil {
			return err
		}
		if len(past.GetAlarms()) < maxPast {
			past.Alarms = append(past.GetAlarms(), alarm)
			f.Put(recordDuty, pastID(now, part), past)
			return nil
		}
	}
}

// pastAlarm finds an alarm among those acknowledged in this month and the last.
func (f *File) pastAlarm(id string, now time.Time) (*amparov1.Alarm, error) {
	first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	for _, month := range []time.Time{first, first.AddDate(0, -1, 0)} {
		for part, found := 0, true; found; part++ {
			past := &storepb.PastAlarms{}
			var err error
			if found, err = f.Get(recordDuty, pastID(month, part), past); err != nil {
				return nil, err
			}
			if alarm := find(past.GetAlarms(), id); alarm != nil {
				return alarm, nil
			}
		}
	}
	return nil, nil
}

// NoteCall makes durable that somebody was called for an alarm, and whether a message
// left for them. An alarm that was acknowledged meanwhile stays as it is.
func (r *Records) NoteCall(ctx context.Context, alarmID, staffID string, reached bool) error {
	return r.ifNeeded(ctx, amparov1.LeafAction_LEAF_ACTION_ALARM_CALL, r.DutyFile(), func(w *Work, held *File) error {
		alarm := find(held.head.GetDuty().GetOpenAlarms(), alarmID)
		patience := dutyTimes(w.Policy().GetOnCall()).PassOn
		if alarm == nil || !duty.Called(alarm, staffID, reached, patience, w.Now) {
			return errNothing
		}
		w.Leaf.TargetStaffId, w.Leaf.About = staffID, r.about(alarm)
		held.Touch()
		return nil
	})
}

// NoteTold makes durable that somebody was told of the tasks that waited since then,
// or, when no message left, that there is no way to tell them.
func (r *Records) NoteTold(ctx context.Context, notice duty.Notice, left bool) error {
	return r.ifNeeded(ctx, amparov1.LeafAction_LEAF_ACTION_TOLD, r.DutyFile(), func(w *Work, held *File) error {
		head := held.head.GetDuty()
		before := len(head.GetNotices())
		head.Notices = slices.DeleteFunc(head.GetNotices(), func(n *storepb.PendingNotice) bool {
			return n.GetStaffId() == notice.StaffID && !n.GetSince().AsTime().After(notice.Since)
		})
		if len(head.GetNotices()) == before {
			return errNothing
		}
		head.Told = slices.DeleteFunc(head.GetTold(), func(n *storepb.PendingNotice) bool {
			return len(duty.Recent(notices([]*storepb.PendingNotice{n}), w.Now)) == 0
		})
		if left {
			head.Told = append(head.GetTold(), &storepb.PendingNotice{StaffId: notice.StaffID, Since: timestamppb.New(w.Now)})
		}
		w.Leaf.TargetStaffId = notice.StaffID
		held.Touch()
		return nil
	})
}

// WarnOfEmptySlots raises an alarm for each slot that begins soon and that nobody
// fills, once.
func (r *Records) WarnOfEmptySlots(ctx context.Context) error {
	if len(r.Board().EmptyAhead(r.Now())) == 0 {
		return nil
	}
	return r.ifNeeded(ctx, amparov1.LeafAction_LEAF_ACTION_ALARM_RAISE, r.DutyFile(), func(w *Work, held *File) error {
		head := held.head.GetDuty()
		board := w.records.Board()
		board.Warned = warned(head)
		empty := board.EmptyAhead(w.Now)
		if len(empty) == 0 {
			return errNothing
		}
		head.EmptySlots = nil
		for _, slot := range append(duty.ForgetWarned(board.Warned, w.Now), empty...) {
			head.EmptySlots = append(head.EmptySlots, &storepb.EmptySlot{Office: slot.Office, Language: slot.Language, From: timestamppb.New(slot.From)})
		}
		for _, slot := range empty {
			if err := w.Raise(amparov1.AlarmKind_ALARM_KIND_EMPTY_SLOT, nil, slot.Office); err != nil {
				return err
			}
		}
		return nil
	})
}

// warned are the empty slots that a head says have been warned of.
func warned(head *storepb.Duty) []duty.EmptySlot {
	var slots []duty.EmptySlot
	for _, slot := range head.GetEmptySlots() {
		slots = append(slots, duty.EmptySlot{Office: slot.GetOffice(), Language: slot.GetLanguage(), From: slot.GetFrom().AsTime()})
	}
	return slots
}
