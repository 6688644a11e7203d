package casefile

import (
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/deadline"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/risk"
)

// Triage sets class, risk, programme and outcome of a case, once. made are its risk
// assessments so far, oldest first; what comes back has the new one last. The two
// entries are the triage and the assessment. Advice on eligibility is written into
// the case and decides nothing.
//
// A request that cannot be supported is a result and no error: "we may not be able
// to respond to all requests for support" (ProtectDefenders.eu). It takes a reason,
// as acceptance takes a programme; "another" reason takes words.
func Triage(
	c *amparov1.Case, made []*amparov1.RiskAssessment, req *amparov1.TriageCaseRequest,
	identity *amparov1.Identity, staffID string, now time.Time,
) ([]*amparov1.RiskAssessment, []*amparov1.TimelineEntry, error) {
	next, err := follows(c, toTriage)
	if err != nil {
		return nil, nil, err
	}
	if err := fault.Fields(checkTriage(c, req)); err != nil {
		return nil, nil, err
	}
	all, assessment, err := assess(c, made, req.GetRisk(), staffID, now, func() {
		c.Terms = deadline.Meet(c.GetTerms(), amparov1.TermKind_TERM_KIND_TRIAGE, now)
	})
	if err != nil {
		return nil, nil, err
	}
	c.PriorityClass = req.GetPriorityClass()
	c.Programme = req.GetProgramme()
	c.TriageOutcome = req.GetOutcome()
	c.TriageReason = req.GetReason()
	c.Eligibility = advice(identity, req.GetProgramme(), now)
	if accepted(c, false) != nil {
		c.Terms = deadline.Meet(c.GetTerms(), amparov1.TermKind_TERM_KIND_SUPPORT_DECISION, now)
	}
	entry := move(c, next, req.GetText(), staffID, now)
	entry.Kind = amparov1.TimelineKind_TIMELINE_KIND_TRIAGE
	return all, []*amparov1.TimelineEntry{entry, assessment}, nil
}

func checkTriage(c *amparov1.Case, req *amparov1.TriageCaseRequest) []fault.Violation {
	var vs violations
	isAccepted := req.GetOutcome() == amparov1.TriageOutcome_TRIAGE_OUTCOME_ACCEPTED
	hasReason := req.GetReason() != amparov1.TriageReason_TRIAGE_REASON_UNSPECIFIED
	if isAccepted && req.GetProgramme() == amparov1.Programme_PROGRAMME_UNSPECIFIED {
		vs.add(amparov1.Reason_REASON_FIELD_INVALID, "programme", "is required for acceptance")
	}
	if isAccepted == hasReason {
		vs.add(amparov1.Reason_REASON_FIELD_INVALID, "reason", "is required unless the request is accepted, and only then")
	}
	if req.GetReason() == amparov1.TriageReason_TRIAGE_REASON_OTHER && req.GetText() == "" {
		vs.add(amparov1.Reason_REASON_FIELD_INVALID, "text", "says which other reason it is")
	}
	if !risk.Assessed(req.GetRisk().GetLevel()) && risk.Assessed(c.GetRiskLevel()) {
		vs.add(amparov1.Reason_REASON_FIELD_INVALID, "risk.level", "states a level")
	}
	return vs
}

// AssessRisk records an assessment of an open case. made and the result are as in
// risk.Assess. Every assessment that states a level begins the time to the next
// one, a proposal too: somebody has looked.
func AssessRisk(
	c *amparov1.Case, made []*amparov1.RiskAssessment, j *amparov1.RiskJudgement, staffID string, now time.Time,
) ([]*amparov1.RiskAssessment, *amparov1.TimelineEntry, error) {
	if err := possible(c, toAssess); err != nil {
		return nil, nil, err
	}
	return assess(c, made, j, staffID, now, func() {})
}

// assess runs after between the judgement and the terms, when it can be refused no
// more: triage ends its own term before the new level could move it.
func assess(
	c *amparov1.Case, made []*amparov1.RiskAssessment, j *amparov1.RiskJudgement,
	staffID string, now time.Time, after func(),
) ([]*amparov1.RiskAssessment, *amparov1.TimelineEntry, error) {
	before := c.GetRiskLevel()
	all, err := risk.Assess(c, made, j, staffID, now)
	if err != nil {
		return nil, nil, err
	}
	after()
	retime(c, now)
	if risk.Assessed(j.GetLevel()) {
		c.Terms = deadline.Meet(c.GetTerms(), amparov1.TermKind_TERM_KIND_REASSESSMENT, now)
		c.Terms = deadline.Start(c.GetTerms(), amparov1.TermKind_TERM_KIND_REASSESSMENT, now, c.GetRiskLevel())
	}
	entry := newEntry(amparov1.TimelineKind_TIMELINE_KIND_RISK, staffID, now)
	if c.GetRiskLevelProposed() != amparov1.RiskLevel_RISK_LEVEL_UNSPECIFIED {
		entry.Kind = amparov1.TimelineKind_TIMELINE_KIND_RISK_PROPOSED
	}
	entry.Text = j.GetReasons()
	entry.FromLevel, entry.ToLevel = before, j.GetLevel()
	return all, entry, nil
}

// ConfirmRisk puts a lowered level in force for a second person. Terms that are not
// overdue get the time of the new level, from the base that they have.
func ConfirmRisk(
	c *amparov1.Case, made []*amparov1.RiskAssessment, staffID string, now time.Time,
) ([]*amparov1.RiskAssessment, *amparov1.TimelineEntry, error) {
	if err := possible(c, toAssess); err != nil {
		return nil, nil, err
	}
	before := c.GetRiskLevel()
	all, err := risk.Confirm(c, made, staffID, now)
	if err != nil {
		return nil, nil, err
	}
	retime(c, now)
	entry := newEntry(amparov1.TimelineKind_TIMELINE_KIND_RISK, staffID, now)
	entry.FromLevel, entry.ToLevel = before, c.GetRiskLevel()
	return all, entry, nil
}

// retime counts the running terms at the level in force. The decision on support
// has a term only when the level is known, and then runs from the request like the
// others.
func retime(c *amparov1.Case, now time.Time) {
	deadline.Update(c.GetTerms(), c.GetRiskLevel(), now)
	c.Terms = deadline.Start(c.GetTerms(), amparov1.TermKind_TERM_KIND_SUPPORT_DECISION,
		c.GetReceivedAt().AsTime(), c.GetRiskLevel())
}
