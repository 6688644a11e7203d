package casefile_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// Every state and every action, for seven kinds of case. In a cell stands the state
// that follows, by its first letter (R T V A M H C), or why the action is refused:
//
//   - the state forbids it          n  the case was not accepted
//     o  no case officer on the team   ?  the risk has not been assessed
//     0  nothing waits to be confirmed  p  there is no protection plan
//
// The columns: note, restrict, assign, contact, assess, confirm, triage, advance to
// verification, to active, to monitoring, hold, resume, close, reopen.
const gridColumns = "note restr assig conta asses confi triag verif activ monit hold resum close reopn plan"

// An accepted case at high risk with a case officer and a protection plan: nothing
// stands in the way.
const emergencyGrid = `
RECEIVED        R    R     R     R     R     0     T     -     -     -     -    -     -     -     -
TRIAGED         T    T     T     T     T     0     -     V     A     -     H    -     C     -     T
IN_VERIFICATION V    V     V     V     V     0     -     -     A     -     H    -     C     -     V
ACTIVE          A    A     A     A     A     0     -     -     -     M     H    -     C     -     A
MONITORING      M    M     M     M     M     0     -     -     A     -     H    -     C     -     M
ON_HOLD         H    H     H     H     H     0     -     -     -     -     -    A     C     -     H
CLOSED          C    C     -     C     -     -     -     -     -     -     -    -     -     A     -
UNSPECIFIED     -    -     -     -     -     -     -     -     -     -     -    -     -     -     -
`

// The same at medium risk: it has to be verified first.
const usualGrid = `
RECEIVED        R    R     R     R     R     0     T     -     -     -     -    -     -     -     -
TRIAGED         T    T     T     T     T     0     -     V     -     -     H    -     C     -     T
IN_VERIFICATION V    V     V     V     V     0     -     -     A     -     H    -     C     -     V
ACTIVE          A    A     A     A     A     0     -     -     -     M     H    -     C     -     A
MONITORING      M    M     M     M     M     0     -     -     A     -     H    -     C     -     M
ON_HOLD         H    H     H     H     H     0     -     -     -     -     -    A     C     -     H
CLOSED          C    C     -     C     -     -     -     -     -     -     -    -     -     A     -
UNSPECIFIED     -    -     -     -     -     -     -     -     -     -     -    -     -     -     -
`

// A declined case at high risk.
const declinedGrid = `
TRIAGED         T    T     T     T     T     0     -     n     n     -     H    -     C     -     n
CLOSED          C    C     -     C     -     -     -     -     -     -     -    -     -     T     -
ON_HOLD         H    H     H     H     H     0     -     -     -     -     -    A     C     -     n
IN_VERIFICATION V    V     V     V     V     0     -     -     n     -     H    -     C     -     n
ACTIVE          A    A     A     A     A     0     -     -     -     n     H    -     C     -     n
MONITORING      M    M     M     M     M     0     -     -     n     -     H    -     C     -     n
RECEIVED        R    R     R     R     R     0     T     -     -     -     -    -     -     -     -
UNSPECIFIED     -    -     -     -     -     -     -     -     -     -     -    -     -     -     -
`

// An accepted case at high risk with an operator alone, who assigns none either.
const unstaffedGrid = `
RECEIVED        R    R     R     R     R     0     T     -     -     -     -    -     -     -     -
TRIAGED         T    T     T     T     T     0     -     V     o     -     H    -     C     -     T
IN_VERIFICATION V    V     V     V     V     0     -     -     o     -     H    -     C     -     V
ACTIVE          A    A     o     A     A     0     -     -     -     M     H    -     C     -     A
MONITORING      M    M     o     M     M     0     -     -     o     -     H    -     C     -     M
ON_HOLD         H    H     o     H     H     0     -     -     -     -     -    A     C     -     H
CLOSED          C    C     -     C     -     -     -     -     -     -     -    -     -     T     -
UNSPECIFIED     -    -     -     -     -     -     -     -     -     -     -    -     -     -     -
`

// An accepted case whose risk nobody has assessed; assessing sets it to high.
const unknownGrid = `
RECEIVED        R    R     R     R     R     0     T     -     -     -     -    -     -     -     -
TRIAGED         T    T     T     T     T     0     -     V     ?     -     H    -     C     -     T
IN_VERIFICATION V    V     V     V     V     0     -     -     ?     -     H    -     C     -     V
ACTIVE          A    A     A     A     A     0     -     -     -     M     H    -     C     -     A
MONITORING      M    M     M     M     M     0     -     -     ?     -     H    -     C     -     M
ON_HOLD         H    H     H     H     H     0     -     -     -     -     -    A     C     -     H
CLOSED          C    C     -     C     -     -     -     -     -     -     -    -     -     T     -
UNSPECIFIED     -    -     -     -     -     -     -     -     -     -     -    -     -     -     -
`

// An accepted case at medium risk with a case officer and no protection plan.
const unplannedGrid = `
RECEIVED        R    R     R     R     R     0     T     -     -     -     -    -     -     -     -
TRIAGED         T    T     T     T     T     0     -     V     -     -     H    -     C     -     T
IN_VERIFICATION V    V     V     V     V     0     -     -     p     -     H    -     C     -     V
ACTIVE          A    A     A     A     A     0     -     -     -     M     H    -     C     -     A
MONITORING      M    M     M     M     M     0     -     -     p     -     H    -     C     -     M
ON_HOLD         H    H     H     H     H     0     -     -     -     -     -    A     C     -     H
CLOSED          C    C     -     C     -     -     -     -     -     -     -    -     -     A     -
UNSPECIFIED     -    -     -     -     -     -     -     -     -     -     -    -     -     -     -
`

// The same at high risk: an emergency waits for no plan, but verification does.
const unplannedEmergencyGrid = `
RECEIVED        R    R     R     R     R     0     T     -     -     -     -    -     -     -     -
TRIAGED         T    T     T     T     T     0     -     V     A     -     H    -     C     -     T
IN_VERIFICATION V    V     V     V     V     0     -     -     p     -     H    -     C     -     V
ACTIVE          A    A     A     A     A     0     -     -     -     M     H    -     C     -     A
MONITORING      M    M     M     M     M     0     -     -     A     -     H    -     C     -     M
ON_HOLD         H    H     H     H     H     0     -     -     -     -     -    A     C     -     H
CLOSED          C    C     -     C     -     -     -     -     -     -     -    -     -     A     -
UNSPECIFIED     -    -     -     -     -     -     -     -     -     -     -    -     -     -     -
`

var refusals = map[amparov1.Reason]string{
	amparov1.Reason_REASON_STATE_FORBIDS:      "-",
	amparov1.Reason_REASON_NOT_ACCEPTED:       "n",
	amparov1.Reason_REASON_NO_CASE_OFFICER:    "o",
	amparov1.Reason_REASON_RISK_NOT_ASSESSED:  "?",
	amparov1.Reason_REASON_NOTHING_TO_CONFIRM: "0",
	amparov1.Reason_REASON_PLAN_NEEDED:        "p",
}

var letters = map[amparov1.CaseState]string{
	received: "R", triaged: "T", inVerification: "V", active: "A", monitoring: "M", onHold: "H", closed: "C",
}

// actions in the order of the columns.
func actions(team []string) []func(d *desk) error {
	return []func(d *desk) error{
		func(d *desk) error { return d.note(d.by("operator").Note(d.c, "called again")) },
		func(d *desk) error { return d.note(d.by("operator").Restrict(d.c, true)) },
		func(d *desk) error { return d.assign(team...) },
		func(d *desk) error { return d.contact(amparov1.ContactOutcome_CONTACT_OUTCOME_NO_ANSWER, d.now) },
		func(d *desk) error { return d.assess(high, "operator") },
		func(d *desk) error { return d.confirm("operator") },
		func(d *desk) error { return d.triage(acceptedAt(high), "operator") },
		func(d *desk) error { return d.advance(inVerification) },
		func(d *desk) error { return d.advance(active) },
		func(d *desk) error { return d.advance(monitoring) },
		func(d *desk) error {
			return d.note(d.by("operator").Hold(d.c, amparov1.HoldReason_HOLD_REASON_LOST_CONTACT, ""))
		},
		func(d *desk) error { return d.note(d.by("operator").Resume(d.c, "")) },
		func(d *desk) error { return d.close() },
		func(d *desk) error {
			return d.note(d.by("operator").Reopen(d.c, "called again", roles))
		},
		func(d *desk) error { return d.plan(plan(24)) },
	}
}

func TestGrid(t *testing.T) {
	mark := &amparov1.PlanMark{Version: 1, CheckInHours: 24}
	for _, row := range []struct {
		name    string
		level   amparov1.RiskLevel
		outcome amparov1.TriageOutcome
		team    []string
		plan    *amparov1.PlanMark
		grid    string
	}{
		{"emergency", high, amparov1.TriageOutcome_TRIAGE_OUTCOME_ACCEPTED, []string{"operator", "officer"}, mark, emergencyGrid},
		{"usual", medium, amparov1.TriageOutcome_TRIAGE_OUTCOME_ACCEPTED, []string{"operator", "officer"}, mark, usualGrid},
		{"declined", high, amparov1.TriageOutcome_TRIAGE_OUTCOME_NOT_ABLE_TO_SUPPORT, []string{"operator", "officer"}, nil, declinedGrid},
		{"unstaffed", high, amparov1.TriageOutcome_TRIAGE_OUTCOME_ACCEPTED, []string{"operator"}, mark, unstaffedGrid},
		{"unknown", notAssessed, amparov1.TriageOutcome_TRIAGE_OUTCOME_ACCEPTED, []string{"operator", "officer"}, mark, unknownGrid},
		{"unplanned", medium, amparov1.TriageOutcome_TRIAGE_OUTCOME_ACCEPTED, []string{"operator", "officer"}, nil, unplannedGrid},
		{"unplanned emergency", high, amparov1.TriageOutcome_TRIAGE_OUTCOME_ACCEPTED, []string{"operator", "officer"}, nil, unplannedEmergencyGrid},
	} {
		columns := strings.Fields(gridColumns)
		rows := strings.Split(strings.TrimSpace(row.grid), "\n")
		if len(rows) != len(amparov1.CaseState_name) {
			t.Errorf("%s: %d states in the grid, of %d", row.name, len(rows), len(amparov1.CaseState_name))
		}
		for _, line := range rows {
			cells := strings.Fields(line)
			number, exists := amparov1.CaseState_value["CASE_STATE_"+cells[0]]
			if !exists || len(cells) != len(columns)+1 {
				t.Fatalf("%s: %q does not fill the grid", row.name, line)
			}
			for i, act := range actions(row.team) {
				d := openDesk(t, &amparov1.Intake{})
				d.c.State, d.c.RiskLevel, d.c.TriageOutcome = amparov1.CaseState(number), row.level, row.outcome
				d.c.Plan = row.plan
				d.c.TeamIds, d.c.HeldFrom = row.team, amparov1.CaseState_CASE_STATE_UNSPECIFIED
				if d.c.GetState() == onHold {
					d.c.HeldFrom = active
				}
				before := proto.CloneOf(d.c)
				err := act(d)
				got := letters[d.c.GetState()]
				if err != nil {
					got = refusals[reasonOf(err)]
					if !proto.Equal(before, d.c) {
						t.Errorf("%s, %s, %s: refused, and the case has changed", row.name, cells[0], columns[i])
					}
				}
				if got != cells[i+1] {
					t.Errorf("%s, %s, %s: %s (%v), want %s", row.name, cells[0], columns[i], got, err, cells[i+1])
				}
			}
		}
	}
}

func TestHoldReturnsWhereItWas(t *testing.T) {
	for _, state := range []amparov1.CaseState{triaged, inVerification, active, monitoring} {
		d := openDesk(t, &amparov1.Intake{})
		d.c.State = state
		must(t, d.note(d.by("operator").Hold(d.c, amparov1.HoldReason_HOLD_REASON_UNSAFE_TO_CONTACT, "")))
		if d.c.GetHeldFrom() != state || d.c.GetHoldReason() == amparov1.HoldReason_HOLD_REASON_UNSPECIFIED {
			t.Errorf("%v: held from %v", state, d.c.GetHeldFrom())
		}
		must(t, d.note(d.by("operator").Resume(d.c, "")))
		if d.c.GetState() != state || d.c.GetHeldFrom() != amparov1.CaseState_CASE_STATE_UNSPECIFIED ||
			d.c.GetHoldReason() != amparov1.HoldReason_HOLD_REASON_UNSPECIFIED {
			t.Errorf("%v: resumed as %v", state, d.c.GetState())
		}
	}
}

// TestNobodySkipsTriageByHolding holds the ways around triage shut.
func TestNobodySkipsTriageByHolding(t *testing.T) {
	d := openDesk(t, &amparov1.Intake{})
	for i, act := range actions([]string{"officer"}) {
		if name := strings.Fields(gridColumns)[i]; name == "triag" {
			continue
		}
		_ = act(d)
		if d.c.GetState() != received {
			t.Fatalf("left the triage desk by %s", strings.Fields(gridColumns)[i])
		}
	}
}
