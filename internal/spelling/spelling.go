// Package spelling folds names, telephone numbers, mail addresses and handles
// so that two spellings of the same thing meet under one key. Call NameKeys,
// NumberKeys, AddressKeys and HandleKeys for what a file says, and QueryKeys
// for what an operator typed; Answers says whether the one answers the other.
//
// A name gives one key per word: its consonants as they sound, with the class
// of its first vowel. Spellings of one name in Latin letters differ mostly in
// later vowels, doubled letters and the letters chosen for one sound, and
// Arabic and Hebrew write few vowels, so the consonants are what the scripts
// share. The tolerance lies on the asking side: a word typed is read in
// several ways, a word stored is kept under one, and so the index stays small.
//
// Scripts whose letters give no usable Latin reading (Burmese, Khmer, Lao,
// Tibetan) meet only themselves; a Latin alias covers the rest. The package
// knows no nicknames, no translations of names, no Japanese reading of
// Chinese characters and no internationalised domain names.
//
// A key still tells much about a person: seal or hash it before it is kept.
package spelling

import (
	"slices"
	"strings"
)

// Kind separates keys that are spelt alike but mean different things.
type Kind uint8

// The zero Kind is no kind, so that a forgotten one meets nothing.
const (
	// Word is one word of a name.
	Word Kind = iota + 1
	// WholeName is every word of a name, whatever their order.
	WholeName
	// Number is a whole telephone number, country code included.
	Number
	// NumberTail is the end of a telephone number, which the national and
	// the international way of writing share.
	NumberTail
	// Address is a mail address.
	Address
	// Handle is an account name on a network.
	Handle
)

// Key is one thing by which a person is found. Keys are equal when their
// spellings meet.
type Key struct {
	Kind Kind
	Text string
}

// AnyOf are the readings of one thing that an operator typed: a person meets
// it by holding any one of them.
type AnyOf []Key

const (
	maxNameKeys  = 12
	maxWholeText = 400
)

// NameKeys returns the keys of a stored name or alias: one per word, one more
// for a pair that a hyphen joins or for the stem of an Abd- name, and one
// WholeName when there are at least two words (a single common name is no
// sign of a duplicate). There are at most 12; of a longer name the first words
// and the last are kept, for family names stand at either end. A name without
// a letter or digit has none.
func NameKeys(name string) []Key {
	words := split(name)
	if len(words) == 0 {
		return nil
	}
	keys := make([]Key, 0, len(words)+1)
	whole := make([]string, 0, len(words))
	var more []Key
	for i, w := range words {
		s := w.shape()
		keys = append(keys, Key{Word, s.text()})
		whole = append(whole, s.coarse())
		if w.stem != "" {
			more = append(more, Key{Word, word{script: w.script, text: w.stem}.shape().text()})
		}
		if w.hyphen && i+1 < len(words) && w.script == roman && words[i+1].script == roman {
			more = append(more, Key{Word, readLatin(w.text + words[i+1].text).text()})
		}
	}
	keys = bothEnds(unique(keys), maxNameKeys-1)
	keys = unique(append(keys, more...))
	keys = keys[:min(len(keys), maxNameKeys-1)]
	slices.Sort(whole)
	whole = slices.Compact(whole)
	if len(whole) > 1 || words[0].unspaced() {
		text := strings.Join(whole, " ")
		keys = append(keys, Key{WholeName, text[:min(len(text), maxWholeText)]})
	}
	return keys
}

// Strong reports whether two people who share k may be one: a whole name, a
// whole number, an address, a handle. A word or the end of a number says too
// little by itself.
//
// A WholeName does not reach from Arabic or Hebrew to Latin letters, for the
// vowels that part Hassan from Hussein are not written there; the Latin alias
// has a WholeName of its own.
func Strong(k Key) bool {
	switch k.Kind {
	case WholeName, Number, Address, Handle:
		return true
	default:
		return false
	}
}

// Answers reports whether a person with these stored keys is one that was
// asked for: each part asked must be met. Nothing answers an empty question.
func Answers(stored []Key, asked []AnyOf) bool {
	for _, part := range asked {
		met := slices.ContainsFunc(part, func(k Key) bool { return slices.Contains(stored, k) })
		if !met {
			return false
		}
	}
	return len(asked) > 0
}

// lastWords is how many words are kept from the end of a name that is too
// long to be kept whole.
const lastWords = 3

// bothEnds cuts a list to n by taking from its middle.
func bothEnds[T any](list []T, n int) []T {
	if len(list) <= n {
		return list
	}
	return append(list[:n-lastWords:n-lastWords], list[len(list)-lastWords:]...)
}

// unique drops repeated keys and keeps the order of the rest; the lists are
// short, so looking through them beats a map.
func unique(keys []Key) []Key {
	kept := keys[:0]
	for _, k := range keys {
		if !slices.Contains(kept, k) {
			kept = append(kept, k)
		}
	}
	return kept
}
