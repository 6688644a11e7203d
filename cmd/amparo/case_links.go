package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

const exampleOther = "d5ztm2xgynvp4chbrjlsek7w3q"

func (a *app) linkCommand() *cobra.Command {
	return &cobra.Command{
		Use: "link ID OTHER", Short: "Link two cases; both teams see it",
		Example: "  amparo case link " + exampleCase + " " + exampleOther, Args: asUsed,
		RunE: a.do(func(ctx context.Context, arguments []string) error {
			return step(a, func(conn *client.Conn) (*amparov1.LinkCasesResponse, error) {
				return conn.Links.LinkCases(ctx, &amparov1.LinkCasesRequest{
					CaseId: arguments[0], OtherCaseId: arguments[1], RequestId: a.requestID,
				})
			})
		}),
	}
}

func (a *app) linksCommand() *cobra.Command {
	return &cobra.Command{
		Use: "links ID", Short: "Show linked cases and shared incidents, and whom to ask about them",
		Example: "  amparo case links " + exampleCase, Args: asUsed,
		RunE: a.do(func(ctx context.Context, arguments []string) error {
			return a.with(func(conn *client.Conn) error {
				answer, err := conn.Links.ShowLinks(ctx, &amparov1.ShowLinksRequest{CaseId: arguments[0]})
				if err != nil {
					return err
				}
				return a.show(answer, func(p *page) { p.links(answer) })
			})
		}),
	}
}

func (a *app) shareCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "share ID",
		Short: "Share an incident with other cases",
		Long: `For several people whom one thing befell, as when many are arrested in one raid:
the facts are kept once, and each case keeps its own file and team. Without --group
a shared incident begins; its id is for: amparo case join. With --group the facts
are added for all its cases. Takes a ShareIncidentRequest:

  incident:
    act_code: "020103020000"
    date: 2026-03-14
    description: what happened`,
		Example: `  amparo case share ` + exampleCase + ` --file raid.yaml
  amparo case share ` + exampleCase + ` --group ` + exampleOther + ` --file more.yaml`,
		Args: asUsed,
	}
	file := fileFlag(c, "the ShareIncidentRequest")
	group := c.Flags().String("group", "", "shared incident to add to")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		request := &amparov1.ShareIncidentRequest{}
		if err := a.readAbout(*file, arguments[0], request); err != nil {
			return err
		}
		if *group != "" {
			return step(a, func(conn *client.Conn) (*amparov1.AddSharedIncidentResponse, error) {
				return conn.Links.AddSharedIncident(ctx, &amparov1.AddSharedIncidentRequest{
					RequestId: request.GetRequestId(), CaseId: arguments[0], IncidentGroupId: *group, Incident: request.GetIncident(),
				})
			})
		}
		return step(a, func(conn *client.Conn) (*amparov1.ShareIncidentResponse, error) {
			return conn.Links.ShareIncident(ctx, request)
		}, func(p *page, answer *amparov1.ShareIncidentResponse) {
			p.entry("shared incident", answer.GetIncidentGroupId())
		})
	})
	return c
}

func (a *app) joinCommand() *cobra.Command {
	return &cobra.Command{
		Use: "join ID GROUP", Short: "Add a case to an incident that others share",
		Example: "  amparo case join " + exampleCase + " " + exampleOther, Args: asUsed,
		RunE: a.do(func(ctx context.Context, arguments []string) error {
			return step(a, func(conn *client.Conn) (*amparov1.JoinIncidentResponse, error) {
				return conn.Links.JoinIncident(ctx, &amparov1.JoinIncidentRequest{
					CaseId: arguments[0], IncidentGroupId: arguments[1], RequestId: a.requestID,
				})
			})
		}),
	}
}

func (a *app) mergeCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "merge ID OTHER",
		Short: "Merge a duplicate into a case; takes two people",
		Long: `Proposes that OTHER is the same as ID. A second person runs the same, or: amparo
case merge-confirm ID. Then OTHER is closed as a duplicate that points to ID, with
all that it holds; of the clocks the earliest survives, of the risks the higher one,
and whoever either case excludes is excluded from both.`,
		Example: "  amparo case merge " + exampleCase + " " + exampleOther, Args: asUsed,
	}
	keep := c.Flags().Bool("keep-team", false, "keep the team of ID as it is; otherwise that of OTHER joins it")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		return step(a, func(conn *client.Conn) (*amparov1.MergeCasesResponse, error) {
			return a.merge(ctx, conn, arguments[0], arguments[1], *keep)
		}, (*page).merged)
	})
	return c
}

func (a *app) merge(ctx context.Context, conn *client.Conn, id, other string, keepTeam bool) (*amparov1.MergeCasesResponse, error) {
	return conn.Links.MergeCases(ctx, &amparov1.MergeCasesRequest{
		CaseId: id, OtherCaseId: other, KeepTeam: keepTeam, RequestId: a.requestID,
	})
}

func (p *page) merged(answer *amparov1.MergeCasesResponse) { p.twoPeople(answer.GetMerged(), "merged") }

// proposedMerge reads which merge of a case waits for a second person. The case may
// be either of the two.
func proposedMerge(ctx context.Context, conn *client.Conn, id string) (stays, other string, err error) {
	answer, err := conn.Cases.GetCase(ctx, &amparov1.GetCaseRequest{CaseId: id})
	if err != nil {
		return "", "", err
	}
	proposal := answer.GetCase().GetMergeProposal()
	switch {
	case proposal == nil || proposal.GetUndo():
		return "", "", &client.Failure{
			Exit: exitRule, Reason: "NOTHING_TO_CONFIRM", Text: "no merge of this case waits for a second person", Next: "amparo case show " + id,
		}
	case proposal.GetStays():
		return id, proposal.GetOtherCaseId(), nil
	default:
		return proposal.GetOtherCaseId(), id, nil
	}
}

func (a *app) mergeConfirmCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "merge-confirm ID", Short: "Confirm a merge that somebody else proposed",
		Example: "  amparo case merge-confirm " + exampleCase, Args: asUsed,
	}
	keep := c.Flags().Bool("keep-team", false, "keep the team of the case that stays as it is")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		return step(a, func(conn *client.Conn) (*amparov1.MergeCasesResponse, error) {
			stays, other, err := proposedMerge(ctx, conn, arguments[0])
			if err != nil {
				return nil, err
			}
			return a.merge(ctx, conn, stays, other, *keep)
		}, (*page).merged)
	})
	return c
}

func (a *app) unmergeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "unmerge ID OTHER",
		Short: "Undo a merge; takes two people",
		Long: `Proposes that OTHER, which was merged into ID, is a case of its own after all. A
second person runs the same. OTHER is again as it was; no clock begins anew.`,
		Example: "  amparo case unmerge " + exampleCase + " " + exampleOther, Args: asUsed,
		RunE: a.do(func(ctx context.Context, arguments []string) error {
			return step(a, func(conn *client.Conn) (*amparov1.UnmergeCasesResponse, error) {
				return conn.Links.UnmergeCases(ctx, &amparov1.UnmergeCasesRequest{
					CaseId: arguments[0], OtherCaseId: arguments[1], RequestId: a.requestID,
				})
			}, func(p *page, answer *amparov1.UnmergeCasesResponse) { p.twoPeople(answer.GetUnmerged(), "parted") })
		}),
	}
}

func (p *page) twoPeople(done bool, text string) {
	if done {
		p.line(text)
		return
	}
	p.line(p.paint("1;33", "proposed: a second person must confirm it"))
}

func (p *page) links(answer *amparov1.ShowLinksResponse) {
	if len(answer.GetLinked())+len(answer.GetIncidents()) == 0 {
		p.line("the case is tied to no other")
	}
	for _, linked := range answer.GetLinked() {
		p.entry("linked", linked.GetCaseId()+", of "+owner(linked.GetOwnerId(), ""))
	}
	for _, group := range answer.GetIncidents() {
		p.entry("shared incident", group.GetId())
		p.entry("with", fmt.Sprintf("%s; ask %s", count(group.GetOthers(), "other", "others"), listed(group.GetOwnerIds())))
		for _, incident := range group.GetShared().GetIncidents() {
			p.message("What happened", incident)
		}
	}
}

// ties writes what a case says of other cases.
func (p *page) ties(c *amparov1.Case) {
	p.entry("merged into", c.GetMergedIntoId())
	p.entry("merged", listed(c.GetMergedCaseIds()))
	p.entry("linked", listed(c.GetLinkedCaseIds()))
	p.entry("incidents", listed(c.GetIncidentGroupIds()))
	if proposal := c.GetMergeProposal(); proposal != nil {
		what := "merge"
		if proposal.GetUndo() {
			what = "parting"
		}
		p.entry("waits", what+" with "+proposal.GetOtherCaseId()+", proposed by "+proposal.GetProposedById())
	}
}
