package safety_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/safety"
)

const (
	pending  = amparov1.ChangeStanding_CHANGE_STANDING_PENDING
	inForce  = amparov1.ChangeStanding_CHANGE_STANDING_IN_FORCE
	rejected = amparov1.ChangeStanding_CHANGE_STANDING_REJECTED

	notProven   = amparov1.Reason_REASON_NOT_PROVEN
	secondOne   = amparov1.Reason_REASON_SECOND_PERSON_NEEDED
	nothingOpen = amparov1.Reason_REASON_NOTHING_TO_CONFIRM
	none        = amparov1.Reason_REASON_UNSPECIFIED

	newNumber = "+573005550111"
)

// uses reports whether an address is offered as usable.
func uses(s *amparov1.Safety, address string) bool {
	for _, c := range s.GetContacts() {
		if c.GetUse() == amparov1.ContactUse_CONTACT_USE_USABLE && c.GetContact().GetWay().GetAddress() == address {
			return true
		}
	}
	return false
}

// reach records a call over a contact, in which she said a word.
func reach(t testing.TB, s *amparov1.Safety, contact uint32, word string, at time.Time) (duress bool) {
	t.Helper()
	_, duress, err := safety.Attempt(s, safety.Contacted{Attempt: &amparov1.ContactAttempt{
		Outcome: amparov1.ContactOutcome_CONTACT_OUTCOME_REACHED, ContactNumber: contact, At: timestamppb.New(at),
	}, Word: word}, time.LoadLocation, operator, at)
	if err != nil {
		t.Fatal(err)
	}
	return duress
}

// TestProofs says what proves a new number. One second after the proposal she is
// called; her contact is number 1, the sister's 3, the change 4.
func TestProofs(t *testing.T) {
	nothing := func(*amparov1.Safety) {}
	second := safety.Proof{Kind: amparov1.ChangeProof_CHANGE_PROOF_SECOND_PERSON}
	word := func(said string) safety.Proof {
		return safety.Proof{Kind: amparov1.ChangeProof_CHANGE_PROOF_CHALLENGE, Answer: said}
	}
	over := func(contact uint32) safety.Proof {
		return safety.Proof{Kind: amparov1.ChangeProof_CHANGE_PROOF_OLD_CHANNEL, Contact: contact}
	}
	later := night.Add(time.Second)
	for _, row := range []struct {
		name   string
		since  func(*amparov1.Safety) // what happened since the proposal
		proof  safety.Proof
		by     string
		want   amparov1.Reason
		told   amparov1.ChangeStanding
		in     bool // that the new number is used
		duress bool
	}{
		{"the one who proposed it says so", nothing, second, operator, secondOne, 0, false, false},
		{"nobody says so", nothing, second, "", secondOne, 0, false, false},
		{"a colleague confirms", nothing, second, officer, none, inForce, true, false},
		{"a colleague rejects", nothing, safety.Proof{Reject: true}, officer, none, rejected, false, false},
		{"the proposer takes it back", nothing, safety.Proof{Reject: true}, operator, none, rejected, false, false},
		{"the code word", nothing, word("Guayaba"), operator, none, inForce, true, false},
		{"the code word, over a bad line", nothing, word(" GUAYÁBA. "), operator, none, inForce, true, false},
		{"another word", nothing, word("mango"), operator, notProven, 0, false, false},
		{"no word", nothing, word(""), operator, notProven, 0, false, false},
		{"the word for duress", nothing, word("naranja"), operator, none, inForce, false, true},
		{"the old number, but nobody called it", nothing, over(1), operator, notProven, 0, false, false},
		{"the old number, called before", func(s *amparov1.Safety) { reach(t, s, 1, "", night.Add(-time.Hour)) }, over(1), operator, notProven, 0, false, false},
		{"the old number", func(s *amparov1.Safety) { reach(t, s, 1, "", later) }, over(1), operator, none, inForce, true, false},
		{"the old number, under duress", func(s *amparov1.Safety) { reach(t, s, 1, "naranja", later) }, over(1), operator, notProven, 0, false, false},
		{"the old number, and duress heard after it", func(s *amparov1.Safety) { reach(t, s, 1, "", later); reach(t, s, 0, "naranja", later) }, over(1), operator, none, inForce, false, false},
		{"the code word, an hour after duress", func(s *amparov1.Safety) { reach(t, s, 0, "naranja", later) }, word("guayaba"), operator, none, inForce, false, false},
		{"the sister's number", func(s *amparov1.Safety) { reach(t, s, 3, "", later) }, over(3), operator, notProven, 0, false, false},
		{"the old number after it was taken out of use", func(s *amparov1.Safety) {
			if _, err := safety.Distrust(s, 1, false, "", operator, later); err != nil {
				t.Fatal(err)
			}
			reach(t, s, 1, "", later)
		}, over(1), operator, notProven, 0, false, false},
		{"the old number, reached and then taken out of use", func(s *amparov1.Safety) {
			reach(t, s, 1, "", later)
			if _, err := safety.Distrust(s, 1, false, "", operator, later); err != nil {
				t.Fatal(err)
			}
		}, over(1), operator, notProven, 0, false, false},
		{"the code word while she is held", func(s *amparov1.Safety) { report(t, s, detained, night) }, word("guayaba"), operator, secondOne, 0, false, false},
		{"a colleague while she is held", func(s *amparov1.Safety) { report(t, s, detained, night) }, second, officer, none, inForce, true, false},
		{"the code word, her number in hostile hands", func(s *amparov1.Safety) {
			if _, err := safety.Distrust(s, 1, true, "", operator, later); err != nil {
				t.Fatal(err)
			}
		}, word("guayaba"), operator, notProven, 0, false, false},
	} {
		s := withProxy(t, ana())
		change := draft(own, newNumber)
		change.Replaces = 1
		asked, err := safety.Propose(s, change, "", operator, night)
		if err != nil || asked.Standing != pending || uses(s, newNumber) {
			t.Fatalf("%s: the proposal: %v, %v", row.name, asked.Standing, err)
		}
		row.since(s)
		before := proto.CloneOf(s)
		got, err := safety.Settle(s, asked.Number, row.proof, row.by, later.Add(time.Hour))
		if reasonOf(err) != row.want || got.Standing != row.told || got.Duress != row.duress {
			t.Errorf("%s: %v, duress %v, %v", row.name, got.Standing, got.Duress, err)
		}
		if uses(s, newNumber) != row.in || (row.in && uses(s, "+573005550100")) {
			t.Errorf("%s: the new number is used: %v, the old one: %v", row.name, uses(s, newNumber), uses(s, "+573005550100"))
		}
		if err != nil && !proto.Equal(s, before) {
			t.Errorf("%s: refused, and changed something", row.name)
		}
		if row.in {
			if _, err := safety.Settle(s, asked.Number, row.proof, officer, later); reasonOf(err) != nothingOpen {
				t.Errorf("%s: settled twice: %v", row.name, err)
			}
		}
	}
}

// TestAtOnce says what a word does that comes with the proposal.
func TestAtOnce(t *testing.T) {
	for _, row := range []struct {
		word   string
		want   amparov1.Reason
		told   amparov1.ChangeStanding
		in     bool
		duress bool
	}{
		{"", none, pending, false, false},
		{"guayaba", none, inForce, true, false},
		{"mango", notProven, 0, false, false},
		{"naranja", none, inForce, false, true},
	} {
		s := withProxy(t, ana())
		got, err := safety.Propose(s, draft(own, newNumber), row.word, operator, night)
		if reasonOf(err) != row.want || got.Standing != row.told || got.Duress != row.duress || uses(s, newNumber) != row.in {
			t.Errorf("%q: %v, duress %v, used %v, %v", row.word, got.Standing, got.Duress, uses(s, newNumber), err)
		}
	}
}

// TestMoneyWaits for a proof like an address does.
func TestMoneyWaits(t *testing.T) {
	s := withProxy(t, ana())
	to := func(holder string) *amparov1.ChangeDraft {
		return &amparov1.ChangeDraft{Change: &amparov1.ChangeDraft_Payee{Payee: &amparov1.Payee{
			AccountHolder: holder, Way: amparov1.PaymentWay_PAYMENT_WAY_MOBILE_MONEY, Reference: "+573005550100",
		}}}
	}
	if safety.PayTo(s) != nil {
		t.Error("somebody is paid whom nobody named")
	}
	if _, err := safety.Propose(s, to("Ana"), "guayaba", operator, night); err != nil || safety.PayTo(s).GetAccountHolder() != "Ana" {
		t.Errorf("the payee whom she named with her word: %v", err)
	}
	other, err := safety.Propose(s, to("Otro"), "", operator, night)
	if err != nil || safety.PayTo(s) != nil {
		t.Errorf("while another payee waits nobody is paid: %v", err)
	}
	if _, err := safety.Settle(s, other.Number, safety.Proof{Reject: true}, officer, night); err != nil || safety.PayTo(s).GetAccountHolder() != "Ana" {
		t.Errorf("after the other was rejected: %v", err)
	}
}

// TestDirectContact is taken away on one person's word, and given on a proof.
func TestDirectContact(t *testing.T) {
	s := safety.Begin(forAna())
	direct := func(yes bool) *amparov1.ChangeDraft {
		return &amparov1.ChangeDraft{Change: &amparov1.ChangeDraft_DirectContact{DirectContact: yes}}
	}
	asked, err := safety.Propose(s, direct(true), "", operator, night)
	if err != nil || asked.Standing != pending || s.GetMayContactDirectly() {
		t.Errorf("asked for: %v, %v", asked.Standing, err)
	}
	if _, err := safety.Settle(s, asked.Number, safety.Proof{}, officer, night); err != nil || !s.GetMayContactDirectly() {
		t.Errorf("confirmed: %v", err)
	}
	if got, err := safety.Propose(s, direct(false), "", operator, night); err != nil || got.Standing != inForce || s.GetMayContactDirectly() {
		t.Errorf("taken away: %v, %v", got.Standing, err)
	}
}

// TestHostileHands hides names until a second person restores the contact or another
// takes its place.
func TestHostileHands(t *testing.T) {
	restore := func() *amparov1.ChangeDraft {
		return &amparov1.ChangeDraft{Change: &amparov1.ChangeDraft_Restore{Restore: 3}}
	}
	replace := func() *amparov1.ChangeDraft {
		change := draft(proxy, newNumber)
		change.Replaces = 3
		return change
	}
	for name, change := range map[string]func() *amparov1.ChangeDraft{"restored": restore, "replaced": replace} {
		s := withProxy(t, ana())
		report(t, s, detained, night)
		if safety.HidesNames(s) || safety.Shown(s, "").GetReports()[0].GetRecordedById() != operator {
			t.Errorf("%s: names are hidden before", name)
		}
		if _, err := safety.Distrust(s, 3, true, "", operator, night); err != nil {
			t.Fatal(err)
		}
		shown := safety.Shown(s, "")
		if !safety.HidesNames(s) || shown.GetReports()[0].GetRecordedById() != "" || shown.GetChanges()[0].GetSettledById() != "" {
			t.Errorf("%s: names of staff are shown", name)
		}
		if advice := safety.Advise(s, time.LoadLocation, night); !advice.GetNamesHidden() || len(order(s)) != 0 {
			t.Errorf("%s: the card names staff, or offers a contact", name)
		}
		asked, err := safety.Propose(s, change(), "guayaba", operator, night)
		if err != nil || asked.Standing != pending {
			t.Errorf("%s: by her word alone: %v, %v", name, asked.Standing, err)
		}
		if _, err := safety.Settle(s, asked.Number, safety.Proof{}, officer, night); err != nil || safety.HidesNames(s) {
			t.Errorf("%s: by a second person: %v", name, err)
		}
	}
}

func TestChangesThatCannotBe(t *testing.T) {
	to := func(edit func(*amparov1.ChangeDraft)) *amparov1.ChangeDraft {
		change := draft(own, newNumber)
		edit(change)
		return change
	}
	for name, change := range map[string]*amparov1.ChangeDraft{
		"no address":              draft(own, ""),
		"a number at home":        draft(own, "300 555 0111"),
		"replaces nothing":        to(func(c *amparov1.ChangeDraft) { c.Replaces = 99 }),
		"restores what is in use": {Change: &amparov1.ChangeDraft_Restore{Restore: 1}},
		"restores nothing":        {Change: &amparov1.ChangeDraft_Restore{Restore: 99}},
		"a zone that is none":     to(func(c *amparov1.ChangeDraft) { c.GetContact().GetWay().TimeZone = "America/Bogotá" }),
	} {
		s := withProxy(t, ana())
		before := proto.CloneOf(s)
		if _, err := safety.Propose(s, change, "guayaba", operator, night); err == nil || !proto.Equal(s, before) {
			t.Errorf("%s: %v; want a refusal that changes nothing", name, err)
		}
	}
}
