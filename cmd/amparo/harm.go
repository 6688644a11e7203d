package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

func (a *app) harmCommand() *cobra.Command {
	c := group("harm", "Ask whether an action could do harm, before it is taken", "  amparo harm questions > harm.yaml\n  amparo harm check "+exampleCase+" --file harm.yaml",
		a.harmQuestionsCommand(), a.harmCheckCommand(), a.harmApproveCommand())
	c.Aliases = []string{"do-no-harm"}
	return c
}

func (a *app) harmCheckCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "check CASE",
		Short: "Record the do-no-harm check of one planned action",
		Long: `Takes a CheckHarmRequest; amparo harm questions writes one to be filled in:

  harm:
    action:
      purpose: legal_assistance
      recipient: {name: their name, kind: lawyer}
      categories: [identity, situation]
      channel: signal
    answers:                 # all twelve
      - {question: identifies, reply: yes, note: by what, mitigation: what is done against it}
      - {question: retaliation, reply: no}
    result: proceed_with_mitigation    # or proceed, defer, do_not_proceed
    text: in words

You decide; your answers are held against it: who goes on does something against each
danger. It holds for this action alone, and until the next act against the person.`,
		Example: "  amparo harm check " + exampleCase + " --file harm.yaml",
		Args:    asUsed,
	}
	file := fileFlag(c, "the CheckHarmRequest")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		request := &amparov1.CheckHarmRequest{}
		if err := a.readAbout(*file, arguments[0], request); err != nil {
			return err
		}
		return step(a, func(conn *client.Conn) (*amparov1.CheckHarmResponse, error) {
			return conn.Disclosures.CheckHarm(ctx, request)
		}, func(p *page, answer *amparov1.CheckHarmResponse) {
			p.entry("check", decimal(answer.GetNumber())+", "+word(request.GetHarm().GetResult()))
			p.entry("valid until", p.ago(answer.GetValidUntil()))
			p.toAgree(answer.GetCase().GetCaseId(), answer.GetNumber(), answer.GetApprovalsNeeded())
		})
	})
	return c
}

// toAgree says how many others must agree to an entry before it allows anything.
func (p *page) toAgree(caseID string, number, needed uint32) {
	if needed == 0 {
		p.entry("others to agree", "none")
		return
	}
	p.entryPainted("others to agree", p.paint("1;33", decimal(needed)))
	p.line("A reviewer agrees with: amparo harm approve " + client.Printable(caseID) + " " + decimal(number))
}

func (a *app) harmApproveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "approve CASE ENTRY",
		Short: "Agree, as another person, to a do-no-harm check or to a stated basis",
		Long: `ENTRY is the number of the check or of the basis. Read it first, with amparo consent
list: whoever made it cannot agree to it, and nobody agrees twice.`,
		Example: "  amparo harm approve " + exampleCase + " 4",
		Args:    asUsed,
		RunE: a.do(func(ctx context.Context, arguments []string) error {
			number, err := entryNumber("ENTRY", arguments[1])
			if err != nil {
				return err
			}
			return step(a, func(conn *client.Conn) (*amparov1.ApproveDisclosureResponse, error) {
				return conn.Disclosures.ApproveDisclosure(ctx, &amparov1.ApproveDisclosureRequest{
					CaseId: arguments[0], Entry: number, RequestId: a.requestID,
				})
			}, func(p *page, answer *amparov1.ApproveDisclosureResponse) {
				p.entry("approval", decimal(answer.GetNumber()))
				p.toAgree(answer.GetCase().GetCaseId(), number, answer.GetApprovalsMissing())
			})
		}),
	}
}

func (a *app) harmQuestionsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "questions",
		Short: "Write the twelve questions as a file to be filled in",
		Long: `Writes a CheckHarmRequest with every question and no answer; what is filled in goes to
amparo harm check. With --short only the five that are asked where there is no time: on
the urgent track and for vital interests, where harm stands within the disclosure.`,
		Example: `  amparo harm questions > harm.yaml
  amparo harm questions --short > harm.yaml`,
		Args: noSuchCommand,
	}
	short := c.Flags().Bool("short", false, "only the five of the short form")
	c.RunE = a.do(func(context.Context, []string) error {
		if a.output != "json" {
			return a.write([]byte(harmForm(*short)))
		}
		harm := &amparov1.HarmDraft{}
		for _, q := range questionsOf(*short) {
			harm.Answers = append(harm.Answers, &amparov1.HarmAnswer{Question: q.number})
		}
		return a.show(&amparov1.CheckHarmRequest{Harm: harm}, nil)
	})
	return c
}

// harmQuestion is one of the twelve, as it is put to somebody.
type harmQuestion struct {
	number amparov1.HarmQuestion
	text   string
	danger string // the answer that means danger; "" where neither does
	short  bool   // one of the short form
}

// harmQuestions are what Voices at Risk asks for, in the words of field practice. The
// service judges the answers; a test holds this table to it.
var harmQuestions = []harmQuestion{
	{amparov1.HarmQuestion_HARM_QUESTION_IDENTIFIES, "Could this action identify the person, family, sources or community?", "yes", true},
	{amparov1.HarmQuestion_HARM_QUESTION_RETALIATION, "Could it provoke retaliation; by whom; how soon?", "yes", true},
	{amparov1.HarmQuestion_HARM_QUESTION_OTHERS_AT_RISK, "Does anyone else bear risk who has not consented?", "yes", false},
	{amparov1.HarmQuestion_HARM_QUESTION_CHANNEL_SAFE, "Is the channel safe at both ends?", "no", true},
	{amparov1.HarmQuestion_HARM_QUESTION_RECIPIENT_TRUSTED, "Is the recipient trusted and bound?", "no", true},
	{amparov1.HarmQuestion_HARM_QUESTION_LESS_IS_ENOUGH, "Is less data enough?", "yes", false},
	{amparov1.HarmQuestion_HARM_QUESTION_NOT_ACTING_WORSE, "Would not acting be worse?", "", false},
	{amparov1.HarmQuestion_HARM_QUESTION_FALSE_EXPECTATIONS, "Does it raise expectations that cannot be met?", "yes", false},
	{amparov1.HarmQuestion_HARM_QUESTION_TIMING_SAFE, "Is the timing safe?", "no", false},
	{amparov1.HarmQuestion_HARM_QUESTION_CAN_BE_UNDONE, "Can it be undone?", "no", false},
	{amparov1.HarmQuestion_HARM_QUESTION_SPECIFIC_HARMS, "Are there harms specific to gender, age or identity?", "yes", false},
	{amparov1.HarmQuestion_HARM_QUESTION_PLAN_IF_WRONG, "Is there a plan if it goes wrong?", "no", true},
}

func questionsOf(short bool) []harmQuestion {
	var all []harmQuestion
	for _, q := range harmQuestions {
		if q.short || !short {
			all = append(all, q)
		}
	}
	return all
}

// harmForm is a CheckHarmRequest in YAML with everything but the answers.
func harmForm(short bool) string {
	var out strings.Builder
	out.WriteString("# Do no harm: one planned action, thought through before it is taken. Fill in\n" +
		"# what stands behind each colon, then: amparo harm check CASE --file harm.yaml\n")
	if short {
		out.WriteString("# The short form. Where it cannot wait, harm goes into the disclosure as it\n" +
			"# stands here, without its action: amparo disclose --help\n")
	}
	out.WriteString("harm:\n  action:\n    purpose:\n" + oneOf("    ", amparov1.Purpose(0)) +
		"    recipient:\n      name:\n      kind:\n" + oneOf("      ", amparov1.RecipientKind(0)) +
		"    categories: []\n" + oneOf("    ", amparov1.DataCategory(0)) + "    channel:\n" + oneOf("    ", amparov1.ContactChannel(0)) +
		"  answers:\n    # each yes, no or unknown; a danger asks for what is done against it\n")
	for _, q := range questionsOf(short) {
		out.WriteString(q.comment() + "    - question: " + strings.ReplaceAll(word(q.number), " ", "_") + "\n      reply:\n      note:\n      mitigation:\n")
	}
	out.WriteString("  result:\n" + oneOf("  ", amparov1.HarmResult(0)) + "  text:\n")
	return out.String()
}

// comment is the question above its answer.
func (q harmQuestion) comment() string {
	text := fmt.Sprintf("    # %d. %s\n", q.number, q.text)
	switch {
	case q.danger != "" && q.short:
		return text + "    #    " + q.danger + " means danger; in the short form too\n"
	case q.danger != "":
		return text + "    #    " + q.danger + " means danger\n"
	default:
		return text
	}
}

// oneOf lists the values of an enum in comments that fit a screen.
func oneOf(indent string, enum protoreflect.Enum) string {
	var out strings.Builder
	row := indent + "#"
	for i, value := range client.EnumWords(enum.Descriptor()) {
		if i > 0 {
			row += ","
		}
		if len(row)+len(value) > 78 {
			out.WriteString(row + "\n")
			row = indent + "#"
		}
		row += " " + value
	}
	return out.String() + row + "\n"
}
