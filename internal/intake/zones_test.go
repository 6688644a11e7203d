package intake_test

import (
	"testing"
	"time"
	_ "time/tzdata" // the same list on every machine

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/intake"
)

// TestTimeZones compares what is accepted with what the time zone database loads.
func TestTimeZones(t *testing.T) {
	for _, name := range []string{
		"America/Bogota", "Asia/Kolkata", "Asia/Calcutta", "Europe/Kyiv", "Europe/Kiev", "Asia/Yangon", "America/Argentina/Ushuaia",
		"UTC", "Etc/GMT+5", "EST5EDT", "Africa/Juba", "Pacific/Kanton", "America/Coyhaique",
		"America", "america/bogota", "America/Bogota ", "Bogota", "+03", "GMT+5", "Europe/", "/UTC", "",
	} {
		_, err := time.LoadLocation(name)
		want := err == nil && name != ""
		asked := &amparov1.Intake{
			Situation:   "x",
			SafeContact: &amparov1.SafeContact{TimeZone: name, Windows: []*amparov1.SafeWindow{{From: "19:00", Until: "21:00"}}},
		}
		got := len(intake.Check(asked, night)) == 0
		if got != want {
			t.Errorf("zone %q: accepted %t, the database loads it %t", name, got, want)
		}
	}
}
