package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
	"github.com/amparo-project/amparo/internal/texts"
)

func (a *app) textsCommand() *cobra.Command {
	return group("texts", "Show what to read aloud or send to the person", "  amparo texts show consent-release --language fr",
		a.textsListCommand(), a.textsShowCommand())
}

func (a *app) textsListCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "list",
		Short: "List the texts, with their versions and languages",
		Long: `Lists what is read aloud before a consent, what says that something was received, and
what says courteously that a request cannot be met, beside the reason of the triage
that it explains.`,
		Example: `  amparo texts list
  amparo texts list --kind refusal --language ar`,
		Args: noSuchCommand,
	}
	kind := c.Flags().String("kind", "", "only consent, withdrawal, acknowledgement or refusal")
	language := c.Flags().String("language", "", "only what can be read in this language")
	a.offer(c, "kind", fixed(client.EnumWords(amparov1.TextKind(0).Descriptor())...))
	a.offer(c, "language", fixed(languagesOfTexts()...))
	c.RunE = a.do(func(ctx context.Context, _ []string) error {
		request := &amparov1.ListTextsRequest{Language: *language}
		if *kind != "" {
			var err error
			if request.Kind, err = enumFlag[amparov1.TextKind]("kind", *kind); err != nil {
				return err
			}
		}
		return a.with(func(conn *client.Conn) error {
			answer, err := conn.Texts.ListTexts(ctx, request)
			if err != nil {
				return err
			}
			return a.show(answer, func(p *page) { p.texts(answer.GetTexts()) })
		})
	})
	return c
}

// texts writes one line for each version of a text, with its languages.
func (p *page) texts(all []*amparov1.TextVersion) {
	if len(all) == 0 {
		p.line("There is no text in that language; see: amparo texts list")
		return
	}
	columns := []column{{title: "TEXT"}, {title: "KIND"}, {title: "VERSION"}, {title: "LANGUAGES"}, {title: "EXPLAINS", spare: true}}
	var last *amparov1.TextVersion
	for _, t := range all {
		if last.GetId() != t.GetId() || last.GetVersion() != t.GetVersion() {
			for i, cell := range []string{t.GetId(), word(t.GetKind()), strconv.FormatUint(uint64(t.GetVersion()), 10), "", word(t.GetExplains())} {
				columns[i].cells = append(columns[i].cells, client.Printable(cell))
			}
		}
		last = t
		spoken := &columns[3].cells[len(columns[3].cells)-1]
		*spoken = strings.TrimSpace(*spoken + " " + client.Printable(t.GetLanguage()))
	}
	p.table(columns)
}

func (a *app) textsShowCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Show a text as it is read aloud or sent",
		Long: `Writes the words alone to stdout. Which version in which language they are stands on
stderr, with the SHA-256 by which the record of a consent names them. What is said
before it ("that I have just named") is yours to say: names, recipients and dates
stand in no text.`,
		Example: `  amparo texts show consent-release --language fr
  amparo texts show ack-request --language ar > answer.txt
  amparo texts show consent-release --version 1`,
		Args: asUsed,
		ValidArgsFunction: func(_ *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(given) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return idsOfTexts(), cobra.ShellCompDirectiveNoFileComp
		},
	}
	language := c.Flags().String("language", "en", "the language of the person, as fr or fr-CI")
	number := c.Flags().Uint32("version", 0, "an older version, by its number (default: the newest)")
	a.offer(c, "language", fixed(languagesOfTexts()...))
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		request := &amparov1.GetTextRequest{Text: arguments[0], Number: *number, Language: *language}
		return a.with(func(conn *client.Conn) error {
			answer, err := conn.Texts.GetText(ctx, request)
			if failure := client.Explain(err); failure != nil {
				if failure.Reason == "NOT_FOUND" {
					failure.Next = "see what there is, in which languages, with: amparo texts list"
				}
				return failure
			}
			return a.showText(answer)
		})
	})
	return c
}

// showText writes the words to stdout and what they are to stderr. Nobody is read one
// text and told the hash of another.
func (a *app) showText(answer *amparov1.GetTextResponse) error {
	t := answer.GetText()
	if sum := sha256.Sum256([]byte(answer.GetBody())); !bytes.Equal(sum[:], t.GetHash()) {
		return &client.Failure{
			Exit: exitVerification, Reason: "TEXT_UNVERIFIED", Text: "the text is not the one that its hash is of",
			Next: "do not read it aloud; tell the auditor by another way",
		}
	}
	if err := a.show(answer, func(p *page) { p.read(answer.GetBody()) }); err != nil || a.output == "json" {
		return err
	}
	a.tell("%s, version %d, %s, SHA-256 %x\n", client.Printable(t.GetId()), t.GetVersion(), client.Printable(t.GetLanguage()), t.GetHash())
	return nil
}

// read writes a text in its own lines and in its own direction.
func (p *page) read(body string) {
	for line := range strings.Lines(body) {
		p.line(client.Printable(strings.TrimSuffix(line, "\n")))
	}
}

// idsOfTexts are for completion alone, where nobody waits for a service: what is shown
// and listed is the service's.
func idsOfTexts() []string {
	var ids []string
	for _, t := range texts.All() {
		ids = append(ids, t.ID)
	}
	return slices.Compact(ids)
}

func languagesOfTexts() []string {
	var languages []string
	for _, id := range idsOfTexts() {
		languages = append(languages, texts.Languages(id)...)
	}
	slices.Sort(languages)
	return slices.Compact(languages)
}
