package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

func (d *demo) triage(ctx context.Context) (string, error) {
	answer := &amparov1.TriageCaseResponse{}
	if err := d.sendFile(ctx, "operator", "triage.yaml", demoTriage, answer, "case", "triage", d.first); err != nil {
		return "", err
	}
	queue := &amparov1.ListQueueResponse{}
	if err := d.send(ctx, "operator", "", queue, "queue"); err != nil {
		return "", err
	}
	rows := queue.GetRows()
	if len(rows) != 2 || rows[0].GetCaseId() != d.first || rows[0].GetRiskLevel() != amparov1.RiskLevel_RISK_LEVEL_EXTREME {
		return "", errors.New("the case does not lead the queue as extreme")
	}
	left := rows[0].GetDue().AsTime().Sub(d.now())
	if left <= 0 || left > 4*time.Hour {
		return "", errors.New("the first contact is not due within four hours of the call")
	}
	return "EXTREME leads the queue; " + word(rows[0].GetNextTerm()) + " is due in " + span(left) + ", counted from the call", nil
}

func (d *demo) assign(ctx context.Context) (string, error) {
	if err := d.refused(ctx, 4, "NOT_FOUND", "officer", "", "case", "show", d.first); err != nil {
		return "", err
	}
	if err := d.send(ctx, "operator", "", nil, "case", "assign", d.first, "me", d.people["officer"]); err != nil {
		return "", err
	}
	if err := d.send(ctx, "officer", "", nil, "case", "show", d.first); err != nil {
		return "", err
	}
	return "operator and case officer are the team; the officer, to whom the case did not exist before, now opens it", nil
}

func (d *demo) contact(ctx context.Context) (string, error) {
	receipt := &amparov1.RecordContactResponse{}
	if err := d.sendFile(ctx, "officer", "contact-1.yaml", demoNoAnswer, receipt, "case", "contact", d.first); err != nil {
		return "", err
	}
	if receipt.GetCase().GetNextTerm().GetKind() != amparov1.TermKind_TERM_KIND_FIRST_CONTACT {
		return "", errors.New("an attempt without an answer met the term")
	}
	if err := d.sendFile(ctx, "officer", "contact-2.yaml", demoReached, nil, "case", "contact", d.first); err != nil {
		return "", err
	}
	shown := &amparov1.GetCaseResponse{}
	if err := d.send(ctx, "officer", "", shown, "case", "show", d.first); err != nil {
		return "", err
	}
	for _, term := range shown.GetCase().GetTerms() {
		if term.GetKind() == amparov1.TermKind_TERM_KIND_FIRST_CONTACT && term.GetMetAt() != nil {
			return "no answer leaves the term running; being reached meets it", nil
		}
	}
	return "", errors.New("the first contact did not meet its term")
}

// suspend shows a colleague who watches the queue being shut out in the middle of
// it.
func (d *demo) suspend(ctx context.Context) (string, error) {
	watching, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	read, write := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		a := d.command(&terminal{in: eof{}, out: write, err: io.Discard})
		ended <- a.execute(watching, []string{"--output", "json", "--profile", "colleague", "queue", "--watch"})
		_ = write.Close()
	}()
	// The first batch says that the watch is open.
	if _, err := read.Read(make([]byte, 4096)); err != nil {
		return "", errors.New("the watch did not open")
	}
	go func() { _, _ = io.Copy(io.Discard, read) }()
	begun := d.now()
	if err := d.send(ctx, "administrator", "", nil, "staff", "suspend", d.people["colleague"]); err != nil {
		return "", err
	}
	code := <-ended
	took := d.now().Sub(begun)
	if code != 3 || took > 2*time.Second {
		return "", fmt.Errorf("the open watch ended after %s with exit code %d", took, code)
	}
	if err := d.refused(ctx, 3, "DEVICE_NOT_ACTIVE", "colleague", "", "queue"); err != nil {
		return "", err
	}
	return fmt.Sprintf("a colleague's open watch ended %d ms after the suspension; the next call is UNAUTHENTICATED", took.Milliseconds()), nil
}

// eof is a stdin that is closed.
type eof struct{}

// Read implements io.Reader.
func (eof) Read([]byte) (int, error) { return 0, io.EOF }

func (d *demo) needToKnow(ctx context.Context) (string, error) {
	for _, profile := range []string{"administrator", "auditor"} {
		if err := d.refused(ctx, 3, "ROLE_MISSING", profile, "", "case", "show", d.first); err != nil {
			return "", err
		}
	}
	return "neither the administrator nor the auditor opens the case", nil
}

func (d *demo) hold(ctx context.Context) (string, error) {
	if err := d.send(ctx, "officer", "", nil, "case", "advance", d.first, "--to", "active"); err != nil {
		return "", err
	}
	held := &amparov1.HoldCaseResponse{}
	if err := d.sendText(ctx, "officer", "hold.txt", demoHoldText, held, "case", "hold", d.first, "--reason", "subject_request", "--text", "-"); err != nil {
		return "", err
	}
	if held.GetCase().GetState() != amparov1.CaseState_CASE_STATE_ON_HOLD || held.GetCase().GetNextTerm() == nil {
		return "", errors.New("the case is not on hold with its terms running")
	}
	if err := d.refused(ctx, 5, "STATE_FORBIDS", "officer", "", "case", "advance", d.first, "--to", "monitoring"); err != nil {
		return "", err
	}
	resumed := &amparov1.ResumeCaseResponse{}
	if err := d.send(ctx, "officer", "", resumed, "case", "resume", d.first); err != nil {
		return "", err
	}
	if resumed.GetCase().GetState() != amparov1.CaseState_CASE_STATE_ACTIVE {
		return "", errors.New("the case did not come back to where it was held")
	}
	return "on hold the terms go on running and no step is taken; resumed, it is active again", nil
}

func (d *demo) closeCase(ctx context.Context) (string, error) {
	if err := d.sendText(ctx, "officer", "note.txt", demoNote, nil, "case", "note", d.first); err != nil {
		return "", err
	}
	closed := &amparov1.CloseCaseResponse{}
	if err := d.sendFile(ctx, "officer", "closing.yaml", demoClosing, closed, "case", "close", d.first); err != nil {
		return "", err
	}
	if closed.GetCase().GetState() != amparov1.CaseState_CASE_STATE_CLOSED || closed.GetCase().GetNextTerm() != nil {
		return "", errors.New("the case is not closed with its terms ended")
	}
	if err := d.refused(ctx, 5, "STATE_FORBIDS", "officer", "", "case", "hold", d.first, "--reason", "lost_contact"); err != nil {
		return "", err
	}
	return "closed with outcome, retention wish and follow-up; no term runs and no step is taken", nil
}
