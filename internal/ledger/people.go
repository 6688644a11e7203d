package ledger

import (
	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/spelling"
)

// Unknown is the number of somebody whom the ledger does not know: nothing that was
// allowed can reach them.
const Unknown = ^uint32(0)

// People are the recipients that the ledger of a case speaks of, and those beside the
// person of the case, by their numbers from 1. The person or collective of the case
// has number 0 and does not stand here.
type People struct {
	recipients []*amparov1.Recipient
	parties    []*amparov1.Party
}

// PeopleOf reads the people of a ledger.
func PeopleOf(entries []*amparov1.LedgerEntry) *People {
	p := &People{}
	var recipients []*amparov1.Recipient
	var parties []*amparov1.Party
	for _, entry := range entries {
		recipients, parties = named(entry, recipients[:0], parties[:0])
		for _, r := range recipients {
			if int(r.GetNumber()) == len(p.recipients)+1 {
				p.recipients = append(p.recipients, r)
			}
		}
		for _, one := range parties {
			if n := int(one.GetNumber()); n == len(p.parties)+1 {
				p.parties = append(p.parties, one)
			} else if n > 0 && n <= len(p.parties) {
				p.parties[n-1] = aged(p.parties[n-1], one)
			}
		}
	}
	return p
}

// named adds the people whom an entry names, in the order in which they were numbered.
func named(entry *amparov1.LedgerEntry, recipients []*amparov1.Recipient, parties []*amparov1.Party) ([]*amparov1.Recipient, []*amparov1.Party) {
	action := actionOf(entry)
	if r := action.GetRecipient(); r != nil {
		recipients = append(recipients, r)
	}
	parties = append(parties, action.GetAbout()...)
	terms := entry.GetConsent().GetTerms()
	recipients = append(recipients, terms.GetRecipients()...)
	for _, withheld := range terms.GetWithheld() {
		if withheld.GetFrom() != nil {
			recipients = append(recipients, withheld.GetFrom())
		}
	}
	if terms.GetParty() != nil {
		parties = append(parties, terms.GetParty())
	}
	// A no that was carried over from another case may be the first to name somebody.
	if draft := entry.GetWithdrawal().GetDraft(); draft != nil {
		recipients = append(recipients, draft.GetRecipients()...)
		if draft.GetParty() != nil {
			parties = append(parties, draft.GetParty())
		}
	}
	if breach := entry.GetBreach().GetDraft(); breach != nil {
		if breach.GetRecipient() != nil {
			recipients = append(recipients, breach.GetRecipient())
		}
		parties = append(parties, breach.GetAbout()...)
	}
	return recipients, parties
}

// actionOf is the planned action of an entry that has one, or nil.
func actionOf(entry *amparov1.LedgerEntry) *amparov1.PlannedAction {
	switch e := entry.GetEntry().(type) {
	case *amparov1.LedgerEntry_Check:
		return e.Check.GetDraft().GetAction()
	case *amparov1.LedgerEntry_Basis:
		return e.Basis.GetDraft().GetAction()
	case *amparov1.LedgerEntry_Disclosure:
		return e.Disclosure.GetDraft().GetAction()
	default:
		return nil
	}
}

// Recipients are those whom the ledger knows, in the order of their numbers.
func (p *People) Recipients() []*amparov1.Recipient { return p.recipients }

// Parties are those beside the person of the case, in the order of their numbers.
func (p *People) Parties() []*amparov1.Party { return p.parties }

// FindRecipient returns the number of somebody as they are named: by their number, or
// by name, organisation and what they are, whatever the case and the accents. It is
// Unknown for whoever the ledger does not know, and for a number beside a name that is
// another's.
func (p *People) FindRecipient(r *amparov1.Recipient) uint32 {
	if n := r.GetNumber(); n > 0 {
		if int(n) > len(p.recipients) || r.GetName() != "" && !sameRecipient(p.recipients[n-1], r) {
			return Unknown
		}
		return n
	}
	for i, known := range p.recipients {
		if known.GetName() == r.GetName() && known.GetOrganisation() == r.GetOrganisation() && sameKind(known, r) {
			return uint32(i) + 1
		}
	}
	found := Unknown
	for i, known := range p.recipients {
		switch {
		case !sameRecipient(known, r) || !sameKind(known, r):
		case found != Unknown:
			return Unknown // two bear the name: which of them is meant must be said
		default:
			found = uint32(i) + 1
		}
	}
	return found
}

// Alike are the numbers of all who may be somebody from elsewhere: who bear the name,
// whatever the case and the accents, with the same organisation or where either side
// names none.
func (p *People) Alike(r *amparov1.Recipient) []uint32 {
	var numbers []uint32
	for i, known := range p.recipients {
		if sameRecipient(known, r) || sameRecipient(r, known) {
			numbers = append(numbers, uint32(i)+1)
		}
	}
	return numbers
}

// sameKind tells a lawyer from a brother of the same name. Who does not say which may
// mean either.
func sameKind(known, r *amparov1.Recipient) bool {
	return r.GetKind() == amparov1.RecipientKind_RECIPIENT_KIND_UNSPECIFIED || r.GetKind() == known.GetKind()
}

// sameRecipient compares somebody known with somebody named: without an organisation
// the name alone counts.
func sameRecipient(known, r *amparov1.Recipient) bool {
	return spelling.SameWord(known.GetName(), r.GetName()) &&
		(r.GetOrganisation() == "" || spelling.SameWord(known.GetOrganisation(), r.GetOrganisation()))
}

// Recipient numbers somebody, who becomes known if they say who they are: a copy with
// the number is returned, or nil for a number that nobody has and for somebody new
// without a name or a kind.
func (p *People) Recipient(r *amparov1.Recipient) *amparov1.Recipient {
	numbered := proto.CloneOf(r)
	if n := p.FindRecipient(r); n != Unknown {
		numbered = proto.CloneOf(p.recipients[n-1])
		numbered.Number = n
		return numbered
	}
	if r.GetNumber() > 0 || r.GetName() == "" || r.GetKind() == amparov1.RecipientKind_RECIPIENT_KIND_UNSPECIFIED {
		return nil
	}
	numbered.Number = uint32(len(p.recipients)) + 1
	p.recipients = append(p.recipients, numbered)
	return numbered
}

// Subject reports whether somebody is the person or collective of the case.
func Subject(one *amparov1.Party) bool {
	return one.GetKind() == amparov1.PartyKind_PARTY_KIND_UNSPECIFIED && one.GetNumber() == 0
}

// FindParty returns the number of somebody beside the person of the case, as
// FindRecipient does; zero for the person of the case.
func (p *People) FindParty(one *amparov1.Party) uint32 {
	if Subject(one) {
		return 0
	}
	if n := one.GetNumber(); n > 0 {
		if int(n) > len(p.parties) || one.GetName() != "" && !spelling.SameWord(p.parties[n-1].GetName(), one.GetName()) {
			return Unknown
		}
		return n
	}
	for i, known := range p.parties { // most often as it was written first
		if known.GetKind() == one.GetKind() && known.GetName() == one.GetName() {
			return uint32(i) + 1
		}
	}
	for i, known := range p.parties {
		if known.GetKind() == one.GetKind() && spelling.SameWord(known.GetName(), one.GetName()) {
			return uint32(i) + 1
		}
	}
	return Unknown
}

// aged is somebody known with the age that is said of them, where none was said before.
func aged(known, one *amparov1.Party) *amparov1.Party {
	said := func(p *amparov1.Party) bool { return p.GetBirthDate() != "" || p.GetAgeGroup() != 0 }
	if said(known) || !said(one) {
		return known
	}
	known = proto.CloneOf(known)
	known.BirthDate, known.AgeGroup = one.GetBirthDate(), one.GetAgeGroup()
	return known
}

// Party numbers somebody beside the person of the case, as Recipient does. What is
// said of their age later does not change what was said first: a child who has come
// of age is named anew.
func (p *People) Party(one *amparov1.Party) *amparov1.Party {
	if n := p.FindParty(one); n == 0 {
		return nil
	} else if n != Unknown {
		numbered := proto.CloneOf(aged(p.parties[n-1], one))
		numbered.Number = n
		return numbered
	}
	if one.GetNumber() > 0 || one.GetName() == "" {
		return nil
	}
	numbered := proto.CloneOf(one)
	numbered.Number = uint32(len(p.parties)) + 1
	p.parties = append(p.parties, numbered)
	return numbered
}
