package interpreters_test

import (
	"slices"
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/interpreters"
)

var today = time.Date(2026, 11, 3, 8, 12, 0, 0, time.UTC)

func draft(name string, languages ...string) *amparov1.InterpreterDraft {
	return &amparov1.InterpreterDraft{
		Name: name, Languages: languages, UndertakingSigned: "2026-10-01",
		Contact: &amparov1.SafeContact{Channel: amparov1.ContactChannel_CONTACT_CHANNEL_PHONE, Address: "+32 2 555 01 20"},
	}
}

func TestVet(t *testing.T) {
	for _, row := range []struct {
		name string
		edit func(*amparov1.InterpreterDraft)
		ok   bool
	}{
		{"as it should be", func(*amparov1.InterpreterDraft) {}, true},
		{"signed today, where the day has begun", func(d *amparov1.InterpreterDraft) { d.UndertakingSigned = "2026-11-03" }, true},
		{"signs next week", func(d *amparov1.InterpreterDraft) { d.UndertakingSigned = "2026-11-10" }, false},
		{"has signed nothing", func(d *amparov1.InterpreterDraft) { d.UndertakingSigned = "" }, false},
		{"signed on a day that does not exist", func(d *amparov1.InterpreterDraft) { d.UndertakingSigned = "2026-02-30" }, false},
		{"speaks what is no language", func(d *amparov1.InterpreterDraft) { d.Languages = []string{"pashto of the hills"} }, false},
		{"a number that reaches nobody", func(d *amparov1.InterpreterDraft) { d.Contact.Address = "555" }, false},
	} {
		d := draft("Prueba", "ps")
		row.edit(d)
		got, err := interpreters.Vet("id", d, "reviewer", today)
		if (err == nil) != row.ok {
			t.Errorf("%s: %v", row.name, err)
		}
		if err == nil && (!got.GetActive() || got.GetVettedById() != "reviewer" || got.GetInterpreter().GetContact().GetAddress() != "+3225550120") {
			t.Errorf("%s: kept otherwise than vetted", row.name)
		}
	}
}

func TestFor(t *testing.T) {
	var list []*amparov1.Interpreter
	for _, d := range []*amparov1.InterpreterDraft{draft("Zeta", "ps"), draft("Alfa", "ps-AF", "prs"), draft("Beta", "pso"), draft("Gama", "ps")} {
		one, err := interpreters.Vet(d.GetName(), d, "reviewer", today)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, one)
	}
	list[3] = interpreters.Retire(list[3])
	for _, row := range []struct {
		name, language string
		unwanted       []string
		want           []string
	}{
		{"Pashto", "ps", nil, []string{"Alfa", "Zeta"}},
		{"Pashto of Afghanistan", "PS-af", nil, []string{"Alfa", "Zeta"}},
		{"Pashto of Pakistan", "ps-PK", nil, []string{"Zeta"}},
		{"Dari", "prs", nil, []string{"Alfa"}},
		{"a language whose tag begins alike", "p", nil, nil},
		{"not this person", "ps", []string{"Zeta"}, []string{"Alfa"}},
		{"any language", "", nil, []string{"Alfa", "Beta", "Zeta"}},
	} {
		var got []string
		for _, i := range interpreters.For(list, row.language, row.unwanted) {
			got = append(got, i.GetId())
		}
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
	if all := interpreters.Speaking(list, "ps"); len(all) != 3 || all[1].GetId() != "Gama" || all[1].GetActive() {
		t.Errorf("the list of those who speak Pashto has %d, want those who are off it too", len(all))
	}
}
