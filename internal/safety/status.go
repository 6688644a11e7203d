package safety

import (
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
)

const (
	detained    = amparov1.PersonStatus_PERSON_STATUS_DETAINED
	disappeared = amparov1.PersonStatus_PERSON_STATUS_DISAPPEARED
	deceased    = amparov1.PersonStatus_PERSON_STATUS_DECEASED
)

// Report records what befell the person. The status is what happened last, not what
// was heard last. An arrest, a disappearance, a death and a seized device take every
// contact of the person's own out of use at once, also when they are learned of late:
// until then nobody thought of the telephone, and proving it again costs one call.
//
// A report without a status must say that a device was seized; a time in the future
// is refused.
func Report(s *amparov1.Safety, draft *amparov1.StatusDraft, staffID string, now time.Time) ([]*amparov1.TimelineEntry, error) {
	if draft.GetStatus() == amparov1.PersonStatus_PERSON_STATUS_UNSPECIFIED && !draft.GetDeviceSeized() {
		return nil, invalid("report.status", "says what befell the person, or device_seized is set")
	}
	at, err := moment("report.at", draft.GetAt(), now)
	if err != nil {
		return nil, err
	}
	report := &amparov1.StatusReport{
		Number: number(s), Report: proto.CloneOf(draft), RecordedAt: timestamppb.New(now), RecordedById: staffID,
	}
	report.Report.At = timestamppb.New(at)
	s.Reports = append(s.Reports, report)
	if draft.GetStatus() != amparov1.PersonStatus_PERSON_STATUS_UNSPECIFIED && !at.Before(statusAt(s)) {
		s.Status, s.StatusReport = draft.GetStatus(), report.GetNumber()
	}
	s.Reports = forgetOldest(s.Reports, keptReports, func(r *amparov1.StatusReport) bool { return r.GetNumber() != s.GetStatusReport() })
	entry := newEntry(amparov1.TimelineKind_TIMELINE_KIND_STATUS, staffID, now)
	entry.At, entry.Text, entry.PersonStatus = timestamppb.New(at), draft.GetText(), draft.GetStatus()
	entries := []*amparov1.TimelineEntry{entry}
	if lost := loseOwn(s, whyLost(draft), at); len(lost) > 0 {
		entry := newEntry(amparov1.TimelineKind_TIMELINE_KIND_CONTACTS_OUT_OF_USE, staffID, now)
		entry.PersonStatus, entry.ContactNumbers = draft.GetStatus(), lost
		entries = append(entries, entry)
	}
	return entries, nil
}

// whyLost says why an event takes the person's own contacts out of use; unspecified
// when it does not. A dead person's telephone is answered by somebody else.
func whyLost(draft *amparov1.StatusDraft) amparov1.DoNotUseReason {
	switch draft.GetStatus() { //nolint:exhaustive // hiding, silence and freedom leave a telephone where it was
	case detained:
		return amparov1.DoNotUseReason_DO_NOT_USE_REASON_DETAINED
	case disappeared:
		return amparov1.DoNotUseReason_DO_NOT_USE_REASON_DISAPPEARED
	case deceased:
		return amparov1.DoNotUseReason_DO_NOT_USE_REASON_DECEASED
	}
	if draft.GetDeviceSeized() {
		return amparov1.DoNotUseReason_DO_NOT_USE_REASON_DEVICE_SEIZED
	}
	return amparov1.DoNotUseReason_DO_NOT_USE_REASON_UNSPECIFIED
}

// loseOwn takes the person's own contacts out of use, and whatever else rings on the
// same telephone: a sister who asked for help from it is not reached there any more.
func loseOwn(s *amparov1.Safety, why amparov1.DoNotUseReason, since time.Time) (lost []uint32) {
	if why == amparov1.DoNotUseReason_DO_NOT_USE_REASON_UNSPECIFIED {
		return nil
	}
	for _, c := range s.GetContacts() {
		hers := c.GetContact().GetKind() == own || slices.ContainsFunc(s.GetContacts(), func(other *amparov1.SafetyContact) bool {
			return other.GetContact().GetKind() == own && !replaced(other) && sameAddress(c, other.GetContact())
		})
		if hers && c.GetUse() == usable {
			takeOut(c, why, since)
			lost = append(lost, c.GetNumber())
		}
	}
	return lost
}

// Confirm records a second source of a report; report zero is the one that the status
// follows from. It must be another kind of source, or another person who heard it:
// the same person with the same kind of source has told the same thing twice
// (REASON_SECOND_SOURCE_NEEDED).
func Confirm(
	s *amparov1.Safety, report uint32, source amparov1.StatusSource, text, staffID string, now time.Time,
) (*amparov1.TimelineEntry, error) {
	if report == 0 {
		report = s.GetStatusReport()
	}
	i := slices.IndexFunc(s.GetReports(), func(r *amparov1.StatusReport) bool { return r.GetNumber() == report })
	if i < 0 {
		return nil, fault.New(amparov1.Reason_REASON_NOTHING_TO_CONFIRM)
	}
	r := s.GetReports()[i]
	if source == r.GetReport().GetSource() && staffID == r.GetRecordedById() {
		return nil, fault.Field(amparov1.Reason_REASON_SECOND_SOURCE_NEEDED, "source", "is not what the report rests on already")
	}
	r.Confirmations = append(r.GetConfirmations(), &amparov1.StatusConfirmation{
		Source: source, RecordedAt: timestamppb.New(now), RecordedById: staffID, Text: text,
	})
	r.Confirmations = r.GetConfirmations()[max(0, len(r.GetConfirmations())-keptSigns):]
	entry := newEntry(amparov1.TimelineKind_TIMELINE_KIND_STATUS_CONFIRMED, staffID, now)
	entry.Text, entry.PersonStatus = text, r.GetReport().GetStatus()
	return entry, nil
}

// MayClose refuses to close a case because the person died while that rests on one
// source (REASON_SECOND_SOURCE_NEEDED): a false report of a death is a known way of
// making others stop looking.
func MayClose(s *amparov1.Safety, reason amparov1.ClosureReason) error {
	if reason != amparov1.ClosureReason_CLOSURE_REASON_DIED || (s.GetStatus() == deceased && confirmed(s)) {
		return nil
	}
	return fault.Field(amparov1.Reason_REASON_SECOND_SOURCE_NEEDED, "closing.reason", "is a death that a second source has confirmed")
}

// inForceReport is the report that the status follows from, or nil.
func inForceReport(s *amparov1.Safety) *amparov1.StatusReport {
	for _, r := range s.GetReports() {
		if s.GetStatusReport() != 0 && r.GetNumber() == s.GetStatusReport() {
			return r
		}
	}
	return nil
}

func statusAt(s *amparov1.Safety) time.Time {
	return inForceReport(s).GetReport().GetAt().AsTime()
}

func confirmed(s *amparov1.Safety) bool { return len(inForceReport(s).GetConfirmations()) > 0 }

// Instruct records what the person wishes to be done when they cannot be asked any
// more. A proxy that is named must be one of the case's.
func Instruct(
	s *amparov1.Safety, given []*amparov1.AdvanceInstruction, givenAt *timestamppb.Timestamp, staffID string, now time.Time,
) (*amparov1.TimelineEntry, error) {
	for i, one := range given {
		if one.GetProxy() != 0 && find(s, one.GetProxy()).GetContact().GetKind() != proxy {
			return nil, invalid(fmt.Sprintf("instructions[%d].proxy", i), "is the number of a proxy's contact")
		}
		if one.GetDeviceSeized() == (one.GetEvent() != amparov1.PersonStatus_PERSON_STATUS_UNSPECIFIED) {
			return nil, invalid(fmt.Sprintf("instructions[%d].event", i), "is what they are for, or device_seized is set")
		}
	}
	at, err := moment("given_at", givenAt, now)
	if err != nil {
		return nil, err
	}
	s.Instructions = &amparov1.AdvanceInstructions{
		GivenAt: timestamppb.New(at), RecordedAt: timestamppb.New(now), RecordedById: staffID,
	}
	for _, one := range given {
		s.Instructions.Instructions = append(s.Instructions.Instructions, proto.CloneOf(one))
	}
	return newEntry(amparov1.TimelineKind_TIMELINE_KIND_INSTRUCTIONS, staffID, now), nil
}

// moment reads when something happened; unset is now.
func moment(field string, at *timestamppb.Timestamp, now time.Time) (time.Time, error) {
	switch {
	case at == nil:
		return now, nil
	case at.AsTime().After(now.Add(tolerance)):
		return time.Time{}, fault.Field(amparov1.Reason_REASON_DATE_IMPOSSIBLE, field, "is not in the future")
	case at.AsTime().Year() < 2000:
		return time.Time{}, fault.Field(amparov1.Reason_REASON_DATE_IMPOSSIBLE, field, "is not before 2000")
	case at.AsTime().After(now):
		return now, nil
	}
	return at.AsTime(), nil
}

func invalid(field, rule string) error {
	return fault.Field(amparov1.Reason_REASON_FIELD_INVALID, field, rule)
}

// forgetOldest drops the oldest of those that may be forgotten until no more than
// kept of them are left.
func forgetOldest[T any](all []T, kept int, may func(T) bool) []T {
	surplus := -kept
	for _, one := range all {
		if may(one) {
			surplus++
		}
	}
	return slices.DeleteFunc(all, func(one T) bool {
		if surplus <= 0 || !may(one) {
			return false
		}
		surplus--
		return true
	})
}
