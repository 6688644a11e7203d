package night_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/language"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// scripts are those of the reports.
var scripts = []string{"Arabic", "Bengali", "Cyrillic", "Devanagari", "Latin", "Myanmar", "Thai"}

func scriptsOf(name string) []string {
	var found []string
	for _, script := range scripts {
		if strings.ContainsFunc(name, func(r rune) bool { return unicode.Is(unicode.Scripts[script], r) }) {
			found = append(found, script)
		}
	}
	return found
}

// isCollective tells a community or an organisation by the words that a report
// uses for one.
func isCollective(name string) bool {
	words := strings.Fields(strings.ToLower(name))
	return slices.ContainsFunc(words, func(word string) bool {
		return slices.Contains([]string{"comunidad", "comunidade", "community", "villagers", "organisation", "association", "union"}, word)
	})
}

// perpetrators gives the reports' words the codes that an operator would choose.
var perpetrators = map[string]string{
	"Police":                        "010104000000",
	"Armed forces":                  "010103000000",
	"Private military actors":       "020101000000",
	"Hitmen":                        "020102000000",
	"Private security guards":       "020400000000",
	"Landowners":                    "210200000000",
	"Corporations":                  "210100000000",
	"Unspecified":                   "990000000000",
	"Organised crime / mafias":      "900000000000",
	"Poachers":                      "900000000000",
	"Government officials/entities": "900000000000",
}

var sectors = map[string]amparov1.Sector{
	"Mining & Extractives": amparov1.Sector_SECTOR_ENVIRONMENT,
	"Logging":              amparov1.Sector_SECTOR_ENVIRONMENT,
	"Hydropower":           amparov1.Sector_SECTOR_ENVIRONMENT,
	"Wind power":           amparov1.Sector_SECTOR_ENVIRONMENT,
	"Poaching":             amparov1.Sector_SECTOR_ENVIRONMENT,
	"Fishing":              amparov1.Sector_SECTOR_ENVIRONMENT,
	"Conservation":         amparov1.Sector_SECTOR_ENVIRONMENT,
	"Agribusiness":         amparov1.Sector_SECTOR_LAND,
}

// intakeOf is what an operator makes of a report: the name, the words and the date
// as they stand there, codes where there are any, and nothing where the report says
// nothing. The number to call is made up; no report has one.
func intakeOf(r row, number int) (*amparov1.Intake, error) {
	region, err := language.ParseRegion(r.countryNumeric)
	if err != nil {
		return nil, fmt.Errorf("%s: find country %s: %w", r.ref, r.countryNumeric, err)
	}
	persons, err := strconv.ParseUint(r.personsCount, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("%s: read persons: %w", r.ref, err)
	}
	code := perpetrators[r.perpetrator]
	if code == "" {
		return nil, fmt.Errorf("%s: no code for the perpetrator %q", r.ref, r.perpetrator)
	}
	country := region.String()
	return &amparov1.Intake{
		Channel:  amparov1.Channel_CHANNEL_HOTLINE,
		Identity: identityOf(r, country),
		SafeContact: &amparov1.SafeContact{
			Channel: amparov1.ContactChannel_CONTACT_CHANNEL_SIGNAL, Address: safeNumber(number), DoNotNameOrganisation: true,
		},
		Submitter: &amparov1.Submitter{Kind: amparov1.SubmitterKind_SUBMITTER_KIND_THIRD_PARTY, Relation: "colleague"},
		Situation: strings.Join([]string{r.ref, r.date, r.name, r.driver, r.perpetrator, r.country}, "; "),
		Incidents: []*amparov1.Incident{{
			ActCode: "990000000000", Date: r.date, Country: country, PerpetratorCodes: []string{code},
			LinkToWork: r.driver, Persons: uint32(persons), Certainty: amparov1.Certainty_CERTAINTY_LIKELY,
		}},
		Needs:               []*amparov1.Need{{Code: amparov1.NeedCode_NEED_CODE_PHYSICAL_SECURITY}},
		UrgencySelfAssessed: amparov1.Urgency_URGENCY_HOURS,
		Restricted:          number%50 == 0,
	}, nil
}

func safeNumber(number int) string { return fmt.Sprintf("+882 1%07d", number) }

func identityOf(r row, country string) *amparov1.Identity {
	work := &amparov1.RightsWork{Role: r.characteristics, Description: r.driver}
	if sector := sectors[r.driver]; sector != amparov1.Sector_SECTOR_UNSPECIFIED {
		work.Sectors = []amparov1.Sector{sector}
	}
	if isCollective(r.name) {
		return &amparov1.Identity{Subject: &amparov1.Identity_Collective{Collective: &amparov1.Collective{
			Kind: amparov1.CollectiveKind_COLLECTIVE_KIND_COMMUNITY, Name: r.name, Countries: []string{country}, RightsWork: work,
		}}}
	}
	return &amparov1.Identity{Subject: &amparov1.Identity_Person{Person: &amparov1.Person{
		LegalName: r.name, Sex: sexOf(r.gender), AgeGroup: ageGroupOf(r.age), CurrentCountry: country, RightsWork: work,
	}}}
}

func sexOf(gender string) amparov1.Sex {
	switch gender {
	case "Male":
		return amparov1.Sex_SEX_MALE
	case "Female":
		return amparov1.Sex_SEX_FEMALE
	default:
		return amparov1.Sex_SEX_UNSPECIFIED
	}
}

func ageGroupOf(age string) amparov1.AgeGroup {
	years, err := strconv.Atoi(age)
	switch {
	case err != nil:
		return amparov1.AgeGroup_AGE_GROUP_UNSPECIFIED
	case years < 5:
		return amparov1.AgeGroup_AGE_GROUP_0_4
	case years < 6:
		return amparov1.AgeGroup_AGE_GROUP_5
	case years < 12:
		return amparov1.AgeGroup_AGE_GROUP_6_11
	case years < 15:
		return amparov1.AgeGroup_AGE_GROUP_12_14
	case years < 18:
		return amparov1.AgeGroup_AGE_GROUP_15_17
	case years < 60:
		return amparov1.AgeGroup_AGE_GROUP_18_59
	default:
		return amparov1.AgeGroup_AGE_GROUP_60_PLUS
	}
}
