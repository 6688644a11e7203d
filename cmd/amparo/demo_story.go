package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

// story is the night, in its order.
func (d *demo) story() []part {
	return slices.Concat([]part{
		{"store", d.makeStore},
		{"service", d.startService},
		{"administrator", d.enrolAdministrator},
		{"staff", d.enrolStaff},
		{"policy", d.policy},
		{"rota", d.rota},
		{"intake", d.takeIn},
		{"duplicate", d.takeInAgain},
		{"search", d.search},
		{"triage", d.triage},
		{"alarm", d.takeAlarm},
		{"team", d.assign},
		{"contact", d.contact},
		{"suspension", d.suspend},
		{"need to know", d.needToKnow},
		{"plan", d.plan},
		{"hold", d.hold},
		{"close", d.closeCase},
	}, d.night(), []part{
		{"power cut", d.powerCut},
		{"audit", d.auditLog},
		{"proof", d.proveElsewhere},
		{"still open", d.stillOpen},
		{"at rest", d.atRest},
		{"sizes", d.sizes},
	})
}

func (d *demo) makeStore(ctx context.Context) (string, error) {
	recovery, err := age.GenerateHybridIdentity()
	if err != nil {
		return "", fmt.Errorf("make recovery identity: %w", err)
	}
	if err := client.WriteFile(d.path("recovery.age"), []byte(recovery.String()+"\n")); err != nil {
		return "", err
	}
	if d.service.binary, err = findService(ctx, d.work); err != nil {
		return "", err
	}
	if d.service.address, err = freeAddress(); err != nil {
		return "", err
	}
	invitation, err := d.service.order(ctx, "init", "--data", d.path("data"), "--identity", d.path("identity.age"),
		"--recovery-recipient", recovery.Recipient().String(), "--address", d.service.address)
	if err != nil {
		return "", err
	}
	d.people, d.secrets = map[string]string{}, []string{invitation}
	if info, err := os.Stat(d.path("data")); err != nil || info.Mode().Perm() != 0o700 {
		return "", errors.New("the data folder can be read by others")
	}
	return "a new store and its keys, sealed to an identity and to an offline recovery recipient", nil
}

func (d *demo) startService(ctx context.Context) (string, error) {
	var err error
	if d.pager, err = startPager(ctx); err != nil {
		return "", err
	}
	if err := d.configure(); err != nil {
		return "", err
	}
	if err := d.service.start(ctx, d.path("data"), d.path("identity.age")); err != nil {
		return "", err
	}
	if err := d.provePinned(ctx); err != nil {
		return "", err
	}
	return "amparod answers on " + d.service.address + ", by TLS 1.3 only", nil
}

func (d *demo) enrolAdministrator(ctx context.Context) (string, error) {
	invitation := d.secrets[0]
	answer := &amparov1.EnrolResponse{}
	if err := d.send(ctx, "administrator", invitation, answer, "enrol"); err != nil {
		return "", err
	}
	d.people["administrator"] = answer.GetStaff().GetId()
	if err := d.refused(ctx, 3, "INVITATION_INVALID", "second", invitation, "enrol"); err != nil {
		return "", err
	}
	if _, err := os.Stat(d.path("profiles", "second")); err == nil {
		return "", errors.New("a refused enrolment left a profile")
	}
	return "enrolled with keys made on this side; the same invitation a second time is refused", nil
}

func (d *demo) enrolStaff(ctx context.Context) (string, error) {
	pending := 0
	for _, who := range demoPeople {
		arguments := []string{"staff", "invite", "--name", "-", "--role", who.role}
		if who.office != "" {
			arguments = append(arguments, "--office", who.office)
		}
		invited := &amparov1.InviteStaffResponse{}
		if err := d.sendText(ctx, "administrator", "name-"+who.profile+".txt", who.name, invited, arguments...); err != nil {
			return "", err
		}
		d.secrets = append(d.secrets, invited.GetInvitation())
		enrolled := &amparov1.EnrolResponse{}
		if err := d.send(ctx, who.profile, invited.GetInvitation(), enrolled, "enrol"); err != nil {
			return "", err
		}
		d.people[who.profile] = enrolled.GetStaff().GetId()
		if enrolled.GetDevice().GetStanding() != amparov1.DeviceStanding_DEVICE_STANDING_PENDING {
			continue
		}
		pending++
		if err := d.confirmByVoice(ctx, who.profile); err != nil {
			return "", err
		}
	}
	if pending != 6 {
		return "", fmt.Errorf("%d devices waited for a confirmation, not 6", pending)
	}
	return "seven people enrolled; the six with access to cases saw none before their code was compared", nil
}

// confirmByVoice shows that nothing opens before the confirmation, that a wrong code
// is not sent, and that the right one lets the person in.
func (d *demo) confirmByVoice(ctx context.Context, profile string) error {
	// Who invited confirms only until a second person is there who may.
	confirmer := "administrator"
	if d.people["reviewer"] != "" && profile != "reviewer" {
		confirmer = "reviewer"
	}
	if err := d.refused(ctx, 3, "ROLE_PENDING", profile, "", "queue"); err != nil {
		return err
	}
	opened, err := client.OpenProfile(d.path("profiles"), profile)
	if err != nil {
		return err
	}
	code, err := opened.ConfirmationCode()
	if err != nil {
		return err
	}
	wrong := strings.Map(func(r rune) rune { return map[bool]rune{true: 'b', false: 'a'}[r == 'a'] }, code)
	if err := d.refused(ctx, 5, "CONFIRMATION_CODE_WRONG", confirmer, wrong, "staff", "confirm", d.people[profile], "--code", "-"); err != nil {
		return err
	}
	if err := d.send(ctx, confirmer, code, nil, "staff", "confirm", d.people[profile], "--code", "-"); err != nil {
		return err
	}
	return d.send(ctx, profile, "", nil, "queue")
}

func (d *demo) takeIn(ctx context.Context) (string, error) {
	answer := &amparov1.CreateIntakeResponse{}
	if err := d.sendFile(ctx, "operator", "intake-night.yaml", demoIntake, answer, "intake"); err != nil {
		return "", err
	}
	d.first = answer.GetCase().GetCaseId()
	left := answer.GetCase().GetNextTerm().GetDue().AsTime().Sub(d.now())
	if answer.GetPossibleDuplicate() || answer.GetCase().GetState() != amparov1.CaseState_CASE_STATE_RECEIVED || left <= 0 || left > 4*time.Hour {
		return "", errors.New("the new case does not stand as received with a triage within four hours")
	}
	return "a night call is taken in; " + word(answer.GetCase().GetNextTerm().GetKind()) + " is due in " + span(left), nil
}

func (d *demo) takeInAgain(ctx context.Context) (string, error) {
	answer := &amparov1.CreateIntakeResponse{}
	if err := d.sendFile(ctx, "officer", "intake-friend.yaml", demoDuplicate, answer, "intake"); err != nil {
		return "", err
	}
	d.second = answer.GetCase().GetCaseId()
	if !answer.GetPossibleDuplicate() {
		return "", errors.New("the same person in another spelling was not noticed")
	}
	raw, err := jsonLine(answer)
	if err != nil {
		return "", err
	}
	if strings.Contains(string(raw), d.first) || strings.Contains(string(raw), d.people["operator"]) {
		return "", errors.New("the answer names the other file or its owner")
	}
	timeline := &amparov1.ListTimelineResponse{}
	if err := d.send(ctx, "operator", "", timeline, "case", "show", d.first, "--timeline"); err != nil {
		return "", err
	}
	for _, entry := range timeline.GetEntries() {
		if entry.GetColleagueId() == d.people["officer"] {
			return "the same person in another spelling is noticed; the answer names no file, and the owner is told whom to speak to", nil
		}
	}
	return "", errors.New("the owner was not told of the duplicate")
}

func (d *demo) search(ctx context.Context) (string, error) {
	answer := &amparov1.SearchCasesResponse{}
	if err := d.sendText(ctx, "operator", "search.txt", demoSearch, answer, "search"); err != nil {
		return "", err
	}
	found := map[string]bool{}
	for _, row := range answer.GetRows() {
		found[row.GetCaseId()] = true
	}
	if !found[d.first] || !found[d.second] || len(found) != 2 {
		return "", fmt.Errorf("%d cases were found, not the two", len(found))
	}
	return "typed in Latin letters, the name finds both files, one of them in Cyrillic", nil
}
