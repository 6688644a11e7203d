package bench_test

import (
	"fmt"
	"strings"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// sharedName is borne by three cases of a filled store, and by nobody else.
const sharedName = "Quillevra Zamboturi Xeloprend"

// syllables are what the invented names are made of. Their consonants differ, so
// that names differ in the index too.
var syllables = strings.Fields("ba do fe gi ka lu mo ne pi ra so tu ve zi cha dre fla gro kwi sto tri pla bri sku nja")

// nth is the i-th of very many numbers that look random and are the same in each
// run.
func nth(i uint64) uint64 {
	i += 0x9e3779b97f4a7c15
	i = (i ^ i>>30) * 0xbf58476d1ce4e5b9
	i = (i ^ i>>27) * 0x94d049bb133111eb
	return i ^ i>>31
}

// word is an invented name of so many syllables.
func word(n uint64, length int) string {
	var b strings.Builder
	for range length {
		b.WriteString(syllables[n%uint64(len(syllables))])
		n /= uint64(len(syllables))
	}
	text := b.String()
	return strings.ToUpper(text[:1]) + text[1:]
}

// name has a first word of which there are 625, as first names repeat, and two
// that hardly ever repeat.
func name(i uint64) string {
	n := nth(i)
	return word(n%625, 2) + " " + word(n>>10, 4) + " " + word(nth(n), 4)
}

const (
	story = "She has led the assembly of the river villages since the dam was announced. After the hearing in the " +
		"provincial court two men on a motorcycle without plates followed her home on three evenings, and on the last of " +
		"them one showed a pistol. Her neighbour was asked at what hours she leaves the house. The police took the report " +
		"only after the second visit and gave no copy. She sleeps at a relative's place and has stopped going to the " +
		"meetings. Her two children have not been to school for a week. "
	link = "The company's foreman had named her in the market the day before, as the one who stops the work."
)

// intake is a request for help of about 2 KB, typical in its fields, about the i-th
// person. Nine search keys follow from it.
func asked(i uint64, called string) *amparov1.Intake {
	n := nth(i)
	return &amparov1.Intake{
		Channel: amparov1.Channel_CHANNEL_HOTLINE,
		Office:  office,
		SafeContact: &amparov1.SafeContact{
			Channel: amparov1.ContactChannel_CONTACT_CHANNEL_SIGNAL, Address: fmt.Sprintf("+57%010d", i%1e10),
			Language: "es", TimeZone: "America/Bogota", CodeWord: word(n, 3), DoNotNameOrganisation: true,
			Windows: []*amparov1.SafeWindow{{
				Days: []amparov1.Weekday{amparov1.Weekday_WEEKDAY_MONDAY, amparov1.Weekday_WEEKDAY_THURSDAY},
				From: "19:00", Until: "21:30",
			}},
			Instructions: "Ring twice, hang up, and wait for the call back. Never write first.",
		},
		Submitter: &amparov1.Submitter{Kind: amparov1.SubmitterKind_SUBMITTER_KIND_THIRD_PARTY, Name: word(n>>7, 3), Relation: "colleague"},
		Identity: &amparov1.Identity{Subject: &amparov1.Identity_Person{Person: &amparov1.Person{
			LegalName: called, Aliases: []string{word(n>>3, 4) + " " + word(n>>13, 4)},
			BirthDate: "1979-04", Sex: amparov1.Sex_SEX_FEMALE, AgeGroup: amparov1.AgeGroup_AGE_GROUP_18_59,
			Nationalities: []string{"CO"}, ResidenceCountry: "CO", CurrentCountry: "CO",
			RightsWork: &amparov1.RightsWork{
				Sectors: []amparov1.Sector{amparov1.Sector_SECTOR_LAND, amparov1.Sector_SECTOR_ENVIRONMENT},
				Role:    "president of the assembly", Organisation: "Assembly of the River Villages", SinceYear: 2014,
			},
		}}},
		Situation: story + story[60:] + "What she asks for is a safe place for the next month. ",
		Incidents: []*amparov1.Incident{{
			ActCode: "020103010000", Date: "2026-03-11", Country: "CO", Place: "on the road below the school",
			PerpetratorCodes: []string{"020101000000"}, Description: story[50:], LinkToWork: link,
			Certainty: amparov1.Certainty_CERTAINTY_CONFIRMED, Persons: 1,
		}},
		Needs: []*amparov1.Need{
			{Code: amparov1.NeedCode_NEED_CODE_PHYSICAL_SECURITY, Amount: &amparov1.Money{Currency: "EUR", MinorUnits: 180_000}},
			{Code: amparov1.NeedCode_NEED_CODE_COMMUNICATIONS, Description: "a telephone that is not hers"},
		},
		Beneficiaries: []*amparov1.Beneficiaries{
			{Sex: amparov1.Sex_SEX_FEMALE, AgeGroup: amparov1.AgeGroup_AGE_GROUP_18_59, Count: 1},
			{Sex: amparov1.Sex_SEX_MALE, AgeGroup: amparov1.AgeGroup_AGE_GROUP_6_11, Count: 2, Family: true},
		},
		UrgencySelfAssessed: amparov1.Urgency_URGENCY_HOURS,
	}
}
