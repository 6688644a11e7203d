package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

func (a *app) consentCommand() *cobra.Command {
	return group("consent", "Keep what the person allows, and what they take back", "  amparo consent withdraw "+exampleCase+" 3",
		a.consentRecordCommand(), a.consentWithdrawCommand(), a.consentSettleCommand(), a.consentCheckCommand(), a.consentListCommand(),
		a.consentAnswerCommand())
}

func (a *app) consentRecordCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "record CASE",
		Short: "Record what was said: yes or no",
		Long: `Takes a RecordConsentRequest:

  terms:
    answer: given            # or refused: a no needs no form
    purposes: [legal_assistance]
    recipients:              # each by name, never "our partners"
      - {name: their name, kind: lawyer, organisation: theirs, country: KE}
    categories: [identity, situation, legal]
    withheld: [{category: health, reason: fear_of_harm}]    # from: {name: ...}, or from everybody
    method: oral_witnessed   # or written, secure_message, e_signature, thumbprint, oral_recorded, oral
    witness: who else heard it
    told:
      statement: {id: consent-release, language: fr}        # as amparo texts list has it
    quality: {free: true, full: true, informed: true, risks: the risks that were named}
    obtained_at: 2026-11-03T06:00:00Z                       # when it was said; now, where left out
    expires_at: 2027-02-01T00:00:00Z                        # what the policy says, where left out

Where somebody else consents:

    giver:                   # family or representative, where the person cannot
      kind: family
      name: their name
      relation: daughter
      why_not_self: detained # disappeared, deceased, incapacitated, unreachable
      authority: {kind: kinship, description: what shows it}

party {kind, name, birth_date} is for whoever goes along, with asked_alone: true; child
for a child; on_event: detained for what counts only once that has happened.

All that is missing is said at once, each with its reason, and nothing is recorded.`,
		Example: "  amparo consent record " + exampleCase + " --file consent.yaml",
		Args:    asUsed,
	}
	file := fileFlag(c, "the RecordConsentRequest")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		request := &amparov1.RecordConsentRequest{}
		if err := a.readAbout(*file, arguments[0], request); err != nil {
			return err
		}
		return step(a, func(conn *client.Conn) (*amparov1.RecordConsentResponse, error) {
			return conn.Consents.RecordConsent(ctx, request)
		}, func(p *page, answer *amparov1.RecordConsentResponse) {
			p.entry("consent", decimal(answer.GetNumber())+", "+word(request.GetTerms().GetAnswer()))
			p.entry("valid until", p.ago(answer.GetExpiresAt()))
			p.flags("", answer)
		})
	})
	return c
}

// flagged is what a consent can be flagged for.
type flagged interface {
	GetLate() bool
	GetMinor() bool
	GetFormShort() bool
}

// flags says what whoever reads a consent later will ask about.
func (p *page) flags(indent string, f flagged) {
	for _, flag := range []struct {
		raised bool
		text   string
	}{
		{f.GetLate(), "written down LATE: when it was said is somebody's word; the auditor is shown it"},
		{f.GetMinor(), "the person is a MINOR, or nobody knows their age"},
		{f.GetFormShort(), "said aloud where WRITING is asked for: have it written; the auditor is shown it"},
	} {
		if flag.raised {
			p.entryPainted(indent+"mind", p.paint("1;33", flag.text))
		}
	}
}

func (a *app) consentWithdrawCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "withdraw CASE CONSENT",
		Short: "Take a consent back, by its number or all: in force at once",
		Long: `CONSENT is the number of a consent, or the word all for everything that the person has
allowed. Nothing else is asked: it is in force at once, whoever says it and however it
comes. It reaches what was allowed before it, by whichever entry.

What cannot be undone, asking past recipients to return or delete what they have, waits
for: amparo consent settle.

A file can narrow it, or say who said it and how. It takes a WithdrawConsentRequest:

  withdrawal:
    recipients: [{name: their name}]   # only these; purposes and categories likewise
    said_by: family
    channel: phone
    said_at: 2026-11-03T06:00:00Z
    suspected_coercion: true           # it stops everything all the same; the owner is told
    party: {kind: companion, name: theirs}    # with all: whose; the person of the case, where left out
    text: what was said`,
		Example: `  amparo consent withdraw ` + exampleCase + ` 3
  amparo consent withdraw ` + exampleCase + ` all
  amparo consent withdraw ` + exampleCase + ` 3 --file only-the-press.yaml`,
		Args: asUsed,
	}
	file := fileFlag(c, "a WithdrawConsentRequest that narrows it,")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		request, err := a.withdrawal(*file, arguments[0], arguments[1])
		if err != nil {
			return err
		}
		return a.with(func(conn *client.Conn) error {
			answer, err := conn.Consents.WithdrawConsent(ctx, request)
			if err != nil {
				return err
			}
			return a.show(answer, func(p *page) {
				p.line(p.paint("1", "WITHDRAWN"), "in force at once")
				p.entry("case", answer.GetCaseId())
				p.entry("withdrawal", decimal(answer.GetNumber()))
				p.line("When the person has been reached over a safe contact, say whether it stands:")
				p.line("  amparo consent settle " + client.Printable(answer.GetCaseId()) + " " + decimal(answer.GetNumber()) + " --contact N")
			})
		})
	})
	return c
}

// withdrawal makes the request of the command line, and of the file where there is one.
func (a *app) withdrawal(file, caseID, consent string) (*amparov1.WithdrawConsentRequest, error) {
	request := &amparov1.WithdrawConsentRequest{}
	if file != "" {
		if err := a.readFile(file, request); err != nil {
			return nil, err
		}
	}
	if err := a.place(request, "case_id", caseID); err != nil {
		return nil, err
	}
	if request.GetWithdrawal() == nil {
		request.Withdrawal = &amparov1.WithdrawalDraft{}
	}
	draft := request.GetWithdrawal()
	if consent == "all" {
		if draft.GetConsent() != 0 {
			return nil, usage("the file names one consent, and the command line all")
		}
		draft.Everything = true
		return request, nil
	}
	number, err := strconv.ParseUint(consent, 10, 32)
	if err != nil || number == 0 {
		return nil, usage("CONSENT is the number of a consent, or all; see: amparo consent list")
	}
	if draft.GetEverything() {
		return nil, usage("the file takes everything back, and the command line one consent")
	}
	draft.Consent, err = agree("consent", uint32(number), draft.GetConsent())
	return request, err
}

func (a *app) consentSettleCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "settle CASE WITHDRAWAL",
		Short: "Say that a withdrawal stands, or that it was not their wish",
		Long: `The person has been reached over a safe contact since the withdrawal, and that contact
stands in the case: see amparo case contact and, for its number, amparo case safety.

If it stands, everybody who has received what it reaches is to be asked to return or
delete it. With --not-their-wish nobody is asked; what it stopped stays stopped until
they consent anew.

A file is needed for words only. It takes a SettleWithdrawalRequest, and says itself
whether the withdrawal stands:

  settlement:
    stands: true
    contact: 1
    text: what they said`,
		Example: `  amparo consent settle ` + exampleCase + ` 5 --contact 1
  amparo consent settle ` + exampleCase + ` 5 --contact 1 --not-their-wish`,
		Args: asUsed,
	}
	file := fileFlag(c, "the SettleWithdrawalRequest")
	contact := c.Flags().Uint32("contact", 0, "number of the contact over which they said so")
	void := c.Flags().Bool("not-their-wish", false, "it was not the person's own wish: nobody is asked for anything back")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		request, err := a.settlement(*file, arguments, *contact, *void)
		if err != nil {
			return err
		}
		return step(a, func(conn *client.Conn) (*amparov1.SettleWithdrawalResponse, error) {
			answer, err := conn.Consents.SettleWithdrawal(ctx, request)
			return answer, notReached(err)
		}, func(p *page, answer *amparov1.SettleWithdrawalResponse) {
			p.settled(request.GetSettlement().GetStands(), answer)
		})
	})
	return c
}

// notReached replaces the next step of a refusal that the service words for a change of
// contacts: here the person must have been reached since the withdrawal.
func notReached(err error) error {
	if err == nil {
		return nil
	}
	known := client.Explain(err)
	if known.Reason != "NOT_PROVEN" {
		return err
	}
	failure := *known
	failure.Next = "reach the person over a safe contact, record that with: amparo case contact, then settle"
	return &failure
}

// settlement makes the request of the command line, and of the file where there is one.
// A file that does not say whether the withdrawal stands decides nothing by its silence:
// neither way can be taken back.
func (a *app) settlement(file string, arguments []string, contact uint32, void bool) (*amparov1.SettleWithdrawalRequest, error) {
	withdrawal, err := entryNumber("WITHDRAWAL", arguments[1])
	if err != nil {
		return nil, err
	}
	request := &amparov1.SettleWithdrawalRequest{Settlement: &amparov1.SettlementDraft{Stands: !void}}
	if file != "" {
		request.Settlement = nil
		if err := a.readFile(file, request); err != nil {
			return nil, err
		}
		if request.GetSettlement().GetStands() == void {
			return nil, usage("one of both: stands: true in the file, or --not-their-wish")
		}
		if request.GetSettlement() == nil {
			request.Settlement = &amparov1.SettlementDraft{}
		}
	}
	if err := a.place(request, "case_id", arguments[0]); err != nil {
		return nil, err
	}
	draft := request.GetSettlement()
	if draft.Withdrawal, err = agree("withdrawal", withdrawal, draft.GetWithdrawal()); err != nil {
		return nil, err
	}
	if draft.Contact, err = agree("contact", contact, draft.GetContact()); err != nil {
		return nil, err
	}
	if draft.GetContact() == 0 {
		return nil, usage("--contact is needed: the contact over which the person said so; see: amparo case safety")
	}
	return request, nil
}

func (p *page) settled(stands bool, answer *amparov1.SettleWithdrawalResponse) {
	p.entry("settled by", decimal(answer.GetNumber()))
	switch asked := answer.GetReturnRequests(); {
	case !stands:
		p.line("Nobody is asked for anything back. What was stopped stays stopped until they consent anew.")
	case len(asked) == 0:
		p.line("It stands. Nobody has received what it reaches.")
	default:
		p.entry("to be asked back", numbers(asked))
		p.line("Ask each of them, on the basis that the ledger has for it: amparo disclose, listed track.")
		p.line("Record what they say with: amparo consent answer")
	}
}

func (a *app) consentListCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "list CASE",
		Short: "Show the ledger of a case, newest first",
		Long: `Shows what was allowed, refused and withdrawn, which harm was thought of, what left,
and what became of it. Each entry has a number, by which it is named elsewhere.`,
		Example: `  amparo consent list ` + exampleCase + `
  amparo consent list ` + exampleCase + ` --before 40 --page-size 20`,
		Args: asUsed,
	}
	request := &amparov1.ListConsentsRequest{}
	c.Flags().Uint32Var(&request.Before, "before", 0, "go on from the page before: only entries with a smaller number")
	c.Flags().Uint32Var(&request.PageSize, "page-size", 0, "entries a page, at most 200 (default 50)")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		request.CaseId = arguments[0]
		return a.with(func(conn *client.Conn) error {
			answer, err := conn.Consents.ListConsents(ctx, request)
			if err != nil {
				return err
			}
			return a.show(answer, func(p *page) { p.ledger(answer) })
		})
	})
	return c
}

func (a *app) consentAnswerCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "answer CASE REQUEST",
		Short: "Record what a past recipient answered to a request to return or delete",
		Long: `REQUEST is the number of the request, as amparo consent list shows it. That they have
not answered is an answer too; a later one can follow it.

A file is needed for words only. It takes an AnswerReturnRequest:

  outcome: refused           # confirmed_deleted, returned, no_answer
  text: what they said`,
		Example: `  amparo consent answer ` + exampleCase + ` 7 --outcome confirmed_deleted
  amparo consent answer ` + exampleCase + ` 7 --file answer.yaml`,
		Args: asUsed,
	}
	file := fileFlag(c, "the AnswerReturnRequest")
	words := client.EnumWords(amparov1.ReturnOutcome(0).Descriptor())
	outcome := c.Flags().String("outcome", "", "one of "+listed(words))
	a.offer(c, "outcome", fixed(words...))
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		number, err := entryNumber("REQUEST", arguments[1])
		if err != nil {
			return err
		}
		request := &amparov1.AnswerReturnRequest{}
		if *file != "" {
			if err := a.readFile(*file, request); err != nil {
				return err
			}
		}
		if err := a.place(request, "case_id", arguments[0]); err != nil {
			return err
		}
		if request.Request, err = agree("request", number, request.GetRequest()); err != nil {
			return err
		}
		if *outcome != "" || request.GetOutcome() == 0 {
			said, err := enumFlag[amparov1.ReturnOutcome]("outcome", *outcome)
			if err != nil {
				return err
			}
			if request.Outcome, err = agree("outcome", said, request.GetOutcome()); err != nil {
				return err
			}
		}
		return step(a, func(conn *client.Conn) (*amparov1.AnswerReturnResponse, error) {
			return conn.Disclosures.AnswerReturn(ctx, request)
		}, func(p *page, answer *amparov1.AnswerReturnResponse) { p.entry("answer", decimal(answer.GetNumber())) })
	})
	return c
}

// entryNumber reads the number of an entry of a ledger.
func entryNumber(argument, text string) (uint32, error) {
	number, err := strconv.ParseUint(text, 10, 32)
	if err != nil || number == 0 {
		return 0, usage("%s is the number of an entry; see: amparo consent list", argument)
	}
	return uint32(number), nil
}

// agree takes what the command line says, or else what the file does; both at once must
// say the same.
func agree[T comparable](name string, said, there T) (T, error) {
	var none T
	switch {
	case said == none || said == there:
		return there, nil
	case there != none:
		return none, usage("the file's %s is not the one on the command line", name)
	default:
		return said, nil
	}
}

func decimal(number uint32) string { return fmt.Sprintf("%d", number) }
