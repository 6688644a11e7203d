package seal_test

import (
	"errors"
	"testing"

	"github.com/amparo-project/amparo/internal/seal"
)

// TestWhatOneKeySealsStaysApart opens everything that the leaf key and the cursor
// key seal as everything else.
func TestWhatOneKeySealsStaysApart(t *testing.T) {
	ring, other := drawn(t), drawn(t)
	type way struct {
		name string
		seal func(plaintext []byte) []byte
		open func(envelope []byte) ([]byte, error)
	}
	leaf := func(name string, ring *seal.Keyring, locator string) way {
		return way{
			name,
			func(b []byte) []byte { return ring.SealLeaf([]byte(locator), b) },
			func(b []byte) ([]byte, error) { return ring.OpenLeaf([]byte(locator), b) },
		}
	}
	state := func(name string, ring *seal.Keyring, locator string) way {
		return way{
			name,
			func(b []byte) []byte { return ring.SealLogState([]byte(locator), b) },
			func(b []byte) ([]byte, error) { return ring.OpenLogState([]byte(locator), b) },
		}
	}
	cursor := func(name string, ring *seal.Keyring, purpose string) way {
		return way{
			name,
			func(b []byte) []byte { return ring.SealCursor(purpose, b) },
			func(b []byte) ([]byte, error) { return ring.OpenCursor(purpose, b) },
		}
	}
	ways := []way{
		leaf("a leaf", ring, "here"),
		leaf("a leaf elsewhere", ring, "there"),
		leaf("a leaf nowhere", ring, ""),
		leaf("another keyring's leaf", other, "here"),
		state("the state of the log", ring, "here"),
		state("the state of the log elsewhere", ring, "there"),
		cursor("a cursor", ring, "here"),
		cursor("a cursor of another list", ring, "there"),
		cursor("another keyring's cursor", other, "here"),
	}
	for _, from := range ways {
		envelope := from.seal([]byte("content"))
		for _, to := range ways {
			got, err := to.open(envelope)
			switch {
			case from.name == to.name && (err != nil || string(got) != "content"):
				t.Errorf("%s: opened %q, %v", from.name, got, err)
			case from.name != to.name && !errors.Is(err, seal.ErrOpen):
				t.Errorf("%s opens as %s: %q, %v", from.name, to.name, got, err)
			}
		}
	}
}

func TestEveryChangedBitOfALeafIsRefused(t *testing.T) {
	ring := drawn(t)
	refusesEveryFlip(t, ring.SealLeaf([]byte("here"), []byte("read a case")), func(changed []byte) error {
		_, err := ring.OpenLeaf([]byte("here"), changed)
		return err
	})
}

func TestEveryChangedBitOfACursorIsRefused(t *testing.T) {
	ring := drawn(t)
	refusesEveryFlip(t, ring.SealCursor("queue", []byte("after this one")), func(changed []byte) error {
		_, err := ring.OpenCursor("queue", changed)
		return err
	})
}
