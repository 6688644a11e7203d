package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// ledger writes a page of a ledger, each entry with its number, what it is, whether it
// counts now, and who allowed or sent what to whom until when.
func (p *page) ledger(answer *amparov1.ListConsentsResponse) {
	if len(answer.GetEntries()) == 0 {
		p.line("no entry")
		return
	}
	l := &ledgerPage{page: p, names: namesOf(answer.GetEntries()), inForce: answer.GetInForce()}
	for i, entry := range answer.GetEntries() {
		if i > 0 {
			p.line()
		}
		l.entryOf(entry)
	}
	if before := answer.GetNextBefore(); before != 0 {
		p.line()
		p.line("more with: --before " + decimal(before))
	}
}

// ledgerPage is a page with what its entries say of one another.
type ledgerPage struct {
	*page
	names   map[uint32]string // of recipients, as far as this page names them
	inForce []uint32          // consents
}

// indent sets what an entry says apart from its number.
const indent = "     "

func (l *ledgerPage) say(label, value string) { l.entry(indent+label, value) }

// entryOf writes one entry: a line of its own with what is seen first, and the rest
// below it.
func (l *ledgerPage) entryOf(entry *amparov1.LedgerEntry) {
	kind, standing, body := l.kind(entry)
	l.line(fmt.Sprintf("%4d", entry.GetNumber()), l.paint("1", kind), standing)
	body()
	l.say("recorded", l.ago(entry.GetRecordedAt())+yes(entry.GetRecordedById() != "", ", by "+entry.GetRecordedById()))
}

// kind is what an entry is, whether it counts now where that can be told from the entry
// itself, and what writes the rest.
func (l *ledgerPage) kind(entry *amparov1.LedgerEntry) (kind, standing string, body func()) {
	switch e := entry.GetEntry().(type) {
	case *amparov1.LedgerEntry_Consent:
		kind, standing = l.answered(entry)
		return kind, standing, func() { l.consent(e.Consent) }
	case *amparov1.LedgerEntry_Withdrawal:
		return "WITHDRAWAL", "", func() { l.withdrawal(e.Withdrawal) }
	case *amparov1.LedgerEntry_Settlement:
		return "SETTLEMENT of entry " + decimal(e.Settlement.GetDraft().GetWithdrawal()), "", func() { l.settlement(e.Settlement) }
	case *amparov1.LedgerEntry_Check:
		return "DO-NO-HARM CHECK: " + word(e.Check.GetDraft().GetResult()), l.until(e.Check), func() { l.check(e.Check) }
	case *amparov1.LedgerEntry_Basis:
		return "BASIS: " + word(e.Basis.GetDraft().GetBasis()), l.until(e.Basis), func() { l.basis(e.Basis) }
	case *amparov1.LedgerEntry_Approval:
		return "SECOND PERSON'S WORD for entry " + decimal(e.Approval.GetOf()), "", func() {}
	case *amparov1.LedgerEntry_Disclosure:
		return "LEFT THE CASE: " + word(e.Disclosure.GetDraft().GetTrack()) + " track", "", func() { l.disclosure(e.Disclosure) }
	case *amparov1.LedgerEntry_Event:
		return "EVENT: " + word(e.Event.GetKind()), "", func() { l.event(e.Event) }
	case *amparov1.LedgerEntry_ReturnRequest:
		return "TO BE ASKED BACK", "", func() { l.returnRequest(e.ReturnRequest) }
	case *amparov1.LedgerEntry_ReturnAnswer:
		return "ANSWER to entry " + decimal(e.ReturnAnswer.GetRequest()) + ": " + word(e.ReturnAnswer.GetOutcome()), "", func() { l.say("text", e.ReturnAnswer.GetText()) }
	case *amparov1.LedgerEntry_Breach:
		return "BREACH", "", func() { l.breach(indent, e.Breach.GetDraft()) }
	case *amparov1.LedgerEntry_Informed:
		return "THE PERSON WAS TOLD of entry " + decimal(e.Informed.GetOf()), "", func() { l.say("text", e.Informed.GetText()) }
	default:
		return "of a kind that this version does not know", "", func() {}
	}
}

// answered is whether a consent was given, and whether it is in force now: of that the
// service is the judge, and the dates only say why not.
func (l *ledgerPage) answered(entry *amparov1.LedgerEntry) (kind, standing string) {
	terms := entry.GetConsent().GetTerms()
	if terms.GetAnswer() != amparov1.ConsentAnswer_CONSENT_ANSWER_GIVEN {
		return "CONSENT " + strings.ToUpper(word(terms.GetAnswer())), ""
	}
	switch {
	case slices.Contains(l.inForce, entry.GetNumber()):
		standing = l.paint("1;32", "IN FORCE")
	case !terms.GetExpiresAt().AsTime().After(l.now):
		standing = l.paint("33", "expired")
	case terms.GetValidFrom().AsTime().After(l.now):
		standing = l.paint("33", "not valid yet")
	default:
		standing = l.paint("1;31", "NOT IN FORCE")
	}
	return "CONSENT GIVEN", standing
}

// dated is an entry that grows old.
type dated interface {
	GetValidUntil() *timestamppb.Timestamp
	GetApprovalsNeeded() uint32
}

// until says for how long an entry is good; what has happened since, and who has agreed,
// stands in the entries after it.
func (l *ledgerPage) until(d dated) string {
	if !d.GetValidUntil().AsTime().After(l.now) {
		return l.paint("33", "too old")
	}
	return "good until " + l.at(d.GetValidUntil())
}

func (l *ledgerPage) agreed(d dated) {
	if n := d.GetApprovalsNeeded(); n > 0 {
		l.say("others to agree", decimal(n))
	}
}

func (l *ledgerPage) consent(c *amparov1.Consent) {
	terms := c.GetTerms()
	if terms.GetParty() != nil {
		l.say("of", party(terms.GetParty()))
	}
	l.say("for", words(terms.GetPurposes()))
	l.list(indent+"to", recipients(terms.GetRecipients()))
	l.say("data", words(terms.GetCategories()))
	for _, w := range terms.GetWithheld() {
		l.say("WITHHELD", word(w.GetCategory())+" from "+cmp.Or(recipient(w.GetFrom()), "everybody")+": "+word(w.GetReason())+yes(w.GetText() != "", ", "+w.GetText()))
	}
	l.giver(terms.GetGiver())
	l.say("how", strings.TrimPrefix(word(terms.GetMethod())+yes(terms.GetWitness() != "", ", witness "+terms.GetWitness())+", said "+l.at(terms.GetObtainedAt()), ", "))
	l.told(terms)
	if terms.GetExpiresAt() != nil {
		l.say("valid", l.at(terms.GetValidFrom())+" until "+l.at(terms.GetExpiresAt()))
	}
	l.say("only once", word(terms.GetOnEvent()))
	l.child(terms.GetChild())
	l.flags(indent, c)
	l.say("text", terms.GetText())
}

func (l *ledgerPage) giver(g *amparov1.ConsentGiver) {
	if g.GetKind() == amparov1.GiverKind_GIVER_KIND_SELF {
		l.say("said by", "the person")
		return
	}
	l.say("said by", strings.TrimSuffix(word(g.GetKind())+": "+named(g.GetName(), g.GetRelation()), ": "))
	l.say("not themselves", word(g.GetWhyNotSelf()))
	if authority := g.GetAuthority(); authority != nil {
		l.say("authority", strings.TrimSuffix(word(authority.GetKind())+": "+authority.GetDescription(), ": "))
		l.say("decided", l.at(authority.GetDecidedAt()))
	}
}

// told writes what the person was told, and what was noticed while they answered.
func (l *ledgerPage) told(terms *amparov1.ConsentTerms) {
	if s := terms.GetTold().GetStatement(); s != nil {
		l.say("told", strings.TrimSuffix(fmt.Sprintf("%s, version %d, %s", s.GetId(), s.GetVersion(), s.GetLanguage()), ", "))
	}
	l.say("spoken", terms.GetTold().GetLanguage())
	l.say("interpreter", terms.GetTold().GetInterpreterId()+yes(terms.GetTold().GetUnvettedInterpreter(), "NOT VETTED: "+terms.GetTold().GetInterpreterReason()))
	l.say("risks named", terms.GetQuality().GetRisks())
	l.say("pressures", terms.GetQuality().GetPressures())
}

func (l *ledgerPage) child(c *amparov1.ChildConsent) {
	l.say("the child", word(c.GetAnswer())+yes(c.GetMethod() != 0, ", "+word(c.GetMethod())))
	l.say("no caregiver", word(c.GetWhyNoCaregiver()))
	l.say("best interests", c.GetBestInterests())
	l.say("views", c.GetViews())
	l.say("maturity", c.GetMaturity())
}

func (l *ledgerPage) withdrawal(w *amparov1.Withdrawal) {
	draft := w.GetDraft()
	l.say("of consent", entryOrNone(draft.GetConsent()))
	if w.GetParty() != 0 {
		l.say("of", "person "+decimal(w.GetParty()))
	}
	l.say("for", cmp.Or(words(w.GetPurposes()), "every purpose"))
	l.say("to", cmp.Or(l.numbered(w.GetRecipients()), "everybody"))
	l.say("data", cmp.Or(words(w.GetCategories()), "all"))
	l.say("said", strings.Join(slices.DeleteFunc([]string{word(draft.GetSaidBy()), word(draft.GetChannel()), l.at(draft.GetSaidAt())}, func(s string) bool { return s == "" }), ", "))
	if draft.GetSuspectedCoercion() {
		l.entryPainted(indent+"mind", l.paint("1;31", "somebody may have MADE THEM SAY IT"))
	}
	l.say("text", draft.GetText())
}

func (l *ledgerPage) settlement(s *amparov1.Settlement) {
	switch {
	case s.GetLapsed():
		l.say("decided", "it stands: nobody had settled it in time")
	case s.GetDraft().GetStands():
		l.say("decided", "it stands, said over contact "+decimal(s.GetDraft().GetContact()))
	default:
		l.say("decided", "not their wish, said over contact "+decimal(s.GetDraft().GetContact()))
	}
	l.say("text", s.GetDraft().GetText())
}
