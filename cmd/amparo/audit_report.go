package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
	"github.com/amparo-project/amparo/internal/proof"
)

func (a *app) showJudged(j judged) error {
	if a.output == "json" {
		return a.showJSON(j.json())
	}
	p := a.newPage()
	p.judged(j)
	return a.write(p.bytes())
}

// judged writes the whole report: what makes the verification fail comes last, where
// it is seen.
func (p *page) judged(j judged) {
	p.whoseLog(j)
	p.verified(j)
	p.left(j.proof)
	p.provenBreaches(j.proof.Breaches)
	p.exceptions(j.proof)
	p.unsound(j.proof)
}

// whoseLog says first of all when nobody but the file vouches for its signer.
func (p *page) whoseLog(j judged) {
	if j.log.KeyFromFile {
		p.line("The signer came from the file itself: give --log-key to know whose log this is.")
	}
}

func (p *page) verified(j judged) {
	r := j.log
	p.line("verified: " + count(r.Size, "leaf", "leaves") + ", " + count(r.Refused, "act refused", "acts refused"))
	p.entry("root", r.Root)
	p.entry("log key", r.LogKey)
	if r.Size > 0 {
		p.entry("from", r.First.In(p.zone).Format("2006-01-02 15:04:05 MST"))
		p.entry("until", r.Last.In(p.zone).Format("2006-01-02 15:04:05 MST"))
	}
	if r.Extends {
		p.entry("nothing left out", fmt.Sprintf("from %s, as the older checkpoint has it, to %d", count(r.Older, "leaf", "leaves"), r.Size))
	}
	if r.BackInTime > 0 {
		p.entry("clock", count(r.BackInTime, "leaf is older than one before it", "leaves are older than one before them"))
	}
	if r.Version > 1 {
		p.entry("proofs", "each entry of a ledger by itself")
	}
}

// second writes an instant to the second, in the zone of the machine.
func (p *page) second(t time.Time) string { return t.In(p.zone).Format("2006-01-02 15:04:05") }

// left counts what the ledgers hold, and what left by what it rests on.
func (p *page) left(r *proof.Report) {
	entries := 0
	for _, l := range r.Ledgers {
		entries += len(l.Entries)
	}
	p.heading(fmt.Sprintf("WHAT LEFT (ENTRIES: %d, LEDGERS: %d)", entries, len(r.Ledgers)))
	for _, class := range proof.Classes() {
		text := fmt.Sprint(r.Classes[class])
		if class == proof.Uncovered && r.Classes[class] > 0 {
			text = p.paint("1;31", text)
		}
		if bases := basesText(r.Bases); class == "LISTED" && bases != "" {
			text += " (" + bases + ")"
		}
		fmt.Fprintf(&p.buffer, "%-20s %s\n", classText(class), text)
	}
	fmt.Fprintf(&p.buffer, "%-20s %d\n", "admitted breaches", len(r.Breaches))
}

func classText(class proof.Class) string {
	text := strings.ToLower(strings.ReplaceAll(string(class), "_", ", "))
	switch class {
	case "CONSENT":
		return "consent and check"
	case "LISTED":
		return "listed basis"
	default:
		return text
	}
}

func basesText(bases map[amparov1.ListedBasis]uint64) string {
	var out []string
	for basis, n := range bases {
		out = append(out, fmt.Sprintf("%d %s", n, word(basis)))
	}
	slices.Sort(out)
	return listed(out)
}

func (p *page) provenBreaches(breaches []proof.Breach) {
	if len(breaches) == 0 {
		return
	}
	p.heading("ADMITTED BREACHES")
	columns := mentionColumns("HAPPENED", "KNOWN", "NOTICE DUE", "A NOTICE LEFT")
	for _, b := range breaches {
		f, notice := b.Fact.GetBreach(), "no"
		if b.Notice != nil {
			notice = fmt.Sprintf("%s, entry %d", p.second(b.Notice.At), b.Notice.Number())
		}
		due := ""
		if !b.NoticeDue.IsZero() {
			due = p.second(b.NoticeDue)
		}
		p.mention(columns, b.Mention, p.instant(f.GetHappenedAt()), p.instant(f.GetAwareAt()), due, notice)
	}
	p.table(columns)
}

// exceptions lists what an auditor is to look at, although nothing is wrong with it.
func (p *page) exceptions(r *proof.Report) {
	p.mentions("SAID ALOUD, AND NOBODY ELSE HEARD IT", r.Oral)
	p.mentions("WRITTEN DOWN LATE", r.Late)
	p.mentions("SAID ALOUD WHERE WRITING IS ASKED FOR", r.FormShort)
	p.mentions("LEFT OR TAKEN BACK, AND WRITTEN DOWN MORE THAN A DAY LATER", r.Belated)
	p.mentions("LEFT FOR VITAL INTERESTS, AGAINST A NO", r.AgainstNo)
	p.mentions("ASKED BACK, AND NOT ANSWERED IN TIME", r.Unanswered)
	if len(r.Staff) == 0 {
		return
	}
	p.heading("URGENT ACTS, BY WHO LET IT LEAVE")
	columns := []column{{title: "STAFF"}, {title: "KIND"}, {title: "COMPLETED"}, {title: "PENDING"}, {title: "LATE"}, {title: "UNCOVERED"}}
	for _, acts := range r.Staff {
		for _, kind := range []struct {
			name string
			proof.Tally
		}{{"urgent", acts.Urgent}, {"vital interests", acts.Vital}} {
			if kind.Tally == (proof.Tally{}) {
				continue
			}
			addRow(columns, acts.StaffID, kind.name, fmt.Sprint(kind.Completed), fmt.Sprint(kind.Pending), fmt.Sprint(kind.Late), fmt.Sprint(kind.Uncovered))
		}
	}
	p.table(columns)
}

// unsound lists what makes the verification fail.
func (p *page) unsound(r *proof.Report) {
	if r.Classes[proof.Uncovered] > 0 {
		p.heading("LEFT, AND NOTHING ALLOWED IT")
	}
	for _, l := range r.Ledgers {
		for _, d := range l.Disclosures {
			if d.Class == proof.Uncovered {
				p.line(client.Printable(fmt.Sprintf("%s, entry %d, leaf %d, %s: %s", l.Pseudonym, d.Number(), d.Leaf, p.second(d.At), p.factLeft(d.Fact.GetDisclosure()))))
				p.reasons(d.Reasons)
			}
		}
	}
	p.findings(r.Findings)
}

func (p *page) findings(findings []proof.Finding) {
	if len(findings) == 0 {
		return
	}
	p.heading("WHAT CANNOT BE AS IT STANDS")
	for _, f := range findings {
		if f.Number == 0 && f.Pseudonym == "" {
			p.line(fmt.Sprintf("%s (%s)", f.Text, f.Code)) // of no entry: there are more
			continue
		}
		p.line(client.Printable(fmt.Sprintf("%s, entry %d, leaf %d: %s (%s)", f.Pseudonym, f.Number, f.Leaf, f.Text, f.Code)))
	}
}

func (p *page) reasons(reasons []proof.Reason) {
	for _, reason := range reasons {
		p.line("", "  "+client.Printable(fmt.Sprintf("%s (%s)", reason.Text, reason.Code)))
	}
}

// mentions lists entries under a heading, if there are any.
func (p *page) mentions(heading string, list []proof.Mention) {
	if len(list) == 0 {
		return
	}
	p.heading(heading)
	columns := mentionColumns("WHAT")
	for _, m := range list {
		kind, detail := p.fact(m.Fact)
		p.mention(columns, m, kind+": "+detail)
	}
	p.table(columns)
}

func mentionColumns(more ...string) []column {
	columns := []column{{title: "CASE"}, {title: "ENTRY"}, {title: "LEAF"}, {title: "TIME"}, {title: "STAFF"}}
	for _, title := range more {
		columns = append(columns, column{title: title})
	}
	return columns
}

func (p *page) mention(columns []column, m proof.Mention, more ...string) {
	addRow(columns, append([]string{m.Pseudonym, fmt.Sprint(m.Number()), fmt.Sprint(m.Leaf), p.second(m.At), m.StaffID}, more...)...)
}

// addRow adds a row to a table.
func addRow(columns []column, cells ...string) {
	for i, cell := range cells {
		columns[i].cells = append(columns[i].cells, client.Printable(cell))
	}
}
