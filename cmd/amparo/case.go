package main

import (
	"context"

	"github.com/spf13/cobra"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

// An id as it looks, for the examples.
const exampleCase = "k7w3dq5ztm2xgynvp4chbrjlse"

func (a *app) caseCommand() *cobra.Command {
	return group("case", "Show and work a case", "  amparo case show "+exampleCase,
		a.caseShowCommand(), a.cardCommand(), a.triageCommand(), a.assignCommand(), a.noteCommand(), a.contactCommand(), a.incidentCommand(),
		a.safetyCommand(), a.statusCommand(), a.contactsCommand(), a.contactConfirmCommand(), a.distrustCommand(), a.duressCommand(), a.wishesCommand(),
		a.advanceCommand(), a.holdCommand(), a.resumeCommand(), a.closeCommand(), a.reopenCommand(), a.restrictCommand(), a.excludeCommand(),
		a.planCommand(),
		a.linkCommand(), a.linksCommand(), a.shareCommand(), a.joinCommand(), a.mergeCommand(), a.mergeConfirmCommand(), a.unmergeCommand())
}

func (a *app) caseShowCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Show a case",
		Example: `  amparo case show ` + exampleCase + `
  amparo case show ` + exampleCase + ` --timeline`,
		Args: asUsed,
	}
	flags := c.Flags()
	timeline := flags.Bool("timeline", false, "show what was done in the case instead, newest first")
	size := flags.Uint32("page-size", 0, "with --timeline: entries a page, at most 200 (default 50)")
	token := flags.String("page-token", "", "with --timeline: go on from the page before")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		if !*timeline && (*size != 0 || *token != "") {
			return usage("--page-size and --page-token go with --timeline")
		}
		return a.with(func(conn *client.Conn) error {
			if *timeline {
				return a.timeline(ctx, conn, &amparov1.ListTimelineRequest{CaseId: arguments[0], PageSize: *size, PageToken: *token})
			}
			answer, err := conn.Cases.GetCase(ctx, &amparov1.GetCaseRequest{CaseId: arguments[0]})
			if err != nil {
				return err
			}
			return a.show(answer, func(p *page) { p.wholeCase(answer) })
		})
	})
	return c
}

func (a *app) timeline(ctx context.Context, conn *client.Conn, request *amparov1.ListTimelineRequest) error {
	answer, err := conn.Cases.ListTimeline(ctx, request)
	if err != nil {
		return err
	}
	return a.show(answer, func(p *page) {
		for _, entry := range answer.GetEntries() {
			p.timelineEntry(entry)
		}
		if token := answer.GetNextPageToken(); token != "" {
			p.line("more with: --page-token " + client.Printable(token))
		}
	})
}

// receiver is an answer that holds how the case now stands.
type receiver interface{ GetCase() *amparov1.CaseReceipt }

func (a *app) triageCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "triage ID",
		Short: "Set class, risk, programme and outcome of a new case",
		Long: `Takes a TriageCaseRequest:

  priority_class: hrd_at_risk
  outcome: accepted          # or routed_elsewhere, not_able_to_support with a reason
  programme: emergency_support
  risk:
    level: extreme
    reasons: why, in words
    threats: [one, another]
    threat_rating: 5         # ratings 1 to 5 lead to an indicative level only

What it answers on eligibility is advice with its rule; a person decides.`,
		Example: "  amparo case triage " + exampleCase + " --file triage.yaml",
		Args:    asUsed,
	}
	file := fileFlag(c, "the TriageCaseRequest")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		request := &amparov1.TriageCaseRequest{}
		if err := a.readAbout(*file, arguments[0], request); err != nil {
			return err
		}
		return step(a, func(conn *client.Conn) (*amparov1.TriageCaseResponse, error) {
			return conn.Cases.TriageCase(ctx, request)
		}, func(p *page, answer *amparov1.TriageCaseResponse) { p.eligibility(answer.GetEligibility()) })
	})
	return c
}

func (a *app) assignCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "assign ID STAFF...",
		Short:   "Set the team of a case; the first named owns it",
		Long:    "Sets the whole team. The word me stands for yourself.",
		Example: "  amparo case assign " + exampleCase + " me lq3c5vd2gkzxwhm7ynbt4jsofa",
		Args:    asUsed,
	}
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		profile, conn, err := a.connect()
		if err != nil {
			return err
		}
		defer conn.Close() //nolint:errcheck // nothing is left to lose
		request := &amparov1.AssignCaseRequest{CaseId: arguments[0], RequestId: a.requestID}
		for _, staff := range arguments[1:] {
			if staff == "me" {
				staff = profile.StaffID
			}
			request.StaffIds = append(request.StaffIds, staff)
		}
		answer, err := conn.Cases.AssignCase(ctx, request)
		if err != nil {
			return err
		}
		return a.show(answer, func(p *page) { p.receipt(answer.GetCase()) })
	})
	return c
}

func (a *app) noteCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "note ID",
		Short: "Add a note to a case",
		Example: `  amparo case note ` + exampleCase + `
  amparo case note ` + exampleCase + ` --text - < note.txt`,
		Args: asUsed,
	}
	text := c.Flags().String("text", "", "note; asked for, or read from stdin, when absent or -")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		note, err := a.text(ctx, *text, "note", true)
		if err != nil {
			return err
		}
		return step(a, func(conn *client.Conn) (*amparov1.AddNoteResponse, error) {
			return conn.Cases.AddNote(ctx, &amparov1.AddNoteRequest{CaseId: arguments[0], Text: note, RequestId: a.requestID})
		})
	})
	return c
}

func (a *app) contactCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "contact ID",
		Short: "Record a contact, or an attempt at one",
		Long: `Takes a RecordContactRequest:

  contact:
    channel: signal
    outcome: reached         # or no_answer, other_answered, code_word_wrong, ...
    language: ps
    contact_number: 1        # as amparo case safety shows it
    interpreter_id: of the list   # or unvetted_interpreter: true, with interpreter_reason
    text: what was said
  word: the word that was said, compared and never kept`,
		Example: "  amparo case contact " + exampleCase + " --file contact.yaml",
		Args:    asUsed,
	}
	file := fileFlag(c, "the RecordContactRequest")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		request := &amparov1.RecordContactRequest{}
		if err := a.readAbout(*file, arguments[0], request); err != nil {
			return err
		}
		return step(a, func(conn *client.Conn) (*amparov1.RecordContactResponse, error) {
			return conn.Cases.RecordContact(ctx, request)
		}, func(p *page, answer *amparov1.RecordContactResponse) { p.minding(answer.GetWarnings()) })
	})
	return c
}
