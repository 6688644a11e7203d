package spelling

import (
	"slices"
	"strings"
	"unicode"
)

const (
	maxQueryParts = 10
	maxNameParts  = 8 // below what is kept of a long name, so that it finds itself
	maxReadings   = 7
	maxAnyOf      = 48
)

// QueryKeys reads what an operator typed: numbers, mail addresses, handles
// and words of names, in any order and mixture. A person answers when each
// part is met by at least one of its keys; an empty result asks for nobody. It
// has at most 10 parts of at most 48 keys; of a longer name the first words and
// the last count, and what lies beyond is ignored.
func QueryKeys(text string) []AnyOf {
	fields := strings.FieldsFunc(truncate(text, maxNameRunes), separates)
	var (
		asked []AnyOf
		names []string
	)
	for i := 0; i < len(fields); i++ {
		f := fields[i]
		n := numberFields(fields[i:])
		switch {
		case n > 0:
			asked = append(asked, numberAsked(strings.Join(fields[i:i+n], " ")))
			i += n - 1
		case strings.Contains(normal(f), "@") || isLink(f):
			if part := accountAsked(f); len(part) > 0 {
				asked = append(asked, part)
			}
		default:
			names = append(names, f)
		}
	}
	asked = append(asked, namesAsked(strings.Join(names, " "), len(names) == 1)...)
	return asked[:min(len(asked), maxQueryParts)]
}

func separates(r rune) bool {
	return unicode.IsSpace(r) || r == ',' || r == ';' || r == '،' || r == '、'
}

// accountAsked reads a word with an @ or a link: a mail address and a
// federated handle look alike.
func accountAsked(f string) AnyOf {
	return append(AddressKeys(f), HandleKeys(f)...)
}

// namesAsked reads words of names. A word alone may as well be a handle.
func namesAsked(text string, alone bool) []AnyOf {
	words := split(text)
	var handles []Key
	if alone {
		handles = HandleKeys(text)
	}
	asked := make([]AnyOf, 0, len(words))
	for i, w := range words {
		// A given name written in one may be kept in syllables.
		if len(w.parts) > 1 {
			for _, syllable := range w.parts {
				part := readLatin(syllable).texts(w.asked())
				asked = append(asked, unique(part))
			}
			continue
		}
		part := w.asked()
		// What one writes as two words another writes as one.
		if i > 0 {
			part = joined(part, words[i-1], w)
		}
		if i+1 < len(words) {
			part = joined(part, w, words[i+1])
		}
		part = unique(append(part, handles...))
		asked = append(asked, part[:min(len(part), maxAnyOf)])
	}
	if len(words) == 0 && len(handles) > 0 {
		asked = append(asked, handles)
	}
	return bothEnds(asked, maxNameParts)
}

func joined(part AnyOf, a, b word) AnyOf {
	if a.script != roman || b.script != roman {
		return part
	}
	return readLatin(a.text + b.text).texts(part)
}

// asked returns the keys of every way to read the word.
func (w word) asked() AnyOf {
	var part AnyOf
	switch w.script { //nolint:exhaustive // what is left is read as Latin letters below
	case native:
		return w.shape().texts(nil)
	case abjad:
		part = readAbjad(w.text, abjadPlain).texts(nil)
		part = readAbjad(w.text, abjadSpoken).texts(part)
		part = readAbjad(w.text, abjadClipped).texts(part)
		if strings.ContainsRune(w.text, 'ש') { // unpointed, sin and shin are one
			part = readAbjad(strings.ReplaceAll(w.text, "ש", "ס"), abjadPlain).texts(part)
		}
		return unique(part)
	}
	for _, reading := range w.readings() {
		part = readLatin(reading).texts(part)
	}
	return unique(part)
}

// readings returns the word and the other words that it may be a spelling of.
// Each rule undoes a choice that languages make differently; none is applied
// to a stored name, so that the rules add keys to a question alone.
func (w word) readings() []string {
	s := w.text
	all := []string{s}
	add := func(other string) {
		if len(all) < maxReadings && other != "" && !slices.Contains(all, other) {
			all = append(all, other)
		}
	}
	long := len(s) >= 6
	switch {
	case long && (strings.HasPrefix(s, "al") || strings.HasPrefix(s, "el")):
		add(s[2:]) // Almasri, al-Masri
	case long && strings.HasPrefix(s, "ben"):
		add(s[3:]) // Benali, Ben Ali
	case long && strings.HasPrefix(s, "dela"):
		add(s[4:])
	case strings.HasPrefix(s, "ye"), strings.HasPrefix(s, "je"):
		add(s[1:]) // Yelena, Elena
	case strings.HasPrefix(s, "e"):
		add("y" + s)
	case strings.HasPrefix(s, "x"):
		add("k" + "s" + s[1:])
	}
	w.swaps(add)
	if !w.thai && !strings.HasPrefix(s, "al") && len(s) >= 5 {
		add("al" + s) // typed with the article apart, stored with it
	}
	return all
}

// swaps adds the readings in which one sound is written with other letters.
func (w word) swaps(add func(string)) {
	s := w.text
	if strings.Contains(s, "ch") {
		add(strings.ReplaceAll(s, "ch", "kh")) // Michail, Mikhail
		add(strings.ReplaceAll(s, "ch", "c"))  // Kovachevich, Kovacevic
	} else if strings.Contains(s, "c") {
		add(strings.ReplaceAll(s, "c", "ch")) // an unmarked Slavic or Turkish c
	}
	if strings.Contains(s, "kh") {
		add(strings.ReplaceAll(s, "kh", "ch"))
		add(strings.ReplaceAll(s, "kh", "k"))
	}
	if strings.LastIndexByte(s, 'w') > 0 {
		add(s[:1] + strings.ReplaceAll(s[1:], "w", "")) // Anwar as Arabic writes it
	}
	if strings.LastIndexByte(s, 'j') > 0 {
		add(s[:1] + strings.ReplaceAll(s[1:], "j", "y")) // Maja, Maya
	}
	if strings.HasSuffix(s, "h") {
		add(s + "h") // Saleh, whose h Arabic writes
	}
	if w.slavic && strings.Contains(s, "g") {
		add(strings.ReplaceAll(s, "g", "h")) // Russian and Ukrainian г
	}
	if i := strings.LastIndexByte(s, 'h'); !w.slavic && i > 0 && vowelish(s[i-1]) && i+1 < len(s) {
		add(s[:i] + "g" + s[i+1:])
	}
	if strings.Contains(s, "z") {
		add(strings.ReplaceAll(s, "z", "j")) // Nazma, Najma
	} else if strings.Contains(s, "j") {
		add(strings.ReplaceAll(s, "j", "z"))
	}
}

func vowelish(c byte) bool { return vowel(c) || c == 'y' || c == 'r' || c == 'l' }
