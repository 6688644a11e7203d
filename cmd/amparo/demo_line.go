package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

const demoCutLine = `# The third call: the line to the service is cut while she speaks.
intake:
  channel: hotline
  submitter: {kind: self}
  identity:
    person: {legal_name: Ximena Canarycutline, current_country: CO}
  situation: They are at the gate, canarygatetext.
`

// cutLine takes a call while nobody answers, and shows what became of it when the
// line is back.
func (d *demo) cutLine(ctx context.Context) (string, error) {
	if err := d.service.stop(); err != nil {
		return "", err
	}
	called := d.now()
	kept := &amparov1.KeptCapsule{}
	if err := d.sendFile(ctx, "operator", "intake-cut.yaml", demoCutLine, kept, "intake", "--patience", "100ms"); err != nil {
		return "", err
	}
	laptop, err := filesOf(d.path("profiles", "operator"))
	if err != nil {
		return "", err
	}
	if kept.GetRequestId() == "" || len(holding(laptop, "Canarycutline")) > 0 || len(holding(laptop, "canarygatetext")) > 0 {
		return "", errors.New("the call is not kept, or can be read on the laptop")
	}
	if err := d.service.start(ctx, d.path("data"), d.path("identity.age")); err != nil {
		return "", err
	}
	// Any call is a contact; the second finds nothing left to send.
	for range 2 {
		if err := d.send(ctx, "operator", "", nil, "whoami"); err != nil {
			return "", err
		}
	}
	if left, failure := d.run(ctx, "operator", "", "outbox", "list"); failure != nil || len(bytes.TrimSpace(left)) > 0 {
		return "", errors.New("the outbox is not empty after a contact")
	}
	found := &amparov1.SearchCasesResponse{}
	if err := d.send(ctx, "operator", "Ximena Canarycutline", found, "search", "-"); err != nil {
		return "", err
	}
	if len(found.GetRows()) != 1 {
		return "", fmt.Errorf("the call has %d cases, want one", len(found.GetRows()))
	}
	d.fourth = found.GetRows()[0].GetCaseId()
	if late := found.GetRows()[0].GetReceivedAt().AsTime().Sub(called); late.Abs() > 2*time.Second {
		return "", errors.New("the terms do not run from the call")
	}
	return "a call over a cut line waits sealed, readable by nobody on the laptop; the next contact sends it, once, with the time of the call", nil
}
