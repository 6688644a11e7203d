// Package disclosure is the gate through which anything leaves a case, and what becomes
// of it afterwards.
//
// Make an Act for each step in a case. Act.Disclose is the gate: it answers what may
// leave, on which entries, or refuses with everything that stands in the way. There is
// no way around it: an Added that holds a disclosure can be made nowhere else, and
// package records asks for one. Act.Decide asks the same question without doing
// anything. The other methods add what the gate looks at (Consent, Withdraw, CheckHarm,
// StateBasis, Approve), and what follows: the second signature, the register of
// breaches, requests to return or delete, the duty to inform.
//
// The rules for consent are consent's, those for harm risk's; how long everything may
// take is the policy's. Speaking with the person concerned is no disclosure.
package disclosure

import (
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/casefile"
	"github.com/amparo-project/amparo/internal/consent"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/ledger"
	"github.com/amparo-project/amparo/internal/policy"
)

// Act is one act on the ledger of a case. Methods change the case as a step of casefile
// does: its terms, and what its head says of the register of breaches.
type Act struct {
	casefile.Act
	Case    *amparov1.Case
	Entries []*amparov1.LedgerEntry // of the case so far
	Policy  *amparov1.Policy
	// OnShift says that whoever acts is on shift for the case's office.
	OnShift bool
}

// Added is what an act adds: entries of the ledger, numbered, and one of the timeline.
type Added struct {
	entries  []*amparov1.LedgerEntry
	timeline *amparov1.TimelineEntry
}

// Entries are the ledger's, in order.
func (a Added) Entries() []*amparov1.LedgerEntry { return a.entries }

// Timeline is the entry of the timeline, or nil.
func (a Added) Timeline() *amparov1.TimelineEntry { return a.timeline }

// Last is the entry that the act is about: the newest. It is nil where nothing was
// added.
func (a Added) Last() *amparov1.LedgerEntry {
	if len(a.entries) == 0 {
		return nil
	}
	return a.entries[len(a.entries)-1]
}

// step gathers what one act adds.
type step struct {
	act   Act
	all   []*amparov1.LedgerEntry // with what was added
	from  int                     // what was there before
	terms []*amparov1.TermEvent
}

func (a Act) begin() *step { return &step{act: a, all: a.Entries, from: len(a.Entries)} }

// add numbers an entry.
func (s *step) add(entry *amparov1.LedgerEntry) *amparov1.LedgerEntry {
	s.all = ledger.Add(s.all, ledger.Act{StaffID: s.act.StaffID, Now: s.act.Now}, entry)
	return entry
}

// starts begins the term of an entry at an instant. Several of a kind run at once, each
// for its own entry.
func (s *step) starts(kind amparov1.TermKind, number uint32, base time.Time) {
	s.terms = append(s.terms, &amparov1.TermEvent{
		Event: amparov1.TermEventKind_TERM_EVENT_KIND_STARTED, Kind: kind, TermId: termID(number),
		Base: timestamppb.New(base), Level: s.act.Case.GetRiskLevel(), StaffId: s.act.Case.GetOwnerId(),
	})
}

// meets ends the term of an entry.
func (s *step) meets(kind amparov1.TermKind, number uint32) {
	s.terms = append(s.terms, &amparov1.TermEvent{Event: amparov1.TermEventKind_TERM_EVENT_KIND_MET, Kind: kind, TermId: termID(number)})
}

// termID names the term of an entry; zero is for the one term that a case has of its
// kind.
func termID(number uint32) string {
	if number == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(number), 10)
}

// end records the terms and makes the entry of the timeline. The terms of a case change
// with the act or not at all.
func (s *step) end(kind amparov1.TimelineKind) (Added, error) {
	added := Added{entries: s.all[s.from:]}
	added.timeline = &amparov1.TimelineEntry{
		Kind: kind, At: timestamppb.New(s.act.Now), RecordedAt: timestamppb.New(s.act.Now), StaffId: s.act.StaffID,
		LedgerNumber: added.Last().GetNumber(),
	}
	return added, s.act.Record(s.act.Case, added.timeline, s.terms...)
}

// Consent adds what was said, and ends the time in which the person was to be asked
// again.
func (a Act) Consent(terms *amparov1.ConsentTerms, identity *amparov1.Identity) (Added, error) {
	s := a.begin()
	book := consent.Book{Entries: a.Entries, Identity: identity, Policy: a.Policy}
	entry, err := consent.Record(book, terms, ledger.Act{StaffID: a.StaffID, Now: a.Now})
	if err != nil {
		return Added{}, err
	}
	s.add(entry)
	// What was allowed for an event that has happened already counts at once.
	s.operative(a.Case.GetPersonStatus())
	if entry.GetConsent().GetTerms().GetParty().GetNumber() == 0 {
		s.meets(amparov1.TermKind_TERM_KIND_CONSENT_RECONFIRMATION, 0)
	}
	added, err := s.end(amparov1.TimelineKind_TIMELINE_KIND_CONSENT)
	added.timeline.LedgerNumber = entry.GetNumber()
	return added, err
}

// operative adds the event from which consents count that were given in advance.
func (s *step) operative(status amparov1.PersonStatus) {
	numbers := consent.Operative(s.all, status)
	if len(numbers) > 0 {
		s.event(&amparov1.LedgerEvent{Kind: amparov1.LedgerEventKind_LEDGER_EVENT_KIND_STATUS, Status: status, Operative: numbers}, s.act.Now)
	}
}

func (s *step) event(event *amparov1.LedgerEvent, at time.Time) {
	event.At = timestamppb.New(at)
	s.add(&amparov1.LedgerEntry{Entry: &amparov1.LedgerEntry_Event{Event: event}})
}

// CheckHarm adds a do-no-harm check of one planned action. One to a recipient or for a
// purpose that nobody was asked about makes it a task to ask.
func (a Act) CheckHarm(draft *amparov1.HarmDraft) (Added, error) {
	s := a.begin()
	action, unclear := a.number(draft.GetAction(), "harm.action")
	wrong := violationsOf(unclear)
	if action.GetChannel() == amparov1.ContactChannel_CONTACT_CHANNEL_UNSPECIFIED {
		wrong = append(wrong, fault.Violation{Field: "harm.action.channel", Rule: "says by which way", Reason: amparov1.Reason_REASON_CHANNEL_UNSAFE})
	}
	check, open := a.check(draft, action, false)
	if err := fault.Fields(append(wrong, violationsOf(open)...)); err != nil {
		return Added{}, err
	}
	s.add(check)
	_, missing := consent.Decide(s.all, a.asked(action, a.Now, false))
	for _, obstacle := range missing {
		switch obstacle.GetReason() { //nolint:exhaustive // only what nobody was asked about is a reason to ask again
		case amparov1.Reason_REASON_RECIPIENT_NOT_COVERED, amparov1.Reason_REASON_PURPOSE_NOT_COVERED, amparov1.Reason_REASON_NO_CONSENT:
			s.starts(amparov1.TermKind_TERM_KIND_CONSENT_RECONFIRMATION, 0, a.Now)
		}
	}
	return s.end(amparov1.TimelineKind_TIMELINE_KIND_HARM_CHECK)
}

// StateBasis adds a basis other than consent for one planned action. The list is closed:
// what stands in the policy, with the data that it allows (else REASON_MORE_THAN_MINIMUM).
func (a Act) StateBasis(draft *amparov1.BasisDraft) (Added, error) {
	s := a.begin()
	entry, err := a.basis(draft)
	if err != nil {
		return Added{}, err
	}
	s.add(entry)
	return s.end(amparov1.TimelineKind_TIMELINE_KIND_BASIS)
}

// Approve adds a second person's word to a check or a stated basis that needs one
// (else REASON_NOTHING_TO_CONFIRM); another's than its author's, and each person's once
// (REASON_SECOND_PERSON_NEEDED). missing is how many more must agree.
func (a Act) Approve(number uint32) (added Added, missing uint32, err error) {
	entry := ledger.Find(a.Entries, number)
	needed := max(entry.GetCheck().GetApprovalsNeeded(), a.basisApprovals(entry.GetBasis()))
	if demand := policy.Demands(a.Policy, a.Case.GetRiskLevel()).GetApprovals(); entry.GetCheck() != nil && !entry.GetCheck().GetShortForm() {
		needed = max(needed, demand)
	}
	if entry.GetCheck() == nil && entry.GetBasis() == nil {
		return Added{}, 0, fault.Field(amparov1.Reason_REASON_ENTRY_UNKNOWN, "entry", "is the number of a do-no-harm check or of a stated basis")
	}
	have, err := a.mayAgree(entry)
	if err != nil {
		return Added{}, 0, err
	}
	if have >= needed {
		return Added{}, 0, fault.New(amparov1.Reason_REASON_NOTHING_TO_CONFIRM)
	}
	s := a.begin()
	s.add(&amparov1.LedgerEntry{Entry: &amparov1.LedgerEntry_Approval{Approval: &amparov1.Approval{Of: number}}})
	added, err = s.end(amparov1.TimelineKind_TIMELINE_KIND_APPROVAL)
	return added, needed - have - 1, err
}

// Countersign adds the second signature under what one person alone let leave, in time
// or not.
func (a Act) Countersign(number uint32) (Added, error) {
	entry := ledger.Find(a.Entries, number)
	if entry.GetDisclosure().GetSecondDueAt() == nil {
		return Added{}, fault.Field(amparov1.Reason_REASON_ENTRY_UNKNOWN, "entry", "is the number of a disclosure that needs a second signature")
	}
	have, err := a.mayAgree(entry)
	if err != nil {
		return Added{}, err
	}
	if have > 0 {
		return Added{}, fault.New(amparov1.Reason_REASON_NOTHING_TO_CONFIRM)
	}
	s := a.begin()
	s.add(&amparov1.LedgerEntry{Entry: &amparov1.LedgerEntry_Approval{Approval: &amparov1.Approval{Of: number}}})
	s.meets(amparov1.TermKind_TERM_KIND_COUNTERSIGNATURE, number)
	return s.end(amparov1.TimelineKind_TIMELINE_KIND_APPROVAL)
}

// mayAgree refuses the author of an entry and whoever agreed to it before, on whatever
// device, and counts those who did.
func (a Act) mayAgree(entry *amparov1.LedgerEntry) (uint32, error) {
	approvers := ledger.Approvers(a.Entries, entry.GetNumber())
	for _, id := range append(approvers, entry.GetRecordedById()) {
		if id == a.StaffID {
			return 0, fault.New(amparov1.Reason_REASON_SECOND_PERSON_NEEDED)
		}
	}
	return uint32(len(approvers)), nil
}
