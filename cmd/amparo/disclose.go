package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

// exampleEntry is an entry of a ledger as the commands print and take it.
const exampleEntry = exampleCase + "-7"

func (a *app) discloseCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "disclose CASE",
		Short: "Record that something leaves a case; refused unless it may",
		Long: `Takes a DiscloseRequest:

  disclosure:
    action:
      purpose: legal_assistance
      recipient: {name: as the ledger has them}   # or number: 1
      categories: [identity, situation]
      channel: signal
      about: [{kind: companion, name: whoever else is named}]
    check: 4                 # the newest of this action, where it is left out
    necessities:             # for each kind of data that the level of risk holds back
      - {category: location, why: why less is not enough}
    happened_at: 2026-11-03T06:00:00Z             # now, where it is left out
    documents:               # the SHA-256 of each, in base64
      - {hash: 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=, title: what it is}
    text: in words

Where it cannot wait, one person alone lets it leave and another signs within a day:

    track: urgent            # on a recorded consent, by somebody on shift
    harm:                    # the short check, made in the same breath: amparo harm questions --short
      result: proceed
      answers: [{question: identifies, reply: no}, ...]

    track: vital_interests   # without consent: a life hangs on it, and nobody can be asked
    harm: as above
    vital: {reason: why, expires_at: 2026-11-04T06:00:00Z}   # or under: 7, an earlier act

    track: listed            # on another basis: amparo disclose basis
    basis: 6                 # the newest of this action, where it is left out

Everything that stands in the way is said at once. What has left without may always be
recorded, with: amparo breach report.`,
		Example: `  amparo disclose ` + exampleCase + ` --file leaves.yaml
  amparo disclose basis ` + exampleCase + ` --file basis.yaml
  amparo disclose countersign ` + exampleEntry,
		Args: asUsed,
	}
	file := fileFlag(c, "the DiscloseRequest")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		request := &amparov1.DiscloseRequest{}
		if err := a.readAbout(*file, arguments[0], request); err != nil {
			return err
		}
		return step(a, func(conn *client.Conn) (*amparov1.DiscloseResponse, error) {
			return conn.Disclosures.Disclose(ctx, request)
		}, func(p *page, answer *amparov1.DiscloseResponse) {
			p.disclosed(answer, request.GetDisclosure().GetTrack())
		})
	})
	c.AddCommand(a.basisCommand(), a.countersignCommand(), a.informedCommand())
	return c
}

func (p *page) disclosed(answer *amparov1.DiscloseResponse, track amparov1.DisclosureTrack) {
	id := entryID(answer.GetCase().GetCaseId(), answer.GetNumber())
	p.entry("disclosure", id)
	p.restsOn("", answer)
	if due := answer.GetSecondDueAt(); due != nil {
		p.entryPainted("second signature", p.paint("1;33", "needed, "+p.due(due))+"  ("+p.at(due)+")")
		p.line("Another colleague looks at it, and signs with: amparo disclose countersign " + client.Printable(id))
	}
	if track == amparov1.DisclosureTrack_DISCLOSURE_TRACK_VITAL_INTERESTS {
		p.line("Tell the person, and record it with: amparo disclose informed " + client.Printable(id))
	}
}

func (a *app) basisCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "basis CASE",
		Short: "State a basis other than consent for one action",
		Long: `Takes a StateBasisRequest; the list of bases, with the data and the number of people
that each takes, stands in the policy: amparo policy show.

  basis:
    basis: court_order       # subject_access, safeguarding_report, breach_notice, return_or_delete
    action:
      purpose: service_provision
      recipient: {name: their name, kind: authority}
      categories: [identity]
    reason: what demands it
    reference: file number of the court
    of: 9                    # for a breach notice the breach; for return_or_delete the request

The others agree with: amparo harm approve. Then it leaves on the listed track.`,
		Example: "  amparo disclose basis " + exampleCase + " --file basis.yaml",
		Args:    asUsed,
	}
	file := fileFlag(c, "the StateBasisRequest")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		request := &amparov1.StateBasisRequest{}
		if err := a.readAbout(*file, arguments[0], request); err != nil {
			return err
		}
		return step(a, func(conn *client.Conn) (*amparov1.StateBasisResponse, error) {
			return conn.Disclosures.StateBasis(ctx, request)
		}, func(p *page, answer *amparov1.StateBasisResponse) {
			p.entry("basis", decimal(answer.GetNumber()))
			p.toAgree(answer.GetCase().GetCaseId(), answer.GetNumber(), answer.GetApprovalsNeeded())
		})
	})
	return c
}

func (a *app) countersignCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "countersign ID",
		Short: "Sign for what a colleague alone let leave",
		Long: `ID is what amparo disclose printed: the case and the number of the entry. Look at it
first, with amparo consent list. If it should not have left, report a breach instead.`,
		Example: "  amparo disclose countersign " + exampleEntry,
		Args:    asUsed,
		RunE: a.do(func(ctx context.Context, arguments []string) error {
			caseID, number, err := parseEntryID(arguments[0])
			if err != nil {
				return err
			}
			return step(a, func(conn *client.Conn) (*amparov1.CountersignDisclosureResponse, error) {
				return conn.Disclosures.CountersignDisclosure(ctx, &amparov1.CountersignDisclosureRequest{
					CaseId: caseID, Entry: number, RequestId: a.requestID,
				})
			}, func(p *page, answer *amparov1.CountersignDisclosureResponse) {
				p.entry("signed by", decimal(answer.GetNumber()))
			})
		}),
	}
}

func (a *app) informedCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "informed ID",
		Short: "Record that the person was told of what was done without asking them",
		Long: `ID is what amparo disclose or amparo breach report printed, for a disclosure for vital
interests or a breach.`,
		Example: `  amparo disclose informed ` + exampleEntry + `
  amparo disclose informed ` + exampleEntry + ` --text - < told.txt`,
		Args: asUsed,
	}
	text := c.Flags().String("text", "", "how, and what they said; asked for, or read from stdin, when absent or -")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		caseID, number, err := parseEntryID(arguments[0])
		if err != nil {
			return err
		}
		told, err := a.text(ctx, *text, "how they were told", true)
		if err != nil {
			return err
		}
		return step(a, func(conn *client.Conn) (*amparov1.RecordInformedResponse, error) {
			return conn.Disclosures.RecordInformed(ctx, &amparov1.RecordInformedRequest{
				CaseId: caseID, Entry: number, Text: told, RequestId: a.requestID,
			})
		}, func(p *page, answer *amparov1.RecordInformedResponse) {
			p.entry("told by", decimal(answer.GetNumber()))
		})
	})
	return c
}

// entryID names an entry of a ledger outside of its case.
func entryID(caseID string, number uint32) string { return caseID + "-" + decimal(number) }

// parseEntryID reads what entryID wrote. The case is the service's to judge.
func parseEntryID(text string) (caseID string, number uint32, err error) {
	caseID, rest, ok := strings.Cut(text, "-")
	if !ok || caseID == "" {
		return "", 0, usage("ID is the case and the number of the entry, as %s", exampleEntry)
	}
	number, err = entryNumber("what stands behind the case", rest)
	return caseID, number, err
}
