package spelling_test

import (
	"testing"

	"github.com/amparo-project/amparo/internal/spelling"
)

func TestSameWord(t *testing.T) {
	for _, row := range []struct {
		a, b string
		same bool
	}{
		{"guayaba", "Guayaba", true},
		{"guayaba", " GUAYÁBA. ", true},
		{"blue heron", "blueheron", true},
		{"piñata", "pin\u0303ata", true},
		{"مَطَر", "مطر", true},
		{"Straße", "STRASSE", false}, // nobody says the one for the other aloud
		{"cigüeña", "ciguena", true},
		{"мост", "МОСТ", true},
		{"guayaba", "guayabo", false},
		{"guayaba", "", false},
		{"", "", false},
		{" . ", "...", false},
	} {
		if got := spelling.SameWord(row.a, row.b); got != row.same {
			t.Errorf("%q and %q: %v", row.a, row.b, got)
		}
	}
}
