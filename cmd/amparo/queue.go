package main

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

type queueFlags struct {
	office, atLeast, dueBefore, pageToken string
	states                                []string
	mine, watch                           bool
	pageSize                              uint32
}

func (a *app) queueCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "queue",
		Short: "Show the cases that wait, the most pressing first",
		Long: `Shows the open cases that you may know of, ordered by class, risk and the term
that is due next. A risk that nobody has assessed stands above medium.`,
		Example: `  amparo queue
  amparo queue --at-least high --due-before 4h
  amparo queue --watch`,
		Args: noSuchCommand,
	}
	var f queueFlags
	flags := c.Flags()
	flags.StringVar(&f.office, "office", "", "only this office")
	flags.StringSliceVar(&f.states, "state", nil, "only this state; may be given several times (default: all but closed)")
	flags.StringVar(&f.atLeast, "at-least", "", "only this risk level and above")
	flags.BoolVar(&f.mine, "mine", false, "only cases that you are on the team of")
	flags.StringVar(&f.dueBefore, "due-before", "", "only with a term due before: a span from now as 4h, a day, or an instant")
	flags.BoolVar(&f.watch, "watch", false, "go on and show each case that changes")
	flags.Uint32Var(&f.pageSize, "page-size", 0, "rows a page, at most 200 (default 50)")
	flags.StringVar(&f.pageToken, "page-token", "", "go on from the page before")
	a.offer(c, "state", fixed(client.EnumWords(amparov1.CaseState(0).Descriptor())...))
	a.offer(c, "at-least", fixed(client.EnumWords(amparov1.RiskLevel(0).Descriptor())...))
	c.RunE = a.do(func(ctx context.Context, _ []string) error {
		a.watches = f.watch
		profile, conn, err := a.connect()
		if err != nil {
			return err
		}
		defer conn.Close() //nolint:errcheck // nothing is left to lose
		if f.watch {
			return a.watchQueue(ctx, conn, profile, f)
		}
		return a.listQueue(ctx, conn, profile, f)
	})
	return c
}

func (a *app) listQueue(ctx context.Context, conn *client.Conn, profile *client.Profile, f queueFlags) error {
	request := &amparov1.ListQueueRequest{Office: f.office, Mine: f.mine, PageSize: f.pageSize, PageToken: f.pageToken}
	var err error
	if request.States, err = enumFlags[amparov1.CaseState]("state", f.states); err != nil {
		return err
	}
	if f.atLeast != "" {
		if request.AtLeast, err = enumFlag[amparov1.RiskLevel]("at-least", f.atLeast); err != nil {
			return err
		}
	}
	if request.DueBefore, err = a.instant("due-before", f.dueBefore, +1); err != nil {
		return err
	}
	answer, err := conn.Queue.ListQueue(ctx, request)
	if err != nil {
		return err
	}
	return a.show(answer, func(p *page) {
		p.queue(answer.GetRows(), profile.StaffID)
		if token := answer.GetNextPageToken(); token != "" {
			p.line("more with: --page-token " + client.Printable(token))
		}
	})
}

// watchQueue shows changes until the person ends it, which is no failure, or the
// service does, which is one.
func (a *app) watchQueue(ctx context.Context, conn *client.Conn, profile *client.Profile, f queueFlags) error {
	if len(f.states) > 0 || f.atLeast != "" || f.mine || f.dueBefore != "" || f.pageSize != 0 || f.pageToken != "" {
		return usage("--watch goes with --office only")
	}
	stream, err := conn.Queue.WatchQueue(ctx, &amparov1.WatchQueueRequest{Office: f.office})
	if err != nil {
		return err
	}
	for {
		batch, err := stream.Recv()
		if err != nil {
			return watchEnd(ctx, err)
		}
		if len(batch.GetRows()) == 0 && a.outIsPerson {
			a.tell("%s\n", "watching; end with Ctrl-C")
		}
		err = a.show(batch, func(p *page) {
			if len(batch.GetRows()) > 0 {
				p.line(p.now.In(p.zone).Format("15:04:05"))
				p.queue(batch.GetRows(), profile.StaffID)
			}
		})
		if err != nil {
			return err
		}
	}
}

// watchEnd tells whose end of a watch it was: the person's own is no failure.
func watchEnd(ctx context.Context, err error) error {
	if errors.Is(err, io.EOF) || ctx.Err() != nil {
		return nil //nolint:nilerr // the error only says that it ended
	}
	return err
}

func (a *app) searchCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "search [TEXT|-]",
		Short: "Find cases by a name, alias, number, address or handle",
		Long: `Finds the cases of a person whatever the script, accents or spacing. The text is
asked for, so that no name stands in the history of the shell.`,
		Example: `  amparo search
  amparo search - < name.txt`,
		Args: cobra.MaximumNArgs(1),
	}
	limit := c.Flags().Uint32("limit", 0, "rows at most, up to 50 (default 20)")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		given := ""
		if len(arguments) > 0 {
			given = arguments[0]
		}
		text, err := a.text(ctx, given, "name, number, address or handle", false)
		if err != nil {
			return err
		}
		profile, conn, err := a.connect()
		if err != nil {
			return err
		}
		defer conn.Close() //nolint:errcheck // nothing is left to lose
		answer, err := conn.Queue.SearchCases(ctx, &amparov1.SearchCasesRequest{Text: text, Limit: *limit})
		if err != nil {
			return err
		}
		return a.show(answer, func(p *page) {
			if len(answer.GetRows()) == 0 {
				p.line("nothing found that you may know of")
				return
			}
			p.queue(answer.GetRows(), profile.StaffID)
			if answer.GetTruncated() {
				p.line("there is more: search for more of the name, or for a number")
			}
		})
	})
	return c
}

// queue writes rows: risk and due time first, and last what sets a case apart.
func (p *page) queue(rows []*amparov1.QueueRow, me string) {
	if len(rows) == 0 {
		p.line("no case waits")
		return
	}
	columns := []column{
		{title: "RISK"},
		{title: "DUE"},
		{title: "NEXT"},
		{title: "STATE"},
		{title: "CASE"},
		{title: "OFFICE", spare: true},
		{title: "OWNER", spare: true},
		{title: "BY", spare: true},
		{title: "CLASS", spare: true},
		{title: "NOTES"},
	}
	for _, row := range rows {
		cells := []string{
			p.risk(row.GetRiskLevel()), p.due(row.GetDue()), word(row.GetNextTerm()), word(row.GetState()),
			client.Printable(row.GetCaseId()), client.Printable(row.GetOffice()), owner(row.GetOwnerId(), me),
			p.at(row.GetDue()), class(row.GetPriorityClass()), notes(row),
		}
		for i, cell := range cells {
			columns[i].cells = append(columns[i].cells, cell)
		}
	}
	p.table(columns)
}

func class(c amparov1.PriorityClass) string {
	switch c {
	case amparov1.PriorityClass_PRIORITY_CLASS_HRD_AT_RISK:
		return "defender at risk"
	case amparov1.PriorityClass_PRIORITY_CLASS_OTHER_INQUIRY:
		return "other inquiry"
	default:
		return "not triaged"
	}
}

func owner(id, me string) string {
	switch id {
	case "":
		return "nobody"
	case me:
		return "you"
	default:
		return client.Printable(id)
	}
}

func notes(row *amparov1.QueueRow) string {
	var out []string
	for _, note := range []string{
		yes(row.GetOwnerAbsent(), "nobody answers for it"),
		yes(row.GetRestricted(), "restricted"), yes(row.GetPossibleDuplicate(), "possible duplicate"),
		yes(row.GetRiskConfirmationWaits(), "lower risk waits for a second person"),
	} {
		if note != "" {
			out = append(out, note)
		}
	}
	return listed(out)
}
