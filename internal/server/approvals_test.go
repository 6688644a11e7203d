package server_test

import (
	"crypto/ed25519"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/enrolment"
	"github.com/amparo-project/amparo/internal/servertest"
)

// anotherDevice enrols and confirms a further device of somebody.
func (w *world) anotherDevice(t testing.TB, owner *servertest.Person) *servertest.Person {
	t.Helper()
	p := &servertest.Person{Device: servertest.NewDevice(t), Name: owner.Name + " at home", StaffID: owner.StaffID}
	answer, err := w.TryEnrol(t, p.Device, w.deviceInvitation(t, owner), nil)
	if err != nil {
		t.Fatal(err)
	}
	p.DeviceID, p.Conn = answer.GetDevice().GetId(), w.Dial(t, p.Certificate)
	p.Code = enrolment.ConfirmationCode(p.StaffID, p.Pin[:], p.Recipient, p.Signing[ed25519.PublicKeySize:])
	w.Confirm(t, p)
	return p
}

// signing are people who may all agree to each other's checks, each on two devices.
type signing struct {
	*world
	authors []*servertest.Person // those of them who may make a check
	devices []*servertest.Person
}

// newSigning has the policy demand one other at a high risk, and two at an extreme one.
func newSigning(t *testing.T) *signing {
	t.Helper()
	s := &signing{world: newWorld(t, servertest.Options{})}
	other := s.Enrol(t, "other reviewer", []amparov1.Role{amparov1.Role_ROLE_REVIEWER}, []string{"north"})
	s.authors = []*servertest.Person{other, s.north[amparov1.Role_ROLE_REVIEWER], s.north[amparov1.Role_ROLE_HEAD_OF_SECRETARIAT]}
	onShift := s.Enrol(t, "on shift", []amparov1.Role{amparov1.Role_ROLE_HOTLINE_OPERATOR, amparov1.Role_ROLE_DATA_PROTECTION_OFFICER}, []string{"north"})
	for _, p := range append(slices.Clone(s.authors), onShift) {
		s.devices = append(s.devices, p, s.anotherDevice(t, p))
	}
	for _, name := range []string{"one more in the south", "another in the south"} { // or the south could not do what the policy asks
		s.Enrol(t, name, []amparov1.Role{amparov1.Role_ROLE_REVIEWER}, []string{"south"})
	}
	proposed, err := propose(t, s.Admin, func(p *amparov1.Policy) {
		for _, l := range p.GetLevels() {
			if l.GetLevel() == amparov1.RiskLevel_RISK_LEVEL_EXTREME {
				l.Approvals = 2
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := confirm(t, s.north[amparov1.Role_ROLE_HEAD_OF_SECRETARIAT], proposed.GetProposal().GetId()); err != nil {
		t.Fatal(err)
	}
	return s
}

// allAtOnce has two to fifty devices sign for something of the author's at once, and
// returns how many could, and how many of them are distinct people other than the author.
func (s *signing) allAtOnce(t *testing.T, author *servertest.Person, sign func(d desk) error) (signed, might int) {
	t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	people, begin := map[string]bool{}, make(chan struct{})
	for range 2 + rand.IntN(49) {
		device := s.devices[rand.IntN(len(s.devices))]
		if device.StaffID != author.StaffID {
			people[device.StaffID] = true
		}
		all.Go(func() {
			<-begin
			err := sign(deskOf(device))
			mu.Lock()
			defer mu.Unlock()
			switch why := reason(err); {
			case err == nil:
				signed++
			case why != "SECOND_PERSON_NEEDED" && why != "NOTHING_TO_CONFIRM":
				t.Errorf("refused with %v", err)
			}
		})
	}
	close(begin)
	all.Wait()
	return signed, len(people)
}

// approved are those who signed for an entry, by the ledger.
func (s *signing) approved(t *testing.T, id string, number uint32) (ids []string) {
	t.Helper()
	for _, entry := range must[[]*amparov1.LedgerEntry](t)(deskOf(s.authors[0]).list(t, id)) {
		if entry.GetApproval().GetOf() == number {
			ids = append(ids, entry.GetRecordedById())
		}
	}
	return ids
}

// judged asks that just so many distinct people signed, and not the author.
func (s *signing) judged(t *testing.T, id string, number uint32, author *servertest.Person, want int) {
	t.Helper()
	ids := s.approved(t, id, number)
	if slices.Contains(ids, author.StaffID) || len(ids) != want {
		t.Fatalf("%d signed for entry %d, want %d; the author among them: %v", len(ids), number, want, slices.Contains(ids, author.StaffID))
	}
	if slices.Sort(ids); len(slices.Compact(ids)) != want {
		t.Fatalf("somebody signed twice for entry %d", number)
	}
}

// TestTwoPeopleAlways: however many sign at once, on however many devices, a check has as
// many distinct others behind it as the level demands, and not one more; and what leaves
// on one person's word has one second signature. (go test -long: ten thousand rounds.)
func TestTwoPeopleAlways(t *testing.T) {
	s := newSigning(t)
	rounds := 30
	if *long {
		rounds = 10_000
	}
	ids, full := map[int]string{}, 0
	for round := range rounds {
		needed := 1 + round%2
		if round%40 < 2 { // a ledger that never ends would slow the rounds down
			ids[needed] = s.newCase(t, s.authors[0], func(c *amparov1.Case) { c.RiskLevel = high + amparov1.RiskLevel(needed-1) })
		}
		id, author := ids[needed], s.authors[rand.IntN(len(s.authors))]
		d := deskOf(author)
		must[*amparov1.RecordConsentResponse](t)(d.record(t, id, yes()))
		check := must[*amparov1.CheckHarmResponse](t)(d.check(t, id, harmless()))
		if int(check.GetApprovalsNeeded()) != needed {
			t.Fatalf("a check needs %d others, want %d", check.GetApprovalsNeeded(), needed)
		}
		withdrawn := round%3 == 0
		if withdrawn {
			must[*amparov1.WithdrawConsentResponse](t)(d.withdraw(t, id, &amparov1.WithdrawalDraft{Everything: true}))
		}
		signed, might := s.allAtOnce(t, author, func(d desk) error {
			_, err := d.approve(t, id, check.GetNumber())
			return err
		})
		s.judged(t, id, check.GetNumber(), author, min(needed, might))
		if signed != min(needed, might) {
			t.Fatalf("%d were told that they signed, of %d who count", signed, min(needed, might))
		}
		draft, want := leaving(), ""
		draft.Check = check.GetNumber()
		switch {
		case withdrawn:
			want = "CONSENT_WITHDRAWN" // what others agreed to after that opens nothing
		case signed < needed:
			want = "APPROVAL_MISSING"
		default:
			full++
		}
		if _, err := d.disclose(t, id, draft); reason(err) != want {
			t.Fatalf("with %d of %d, withdrawn %v: %v, want %q", signed, needed, withdrawn, err, want)
		}
		act := must[*amparov1.DiscloseResponse](t)(d.disclose(t, id, vital()))
		signed, might = s.allAtOnce(t, author, func(d desk) error { return d.countersign(t, id, act.GetNumber()) })
		s.judged(t, id, act.GetNumber(), author, min(1, might))
		if signed != min(1, might) {
			t.Fatalf("%d were told that they countersigned", signed)
		}
	}
	if full < rounds/4 {
		t.Errorf("only %d of %d checks had all that they need", full, rounds)
	}
}
