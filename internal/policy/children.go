package policy

import (
	"fmt"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

const (
	// adulthood is the age from which nobody speaks for somebody because of their age.
	adulthood = 18
	// ownWord is the youngest age from which a child's own word may carry.
	ownWord = 12
	// anyCountry stands for the country of rows that have none.
	anyCountry = "all"

	explained = amparov1.ChildPart_CHILD_PART_EXPLAINED
	assent    = amparov1.ChildPart_CHILD_PART_ASSENT
	consents  = amparov1.ChildPart_CHILD_PART_CONSENT

	asked       = amparov1.CaregiverPart_CAREGIVER_PART_CONSENT
	ifPermitted = amparov1.CaregiverPart_CAREGIVER_PART_CONSENT_IF_PERMITTED

	otherAdult = amparov1.WithoutCaregiver_WITHOUT_CAREGIVER_OTHER_ADULT
)

// defaultChildren is whose word it takes for a child, for want of a country's own law.
func defaultChildren() []*amparov1.ChildPolicy {
	const source = "IRC and UNICEF, Caring for Child Survivors (2012); inter-agency guidelines for case management and child protection (2014): "
	return []*amparov1.ChildPolicy{
		{
			FromAge: 0, Child: explained, Caregiver: asked, Without: otherAdult, ConsentInWriting: true,
			Source: source + "0 to 5",
		},
		{
			FromAge: 6, Child: assent, Caregiver: asked, Without: otherAdult, ConsentInWriting: true,
			Source: source + "6 to 11, assent given aloud",
		},
		{
			FromAge: 12, Child: assent, Caregiver: asked, Without: amparov1.WithoutCaregiver_WITHOUT_CAREGIVER_OTHER_ADULT_OR_CHILD,
			ChildInWriting: true, ConsentInWriting: true,
			Source: source + "12 to 14",
		},
		{
			FromAge: 15, Child: consents, Caregiver: ifPermitted, Without: amparov1.WithoutCaregiver_WITHOUT_CAREGIVER_CHILD,
			ChildInWriting: true, ConsentInWriting: true,
			Source: source + "15 to 17",
		},
	}
}

// ChildRow is whose word it takes for a child of an age in years who lives in a country
// (ISO 3166-1 alpha-2, or empty), and must not be changed; nil for an adult.
func ChildRow(p *amparov1.Policy, country string, ageYears int) *amparov1.ChildPolicy {
	if ageYears >= adulthood {
		return nil
	}
	rows := rowsOf(p, country)
	held := rows[0]
	for _, row := range rows {
		if int(row.GetFromAge()) <= ageYears {
			held = row
		}
	}
	return held
}

// rowsOf are the rows of a country, or those for all, or those that come with the
// program.
func rowsOf(p *amparov1.Policy, country string) []*amparov1.ChildPolicy {
	if rows := childrenOf(p, country); len(rows) > 0 {
		return rows
	}
	if rows := childrenOf(p, ""); len(rows) > 0 {
		return rows
	}
	return builtIn.GetChildren()
}

func childrenOf(p *amparov1.Policy, country string) []*amparov1.ChildPolicy {
	var rows []*amparov1.ChildPolicy
	for _, row := range p.GetChildren() {
		if row.GetCountry() == country {
			rows = append(rows, row)
		}
	}
	return rows
}

// children asks for a whole table for all countries, and that the table of each is
// whole: from birth on, in order, and no child is asked less for being older.
func (c *checking) children(p *amparov1.Policy) {
	last := map[string]*amparov1.ChildPolicy{}
	for i, row := range p.GetChildren() {
		at := fmt.Sprintf("policy.children[%d]", i)
		before, begun := last[row.GetCountry()]
		last[row.GetCountry()] = row
		switch {
		case !begun && row.GetFromAge() != 0:
			c.invalid(at+".from_age", "is 0 in the first row of a country: its own table is a whole one")
		case begun && row.GetFromAge() <= before.GetFromAge(), row.GetFromAge() >= adulthood:
			c.invalid(at+".from_age", "is more than in the row before of the same country, and less than 18")
		case begun && row.GetChild() < before.GetChild():
			c.unsafe(at+".child", "is no less than of a younger child")
		}
		c.child(at, row)
	}
	if last[""] == nil {
		c.invalid("policy.children", "has rows for all countries")
	}
}

// child holds a row to the one bound there is: a small child's word carries nothing,
// and closes no door to the adult who looks after them.
func (c *checking) child(at string, row *amparov1.ChildPolicy) {
	if row.GetChild() == amparov1.ChildPart_CHILD_PART_UNSPECIFIED {
		c.invalid(at+".child", "is required")
	}
	if row.GetCaregiver() == amparov1.CaregiverPart_CAREGIVER_PART_UNSPECIFIED {
		c.invalid(at+".caregiver", "is required")
	}
	if row.GetWithout() == amparov1.WithoutCaregiver_WITHOUT_CAREGIVER_UNSPECIFIED {
		c.invalid(at+".without", "is required")
	}
	if row.GetFromAge() >= ownWord {
		return
	}
	for _, carries := range []struct {
		field string
		alone bool
	}{
		{".child", row.GetChild() == consents},
		{".caregiver", row.GetCaregiver() == ifPermitted},
		{".without", row.GetWithout() > otherAdult},
	} {
		if carries.alone {
			c.unsafe(at+carries.field, fmt.Sprintf("leaves the word to an adult below the age of %d", ownWord))
		}
	}
}
