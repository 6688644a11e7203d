package casefile

import (
	"slices"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// Who a programme is for (ProtectDefenders.eu, what we do).
var (
	forIndividuals = []amparov1.Programme{
		amparov1.Programme_PROGRAMME_EMERGENCY_SUPPORT,
		amparov1.Programme_PROGRAMME_TEMPORARY_RELOCATION,
		amparov1.Programme_PROGRAMME_CANADA_RESETTLEMENT_REFERRAL,
	}
	forOrganisations = []amparov1.Programme{
		amparov1.Programme_PROGRAMME_STRENGTHENING_ORGANISATIONS,
		amparov1.Programme_PROGRAMME_SHELTER_INITIATIVES,
	}
	notForEUCitizens = []amparov1.Programme{
		amparov1.Programme_PROGRAMME_EMERGENCY_SUPPORT,
		amparov1.Programme_PROGRAMME_TEMPORARY_RELOCATION,
	}
)

// stream is a programme that has ended.
type stream struct {
	programme amparov1.Programme
	until     string // the last day on which it took requests
	quote     string
}

var ended = []stream{
	{
		amparov1.Programme_PROGRAMME_CANADA_RESETTLEMENT_REFERRAL, "2023-03-31",
		"the Afghan stream of the resettlement to Canada closed on 31 March 2023 (Front Line Defenders, resettlement to Canada); the request is routed, not turned away",
	},
}

// membership is the time of a country in the European Union, by day.
type membership struct {
	since string
	until string // the last day; empty while it is a member
}

// members of the European Union, by ISO 3166-1. The United Kingdom left at the end
// of 31 January 2020. A membership is judged on the day of triage.
var members = map[string]membership{
	"BE": {since: "1958-01-01"}, "DE": {since: "1958-01-01"}, "FR": {since: "1958-01-01"},
	"IT": {since: "1958-01-01"}, "LU": {since: "1958-01-01"}, "NL": {since: "1958-01-01"},
	"DK": {since: "1973-01-01"}, "IE": {since: "1973-01-01"},
	"GB": {since: "1973-01-01", until: "2020-01-31"},
	"GR": {since: "1981-01-01"}, "ES": {since: "1986-01-01"}, "PT": {since: "1986-01-01"},
	"AT": {since: "1995-01-01"}, "FI": {since: "1995-01-01"}, "SE": {since: "1995-01-01"},
	"CY": {since: "2004-05-01"}, "CZ": {since: "2004-05-01"}, "EE": {since: "2004-05-01"},
	"HU": {since: "2004-05-01"}, "LT": {since: "2004-05-01"}, "LV": {since: "2004-05-01"},
	"MT": {since: "2004-05-01"}, "PL": {since: "2004-05-01"}, "SI": {since: "2004-05-01"},
	"SK": {since: "2004-05-01"},
	"BG": {since: "2007-01-01"}, "RO": {since: "2007-01-01"},
	"HR": {since: "2013-07-01"},
}

func inUnion(country, day string) bool {
	m, member := members[country]
	return member && day >= m.since && (m.until == "" || day <= m.until)
}

// advice returns the rules of a programme that a subject touches, each quoted. It
// says what to look at and never refuses: a dual national, or somebody whom a
// Union passport does not protect, is for a person to decide. Where somebody is, or
// is to go, bars nothing: what takes place in a country of the Union is supported.
func advice(identity *amparov1.Identity, programme amparov1.Programme, now time.Time) []*amparov1.EligibilityAdvice {
	var found []*amparov1.EligibilityAdvice
	add := func(rule amparov1.EligibilityRule, quote string) {
		found = append(found, &amparov1.EligibilityAdvice{Rule: rule, Quote: quote})
	}
	day := now.UTC().Format(time.DateOnly)
	person, collective := identity.GetPerson(), identity.GetCollective()
	isCitizen := slices.ContainsFunc(person.GetNationalities(), func(code string) bool { return inUnion(code, day) })
	if slices.Contains(notForEUCitizens, programme) && isCitizen {
		add(amparov1.EligibilityRule_ELIGIBILITY_RULE_EU_CITIZEN,
			`"we do not provide support to individual human rights defenders that are EU-citizens" (ProtectDefenders.eu); dual nationality is not addressed there: decide with reasons`)
	}
	isOrganisation := collective.GetKind() == amparov1.CollectiveKind_COLLECTIVE_KIND_ORGANISATION
	if programme == amparov1.Programme_PROGRAMME_STRENGTHENING_ORGANISATIONS && isOrganisation && inUnion(collective.GetRegisteredIn(), day) {
		add(amparov1.EligibilityRule_ELIGIBILITY_RULE_EU_ORGANISATION,
			"Strengthening Organisations does not support organisations registered in the European Union (ProtectDefenders.eu)")
	}
	for _, s := range ended {
		if s.programme == programme && day > s.until {
			add(amparov1.EligibilityRule_ELIGIBILITY_RULE_STREAM_CLOSED, s.quote)
		}
	}
	if collective != nil && slices.Contains(forIndividuals, programme) {
		add(amparov1.EligibilityRule_ELIGIBILITY_RULE_KIND_OF_SUBJECT,
			"the programme is for individual defenders, their families and their work (ProtectDefenders.eu)")
	}
	if person != nil && slices.Contains(forOrganisations, programme) {
		add(amparov1.EligibilityRule_ELIGIBILITY_RULE_KIND_OF_SUBJECT,
			"the programme is for local organisations (ProtectDefenders.eu)")
	}
	return found
}
