package records

import (
	"slices"
	"strconv"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/casefile"
)

// lapseAgain is after how long a withdrawal is looked at again that may not lapse while
// the clock is in doubt.
const lapseAgain = 10 * time.Minute

// unsettled are the terms of a case in which withdrawals are to be settled.
func unsettled(c *amparov1.Case) []*amparov1.Term {
	var terms []*amparov1.Term
	for _, t := range casefile.Watched(c) {
		if t.GetKind() == amparov1.TermKind_TERM_KIND_WITHDRAWAL_SETTLEMENT && t.GetMetAt() == nil {
			terms = append(terms, t)
		}
	}
	return terms
}

func lapsed(t *amparov1.Term, now time.Time) bool { return now.After(t.GetDue().AsTime()) }

// lapse lets the withdrawals of a case stand that nobody has settled within their term. To
// ask for everything back tells others of the person and cannot be undone, so none lapses
// while the clock may have leapt. Its owner is told: from now on there is somebody to ask.
func (w *Work) lapse(file *File) error {
	overdue := slices.DeleteFunc(unsettled(file.Case()), func(t *amparov1.Term) bool { return !lapsed(t, w.Now) })
	if len(overdue) == 0 || w.records.Frozen() {
		return errNothing
	}
	for _, t := range overdue {
		number, err := strconv.ParseUint(t.GetId(), 10, 32)
		if err != nil {
			return err
		}
		act, err := w.LedgerAct(file)
		if err != nil {
			return err
		}
		added, err := act.Lapse(uint32(number))
		if err != nil {
			return err
		}
		w.write(file, added)
	}
	circle := w.records.circle(file.Case(), w.Now)
	if circle.Reachable(circle.OwnerID) {
		return w.Tell(circle.OwnerID)
	}
	return w.Tell(circle.OnCall...)
}

// mayLapse reports whether there are withdrawals of a case that may lapse now.
func (r *Records) mayLapse(c *amparov1.Case) bool {
	waiting := unsettled(c)
	if len(waiting) == 0 {
		return false
	}
	now := r.Now()
	return slices.ContainsFunc(waiting, func(t *amparov1.Term) bool { return lapsed(t, now) }) && !r.Frozen()
}

// nextLapse is when withdrawals of a case may lapse that its people were told of, and
// whether there is one.
func (r *Records) nextLapse(c *amparov1.Case) (time.Time, bool) {
	waiting := unsettled(c)
	if len(waiting) == 0 {
		return time.Time{}, false
	}
	now := r.Now()
	if !slices.ContainsFunc(waiting, func(t *amparov1.Term) bool { return lapsed(t, now) }) {
		return time.Time{}, false // its notice comes first
	}
	if r.Frozen() {
		now = now.Add(lapseAgain)
	}
	return now, true
}
