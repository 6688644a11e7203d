package seal

import (
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"
)

// An envelope is
//
//	1 byte    format
//	8 bytes   key id
//	24 bytes  nonce
//	          ciphertext, 16 bytes longer than the plaintext
//
// with XChaCha20-Poly1305. Its nonce has 192 random bits: no counter of what a key
// has sealed needs to be kept, nor survive a crash.
const (
	envelopeFormat = 1
	keySize        = chacha20poly1305.KeySize
	keyIDSize      = 8
	nonceSize      = chacha20poly1305.NonceSizeX
	tagSize        = chacha20poly1305.Overhead
	envelopeHeader = 1 + keyIDSize + nonceSize
)

// envelopeKey seals envelopes. Its id follows from the key, so that a key that was
// replaced is told by the header and nothing is ever opened by trial.
type envelopeKey struct {
	id   [keyIDSize]byte
	aead cipher.AEAD
}

func newEnvelopeKey(raw *[keySize]byte) envelopeKey {
	const label = "amparo key id"
	var input [len(label) + keySize]byte
	copy(input[copy(input[:], label):], raw[:])
	// The key is uniformly random, so a plain hash of it tells nothing.
	digest := sha256.Sum256(input[:])
	return envelopeKey{id: [keyIDSize]byte(digest[:keyIDSize]), aead: newAEAD(raw)}
}

func newAEAD(raw *[keySize]byte) cipher.AEAD {
	aead, err := chacha20poly1305.NewX(raw[:])
	if err != nil {
		return nil // cannot be: the only error is a wrong length, and the type has it right
	}
	return aead
}

func (k *envelopeKey) seal(associated, plaintext []byte) []byte {
	envelope := make([]byte, envelopeHeader, envelopeHeader+len(plaintext)+tagSize)
	envelope[0] = envelopeFormat
	copy(envelope[1:], k.id[:])
	return sealBehind(k.aead, envelope, plaintext, associated)
}

func (k *envelopeKey) open(associated, envelope []byte) ([]byte, error) {
	if len(envelope) < envelopeHeader+tagSize || envelope[0] != envelopeFormat ||
		[keyIDSize]byte(envelope[1:]) != k.id {
		return nil, ErrOpen
	}
	return openBehind(k.aead, envelope[:envelopeHeader], envelope[envelopeHeader:], associated)
}

// sealBehind draws the nonce into the end of a header and appends the ciphertext.
// Every nonce of the package is drawn here. They are not drawn ahead: a virtual
// machine that is copied while it runs would then use some of them twice.
func sealBehind(aead cipher.AEAD, header, plaintext, associated []byte) []byte {
	nonce := header[len(header)-nonceSize:]
	_, _ = rand.Read(nonce) // never fails, see NewFileKey
	return aead.Seal(header, nonce, plaintext, associated)
}

func openBehind(aead cipher.AEAD, header, ciphertext, associated []byte) ([]byte, error) {
	plaintext, err := aead.Open(nil, header[len(header)-nonceSize:], ciphertext, associated)
	if err != nil {
		return nil, ErrOpen
	}
	return plaintext, nil
}

// scratch is memory for associated data, which would otherwise be garbage after
// every record.
type scratch struct {
	bytes []byte
}

var scratches = sync.Pool{New: func() any { return &scratch{bytes: make([]byte, 0, 256)} }}

func borrow() *scratch {
	s, ok := scratches.Get().(*scratch)
	if !ok {
		return &scratch{}
	}
	s.bytes = s.bytes[:0]
	return s
}

func (s *scratch) giveBack() { scratches.Put(s) }

func appendField[T ~string | ~[]byte](b []byte, field T) []byte {
	b = binary.AppendUvarint(b, uint64(len(field)))
	return append(b, field...)
}
