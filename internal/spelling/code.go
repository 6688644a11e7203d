package spelling

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// SameWord reports whether two people said the same word: case, width, accents,
// vowel points, spaces and signs around it do not count, since it is said over a bad
// line and written down in haste. An empty word is nobody's.
func SameWord(a, b string) bool {
	a, b = foldWord(a), foldWord(b)
	return a != "" && a == b
}

func foldWord(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFKD.String(foldContact(s)))
}
