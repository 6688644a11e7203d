package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

func (a *app) distrustCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "contact-distrust ID CONTACT",
		Short: "Take a contact out of use at once",
		Example: `  amparo case contact-distrust ` + exampleCase + ` 1 --text - < why.txt
  amparo case contact-distrust ` + exampleCase + ` 3 --hostile`,
		Args: asUsed,
	}
	hostile := c.Flags().Bool("hostile", false, "it is thought to be in hostile hands: names are hidden from now on")
	text := c.Flags().String("text", "", "why; - reads stdin")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		number, err := strconv.ParseUint(arguments[1], 10, 32)
		if err != nil || number == 0 {
			return usage("CONTACT is the number of a contact; see: amparo case safety")
		}
		why, err := a.optionalText(ctx, *text)
		if err != nil {
			return err
		}
		return a.with(func(conn *client.Conn) error {
			answer, err := conn.Safety.DistrustContact(ctx, &amparov1.DistrustContactRequest{
				CaseId: arguments[0], Contact: uint32(number), SuspectedHostile: *hostile, Text: why, RequestId: a.requestID,
			})
			if err != nil {
				return err
			}
			return a.show(answer, func(p *page) {
				p.receipt(answer.GetCase())
				p.advice(answer.GetAdvice())
			})
		})
	})
	return c
}

func (a *app) duressCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "duress ID",
		Short: "Record a contact in which the person was forced, though no word was said",
		Long: `Takes a ReportDuressRequest:

  contact:
    channel: phone
    outcome: reached
    contact_number: 1        # as amparo case safety shows it
    text: what was said

It answers as any other contact does, and somebody on call is woken. Do not run it
where the screen can be seen: a word for duress, in amparo case contact, shows nothing.`,
		Example: "  amparo case duress " + exampleCase + " --file contact.yaml",
		Args:    asUsed,
	}
	file := fileFlag(c, "the ReportDuressRequest")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		return aboutCase(a, *file, arguments[0], &amparov1.ReportDuressRequest{}, func(conn *client.Conn, request *amparov1.ReportDuressRequest) error {
			answer, err := conn.Safety.ReportDuress(ctx, request)
			if err != nil {
				return err
			}
			return a.show(answer, func(p *page) {
				p.receipt(answer.GetCase())
				p.minding(answer.GetWarnings())
			})
		})
	})
	return c
}

func (a *app) wishesCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "wishes ID",
		Short: "Record what the person wishes if they are detained, disappear or die",
		Long: `Takes a SetAdvanceInstructionsRequest; it replaces what was recorded before:

  instructions:
    - event: detained        # disappeared, deceased, unreachable
      proxy: 3               # the contact to turn to
      text: what to do, and what not
    - device_seized: true    # in place of event
      text: whom to warn`,
		Example: "  amparo case wishes " + exampleCase + " --file wishes.yaml",
		Args:    asUsed,
	}
	file := fileFlag(c, "the SetAdvanceInstructionsRequest")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		return aboutCase(a, *file, arguments[0], &amparov1.SetAdvanceInstructionsRequest{}, func(conn *client.Conn, request *amparov1.SetAdvanceInstructionsRequest) error {
			answer, err := conn.Safety.SetAdvanceInstructions(ctx, request)
			if err != nil {
				return err
			}
			return a.show(answer, func(p *page) { p.receipt(answer.GetCase()) })
		})
	})
	return c
}

func (a *app) interpreterCommand() *cobra.Command {
	return group("interpreter", "Keep the list of vetted interpreters", "  amparo interpreter list --language ps",
		a.interpreterAddCommand(), a.interpreterUpdateCommand(), a.interpreterListCommand())
}

func (a *app) interpreterAddCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "add",
		Short: "Put somebody on the list whom you have vetted",
		Long: `Takes an AddInterpreterRequest:

  interpreter:
    name: their name
    languages: [ps, prs]
    undertaking_signed: 2026-10-01
    contact: {channel: signal, address: "+3225550120"}
    conflicts: [whom they are close to, or at odds with]`,
		Example: "  amparo interpreter add --file interpreter.yaml",
		Args:    cobra.NoArgs,
	}
	file := fileFlag(c, "the AddInterpreterRequest")
	c.RunE = a.do(func(ctx context.Context, _ []string) error {
		request := &amparov1.AddInterpreterRequest{}
		if err := a.readFile(*file, request); err != nil {
			return err
		}
		if err := a.placeRequestID(request); err != nil {
			return err
		}
		return a.with(func(conn *client.Conn) error {
			answer, err := conn.Interpreters.AddInterpreter(ctx, request)
			if err != nil {
				return err
			}
			return a.show(answer, func(p *page) { p.entry("interpreter", answer.GetInterpreterId()) })
		})
	})
	return c
}

func (a *app) interpreterUpdateCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "update ID",
		Short: "Vet somebody anew, or take them off the list",
		Example: `  amparo interpreter update ` + exampleCase + ` --file interpreter.yaml
  amparo interpreter update ` + exampleCase + ` --inactive`,
		Args: asUsed,
	}
	file := c.Flags().String("file", "", "the UpdateInterpreterRequest, YAML or JSON; - reads stdin")
	inactive := c.Flags().Bool("inactive", false, "they may not work any more")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		request := &amparov1.UpdateInterpreterRequest{}
		if *file != "" {
			if err := a.readFile(*file, request); err != nil {
				return err
			}
		}
		if err := a.place(request, "interpreter_id", arguments[0]); err != nil {
			return err
		}
		request.Inactive = request.GetInactive() || *inactive
		return a.with(func(conn *client.Conn) error {
			answer, err := conn.Interpreters.UpdateInterpreter(ctx, request)
			if err != nil {
				return err
			}
			return a.show(answer, func(p *page) { p.entry("interpreter", arguments[0]) })
		})
	})
	return c
}

func (a *app) interpreterListCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "list",
		Short: "Show the list, or who may interpret in a case",
		Example: `  amparo interpreter list --language ps
  amparo interpreter list --case ` + exampleCase,
		Args: cobra.NoArgs,
	}
	language := c.Flags().String("language", "", "only those who speak it, such as ps or zh-Hans")
	caseID := c.Flags().String("case", "", "only those who may interpret for its person, in their language")
	c.RunE = a.do(func(ctx context.Context, _ []string) error {
		return a.with(func(conn *client.Conn) error {
			if *caseID != "" {
				answer, err := conn.Interpreters.FindInterpreters(ctx, &amparov1.FindInterpretersRequest{CaseId: *caseID, Language: *language})
				if err != nil {
					return err
				}
				return a.show(answer, func(p *page) { p.interpreters(answer.GetInterpreters()) })
			}
			answer, err := conn.Interpreters.ListInterpreters(ctx, &amparov1.ListInterpretersRequest{Language: *language})
			if err != nil {
				return err
			}
			return a.show(answer, func(p *page) { p.interpreters(answer.GetInterpreters()) })
		})
	})
	return c
}

func (p *page) interpreters(list []*amparov1.Interpreter) {
	for _, i := range list {
		p.line(client.Printable(i.GetId()), yes(!i.GetActive(), "MAY NOT WORK"))
		p.fields(i.GetInterpreter().ProtoReflect(), "")
		p.entry("vetted", p.at(i.GetVettedAt())+" by "+i.GetVettedById())
		p.line("")
	}
}
