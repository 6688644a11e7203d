package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

const demoRefusal = `# She says it before anything has happened.
terms:
  answer: refused
  recipients: [{name: Compañía Canaryemployer, kind: other}]
  method: oral
  told: {language: es, statement: {id: consent-release, language: es}}
  text: Nobody at work is to hear of it, whatever happens, canaryrefusaltext.
`

const demoDaughter = `# She is held, and cannot be asked. Her daughter is asked in her place.
terms:
  answer: given
  giver:
    kind: family
    name: Lucía Canarydaughter
    relation: daughter
    why_not_self: detained
    authority: {kind: kinship, description: "The proxy knows her, canaryauthoritytext."}
  purposes: [legal_assistance]
  recipients: [{name: Maître Canarylawyer, kind: lawyer}]
  categories: [identity, location, situation]
  method: oral_witnessed
  witness: canarywitness, of the night shift
  told: {language: es, statement: {id: consent-urgent, language: es}}
  quality: {free: true, full: true, informed: true}
`

const demoLawyer = `# Where she is held may change within the hour: one person alone, and the short check.
disclosure:
  track: urgent
  action: {purpose: legal_assistance, recipient: {number: 2}, categories: [identity, location], channel: phone}
  harm:
    result: proceed_with_mitigation
    answers:
      - {question: identifies, reply: yes, mitigation: "Only her first name over the line, canarymitigationtext."}
      - {question: retaliation, reply: unknown, mitigation: The lawyer asks for all who were taken that night.}
      - {question: channel_safe, reply: yes}
      - {question: recipient_trusted, reply: yes}
      - {question: plan_if_wrong, reply: yes}
`

const demoEmployer = `# Her employer calls, and asks what has become of her.
disclosure:
  action: {purpose: service_provision, recipient: {number: 1}, categories: [identity, location], channel: phone}
  necessities: [{category: location, why: "They say that they only want to help, canaryreasonforit."}]
`

const demoMore = `# The lawyer asks whether there is more.
disclosure:
  track: urgent
  action: {purpose: legal_assistance, recipient: {number: 2}, categories: [identity, situation], channel: phone}
  harm:
    result: proceed
    answers:
      - {question: identifies, reply: no}
      - {question: retaliation, reply: no}
      - {question: channel_safe, reply: yes}
      - {question: recipient_trusted, reply: yes}
      - {question: plan_if_wrong, reply: yes}
`

const demoDawn = `# At dawn she is out, and takes it back.
withdrawal:
  everything: true
  said_by: self
  channel: phone
  text: Nothing more to anybody, until she has slept, canarydawntext.
`

// refusal: a no is an entry too, and needs no form.
func (d *demo) refusal(ctx context.Context) (string, error) {
	answer := &amparov1.RecordConsentResponse{}
	if err := d.sendFile(ctx, "officer", "consent-no.yaml", demoRefusal, answer, "consent", "record", d.third); err != nil {
		return "", err
	}
	if answer.GetNumber() != 1 {
		return "", errors.New("the ledger does not begin with the no")
	}
	return "what she refuses stands in the ledger before anybody asks: nothing about her to her employer", nil
}

// daughter: family consents in the place of somebody who is held, with the reason and
// with what shows that they may.
func (d *demo) daughter(ctx context.Context) (string, error) {
	form := strings.Replace(demoDaughter, "    why_not_self: detained\n", "", 1)
	wrong, err := d.file("consent-no-reason.yaml", form)
	if err != nil {
		return "", err
	}
	if err := d.refused(ctx, 5, "FALLBACK_REASON_MISSING", "officer", "", "consent", "record", d.third, "--file", wrong); err != nil {
		return "", err
	}
	answer := &amparov1.RecordConsentResponse{}
	if err := d.sendFile(ctx, "officer", "consent-daughter.yaml", demoDaughter, answer, "consent", "record", d.third); err != nil {
		return "", err
	}
	left := answer.GetExpiresAt().AsTime().Sub(d.now())
	if answer.GetNumber() < 2 || left <= 0 || left > 90*24*time.Hour {
		return "", errors.New("the daughter's yes does not stand in the ledger for 90 days")
	}
	return "her daughter consents in her place, since she is held: without the reason it is refused, with it valid for " + span(left), nil
}

// lawyer: one person on shift, the least that helps, and a second signature in time.
func (d *demo) lawyer(ctx context.Context) (string, error) {
	answer := &amparov1.DiscloseResponse{}
	begun := d.now()
	if err := d.sendFile(ctx, "relief", "urgent.yaml", demoLawyer, answer, "disclose", d.third); err != nil {
		return "", err
	}
	took := d.now().Sub(begun)
	left := answer.GetSecondDueAt().AsTime().Sub(d.now())
	if left <= 0 || left > 24*time.Hour {
		return "", errors.New("nobody is asked for a second signature within a day")
	}
	act := fmt.Sprintf("%s-%d", d.third, answer.GetNumber())
	if err := d.refused(ctx, 5, "SECOND_PERSON_NEEDED", "relief", "", "disclose", "countersign", act); err != nil {
		return "", err
	}
	if err := d.send(ctx, "officer", "", nil, "disclose", "countersign", act); err != nil {
		return "", err
	}
	return fmt.Sprintf("the lawyer knows where she is: one person on shift, on the daughter's yes, in %d ms; the officer signs, within %s", took.Milliseconds(), span(left)), nil
}

// gate: everything that stands in the way, at once.
func (d *demo) gate(ctx context.Context) (string, error) {
	path, err := d.file("employer.yaml", demoEmployer)
	if err != nil {
		return "", err
	}
	_, failure := d.run(ctx, "officer", "", "disclose", d.third, "--file", path)
	if failure == nil {
		return "", errors.New("her employer was told")
	}
	for _, reason := range []string{"CONSENT_REFUSED", "HARM_CHECK_MISSING", "CHANNEL_UNSAFE"} {
		if failure.Exit != 5 || !strings.Contains(failure.Text, reason) {
			return "", fmt.Errorf("refused with exit code %d and not with %s: %s", failure.Exit, reason, failure.Text)
		}
	}
	if strings.Contains(failure.Text, "Canaryemployer") {
		return "", errors.New("the refusal names somebody")
	}
	return "her employer is told nothing, for every reason at once: she refused, nobody thought of the harm, the line is open", nil
}

// dawn: a withdrawal stops what is next, whoever hears it.
func (d *demo) dawn(ctx context.Context) (string, error) {
	// The operator is not on the team of the case, and hears it.
	withdrawn := &amparov1.WithdrawConsentResponse{}
	if err := d.sendFile(ctx, "operator", "dawn.yaml", demoDawn, withdrawn, "consent", "withdraw", d.third, "all"); err != nil {
		return "", err
	}
	more, err := d.file("more.yaml", demoMore)
	if err != nil {
		return "", err
	}
	if err := d.refused(ctx, 5, "CONSENT_WITHDRAWN", "relief", "", "disclose", d.third, "--file", more); err != nil {
		return "", err
	}
	shown := &amparov1.GetCaseResponse{}
	if err := d.send(ctx, "officer", "", shown, "case", "show", d.third); err != nil {
		return "", err
	}
	settles := slices.ContainsFunc(shown.GetCase().GetTerms(), func(t *amparov1.Term) bool {
		return t.GetKind() == amparov1.TermKind_TERM_KIND_WITHDRAWAL_SETTLEMENT && t.GetMetAt() == nil
	})
	if !settles {
		return "", errors.New("nobody is asked to settle what cannot be undone")
	}
	return "she is out and takes it back, to whoever answers: the lawyer is told nothing more from that moment; what cannot be undone waits three days for her word", nil
}
