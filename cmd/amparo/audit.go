package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

func (a *app) auditCommand() *cobra.Command {
	return group("audit", "Read, take away and verify the audit log", "  amparo audit log --since 24h",
		a.logCommand(), a.consentsCommand(), a.sampleCommand(), a.exportCommand(), a.verifyCommand())
}

func (a *app) logCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "log", Short: "Show what was done, newest first",
		Long: `Each device asks for a checkpoint of the log again and again, and each time is a leaf
of the log too. The text leaves those out that went well, and says how many; --all and
--output json have every leaf.`,
		Example: `  amparo audit log --since 24h
  amparo audit log --all
  amparo audit log --output json`,
		Args: noSuchCommand,
	}
	since := c.Flags().String("since", "", "only from then on: a span back from now as 24h, a day, or an instant")
	all := c.Flags().Bool("all", false, "with the checks that devices make of the log by themselves")
	size := c.Flags().Uint32("page-size", 0, "leaves a page, at most 200 (default 50)")
	token := c.Flags().String("page-token", "", "go on from the page before")
	c.RunE = a.do(func(ctx context.Context, _ []string) error {
		from, err := a.instant("since", *since, -1)
		if err != nil {
			return err
		}
		return a.with(func(conn *client.Conn) error {
			answer, err := conn.Audit.ListLeaves(ctx, &amparov1.ListLeavesRequest{Since: from, PageSize: *size, PageToken: *token})
			if err != nil {
				return err
			}
			return a.show(answer, func(p *page) {
				p.logPage(answer.GetLeaves(), *all)
				p.line(count(answer.GetSize(), "leaf stands", "leaves stand") + " under the newest checkpoint")
				if token := answer.GetNextPageToken(); token != "" {
					p.line("more with: --page-token " + client.Printable(token))
				}
			})
		})
	})
	return c
}

// logPage writes a page of the log, as a rule without what devices check by themselves.
func (p *page) logPage(leaves []*amparov1.LoggedLeaf, all bool) {
	shown := leaves
	if !all {
		shown = slices.DeleteFunc(slices.Clone(leaves), func(logged *amparov1.LoggedLeaf) bool { return ownCheck(logged.GetLeaf()) })
	}
	p.leaves(shown)
	if n := len(leaves) - len(shown); n > 0 {
		p.line(count(n, "leaf", "leaves") + " of this page left out, of devices that checked the log; --all shows them")
	}
}

// ownCheck is a leaf of a device that asked for a checkpoint and got it: nobody did
// anything.
func ownCheck(leaf *amparov1.AuditLeaf) bool {
	return leaf.GetAction() == amparov1.LeafAction_LEAF_ACTION_AUDIT_CHECKPOINT && leaf.GetOutcome() == amparov1.LeafOutcome_LEAF_OUTCOME_DONE
}

// leaves writes one line a leaf: when, what, how it ended, who, about which files.
func (p *page) leaves(leaves []*amparov1.LoggedLeaf) {
	columns := []column{{title: "LEAF"}, {title: "TIME"}, {title: "ACT"}, {title: "OUTCOME"}, {title: "STAFF"}, {title: "ABOUT"}, {title: "LEDGER"}}
	for _, logged := range leaves {
		leaf := logged.GetLeaf()
		act := word(leaf.GetAction())
		if n := leaf.GetCount(); n > 1 {
			act += fmt.Sprintf(" x%d", n)
		}
		outcome := word(leaf.GetOutcome())
		if reason := word(leaf.GetReason()); reason != "" {
			outcome += ": " + reason
		}
		cells := []string{
			fmt.Sprint(logged.GetIndex()), leaf.GetRecordedAt().AsTime().In(p.zone).Format("2006-01-02 15:04:05"),
			act, outcome, leaf.GetStaffId(), about(leaf), p.entered(leaf.GetFacts()),
		}
		for i, cell := range cells {
			columns[i].cells = append(columns[i].cells, client.Printable(cell))
		}
	}
	p.table(columns)
}

func about(leaf *amparov1.AuditLeaf) string {
	var out []string
	for _, change := range leaf.GetChanges() {
		out = append(out, fmt.Sprintf("%s v%d", change.GetPseudonym(), change.GetVersion()))
	}
	out = append(out, leaf.GetShown()...)
	for _, id := range []string{leaf.GetTargetStaffId(), leaf.GetTargetDeviceId(), leaf.GetInvitationId()} {
		if id != "" {
			out = append(out, id)
		}
	}
	return strings.Join(out, " ")
}

// entered is what a leaf holds of ledgers, in a few words.
func (p *page) entered(facts []*amparov1.LedgerFact) string {
	var out []string
	for _, fact := range facts {
		kind, _ := p.fact(fact)
		out = append(out, fmt.Sprintf("%d %s", fact.GetNumber(), kind))
	}
	return strings.Join(out, ", ")
}
