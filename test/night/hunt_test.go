package night_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
)

// hunt looks for secrets in all the forms in which one could lie about.
type hunt struct {
	forms []form
	seen  int64 // bytes that were looked through
}

type form struct {
	what string
	raw  []byte
}

// newHunt prepares to look for texts. Each is best eight bytes or so: a longer one
// is missed where it was cut.
func newHunt(secrets map[string]string) *hunt {
	h := &hunt{}
	for name, secret := range secrets {
		for encoding, raw := range formsOf(secret) {
			if len(raw) < 8 {
				panic("too short to be found by chance only")
			}
			h.forms = append(h.forms, form{name + " in " + encoding, raw})
		}
	}
	return h
}

func formsOf(secret string) map[string][]byte {
	raw := []byte(secret)
	var decimal, octal, escaped, percent strings.Builder
	for _, b := range raw {
		decimal.WriteString(" " + strconv.Itoa(int(b)))
		fmt.Fprintf(&octal, `\%03o`, b)
		fmt.Fprintf(&percent, "%%%02X", b)
	}
	units := utf16.Encode([]rune(secret))
	var little, big []byte
	for _, u := range units {
		little, big = append(little, byte(u), byte(u>>8)), append(big, byte(u>>8), byte(u))
		fmt.Fprintf(&escaped, `\u%04x`, u)
	}
	forms := map[string][]byte{
		"plain":            raw,
		"capitals":         []byte(strings.ToUpper(secret)),
		"title case":       []byte(strings.ToUpper(secret[:1]) + secret[1:]),
		"hex":              []byte(hex.EncodeToString(raw)),
		"hex capitals":     []byte(strings.ToUpper(hex.EncodeToString(raw))),
		"URL":              []byte(url.QueryEscape(secret)),
		"percent":          []byte(percent.String()),
		"percent small":    []byte(strings.ToLower(percent.String())),
		"UTF-16LE":         little,
		"UTF-16BE":         big,
		"JSON":             []byte(escaped.String()),
		"JSON capitals":    []byte(strings.ReplaceAll(strings.ToUpper(escaped.String()), `\U`, `\u`)),
		"decimal":          []byte(decimal.String()[1:]),
		"octal":            []byte(octal.String()),
		"quoted for ASCII": []byte(strings.Trim(strconv.QuoteToASCII(secret), `"`)),
	}
	// Base64 looks different at each of three places in a longer text; the first
	// and the last characters hang on the neighbours and are left out.
	for shift := range 3 {
		for name, encoding := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
			text := encoding.EncodeToString(append(make([]byte, shift), raw...))
			from, until := (shift*8+5)/6, (shift+len(raw))*8/6
			forms[fmt.Sprintf("%s at %d", name, shift)] = []byte(text[from:until])
		}
	}
	return forms
}

// in looks through bytes and names what it finds and where.
func (h *hunt) in(t testing.TB, where string, data []byte) (hits int) {
	t.Helper()
	h.seen += int64(len(data))
	for _, f := range h.forms {
		if at := bytes.Index(data, f.raw); at >= 0 {
			hits++
			t.Errorf("%s holds %s at byte %d: %q", where, f.what, at, data[max(0, at-40):min(len(data), at+80)])
		}
	}
	return hits
}

// inFolder looks through the names and contents of all files below a folder, and
// returns how many files there were.
func (h *hunt) inFolder(t testing.TB, folder string) (files int) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		h.in(t, "a file's name", []byte(name))
		if !entry.Type().IsRegular() {
			return nil
		}
		files++
		data, err := os.ReadFile(path)
		h.in(t, filepath.Base(folder)+"/"+name, data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// quiet counts failures instead of failing.
type quiet struct{ testing.TB }

func (quiet) Errorf(string, ...any) {}
func (quiet) Helper()               {}

// TestHunt hides a secret in each form and asks that it is found, and that what is
// innocent is not.
func TestHunt(t *testing.T) {
	for _, secret := range []string{"qzvkwxjf", "жщэыфюъх"} {
		h := newHunt(map[string]string{"it": secret})
		inside := "Zoraida " + secret + "0042, 19 years"
		wide := utf16.Encode([]rune(inside))
		var little []byte
		for _, u := range wide {
			little = append(little, byte(u), byte(u>>8))
		}
		for name, data := range map[string]string{
			"plain": inside, "capitals": strings.ToUpper(inside), "hex": hex.EncodeToString([]byte(inside)),
			"base64": base64.StdEncoding.EncodeToString([]byte(inside)), "base64 later": base64.URLEncoding.EncodeToString([]byte("x" + inside)),
			"base64 later still": base64.RawStdEncoding.EncodeToString([]byte("xy" + inside)), "query": url.QueryEscape(inside),
			"ASCII": strconv.QuoteToASCII(inside), "bytes": fmt.Sprintf("%d", []byte(inside)), "UTF-16": string(little),
		} {
			if h.in(quiet{t}, "a test", []byte(data)) == 0 {
				t.Errorf("%q is not found in %s", secret, name)
			}
		}
		if hits := h.in(t, "an innocent text", []byte("Zoraida qzvkwxj f жщэыфюъ х 19 years")); hits != 0 {
			t.Errorf("%d hits in an innocent text", hits)
		}
	}
}

// newMark draws what all canaries of a run begin with: letters that no text has by
// chance, of the alphabet given.
func newMark(alphabet []rune) string {
	mark := make([]rune, 8)
	for i := range mark {
		mark[i] = alphabet[rand.IntN(len(alphabet))]
	}
	return string(mark)
}
