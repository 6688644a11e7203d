// Package staffing says where the work would stop for want of a person: which gates
// fail already, and which would with any one of the staff away. A mechanism of five
// people finds out here, and not at night, that nobody is left who may confirm.
//
// Gaps is the answer to a Picture; Worse is what a suspension has made of it. The
// table of gates has a row for each, and every part of the service that asks for
// somebody, or for a second person, adds its own.
//
// How many must answer is the policy's to say; where that depends on the level of risk
// or on the basis, there must be people for the most that it asks for anywhere.
//
// The package knows roles, offices, standing and rotas. It does not know whether the
// people can be reached, nor which of them a case excludes.
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

	operator = amparov1.Role_ROLE_HOTLINE_OPERATOR
	officer  = amparov1.Role_ROLE_CASE_OFFICER
	head     = amparov1.Role_ROLE_HEAD_OF_SECRETARIAT
	guardian = amparov1.Role_ROLE_DATA_PROTECTION_OFFICER
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
	{gate: amparov1.Gate_GATE_CONTACT_CHANGE, asks: "SafetyService/ProposeContactChange", answer: "SafetyService/ConfirmContactChange", office: true},
	{gate: amparov1.Gate_GATE_ADMINISTRATION, asks: "StaffService/ReinstateStaff"},
	{gate: amparov1.Gate_GATE_INTAKE, asks: "CaseService/CreateIntake", office: true},
	{gate: amparov1.Gate_GATE_TRIAGE, asks: "CaseService/TriageCase", office: true},
	{gate: amparov1.Gate_GATE_CASE_OFFICER, role: officer, office: true},
	{gate: amparov1.Gate_GATE_OVERSIGHT, role: head, office: true},
	{gate: amparov1.Gate_GATE_DEATH, asks: "SafetyService/RecordStatus", answer: "SafetyService/ConfirmStatus", office: true},
	{gate: amparov1.Gate_GATE_HANDOVER, asks: "HandoverService/BeginHandover", answer: "HandoverService/AcceptHandover", office: true},
	{gate: amparov1.Gate_GATE_MERGE, asks: "LinkService/MergeCases", answer: "LinkService/MergeCases", office: true},
	{gate: amparov1.Gate_GATE_LEAVER, asks: "HandoverService/ReassignCases", office: true},
	{gate: amparov1.Gate_GATE_HARM_CHECK, asks: "DisclosureService/CheckHarm", answer: "DisclosureService/ApproveDisclosure", office: true},
	{gate: amparov1.Gate_GATE_COUNTERSIGNATURE, asks: "DisclosureService/Disclose", answer: "DisclosureService/CountersignDisclosure", office: true},
	{gate: amparov1.Gate_GATE_LISTED_BASIS, asks: "DisclosureService/StateBasis", answer: "DisclosureService/ApproveDisclosure", office: true},
	{gate: amparov1.Gate_GATE_DATA_PROTECTION, role: guardian},
}

// Picture is what the check looks at.
type Picture struct {
	Rules   access.Rules
	Policy  *amparov1.Policy
	People  []*amparov1.StaffMember
	Offices []string
	Rotas   []*amparov1.Rota
	// Now is the instant at which accounts have ended or not.
	Now time.Time
}

// Gaps returns the gates that fail at an instant, and those that would with any one
// person absent: those that fail first, then in the order of gates and offices. An
// office that nobody works at any more is one whose gates fail.
func Gaps(picture Picture) []*amparov1.StaffingGap {
	able := present(picture.People, picture.Now)
	var all []*amparov1.StaffingGap
	for _, g := range gates {
		where := []string{""}
		if g.office {
			where = picture.Offices
		}
		for _, office := range where {
			if gap := g.gap(picture, able, office); gap != nil {
				all = append(all, gap)
			}
		}
	}
	for _, office := range picture.Offices {
		if gap := onCall(picture, office); gap != nil {
			all = append(all, gap)
		}
	}
	slices.SortStableFunc(all, func(a, b *amparov1.StaffingGap) int {
		switch {
		case a.GetFails() && !b.GetFails():
			return -1
		case b.GetFails() && !a.GetFails():
			return 1
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
func (g gate) gap(picture Picture, able []*amparov1.StaffMember, office string) *amparov1.StaffingGap {
	asking := g.those(able, picture.Rules, g.asks, office)
	answering, needed := []string(nil), 0
	if g.answer != "" {
		answering, needed = g.those(able, picture.Rules, g.answer, office), policy.Approvals(picture.Policy, g.gate)
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

// present are the people who can act at an instant.
func present(people []*amparov1.StaffMember, at time.Time) []*amparov1.StaffMember {
	return slices.DeleteFunc(slices.Clone(people), func(m *amparov1.StaffMember) bool { return !access.Present(m, at) })
}

// onCall is what is wrong with the slots of an office's rotas that have not ended: a
// slot with nobody, or with one person only. An office without a rota has one slot,
// in which every operator of its own is on call.
func onCall(picture Picture, office string) *amparov1.StaffingGap {
	gap := &amparov1.StaffingGap{Gate: amparov1.Gate_GATE_ON_CALL, Office: office}
	look := func(at time.Time, fits func(*amparov1.StaffMember) bool) {
		there := slices.DeleteFunc(present(picture.People, at), func(m *amparov1.StaffMember) bool {
			return !fits(m) || !slices.Contains(m.GetOffices(), office)
		})
		switch len(there) {
		case 0:
			gap.Fails = true
		case 1:
			gap.NeededStaffIds = append(gap.NeededStaffIds, there[0].GetId())
		}
	}
	rota := false
	for _, r := range picture.Rotas {
		for _, slot := range r.GetSlots() {
			if r.GetOffice() != office || !slot.GetUntil().AsTime().After(picture.Now) {
				continue
			}
			rota = true
			at := slot.GetFrom().AsTime()
			if at.Before(picture.Now) {
				at = picture.Now
			}
			look(at, func(m *amparov1.StaffMember) bool { return slices.Contains(slot.GetStaffIds(), m.GetId()) })
		}
	}
	if !rota {
		look(picture.Now, func(m *amparov1.StaffMember) bool { return slices.Contains(m.GetRoles(), operator) })
	}
	if gap.GetFails() {
		gap.NeededStaffIds = nil
		return gap
	}
	slices.Sort(gap.NeededStaffIds)
	if gap.NeededStaffIds = slices.Compact(gap.NeededStaffIds); len(gap.NeededStaffIds) == 0 {
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
