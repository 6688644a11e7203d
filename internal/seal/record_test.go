package seal_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/amparo-project/amparo/internal/seal"
	"pgregory.net/rapid"
)

// place is everything that a record is bound to.
type place struct {
	name    string
	key     seal.FileKey
	context seal.Context
}

// places differ from the first in one thing each, and the last ones in where one
// field ends and the next begins.
func places() []place {
	key := seal.NewFileKey(1, "first file")
	context := seal.Context{RecordKind: 3, RecordID: []byte("record"), Version: 7}
	with := func(change func(*seal.Context)) seal.Context {
		changed := context
		change(&changed)
		return changed
	}
	return []place{
		{"as it is", key, context},
		{"another kind of file", seal.Relabelled(key, 2, "first file"), context},
		{"another file's id", seal.Relabelled(key, 1, "other file"), context},
		{"another kind of record", key, with(func(c *seal.Context) { c.RecordKind = 4 })},
		{"another record", key, with(func(c *seal.Context) { c.RecordID = []byte("recorD") })},
		{"a later version", key, with(func(c *seal.Context) { c.Version = 8 })},
		{"another key", seal.NewFileKey(1, "first file"), context},
		{"kinds exchanged", seal.Relabelled(key, 3, "first file"), with(func(c *seal.Context) { c.RecordKind = 1 })},
		{"a longer file id", seal.Relabelled(key, 1, "first filerec"), with(func(c *seal.Context) { c.RecordID = []byte("ord") })},
		{"a longer record id", seal.Relabelled(key, 1, "first"), with(func(c *seal.Context) { c.RecordID = []byte(" filerecord") })},
		{"no record id", key, with(func(c *seal.Context) { c.RecordID = nil })},
	}
}

func TestARecordOpensInItsOwnPlaceOnly(t *testing.T) {
	all := places()
	for _, from := range all {
		envelope := from.key.Seal(from.context, []byte("meet at the station"))
		for _, to := range all {
			t.Run(from.name+" to "+to.name, func(t *testing.T) {
				got, err := to.key.Open(to.context, envelope)
				if from.name == to.name {
					if err != nil || string(got) != "meet at the station" {
						t.Errorf("opened %q, %v", got, err)
					}
					return
				}
				if !errors.Is(err, seal.ErrOpen) || got != nil {
					t.Errorf("opened %q, %v; want ErrOpen", got, err)
				}
			})
		}
	}
}

func TestEveryChangedBitOfARecordIsRefused(t *testing.T) {
	p := places()[0]
	envelope := p.key.Seal(p.context, []byte("the shelter has a blue door"))
	refusesEveryFlip(t, envelope, func(changed []byte) error {
		_, err := p.key.Open(p.context, changed)
		return err
	})
}

// refusesEveryFlip also cuts the sealed bytes at every length and lengthens them.
func refusesEveryFlip(t *testing.T, sealed []byte, open func([]byte) error) {
	t.Helper()
	if err := open(sealed); err != nil {
		t.Fatalf("as sealed: %v", err)
	}
	for bit := range len(sealed) * 8 {
		changed := bytes.Clone(sealed)
		changed[bit/8] ^= 1 << (bit % 8)
		if err := open(changed); !errors.Is(err, seal.ErrOpen) {
			t.Errorf("bit %d of byte %d changed: %v; want ErrOpen", bit%8, bit/8, err)
		}
	}
	for length := range sealed {
		if err := open(sealed[:length]); !errors.Is(err, seal.ErrOpen) {
			t.Errorf("cut to %d bytes: %v; want ErrOpen", length, err)
		}
	}
	if err := open(append(bytes.Clone(sealed), 0)); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("a byte longer: %v; want ErrOpen", err)
	}
}

func TestNoNonceComesTwice(t *testing.T) {
	key := seal.NewFileKey(1, "file")
	nonces := map[[24]byte]bool{}
	for range 100_000 {
		envelope := key.Seal(seal.Context{}, nil)
		nonces[[24]byte(envelope[9:33])] = true
	}
	if len(nonces) != 100_000 {
		t.Errorf("%d nonces in 100,000 envelopes", len(nonces))
	}
}

func TestSealedBytesHoldNothingOfThePlaintextOrThePlace(t *testing.T) {
	key := seal.NewFileKey(1, "case-0123456789")
	envelope := key.Seal(seal.Context{RecordID: []byte("note-987654321")}, []byte("Santa Canaria"))
	for _, secret := range []string{"case-0123456789", "note-987654321", "Santa Canaria"} {
		if bytes.Contains(envelope, []byte(secret)) {
			t.Errorf("the envelope shows %q", secret)
		}
	}
	if len(envelope) != len("Santa Canaria")+49 {
		t.Errorf("an envelope of %d bytes around %d", len(envelope), len("Santa Canaria"))
	}
}

func TestAKeyIsNeverPrinted(t *testing.T) {
	key := seal.NewFileKey(1, "case-0123456789")
	ring := drawn(t)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		if got := fmt.Sprintf(verb, key); got != "file key" {
			t.Errorf("%s prints %q", verb, got)
		}
		if got := fmt.Sprintf(verb, ring); got != "keyring" {
			t.Errorf("%s prints %q", verb, got)
		}
	}
}

func TestWhatIsSealedIsWhatIsOpened(t *testing.T) {
	ring := drawn(t)
	rapid.Check(t, func(t *rapid.T) {
		kind, id := rapid.Uint32().Draw(t, "file kind"), rapid.String().Draw(t, "file id")
		context := seal.Context{
			RecordKind: rapid.Uint32().Draw(t, "record kind"),
			RecordID:   rapid.SliceOf(rapid.Byte()).Draw(t, "record id"),
			Version:    rapid.Uint64().Draw(t, "version"),
		}
		content := rapid.SliceOf(rapid.Byte()).Draw(t, "content")
		locator := rapid.SliceOf(rapid.Byte()).Draw(t, "locator")

		key := seal.NewFileKey(kind, id)
		envelope := key.Seal(context, content)
		stored, err := ring.Unwrap(locator, ring.Wrap(key, locator))
		if err != nil {
			t.Fatalf("unwrap: %v", err)
		}
		if stored.Kind() != kind || stored.ID() != id {
			t.Fatalf("unwrapped the key of %d %q", stored.Kind(), stored.ID())
		}
		if got, err := stored.Open(context, envelope); err != nil || !bytes.Equal(got, content) {
			t.Fatalf("opened %x, %v", got, err)
		}
	})
}

// FuzzOpen looks for bytes that make Open panic, or that it takes for a record.
func FuzzOpen(f *testing.F) {
	key := seal.NewFileKey(1, "file")
	envelope := key.Seal(seal.Context{}, []byte("content"))
	f.Add(envelope)
	f.Add(envelope[:33])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := key.Open(seal.Context{}, data)
		if bytes.Equal(data, envelope) {
			return
		}
		if !errors.Is(err, seal.ErrOpen) {
			t.Errorf("opened %x, %v", got, err)
		}
	})
}
