package spelling

import (
	"strings"
	"unicode"

	"github.com/mozillazg/go-unidecode"
)

// family groups the letters that one reader takes; a word ends where the
// family changes.
type family uint8

const (
	latinLike family = iota // one letter after another: Latin, Cyrillic, Greek, Georgian, kana, Ethiopic
	semitic
	indic
	thai
	han
	hangul
	unread
)

func familyOf(r rune) family {
	switch {
	case r < 0x590:
		return latinLike
	case r < 0x700, r >= 0x750 && r < 0x780, r >= 0x8a0 && r < 0x900:
		if unicode.IsNumber(r) {
			return latinLike
		}
		return semitic
	case r >= 0x900 && r < 0xd80:
		return indic
	case r >= 0xe00 && r < 0xe80:
		return thai
	case r >= 0xe80 && r < 0x10a0, r >= 0x1780 && r < 0x1800, r >= 0x19e0 && r < 0x1a00,
		r >= 0xa9e0 && r < 0xaa00, r >= 0xaa60 && r < 0xaa80:
		return unread
	case r >= 0xac00 && r < 0xd7b0:
		return hangul
	case unicode.Is(unicode.Han, r):
		return han
	default:
		return latinLike
	}
}

// read turns a run of letters of one family into words.
func read(f family, run []rune) []word {
	var w word
	switch f { //nolint:exhaustive // what is left becomes a native word below
	case semitic:
		return []word{{script: abjad, text: string(run)}}
	case han, hangul:
		return readSyllables(run)
	case indic:
		w.text = ascii(spellIndic(run))
	case thai:
		w.text, w.thai = ascii(spellThai(run)), true
	case latinLike:
		w.text = asciiRun(run)
		w.slavic = unicode.Is(unicode.Cyrillic, run[0])
	}
	if w.text == "" {
		w.script, w.text = native, string(run)
	}
	return []word{w}
}

// asciiRun reads a run letter by letter; a name in plain letters needs no
// table.
func asciiRun(run []rune) string {
	s := string(run)
	if isASCII(s) {
		return s
	}
	return ascii(unlike.Replace(s))
}

// unlike are the letters that unidecode reads otherwise than those who bear
// the names: Russian writes ye for yo, and the Georgian letters lose their
// second half.
var unlike = strings.NewReplacer("ё", "e", "ძ", "dz", "ც", "ts", "წ", "ts", "ხ", "kh", "ღ", "gh")

// ascii is unidecode in small letters, without the signs it adds.
func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '~':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		default:
			return -1
		}
	}, unidecode.Unidecode(s))
}

// readSyllables takes a run of Chinese characters or Korean syllables, which
// write the family name first and set no spaces: the first is the family
// name, what follows is one given name.
func readSyllables(run []rune) []word {
	family := ascii(string(run[0]))
	// Three Korean families whose Latin form is settled and is not the sound.
	switch run[0] {
	case '김':
		family = "kim"
	case '이':
		family = "lee"
	case '박':
		family = "park"
	}
	given := ascii(string(run[1:]))
	if family == "" || len(run) > 1 && given == "" {
		return []word{{script: native, text: string(run)}}
	}
	if given == "" {
		return []word{{text: family}}
	}
	name := word{text: given}
	for _, r := range run[1:] {
		name.parts = append(name.parts, ascii(string(r)))
	}
	return []word{{text: family}, name}
}

// spellIndic writes out the vowel that an Indic consonant carries unless a
// sign says otherwise; unidecode leaves it out. The nine blocks from
// Devanagari to Malayalam share one layout of 128 places.
func spellIndic(run []rune) string {
	var b strings.Builder
	for i, r := range run {
		at := r & 0x7f
		if r >= 0xb80 && r < 0xc00 {
			b.WriteString(tamil(run, i))
		} else if at == 0x02 && i+1 < len(run) && run[i+1]&0x7f == 0x39 {
			b.WriteString("ng") // the Singh of a nasal before h
		} else if bengaliGlide(run, i) {
			b.WriteByte('w')
		} else if at == 0x1a {
			b.WriteString("ch")
		} else if at == 0x37 {
			b.WriteString("sh")
		} else {
			b.WriteRune(r)
		}
		if indicConsonant(at) {
			next := i + 1
			if next < len(run) && run[next]&0x7f == 0x3c { // nukta
				next++
			}
			if next < len(run) && (indicConsonant(run[next]&0x7f) || run[next]&0x7f == 0x02) {
				b.WriteByte('a')
			}
		}
	}
	return b.String()
}

// bengaliGlide reports the letter ya that sounds as w after o, as in Anowar.
func bengaliGlide(run []rune, i int) bool {
	return i > 0 && i+1 < len(run) && run[i] == '\u09af' && run[i+1] == '\u09bc' &&
		(run[i-1] == '\u09cb' || run[i-1] == '\u0993')
}

func indicConsonant(at rune) bool {
	return at >= 0x15 && at <= 0x39 || at >= 0x58 && at <= 0x5f
}

// tamil reads one Tamil letter: a stop is hard at the start of a word and
// when doubled, and soft elsewhere, with one letter for both.
func tamil(run []rune, i int) string {
	const pulli = '்'
	r := run[i]
	doubled := i+2 < len(run) && run[i+1] == pulli && run[i+2] == r ||
		i >= 2 && run[i-1] == pulli && run[i-2] == r
	soft := i > 0 && !doubled
	switch {
	case r == 'ச':
		return "s"
	case r == 'த':
		return "th"
	case !soft:
		return string(r)
	case r == 'க':
		return "g"
	case r == 'ட':
		return "d"
	case r == 'ப':
		return "b"
	default:
		return string(r)
	}
}

// spellThai puts a vowel that is written before its consonant after it, and
// an unknown vowel where two consonants meet.
func spellThai(run []rune) string {
	var b strings.Builder
	for i := 0; i < len(run); i++ {
		r := run[i]
		if r == thaiSilent || i+1 < len(run) && run[i+1] == thaiSilent {
			continue
		}
		if r >= 0xe40 && r <= 0xe44 && i+1 < len(run) && thaiConsonant(run[i+1]) {
			b.WriteString(thaiLetter(run[i+1]))
			b.WriteRune(r)
			i++
			continue
		}
		if r == 'อ' {
			// A vowel after a consonant, a silent carrier elsewhere.
			if i > 0 && thaiConsonant(run[i-1]) {
				b.WriteByte('o')
			}
			continue
		}
		b.WriteString(thaiLetter(r))
		if thaiConsonant(r) && i+1 < len(run) && thaiConsonant(run[i+1]) {
			b.WriteByte('~')
		}
	}
	return b.String()
}

// thaiSilent is the mark over a letter that is written and not spoken.
const thaiSilent = '\u0e4c'

func thaiConsonant(r rune) bool { return r >= 0xe01 && r <= 0xe2e && r != 'อ' }

func thaiLetter(r rune) string {
	if r == 'จ' {
		return "j"
	}
	return string(r)
}
