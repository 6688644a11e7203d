package seal

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
)

// ErrWrongIdentity says that none of the identities, or not this passphrase, opens
// a file that looks sound.
var ErrWrongIdentity = errors.New("no identity given opens the file")

// SealFile writes a small secret as an age file: durably, as a whole, and readable
// by the owner only. After a crash the path holds what it held before, or the
// secret. Two calls for one path must not overlap. The recipients
// must be all post-quantum or all classic: age refuses a mixture, because it would
// be no stronger than its weaker half.
func SealFile(path string, plaintext []byte, recipients []age.Recipient) error {
	sealed, err := encrypt(plaintext, recipients)
	if err != nil {
		return err
	}
	return writeFile(path, sealed)
}

// OpenFile returns what SealFile wrote. The error wraps fs.ErrNotExist,
// ErrWrongIdentity or ErrDamaged, or comes from an age plugin. Damage in the part
// that names the recipients cannot be told from a wrong identity. Mind that age
// does not say who sealed: everybody who knows a recipient can.
func OpenFile(path string, identities []age.Identity) ([]byte, error) {
	sealed, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return decrypt(sealed, identities)
}

func encrypt(plaintext []byte, recipients []age.Recipient) ([]byte, error) {
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, recipients...)
	if err != nil {
		return nil, fmt.Errorf("seal to age recipients: %w", err)
	}
	if _, err := w.Write(plaintext); err != nil {
		return nil, fmt.Errorf("seal to age recipients: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("seal to age recipients: %w", err)
	}
	return sealed.Bytes(), nil
}

func decrypt(sealed []byte, identities []age.Identity) ([]byte, error) {
	if len(identities) == 0 {
		return nil, ErrWrongIdentity
	}
	r, err := age.Decrypt(bytes.NewReader(sealed), identities...)
	var noMatch *age.NoIdentityMatchError
	switch {
	case errors.As(err, &noMatch):
		return nil, ErrWrongIdentity
	case errors.Is(err, errPlugin):
		return nil, fmt.Errorf("open with an age plugin: %w", err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	// All is read and authenticated before any of it is used.
	plaintext, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return plaintext, nil
}
