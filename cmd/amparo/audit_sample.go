package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

func (a *app) sampleCommand() *cobra.Command {
	return group("sample", "Draw entries of ledgers at random, and open them without names", "  amparo audit sample draw 20",
		a.sampleDrawCommand(), a.sampleOpenCommand())
}

func (a *app) sampleDrawCommand() *cobra.Command {
	return &cobra.Command{
		Use: "draw COUNT", Short: "Draw so many entries, which nobody chooses",
		Long: `Draws entries of ledgers from the log of which this device keeps a checkpoint. Which
ones, follows from the root of the log and a number that this device draws afterwards;
the log holds both, so that whoever has an export can draw the same ones again
(docs/audit-export.md). The sample's own number is what a data protection officer opens
it by.`,
		Example: "  amparo audit sample draw 20",
		Args:    asUsed,
		RunE: a.do(func(ctx context.Context, arguments []string) error {
			wanted, err := numberOf(arguments, "how many entries")
			if err != nil {
				return err
			}
			if wanted == 0 {
				return usage("draw at least 1")
			}
			return a.with(func(conn *client.Conn) error {
				drawn, err := conn.DrawSample(ctx, uint32(min(wanted, 1<<31)))
				if err != nil {
					return err
				}
				return a.show(drawn, func(p *page) { p.drawn(drawn, wanted) })
			})
		}),
	}
}

func (a *app) sampleOpenCommand() *cobra.Command {
	return &cobra.Command{
		Use: "open NUMBER", Short: "Open a sample, without names, places and words",
		Example: "  amparo audit sample open 812",
		Args:    asUsed,
		RunE: a.do(func(ctx context.Context, arguments []string) error {
			number, err := numberOf(arguments, "the number of the sample")
			if err != nil {
				return err
			}
			return a.with(func(conn *client.Conn) error {
				opened, err := conn.Audit.OpenSample(ctx, &amparov1.OpenSampleRequest{Sample: number})
				if err != nil {
					return err
				}
				return a.show(opened, func(p *page) { p.sampled(opened) })
			})
		}),
	}
}

func numberOf(arguments []string, what string) (uint64, error) {
	number, err := strconv.ParseUint(arguments[0], 10, 63)
	if err != nil {
		return 0, usage("give a number: %s", what)
	}
	return number, nil
}

// drawn writes which entries were drawn, and where they are fewer than were wanted.
func (p *page) drawn(sample *amparov1.DrawSampleResponse, wanted uint64) {
	p.entry("sample", fmt.Sprint(sample.GetSample()))
	p.entry("drawn from", count(sample.GetSize(), "leaf", "leaves"))
	if n := len(sample.GetFacts()); uint64(n) < wanted {
		p.entry("drawn", fmt.Sprintf("%d and not %d: there are no more", n, wanted))
	}
	p.entry("opened by", fmt.Sprintf("amparo audit sample open %d, by a data protection officer", sample.GetSample()))
	p.line()
	columns := []column{{title: "LEAF"}, {title: "CASE"}, {title: "ENTRY"}, {title: "WHAT"}}
	for i, fact := range sample.GetFacts() {
		kind, _ := p.fact(fact)
		leaf := ""
		if i < len(sample.GetLeaves()) {
			leaf = fmt.Sprint(sample.GetLeaves()[i])
		}
		for j, cell := range []string{leaf, fact.GetPseudonym(), fmt.Sprint(fact.GetNumber()), kind} {
			columns[j].cells = append(columns[j].cells, client.Printable(cell))
		}
	}
	p.table(columns)
}

// sampled writes the entries of a sample.
func (p *page) sampled(sample *amparov1.OpenSampleResponse) {
	if len(sample.GetEntries()) == 0 {
		p.line("no entry of it is there any more")
	}
	for i, one := range sample.GetEntries() {
		if i > 0 {
			p.line()
		}
		p.line(fmt.Sprintf("leaf %d, case %s", one.GetLeaf(), client.Printable(one.GetPseudonym())))
		l := &ledgerPage{page: p, names: namesOf([]*amparov1.LedgerEntry{one.GetEntry()})}
		l.entryOf(one.GetEntry())
	}
}
