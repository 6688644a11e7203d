package main

import (
	"context"
	"errors"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// plan asks for a check-in every twelve hours where the policy asks for one a day.
func (d *demo) plan(ctx context.Context) (string, error) {
	if err := d.sendFile(ctx, "officer", "plan.yaml", demoPlan, nil, "case", "plan", d.first); err != nil {
		return "", err
	}
	read := &amparov1.GetPlanResponse{}
	if err := d.send(ctx, "operator", "", read, "case", "plan", d.first); err != nil {
		return "", err
	}
	if read.GetPlan().GetVersion() != 1 || read.GetPlan().GetContent().GetEmergencyPlan() == "" {
		return "", errors.New("the operator does not read the emergency plan")
	}
	shown := &amparov1.GetCaseResponse{}
	if err := d.send(ctx, "officer", "", shown, "case", "show", d.first); err != nil {
		return "", err
	}
	for _, term := range shown.GetCase().GetTerms() {
		left := term.GetDue().AsTime().Sub(d.now())
		if term.GetKind() == amparov1.TermKind_TERM_KIND_CHECK_IN && left > 0 && left <= 12*time.Hour {
			return "a protection plan; the next " + word(term.GetKind()) + " is due in " + span(left) + ", sooner than the policy asks", nil
		}
	}
	return "", errors.New("the check-in is not due as the plan says")
}

const demoPlan = `plan:
  measures:
    - what: Stays at her sister's, canarymeasuretext.
      who: Canarysister
      progress: under_way
  agreement:
    why_not: no_time
    text: She asked to speak about it tomorrow, canaryagreementtext.
  check_in_hours: 12
  check_in_channel: signal
  missed_contact:
    - {missed: 1, what: "Ring once more after an hour, canarymissedtext.", whom: Canarysister}
    - {missed: 2, what: Alert the lawyer}
  review_on: 2099-12-31
  emergency_plan: Out by the yard behind the school, canaryemergencytext.
`
