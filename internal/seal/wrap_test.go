package seal_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/amparo-project/amparo/internal/seal"
)

func drawn(t testing.TB) *seal.Keyring {
	t.Helper()
	ring, err := seal.DrawnKeyring()
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func TestAWrappedKeyOpensUnderItsLocatorAndKeyringOnly(t *testing.T) {
	ring := drawn(t)
	wrapped := ring.Wrap(seal.NewFileKey(1, "file"), []byte("locator"))
	tests := []struct {
		name    string
		ring    *seal.Keyring
		locator string
		opens   bool
	}{
		{"as it was stored", ring, "locator", true},
		{"moved to another locator", ring, "locatoR", false},
		{"moved to a longer locator", ring, "locator\x00", false},
		{"moved to no locator", ring, "", false},
		{"under another keyring", drawn(t), "locator", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := test.ring.Unwrap([]byte(test.locator), wrapped)
			if test.opens && err != nil || !test.opens && !errors.Is(err, seal.ErrOpen) {
				t.Errorf("unwrapped with %v", err)
			}
		})
	}
}

func TestEveryChangedBitOfAWrappedKeyIsRefused(t *testing.T) {
	ring := drawn(t)
	wrapped := ring.Wrap(seal.NewFileKey(1, "file"), []byte("locator"))
	refusesEveryFlip(t, wrapped, func(changed []byte) error {
		_, err := ring.Unwrap([]byte("locator"), changed)
		return err
	})
}

func TestAKeyInAForeignShardIsRefused(t *testing.T) {
	ring := drawn(t)
	key := seal.NewFileKey(1, "file")
	own := ring.Wrap(key, []byte("locator"))[1]
	if _, err := ring.Unwrap([]byte("locator"), seal.WrapUnder(ring, own, key, []byte("locator"))); err != nil {
		t.Fatalf("in its own shard: %v", err)
	}
	for shard := range 256 {
		if byte(shard) == own {
			continue
		}
		wrapped := seal.WrapUnder(ring, byte(shard), key, []byte("locator"))
		if _, err := ring.Unwrap([]byte("locator"), wrapped); !errors.Is(err, seal.ErrOpen) {
			t.Errorf("in shard %d instead of %d: %v; want ErrOpen", shard, own, err)
		}
	}
}

func TestAWrappedKeyTellsNeitherKindNorID(t *testing.T) {
	ring := drawn(t)
	for _, file := range []struct {
		kind uint32
		id   string
	}{
		{1, "b3wq6d0zkx8m2c5v7n9r1t4y6a"},
		{4_000_000_000, "directory"},
		{0, ""},
		{9, "an id of fifty-nine bytes, which is as long as any may have"},
	} {
		wrapped := ring.Wrap(seal.NewFileKey(file.kind, file.id), []byte("locator"))
		if file.id != "" && bytes.Contains(wrapped, []byte(file.id)) {
			t.Errorf("the wrapped key shows the id %q", file.id)
		}
		if len(wrapped) != 174 {
			t.Errorf("the wrapped key of %q has %d bytes, others 174", file.id, len(wrapped))
		}
	}
}

func TestFilesSpreadOverAllShards(t *testing.T) {
	ring := drawn(t)
	seen := map[byte]bool{}
	for i := range 4096 {
		wrapped := ring.Wrap(seal.NewFileKey(1, string(rune('a'+i%26))+string(rune(i))), nil)
		seen[wrapped[1]] = true
	}
	if len(seen) != 256 {
		t.Errorf("4,096 files lie in %d of 256 shards", len(seen))
	}
}

// FuzzUnwrap looks for bytes that make Unwrap panic, or that it takes for a key.
func FuzzUnwrap(f *testing.F) {
	ring := drawn(f)
	wrapped := ring.Wrap(seal.NewFileKey(1, "file"), []byte("locator"))
	f.Add(wrapped)
	f.Add(wrapped[:62])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := ring.Unwrap([]byte("locator"), data)
		if !bytes.Equal(data, wrapped) && !errors.Is(err, seal.ErrOpen) {
			t.Errorf("unwrapped %x, %v", data, err)
		}
	})
}
