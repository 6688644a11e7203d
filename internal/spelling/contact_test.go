package spelling_test

import (
	"strings"
	"testing"

	"github.com/amparo-project/amparo/internal/spelling"
)

// The numbers, addresses and handles are of ranges kept for examples.
func TestContactsMeet(t *testing.T) {
	number, address, handle := spelling.NumberKeys, spelling.AddressKeys, spelling.HandleKeys
	tests := []struct {
		stored []spelling.Key
		asked  string
		want   bool
	}{
		{number("+212612345678"), "+212 6 12 34 56 78", true},
		{number("+212612345678"), "06 12 34 56 78", true},
		{number("+212612345678"), "00212612345678", true},
		{number("+212612345678"), "+212 (0)6-12-34-56-78", true},
		{number("+212612345678"), "tel:+212612345678", true},
		{number("+212612345678"), "٠٦١٢٣٤٥٦٧٨", true},
		{number("+212612345678"), "０６１２３４５６７８", true},
		{number("+919876543210"), "०९८७६५४३२१०", true},
		{number("+212612345678"), "06 12 34 56 79", false},
		{number("+3545551234"), "555 1234", true},
		{number("+50688887777"), "8888-7777", true},
		{number("+50688887777"), "7777", false},
		{address("Fox.Seven@Example.org"), "fox.seven@example.org", true},
		{address("fox@example.org"), "<FOX+case@example.org>,", true},
		{address("fox@example.org"), "ｆｏｘ@example.org", true},
		{address("fox@example.org"), "wolf@example.org", false},
		{address("fox@example.org"), "fox", false},
		{handle("@Shadow_Fox7"), "shadow_fox7", true},
		{handle("Shadow_Fox7"), "@SHADOW_FOX7", true},
		{handle("@shadow_fox7"), "https://t.example/shadow_fox7/", true},
		{handle("https://social.example/@shadow_fox7?lang=es"), "@shadow_fox7", true},
		{handle("@fox@social.example"), "@fox@social.example", true},
		{handle("@shadow_fox7"), "@shadow_fox8", false},
	}
	for _, tt := range tests {
		if got := spelling.Answers(tt.stored, spelling.QueryKeys(tt.asked)); got != tt.want {
			t.Errorf("%q asked %q: met %v, want %v (%q)", tt.stored, tt.asked, got, tt.want, spelling.QueryKeys(tt.asked))
		}
	}
}

func TestQuestions(t *testing.T) {
	person := append(spelling.NameKeys("Zoraida Quispe Tzul"), spelling.NameKeys("La Güera")...)
	person = append(person, spelling.NumberKeys("+50688887777")...)
	if len(person) > 9 {
		t.Errorf("a person with a name of three words, an alias and a number has %d keys, want at most 9: %q", len(person), person)
	}
	tests := []struct {
		asked string
		want  bool
	}{
		{"quispe", true},
		{"tzul zoraida", true},
		{"Tzul, Zoraida Quispe", true},
		{"guera", true},
		{"zoraida 8888 7777", true},
		{"8888 7777", true},
		{"zoraida mamani", false},
		{"zoraida 8888 7778", false},
		{"", false},
		{" - ", false},
	}
	for _, tt := range tests {
		if got := spelling.Answers(person, spelling.QueryKeys(tt.asked)); got != tt.want {
			t.Errorf("asked %q: met %v, want %v", tt.asked, got, tt.want)
		}
	}
}

func TestStrong(t *testing.T) {
	shares := func(a, b string) bool {
		for _, k := range spelling.NameKeys(a) {
			for _, l := range spelling.NameKeys(b) {
				if k == l && spelling.Strong(k) {
					return true
				}
			}
		}
		return false
	}
	tests := []struct {
		a, b string
		want bool
	}{
		{"Mohammed al-Masri", "EL MASRI Muhammad", true},
		{"Abdul Rahman Haddad", "Abdelrahman Haddad", true},
		{"Юлія Коваленко", "Yuliia Kovalenko", true},
		{"အောင်မြင့်ထွန်း", "အောင်မြင့်ထွန်း", true},
		{"王小明", "Wang Xiaoming", true},
		{"Hassan Ali", "Hussein Ali", false},
		{"Zoraida Quispe", "Zoraida Quispe Tzul", false},
		{"Zoraida", "Zoraida", false},
	}
	for _, tt := range tests {
		if got := shares(tt.a, tt.b); got != tt.want {
			t.Errorf("%q and %q: strong %v, want %v (%q %q)", tt.a, tt.b, got, tt.want, spelling.NameKeys(tt.a), spelling.NameKeys(tt.b))
		}
	}
	for _, k := range spelling.NumberKeys("+50688887777") {
		if got, want := spelling.Strong(k), k.Kind == spelling.Number; got != want {
			t.Errorf("key %q: strong %v, want %v", k, got, want)
		}
	}
}

// TestLongNames keeps both ends of a name with more words than are kept.
func TestLongNames(t *testing.T) {
	words := strings.Fields("Ana Beto Caro Dito Fela Gala Hilo Jara Kilo Luma Nilo Pola Rosa Sela Tomo Vira Yumi Tzul Mamani Quispe")
	name := strings.Join(words, " ")
	stored := spelling.NameKeys(name)
	if len(stored) != 12 {
		t.Errorf("a name of 20 words has %d keys, want 12: %q", len(stored), stored)
	}
	for _, asked := range []string{"Ana", "Beto Caro", "Quispe", "Mamani Quispe", "Tzul", name} {
		if !spelling.Answers(stored, spelling.QueryKeys(asked)) {
			t.Errorf("asked %q: a long name is not found", asked)
		}
	}
	if got := len(spelling.QueryKeys(name + " @fox https://t.example/fox 8888-7777 fox@example.org")); got != 10 {
		t.Errorf("a long question has %d parts, want 10", got)
	}
}
