package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

func (a *app) riskCommand() *cobra.Command {
	return group("risk", "Assess the risk of a case", "  amparo risk show "+exampleCase,
		a.assessCommand(), a.raiseCommand(), a.riskConfirmCommand(), a.riskShowCommand())
}

func (a *app) assessCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "assess CASE",
		Short: "Record an assessment",
		Long: `Takes an AssessRiskRequest:

  judgement:
    level: high
    reasons: why, in words
    threats: [one, another]
    vulnerabilities: [one]
    capacities: [one]
    threat_rating: 4         # ratings 1 to 5 lead to an indicative level only

A higher level holds at once. A lower one waits for a second person.`,
		Example: "  amparo risk assess " + exampleCase + " --file risk.yaml",
		Args:    asUsed,
	}
	file := fileFlag(c, "the AssessRiskRequest")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		request := &amparov1.AssessRiskRequest{}
		if err := a.readAbout(*file, arguments[0], request); err != nil {
			return err
		}
		return a.with(func(conn *client.Conn) error {
			answer, err := conn.Risk.AssessRisk(ctx, request)
			if err != nil {
				return err
			}
			return a.show(answer, func(p *page) {
				p.line(p.risk(answer.GetRiskLevel()))
				p.entry("case", answer.GetCaseId())
				p.entry("indicative", word(answer.GetIndicativeLevel()))
				if lower := word(answer.GetRiskLevelProposed()); lower != "" {
					p.line("a second person must confirm " + lower + " with: amparo risk confirm " + client.Printable(answer.GetCaseId()))
				}
			})
		})
	})
	return c
}

func (a *app) riskConfirmCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "confirm CASE",
		Short:   "Put a lowered level in force, as the second person",
		Example: "  amparo risk confirm " + exampleCase,
		Args:    asUsed,
		RunE: a.do(func(ctx context.Context, arguments []string) error {
			return a.with(func(conn *client.Conn) error {
				answer, err := conn.Risk.ConfirmRisk(ctx, &amparov1.ConfirmRiskRequest{CaseId: arguments[0], RequestId: a.requestID})
				if err != nil {
					return err
				}
				return a.show(answer, func(p *page) {
					p.line(p.risk(answer.GetRiskLevel()))
					p.entry("case", answer.GetCaseId())
				})
			})
		}),
	}
}

func (a *app) riskShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show CASE",
		Short:   "Show the assessments of a case, newest first",
		Example: "  amparo risk show " + exampleCase,
		Args:    asUsed,
		RunE: a.do(func(ctx context.Context, arguments []string) error {
			return a.with(func(conn *client.Conn) error {
				answer, err := conn.Risk.ListRiskAssessments(ctx, &amparov1.ListRiskAssessmentsRequest{CaseId: arguments[0]})
				if err != nil {
					return err
				}
				return a.show(answer, func(p *page) {
					for _, assessment := range answer.GetAssessments() {
						p.assessment(assessment)
						p.line()
					}
				})
			})
		}),
	}
}

// assessment writes one assessment: the level, whether it holds, and why.
func (p *page) assessment(r *amparov1.RiskAssessment) {
	if r == nil {
		p.line(p.risk(amparov1.RiskLevel_RISK_LEVEL_NOT_ASSESSED))
		return
	}
	j := r.GetJudgement()
	p.line(p.risk(j.GetLevel()), word(r.GetStanding()), p.ago(r.GetAssessedAt()))
	p.entry("by", r.GetAssessedById())
	p.entry("confirmed by", r.GetConfirmedById())
	p.entry("reasons", j.GetReasons())
	p.entry("", yes(j.GetCapableDeathThreat(), "death threat by somebody able to carry it out"))
	p.entry("", yes(j.GetRecentInjuryOrAbduction(), "somebody injured or taken away within 30 days"))
	p.list("threats", j.GetThreats())
	p.list("vulnerabilities", j.GetVulnerabilities())
	p.list("capacities", j.GetCapacities())
	if score := r.GetIndicativeScoreHundredths(); score > 0 {
		p.entry("indicative", fmt.Sprintf("%s (%d x %d / %d = %.2f), which decides nothing", word(r.GetIndicativeLevel()),
			j.GetThreatRating(), j.GetVulnerabilityRating(), j.GetCapacityRating(), float64(score)/100))
	}
}

// list writes items below each other.
func (p *page) list(label string, items []string) {
	for _, item := range items {
		p.entry(label, item)
		label = ""
	}
}
