package ledger_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/ledger"
)

// TestWhenItWas: at three o'clock somebody says when something was.
func TestWhenItWas(t *testing.T) {
	three := time.Date(2026, 3, 14, 3, 0, 0, 0, time.UTC)
	if said, possible := ledger.Said(nil, three); !said.Equal(three) || !possible {
		t.Errorf("nobody says when: %v, %v", said, possible)
	}
	for _, row := range []struct {
		says     string
		at, want time.Time
		possible bool
	}{
		{"fifty minutes ago", three.Add(-50 * time.Minute), three.Add(-50 * time.Minute), true},
		{"by a clock that is five minutes ahead", three.Add(5 * time.Minute), three, true},
		{"by one that is more ahead", three.Add(5*time.Minute + time.Nanosecond), three, false},
		{"when there was no service yet", time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC), false},
		{"in the first second that counts", time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), true},
	} {
		if said, possible := ledger.Said(timestamppb.New(row.at), three); !said.Equal(row.want) || possible != row.possible {
			t.Errorf("%s: %v, %v", row.says, said, possible)
		}
	}
}

// TestWhoIsWho: the ledger knows two people of one name, and a third.
func TestWhoIsWho(t *testing.T) {
	lawyer, mission := amparov1.RecipientKind_RECIPIENT_KIND_LAWYER, amparov1.RecipientKind_RECIPIENT_KIND_MISSION
	entries := ledger.Add(nil, ledger.Act{}, &amparov1.LedgerEntry{Entry: &amparov1.LedgerEntry_Consent{Consent: &amparov1.Consent{Terms: &amparov1.ConsentTerms{
		Recipients: []*amparov1.Recipient{
			{Number: 1, Name: "Adila Testowa", Organisation: "North bar", Kind: lawyer},
			{Number: 2, Name: "Adila Testowa", Organisation: "South bar", Kind: lawyer},
			{Number: 3, Name: "La misión", Kind: mission},
		},
	}}}})
	for _, row := range []struct {
		says string
		r    *amparov1.Recipient
		want uint32
	}{
		{"by number", &amparov1.Recipient{Number: 2}, 2},
		{"by number and name", &amparov1.Recipient{Number: 3, Name: "LA MISION"}, 3},
		{"by the number of somebody else", &amparov1.Recipient{Number: 3, Name: "Adila Testowa"}, ledger.Unknown},
		{"by a number that nobody has", &amparov1.Recipient{Number: 4}, ledger.Unknown},
		{"without accents", &amparov1.Recipient{Name: "la mision"}, 3},
		{"by name and organisation", &amparov1.Recipient{Name: "ADILA TESTOWA", Organisation: "south bar"}, 2},
		{"by a name that two bear", &amparov1.Recipient{Name: "Adila TESTOWA"}, ledger.Unknown},
		{"by a name that nobody bears", &amparov1.Recipient{Name: "Adila"}, ledger.Unknown},
		{"by no name", &amparov1.Recipient{}, ledger.Unknown},
	} {
		people := ledger.PeopleOf(entries)
		if got := people.FindRecipient(row.r); got != row.want {
			t.Errorf("%s: %d, want %d", row.says, got, row.want)
		}
	}
	people := ledger.PeopleOf(entries)
	if people.Recipient(&amparov1.Recipient{Name: "Somebody"}) != nil || people.Recipient(&amparov1.Recipient{Number: 9, Name: "Somebody", Kind: lawyer}) != nil {
		t.Error("somebody becomes known who does not say what they are, or by a number that nobody has")
	}
	fourth := people.Recipient(&amparov1.Recipient{Name: "Somebody", Kind: lawyer})
	if fourth.GetNumber() != 4 || people.FindRecipient(&amparov1.Recipient{Name: "somebody"}) != 4 {
		t.Errorf("somebody new has number %d", fourth.GetNumber())
	}
	if ledger.Find(entries, 0) != nil || ledger.Find(entries, 2) != nil || ledger.Find(entries, 1) != entries[0] {
		t.Error("an entry is not found by its number")
	}
}
