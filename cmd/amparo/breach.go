package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

func (a *app) breachCommand() *cobra.Command {
	return group("breach", "Report what should not have left, and keep the register", "  amparo breach list", a.breachReportCommand(), a.breachListCommand())
}

func (a *app) breachReportCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "report CASE",
		Short: "Report something that should not have left; always accepted",
		Long: `Takes a ReportBreachRequest; only the text is needed, and what is known of the rest:

  breach:
    text: what happened
    recipient: {name: their name, kind: media}
    categories: [identity, location]
    channel: email
    happened_at: 2026-11-03T06:00:00Z
    aware_at: 2026-11-03T09:00:00Z     # the 72 hours run from then; now, where it is left out
    high_risk: true                    # somebody is in danger: they are told without delay
    disclosure: 7                      # the recorded disclosure that turned out to be one

The data protection officers and the owner of the case are told at once.`,
		Example: "  amparo breach report " + exampleCase + " --file breach.yaml",
		Args:    asUsed,
	}
	file := fileFlag(c, "the ReportBreachRequest")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		return aboutCase(a, *file, arguments[0], &amparov1.ReportBreachRequest{}, func(conn *client.Conn, request *amparov1.ReportBreachRequest) error {
			answer, err := conn.Disclosures.ReportBreach(ctx, request)
			if err != nil {
				return err
			}
			return a.show(answer, func(p *page) {
				id := entryID(answer.GetCaseId(), answer.GetNumber())
				p.entry("breach", id)
				p.entryPainted("tell the authority", p.due(answer.GetNoticeDueAt())+"  ("+p.at(answer.GetNoticeDueAt())+")")
				if request.GetBreach().GetHighRisk() {
					p.line("Tell the person without delay, and record it with: amparo disclose informed " + client.Printable(id))
				}
			})
		})
	})
	return c
}

func (a *app) breachListCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "list",
		Short: "Show the register of breaches, the oldest first",
		Long: `Shows the breaches of which the authority has not been told, and until when it must
have been. It is told on a stated basis, so that the log proves it: amparo disclose
basis with breach_notice, amparo harm approve by a second person, amparo disclose.`,
		Example: `  amparo breach list
  amparo breach list --all`,
		Args: noSuchCommand,
	}
	all := c.Flags().Bool("all", false, "also those of which the authority has been told")
	c.RunE = a.do(func(ctx context.Context, _ []string) error {
		return a.with(func(conn *client.Conn) error {
			answer, err := conn.Disclosures.ListBreaches(ctx, &amparov1.ListBreachesRequest{All: *all})
			if err != nil {
				return err
			}
			return a.show(answer, func(p *page) { p.breaches(answer.GetBreaches()) })
		})
	})
	return c
}

// breaches writes the register: what presses first.
func (p *page) breaches(rows []*amparov1.BreachRow) {
	if len(rows) == 0 {
		p.line("no breach")
		return
	}
	for i, row := range rows {
		if i > 0 {
			p.line()
		}
		b := row.GetBreach()
		if row.GetNoticedAt() != nil {
			p.line("the authority was told " + p.at(row.GetNoticedAt()))
		} else {
			p.line("tell the authority", p.due(row.GetNoticeDueAt()), "("+p.at(row.GetNoticeDueAt())+")")
		}
		p.entry("breach", entryID(row.GetCaseId(), row.GetNumber()))
		p.entry("pseudonym", row.GetPseudonym())
		p.entry("reported", p.ago(row.GetRecordedAt()))
		p.breach("", b)
		switch {
		case row.GetInformedAt() != nil:
			p.entry("the person", "was told "+p.at(row.GetInformedAt()))
		case b.GetHighRisk():
			p.entryPainted("the person", p.paint("1;31", "is in danger, and WAS NOT TOLD"))
		}
	}
}

// breach writes what was reported, as the register and the ledger show it.
func (p *page) breach(indent string, b *amparov1.BreachDraft) {
	p.entry(indent+"known since", p.at(b.GetAwareAt()))
	p.entry(indent+"happened", strings.TrimSuffix(p.at(b.GetHappenedAt())+", by "+word(b.GetChannel()), ", by "))
	p.entry(indent+"to", recipient(b.GetRecipient()))
	p.entry(indent+"data", words(b.GetCategories()))
	p.list(indent+"about", parties(b.GetAbout()))
	p.entry(indent+"disclosure", entryOrNone(b.GetDisclosure()))
	p.entry(indent+"what", b.GetText())
}
