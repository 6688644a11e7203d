package deadline

import (
	"errors"
	"slices"
	"strings"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/calendar"
)

// Rule says how long a kind of term may take at a level of risk.
type Rule struct {
	// ID is its name in the policy, such as "triage/high".
	ID string
	// Kind is the kind of term.
	Kind amparov1.TermKind
	// Level is the level of risk, or unspecified where every level has the same.
	Level amparov1.RiskLevel
	// Length is how long; in elapsed time, or in days of the book's calendar.
	Length calendar.Length
	// PauseCap is how much time all pauses of such a term may add up to. Zero: it
	// is never paused.
	PauseCap time.Duration
}

// Book is one version of all rules. It is not changed once in use. Package policy
// makes one.
type Book struct {
	// Version tells it from earlier ones; at least 1.
	Version uint32
	// Calendar is where days are counted. Without one, rules in days do not exist.
	Calendar *calendar.Calendar
	// Rules has at most one rule for a kind and level.
	Rules []Rule
	// Warnings are the parts of a term's time, in percent, after which its owner is
	// warned, smallest first.
	Warnings []int
	// LegalWarnings are the days of 24 hours before a legal date at which its owner
	// is warned, most first.
	LegalWarnings []int
	// Ladder is for how long a term is overdue when the next person is told,
	// shortest first.
	Ladder []time.Duration
	// AfterIncident is how soon after an act against a person has become known their
	// risk is assessed again, by its level.
	AfterIncident map[amparov1.RiskLevel]time.Duration
}

const (
	day = 24 // hours

	unspecified = amparov1.RiskLevel_RISK_LEVEL_UNSPECIFIED
	notAssessed = amparov1.RiskLevel_RISK_LEVEL_NOT_ASSESSED
)

// Rule returns the rule for a kind at a level, and whether there is one. A level
// that is not set counts as not assessed.
func (b *Book) Rule(kind amparov1.TermKind, level amparov1.RiskLevel) (Rule, bool) {
	if level == unspecified {
		level = notAssessed
	}
	return b.find(func(r Rule) bool {
		return r.Kind == kind && (r.Level == level || r.Level == unspecified)
	})
}

// ReassessBy is when a risk of a level is to be assessed again at the latest, once an
// act against the person has become known, and whether the rules say.
func (b *Book) ReassessBy(level amparov1.RiskLevel, known time.Time) (time.Time, bool) {
	if level == unspecified {
		level = notAssessed
	}
	wait, exists := b.AfterIncident[level]
	return known.Add(wait), exists
}

func (b *Book) byID(id string) (Rule, bool) {
	return b.find(func(r Rule) bool { return r.ID == id })
}

func (b *Book) find(wanted func(Rule) bool) (Rule, bool) {
	i := slices.IndexFunc(b.Rules, wanted)
	if i < 0 {
		return Rule{}, false
	}
	if _, elapsed := b.Rules[i].Length.Elapsed(); !elapsed && b.Calendar == nil {
		return Rule{}, false
	}
	return b.Rules[i], true
}

// Check refuses a book that says two things about one term, gives more time to a
// higher risk, or has warnings or rungs out of order. The error names the rule.
func (b *Book) Check() error {
	if b.Version == 0 {
		return errors.New("check rules: their version is at least 1")
	}
	seen := map[string]bool{}
	for _, rule := range b.Rules {
		if err := b.checkRule(rule); err != nil {
			return err
		}
		if seen[rule.ID] {
			return errors.New("check rules: two are called " + rule.ID)
		}
		seen[rule.ID] = true
	}
	inOrder := slices.IsSorted(b.Warnings) && slices.IsSorted(b.Ladder) &&
		slices.IsSortedFunc(b.LegalWarnings, func(a, c int) int { return c - a })
	for _, percent := range b.Warnings {
		inOrder = inOrder && percent > 0 && percent < 100
	}
	for _, days := range b.LegalWarnings {
		inOrder = inOrder && days > 0
	}
	if !inOrder || len(b.Ladder) > 0 && b.Ladder[0] <= 0 {
		return errors.New("check rules: warnings and rungs stand in the order in which they come, warnings before the term is due, rungs after")
	}
	return nil
}

func (b *Book) checkRule(rule Rule) error {
	switch {
	case rule.ID == "" || strings.ContainsAny(rule.ID, " \t\n"):
		return errors.New("check rules: a rule has no name, or a space in it")
	case rule.Kind == amparov1.TermKind_TERM_KIND_UNSPECIFIED || rule.Kind == legal:
		return errors.New("check rules: " + rule.ID + " is for no kind of term that rules count")
	case !rule.Length.Valid():
		return errors.New("check rules: " + rule.ID + " has no length within ten years")
	case rule.PauseCap < 0:
		return errors.New("check rules: " + rule.ID + " has a negative cap on pauses")
	}
	for _, other := range b.Rules {
		if other.ID == rule.ID || other.Kind != rule.Kind {
			continue
		}
		if other.Level == rule.Level || other.Level == unspecified {
			return errors.New("check rules: " + rule.ID + " and " + other.ID + " are for the same term")
		}
		if assessed(rule.Level) && assessed(other.Level) && other.Level > rule.Level && b.longer(other, rule) {
			return errors.New("check rules: " + other.ID + " gives more time than " + rule.ID + ", at a higher risk")
		}
	}
	return nil
}

func assessed(level amparov1.RiskLevel) bool { return level > notAssessed }

// longer compares two lengths where that can be done whatever the date.
func (b *Book) longer(one, other Rule) bool {
	if one.Length.Unit == other.Length.Unit {
		return one.Length.Count > other.Length.Count
	}
	a, elapsedA := one.Length.Elapsed()
	c, elapsedC := other.Length.Elapsed()
	return elapsedA && elapsedC && a > c
}
