package spelling

import "strings"

// abjadReading chooses between two readings of the letters that Arabic and
// Hebrew use for a consonant and for a long vowel.
type abjadReading uint8

const (
	abjadPlain   abjadReading = iota // waw within a word is a vowel, a last he is silent
	abjadSpoken                      // both are consonants
	abjadClipped                     // a last breath is silent, as Latin spellings often leave it out
)

// abjadConsonants gives the sound of the letters that are always consonants,
// in the letters of readLatin.
var abjadConsonants = map[rune]string{
	'ب': "v", 'پ': "p", 'ت': "t", 'ٹ': "t", 'ث': "t", 'ج': "j", 'چ': "S", 'ح': "h", 'خ': "h",
	'د': "d", 'ڈ': "d", 'ذ': "d", 'ر': "r", 'ڑ': "r", 'ز': "s", 'ژ': "s", 'س': "s", 'ش': "S",
	'ص': "s", 'ض': "d", 'ط': "t", 'ظ': "s", 'غ': "g", 'ف': "f", 'ڤ': "v", 'ق': "k", 'ك': "k",
	'ک': "k", 'گ': "g", 'ل': "l", 'م': "m", 'ن': "n", 'ں': "n",
	'ב': "v", 'ג': "g", 'ד': "d", 'ז': "s", 'ח': "h", 'ט': "t", 'כ': "h", 'ך': "h", 'ל': "l",
	'מ': "m", 'ם': "m", 'נ': "n", 'ן': "n", 'ס': "s", 'פ': "f", 'ף': "f", 'צ': "ts", 'ץ': "ts",
	'ק': "k", 'ר': "r", 'ש': "S", 'ת': "t",
}

// abjadVowel gives the class of a letter that stands for a vowel, '-' for one
// that carries any, and 0 for a consonant.
func abjadVowel(r rune) byte {
	switch r {
	case 'ا', 'آ', 'ى', 'ة', 'ۀ':
		return 'a'
	case 'ي', 'ی', 'ئ', 'ے', 'إ', 'י':
		return 'i'
	case 'و', 'ؤ', 'ו':
		return 'u'
	case 'ع', 'ء', 'أ', 'ٱ', 'א', 'ע':
		return '-'
	default:
		return 0
	}
}

// readAbjad finds the shape of a word in Arabic or Hebrew letters. Doubled
// letters stay, for there a vowel stands between them.
func readAbjad(text string, how abjadReading) shape {
	s := shape{first: '-', last: '-'}
	run := []rune(text)
	out := make([]byte, 0, maxConsonants)
	for i, r := range run {
		first, last := i == 0, i+1 == len(run)
		v := abjadVowel(r)
		sound := abjadConsonants[r]
		switch {
		case strings.ContainsRune("هھہה", r):
			if sound = "h"; last && how != abjadSpoken {
				v, sound = 'a', ""
			}
		case last && how == abjadClipped && r == 'ح' && !first:
			v, sound = 'a', ""
		case v == 'u' && (first || !last && abjadVowel(run[i+1]) != 0 || how == abjadSpoken && !last):
			v, sound = 0, "v"
		case v == 'i' && first && r != 'إ' && !last:
			v, sound = 0, "j"
		case first && (r == 'כ' || r == 'פ'):
			sound = map[rune]string{'כ': "k", 'פ': "p"}[r]
		}
		if v == 0 {
			s.last = '-'
			out = append(out, sound...)
			continue
		}
		if first {
			s.open = true
		}
		// A carrier at the start shows only that there is a vowel; so does a
		// long vowel before another, which is then a glide.
		glide := i+1 < len(run) && abjadVowel(run[i+1]) != 0 && v != '-'
		start := s.open && len(out) == 0 || !s.open && len(out) == 1 && i == 1
		if start && !glide && (!first || r != 'ا') {
			s.first = v
		}
		if v != '-' {
			s.last = v
		}
	}
	s.consonants = string(out[:min(len(out), maxConsonants)])
	if s.consonants == "" && !s.open {
		return shape{native: text}
	}
	return s
}
