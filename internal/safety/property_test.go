package safety_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/safety"
)

// story is a case to which anything happens, with what a careful colleague would
// remember of it beside the record.
type story struct {
	s   *amparov1.Safety
	now time.Time
	// proven are the addresses that somebody has proven, and how.
	proven map[string]bool
	asked  map[uint32]asked
	duress time.Time
	next   int
	// reached is when somebody was last reached at an address that was in use.
	reached map[string]time.Time
}

type asked struct {
	by, address string
	at          time.Time
}

func (st *story) held() bool {
	status := st.s.GetStatus()
	return status == detained || status == disappeared || status == deceased
}

// trusted reports whether what the person says proves anything now.
func (st *story) trusted() bool {
	return !st.held() && (st.duress.IsZero() || st.now.Sub(st.duress) >= 7*24*time.Hour)
}

var words = rapid.SampledFrom([]string{"", "", "", "", "guayaba", "Guayaba ", "naranja", "mango"})

func isCode(word string) bool { return word == "guayaba" || word == "Guayaba " }

var people = rapid.SampledFrom([]string{operator, officer, "head"})

// contact draws the number of a contact, and sometimes of none.
func (st *story) contact(t *rapid.T) uint32 {
	numbers := []uint32{99}
	for _, c := range st.s.GetContacts() {
		numbers = append(numbers, c.GetNumber())
	}
	return rapid.SampledFrom(numbers).Draw(t, "contact")
}

// change draws the number of a change that waits, and sometimes of none.
func (st *story) change(t *rapid.T) uint32 {
	numbers := []uint32{99}
	for _, c := range st.s.GetChanges() {
		if c.GetStanding() == pending {
			numbers = append(numbers, c.GetNumber())
		}
	}
	return rapid.SampledFrom(numbers).Draw(t, "change")
}

func (st *story) propose(t *rapid.T) {
	st.next++
	address := fmt.Sprintf("+5730055%05d", st.next)
	change := draft(rapid.SampledFrom([]amparov1.ContactKind{own, proxy, submitter}).Draw(t, "kind"), address)
	if rapid.Bool().Draw(t, "replaces") {
		change.Replaces = st.contact(t)
	}
	word, by := words.Draw(t, "word"), people.Draw(t, "by")
	hostile := st.isHostile(change.GetReplaces())
	got, err := safety.Propose(st.s, change, word, by, st.now)
	if err != nil {
		return
	}
	st.asked[got.Number] = asked{by, address, st.now}
	st.hear(word == "naranja")
	if isCode(word) && st.trusted() && !hostile {
		st.proven[address] = true
	}
}

func (st *story) isHostile(contact uint32) bool {
	return slices.ContainsFunc(st.s.GetContacts(), func(c *amparov1.SafetyContact) bool {
		return c.GetNumber() == contact && c.GetVerification() == amparov1.ContactVerification_CONTACT_VERIFICATION_SUSPECTED_HOSTILE
	})
}

func (st *story) hear(duress bool) {
	if duress {
		st.duress = st.now
	}
}

func (st *story) settle(t *rapid.T) {
	number, by := st.change(t), people.Draw(t, "by")
	proof := safety.Proof{
		Kind:    amparov1.ChangeProof(rapid.IntRange(0, 3).Draw(t, "proof")),
		Answer:  words.Draw(t, "word"),
		Contact: st.contact(t),
		Reject:  rapid.IntRange(0, 5).Draw(t, "reject") == 0,
	}
	over := st.addressOf(proof.Contact)
	reached := uses(st.s, over) && !st.reached[over].IsZero() && !st.reached[over].Before(st.asked[number].at)
	_, err := safety.Settle(st.s, number, proof, by, st.now)
	if err != nil || proof.Reject {
		return
	}
	change := st.asked[number]
	switch proof.Kind {
	case amparov1.ChangeProof_CHANGE_PROOF_CHALLENGE:
		st.hear(proof.Answer == "naranja")
		if isCode(proof.Answer) && st.trusted() {
			st.proven[change.address] = true
		}
	case amparov1.ChangeProof_CHANGE_PROOF_OLD_CHANNEL:
		if reached && st.trusted() {
			st.proven[change.address] = true
		}
	default:
		if by != change.by {
			st.proven[change.address] = true
		}
	}
}

func (st *story) addressOf(contact uint32) string {
	for _, c := range st.s.GetContacts() {
		if c.GetNumber() == contact {
			return c.GetContact().GetWay().GetAddress()
		}
	}
	return ""
}

func (st *story) restore(t *rapid.T) {
	change := &amparov1.ChangeDraft{Change: &amparov1.ChangeDraft_Restore{Restore: st.contact(t)}}
	address, by := st.addressOf(change.GetRestore()), people.Draw(t, "by")
	if got, err := safety.Propose(st.s, change, "", by, st.now); err == nil {
		st.asked[got.Number] = asked{by, address, st.now}
	}
}

// TestNoUnprovenAddressIsUsed: whatever happens, in whatever order, an address that is
// offered came with the intake or was proven, and what was lost comes back only when
// it is proven again.
func TestNoUnprovenAddressIsUsed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		st := &story{s: safety.Begin(forAna()), now: night, proven: map[string]bool{}, asked: map[uint32]asked{}, reached: map[string]time.Time{}}
		for _, c := range st.s.GetContacts() {
			st.proven[c.GetContact().GetWay().GetAddress()] = true
		}
		act := func(do func(*rapid.T)) func(*rapid.T) {
			return func(t *rapid.T) {
				st.now = st.now.Add(time.Duration(rapid.IntRange(0, 96).Draw(t, "hours")) * time.Hour)
				do(t)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"":        st.check,
			"propose": act(st.propose),
			"settle":  act(st.settle),
			// Twice as often as what goes wrong, or a person is hardly ever free.
			"settle another": act(st.settle),
			"call again":     act(st.call),
			"restore":        act(st.restore),
			"report": act(func(t *rapid.T) {
				if rapid.IntRange(0, 2).Draw(t, "quiet") > 0 {
					return
				}
				d := &amparov1.StatusDraft{Status: amparov1.PersonStatus(rapid.IntRange(0, 6).Draw(t, "status")), DeviceSeized: rapid.Bool().Draw(t, "seized"), Source: family}
				if _, err := safety.Report(st.s, d, operator, st.now); err == nil && (d.GetDeviceSeized() || (d.GetStatus() >= detained && d.GetStatus() <= deceased)) {
					st.lose(own)
				}
			}),
			"distrust": act(func(t *rapid.T) {
				n := st.contact(t)
				address := st.addressOf(n)
				if _, err := safety.Distrust(st.s, n, rapid.Bool().Draw(t, "hostile"), "", operator, st.now); err == nil {
					delete(st.proven, address)
				}
			}),
			"call": act(st.call),
		})
	})
}

func (st *story) call(t *rapid.T) {
	word, contact := words.Draw(t, "word"), st.contact(t)
	outcome := amparov1.ContactOutcome(rapid.IntRange(1, 2).Draw(t, "outcome"))
	_, duress, err := safety.Attempt(st.s, safety.Contacted{Attempt: &amparov1.ContactAttempt{
		Outcome: outcome, ContactNumber: contact, At: timestamppb.New(st.now),
	}, Word: word}, time.LoadLocation, people.Draw(t, "by"), st.now)
	if err != nil {
		return
	}
	if duress != (word == "naranja") {
		t.Fatalf("%q: duress %v", word, duress)
	}
	st.hear(duress)
	if address := st.addressOf(contact); !duress && outcome == amparov1.ContactOutcome_CONTACT_OUTCOME_REACHED && uses(st.s, address) {
		st.reached[address] = st.now
	}
}

func (st *story) lose(kind amparov1.ContactKind) {
	for _, c := range st.s.GetContacts() {
		if c.GetContact().GetKind() == kind {
			delete(st.proven, c.GetContact().GetWay().GetAddress())
		}
	}
}

func (st *story) check(t *rapid.T) {
	before := proto.CloneOf(st.s)
	advice := safety.Advise(st.s, time.LoadLocation, st.now)
	for _, c := range advice.GetContacts() {
		address := c.GetContact().GetContact().GetWay().GetAddress()
		if c.GetContact().GetUse() == amparov1.ContactUse_CONTACT_USE_USABLE && !st.proven[address] {
			t.Fatalf("contact %d is offered and nobody has proven it", c.GetContact().GetNumber())
		}
		if c.GetContact().GetContact().GetWay().GetDuressWord() != "" {
			t.Fatal("the word for duress is shown")
		}
	}
	if !proto.Equal(before, st.s) {
		t.Fatal("asking for advice changed the record")
	}
	if len(st.s.GetChanges()) > 80 || len(st.s.GetReports()) > 101 {
		t.Fatal("the record grows without end")
	}
}
