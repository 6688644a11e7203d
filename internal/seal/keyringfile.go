package seal

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"

	"filippo.io/age"
	"github.com/amparo-project/amparo/internal/store/storepb"
	"google.golang.org/protobuf/proto"
)

// A keyring's file is
//
//	a line    format
//	          storepb.KeyringFile
//	32 bytes  HMAC-SHA-256 of everything before, under a key of the keyring
//	32 bytes  SHA-256 of everything before
//
// age says nothing about who sealed, and each side opens but one of the two
// payloads: the MAC proves that whoever wrote the file had the keyring, that both
// payloads are of one writing, and that the recipients, for whom the next keyring
// will be sealed, are nobody else's. The hash tells damage from a wrong identity.
const (
	formatLine = "amparo keyring 1\n"
	trailer    = 2 * sha256.Size
)

// laterFormat matches what the file of any later version will begin with.
var laterFormat = regexp.MustCompile(`^amparo keyring [1-9][0-9]{0,3}\n`)

// ErrFormat says that a keyring was written by a later version of this program.
var ErrFormat = errors.New("the keyring is of a later format: use the program that wrote it, or a later one")

// CreateKeyring draws all keys of a new folder and writes them to a file that must
// not exist, once for the service's unseal identity and once for the recovery
// recipients. Without a recovery recipient, or with one that is the service's
// own, it refuses: one lost file would then be the end of everything.
func CreateKeyring(path string, service, recovery []age.Recipient) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("create the keyring: %w", os.ErrExist)
	} else if !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("create the keyring: %w", err)
	}
	m, err := drawKeyring()
	if err != nil {
		return err
	}
	r, err := newKeyring(m)
	if err != nil {
		return err
	}
	return r.write(path, service, recovery)
}

// OpenKeyring opens the keyring for the service. The error wraps fs.ErrNotExist,
// ErrWrongIdentity, ErrDamaged or ErrFormat, or comes from an age plugin.
func OpenKeyring(path string, identities []age.Identity) (*Keyring, error) {
	return openKeyring(path, identities, (*storepb.KeyringFile).GetForService)
}

// OpenRecovery opens the same keyring with a recovery identity, and fails as
// OpenKeyring does.
func OpenRecovery(path string, identities []age.Identity) (*Keyring, error) {
	return openKeyring(path, identities, (*storepb.KeyringFile).GetForRecovery)
}

// Replace writes the keyring as the next epoch, for these recipients, in the place
// of the one at the path, and returns it. On an error the file holds one of the two.
func (r *Keyring) Replace(path string, service, recovery []age.Recipient) (*Keyring, error) {
	m := proto.CloneOf(r.message)
	m.Epoch++
	next, err := newKeyring(m)
	if err != nil {
		return nil, err
	}
	if err := next.write(path, service, recovery); err != nil {
		return nil, err
	}
	return next, nil
}

// RecoveryRecipients returns the recovery recipients that the keyring's file
// named, proven to be those that its writer chose.
func (r *Keyring) RecoveryRecipients() ([]age.Recipient, error) {
	var recipients []age.Recipient
	for _, name := range r.recovery {
		recipient, err := parseRecipient(name)
		if err != nil {
			return nil, err
		}
		recipients = append(recipients, recipient)
	}
	return recipients, nil
}

func (r *Keyring) write(path string, service, recovery []age.Recipient) error {
	file, err := r.sealed(service, recovery)
	if err != nil {
		return err
	}
	body, err := proto.Marshal(file)
	if err != nil {
		return fmt.Errorf("write the keyring: %w", err)
	}
	content := append([]byte(formatLine), body...)
	code := r.authenticate(content)
	content = append(content, code[:]...)
	sum := sha256.Sum256(content)
	if err := writeFile(path, append(content, sum[:]...)); err != nil {
		return fmt.Errorf("write the keyring: %w", err)
	}
	r.recovery = file.GetRecoveryRecipients()
	return nil
}

// sealed makes both payloads of a keyring's file.
func (r *Keyring) sealed(service, recovery []age.Recipient) (*storepb.KeyringFile, error) {
	if len(recovery) == 0 {
		return nil, errors.New("write the keyring: it needs a recovery recipient")
	}
	recoveryNames, err := names(recovery)
	if err != nil {
		return nil, err
	}
	file := &storepb.KeyringFile{Epoch: r.Epoch(), RecoveryRecipients: recoveryNames}
	// A plugin's identity may have no recipient that could be named: its own text
	// may be a key. The service names itself anew whenever it writes.
	if serviceNames, err := names(service); err == nil && len(serviceNames) > 0 {
		file.ServiceRecipient = serviceNames[0]
		for _, name := range serviceNames {
			if slices.Contains(recoveryNames, name) {
				return nil, errors.New("write the keyring: a recovery recipient is the service's own")
			}
		}
	}
	plaintext, err := proto.Marshal(r.message)
	if err != nil {
		return nil, fmt.Errorf("write the keyring: %w", err)
	}
	if file.ForService, err = encrypt(plaintext, service); err != nil {
		return nil, fmt.Errorf("write the keyring for the service: %w", err)
	}
	if file.ForRecovery, err = encrypt(plaintext, recovery); err != nil {
		return nil, fmt.Errorf("write the keyring for recovery: %w", err)
	}
	return file, nil
}

func (r *Keyring) authenticate(content []byte) [sha256.Size]byte {
	s := r.file.begin()
	s.input = append(s.input, content...)
	return r.file.end(s)
}

func openKeyring(path string, identities []age.Identity, payload func(*storepb.KeyringFile) []byte) (*Keyring, error) {
	content, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("open the keyring: %w", err)
	}
	r, err := parseKeyring(content, identities, payload)
	if err != nil {
		return nil, fmt.Errorf("open the keyring: %w", err)
	}
	return r, nil
}

func parseKeyring(content []byte, identities []age.Identity, payload func(*storepb.KeyringFile) []byte) (*Keyring, error) {
	if !bytes.HasPrefix(content, []byte(formatLine)) {
		if laterFormat.Match(content) {
			return nil, ErrFormat
		}
		return nil, fmt.Errorf("%w: this is no keyring", ErrDamaged)
	}
	if len(content) < len(formatLine)+trailer {
		return nil, fmt.Errorf("%w: it is cut short", ErrDamaged)
	}
	summed, sum := content[:len(content)-sha256.Size], content[len(content)-sha256.Size:]
	if sha256.Sum256(summed) != [sha256.Size]byte(sum) {
		return nil, fmt.Errorf("%w: its bytes have changed", ErrDamaged)
	}
	proven, code := content[:len(content)-trailer], summed[len(summed)-sha256.Size:]
	var file storepb.KeyringFile
	if err := proto.Unmarshal(proven[len(formatLine):], &file); err != nil {
		return nil, fmt.Errorf("%w: it is no message", ErrDamaged)
	}
	plaintext, err := decrypt(payload(&file), identities)
	if err != nil {
		return nil, err
	}
	var m storepb.Keyring
	if err := proto.Unmarshal(plaintext, &m); err != nil {
		return nil, fmt.Errorf("%w: its content is no message", ErrDamaged)
	}
	r, err := newKeyring(&m)
	if err != nil {
		return nil, err
	}
	if want := r.authenticate(proven); !hmac.Equal(code, want[:]) {
		return nil, fmt.Errorf("%w: it was not written by a holder of its keys", ErrDamaged)
	}
	r.recovery = file.GetRecoveryRecipients()
	return r, nil
}
