package casefile_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

const (
	emergencySupport = amparov1.Programme_PROGRAMME_EMERGENCY_SUPPORT
	relocation       = amparov1.Programme_PROGRAMME_TEMPORARY_RELOCATION
	strengthening    = amparov1.Programme_PROGRAMME_STRENGTHENING_ORGANISATIONS
	shelter          = amparov1.Programme_PROGRAMME_SHELTER_INITIATIVES
	canada           = amparov1.Programme_PROGRAMME_CANADA_RESETTLEMENT_REFERRAL
)

func person(nationalities ...string) *amparov1.Identity {
	return &amparov1.Identity{Subject: &amparov1.Identity_Person{Person: &amparov1.Person{Nationalities: nationalities}}}
}

func organisation(registeredIn string) *amparov1.Identity {
	return &amparov1.Identity{Subject: &amparov1.Identity_Collective{Collective: &amparov1.Collective{
		Kind: amparov1.CollectiveKind_COLLECTIVE_KIND_ORGANISATION, Name: "Rivers First", RegisteredIn: registeredIn,
	}}}
}

func community() *amparov1.Identity {
	return &amparov1.Identity{Subject: &amparov1.Identity_Collective{Collective: &amparov1.Collective{
		Kind: amparov1.CollectiveKind_COLLECTIVE_KIND_COMMUNITY, Name: "the upper valley", RegisteredIn: "FR",
	}}}
}

func TestEligibility(t *testing.T) {
	inFrance := person("HN")
	inFrance.GetPerson().CurrentCountry, inFrance.GetPerson().ResidenceCountry = "FR", "FR"
	stateless := person()
	stateless.GetPerson().Stateless = true
	for _, row := range []struct {
		name      string
		subject   *amparov1.Identity
		programme amparov1.Programme
		day       string
		rules     string
	}{
		{"from outside the Union", person("HN"), emergencySupport, "2026-03-01", ""},
		{"a citizen of the Union", person("FR"), emergencySupport, "2026-03-01", "EU_CITIZEN"},
		{"a citizen of the Union, to be relocated", person("GR"), relocation, "2026-03-01", "EU_CITIZEN"},
		{"dual national: flagged for a person to decide", person("HN", "ES"), relocation, "2026-03-01", "EU_CITIZEN"},
		{"from outside, but in the Union: no bar", inFrance, relocation, "2026-03-01", ""},
		{"stateless", stateless, emergencySupport, "2026-03-01", ""},
		{"nationality not known", person(), emergencySupport, "2026-03-01", ""},
		{"British, on the last day in the Union", person("GB"), emergencySupport, "2020-01-31", "EU_CITIZEN"},
		{"British, on the day after", person("GB"), emergencySupport, "2020-02-01", ""},
		{"Croatian, on the day before", person("HR"), emergencySupport, "2013-06-30", ""},
		{"Croatian, on the first day", person("HR"), emergencySupport, "2013-07-01", "EU_CITIZEN"},
		{"Norwegian, Swiss: near is not in", person("NO", "CH"), emergencySupport, "2026-03-01", ""},
		{"no programme, no rule", person("FR"), amparov1.Programme_PROGRAMME_UNSPECIFIED, "2026-03-01", ""},

		{"an organisation from outside", organisation("HN"), strengthening, "2026-03-01", ""},
		{"an organisation of the Union", organisation("DE"), strengthening, "2026-03-01", "EU_ORGANISATION"},
		{"a British organisation, before", organisation("GB"), strengthening, "2020-01-31", "EU_ORGANISATION"},
		{"a British organisation, after", organisation("GB"), strengthening, "2020-02-01", ""},
		{"the rule is not that of shelters", organisation("DE"), shelter, "2026-03-01", ""},
		{"a community is not registered", community(), strengthening, "2026-03-01", ""},
		{"one person asks for an organisation's programme", person("HN"), strengthening, "2026-03-01", "KIND_OF_SUBJECT"},
		{"a citizen of the Union asks for a shelter", person("FR"), shelter, "2026-03-01", "KIND_OF_SUBJECT"},
		{"an organisation asks for a person's programme", organisation("DE"), emergencySupport, "2026-03-01", "KIND_OF_SUBJECT"},

		{"the stream, on its last day", person("AF"), canada, "2023-03-31", ""},
		{"the stream, closed", person("AF"), canada, "2023-04-01", "STREAM_CLOSED"},
		{"the stream takes citizens of the Union no less", person("AF", "FR"), canada, "2023-03-01", ""},
		{"an organisation, for the closed stream", organisation("AF"), canada, "2026-03-01", "STREAM_CLOSED KIND_OF_SUBJECT"},
	} {
		day, err := time.Parse(time.DateOnly, row.day)
		must(t, err)
		d := openDeskAt(t, &amparov1.Intake{}, day.Add(12*time.Hour))
		req := acceptedAt(low)
		req.Programme = row.programme
		if row.programme == amparov1.Programme_PROGRAMME_UNSPECIFIED {
			req = declinedAt(low)
		}
		_, _, err = d.by("operator").Triage(d.c, nil, req, row.subject)
		if err != nil {
			t.Errorf("%s: advice has refused: %v", row.name, err)
			continue
		}
		var rules []string
		for _, advice := range d.c.GetEligibility() {
			rules = append(rules, strings.TrimPrefix(advice.GetRule().String(), "ELIGIBILITY_RULE_"))
			if !strings.Contains(advice.GetQuote(), "(") {
				t.Errorf("%s: %q names no source", row.name, advice.GetQuote())
			}
		}
		if got := strings.Join(rules, " "); got != row.rules {
			t.Errorf("%s: %q, want %q", row.name, got, row.rules)
		}
	}
}

// TestTheUnionOfTwentySeven counts members by asking about every country.
func TestTheUnionOfTwentySeven(t *testing.T) {
	const want = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
	var got []string
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			code := string(a) + string(b)
			d := openDesk(t, &amparov1.Intake{})
			if _, _, err := d.by("operator").Triage(d.c, nil, acceptedAt(low), person(code)); err != nil {
				t.Fatal(err)
			}
			if len(d.c.GetEligibility()) > 0 {
				got = append(got, code)
			}
		}
	}
	if !slices.Equal(got, strings.Fields(want)) {
		t.Errorf("members: %v", got)
	}
}
