package records

import (
	"context"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/casefile"
	"github.com/amparo-project/amparo/internal/lookup"
)

// Deadlines returns a page of the cases that the caller may know of by the term that is
// due next, the earliest first, and the token of the next page: open ones, and closed
// ones with a term that outlives them. One leaf names the cases shown. Of the query,
// only offices, DueBefore, limit and token are looked at; without DueBefore every case
// with a running term is meant.
func (r *Records) Deadlines(ctx context.Context, grant access.Grant, q QueueQuery) ([]*amparov1.QueueRow, string, error) {
	cursor, err := r.openCursor(grant, q.PageToken)
	if err != nil {
		return nil, "", err
	}
	const noTerm = 1<<casefile.DueBits - 1
	before := uint64(noTerm)
	if !q.DueBefore.IsZero() {
		before = uint64(max(0, min(q.DueBefore.Unix(), noTerm)))
	}
	staff, _ := parseID(grant.StaffID())
	heads, more := r.index.Bands(q.Offices, casefile.DueBits, cursor, before, q.Limit, func(head *lookup.Head) bool {
		return sees(grant, staff, head)
	})
	rows, err := r.show(ctx, grant, heads, &amparov1.AuditLeaf{})
	if err != nil || !more {
		return rows, "", err
	}
	last := heads[len(heads)-1]
	return rows, r.sealCursor(grant, lookup.Cursor{Order: last.Row.Order & noTerm, ID: last.ID}), nil
}
