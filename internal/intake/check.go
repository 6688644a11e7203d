// Package intake reads a request for help: what it must hold, in what one form it
// is kept, and by what it is found again.
//
// Call Normalise and then Check on a request, and Keys on what was kept. The other
// checks are for parts of a request that come in later by themselves: a contact, an
// act, an attempt at contact.
//
// It knows no case: opening one for a request, and all that follows, is casefile.
package intake

import (
	"fmt"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/vocabulary"
)

// Check returns what is wrong with an intake that was normalised, beyond the
// limits that stand in its message: codes that do not exist, dates that cannot be,
// contacts that reach nobody. Fields are paths from "intake".
//
// It asks for as little as possible. An operator at three in the morning, on a bad
// line, may have no name, no number and no country; a witness may know no more than
// that somebody was taken away. So nothing is required for itself: a request is
// incomplete only when it says nothing at all, neither who, nor how to reach
// anybody, nor what happened. What is missing is asked for later; what is wrong is
// refused now, since a wrong number or hour can get somebody hurt.
func Check(intake *amparov1.Intake, now time.Time) []fault.Violation {
	var vs violations
	vs.instant("intake.received_at", intake.GetReceivedAt() != nil, intake.GetReceivedAt().AsTime(), now)
	vs.safeContact("intake.safe_contact", intake.GetSafeContact())
	vs.safeContact("intake.submitter.contact", intake.GetSubmitter().GetContact())
	vs.person("intake.identity.person", intake.GetIdentity().GetPerson(), now)
	vs.collective("intake.identity.collective", intake.GetIdentity().GetCollective(), now)
	for i, reference := range intake.GetReferences() {
		vs.safeContact(fmt.Sprintf("intake.references[%d].contact", i), reference.GetContact())
	}
	for i, incident := range intake.GetIncidents() {
		vs.incident(fmt.Sprintf("intake.incidents[%d]", i), incident, now)
	}
	for i, need := range intake.GetNeeds() {
		if need.GetAmount() != nil {
			vs.currency(fmt.Sprintf("intake.needs[%d].amount.currency", i), need.GetAmount().GetCurrency())
		}
	}
	if saysNothing(intake) {
		vs.add(amparov1.Reason_REASON_FIELD_INVALID, "intake.situation",
			"says what happened, unless the request says who it is about or how to reach anybody")
	}
	return vs
}

func saysNothing(intake *amparov1.Intake) bool {
	for _, name := range names(intake.GetIdentity()) {
		if name != "" {
			return false
		}
	}
	contact, submitter := intake.GetSafeContact(), intake.GetSubmitter()
	return len(identifiers(intake.GetIdentity())) == 0 &&
		contact.GetAddress() == "" && contact.GetInstructions() == "" &&
		submitter.GetName() == "" && submitter.GetContact().GetAddress() == "" &&
		intake.GetSituation() == "" && len(intake.GetIncidents()) == 0 && len(intake.GetNeeds()) == 0
}

// safeContact asks for the zone of safe hours: hours without one would be read in
// the service's own zone, and a call at the wrong hour is worse than none.
func (vs *violations) safeContact(field string, contact *amparov1.SafeContact) {
	vs.language(field+".language", contact.GetLanguage())
	vs.timeZone(field+".time_zone", contact.GetTimeZone())
	if len(contact.GetWindows()) > 0 && contact.GetTimeZone() == "" {
		vs.add(amparov1.Reason_REASON_FIELD_INVALID, field+".time_zone", "is required with safe hours")
	}
	address := contact.GetAddress()
	if address == "" {
		return
	}
	switch contact.GetChannel() {
	case amparov1.ContactChannel_CONTACT_CHANNEL_PHONE,
		amparov1.ContactChannel_CONTACT_CHANNEL_SMS,
		amparov1.ContactChannel_CONTACT_CHANNEL_WHATSAPP:
		vs.number(field+".address", address)
	case amparov1.ContactChannel_CONTACT_CHANNEL_SIGNAL,
		amparov1.ContactChannel_CONTACT_CHANNEL_TELEGRAM:
		if dialled(address) {
			vs.number(field+".address", address)
		}
	case amparov1.ContactChannel_CONTACT_CHANNEL_EMAIL,
		amparov1.ContactChannel_CONTACT_CHANNEL_ENCRYPTED_EMAIL:
		vs.mail(field+".address", address)
	default: // in person, through somebody, something else: any words
	}
}

func (vs *violations) person(field string, person *amparov1.Person, now time.Time) {
	vs.date(field+".birth_date", person.GetBirthDate(), now)
	for i, code := range person.GetNationalities() {
		vs.country(fmt.Sprintf("%s.nationalities[%d]", field, i), code)
	}
	if person.GetStateless() && len(person.GetNationalities()) > 0 {
		vs.add(amparov1.Reason_REASON_FIELD_INVALID, field+".stateless", "is not set together with a nationality")
	}
	vs.country(field+".residence_country", person.GetResidenceCountry())
	vs.country(field+".current_country", person.GetCurrentCountry())
	vs.identifiers(field, person.GetIdentifiers())
	vs.rightsWork(field+".rights_work", person.GetRightsWork(), now)
}

func (vs *violations) collective(field string, collective *amparov1.Collective, now time.Time) {
	vs.country(field+".registered_in", collective.GetRegisteredIn())
	for i, code := range collective.GetCountries() {
		vs.country(fmt.Sprintf("%s.countries[%d]", field, i), code)
	}
	vs.identifiers(field, collective.GetIdentifiers())
	vs.rightsWork(field+".rights_work", collective.GetRightsWork(), now)
}

func (vs *violations) identifiers(field string, all []*amparov1.Identifier) {
	for i, id := range all {
		value := fmt.Sprintf("%s.identifiers[%d].value", field, i)
		switch id.GetKind() {
		case amparov1.IdentifierKind_IDENTIFIER_KIND_NUMBER:
			vs.number(value, id.GetValue())
		case amparov1.IdentifierKind_IDENTIFIER_KIND_EMAIL:
			vs.mail(value, id.GetValue())
		default: // handles and papers have no form in common
		}
	}
}

func (vs *violations) rightsWork(field string, work *amparov1.RightsWork, now time.Time) {
	year := work.GetSinceYear()
	if year == 0 {
		return
	}
	if year < earliestYear || int(year) > lastToday(now).Year() {
		vs.add(amparov1.Reason_REASON_DATE_IMPOSSIBLE, field+".since_year", "is a year from 1900 to this one")
	}
}

func (vs *violations) incident(field string, incident *amparov1.Incident, now time.Time) {
	if _, known := vocabulary.ActLabel(incident.GetActCode()); !known {
		vs.add(amparov1.Reason_REASON_CODE_UNKNOWN, field+".act_code", "is an act of the vocabulary")
	}
	for i, code := range incident.GetPerpetratorCodes() {
		if _, known := vocabulary.PerpetratorLabel(code); !known {
			vs.add(amparov1.Reason_REASON_CODE_UNKNOWN, fmt.Sprintf("%s.perpetrator_codes[%d]", field, i),
				"is a kind of perpetrator of the vocabulary")
		}
	}
	vs.date(field+".date", incident.GetDate(), now)
	vs.country(field+".country", incident.GetCountry())
}

// CheckAttempt returns what is wrong with an attempt at contact.
func CheckAttempt(field string, attempt *amparov1.ContactAttempt, now time.Time) []fault.Violation {
	var vs violations
	vs.instant(field+".at", attempt.GetAt() != nil, attempt.GetAt().AsTime(), now)
	vs.language(field+".language", attempt.GetLanguage())
	return vs
}

// CheckIncident returns what is wrong with an act against the subject.
func CheckIncident(field string, incident *amparov1.Incident, now time.Time) []fault.Violation {
	var vs violations
	vs.incident(field, incident, now)
	return vs
}

// CheckLanguage returns what is wrong with a language tag; an empty one is not.
func CheckLanguage(field, tag string) []fault.Violation {
	var vs violations
	vs.language(field, tag)
	return vs
}

// CheckContact returns what is wrong with a way to reach somebody.
func CheckContact(field string, contact *amparov1.SafeContact) []fault.Violation {
	var vs violations
	vs.safeContact(field, contact)
	return vs
}
