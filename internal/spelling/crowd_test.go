package spelling_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/amparo-project/amparo/internal/spelling"
)

// crowd builds names as they come in: given and family names of seven scripts
// in every mixture, with doubled words, capitals and stray spaces.
func crowd() []string {
	given := []string{
		"Zoraida", "João", "Yésica", "Marites", "Datu", "Raúl", "Édgar", "Inés", "Lý",
		"Nguyễn Thị", "Ratna", "Сабина", "Олена", "Дмитрий", "สมชาย", "ချို", "राजेश", "सुनीता",
		"ফাতেমা", "আনোয়ার", "Kwéku", "Adébáyọ̀", "Jean-Bosco", "محمد", "Ṭāriq", "Yūsuf", "ليلى", "عمر",
	}
	families := []string{
		"Quispe", "Da Conceição", "Núñez Cáceres", "Manlapaz", "Dela Cruz", "Tzul",
		"Wijaya", "Trần", "Phượng", "Иванов", "Ковальчук", "ศรีสุข", "မြင့်", "देवी", "চাকমা", "হোসেন",
		"Patil", "N’Diaye", "Ọlátúnjí", "حداد", "عبد الله", "El Fassi", "Al-Amin",
	}
	var names []string
	for i, g := range given {
		for j, f := range families {
			name := g + " " + f
			switch (i + j) % 7 {
			case 1:
				name = strings.ToUpper(name)
			case 2:
				name = "  " + g + "\u00a0 " + f + " "
			case 3:
				name += " " + families[(j*5+i)%len(families)]
			}
			names = append(names, name)
		}
	}
	return names
}

// measure asks every name in full and counts the people found beside those who bear
// its words, with or without others, as written.
func measure(t *testing.T, names []string) (found, bear, equal, whole float64) {
	t.Helper()
	stored := make([][]spelling.Key, len(names))
	words := make([][]string, len(names))
	holders := map[spelling.Key][]int{}
	for i, name := range names {
		stored[i] = spelling.NameKeys(name)
		words[i] = strings.Fields(strings.ToLower(name))
		slices.Sort(words[i])
		words[i] = slices.Compact(words[i])
		for _, k := range stored[i] {
			holders[k] = append(holders[k], i)
		}
	}
	for i, name := range names {
		asked := spelling.QueryKeys(name)
		if !spelling.Answers(stored[i], asked) {
			t.Errorf("%q does not find itself: %q asked %q", name, stored[i], asked)
			continue
		}
		for j := range names {
			if spelling.Answers(stored[j], asked) {
				found++
			}
			if within(words[i], words[j]) {
				bear++
			}
			if slices.Equal(words[i], words[j]) {
				equal++
			}
		}
		for _, k := range stored[i] {
			if spelling.Strong(k) {
				whole += float64(len(holders[k]))
			}
		}
	}
	n := float64(len(names))
	return found / n, bear / n, equal / n, whole / n
}

// within reports whether a person named whole has every word of part.
func within(part, whole []string) bool {
	for _, w := range part {
		if !slices.Contains(whole, w) {
			return false
		}
	}
	return true
}

// TestCrowdStaysApart holds the skeleton to be no coarser than it must: a full
// name finds little more than its equals.
func TestCrowdStaysApart(t *testing.T) {
	apart(t, "made up", crowd())
	if names := reported(t); len(names) > 0 {
		apart(t, "reported", names)
	}
}

func apart(t *testing.T, what string, names []string) {
	t.Helper()
	found, bear, equal, whole := measure(t, names)
	t.Logf("%s: %d names; a whole name finds %.3f people, %.3f bear all its words, %.3f no others, %.3f share the whole-name key",
		what, len(names), found, bear, equal, whole)
	if found > 1.05*bear {
		t.Errorf("%s: a whole name finds %.3f people, want near the %.3f who bear its words", what, found, bear)
	}
	if whole > 1.02*equal {
		t.Errorf("%s: %.3f people share a whole-name key, want near %.3f", what, whole, equal)
	}
}

// reported reads the names that lie beside the repository where they are at
// hand: they add to the made-up ones and replace nothing.
func reported(t *testing.T) []string {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "..", "shared", "data", "incidents.csv"))
	if err != nil {
		return nil
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatalf("read the reported names: %v", err)
	}
	at := slices.Index(rows[0], "name")
	names := make([]string, 0, len(rows)-1)
	for _, row := range rows[1:] {
		names = append(names, row[at])
	}
	return names
}
