package consent

import (
	"fmt"
	"slices"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/ledger"
)

func at(field string, i int) string { return fmt.Sprintf("%s[%d]", field, i) }

func subset[T comparable](some, all []T) bool {
	return len(some) > 0 && !slices.ContainsFunc(some, func(one T) bool { return !slices.Contains(all, one) })
}

// whose works out whether the consent is a minor's.
func (r *recording) whose() {
	if r.ofCollective() {
		return
	}
	r.consent.Minor = !r.age().adult
}

// ofCollective reports whether it is the word of a community or an organisation itself.
func (r *recording) ofCollective() bool {
	return r.party == nil && r.book.Identity.GetCollective() != nil
}

// giver demands that whoever said it may.
func (r *recording) giver() {
	switch age := r.age(); {
	case r.ofCollective():
		r.mandated()
	case age.adult:
		r.adult()
	default:
		r.child(age)
	}
}

// mandated: for a collective its mandated body consents, with its decision. Anyone who
// is named consents for themselves (see Decide).
func (r *recording) mandated() {
	giver := r.terms.GetGiver()
	decided := giver.GetAuthority().GetDecidedAt()
	_, before := ledger.Said(decided, r.terms.GetObtainedAt().AsTime())
	switch {
	case giver.GetKind() != body:
		r.add(amparov1.Reason_REASON_GIVER_NOT_AUTHORISED, "giver.kind", "is the body that the community or organisation has mandated")
	case giver.GetAuthority().GetKind() != amparov1.AuthorityKind_AUTHORITY_KIND_MANDATE || giver.GetAuthority().GetDescription() == "":
		r.add(amparov1.Reason_REASON_GIVER_NOT_AUTHORISED, "giver.authority", "describes the body's mandate and its decision")
	case decided == nil || !before:
		r.add(amparov1.Reason_REASON_GIVER_NOT_AUTHORISED, "giver.authority.decided_at", "is when the body decided, before it was said")
	}
}

// adult: the person themselves "wherever possible", a representative or family "in the
// alternative" (Voices at Risk), with the reason why not the person.
func (r *recording) adult() {
	switch r.terms.GetGiver().GetKind() {
	case self:
		if r.party != nil && !r.terms.GetAskedAlone() {
			r.add(amparov1.Reason_REASON_NOT_ASKED_ALONE, "asked_alone", "holds for everybody who goes along with somebody else")
		}
	case representative, family:
		r.fallback()
	default:
		r.add(amparov1.Reason_REASON_GIVER_NOT_AUTHORISED, "giver.kind", "is the person, a representative or family")
	}
}

// fallback is somebody who speaks for a person who cannot.
func (r *recording) fallback() {
	giver := r.terms.GetGiver()
	if giver.GetWhyNotSelf() == amparov1.WhyNotSelf_WHY_NOT_SELF_UNSPECIFIED {
		r.add(amparov1.Reason_REASON_FALLBACK_REASON_MISSING, "giver.why_not_self", "says why the person does not consent themselves")
	}
	if r.terms.GetOnEvent() != amparov1.PersonStatus_PERSON_STATUS_UNSPECIFIED {
		r.add(amparov1.Reason_REASON_GIVER_NOT_AUTHORISED, "on_event", "is for what the person says in advance themselves")
	}
	r.described()
}

// described demands evidence of authority. The paper can follow; what was seen or heard
// is written down now.
func (r *recording) described() {
	giver := r.terms.GetGiver()
	if giver.GetName() == "" || giver.GetAuthority().GetDescription() == "" ||
		giver.GetAuthority().GetKind() == amparov1.AuthorityKind_AUTHORITY_KIND_UNSPECIFIED {
		r.add(amparov1.Reason_REASON_GIVER_NOT_AUTHORISED, "giver.authority", "says who they are, and describes what shows that they may")
	}
}
