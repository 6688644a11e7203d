package casefile

import (
	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
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
func (a Act) Triage(
	c *amparov1.Case, made []*amparov1.RiskAssessment, req *amparov1.TriageCaseRequest, identity *amparov1.Identity,
) ([]*amparov1.RiskAssessment, []*amparov1.TimelineEntry, error) {
	next, err := follows(c, toTriage)
	if err != nil {
		return nil, nil, err
	}
	if err := fault.Fields(checkTriage(c, req)); err != nil {
		return nil, nil, err
	}
	all, assessment, err := a.judge(c, made, req.GetRisk())
	if err != nil {
		return nil, nil, err
	}
	c.PriorityClass = req.GetPriorityClass()
	c.Programme = req.GetProgramme()
	c.TriageOutcome = req.GetOutcome()
	c.TriageReason = req.GetReason()
	c.Eligibility = advice(identity, req.GetProgramme(), a.Now)
	entry := a.move(c, next, req.GetText())
	entry.Kind = amparov1.TimelineKind_TIMELINE_KIND_TRIAGE
	// Triage ends its own term before the new level could move it; a request that is
	// declined has had its decision with that.
	events := append([]*amparov1.TermEvent{meets(triageTerm)}, a.reassesses(c, req.GetRisk())...)
	if accepted(c, false) != nil {
		events = append(events, meets(decision))
	}
	return all, []*amparov1.TimelineEntry{entry, assessment}, a.Record(c, entry, events...)
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
func (a Act) AssessRisk(
	c *amparov1.Case, made []*amparov1.RiskAssessment, j *amparov1.RiskJudgement,
) ([]*amparov1.RiskAssessment, *amparov1.TimelineEntry, error) {
	if err := possible(c, toAssess); err != nil {
		return nil, nil, err
	}
	all, entry, err := a.judge(c, made, j)
	if err != nil {
		return nil, nil, err
	}
	return all, entry, a.Record(c, entry, a.reassesses(c, j)...)
}

// judge records a judgement, and leaves the terms to its caller.
func (a Act) judge(
	c *amparov1.Case, made []*amparov1.RiskAssessment, j *amparov1.RiskJudgement,
) ([]*amparov1.RiskAssessment, *amparov1.TimelineEntry, error) {
	before := c.GetRiskLevel()
	all, err := risk.Assess(c, made, j, a.StaffID, a.Now)
	if err != nil {
		return nil, nil, err
	}
	entry := a.entry(amparov1.TimelineKind_TIMELINE_KIND_RISK)
	if c.GetRiskLevelProposed() != amparov1.RiskLevel_RISK_LEVEL_UNSPECIFIED {
		entry.Kind = amparov1.TimelineKind_TIMELINE_KIND_RISK_PROPOSED
	}
	entry.Text = j.GetReasons()
	entry.FromLevel, entry.ToLevel = before, j.GetLevel()
	return all, entry, nil
}

// ConfirmRisk puts a lowered level in force for a second person. Terms that are not
// overdue get the time of the new level, from the base that they have.
func (a Act) ConfirmRisk(
	c *amparov1.Case, made []*amparov1.RiskAssessment,
) ([]*amparov1.RiskAssessment, *amparov1.TimelineEntry, error) {
	if err := possible(c, toAssess); err != nil {
		return nil, nil, err
	}
	before := c.GetRiskLevel()
	all, err := risk.Confirm(c, made, a.StaffID, a.Now)
	if err != nil {
		return nil, nil, err
	}
	entry := a.entry(amparov1.TimelineKind_TIMELINE_KIND_RISK)
	entry.FromLevel, entry.ToLevel = before, c.GetRiskLevel()
	return all, entry, a.Record(c, entry, retimes(c)...)
}
