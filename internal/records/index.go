package records

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/casefile"
	"github.com/amparo-project/amparo/internal/lookup"
)

// indexed is what the index holds of a file.
func indexed(file *File, id lookup.ID, version uint64, hash []byte, revision uint64) lookup.Head {
	pseudonym, _ := parseID(file.Pseudonym())
	head := lookup.Head{
		Kind: file.kind, ID: id, Locator: file.locator, Pseudonym: pseudonym,
		Revision: revision, Version: version, Hash: lookup.ID(hash[:16]), Tokens: file.tokens(),
		Wake: wake(file.records.Book(), file),
	}
	if c := file.Case(); c != nil {
		head.Row = indexedRow(c)
	}
	return head
}

// enter takes a head into the index and reports whether it was news.
func (r *Records) enter(file *File, id lookup.ID, version uint64, hash []byte, revision uint64) bool {
	book := r.Book()
	news := r.applyPlaced(indexed(file, id, version, hash, revision))
	if now := r.Book(); now != book {
		// The book was replaced meanwhile, and whoever looks through all cases for
		// it may have passed this one by.
		r.index.SetWake(id, revision, wake(now, file))
	}
	return news
}

// indexedRow packs a case's row of the queue for the index. Enums of the queue
// have few values and fit a byte.
func indexedRow(c *amparov1.Case) lookup.Row {
	row := casefile.QueueRow(c)
	flags := lookup.Queued
	if row.GetRestricted() {
		flags |= lookup.Restricted
	}
	if row.GetPossibleDuplicate() {
		flags |= lookup.PossibleDuplicate
	}
	if row.GetRiskConfirmationWaits() {
		flags |= lookup.ConfirmationWaits
	}
	if c.GetBreaches() > 0 {
		flags |= lookup.Breach
	}
	owner, _ := parseID(row.GetOwnerId())
	return lookup.Row{
		Order: casefile.SortKey(c), Due: seconds(row.GetDue()), Received: seconds(row.GetReceivedAt()),
		State: uint8(row.GetState()), Class: uint8(row.GetPriorityClass()), Risk: uint8(row.GetRiskLevel()),
		Programme: uint8(row.GetProgramme()), NextTerm: uint8(row.GetNextTerm()), Flags: flags,
		Office: row.GetOffice(), Owner: owner, Team: parseIDs(c.GetTeamIds()), Excluded: parseIDs(c.GetExcludedStaffIds()),
	}
}

func parseIDs(texts []string) []lookup.ID {
	ids := make([]lookup.ID, 0, len(texts))
	for _, text := range texts {
		if id, ok := parseID(text); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

func seconds(t *timestamppb.Timestamp) uint32 {
	if t == nil {
		return 0
	}
	return uint32(max(0, min(t.GetSeconds(), 1<<32-1)))
}

func timestamp(s uint32) *timestamppb.Timestamp {
	if s == 0 {
		return nil
	}
	return timestamppb.New(time.Unix(int64(s), 0))
}

// row is a case of the index as it is shown.
func row(head *lookup.Head) *amparov1.QueueRow {
	r := &head.Row
	return &amparov1.QueueRow{
		CaseId: textOf(head.ID), Pseudonym: textOf(head.Pseudonym), Office: r.Office,
		State:                 amparov1.CaseState(r.State),
		PriorityClass:         amparov1.PriorityClass(r.Class),
		RiskLevel:             amparov1.RiskLevel(r.Risk),
		Programme:             amparov1.Programme(r.Programme),
		NextTerm:              amparov1.TermKind(r.NextTerm),
		Due:                   timestamp(r.Due),
		ReceivedAt:            timestamp(r.Received),
		OwnerId:               textOf(r.Owner),
		Restricted:            r.Flags&lookup.Restricted != 0,
		PossibleDuplicate:     r.Flags&lookup.PossibleDuplicate != 0,
		RiskConfirmationWaits: r.Flags&lookup.ConfirmationWaits != 0,
		OwnerAbsent:           r.Flags&lookup.OwnerAbsent != 0,
		Version:               head.Version,
	}
}

// sees asks the grant whether the caller may know of a case.
func sees(grant access.Grant, staff lookup.ID, head *lookup.Head) bool {
	if head.Row.Flags&lookup.Queued == 0 {
		return false
	}
	return grant.Sees(access.Standing{
		Office:     head.Row.Office,
		Restricted: head.Row.Flags&lookup.Restricted != 0,
		OnTeam:     contains(head.Row.Team, staff),
		Excluded:   contains(head.Row.Excluded, staff),
	})
}

func contains(ids []lookup.ID, id lookup.ID) bool {
	for i := range ids {
		if ids[i] == id {
			return true
		}
	}
	return false
}
