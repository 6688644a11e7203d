package spelling

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

const (
	minDigits    = 6
	maxDigits    = 20
	maxContact   = 320 // runes: the longest mail address, RFC 5321
	longTail     = 8
	shortTail    = 7
	shortestLong = 11
)

// NumberKeys returns the keys of a telephone number in E.164 form: the whole
// number and its last 8 digits, or last 7 where the whole has at most 10 (a
// country code and a seven-digit number), so that the way a number is written
// within its country meets it. Digits of any script count. A text with fewer
// than 6 digits has no key.
func NumberKeys(e164 string) []Key {
	d := digits(e164)
	if len(d) < minDigits {
		return nil
	}
	keys := []Key{{Number, strings.TrimPrefix(d, "00")}}
	d = keys[0].Text
	tail := longTail
	if len(d) < shortestLong {
		tail = shortTail
	}
	if len(d) >= tail {
		keys = append(keys, Key{NumberTail, d[len(d)-tail:]})
	}
	return keys
}

// numberAsked reads a number as an operator types it, where it is not known
// whether the country code is there.
func numberAsked(text string) AnyOf {
	d := digits(text)
	part := AnyOf{{Number, strings.TrimPrefix(d, "00")}}
	for _, tail := range []int{shortTail, longTail} {
		if len(d) >= tail {
			part = append(part, Key{NumberTail, d[len(d)-tail:]})
		}
	}
	return part
}

// AddressKeys returns the key of a mail address. Case, width and a sub-address
// after "+" do not count. A text that is no address has no key.
func AddressKeys(email string) []Key {
	s := strings.TrimPrefix(foldContact(email), "mailto:")
	local, domain, ok := strings.Cut(s, "@")
	if !ok || strings.Contains(domain, "@") {
		return nil
	}
	if i := strings.IndexByte(local, '+'); i > 0 {
		local = local[:i]
	}
	domain = strings.TrimSuffix(domain, ".")
	if local == "" || domain == "" {
		return nil
	}
	return []Key{{Address, local + "@" + domain}}
}

// HandleKeys returns the key of an account name, written bare, with an @, or
// as a link to the account. The network does not count, for people keep their
// handle from one to the next.
func HandleKeys(handle string) []Key {
	s := foldContact(handle)
	if isLink(s) {
		s, _, _ = strings.Cut(s, "?")
		s, _, _ = strings.Cut(s, "#")
		s = strings.TrimRight(s, "/")
		s = s[strings.LastIndexByte(s, '/')+1:]
	}
	s = strings.TrimLeft(s, "@")
	if s == "" {
		return nil
	}
	return []Key{{Handle, s}}
}

// isLink tells a link from a name with a stroke in it.
func isLink(s string) bool {
	s = strings.ToLower(s)
	if strings.Contains(s, "://") {
		return true
	}
	host, path, ok := strings.Cut(s, "/")
	return ok && path != "" && strings.Contains(host, ".")
}

// foldContact folds case and width, and drops spaces, whatever is invisible,
// and the brackets and stops that a copied text brings along.
func foldContact(s string) string {
	s = norm.NFKC.String(strings.ToValidUTF8(truncate(s, maxContact), ""))
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.C, r) {
			return -1
		}
		return unicode.ToLower(unicode.ToUpper(r))
	}, s)
	return strings.Trim(s, "<>()[]\"'.,;:")
}

// digits keeps the decimal digits of any script, as ASCII, at most 20. A zero
// in brackets is the trunk prefix of +44 (0)20 and is no part of the number.
func digits(s string) string {
	d := make([]byte, 0, maxDigits)
	for _, r := range strings.Replace(s, "(0)", "", 1) {
		if v := digit(r); v >= 0 && len(d) < maxDigits {
			d = append(d, byte('0'+v))
		}
	}
	return string(d)
}

// digit returns the value of a decimal digit, or -1. Unicode lays the ten
// digits of each script side by side from zero, so the place in a range tells.
func digit(r rune) int {
	if r < 0x80 {
		if r >= '0' && r <= '9' {
			return int(r - '0')
		}
		return -1
	}
	for _, rng := range unicode.Nd.R16 {
		if r >= rune(rng.Lo) && r <= rune(rng.Hi) {
			return int(r-rune(rng.Lo)) % 10
		}
	}
	for _, rng := range unicode.Nd.R32 {
		if r >= rune(rng.Lo) && r <= rune(rng.Hi) {
			return int(r-rune(rng.Lo)) % 10
		}
	}
	return -1
}

// numberFields counts the leading fields that together write a telephone
// number: digits and the signs between them.
func numberFields(fields []string) int {
	n, count := 0, 0
	for _, f := range fields {
		f = strings.TrimPrefix(strings.ToLower(f), "tel:")
		d, ok := 0, true
		for _, r := range f {
			if digit(r) >= 0 {
				d++
			} else if !strings.ContainsRune("+-–.()/＋", r) && !unicode.Is(unicode.Cf, r) {
				ok = false
			}
		}
		if !ok {
			break
		}
		n, count = n+1, count+d
	}
	if count < minDigits {
		return 0
	}
	return n
}
