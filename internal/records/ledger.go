package records

import (
	"fmt"
	"slices"
	"strconv"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/casefile"
	"github.com/amparo-project/amparo/internal/disclosure"
	"github.com/amparo-project/amparo/internal/ledger"
	"github.com/amparo-project/amparo/internal/store/storepb"
)

// ledgerID names the record of what one act added, by the number of its first entry. It
// is written once, and its hash stands in the head: a page that was exchanged or put back
// shows, and one that is missing leaves a gap. A withdrawal may ask a hundred recipients
// at once, which as a record each would be more than an engine takes.
func ledgerID(number int) string { return strconv.Itoa(number) }

// Ledger is the ledger of a case, in order, with what the act has added so far.
func (f *File) Ledger() ([]*amparov1.LedgerEntry, error) {
	if f.ledgerRead {
		return f.ledger, nil
	}
	var entries []*amparov1.LedgerEntry
	for range f.Children(recordLedger) {
		page := &storepb.LedgerPage{}
		if _, err := f.Get(recordLedger, ledgerID(len(entries)+1), page); err != nil {
			return nil, err
		}
		gap := len(page.GetEntries()) == 0
		for _, entry := range page.GetEntries() {
			entries = append(entries, entry)
			gap = gap || entry.GetNumber() != uint32(len(entries))
		}
		if gap {
			f.failed = true
			return nil, fmt.Errorf("%w: an entry of the ledger is missing", errProof)
		}
	}
	f.ledger, f.ledgerRead = entries, true
	return f.ledger, nil
}

// hasLedger reports whether anything was ever allowed, checked or disclosed in a case.
func (f *File) hasLedger() bool {
	return len(f.ledger) > 0 || slices.ContainsFunc(f.head.GetChildren(), func(c *storepb.Child) bool { return c.GetKind() == uint32(recordLedger) })
}

// enter adds entries to the ledger of the file. The facts of them stand in the leaf of
// the act.
func (f *File) enter(entries []*amparov1.LedgerEntry) {
	if len(entries) == 0 {
		return
	}
	f.Put(recordLedger, ledgerID(int(entries[0].GetNumber())), &storepb.LedgerPage{Entries: entries})
	for _, entry := range entries {
		f.ledger = append(f.ledger, entry)
		f.facts = append(f.facts, ledger.Fact(entry, f.Pseudonym()))
	}
}

// LedgerAct is an act of the caller on the ledger of a case.
func (w *Work) LedgerAct(f *File) (disclosure.Act, error) {
	return w.ledgerAct(f, w.grant)
}

func (w *Work) ledgerAct(f *File, grant access.Grant) (disclosure.Act, error) {
	entries, err := f.Ledger()
	return disclosure.Act{
		Act:  casefile.Act{StaffID: grant.StaffID(), Now: w.Now, Book: w.Book()},
		Case: f.Case(), Entries: entries, Policy: w.Policy(), OnShift: grant.OnShift(f.Case().GetOffice()),
	}, err
}

// Enter writes what an act added to a ledger, with its entry of the timeline. What
// leaves a case does not come by here: see Disclose.
func (w *Work) Enter(f *File, added disclosure.Added) error {
	for _, entry := range added.Entries() {
		if entry.GetDisclosure() != nil {
			return errUngranted
		}
	}
	w.write(f, added)
	return nil
}

func (w *Work) write(f *File, added disclosure.Added) {
	f.enter(added.Entries())
	if added.Timeline() != nil {
		f.Append(added.Timeline())
	}
}

// Disclose is the one function that writes a disclosure. It asks the gate on what was
// loaded in this very act, so that a withdrawal that somebody else commits in the
// meantime makes the commit fail and the gate be asked anew.
func (w *Work) Disclose(f *File, draft *amparov1.DisclosureDraft) (*amparov1.LedgerEntry, error) {
	act, err := w.LedgerAct(f)
	if err != nil {
		return nil, err
	}
	added, err := act.Disclose(draft)
	if err != nil {
		return nil, err
	}
	w.write(f, added)
	return added.Last(), nil
}

// follow adds to the ledger of a case what an entry of its timeline says has befallen
// it: whichever act tells of an arrest or an attack, no check and no consent is asked
// without it.
func (f *File) follow(entry *amparov1.TimelineEntry) error {
	if f.work == nil || f.Case() == nil || !f.hasLedger() || !disclosure.Befalls(entry) {
		return nil
	}
	act, err := f.work.ledgerAct(f, access.Service(f.work.grant.Action()))
	if err != nil {
		return err
	}
	added, err := act.Follow(entry)
	if err != nil {
		return err
	}
	f.enter(added)
	return nil
}

// Carry adds to the ledger of a case the nos of another about the same person, when the
// two are merged, or when one is said in the other afterwards: then the first entries
// were carried before.
func (w *Work) Carry(f *File, from []*amparov1.LedgerEntry, before int) error {
	return w.carry(f, func(act disclosure.Act) []*amparov1.LedgerEntry { return act.Carry(from, before) })
}

// CarryBack adds to the ledger of a case that goes its own way again what was said in
// the other while the two were one.
func (w *Work) CarryBack(f *File, from []*amparov1.LedgerEntry, before int) error {
	return w.carry(f, func(act disclosure.Act) []*amparov1.LedgerEntry { return act.CarryBack(from, before) })
}

func (w *Work) carry(f *File, made func(disclosure.Act) []*amparov1.LedgerEntry) error {
	act, err := w.ledgerAct(f, access.Service(w.grant.Action()))
	if err != nil {
		return err
	}
	f.enter(made(act))
	return nil
}
