package seal_test

import (
	"bytes"
	"compress/zlib"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	mathrand "math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	agetest "c2sp.org/CCTV/age"
	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/amparo-project/amparo/internal/seal"
)

// long tries a hundred thousand altered capsules instead of two thousand, in about
// two minutes: go test ./internal/seal -run Altered -long.
var long = flag.Bool("long", false, "run the long forms of the tests")

// What opening one file from outside may cost.
const (
	mostTime   = 2 * time.Second
	mostMemory = 64 << 20
)

// within opens a file and holds that to its bounds. Memory is all that was ever
// allocated, which is more than was held at once.
func within(t testing.TB, name string, open func() ([]byte, error)) ([]byte, error) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begun := time.Now()
	plaintext, err := open()
	took := time.Since(begun)
	runtime.ReadMemStats(&after)
	if took > mostTime {
		t.Errorf("%s took %v", name, took)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > mostMemory {
		t.Errorf("%s took %d MiB", name, used>>20)
	}
	if err != nil && plaintext != nil {
		t.Errorf("%s: %d bytes were given out of a file that fails", name, len(plaintext))
	}
	return plaintext, err
}

// anyOf is several identities of one vector.
type anyOf []age.Identity

func (all anyOf) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	for _, one := range all {
		if key, err := one.Unwrap(stanzas); !errors.Is(err, age.ErrIncorrectIdentity) {
			return key, err
		}
	}
	return nil, age.ErrIncorrectIdentity
}

// vector is one of the age test vectors of C2SP.
type vector struct {
	expect, payload string
	own             anyOf
	passphrase      bool
	file            []byte
}

func readVector(t *testing.T, raw []byte) vector {
	t.Helper()
	head, body, _ := bytes.Cut(raw, []byte("\n\n"))
	v := vector{file: body}
	for line := range strings.Lines(string(head)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		var one age.Identity
		var err error
		switch key {
		case "expect":
			v.expect = value
		case "payload":
			v.payload = value
		case "passphrase":
			v.passphrase = true
		case "compressed":
			var r io.Reader
			if r, err = zlib.NewReader(bytes.NewReader(body)); err == nil {
				v.file, err = io.ReadAll(r)
			}
		case "identity":
			if one, err = age.ParseX25519Identity(value); err != nil {
				one, err = age.ParseHybridIdentity(value)
			}
			v.own = append(v.own, one)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return v
}

// TestVectors runs all age vectors through the path by which capsules come in.
//
// Those for a passphrase can only be refused: nobody's passphrase is tried, so why
// each fails for its owner is not seen. Those that are larger than a capsule may be
// are refused for that, and tried without that bound for their own verdict.
func TestVectors(t *testing.T) {
	ring, err := seal.DrawnKeyring()
	if err != nil {
		t.Fatal(err)
	}
	seen, phrases, large := 0, 0, 0
	err = fs.WalkDir(agetest.Vectors, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(agetest.Vectors, name)
		if err != nil {
			return err
		}
		v := readVector(t, raw)
		seen++
		if _, err := within(t, name, func() ([]byte, error) { return ring.OpenOutside(v.file) }); err == nil {
			t.Errorf("%s: the service opens what is sealed for somebody else", name)
		}
		if v.passphrase {
			phrases++
			return nil
		}
		open := func() ([]byte, error) { return seal.OpenOutsideWith(v.file, v.own) }
		if len(v.file) > seal.MaxOutside {
			large++
			plaintext, err := open()
			v.judge(t, name, plaintext, err)
			return nil
		}
		plaintext, err := within(t, name, open)
		v.judge(t, name, plaintext, err)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 140 || phrases > 30 {
		t.Errorf("%d vectors were read, %d of them for a passphrase", seen, phrases)
	}
	t.Logf("%d vectors: %d for a passphrase, %d larger than is taken", seen, phrases, large)
}

func (v vector) judge(t *testing.T, name string, plaintext []byte, err error) {
	t.Helper()
	want := seal.ErrDamaged
	switch v.expect {
	case "success":
		sum := sha256.Sum256(plaintext)
		if err != nil || hex.EncodeToString(sum[:]) != v.payload {
			t.Errorf("%s: %d bytes and %v, want what was sealed", name, len(plaintext), err)
		}
		return
	case "no match":
		want = seal.ErrWrongIdentity
	case "HMAC failure", "header failure", "payload failure", "armor failure":
	default:
		t.Errorf("%s expects %q, which this test does not know", name, v.expect)
	}
	if !errors.Is(err, want) || plaintext != nil {
		t.Errorf("%s: %d bytes and %v, want %v", name, len(plaintext), err, want)
	}
}

// sealedFor is a file as stock age writes it.
func sealedFor(t testing.TB, recipient age.Recipient, plaintext []byte, armoured bool) []byte {
	t.Helper()
	var out bytes.Buffer
	var to io.WriteCloser = nopCloser{&out}
	if armoured {
		to = armor.NewWriter(&out)
	}
	w, err := age.Encrypt(to, recipient)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plaintext); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), to.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// TestAlteredCapsules alters capsules at random: none opens as anything but what was
// sealed, and a binary one that differs in a single bit does not open at all.
func TestAlteredCapsules(t *testing.T) {
	ring, err := seal.DrawnKeyring()
	if err != nil {
		t.Fatal(err)
	}
	recipient, err := age.ParseHybridRecipient(ring.ServiceRecipient())
	if err != nil {
		t.Fatal(err)
	}
	short := []byte("intake: {channel: hotline, situation: they came at four}")
	large := make([]byte, 70_000) // two chunks
	_, _ = rand.Read(large)
	kinds := []struct {
		name  string
		plain []byte
		file  []byte
	}{
		{"short", short, sealedFor(t, recipient, short, false)},
		{"of two chunks", large, sealedFor(t, recipient, large, false)},
		{"in armour", short, sealedFor(t, recipient, short, true)},
	}
	other := sealedFor(t, recipient, []byte("another request"), false)
	rounds := 2_000
	if *long {
		rounds = 100_000
	}
	luck := mathrand.New(mathrand.NewPCG(7, 11))
	opened := 0
	for n := range rounds {
		kind := kinds[n%len(kinds)]
		altered := alter(luck, kind.file, other)
		same := bytes.Equal(altered, kind.file)
		plaintext, err := within(t, kind.name, func() ([]byte, error) { return ring.OpenOutside(altered) })
		switch {
		case err == nil && !bytes.Equal(plaintext, kind.plain):
			t.Fatalf("round %d: an altered capsule opens as another one", n)
		case err == nil && !same && kind.name != "in armour":
			t.Fatalf("round %d: a capsule %s that was altered opens", n, kind.name)
		case err == nil:
			opened++
		case !errors.Is(err, seal.ErrDamaged) && !errors.Is(err, seal.ErrWrongIdentity):
			t.Fatalf("round %d: %v", n, err)
		}
	}
	t.Logf("%d altered capsules, of which %d open as what was sealed", rounds, opened)
}

// alter changes a file in one of the ways in which files are changed.
func alter(luck *mathrand.Rand, file, other []byte) []byte {
	out := bytes.Clone(file)
	at := luck.IntN(len(out))
	if luck.IntN(2) == 0 {
		at = luck.IntN(min(len(out), 2_000)) // where its parts meet
	}
	end := at + luck.IntN(min(len(out)-at, 64)+1)
	switch luck.IntN(8) {
	case 0:
		out[at] ^= 1 << luck.IntN(8)
	case 1:
		out[at] = byte(luck.IntN(256))
	case 2:
		out = append(out[:at], out[end:]...)
	case 3:
		out = append(out[:end:end], file[at:]...)
	case 4:
		out = out[:at]
	case 5:
		copy(out[at:], other[luck.IntN(len(other)):])
	case 6:
		out = append(out, file[at:end]...)
	default:
		line := []byte("-> X25519 " + base64.RawStdEncoding.EncodeToString(make([]byte, 32)) + "\n")
		out = append(append(out[:at:at], line...), file[at:]...)
	}
	return out
}

// TestCostlyCapsules: what is built to cost much is refused for little.
func TestCostlyCapsules(t *testing.T) {
	ring, err := seal.DrawnKeyring()
	if err != nil {
		t.Fatal(err)
	}
	recipient, err := age.ParseHybridRecipient(ring.ServiceRecipient())
	if err != nil {
		t.Fatal(err)
	}
	mine := sealedFor(t, recipient, []byte("intake: {}"), false)
	stanza := mine[bytes.Index(mine, []byte("-> ")):bytes.Index(mine, []byte("--- "))]
	b64 := base64.RawStdEncoding.EncodeToString
	header := func(count int, stanza string) []byte {
		return []byte("age-encryption.org/v1\n" + strings.Repeat(stanza, count) + "--- " + b64(make([]byte, 32)) + "\n" + strings.Repeat("x", 64))
	}
	x25519 := fmt.Sprintf("-> X25519 %s\n%s\n", b64(make([]byte, 32)), b64(make([]byte, 32)))
	for name, file := range map[string][]byte{
		"10,000 stanzas of X25519":           header(10_000, x25519),
		"as many as fit":                     header(seal.MaxOutside/len(x25519)-2, x25519),
		"10,000 short ones":                  header(10_000, "-> a\n\n"),
		"10,000 of our own kind":             header(10_000, string(stanza)),
		"as many of our own kind as fit":     header(seal.MaxOutside/len(stanza)-2, string(stanza)),
		"20 of our own kind, none for us":    header(20, strings.Replace(string(stanza), "\n", "A\n", 1)),
		"a passphrase of work factor 23":     header(1, fmt.Sprintf("-> scrypt %s 23\n%s\n", b64(make([]byte, 16)), b64(make([]byte, 32)))),
		"a stanza for a plugin that hangs":   header(1, "-> hangs a b c\n"+b64(make([]byte, 32))+"\n"),
		"a line without an end":              []byte("age-encryption.org/v1\n-> " + strings.Repeat("a ", seal.MaxOutside)),
		"an armour without an end":           []byte(armor.Header + "\n" + strings.Repeat("AAAA\n", seal.MaxOutside/6)),
		"larger than is taken":               append(bytes.Clone(mine), make([]byte, seal.MaxOutside)...),
		"nothing":                            nil,
		"sealed for a key that is a forgery": header(1, "-> mlkem768x25519 "+b64(make([]byte, 1120))+"\n"+b64(make([]byte, 32))+"\n"),
	} {
		if _, err := within(t, name, func() ([]byte, error) { return ring.OpenOutside(file) }); !errors.Is(err, seal.ErrDamaged) && !errors.Is(err, seal.ErrWrongIdentity) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if plaintext, err := ring.OpenOutside(mine); err != nil || string(plaintext) != "intake: {}" {
		t.Errorf("the capsule that they are made of does not open: %v", err)
	}
}

// TestACapsuleIsNotQuoted: somebody hands in the request itself, sealed by nobody; an
// error that said what stands in it would carry it into whatever prints errors.
func TestACapsuleIsNotQuoted(t *testing.T) {
	ring, err := seal.DrawnKeyring()
	if err != nil {
		t.Fatal(err)
	}
	for _, before := range []string{"", armor.Header + "\n", "age-encryption.org/v1\n-> ", "age-encryption.org/v1\n-> X25519 a\n", "age-encryption.org/v1\n--- "} {
		_, err := ring.OpenOutside([]byte(before + "Amaru Quispe\nasks for help\n"))
		if !errors.Is(err, seal.ErrDamaged) || strings.Contains(err.Error(), "Amaru") {
			t.Errorf("behind %q: %v", before, err)
		}
	}
}
