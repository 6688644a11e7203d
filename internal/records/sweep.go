package records

import (
	"context"
	"errors"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/casefile"
	"github.com/amparo-project/amparo/internal/deadline"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/lookup"
)

// sweepPage is how many due cases are taken from the index at a time.
const sweepPage = 256

// Sweep records what the terms of all cases have reached and tells their people, the
// longest waiting case first. Of each case that is one commit: the terms, the entry
// of its timeline, whom to tell, the alarms and the leaf. Either all of it is durable
// or none of it is, and what is recorded is not due any more: so a crash, a second
// sweep and a stop of weeks change nothing about what is told, save when.
//
// A case that fails is left for the next sweep and keeps no other waiting. The count
// is of the cases that were told of; the error is the first failure.
func (r *Records) Sweep(ctx context.Context) (int, error) {
	// One file that cannot be read now must not keep all others from being told of
	// by the times that are known.
	failed := r.rewake(ctx)
	now := seconds(timestamppb.New(r.Now()))
	swept := 0
	var after lookup.Cursor
	for {
		page := r.index.Due(now, after, sweepPage)
		for i := range page {
			if ctx.Err() != nil {
				return swept, ctx.Err()
			}
			told, err := r.sweepCase(ctx, &page[i])
			if told {
				swept++
			}
			if err != nil && failed == nil {
				failed = err
			}
		}
		if len(page) == 0 {
			return swept, failed
		}
		last := page[len(page)-1]
		after = lookup.Cursor{Order: uint64(last.Wake), ID: last.ID}
	}
}

// NextSweep returns when a case will next have something to tell (UTC), and whether
// there is such a case.
func (r *Records) NextSweep() (time.Time, bool) {
	wake := r.index.NextWake()
	return time.Unix(int64(wake), 0).UTC(), wake != 0
}

func (r *Records) sweepCase(ctx context.Context, due *lookup.Head) (told bool, err error) {
	told, seen, err := r.sweepFor(ctx, due, amparov1.LeafAction_LEAF_ACTION_TERMS_REACHED, (*Work).reach)
	if err != nil || !r.mayLapse(seen.Case()) {
		return told, err
	}
	lapsed, _, err := r.sweepFor(ctx, due, amparov1.LeafAction_LEAF_ACTION_WITHDRAWAL_LAPSED, (*Work).lapse)
	return told || lapsed, err
}

// sweepFor does one act of the service's own on a case, which ends with errNothing when
// there is nothing to do, and returns the case as it was seen.
func (r *Records) sweepFor(ctx context.Context, due *lookup.Head, action amparov1.LeafAction, act func(*Work, *File) error) (done bool, seen *File, err error) {
	_, err = r.Update(ctx, access.Service(action), Request{}, Targets(textOf(due.ID)), func(w *Work) (proto.Message, error) {
		seen = w.File(0)
		return nil, act(w, seen)
	})
	switch {
	case errors.Is(err, errNothing):
		// Somebody was quicker, and the index knows it or will. If it does not, it
		// must not bring the case up again and again.
		r.index.SetWake(due.ID, uint64(seen.revision), wake(r.Book(), seen))
		return false, seen, nil
	case fault.Is(err, fault.Corrupt) && r.isBroken(due.ID):
		// The case itself, and not the file of those who would be told, which every
		// case needs: for want of that one all of them wait, and not in silence.
		// Whoever opens the file is refused, and told loudly; there is nothing in
		// it that could be told to anybody.
		r.index.SetWake(due.ID, due.Revision, 0)
	}
	return err == nil, seen, err
}

// reach does to a case what its terms have reached.
func (w *Work) reach(file *File) error {
	c := file.Case()
	if c == nil {
		return errNothing
	}
	reached := w.Book().Reached(casefile.Watched(c), w.Now)
	if len(reached) == 0 {
		return errNothing
	}
	return w.tellReached(file, reached)
}

// tellReached records notices, and tells the people of the case.
func (w *Work) tellReached(file *File, reached []*amparov1.TermEvent) error {
	c, book, now := file.Case(), w.Book(), timestamppb.New(w.Now)
	entry := &amparov1.TimelineEntry{Kind: amparov1.TimelineKind_TIMELINE_KIND_TERM, At: now, RecordedAt: now}
	// Record, and not Apply alone: the history of an old case begins with it.
	if err := (casefile.Act{Now: w.Now, Book: book}).Record(c, entry, reached...); err != nil {
		return err
	}
	file.Append(entry)
	staffIDs, alarms := book.Told(c.GetTerms(), w.records.circle(c, w.Now), reached)
	if len(staffIDs) > 0 {
		if err := w.Tell(staffIDs...); err != nil {
			return err
		}
	}
	for _, alarm := range alarms {
		if err := w.Raise(alarm, file, ""); err != nil {
			return err
		}
	}
	return nil
}

// circle is who stands around a case. Nobody is told of a task in a case that they
// may not see.
func (r *Records) circle(c *amparov1.Case, now time.Time) deadline.Circle {
	circle := deadline.Circle{OwnerID: c.GetOwnerId(), Reachable: func(id string) bool {
		member := r.Directory().ByID(id)
		return access.InService(member, now) && access.MayKnow(member, c)
	}}
	for _, member := range r.Directory().Staff() {
		if !slices.Contains(member.GetOffices(), c.GetOffice()) {
			continue
		}
		if slices.Contains(r.OnShift(member, now), c.GetOffice()) {
			circle.OnCall = append(circle.OnCall, member.GetId())
		}
		if access.Reviews(member.GetRoles()) {
			circle.Above = append(circle.Above, member.GetId())
		}
	}
	return circle
}

// wake is when a file next has something to tell, in Unix seconds; zero means never.
// A moment within a second is told at the end of it.
func wake(book *deadline.Book, file *File) uint32 {
	c := file.Case()
	if c == nil {
		return 0
	}
	next, ok := book.NextNotice(casefile.Watched(c))
	if lapse, waits := file.records.nextLapse(c); waits && (!ok || lapse.Before(next)) {
		next, ok = lapse, true
	}
	if !ok {
		return 0
	}
	return max(1, seconds(timestamppb.New(next.Add(time.Second-time.Nanosecond))))
}

// rewake finds anew when each case has something to tell, if that was found by
// another book of terms than the one in force.
func (r *Records) rewake(ctx context.Context) error {
	book := r.Book()
	if known := r.wokenBy.Load(); known == book || known.TellsAs(book) {
		r.wokenBy.Store(book)
		return nil
	}
	var failed error
	r.index.All(kindCase, func(head lookup.Head) bool {
		file, err := r.loadKnown(ctx, head)
		if err != nil {
			// Whoever opens a damaged file is told of it.
			err = r.judge(ctx, head, err)
			if !fault.Is(err, fault.Corrupt) {
				failed = err
			}
			return ctx.Err() == nil
		}
		r.index.SetWake(head.ID, uint64(file.revision), wake(book, file))
		return true
	})
	if failed == nil {
		r.wokenBy.Store(book)
	}
	return failed
}
