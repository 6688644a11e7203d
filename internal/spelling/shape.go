package spelling

import "strings"

// shape is how a word sounds: what its key is made of.
type shape struct {
	native     string // the letters themselves, when nothing else is known
	open       bool   // begins with a vowel
	consonants string
	first      byte // class of the first vowel: a, e, i, u, or '-' when it is not written
	last       byte // class of a vowel that ends the word, or '-'
}

const maxConsonants = 14

// shortWord is the number of consonants up to which the last vowel counts:
// without it Nora, Nuri and Nour would be one name.
const shortWord = 2

func (w word) shape() shape {
	switch w.script {
	case abjad:
		return readAbjad(w.text, abjadPlain)
	case native:
		return shape{native: w.text}
	default:
		return readLatin(w.text)
	}
}

// text is the key of the word.
func (s shape) text() string { return s.with(s.first, s.last) }

// coarse is the word's part of a whole name, where no reading is added on the
// asking side: e counts as a, the two that transliterations mix most.
func (s shape) coarse() string {
	if s.first == 'e' {
		return s.with('a', s.last)
	}
	return s.text()
}

func (s shape) with(first, last byte) string {
	if s.native != "" {
		return "=" + s.native
	}
	b := make([]byte, 0, maxConsonants+4)
	if s.open {
		b = append(b, '_')
	}
	b = append(b, s.consonants...)
	b = append(b, '/', first)
	if len(s.consonants) <= shortWord {
		b = append(b, last)
	}
	return string(b)
}

// firsts are the classes of first vowel under which another spelling may
// stand.
func (s shape) firsts() string {
	switch s.first {
	case 'a':
		return "ae-"
	case 'e':
		return "eai-"
	case 'i':
		return "ie-"
	case 'u':
		return "u-"
	default:
		return "-aeiu"
	}
}

// lasts are the classes of last vowel under which another spelling may stand:
// where vowels go unwritten a last a may be missing too.
func (s shape) lasts() string {
	if len(s.consonants) > shortWord {
		return "-"
	}
	if s.first == '-' && (s.last == 'a' || s.last == '-') {
		return "a-"
	}
	return string(s.last)
}

// texts are the keys of every spelling that the shape may have elsewhere.
func (s shape) texts(into AnyOf) AnyOf {
	if s.native != "" {
		return append(into, Key{Word, s.text()})
	}
	for _, first := range []byte(s.firsts()) {
		for _, last := range []byte(s.lasts()) {
			into = append(into, Key{Word, s.with(first, last)})
		}
	}
	return into
}

// reader walks over a word in Latin letters.
type reader struct {
	word  string
	at    int
	shape shape
	held  bool // the letter before was a consonant, so that doubles fold
	out   [maxConsonants]byte
	n     int
}

// readLatin finds the shape of a word of a-z, 0-9 and '~' (a vowel that is
// not written).
func readLatin(w string) shape {
	r := reader{word: w}
	r.shape.first, r.shape.last = '-', '-'
	r.opening()
	for r.at < len(w) {
		if n := r.vowels(); n > 0 {
			r.take(n)
		} else {
			r.consonant()
		}
	}
	r.shape.consonants = string(r.out[:r.n])
	return r.shape
}

// opening reads a first letter that is a vowel on paper and a consonant in
// the mouth: Yulia, Julia and Iulia; Walid, Oualid.
func (r *reader) opening() {
	w := r.word
	switch {
	case strings.HasPrefix(w, "ou") && len(w) > 2 && vowel(w[2]):
		r.emit("v", 2)
	case len(w) > 1 && (w[0] == 'y' || w[0] == 'j') && vowel(w[1]),
		len(w) > 1 && w[0] == 'i' && vowel(w[1]) && w[1] != 'i':
		r.emit("j", 1)
	case strings.HasPrefix(w, "x"):
		r.emit("s", 1)
	}
}

func (r *reader) peek(i int) byte {
	if at := r.at + i; at >= 0 && at < len(r.word) {
		return r.word[at]
	}
	return 0
}

// vowels counts the letters of the run of vowels here; y always sounds as
// one, j and w where no vowel follows.
func (r *reader) vowels() int {
	n := 0
	for {
		c, next := r.peek(n), r.peek(n+1)
		switch {
		case vowel(c), c == 'y':
		case c == 'j' && n > 0 && !vowel(next) && (r.peek(n-1) == 'e' || r.peek(n-1) == 'i'):
		case c == 'j' && n == 0 && vowel(next) && strings.IndexByte("lsbpvfkm", r.peek(-1)) >= 0:
		case c == 'w' && n > 0 && next != 0 && !vowel(next) && next != 'y':
		default:
			return n
		}
		n++
	}
}

// take reads a run of n vowels.
func (r *reader) take(n int) {
	run := r.word[r.at : r.at+n]
	if r.at == 0 {
		r.shape.open = true
	}
	if r.n == 0 && r.shape.open || r.n == 1 && r.held && !r.shape.open {
		r.shape.first = firstClass(run)
	}
	r.at += n
	r.held = false
	if r.at == len(r.word) || r.at+1 == len(r.word) && r.word[r.at] == 'h' {
		r.shape.last = lastClass(run)
	}
}

func (r *reader) emit(sound string, letters int) {
	for i := range len(sound) {
		double := r.held && r.n > 0 && r.out[r.n-1] == sound[i]
		if !double && r.n < maxConsonants {
			r.out[r.n] = sound[i]
			r.n++
		}
		r.held = true
	}
	r.at += letters
}

func vowel(c byte) bool {
	switch c {
	case 'a', 'e', 'i', 'o', 'u', '~':
		return true
	default:
		return false
	}
}

func firstClass(run string) byte {
	c := run[0]
	var next byte
	if len(run) > 1 {
		next = run[1]
	}
	switch c {
	case '~':
		return '-'
	case 'o', 'u', 'w':
		return 'u'
	case 'a':
		switch next {
		case 'i', 'y', 'e', 'j':
			return 'e'
		case 'u', 'w':
			return 'u'
		}
		return 'a'
	case 'e':
		if next == 'e' {
			return 'i'
		}
		return 'e'
	}
	// i and y before another vowel only soften the consonant.
	switch next {
	case 'u':
		return 'u'
	case 'a':
		return 'a'
	case 'o', 'e': // Pyotr, Piotr, Petr
		return 'e'
	default:
		return 'i'
	}
}

func lastClass(run string) byte {
	if strings.HasSuffix(run, "ee") {
		return 'i'
	}
	switch run[len(run)-1] {
	case 'a', 'e':
		return 'a'
	case 'o', 'u', 'w':
		return 'u'
	case '~':
		return '-'
	default:
		return 'i'
	}
}
