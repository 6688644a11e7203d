package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/client"
	"github.com/amparo-project/amparo/internal/proof"
)

func (a *app) consentsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "consents",
		Short: "Show the ledger of each case as the log holds it, and what each disclosure rests on",
		Long: `Takes the whole log, or an export with --from, verifies it, and shows for each
case, under its pseudonym, what was allowed, withdrawn and checked, and for each
disclosure the entries that allowed it. Recipients and people beside the person of
the case are numbers; there is no content and no name. With --from it needs neither
the service nor a profile. Exit codes are those of amparo audit verify; with --case,
what left of other cases is not judged.`,
		Example: `  amparo audit consents
  amparo audit consents --from log.amparo --case ` + exampleCase,
		Args: noSuchCommand,
	}
	only := c.Flags().String("case", "", "only the case with this pseudonym")
	from := c.Flags().String("from", "", "file of an export to read, instead of asking the service; - is stdin")
	known := knownFlags(c)
	c.RunE = a.do(func(ctx context.Context, _ []string) error {
		options, err := known()
		if err != nil {
			return err
		}
		var j judged
		if *from != "" {
			j, err = a.judgeFile(*from, options)
		} else {
			j, err = a.judgeService(ctx, options)
		}
		if err != nil {
			return err
		}
		return a.showLedgers(j, *only)
	})
	return c
}

// judgeService takes the log from the service, and judges it on the way. What the
// profile knows of the log, no flag knows better.
func (a *app) judgeService(ctx context.Context, options audit.VerifyOptions) (j judged, err error) {
	if options.LogKey != "" || options.OlderCheckpoint != "" {
		return judged{}, usage("--log-key and --checkpoint are for a file: this device knows its own")
	}
	err = a.withLog(ctx, &options, func(conn *client.Conn) error {
		j, err = judge(func(options audit.VerifyOptions) (audit.Report, error) { return conn.VerifyLog(ctx, options) }, options)
		return err
	})
	return j, err
}

func (a *app) showLedgers(j judged, only string) error {
	if only != "" && !j.only(only) {
		return &client.Failure{
			Exit: exitNotFound, Reason: "NOT_FOUND", Text: "the log holds no entry of such a case",
			Next: "give the case's pseudonym, not its id",
		}
	}
	if a.output == "json" {
		if err := a.showJSON(j.ledgersJSON()); err != nil {
			return err
		}
		return j.verdict()
	}
	p := a.newPage()
	p.ledgers(j)
	if err := a.write(p.bytes()); err != nil {
		return err
	}
	return j.verdict()
}

func (p *page) ledgers(j judged) {
	p.whoseLog(j)
	p.line("verified: " + count(j.log.Size, "leaf", "leaves"))
	for _, l := range j.proof.Ledgers {
		p.provenLedger(l)
	}
	p.findings(j.proof.Findings)
}

// only leaves out what is of other cases, and reports whether there is anything of
// this one.
func (j judged) only(pseudonym string) bool {
	r := j.proof
	r.Ledgers = slices.DeleteFunc(r.Ledgers, func(l *proof.Ledger) bool { return l.Pseudonym != pseudonym })
	// That there are more findings stays: they may be of this one.
	r.Findings = slices.DeleteFunc(r.Findings, func(f proof.Finding) bool { return f.Pseudonym != pseudonym && f.Pseudonym != "" })
	r.Classes[proof.Uncovered] = 0
	for _, l := range r.Ledgers {
		for _, d := range l.Disclosures {
			if d.Class == proof.Uncovered {
				r.Classes[proof.Uncovered]++
			}
		}
	}
	return len(r.Ledgers) > 0
}

// ledger writes the ledger of a case, and below it what left and on what.
func (p *page) provenLedger(l *proof.Ledger) {
	p.heading("CASE " + client.Printable(l.Pseudonym))
	columns := []column{{title: "ENTRY"}, {title: "LEAF"}, {title: "TIME"}, {title: "STAFF"}, {title: "WHAT"}, {title: "OF WHAT"}}
	for _, e := range l.Entries {
		kind, detail := p.fact(e.Fact)
		addRow(columns, fmt.Sprint(e.Number()), fmt.Sprint(e.Leaf), p.second(e.At), e.StaffID, kind, detail)
	}
	p.table(columns)
	for _, d := range l.Disclosures {
		p.line(fmt.Sprintf("entry %d left: %s", d.Number(), restsOn(d)))
		p.reasons(d.Reasons)
	}
}

// restsOn is what a disclosure rests on, in one line.
func restsOn(d *proof.Disclosure) string {
	var on []string
	add := func(what string, entries ...uint32) {
		for _, n := range entries {
			if n != 0 {
				on = append(on, fmt.Sprintf("%s %d", what, n))
			}
		}
	}
	add("consent", d.Consents...)
	add("check", d.Check)
	add("basis", d.Basis)
	add("approval", d.Approvals...)
	add("act", d.Under)
	add("second signature", d.Second)
	text := classText(d.Class)
	if len(on) > 0 {
		text += ", on " + listed(on)
	}
	if d.Against != 0 {
		text += fmt.Sprintf(", against the no of entry %d", d.Against)
	}
	return text
}

func (p *page) instant(at *timestamppb.Timestamp) string {
	if at == nil {
		return ""
	}
	return p.second(at.AsTime())
}

// minute writes an instant of a ledger to the minute.
func (p *page) minute(at *timestamppb.Timestamp) string {
	if at == nil {
		return "?"
	}
	return at.AsTime().In(p.zone).Format("2006-01-02 15:04")
}

// fact says of an entry what it is, and of what, in numbers and words.
func (p *page) fact(fact *amparov1.LedgerFact) (kind, detail string) {
	switch f := fact.GetFact().(type) {
	case *amparov1.LedgerFact_Consent:
		return "consent " + word(f.Consent.GetAnswer()), p.factConsent(f.Consent)
	case *amparov1.LedgerFact_Withdrawal:
		w := f.Withdrawal
		return "withdrawal", factJoin(factParty(w.GetParty()), factOr(words(w.GetPurposes()), "any purpose"),
			factOr(factRecipients(w.GetRecipients()), "everybody"), factOr(words(w.GetCategories()), "all data"))
	case *amparov1.LedgerFact_Settlement:
		return "settlement", fmt.Sprintf("withdrawal %d %s", f.Settlement.GetWithdrawal(), map[bool]string{true: "stands", false: "was not meant"}[f.Settlement.GetStands()])
	case *amparov1.LedgerFact_Check:
		k := f.Check
		return "check: " + word(k.GetResult()), factJoin(word(k.GetPurpose()), factRecipients([]uint32{k.GetRecipient()}), words(k.GetCategories()), factParties(k.GetParties()),
			yes(k.GetShortForm(), "short form"), factNeeded(k.GetApprovalsNeeded()), "until "+p.minute(k.GetValidUntil()))
	case *amparov1.LedgerFact_Basis:
		b := f.Basis
		return "basis: " + word(b.GetBasis()), factJoin(word(b.GetPurpose()), factRecipients([]uint32{b.GetRecipient()}), words(b.GetCategories()), factParties(b.GetParties()),
			factOf(b.GetOf()), factNeeded(b.GetApprovalsNeeded()), "until "+p.minute(b.GetValidUntil()))
	case *amparov1.LedgerFact_Approval:
		return "approval", fmt.Sprintf("entry %d", f.Approval.GetOf())
	case *amparov1.LedgerFact_Disclosure:
		return "disclosure", p.factLeft(f.Disclosure)
	case *amparov1.LedgerFact_Event:
		return "event: " + word(f.Event.GetKind()), factNumbers("consent", f.Event.GetOperative())
	case *amparov1.LedgerFact_ReturnRequest:
		return "asked back", factJoin(fmt.Sprintf("entry %d", f.ReturnRequest.GetDisclosure()), factRecipients([]uint32{f.ReturnRequest.GetRecipient()}), "until "+p.minute(f.ReturnRequest.GetAnswerDueAt()))
	case *amparov1.LedgerFact_ReturnAnswer:
		return "answer: " + word(f.ReturnAnswer.GetOutcome()), fmt.Sprintf("entry %d", f.ReturnAnswer.GetRequest())
	case *amparov1.LedgerFact_Breach:
		whom := "to somebody unknown"
		if f.Breach.GetRecipient() > 0 {
			whom = factRecipients([]uint32{f.Breach.GetRecipient()})
		}
		return "breach", factJoin(whom, words(f.Breach.GetCategories()), "known since "+p.minute(f.Breach.GetAwareAt()))
	case *amparov1.LedgerFact_Informed:
		return "told the person", fmt.Sprintf("entry %d", f.Informed.GetOf())
	default:
		return "nothing", ""
	}
}

func (p *page) factConsent(c *amparov1.ConsentFact) string {
	var withheld []string
	for _, w := range c.GetWithheld() {
		withheld = append(withheld, "not "+word(w.GetCategory())+" "+factOr(factRecipients(factNumber(w.GetRecipient())), "to anybody"))
	}
	until := ""
	if c.GetExpiresAt() != nil {
		until = "from " + p.minute(c.GetValidFrom()) + " until " + p.minute(c.GetExpiresAt())
	}
	return factJoin(factParty(c.GetParty()), words(c.GetPurposes()), factRecipients(c.GetRecipients()), words(c.GetCategories()), listed(withheld), until,
		word(c.GetMethod()), yes(c.GetWitnessed(), "witnessed"), yes(c.GetLate(), "written down late"), yes(c.GetConditional(), "from an event on"))
}

// factLeft is what left, to whom, for what, and when it happened.
func (p *page) factLeft(d *amparov1.DisclosureFact) string {
	track := d.GetTrack()
	if track == amparov1.DisclosureTrack_DISCLOSURE_TRACK_UNSPECIFIED {
		track = amparov1.DisclosureTrack_DISCLOSURE_TRACK_ORDINARY
	}
	second := ""
	if d.GetSecondDueAt() != nil {
		second = "second signature until " + p.minute(d.GetSecondDueAt())
	}
	return factJoin(word(track), word(d.GetPurpose()), factRecipients([]uint32{d.GetRecipient()}), words(d.GetCategories()), factParties(d.GetParties()), "at "+p.minute(d.GetHappenedAt()), second)
}

// factJoin joins the parts that say something.
func factJoin(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), "; ")
}

func factOr(text, all string) string {
	if text == "" {
		return all
	}
	return text
}

func factParty(number uint32) string {
	if number == 0 {
		return ""
	}
	return fmt.Sprintf("of party %d", number)
}

func factParties(list []uint32) string { return factNumbers("about party", list) }

func factRecipients(list []uint32) string {
	if text := factNumbers("recipient", list); text != "" {
		return "to " + text
	}
	return ""
}

func factNumbers(what string, list []uint32) string {
	var out []string
	for _, n := range list {
		out = append(out, fmt.Sprintf("%s %d", what, n))
	}
	return listed(out)
}

func factNumber(number uint32) []uint32 {
	if number == 0 {
		return nil
	}
	return []uint32{number}
}

func factOf(number uint32) string {
	if number == 0 {
		return ""
	}
	return fmt.Sprintf("of entry %d", number)
}

func factNeeded(approvals uint32) string {
	if approvals == 0 {
		return ""
	}
	return fmt.Sprintf("%d must agree", approvals)
}
