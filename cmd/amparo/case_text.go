package main

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/vocabulary"
)

// receipt writes where a case stands: risk and due time first.
func (p *page) receipt(r *amparov1.CaseReceipt) {
	p.line(p.risk(r.GetRiskLevel()), p.nextTerm(r.GetNextTerm()))
	p.entry("case", r.GetCaseId())
	p.entry("pseudonym", r.GetPseudonym())
	p.entry("state", word(r.GetState()))
	if lower := word(r.GetRiskLevelProposed()); lower != "" {
		p.entry("waits", "a second person must confirm "+lower)
	}
}

func (p *page) nextTerm(t *amparov1.Term) string {
	if t == nil {
		return ""
	}
	return word(t.GetKind()) + ": " + p.due(t.GetDue()) + "  (" + p.at(t.GetDue()) + ")"
}

func (p *page) eligibility(advice []*amparov1.EligibilityAdvice) {
	for _, one := range advice {
		p.entry("advice", word(one.GetRule())+": "+one.GetQuote())
	}
	if len(advice) > 0 {
		p.line("This is advice. You decide.")
	}
}

// wholeCase writes a file as it is read on a telephone: what presses, how to reach
// the person, who it is, what happened.
func (p *page) wholeCase(answer *amparov1.GetCaseResponse) {
	c := answer.GetCase()
	p.line(p.risk(c.GetRiskLevel()), p.nextTerm(firstRunning(c.GetTerms())))
	p.entry("case", c.GetId())
	p.entry("pseudonym", c.GetPseudonym())
	p.entry("state", p.state(c))
	p.entry("notes", p.caseNotes(c))
	p.entry("class", class(c.GetPriorityClass()))
	p.entry("office", c.GetOffice())
	p.entry("owner", c.GetOwnerId())
	p.entry("team", listed(c.GetTeamIds()))
	p.entry("received", p.ago(c.GetReceivedAt())+yes(c.GetChannel() != 0, ", by "+word(c.GetChannel())))
	p.entry("programme", word(c.GetProgramme()))
	p.entry("triage", strings.TrimSuffix(word(c.GetTriageOutcome())+": "+word(c.GetTriageReason()), ": "))
	p.eligibility(c.GetEligibility())
	if plan := c.GetPlan(); plan != nil {
		p.entry("plan", fmt.Sprintf("version %d", plan.GetVersion())+yes(!plan.GetAgreed(), ", not agreed yet"))
	}
	p.ties(c)
	p.terms(c.GetTerms())
	p.advice(answer.GetAdvice())
	p.message("Who it is about", answer.GetIdentity())
	if r := answer.GetRisk(); r != nil {
		p.heading("Risk")
		p.assessment(r)
	}
	p.request(answer.GetIntake())
	p.message("Closing", c.GetClosing())
}

func (p *page) state(c *amparov1.Case) string {
	text := word(c.GetState())
	if c.GetState() == amparov1.CaseState_CASE_STATE_ON_HOLD {
		text += ": " + word(c.GetHoldReason()) + ", before that " + word(c.GetHeldFrom())
	}
	return text
}

func (p *page) caseNotes(c *amparov1.Case) string {
	return notes(&amparov1.QueueRow{
		Restricted: c.GetRestricted(), PossibleDuplicate: c.GetPossibleDuplicate(), RiskConfirmationWaits: c.GetRiskLevelProposed() != 0,
	})
}

// firstRunning is the running term that is due first.
func firstRunning(terms []*amparov1.Term) *amparov1.Term {
	var first *amparov1.Term
	for _, t := range terms {
		if t.GetMetAt() == nil && (first == nil || t.GetDue().AsTime().Before(first.GetDue().AsTime())) {
			first = t
		}
	}
	return first
}

func (p *page) terms(terms []*amparov1.Term) {
	for _, t := range terms {
		if t.GetMetAt() != nil {
			p.entry("term", word(t.GetKind())+" met "+p.at(t.GetMetAt()))
			continue
		}
		p.entryPainted("term", p.nextTerm(t))
	}
}

// entryPainted is entry for a text of this program, colours included.
func (p *page) entryPainted(label, value string) {
	fmt.Fprintf(&p.buffer, "%-20s %s\n", label, value)
}

// request writes the request for help, without what stands elsewhere on the page.
func (p *page) request(i *amparov1.Intake) {
	p.message("Who asks", i.GetSubmitter())
	p.heading("Request")
	p.entry("urgency", word(i.GetUrgencySelfAssessed()))
	p.entry("situation", i.GetSituation())
	p.entry("other funders", i.GetOtherFunders())
	for n, incident := range i.GetIncidents() {
		p.message(fmt.Sprintf("Incident %d", n+1), incident)
	}
	for n, need := range i.GetNeeds() {
		p.message(fmt.Sprintf("Need %d", n+1), need)
	}
	for n, cell := range i.GetBeneficiaries() {
		p.message(fmt.Sprintf("Beneficiaries %d", n+1), cell)
	}
}

// message writes every field that is set, under its own name: a field that a later
// version adds shows without a change here.
func (p *page) message(heading string, message protoreflect.ProtoMessage) {
	m := message.ProtoReflect()
	if !m.IsValid() {
		return
	}
	p.heading(heading)
	p.fields(m, "")
}

func (p *page) fields(m protoreflect.Message, prefix string) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if !m.Has(field) {
			continue
		}
		label := prefix + strings.ReplaceAll(string(field.Name()), "_", " ")
		if !field.IsList() {
			p.fieldValue(label, field, m.Get(field))
			continue
		}
		if list := m.Get(field).List(); field.Message() == nil {
			p.entry(label, scalarList(field, list))
		} else {
			for j := range list.Len() {
				p.fieldValue(label, field, list.Get(j))
			}
		}
	}
}

func scalarList(field protoreflect.FieldDescriptor, list protoreflect.List) string {
	var items []string
	for j := range list.Len() {
		items = append(items, scalarText(field, list.Get(j)))
	}
	return listed(items)
}

func (p *page) fieldValue(label string, field protoreflect.FieldDescriptor, value protoreflect.Value) {
	switch field.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		if instant, ok := value.Message().Interface().(*timestamppb.Timestamp); ok {
			p.entry(label, p.at(instant))
			return
		}
		if money, ok := value.Message().Interface().(*amparov1.Money); ok {
			p.entry(label, fmt.Sprintf("%d %s (minor units)", money.GetMinorUnits(), money.GetCurrency()))
			return
		}
		p.fields(value.Message(), "")
	default:
		p.entry(label, scalarText(field, value))
	}
}

// scalarText is a value as a person reads it; a code stands with what it means.
func scalarText(field protoreflect.FieldDescriptor, value protoreflect.Value) string {
	switch {
	case field.Enum() != nil:
		return enumWord(field.Enum(), value.Enum())
	case field.Kind() == protoreflect.BoolKind:
		return map[bool]string{true: "yes", false: "no"}[value.Bool()]
	case field.Kind() == protoreflect.BytesKind:
		return fmt.Sprintf("%x", value.Bytes())
	}
	text := value.String()
	switch field.Name() {
	case "act_code":
		text += meaning(vocabulary.ActLabel(text))
	case "perpetrator_codes":
		text += meaning(vocabulary.PerpetratorLabel(text))
	}
	return text
}

func meaning(label string, known bool) string {
	if !known {
		return ""
	}
	return " (" + label + ")"
}

// timelineEntry writes one thing that happened.
func (p *page) timelineEntry(e *amparov1.TimelineEntry) {
	change := ""
	if from, to := word(e.GetFromState()), word(e.GetToState()); to != "" && from != to {
		change = strings.TrimPrefix(from+" -> "+to, " -> ")
	}
	if from, to := word(e.GetFromLevel()), word(e.GetToLevel()); to != "" && from != to {
		change += strings.TrimPrefix(from+" -> "+to, " -> ")
	}
	p.line(fmt.Sprintf("%4d", e.GetSequence()), p.at(e.GetAt()), word(e.GetKind()), change)
	by := e.GetStaffId()
	if by == "" {
		by = "the service"
	}
	p.entry("     by", by)
	p.entry("     reason", word(e.GetHoldReason()))
	p.entry("     team", listed(e.GetTeamIds()))
	p.entry("     colleague", e.GetColleagueId())
	p.entry("     other case", e.GetOtherCaseId())
	p.entry("     befell", word(e.GetPersonStatus()))
	p.entry("     contacts", numbers(e.GetContactNumbers()))
	if e.GetChangeNumber() != 0 {
		p.entry("     change", numbers([]uint32{e.GetChangeNumber()}))
	}
	p.entry("     ledger", entryOrNone(e.GetLedgerNumber()))
	p.entry("     excluded", listed(e.GetExcludedStaffIds()))
	if i := e.GetIncident(); i != nil {
		p.fields(i.ProtoReflect(), "     ")
	}
	if c := e.GetContact(); c != nil {
		p.entry("     contact", word(c.GetChannel())+": "+word(c.GetOutcome()))
		p.entry("     language", c.GetLanguage())
		p.entry("     interpreter", c.GetInterpreterId()+yes(c.GetUnvettedInterpreter(), "not vetted: "+c.GetInterpreterReason()))
		p.entry("     text", c.GetText())
	}
	p.entry("     text", e.GetText())
}
