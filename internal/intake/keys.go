package intake

import (
	"slices"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/spelling"
)

// maxKeys is how many search keys a case has at most; the index in memory is paid
// for by the key.
const maxKeys = 40

// Keys returns the keys under which a subject is found, without repeats: first the
// strong ones, which say by themselves that two people may be one, then those of
// the words of each name in the order legal name, Latin alias, other names. There
// are at most 40.
//
// The submitter's own contact counts only when the submitter is the subject, and an
// intermediary's address only in its weak form: two strangers who share a lawyer
// are not one person.
//
// More contacts are those that came later; of them the newest counts most.
func Keys(
	identity *amparov1.Identity, contact *amparov1.SafeContact, submitter *amparov1.Submitter, more ...*amparov1.SafeContact,
) []spelling.Key {
	var all []spelling.Key
	for _, name := range names(identity) {
		all = append(all, spelling.NameKeys(name)...)
	}
	for _, id := range identifiers(identity) {
		all = append(all, identifierKeys(id)...)
	}
	for _, later := range slices.Backward(more) {
		all = append(all, contactKeys(later)...)
	}
	all = append(all, contactKeys(contact)...)
	if submitter.GetKind() == amparov1.SubmitterKind_SUBMITTER_KIND_SELF {
		all = append(all, contactKeys(submitter.GetContact())...)
	}
	kept := make([]spelling.Key, 0, maxKeys)
	for _, strong := range []bool{true, false} {
		for _, k := range all {
			if spelling.Strong(k) == strong && len(kept) < maxKeys && !slices.Contains(kept, k) {
				kept = append(kept, k)
			}
		}
	}
	return kept
}

// names are those of a person or a collective, the most telling first.
func names(identity *amparov1.Identity) []string {
	person, collective := identity.GetPerson(), identity.GetCollective()
	all := []string{person.GetLegalName(), person.GetLatinAlias(), collective.GetName(), collective.GetLatinAlias()}
	all = append(all, person.GetAliases()...)
	return append(all, collective.GetAliases()...)
}

func identifiers(identity *amparov1.Identity) []*amparov1.Identifier {
	return append(slices.Clone(identity.GetPerson().GetIdentifiers()), identity.GetCollective().GetIdentifiers()...)
}

func identifierKeys(id *amparov1.Identifier) []spelling.Key {
	switch id.GetKind() {
	case amparov1.IdentifierKind_IDENTIFIER_KIND_NUMBER:
		return spelling.NumberKeys(id.GetValue())
	case amparov1.IdentifierKind_IDENTIFIER_KIND_EMAIL:
		return spelling.AddressKeys(id.GetValue())
	default:
		return spelling.HandleKeys(id.GetValue())
	}
}

func contactKeys(contact *amparov1.SafeContact) []spelling.Key {
	address := contact.GetAddress()
	switch contact.GetChannel() {
	case amparov1.ContactChannel_CONTACT_CHANNEL_INTERMEDIARY:
		return slices.DeleteFunc(spelling.NumberKeys(address), spelling.Strong)
	case amparov1.ContactChannel_CONTACT_CHANNEL_IN_PERSON:
		return nil
	default:
		switch {
		case len(spelling.AddressKeys(address)) > 0:
			return spelling.AddressKeys(address)
		case dialled(address):
			return spelling.NumberKeys(address)
		default:
			return spelling.HandleKeys(address)
		}
	}
}
