package main

import (
	"context"

	"github.com/spf13/cobra"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

func (a *app) pauseCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "pause CASE",
		Short: "Let a term of a case rest while somebody is asked",
		Long: `Lets a term rest that the policy allows to rest, for as long as it allows; see
"amparo policy show". That a person cannot be reached is no reason.`,
		Example: "  amparo deadline pause " + exampleCase + " --term support_decision --reason awaits_information",
		Args:    asUsed,
	}
	terms, reasons := client.EnumWords(amparov1.TermKind(0).Descriptor()), client.EnumWords(amparov1.TermPauseReason(0).Descriptor())
	term := c.Flags().String("term", "", "which term")
	reason := c.Flags().String("reason", "", "one of "+listed(reasons))
	a.offer(c, "term", fixed(terms...))
	a.offer(c, "reason", fixed(reasons...))
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		request := &amparov1.PauseTermRequest{CaseId: arguments[0], RequestId: a.requestID}
		var err error
		if request.Kind, err = enumFlag[amparov1.TermKind]("term", *term); err != nil {
			return err
		}
		if request.Reason, err = enumFlag[amparov1.TermPauseReason]("reason", *reason); err != nil {
			return err
		}
		return step(a, func(conn *client.Conn) (*amparov1.PauseTermResponse, error) {
			return conn.Deadlines.PauseTerm(ctx, request)
		})
	})
	return c
}

func (a *app) goOnCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "resume CASE",
		Short:   "Let a term that rests go on",
		Example: "  amparo deadline resume " + exampleCase + " --term support_decision",
		Args:    asUsed,
	}
	term := c.Flags().String("term", "", "which term")
	a.offer(c, "term", fixed(client.EnumWords(amparov1.TermKind(0).Descriptor())...))
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		kind, err := enumFlag[amparov1.TermKind]("term", *term)
		if err != nil {
			return err
		}
		return step(a, func(conn *client.Conn) (*amparov1.ResumeTermResponse, error) {
			return conn.Deadlines.ResumeTerm(ctx, &amparov1.ResumeTermRequest{CaseId: arguments[0], RequestId: a.requestID, Kind: kind})
		})
	})
	return c
}
