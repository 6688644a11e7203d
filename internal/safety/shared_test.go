package safety_test

import (
	"fmt"
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/safety"
)

const herNumber = "+573005550100"

// borrowed is a case for which her sister asked from Ana's own telephone.
func borrowed() *amparov1.Safety {
	intake := forAna()
	intake.GetSubmitter().Contact = &amparov1.SafeContact{Channel: phone, Address: herNumber}
	return safety.Begin(intake)
}

// TestSharedTelephone takes every contact out of use that rings on a telephone which
// is lost, whosever contact it is said to be.
func TestSharedTelephone(t *testing.T) {
	for name, lose := range map[string]func(*amparov1.Safety) error{
		"an arrest": func(s *amparov1.Safety) error { report(t, s, detained, night); return nil },
		"a seizure": func(s *amparov1.Safety) error {
			_, err := safety.Report(s, &amparov1.StatusDraft{DeviceSeized: true, Source: family}, operator, night)
			return err
		},
		"distrust": func(s *amparov1.Safety) error {
			_, err := safety.Distrust(s, 1, false, "", operator, night)
			return err
		},
		"hostile hands": func(s *amparov1.Safety) error {
			_, err := safety.Distrust(s, 2, true, "", operator, night)
			return err
		},
	} {
		s := borrowed()
		if err := lose(s); err != nil || uses(s, herNumber) {
			t.Errorf("%s: %v; the telephone is still used: %v", name, err, uses(s, herNumber))
		}
	}
}

// TestHostileAddressAgain lets no word put an address back that is in hostile hands,
// under whatever name it is offered.
func TestHostileAddressAgain(t *testing.T) {
	s := withProxy(t, ana())
	if _, err := safety.Distrust(s, 3, true, "", operator, night); err != nil {
		t.Fatal(err)
	}
	got, err := safety.Propose(s, draft(proxy, "+573005550102"), "guayaba", operator, night)
	if err != nil || got.Standing != pending || uses(s, "+573005550102") {
		t.Errorf("her word alone: %v, %v", got.Standing, err)
	}
}

// TestVouchForOthers lets nobody make a number the person's own by their own contact.
func TestVouchForOthers(t *testing.T) {
	for kind, want := range map[amparov1.ContactKind]bool{own: false, proxy: true} {
		s := withProxy(t, ana())
		s.GetContacts()[1].GetContact().GetWay().CodeWord = "lulo"
		change := draft(kind, newNumber)
		change.Replaces = 3
		if _, err := safety.Propose(s, change, "lulo", operator, night); (err == nil) != want || uses(s, newNumber) != want {
			t.Errorf("%v by the proxy's word: used %v, %v", kind, uses(s, newNumber), err)
		}
		s = withProxy(t, ana())
		asked, err := safety.Propose(s, change, "", operator, night)
		if err != nil {
			t.Fatal(err)
		}
		reach(t, s, 3, "", night.Add(time.Second))
		proof := safety.Proof{Kind: amparov1.ChangeProof_CHANGE_PROOF_OLD_CHANNEL, Contact: 3}
		if _, err := safety.Settle(s, asked.Number, proof, operator, night.Add(time.Minute)); (err == nil) != want || uses(s, newNumber) != want {
			t.Errorf("%v over the proxy's number: used %v, %v", kind, uses(s, newNumber), err)
		}
	}
}

// TestManyContacts forgets none that something still depends on.
func TestManyContacts(t *testing.T) {
	s := withProxy(t, ana())
	restore := &amparov1.ChangeDraft{Change: &amparov1.ChangeDraft_Restore{Restore: 3}}
	if _, err := safety.Distrust(s, 3, true, "", operator, night); err != nil {
		t.Fatal(err)
	}
	asked, err := safety.Propose(s, restore, "", operator, night)
	if err != nil {
		t.Fatal(err)
	}
	last := uint32(1)
	for i := range 60 {
		change := draft(own, fmt.Sprintf("+5730055502%02d", i))
		change.Replaces = last
		if _, err := safety.Propose(s, change, "guayaba", operator, night); err != nil {
			t.Fatal(err)
		}
		last = s.GetLastNumber()
	}
	if !safety.HidesNames(s) {
		t.Error("names are shown again though nobody has settled it")
	}
	if _, err := safety.Settle(s, asked.Number, safety.Proof{}, officer, night); err != nil || !uses(s, "+573005550102") {
		t.Errorf("restored after many changes: %v", err)
	}
}

// TestTakingAwayNeverWaits also where many changes do.
func TestTakingAwayNeverWaits(t *testing.T) {
	s := safety.Begin(ana())
	for i := range 20 {
		if _, err := safety.Propose(s, draft(own, fmt.Sprintf("+5730055502%02d", i)), "", operator, night); err != nil {
			t.Fatal(err)
		}
	}
	no := &amparov1.ChangeDraft{Change: &amparov1.ChangeDraft_DirectContact{}}
	if _, err := safety.Propose(s, no, "", operator, night); err != nil || s.GetMayContactDirectly() {
		t.Errorf("direct contact is still allowed: %v", err)
	}
}

// TestWordAfterDuress verifies nothing until the week is over.
func TestWordAfterDuress(t *testing.T) {
	for after, want := range map[time.Duration]bool{time.Hour: false, 8 * 24 * time.Hour: true} {
		s := safety.Begin(ana())
		reach(t, s, 1, "naranja", night)
		reach(t, s, 1, "guayaba", night.Add(after))
		is := s.GetContacts()[0].GetVerification() == amparov1.ContactVerification_CONTACT_VERIFICATION_VERIFIED
		if is != want {
			t.Errorf("%v after duress: verified %v", after, is)
		}
	}
}
