package seal

import (
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"fmt"

	"github.com/amparo-project/amparo/internal/store/storepb"
)

// A wrapped key is
//
//	1 byte    format
//	1 byte    shard
//	4 bytes   generation of the shard's key-encryption key
//	32 bytes  commitment to that key
//	24 bytes  nonce
//	          ciphertext of 4 bytes kind, 32 bytes key, id, and padding
//
// Everything before the nonce and the locator under which it is stored are bound
// to it. The kind and the id of the file are inside: the disk shows neither.
const (
	wrapFormat     = 1
	shards         = 256
	commitmentSize = 32
	wrapFixed      = 1 + 1 + 4 + commitmentSize
	wrapHeader     = wrapFixed + nonceSize
	wrapInner      = 4 + keySize
	wrapEnd        = 0x80
	// wrapPadding holds a key with an id of up to 59 bytes, so that all wrapped
	// keys are of one length and none gives its kind away by it.
	wrapPadding = 96
)

// kek wraps the data keys of one shard. Of the stored key, one derived key
// encrypts and another commits: XChaCha20-Poly1305 alone would let a ciphertext be
// made that opens under two keys.
type kek struct {
	generation uint32
	commitment [commitmentSize]byte
	aead       cipher.AEAD
}

func newKEK(m *storepb.KeyEncryptionKey) (kek, error) {
	if len(m.GetKey()) != keySize || m.GetGeneration() == 0 {
		return kek{}, fmt.Errorf("%w: a key-encryption key has the wrong shape", ErrDamaged)
	}
	wrapping, err := hkdf.Expand(sha256.New, m.GetKey(), "amparo key-encryption key: wrap", keySize)
	if err != nil {
		return kek{}, fmt.Errorf("derive a wrapping key: %w", err)
	}
	commitment, err := hkdf.Expand(sha256.New, m.GetKey(), "amparo key-encryption key: commit", commitmentSize)
	if err != nil {
		return kek{}, fmt.Errorf("derive a commitment: %w", err)
	}
	return kek{
		generation: m.GetGeneration(),
		commitment: [commitmentSize]byte(commitment),
		aead:       newAEAD((*[keySize]byte)(wrapping)),
	}, nil
}

// Wrap returns the form in which a file's key is stored under a locator.
func (r *Keyring) Wrap(key FileKey, locator []byte) []byte {
	return r.wrapIn(r.shardOf(key.of.id), key, locator)
}

func (r *Keyring) wrapIn(shard byte, key FileKey, locator []byte) []byte {
	k := &r.keks[shard]
	plaintext := key.of.padded()

	header := make([]byte, 0, wrapHeader+len(plaintext)+tagSize)
	header = append(header, wrapFormat, shard)
	header = binary.BigEndian.AppendUint32(header, k.generation)
	header = append(header, k.commitment[:]...)
	scratch := borrow()
	defer scratch.giveBack()
	return sealBehind(k.aead, header[:wrapHeader], plaintext, wrapAssociated(scratch, header, locator))
}

// Unwrap returns the key that Wrap stored under the locator, or ErrOpen. The kind
// and id of the FileKey are proven with it.
func (r *Keyring) Unwrap(locator, wrapped []byte) (FileKey, error) {
	if len(wrapped) < wrapHeader+tagSize || wrapped[0] != wrapFormat {
		return FileKey{}, ErrOpen
	}
	shard := wrapped[1]
	k := &r.keks[shard]
	if binary.BigEndian.Uint32(wrapped[2:]) != k.generation ||
		subtle.ConstantTimeCompare(wrapped[wrapFixed-commitmentSize:wrapFixed], k.commitment[:]) != 1 {
		return FileKey{}, ErrOpen
	}
	scratch := borrow()
	defer scratch.giveBack()
	plaintext, err := openBehind(k.aead, wrapped[:wrapHeader], wrapped[wrapHeader:],
		wrapAssociated(scratch, wrapped[:wrapFixed], locator))
	if err != nil {
		return FileKey{}, err
	}
	if len(plaintext) < wrapInner {
		return FileKey{}, ErrOpen
	}
	id := string(bytes.TrimSuffix(bytes.TrimRight(plaintext[wrapInner:], "\x00"), []byte{wrapEnd}))
	// A key in a foreign shard would outlive the erasure of its own.
	if r.shardOf(id) != shard {
		return FileKey{}, ErrOpen
	}
	return fileKey(binary.BigEndian.Uint32(plaintext), id, [keySize]byte(plaintext[4:])), nil
}

func wrapAssociated(s *scratch, fixed, locator []byte) []byte {
	s.bytes = appendField(appendField(s.bytes, fixed), locator)
	return s.bytes
}

// padded is kind, key and id, ended with a byte that is not zero and as many zeros
// as it takes.
func (k *dataKey) padded() []byte {
	size := wrapInner + len(k.id) + 1
	b := make([]byte, 0, (size+wrapPadding-1)/wrapPadding*wrapPadding)
	b = binary.BigEndian.AppendUint32(b, k.kind)
	b = append(b, k.raw[:]...)
	b = append(b, k.id...)
	return append(b, wrapEnd)[:cap(b)]
}
