package seal

import (
	"filippo.io/age"
	"github.com/amparo-project/amparo/internal/store/storepb"
)

// Relabelled is the same key under another kind and id, which nobody but a test
// can have.
func Relabelled(k FileKey, kind uint32, id string) FileKey {
	return fileKey(kind, id, k.of.raw)
}

// DrawnKeyring is a keyring that was never in a file.
func DrawnKeyring() (*Keyring, error) {
	m, err := drawKeyring()
	if err != nil {
		return nil, err
	}
	return newKeyring(m)
}

// WrapUnder wraps a key in a shard of the test's choice.
func WrapUnder(r *Keyring, shard byte, key FileKey, locator []byte) []byte {
	return r.wrapIn(shard, key, locator)
}

// KeyringOf is a keyring with keys of the test's choice.
func KeyringOf(m *storepb.Keyring) (*Keyring, error) { return newKeyring(m) }

// ParseKeyring opens the content of a keyring's file for the service.
func ParseKeyring(content []byte, identities []age.Identity) (*Keyring, error) {
	return parseKeyring(content, identities, (*storepb.KeyringFile).GetForService)
}

// MaxOutside is the largest file from outside that is looked at.
const MaxOutside = maxOutside

// OpenOutsideWith opens a file from outside with another identity than a service's,
// whatever its size.
func OpenOutsideWith(sealed []byte, own age.Identity) ([]byte, error) {
	return openOutside(sealed, own)
}
