package seal

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"filippo.io/age/armor"
)

const (
	// maxOutside is the largest file from outside that is looked at, in bytes. The
	// content is not compressed, so this bounds what opening it costs.
	maxOutside = 256 << 10
	// maxStanzas is for how many recipients such a file may be sealed. Each costs
	// two curve operations and one lattice operation to try, and age would try
	// ten thousand.
	maxStanzas = 20
)

// OpenOutside opens an age file, binary or in ASCII armour, that anybody may have
// sealed to the service's recipient. The error wraps ErrWrongIdentity where it is
// sealed for somebody else, or was altered in the part that names its recipients,
// and ErrDamaged where it is cut, altered, too large or no age file.
//
// The service's own identity is the only one that is tried: no passphrase, whose
// cost the file itself would set, and no plugin, which could hang. Nothing is
// returned before the last part of the file has proven to be what was sealed.
func (r *Keyring) OpenOutside(sealed []byte) ([]byte, error) {
	if len(sealed) > maxOutside {
		return nil, fmt.Errorf("%w: it is larger than is taken", ErrDamaged)
	}
	return openOutside(sealed, r.opener)
}

func openOutside(sealed []byte, own age.Identity) ([]byte, error) {
	var from io.Reader = bytes.NewReader(sealed)
	if bytes.HasPrefix(bytes.TrimLeft(sealed, " \t\r\n"), []byte(armor.Header)) {
		from = armor.NewReader(from)
	}
	reader, err := age.Decrypt(from, fewStanzas{own})
	if _, foreign := errors.AsType[*age.NoIdentityMatchError](err); foreign {
		return nil, ErrWrongIdentity
	}
	// What age says of it is left out: it quotes lines of the file, which may be the
	// request itself, sealed by nobody.
	if err != nil {
		return nil, fmt.Errorf("%w: its header does not parse", ErrDamaged)
	}
	plaintext, err := io.ReadAll(reader)
	if err != nil {
		return nil, fmt.Errorf("%w: its content is cut or altered", ErrDamaged)
	}
	return plaintext, nil
}

// fewStanzas is an identity that is not tried on a file for a crowd.
type fewStanzas struct{ own age.Identity }

// Unwrap implements age.Identity.
func (f fewStanzas) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if len(stanzas) > maxStanzas {
		return nil, errors.New("it has more recipients than are tried")
	}
	return f.own.Unwrap(stanzas)
}
