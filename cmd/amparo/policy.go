package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
	"github.com/amparo-project/amparo/internal/written"
)

const exampleProposal = "q3lq3c5vd2gkzxwhm7ynbt4jsa"

func (a *app) policyCommand() *cobra.Command {
	return group("policy", "Show and change what the mechanism decides: terms, approvals, levels of risk, consents", "  amparo policy show",
		a.policyShowCommand(), a.proposeCommand(), a.policyConfirmCommand(), a.staffingCommand())
}

func (a *app) policyShowCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "show",
		Short: "Show the policy in force, and what a proposal would change",
		Long: `Writes the policy as YAML, every value with its source. What is shown is what the
hash above it is of, and the same hash stands in the audit log beside whatever was
decided by it. Change the file, and "amparo policy propose --file" takes it as it is.`,
		Example: `  amparo policy show > policy.yaml
  amparo policy show --number 1`,
		Args: noSuchCommand,
	}
	number := c.Flags().Uint32("number", 0, "an older version, by its number")
	c.RunE = a.do(func(ctx context.Context, _ []string) error {
		return a.with(func(conn *client.Conn) error {
			answer, err := conn.Policy.GetPolicy(ctx, &amparov1.GetPolicyRequest{Number: *number})
			if err != nil {
				return err
			}
			text, err := policyText(answer)
			if err != nil {
				return err
			}
			return a.show(answer, func(p *page) {
				p.policyHead(answer)
				p.buffer.Write(text)
			})
		})
	})
	return c
}

// policyText is the policy as a request for the next one. It is read from the very
// bytes that the hash is of, so that nobody is shown one policy and told the hash of
// another.
func policyText(answer *amparov1.GetPolicyResponse) ([]byte, error) {
	shown := &amparov1.Policy{}
	sum := sha256.Sum256(answer.GetRaw())
	if err := proto.Unmarshal(answer.GetRaw(), shown); err != nil ||
		!bytes.Equal(sum[:], answer.GetVersion().GetHash()) || !proto.Equal(shown, answer.GetPolicy()) {
		return nil, &client.Failure{
			Exit: exitVerification, Reason: "POLICY_UNVERIFIED", Text: "the policy is not the one that its hash is of",
			Next: "tell the auditor by another way",
		}
	}
	return written.Encode(&amparov1.ProposePolicyRequest{Policy: shown})
}

// policyHead writes, as comments, which version it is and what a proposal would
// change.
func (p *page) policyHead(answer *amparov1.GetPolicyResponse) {
	v := answer.GetVersion()
	p.line(fmt.Sprintf("# version %d, in force since %s, days begin and end in %s", v.GetVersion(), p.at(v.GetInForceSince()), client.Printable(v.GetZone())))
	p.line("# SHA-256 " + hex.EncodeToString(v.GetHash()))
	if v.GetProposedById() != "" {
		p.line("# proposed by " + client.Printable(v.GetProposedById()) + ", confirmed by " + client.Printable(listed(v.GetConfirmedByIds())))
	}
	if proposal := answer.GetProposal(); proposal != nil {
		p.line("#")
		p.line("# A proposal waits, of " + p.at(proposal.GetProposedAt()) + " by " + client.Printable(proposal.GetProposedById()) + ". It would change:")
		p.differences("#   ", answer.GetDifferences())
		p.line("# A head of secretariat puts it in force with: amparo policy confirm " + client.Printable(proposal.GetId()))
	}
}

func (p *page) differences(prefix string, all []*amparov1.PolicyDifference) {
	value := func(text string) string {
		if text == "" {
			return "nothing"
		}
		return client.Printable(text)
	}
	for _, d := range all {
		p.line(prefix + client.Printable(d.GetPath()) + ": " + value(d.GetBefore()) + " -> " + value(d.GetAfter()))
	}
}

func (a *app) proposeCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "propose",
		Short: "Propose a policy; a head of secretariat confirms it",
		Long: `Takes a whole policy as "amparo policy show" writes it. A proposal changes nothing
until somebody else has confirmed it, and takes the place of one that waits. Lengths
are written as 2s, 90min, 72h, 15d (calendar days), 10wd (working days) or 1mo.`,
		Example: "  amparo policy show > policy.yaml\n  amparo policy propose --file policy.yaml",
		Args:    noSuchCommand,
	}
	file := fileFlag(c, "the ProposePolicyRequest")
	c.RunE = a.do(func(ctx context.Context, _ []string) error {
		request := &amparov1.ProposePolicyRequest{}
		if err := a.readFile(*file, request); err != nil {
			return err
		}
		if err := a.placeRequestID(request); err != nil {
			return err
		}
		return a.with(func(conn *client.Conn) error {
			answer, err := conn.Policy.ProposePolicy(ctx, request)
			if err != nil {
				return err
			}
			return a.show(answer, func(p *page) {
				id := client.Printable(answer.GetProposal().GetId())
				p.entry("proposal", id)
				p.differences("  ", answer.GetDifferences())
				p.line("a head of secretariat puts it in force with: amparo policy confirm " + id)
			})
		})
	})
	return c
}

func (a *app) policyConfirmCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "confirm ID",
		Short: "Agree to a proposed policy, as the second person",
		Long: `Read "amparo policy show" first: it says what the proposal would change. Terms that
begin, and terms of cases whose risk changes, count by the new policy; terms that
run keep the time at which they are due.`,
		Example: "  amparo policy confirm " + exampleProposal,
		Args:    asUsed,
		RunE: a.do(func(ctx context.Context, arguments []string) error {
			return a.with(func(conn *client.Conn) error {
				answer, err := conn.Policy.ConfirmPolicy(ctx, &amparov1.ConfirmPolicyRequest{ProposalId: arguments[0], RequestId: a.requestID})
				if err != nil {
					return err
				}
				return a.show(answer, func(p *page) {
					if n := answer.GetMissing(); n > 0 {
						p.line(fmt.Sprintf("noted; %d more must confirm", n))
						return
					}
					p.line(fmt.Sprintf("version %d is in force", answer.GetVersion().GetVersion()))
					p.line("SHA-256 " + hex.EncodeToString(answer.GetVersion().GetHash()))
				})
			})
		}),
	}
}

func (a *app) staffingCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "staffing",
		Short: "Name the gates that fail, or would with any one person absent",
		Long: `Looks at every place where the work needs somebody, or a second person: what fails
already, and whose absence alone would make it fail.`,
		Example: `  amparo policy staffing
  amparo policy staffing --at 2027-07-01`,
		Args: noSuchCommand,
	}
	at := c.Flags().String("at", "", "look at a later day or instant, when accounts will have ended")
	c.RunE = a.do(func(ctx context.Context, _ []string) error {
		request := &amparov1.CheckStaffingRequest{}
		var err error
		if request.At, err = a.instant("at", *at, +1); err != nil {
			return err
		}
		return a.with(func(conn *client.Conn) error {
			answer, err := conn.Policy.CheckStaffing(ctx, request)
			if err != nil {
				return err
			}
			names, err := a.names(ctx, conn)
			if err != nil {
				return err
			}
			return a.show(answer, func(p *page) {
				if len(answer.GetGaps()) == 0 {
					p.line("no gate fails, whoever is absent")
				}
				p.gaps(answer.GetGaps(), names)
			})
		})
	})
	return c
}

// gaps writes one line for each gate, with the names of people where they are known.
func (p *page) gaps(gaps []*amparov1.StaffingGap, names map[string]string) {
	for _, gap := range gaps {
		gate := word(gap.GetGate())
		if office := gap.GetOffice(); office != "" {
			gate += " at " + office
		}
		if gap.GetFails() {
			p.line(p.paint("1;31", "FAILS"), client.Printable(gate))
			continue
		}
		var people []string
		for _, id := range gap.GetNeededStaffIds() {
			if names[id] != "" {
				id = names[id] + " (" + id + ")"
			}
			people = append(people, id)
		}
		p.line("thin ", client.Printable(gate+": fails without "+listed(people)))
	}
}
