package consent

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/ledger"
)

// Withdraw makes the entry of what was taken back: a consent, a part of it, or
// everything that somebody has allowed. It reaches every consent of theirs, not only
// the one that is named: whoever says "tell them nothing more" does not know which of
// two entries still allows it.
//
// It is refused only when it names nothing that there is (REASON_ENTRY_UNKNOWN,
// REASON_RECIPIENT_UNKNOWN): a slip in a number must not pass for a withdrawal. A time
// in the future is taken for now, and nothing else is asked: giving must be documented
// before anything leaves, withdrawal takes effect at once, by any channel, and is
// verified later (NNEDV, confidentiality toolkit).
func Withdraw(entries []*amparov1.LedgerEntry, draft *amparov1.WithdrawalDraft, act ledger.Act) (*amparov1.LedgerEntry, error) {
	w := &amparov1.Withdrawal{Draft: proto.CloneOf(draft)}
	people := ledger.PeopleOf(entries)
	if err := reach(entries, w, people); err != nil {
		return nil, err
	}
	var wrong []fault.Violation
	var reached []uint32
	for i, recipient := range draft.GetRecipients() {
		numbers := meant(people, recipient)
		if len(numbers) == 0 {
			wrong = append(wrong, fault.Violation{
				Field: "withdrawal." + at("recipients", i), Rule: "is known to the case", Reason: amparov1.Reason_REASON_RECIPIENT_UNKNOWN,
			})
		}
		reached = append(reached, numbers...)
	}
	if err := fault.Fields(wrong); err != nil {
		return nil, err
	}
	if len(draft.GetRecipients()) > 0 {
		slices.Sort(reached)
		w.Recipients, w.Draft.Recipients = slices.Compact(reached), nil
		for _, number := range w.GetRecipients() {
			w.Draft.Recipients = append(w.Draft.Recipients, people.Recipient(&amparov1.Recipient{Number: number}))
		}
	}
	if len(draft.GetPurposes()) > 0 {
		w.Purposes = slices.Clone(draft.GetPurposes())
	}
	w.Categories = slices.Clone(draft.GetCategories())
	said := act.Now
	if t := draft.GetSaidAt(); t != nil && t.AsTime().Before(said) {
		said = t.AsTime()
	}
	w.Draft.SaidAt = timestamppb.New(said)
	return &amparov1.LedgerEntry{Entry: &amparov1.LedgerEntry_Withdrawal{Withdrawal: w}}, nil
}

// meant are all whom somebody may mean in a no: where two bear the name, both.
func meant(people *ledger.People, r *amparov1.Recipient) []uint32 {
	if r.GetNumber() == 0 {
		return people.Alike(r)
	}
	if n := people.FindRecipient(r); n != ledger.Unknown {
		return []uint32{n}
	}
	return nil
}

// reach is whose withdrawal it is, and how far the consent named reaches.
func reach(entries []*amparov1.LedgerEntry, w *amparov1.Withdrawal, people *ledger.People) error {
	if w.GetDraft().GetEverything() || w.GetDraft().GetConsent() == 0 {
		w.Party = people.FindParty(w.GetDraft().GetParty())
		if w.GetParty() == ledger.Unknown {
			return fault.Field(amparov1.Reason_REASON_RECIPIENT_UNKNOWN, "withdrawal.party", "is known to the case")
		}
		return nil
	}
	terms := ledger.Find(entries, w.GetDraft().GetConsent()).GetConsent().GetTerms()
	if terms == nil {
		return fault.Field(amparov1.Reason_REASON_ENTRY_UNKNOWN, "withdrawal.consent", "is the number of a consent, or everything is set")
	}
	w.Party, w.Purposes = terms.GetParty().GetNumber(), slices.Clone(terms.GetPurposes())
	for _, recipient := range terms.GetRecipients() {
		w.Recipients = append(w.Recipients, recipient.GetNumber())
	}
	return nil
}

// Reaches reports whether a withdrawal concerns something that left.
func Reaches(w *amparov1.Withdrawal, d *amparov1.Disclosure) bool {
	action := d.GetDraft().GetAction()
	concerned := w.GetParty() == 0 || slices.Contains(ledger.Numbers(action.GetAbout()), w.GetParty())
	return concerned && within(w.GetPurposes(), action.GetPurpose()) &&
		within(w.GetRecipients(), action.GetRecipient().GetNumber()) &&
		(len(w.GetCategories()) == 0 || slices.ContainsFunc(action.GetCategories(), func(c amparov1.DataCategory) bool {
			return slices.Contains(w.GetCategories(), c)
		}))
}

// within reports whether a list holds something; an empty one holds everything.
func within[T comparable](all []T, one T) bool { return len(all) == 0 || slices.Contains(all, one) }

// Carry makes the entries that another case about the same person adds to this one when
// the two are merged: every no, so that none is lost. A yes is not carried: it was said
// in another matter, and is asked for anew. from are the entries of the other case, of
// which the first were carried before, into those of this one, to which the result is
// added one by one.
//
// Whoever a no names becomes known here too: a yes to them that was said before the no
// may still be written down. Where several here may be the one who is meant, it reaches
// all of them.
func Carry(from []*amparov1.LedgerEntry, before int, into []*amparov1.LedgerEntry) []*amparov1.LedgerEntry {
	theirs, ours := ledger.PeopleOf(from), ledger.PeopleOf(into)
	var carried []*amparov1.LedgerEntry
	for _, entry := range from[before:] {
		for _, s := range stopsOf(entry) {
			draft := &amparov1.WithdrawalDraft{
				Everything: true, SaidAt: timestamppb.New(s.said), Text: "carried over from another case about the same person",
			}
			w := &amparov1.Withdrawal{Draft: draft, Purposes: s.purposes, Categories: s.categories}
			if s.party != 0 {
				draft.Party = ours.Party(unnumberedParty(theirs, s.party))
				w.Party = draft.GetParty().GetNumber()
			}
			for _, number := range s.recipients {
				draft.Recipients = append(draft.Recipients, here(ours, unnumbered(theirs, number))...)
			}
			for _, recipient := range draft.GetRecipients() {
				if !slices.Contains(w.GetRecipients(), recipient.GetNumber()) {
					w.Recipients = append(w.Recipients, recipient.GetNumber())
				}
			}
			carried = append(carried, &amparov1.LedgerEntry{Entry: &amparov1.LedgerEntry_Withdrawal{Withdrawal: w}})
		}
	}
	return carried
}

// here are all who may be a recipient of another case, or that recipient made known.
func here(people *ledger.People, r *amparov1.Recipient) []*amparov1.Recipient {
	var all []*amparov1.Recipient
	for _, number := range people.Alike(r) {
		all = append(all, people.Recipient(&amparov1.Recipient{Number: number}))
	}
	if len(all) > 0 {
		return all
	}
	if known := people.Recipient(r); known != nil {
		return []*amparov1.Recipient{known}
	}
	return nil // a no to somebody without a name reaches everybody
}

func unnumberedParty(people *ledger.People, number uint32) *amparov1.Party {
	if number == 0 || int(number) > len(people.Parties()) {
		return nil
	}
	one := proto.CloneOf(people.Parties()[number-1])
	one.Number = 0
	return one
}

func unnumbered(people *ledger.People, number uint32) *amparov1.Recipient {
	all := people.Recipients()
	if number == 0 || int(number) > len(all) {
		return &amparov1.Recipient{}
	}
	r := proto.CloneOf(all[number-1])
	r.Number = 0
	return r
}

// stop is a no: in which entry, how far it reaches, and when it was said. Empty lists
// mean everything.
type stop struct {
	number     uint32
	party      uint32
	purposes   []amparov1.Purpose
	recipients []uint32
	categories []amparov1.DataCategory
	said       time.Time
}

// reaches reports whether a no is to this.
func (s stop) reaches(purpose amparov1.Purpose, recipient uint32, category amparov1.DataCategory) bool {
	return within(s.purposes, purpose) && within(s.recipients, recipient) && within(s.categories, category)
}

// stopsOf are the nos of an entry: a withdrawal, a refusal, and what a consent
// withholds.
func stopsOf(entry *amparov1.LedgerEntry) []stop {
	if w := entry.GetWithdrawal(); w != nil {
		return []stop{{entry.GetNumber(), w.GetParty(), w.GetPurposes(), w.GetRecipients(), w.GetCategories(), w.GetDraft().GetSaidAt().AsTime()}}
	}
	terms := entry.GetConsent().GetTerms()
	if terms == nil {
		return nil
	}
	said, party := terms.GetObtainedAt().AsTime(), terms.GetParty().GetNumber()
	if terms.GetAnswer() == refused {
		var recipients []uint32
		for _, recipient := range terms.GetRecipients() {
			recipients = append(recipients, recipient.GetNumber())
		}
		return []stop{{entry.GetNumber(), party, terms.GetPurposes(), recipients, terms.GetCategories(), said}}
	}
	var stops []stop
	for _, withheld := range terms.GetWithheld() {
		var recipients []uint32
		if withheld.GetFrom() != nil {
			recipients = []uint32{withheld.GetFrom().GetNumber()}
		}
		stops = append(stops, stop{entry.GetNumber(), party, terms.GetPurposes(), recipients, []amparov1.DataCategory{withheld.GetCategory()}, said})
	}
	return stops
}
