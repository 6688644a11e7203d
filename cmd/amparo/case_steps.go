package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

// step sends one request about a case and shows where the case then stands, and
// below it what else the answer says.
func step[A interface {
	proto.Message
	receiver
}](a *app, send func(conn *client.Conn) (A, error), more ...func(p *page, answer A),
) error {
	return a.with(func(conn *client.Conn) error {
		answer, err := send(conn)
		if err != nil {
			return err
		}
		return a.show(answer, func(p *page) {
			p.receipt(answer.GetCase())
			for _, draw := range more {
				draw(p, answer)
			}
		})
	})
}

// readAbout reads a request about a case from the file that --file names.
func (a *app) readAbout(file, caseID string, request proto.Message) error {
	if err := a.readFile(file, request); err != nil {
		return err
	}
	return a.place(request, "case_id", caseID)
}

// optionalText is a text that may be left out: read from stdin for "-" only.
func (a *app) optionalText(ctx context.Context, value string) (string, error) {
	if value == "" {
		return "", nil
	}
	return a.text(ctx, value, "text", true)
}

func (a *app) advanceCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "advance ID --to STATE",
		Short: "Move an accepted case on: in_verification, active, monitoring",
		Example: `  amparo case advance ` + exampleCase + ` --to in_verification
  amparo case advance ` + exampleCase + ` --to active --text - < why.txt`,
		Args: asUsed,
	}
	to := c.Flags().String("to", "", "state to move to")
	text := c.Flags().String("text", "", "why; - reads stdin")
	a.offer(c, "to", fixed("in_verification", "active", "monitoring"))
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		request := &amparov1.AdvanceCaseRequest{CaseId: arguments[0], RequestId: a.requestID}
		var err error
		if request.To, err = enumFlag[amparov1.CaseState]("to", *to); err != nil {
			return err
		}
		if request.Text, err = a.optionalText(ctx, *text); err != nil {
			return err
		}
		return step(a, func(conn *client.Conn) (*amparov1.AdvanceCaseResponse, error) {
			return conn.Cases.AdvanceCase(ctx, request)
		})
	})
	return c
}

func (a *app) holdCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "hold ID",
		Short: "Put a case on hold; its terms go on running",
		Example: `  amparo case hold ` + exampleCase + ` --reason lost_contact
  amparo case hold ` + exampleCase + ` --reason unsafe_to_contact --text - < why.txt`,
		Args: asUsed,
	}
	words := client.EnumWords(amparov1.HoldReason(0).Descriptor())
	reason := c.Flags().String("reason", "", "one of "+listed(words)+"; asked for, or read from stdin, when absent or -")
	text := c.Flags().String("text", "", "why, in words; - reads stdin")
	a.offer(c, "reason", fixed(words...))
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		request := &amparov1.HoldCaseRequest{CaseId: arguments[0], RequestId: a.requestID}
		said, err := a.text(ctx, *reason, "reason ("+listed(words)+")", false)
		if err != nil {
			return err
		}
		if request.Reason, err = enumFlag[amparov1.HoldReason]("reason", strings.TrimSpace(said)); err != nil {
			return err
		}
		if request.Text, err = a.optionalText(ctx, *text); err != nil {
			return err
		}
		return step(a, func(conn *client.Conn) (*amparov1.HoldCaseResponse, error) {
			return conn.Cases.HoldCase(ctx, request)
		})
	})
	return c
}

func (a *app) resumeCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "resume ID", Short: "Take a case off hold", Example: "  amparo case resume " + exampleCase, Args: asUsed,
	}
	text := c.Flags().String("text", "", "why; - reads stdin")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		why, err := a.optionalText(ctx, *text)
		if err != nil {
			return err
		}
		return step(a, func(conn *client.Conn) (*amparov1.ResumeCaseResponse, error) {
			return conn.Cases.ResumeCase(ctx, &amparov1.ResumeCaseRequest{CaseId: arguments[0], Text: why, RequestId: a.requestID})
		})
	})
	return c
}

func (a *app) closeCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "close ID",
		Short: "Close a case",
		Long: `Takes a CloseCaseRequest:

  closing:
    reason: needs_met        # or referred, subject_request, lost_contact, ...
    retention_wish: keep     # or erase_early, could_not_ask
    outcome: what was reached
    follow_up: what follows
    follow_up_on: 2027-03-01  # with the id of who does it
    follow_up_staff_id: lq3c5vd2gkzxwhm7ynbt4jsofa`,
		Example: "  amparo case close " + exampleCase + " --file closing.yaml",
		Args:    asUsed,
	}
	file := fileFlag(c, "the CloseCaseRequest")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		request := &amparov1.CloseCaseRequest{}
		if err := a.readAbout(*file, arguments[0], request); err != nil {
			return err
		}
		return step(a, func(conn *client.Conn) (*amparov1.CloseCaseResponse, error) {
			return conn.Cases.CloseCase(ctx, request)
		})
	})
	return c
}

func (a *app) reopenCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "reopen ID",
		Short: "Reopen a closed case",
		Example: `  amparo case reopen ` + exampleCase + `
  amparo case reopen ` + exampleCase + ` --reason - < why.txt`,
		Args: asUsed,
	}
	reason := c.Flags().String("reason", "", "why, in words; asked for, or read from stdin, when absent or -")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		why, err := a.text(ctx, *reason, "reason", true)
		if err != nil {
			return err
		}
		return step(a, func(conn *client.Conn) (*amparov1.ReopenCaseResponse, error) {
			return conn.Cases.ReopenCase(ctx, &amparov1.ReopenCaseRequest{CaseId: arguments[0], Reason: why, RequestId: a.requestID})
		})
	})
	return c
}

func (a *app) restrictCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "restrict ID",
		Short: "Keep a case to its team, or open it to its office again",
		Example: `  amparo case restrict ` + exampleCase + `
  amparo case restrict ` + exampleCase + ` --off`,
		Args: asUsed,
	}
	off := c.Flags().Bool("off", false, "open it to its office again")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		return step(a, func(conn *client.Conn) (*amparov1.RestrictCaseResponse, error) {
			return conn.Cases.RestrictCase(ctx, &amparov1.RestrictCaseRequest{
				CaseId: arguments[0], Restricted: !*off, RequestId: a.requestID,
			})
		})
	})
	return c
}
