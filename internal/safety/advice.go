package safety

import (
	"cmp"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// Advise says what to read before making contact, at a time: what befell the person,
// what they wished for it, and the contacts in the order in which to try them, each
// with the time there before its number. Contacts that another has replaced are left
// out; those not to be used come last. It may be shown as it is.
func Advise(s *amparov1.Safety, zones Zones, now time.Time) *amparov1.SafetyAdvice {
	advice := &amparov1.SafetyAdvice{
		Status: s.GetStatus(), StatusAt: inForceReport(s).GetReport().GetAt(), StatusConfirmed: confirmed(s),
		Warnings: warnings(s), Instruction: proto.CloneOf(instruction(s)), NamesHidden: HidesNames(s),
	}
	for _, c := range inOrder(s) {
		one := advised(proto.CloneOf(c), zones, now)
		one.Warnings = mind(s, c, one.GetSafeHours())
		advice.Contacts = append(advice.Contacts, one)
	}
	return WithoutDuressWords(advice)
}

func warnings(s *amparov1.Safety) (all []amparov1.SafetyWarning) {
	anyUsable := slices.ContainsFunc(s.GetContacts(), func(c *amparov1.SafetyContact) bool {
		return c.GetUse() == usable && reaches(c.GetContact().GetWay())
	})
	waits := slices.ContainsFunc(s.GetChanges(), func(c *amparov1.ContactChange) bool { return c.GetStanding() == pending })
	grave := s.GetStatus() > amparov1.PersonStatus_PERSON_STATUS_AT_LIBERTY
	for _, row := range []struct {
		holds   bool
		warning amparov1.SafetyWarning
	}{
		{!anyUsable, amparov1.SafetyWarning_SAFETY_WARNING_NO_CONTACT},
		{HidesNames(s), amparov1.SafetyWarning_SAFETY_WARNING_SUSPECTED_HOSTILE},
		{!s.GetMayContactDirectly(), amparov1.SafetyWarning_SAFETY_WARNING_NOT_DIRECTLY},
		{grave && !confirmed(s), amparov1.SafetyWarning_SAFETY_WARNING_STATUS_UNCONFIRMED},
		{waits, amparov1.SafetyWarning_SAFETY_WARNING_CHANGE_WAITS},
	} {
		if row.holds {
			all = append(all, row.warning)
		}
	}
	return all
}

// instruction is what the person wished for what has befallen them, or nil. What
// befell themselves goes before what befell their telephone.
func instruction(s *amparov1.Safety) *amparov1.AdvanceInstruction {
	given := s.GetInstructions().GetInstructions()
	i := slices.IndexFunc(given, func(one *amparov1.AdvanceInstruction) bool {
		return !one.GetDeviceSeized() && one.GetEvent() == s.GetStatus()
	})
	if i < 0 && seized(s) {
		i = slices.IndexFunc(given, (*amparov1.AdvanceInstruction).GetDeviceSeized)
	}
	if i < 0 {
		return nil
	}
	return given[i]
}

// seized reports whether a device was seized, and no contact of the person's own has
// been proven since: once one may be used again, that is over.
func seized(s *amparov1.Safety) bool {
	reported := slices.ContainsFunc(s.GetReports(), func(r *amparov1.StatusReport) bool { return r.GetReport().GetDeviceSeized() })
	return reported && !slices.ContainsFunc(s.GetContacts(), func(c *amparov1.SafetyContact) bool {
		return c.GetContact().GetKind() == own && c.GetUse() == usable
	})
}

// inOrder are the contacts in the order in which to try them. Who cannot come to the
// telephone is reached through the proxy whom they named for that, then any proxy; who
// is not contacted directly, through whoever asked for them.
func inOrder(s *amparov1.Safety) []*amparov1.SafetyContact {
	first := []amparov1.ContactKind{own, proxy, submitter}
	switch {
	case s.GetStatus() >= detained:
		first = []amparov1.ContactKind{proxy, submitter, own}
	case !s.GetMayContactDirectly():
		first = []amparov1.ContactKind{submitter, proxy, own}
	}
	named := instruction(s).GetProxy()
	rank := func(c *amparov1.SafetyContact) int {
		rank := slices.Index(first, c.GetContact().GetKind())
		if named != 0 && c.GetNumber() == named {
			rank = -1
		}
		if c.GetUse() != usable {
			rank += len(first) + 1
		}
		return rank
	}
	all := slices.Clone(s.GetContacts())
	all = slices.DeleteFunc(all, func(c *amparov1.SafetyContact) bool {
		return replaced(c)
	})
	slices.SortStableFunc(all, func(a, b *amparov1.SafetyContact) int { return cmp.Compare(rank(a), rank(b)) })
	return all
}

// Shown is the record as one reader may see it: without the words for duress, without
// the signs of it that the reader recorded themselves, and without names of staff
// while these are hidden.
func Shown(s *amparov1.Safety, readerID string) *amparov1.Safety {
	shown := WithoutDuressWords(proto.CloneOf(s))
	shown.DuressSigns = slices.DeleteFunc(shown.GetDuressSigns(), func(sign *amparov1.DuressSign) bool {
		return sign.GetRecordedById() == readerID
	})
	for _, c := range shown.GetChanges() {
		c.PersonNeeded = false
	}
	if HidesNames(s) {
		hideStaff(shown)
	}
	return shown
}

func hideStaff(s *amparov1.Safety) {
	for _, r := range s.GetReports() {
		r.RecordedById = ""
		for _, c := range r.GetConfirmations() {
			c.RecordedById = ""
		}
	}
	for _, c := range s.GetChanges() {
		c.ProposedById, c.SettledById = "", ""
	}
	for _, sign := range s.GetDuressSigns() {
		sign.RecordedById = ""
	}
	if s.GetInstructions() != nil {
		s.Instructions.RecordedById = ""
	}
}
