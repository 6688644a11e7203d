package disclosure

import (
	"fmt"
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

// number gives the people of a planned action their numbers. It refuses, with every
// reason at once, an action without purpose, recipient or data, and people who are not
// known and do not say who they are.
func (a Act) number(planned *amparov1.PlannedAction, field string) (*amparov1.PlannedAction, error) {
	action, people := proto.CloneOf(planned), ledger.PeopleOf(a.Entries)
	var wrong []fault.Violation
	add := func(reason amparov1.Reason, at, rule string) {
		wrong = append(wrong, fault.Violation{Field: field + at, Rule: rule, Reason: reason})
	}
	if action.GetPurpose() == amparov1.Purpose_PURPOSE_UNSPECIFIED {
		add(amparov1.Reason_REASON_PURPOSE_MISSING, ".purpose", "says what for")
	}
	if len(action.GetCategories()) == 0 {
		add(amparov1.Reason_REASON_DATA_CATEGORY_MISSING, ".categories", "says which data")
	}
	if action.GetRecipient() == nil {
		add(amparov1.Reason_REASON_RECIPIENT_MISSING, ".recipient", "names one")
	} else if action.Recipient = people.Recipient(action.GetRecipient()); action.Recipient == nil {
		add(amparov1.Reason_REASON_RECIPIENT_UNKNOWN, ".recipient", "is known to the case, or has a name and says what they are")
	}
	about := action.GetAbout()
	if action != nil {
		action.About = nil
	}
	for i, one := range about {
		if ledger.Subject(one) {
			continue
		}
		numbered := people.Party(one)
		if numbered == nil {
			add(amparov1.Reason_REASON_RECIPIENT_UNKNOWN, fmt.Sprintf(".about[%d]", i), "is known to the case, or has a name")
			continue
		}
		action.About = append(action.About, numbered)
	}
	return action, fault.Fields(wrong)
}

// asked is what a planned action asks of the consents.
func (a Act) asked(action *amparov1.PlannedAction, at time.Time, hurried bool) consent.Asked {
	return consent.Asked{
		Purpose: action.GetPurpose(), Recipient: action.GetRecipient().GetNumber(), Categories: action.GetCategories(),
		About: ledger.Numbers(action.GetAbout()), At: at, Urgent: hurried,
	}
}

// check makes the entry of a do-no-harm check of an action whose people have numbers.
func (a Act) check(draft *amparov1.HarmDraft, action *amparov1.PlannedAction, hurried bool) (*amparov1.LedgerEntry, error) {
	harm := proto.CloneOf(draft)
	harm.Action = proto.CloneOf(action)
	return risk.CheckHarm(harm, risk.Standard{
		Level: a.Case.GetRiskLevel(), Approvals: policy.Demands(a.Policy, a.Case.GetRiskLevel()).GetApprovals(),
		Valid: policy.Wait(a.Policy.GetDisclosure().GetCheckValid()), Hurried: hurried,
	}, a.Now)
}

// basis makes the entry of a stated basis.
func (a Act) basis(draft *amparov1.BasisDraft) (*amparov1.LedgerEntry, error) {
	rule := policy.BasisOf(a.Policy, draft.GetBasis())
	if rule == nil {
		return nil, fault.Field(amparov1.Reason_REASON_BASIS_MISSING, "basis.basis", "is one of the policy's list")
	}
	action, err := a.number(draft.GetAction(), "basis.action")
	wrong := violationsOf(err)
	if !holds(rule.GetCategories(), action.GetCategories()) {
		wrong = append(wrong, fault.Violation{Field: "basis.action.categories", Rule: "is no more than the policy allows on this basis", Reason: amparov1.Reason_REASON_MORE_THAN_MINIMUM})
	}
	if draft.GetReason() == "" {
		wrong = append(wrong, fault.Violation{Field: "basis.reason", Rule: "says what demands it", Reason: amparov1.Reason_REASON_BASIS_MISSING})
	}
	if action.GetRecipient() != nil && !a.mayGoTo(draft, action) {
		wrong = append(wrong, fault.Violation{Field: "basis.action.recipient", Rule: "is one to whom this basis leads", Reason: amparov1.Reason_REASON_BASIS_OTHER_ACTION})
	}
	if !a.isOf(draft) {
		wrong = append(wrong, fault.Violation{Field: "basis.of", Rule: "is the number of the request or of the breach that it is about", Reason: amparov1.Reason_REASON_ENTRY_UNKNOWN})
	}
	if err := fault.Fields(wrong); err != nil {
		return nil, err
	}
	stated := proto.CloneOf(draft)
	stated.Action = action
	return &amparov1.LedgerEntry{Entry: &amparov1.LedgerEntry_Basis{Basis: &amparov1.StatedBasis{
		Draft: stated, LegalBasis: rule.GetLegalBasis(), ApprovalsNeeded: rule.GetApprovals(),
		ValidUntil: timestamppb.New(a.Now.Add(policy.Wait(a.Policy.GetDisclosure().GetCheckValid()))),
	}}}, nil
}

// isOf reports whether a basis names what it is about, where it must.
func (a Act) isOf(draft *amparov1.BasisDraft) bool {
	of := ledger.Find(a.Entries, draft.GetOf())
	switch draft.GetBasis() {
	case amparov1.ListedBasis_LISTED_BASIS_RETURN_OR_DELETE:
		return of.GetReturnRequest() != nil
	case amparov1.ListedBasis_LISTED_BASIS_BREACH_NOTICE:
		return of.GetBreach() != nil
	default:
		return draft.GetOf() == 0
	}
}

// mayGoTo reports whether a basis leads to a recipient: whoever holds what is asked back,
// for what they were given it; the person, or who speaks for them; the authority, or the
// person. Who is to have a report or answers an order, the law says.
func (a Act) mayGoTo(draft *amparov1.BasisDraft, action *amparov1.PlannedAction) bool {
	kind := action.GetRecipient().GetKind()
	switch draft.GetBasis() {
	case amparov1.ListedBasis_LISTED_BASIS_RETURN_OR_DELETE:
		request := ledger.Find(a.Entries, draft.GetOf()).GetReturnRequest()
		left := ledger.Find(a.Entries, request.GetDisclosure()).GetDisclosure().GetDraft().GetAction()
		return request == nil || request.GetRecipient() == action.GetRecipient().GetNumber() && left.GetPurpose() == action.GetPurpose()
	case amparov1.ListedBasis_LISTED_BASIS_SUBJECT_ACCESS:
		return kind == amparov1.RecipientKind_RECIPIENT_KIND_SUBJECT || kind == amparov1.RecipientKind_RECIPIENT_KIND_LAWYER || kind == amparov1.RecipientKind_RECIPIENT_KIND_FAMILY
	case amparov1.ListedBasis_LISTED_BASIS_BREACH_NOTICE:
		return kind == amparov1.RecipientKind_RECIPIENT_KIND_AUTHORITY || kind == amparov1.RecipientKind_RECIPIENT_KIND_SUBJECT
	default:
		return true
	}
}

// onListedBasis: a stated basis of this action to which as many agreed as the policy
// demands. It asks for no consent and no check: the law, or the person's own request,
// leaves no choice.
func (g *gate) onListedBasis() {
	if g.draft.GetAction().GetChannel() == amparov1.ContactChannel_CONTACT_CHANNEL_UNSPECIFIED {
		g.stand(amparov1.Reason_REASON_CHANNEL_UNSAFE, "disclosure.action.channel", "says by which way")
	}
	number := g.draft.GetBasis()
	if number == 0 {
		number = g.newestBasis()
	}
	entry := ledger.Find(g.act.Entries, number)
	basis := entry.GetBasis()
	if basis == nil {
		g.stand(amparov1.Reason_REASON_BASIS_MISSING, "disclosure.basis", "names a stated basis of this action")
		return
	}
	g.basis = number
	stated, action := basis.GetDraft().GetAction(), g.draft.GetAction()
	if stated.GetRecipient().GetNumber() != g.recipient || !holds(stated.GetCategories(), action.GetCategories()) ||
		!holds(ledger.Numbers(stated.GetAbout()), g.people) || stated.GetPurpose() != action.GetPurpose() {
		g.stand(amparov1.Reason_REASON_BASIS_OTHER_ACTION, "disclosure.basis", "is for this purpose, this recipient, these data and these people", number)
	}
	at := g.draft.GetHappenedAt().AsTime()
	if at.Before(entry.GetRecordedAt().AsTime()) {
		g.stand(amparov1.Reason_REASON_BASIS_MISSING, "disclosure.basis", "was stated before it left", number)
	}
	if !at.Before(basis.GetValidUntil().AsTime()) {
		g.stand(amparov1.Reason_REASON_BASIS_EXPIRED, "disclosure.basis", "is not too old", number)
	}
	if needed := g.act.basisApprovals(basis); ledger.Agreed(g.act.Entries, number, at) < needed {
		g.stand(amparov1.Reason_REASON_APPROVAL_MISSING, "disclosure.basis", fmt.Sprintf("is one to which %d beside its author had agreed", needed), number)
	}
}

// basisApprovals is how many others must agree to a stated basis: as many as the policy
// asked for when it was stated, and no fewer than it asks for now.
func (a Act) basisApprovals(basis *amparov1.StatedBasis) uint32 {
	if basis == nil {
		return 0
	}
	return max(basis.GetApprovalsNeeded(), policy.BasisOf(a.Policy, basis.GetDraft().GetBasis()).GetApprovals())
}

// newestBasis is the newest stated basis for the recipient.
func (g *gate) newestBasis() uint32 {
	for i := len(g.act.Entries); i > 0; i-- {
		entry := g.act.Entries[i-1]
		if entry.GetBasis() != nil && entry.GetBasis().GetDraft().GetAction().GetRecipient().GetNumber() == g.recipient {
			return entry.GetNumber()
		}
	}
	return 0
}

// violations are obstacles as a refusal names them. The entries stand in the rule, so
// that a client that shows only texts shows them too.
func violations(obstacles []*amparov1.Obstacle) []fault.Violation {
	var all []fault.Violation
	for _, o := range obstacles {
		v := fault.Violation{Field: o.GetField(), Rule: o.GetRule(), Reason: o.GetReason()}
		if o.GetParty() != 0 {
			v.Rule += fmt.Sprintf(" (person %d)", o.GetParty())
		}
		for i, number := range o.GetEntries() {
			if i == 0 {
				v.Rule += ": entry "
			} else {
				v.Rule += ", "
			}
			v.Rule += termID(number)
		}
		all = append(all, v)
	}
	return all
}

// violationsOf are what a refusal names; none for no refusal.
func violationsOf(err error) []fault.Violation {
	if err == nil {
		return nil
	}
	return fault.As(err).Violations
}

// obstaclesOf are what a refused check stands in the way with.
func obstaclesOf(err error) []*amparov1.Obstacle {
	var all []*amparov1.Obstacle
	for _, v := range violationsOf(err) {
		all = append(all, &amparov1.Obstacle{Reason: v.Reason, Field: "disclosure." + v.Field, Rule: v.Rule})
	}
	return all
}
