package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
	"github.com/amparo-project/amparo/internal/handover"
)

func (a *app) handoverCommand() *cobra.Command {
	return group("handover", "Hand open work over to a colleague, and take it", "  amparo handover begin --to "+exampleStaff,
		a.handoverBeginCommand(), a.handoverAcceptCommand(), a.handoverShowCommand())
}

func (a *app) handoverBeginCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "begin",
		Short: "Offer your open items to a colleague, signed by this device",
		Long: `Lists what you would leave behind: your cases that wait for triage, are overdue or
due soon, lower risks that wait for a confirmation, and open alarms. With --to the
list is signed and offered; nothing changes hands until the colleague accepts.

What the colleague must know stands in a file, a note for each case:

  entries:
    - case_id: ` + exampleCase + `
      note: calls again at six; ask for the brother`,
		Example: `  amparo handover begin
  amparo handover begin --to ` + exampleStaff + ` --file notes.yaml`,
		Args: noSuchCommand,
	}
	to := c.Flags().String("to", "", "colleague who is to take it; without it the list is only shown")
	within := c.Flags().Duration("within", 12*time.Hour, "how far ahead to look for what is due")
	file := fileFlag(c, "the notes, as a BeginHandoverRequest")
	c.RunE = a.do(func(ctx context.Context, _ []string) error {
		hours := uint32(min(max(within.Hours(), 1), 336))
		notes := &amparov1.BeginHandoverRequest{}
		if *file != "" {
			if err := a.readFile(*file, notes); err != nil {
				return err
			}
		}
		return a.with(func(conn *client.Conn) error {
			list, err := conn.Handovers().PrepareHandover(ctx, &amparov1.PrepareHandoverRequest{WithinHours: hours})
			if err != nil {
				return err
			}
			if *to == "" || len(list.GetItems()) == 0 {
				return a.show(list, func(p *page) { p.openItems(list) })
			}
			entries, err := noted(list, notes.GetEntries())
			if err != nil {
				return err
			}
			begun, err := conn.BeginHandover(ctx, *to, entries, a.requestID)
			if err != nil {
				return err
			}
			return a.show(begun, func(p *page) {
				p.openItems(list)
				p.entry("hand-over", begun.GetHandoverId())
				p.entry("waits for", *to)
			})
		})
	})
	return c
}

// noted are the entries of a list with the notes for them. A note for what is not on
// the list would be lost, so it is a mistake.
func noted(list *amparov1.PrepareHandoverResponse, notes []*amparov1.HandoverEntry) ([]*amparov1.HandoverEntry, error) {
	var entries []*amparov1.HandoverEntry
	for _, item := range list.GetItems() {
		entries = append(entries, item.GetEntry())
	}
	for _, note := range notes {
		i := slices.IndexFunc(entries, func(e *amparov1.HandoverEntry) bool {
			return e.GetCaseId() == note.GetCaseId() && e.GetAlarmId() == note.GetAlarmId()
		})
		if i < 0 {
			return nil, usage("the file has a note for a case that is not among your open items")
		}
		entries[i].Note = note.GetNote()
	}
	return entries, nil
}

func (a *app) handoverAcceptCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "accept ID",
		Short: "Take what a colleague hands over, signed by this device",
		Long: `Checks the colleague's signature, and takes everything that waits. To refuse an
item, or to answer only some, name each in a file; what is refused stays with the
colleague:

  decisions:
    - {item: 0, accepted: true}
    - {item: 1, refusal: I know the family}`,
		Example: `  amparo handover accept ` + exampleCase + `
  amparo handover accept ` + exampleCase + ` --file answers.yaml`,
		Args: asUsed,
	}
	file := fileFlag(c, "the answers, as an AcceptHandoverRequest")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		request := &amparov1.AcceptHandoverRequest{}
		if *file != "" {
			if err := a.readFile(*file, request); err != nil {
				return err
			}
		}
		return a.with(func(conn *client.Conn) error {
			answer, err := conn.AcceptHandover(ctx, arguments[0], request.GetDecisions(), a.requestID)
			if err != nil {
				return err
			}
			return a.show(answer, func(p *page) {
				p.line(fmt.Sprintf("%d taken, %d refused, %d gone another way, %d waiting",
					answer.GetAccepted(), answer.GetRefused(), answer.GetLapsed(), answer.GetWaiting()))
			})
		})
	})
	return c
}

func (a *app) handoverShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show [ID]",
		Short: "Show a hand-over and check its signatures, or list those that wait",
		Example: `  amparo handover show
  amparo handover show ` + exampleCase,
		Args: cobra.MaximumNArgs(1),
		RunE: a.do(func(ctx context.Context, arguments []string) error {
			return a.with(func(conn *client.Conn) error {
				if len(arguments) == 0 {
					answer, err := conn.Handovers().ListHandovers(ctx, &amparov1.ListHandoversRequest{})
					if err != nil {
						return err
					}
					return a.show(answer, func(p *page) { p.handovers(answer.GetHandovers()) })
				}
				h, err := conn.ShowHandover(ctx, arguments[0])
				if err != nil {
					return err
				}
				return a.show(h, func(p *page) { p.handover(h) })
			})
		}),
	}
}

func (a *app) reassignCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "reassign FROM TO",
		Short: "Give every open case of one person to another",
		Long: `For somebody who leaves: all open cases of FROM that you may know of become those
of TO. What a case does not allow is left and named. If it is broken off, the same
command with the same --request-id goes on where it stopped.`,
		Example: "  amparo staff reassign " + exampleStaff + " " + exampleCase, Args: asUsed,
		RunE: a.do(func(ctx context.Context, arguments []string) error {
			return a.with(func(conn *client.Conn) error {
				answer, err := conn.Handovers().ReassignCases(ctx, &amparov1.ReassignCasesRequest{
					RequestId: a.requestID, FromStaffId: arguments[0], ToStaffId: arguments[1],
				})
				if err != nil {
					return err
				}
				return a.show(answer, func(p *page) { p.reassigned(answer) })
			})
		}),
	}
}

func (p *page) reassigned(answer *amparov1.ReassignCasesResponse) {
	p.entry("reassigned", count(answer.GetReassigned(), "case", "cases"))
	if n := answer.GetHandoversReturned(); n > 0 {
		p.entry("returned", count(n, "hand-over, to whoever offered it", "hand-overs, to those who offered them"))
	}
	if n := answer.GetApprovalsReturned(); n > 0 {
		p.entry("waiting", count(n, "lower risk", "lower risks")+", for a second person")
	}
	for _, left := range answer.GetLeft() {
		p.entry("left", left.GetCaseId()+": "+word(left.GetWhy()))
	}
}

func (p *page) openItems(list *amparov1.PrepareHandoverResponse) {
	if len(list.GetItems()) == 0 {
		p.line("nothing is open that cannot wait for your return")
	}
	for i, item := range list.GetItems() {
		p.handoverItem(i, item)
	}
	if list.GetMore() {
		p.line("there are more: begin again when these have been taken")
	}
}

func (p *page) handoverItem(i int, item *amparov1.HandoverItem) {
	what := "case " + item.GetEntry().GetCaseId()
	if item.GetEntry().GetAlarmId() != "" {
		what = "alarm " + item.GetEntry().GetAlarmId()
	}
	p.line(fmt.Sprintf("%3d", i), client.Printable(what), words(item.GetWhy()), word(item.GetStanding()))
	p.entry("     note", item.GetEntry().GetNote())
	p.entry("     refused", item.GetRefusal())
}

func (p *page) handovers(waiting []*amparov1.HandoverSummary) {
	if len(waiting) == 0 {
		p.line("no hand-over waits")
	}
	for _, h := range waiting {
		p.entry("hand-over", h.GetId())
		p.entry("from", h.GetFromId())
		p.entry("to", h.GetToId())
		p.entry("since", p.at(h.GetBegunAt()))
	}
}

func (p *page) handover(h *amparov1.Handover) {
	p.entry("hand-over", h.GetId())
	p.entry("from", h.GetFromId())
	p.entry("to", h.GetToId())
	p.entry("since", p.at(h.GetBegunAt()))
	p.entry("closed", p.at(h.GetClosedAt()))
	for i, item := range h.GetItems() {
		p.handoverItem(i, item)
	}
	if h.GetWithheld() > 0 {
		p.line(count(h.GetWithheld(), "item is", "items are") + " not yours to see, so the signatures cannot be checked")
		return
	}
	p.signer("offered with", h.GetOffer())
	for _, answer := range h.GetAnswers() {
		p.signer("answered with", answer.GetSignature())
	}
}

// signer names the key of a signature by its code, which two people can compare.
func (p *page) signer(label string, s *amparov1.HandoverSignature) {
	p.entry(label, "device "+s.GetDeviceId()+", key "+handover.KeyCode(s.GetSigningKey()))
}
