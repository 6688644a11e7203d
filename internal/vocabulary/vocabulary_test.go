package vocabulary_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/amparo-project/amparo/internal/vocabulary"
)

// The forms that the messages ask of the codes.
var (
	actForm         = regexp.MustCompile(`^([0-9]{12}|AMP-[A-Z][0-9]{2})$`)
	perpetratorForm = regexp.MustCompile(`^[0-9]{12}$`)
)

func TestCodes(t *testing.T) {
	check := func(entries []vocabulary.Entry, form *regexp.Regexp, label func(string) (string, bool)) {
		t.Helper()
		codes, labels := map[string]bool{}, map[string]bool{}
		for _, e := range entries {
			if !form.MatchString(e.Code) {
				t.Errorf("%s has no right form", e.Code)
			}
			if codes[e.Code] || labels[e.Label] {
				t.Errorf("%s or its label stands twice", e.Code)
			}
			codes[e.Code], labels[e.Label] = true, true
			if got, known := label(e.Code); !known || got != e.Label || got == "" {
				t.Errorf("%s is explained as %q", e.Code, got)
			}
		}
		for _, code := range []string{"", "123456789012", "AMP-D00", "AMP-D17", "0101010000"} {
			if got, known := label(code); known || got != "" {
				t.Errorf("%q is known as %q", code, got)
			}
		}
	}
	check(vocabulary.Acts(), actForm, vocabulary.ActLabel)
	check(vocabulary.Perpetrators(), perpetratorForm, vocabulary.PerpetratorLabel)
}

// TestPrefixes holds the codes against the short forms in which the thesauri give
// them, two digits a level.
func TestPrefixes(t *testing.T) {
	acts := "010101 01010102 010109 020101 020102 02010301 02010302 0201030201 0201030202 0201030203 " +
		"02010303 02010304 02010305 02011111 030101 030102 030103 030104 030105 040101 050104 050106 " +
		"120101 120102 120103 120105 140101 350114 90 99"
	perpetrators := "010103 010104 010105 010106 0103 020101 020102 020201 0204 0205 1101 1103 2101 210102 2102 90 99"
	pad := func(short string) string { return short + strings.Repeat("0", 12-len(short)) }
	for short := range strings.FieldsSeq(acts) {
		if _, known := vocabulary.ActLabel(pad(short)); !known {
			t.Errorf("act %s is missing", short)
		}
	}
	for short := range strings.FieldsSeq(perpetrators) {
		if _, known := vocabulary.PerpetratorLabel(pad(short)); !known {
			t.Errorf("perpetrator %s is missing", short)
		}
	}
	for i := 1; i <= 16; i++ {
		if _, known := vocabulary.ActLabel(fmt.Sprintf("AMP-D%02d", i)); !known {
			t.Errorf("digital attack %d is missing", i)
		}
	}
	if got, want := len(vocabulary.Acts()), len(strings.Fields(acts))+16; got != want {
		t.Errorf("%d acts, want %d", got, want)
	}
	if got, want := len(vocabulary.Perpetrators()), len(strings.Fields(perpetrators)); got != want {
		t.Errorf("%d perpetrators, want %d", got, want)
	}
}

func TestListsAreCopies(t *testing.T) {
	vocabulary.Acts()[0].Label = "changed"
	if vocabulary.Acts()[0].Label == "changed" {
		t.Error("a caller has changed the vocabulary")
	}
}
