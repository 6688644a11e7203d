package consent

import (
	"cmp"
	"slices"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// Asked is what is to leave, about whom and when.
type Asked struct {
	Purpose    amparov1.Purpose
	Recipient  uint32 // by the ledger's number; ledger.Unknown for somebody it does not know
	Categories []amparov1.DataCategory
	// About are those beside the person of the case, by the ledger's numbers. Whatever
	// leaves a case is about its person too.
	About []uint32
	// At is when it leaves.
	At time.Time
	// Urgent lets a consent count that is written down in the same breath. Otherwise
	// giving must be documented before anything leaves (NNEDV).
	Urgent bool
}

// Decide says on which consents something may leave, by the numbers of their entries,
// and everything that stands in the way. It may when nothing does.
//
// For everybody concerned, each kind of data must be covered by a yes: given for this
// purpose, this recipient and these data, valid and operative at the time, and
// withheld, refused or withdrawn by nothing that is later. A no stops what was recorded
// before it and what was said before it, so a late entry of an early yes revives
// nothing.
func Decide(entries []*amparov1.LedgerEntry, asked Asked) (consents []uint32, obstacles []*amparov1.Obstacle) {
	found := &finding{asked: asked, entries: entries}
	found.gather()
	found.party(0)
	for _, party := range asked.About {
		found.party(party)
	}
	slices.Sort(found.consents)
	slices.SortStableFunc(found.obstacles, func(a, b *amparov1.Obstacle) int {
		return cmp.Or(cmp.Compare(a.GetParty(), b.GetParty()), cmp.Compare(a.GetReason(), b.GetReason()))
	})
	return slices.Compact(found.consents), found.obstacles
}

type finding struct {
	asked     Asked
	entries   []*amparov1.LedgerEntry
	yes       []*amparov1.LedgerEntry // to the purpose and the recipient, of anybody
	nos       []stop                  // likewise
	consents  []uint32
	obstacles []*amparov1.Obstacle
}

// gather picks what was said to the purpose and the recipient, so that the rest of a
// long ledger is read once.
func (f *finding) gather() {
	for _, entry := range f.entries {
		if terms := entry.GetConsent().GetTerms(); terms.GetAnswer() == given && f.reaches(terms) == amparov1.Reason_REASON_UNSPECIFIED {
			f.yes = append(f.yes, entry)
		}
		for _, s := range stopsOf(entry) {
			if within(s.purposes, f.asked.Purpose) && within(s.recipients, f.asked.Recipient) {
				f.nos = append(f.nos, s)
			}
		}
	}
}

// party decides for one of those concerned.
func (f *finding) party(party uint32) {
	for _, category := range f.asked.Categories {
		latest := f.stopped(party, category)
		covered := false
		for _, entry := range f.yes {
			terms := entry.GetConsent().GetTerms()
			if terms.GetParty().GetNumber() != party || !slices.Contains(terms.GetCategories(), category) {
				continue
			}
			if latest.stops(entry) || f.standing(entry) != amparov1.Reason_REASON_UNSPECIFIED {
				continue
			}
			covered = true
			f.consents = append(f.consents, entry.GetNumber())
			break
		}
		if !covered {
			f.explain(party, category, latest)
		}
	}
	if len(f.asked.Categories) == 0 {
		f.obstacle(party, amparov1.Reason_REASON_DATA_CATEGORY_MISSING, 0)
	}
}

// latestNo is how far the nos of a kind of data reach, in both orders.
type latestNo struct {
	number  uint32    // of the newest
	said    time.Time // the latest
	entries []uint32
}

func (l *latestNo) stops(entry *amparov1.LedgerEntry) bool {
	return l.number > 0 && outweighs(l.number, l.said, entry)
}

// outweighs reports whether a no stands against a yes that is not later in both orders.
func outweighs(number uint32, said time.Time, yes *amparov1.LedgerEntry) bool {
	return number >= yes.GetNumber() || !said.Before(yes.GetConsent().GetTerms().GetObtainedAt().AsTime())
}

// stopped is how far the nos of a party reach for one kind of data.
func (f *finding) stopped(party uint32, category amparov1.DataCategory) *latestNo {
	latest := &latestNo{}
	for _, s := range f.nos {
		if s.party != party || !within(s.categories, category) {
			continue
		}
		latest.number = max(latest.number, s.number)
		if s.said.After(latest.said) {
			latest.said = s.said
		}
		latest.entries = append(latest.entries, s.number)
	}
	return latest
}

func whyNot(entry *amparov1.LedgerEntry) amparov1.Reason {
	switch {
	case entry.GetWithdrawal() != nil:
		return amparov1.Reason_REASON_CONSENT_WITHDRAWN
	case entry.GetConsent().GetTerms().GetAnswer() == refused:
		return amparov1.Reason_REASON_CONSENT_REFUSED
	default:
		return amparov1.Reason_REASON_DATA_CATEGORY_WITHHELD
	}
}

// reaches says why a consent is not for what is asked, data aside; unspecified when it
// is.
func (f *finding) reaches(terms *amparov1.ConsentTerms) amparov1.Reason {
	purpose := slices.Contains(terms.GetPurposes(), f.asked.Purpose)
	recipient := slices.ContainsFunc(terms.GetRecipients(), func(r *amparov1.Recipient) bool { return r.GetNumber() == f.asked.Recipient })
	switch {
	case purpose && recipient:
		return amparov1.Reason_REASON_UNSPECIFIED
	case recipient:
		return amparov1.Reason_REASON_PURPOSE_NOT_COVERED
	case purpose:
		return amparov1.Reason_REASON_RECIPIENT_NOT_COVERED
	default:
		return amparov1.Reason_REASON_NO_CONSENT
	}
}

// standing says why a consent does not count at the time; unspecified when it does.
func (f *finding) standing(entry *amparov1.LedgerEntry) amparov1.Reason {
	terms := entry.GetConsent().GetTerms()
	early := f.asked.At.Before(terms.GetObtainedAt().AsTime()) || !f.asked.Urgent && f.asked.At.Before(entry.GetRecordedAt().AsTime())
	switch {
	case early || f.asked.At.Before(terms.GetValidFrom().AsTime()):
		return amparov1.Reason_REASON_CONSENT_NOT_YET_VALID
	case !f.asked.At.Before(terms.GetExpiresAt().AsTime()):
		return amparov1.Reason_REASON_CONSENT_EXPIRED
	case terms.GetOnEvent() != amparov1.PersonStatus_PERSON_STATUS_UNSPECIFIED && !f.operative(entry.GetNumber()):
		return amparov1.Reason_REASON_CONSENT_AWAITS_EVENT
	default:
		return amparov1.Reason_REASON_UNSPECIFIED
	}
}

// operative reports whether what a consent waits for had befallen the person at the
// time; in a hurry it may be written down in the same breath.
func (f *finding) operative(number uint32) bool {
	return slices.ContainsFunc(f.entries[number:], func(entry *amparov1.LedgerEntry) bool {
		known := f.asked.Urgent || !entry.GetRecordedAt().AsTime().After(f.asked.At)
		return known && slices.Contains(entry.GetEvent().GetOperative(), number)
	})
}

// explain gives every reason why nothing covers a kind of data: the nos that stop it,
// and for each yes of the party why it does not reach or not count. Where one reaches the
// purpose and the recipient, those for others say nothing.
func (f *finding) explain(party uint32, category amparov1.DataCategory, latest *latestNo) {
	for _, number := range latest.entries {
		f.obstacle(party, whyNot(f.entries[number-1]), number)
	}
	near, all := false, f.entries
	if slices.ContainsFunc(f.yes, func(entry *amparov1.LedgerEntry) bool {
		return entry.GetConsent().GetTerms().GetParty().GetNumber() == party
	}) {
		all = f.yes
	}
	for _, entry := range all {
		terms := entry.GetConsent().GetTerms()
		if terms.GetAnswer() != given || terms.GetParty().GetNumber() != party {
			continue
		}
		reason := f.reaches(terms)
		if reason == amparov1.Reason_REASON_UNSPECIFIED && !slices.Contains(terms.GetCategories(), category) {
			reason = amparov1.Reason_REASON_DATA_CATEGORY_NOT_COVERED
		}
		if reason == amparov1.Reason_REASON_UNSPECIFIED && !latest.stops(entry) {
			reason = f.standing(entry)
		}
		if reason == amparov1.Reason_REASON_UNSPECIFIED || reason == amparov1.Reason_REASON_NO_CONSENT {
			continue
		}
		near = true
		f.obstacle(party, reason, entry.GetNumber())
	}
	if !near && len(latest.entries) == 0 {
		f.obstacle(party, amparov1.Reason_REASON_NO_CONSENT, 0)
	}
}

// rules are what would have to hold.
var rules = map[amparov1.Reason]struct{ field, rule string }{
	amparov1.Reason_REASON_NO_CONSENT:                {"disclosure.action", "is allowed by everybody whom it is about"},
	amparov1.Reason_REASON_CONSENT_WITHDRAWN:         {"disclosure.action", "has not been withdrawn"},
	amparov1.Reason_REASON_CONSENT_REFUSED:           {"disclosure.action", "has not been refused"},
	amparov1.Reason_REASON_DATA_CATEGORY_WITHHELD:    {"disclosure.action.categories", "holds nothing that is withheld from this recipient"},
	amparov1.Reason_REASON_DATA_CATEGORY_NOT_COVERED: {"disclosure.action.categories", "holds nothing but what was allowed"},
	amparov1.Reason_REASON_DATA_CATEGORY_MISSING:     {"disclosure.action.categories", "says which data"},
	amparov1.Reason_REASON_PURPOSE_NOT_COVERED:       {"disclosure.action.purpose", "is one that was allowed"},
	amparov1.Reason_REASON_RECIPIENT_NOT_COVERED:     {"disclosure.action.recipient", "is one that was allowed"},
	amparov1.Reason_REASON_CONSENT_NOT_YET_VALID:     {"disclosure.happened_at", "is not before the consent was given and written down, nor before it begins"},
	amparov1.Reason_REASON_CONSENT_EXPIRED:           {"disclosure.happened_at", "is before the consent expires"},
	amparov1.Reason_REASON_CONSENT_AWAITS_EVENT:      {"disclosure.action", "is allowed only once what the consent waits for has happened"},
}

// obstacle notes a reason, once for each party, with the entries that it rests on.
func (f *finding) obstacle(party uint32, reason amparov1.Reason, number uint32) {
	i := slices.IndexFunc(f.obstacles, func(o *amparov1.Obstacle) bool { return o.GetParty() == party && o.GetReason() == reason })
	if i < 0 {
		i = len(f.obstacles)
		f.obstacles = append(f.obstacles, &amparov1.Obstacle{Reason: reason, Field: rules[reason].field, Rule: rules[reason].rule, Party: party})
	}
	o := f.obstacles[i]
	if number > 0 && !slices.Contains(o.GetEntries(), number) {
		o.Entries = append(o.Entries, number)
		slices.Sort(o.Entries)
	}
}

// InForce are the consents that allow anything at all now, at least in part, by their
// numbers.
func InForce(entries []*amparov1.LedgerEntry, now time.Time) []uint32 {
	var nos []stop // the newest first, which most often reaches furthest
	for _, entry := range slices.Backward(entries) {
		nos = append(nos, stopsOf(entry)...)
	}
	var numbers []uint32
	for _, entry := range entries {
		if allowsAnything(entries, nos, entry, now) {
			numbers = append(numbers, entry.GetNumber())
		}
	}
	return numbers
}

func allowsAnything(entries []*amparov1.LedgerEntry, nos []stop, entry *amparov1.LedgerEntry, now time.Time) bool {
	terms := entry.GetConsent().GetTerms()
	f := &finding{entries: entries, asked: Asked{At: now}}
	if terms.GetAnswer() != given || f.standing(entry) != amparov1.Reason_REASON_UNSPECIFIED {
		return false
	}
	for _, purpose := range terms.GetPurposes() {
		for _, recipient := range terms.GetRecipients() {
			for _, category := range terms.GetCategories() {
				if !slices.ContainsFunc(nos, func(s stop) bool {
					return s.party == terms.GetParty().GetNumber() && s.reaches(purpose, recipient.GetNumber(), category) && outweighs(s.number, s.said, entry)
				}) {
					return true
				}
			}
		}
	}
	return false
}

// Operative are the consents that begin to count when something befalls the person: what
// they allowed in advance becomes operative on its event.
func Operative(entries []*amparov1.LedgerEntry, status amparov1.PersonStatus) []uint32 {
	f := &finding{entries: entries, asked: Asked{Urgent: true}} // at whatever time it befell them
	var numbers []uint32
	for _, entry := range entries {
		terms := entry.GetConsent().GetTerms()
		waits := status != amparov1.PersonStatus_PERSON_STATUS_UNSPECIFIED && terms.GetOnEvent() == status
		if terms.GetAnswer() == given && waits && !f.operative(entry.GetNumber()) {
			numbers = append(numbers, entry.GetNumber())
		}
	}
	return numbers
}
