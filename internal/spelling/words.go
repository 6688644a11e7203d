package spelling

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// script says how the letters of a word are read.
type script uint8

const (
	roman  script = iota // anything that unidecode reads well, as ASCII
	abjad                // Arabic and Hebrew: consonants and long vowels
	native               // scripts that only meet themselves
)

// word is one word of a name, folded but not yet read.
type word struct {
	script script
	text   string   // a-z, 0-9 and '~' when roman, else letters as written
	stem   string   // of an Abd- name in two words, the second
	parts  []string // of a given name without spaces, the syllables
	hyphen bool     // a hyphen joined it to the next word
	thai   bool     // written in a script that sets no spaces
	slavic bool     // Cyrillic, where one letter is both g and h
}

const (
	maxNameRunes = 400
	maxWordRunes = 40
	maxWords     = 24
)

// unspaced reports whether the word may hold a whole name because its script
// sets no spaces.
func (w word) unspaced() bool {
	return (w.script == native || w.thai) && utf8.RuneCountInString(w.text) >= 6
}

// split cuts a name into words and folds case, width, accents, apostrophes
// and everything invisible. Articles and the like are gone.
func split(name string) []word {
	return joinParticles(cut(normal(name)))
}

// normal brings a name to one form of each letter. Spacing accents used as
// apostrophes must go first, for NFKC turns them into a space.
func normal(name string) string {
	if isASCII(name) {
		return truncate(name, maxNameRunes)
	}
	name = strings.ReplaceAll(strings.ToValidUTF8(truncate(name, maxNameRunes), " "), "\u00b4", "'")
	return norm.NFKC.String(name)
}

func cut(name string) []word {
	var (
		words []word
		run   []rune
		kind  = family(0)
	)
	flush := func() {
		if len(run) > 0 && len(words) < maxWords {
			words = append(words, read(kind, run[:min(len(run), maxWordRunes)])...)
		}
		run = run[:0]
	}
	for _, r := range name {
		switch {
		case invisible(r):
		case unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsNumber(r):
			r = unicode.ToLower(unicode.ToUpper(r))
			// A mark belongs to the letter before it, whatever its block.
			if f := familyOf(r); f != kind && !unicode.IsMark(r) {
				flush()
				kind = f
			}
			run = append(run, r)
		default:
			joined := len(run) > 0 && unicode.Is(unicode.Pd, r)
			flush()
			if joined && len(words) > 0 {
				words[len(words)-1].hyphen = true
			}
		}
	}
	flush()
	return words
}

// invisible reports what is dropped without ending a word: apostrophes and
// signs for hamza and ayn, accents left over after composition, Arabic and
// Hebrew points, Thai tones, zero-width and direction characters.
func invisible(r rune) bool {
	switch {
	case r < 0x80:
		return r == '\'' || r == '`'
	case r >= 0x2b0 && r <= 0x36f, r >= 0x591 && r <= 0x5c7, r >= 0x610 && r <= 0x61a,
		r == 0x640, r >= 0x64b && r <= 0x65f, r == 0x670, r >= 0x6d6 && r <= 0x6ed,
		r >= 0xe47 && r <= 0xe4b, r == 0xe4d, r == 0xe4e, r >= 0x1ab0 && r <= 0x1aff, r >= 0x1dc0 && r <= 0x1dff,
		r >= 0x2018 && r <= 0x201b, r == 0x2032, r >= 0x20d0 && r <= 0x20ff,
		r == 0x5f3, r >= 0xfe00 && r <= 0xfe2f:
		return true
	default:
		return unicode.Is(unicode.Cf, r)
	}
}

// joinParticles drops articles and words of descent that a name is written
// with or without, and joins Abd to the name that it stands before. A name of
// particles alone keeps them.
func joinParticles(words []word) []word {
	kept := words[:0]
	for i := 0; i < len(words); i++ {
		w := words[i]
		last := i+1 == len(words)
		if w.script == roman && !last && (particle(w.text) || w.hyphen && sunArticle(w.text)) {
			// The Spanish article goes with its preposition and is a name without.
			if w.text == "de" && i+2 < len(words) && spanishArticle(words[i+1].text) {
				i++
			}
			continue
		}
		if !last && servant(w) {
			next := i + 1
			for next+1 < len(words) && particle(words[next].text) {
				next++
			}
			if words[next].script == w.script {
				w.stem = strings.TrimPrefix(words[next].text, "ال")
				w.text = servantRoot(w) + w.stem
				i = next
			}
		} else if stem, ok := servantStem(w); ok {
			w.text = servantRoot(w) + stem
		}
		if w.script == abjad && strings.HasPrefix(w.text, "ال") && utf8.RuneCountInString(w.text) >= 4 {
			w.text = strings.TrimPrefix(w.text, "ال")
		}
		kept = append(kept, w)
	}
	return kept
}

func particle(s string) bool {
	switch s {
	case "al", "el", "de", "del", "dela", "bin", "ibn", "bint", "ul", "ur":
		return true
	default:
		return false
	}
}

func spanishArticle(s string) bool { return s == "la" || s == "las" || s == "los" }

// sunArticle reports the Arabic article as it sounds before certain letters;
// without its hyphen each of these may be a name.
func sunArticle(s string) bool {
	switch s {
	case "ad", "an", "ar", "as", "ash", "at", "az", "er", "es", "ech", "ed", "en", "l":
		return true
	default:
		return false
	}
}

// servant reports Abd, alone or with the article written to it, as in Abdul
// Rahman.
func servant(w word) bool {
	switch w.text {
	case "abd", "abdul", "abdel", "abdal", "abdoul", "abdur", "abdus", "عبد":
		return true
	default:
		return false
	}
}

func servantRoot(w word) string {
	if w.script == abjad {
		return "عبد"
	}
	return "abd"
}

// servantStem finds the second half of an Abd- name written as one word:
// abdelaziz, abdurrahman.
func servantStem(w word) (string, bool) {
	if w.script == abjad {
		stem, ok := strings.CutPrefix(w.text, "عبدال")
		return stem, ok && stem != ""
	}
	for _, prefix := range []string{"abdul", "abdel", "abdal", "abdoul"} {
		if stem, ok := strings.CutPrefix(w.text, prefix); ok && len(stem) >= 2 {
			return stem, true
		}
	}
	for _, prefix := range []string{"abdu", "abde", "abda"} {
		stem, ok := strings.CutPrefix(w.text, prefix)
		if ok && len(stem) >= 3 && stem[0] == stem[1] {
			return stem[1:], true
		}
	}
	return "", false
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// truncate cuts s after n runes.
func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
