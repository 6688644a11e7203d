package written

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// ParseEnum finds the value of an enum by its name, whole or without the enum's
// prefix, in any case, with dashes or spaces for underscores. Numbers are not
// taken: 5 is an age group's name and another one's number.
func ParseEnum(enum protoreflect.EnumDescriptor, text string) (protoreflect.EnumNumber, bool) {
	name := strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToUpper(strings.TrimSpace(text)))
	for _, candidate := range []string{name, enumPrefix(enum) + name} {
		if value := enum.Values().ByName(protoreflect.Name(candidate)); value != nil {
			return value.Number(), true
		}
	}
	return 0, false
}

// EnumWords lists the values of an enum as a person types them, in their order,
// without the one that means nothing was said.
func EnumWords(enum protoreflect.EnumDescriptor) []string {
	var words []string
	for i := range enum.Values().Len() {
		if value := enum.Values().Get(i); value.Number() != 0 {
			words = append(words, strings.ToLower(strings.TrimPrefix(string(value.Name()), enumPrefix(enum))))
		}
	}
	return words
}

// enumPrefix is what every value's name begins with; the zero value has it too.
func enumPrefix(enum protoreflect.EnumDescriptor) string {
	zero := enum.Values().ByNumber(0)
	if zero == nil {
		return ""
	}
	return strings.TrimSuffix(string(zero.Name()), "UNSPECIFIED")
}

func enumRule(enum protoreflect.EnumDescriptor, text string) string {
	words := EnumWords(enum)
	if near := nearest(strings.ToLower(text), words); near != "" {
		return "is not in its list, did you mean " + near + "?"
	}
	if len(words) > 12 {
		return "is not in its list of values (" + strings.Join(words[:12], ", ") + ", ...)"
	}
	return "must be one of " + strings.Join(words, ", ")
}

// nearest returns the name that differs from text in the fewest letters, if in
// fewer than a third of them.
func nearest(text string, names []string) string {
	if len(text) > 60 {
		return ""
	}
	best, least := "", len(text)/3+1
	for _, name := range names {
		if d := distance(text, name); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance counts the letters to insert, delete or exchange (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
