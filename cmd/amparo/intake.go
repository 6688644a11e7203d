package main

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

func (a *app) intakeCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "intake",
		Short: "Take a request for help in",
		Long: `On a terminal, asks question by question, safe contact first. What is answered
is kept after each answer, sealed to this device's own key: if the line breaks or
the machine stops, amparo intake goes on from there. Everything is shown again
before it is sent.

If the service does not answer, the request is sealed to it and kept in the
outbox, which is no failure: it is sent at the next contact, once, and bears the
time of the call. Nobody can open it on this device.

With --file, takes a CreateIntakeRequest:

  intake:
    channel: hotline
    safe_contact: {channel: signal, address: "+41790000000", code_word: heron}
    submitter: {kind: self}
    identity:
      person: {legal_name: ..., current_country: CO}
    situation: what happened
    urgency_self_assessed: hours
    needs: [{code: urgent_relocation}]`,
		Example: `  amparo intake
  amparo intake --file request.yaml
  amparo intake --file - < request.json
  amparo intake --blank | lp`,
		Args: noSuchCommand,
	}
	file := fileFlag(c, "the CreateIntakeRequest")
	discard := c.Flags().Bool("discard-draft", false, "drop the unfinished intake that is kept, and begin anew")
	blank := c.Flags().Bool("blank", false, "print a blank form to be filled in by hand, and take nothing in")
	c.RunE = a.do(func(ctx context.Context, _ []string) error {
		if *blank {
			return a.write([]byte(blankForm(cmp.Or(a.requestID, client.NewRequestID()))))
		}
		if *file != "" {
			return a.intakeFile(ctx, *file)
		}
		if !a.inIsPerson {
			return usage("stdin is no terminal: give the request with --file -")
		}
		return a.intakeAsked(ctx, *discard)
	})
	return c
}

func (a *app) intakeFile(ctx context.Context, file string) error {
	request := &amparov1.CreateIntakeRequest{}
	if err := a.readFile(file, request); err != nil {
		return err
	}
	if err := a.placeRequestID(request); err != nil {
		return err
	}
	return a.with(func(conn *client.Conn) error {
		answer, kept, why, err := conn.TakeIntake(ctx, request, a.now())
		switch {
		case err != nil:
			return err
		case kept != nil:
			return a.showKept(kept, why)
		default:
			return a.showTaken(answer)
		}
	})
}

// showTaken shows the case of an intake, however it reached the service.
func (a *app) showTaken(answer interface {
	proto.Message
	receiver
	GetPossibleDuplicate() bool
},
) error {
	return a.show(answer, func(p *page) {
		p.receipt(answer.GetCase())
		if answer.GetPossibleDuplicate() {
			p.line(p.paint("1;33", "A possible duplicate exists; its owner has been told."))
		}
	})
}

// intakeAsked asks, shows, and sends when told to.
func (a *app) intakeAsked(ctx context.Context, discard bool) error {
	profile, conn, err := a.connect()
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // nothing is left to lose
	if discard {
		if err := profile.DropDraft(); err != nil {
			return err
		}
	}
	i, err := a.resume(ctx, profile)
	if err != nil {
		return i.interrupted(err)
	}
	i.request.RequestId = cmp.Or(a.requestID, i.request.GetRequestId())
	for {
		if err := i.askAll(ctx); err != nil {
			return i.interrupted(err)
		}
		decision, err := i.review(ctx)
		if err != nil {
			return i.interrupted(err)
		}
		switch decision {
		case decisionSend:
			answer, kept, why, err := conn.TakeIntake(ctx, i.request, i.begun)
			if failure := client.Explain(err); failure != nil && failure.Exit == exitUsage {
				i.correct(failure)
				continue
			}
			if err != nil {
				return i.interrupted(err)
			}
			// The draft goes once the request is safe with the service, or sealed
			// to it.
			if err := profile.DropDraft(); err != nil {
				return err
			}
			if kept != nil {
				return a.showKept(kept, why)
			}
			return a.showTaken(answer)
		case decisionDiscard:
			a.tell("%s\n", "discarded; nothing was sent")
			return profile.DropDraft()
		case decisionLater:
			a.tell("%s\n", "kept, sealed to this device; go on with: amparo intake")
			return nil
		case decisionChange:
		}
	}
}

// resume opens the draft that is kept, if the person wishes so, or begins a new one.
func (a *app) resume(ctx context.Context, profile *client.Profile) (*interview, error) {
	i := newInterview(a.terminal, func() *page { return a.newPage() }, profile.SaveDraft, a.now())
	kept, err := profile.Draft()
	if err != nil || kept == nil {
		return i, err
	}
	for {
		answer, err := i.ask(ctx, "An unfinished intake is kept here. Go on with it? (yes, no: discard it)")
		if err != nil {
			return i, err
		}
		switch parseYes(answer) {
		case answerYes:
			return i, i.load(kept)
		case answerNo:
			return i, profile.DropDraft()
		case answerUnclear:
		}
	}
}
