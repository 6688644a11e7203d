package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

func (a *app) outboxCommand() *cobra.Command {
	return group("outbox", "See and send the intakes that could not be sent", "  amparo outbox send",
		a.outboxListCommand(), a.outboxSendCommand())
}

func (a *app) outboxListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the intakes that wait",
		Long: `Lists what waits by its request id and since when. What is in it, nobody can see
on this device any more: it is sealed to the service.`,
		Example: "  amparo outbox list", Args: noSuchCommand,
		RunE: a.do(func(context.Context, []string) error {
			profile, err := a.openProfile()
			if err != nil {
				return err
			}
			waiting, err := profile.Outbox()
			if err != nil {
				return err
			}
			if a.output == "json" {
				for _, kept := range waiting {
					if err := a.show(kept, nil); err != nil {
						return err
					}
				}
				return nil
			}
			p := a.newPage()
			p.waiting(waiting)
			return a.write(p.bytes())
		}),
	}
}

func (p *page) waiting(waiting []*amparov1.KeptCapsule) {
	if len(waiting) == 0 {
		p.line("Nothing waits.")
		return
	}
	ids, since := column{title: "request"}, column{title: "since"}
	for _, kept := range waiting {
		ids.cells = append(ids.cells, client.Printable(kept.GetRequestId()))
		since.cells = append(since.cells, p.ago(kept.GetKeptSince()))
	}
	p.table([]column{ids, since})
}

func (a *app) outboxSendCommand() *cobra.Command {
	return &cobra.Command{
		Use: "send", Short: "Send the intakes that wait",
		Long: `Sends what waits, the oldest first, and wipes each as soon as the service has
acknowledged it. Every other command that reaches the service does the same. What
was sent before, with an answer that got lost, is not taken in twice.`,
		Example: "  amparo outbox send", Args: noSuchCommand,
		RunE: a.do(func(ctx context.Context, _ []string) error {
			return a.with(func(conn *client.Conn) error {
				var refused *client.Failure
				err := conn.SendOutbox(ctx, func(kept *amparov1.KeptCapsule, answer *amparov1.SubmitCapsuleResponse, failure *client.Failure) {
					if failure == nil {
						failure = client.Explain(a.showTaken(answer))
					} else {
						a.tellSent(kept, answer, failure)
					}
					if failure != nil {
						refused = failure
					}
				})
				if err == nil && refused != nil {
					return refused
				}
				return err
			})
		}),
	}
}

// tellSent tells, beside the work that a command is for, what became of an intake
// that waited.
func (a *app) tellSent(kept *amparov1.KeptCapsule, answer *amparov1.SubmitCapsuleResponse, failure *client.Failure) {
	if failure != nil {
		a.tell("outbox: %s waits on: %s\n", kept.GetRequestId(), failure.Error())
		return
	}
	a.tell("outbox: %s was sent; its case is %s, %s\n", kept.GetRequestId(),
		client.Printable(answer.GetCase().GetCaseId()), client.Printable(answer.GetCase().GetPseudonym()))
}

// showKept says that an intake is not lost and not sent, and why.
func (a *app) showKept(kept *amparov1.KeptCapsule, why *client.Failure) error {
	said := *why
	said.Next = "" // it is in good hands
	a.tell("%s\n", "not sent: "+said.Error())
	return a.show(kept, func(p *page) {
		p.line(p.paint("1;33", "Kept in the outbox, not yet sent."))
		p.entry("request", kept.GetRequestId())
		p.line("It is sealed to the service and goes out at the next contact, once; to try now: amparo outbox send")
	})
}

func (a *app) capsuleCommand() *cobra.Command {
	return group("capsule", "Carry an intake to the service without a line", "  amparo capsule submit intake.age",
		a.capsuleMakeCommand(), a.capsuleSubmitCommand(), a.capsuleRecipientCommand())
}

func (a *app) capsuleMakeCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "make",
		Short: "Seal an intake into a file that only the service opens",
		Long: `Takes the same file as amparo intake and needs no line. The capsule can be carried
on a stick, by anybody, to a desk that reaches the service, or sent as an
attachment: neither this device nor whoever finds it can open it. Brought twice,
it is taken in once.

It bears the time of the call: received_at of the intake, or now.`,
		Example: `  amparo capsule make --file request.yaml --to intake.age
  amparo capsule make --file - --to intake.age < request.yaml`,
		Args: noSuchCommand,
	}
	file := fileFlag(c, "the CreateIntakeRequest")
	to := c.Flags().String("to", "", "file to write")
	c.RunE = a.do(func(context.Context, []string) error {
		if *to == "" {
			return usage("--to FILE is needed")
		}
		profile, err := a.openProfile()
		if err != nil {
			return err
		}
		request := &amparov1.CreateIntakeRequest{}
		if err := a.readFile(*file, request); err != nil {
			return err
		}
		if err := a.placeRequestID(request); err != nil {
			return err
		}
		sealed, err := profile.SealCapsule(request, a.now())
		if err != nil {
			return err
		}
		return client.WriteFile(*to, sealed)
	})
	return c
}

func (a *app) capsuleSubmitCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "submit FILE",
		Short: "Bring a capsule to the service",
		Long: `Takes a capsule that amparo capsule make or stock age has sealed, binary or in
ASCII armour, and opens its case, or shows the case that it has. The file is left
where it is.`,
		Example: `  amparo capsule submit intake.age
  amparo capsule submit - < intake.age`,
		Args: asUsed,
		RunE: a.do(func(ctx context.Context, arguments []string) error {
			sealed, err := a.readRaw(arguments[0])
			if err != nil {
				return err
			}
			return a.with(func(conn *client.Conn) error {
				answer, err := conn.SubmitCapsule(ctx, sealed, a.requestID)
				if err != nil {
					return err
				}
				return a.showTaken(answer)
			})
		}),
	}
}

func (a *app) capsuleRecipientCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "recipient",
		Short: "Write the file by which stock age seals to the service",
		Long: `Writes the service's recipient as age -R reads it, with the service's id beside
it. Nothing in it is secret.`,
		Example: `  amparo capsule recipient --to service-recipient.txt
  age -R service-recipient.txt -o intake.age intake.yaml`,
		Args: noSuchCommand,
	}
	to := c.Flags().String("to", "", "file to write; stdout when absent")
	c.RunE = a.do(func(context.Context, []string) error {
		profile, err := a.openProfile()
		if err != nil {
			return err
		}
		text := []byte(fmt.Sprintf("# service_id: %s\n%s\n", profile.ServiceID(), profile.ServiceRecipient))
		if *to == "" {
			return a.write(text)
		}
		return client.WriteFile(*to, text)
	})
	return c
}
