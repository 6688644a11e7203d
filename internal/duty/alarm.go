package duty

import (
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/fault"
)

// unreached is how long an alarm stays with somebody to whom no message could be
// sent.
const unreached = time.Minute

// nobody is how long to wait before it is asked again who there is, where everybody
// is excluded from the case or gone.
const nobody = time.Minute

// maxCalls is how many calls are kept of an alarm.
const maxCalls = 24

// maxOpen is how many alarms about single cases may be open at once. Behind that, one
// alarm of its kind and office stands for all others: the list is read and written
// whole with every act that raises one, and two hundred alarms wake nobody better
// than one. The queue shows every case all the same.
const maxOpen = 200

// share is how many alarms of one kind and office stand for themselves all the same:
// a flood at one office, or of one kind, must not hide which case it is that somebody
// used the word for duress in.
const share = 20

// Fold makes an alarm one of its office, about no case in particular, when too many
// are open already, and reports whether it is open by then: an alarm of the same
// kind, office and case that nobody has acknowledged is not raised twice.
func Fold(open []*amparov1.Alarm, alarm *amparov1.Alarm) (before bool) {
	if len(open) >= maxOpen && alike(open, alarm) >= share && !raised(open, alarm) {
		alarm.CaseId, alarm.Language = "", ""
	}
	return raised(open, alarm)
}

// alike counts the alarms of the same kind and office.
func alike(open []*amparov1.Alarm, alarm *amparov1.Alarm) (n int) {
	for _, other := range open {
		if other.GetKind() == alarm.GetKind() && other.GetOffice() == alarm.GetOffice() {
			n++
		}
	}
	return n
}

func raised(open []*amparov1.Alarm, alarm *amparov1.Alarm) bool {
	return slices.ContainsFunc(open, func(other *amparov1.Alarm) bool {
		return other.GetKind() == alarm.GetKind() && other.GetCaseId() == alarm.GetCaseId() && other.GetOffice() == alarm.GetOffice()
	})
}

// Extreme reports whether a change of the risk in force raises an alarm.
func Extreme(before, after amparov1.RiskLevel) bool {
	const extreme = amparov1.RiskLevel_RISK_LEVEL_EXTREME
	return after == extreme && before != extreme
}

// ladder is who is called for an alarm, step by step: those on duty one by one (all
// at once where no rota says who is first), then the reviewers of the office, then
// its heads. Who is excluded from the case is left out. Nobody left means the heads
// of other offices.
func (b *Board) ladder(alarm *amparov1.Alarm, excluded []string, now time.Time) [][]string {
	office := alarm.GetOffice()
	var steps [][]string
	var taken []string
	add := func(people []string, together bool) {
		var step []string
		for _, id := range people {
			if slices.Contains(excluded, id) || slices.Contains(taken, id) {
				continue
			}
			taken = append(taken, id)
			if step = append(step, id); !together {
				steps, step = append(steps, step), nil
			}
		}
		if len(step) > 0 {
			steps = append(steps, step)
		}
	}
	of := func(role amparov1.Role) []string {
		return b.those(func(m *amparov1.StaffMember) bool { return able(m, office, now) && has(m, role) })
	}
	onDuty := func() {
		_, byRota := b.Shift(office, now)
		add(b.OnDuty(office, alarm.GetLanguage(), now), !byRota)
	}
	// Those on call cannot fill a slot; who keeps the rota can.
	emptySlot := alarm.GetKind() == amparov1.AlarmKind_ALARM_KIND_EMPTY_SLOT
	if !emptySlot {
		onDuty()
	}
	add(of(amparov1.Role_ROLE_REVIEWER), false)
	add(of(amparov1.Role_ROLE_HEAD_OF_SECRETARIAT), false)
	if emptySlot {
		onDuty()
	}
	if len(steps) == 0 {
		add(b.those(func(m *amparov1.StaffMember) bool {
			return access.InService(m, now) && has(m, amparov1.Role_ROLE_HEAD_OF_SECRETARIAT)
		}), false)
	}
	return steps
}

// Next is who is to be called for an alarm now, and if it is nobody yet, when to ask
// again: the first step of the ladder that has not been called, and when all have
// been, the one whose call is the longest ago, round and round until somebody
// acknowledges. excluded are the people excluded from the alarm's case. Nobody is
// called twice within the time that each step has.
func (b *Board) Next(alarm *amparov1.Alarm, excluded []string, now time.Time) (who []string, at time.Time) {
	patience := b.Times.PassOn
	steps := b.ladder(alarm, excluded, now)
	if len(steps) == 0 {
		return nil, now.Add(nobody)
	}
	gone := func(id string) bool { return slices.Contains(excluded, id) || !access.InService(b.Staff.ByID(id), now) }
	if due := heldUntil(alarm, patience, gone); now.Before(due) {
		return b.rest(alarm, steps, now), due
	}
	var oldest time.Time
	for _, step := range steps {
		last := lastCall(alarm, step)
		if who == nil || last.Before(oldest) {
			who, oldest = step, last
		}
	}
	if again := oldest.Add(patience); who != nil && now.Before(again) {
		return nil, again
	}
	return who, now
}

// rest are the people of the step that has the alarm who have not been called with
// the others of it: the service went down in between, or they came later.
func (b *Board) rest(alarm *amparov1.Alarm, steps [][]string, now time.Time) []string {
	for _, step := range steps {
		if holds := lastCall(alarm, step); !holds.IsZero() && holds.Equal(lastOf(alarm)) {
			return slices.DeleteFunc(step, func(id string) bool { return !b.wants(alarm, id, now) })
		}
	}
	return nil
}

// Wants reports whether an alarm is open for which a person has not been called
// within the time that a step has.
func (b *Board) Wants(alarmID, staffID string, now time.Time) bool {
	return slices.ContainsFunc(b.Alarms, func(alarm *amparov1.Alarm) bool {
		return alarm.GetId() == alarmID && b.wants(alarm, staffID, now)
	})
}

func (b *Board) wants(alarm *amparov1.Alarm, staffID string, now time.Time) bool {
	last := lastCall(alarm, []string{staffID})
	return last.IsZero() || !now.Before(last.Add(b.Times.PassOn))
}

// lastOf is when anybody was called for an alarm last.
func lastOf(alarm *amparov1.Alarm) time.Time {
	var last time.Time
	for _, call := range alarm.GetCalls() {
		last = later(last, call.GetAt().AsTime())
	}
	return last
}

// heldUntil is how long the alarm stays with those who were called already: with
// somebody who could not be reached for a moment only, and not at all with somebody
// who is gone since, because they were shut out or excluded from the case.
func heldUntil(alarm *amparov1.Alarm, patience time.Duration, gone func(id string) bool) time.Time {
	var until time.Time
	for _, call := range alarm.GetCalls() {
		if gone(call.GetStaffId()) {
			continue
		}
		hold := patience
		if !call.GetReached() {
			hold = min(unreached, patience)
		}
		until = later(until, call.GetAt().AsTime().Add(hold))
	}
	return until
}

// lastCall is when somebody of a step was called last; zero, which is the longest
// ago of all, for never.
func lastCall(alarm *amparov1.Alarm, step []string) time.Time {
	var last time.Time
	for _, call := range alarm.GetCalls() {
		if slices.Contains(step, call.GetStaffId()) {
			last = later(last, call.GetAt().AsTime())
		}
	}
	return last
}

// Called notes that somebody was called for an alarm, and whether a message left for
// them. A call that is noted a second time within patience, the time that each step
// has, only learns that the message left after all.
func Called(alarm *amparov1.Alarm, staffID string, reached bool, patience time.Duration, now time.Time) (news bool) {
	for _, call := range slices.Backward(alarm.GetCalls()) {
		if call.GetStaffId() == staffID && now.Before(call.GetAt().AsTime().Add(patience)) {
			news = reached && !call.GetReached()
			call.Reached = call.GetReached() || reached
			return news
		}
	}
	noteCall(alarm, staffID, reached, now)
	return true
}

// Pass notes that an alarm of one person, who was called for it, is now another's to
// look at, and reports whether it is: not where the other is excluded from its case.
func Pass(alarm *amparov1.Alarm, excluded []string, fromID, toID string, now time.Time) bool {
	if !Answers(alarm, nil, fromID) || slices.Contains(excluded, toID) {
		return false
	}
	noteCall(alarm, toID, false, now)
	return true
}

func noteCall(alarm *amparov1.Alarm, staffID string, reached bool, now time.Time) {
	alarm.Calls = append(alarm.GetCalls(), &amparov1.AlarmCall{StaffId: staffID, At: timestamppb.New(now), Reached: reached})
	if len(alarm.GetCalls()) > maxCalls {
		alarm.Calls = fewer(alarm.GetCalls())
	}
}

// fewer leaves out the oldest call of somebody who was called again since.
func fewer(calls []*amparov1.AlarmCall) []*amparov1.AlarmCall {
	for i, call := range calls {
		again := func(other *amparov1.AlarmCall) bool { return other.GetStaffId() == call.GetStaffId() }
		if slices.ContainsFunc(calls[i+1:], again) {
			return slices.Delete(calls, i, i+1)
		}
	}
	return calls
}

// MayAcknowledge lets a person take an alarm who is on shift for its office, was
// called for it, or is reviewer or head of secretariat of its office. To somebody
// of another office, or excluded from its case, there is no such alarm. Who may not
// take an alarm is not shown it either.
func (b *Board) MayAcknowledge(alarm *amparov1.Alarm, excluded []string, member *amparov1.StaffMember, now time.Time) error {
	if slices.Contains(excluded, member.GetId()) || !access.InService(member, now) {
		return fault.New(amparov1.Reason_REASON_NOT_FOUND)
	}
	if Answers(alarm, b.OnShift(member, now), member.GetId()) {
		return nil
	}
	if !slices.Contains(member.GetOffices(), alarm.GetOffice()) {
		return fault.New(amparov1.Reason_REASON_NOT_FOUND)
	}
	if access.Reviews(member.GetRoles()) {
		return nil
	}
	return fault.New(amparov1.Reason_REASON_NOT_ON_SHIFT)
}

// Answers reports whether an alarm is for somebody who is on shift for the offices
// given, or was called for it.
func Answers(alarm *amparov1.Alarm, onShift []string, staffID string) bool {
	called := func(call *amparov1.AlarmCall) bool { return call.GetStaffId() == staffID }
	return slices.Contains(onShift, alarm.GetOffice()) || slices.ContainsFunc(alarm.GetCalls(), called)
}
