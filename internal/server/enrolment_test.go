package server_test

import (
	"context"
	"crypto/ed25519"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/enrolment"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/servertest"
)

var auditor = []amparov1.Role{amparov1.Role_ROLE_AUDITOR}

func (w *world) auditorInvitation(t testing.TB) string {
	t.Helper()
	return w.Invite(t, "Auditor", auditor, nil, time.Time{})
}

func (w *world) deviceInvitation(t testing.TB, owner *servertest.Person) string {
	t.Helper()
	invited, err := amparov1.NewStaffServiceClient(w.Admin.Conn).InviteDevice(t.Context(), &amparov1.InviteDeviceRequest{
		RequestId: records.NewID(), StaffId: owner.StaffID,
	})
	if err != nil {
		t.Fatal(err)
	}
	return invited.GetInvitation()
}

// secretOf is what an invitation's holder knows.
func secretOf(t testing.TB, invitation string) []byte {
	t.Helper()
	open, err := enrolment.Parse(invitation)
	if err != nil {
		t.Fatal(err)
	}
	return open.GetSecret()
}

// TestTheDoor refuses whatever is not an honest first use of a good invitation, each
// time in the same words, and lets the honest holder in after all of it.
func TestTheDoor(t *testing.T) {
	clock := newClock()
	w := &world{Service: servertest.Start(t, servertest.Options{Now: clock.Now})}
	elsewhere := servertest.Start(t, servertest.Options{})
	used := w.auditorInvitation(t)
	if _, err := w.TryEnrol(t, servertest.NewDevice(t), used, nil); err != nil {
		t.Fatal(err)
	}
	forged, err := enrolment.Parse(w.auditorInvitation(t))
	if err != nil {
		t.Fatal(err)
	}
	forged.Id = records.NewID()
	unknown, err := enrolment.Encode(forged)
	if err != nil {
		t.Fatal(err)
	}
	foreign := elsewhere.Invite(t, "Auditor", auditor, nil, time.Time{})
	expired := w.auditorInvitation(t)
	clock.Advance(24*time.Hour + time.Second)
	fresh := w.auditorInvitation(t)
	officersCase := func() string { // the id of a file that is no invitation
		open, _ := enrolment.Parse(fresh)
		open.Id = w.Records.Directory().FileID
		text, _ := enrolment.Encode(open)
		return text
	}()
	_, ownKey, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	var first string
	for _, row := range []struct {
		name, invitation string
		prove            servertest.Prover
	}{
		{"used", used, nil},
		{"unknown", unknown, nil},
		{"another service's", foreign, nil},
		{"expired", expired, nil},
		{"another file's id", officersCase, nil},
		{"no proof", fresh, func(enrolment.Claim) ([]byte, error) { return nil, nil }},
		{"another key than the invitation's", fresh, func(c enrolment.Claim) ([]byte, error) { return ed25519.Sign(ownKey, c.Exporter), nil }},
		{"another age recipient", fresh, altered(t, fresh, func(c *enrolment.Claim) { c.AgeRecipient += "x" })},
		{"another signing key", fresh, altered(t, fresh, func(c *enrolment.Claim) { c.SigningKey = make([]byte, 32) })},
		// The fifth wrong proof would burn it; that is the next test.
	} {
		_, err := w.TryEnrol(t, servertest.NewDevice(t), row.invitation, row.prove)
		if status.Code(err) != codes.Unauthenticated || reason(err) != "INVITATION_INVALID" {
			t.Errorf("%s: %v", row.name, err)
		}
		if first == "" {
			first = mark(err)
		}
		if mark(err) != first {
			t.Errorf("%s reads otherwise than the others", row.name)
		}
	}
	if _, err := w.TryEnrol(t, servertest.NewDevice(t), fresh, nil); err != nil {
		t.Errorf("the honest holder: %v", err)
	}
}

// altered signs another claim than the one that is sent.
func altered(t testing.TB, invitation string, change func(*enrolment.Claim)) servertest.Prover {
	secret := secretOf(t, invitation)
	return func(claim enrolment.Claim) ([]byte, error) {
		change(&claim)
		return enrolment.Sign(secret, claim)
	}
}

// TestAnInvitationBurns after five wrong proofs, and not before.
func TestAnInvitationBurns(t *testing.T) {
	w := &world{Service: servertest.Start(t, servertest.Options{})}
	wrong := func(enrolment.Claim) ([]byte, error) { return make([]byte, ed25519.SignatureSize), nil }
	for tries, good := range map[int]bool{4: true, 5: false} {
		invitation := w.auditorInvitation(t)
		var all sync.WaitGroup
		for range tries { // at the same time: each of them counts
			all.Go(func() { _, _ = w.TryEnrol(t, servertest.NewDevice(t), invitation, wrong) })
		}
		all.Wait()
		if _, err := w.TryEnrol(t, servertest.NewDevice(t), invitation, nil); (err == nil) != good {
			t.Errorf("after %d wrong proofs: %v", tries, err)
		}
	}
}

// TestAProofIsOfOneConnection: a proof that somebody in the middle has seen is worth
// nothing on another connection, with the victim's keys or with the thief's own.
func TestAProofIsOfOneConnection(t *testing.T) {
	w := &world{Service: servertest.Start(t, servertest.Options{})}
	invitation := w.auditorInvitation(t)
	victim, thief := servertest.NewDevice(t), servertest.NewDevice(t)
	var seen []byte
	honest := altered(t, invitation, func(*enrolment.Claim) {})
	capture := func(claim enrolment.Claim) ([]byte, error) {
		proof, err := honest(claim)
		seen = proof
		return nil, err // it never arrives
	}
	if _, err := w.TryEnrol(t, victim, invitation, capture); reason(err) != "INVITATION_INVALID" {
		t.Fatal(err)
	}
	replay := func(enrolment.Claim) ([]byte, error) { return seen, nil }
	own := *thief
	own.Recipient, own.Signing = victim.Recipient, victim.Signing
	for name, device := range map[string]*servertest.Device{"the victim's keys": victim, "the thief's TLS key": &own, "the thief's keys": thief} {
		if _, err := w.TryEnrol(t, device, invitation, replay); reason(err) != "INVITATION_INVALID" {
			t.Errorf("a proof replayed with %s: %v", name, err)
		}
	}
	if answer, err := w.TryEnrol(t, victim, invitation, nil); err != nil || [32]byte(answer.GetDevice().GetTlsPin()) != victim.Pin {
		t.Errorf("the victim: %v", err)
	}
	for _, member := range w.Records.Directory().Staff() {
		for _, device := range member.GetDevices() {
			if [32]byte(device.GetTlsPin()) == thief.Pin {
				t.Error("the thief's key is enrolled")
			}
		}
	}
}

// TestTwoTakesOneWins: of two devices that take one invitation at the same time, for
// a person or for a further device, and of two invitations taken with one device,
// exactly one is enrolled.
func TestTwoTakesOneWins(t *testing.T) {
	w := &world{Service: servertest.Start(t, servertest.Options{})}
	owner := w.Enrol(t, "owner", auditor, nil)
	rounds := 60
	if *long {
		rounds = 1000
	}
	for round := range rounds {
		one := w.auditorInvitation(t)
		takes := []struct {
			invitation string
			device     *servertest.Device
		}{{one, servertest.NewDevice(t)}, {one, servertest.NewDevice(t)}}
		switch round % 3 {
		case 1:
			takes[0].invitation = w.deviceInvitation(t, owner)
			takes[1].invitation = takes[0].invitation
		case 2:
			takes[1].device, takes[1].invitation = takes[0].device, w.auditorInvitation(t)
		}
		errs := make([]error, len(takes))
		var both sync.WaitGroup
		for i, take := range takes {
			both.Go(func() { _, errs[i] = w.TryEnrol(t, take.device, take.invitation, nil) })
		}
		both.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("round %d: %v, %v: exactly one must win", round, errs[0], errs[1])
		}
		for _, err := range errs {
			if err != nil && reason(err) != "INVITATION_INVALID" {
				t.Errorf("the loser: %v", err)
			}
		}
	}
}

// TestConfirmation: who may let a waiting device in, and against which code.
func TestConfirmation(t *testing.T) {
	w := &world{Service: servertest.Start(t, servertest.Options{})}
	reviewers := []amparov1.Role{amparov1.Role_ROLE_REVIEWER}
	confirm := func(by, whom *servertest.Person, code string) (*amparov1.ConfirmStaffResponse, error) {
		return amparov1.NewStaffServiceClient(by.Conn).ConfirmStaff(t.Context(), &amparov1.ConfirmStaffRequest{
			RequestId: records.NewID(), StaffId: whom.StaffID, Code: code,
		})
	}
	expect := func(what, want string, err error) {
		t.Helper()
		if reason(err) != want {
			t.Errorf("%s: %v, want %q", what, err, want)
		}
	}
	first := w.EnrolPending(t, "first", reviewers, []string{"north"})
	_, err := confirm(w.Admin, first, "aaaaaaaa")
	expect("a wrong code", "CONFIRMATION_CODE_WRONG", err)
	_, err = confirm(first, first, first.Code)
	expect("oneself, while waiting", "ROLE_PENDING", err)
	answer, err := confirm(w.Admin, first, first.Code)
	expect("the inviter, who is alone", "", err)
	if !answer.GetBootstrap() {
		t.Error("a confirmation by the inviter is not marked as such")
	}
	_, err = confirm(w.Admin, first, first.Code)
	expect("a second time", "NOTHING_TO_CONFIRM", err)

	second := w.EnrolPending(t, "second", reviewers, []string{"north"})
	third := w.EnrolPending(t, "third", reviewers, []string{"north"})
	_, err = confirm(w.Admin, second, second.Code)
	expect("the inviter, though another may", "SECOND_PERSON_NEEDED", err)
	_, err = confirm(third, second, second.Code)
	expect("somebody who waits too", "ROLE_PENDING", err)
	_, err = confirm(first, second, third.Code)
	expect("the code of another person", "CONFIRMATION_CODE_WRONG", err)
	answer, err = confirm(first, second, second.Code)
	expect("another who may", "", err)
	if answer.GetBootstrap() {
		t.Error("a confirmation by a second person is marked as the inviter's")
	}
	w.secondDevice(t, first, second, confirm, expect)
}

// secondDevice: a new device of somebody active waits for a second person too, and
// is not theirs to confirm from the first.
func (w *world) secondDevice(t *testing.T, owner, other *servertest.Person,
	confirm func(by, whom *servertest.Person, code string) (*amparov1.ConfirmStaffResponse, error), expect func(what, want string, err error),
) {
	t.Helper()
	device := servertest.NewDevice(t)
	if _, err := w.TryEnrol(t, device, w.deviceInvitation(t, owner), nil); err != nil {
		t.Fatal(err)
	}
	code := enrolment.ConfirmationCode(owner.StaffID, device.Pin[:], device.Recipient, device.Signing[32:])
	_, err := amparov1.NewQueueServiceClient(w.Dial(t, device.Certificate)).ListQueue(t.Context(), &amparov1.ListQueueRequest{})
	expect("a second device before its confirmation", "ROLE_PENDING", err)
	_, err = confirm(owner, owner, code)
	expect("one's own second device", "SECOND_PERSON_NEEDED", err)
	_, err = confirm(w.Admin, owner, code)
	expect("a second device by its inviter", "SECOND_PERSON_NEEDED", err)
	_, err = confirm(other, owner, code)
	expect("a second device by a second person", "", err)
	_, err = amparov1.NewQueueServiceClient(w.Dial(t, device.Certificate)).ListQueue(t.Context(), &amparov1.ListQueueRequest{})
	expect("a second device after it", "", err)
}

// TestTheDoorHasItsOwnRate: a flood of strangers at the door is slowed down and does
// not slow down those who are inside.
func TestTheDoorHasItsOwnRate(t *testing.T) {
	limits := servertest.Generous()
	limits.EnrolmentsPerSecond = 1
	w := &world{Service: servertest.Start(t, servertest.Options{Limits: limits})}
	client := amparov1.NewEnrolmentServiceClient(w.dialDoor(t, servertest.NewDevice(t)))
	limited := 0
	for range 20 {
		ctx := metadata.AppendToOutgoingContext(context.Background(), enrolment.ProofHeader, "x", enrolment.ProofHeader, "y")
		_, err := client.Enrol(ctx, &amparov1.EnrolRequest{
			InvitationId: records.NewID(), AgeRecipient: w.Admin.Recipient, SigningKey: make([]byte, 32),
		}, grpc.WaitForReady(true))
		switch reason(err) {
		case "RATE_LIMITED":
			limited++
		case "INVITATION_INVALID":
		default:
			t.Errorf("a stranger at the door: %v", err)
		}
	}
	if limited < 15 {
		t.Errorf("%d of 20 attempts were slowed down", limited)
	}
	if _, err := amparov1.NewStaffServiceClient(w.Admin.Conn).WhoAmI(t.Context(), &amparov1.WhoAmIRequest{}); err != nil {
		t.Errorf("somebody inside: %v", err)
	}
}
