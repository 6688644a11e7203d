package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

func (a *app) deadlineCommand() *cobra.Command {
	return group("deadline", "See what is due", "  amparo deadline list --overdue", a.deadlineListCommand(), a.pauseCommand(), a.goOnCommand())
}

func (a *app) deadlineListCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "list",
		Short: "Show cases by what is due next, the longest overdue first",
		Long: `Shows the open cases that you may know of by the term that is due next, whatever
their class and risk: what "amparo queue" puts further down is not overlooked. A
closed case is among them while something outlives it: what left still takes its
second signature, its answer or its notice, and the person may still have to be told.`,
		Example: `  amparo deadline list --overdue
  amparo deadline list --within 72h`,
		Args: noSuchCommand,
	}
	request := &amparov1.ListDeadlinesRequest{}
	flags := c.Flags()
	flags.StringVar(&request.Office, "office", "", "only this office")
	flags.BoolVar(&request.Overdue, "overdue", false, "only what is overdue")
	within := flags.Duration("within", 0, "only what is overdue, or due within so long from now")
	flags.Uint32Var(&request.PageSize, "page-size", 0, "rows a page, at most 200 (default 50)")
	flags.StringVar(&request.PageToken, "page-token", "", "go on from the page before")
	c.RunE = a.do(func(ctx context.Context, _ []string) error {
		if *within < 0 || request.Overdue && *within > 0 {
			return usage("--within is a span from now, and goes without --overdue")
		}
		if c.Flags().Changed("within") {
			request.Within = durationpb.New(*within)
		}
		profile, conn, err := a.connect()
		if err != nil {
			return err
		}
		defer conn.Close() //nolint:errcheck // nothing is left to lose
		answer, err := conn.Deadlines.ListDeadlines(ctx, request)
		if err != nil {
			return err
		}
		return a.show(answer, func(p *page) {
			if len(answer.GetRows()) == 0 {
				p.line("nothing is due")
				return
			}
			p.queue(answer.GetRows(), profile.StaffID)
			if token := answer.GetNextPageToken(); token != "" {
				p.line("more with: --page-token " + client.Printable(token))
			}
		})
	})
	return c
}

func (a *app) clockCommand() *cobra.Command {
	confirm := &cobra.Command{
		Use:   "confirm",
		Short: "Confirm that the service's clock is right",
		Long: `After the service stood still for more than a day, or its clock was set forward by
as much, nothing is destroyed because its time has come until an administrator or
the head of secretariat has confirmed the clock. This sends what time it is by the
clock of this machine; the service refuses when its own does not agree.`,
		Example: "  amparo clock confirm",
		Args:    noSuchCommand,
	}
	confirm.RunE = a.do(func(ctx context.Context, _ []string) error {
		return a.with(func(conn *client.Conn) error {
			answer, err := conn.Deadlines.ConfirmClock(ctx, &amparov1.ConfirmClockRequest{
				RequestId: a.requestID, At: timestamppb.New(a.now()),
			})
			if err != nil {
				return err
			}
			return a.show(answer, func(p *page) {
				p.line("confirmed: by the service's clock it is " + answer.GetAt().AsTime().In(p.zone).Format(time.DateTime))
			})
		})
	})
	return group("clock", "Confirm the service's clock", "  amparo clock confirm", confirm)
}
