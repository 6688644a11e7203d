package fault

import amparov1 "github.com/amparo-project/amparo/api/amparo/v1"

// row is what a caller learns with a reason.
type row struct {
	kind Kind
	text string
	next string
}

// table has a row for every reason; a test keeps it complete. Several reasons
// share a text on purpose: what a caller may not know must read the same as
// what does not exist.
var table = map[amparov1.Reason]row{
	amparov1.Reason_REASON_FIELD_INVALID:           {Invalid, "a field is not valid", "correct the fields named and send again"},
	amparov1.Reason_REASON_FIELD_UNKNOWN:           {Invalid, "a field is not known to this version", "remove the field or use the client of the service's version"},
	amparov1.Reason_REASON_TEXT_UNSAFE:             {Invalid, "a text holds control or direction-override characters", "type the text anew instead of pasting it"},
	amparov1.Reason_REASON_DATE_IMPOSSIBLE:         {Invalid, "a date does not exist or cannot be", "correct the date; 1984, 1984-03 and 1984~ are dates too"},
	amparov1.Reason_REASON_CODE_UNKNOWN:            {Invalid, "a code is not in the vocabulary", "use a code of the list named"},
	amparov1.Reason_REASON_CURSOR_INVALID:          {Invalid, "the page token is not valid here", "begin again without a page token"},
	amparov1.Reason_REASON_DEVICE_NOT_ACTIVE:       {Unknown, "this device is not active", "speak to an administrator in person"},
	amparov1.Reason_REASON_ROLE_MISSING:            {Denied, "your roles do not allow this", "ask somebody whose role it is"},
	amparov1.Reason_REASON_ROLE_PENDING:            {Denied, "your enrolment waits for its confirmation", "read your confirmation code to a colleague who may confirm"},
	amparov1.Reason_REASON_NOT_FOUND:               {NotFound, "not found", "check the id; what is not yours to know is not found either"},
	amparov1.Reason_REASON_SECOND_PERSON_NEEDED:    {Refused, "this takes a second person", "ask a colleague to do it"},
	amparov1.Reason_REASON_CONFIRMATION_CODE_WRONG: {Refused, "the confirmation code is not that of this device", "let the person read it again; if it differs still, revoke the device"},
	amparov1.Reason_REASON_INVITATION_INVALID:      {Unknown, "the invitation is not valid", "ask for a new invitation"},
	amparov1.Reason_REASON_LAST_ADMINISTRATOR:      {Refused, "the last administrator cannot be shut out", "enrol another administrator first"},
	amparov1.Reason_REASON_STANDING_UNCHANGED:      {Refused, "that is how it stands already", ""},
	amparov1.Reason_REASON_OFFICE_UNKNOWN:          {Invalid, "there is no such office for you", "name one of your offices"},
	amparov1.Reason_REASON_STATE_FORBIDS:           {Refused, "the case's state does not allow this", "see where the case stands with: amparo case show"},
	amparov1.Reason_REASON_NOT_ACCEPTED:            {Refused, "the case has not been accepted for support", "triage it first"},
	amparov1.Reason_REASON_NO_CASE_OFFICER:         {Refused, "the case has no case officer on its team", "assign one first"},
	amparov1.Reason_REASON_RISK_NOT_ASSESSED:       {Refused, "the risk has not been assessed", "assess it first"},
	amparov1.Reason_REASON_NOTHING_TO_CONFIRM:      {Refused, "nothing waits for a confirmation", ""},
	amparov1.Reason_REASON_STAFF_UNSUITABLE:        {Refused, "a person named cannot work cases", "name active staff of the case's office with a role that works cases"},
	amparov1.Reason_REASON_STAFF_EXCLUDED:          {Refused, "a person named is excluded from the case", "name somebody else"},
	amparov1.Reason_REASON_OWNER_NEEDED:            {Refused, "the case cannot be left without an owner", "name its owner first"},
	amparov1.Reason_REASON_NOT_PROVEN:              {Refused, "the change has not been proven", "reach the person over the old channel, ask the challenge, or let a second person confirm"},
	amparov1.Reason_REASON_SECOND_SOURCE_NEEDED:    {Refused, "this rests on one source", "record a second source with: amparo case status confirm"},
	amparov1.Reason_REASON_HANDOVER_CHANGED:        {Refused, "what was to be handed over has changed", "make the list anew"},
	amparov1.Reason_REASON_SIGNATURE_WRONG:         {Refused, "the signature is not this device's over what was sent", "send it from the device that signed; if it persists, speak to an administrator"},
	amparov1.Reason_REASON_PLAN_NEEDED:             {Refused, "the case has no protection plan", "write one with: amparo case plan"},
	amparov1.Reason_REASON_REQUEST_ID_REUSED:       {Conflict, "this request id was used with another content", "use a new request id"},
	amparov1.Reason_REASON_BUSY_FILE:               {Conflict, "somebody else is changing this", "look at it again and repeat"},
	amparov1.Reason_REASON_RATE_LIMITED:            {Exhausted, "too many calls", "wait a moment"},
	amparov1.Reason_REASON_DISK_FULL:               {Exhausted, "the service has no room for new content", "tell the service's operator at once"},
	amparov1.Reason_REASON_UNAVAILABLE:             {Unavailable, "the service cannot answer now; nothing was acknowledged", "try again with the same request id"},
	amparov1.Reason_REASON_INTEGRITY:               {Corrupt, "a stored record failed its proof and is not shown", "tell the service's operator at once"},
	amparov1.Reason_REASON_METHOD_UNKNOWN:          {Missing, "there is no such call", "use the client of the service's version"},
	amparov1.Reason_REASON_TOO_LARGE:               {Exhausted, "the message is larger than the service takes", "shorten it or split it"},
	amparov1.Reason_REASON_POLICY_UNSAFE:           {Refused, "a value of the policy is beyond the bounds that keep people safe", "correct the values named and propose again"},
	amparov1.Reason_REASON_POLICY_UNSTAFFED:        {Refused, "the policy asks for more people than there are", "see amparo policy staffing, and enrol them first or propose again"},
	amparov1.Reason_REASON_INTERNAL:                {Internal, "the service failed", "try again; if it persists, give the operator the correlation id"},
	amparov1.Reason_REASON_CAPSULE_DAMAGED:         {Invalid, "the capsule is damaged, or is none", "bring it again from where it was made, or seal the request anew"},
	amparov1.Reason_REASON_CAPSULE_FOREIGN:         {Refused, "the capsule is not sealed for this service", "find out for which service it was made"},
	amparov1.Reason_REASON_NOT_ON_SHIFT:            {Refused, "you are not on shift for this alarm", "see who is with: amparo oncall show"},
	amparov1.Reason_REASON_CLOCK_DIFFERS:           {Refused, "your clock and the service's do not agree", "find out which is wrong; if it is the service's, tell its operator"},
}
