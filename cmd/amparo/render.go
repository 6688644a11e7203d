package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

// page is a text for a person: lines, and what to say of times and levels.
type page struct {
	buffer bytes.Buffer
	colour bool
	width  int
	now    time.Time
	zone   *time.Location
}

func (a *app) newPage() *page {
	return &page{colour: a.colour, width: a.width, now: a.now(), zone: a.zone}
}

func (p *page) bytes() []byte { return p.buffer.Bytes() }

// line writes the parts that are not empty, two spaces apart.
func (p *page) line(parts ...string) {
	var full []string
	for _, part := range parts {
		if part != "" {
			full = append(full, part)
		}
	}
	p.buffer.WriteString(strings.Join(full, "  ") + "\n")
}

// entry writes a label and its value, unless the value is empty. A value of several
// lines is indented below the label.
func (p *page) entry(label, value string) {
	if value == "" {
		return
	}
	lines := strings.Split(value, "\n")
	fmt.Fprintf(&p.buffer, "%-20s %s\n", label, client.Printable(lines[0]))
	for _, more := range lines[1:] {
		fmt.Fprintf(&p.buffer, "%-20s %s\n", "", client.Printable(more))
	}
}

func (p *page) heading(text string) { p.buffer.WriteString("\n" + p.paint("1", text) + "\n") }

// paint colours a text on a terminal that wants it (SGR codes, ECMA-48).
func (p *page) paint(code, text string) string {
	if !p.colour || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// risk writes a level so that it is seen first.
func (p *page) risk(level amparov1.RiskLevel) string {
	if level == amparov1.RiskLevel_RISK_LEVEL_UNSPECIFIED {
		level = amparov1.RiskLevel_RISK_LEVEL_NOT_ASSESSED
	}
	return p.paint(riskColours[level], strings.ToUpper(word(level)))
}

var riskColours = map[amparov1.RiskLevel]string{
	amparov1.RiskLevel_RISK_LEVEL_EXTREME:      "1;97;41",
	amparov1.RiskLevel_RISK_LEVEL_HIGH:         "1;31",
	amparov1.RiskLevel_RISK_LEVEL_NOT_ASSESSED: "1;35",
	amparov1.RiskLevel_RISK_LEVEL_MEDIUM:       "33",
	amparov1.RiskLevel_RISK_LEVEL_LOW:          "32",
}

// due writes how long is left, or how long too late it is.
func (p *page) due(at *timestamppb.Timestamp) string {
	if at == nil {
		return ""
	}
	left := at.AsTime().Sub(p.now)
	if left < 0 {
		return p.paint("1;31", "overdue "+span(-left))
	}
	return "in " + span(left)
}

// at writes an instant in the zone of the machine.
func (p *page) at(instant *timestamppb.Timestamp) string {
	if instant == nil {
		return ""
	}
	return instant.AsTime().In(p.zone).Format("Mon 2 Jan 2006 15:04")
}

// ago writes an instant with how long ago it was.
func (p *page) ago(instant *timestamppb.Timestamp) string {
	if instant == nil {
		return ""
	}
	passed := p.now.Sub(instant.AsTime())
	if passed < 0 {
		return p.at(instant) + " (in " + span(-passed) + ")"
	}
	return p.at(instant) + " (" + span(passed) + " ago)"
}

// span writes a duration in the two units that matter.
func span(d time.Duration) string {
	minutes := int(d.Round(time.Minute) / time.Minute)
	switch {
	case minutes < 1:
		return "under 1 min"
	case minutes < 60:
		return fmt.Sprintf("%d min", minutes)
	case minutes < 48*60:
		return trimZero(fmt.Sprintf("%d h %d min", minutes/60, minutes%60), " 0 min")
	default:
		return trimZero(fmt.Sprintf("%d d %d h", minutes/1440, minutes%1440/60), " 0 h")
	}
}

func trimZero(text, zero string) string { return strings.TrimSuffix(text, zero) }

// word is an enum's value as it is spoken; "" when nothing was said.
func word(value protoreflect.Enum) string { return enumWord(value.Descriptor(), value.Number()) }

func enumWord(enum protoreflect.EnumDescriptor, number protoreflect.EnumNumber) string {
	if number == 0 {
		return ""
	}
	value := enum.Values().ByNumber(number)
	if value == nil {
		return fmt.Sprintf("value %d, which this version does not know", number)
	}
	name := string(value.Name())
	if zero := enum.Values().ByNumber(0); zero != nil {
		name = strings.TrimPrefix(name, strings.TrimSuffix(string(zero.Name()), "UNSPECIFIED"))
	}
	return strings.ToLower(strings.ReplaceAll(name, "_", " "))
}

func words[E protoreflect.Enum](values []E) string {
	var out []string
	for _, value := range values {
		out = append(out, word(value))
	}
	return strings.Join(out, ", ")
}

// listed is a list for a sentence.
func listed(items []string) string { return strings.Join(items, ", ") }

func yes(value bool, text string) string {
	if value {
		return text
	}
	return ""
}

func compact(raw []byte) ([]byte, error) {
	var out bytes.Buffer
	if err := json.Compact(&out, raw); err != nil {
		return nil, fmt.Errorf("write answer: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// column is one column of a table.
type column struct {
	title string
	cells []string
	spare bool // left out when the screen is too narrow
}

// table writes columns side by side; the last spare ones go first when the screen
// is too narrow for all.
func (p *page) table(columns []column) {
	for i := len(columns) - 1; i >= 0 && p.width > 0 && tableWidth(columns) > p.width; i-- {
		if columns[i].spare {
			columns = append(columns[:i:i], columns[i+1:]...)
		}
	}
	p.row(columns, func(c column) string { return p.paint("2", c.title) })
	for i := range columns[0].cells {
		p.row(columns, func(c column) string { return c.cells[i] })
	}
}

func (p *page) row(columns []column, cell func(column) string) {
	var out strings.Builder
	for _, c := range columns {
		text := cell(c)
		out.WriteString(text + strings.Repeat(" ", max(0, columnWidth(c)-seen(text))+2))
	}
	p.buffer.WriteString(strings.TrimRight(out.String(), " ") + "\n")
}

func columnWidth(c column) int {
	widest := seen(c.title)
	for _, cell := range c.cells {
		widest = max(widest, seen(cell))
	}
	return widest
}

func tableWidth(columns []column) int {
	width := 0
	for _, c := range columns {
		width += columnWidth(c) + 2
	}
	return width - 2
}

// seen counts the characters that a terminal shows: those of a colour do not count.
func seen(text string) int {
	n, rest := 0, text
	for rest != "" {
		if strings.HasPrefix(rest, "\x1b[") {
			if end := strings.IndexByte(rest, 'm'); end >= 0 {
				rest = rest[end+1:]
				continue
			}
		}
		_, size := utf8.DecodeRuneInString(rest)
		rest = rest[size:]
		n++
	}
	return n
}
