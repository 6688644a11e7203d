package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// night is the part of the story in which one operator is alone, and then is not.
func (d *demo) night() []part {
	return []part{
		{"returning", d.returning},
		{"a no", d.refusal},
		{"arrest", d.arrest},
		{"duress", d.duress},
		{"second on call", d.passedOn},
		{"a yes", d.daughter},
		{"urgent", d.lawyer},
		{"the gate", d.gate},
		{"dawn", d.dawn},
		{"cut line", d.cutLine},
		{"morning", d.morning},
	}
}

// patience is after how long the demo's own policy passes an alarm on.
const patience = 2 * time.Second

// policy puts a policy of the demo's own in force, by two people.
func (d *demo) policy(ctx context.Context) (string, error) {
	held := &amparov1.GetPolicyResponse{}
	if err := d.send(ctx, "administrator", "", held, "policy", "show"); err != nil {
		return "", err
	}
	was := held.GetPolicy().GetOnCall().GetPassOnAfter().GetLength()
	wanted := held.GetPolicy()
	wanted.GetOnCall().PassOnAfter = &amparov1.PolicyLength{Length: fmt.Sprintf("%.0fs", patience.Seconds()), Source: "a demo that is in a hurry"}
	raw, err := protojson.Marshal(&amparov1.ProposePolicyRequest{Policy: wanted})
	if err != nil {
		return "", fmt.Errorf("write policy: %w", err)
	}
	proposed := &amparov1.ProposePolicyResponse{}
	if err := d.sendFile(ctx, "administrator", "policy.json", string(raw), proposed, "policy", "propose"); err != nil {
		return "", err
	}
	id := proposed.GetProposal().GetId()
	if err := d.refused(ctx, 3, "ROLE_MISSING", "administrator", "", "policy", "confirm", id); err != nil {
		return "", err
	}
	if err := d.send(ctx, "head", "", nil, "policy", "confirm", id); err != nil {
		return "", err
	}
	return fmt.Sprintf("an alarm passes on after %s instead of %s: proposed by the administrator, confirmed by the head", patience, was), nil
}

// rota announces the night: the operator first, and behind them the relief.
func (d *demo) rota(ctx context.Context) (string, error) {
	begin := d.now().Truncate(time.Second).Add(time.Second)
	slot := func(from, until time.Duration, people ...string) string {
		return fmt.Sprintf("    - {from: %s, until: %s, staff_ids: [%s]}\n", begin.Add(from).Format(time.RFC3339),
			begin.Add(until).Format(time.RFC3339), strings.Join(people, ", "))
	}
	const night, weekend = 12 * time.Hour, 72 * time.Hour
	rota := func(slots ...string) string { return "rota:\n  office: berlin\n  slots:\n" + strings.Join(slots, "") }
	wrong, err := d.file("rota-wrong.yaml", rota(slot(0, night, d.people["auditor"])))
	if err != nil {
		return "", err
	}
	if err := d.refused(ctx, 5, "STAFF_UNSUITABLE", "reviewer", "", "oncall", "set", "--file", wrong); err != nil {
		return "", err
	}
	right := rota(slot(0, night, d.people["operator"], d.people["relief"]), slot(night, weekend, d.people["relief"]))
	if err := d.sendFile(ctx, "reviewer", "rota.yaml", right, nil, "oncall", "set"); err != nil {
		return "", err
	}
	// The shift begins in a moment, and not before.
	time.Sleep(time.Until(begin) + 50*time.Millisecond)
	return "the operator is on call for twelve hours and the relief behind them; a rota with somebody who may not answer is refused", nil
}

// takeAlarm: an extreme risk wakes whoever is on call.
func (d *demo) takeAlarm(ctx context.Context) (string, error) {
	alarms, err := d.alarms(ctx, "operator")
	if err != nil {
		return "", err
	}
	if len(alarms) != 1 || alarms[0].GetKind() != amparov1.AlarmKind_ALARM_KIND_EXTREME {
		return "", fmt.Errorf("%d alarms are open, not the one for the extreme risk", len(alarms))
	}
	if err := d.send(ctx, "operator", "", nil, "oncall", "ack", alarms[0].GetId()); err != nil {
		return "", err
	}
	return "EXTREME has woken the first on call, who took the alarm", nil
}

// returning: somebody whom the office knows calls again, and the one who answers
// has never heard of them.
func (d *demo) returning(ctx context.Context) (string, error) {
	answer := &amparov1.CreateIntakeResponse{}
	if err := d.sendFile(ctx, "officer", "intake-returning.yaml", demoReturning, answer, "intake"); err != nil {
		return "", err
	}
	d.third = answer.GetCase().GetCaseId()
	if err := d.sendFile(ctx, "officer", "proxy.yaml", demoProxy, nil, "case", "contacts", d.third); err != nil {
		return "", err
	}
	if err := d.sendFile(ctx, "officer", "wishes.yaml", demoWishes, nil, "case", "wishes", d.third); err != nil {
		return "", err
	}
	if err := d.refused(ctx, 4, "NOT_FOUND", "relief", "", "case", "show", d.third); err != nil {
		return "", err
	}
	opened := &amparov1.OpenCardResponse{}
	if err := d.send(ctx, "relief", "", opened, "case", "card", d.third); err != nil {
		return "", err
	}
	if len(opened.GetCard().GetAdvice().GetContacts()) == 0 || opened.GetCard().GetOnDuty()[0].GetStaffId() != d.people["officer"] {
		return "", errors.New("the card does not say how to reach the person and whom to wake")
	}
	timeline := &amparov1.ListTimelineResponse{}
	if err := d.send(ctx, "officer", "", timeline, "case", "show", d.third, "--timeline"); err != nil {
		return "", err
	}
	newest := timeline.GetEntries()[0]
	if newest.GetKind() != amparov1.TimelineKind_TIMELINE_KIND_CARD || newest.GetStaffId() != d.people["relief"] {
		return "", errors.New("the owner does not see that the card was opened")
	}
	return "whoever is on shift opens the card of a case that they may not open, and no more; its owner sees it", nil
}

// arrest: what befalls the person decides which telephone may be called.
func (d *demo) arrest(ctx context.Context) (string, error) {
	answer := &amparov1.RecordStatusResponse{}
	if err := d.sendFile(ctx, "relief", "arrest.yaml", demoArrest, answer, "case", "status", d.third); err != nil {
		return "", err
	}
	first := answer.GetAdvice().GetContacts()[0].GetContact()
	if first.GetContact().GetKind() != amparov1.ContactKind_CONTACT_KIND_PROXY {
		return "", errors.New("the proxy does not come first")
	}
	own := slices.ContainsFunc(answer.GetAdvice().GetContacts(), func(c *amparov1.ContactAdvice) bool {
		return c.GetContact().GetContact().GetKind() == amparov1.ContactKind_CONTACT_KIND_OWN &&
			c.GetContact().GetUse() != amparov1.ContactUse_CONTACT_USE_DO_NOT_USE
	})
	if own || answer.GetAdvice().GetInstruction().GetText() == "" {
		return "", errors.New("the telephone is still in use, or nobody is told what the person wished")
	}
	return "an arrest takes the person's own telephone out of use at once; the proxy comes first, with what the person wished for this", nil
}

// duress: the word is said, and nothing on the screen says so.
func (d *demo) duress(ctx context.Context) (string, error) {
	plain, err := d.contactAnswer(ctx, "contact-plain.yaml", demoPlainCall)
	if err != nil {
		return "", err
	}
	forced, err := d.contactAnswer(ctx, "contact-duress.yaml", demoDuressCall)
	if err != nil {
		return "", err
	}
	if plain != forced {
		return "", errors.New("the answer to a call under duress looks different")
	}
	alarms, err := d.alarms(ctx, "relief")
	if err != nil {
		return "", err
	}
	if len(alarms) != 1 || alarms[0].GetKind() != amparov1.AlarmKind_ALARM_KIND_DURESS || alarms[0].GetCaseId() != d.third {
		return "", fmt.Errorf("%d alarms are open, not the one for duress", len(alarms))
	}
	d.alarm = alarms[0].GetId()
	return "the word for duress wakes somebody; the answer on the operator's screen is that of any other call", nil
}

// contactAnswer records a contact in the third case and returns the answer without
// what counts up with every act.
func (d *demo) contactAnswer(ctx context.Context, name, content string) (string, error) {
	answer := &amparov1.RecordContactResponse{}
	if err := d.sendFile(ctx, "operator", name, content, answer, "case", "contact", d.third); err != nil {
		return "", err
	}
	answer.GetCase().Version = 0
	raw, err := jsonLine(answer)
	return string(raw), err
}

// alarms are the open ones that a person sees.
func (d *demo) alarms(ctx context.Context, profile string) ([]*amparov1.Alarm, error) {
	answer := &amparov1.ListAlarmsResponse{}
	err := d.send(ctx, profile, "", answer, "oncall", "alarms")
	return answer.GetAlarms(), err
}

// passedOn: the first on call does not answer, and the second does.
func (d *demo) passedOn(ctx context.Context) (string, error) {
	called := func() []string { return d.pager.called(d.alarm) }
	begun := d.now()
	for !slices.Equal(called(), []string{d.people["operator"], d.people["relief"]}) {
		if d.now().Sub(begun) > 15*time.Second {
			return "", fmt.Errorf("%d were called, not the operator and then the relief", len(called()))
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err := d.refused(ctx, 5, "NOT_ON_SHIFT", "officer", "", "oncall", "ack", d.alarm); err != nil {
		return "", err
	}
	if err := d.send(ctx, "relief", "", nil, "oncall", "ack", d.alarm); err != nil {
		return "", err
	}
	alarms, err := d.alarms(ctx, "relief")
	if err != nil {
		return "", err
	}
	if len(alarms) != 0 {
		return "", fmt.Errorf("%d alarms are left", len(alarms))
	}
	if err := d.pager.saysNothing(d.third); err != nil {
		return "", err
	}
	return "the first on call did not answer, after " + patience.String() + " the second was called and took it; the messages said \"you have an urgent task\" and no more", nil
}

// morning: the operator goes home, and the relief takes what is open.
func (d *demo) morning(ctx context.Context) (string, error) {
	begun := &amparov1.BeginHandoverResponse{}
	notes := "entries:\n  - case_id: " + d.fourth + "\n    note: " + demoHandoverNote + "\n"
	if err := d.sendFile(ctx, "operator", "handover.yaml", notes, begun, "handover", "begin", "--to", d.people["relief"]); err != nil {
		return "", err
	}
	accepted := &amparov1.AcceptHandoverResponse{}
	if err := d.send(ctx, "relief", "", accepted, "handover", "accept", begun.GetHandoverId()); err != nil {
		return "", err
	}
	shown := &amparov1.GetCaseResponse{}
	if err := d.send(ctx, "relief", "", shown, "case", "show", d.fourth); err != nil {
		return "", err
	}
	if accepted.GetAccepted() != begun.GetItems() || shown.GetCase().GetOwnerId() != d.people["relief"] {
		return "", fmt.Errorf("%d of %d items changed hands", accepted.GetAccepted(), begun.GetItems())
	}
	signed := &amparov1.Handover{}
	if err := d.send(ctx, "operator", "", signed, "handover", "show", begun.GetHandoverId()); err != nil {
		return "", err
	}
	if len(signed.GetOffer().GetSignature()) == 0 || len(signed.GetAnswers()) == 0 {
		return "", errors.New("the hand-over does not bear both signatures")
	}
	return fmt.Sprintf("what was open (%d) is handed over and accepted, signed by both devices", begun.GetItems()), nil
}
