package policy

import (
	"slices"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// Format is the version of the format of a policy.
const Format = 1

// Default is the policy that comes with the program. Where the field has a practice,
// it is that, and the source says whose; where it has none, Amparo's own choice is
// the stricter one and says so.
func Default() *amparov1.Policy {
	return &amparov1.Policy{
		Format: Format,
		Terms:  slices.Concat(termsByRisk(), otherTerms(), ledgerTerms()),
		Days: &amparov1.DayPolicy{
			Counting: amparov1.DayCounting_DAY_COUNTING_CALENDAR_DAYS,
			Weekend:  []amparov1.Weekday{amparov1.Weekday_WEEKDAY_SATURDAY, amparov1.Weekday_WEEKDAY_SUNDAY},
			Source: "ProtectDefenders.eu promises days and does not say which: calendar days from receipt to the end of the last one, " +
				"never extended, are the strictest reading. Regulation (EEC, Euratom) No 1182/71 is the alternative. " +
				"Public holidays are the mechanism's to enter",
		},
		Warnings: &amparov1.WarningPolicy{Percent: []uint32{50, 80}, Source: "Amparo's own: half of the time, and four fifths"},
		LegalWarnings: &amparov1.LegalWarningPolicy{
			DaysBefore: []uint32{60, 30, 14, 7, 2},
			Source:     "Amparo's own, for dates that a lawyer confirms",
		},
		Ladder: &amparov1.LadderPolicy{
			After:  []string{"60min", "90min", "120min"},
			Source: "Access Now, practice of its Digital Security Helpline: the next person after 60, 90 and 120 minutes",
		},
		Approvals: []*amparov1.ApprovalPolicy{
			approval(amparov1.Gate_GATE_ENROLMENT, "Amparo's own: nobody is let in to cases on one person's word"),
			approval(amparov1.Gate_GATE_LOWERED_RISK, "Amparo's own: one pair of eyes is enough to see a danger and not to call it off"),
			approval(amparov1.Gate_GATE_POLICY_CHANGE, "Amparo's own: an administrator proposes, the head of secretariat confirms"),
			approval(amparov1.Gate_GATE_CONTACT_CHANGE, "Amparo's own, where neither the old channel nor the challenge could be used"),
			approval(amparov1.Gate_GATE_MERGE, "Amparo's own: files that were joined by mistake show one defender's life to another's team"),
		},
		OnCall: &amparov1.OnCallPolicy{
			PassOnAfter:           span("15min", "Amparo's own: four people in the hour in which an extreme risk is triaged"),
			WarnOfEmptySlotBefore: span("24h", "Amparo's own: a day to find somebody"),
			DigestEvery:           span("30min", "Amparo's own: ordinary notices wake nobody"),
			NoticesAnHour:         count(4, "Amparo's own: whoever is told too often stops reading"),
		},
		Handover: &amparov1.HandoverPolicy{
			RemindAfter: span("60min", "Amparo's own: a shift that has gone home cannot be asked much later"),
		},
		Limits: &amparov1.LimitPolicy{
			DuplicateHintsAnHour: count(10, "Amparo's own: enough for a night at the desk, too few to search other offices by taking requests"),
		},
		Levels:     defaultLevels(),
		Consent:    defaultConsent(),
		Disclosure: defaultDisclosure(),
		Bases:      defaultBases(),
		Children:   defaultChildren(),
	}
}

// termsByRisk are the terms that a level of risk shortens. They run day and night,
// since the hotline is open 24/7. Whoever waits at a high risk is not made to wait
// longer, and no term that watches over a person's safety rests at all.
func termsByRisk() []*amparov1.TermPolicy {
	return []*amparov1.TermPolicy{
		{
			Kind:   amparov1.TermKind_TERM_KIND_TRIAGE,
			Length: &amparov1.LengthByLevel{NotAssessed: "4h", Low: "72h", Medium: "24h", High: "4h", Extreme: "1h"},
			Source: "Urgent Action Fund answers every request within 72 h; Primero assigns within 3 h, at a high risk within 1 h; " +
				"Mexico's mechanism decides urgent cases within 3 h. What nobody has assessed is triaged as at a high risk",
		},
		{
			Kind:   amparov1.TermKind_TERM_KIND_FIRST_CONTACT,
			Length: &amparov1.LengthByLevel{NotAssessed: "24h", Low: "168h", Medium: "72h", High: "24h", Extreme: "4h"},
			Source: "Child protection case management: within 24 h, 72 h or a week by level; Mexico's mechanism acts within 9 h; extreme: Amparo's own",
		},
		{
			Kind:   amparov1.TermKind_TERM_KIND_SUPPORT_DECISION,
			Length: &amparov1.LengthByLevel{Low: "720h", Medium: "336h", High: "72h", Extreme: "24h"},
			Pauses: &amparov1.LengthByLevel{Low: "336h", Medium: "168h"},
			Source: "Digital Defenders Partnership: two weeks at most; Urgent Action Fund: an answer within 72 h; " +
				"Front Line Defenders: urgent grants in about 48 h. It rests while the person is asked, never at a high risk",
		},
		{
			Kind:   amparov1.TermKind_TERM_KIND_REASSESSMENT,
			Length: &amparov1.LengthByLevel{NotAssessed: "24h", Low: "2160h", Medium: "720h", High: "336h", Extreme: "72h"},
			Source: "Front Line Defenders, workbook on security: risk is dynamic, assess it again from time to time and after every change; the lengths are Amparo's own",
		},
		{
			Kind:   amparov1.TermKind_TERM_KIND_CHECK_IN,
			Length: &amparov1.LengthByLevel{Low: "720h", Medium: "336h", High: "168h", Extreme: "24h"},
			Source: "Amparo's own",
		},
		{
			Kind:   amparov1.TermKind_TERM_KIND_PLAN_REVIEW,
			Length: &amparov1.LengthByLevel{Low: "2160h", Medium: "1440h", High: "720h", Extreme: "336h"},
			Source: "Amparo's own: how long a protection plan holds unless it names an earlier day, and what an emergency has to make one in",
		},
	}
}

// otherTerms are the terms that no level changes. Nothing says that a question to the
// complainant stops those of a complaint.
func otherTerms() []*amparov1.TermPolicy {
	return []*amparov1.TermPolicy{
		{
			Kind:   amparov1.TermKind_TERM_KIND_COMPLAINT_ACKNOWLEDGEMENT,
			Length: &amparov1.LengthByLevel{EveryLevel: "24h"},
			Source: "ProtectDefenders.eu, feedback and response mechanism: immediately; the 24 h are Amparo's own",
		},
		{
			Kind:   amparov1.TermKind_TERM_KIND_COMPLAINT_INITIAL_RESPONSE,
			Length: &amparov1.LengthByLevel{EveryLevel: "15d"},
			Source: "ProtectDefenders.eu, feedback and response mechanism: within 15 days",
		},
		{
			Kind:   amparov1.TermKind_TERM_KIND_COMPLAINT_FINAL_RESPONSE,
			Length: &amparov1.LengthByLevel{EveryLevel: "30d"},
			Source: "ProtectDefenders.eu, feedback and response mechanism: the head of the secretariat within 30 days; counted from receipt",
		},
		{
			Kind:   amparov1.TermKind_TERM_KIND_SUBJECT_ACCESS,
			Length: &amparov1.LengthByLevel{EveryLevel: "1mo"},
			Pauses: &amparov1.LengthByLevel{EveryLevel: "720h"},
			Source: "GDPR, article 12(3): one month. It rests while it is not certain who asks, or for what; for how long is Amparo's own",
		},
		{
			Kind:   amparov1.TermKind_TERM_KIND_DATA_BREACH_NOTICE,
			Length: &amparov1.LengthByLevel{EveryLevel: "72h"},
			Source: "GDPR, article 33(1): 72 hours after having become aware of it",
		},
		{
			Kind:   amparov1.TermKind_TERM_KIND_SAFEGUARDING_HANDOVER,
			Length: &amparov1.LengthByLevel{EveryLevel: "24h"},
			Source: "Practice of several charities: to the focal person within 24 h",
		},
	}
}

// ledgerTerms are the terms of what is in the ledger of a case: of what left, of what
// was withdrawn, and of whom it is to be said to.
func ledgerTerms() []*amparov1.TermPolicy {
	return []*amparov1.TermPolicy{
		{
			Kind:   amparov1.TermKind_TERM_KIND_COUNTERSIGNATURE,
			Length: &amparov1.LengthByLevel{EveryLevel: "24h"},
			Source: "Amparo's own: one person alone may let something leave where a life hangs on it, if another has looked at it within a day",
		},
		{
			Kind:   amparov1.TermKind_TERM_KIND_CONSENT_RECONFIRMATION,
			Length: &amparov1.LengthByLevel{NotAssessed: "168h", Low: "720h", Medium: "336h", High: "168h", Extreme: "72h"},
			Source: "Amparo's own: what somebody allowed before things got worse is asked again while it can still be stopped, soonest where most hangs on it",
		},
		{
			Kind:   amparov1.TermKind_TERM_KIND_WITHDRAWAL_SETTLEMENT,
			Length: &amparov1.LengthByLevel{EveryLevel: "72h"},
			Source: "Amparo's own: a withdrawal stops everything at once (NNEDV: it takes effect at once and is verified later). " +
				"What follows it, such as asking past recipients to delete, cannot be undone and waits for the safe channel, three days at most",
		},
		{
			Kind:   amparov1.TermKind_TERM_KIND_RETURN_ANSWER,
			Length: &amparov1.LengthByLevel{EveryLevel: "14d"},
			Source: "GDPR, articles 17(1) and 19: without undue delay. Primero: a referral that nobody has answered is stale after 14 days",
		},
		{
			Kind:   amparov1.TermKind_TERM_KIND_DUTY_TO_INFORM,
			Length: &amparov1.LengthByLevel{EveryLevel: "72h"},
			Source: "GDPR, article 34(1): without undue delay; the 72 h are Amparo's own, as long as the authority is given for a breach",
		},
	}
}

func approval(gate amparov1.Gate, source string) *amparov1.ApprovalPolicy {
	return &amparov1.ApprovalPolicy{Gate: gate, People: 1, Source: source}
}

func span(length, source string) *amparov1.PolicyLength {
	return &amparov1.PolicyLength{Length: length, Source: source}
}

func count(n uint32, source string) *amparov1.PolicyCount {
	return &amparov1.PolicyCount{Count: n, Source: source}
}

// Complete returns a policy with the built-in value for whatever a release knows
// that had not been thought of when the policy was made, and whether there was any.
// The policy itself is not changed.
func Complete(p *amparov1.Policy) (*amparov1.Policy, bool) {
	whole, before := proto.CloneOf(p), proto.Size(p)
	fill(whole.ProtoReflect(), Default().ProtoReflect())
	return whole, proto.Size(whole) != before
}
