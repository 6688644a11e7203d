package disclosure

import (
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/consent"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/ledger"
	"github.com/amparo-project/amparo/internal/risk"
)

// Withdraw adds what was taken back. It is in force with the act; what cannot be undone
// waits until somebody settles it, or for as long as the policy says.
func (a Act) Withdraw(draft *amparov1.WithdrawalDraft) (Added, error) {
	s := a.begin()
	entry, err := consent.Withdraw(a.Entries, draft, ledger.Act{StaffID: a.StaffID, Now: a.Now})
	if err != nil {
		return Added{}, err
	}
	s.add(entry)
	if entry.GetWithdrawal().GetParty() == 0 {
		s.meets(amparov1.TermKind_TERM_KIND_CONSENT_RECONFIRMATION, 0)
	}
	s.starts(amparov1.TermKind_TERM_KIND_WITHDRAWAL_SETTLEMENT, entry.GetNumber(), a.Now)
	return s.end(amparov1.TimelineKind_TIMELINE_KIND_WITHDRAWAL)
}

// Settle says what follows from a withdrawal, once (else REASON_NOTHING_TO_CONFIRM).
// reached reports whether the person was reached over a contact since an instant: what
// cannot be undone is confirmed over the safe channel (else REASON_NOT_PROVEN). If it
// stands, everybody who has received what it reaches is to be asked to return or delete
// it, each within a term.
func (a Act) Settle(draft *amparov1.SettlementDraft, reached func(contact uint32, since *timestamppb.Timestamp) bool) (Added, error) {
	withdrawal := ledger.Find(a.Entries, draft.GetWithdrawal())
	if withdrawal.GetWithdrawal() == nil {
		return Added{}, fault.Field(amparov1.Reason_REASON_ENTRY_UNKNOWN, "settlement.withdrawal", "is the number of a withdrawal")
	}
	if a.settled(draft.GetWithdrawal()) {
		return Added{}, fault.New(amparov1.Reason_REASON_NOTHING_TO_CONFIRM)
	}
	if !reached(draft.GetContact(), withdrawal.GetRecordedAt()) {
		return Added{}, fault.Field(amparov1.Reason_REASON_NOT_PROVEN, "settlement.contact", "is one in use, over which the person was reached since")
	}
	return a.settle(&amparov1.Settlement{Draft: proto.CloneOf(draft)})
}

// Lapse lets a withdrawal stand that nobody has settled in time. It is the service's
// own act, and must wait while its clock is in doubt.
func (a Act) Lapse(withdrawal uint32) (Added, error) {
	if ledger.Find(a.Entries, withdrawal).GetWithdrawal() == nil || a.settled(withdrawal) {
		return Added{}, fault.New(amparov1.Reason_REASON_NOTHING_TO_CONFIRM)
	}
	return a.settle(&amparov1.Settlement{Draft: &amparov1.SettlementDraft{Withdrawal: withdrawal, Stands: true}, Lapsed: true})
}

func (a Act) settled(withdrawal uint32) bool {
	for _, entry := range a.Entries {
		if entry.GetSettlement().GetDraft().GetWithdrawal() == withdrawal {
			return true
		}
	}
	return false
}

func (a Act) settle(settlement *amparov1.Settlement) (Added, error) {
	s, number := a.begin(), settlement.GetDraft().GetWithdrawal()
	entry := s.add(&amparov1.LedgerEntry{Entry: &amparov1.LedgerEntry_Settlement{Settlement: settlement}})
	s.meets(amparov1.TermKind_TERM_KIND_WITHDRAWAL_SETTLEMENT, number)
	if settlement.GetDraft().GetStands() {
		withdrawal := ledger.Find(a.Entries, number).GetWithdrawal()
		for _, past := range a.Entries {
			d := past.GetDisclosure()
			// What left later left on a later yes, or on none; what the law demanded stays
			// with whoever the law gives it to.
			concerned := past.GetNumber() < number || d.GetDraft().GetTrack() == vital
			if d != nil && concerned && d.GetDraft().GetTrack() != listed && consent.Reaches(withdrawal, d) && !s.asked(past.GetNumber()) {
				s.request(past.GetNumber(), d, number)
			}
		}
	}
	added, err := s.end(amparov1.TimelineKind_TIMELINE_KIND_SETTLEMENT)
	added.timeline.LedgerNumber = entry.GetNumber()
	return added, err
}

// asked reports whether it was asked before that something be returned or deleted.
func (s *step) asked(disclosure uint32) bool {
	for _, entry := range s.all {
		if entry.GetReturnRequest().GetDisclosure() == disclosure {
			return true
		}
	}
	return false
}

// request makes it somebody's task to ask a past recipient to return or delete what
// they have. The basis on which they are told so much is stated with it: they learn
// that something is wanted back, and nothing else of the person.
func (s *step) request(number uint32, d *amparov1.Disclosure, because uint32) {
	recipient := d.GetDraft().GetAction().GetRecipient()
	if recipient.GetKind() == amparov1.RecipientKind_RECIPIENT_KIND_SUBJECT {
		return // the person has what is theirs
	}
	entry := s.add(&amparov1.LedgerEntry{Entry: &amparov1.LedgerEntry_ReturnRequest{ReturnRequest: &amparov1.ReturnRequest{
		Disclosure: number, Recipient: recipient.GetNumber(), BecauseOf: because,
		AnswerDueAt: timestamppb.New(s.due(amparov1.TermKind_TERM_KIND_RETURN_ANSWER, s.act.Now)),
	}}})
	s.starts(amparov1.TermKind_TERM_KIND_RETURN_ANSWER, entry.GetNumber(), s.act.Now)
	act := s.act
	act.Entries = s.all
	stated, err := act.basis(&amparov1.BasisDraft{
		Basis: amparov1.ListedBasis_LISTED_BASIS_RETURN_OR_DELETE, Of: entry.GetNumber(), Reason: "what they received is to be returned or deleted",
		Action: &amparov1.PlannedAction{
			Purpose: d.GetDraft().GetAction().GetPurpose(), Recipient: recipient,
			Categories: []amparov1.DataCategory{amparov1.DataCategory_DATA_CATEGORY_PROFILE},
		},
	})
	if err == nil { // a policy that does not allow it leaves it to a person to state
		s.add(stated)
	}
}

// AnswerReturn adds what a past recipient answered to a request. That they did not
// answer is an answer too; a later one can follow it.
func (a Act) AnswerReturn(request uint32, outcome amparov1.ReturnOutcome, text string) (Added, error) {
	if ledger.Find(a.Entries, request).GetReturnRequest() == nil {
		return Added{}, fault.Field(amparov1.Reason_REASON_ENTRY_UNKNOWN, "request", "is the number of a request to return or delete")
	}
	s := a.begin()
	s.add(&amparov1.LedgerEntry{Entry: &amparov1.LedgerEntry_ReturnAnswer{ReturnAnswer: &amparov1.ReturnAnswer{Request: request, Outcome: outcome, Text: text}}})
	s.meets(amparov1.TermKind_TERM_KIND_RETURN_ANSWER, request)
	return s.end(amparov1.TimelineKind_TIMELINE_KIND_RETURN_ANSWER)
}

// Breach adds something that should not have left. What has happened can always be
// recorded: nothing is refused, and what does not fit is taken as far as it goes. The
// authority is to be told within 72 hours of somebody knowing (GDPR, article 33(1)),
// and the person where it puts them in danger (article 34).
func (a Act) Breach(draft *amparov1.BreachDraft) (Added, error) {
	s, b, people := a.begin(), proto.CloneOf(draft), ledger.PeopleOf(a.Entries)
	// A number that nobody has is a slip; somebody without a name gets none, and what else
	// is said of them is kept.
	if r := b.GetRecipient(); r != nil {
		if people.FindRecipient(r) == ledger.Unknown {
			r.Number = 0
			if r.GetKind() == amparov1.RecipientKind_RECIPIENT_KIND_UNSPECIFIED {
				r.Kind = amparov1.RecipientKind_RECIPIENT_KIND_OTHER
			}
		}
		if numbered := people.Recipient(r); numbered != nil {
			b.Recipient = numbered
		}
	}
	about := b.GetAbout()
	b.About = nil
	for _, one := range about {
		if people.FindParty(one) == ledger.Unknown {
			one.Number = 0
		}
		if numbered := people.Party(one); numbered != nil {
			one = numbered
		}
		if !ledger.Subject(one) {
			b.About = append(b.About, one)
		}
	}
	if ledger.Find(a.Entries, b.GetDisclosure()).GetDisclosure() == nil {
		b.Disclosure = 0
	}
	b.AwareAt = a.past(b.GetAwareAt())
	b.HappenedAt = a.past(b.GetHappenedAt())
	entry := s.add(&amparov1.LedgerEntry{Entry: &amparov1.LedgerEntry_Breach{Breach: &amparov1.Breach{Draft: b}}})
	s.starts(amparov1.TermKind_TERM_KIND_DATA_BREACH_NOTICE, entry.GetNumber(), b.GetAwareAt().AsTime())
	if b.GetHighRisk() {
		s.starts(amparov1.TermKind_TERM_KIND_DUTY_TO_INFORM, entry.GetNumber(), b.GetAwareAt().AsTime())
	}
	a.Case.Breaches++
	a.Case.BreachesOpen++
	return s.end(amparov1.TimelineKind_TIMELINE_KIND_BREACH)
}

// NoticeDue is until when the authority must have been told of a breach, by the case's
// terms; nil for what is none.
func NoticeDue(c *amparov1.Case, breach uint32) *timestamppb.Timestamp {
	for _, t := range c.GetTerms() {
		if t.GetKind() == amparov1.TermKind_TERM_KIND_DATA_BREACH_NOTICE && t.GetId() == termID(breach) {
			return t.GetDue()
		}
	}
	return nil
}

// past is an instant that is not in the future; now where none was named.
func (a Act) past(t *timestamppb.Timestamp) *timestamppb.Timestamp {
	at, possible := ledger.Said(t, a.Now)
	if !possible {
		at = a.Now
	}
	return timestamppb.New(at)
}

// answers does what a disclosure on a listed basis settles: a notice of a breach tells
// the authority, and closes it in the register.
func (g *gate) answers(entry *amparov1.LedgerEntry) {
	basis := ledger.Find(g.all, g.basis).GetBasis().GetDraft()
	if !notifies(basis) || NoticeOf(g.all[:entry.GetNumber()-1], basis.GetOf()) != nil {
		return
	}
	g.meets(amparov1.TermKind_TERM_KIND_DATA_BREACH_NOTICE, basis.GetOf())
	g.act.Case.BreachesOpen = max(1, g.act.Case.GetBreachesOpen()) - 1
}

// NoticeOf is the disclosure that told the authority of a breach, or nil.
func NoticeOf(entries []*amparov1.LedgerEntry, breach uint32) *amparov1.LedgerEntry {
	for _, entry := range entries {
		basis := ledger.Find(entries, entry.GetDisclosure().GetBasis()).GetBasis().GetDraft()
		if notifies(basis) && basis.GetOf() == breach {
			return entry
		}
	}
	return nil
}

// notifies reports whether a basis is that of telling the authority; the person is told
// on the same one, and that stops no clock.
func notifies(basis *amparov1.BasisDraft) bool {
	return basis.GetBasis() == amparov1.ListedBasis_LISTED_BASIS_BREACH_NOTICE &&
		basis.GetAction().GetRecipient().GetKind() == amparov1.RecipientKind_RECIPIENT_KIND_AUTHORITY
}

// InformedOf is the entry that says that the person was told of another, or nil.
func InformedOf(entries []*amparov1.LedgerEntry, number uint32) *amparov1.LedgerEntry {
	for _, entry := range entries {
		if entry.GetInformed().GetOf() == number && number != 0 {
			return entry
		}
	}
	return nil
}

// Inform adds that the person was told of what was done without asking them: of a
// disclosure for vital interests, or of a breach (else REASON_ENTRY_UNKNOWN), once.
func (a Act) Inform(number uint32, text string) (Added, error) {
	entry := ledger.Find(a.Entries, number)
	if entry.GetBreach() == nil && entry.GetDisclosure().GetDraft().GetTrack() != vital {
		return Added{}, fault.Field(amparov1.Reason_REASON_ENTRY_UNKNOWN, "entry", "is the number of a disclosure for vital interests, or of a breach")
	}
	if InformedOf(a.Entries, number) != nil {
		return Added{}, fault.New(amparov1.Reason_REASON_NOTHING_TO_CONFIRM)
	}
	s := a.begin()
	s.add(&amparov1.LedgerEntry{Entry: &amparov1.LedgerEntry_Informed{Informed: &amparov1.Informed{Of: number, Text: text}}})
	s.meets(amparov1.TermKind_TERM_KIND_DUTY_TO_INFORM, number)
	return s.end(amparov1.TimelineKind_TIMELINE_KIND_INFORMED)
}

// Carry adds the nos of another case about the same person that is merged into this one
// (see consent.Carry), and that this has befallen the case. Of the other's entries the
// first were carried before.
func (a Act) Carry(from []*amparov1.LedgerEntry, before int) []*amparov1.LedgerEntry {
	s := a.begin()
	if before == 0 && len(from) > 0 {
		s.event(&amparov1.LedgerEvent{Kind: amparov1.LedgerEventKind_LEDGER_EVENT_KIND_MERGED}, a.Now)
	}
	for _, entry := range consent.Carry(from, before, a.Entries) {
		s.add(entry)
	}
	return s.all[s.from:]
}

// CarryBack is Carry for a case that goes its own way again: what was said in the other
// while the two were one holds here too, and an act against the person that was recorded
// there ends the checks here, where there are any.
func (a Act) CarryBack(from []*amparov1.LedgerEntry, before int) []*amparov1.LedgerEntry {
	s := a.begin()
	before = min(before, len(from))
	attacked := slices.IndexFunc(from[before:], func(entry *amparov1.LedgerEntry) bool {
		return entry.GetEvent().GetKind() == amparov1.LedgerEventKind_LEDGER_EVENT_KIND_INCIDENT
	})
	if attacked >= 0 && len(a.Entries) > 0 {
		s.event(&amparov1.LedgerEvent{Kind: amparov1.LedgerEventKind_LEDGER_EVENT_KIND_INCIDENT}, from[before+attacked].GetEvent().GetAt().AsTime())
	}
	for _, entry := range consent.Carry(from, before, a.Entries) {
		s.add(entry)
	}
	return s.all[s.from:]
}

// Follow adds what has befallen a case to its ledger, as an entry of its timeline tells
// it: an act against the person ends the checks before it, an arrest makes operative
// what was allowed for it. A raised risk, an arrest and a release make it a task to ask
// the person again whether what they allowed still holds; they suspend nothing by
// themselves. A case that has allowed and checked nothing has nothing to follow.
func (a Act) Follow(told *amparov1.TimelineEntry) ([]*amparov1.LedgerEntry, error) {
	event, asksAgain := eventOf(told)
	if event == nil || len(a.Entries) == 0 {
		return nil, nil
	}
	s := a.begin()
	if event.GetKind() == amparov1.LedgerEventKind_LEDGER_EVENT_KIND_STATUS {
		event.Operative = consent.Operative(a.Entries, event.GetStatus())
	}
	s.event(event, told.GetAt().AsTime())
	if asksAgain && len(consent.InForce(a.Entries, a.Now)) > 0 {
		s.starts(amparov1.TermKind_TERM_KIND_CONSENT_RECONFIRMATION, 0, a.Now)
	}
	return s.all[s.from:], a.Record(a.Case, told, s.terms...)
}

// Befalls reports whether an entry of a timeline tells of something that a ledger follows.
func Befalls(told *amparov1.TimelineEntry) bool {
	event, _ := eventOf(told)
	return event != nil
}

func eventOf(told *amparov1.TimelineEntry) (event *amparov1.LedgerEvent, asksAgain bool) {
	switch told.GetKind() { //nolint:exhaustive // nothing else befalls a person
	case amparov1.TimelineKind_TIMELINE_KIND_INCIDENT, amparov1.TimelineKind_TIMELINE_KIND_INCIDENT_SHARED:
		return &amparov1.LedgerEvent{Kind: amparov1.LedgerEventKind_LEDGER_EVENT_KIND_INCIDENT}, false
	case amparov1.TimelineKind_TIMELINE_KIND_STATUS:
		if told.GetPersonStatus() == amparov1.PersonStatus_PERSON_STATUS_UNSPECIFIED {
			// A telephone was seized: an act against the person.
			return &amparov1.LedgerEvent{Kind: amparov1.LedgerEventKind_LEDGER_EVENT_KIND_INCIDENT}, false
		}
		return &amparov1.LedgerEvent{Kind: amparov1.LedgerEventKind_LEDGER_EVENT_KIND_STATUS, Status: told.GetPersonStatus()}, true
	case amparov1.TimelineKind_TIMELINE_KIND_RISK_PROPOSED:
		return nil, false
	}
	if raised(told) {
		return &amparov1.LedgerEvent{Kind: amparov1.LedgerEventKind_LEDGER_EVENT_KIND_RISK_RAISED}, true
	}
	return nil, false
}

func raised(told *amparov1.TimelineEntry) bool {
	return told.GetToLevel() != amparov1.RiskLevel_RISK_LEVEL_UNSPECIFIED && risk.Rank(told.GetToLevel()) > risk.Rank(told.GetFromLevel())
}
