// Package proof judges, from the audit log alone, whether everything that left a case
// was allowed to leave: on a consent in force and a check that allowed it at that
// time, on a listed basis, or as an urgent act or one for vital interests.
//
// Begin with New, hand it every leaf in the order of the log, and take the Report
// from Finish. Draw says which entries are in a sample, so that an auditor can draw it
// again. docs/audit-export.md says in prose what is judged here.
//
// The package repeats no decision: it knows none of the rules that the service
// decides by, and nothing of a case but the numbers, enums and times that the log
// holds of its ledger. It keeps those, and nothing of all other leaves. What it says
// is worth as much as the leaves that it was given: whether they are those that a log
// signed, and all of them, is for package audit to say.
package proof

import (
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// Class is on what a disclosure rests, as a word for programs.
type Class string

// The classes. An urgent act, or one for vital interests, is completed when a second
// person has signed within its term, pending while the term runs, and late otherwise.
const (
	classConsent Class = "CONSENT"
	classListed  Class = "LISTED"

	classUrgentCompleted Class = "URGENT_COMPLETED"
	classUrgentPending   Class = "URGENT_PENDING"
	classUrgentLate      Class = "URGENT_LATE"

	classVitalCompleted Class = "VITAL_COMPLETED"
	classVitalPending   Class = "VITAL_PENDING"
	classVitalLate      Class = "VITAL_LATE"

	// Uncovered is the class of a disclosure that rests on nothing.
	Uncovered Class = "UNCOVERED"
)

// Classes are all classes, in the order in which a report shows them.
func Classes() []Class {
	return []Class{
		classConsent, classListed,
		classUrgentCompleted, classUrgentPending, classUrgentLate,
		classVitalCompleted, classVitalPending, classVitalLate, Uncovered,
	}
}

// Entry is an entry of a ledger, with what its leaf says of it.
type Entry struct {
	Fact *amparov1.LedgerFact
	// Leaf is the index of the leaf, At its time (UTC; not before the leaves in front
	// of it), and StaffID whose act it was; empty for the service itself.
	Leaf    uint64
	At      time.Time
	StaffID string
}

// Number is the entry's number in its ledger.
func (e *Entry) Number() uint32 { return e.Fact.GetNumber() }

// fact is nil for no entry, so that what is asked of it is not there either.
func (e *Entry) fact() *amparov1.LedgerFact {
	if e == nil {
		return nil
	}
	return e.Fact
}

// Reason is why a disclosure is not covered.
type Reason struct {
	// Code is a word for programs.
	Code string
	// Text says it in numbers and words of the ledger.
	Text string
}

// Disclosure is something that left, and what it rests on.
type Disclosure struct {
	Entry
	Class Class
	// Consents are the entries named by the disclosure that cover any of it, Check
	// and Basis what else it rests on, and Approvals the words of others that the one
	// or the other had. Zero stands for none.
	Consents  []uint32
	Check     uint32
	Basis     uint32
	Approvals []uint32
	// Under is the earlier act for vital interests that it rests on, and Second the
	// second signature, of that act or its own.
	Under  uint32
	Second uint32
	// Against is the newest no of the person of the case that stood against a disclosure
	// for vital interests, which needs nobody's consent.
	Against uint32
	// Reasons say why it is uncovered.
	Reasons []Reason
}

// Ledger is the ledger of one case.
type Ledger struct {
	Pseudonym string
	// Entries are all of them, in the order of the log; the disclosures are among
	// them.
	Entries     []*Entry
	Disclosures []*Disclosure
}

// Finding is something in a ledger that cannot be as it stands there.
type Finding struct {
	Pseudonym string
	Number    uint32
	Leaf      uint64
	Reason
}

// Mention is an entry that a reader is to be shown, although nothing is wrong with it.
type Mention struct {
	Pseudonym string
	Entry
}

// Breach is a disclosure that should not have been, and was admitted.
type Breach struct {
	Mention
	// NoticeDue is when the 72 hours end within which the authority is told. It is
	// the zero time where nobody said since when the breach is known.
	NoticeDue time.Time
	// Notice is the first notice of it that left.
	Notice *Entry
}

// Tally counts acts by what came of their second signature.
type Tally struct {
	Completed, Pending, Late, Uncovered uint64
}

// Acts are the urgent acts and those for vital interests that one person let leave.
type Acts struct {
	StaffID       string
	Urgent, Vital Tally
}

// Report is what the leaves come to.
type Report struct {
	// Ledgers come in the order of their first entry.
	Ledgers []*Ledger
	// Classes counts disclosures, and Bases those of class listed by their basis.
	Classes map[Class]uint64
	Bases   map[amparov1.ListedBasis]uint64
	// Findings come in the order of the log.
	Findings []Finding
	// Breaches come in the order of the log.
	Breaches []Breach

	// Oral are consents that were given aloud and that nobody else heard, Late those
	// that were written down late, by the policy or by more than a day, and FormShort
	// those that were said aloud where writing is asked for.
	Oral, Late, FormShort []Mention
	// Belated are disclosures and withdrawals that were written down more than a day
	// after they happened.
	Belated []Mention
	// AgainstNo are disclosures for vital interests against which a no of the person
	// of the case stood.
	AgainstNo []Mention
	// Unanswered are requests to return or delete whose time to answer is over, and
	// that were not answered in it.
	Unanswered []Mention
	// Staff is sorted by staff id.
	Staff []Acts
}

// Sound reports that every disclosure is covered, and nothing else was found.
func (r *Report) Sound() bool { return r.Classes[Uncovered] == 0 && len(r.Findings) == 0 }

// Proof is what was read so far.
type Proof struct {
	ledgers  map[string]*ledger
	order    []*ledger
	findings []Finding
	more     uint64    // findings beyond those that are kept
	newest   time.Time // of all leaves
}

// New begins with an empty log.
func New() *Proof { return &Proof{ledgers: make(map[string]*ledger)} }

// Leaf takes in the next leaf. It may keep what hangs below leaf.
func (p *Proof) Leaf(index uint64, leaf *amparov1.AuditLeaf) {
	at := notBefore(leaf.GetRecordedAt().AsTime(), p.newest)
	if at.After(p.newest) {
		p.newest = at
	}
	for _, fact := range leaf.GetFacts() {
		p.fact(&Entry{Fact: fact, Leaf: index, At: at, StaffID: leaf.GetStaffId()}, leaf)
	}
}

// mostFindings is how many findings are kept: whoever forges a log must not choose how
// much is written about it.
const mostFindings = 1000

func (p *Proof) fact(e *Entry, leaf *amparov1.AuditLeaf) {
	l := p.ledgers[e.Fact.GetPseudonym()]
	if l == nil {
		l = newLedger(e.Fact.GetPseudonym())
		p.ledgers[l.pseudonym] = l
		p.order = append(p.order, l)
	}
	find := func(code, text string) {
		if len(p.findings) >= mostFindings {
			p.more++
			return
		}
		p.findings = append(p.findings, Finding{
			Pseudonym: l.pseudonym, Number: e.Number(), Leaf: e.Leaf, Reason: Reason{Code: code, Text: text},
		})
	}
	placed := l.place(e, leaf, find)
	l.entries = append(l.entries, e)
	if d := e.Fact.GetDisclosure(); d != nil {
		judged := l.judge(e, d, placed)
		l.disclosures = append(l.disclosures, judged)
		if placed {
			l.acts[e.Number()] = judged
		}
	}
	if placed {
		checkSense(e, find)
		l.resolve(e, find)
		l.index(e)
	}
}
