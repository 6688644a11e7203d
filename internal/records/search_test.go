package records_test

import (
	"slices"
	"testing"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/lookup"
	"github.com/amparo-project/amparo/internal/policy"
	"github.com/amparo-project/amparo/internal/records"
)

// TestWhoFindsWhom searches for five people of one name at each level of risk, as
// whoever works at their office by day, at night, and as those who answer for it.
func TestWhoFindsWhom(t *testing.T) {
	h, _ := inMemory(t)
	taker := newPerson()
	team := newPerson()
	team.staff.Roles = []amparov1.Role{amparov1.Role_ROLE_HOTLINE_OPERATOR}
	levels := []amparov1.RiskLevel{1, 2, 3, 4, 5}
	for _, level := range levels {
		id := h.mustCreate(taker, intake{name: "Amaru Testowa", risk: level})
		h.service(id, func(_ *records.Work, f *records.File) error {
			f.Case().TeamIds = []string{team.staff.GetId()}
			f.Touch()
			return nil
		})
	}
	somebody := func(role amparov1.Role, offices ...string) person {
		p := newPerson(offices...)
		p.staff.Roles = []amparov1.Role{role}
		return p
	}
	searchFor := func(text string, p person, onShift ...string) (found []amparov1.RiskLevel) {
		t.Helper()
		all, err := rules()
		if err != nil {
			t.Fatal(err)
		}
		grant, err := access.Authorize(all, access.Caller{Staff: p.staff, Device: p.device, OnShift: onShift}, "/amparo.v1.QueueService/SearchCases", h.Now())
		if err != nil {
			t.Fatal(err)
		}
		rows, _, err := h.Search(ctx, grant, text, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			found = append(found, row.GetRiskLevel())
		}
		slices.Sort(found)
		return found
	}
	search := func(p person, onShift ...string) []amparov1.RiskLevel {
		return searchFor("testowa amaru", p, onShift...)
	}
	const operator, officer = amparov1.Role_ROLE_HOTLINE_OPERATOR, amparov1.Role_ROLE_CASE_OFFICER
	const reviewer, head = amparov1.Role_ROLE_REVIEWER, amparov1.Role_ROLE_HEAD_OF_SECRETARIAT
	type row struct {
		who  string
		got  []amparov1.RiskLevel
		want []amparov1.RiskLevel
	}
	check := func(when string, rows []row) {
		t.Helper()
		for _, r := range rows {
			if !slices.Equal(r.got, r.want) {
				t.Errorf("%s, %s finds %v, want %v", when, r.who, r.got, r.want)
			}
		}
	}
	check("as it comes", []row{
		{"a colleague of the office", search(somebody(officer)), levels[:4]},
		{"an operator off shift", search(somebody(operator)), levels[:4]},
		{"an operator on shift", search(somebody(operator), office), levels},
		{"an operator on shift for another office", search(somebody(operator), "cusco"), levels[:4]},
		{"somebody of another office on shift", search(somebody(operator, "cusco"), "cusco"), nil},
		{"a member of the team", search(team), levels},
		{"a reviewer", search(somebody(reviewer)), levels},
		{"the head of the secretariat", search(somebody(head)), levels},
	})
	h.mustCreate(newPerson("cusco"), intake{name: "Killa Testowa", risk: levels[4]})
	inBoth := somebody(operator, office, "cusco")
	check("in the office of the other shift", []row{
		{"an operator on shift here", searchFor("testowa killa", inBoth, office), nil},
		{"an operator on shift there", searchFor("testowa killa", inBoth, "cusco"), levels[4:]},
	})
	if err := h.decide(true, func(p *amparov1.Policy) {
		p.Levels[3].Search, p.Levels[4].Search = amparov1.SearchReach_SEARCH_REACH_SHIFT, amparov1.SearchReach_SEARCH_REACH_TEAM
	}); err != nil {
		t.Fatal(err)
	}
	check("kept to the team at an extreme risk", []row{
		{"a colleague of the office", search(somebody(officer)), levels[:3]},
		{"an operator on shift", search(somebody(operator), office), levels[:4]},
		{"a member of the team", search(team), levels},
		{"a reviewer", search(somebody(reviewer)), levels[:4]},
		{"the head of the secretariat", search(somebody(head)), levels},
	})
}

// TestCandidatesCostNothing: a name that a thousand people bear is not slower to search
// for because most of them are not found.
func TestCandidatesCostNothing(t *testing.T) {
	p := newPerson()
	finds := records.Finds(policy.Default(), p.grant(t, "QueueService/SearchCases"), records.ParseID(p.staff.GetId()))
	row := &lookup.Row{Office: office, Risk: uint8(amparov1.RiskLevel_RISK_LEVEL_EXTREME), Team: make([]lookup.ID, 5)}
	if n := testing.AllocsPerRun(100, func() { finds(row) }); n != 0 {
		t.Errorf("%v allocations for each", n)
	}
	row.Risk = 77
	p.staff.Roles = []amparov1.Role{amparov1.Role_ROLE_REVIEWER}
	if finds := records.Finds(policy.Default(), p.grant(t, "QueueService/SearchCases"), lookup.ID{}); finds(&lookup.Row{Office: office, Risk: 77}) {
		t.Error("a level that nobody knows is found by everybody who reviews")
	}
}
