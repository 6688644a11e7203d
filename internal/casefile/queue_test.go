package casefile_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/casefile"
	"github.com/amparo-project/amparo/internal/spelling"
)

const (
	untriaged = amparov1.PriorityClass_PRIORITY_CLASS_UNSPECIFIED
	atRisk    = amparov1.PriorityClass_PRIORITY_CLASS_HRD_AT_RISK
	other     = amparov1.PriorityClass_PRIORITY_CLASS_OTHER_INQUIRY
)

func queued(state amparov1.CaseState, class amparov1.PriorityClass, level amparov1.RiskLevel, due time.Duration) *amparov1.Case {
	c := &amparov1.Case{Id: fmt.Sprint(state, class, level, due), State: state, PriorityClass: class, RiskLevel: level}
	if due != none {
		c.Terms = []*amparov1.Term{{Kind: checkIn, Due: timestamppb.New(night.Add(due))}}
	}
	return c
}

// TestQueueOrder lists cases as they must stand in the queue, and shuffles them.
func TestQueueOrder(t *testing.T) {
	want := []*amparov1.Case{
		queued(active, atRisk, extreme, -1000*time.Hour),
		queued(onHold, atRisk, extreme, -time.Hour),
		queued(monitoring, atRisk, extreme, 1000*time.Hour),
		queued(active, atRisk, extreme, none),
		queued(active, atRisk, high, -1000*time.Hour),
		queued(received, untriaged, notAssessed, -time.Hour),
		queued(received, untriaged, unset, -59*time.Minute),
		queued(triaged, atRisk, notAssessed, time.Hour),
		queued(active, atRisk, medium, -time.Hour),
		queued(active, atRisk, medium, time.Hour),
		queued(active, atRisk, low, -1000*time.Hour),
		queued(active, atRisk, low, none),
		queued(triaged, other, extreme, -1000*time.Hour),
		queued(triaged, other, low, time.Hour),
		queued(closed, atRisk, extreme, -1000*time.Hour),
		queued(closed, atRisk, low, none),
		queued(closed, other, extreme, none),
	}
	got := slices.Clone(want)
	rand.Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
	slices.SortStableFunc(got, func(a, b *amparov1.Case) int {
		if casefile.SortKey(a) < casefile.SortKey(b) {
			return -1
		}
		return 1
	})
	for i := range want {
		if got[i].GetId() != want[i].GetId() {
			t.Errorf("place %d: %s, want %s", i+1, got[i].GetId(), want[i].GetId())
		}
	}
}

// TestSortKeyKeepsToItsBits holds that no due time reaches into the risk.
func TestSortKeyKeepsToItsBits(t *testing.T) {
	never := casefile.SortKey(queued(active, atRisk, extreme, none))
	for _, year := range []int{1, 1969, 1970, 2026, 9999} {
		c := queued(active, atRisk, extreme, 0)
		c.Terms[0].Due = timestamppb.New(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC))
		if key := casefile.SortKey(c); key >= never {
			t.Errorf("due in year %d: after the cases that have no term", year)
		}
	}
	broken := queued(active, atRisk, extreme, 0)
	broken.Terms[0].Due = &timestamppb.Timestamp{Seconds: 1 << 50}
	if casefile.SortKey(broken) >= never {
		t.Error("a broken due time reaches into the risk, or counts as none")
	}
	if never >= casefile.SortKey(queued(active, atRisk, high, -1000*time.Hour)) {
		t.Error("a case without a term has sunk below its risk")
	}
}

func TestRowAndReceipt(t *testing.T) {
	d := openDesk(t, &amparov1.Intake{Restricted: true})
	must(t, d.triage(acceptedAt(extreme), "operator"), d.assess(low, "officer"))
	casefile.MarkDuplicate(d.c, "colleague", d.now)
	row, receipt := casefile.QueueRow(d.c), casefile.Receipt(d.c)
	if row.GetNextTerm() != firstContact || !row.GetDue().AsTime().Equal(night.Add(4*time.Hour)) {
		t.Errorf("next is %v at %v", row.GetNextTerm(), row.GetDue().AsTime())
	}
	if !row.GetRestricted() || !row.GetPossibleDuplicate() || !row.GetRiskConfirmationWaits() || row.GetOwnerId() != "operator" {
		t.Error("the row leaves out a mark")
	}
	if receipt.GetRiskLevel() != extreme || receipt.GetRiskLevelProposed() != low || receipt.GetNextTerm().GetKind() != firstContact {
		t.Error("the receipt does not say what holds")
	}
	must(t, d.close())
	if row := casefile.QueueRow(d.c); row.GetDue() != nil || row.GetNextTerm() != amparov1.TermKind_TERM_KIND_UNSPECIFIED {
		t.Error("a closed case has something due")
	}
}

func TestKeys(t *testing.T) {
	intake := full()
	p := intake.GetIdentity().GetPerson()
	p.LatinAlias, p.Aliases = "Zenaida Proueba", []string{"Zenaida Prueba", "la Negra"}
	keys := func() []spelling.Key {
		return casefile.Keys(intake.GetIdentity(), intake.GetSafeContact(), intake.GetSubmitter())
	}
	for _, typed := range []string{
		"Zenaida Prueba", "prueba zenayda", "la negra", "+57 300 123 4567", "00593991234567", "zenaida@example.org", "@zprueba",
	} {
		if !spelling.Answers(keys(), spelling.QueryKeys(typed)) {
			t.Errorf("%q does not find her", typed)
		}
	}
	if spelling.Answers(keys(), spelling.QueryKeys("friend@example.org")) {
		t.Error("she is found by the address of the friend who asked for her")
	}
	intake.Submitter.Kind = amparov1.SubmitterKind_SUBMITTER_KIND_SELF
	if !spelling.Answers(keys(), spelling.QueryKeys("friend@example.org")) {
		t.Error("she is not found by the address from which she asked")
	}
}

func TestIntermediariesMakeNoDuplicates(t *testing.T) {
	for _, address := range []string{"+573001234567", "lawyer@example.org", "@lawyer"} {
		contact := &amparov1.SafeContact{Channel: amparov1.ContactChannel_CONTACT_CHANNEL_INTERMEDIARY, Address: address}
		for _, key := range casefile.Keys(person(), contact, nil) {
			if spelling.Strong(key) {
				t.Errorf("two clients of %s would be told to be one", address)
			}
		}
	}
}

func TestKeysAreFewAndTheStrongComeFirst(t *testing.T) {
	p := &amparov1.Person{LegalName: "Aba Beda Cega Dema"}
	for i := range 10 {
		p.Aliases = append(p.Aliases, fmt.Sprintf("%c%c %c%c %c%c", 'a'+i, 'o', 'b'+i, 'u', 'm'+i, 'a'))
	}
	for i := range 12 {
		p.Identifiers = append(p.Identifiers, &amparov1.Identifier{
			Kind: amparov1.IdentifierKind_IDENTIFIER_KIND_NUMBER, Value: fmt.Sprintf("+5730012345%02d", i),
		})
	}
	identity := &amparov1.Identity{Subject: &amparov1.Identity_Person{Person: p}}
	keys := casefile.Keys(identity, nil, nil)
	if len(keys) != 40 {
		t.Errorf("%d keys, want 40", len(keys))
	}
	seen := map[spelling.Key]bool{}
	for i, key := range keys {
		if seen[key] {
			t.Errorf("key %d stands twice", i)
		}
		seen[key] = true
		if i > 0 && spelling.Strong(key) && !spelling.Strong(keys[i-1]) {
			t.Errorf("strong key %d stands after a weak one", i)
		}
	}
	for _, number := range p.GetIdentifiers() {
		if !seen[spelling.NumberKeys(number.GetValue())[0]] {
			t.Error("a whole number had to give way")
		}
	}
	if got := casefile.Keys(&amparov1.Identity{}, nil, nil); len(got) != 0 {
		t.Errorf("a nameless person has %d keys", len(got))
	}
}
