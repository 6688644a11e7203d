package staffing_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/policy"
	"github.com/amparo-project/amparo/internal/staffing"
)

var now = time.Date(2026, 3, 9, 22, 40, 0, 0, time.UTC)

// person is somebody able to work, by initials of roles: a administrator, h head of
// secretariat, r reviewer, o case officer, l hotline operator, u auditor, d data
// protection officer.
func person(id, roles string, offices ...string) *amparov1.StaffMember {
	m := &amparov1.StaffMember{
		Id: id, Offices: offices, Standing: amparov1.StaffStanding_STAFF_STANDING_ACTIVE,
		Devices: []*amparov1.Device{{Standing: amparov1.DeviceStanding_DEVICE_STANDING_ACTIVE}},
	}
	for initial, role := range map[string]amparov1.Role{
		"a": amparov1.Role_ROLE_ADMINISTRATOR, "h": amparov1.Role_ROLE_HEAD_OF_SECRETARIAT, "r": amparov1.Role_ROLE_REVIEWER,
		"o": amparov1.Role_ROLE_CASE_OFFICER, "l": amparov1.Role_ROLE_HOTLINE_OPERATOR, "u": amparov1.Role_ROLE_AUDITOR,
		"d": amparov1.Role_ROLE_DATA_PROTECTION_OFFICER,
	} {
		if strings.Contains(roles, initial) {
			m.Roles = append(m.Roles, role)
		}
	}
	return m
}

type failer interface {
	Helper()
	Fatal(args ...any)
}

func gaps(t failer, p *amparov1.Policy, people []*amparov1.StaffMember) []*amparov1.StaffingGap {
	t.Helper()
	rules, err := access.LoadV1()
	if err != nil {
		t.Fatal(err)
	}
	return staffing.Gaps(staffing.Picture{Rules: rules, Policy: p, People: people, Offices: []string{"north"}, Now: now})
}

// said writes gaps as "GATE fails" and "GATE@office without ann, bob".
func said(all []*amparov1.StaffingGap) []string {
	var lines []string
	for _, gap := range all {
		line := strings.TrimPrefix(gap.GetGate().String(), "GATE_")
		if gap.GetOffice() != "" {
			line += "@" + gap.GetOffice()
		}
		if gap.GetFails() {
			line += " fails"
		} else {
			line += " without " + strings.Join(gap.GetNeededStaffIds(), ", ")
		}
		lines = append(lines, line)
	}
	return lines
}

func TestGaps(t *testing.T) {
	full := []*amparov1.StaffMember{
		person("ann", "a"), person("bob", "a"), person("cem", "h", "north"), person("dia", "h", "north"),
		person("eva", "o", "north"), person("fil", "o", "north"), person("gus", "l", "north"), person("hal", "l", "north"),
		person("ivy", "d", "north"), person("jan", "d", "north"),
	}
	without := func(id string, change func(*amparov1.StaffMember)) []*amparov1.StaffMember {
		people := slices.Clone(full)
		i := slices.IndexFunc(people, func(m *amparov1.StaffMember) bool { return m.GetId() == id })
		m := person(id, "", "north")
		m.Roles = people[i].GetRoles()
		people[i] = m
		change(m)
		return people
	}
	onlyDia := []string{"POLICY_CHANGE without dia", "OVERSIGHT@north without dia", "LEAVER@north without dia"}
	for _, row := range []struct {
		says   string
		people []*amparov1.StaffMember
		want   []string
	}{
		{"two of each", full, nil},
		{"nobody", nil, []string{
			"ENROLMENT fails", "LOWERED_RISK@north fails", "POLICY_CHANGE fails", "CONTACT_CHANGE@north fails", "MERGE@north fails", "ADMINISTRATION fails",
			"INTAKE@north fails", "TRIAGE@north fails", "CASE_OFFICER@north fails", "OVERSIGHT@north fails",
			"DEATH@north fails", "HANDOVER@north fails", "LEAVER@north fails", "ON_CALL@north fails",
			"HARM_CHECK@north fails", "COUNTERSIGNATURE@north fails", "LISTED_BASIS@north fails", "DATA_PROTECTION fails",
		}},
		{"a head is suspended", without("cem", func(m *amparov1.StaffMember) { m.Standing = amparov1.StaffStanding_STAFF_STANDING_SUSPENDED }), onlyDia},
		{"a head waits for confirmation", without("cem", func(m *amparov1.StaffMember) { m.Standing = amparov1.StaffStanding_STAFF_STANDING_PENDING }), onlyDia},
		{"a head's laptop is revoked", without("cem", func(m *amparov1.StaffMember) {
			m.Devices[0].Standing = amparov1.DeviceStanding_DEVICE_STANDING_REVOKED
		}), onlyDia},
		{"a head's account has ended", without("cem", func(m *amparov1.StaffMember) { m.ValidUntil = timestamppb.New(now) }), onlyDia},
		{"a head's account ends later", without("cem", func(m *amparov1.StaffMember) { m.ValidUntil = timestamppb.New(now.Add(time.Hour)) }), nil},
		{"a head moves to the south", without("cem", func(m *amparov1.StaffMember) { m.Offices = []string{"south"} }), onlyDia[1:]},
		{"five people, one of them with two hats", []*amparov1.StaffMember{
			person("ann", "ah", "north"), person("bob", "a"), person("eva", "o", "north"), person("fil", "o", "north"), person("gus", "l", "north"),
		}, []string{
			"LISTED_BASIS@north fails", "DATA_PROTECTION fails", "ENROLMENT without ann, bob", "POLICY_CHANGE without ann, bob",
			"OVERSIGHT@north without ann", "LEAVER@north without ann", "ON_CALL@north without gus", "HARM_CHECK@north without ann",
		}},
		{"whoever proposes is the only one to confirm", []*amparov1.StaffMember{person("ann", "ah", "north")}, []string{
			"ENROLMENT fails", "LOWERED_RISK@north fails", "POLICY_CHANGE fails", "CONTACT_CHANGE@north fails", "MERGE@north fails", "CASE_OFFICER@north fails",
			"DEATH@north fails", "HANDOVER@north fails", "ON_CALL@north fails",
			"HARM_CHECK@north fails", "COUNTERSIGNATURE@north fails", "LISTED_BASIS@north fails", "DATA_PROTECTION fails", "ADMINISTRATION without ann",
			"INTAKE@north without ann", "TRIAGE@north without ann", "OVERSIGHT@north without ann", "LEAVER@north without ann",
		}},
	} {
		got := said(gaps(t, policy.Default(), row.people))
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: %v, want %v", row.says, got, row.want)
		}
	}
}

// TestTwoConfirmations: a policy that asks for more people makes gates fail sooner.
func TestTwoConfirmations(t *testing.T) {
	p := policy.Default()
	p.Approvals[2].People = 2
	people := []*amparov1.StaffMember{person("ann", "a"), person("bob", "a"), person("cem", "h", "north"), person("dia", "h", "north")}
	got := said(staffing.Worse(gaps(t, policy.Default(), people), gaps(t, p, people)))
	if !slices.Equal(got, []string{"POLICY_CHANGE without cem, dia"}) {
		t.Errorf("%v", got)
	}
	if got := said(staffing.Worse(gaps(t, p, people), gaps(t, p, people))); len(got) != 0 {
		t.Errorf("nothing has changed and %v is worse", got)
	}
}

// TestTheMostThatMayBeNeeded: an order of a court takes two others, a check at an extreme
// risk may take two, and an office has to have them.
func TestTheMostThatMayBeNeeded(t *testing.T) {
	people := []*amparov1.StaffMember{
		person("eva", "o", "north"), person("fil", "o", "north"), person("cem", "h", "north"), person("dia", "r", "north"), person("ivy", "d", "south"),
	}
	of := func(p *amparov1.Policy, prefixes ...string) (lines []string) {
		for _, line := range said(gaps(t, p, people)) {
			if slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(line, prefix) }) {
				lines = append(lines, line)
			}
		}
		return lines
	}
	two := policy.Default()
	two.Levels[4].Approvals = 2
	one := policy.Default()
	one.Bases[4].Approvals = 1
	for _, row := range []struct {
		says   string
		policy *amparov1.Policy
		want   []string
	}{
		{"as it comes", policy.Default(), []string{"LISTED_BASIS@north without cem, dia", "DATA_PROTECTION without ivy"}},
		{"two agree at an extreme risk", two, []string{"HARM_CHECK@north without cem, dia", "LISTED_BASIS@north without cem, dia", "DATA_PROTECTION without ivy"}},
		{"one looks at an order", one, []string{"DATA_PROTECTION without ivy"}},
	} {
		if got := of(row.policy, "HARM_CHECK", "LISTED_BASIS", "DATA_PROTECTION", "COUNTERSIGNATURE"); !slices.Equal(got, row.want) {
			t.Errorf("%s: %v, want %v", row.says, got, row.want)
		}
	}
}

// TestSlots: a slot with one person in it is one absence from empty, whoever else the
// office has; a slot that has ended says nothing.
func TestSlots(t *testing.T) {
	people := []*amparov1.StaffMember{person("gus", "l", "north"), person("hal", "l", "north"), person("ida", "l", "south"), person("jon", "l", "north")}
	people[3].ValidUntil = timestamppb.New(now.Add(-time.Hour))
	people[1].ValidUntil = timestamppb.New(now.Add(30 * time.Hour))
	slot := func(from, until int, staff ...string) *amparov1.RotaSlot {
		return &amparov1.RotaSlot{
			From: timestamppb.New(now.Add(time.Duration(from) * time.Hour)), Until: timestamppb.New(now.Add(time.Duration(until) * time.Hour)), StaffIds: staff,
		}
	}
	for _, row := range []struct {
		says  string
		slots []*amparov1.RotaSlot
		want  string
	}{
		{"no rota: all operators answer", nil, ""},
		{"two in each", []*amparov1.RotaSlot{slot(-1, 8, "gus", "hal"), slot(8, 16, "hal", "gus")}, ""},
		{"each alone once", []*amparov1.RotaSlot{slot(-1, 8, "gus"), slot(8, 16, "hal")}, "ON_CALL@north without gus, hal"},
		{"one has ended", []*amparov1.RotaSlot{slot(-9, -1), slot(-1, 8, "gus", "hal")}, ""},
		{"nobody has taken one", []*amparov1.RotaSlot{slot(-1, 8, "gus"), slot(8, 16)}, "ON_CALL@north fails"},
		{"an account ends before the slot", []*amparov1.RotaSlot{slot(31, 40, "gus", "hal")}, "ON_CALL@north without gus"},
		{"an account has ended during the slot", []*amparov1.RotaSlot{slot(-9, 8, "gus", "jon")}, "ON_CALL@north without gus"},
		{"somebody of another office", []*amparov1.RotaSlot{slot(1, 8, "gus", "ida")}, "ON_CALL@north without gus"},
	} {
		got := ""
		picture := staffing.Picture{People: people, Offices: []string{"north"}, Now: now, Rotas: []*amparov1.Rota{{Office: "north", Slots: row.slots}}}
		for _, line := range said(staffing.Gaps(picture)) {
			if strings.HasPrefix(line, "ON_CALL") {
				got += line
			}
		}
		if got != row.want {
			t.Errorf("%s: %q, want %q", row.says, got, row.want)
		}
	}
}

// TestAgainstTrying takes each person away in turn and looks whether a gate that held
// fails: just those must be named.
func TestAgainstTrying(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var people []*amparov1.StaffMember
		for i := range rapid.IntRange(0, 7).Draw(t, "people") {
			roles := rapid.StringOfN(rapid.SampledFrom([]rune("ahrolud")), 1, 3, -1).Draw(t, "roles")
			office := rapid.SampledFrom([]string{"north", "south"}).Draw(t, "office")
			people = append(people, person(fmt.Sprint("p", i), roles, office))
		}
		want := map[string][]string{}
		failing := func(people []*amparov1.StaffMember) map[string]bool {
			fails := map[string]bool{}
			for _, gap := range gaps(t, policy.Default(), people) {
				if gap.GetFails() {
					fails[gap.GetGate().String()+gap.GetOffice()] = true
				}
			}
			return fails
		}
		before := failing(people)
		for i, absent := range people {
			left := slices.Delete(slices.Clone(people), i, i+1)
			for gate := range failing(left) {
				if !before[gate] {
					want[gate] = append(want[gate], absent.GetId())
				}
			}
		}
		for _, gap := range gaps(t, policy.Default(), people) {
			key := gap.GetGate().String() + gap.GetOffice()
			if !slices.Equal(gap.GetNeededStaffIds(), want[key]) {
				t.Fatalf("%s needs %v, want %v", key, gap.GetNeededStaffIds(), want[key])
			}
			delete(want, key)
		}
		if len(want) > 0 {
			t.Fatalf("%v are not named", want)
		}
	})
}

// TestEveryGateHasARow: with nobody there, each gate that the service knows fails, and
// none is missing from the table.
func TestEveryGateHasARow(t *testing.T) {
	failing := map[amparov1.Gate]bool{}
	for _, gap := range gaps(t, policy.Default(), nil) {
		failing[gap.GetGate()] = gap.GetFails()
	}
	for number, name := range amparov1.Gate_name {
		if number != 0 && !failing[amparov1.Gate(number)] {
			t.Errorf("nobody is there, and %s does not fail", name)
		}
	}
}

// TestTheTableNamesCalls: a gate whose call has another name by now would fail for
// everybody, whatever the staff.
func TestTheTableNamesCalls(t *testing.T) {
	rules, err := access.LoadV1()
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range staffing.Calls() {
		if rules[call] == nil {
			t.Errorf("there is no call %s", call)
		}
	}
}
