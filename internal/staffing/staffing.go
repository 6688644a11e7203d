// Package staffing says where the work would stop for want of a person: which gates
// fail already, and which would with any one of the staff away. A mechanism of five
// people finds out here, and not at night, that nobody is left who may confirm.
//
// Gaps is the answer; Worse is what a suspension has made of it. The table of gates
// has a row for each, and every part of the service that asks for somebody, or for a
// second person, adds its own.
//
// The package knows roles, offices and standing. It does not know who is on duty
// when, nor whether the people can be reached.
package staffing

import (
	"cmp"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/policy"
)

const (
	service = "/amparo.v1."

	officer = amparov1.Role_ROLE_CASE_OFFICER
	head    = amparov1.Role_ROLE_HEAD_OF_SECRETARIAT
)

// gate is one row: who asks and, where it takes somebody else's word, who answers,
// each by the call that they make.
type gate struct {
	gate   amparov1.Gate
	asks   string
	answer string
	// role takes the place of asks where no call says who is needed.
	role amparov1.Role
	// office: every office needs people of its own.
	office bool
}

var gates = []gate{
	{gate: amparov1.Gate_GATE_ENROLMENT, asks: "StaffService/InviteStaff", answer: "StaffService/ConfirmStaff"},
	{gate: amparov1.Gate_GATE_LOWERED_RISK, asks: "RiskService/AssessRisk", answer: "RiskService/ConfirmRisk", office: true},
	{gate: amparov1.Gate_GATE_POLICY_CHANGE, asks: "PolicyService/ProposePolicy", answer: "PolicyService/ConfirmPolicy"},
	{gate: amparov1.Gate_GATE_ADMINISTRATION, asks: "StaffService/ReinstateStaff"},
	{gate: amparov1.Gate_GATE_INTAKE, asks: "CaseService/CreateIntake", office: true},
	{gate: amparov1.Gate_GATE_TRIAGE, asks: "CaseService/TriageCase", office: true},
	{gate: amparov1.Gate_GATE_CASE_OFFICER, role: officer, office: true},
	{gate: amparov1.Gate_GATE_OVERSIGHT, role: head, office: true},
}

// Gaps returns the gates that fail at an instant, and those that would with any one
// person absent: those that fail first, then in the order of gates and offices. An
// office that nobody works at any more is one whose gates fail.
func Gaps(
	rules access.Rules, p *amparov1.Policy, people []*amparov1.StaffMember, offices []string, now time.Time,
) []*amparov1.StaffingGap {
	able := slices.DeleteFunc(slices.Clone(people), func(m *amparov1.StaffMember) bool { return !access.Present(m, now) })
	var all []*amparov1.StaffingGap
	for _, g := range gates {
		where := []string{""}
		if g.office {
			where = offices
		}
		for _, office := range where {
			if gap := g.gap(rules, p, able, office); gap != nil {
				all = append(all, gap)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b *amparov1.StaffingGap) int {
		switch {
		case a.GetFails() != b.GetFails():
			return map[bool]int{true: -1, false: 1}[a.GetFails()]
		default:
			return cmp.Or(cmp.Compare(a.GetGate(), b.GetGate()), cmp.Compare(a.GetOffice(), b.GetOffice()))
		}
	})
	return all
}

// Worse returns the gaps of after that were not there before, or were smaller.
func Worse(before, after []*amparov1.StaffingGap) []*amparov1.StaffingGap {
	return slices.DeleteFunc(slices.Clone(after), func(gap *amparov1.StaffingGap) bool {
		return slices.ContainsFunc(before, func(old *amparov1.StaffingGap) bool { return proto.Equal(old, gap) })
	})
}

// gap is what is wrong with a gate at an office, or nil.
func (g gate) gap(rules access.Rules, p *amparov1.Policy, able []*amparov1.StaffMember, office string) *amparov1.StaffingGap {
	asking := g.those(able, rules, g.asks, office)
	answering, needed := []string(nil), 0
	if g.answer != "" {
		answering, needed = g.those(able, rules, g.answer, office), policy.Approvals(p, g.gate)
	}
	gap := &amparov1.StaffingGap{Gate: g.gate, Office: office, Fails: !holds(asking, answering, needed, "")}
	if gap.Fails {
		return gap
	}
	everybody := slices.Concat(asking, answering)
	slices.Sort(everybody)
	for _, id := range slices.Compact(everybody) {
		if !holds(asking, answering, needed, id) {
			gap.NeededStaffIds = append(gap.NeededStaffIds, id)
		}
	}
	if len(gap.NeededStaffIds) == 0 {
		return nil
	}
	return gap
}

// those are the people who may make a call, or have the row's role, at an office.
func (g gate) those(able []*amparov1.StaffMember, rules access.Rules, method, office string) []string {
	var ids []string
	for _, m := range able {
		fits := g.role != amparov1.Role_ROLE_UNSPECIFIED && slices.Contains(m.GetRoles(), g.role) ||
			method != "" && rules.Allows(service+method, m.GetRoles())
		if fits && (office == "" || slices.Contains(m.GetOffices(), office)) {
			ids = append(ids, m.GetId())
		}
	}
	return ids
}

// holds tells whether, with one person absent, somebody can ask and enough others
// can answer: nobody answers themselves.
func holds(asking, answering []string, needed int, absent string) bool {
	for _, asker := range asking {
		others := 0
		for _, id := range answering {
			if id != asker && id != absent {
				others++
			}
		}
		if asker != absent && others >= needed {
			return true
		}
	}
	return false
}
