package written

import "unicode"

// Unsafe reports characters that change how a text looks without being seen:
// control characters, which move a terminal's cursor, and bidirectional embeddings,
// overrides and isolates, which turn a name or a number around for the reader.
// Joiners and the marks of left and right stay: scripts need them. A text of
// several lines may hold line breaks and tabs.
func Unsafe(text string, multiline bool) bool {
	for i := range len(text) {
		if c := text[i]; c < 0x20 || c >= 0x7f {
			return unsafeRunes(text[i:], multiline)
		}
	}
	return false
}

func unsafeRunes(text string, multiline bool) bool {
	for _, r := range text {
		switch {
		case multiline && (r == '\n' || r == '\t'):
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			return true
		case r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			return true
		}
	}
	return false
}
