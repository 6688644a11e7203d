package policy

import (
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/calendar"
	"github.com/amparo-project/amparo/internal/fault"
)

// bound is the most that a policy may say about a kind of term. A level without a
// value has no such term unless the policy gives it one, which then takes the bound
// of the level above it. A term whose end cannot be undone has a least length, too.
type bound struct {
	length, pauses *amparov1.LengthByLevel
	least          string
}

// bounds are what no policy may go beyond. What has a law or a promise behind it is
// bound by that, all else by what still helps whoever waits: these are Amparo's own.
// Triage: Mexico's mechanism decides urgent cases within 3 h, and who triages a high
// risk later than the day after does not answer a hotline. Decision: two weeks
// (Digital Defenders Partnership). Reassessment: a year (Colombia's protection unit).
// Complaints: a week and three months (Directive (EU) 2019/1937, articles 9 and 11).
// Subject access and breaches: GDPR, articles 12(3) and 33(1). Withdrawals: whoever was
// made to withdraw has a day at least to say so, before what cannot be undone follows,
// and whoever meant it waits no longer than a week. Past recipients: a month, as they
// have for the person's own request.
var bounds = map[amparov1.TermKind]bound{
	amparov1.TermKind_TERM_KIND_TRIAGE: {
		length: &amparov1.LengthByLevel{NotAssessed: "24h", Low: "168h", Medium: "72h", High: "24h", Extreme: "3h"},
	},
	amparov1.TermKind_TERM_KIND_FIRST_CONTACT: {
		length: &amparov1.LengthByLevel{NotAssessed: "72h", Low: "720h", Medium: "168h", High: "72h", Extreme: "24h"},
	},
	amparov1.TermKind_TERM_KIND_SUPPORT_DECISION: {
		length: &amparov1.LengthByLevel{Low: "2160h", Medium: "720h", High: "336h", Extreme: "72h"},
		pauses: &amparov1.LengthByLevel{Low: "720h", Medium: "336h"},
	},
	amparov1.TermKind_TERM_KIND_REASSESSMENT: {
		length: &amparov1.LengthByLevel{NotAssessed: "72h", Low: "8784h", Medium: "2160h", High: "720h", Extreme: "168h"},
	},
	amparov1.TermKind_TERM_KIND_CHECK_IN: {
		length: &amparov1.LengthByLevel{Low: "2160h", Medium: "720h", High: "336h", Extreme: "72h"},
	},
	amparov1.TermKind_TERM_KIND_PLAN_REVIEW: {
		length: &amparov1.LengthByLevel{Low: "8784h", Medium: "4392h", High: "2160h", Extreme: "720h"},
	},
	amparov1.TermKind_TERM_KIND_COMPLAINT_ACKNOWLEDGEMENT:  {length: &amparov1.LengthByLevel{EveryLevel: "168h"}},
	amparov1.TermKind_TERM_KIND_COMPLAINT_INITIAL_RESPONSE: {length: &amparov1.LengthByLevel{EveryLevel: "3mo"}},
	amparov1.TermKind_TERM_KIND_COMPLAINT_FINAL_RESPONSE:   {length: &amparov1.LengthByLevel{EveryLevel: "3mo"}},
	amparov1.TermKind_TERM_KIND_SUBJECT_ACCESS: {
		length: &amparov1.LengthByLevel{EveryLevel: "1mo"},
		pauses: &amparov1.LengthByLevel{EveryLevel: "1464h"},
	},
	amparov1.TermKind_TERM_KIND_DATA_BREACH_NOTICE:    {length: &amparov1.LengthByLevel{EveryLevel: "72h"}},
	amparov1.TermKind_TERM_KIND_SAFEGUARDING_HANDOVER: {length: &amparov1.LengthByLevel{EveryLevel: "72h"}},
	amparov1.TermKind_TERM_KIND_COUNTERSIGNATURE:      {length: &amparov1.LengthByLevel{EveryLevel: "24h"}},
	amparov1.TermKind_TERM_KIND_CONSENT_RECONFIRMATION: {
		length: &amparov1.LengthByLevel{NotAssessed: "336h", Low: "2160h", Medium: "720h", High: "336h", Extreme: "168h"},
	},
	amparov1.TermKind_TERM_KIND_WITHDRAWAL_SETTLEMENT: {length: &amparov1.LengthByLevel{EveryLevel: "168h"}, least: "24h"},
	amparov1.TermKind_TERM_KIND_RETURN_ANSWER:         {length: &amparov1.LengthByLevel{EveryLevel: "1mo"}},
	amparov1.TermKind_TERM_KIND_DUTY_TO_INFORM:        {length: &amparov1.LengthByLevel{EveryLevel: "30d"}},
}

// approvals are the gates that take one, with the most people that the service
// counts there. A number that it does not count would be a promise that it breaks. The
// numbers for checks and for bases stand with levels and bases, and there is no second
// signature by more than one.
var approvals = map[amparov1.Gate]uint32{
	amparov1.Gate_GATE_ENROLMENT:      1,
	amparov1.Gate_GATE_LOWERED_RISK:   1,
	amparov1.Gate_GATE_POLICY_CHANGE:  2,
	amparov1.Gate_GATE_CONTACT_CHANGE: 1,
	amparov1.Gate_GATE_MERGE:          1,
}

// checking gathers what is wrong with a policy.
type checking struct {
	found []fault.Violation
}

// invalid is for what cannot be read, unsafe for what is beyond a bound. Neither
// repeats a value.
func (c *checking) invalid(field, rule string) {
	c.found = append(c.found, fault.Violation{Field: field, Rule: rule, Reason: amparov1.Reason_REASON_FIELD_INVALID})
}

func (c *checking) unsafe(field, rule string) {
	c.found = append(c.found, fault.Violation{Field: field, Rule: rule, Reason: amparov1.Reason_REASON_POLICY_UNSAFE})
}

// Check refuses a policy in which something is missing, said twice or out of order
// (REASON_FIELD_INVALID), or that goes beyond what keeps people safe
// (REASON_POLICY_UNSAFE). Fields are named as in a request: policy.terms[0].length.high.
func Check(p *amparov1.Policy) error {
	c := &checking{}
	if p.GetFormat() != Format {
		c.invalid("policy.format", fmt.Sprintf("is %d", Format))
	}
	c.terms(p)
	c.approvals(p)
	c.notices(p)
	c.waits(p)
	c.counts(p)
	c.levels(p)
	c.consent(p)
	c.disclosure(p)
	c.bases(p)
	c.children(p)
	if _, err := daysOf(p.GetDays(), time.UTC); err != nil || p.GetDays().GetCounting() == amparov1.DayCounting_DAY_COUNTING_UNSPECIFIED {
		c.invalid("policy.days", "names a way of counting, a weekend of one to six days, and holidays that exist")
	}
	c.sources(p.ProtoReflect(), "policy")
	if len(c.found) == 0 {
		if _, err := Book(p, 1, time.UTC); err != nil {
			c.invalid("policy.terms", "make a book of terms")
		}
	}
	slices.SortStableFunc(c.found, func(a, b fault.Violation) int { return int(a.Reason) - int(b.Reason) })
	return fault.Fields(c.found)
}

func (c *checking) terms(p *amparov1.Policy) {
	seen := map[amparov1.TermKind]bool{}
	for i, term := range p.GetTerms() {
		at := fmt.Sprintf("policy.terms[%d]", i)
		limit, known := bounds[term.GetKind()]
		if !known || seen[term.GetKind()] {
			c.invalid(at+".kind", "is a kind of term that rules count, once")
			continue
		}
		seen[term.GetKind()] = true
		c.lengths(at+".length", term.GetLength(), limit)
		c.pauses(at, term, limit.pauses)
	}
	for number, name := range amparov1.TermKind_name {
		kind := amparov1.TermKind(number)
		if _, counted := bounds[kind]; counted && !seen[kind] {
			c.invalid("policy.terms", "has "+word(name, "TERM_KIND_"))
		}
	}
}

// lengths holds the lengths of one kind of term to their bounds and to each other:
// a higher risk never gets more time, and what nobody has assessed no more than a
// high risk.
func (c *checking) lengths(at string, l *amparov1.LengthByLevel, limit bound) {
	byLevel := limit.length.GetEveryLevel() == ""
	before := limit.length.GetLow()
	for _, level := range levels {
		field, text, most := at+"."+level.field, level.of(l), level.of(limit.length)
		switch {
		case text == "" && most == "":
			continue
		case text == "":
			c.invalid(field, "is needed")
			continue
		case byLevel && level.field == "every_level", !byLevel && level.field != "every_level":
			c.invalid(field, "does not stand here: this kind has one length for each level or one for all")
			continue
		case level.field == "not_assessed":
			if most == "" || longer(most, l.GetHigh()) {
				most = l.GetHigh()
			}
		case byLevel && longer(most, before):
			most = before
		}
		length, err := calendar.ParseLength(text)
		if _, elapsed := length.Elapsed(); err != nil || byLevel && !elapsed {
			c.invalid(field, "is a length such as 90min or 72h")
			continue
		}
		if longer(text, most) {
			c.unsafe(field, "is no more than "+most)
		}
		if longer(limit.least, text) {
			c.unsafe(field, "is no less than "+limit.least)
		}
		if byLevel && level.field != "not_assessed" {
			before = text
		}
	}
}

// pauses holds pauses to their bounds and to the length that they interrupt.
func (c *checking) pauses(at string, term *amparov1.TermPolicy, limit *amparov1.LengthByLevel) {
	for _, level := range levels {
		field, text, most := at+".pauses."+level.field, level.of(term.GetPauses()), level.of(limit)
		if text == "" {
			continue
		}
		if _, err := Span(text); err != nil {
			c.invalid(field, "is a length such as 90min or 72h")
			continue
		}
		length := level.of(term.GetLength())
		switch {
		case most == "" || length == "":
			c.unsafe(field, "does not rest: somebody waits for it")
		case longer(text, most):
			c.unsafe(field, "is no more than "+most)
		case limit.GetEveryLevel() == "" && longer(text, length):
			c.unsafe(field, "is no more than the term itself")
		}
	}
}

func (c *checking) approvals(p *amparov1.Policy) {
	seen := map[amparov1.Gate]bool{}
	for i, approval := range p.GetApprovals() {
		at := fmt.Sprintf("policy.approvals[%d]", i)
		most, known := approvals[approval.GetGate()]
		if !known || seen[approval.GetGate()] {
			c.invalid(at+".gate", "is a gate that takes an approval, once")
			continue
		}
		seen[approval.GetGate()] = true
		if approval.GetPeople() == 0 {
			c.unsafe(at+".people", "is at least 1")
		}
		if approval.GetPeople() > most {
			c.invalid(at+".people", fmt.Sprintf("is at most %d there", most))
		}
	}
	for number, name := range amparov1.Gate_name {
		if _, counted := approvals[amparov1.Gate(number)]; counted && !seen[amparov1.Gate(number)] {
			c.invalid("policy.approvals", "has "+word(name, "GATE_"))
		}
	}
}

func (c *checking) notices(p *amparov1.Policy) {
	percent, days := p.GetWarnings().GetPercent(), slices.Clone(p.GetLegalWarnings().GetDaysBefore())
	slices.Reverse(days)
	if !rising(percent) || percent[0] < 1 || percent[len(percent)-1] > 99 {
		c.invalid("policy.warnings.percent", "are parts between 1 and 99, smallest first")
	}
	if !rising(days) || days[0] < 1 {
		c.invalid("policy.legal_warnings.days_before", "are days, most first")
	} else if days[len(days)-1] < 7 {
		c.unsafe("policy.legal_warnings.days_before", "begin at least 7 days before")
	}
	var rungs []time.Duration
	for _, text := range p.GetLadder().GetAfter() {
		wait, err := Span(text)
		if err != nil {
			c.invalid("policy.ladder.after", "are lengths such as 90min or 2h")
			return
		}
		rungs = append(rungs, wait)
	}
	switch {
	case !rising(rungs):
		c.invalid("policy.ladder.after", "has at least one rung, shortest first")
	case rungs[0] > 4*time.Hour:
		c.unsafe("policy.ladder.after", "begins within 4h")
	case rungs[len(rungs)-1] > 24*time.Hour:
		c.unsafe("policy.ladder.after", "ends within 24h")
	}
}

func (c *checking) waits(p *amparov1.Policy) {
	for _, row := range []struct {
		field          string
		length         *amparov1.PolicyLength
		least, longest string
	}{
		{"on_call.pass_on_after", p.GetOnCall().GetPassOnAfter(), "1s", "60min"},
		{"on_call.warn_of_empty_slot_before", p.GetOnCall().GetWarnOfEmptySlotBefore(), "1h", "720h"},
		{"on_call.digest_every", p.GetOnCall().GetDigestEvery(), "1s", "24h"},
		{"handover.remind_after", p.GetHandover().GetRemindAfter(), "1s", "4h"},
		{"consent.release", p.GetConsent().GetRelease(), "24h", "2160h"},
		{"consent.follow_up", p.GetConsent().GetFollowUp(), "24h", "17568h"},
		{"consent.late_after", p.GetConsent().GetLateAfter(), "1min", "24h"},
		{"disclosure.check_valid", p.GetDisclosure().GetCheckValid(), "1h", "336h"},
		{"disclosure.vital_act", p.GetDisclosure().GetVitalAct(), "1h", "168h"},
	} {
		c.span("policy."+row.field+".length", row.length.GetLength(), row.least, row.longest)
	}
}

// span holds one length that runs day and night to its bounds.
func (c *checking) span(field, text, least, longest string) {
	_, err := Span(text)
	switch {
	case err != nil:
		c.invalid(field, "is a length such as 2s, 15min or 24h")
	case longer(text, longest):
		c.unsafe(field, "is no more than "+longest)
	case longer(least, text):
		c.unsafe(field, "is no less than "+least)
	}
}

func (c *checking) counts(p *amparov1.Policy) {
	if n := p.GetOnCall().GetNoticesAnHour().GetCount(); n < 1 || n > 60 {
		c.unsafe("policy.on_call.notices_an_hour.count", "is between 1 and 60")
	}
	if n := p.GetLimits().GetDuplicateHintsAnHour().GetCount(); n < 1 || n > 30 {
		c.unsafe("policy.limits.duplicate_hints_an_hour.count", "is between 1 and 30")
	}
}

// sources asks for the source of every value.
func (c *checking) sources(message protoreflect.Message, at string) {
	if source := message.Descriptor().Fields().ByName("source"); source != nil && message.Get(source).String() == "" {
		c.invalid(at+".source", "is needed: where the value comes from")
	}
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		name := at + "." + string(field.Name())
		switch {
		case field.Message() == nil:
		case field.IsList():
			for i := range value.List().Len() {
				c.sources(value.List().Get(i).Message(), fmt.Sprintf("%s[%d]", name, i))
			}
		default:
			c.sources(value.Message(), name)
		}
		return true
	})
}

// rising tells whether there are values, each greater than the one before.
func rising[T uint32 | time.Duration](values []T) bool {
	for i := 1; i < len(values); i++ {
		if values[i] <= values[i-1] {
			return false
		}
	}
	return len(values) > 0
}

// longer tells whether one length may take longer than another. Where that depends
// on the date, the worst of all dates counts. What cannot be read is never longer.
func longer(one, other string) bool {
	a, err := calendar.ParseLength(one)
	b, errOther := calendar.ParseLength(other)
	if err != nil || errOther != nil {
		return false
	}
	if a.Unit == b.Unit {
		return a.Count > b.Count
	}
	_, most := reach(a)
	least, _ := reach(b)
	return most > least
}

// reach is the shortest and the longest that a length can take: a day that changes
// its clocks has 23 or 25 hours, the last day of a term ends at midnight, a month
// has 28 to 31 days, and of two days in a row one may be a working day.
func reach(l calendar.Length) (least, most time.Duration) {
	const day = 24 * time.Hour
	if elapsed, ok := l.Elapsed(); ok {
		return elapsed, elapsed
	}
	days := time.Duration(l.Count) * day
	switch l.Unit {
	case calendar.Months:
		return 28*days - time.Hour, 31*days + day + time.Hour
	case calendar.WorkingDays:
		return days - time.Hour, 2*days + day + time.Hour
	default:
		return days - time.Hour, days + day + time.Hour
	}
}
