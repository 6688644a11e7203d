package main

import (
	"unicode"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// question is one thing to ask. What kind of answer it takes follows from the
// field that it fills.
type question struct {
	// path of the field in CreateIntakeRequest.intake; of the entry's own field
	// within a group; empty for what is asked and not sent.
	path string
	// text is what the operator reads, short enough to be asked while listening.
	text string
	// heading opens a part of the conversation.
	heading string
	// needed questions are asked until they are answered.
	needed bool
	// brief questions are asked also when the person cannot speak now.
	brief bool
	// normal is what an empty answer means where it does not mean nothing.
	normal string
	// rule checks the answer as it was typed: "" or what is wrong with it.
	rule func(text string) string
	// codes are the choices of a text field with a vocabulary.
	codes func() []choice
	// when says whether the question makes sense after what was answered.
	when func(i *interview) bool
	// group holds the questions of one entry of a list.
	group []question
}

// script is the order in which an operator speaks: whether and how the person can
// be reached safely comes before everything, because the line may break.
var script = []question{
	{path: "", heading: "Safety first", text: "Can the person speak safely now?", needed: true, brief: true},
	{path: "safe_contact.channel", text: "How may they be reached safely?", brief: true},
	{path: "safe_contact.address", text: "Number (with +country), address or handle for that", brief: true, when: reachable},
	{path: "safe_contact.windows", text: "When is it safe? (none: at any time)", brief: true, when: reachable, group: []question{
		{path: "days", text: "Days (several: 1 3 5; empty: every day)"},
		{path: "from", text: "From, as 08:30", needed: true, rule: clockRule},
		{path: "until", text: "Until, as 21:00", needed: true, rule: clockRule},
	}},
	{path: "safe_contact.time_zone", text: "Time zone of those hours, as America/Bogota", when: hasWindows},
	{path: "safe_contact.code_word", text: "Code word by which each side knows the other", brief: true, when: reachable},
	{path: "safe_contact.do_not_leave_message", text: "Leave no message?", brief: true, when: reachable},
	{path: "safe_contact.do_not_name_organisation", text: "Do not name the organisation?", brief: true, when: reachable},
	{path: "safe_contact.language", text: "Language to speak, as es or ps"},
	{path: "safe_contact.instructions", text: "What else keeps them safe when contacted"},

	{path: "urgency_self_assessed", heading: "What is happening", text: "How urgent do they say it is?", brief: true},
	{path: "situation", text: "What is happening, in their words", brief: true},
	{path: "incidents", text: "Single attacks and threats", group: []question{
		{path: "act_code", text: "What was done (a word, to list the codes; or the code)", needed: true, codes: actChoices},
		{path: "date", text: "When, as 2026-03-09, 2026-03 or 2026~", rule: dateRule},
		{path: "country", text: "Country, two letters", rule: countryRule},
		{path: "place", text: "Place"},
		{path: "perpetrator_codes", text: "By whom (a word, to list the codes; or the code)", codes: perpetratorChoices},
		{path: "description", text: "What happened"},
		{path: "injury_or_abduction", text: "Was somebody injured or taken away?"},
	}},

	{path: "identity", heading: "Who it is about", text: "One person? (no: an organisation or a community)", needed: true, brief: true},
	{path: "identity.person.legal_name", text: "Name, in its own script", needed: true, brief: true, when: onePerson},
	{path: "identity.person.latin_alias", text: "The same in Latin letters, as the person writes it", brief: true, when: personNotLatin},
	{path: "identity.person.aliases", text: "Other names", when: onePerson},
	{path: "identity.person.current_country", text: "Country where they are now, two letters", brief: true, rule: countryRule, when: onePerson},
	{path: "identity.person.nationalities", text: "Nationalities, two letters each", rule: countryRule, when: onePerson},
	{path: "identity.person.stateless", text: "Stateless?", when: noNationality},
	{path: "identity.person.residence_country", text: "Country of residence, two letters", rule: countryRule, when: onePerson},
	{path: "identity.person.displacement", text: "Where do they stand there?", when: onePerson},
	{path: "identity.person.birth_date", text: "Date of birth, as 1984-03-09, 1984-03 or 1984~", rule: dateRule, when: onePerson},
	{path: "identity.person.age_group", text: "Age group", when: noBirthDate},
	{path: "identity.person.sex", text: "Sex", when: onePerson},
	{path: "identity.person.gender", text: "Gender, in their own words", when: onePerson},
	{path: "identity.person.identifiers", text: "Numbers, addresses, handles, papers they are known by", when: onePerson, group: identifierQuestions},
	{path: "identity.person.rights_work.sectors", text: "Fields of their work for human rights (several: 1 4)", when: onePerson},
	{path: "identity.person.rights_work.role", text: "Their role in it", when: onePerson},
	{path: "identity.person.rights_work.organisation", text: "Organisation or group", when: onePerson},
	{path: "identity.collective.kind", text: "What is it?", needed: true, brief: true, when: collective},
	{path: "identity.collective.name", text: "Name, in its own script", needed: true, brief: true, when: collective},
	{path: "identity.collective.latin_alias", text: "The same in Latin letters", brief: true, when: collectiveNotLatin},
	{path: "identity.collective.aliases", text: "Other names, abbreviations", when: collective},
	{path: "identity.collective.registered_in", text: "Where registered, two letters", rule: countryRule, when: collective},
	{path: "identity.collective.countries", text: "Where it works, two letters each", rule: countryRule, when: collective},
	{path: "identity.collective.members", text: "How many people belong to it", when: collective},
	{path: "identity.collective.identifiers", text: "Numbers, addresses, handles it is known by", when: collective, group: identifierQuestions},
	{path: "identity.collective.rights_work.sectors", text: "Fields of its work for human rights (several: 1 4)", when: collective},

	{path: "needs", heading: "What would help", text: "What is asked for", group: []question{
		{path: "code", text: "Which", needed: true},
		{path: "description", text: "In words"},
	}},
	{path: "beneficiaries", text: "Whom would it reach, family included, by sex and age", group: []question{
		{path: "sex", text: "Sex"},
		{path: "age_group", text: "Age group"},
		{path: "count", text: "How many", needed: true},
		{path: "family", text: "Family of the person?"},
	}},
	{path: "other_funders", text: "Others who were asked"},

	{path: "submitter.kind", heading: "Who asks", text: "Who asks?", needed: true, brief: true, normal: "self"},
	{path: "submitter.name", text: "Name of the one who asks", when: byAnother},
	{path: "submitter.relation", text: "Relation to the person", when: byAnother},
	{path: "submitter.may_contact_subject_directly", text: "May we contact the person directly?", brief: true, when: notSelf},
	{path: "submitter.contact.channel", text: "How may the one who asks be reached?", when: byAnother},
	{path: "submitter.contact.address", text: "Number, address or handle for that", when: submitterReachable},

	{path: "channel", heading: "The file", text: "How did the request come?", needed: true, brief: true, normal: "hotline"},
	{path: "office", text: "Office (empty: yours)"},
	{path: "restricted", text: "Restrict the case to its team?", brief: true},
}

var identifierQuestions = []question{
	{path: "kind", text: "What is it?", needed: true},
	{path: "value", text: "The number, address or handle itself", needed: true},
}

func reachable(i *interview) bool { return i.request.GetIntake().GetSafeContact().GetChannel() != 0 }

func hasWindows(i *interview) bool {
	return len(i.request.GetIntake().GetSafeContact().GetWindows()) > 0
}

func onePerson(i *interview) bool { return i.request.GetIntake().GetIdentity().GetPerson() != nil }

func collective(i *interview) bool {
	return i.request.GetIntake().GetIdentity().GetCollective() != nil
}

func personNotLatin(i *interview) bool {
	return otherScript(i.request.GetIntake().GetIdentity().GetPerson().GetLegalName())
}

func collectiveNotLatin(i *interview) bool {
	return otherScript(i.request.GetIntake().GetIdentity().GetCollective().GetName())
}

func noNationality(i *interview) bool {
	return onePerson(i) && len(i.request.GetIntake().GetIdentity().GetPerson().GetNationalities()) == 0
}

func noBirthDate(i *interview) bool {
	return onePerson(i) && i.request.GetIntake().GetIdentity().GetPerson().GetBirthDate() == ""
}

func notSelf(i *interview) bool {
	return i.request.GetIntake().GetSubmitter().GetKind() != amparov1.SubmitterKind_SUBMITTER_KIND_SELF
}

func byAnother(i *interview) bool {
	return notSelf(i) && i.request.GetIntake().GetSubmitter().GetKind() != amparov1.SubmitterKind_SUBMITTER_KIND_ANONYMOUS
}

func submitterReachable(i *interview) bool {
	return byAnother(i) && i.request.GetIntake().GetSubmitter().GetContact().GetChannel() != 0
}

// otherScript tells a name that a search in Latin letters may not find by itself.
func otherScript(name string) bool {
	for _, r := range name {
		if unicode.IsLetter(r) && !unicode.Is(unicode.Latin, r) {
			return true
		}
	}
	return false
}
