package policy

import (
	"slices"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// defaultConsent is how consents are kept.
func defaultConsent() *amparov1.ConsentPolicy {
	return &amparov1.ConsentPolicy{
		Release: span("2160h", "Revised Code of Washington 70.123.076: a release for which no date is given expires 90 days after it was signed"),
		FollowUp: span("8784h", "Amparo's own: the last look at how somebody fares is taken a year after their return, the earlier ones after 1, 3 and 6 months; "+
			"a year may have 366 days"),
		Stay: &amparov1.PurposeList{
			Purposes: []amparov1.Purpose{amparov1.Purpose_PURPOSE_RELOCATION_STAY, amparov1.Purpose_PURPOSE_SERVICE_PROVISION},
			Source:   "Amparo's own: whoever lives at a host for months cannot be asked anew every 90 days whether they may go on living there",
		},
		LateAfter: span("15min", "NNEDV: giving is documented before anything leaves. The 15 min are Amparo's own: the end of a call, and the form"),
		LegalBasis: &amparov1.LegalBasisPolicy{
			Basis: amparov1.LegalBasis_LEGAL_BASIS_LEGITIMATE_INTERESTS,
			Source: "ICRC, Handbook on Data Protection in Humanitarian Action, chapter 3: in an emergency consent is often not valid in law, since help hangs on it " +
				"and the two sides are not equal; then vital, public or legitimate interests are the basis. Consent is asked for all the same, as an ethical gate",
		},
	}
}

// defaultDisclosure is how what leaves is watched over.
func defaultDisclosure() *amparov1.DisclosurePolicy {
	return &amparov1.DisclosurePolicy{
		CheckValid: span("336h", "Amparo's own: 14 days, or until the next act against the person"),
		Minimum: &amparov1.CategoryList{
			Categories: []amparov1.DataCategory{
				amparov1.DataCategory_DATA_CATEGORY_IDENTITY, amparov1.DataCategory_DATA_CATEGORY_CONTACT,
				amparov1.DataCategory_DATA_CATEGORY_LOCATION, amparov1.DataCategory_DATA_CATEGORY_SITUATION,
				amparov1.DataCategory_DATA_CATEGORY_LEGAL, amparov1.DataCategory_DATA_CATEGORY_NEEDS,
				amparov1.DataCategory_DATA_CATEGORY_HEALTH,
			},
			Source: "Amparo's own: what somebody needs who looks for a missing person at night, goes to a police station for them, or drives the ambulance (GDPR, article 9(2)(c)). GDPR, article 5(1)(c): limited to what is necessary",
		},
		VitalAct: span("72h", "Amparo's own: GDPR, article 6(1)(d) carries for as long as a life hangs on it and nobody can be asked; "+
			"three days later somebody can, or says again why not"),
	}
}

// ofAStay are the purposes for which a consent may last as long as a stay and the time
// after it: what is needed to live there, and nothing that speaks of the person to
// anybody else.
var ofAStay = []amparov1.Purpose{
	amparov1.Purpose_PURPOSE_RELOCATION_STAY, amparov1.Purpose_PURPOSE_SERVICE_PROVISION, amparov1.Purpose_PURPOSE_LEGAL_ASSISTANCE,
}

// savesNobody are the data that save nobody tonight, and that do harm in the wrong
// hands for years: they wait for the ordinary track.
var savesNobody = []amparov1.DataCategory{
	amparov1.DataCategory_DATA_CATEGORY_EVIDENCE, amparov1.DataCategory_DATA_CATEGORY_IMAGE, amparov1.DataCategory_DATA_CATEGORY_FINANCIAL,
	amparov1.DataCategory_DATA_CATEGORY_PLAN, amparov1.DataCategory_DATA_CATEGORY_PROFILE, amparov1.DataCategory_DATA_CATEGORY_STATISTICS,
}

func (c *checking) consent(p *amparov1.Policy) {
	consent := p.GetConsent()
	if consent.GetLegalBasis().GetBasis() == amparov1.LegalBasis_LEGAL_BASIS_UNSPECIFIED {
		c.invalid("policy.consent.legal_basis.basis", "is required")
	}
	stay := consent.GetStay().GetPurposes()
	switch {
	case !slices.Contains(stay, amparov1.Purpose_PURPOSE_RELOCATION_STAY):
		c.invalid("policy.consent.stay.purposes", "hold relocation_stay")
	case slices.ContainsFunc(stay, func(purpose amparov1.Purpose) bool { return !slices.Contains(ofAStay, purpose) }):
		c.unsafe("policy.consent.stay.purposes", "are what it takes to live there: relocation_stay, service_provision, legal_assistance")
	}
}

func (c *checking) disclosure(p *amparov1.Policy) {
	const field = "policy.disclosure.minimum.categories"
	minimum := p.GetDisclosure().GetMinimum().GetCategories()
	switch {
	case len(minimum) == 0:
		c.invalid(field, "are required")
	case slices.ContainsFunc(savesNobody, func(category amparov1.DataCategory) bool { return slices.Contains(minimum, category) }):
		c.unsafe(field, "hold no evidence, image, financial data, plan, profile or statistics: those save nobody tonight")
	}
}
