// Package policy keeps what a mechanism decides for itself: how long things may
// take, who is told and when, how many people must agree. A policy is a message in
// which every value has its source beside it, so that whoever knows the work can
// check it and change it.
//
// Default is what comes with the program. Check refuses a policy that is not whole
// or that goes beyond the bounds which keep people safe; Differences is what the
// one who confirms it reads; Book makes of it the rules by which terms are counted.
// Complete adds to an older policy what it could not know of yet. Rules ask Demands
// what a level of risk demands, BasisOf what may leave without consent, ChildRow whose
// word it takes for a child, Approvals how many must agree, and Wait how long.
//
// The package does not store policies and does not say who may change one. The zone
// in which days begin is no part of a policy: it is the service's.
package policy

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/calendar"
	"github.com/amparo-project/amparo/internal/deadline"
)

// Marshal is a policy as it is stored, once: what it hashes to later is taken of
// these bytes, never of a policy that was marshalled again.
func Marshal(p *amparov1.Policy) ([]byte, error) {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("marshal policy: %w", err)
	}
	return raw, nil
}

// Hash is the SHA-256 of a stored policy, which stands in every decision's leaf.
func Hash(raw []byte) []byte {
	sum := sha256.Sum256(raw)
	return sum[:]
}

// Book makes the book of terms of a version of the policy, with days that begin and
// end in the zone. A policy that Check has passed makes one.
func Book(p *amparov1.Policy, version uint32, zone *time.Location) (*deadline.Book, error) {
	days, err := daysOf(p.GetDays(), zone)
	if err != nil {
		return nil, fmt.Errorf("make book of terms: %w", err)
	}
	b := &deadline.Book{Version: version, Calendar: days}
	for _, term := range p.GetTerms() {
		rules, err := rulesOf(term)
		if err != nil {
			return nil, fmt.Errorf("make book of terms: %w", err)
		}
		b.Rules = append(b.Rules, rules...)
	}
	for _, percent := range p.GetWarnings().GetPercent() {
		b.Warnings = append(b.Warnings, int(percent))
	}
	for _, before := range p.GetLegalWarnings().GetDaysBefore() {
		b.LegalWarnings = append(b.LegalWarnings, int(before))
	}
	for _, after := range p.GetLadder().GetAfter() {
		wait, err := Span(after)
		if err != nil {
			return nil, fmt.Errorf("make book of terms: %w", err)
		}
		b.Ladder = append(b.Ladder, wait)
	}
	if b.AfterIncident, err = afterIncident(p); err != nil {
		return nil, fmt.Errorf("make book of terms: %w", err)
	}
	if err := b.Check(); err != nil {
		return nil, fmt.Errorf("make book of terms: %w", err)
	}
	return b, nil
}

// Span reads a length that runs day and night, such as 2s, 15min or 72h.
func Span(text string) (time.Duration, error) {
	length, err := calendar.ParseLength(text)
	if err != nil {
		return 0, err
	}
	elapsed, ok := length.Elapsed()
	if !ok {
		return 0, fmt.Errorf("read length: it is written in s, min or h")
	}
	return elapsed, nil
}

// Wait is how long a length of a policy that Check has passed is.
func Wait(l *amparov1.PolicyLength) time.Duration {
	wait, err := Span(l.GetLength())
	if err != nil {
		return 0
	}
	return wait
}

// Approvals is how many people must agree at a gate besides the one who asks; at
// least one. Where that depends on the level of risk or on the basis, it is the most
// that may be needed there: so many the mechanism must have.
func Approvals(p *amparov1.Policy, gate amparov1.Gate) int {
	most := uint32(1)
	switch gate { //nolint:exhaustive // all others stand in the policy itself, or take one
	case amparov1.Gate_GATE_HARM_CHECK:
		for _, level := range risingLevels {
			most = max(most, Demands(p, level).GetApprovals())
		}
		return int(most)
	case amparov1.Gate_GATE_LISTED_BASIS:
		for basis := range footings {
			most = max(most, BasisOf(p, basis).GetApprovals())
		}
		return int(most)
	}
	for _, approval := range p.GetApprovals() {
		if approval.GetGate() == gate {
			return max(1, int(approval.GetPeople()))
		}
	}
	return 1
}

// levels are the lengths of a term by level, in the order in which they stand in a
// policy.
var levels = []struct {
	field string
	level amparov1.RiskLevel
	of    func(*amparov1.LengthByLevel) string
}{
	{"every_level", amparov1.RiskLevel_RISK_LEVEL_UNSPECIFIED, (*amparov1.LengthByLevel).GetEveryLevel},
	{"not_assessed", amparov1.RiskLevel_RISK_LEVEL_NOT_ASSESSED, (*amparov1.LengthByLevel).GetNotAssessed},
	{"low", amparov1.RiskLevel_RISK_LEVEL_LOW, (*amparov1.LengthByLevel).GetLow},
	{"medium", amparov1.RiskLevel_RISK_LEVEL_MEDIUM, (*amparov1.LengthByLevel).GetMedium},
	{"high", amparov1.RiskLevel_RISK_LEVEL_HIGH, (*amparov1.LengthByLevel).GetHigh},
	{"extreme", amparov1.RiskLevel_RISK_LEVEL_EXTREME, (*amparov1.LengthByLevel).GetExtreme},
}

// rulesOf makes the rules of one kind of term, named as triage/high or as
// complaint-acknowledgement.
func rulesOf(term *amparov1.TermPolicy) ([]deadline.Rule, error) {
	var rules []deadline.Rule
	for _, l := range levels {
		text := l.of(term.GetLength())
		if text == "" {
			continue
		}
		length, err := calendar.ParseLength(text)
		if err != nil {
			return nil, err
		}
		rule := deadline.Rule{ID: word(term.GetKind().String(), "TERM_KIND_"), Kind: term.GetKind(), Level: l.level, Length: length}
		if l.level != amparov1.RiskLevel_RISK_LEVEL_UNSPECIFIED {
			rule.ID += "/" + word(l.level.String(), "RISK_LEVEL_")
		}
		if pauses := l.of(term.GetPauses()); pauses != "" {
			if rule.PauseCap, err = Span(pauses); err != nil {
				return nil, err
			}
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

func word(value, prefix string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(value, prefix)), "_", "-")
}

// daysOf makes the calendar of a policy.
func daysOf(p *amparov1.DayPolicy, zone *time.Location) (*calendar.Calendar, error) {
	config := calendar.Config{Zone: zone, EU118271: p.GetCounting() == amparov1.DayCounting_DAY_COUNTING_EU_1182_71}
	for _, day := range p.GetWeekend() {
		config.Weekend = append(config.Weekend, time.Weekday(day%7)) // a week of the vocabulary ends with Sunday, 7
	}
	for _, text := range p.GetHolidays() {
		day, err := calendar.ParseDate(text)
		if err != nil {
			return nil, err
		}
		config.Holidays = append(config.Holidays, day)
	}
	return calendar.New(config)
}
