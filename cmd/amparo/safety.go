package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

// aboutCase reads a request about a case from a file and sends it.
func aboutCase[R proto.Message](a *app, file, caseID string, request R, send func(conn *client.Conn, request R) error) error {
	if err := a.readAbout(file, caseID, request); err != nil {
		return err
	}
	return a.with(func(conn *client.Conn) error { return send(conn, request) })
}

func (a *app) safetyCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "safety ID",
		Short:   "Show how the person can be reached, and what befell them",
		Long:    "Shows the local time and the safe hours before each number, and what is not to be used.",
		Example: "  amparo case safety " + exampleCase,
		Args:    asUsed,
		RunE: a.do(func(ctx context.Context, arguments []string) error {
			return a.with(func(conn *client.Conn) error {
				answer, err := conn.Safety.GetSafety(ctx, &amparov1.GetSafetyRequest{CaseId: arguments[0]})
				if err != nil {
					return err
				}
				return a.show(answer, func(p *page) { p.safety(answer) })
			})
		}),
	}
}

func (a *app) statusCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "status ID",
		Short: "Record what befell the person; an arrest takes their telephone out of use",
		Long: `Takes a RecordStatusRequest:

  report:
    status: detained         # at_liberty, in_hiding, disappeared, deceased, unreachable
    device_seized: true      # alone, or with a status
    source: family           # proxy, lawyer, colleague, partner, media, witness, ...
    at: 2026-11-03T06:00:00Z # when it happened; now, where it is left out
    text: what was heard

The answer says whom to turn to instead, and what the person wished for this.`,
		Example: `  amparo case status ` + exampleCase + ` --file arrest.yaml
  amparo case status confirm ` + exampleCase + ` --file second-source.yaml`,
		Args: asUsed,
	}
	file := fileFlag(c, "the RecordStatusRequest")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		request := &amparov1.RecordStatusRequest{}
		if err := a.readAbout(*file, arguments[0], request); err != nil {
			return err
		}
		return step(a, func(conn *client.Conn) (*amparov1.RecordStatusResponse, error) {
			return conn.Safety.RecordStatus(ctx, request)
		}, func(p *page, answer *amparov1.RecordStatusResponse) { p.advice(answer.GetAdvice()) })
	})
	c.AddCommand(a.statusConfirmCommand())
	return c
}

func (a *app) statusConfirmCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "confirm ID",
		Short: "Record a second source of what befell the person",
		Long: `Takes a ConfirmStatusRequest:

  source: lawyer             # not the one that it rests on already
  report: 4                  # the newest, where it is left out
  text: what was heard`,
		Example: "  amparo case status confirm " + exampleCase + " --file second-source.yaml",
		Args:    asUsed,
	}
	file := fileFlag(c, "the ConfirmStatusRequest")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		request := &amparov1.ConfirmStatusRequest{}
		if err := a.readAbout(*file, arguments[0], request); err != nil {
			return err
		}
		return step(a, func(conn *client.Conn) (*amparov1.ConfirmStatusResponse, error) {
			return conn.Safety.ConfirmStatus(ctx, request)
		})
	})
	return c
}

func (a *app) contactsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "contacts ID",
		Short: "Ask for another contact or payee; it is used once it is proven",
		Long: `Takes a ProposeContactChangeRequest, one change at a time:

  answer: guayaba            # to the challenge, if the person gave it: in force at once
  change:
    replaces: 1              # the contact that the new one takes the place of
    contact:
      kind: own              # or proxy, submitter
      name: for a proxy
      way: {channel: signal, address: "+573005550101", time_zone: America/Bogota,
            code_word: a word, duress_word: another}
      may_tell: [well_being, support]

In place of contact: payee {account_holder, way, reference}, restore (the number of a
contact that is not to be used), or direct_contact. Without the answer it waits for:
amparo case contact-confirm.`,
		Example: "  amparo case contacts " + exampleCase + " --file new-number.yaml",
		Args:    asUsed,
	}
	file := fileFlag(c, "the ProposeContactChangeRequest")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		request := &amparov1.ProposeContactChangeRequest{}
		if err := a.readAbout(*file, arguments[0], request); err != nil {
			return err
		}
		return step(a, func(conn *client.Conn) (*amparov1.ProposeContactChangeResponse, error) {
			return conn.Safety.ProposeContactChange(ctx, request)
		}, func(p *page, answer *amparov1.ProposeContactChangeResponse) {
			p.standing(answer.GetChange(), answer.GetStanding())
		})
	})
	return c
}

// standing writes how a change stands, and what to do where it waits.
func (p *page) standing(number uint32, standing amparov1.ChangeStanding) {
	p.entry("change", strconv.FormatUint(uint64(number), 10)+", "+word(standing))
	if standing == amparov1.ChangeStanding_CHANGE_STANDING_PENDING {
		p.line("Use nothing of it before it is proven: over the old channel, by the challenge, or by a second person.")
	}
}

func (a *app) contactConfirmCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "contact-confirm ID CHANGE",
		Short: "Prove a change of a contact or a payee, or reject it",
		Long: `Without a file it is you who confirms, as a second person. With one it takes a
ConfirmContactChangeRequest:

  proof: old_channel         # or challenge, with its answer
  contact: 1                 # the old channel; a contact over it must have been recorded since`,
		Example: `  amparo case contact-confirm ` + exampleCase + ` 4
  amparo case contact-confirm ` + exampleCase + ` 4 --reject
  amparo case contact-confirm ` + exampleCase + ` 4 --file proof.yaml`,
		Args: asUsed,
	}
	file := fileFlag(c, "the ConfirmContactChangeRequest")
	reject := c.Flags().Bool("reject", false, "reject it")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		number, err := strconv.ParseUint(arguments[1], 10, 32)
		if err != nil || number == 0 {
			return usage("CHANGE is the number of a change; see: amparo case safety")
		}
		request := &amparov1.ConfirmContactChangeRequest{}
		if *file != "" {
			if err := a.readFile(*file, request); err != nil {
				return err
			}
		}
		if err := a.place(request, "case_id", arguments[0]); err != nil {
			return err
		}
		if there := request.GetChange(); there != 0 && there != uint32(number) {
			return usage("the file's change is not the one on the command line")
		}
		request.Change, request.Reject = uint32(number), request.GetReject() || *reject
		return step(a, func(conn *client.Conn) (*amparov1.ConfirmContactChangeResponse, error) {
			return conn.Safety.ConfirmContactChange(ctx, request)
		}, func(p *page, answer *amparov1.ConfirmContactChangeResponse) {
			p.standing(uint32(number), answer.GetStanding())
		})
	})
	return c
}
