package spelling

import "strings"

// clusters are the spellings of several letters for one sound, the longest
// first under each letter. 'S' is the sound of sh and ch, which languages
// write for each other; aspirated letters sound as their plain ones, but kh
// and ph do not.
var clusters = [256][]struct{ letters, sound string }{
	'c': {{"chh", "S"}, {"ch", "S"}, {"cz", "S"}, {"ck", "k"}},
	'd': {{"dzh", "j"}, {"dj", "j"}},
	'k': {{"kh", "h"}},
	'p': {{"ph", "f"}},
	's': {{"shch", "S"}, {"sch", "S"}, {"sh", "S"}},
	't': {{"tsch", "S"}, {"tch", "S"}},
	'z': {{"zh", "s"}},
}

// sounds gives the sound of each letter alone; the rest sound as themselves.
var sounds = map[byte]string{
	'b': "v", 'w': "v", 'c': "k", 'q': "k", 'z': "s", 'x': "ks",
}

// consonant reads the consonant here.
func (r *reader) consonant() {
	rest := r.word[r.at:]
	c := rest[0]
	for _, cl := range clusters[c] {
		if !strings.HasPrefix(rest, cl.letters) {
			continue
		}
		r.emit(cl.sound, len(cl.letters))
		return
	}
	switch {
	case c == 'h' && r.silent():
		r.at++
	case c == 'c' && (r.peek(1) == 'e' || r.peek(1) == 'i' || r.peek(1) == 'y'):
		r.emit("s", 1)
	case c == 'n' && (r.peek(1) == 'b' || r.peek(1) == 'p'):
		r.emit("m", 1)
	case c == 'q' && r.peek(1) == 'u' && (vowel(r.peek(2)) || r.peek(2) == 'y'):
		r.emit("k", 2)
	case sounds[c] != "":
		r.emit(sounds[c], 1)
	default:
		r.emit(rest[:1], 1)
	}
}

// silent reports an h that changes nothing: after a consonant that it only
// breathes on, and at the end.
func (r *reader) silent() bool {
	before := r.peek(-1)
	if r.at == 0 {
		return false
	}
	if strings.IndexByte("bdgtjrlnwm", before) >= 0 {
		return true
	}
	return r.at+1 == len(r.word) && (vowel(before) || before == 'y')
}
