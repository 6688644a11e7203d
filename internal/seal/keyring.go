package seal

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"filippo.io/age"
	"github.com/amparo-project/amparo/internal/store/storepb"
)

// ErrDamaged says that a keyring, or a small sealed file, is not as it was
// written: cut, changed, or put together from two.
var ErrDamaged = errors.New("the file is damaged")

// Keyring is an opened keyring. It lives in memory only; nothing of it is ever
// written but under age, by CreateKeyring and Replace.
type Keyring struct {
	message  *storepb.Keyring
	recovery []string // the recovery recipients that the keyring's file names

	keks     [shards]kek
	leaf     envelopeKey
	cursor   envelopeKey
	file     mac
	shard    mac
	requests mac
	records  mac
	tokens   mac
	queries  mac
	fold     mac
	service  string
	opener   age.Identity // opens what is sealed to service
}

// Epoch counts the replacements of the keyring, from one.
func (r *Keyring) Epoch() uint64 { return r.message.GetEpoch() }

// ServiceRecipient is the age recipient of the service: what is sealed to it,
// OpenOutside opens.
func (r *Keyring) ServiceRecipient() string { return r.service }

// Format keeps the keys out of every kind of print.
func (r *Keyring) Format(f fmt.State, _ rune) {
	_, _ = f.Write([]byte("keyring"))
}

// drawKeyring makes the keys of a new folder.
func drawKeyring() (*storepb.Keyring, error) {
	service, err := age.GenerateHybridIdentity()
	if err != nil {
		return nil, fmt.Errorf("generate the service's identity: %w", err)
	}
	m := &storepb.Keyring{
		Epoch:           1,
		RequestKey:      drawKey(),
		TokenKey:        drawKey(),
		QueryKey:        drawKey(),
		FoldKey:         drawKey(),
		CursorKey:       drawKey(),
		LeafKey:         drawKey(),
		ServiceIdentity: service.String(),
	}
	for range shards {
		m.Keks = append(m.Keks, &storepb.KeyEncryptionKey{Generation: 1, Key: drawKey()})
	}
	return m, nil
}

func drawKey() []byte {
	raw := make([]byte, keySize)
	_, _ = rand.Read(raw) // never fails, see NewFileKey
	return raw
}

// newKeyring makes the stored keys ready for use and refuses a set that is not
// complete: a key that is missing must not become a key of zeros.
func newKeyring(m *storepb.Keyring) (*Keyring, error) {
	if len(m.GetKeks()) != shards || m.GetEpoch() == 0 {
		return nil, fmt.Errorf("%w: the keyring is not complete", ErrDamaged)
	}
	for _, key := range [][]byte{
		m.GetRequestKey(), m.GetTokenKey(), m.GetQueryKey(), m.GetFoldKey(), m.GetCursorKey(), m.GetLeafKey(),
	} {
		if len(key) != keySize {
			return nil, fmt.Errorf("%w: a key of the keyring has the wrong length", ErrDamaged)
		}
	}
	service, err := age.ParseHybridIdentity(m.GetServiceIdentity())
	if err != nil {
		return nil, fmt.Errorf("%w: the keyring has no identity for the service", ErrDamaged)
	}
	r := &Keyring{message: m, service: service.Recipient().String(), opener: service}
	for i, stored := range m.GetKeks() {
		if r.keks[i], err = newKEK(stored); err != nil {
			return nil, err
		}
	}
	if err := r.derive(); err != nil {
		return nil, err
	}
	r.leaf = newEnvelopeKey((*[keySize]byte)(m.GetLeafKey()))
	r.cursor = newEnvelopeKey((*[keySize]byte)(m.GetCursorKey()))
	r.requests = newMAC(m.GetRequestKey())
	r.tokens = newMAC(m.GetTokenKey())
	r.queries = newMAC(m.GetQueryKey())
	r.fold = newMAC(m.GetFoldKey())
	return r, nil
}

// derive makes the keys that follow from others. Both parents stay for as long as
// the folder does; were the request key drawn anew, every file key would have to be
// wrapped again, because its shard follows from it, and every record be moved.
func (r *Keyring) derive() error {
	for _, from := range []struct {
		to     *mac
		parent []byte
		info   string
	}{
		{&r.shard, r.message.GetRequestKey(), "amparo keyring: shard"},
		{&r.records, r.message.GetRequestKey(), "amparo keyring: record name"},
		{&r.file, r.message.GetLeafKey(), "amparo keyring: file"},
	} {
		key, err := hkdf.Expand(sha256.New, from.parent, from.info, keySize)
		if err != nil {
			return fmt.Errorf("derive a key of the keyring: %w", err)
		}
		*from.to = newMAC(key)
	}
	return nil
}
