package safety_test

import (
	"slices"
	"testing"
	"time"
	_ "time/tzdata" // the zones are the table's premise, not the machine's

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/safety"
)

const (
	safeNow     = amparov1.SafeHours_SAFE_HOURS_NOW
	safeNotNow  = amparov1.SafeHours_SAFE_HOURS_NOT_NOW
	safeAny     = amparov1.SafeHours_SAFE_HOURS_ANY
	safeUnknown = amparov1.SafeHours_SAFE_HOURS_UNKNOWN
)

func hours(from, until string, days ...amparov1.Weekday) *amparov1.SafeWindow {
	return &amparov1.SafeWindow{From: from, Until: until, Days: days}
}

// TestLocalTime says what somebody on the desk in Brussels reads before the number:
// the day and hour there, whether it is a safe one, and when the next begins. Days
// are those on which a window begins. Windows over a change of clocks are as long as
// the clocks make them.
func TestLocalTime(t *testing.T) {
	const (
		mon, fri, sat = amparov1.Weekday_WEEKDAY_MONDAY, amparov1.Weekday_WEEKDAY_FRIDAY, amparov1.Weekday_WEEKDAY_SATURDAY
		sun           = amparov1.Weekday_WEEKDAY_SUNDAY
	)
	for _, row := range []struct {
		name    string
		at      string // UTC
		zone    string
		windows []*amparov1.SafeWindow
		local   string
		want    amparov1.SafeHours
		next    string // UTC
	}{
		{"no hours were named", "2026-11-03T08:12:00Z", "America/Bogota", nil, "Tue 03:12", safeAny, ""},
		{"neither hours nor zone", "2026-11-03T08:12:00Z", "", nil, "", safeAny, ""},
		{"hours without a zone", "2026-11-03T08:12:00Z", "", []*amparov1.SafeWindow{hours("08:00", "20:00")}, "", safeUnknown, ""},
		{"hours in a zone that is none", "2026-11-03T08:12:00Z", "America/Nowhere", []*amparov1.SafeWindow{hours("08:00", "20:00")}, "", safeUnknown, ""},
		{"three at night", "2026-11-03T08:12:00Z", "America/Bogota", []*amparov1.SafeWindow{hours("08:00", "20:00")}, "Tue 03:12", safeNotNow, "2026-11-03T13:00:00Z"},
		{"as it opens", "2026-11-03T13:00:00Z", "America/Bogota", []*amparov1.SafeWindow{hours("08:00", "20:00")}, "Tue 08:00", safeNow, ""},
		{"as it closes", "2026-11-04T01:00:00Z", "America/Bogota", []*amparov1.SafeWindow{hours("08:00", "20:00")}, "Tue 20:00", safeNotNow, "2026-11-04T13:00:00Z"},
		{"the second of two", "2026-11-03T23:30:00Z", "America/Bogota", []*amparov1.SafeWindow{hours("08:00", "09:00"), hours("18:00", "19:00")}, "Tue 18:30", safeNow, ""},
		{"over midnight, before it", "2026-11-04T04:00:00Z", "America/Bogota", []*amparov1.SafeWindow{hours("22:00", "02:00")}, "Tue 23:00", safeNow, ""},
		{"over midnight, after it", "2026-11-04T06:00:00Z", "America/Bogota", []*amparov1.SafeWindow{hours("22:00", "02:00")}, "Wed 01:00", safeNow, ""},
		{"Friday night, on Saturday", "2026-11-07T06:00:00Z", "America/Bogota", []*amparov1.SafeWindow{hours("22:00", "02:00", fri)}, "Sat 01:00", safeNow, ""},
		{"Saturday night, on Saturday before dawn", "2026-11-07T06:00:00Z", "America/Bogota", []*amparov1.SafeWindow{hours("22:00", "02:00", sat)}, "Sat 01:00", safeNotNow, "2026-11-08T03:00:00Z"},
		{"on Mondays only, a Tuesday", "2026-11-03T15:00:00Z", "America/Bogota", []*amparov1.SafeWindow{hours("08:00", "20:00", mon)}, "Tue 10:00", safeNotNow, "2026-11-09T13:00:00Z"},
		{"all day long", "2026-11-03T08:12:00Z", "America/Bogota", []*amparov1.SafeWindow{hours("00:00", "00:00")}, "Tue 03:12", safeNow, ""},
		{"half an hour off, Kabul", "2026-11-03T03:45:00Z", "Asia/Kabul", []*amparov1.SafeWindow{hours("08:00", "09:00")}, "Tue 08:15", safeNow, ""},
		{"Friday is a day of rest, Kabul", "2026-11-05T20:00:00Z", "Asia/Kabul", []*amparov1.SafeWindow{hours("00:00", "06:00", fri)}, "Fri 00:30", safeNow, ""},
		{"the hour that was left out, Port-au-Prince", "2026-03-08T07:30:00Z", "America/Port-au-Prince", []*amparov1.SafeWindow{hours("01:00", "03:30", sun)}, "Sun 03:30", safeNotNow, "2026-03-15T05:00:00Z"},
		{"the hour that came twice, Port-au-Prince", "2026-11-01T06:30:00Z", "America/Port-au-Prince", []*amparov1.SafeWindow{hours("01:00", "02:00", sun)}, "Sun 01:30", safeNow, ""},
	} {
		intake := ana()
		intake.SafeContact.TimeZone, intake.SafeContact.Windows = row.zone, row.windows
		at, err := time.Parse(time.RFC3339, row.at)
		if err != nil {
			t.Fatal(err)
		}
		got := safety.Advise(safety.Begin(intake), time.LoadLocation, at).GetContacts()[0]
		next := ""
		if got.GetSafeFrom() != nil {
			next = got.GetSafeFrom().AsTime().Format(time.RFC3339)
		}
		if got.GetLocalTime() != row.local || got.GetSafeHours() != row.want || next != row.next {
			t.Errorf("%s: %q, %v, next %q; want %q, %v, %q", row.name, got.GetLocalTime(), got.GetSafeHours(), next, row.local, row.want, row.next)
		}
		warned := slices.Contains(got.GetWarnings(), amparov1.SafetyWarning_SAFETY_WARNING_OUTSIDE_SAFE_HOURS)
		if warned != (row.want == safeNotNow) {
			t.Errorf("%s: warned %v", row.name, warned)
		}
	}
}

// TestWarnings says what is to be minded at a contact, besides the hour.
func TestWarnings(t *testing.T) {
	const (
		doNotUse    = amparov1.SafetyWarning_SAFETY_WARNING_DO_NOT_USE
		hostile     = amparov1.SafetyWarning_SAFETY_WARNING_SUSPECTED_HOSTILE
		notDirectly = amparov1.SafetyWarning_SAFETY_WARNING_NOT_DIRECTLY
		unverified  = amparov1.SafetyWarning_SAFETY_WARNING_UNVERIFIED
		noMessage   = amparov1.SafetyWarning_SAFETY_WARNING_LEAVE_NO_MESSAGE
		noName      = amparov1.SafetyWarning_SAFETY_WARNING_DO_NOT_NAME_ORGANISATION
		notVetted   = amparov1.SafetyWarning_SAFETY_WARNING_INTERPRETER_NOT_VETTED
		notThisOne  = amparov1.SafetyWarning_SAFETY_WARNING_INTERPRETER_EXCLUDED
		noEmergency = amparov1.SafetyWarning_SAFETY_WARNING_NO_EMERGENCY
	)
	careful := ana()
	careful.SafeContact.DoNotLeaveMessage, careful.SafeContact.DoNotNameOrganisation = true, true
	choosy := ana()
	choosy.SafeContact.ExcludedInterpreterIds = []string{"cousin"}
	for _, row := range []struct {
		name   string
		intake *amparov1.Intake
		edit   func(*amparov1.Safety)
		what   safety.Contacted
		want   []amparov1.SafetyWarning
	}{
		{"her own number", ana(), nil, safety.Contacted{}, []amparov1.SafetyWarning{unverified}},
		{"after she said her word", ana(), func(s *amparov1.Safety) { reach(t, s, 1, "guayaba", night) }, safety.Contacted{}, nil},
		{"another asks for her", forAna(), nil, safety.Contacted{}, []amparov1.SafetyWarning{notDirectly, unverified}},
		{"no message, no name", careful, nil, safety.Contacted{}, []amparov1.SafetyWarning{unverified, noMessage, noName}},
		{"after her arrest", ana(), func(s *amparov1.Safety) { report(t, s, detained, night) }, safety.Contacted{}, []amparov1.SafetyWarning{doNotUse, unverified}},
		{"in hostile hands", ana(), func(s *amparov1.Safety) { _, _ = safety.Distrust(s, 1, true, "", operator, night) }, safety.Contacted{}, []amparov1.SafetyWarning{doNotUse, hostile}},
		{"an interpreter of the list", choosy, nil, safety.Contacted{Attempt: &amparov1.ContactAttempt{InterpreterId: "neighbour"}, Vetted: true}, []amparov1.SafetyWarning{unverified}},
		{"an interpreter whom she does not want", choosy, nil, safety.Contacted{Attempt: &amparov1.ContactAttempt{InterpreterId: "cousin"}, Vetted: true}, []amparov1.SafetyWarning{unverified, notThisOne}},
		{"an interpreter who may not work any more", ana(), nil, safety.Contacted{Attempt: &amparov1.ContactAttempt{InterpreterId: "neighbour"}}, []amparov1.SafetyWarning{unverified, notVetted}},
		{"somebody in the street, in an emergency", ana(), nil, safety.Contacted{Attempt: &amparov1.ContactAttempt{UnvettedInterpreter: true, InterpreterReason: "bleeding"}, Emergency: true}, []amparov1.SafetyWarning{unverified, notVetted}},
		{"somebody in the street, without haste", ana(), nil, safety.Contacted{Attempt: &amparov1.ContactAttempt{UnvettedInterpreter: true, InterpreterReason: "was there"}}, []amparov1.SafetyWarning{unverified, notVetted, noEmergency}},
	} {
		s := safety.Begin(row.intake)
		if row.edit != nil {
			row.edit(s)
		}
		if row.what.Attempt == nil {
			row.what.Attempt = &amparov1.ContactAttempt{}
		}
		row.what.Attempt.ContactNumber = 1
		got, duress, err := safety.Attempt(s, row.what, time.LoadLocation, operator, night)
		if err != nil || duress || !slices.Equal(got, row.want) {
			t.Errorf("%s: %v, %v; want %v", row.name, got, err, row.want)
		}
	}
	for name, attempt := range map[string]*amparov1.ContactAttempt{
		"a contact that is none":                    {ContactNumber: 7},
		"nobody vetted, and nobody says who it was": {UnvettedInterpreter: true},
	} {
		if _, _, err := safety.Attempt(safety.Begin(ana()), safety.Contacted{Attempt: attempt}, time.LoadLocation, operator, night); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
