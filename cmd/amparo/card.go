package main

import (
	"context"

	"github.com/spf13/cobra"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

func (a *app) cardCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "card ID",
		Short: "Open the hotline card of a case: how to reach the person, and who is on duty for it",
		Long: `Shows what whoever answers at night needs of any case of the office, and no more.
Each opening stands in the timeline of the case, and its owner is told.`,
		Example: "  amparo case card " + exampleCase,
		Args:    asUsed,
		RunE: a.do(func(ctx context.Context, arguments []string) error {
			return a.with(func(conn *client.Conn) error {
				answer, err := conn.Cards.OpenCard(ctx, &amparov1.OpenCardRequest{CaseId: arguments[0]})
				if err != nil {
					return err
				}
				return a.show(answer, func(p *page) { p.card(answer.GetCard()) })
			})
		}),
	}
}

func (a *app) incidentCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "incident ID",
		Short: "Add an act against the person",
		Long: `Takes an AddIncidentRequest; the hotline card is enough for it:

  incident:
    act_code: "020103020000"   # HURIDOCS, or AMP-D.. for digital attacks
    date: 2026-11-20           # as far as known: 2026, 2026-11, 2026~
    country: CI
    description: what happened`,
		Example: "  amparo case incident " + exampleCase + " --file incident.yaml",
		Args:    asUsed,
	}
	file := fileFlag(c, "the AddIncidentRequest")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		request := &amparov1.AddIncidentRequest{}
		if err := a.readAbout(*file, arguments[0], request); err != nil {
			return err
		}
		return step(a, func(conn *client.Conn) (*amparov1.AddIncidentResponse, error) {
			return conn.Cards.AddIncident(ctx, request)
		})
	})
	return c
}

func (a *app) raiseCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "raise CASE",
		Short: "Raise the risk of a case at once, from its hotline card",
		Long: `Takes a RaiseRiskRequest. The level must be higher than the one in force; to lower
or confirm it takes somebody who has read the case (amparo risk assess):

  judgement:
    level: extreme
    reasons: why, in words`,
		Example: "  amparo risk raise " + exampleCase + " --file risk.yaml",
		Args:    asUsed,
	}
	file := fileFlag(c, "the RaiseRiskRequest")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		request := &amparov1.RaiseRiskRequest{}
		if err := a.readAbout(*file, arguments[0], request); err != nil {
			return err
		}
		return step(a, func(conn *client.Conn) (*amparov1.RaiseRiskResponse, error) {
			return conn.Cards.RaiseRisk(ctx, request)
		})
	})
	return c
}

func (a *app) excludeCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "exclude ID STAFF...",
		Short: "Set who must not learn of a case, whatever their role",
		Long: `Names everybody who is excluded from now on; none of them is on its team any more.
To let somebody in again takes a reviewer or the head of secretariat.`,
		Example: `  amparo case exclude ` + exampleCase + ` lq3c5vd2gkzxwhm7ynbt4jsofa
  amparo case exclude ` + exampleCase + ` --nobody`,
		Args: cobra.MinimumNArgs(1),
	}
	nobody := c.Flags().Bool("nobody", false, "exclude nobody any more")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		if *nobody == (len(arguments) > 1) {
			return usage("name who is excluded, or --nobody")
		}
		return step(a, func(conn *client.Conn) (*amparov1.ExcludeStaffResponse, error) {
			return conn.Cards.ExcludeStaff(ctx, &amparov1.ExcludeStaffRequest{
				CaseId: arguments[0], StaffIds: arguments[1:], RequestId: a.requestID,
			})
		})
	})
	return c
}
