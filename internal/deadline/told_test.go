package deadline_test

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/deadline"
)

// TestWhoIsTold climbs the ladder of a case with everybody there, and with some gone.
func TestWhoIsTold(t *testing.T) {
	const (
		warning = amparov1.TermStep_TERM_STEP_WARNING
		overdue = amparov1.TermStep_TERM_STEP_OVERDUE
		rung    = amparov1.TermStep_TERM_STEP_LADDER
		missed  = amparov1.AlarmKind_ALARM_KIND_MISSED_CHECK_IN
		late    = amparov1.AlarmKind_ALARM_KIND_OVERDUE
		alone   = amparov1.AlarmKind_ALARM_KIND_COUNTERSIGNATURE
		triage  = amparov1.TermKind_TERM_KIND_TRIAGE
		checkIn = amparov1.TermKind_TERM_KIND_CHECK_IN
	)
	type notices []*amparov1.TermNotice
	one := func(step amparov1.TermStep, number uint32) *amparov1.TermNotice {
		return &amparov1.TermNotice{Step: step, Number: number}
	}
	for name, c := range map[string]struct {
		kind    amparov1.TermKind
		lawyer  string // who owns the term apart from the case
		gone    []string
		met     bool
		notices notices
		told    []string
		alarms  []amparov1.AlarmKind
	}{
		"half of the time has passed":            {kind: triage, notices: notices{one(warning, 1)}, told: []string{"owner"}},
		"a date of the lawyer's":                 {kind: triage, lawyer: "lawyer", notices: notices{one(warning, 1)}, told: []string{"lawyer"}},
		"overdue":                                {kind: triage, notices: notices{one(overdue, 0)}, told: []string{"owner"}},
		"an hour overdue":                        {kind: triage, notices: notices{one(rung, 1)}, told: []string{"owner"}},
		"ninety minutes overdue":                 {kind: triage, notices: notices{one(rung, 2)}, told: []string{"desk", "phone"}},
		"two hours overdue":                      {kind: triage, notices: notices{one(rung, 3)}, told: []string{"reviewer", "head"}, alarms: []amparov1.AlarmKind{late}},
		"a check-in overdue":                     {kind: checkIn, notices: notices{one(overdue, 0)}, told: []string{"owner"}, alarms: []amparov1.AlarmKind{missed}},
		"a check-in overdue, and heard since":    {kind: checkIn, met: true, notices: notices{one(overdue, 0)}, told: []string{"owner"}},
		"a check-in warned of":                   {kind: checkIn, notices: notices{one(warning, 2)}, told: []string{"owner"}},
		"nobody has signed":                      {kind: countersignature, notices: notices{one(overdue, 0)}, told: []string{"owner"}, alarms: []amparov1.AlarmKind{alone}},
		"somebody has signed late":               {kind: countersignature, met: true, notices: notices{one(overdue, 0)}, told: []string{"owner"}},
		"a signature warned of":                  {kind: countersignature, notices: notices{one(warning, 2)}, told: []string{"owner"}},
		"a notice of a breach overdue":           {kind: breachNotice, notices: notices{one(overdue, 0)}, told: []string{"owner"}},
		"a notice of a breach two hours overdue": {kind: breachNotice, notices: notices{one(rung, 3)}, told: []string{"reviewer", "head"}, alarms: []amparov1.AlarmKind{late}},
		"the owner has left":                     {kind: triage, gone: []string{"owner"}, notices: notices{one(overdue, 0)}, told: []string{"desk", "phone"}},
		"the owner has left and the desk sleeps": {kind: triage, gone: []string{"owner", "desk", "phone"}, notices: notices{one(overdue, 0)}, told: []string{"reviewer", "head"}},
		"nobody is left": {
			kind: triage, gone: []string{"owner", "desk", "phone", "reviewer", "head"}, notices: notices{one(rung, 3)}, alarms: []amparov1.AlarmKind{late},
		},
		"all at once, after a long stop": {
			kind: checkIn, notices: notices{one(warning, 1), one(warning, 2), one(overdue, 0), one(rung, 1), one(rung, 2), one(rung, 3)},
			told: []string{"owner", "desk", "phone", "reviewer", "head"}, alarms: []amparov1.AlarmKind{missed, late},
		},
	} {
		base := timestamppb.New(instant(t, "2026-03-09T22:40:00Z"))
		term := &amparov1.Term{Kind: c.kind, Base: base}
		if c.met {
			term.MetAt = timestamppb.New(instant(t, "2026-03-11T09:00:00Z"))
		}
		var events []*amparov1.TermEvent
		for _, n := range c.notices {
			events = append(events, &amparov1.TermEvent{Kind: c.kind, Base: base, StaffId: c.lawyer, Notice: n})
		}
		circle := deadline.Circle{
			OwnerID: "owner", OnCall: []string{"desk", "phone"}, Above: []string{"reviewer", "head"},
			Reachable: func(id string) bool { return !slices.Contains(c.gone, id) },
		}
		told, alarms := withoutCalendar().Told([]*amparov1.Term{term}, circle, events)
		if !slices.Equal(told, c.told) || !slices.Equal(alarms, c.alarms) {
			t.Errorf("%s: %v are told and %v raised, want %v and %v", name, told, alarms, c.told, c.alarms)
		}
	}
}

func TestBooksThatTellAlike(t *testing.T) {
	one := withoutCalendar()
	for name, c := range map[string]struct {
		change func(*deadline.Book)
		alike  bool
	}{
		"a later version":         {func(b *deadline.Book) { b.Version++ }, true},
		"other warnings":          {func(b *deadline.Book) { b.Warnings = []int{50} }, false},
		"other legal warnings":    {func(b *deadline.Book) { b.LegalWarnings[4]++ }, false},
		"another ladder":          {func(b *deadline.Book) { b.Ladder[0]++ }, false},
		"another cap on pauses":   {func(b *deadline.Book) { b.Rules[0].PauseCap++ }, false},
		"another name for a rule": {func(b *deadline.Book) { b.Rules[0].ID += "x" }, false},
	} {
		other := withoutCalendar()
		c.change(other)
		if one.TellsAs(other) != c.alike || other.TellsAs(one) != c.alike {
			t.Errorf("%s: alike is %v, want %v", name, !c.alike, c.alike)
		}
	}
}
