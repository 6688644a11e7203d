package main

import (
	"fmt"
	"strings"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// action writes what is to leave, or has left, to whom and about whom.
func (l *ledgerPage) action(a *amparov1.PlannedAction) {
	l.say("for", word(a.GetPurpose()))
	l.say("to", recipient(a.GetRecipient()))
	l.say("data", words(a.GetCategories()))
	l.list(indent+"about", parties(a.GetAbout()))
	l.say("channel", word(a.GetChannel()))
}

func (l *ledgerPage) check(c *amparov1.HarmCheck) {
	l.action(c.GetDraft().GetAction())
	l.say("form", yes(c.GetShortForm(), "short, for what cannot wait"))
	l.say("risk then", word(c.GetLevel()))
	l.agreed(c)
	l.answers(c.GetDraft().GetAnswers())
	l.say("text", c.GetDraft().GetText())
}

// answers writes the questions by their answers, so that twelve take three lines, and
// below them what was said to one of them.
func (l *ledgerPage) answers(all []*amparov1.HarmAnswer) {
	for _, reply := range []amparov1.HarmReply{amparov1.HarmReply_HARM_REPLY_YES, amparov1.HarmReply_HARM_REPLY_NO, amparov1.HarmReply_HARM_REPLY_UNKNOWN} {
		var questions []string
		for _, answer := range all {
			if answer.GetReply() == reply {
				questions = append(questions, word(answer.GetQuestion()))
			}
		}
		l.say(word(reply), listed(questions))
	}
	for _, answer := range all {
		if answer.GetNote() != "" {
			l.say("note", word(answer.GetQuestion())+": "+answer.GetNote())
		}
		if answer.GetMitigation() != "" {
			l.say("against it", word(answer.GetQuestion())+": "+answer.GetMitigation())
		}
	}
}

func (l *ledgerPage) basis(b *amparov1.StatedBasis) {
	draft := b.GetDraft()
	l.action(draft.GetAction())
	l.say("in law", b.GetLegalBasis())
	l.say("because", draft.GetReason())
	l.say("reference", draft.GetReference())
	l.say("of entry", entryOrNone(draft.GetOf()))
	l.agreed(b)
}

func (l *ledgerPage) disclosure(d *amparov1.Disclosure) {
	draft := d.GetDraft()
	l.action(draft.GetAction())
	l.say("left", l.at(draft.GetHappenedAt()))
	l.restsOn(indent, d)
	l.say("risk then", word(d.GetLevel()))
	if d.GetSecondDueAt() != nil {
		l.say("sign until", l.at(d.GetSecondDueAt()))
	}
	l.say("vital because", draft.GetVital().GetReason())
	l.say("vital until", l.at(draft.GetVital().GetExpiresAt()))
	l.say("under", entryOrNone(draft.GetVital().GetUnder()))
	for _, n := range draft.GetNecessities() {
		l.say("needed", word(n.GetCategory())+": "+n.GetWhy())
	}
	for _, document := range draft.GetDocuments() {
		l.say("document", strings.TrimSpace(document.GetTitle()+" "+fmt.Sprintf("%x", document.GetHash())))
	}
	l.say("text", draft.GetText())
}

func (l *ledgerPage) event(e *amparov1.LedgerEvent) {
	l.say("befell", word(e.GetStatus()))
	l.say("at", l.at(e.GetAt()))
	l.say("counts from now", numbers(e.GetOperative()))
}

func (l *ledgerPage) returnRequest(r *amparov1.ReturnRequest) {
	l.say("from", l.numbered([]uint32{r.GetRecipient()}))
	l.say("what left", decimal(r.GetDisclosure()))
	l.say("because of", decimal(r.GetBecauseOf()))
	l.say("answer due", l.at(r.GetAnswerDueAt()))
}

// numbered names recipients by what this page knows of their numbers.
func (l *ledgerPage) numbered(all []uint32) string {
	var out []string
	for _, number := range all {
		out = append(out, strings.TrimSpace(decimal(number)+" "+l.names[number]))
	}
	return listed(out)
}

// namesOf are the names of the recipients whom entries name, by their numbers.
func namesOf(entries []*amparov1.LedgerEntry) map[uint32]string {
	names := map[uint32]string{}
	for _, entry := range entries {
		all := append([]*amparov1.Recipient{
			entry.GetCheck().GetDraft().GetAction().GetRecipient(), entry.GetBasis().GetDraft().GetAction().GetRecipient(),
			entry.GetDisclosure().GetDraft().GetAction().GetRecipient(), entry.GetBreach().GetDraft().GetRecipient(),
		}, entry.GetConsent().GetTerms().GetRecipients()...)
		for _, w := range entry.GetConsent().GetTerms().GetWithheld() {
			all = append(all, w.GetFrom())
		}
		for _, r := range all {
			names[r.GetNumber()] = r.GetName()
		}
	}
	return names
}

// recipient is somebody to whom something may go: number, name, and what they are.
func recipient(r *amparov1.Recipient) string {
	if r == nil {
		return ""
	}
	what := word(r.GetKind()) + yes(r.GetOrganisation() != "", ", "+r.GetOrganisation()) + yes(r.GetCountry() != "", ", "+r.GetCountry()) +
		yes(r.GetAgreement() != "", ", bound by "+r.GetAgreement())
	return strings.TrimSpace(entryOrNone(r.GetNumber()) + " " + named(r.GetName(), what))
}

func recipients(all []*amparov1.Recipient) []string {
	var out []string
	for _, r := range all {
		out = append(out, recipient(r))
	}
	return out
}

// party is somebody beside the person of the case.
func party(one *amparov1.Party) string {
	born := one.GetBirthDate()
	if born == "" {
		born = word(one.GetAgeGroup())
	}
	what := strings.TrimPrefix(word(one.GetKind())+yes(born != "", ", "+born), ", ")
	return strings.TrimSpace("person " + entryOrNone(one.GetNumber()) + " " + named(one.GetName(), what))
}

func parties(all []*amparov1.Party) []string {
	var out []string
	for _, one := range all {
		out = append(out, party(one))
	}
	return out
}

// named is a name with what its bearer is; either may be missing.
func named(name, what string) string {
	if what == "" {
		return name
	}
	return strings.TrimSpace(name + " (" + what + ")")
}
