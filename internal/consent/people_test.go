package consent_test

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/consent"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/ledger"
)

func companion(name, birthDate string) func(*amparov1.ConsentTerms) {
	return func(terms *amparov1.ConsentTerms) {
		terms.Party, terms.AskedAlone = &amparov1.Party{Kind: amparov1.PartyKind_PARTY_KIND_COMPANION, Name: name, BirthDate: birthDate}, true
	}
}

// TestAChildNamedBeforeTheirAge: who was first named without an age is asked as the age
// says that is known by now, and stays so.
func TestAChildNamedBeforeTheirAge(t *testing.T) {
	b := &book{t: t}
	b.add(record(adult, no(companion("Mali Testowa", "")), b.entries...))
	for _, row := range []struct {
		says, birthDate string
		reason          amparov1.Reason
	}{
		{"a child of six, by their own word", "2020-01-31", amparov1.Reason_REASON_BEST_INTERESTS_MISSING},
		{"nobody says the age", "", amparov1.Reason_REASON_UNSPECIFIED},
	} {
		_, err := record(adult, yes(companion("Mali Testowa", row.birthDate)), b.entries...)
		if got := reasonOf(err); got != row.reason {
			t.Errorf("%s: %v, want %v", row.says, err, row.reason)
		}
	}
	b.add(record(adult, no(companion("Mali Testowa", "2020-01-31")), b.entries...))
	if _, err := record(adult, yes(companion("Mali Testowa", "")), b.entries...); reasonOf(err) != amparov1.Reason_REASON_BEST_INTERESTS_MISSING {
		t.Errorf("once the age is known: %v", err)
	}
}

var adult = born("1984")

func reasonOf(err error) amparov1.Reason {
	if err == nil {
		return amparov1.Reason_REASON_UNSPECIFIED
	}
	return fault.As(err).Reason
}

// TestComingOfAge: what a caregiver allows for a child of seventeen ends on the day on
// which the child is asked themselves.
func TestComingOfAge(t *testing.T) {
	permits := child(amparov1.ChildAnswer_CHILD_ANSWER_CONSENTS, func(c *amparov1.ChildConsent) { c.PermitsCaregiver = true })
	mother := by(amparov1.GiverKind_GIVER_KIND_CAREGIVER, 0, "Her passport, and the child's.")
	seventeen := born("2008-04-01") // eighteen days before the birthday
	ofAge := night.AddDate(0, 0, 18)
	entry, err := record(seventeen, yes(mother, permits))
	if err != nil {
		t.Fatal(err)
	}
	if end := entry.GetConsent().GetTerms().GetExpiresAt().AsTime(); end.Format("2006-01-02") != ofAge.Format("2006-01-02") {
		t.Errorf("it ends at %v, want the birthday", end)
	}
	later := func(terms *amparov1.ConsentTerms) { terms.ExpiresAt = timestamppb.New(ofAge.AddDate(1, 0, 0)) }
	if _, err := record(seventeen, yes(mother, permits, later)); reasonOf(err) != amparov1.Reason_REASON_VALIDITY_IMPOSSIBLE {
		t.Errorf("for a year beyond it: %v", err)
	}
	begins := func(terms *amparov1.ConsentTerms) { terms.ValidFrom = timestamppb.New(ofAge.AddDate(0, 0, 1)) }
	if _, err := record(seventeen, yes(mother, permits, begins)); reasonOf(err) != amparov1.Reason_REASON_VALIDITY_IMPOSSIBLE {
		t.Errorf("from the day after it on: %v", err)
	}
}

// TestTwoOfOneName: a lawyer and a brother of one name are two, and a no to the name
// reaches both.
func TestTwoOfOneName(t *testing.T) {
	b := &book{t: t}
	brother := &amparov1.Recipient{Name: "adila testowa", Kind: amparov1.RecipientKind_RECIPIENT_KIND_FAMILY}
	b.say(yes(to(lawyer())))
	people := ledger.PeopleOf(b.entries)
	if people.FindRecipient(brother) != ledger.Unknown || people.FindRecipient(&amparov1.Recipient{Name: "Adila Testowa"}) != 1 {
		t.Error("a yes to the lawyer reaches a brother of her name, or no longer the lawyer")
	}
	b.say(yes(to(brother)))
	b.withdraw(&amparov1.WithdrawalDraft{Everything: true, Recipients: []*amparov1.Recipient{{Name: "Adila Testowa"}}})
	if got := b.entries[2].GetWithdrawal().GetRecipients(); !slices.Equal(got, []uint32{1, 2}) {
		t.Errorf("a no to the name reaches %v", got)
	}
	if got := consent.InForce(b.entries, b.at(3)); len(got) != 0 {
		t.Errorf("%v are still in force", got)
	}
}
