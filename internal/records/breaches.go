package records

import (
	"cmp"
	"context"
	"slices"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/disclosure"
	"github.com/amparo-project/amparo/internal/ledger"
	"github.com/amparo-project/amparo/internal/lookup"
	"github.com/amparo-project/amparo/internal/safety"
)

// shownBreaches is how many rows of the register are shown at once.
const shownBreaches = 200

// Breaches is the register of breaches in the cases that the caller may know of, the
// oldest first. The register is no file of its own: the index knows which cases have
// one, and their ledgers hold them. all shows also those of which the authority has been
// told.
func (r *Records) Breaches(ctx context.Context, grant access.Grant, all bool) ([]*amparov1.BreachRow, error) {
	staff, _ := parseID(grant.StaffID())
	var targets []Target
	r.index.All(kindCase, func(head lookup.Head) bool {
		if head.Row.Flags&lookup.Breach != 0 && sees(grant, staff, &head) && !r.isBroken(head.ID) {
			// What the caller may know of is decided above, by need-to-know; the call itself
			// has no relation to a single file.
			targets = append(targets, Target{ID: textOf(head.ID), Grant: access.Service(grant.Action())})
		}
		return len(targets) < shownBreaches
	})
	answer, err := r.View(ctx, grant, targets, func(w *Work) (proto.Message, error) {
		shown := &amparov1.ListBreachesResponse{}
		for _, f := range w.files {
			entries, err := f.Ledger()
			if err != nil {
				return nil, err
			}
			held, err := f.Safety()
			if err != nil {
				return nil, err
			}
			for _, entry := range entries {
				if safety.HidesNames(held) {
					entry = ledger.Unnamed(entry)
				}
				if row := breachRow(f, entries, entry); row != nil && (all || row.GetNoticedAt() == nil) {
					shown.Breaches = append(shown.Breaches, row)
				}
			}
		}
		return shown, nil
	})
	if err != nil {
		return nil, err
	}
	rows := answer.(*amparov1.ListBreachesResponse).GetBreaches() //nolint:errcheck,forcetypeassert // made above
	slices.SortStableFunc(rows, func(a, b *amparov1.BreachRow) int {
		return cmp.Compare(a.GetRecordedAt().AsTime().UnixNano(), b.GetRecordedAt().AsTime().UnixNano())
	})
	return rows[:min(len(rows), shownBreaches)], nil
}

func breachRow(f *File, entries []*amparov1.LedgerEntry, entry *amparov1.LedgerEntry) *amparov1.BreachRow {
	if entry.GetBreach() == nil {
		return nil
	}
	return &amparov1.BreachRow{
		CaseId: f.ID(), Pseudonym: f.Pseudonym(), Number: entry.GetNumber(), RecordedAt: entry.GetRecordedAt(),
		Breach: entry.GetBreach().GetDraft(), NoticeDueAt: disclosure.NoticeDue(f.Case(), entry.GetNumber()),
		NoticedAt:  disclosure.NoticeOf(entries, entry.GetNumber()).GetDisclosure().GetDraft().GetHappenedAt(),
		InformedAt: disclosure.InformedOf(entries, entry.GetNumber()).GetRecordedAt(),
	}
}
