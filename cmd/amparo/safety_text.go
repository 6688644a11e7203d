package main

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// advice writes how to reach the person: what befell them and what they wished, and
// then each contact with the time there before its number. A contact that is not to be
// used says so before anything else, and its number comes last.
func (p *page) advice(advice *amparov1.SafetyAdvice) {
	if advice == nil {
		return
	}
	p.heading("How to reach the person")
	if status := word(advice.GetStatus()); status != "" {
		text := strings.ToUpper(status) + " since " + p.at(advice.GetStatusAt())
		p.entryPainted("status", p.paint("1;31", text))
	}
	if wish := advice.GetInstruction(); wish != nil {
		p.entry("wished for this", wish.GetText())
		if wish.GetProxy() != 0 {
			p.entry("turn to", fmt.Sprintf("contact %d", wish.GetProxy()))
		}
	}
	p.minding(advice.GetWarnings())
	for _, one := range advice.GetContacts() {
		p.contact(one)
	}
}

// minding writes warnings, each in capitals where it can cost somebody dearly.
func (p *page) minding(warnings []amparov1.SafetyWarning) {
	for _, w := range warnings {
		p.entryPainted("mind", p.paint("1;31", cmp.Or(warningTexts[w], word(w))))
	}
}

var warningTexts = map[amparov1.SafetyWarning]string{
	amparov1.SafetyWarning_SAFETY_WARNING_DO_NOT_USE:               "DO NOT USE this contact",
	amparov1.SafetyWarning_SAFETY_WARNING_SUSPECTED_HOSTILE:        "SUSPECTED TO BE IN HOSTILE HANDS: name neither staff nor hosts",
	amparov1.SafetyWarning_SAFETY_WARNING_OUTSIDE_SAFE_HOURS:       "NOT A SAFE HOUR there",
	amparov1.SafetyWarning_SAFETY_WARNING_TIME_UNKNOWN:             "safe hours were named, but the time there is not known",
	amparov1.SafetyWarning_SAFETY_WARNING_NOT_DIRECTLY:             "the person is NOT CONTACTED DIRECTLY: it was refused, or not asked",
	amparov1.SafetyWarning_SAFETY_WARNING_UNVERIFIED:               "nobody has proven whose contact this is",
	amparov1.SafetyWarning_SAFETY_WARNING_LEAVE_NO_MESSAGE:         "LEAVE NO MESSAGE",
	amparov1.SafetyWarning_SAFETY_WARNING_DO_NOT_NAME_ORGANISATION: "DO NOT NAME THE ORGANISATION",
	amparov1.SafetyWarning_SAFETY_WARNING_NO_CONTACT:               "NO CONTACT may be used",
	amparov1.SafetyWarning_SAFETY_WARNING_CHANGE_WAITS:             "a change waits for its proof; see: amparo case safety",
	amparov1.SafetyWarning_SAFETY_WARNING_STATUS_UNCONFIRMED:       "what befell the person rests on one source",
	amparov1.SafetyWarning_SAFETY_WARNING_INTERPRETER_NOT_VETTED:   "the interpreter was not vetted",
	amparov1.SafetyWarning_SAFETY_WARNING_INTERPRETER_EXCLUDED:     "the person DOES NOT WANT this interpreter",
	amparov1.SafetyWarning_SAFETY_WARNING_NO_EMERGENCY:             "an interpreter who was not vetted is for an emergency",
}

func (p *page) contact(advice *amparov1.ContactAdvice) {
	c := advice.GetContact()
	draft := c.GetContact()
	out := c.GetUse() == amparov1.ContactUse_CONTACT_USE_DO_NOT_USE
	p.heading(fmt.Sprintf("Contact %d: %s", c.GetNumber(), word(draft.GetKind())) + yes(out, " *** DO NOT USE ***"))
	p.entry("there now", strings.TrimPrefix(advice.GetLocalTime()+", "+p.safeHours(advice), ", "))
	p.minding(advice.GetWarnings())
	if out {
		p.entry("not since", p.at(c.GetNotSince())+", "+word(c.GetWhyNot()))
	}
	p.entry("name", draft.GetName())
	p.entry("relation", draft.GetRelation())
	p.entry("may be told", topics(draft.GetMayTell()))
	p.fields(draft.GetWay().ProtoReflect(), "")
	p.entry("verification", word(c.GetVerification()))
	if c.GetReachedAt() != nil {
		p.entry("last reached", p.ago(c.GetReachedAt()))
	}
}

func (p *page) safeHours(advice *amparov1.ContactAdvice) string {
	switch advice.GetSafeHours() {
	case amparov1.SafeHours_SAFE_HOURS_NOW:
		return "a safe hour"
	case amparov1.SafeHours_SAFE_HOURS_NOT_NOW:
		text := "NOT a safe hour"
		if advice.GetSafeFrom() != nil {
			text += "; the next begins " + p.at(advice.GetSafeFrom()) + " here"
		}
		return text
	case amparov1.SafeHours_SAFE_HOURS_UNKNOWN:
		return "whether it is a safe hour is not known"
	default:
		return "no hours were named"
	}
}

func topics(may []amparov1.ContactTopic) string {
	if len(may) == 0 {
		return "nothing but that we call again"
	}
	words := make([]string, len(may))
	for i, topic := range may {
		words[i] = word(topic)
	}
	return listed(words)
}

// safety writes the whole record after the advice: what was reported, and the changes
// that wait.
func (p *page) safety(answer *amparov1.GetSafetyResponse) {
	p.advice(answer.GetAdvice())
	held := answer.GetSafety()
	for _, r := range held.GetReports() {
		p.message(fmt.Sprintf("Report %d", r.GetNumber()), r)
	}
	for _, c := range held.GetChanges() {
		if c.GetStanding() == amparov1.ChangeStanding_CHANGE_STANDING_PENDING {
			p.message(fmt.Sprintf("Change %d, NOT PROVEN: use nothing of it", c.GetNumber()), c)
		}
	}
	p.message("Payee", held.GetPayee())
	p.message("Wishes", held.GetInstructions())
	for _, sign := range held.GetDuressSigns() {
		p.message("Sign of duress", sign)
	}
}

func numbers(all []uint32) string {
	words := make([]string, len(all))
	for i, n := range all {
		words[i] = strconv.FormatUint(uint64(n), 10)
	}
	return listed(words)
}
