package consent

import (
	"slices"
	"strconv"
	"strings"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/policy"
)

// adulthood is 18 whatever the local age of majority (CRC, article 1; ST/SGB/2003/13).
const adulthood = 18

// age is how old somebody is when they are asked.
type age struct {
	years int // at least, where known
	known bool
	adult bool
}

// unknownMinor is the age of the table's row for a minor of whom no more is known: the
// row in which both the child and a caregiver are asked.
const unknownMinor = 6

// age is how old the one is whose consent it is, when it was said. Where a date leaves
// it open the younger counts, since that protects more.
func (r *recording) age() age {
	born, group := r.book.Identity.GetPerson().GetBirthDate(), r.book.Identity.GetPerson().GetAgeGroup()
	if r.party != nil {
		born, group = r.party.GetBirthDate(), r.party.GetAgeGroup()
	}
	if years, ok := youngest(born, r.terms.GetObtainedAt().AsTime()); ok {
		return age{years: years, known: true, adult: years >= adulthood}
	}
	switch group {
	case amparov1.AgeGroup_AGE_GROUP_0_4:
		return age{known: true}
	case amparov1.AgeGroup_AGE_GROUP_5:
		return age{years: 5, known: true}
	case amparov1.AgeGroup_AGE_GROUP_6_11:
		return age{years: 6, known: true}
	case amparov1.AgeGroup_AGE_GROUP_12_14:
		return age{years: 12, known: true}
	case amparov1.AgeGroup_AGE_GROUP_15_17:
		return age{years: 15, known: true}
	case amparov1.AgeGroup_AGE_GROUP_18_59, amparov1.AgeGroup_AGE_GROUP_60_PLUS, amparov1.AgeGroup_AGE_GROUP_ADULT:
		return age{years: adulthood, known: true, adult: true}
	case amparov1.AgeGroup_AGE_GROUP_MINOR:
		return age{years: unknownMinor, known: true}
	default:
		return age{}
	}
}

// youngest is the least age in full years of somebody born on an EDTF date (1984,
// 1984-03, 1984-03-09, 1984~): what is left open is taken to be late in the year or the
// month, and "about" to be a year later.
func youngest(born string, now time.Time) (years int, ok bool) {
	text, about := strings.CutSuffix(born, "~")
	parts := strings.Split(text, "-")
	year, err := strconv.Atoi(parts[0])
	if err != nil {
		return 0, false
	}
	month, day := 12, 31
	if len(parts) > 1 {
		if month, err = strconv.Atoi(parts[1]); err != nil {
			return 0, false
		}
		day = time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
	}
	if len(parts) > 2 {
		if day, err = strconv.Atoi(parts[2]); err != nil {
			return 0, false
		}
	}
	if about {
		year++
	}
	years = now.Year() - year
	if now.Month() < time.Month(month) || now.Month() == time.Month(month) && now.Day() < day {
		years--
	}
	return max(0, years), true
}

// child holds a consent to the table of the policy (IRC and UNICEF, Caring for Child
// Survivors; inter-agency guidelines for case management and child protection). A
// person of unknown age is treated as a minor and never refused for it: their own word
// carries, and what protects a child is asked for as far as it was said.
func (r *recording) child(a age) {
	giver, child := r.terms.GetGiver(), r.terms.GetChild()
	if giver.GetSuspected() {
		r.add(amparov1.Reason_REASON_GIVER_NOT_AUTHORISED, "giver.suspected", "is never asked: somebody else consents")
	}
	if child.GetAnswer() == amparov1.ChildAnswer_CHILD_ANSWER_DISSENTS {
		r.add(amparov1.Reason_REASON_ASSENT_MISSING, "child.answer", "is not a no")
	}
	if !a.known {
		r.unknownAge()
		return
	}
	row := policy.ChildRow(r.book.Policy, r.country(), a.years)
	if child.GetBestInterests() == "" || child.GetViews() == "" {
		r.add(amparov1.Reason_REASON_BEST_INTERESTS_MISSING, "child", "says why it is in the child's best interests, and how the child was asked and what they said")
	}
	speaksForThem := slices.Contains([]amparov1.GiverKind{representative, family, caregiver}, giver.GetKind())
	if speaksForThem && giver.GetWhyNotSelf() != amparov1.WhyNotSelf_WHY_NOT_SELF_UNSPECIFIED {
		r.fallback() // a child who is held or missing cannot be asked
		return
	}
	r.childSays(row)
	r.caregiverSays(row)
	r.consent.FormShort = row.GetChildInWriting() && !inWriting(r.childMethod()) || row.GetConsentInWriting() && !inWriting(r.terms.GetMethod())
}

// unknownAge lets everybody's word stand who may speak for an adult or for a child.
func (r *recording) unknownAge() {
	switch r.terms.GetGiver().GetKind() {
	case self, caseWorker:
		if r.party != nil && r.terms.GetGiver().GetKind() == self && !r.terms.GetAskedAlone() {
			r.add(amparov1.Reason_REASON_NOT_ASKED_ALONE, "asked_alone", "holds for everybody who goes along with somebody else")
		}
	case representative, family:
		r.fallback()
	case body:
		r.add(amparov1.Reason_REASON_GIVER_NOT_AUTHORISED, "giver.kind", "is for a community or an organisation")
	default:
		r.described()
	}
}

// childSays demands the child's own part.
func (r *recording) childSays(row *amparov1.ChildPolicy) {
	answer := r.terms.GetChild().GetAnswer()
	consents := answer == amparov1.ChildAnswer_CHILD_ANSWER_CONSENTS || answer == amparov1.ChildAnswer_CHILD_ANSWER_UNSPECIFIED && r.terms.GetGiver().GetKind() == self
	switch row.GetChild() { //nolint:exhaustive // a child who is too young is told, and not asked
	case amparov1.ChildPart_CHILD_PART_ASSENT:
		if !consents && answer != amparov1.ChildAnswer_CHILD_ANSWER_ASSENTS {
			r.add(amparov1.Reason_REASON_ASSENT_MISSING, "child.answer", "is that the child assents")
		}
	case amparov1.ChildPart_CHILD_PART_CONSENT:
		if !consents {
			r.add(amparov1.Reason_REASON_ASSENT_MISSING, "child.answer", "is that the child consents")
		}
	}
}

// caregiverSays demands a caregiver's consent, or the word that carries instead.
func (r *recording) caregiverSays(row *amparov1.ChildPolicy) {
	giver, child := r.terms.GetGiver(), r.terms.GetChild()
	permitted := row.GetCaregiver() == amparov1.CaregiverPart_CAREGIVER_PART_CONSENT || child.GetPermitsCaregiver()
	if giver.GetKind() == caregiver {
		if !permitted {
			r.add(amparov1.Reason_REASON_ASSENT_MISSING, "child.permits_caregiver", "is that the child permits that a caregiver is asked")
		}
		r.described()
		return
	}
	if permitted && child.GetWhyNoCaregiver() == amparov1.WhyNoCaregiver_WHY_NO_CAREGIVER_UNSPECIFIED {
		r.add(amparov1.Reason_REASON_CAREGIVER_CONSENT_MISSING, "child.why_no_caregiver", "says why no caregiver consents")
	}
	adult := giver.GetKind() == trustedAdult || giver.GetKind() == caseWorker
	own := giver.GetKind() == self && child.GetMaturity() != ""
	switch row.GetWithout() {
	case amparov1.WithoutCaregiver_WITHOUT_CAREGIVER_OTHER_ADULT:
		own = false
	case amparov1.WithoutCaregiver_WITHOUT_CAREGIVER_CHILD:
		adult = false
	default:
	}
	switch {
	case !adult && !own:
		r.add(amparov1.Reason_REASON_CAREGIVER_CONSENT_MISSING, "giver.kind", "is one whose word carries at this age without a caregiver; the child's own takes a note on their maturity")
	case giver.GetKind() == trustedAdult:
		r.described()
	}
}

// childMethod is how the child said their part.
func (r *recording) childMethod() amparov1.ConsentMethod {
	if method := r.terms.GetChild().GetMethod(); method != amparov1.ConsentMethod_CONSENT_METHOD_UNSPECIFIED {
		return method
	}
	return r.terms.GetMethod()
}

func inWriting(method amparov1.ConsentMethod) bool {
	switch method {
	case amparov1.ConsentMethod_CONSENT_METHOD_WRITTEN, amparov1.ConsentMethod_CONSENT_METHOD_E_SIGNATURE,
		amparov1.ConsentMethod_CONSENT_METHOD_SECURE_MESSAGE, amparov1.ConsentMethod_CONSENT_METHOD_THUMBPRINT:
		return true
	default:
		return false
	}
}

// country is where the one lives whose consent it is, as far as it is known.
func (r *recording) country() string {
	person := r.book.Identity.GetPerson()
	if person.GetResidenceCountry() != "" {
		return person.GetResidenceCountry()
	}
	return person.GetCurrentCountry()
}
