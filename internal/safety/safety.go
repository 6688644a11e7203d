// Package safety keeps how the person of a case can be reached without harm, and
// lets that follow what befalls them: an arrest takes their telephone out of use, a
// release does not put it back, and nobody is called at a number that nobody has
// proven.
//
// Begin makes the record from an intake. Report, Confirm, Distrust, Propose, Settle,
// Instruct and Attempt each change it in place and return what belongs into the
// timeline; when they refuse, nothing has changed. Advise says what to read before
// making contact, which is also what a card of the case shows; Shown is the record
// for one reader. HidesNames, PayTo and MayClose are for whatever names staff or
// hosts, sends money, or closes a case.
//
// Taking away is always possible, at once and by one person; adding takes a proof.
// Nothing here refuses to record what has happened: it warns. Duress raises no risk
// level either, since a level is somebody's judgement with reasons, and one that
// changed by itself would show on the screen that an aggressor may be looking at; it
// wakes a person instead, who decides.
package safety

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

const (
	own       = amparov1.ContactKind_CONTACT_KIND_OWN
	proxy     = amparov1.ContactKind_CONTACT_KIND_PROXY
	submitter = amparov1.ContactKind_CONTACT_KIND_SUBMITTER

	usable   = amparov1.ContactUse_CONTACT_USE_USABLE
	doNotUse = amparov1.ContactUse_CONTACT_USE_DO_NOT_USE

	unverified = amparov1.ContactVerification_CONTACT_VERIFICATION_UNVERIFIED
	verified   = amparov1.ContactVerification_CONTACT_VERIFICATION_VERIFIED
	hostile    = amparov1.ContactVerification_CONTACT_VERIFICATION_SUSPECTED_HOSTILE
)

// What is kept in the record; the timeline has all of it. More contacts than these
// are used by nobody, and the record must stay small enough to be written.
const (
	keptReports = 100
	keptSettled = 50
	keptUnused  = 30
	keptSigns   = 20
	maxPending  = 20
)

// tolerance is by how much a caller's clock may run ahead.
const tolerance = 5 * time.Minute

// Begin makes the record of a case from its intake: the contact of the person, and
// the submitter's apart from it. They may be used, since they are how the case came,
// and nobody has verified them.
//
// Whoever asks for themselves may be contacted directly unless they said no. For
// anybody else it holds only once it has been asked.
func Begin(intake *amparov1.Intake) *amparov1.Safety {
	s := &amparov1.Safety{}
	everything := []amparov1.ContactTopic{amparov1.ContactTopic_CONTACT_TOPIC_EVERYTHING}
	addFromIntake(s, &amparov1.ContactDraft{Kind: own, Way: intake.GetSafeContact(), MayTell: everything})
	asker := intake.GetSubmitter()
	draft := &amparov1.ContactDraft{
		Kind: submitter, Name: asker.GetName(), Relation: asker.GetRelation(), Way: asker.GetContact(),
		MayTell: []amparov1.ContactTopic{amparov1.ContactTopic_CONTACT_TOPIC_CASE_EXISTS},
	}
	if asker.GetKind() == amparov1.SubmitterKind_SUBMITTER_KIND_SELF {
		draft.Kind, draft.MayTell = own, everything
		s.MayContactDirectly = proto.Bool(true)
	}
	if asker != nil && asker.MayContactSubjectDirectly != nil {
		s.MayContactDirectly = proto.Bool(asker.GetMayContactSubjectDirectly())
	}
	addFromIntake(s, draft)
	return s
}

// addFromIntake adds a contact of which the intake says anything: a code word without a
// number is still how the person is known when they call again.
func addFromIntake(s *amparov1.Safety, draft *amparov1.ContactDraft) {
	if proto.Size(draft.GetWay()) == 0 {
		return
	}
	s.Contacts = append(s.Contacts, &amparov1.SafetyContact{
		Number: number(s), Contact: proto.CloneOf(draft), Use: usable, Verification: unverified,
	})
}

// reaches reports whether a contact says how to reach anybody.
func reaches(way *amparov1.SafeContact) bool {
	return way.GetAddress() != "" || way.GetInstructions() != ""
}

// number draws the next number: one sequence for reports, contacts and changes, so
// that a number read aloud is never two things.
func number(s *amparov1.Safety) uint32 {
	s.LastNumber++
	return s.LastNumber
}

func find(s *amparov1.Safety, number uint32) *amparov1.SafetyContact {
	for _, c := range s.GetContacts() {
		if number != 0 && c.GetNumber() == number {
			return c
		}
	}
	return nil
}

// takeOut marks a contact DO_NOT_USE. What was out of use keeps its first reason.
func takeOut(c *amparov1.SafetyContact, why amparov1.DoNotUseReason, since time.Time) {
	if c.GetUse() == doNotUse {
		return
	}
	c.Use, c.WhyNot, c.NotSince = doNotUse, why, timestamppb.New(since)
}

func newEntry(kind amparov1.TimelineKind, staffID string, now time.Time) *amparov1.TimelineEntry {
	return &amparov1.TimelineEntry{Kind: kind, At: timestamppb.New(now), RecordedAt: timestamppb.New(now), StaffId: staffID}
}

// Distrust takes a contact out of use, at once and on one person's word, and every
// other with the same address. One that is suspected to be in hostile hands stays so
// until a second person restores it, and until then, or until another contact has
// taken its place, names are hidden.
func Distrust(
	s *amparov1.Safety, contact uint32, suspectedHostile bool, text, staffID string, now time.Time,
) (*amparov1.TimelineEntry, error) {
	c := find(s, contact)
	if c == nil {
		return nil, invalid("contact", "is the number of a contact of the case")
	}
	entry := newEntry(amparov1.TimelineKind_TIMELINE_KIND_CONTACTS_OUT_OF_USE, staffID, now)
	entry.Text = text
	for _, one := range s.GetContacts() {
		if one != c && (replaced(one) || !sameAddress(one, c.GetContact())) {
			continue
		}
		if suspectedHostile {
			takeOut(one, amparov1.DoNotUseReason_DO_NOT_USE_REASON_SUSPECTED_HOSTILE, now)
			one.Verification = hostile
		}
		takeOut(one, amparov1.DoNotUseReason_DO_NOT_USE_REASON_REPORTED, now)
		entry.ContactNumbers = append(entry.ContactNumbers, one.GetNumber())
	}
	return entry, nil
}

// sameAddress reports whether a contact rings where another does, by whatever channel:
// who holds the telephone holds both.
func sameAddress(c *amparov1.SafetyContact, other *amparov1.ContactDraft) bool {
	address := other.GetWay().GetAddress()
	return address != "" && c.GetContact().GetWay().GetAddress() == address
}

func replaced(c *amparov1.SafetyContact) bool {
	return c.GetWhyNot() == amparov1.DoNotUseReason_DO_NOT_USE_REASON_REPLACED
}

// HidesNames reports whether answers about the case must name neither staff nor
// hosts: a contact of the case is suspected to be in hostile hands, and what is said
// there may be read over a shoulder. Whatever names either asks here first.
func HidesNames(s *amparov1.Safety) bool {
	return slices.ContainsFunc(s.GetContacts(), func(c *amparov1.SafetyContact) bool {
		return c.GetVerification() == hostile && !replaced(c)
	})
}
