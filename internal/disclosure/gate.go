package disclosure

import (
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/consent"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/ledger"
	"github.com/amparo-project/amparo/internal/policy"
	"github.com/amparo-project/amparo/internal/risk"
)

const (
	ordinary = amparov1.DisclosureTrack_DISCLOSURE_TRACK_ORDINARY
	urgent   = amparov1.DisclosureTrack_DISCLOSURE_TRACK_URGENT
	vital    = amparov1.DisclosureTrack_DISCLOSURE_TRACK_VITAL_INTERESTS
	listed   = amparov1.DisclosureTrack_DISCLOSURE_TRACK_LISTED
)

// Disclose is the gate. It adds what leaves, with the check that was made in the same
// breath on a track that leaves no time, or refuses with every reason that stands in
// the way, each with the entries that it rests on.
//
// A time that is past is held to what was in force then and to everything that has been
// recorded since: a withdrawal that was written down first stops it, also when it says
// that it came earlier. What has left all the same is a breach, and can always be
// recorded as one.
func (a Act) Disclose(draft *amparov1.DisclosureDraft) (Added, error) {
	g := a.look(draft)
	if len(g.obstacles) > 0 {
		return Added{}, fault.Fields(violations(g.obstacles))
	}
	d := &amparov1.Disclosure{Draft: g.draft, Consents: g.consents, Check: g.check, Basis: g.basis, Level: a.Case.GetRiskLevel()}
	entry := g.add(&amparov1.LedgerEntry{Entry: &amparov1.LedgerEntry_Disclosure{Disclosure: d}})
	happened := g.draft.GetHappenedAt().AsTime()
	if g.alone() {
		d.SecondDueAt = timestamppb.New(g.due(amparov1.TermKind_TERM_KIND_COUNTERSIGNATURE, happened))
		g.starts(amparov1.TermKind_TERM_KIND_COUNTERSIGNATURE, entry.GetNumber(), happened)
	}
	if g.draft.GetTrack() == vital {
		g.starts(amparov1.TermKind_TERM_KIND_DUTY_TO_INFORM, entry.GetNumber(), happened)
	}
	g.answers(entry)
	return g.end(amparov1.TimelineKind_TIMELINE_KIND_DISCLOSURE)
}

// Decide asks the gate without passing it.
func (a Act) Decide(draft *amparov1.DisclosureDraft) *amparov1.Decision {
	g := a.look(draft)
	d := &amparov1.Decision{Allowed: len(g.obstacles) == 0, Obstacles: g.obstacles, Consents: g.consents, Check: g.check, Basis: g.basis}
	if int(d.GetCheck()) > len(a.Entries) {
		d.Check = 0 // it would be made with the disclosure
	}
	return d
}

// gate is one look at something that is to leave.
type gate struct {
	*step
	draft     *amparov1.DisclosureDraft // a copy, with its people numbered
	people    []uint32                  // concerned beside the person of the case
	recipient uint32
	consents  []uint32
	check     uint32
	basis     uint32
	obstacles []*amparov1.Obstacle
}

func (g *gate) stand(reason amparov1.Reason, field, rule string, entries ...uint32) {
	g.obstacles = append(g.obstacles, &amparov1.Obstacle{Reason: reason, Field: field, Rule: rule, Entries: entries})
}

// look gathers everything that stands in the way of a draft.
func (a Act) look(draft *amparov1.DisclosureDraft) *gate {
	g := &gate{step: a.begin(), draft: proto.CloneOf(draft)}
	if g.draft.GetTrack() == amparov1.DisclosureTrack_DISCLOSURE_TRACK_UNSPECIFIED {
		g.draft.Track = ordinary
	}
	if g.draft.GetAction() == nil {
		g.draft.Action = &amparov1.PlannedAction{}
	}
	g.when()
	g.whom()
	switch g.draft.GetTrack() {
	case urgent:
		g.urgently()
	case vital:
		g.forVitalInterests()
	case listed:
		g.onListedBasis()
	default:
		g.ordinarily()
	}
	return g
}

// when fills in when it happened.
func (g *gate) when() {
	at, possible := ledger.Said(g.draft.GetHappenedAt(), g.act.Now)
	if !possible {
		g.stand(amparov1.Reason_REASON_VALIDITY_IMPOSSIBLE, "disclosure.happened_at", "is not in the future, nor before 2000")
	}
	g.draft.HappenedAt = timestamppb.New(at)
}

// whom numbers recipient and people. Somebody whom the ledger does not know has been
// allowed nothing; on a track without consent they become known by what leaves.
func (g *gate) whom() {
	action, people := g.draft.GetAction(), ledger.PeopleOf(g.act.Entries)
	if action.GetPurpose() == amparov1.Purpose_PURPOSE_UNSPECIFIED {
		g.stand(amparov1.Reason_REASON_PURPOSE_MISSING, "disclosure.action.purpose", "says what for")
	}
	if action.GetRecipient() == nil {
		g.recipient = ledger.Unknown
		g.stand(amparov1.Reason_REASON_RECIPIENT_MISSING, "disclosure.action.recipient", "names one")
	} else if g.recipient = people.FindRecipient(action.GetRecipient()); g.recipient != ledger.Unknown || g.draft.GetTrack() == vital {
		if action.Recipient = people.Recipient(action.GetRecipient()); action.Recipient == nil {
			g.stand(amparov1.Reason_REASON_RECIPIENT_UNKNOWN, "disclosure.action.recipient", "is known to the case, or has a name and says what they are")
		} else {
			g.recipient = action.GetRecipient().GetNumber()
		}
	}
	if len(action.GetCategories()) == 0 {
		g.stand(amparov1.Reason_REASON_DATA_CATEGORY_MISSING, "disclosure.action.categories", "says which data")
	}
	g.about(people)
}

// about numbers those beside the person of the case.
func (g *gate) about(people *ledger.People) {
	named := g.draft.GetAction().GetAbout()
	g.draft.Action.About = nil
	for i, one := range named {
		if ledger.Subject(one) {
			continue
		}
		var known *amparov1.Party
		if people.FindParty(one) != ledger.Unknown || g.draft.GetTrack() == vital {
			known = people.Party(one)
		}
		if known == nil {
			g.stand(amparov1.Reason_REASON_RECIPIENT_UNKNOWN, fmt.Sprintf("disclosure.action.about[%d]", i), "is known to the case")
			continue
		}
		g.draft.Action.About = append(g.draft.Action.About, known)
		g.people = append(g.people, known.GetNumber())
	}
}

// ordinarily: a consent in force of everybody concerned, a do-no-harm check of this
// action to which as many agreed as the level demands, and what else the level demands.
func (g *gate) ordinarily() {
	if g.draft.GetHarm() != nil {
		g.stand(amparov1.Reason_REASON_HARM_CHECK_OTHER_ACTION, "disclosure.harm", "comes only with what leaves no time: make the check before")
	}
	g.consented(false)
	g.checked(g.draft.GetCheck(), false)
	g.demanded(policy.Demands(g.act.Policy, g.act.Case.GetRiskLevel()))
}

// demanded holds what leaves to what the policy demands at the level of risk: a way that
// is safe enough, and of the data that the level holds back none but those of which
// somebody says why less is not enough. How many must agree is asked of the check. What
// leaves no time is not held to it: an ambulance is called over whatever line there is.
func (g *gate) demanded(level *amparov1.LevelPolicy) {
	action := g.draft.GetAction()
	if channel := action.GetChannel(); channel == amparov1.ContactChannel_CONTACT_CHANNEL_UNSPECIFIED || !policy.MayLeaveBy(level, channel) {
		g.stand(amparov1.Reason_REASON_CHANNEL_UNSAFE, "disclosure.action.channel", "is a way that the policy allows at this level of risk")
	}
	for _, category := range action.GetCategories() {
		justified := slices.ContainsFunc(g.draft.GetNecessities(), func(n *amparov1.Necessity) bool { return n.GetCategory() == category })
		if slices.Contains(level.GetHeldBack(), category) && !justified {
			g.stand(amparov1.Reason_REASON_REDACTION_NEEDED, "disclosure.necessities", "says why less is not enough for what the level of risk holds back")
			return
		}
	}
}

// urgently: one person on shift, a recorded consent, one recipient, the least that
// helps, and the short check. A second person signs within a day.
func (g *gate) urgently() {
	if !g.act.OnShift {
		g.stand(amparov1.Reason_REASON_NOT_ON_SHIFT, "disclosure.track", "is taken by somebody who is on shift for the case's office")
	}
	g.consented(true)
	g.least()
	g.checkedNow()
}

// forVitalInterests: no consent, since a life hangs on it (GDPR, articles 6(1)(d) and
// 9(2)(c)); a reason, an end, the least that helps, the short check. A second person
// signs within a day, and the person is told. More may go to the same recipient on the
// same act until it ends.
func (g *gate) forVitalInterests() {
	act := g.draft.GetVital()
	if under := act.GetUnder(); under != 0 {
		g.underAct(under)
	} else {
		at := g.draft.GetHappenedAt().AsTime()
		if act.GetReason() == "" {
			g.stand(amparov1.Reason_REASON_VITAL_REASON_MISSING, "disclosure.vital.reason", "says why a life hangs on it")
		}
		longest := policy.Wait(g.act.Policy.GetDisclosure().GetVitalAct())
		if end := act.GetExpiresAt(); end == nil || !end.AsTime().After(at) || end.AsTime().Sub(at) > longest {
			g.stand(amparov1.Reason_REASON_VALIDITY_IMPOSSIBLE, "disclosure.vital.expires_at", "is after it happened, and no later than the policy allows")
		}
	}
	g.least()
	g.checkedNow()
}

// underAct: an earlier act for vital interests that has not ended, for the same
// purpose and recipient, and no more data or people than that.
func (g *gate) underAct(number uint32) {
	earlier := ledger.Find(g.act.Entries, number).GetDisclosure()
	was, is := earlier.GetDraft().GetAction(), g.draft.GetAction()
	if earlier.GetDraft().GetTrack() != vital || earlier.GetDraft().GetVital().GetUnder() != 0 {
		g.stand(amparov1.Reason_REASON_ENTRY_UNKNOWN, "disclosure.vital.under", "is the number of a disclosure for vital interests that began an act")
		return
	}
	if was.GetPurpose() != is.GetPurpose() || was.GetRecipient().GetNumber() != g.recipient ||
		!holds(was.GetCategories(), is.GetCategories()) || !holds(ledger.Numbers(was.GetAbout()), g.people) {
		g.stand(amparov1.Reason_REASON_MORE_THAN_MINIMUM, "disclosure.action", "is no more than that act was for", number)
	}
	at := g.draft.GetHappenedAt().AsTime()
	if due := earlier.GetSecondDueAt().AsTime(); at.After(due) && ledger.Agreed(g.act.Entries, number, at) == 0 {
		g.stand(amparov1.Reason_REASON_SECOND_PERSON_NEEDED, "disclosure.vital.under", "is an act that a second person has signed", number)
	}
	if !at.Before(earlier.GetDraft().GetVital().GetExpiresAt().AsTime()) {
		g.stand(amparov1.Reason_REASON_BASIS_EXPIRED, "disclosure.happened_at", "is before that act ends", number)
	}
}

func holds[T comparable](all, some []T) bool {
	return !slices.ContainsFunc(some, func(one T) bool { return !slices.Contains(all, one) })
}

// least: only what helps at once may leave on a track that leaves no time.
func (g *gate) least() {
	if !holds(g.act.Policy.GetDisclosure().GetMinimum().GetCategories(), g.draft.GetAction().GetCategories()) {
		g.stand(amparov1.Reason_REASON_MORE_THAN_MINIMUM, "disclosure.action.categories", "is no more than the policy takes for the least that helps")
	}
	if g.draft.GetAction().GetChannel() == amparov1.ContactChannel_CONTACT_CHANNEL_UNSPECIFIED {
		g.stand(amparov1.Reason_REASON_CHANNEL_UNSAFE, "disclosure.action.channel", "says by which way")
	}
}

// consented asks for everybody's consent, in the case where all that was said about it
// comes together.
func (g *gate) consented(hurried bool) {
	if g.act.Case.GetMergedIntoId() != "" {
		g.stand(amparov1.Reason_REASON_STATE_FORBIDS, "case_id", "is the case that goes on: what was taken back there is not known here")
	}
	asked := consent.Asked{
		Purpose: g.draft.GetAction().GetPurpose(), Recipient: g.recipient, Categories: g.draft.GetAction().GetCategories(),
		About: g.people, At: g.draft.GetHappenedAt().AsTime(), Urgent: hurried,
	}
	consents, obstacles := consent.Decide(g.act.Entries, asked)
	g.consents = consents
	g.obstacles = append(g.obstacles, obstacles...)
}

// checked asks for a check that allows the action.
func (g *gate) checked(number uint32, hurried bool) {
	found, obstacles := risk.Allows(g.all, number, risk.Planned{
		Purpose: g.draft.GetAction().GetPurpose(), Recipient: g.recipient, Categories: g.draft.GetAction().GetCategories(),
		About: g.people, Channel: g.draft.GetAction().GetChannel(), At: g.draft.GetHappenedAt().AsTime(), Hurried: hurried,
		Approvals: policy.Demands(g.act.Policy, g.act.Case.GetRiskLevel()).GetApprovals(),
	})
	g.check = found
	g.obstacles = append(g.obstacles, obstacles...)
}

// checkedNow makes the check that was brought along, or takes an earlier one.
func (g *gate) checkedNow() {
	number := g.draft.GetCheck()
	if harm := g.draft.GetHarm(); harm != nil {
		g.draft.Harm = nil // it becomes an entry of its own
		entry, err := g.act.check(harm, g.draft.GetAction(), true)
		if err != nil {
			g.obstacles = append(g.obstacles, obstaclesOf(err)...)
			return
		}
		if g.recipient == ledger.Unknown {
			return // nothing that was checked can be of somebody who is nobody yet
		}
		number = g.add(entry).GetNumber()
	}
	g.checked(number, true)
}

// alone reports whether one person alone lets it leave, so that a second one must sign.
func (g *gate) alone() bool {
	return g.draft.GetTrack() == urgent || g.draft.GetTrack() == vital && g.draft.GetVital().GetUnder() == 0
}

// due is when a term that begins at an instant is due, by the book in force.
func (s *step) due(kind amparov1.TermKind, base time.Time) time.Time {
	rule, _ := s.act.Book.Rule(kind, s.act.Case.GetRiskLevel())
	if length, elapsed := rule.Length.Elapsed(); elapsed {
		return base.Add(length)
	}
	return s.act.Book.Calendar.Due(base, rule.Length)
}
