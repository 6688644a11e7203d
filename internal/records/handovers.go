package records

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/duty"
	"github.com/amparo-project/amparo/internal/lookup"
	"github.com/amparo-project/amparo/internal/store/storepb"
)

// handoverLife is how long a hand-over is kept after its last answer. What was
// handed over stays in the timelines of the cases for as long as they exist; the
// list itself, with its notes, is of no use once nobody asks what was said.
const handoverLife = 90 * 24 * time.Hour

// dropsAtOnce bounds how many old hand-overs leave with one commit.
const dropsAtOnce = 5

// Handovers opens the file of hand-overs on the service's own behalf, under the act
// that asks for it: the caller's right to what is in it is decided item by item.
func (w *Work) Handovers() (*File, error) { return w.openSingle(kindHandovers, w.grant.Action()) }

// Handover reads a hand-over, or returns nil when there is none of that id.
func (f *File) Handover(id string) (*amparov1.Handover, error) {
	h := &amparov1.Handover{}
	found, err := f.Get(recordHandover, id, h)
	if !found {
		h = nil
	}
	return h, err
}

// SetHandover writes a hand-over, new or in place of the one before. With a new one,
// a few leave that were closed long ago.
func (f *File) SetHandover(h *amparov1.Handover, now time.Time) {
	f.Put(recordHandover, h.GetId(), h)
	if mark := f.handoverMark(h.GetId()); mark != nil {
		mark.ClosedAt = h.GetClosedAt()
		return
	}
	held, dropped := f.head.GetHandovers(), 0
	held.Marks = slices.DeleteFunc(held.GetMarks(), func(m *storepb.HandoverMark) bool {
		old := m.GetClosedAt() != nil && now.Sub(m.GetClosedAt().AsTime()) > handoverLife
		if !old || dropped == dropsAtOnce {
			return false
		}
		dropped++
		f.drop(recordHandover, m.GetId())
		return true
	})
	held.Marks = append(held.GetMarks(), &storepb.HandoverMark{
		Id: h.GetId(), FromId: h.GetFromId(), ToId: h.GetToId(), BegunAt: h.GetBegunAt(), ClosedAt: h.GetClosedAt(),
	})
}

func (f *File) handoverMark(id string) *storepb.HandoverMark {
	for _, mark := range f.head.GetHandovers().GetMarks() {
		if mark.GetId() == id {
			return mark
		}
	}
	return nil
}

// WaitingHandovers lists the hand-overs that wait for an answer and that a person
// gives or is to take, the oldest first.
func (f *File) WaitingHandovers(staffID string) []*amparov1.HandoverSummary {
	f.shown = true
	var waiting []*amparov1.HandoverSummary
	for _, m := range f.head.GetHandovers().GetMarks() {
		if m.GetClosedAt() == nil && (m.GetFromId() == staffID || m.GetToId() == staffID) {
			waiting = append(waiting, &amparov1.HandoverSummary{Id: m.GetId(), FromId: m.GetFromId(), ToId: m.GetToId(), BegunAt: m.GetBegunAt()})
		}
	}
	return waiting
}

// Reassigned is how far a reassignment has come that takes several commits: nothing
// where it has not begun.
func (f *File) Reassigned(byID, requestID string) *amparov1.ReassignCasesResponse {
	for _, r := range f.head.GetHandovers().GetReassignments() {
		if r.GetById() == byID && r.GetRequestId() == requestID {
			return &amparov1.ReassignCasesResponse{
				Reassigned: r.GetReassigned(), HandoversReturned: r.GetHandoversReturned(), ApprovalsReturned: r.GetApprovalsReturned(),
			}
		}
	}
	return &amparov1.ReassignCasesResponse{}
}

// SetReassigned notes how far a reassignment has come; nil says that it is done.
func (f *File) SetReassigned(byID, requestID string, so *amparov1.ReassignCasesResponse) {
	held := f.head.GetHandovers()
	held.Reassignments = slices.DeleteFunc(held.GetReassignments(), func(r *storepb.Reassignment) bool {
		return r.GetById() == byID && r.GetRequestId() == requestID
	})
	if so != nil {
		held.Reassignments = append(held.GetReassignments(), &storepb.Reassignment{
			ById: byID, RequestId: requestID, Reassigned: so.GetReassigned(),
			HandoversReturned: so.GetHandoversReturned(), ApprovalsReturned: so.GetApprovalsReturned(),
		})
	}
	f.Touch()
}

// Handed lists open cases, the most pressing first, that a person may have to hand
// over: those of theirs that wait for triage, have a term due until then, or a lower
// risk that waits for a confirmation. Whether one is an open item of theirs is for
// the rule to say that sees its head.
func (r *Records) Handed(staffID string, until time.Time, limit int) []string {
	member := r.Directory().ByID(staffID)
	staff, _ := parseID(staffID)
	due := uint32(max(0, until.Unix()))
	return r.casesWhere(member.GetOffices(), limit, func(row *lookup.Row) bool {
		if row.Flags&lookup.ConfirmationWaits != 0 && contains(row.Team, staff) {
			return true
		}
		return row.Owner == staff && (amparov1.CaseState(row.State) == amparov1.CaseState_CASE_STATE_RECEIVED || row.Due != 0 && row.Due <= due)
	})
}

// Owned lists open cases that a person owns and that the call of the work may know
// of, the most pressing first, those of the list without left out.
func (w *Work) Owned(ownerID string, limit int, without func(caseID string) bool) []string {
	owner, _ := parseID(ownerID)
	staff, _ := parseID(w.grant.StaffID())
	var ids []string
	for _, id := range w.records.casesWhere(w.grant.Offices(), -1, func(row *lookup.Row) bool {
		return row.Owner == owner && sees(w.grant, staff, &lookup.Head{Row: *row})
	}) {
		if len(ids) < limit && !without(id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// casesWhere lists the open cases of offices for which match says yes; a negative
// limit stands for none. match is called under the index's lock.
func (r *Records) casesWhere(offices []string, limit int, match func(*lookup.Row) bool) []string {
	if limit < 0 {
		limit = r.index.Len()
	}
	heads, _ := r.index.Page(offices, lookup.Cursor{}, limit, func(head *lookup.Head) bool {
		open := amparov1.CaseState(head.Row.State) != amparov1.CaseState_CASE_STATE_CLOSED
		return open && head.Row.Flags&lookup.Queued != 0 && match(&head.Row)
	})
	ids := make([]string, len(heads))
	for i := range heads {
		ids[i] = textOf(heads[i].ID)
	}
	return ids
}

// Sees reports whether the call may know that a case exists.
func (w *Work) Sees(caseID string) bool {
	return w.records.knows(w.grant, caseID)
}

// Excludes reports whether a case must stay unknown to a person.
func (r *Records) Excludes(caseID, staffID string) bool {
	id, _ := parseID(caseID)
	staff, _ := parseID(staffID)
	head, found := r.index.Find(id)
	return !found || contains(head.Row.Excluded, staff)
}

// AlarmsOf lists the alarms that nobody has acknowledged and of which a person was
// told.
func (w *Work) AlarmsOf(staffID string) ([]*amparov1.Alarm, error) {
	held, err := w.openSingle(kindDuty, w.grant.Action())
	if err != nil {
		return nil, err
	}
	var theirs []*amparov1.Alarm
	for _, alarm := range held.head.GetDuty().GetOpenAlarms() {
		if duty.Answers(alarm, nil, staffID) {
			theirs = append(theirs, proto.CloneOf(alarm))
		}
	}
	return theirs, nil
}

// PassAlarm notes that an open alarm of one person is now another's to look at. It
// reports false for one that is open no more, and for one about a case that the other
// is excluded from.
func (w *Work) PassAlarm(alarmID, fromID, toID string) (bool, error) {
	held, err := w.openSingle(kindDuty, w.grant.Action())
	if err != nil {
		return false, err
	}
	alarm := find(held.head.GetDuty().GetOpenAlarms(), alarmID)
	if alarm == nil || !duty.Pass(alarm, w.records.Excluded(alarm.GetCaseId()), fromID, toID, w.Now) {
		return false, nil
	}
	held.Touch()
	return true, nil
}
