package records

import (
	"context"
	"encoding/binary"
	"slices"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/lookup"
	"github.com/amparo-project/amparo/internal/risk"
)

// QueueQuery says which rows of the queue are wanted. Zero fields do not narrow.
type QueueQuery struct {
	Offices   []string
	States    []amparov1.CaseState // empty means all but closed
	AtLeast   amparov1.RiskLevel
	Mine      bool
	DueBefore time.Time
	Limit     int
	PageToken string
}

// Queue returns a page of the cases that the caller may know of, the most pressing
// first, and the token of the next page. One leaf names the cases shown.
func (r *Records) Queue(ctx context.Context, grant access.Grant, q QueueQuery) ([]*amparov1.QueueRow, string, error) {
	cursor, err := r.openCursor(grant, q.PageToken)
	if err != nil {
		return nil, "", err
	}
	staff, _ := parseID(grant.StaffID())
	heads, more := r.index.Page(q.Offices, cursor, q.Limit, func(head *lookup.Head) bool {
		return sees(grant, staff, head) && q.wants(head, staff)
	})
	rows, err := r.show(ctx, grant, heads, &amparov1.AuditLeaf{})
	if err != nil || !more {
		return rows, "", err
	}
	last := heads[len(heads)-1]
	return rows, r.sealCursor(grant, lookup.Cursor{Order: last.Row.Order, ID: last.ID}), nil
}

func (q *QueueQuery) wants(head *lookup.Head, staff lookup.ID) bool {
	state := amparov1.CaseState(head.Row.State)
	if len(q.States) == 0 && state == amparov1.CaseState_CASE_STATE_CLOSED {
		return false
	}
	if len(q.States) > 0 && !slices.Contains(q.States, state) {
		return false
	}
	if !risk.AtLeast(amparov1.RiskLevel(head.Row.Risk), q.AtLeast) {
		return false
	}
	if q.Mine && !contains(head.Row.Team, staff) {
		return false
	}
	return q.DueBefore.IsZero() || (head.Row.Due != 0 && int64(head.Row.Due) < q.DueBefore.Unix())
}

// show makes the leaf durable that names what is about to be shown. Without it
// there are no rows to show.
func (r *Records) show(ctx context.Context, grant access.Grant, heads []lookup.Head, leaf *amparov1.AuditLeaf) ([]*amparov1.QueueRow, error) {
	rows := make([]*amparov1.QueueRow, len(heads))
	for i := range heads {
		rows[i] = row(&heads[i])
		leaf.Shown = append(leaf.Shown, rows[i].GetPseudonym())
	}
	if err := r.Note(ctx, grant, leaf); err != nil {
		return nil, err
	}
	return rows, nil
}

// A page token is sealed, so that it tells nothing of the row that it stands
// behind, and bound to the person and the call that it was given for.
func (r *Records) sealCursor(grant access.Grant, c lookup.Cursor) string {
	place := binary.BigEndian.AppendUint64(nil, c.Order)
	return r.SealCursor(grant, append(place, c.ID[:]...))
}

func (r *Records) openCursor(grant access.Grant, token string) (lookup.Cursor, error) {
	place, err := r.OpenCursor(grant, token)
	if err != nil || len(place) == 0 {
		return lookup.Cursor{}, err
	}
	if len(place) != 24 {
		return lookup.Cursor{}, fault.Field(amparov1.Reason_REASON_CURSOR_INVALID, "page_token", "must come from the page before")
	}
	return lookup.Cursor{Order: binary.BigEndian.Uint64(place), ID: lookup.ID(place[8:])}, nil
}

// SealCursor makes a page token of a place in a list.
func (r *Records) SealCursor(grant access.Grant, place []byte) string {
	return encoding.EncodeToString(r.cfg.Keyring.SealCursor(grant.Method()+" "+grant.StaffID(), place))
}

// OpenCursor reads a page token that the same person was given by the same call;
// an empty token is the start.
func (r *Records) OpenCursor(grant access.Grant, token string) ([]byte, error) {
	if token == "" {
		return nil, nil
	}
	invalid := fault.Field(amparov1.Reason_REASON_CURSOR_INVALID, "page_token", "must come from the page before")
	raw, err := encoding.DecodeString(token)
	if err != nil {
		return nil, invalid
	}
	place, err := r.cfg.Keyring.OpenCursor(grant.Method()+" "+grant.StaffID(), raw)
	if err != nil {
		return nil, invalid
	}
	return place, nil
}

// watchPace is the least time between two batches that a watch pushes.
const watchPace = time.Second

// WatchQueue calls push with the rows that changed, at most once a second, until
// ctx ends. The first call, with no rows, says that the watch is open: whatever is
// committed after it is pushed. Each batch has a leaf of its own.
func (r *Records) WatchQueue(ctx context.Context, grant access.Grant, offices []string, push func([]*amparov1.QueueRow) error) error {
	watcher := r.index.Watch()
	defer watcher.Stop()
	if err := r.Note(ctx, grant, &amparov1.AuditLeaf{}); err != nil {
		return err
	}
	if err := push(nil); err != nil {
		return err
	}
	staff, _ := parseID(grant.StaffID())
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-watcher.Ready():
		}
		heads := slices.DeleteFunc(watcher.Take(200), func(head lookup.Head) bool {
			return !slices.Contains(offices, head.Row.Office) || !sees(grant, staff, &head)
		})
		if len(heads) == 0 {
			continue
		}
		rows, err := r.show(ctx, grant, heads, &amparov1.AuditLeaf{})
		if err != nil {
			return err
		}
		if err := push(rows); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(watchPace):
		}
	}
}
