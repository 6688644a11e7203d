package records

import (
	"context"
	"slices"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/casefile"
	"github.com/amparo-project/amparo/internal/lookup"
	"github.com/amparo-project/amparo/internal/policy"
	"github.com/amparo-project/amparo/internal/store/storepb"
)

// presence is who answers for cases. It is derived from the directory and the time,
// and never changed; a new one replaces it.
type presence map[lookup.ID]struct{}

func (p presence) answers(owner lookup.ID) bool {
	_, there := p[owner]
	return p == nil || there
}

func presentIn(d *Directory, now time.Time) presence {
	there := presence{}
	for _, member := range d.Staff() {
		if id, ok := parseID(member.GetId()); ok && access.Present(member, now) {
			there[id] = struct{}{}
		}
	}
	return there
}

// applyPlaced puts a written head into the index, in the place that it has by who is
// there now.
func (r *Records) applyPlaced(head lookup.Head) bool {
	r.presenceMu.RLock()
	defer r.presenceMu.RUnlock()
	r.place(&head)
	if head.Row.Flags&lookup.OwnerAbsent != 0 {
		r.absentNews.Store(true)
	}
	return r.index.Apply(head)
}

// place marks a case for which nobody active answers, and moves it to the top.
func (r *Records) place(head *lookup.Head) {
	row := &head.Row
	open := row.Flags&lookup.Queued != 0 && amparov1.CaseState(row.State) != amparov1.CaseState_CASE_STATE_CLOSED
	if open && !r.there.answers(row.Owner) {
		row.Flags |= lookup.OwnerAbsent
		row.Order = casefile.Unowned(row.Order)
		return
	}
	row.Flags &^= lookup.OwnerAbsent
	if row.Flags&lookup.Queued != 0 {
		row.Order = casefile.Owned(row.Order)
	}
}

// countPresent finds out who is there and moves the cases of those who have gone or
// come back. It is called at each change of the directory, and from time to time
// since an account ends by itself. It costs a look at the staff where nothing
// changed, and one at every case where something did.
func (r *Records) countPresent() {
	d := r.Directory()
	if d == nil {
		return
	}
	there := presentIn(d, r.Now())
	r.presenceMu.Lock()
	same := r.there != nil && len(r.there) == len(there)
	for id := range there {
		same = same && r.there.answers(id)
	}
	if !same {
		r.there = there
		r.absentNews.Store(true)
	}
	r.presenceMu.Unlock()
	if same {
		return
	}
	// Whatever is entered from here on is placed by the new presence; what was
	// entered before is looked at now.
	r.index.All(kindCase, func(head lookup.Head) bool {
		r.presenceMu.RLock()
		defer r.presenceMu.RUnlock()
		before := head.Row
		r.place(&head)
		if head.Row.Flags != before.Flags || head.Row.Order != before.Order {
			r.index.Reorder(head.ID, head.Revision, head.Row.Order, head.Row.Flags)
		}
		return true
	})
}

// OpenCasesOf counts the open cases that a person owns.
func (r *Records) OpenCasesOf(member *amparov1.StaffMember) int {
	owner, _ := parseID(member.GetId())
	return len(r.casesWhere(member.GetOffices(), -1, func(row *lookup.Row) bool { return row.Owner == owner }))
}

// Reviewers are those of an office who are there and can give its cases to others.
func (d *Directory) Reviewers(office string, now time.Time) []string {
	var ids []string
	for _, member := range d.Staff() {
		if access.Reviews(member.GetRoles()) && slices.Contains(member.GetOffices(), office) && access.Present(member, now) {
			ids = append(ids, member.GetId())
		}
	}
	return ids
}

// TellOfWork tells reviewers of open cases for which nobody active answers, and
// givers and reviewers of hand-overs that wait for too long: each once, also across
// a restart. The sweeper calls it.
func (r *Records) TellOfWork(ctx context.Context) error {
	r.countPresent()
	if r.absentNews.Load() {
		r.absentNews.Store(false)
		if err := r.tellAbsent(ctx); err != nil {
			r.absentNews.Store(true)
			return err
		}
	}
	return r.remindHandovers(ctx)
}

// ownerless are the people who own open cases and are not there, with the offices of
// those cases.
func (r *Records) ownerless() map[string][]string {
	found := map[string][]string{}
	r.index.All(kindCase, func(head lookup.Head) bool {
		owner := textOf(head.Row.Owner)
		if head.Row.Flags&lookup.OwnerAbsent != 0 && !slices.Contains(found[owner], head.Row.Office) {
			found[owner] = append(found[owner], head.Row.Office)
		}
		return true
	})
	return found
}

func (r *Records) tellAbsent(ctx context.Context) error {
	absent := r.ownerless()
	return r.tellHandovers(ctx, amparov1.LeafAction_LEAF_ACTION_OWNER_ABSENT_TOLD, func(w *Work, held *storepb.Handovers) (whom []string, news bool) {
		for owner, offices := range absent {
			if slices.Contains(held.GetAbsentToldIds(), owner) {
				continue
			}
			before := len(whom)
			for _, office := range offices {
				whom = append(whom, r.Directory().Reviewers(office, w.Now)...)
			}
			// Where nobody is there to be told, whoever comes first is.
			if len(whom) > before {
				held.AbsentToldIds = append(held.GetAbsentToldIds(), owner)
			}
		}
		news = len(whom) > 0
		// Whoever is back, or owns nothing any more, is told of again the next time.
		held.AbsentToldIds = slices.DeleteFunc(held.GetAbsentToldIds(), func(id string) bool {
			gone := absent[id] == nil
			news = news || gone
			return gone
		})
		return whom, news
	})
}

func (r *Records) remindHandovers(ctx context.Context) error {
	return r.tellHandovers(ctx, amparov1.LeafAction_LEAF_ACTION_HANDOVER_REMINDED, func(w *Work, held *storepb.Handovers) (whom []string, news bool) {
		after := policy.Wait(w.Policy().GetHandover().GetRemindAfter())
		for _, mark := range held.GetMarks() {
			if mark.GetReminded() || mark.GetClosedAt() != nil || w.Now.Sub(mark.GetBegunAt().AsTime()) < after {
				continue
			}
			mark.Reminded = true
			whom = append(whom, mark.GetFromId())
			for _, office := range r.Directory().ByID(mark.GetFromId()).GetOffices() {
				whom = append(whom, r.Directory().Reviewers(office, w.Now)...)
			}
		}
		return whom, len(whom) > 0
	})
}

// tellHandovers tells those whom fn names, from the file of hand-overs, in an act of
// the service's own. Where fn has no news, nothing is written: an act leaves its leaf,
// and once a minute would be too many.
func (r *Records) tellHandovers(ctx context.Context, action amparov1.LeafAction, fn func(*Work, *storepb.Handovers) (whom []string, news bool)) error {
	return r.ifNeeded(ctx, action, r.Directory().singles[kindHandovers], func(w *Work, file *File) error {
		whom, news := fn(w, file.head.GetHandovers())
		if !news {
			return errNothing
		}
		file.Touch()
		return w.Tell(whom...)
	})
}
