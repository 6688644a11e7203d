package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
	"github.com/amparo-project/amparo/internal/fault"
)

// planned is what somebody asks about, as the flags say it.
type planned struct {
	file            string
	purpose         string
	recipient       string
	recipientNumber uint32
	data            []string
	track           string
	channel         string
}

func (a *app) consentCheckCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "check CASE",
		Short: "Ask whether something may leave, and what stands in the way",
		Long: `Asks the gate without passing it: it changes nothing, and allows nothing. It ends with 0
when it may leave and with 5 when it may not; everything that stands in the way is
named, with its code and the entries of the ledger that it rests on.

The name of the recipient is asked for, or read from stdin. Where the ledger has them
already, --recipient-number says who it is and names nobody.

A file is needed for what the flags do not say. It takes a CheckConsentRequest:

  disclosure:
    action:
      about: [{kind: companion, name: whoever else is named}]
    happened_at: 2026-11-03T06:00:00Z
    necessities: [{category: location, why: why less is not enough}]

The rest of it is that of amparo disclose.`,
		Example: `  amparo consent check ` + exampleCase + ` --purpose legal_assistance --recipient - --data identity,situation --channel signal
  amparo consent check ` + exampleCase + ` --purpose media --recipient-number 2 --data image
  amparo consent check ` + exampleCase + ` --file planned.yaml`,
		Args: asUsed,
	}
	asked := &planned{}
	flags := c.Flags()
	purposes, data := client.EnumWords(amparov1.Purpose(0).Descriptor()), client.EnumWords(amparov1.DataCategory(0).Descriptor())
	tracks, channels := client.EnumWords(amparov1.DisclosureTrack(0).Descriptor()), client.EnumWords(amparov1.ContactChannel(0).Descriptor())
	flags.StringVarP(&asked.file, "file", "f", "", "the CheckConsentRequest as YAML or JSON; - is stdin")
	flags.StringVar(&asked.purpose, "purpose", "", "one of "+listed(purposes))
	flags.StringVar(&asked.recipient, "recipient", "", "to whom, by name; asked for, or read from stdin, when absent or -")
	flags.Uint32Var(&asked.recipientNumber, "recipient-number", 0, "to whom, by the number that the ledger gave them")
	flags.StringSliceVar(&asked.data, "data", nil, "which data; may be given several times: "+listed(data))
	flags.StringVar(&asked.track, "track", "", "one of "+listed(tracks)+" (default ordinary)")
	flags.StringVar(&asked.channel, "channel", "", "by which way, as signal or in_person")
	a.offer(c, "purpose", fixed(purposes...))
	a.offer(c, "data", fixed(data...))
	a.offer(c, "track", fixed(tracks...))
	a.offer(c, "channel", fixed(channels...))
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		request, err := a.question(ctx, asked, arguments[0])
		if err != nil {
			return err
		}
		return a.with(func(conn *client.Conn) error {
			answer, err := conn.Consents.CheckConsent(ctx, request)
			if err != nil {
				return err
			}
			if err := a.show(answer, func(p *page) { p.decision(answer.GetDecision()) }); err != nil {
				return err
			}
			return obstructed(answer.GetDecision())
		})
	})
	return c
}

// question makes the request of the flags, and of the file where there is one.
func (a *app) question(ctx context.Context, asked *planned, caseID string) (*amparov1.CheckConsentRequest, error) {
	request := &amparov1.CheckConsentRequest{}
	if asked.file != "" {
		if err := a.readFile(asked.file, request); err != nil {
			return nil, err
		}
	}
	if err := placeOne(request, "case_id", caseID); err != nil {
		return nil, err
	}
	if request.GetDisclosure() == nil {
		request.Disclosure = &amparov1.DisclosureDraft{}
	}
	if request.GetDisclosure().GetAction() == nil {
		request.Disclosure.Action = &amparov1.PlannedAction{}
	}
	if err := asked.say(request.GetDisclosure()); err != nil {
		return nil, err
	}
	return request, a.askWhom(ctx, asked, request.GetDisclosure().GetAction())
}

// say puts what the flags say into a draft.
func (q *planned) say(draft *amparov1.DisclosureDraft) (err error) {
	action := draft.GetAction()
	if action.Purpose, err = said("purpose", q.purpose, action.GetPurpose()); err != nil {
		return err
	}
	if draft.Track, err = said("track", q.track, draft.GetTrack()); err != nil {
		return err
	}
	if action.Channel, err = said("channel", q.channel, action.GetChannel()); err != nil {
		return err
	}
	if len(q.data) > 0 {
		if len(action.GetCategories()) > 0 {
			return usage("the file says which data, and the command line too")
		}
		if action.Categories, err = enumFlags[amparov1.DataCategory]("data", q.data); err != nil {
			return err
		}
	}
	switch {
	case action.GetPurpose() == amparov1.Purpose_PURPOSE_UNSPECIFIED:
		return usage("--purpose is needed: what for")
	case len(action.GetCategories()) == 0:
		return usage("--data is needed: which data")
	}
	return nil
}

// said is the value of a flag, or else of the file; both at once must say the same.
func said[E interface {
	~int32
	protoreflect.Enum
}](flag, text string, there E,
) (E, error) {
	if text == "" {
		return there, nil
	}
	value, err := enumFlag[E](flag, text)
	if err != nil {
		return value, err
	}
	return agree(flag, value, there)
}

// askWhom takes the recipient from the flags, or asks. A number says nothing of anybody.
func (a *app) askWhom(ctx context.Context, asked *planned, action *amparov1.PlannedAction) (err error) {
	known := action.GetRecipient() != nil
	if !known {
		action.Recipient = &amparov1.Recipient{}
	}
	recipient := action.GetRecipient()
	if recipient.Number, err = agree("recipient", asked.recipientNumber, recipient.GetNumber()); err != nil {
		return err
	}
	if asked.recipient == "" && (known || asked.recipientNumber != 0) {
		return nil
	}
	name, err := a.text(ctx, asked.recipient, "recipient", false)
	if err != nil {
		return err
	}
	recipient.Name, err = agree("recipient", strings.TrimSpace(name), recipient.GetName())
	return err
}

// obstructed is the refusal that a decision amounts to, or nil: for programs, which look
// at the exit code. Its reason is the first of those that the answer has; where there are
// more, each is named.
func obstructed(decision *amparov1.Decision) error {
	if decision.GetAllowed() {
		return nil
	}
	reasons := obstacles(decision)
	first := fault.New(reasons[0])
	failure := &client.Failure{Exit: exitRule, Reason: code(reasons[0]), Text: "it may not leave", Next: first.Next()}
	if len(reasons) == 1 {
		failure.Text = strings.TrimSuffix(failure.Text+": "+first.Text(), ": ")
		return failure
	}
	for _, reason := range reasons {
		failure.Fields = append(failure.Fields, client.Field{Rule: fault.New(reason).Text(), Code: code(reason)})
	}
	failure.Next = "put each of these right, and ask again"
	return failure
}

// obstacles are the reasons of a decision, each once; never none.
func obstacles(decision *amparov1.Decision) (reasons []amparov1.Reason) {
	for _, o := range decision.GetObstacles() {
		if !slices.Contains(reasons, o.GetReason()) {
			reasons = append(reasons, o.GetReason())
		}
	}
	if len(reasons) == 0 {
		reasons = []amparov1.Reason{amparov1.Reason_REASON_UNSPECIFIED}
	}
	return reasons
}

// code is a reason as programs read it.
func code(reason amparov1.Reason) string { return strings.TrimPrefix(reason.String(), "REASON_") }

// decision writes whether something may leave, and on what or why not: all of it, each
// with its code, in words, with the entries that it rests on.
func (p *page) decision(d *amparov1.Decision) {
	if d.GetAllowed() {
		p.line(p.paint("1;32", "MAY LEAVE"), "now; it is asked again when it does")
		p.restsOn("", d)
		return
	}
	p.line(p.paint("1;31", "MAY NOT LEAVE"))
	for _, o := range d.GetObstacles() {
		p.obstacle(o)
	}
}

func (p *page) obstacle(o *amparov1.Obstacle) {
	p.line()
	why := fault.New(o.GetReason())
	p.line(p.paint("1", code(o.GetReason())))
	p.entry("     why", why.Text())
	if o.GetParty() != 0 {
		p.entry("     of", fmt.Sprintf("person %d", o.GetParty()))
	}
	p.entry("     entries", numbers(o.GetEntries()))
	p.entry("     wanted", strings.TrimSpace(o.GetField()+" "+o.GetRule()))
	p.entry("     next", why.Next())
}

// footing is on what something leaves, or has left.
type footing interface {
	GetConsents() []uint32
	GetCheck() uint32
	GetBasis() uint32
}

func (p *page) restsOn(indent string, f footing) {
	p.entry(indent+"on consents", numbers(f.GetConsents()))
	p.entry(indent+"on check", entryOrNone(f.GetCheck()))
	p.entry(indent+"on basis", entryOrNone(f.GetBasis()))
}

// entryOrNone is the number of an entry, or nothing where there is none.
func entryOrNone(number uint32) string {
	if number == 0 {
		return ""
	}
	return decimal(number)
}
