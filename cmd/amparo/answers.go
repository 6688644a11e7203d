package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/amparo-project/amparo/internal/client"
	"github.com/amparo-project/amparo/internal/vocabulary"
)

type yesNo int

const (
	answerUnclear yesNo = iota
	answerYes
	answerNo
)

func parseYes(text string) yesNo {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "y", "yes", "true":
		return answerYes
	case "n", "no", "false":
		return answerNo
	default:
		return answerUnclear
	}
}

var (
	clockPattern   = regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]$`)
	countryPattern = regexp.MustCompile(`^[A-Z]{2}$`)
	datePattern    = regexp.MustCompile(`^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?~?$`)
)

func clockRule(text string) string {
	if clockPattern.MatchString(text) {
		return ""
	}
	return "write hours and minutes of a 24-hour clock, as 08:30"
}

func countryRule(text string) string {
	if countryPattern.MatchString(text) {
		return ""
	}
	return "write two capital letters, as CO or AF"
}

func dateRule(text string) string {
	if datePattern.MatchString(text) {
		return ""
	}
	return "write 1984-03-09, 1984-03, 1984, or 1984~ when it is about that"
}

// choice is one of a list to choose from.
type choice struct {
	key   string // what is typed
	value string // what is stored: a code, or an enum value's word
	label string // what is read
}

// enumChoices numbers the values of an enum. Where their names are numbers
// themselves, as those of age groups, letters stand for them: 5 must not be an age
// to one and a line to another.
func enumChoices(enum protoreflect.EnumDescriptor) []choice {
	words := client.EnumWords(enum)
	letters := false
	for _, word := range words {
		letters = letters || word[0] >= '0' && word[0] <= '9'
	}
	choices := make([]choice, len(words))
	for i, word := range words {
		key := strconv.Itoa(i + 1)
		if letters {
			key = string(rune('a' + i))
		}
		label := strings.ReplaceAll(word, "_", " ")
		if letters && word[0] >= '0' && word[0] <= '9' {
			label = strings.ReplaceAll(strings.ReplaceAll(word, "_plus", "+"), "_", " to ")
		}
		choices[i] = choice{key: key, value: word, label: label}
	}
	return choices
}

func actChoices() []choice { return codeChoices(vocabulary.Acts()) }

func perpetratorChoices() []choice { return codeChoices(vocabulary.Perpetrators()) }

func codeChoices(entries []vocabulary.Entry) []choice {
	choices := make([]choice, len(entries))
	for i, entry := range entries {
		choices[i] = choice{key: strconv.Itoa(i + 1), value: entry.Code, label: entry.Label}
	}
	return choices
}

// pick finds what was chosen: by its key, its value or its label, or by a begin
// that only one has. Otherwise it returns those that come near, to be shown.
func pick(choices []choice, text string) (choice, []choice) {
	text = strings.ToLower(strings.TrimSpace(text))
	spoken := strings.NewReplacer("_", " ", "-", " ").Replace(text)
	for _, c := range choices {
		if text == strings.ToLower(c.key) || text == strings.ToLower(c.value) || spoken == strings.ToLower(c.label) {
			return c, nil
		}
	}
	var near []choice
	for _, c := range choices {
		if strings.Contains(strings.ToLower(c.label), spoken) {
			near = append(near, c)
		}
	}
	if len(near) == 1 && strings.HasPrefix(strings.ToLower(near[0].label), spoken) {
		return near[0], nil
	}
	return choice{}, near
}

// lines lays choices out for a screen of 80 characters.
func choiceLines(choices []choice) string {
	var out, row strings.Builder
	for _, c := range choices {
		cell := fmt.Sprintf("%3s %-22s", c.key, c.label)
		if row.Len() > 0 && row.Len()+len(cell) > 78 {
			out.WriteString(strings.TrimRight(row.String(), " ") + "\n")
			row.Reset()
		}
		row.WriteString(cell)
	}
	out.WriteString(strings.TrimRight(row.String(), " ") + "\n")
	return out.String()
}
