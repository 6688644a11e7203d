package risk_test

import (
	"testing"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/risk"
)

// TestWhoFinds asks who of an office finds a case by the name of its person.
func TestWhoFinds(t *testing.T) {
	for _, row := range []struct {
		who                          string
		finder                       risk.Finder
		office, shift, team, unknown bool
	}{
		{"a colleague of the office", risk.Finder{}, true, false, false, false},
		{"a member of the team", risk.Finder{OnTeam: true}, true, true, true, true},
		{"whoever is on shift", risk.Finder{OnShift: true}, true, true, false, false},
		{"a reviewer", risk.Finder{Reviews: true}, true, true, false, false},
		{"the head of the secretariat", risk.Finder{Reviews: true, Oversees: true}, true, true, true, true},
	} {
		for reach, want := range map[amparov1.SearchReach]bool{
			amparov1.SearchReach_SEARCH_REACH_OFFICE: row.office, amparov1.SearchReach_SEARCH_REACH_SHIFT: row.shift,
			amparov1.SearchReach_SEARCH_REACH_TEAM: row.team, amparov1.SearchReach_SEARCH_REACH_UNSPECIFIED: row.unknown,
		} {
			if got := risk.MayFind(reach, row.finder); got != want {
				t.Errorf("%s, %v: %v, want %v", row.who, reach, got, want)
			}
		}
	}
}
