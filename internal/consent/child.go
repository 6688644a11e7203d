package consent

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

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

// youngest is the least age in full years of somebody born on an EDTF date.
func youngest(born string, now time.Time) (years int, ok bool) {
	latest, ok := latestBirth(born)
	if !ok {
		return 0, false
	}
	years = now.Year() - latest.Year()
	if now.Month() < latest.Month() || now.Month() == latest.Month() && now.Day() < latest.Day() {
		years--
	}
	return max(0, years), true
}

// latestBirth is the last day that an EDTF date of birth may mean (1984, 1984-03,
// 1984-03-09, 1984~): what is left open is taken to be late in the year or the month,
// and "about" to be a year later.
func latestBirth(born string) (day time.Time, ok bool) {
	text, about := strings.CutSuffix(born, "~")
	parts := strings.Split(text, "-")
	numbers := []int{0, 12, 31}
	for i, part := range parts[:min(len(parts), len(numbers))] {
		number, err := strconv.Atoi(part)
		if err != nil {
			return time.Time{}, false
		}
		numbers[i] = number
	}
	if about {
		numbers[0]++
	}
	last := time.Date(numbers[0], time.Month(numbers[1])+1, 0, 0, 0, 0, 0, time.UTC)
	if len(parts) > 2 && numbers[2] < last.Day() {
		last = last.AddDate(0, 0, numbers[2]-last.Day())
	}
	return last, true
}

// untilOfAge ends what others allow for a child on the day on which they come of age, by
// the same reading of a date: from then on they are asked themselves (Caring for Child
// Survivors: at 18 their own consent is obtained anew).
func (r *recording) untilOfAge() {
	born := r.book.Identity.GetPerson().GetBirthDate()
	if r.party != nil {
		born = r.party.GetBirthDate()
	}
	latest, ok := latestBirth(born)
	ofAge := latest.AddDate(adulthood, 0, 0)
	if !ok || r.terms.GetGiver().GetKind() == self || !r.terms.GetExpiresAt().AsTime().After(ofAge) {
		return
	}
	switch {
	case !ofAge.After(r.terms.GetValidFrom().AsTime()):
		r.add(amparov1.Reason_REASON_VALIDITY_IMPOSSIBLE, "valid_from", "is before the day on which they come of age")
	case r.endNamed:
		r.add(amparov1.Reason_REASON_VALIDITY_IMPOSSIBLE, "expires_at", "is no later than the day on which they come of age")
	}
	r.terms.ExpiresAt = timestamppb.New(ofAge)
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
	r.untilOfAge()
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
