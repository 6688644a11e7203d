package policy_test

import (
	"testing"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/policy"
)

const (
	explained = amparov1.ChildPart_CHILD_PART_EXPLAINED
	assent    = amparov1.ChildPart_CHILD_PART_ASSENT
	consent   = amparov1.ChildPart_CHILD_PART_CONSENT

	asked       = amparov1.CaregiverPart_CAREGIVER_PART_CONSENT
	ifPermitted = amparov1.CaregiverPart_CAREGIVER_PART_CONSENT_IF_PERMITTED

	otherAdult = amparov1.WithoutCaregiver_WITHOUT_CAREGIVER_OTHER_ADULT
	eitherWord = amparov1.WithoutCaregiver_WITHOUT_CAREGIVER_OTHER_ADULT_OR_CHILD
	childsOwn  = amparov1.WithoutCaregiver_WITHOUT_CAREGIVER_CHILD
)

// scotland lets a child of twelve decide.
func scotland(p *amparov1.Policy) *amparov1.Policy {
	p.Children = append(p.GetChildren(),
		&amparov1.ChildPolicy{Country: "GB", Child: explained, Caregiver: asked, Without: otherAdult, Source: "x"},
		&amparov1.ChildPolicy{Country: "GB", FromAge: 12, Child: consent, Caregiver: ifPermitted, Without: childsOwn, Source: "x"})
	return p
}

// TestWhoseWord asks for children of each age whose word it takes.
func TestWhoseWord(t *testing.T) {
	for _, row := range []struct {
		country   string
		age       int
		child     amparov1.ChildPart
		caregiver amparov1.CaregiverPart
		without   amparov1.WithoutCaregiver
		inWriting bool
	}{
		{"", 0, explained, asked, otherAdult, false},
		{"", 5, explained, asked, otherAdult, false},
		{"", 6, assent, asked, otherAdult, false},
		{"", 11, assent, asked, otherAdult, false},
		{"", 12, assent, asked, eitherWord, true},
		{"", 14, assent, asked, eitherWord, true},
		{"", 15, consent, ifPermitted, childsOwn, true},
		{"CO", 17, consent, ifPermitted, childsOwn, true},
		{"GB", 11, explained, asked, otherAdult, false},
		{"GB", 12, consent, ifPermitted, childsOwn, false},
	} {
		got := policy.ChildRow(scotland(policy.Default()), row.country, row.age)
		if got.GetChild() != row.child || got.GetCaregiver() != row.caregiver || got.GetWithout() != row.without || got.GetChildInWriting() != row.inWriting {
			t.Errorf("%d years, %q: %v, %v, %v, in writing %v", row.age, row.country, got.GetChild(), got.GetCaregiver(), got.GetWithout(), got.GetChildInWriting())
		}
	}
	if policy.ChildRow(policy.Default(), "", 18) != nil {
		t.Error("an adult is treated as a child")
	}
	if got := policy.ChildRow(&amparov1.Policy{}, "", 13); got.GetFromAge() != 12 {
		t.Error("by an old policy nobody is asked for a child")
	}
}

// TestTablesOfAges: a table is whole, and asks no child less for being older.
func TestTablesOfAges(t *testing.T) {
	try(t, []idea{
		{"a country with its own table", "", 0, func(p *amparov1.Policy) { scotland(p) }},
		{"which begins at twelve", "policy.children[4].from_age", invalid, func(p *amparov1.Policy) {
			scotland(p).Children[4].FromAge = 11
		}},
		{"which is out of order", "policy.children[5].from_age", invalid, func(p *amparov1.Policy) { scotland(p).Children[5].FromAge = 0 }},
		{"an adult's row", "policy.children[3].from_age", invalid, func(p *amparov1.Policy) { p.Children[3].FromAge = 18 }},
		{"no table for all", "policy.children", invalid, func(p *amparov1.Policy) { p.Children = scotland(p).Children[4:] }},
		{"older children are only told", "policy.children[3].child", unsafe, func(p *amparov1.Policy) { p.Children[3].Child = explained }},
		{"a child of six consents", "policy.children[1].child", unsafe, func(p *amparov1.Policy) {
			p.Children[1].Child, p.Children[2].Child = consent, consent
		}},
		{"and may forbid that anybody is asked", "policy.children[1].caregiver", unsafe, func(p *amparov1.Policy) { p.Children[1].Caregiver = ifPermitted }},
		{"and answers for itself", "policy.children[1].without", unsafe, func(p *amparov1.Policy) { p.Children[1].Without = eitherWord }},
		{"nobody is asked", "policy.children[1].caregiver", invalid, func(p *amparov1.Policy) { p.Children[1].Caregiver = 0 }},
		{"nothing is said of the child", "policy.children[0].child", invalid, func(p *amparov1.Policy) { p.Children[0].Child = 0 }},
		{"nor of whoever takes a caregiver's place", "policy.children[0].without", invalid, func(p *amparov1.Policy) { p.Children[0].Without = 0 }},
	})
}
