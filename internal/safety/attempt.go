package safety

import (
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// Contacted is an attempt at contact as it was recorded.
type Contacted struct {
	Attempt *amparov1.ContactAttempt
	Word    string // that was said; compared and forgotten
	Duress  bool   // whoever records it says so, whatever the word
	// Vetted says that the interpreter who is named is on the list and may work.
	Vetted bool
	// Emergency says that the case is one: its risk is high, extreme or not known.
	Emergency bool
}

// Attempt notes what a contact means for the record, and says what was to be minded.
// It warns and refuses nothing that happened, but for a number that is no contact of
// the case and an interpreter who was not vetted without a reason: those are slips.
// The warnings are the same whether there was duress or not.
//
// A code word that is right verifies a contact that is in use. Contact under duress
// proves nothing, nor does any soon after it.
func Attempt(s *amparov1.Safety, what Contacted, zones Zones, staffID string, now time.Time) (warnings []amparov1.SafetyWarning, duress bool, err error) {
	attempt := what.Attempt
	if attempt.GetUnvettedInterpreter() && attempt.GetInterpreterReason() == "" {
		return nil, false, invalid("contact.interpreter_reason", "says who interpreted and why, when nobody vetted did")
	}
	c := find(s, attempt.GetContactNumber())
	if attempt.GetContactNumber() != 0 && c == nil {
		return nil, false, invalid("contact.contact_number", "is the number of a contact of the case")
	}
	at := now
	if attempt.GetAt() != nil && attempt.GetAt().AsTime().Before(now) {
		at = attempt.GetAt().AsTime()
	}
	if c != nil {
		warnings = mind(s, c, advised(c, zones, at).GetSafeHours())
	}
	warnings = append(warnings, mindInterpreter(s, what)...)
	word := said(s.GetContacts(), what.Word)
	if duress = what.Duress || word == duressWord; duress {
		keepSign(s, &amparov1.DuressSign{
			At: timestamppb.New(at), RecordedAt: timestamppb.New(now), RecordedById: staffID, Contact: attempt.GetContactNumber(),
		})
		return warnings, true, nil
	}
	if c.GetUse() != usable || attempt.GetOutcome() != amparov1.ContactOutcome_CONTACT_OUTCOME_REACHED {
		return warnings, false, nil
	}
	if c.GetReachedAt() == nil || c.GetReachedAt().AsTime().Before(at) {
		c.ReachedAt = timestamppb.New(at)
	}
	if said([]*amparov1.SafetyContact{c}, what.Word) == codeWord && !underDuress(s, now) {
		c.Verification = verified
	}
	return warnings, false, nil
}

// mind lists what to mind at a contact.
func mind(s *amparov1.Safety, c *amparov1.SafetyContact, hours amparov1.SafeHours) (all []amparov1.SafetyWarning) {
	way := c.GetContact().GetWay()
	for _, row := range []struct {
		holds   bool
		warning amparov1.SafetyWarning
	}{
		{c.GetUse() != usable, amparov1.SafetyWarning_SAFETY_WARNING_DO_NOT_USE},
		{c.GetVerification() == hostile, amparov1.SafetyWarning_SAFETY_WARNING_SUSPECTED_HOSTILE},
		{hours == amparov1.SafeHours_SAFE_HOURS_NOT_NOW, amparov1.SafetyWarning_SAFETY_WARNING_OUTSIDE_SAFE_HOURS},
		{hours == amparov1.SafeHours_SAFE_HOURS_UNKNOWN, amparov1.SafetyWarning_SAFETY_WARNING_TIME_UNKNOWN},
		{c.GetContact().GetKind() == own && !s.GetMayContactDirectly(), amparov1.SafetyWarning_SAFETY_WARNING_NOT_DIRECTLY},
		{c.GetVerification() == unverified, amparov1.SafetyWarning_SAFETY_WARNING_UNVERIFIED},
		{way.GetDoNotLeaveMessage(), amparov1.SafetyWarning_SAFETY_WARNING_LEAVE_NO_MESSAGE},
		{way.GetDoNotNameOrganisation(), amparov1.SafetyWarning_SAFETY_WARNING_DO_NOT_NAME_ORGANISATION},
	} {
		if row.holds {
			all = append(all, row.warning)
		}
	}
	return all
}

func mindInterpreter(s *amparov1.Safety, what Contacted) (all []amparov1.SafetyWarning) {
	id, unvetted := what.Attempt.GetInterpreterId(), what.Attempt.GetUnvettedInterpreter()
	if unvetted || (id != "" && !what.Vetted) {
		all = append(all, amparov1.SafetyWarning_SAFETY_WARNING_INTERPRETER_NOT_VETTED)
	}
	if id != "" && slices.Contains(ExcludedInterpreters(s), id) {
		all = append(all, amparov1.SafetyWarning_SAFETY_WARNING_INTERPRETER_EXCLUDED)
	}
	if unvetted && !what.Emergency {
		all = append(all, amparov1.SafetyWarning_SAFETY_WARNING_NO_EMERGENCY)
	}
	return all
}

// Language is what to speak with the person, BCP 47: that of their own contact, of the
// newest that says one; empty where none does.
func Language(s *amparov1.Safety) string {
	for _, c := range slices.Backward(s.GetContacts()) {
		if tag := c.GetContact().GetWay().GetLanguage(); tag != "" && c.GetContact().GetKind() == own {
			return tag
		}
	}
	return ""
}

// ExcludedInterpreters are the ids of those whom the person does not want, whichever
// contact is used.
func ExcludedInterpreters(s *amparov1.Safety) (ids []string) {
	for _, c := range s.GetContacts() {
		for _, id := range c.GetContact().GetWay().GetExcludedInterpreterIds() {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}
