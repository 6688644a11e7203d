package policy

import (
	"fmt"
	"slices"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// mostApprovals is the most that the service counts for a check or a basis.
const mostApprovals = 2

// defaultBases is the closed list of what something may leave on without consent.
func defaultBases() []*amparov1.BasisPolicy {
	return []*amparov1.BasisPolicy{
		{
			Basis: amparov1.ListedBasis_LISTED_BASIS_RETURN_OR_DELETE, LegalBasis: "GDPR, articles 17(2) and 19",
			Categories: []amparov1.DataCategory{amparov1.DataCategory_DATA_CATEGORY_PROFILE},
			Source:     "Amparo's own: a request to delete names what it is about by a reference, and tells nothing anew. It waits for nobody's approval",
		},
		{
			Basis: amparov1.ListedBasis_LISTED_BASIS_SUBJECT_ACCESS, LegalBasis: "GDPR, article 15",
			Categories: everyCategory(), Approvals: 1,
			Source: "GDPR, article 15: all that is held about the person. The second person is Amparo's own: whoever poses as them would be given everything at once",
		},
		{
			Basis: amparov1.ListedBasis_LISTED_BASIS_SAFEGUARDING_REPORT, LegalBasis: "National law on the protection of children; ST/SGB/2003/13",
			Categories: []amparov1.DataCategory{
				amparov1.DataCategory_DATA_CATEGORY_IDENTITY, amparov1.DataCategory_DATA_CATEGORY_CONTACT, amparov1.DataCategory_DATA_CATEGORY_LOCATION,
				amparov1.DataCategory_DATA_CATEGORY_SITUATION, amparov1.DataCategory_DATA_CATEGORY_RISK, amparov1.DataCategory_DATA_CATEGORY_HEALTH,
				amparov1.DataCategory_DATA_CATEGORY_FAMILY,
			},
			Approvals: 1,
			Source:    "ST/SGB/2003/13 and national law on the protection of children: what a focal person or an authority needs to act; the second person is Amparo's own",
		},
		{
			Basis: amparov1.ListedBasis_LISTED_BASIS_BREACH_NOTICE, LegalBasis: "GDPR, articles 33 and 34",
			Categories: []amparov1.DataCategory{amparov1.DataCategory_DATA_CATEGORY_PROFILE, amparov1.DataCategory_DATA_CATEGORY_STATISTICS},
			Approvals:  1,
			Source:     "GDPR, article 33(3): categories and approximate numbers, not names; the second person is Amparo's own",
		},
		{
			Basis: amparov1.ListedBasis_LISTED_BASIS_COURT_ORDER, LegalBasis: "GDPR, article 6(1)(c)",
			Categories: []amparov1.DataCategory{
				amparov1.DataCategory_DATA_CATEGORY_IDENTITY, amparov1.DataCategory_DATA_CATEGORY_LEGAL,
				amparov1.DataCategory_DATA_CATEGORY_SITUATION, amparov1.DataCategory_DATA_CATEGORY_EVIDENCE,
			},
			Approvals: 2,
			Source:    "Amparo's own: an order may come from whoever threatens the person; two others look at whether it binds, and at how little it takes",
		},
	}
}

func everyCategory() []amparov1.DataCategory {
	var all []amparov1.DataCategory
	for number := range amparov1.DataCategory_name {
		if number != 0 {
			all = append(all, amparov1.DataCategory(number))
		}
	}
	slices.Sort(all)
	return all
}

// footing is how far a policy may go with one basis.
type footing struct {
	approvals uint32 // at least
	// most are the data that may leave at all; none means any.
	most []amparov1.DataCategory
}

// footings are the bounds of bases, and Amparo's own. What tells of a breach, or asks to
// delete, must not tell what it is about. A second person looks at an order, and at
// whoever asks for all that is held; a report that protects a child, or a notice with 72
// hours, may do without where a mechanism has nobody.
var footings = map[amparov1.ListedBasis]footing{
	amparov1.ListedBasis_LISTED_BASIS_RETURN_OR_DELETE: {
		most: []amparov1.DataCategory{amparov1.DataCategory_DATA_CATEGORY_PROFILE},
	},
	amparov1.ListedBasis_LISTED_BASIS_SUBJECT_ACCESS:      {approvals: 1},
	amparov1.ListedBasis_LISTED_BASIS_SAFEGUARDING_REPORT: {},
	amparov1.ListedBasis_LISTED_BASIS_BREACH_NOTICE: {
		most: []amparov1.DataCategory{amparov1.DataCategory_DATA_CATEGORY_PROFILE, amparov1.DataCategory_DATA_CATEGORY_STATISTICS},
	},
	amparov1.ListedBasis_LISTED_BASIS_COURT_ORDER: {approvals: 1},
}

// BasisOf is what a policy allows on a basis other than consent, and must not be
// changed; nil for a basis that is none. Where the policy says nothing, it is what comes
// with the program.
func BasisOf(p *amparov1.Policy, basis amparov1.ListedBasis) *amparov1.BasisPolicy {
	for _, from := range []*amparov1.Policy{p, builtIn} {
		for _, b := range from.GetBases() {
			if b.GetBasis() == basis {
				return b
			}
		}
	}
	return nil
}

func (c *checking) bases(p *amparov1.Policy) {
	seen := map[amparov1.ListedBasis]bool{}
	for i, b := range p.GetBases() {
		at := fmt.Sprintf("policy.bases[%d]", i)
		limit, known := footings[b.GetBasis()]
		if !known || seen[b.GetBasis()] {
			c.invalid(at+".basis", "is a basis of the list, once")
			continue
		}
		seen[b.GetBasis()] = true
		c.basis(at, b, limit)
	}
	for number, name := range amparov1.ListedBasis_name {
		if _, listed := footings[amparov1.ListedBasis(number)]; listed && !seen[amparov1.ListedBasis(number)] {
			c.invalid("policy.bases", "has "+word(name, "LISTED_BASIS_"))
		}
	}
}

func (c *checking) basis(at string, b *amparov1.BasisPolicy, limit footing) {
	if b.GetLegalBasis() == "" {
		c.invalid(at+".legal_basis", "is needed: on what it rests in law")
	}
	if len(b.GetCategories()) == 0 {
		c.invalid(at+".categories", "are required")
	}
	if len(limit.most) > 0 && !holds(limit.most, b.GetCategories()) {
		c.unsafe(at+".categories", "tell nothing anew")
	}
	if b.GetApprovals() < limit.approvals {
		c.unsafe(at+".approvals", fmt.Sprintf("is at least %d", limit.approvals))
	}
	if b.GetApprovals() > mostApprovals {
		c.invalid(at+".approvals", fmt.Sprintf("is at most %d there", mostApprovals))
	}
}
