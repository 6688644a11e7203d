package intake_test

import (
	"fmt"
	"testing"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/intake"
	"github.com/amparo-project/amparo/internal/spelling"
)

func TestKeys(t *testing.T) {
	asked := full()
	p := asked.GetIdentity().GetPerson()
	p.LatinAlias, p.Aliases = "Zenaida Proueba", []string{"Zenaida Prueba", "la Negra"}
	keys := func() []spelling.Key {
		return intake.Keys(asked.GetIdentity(), asked.GetSafeContact(), asked.GetSubmitter())
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
	asked.Submitter.Kind = amparov1.SubmitterKind_SUBMITTER_KIND_SELF
	if !spelling.Answers(keys(), spelling.QueryKeys("friend@example.org")) {
		t.Error("she is not found by the address from which she asked")
	}
}

func TestIntermediariesMakeNoDuplicates(t *testing.T) {
	for _, address := range []string{"+573001234567", "lawyer@example.org", "@lawyer"} {
		contact := &amparov1.SafeContact{Channel: amparov1.ContactChannel_CONTACT_CHANNEL_INTERMEDIARY, Address: address}
		for _, key := range intake.Keys(person(), contact, nil) {
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
	keys := intake.Keys(identity, nil, nil)
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
	if got := intake.Keys(&amparov1.Identity{}, nil, nil); len(got) != 0 {
		t.Errorf("a nameless person has %d keys", len(got))
	}
}
