package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"sync"
)

// mac is HMAC-SHA-256 under one key. Setting the key up costs more than hashing a
// short text, so the states are kept and used again.
type mac struct {
	states *sync.Pool // of *macState
}

type macState struct {
	hash  hash.Hash
	input []byte
	sum   [sha256.Size]byte
}

func newMAC(key []byte) mac {
	return mac{states: &sync.Pool{New: func() any {
		return &macState{hash: hmac.New(sha256.New, key), input: make([]byte, 0, 128)}
	}}}
}

// begin returns a state whose input the caller fills; end hashes it.
func (m mac) begin() *macState {
	s, ok := m.states.Get().(*macState)
	if !ok {
		return nil // cannot be: New makes nothing else
	}
	s.input = s.input[:0]
	return s
}

func (m mac) end(s *macState) [sha256.Size]byte {
	s.hash.Reset()
	s.hash.Write(s.input)
	s.hash.Sum(s.sum[:0])
	sum := s.sum
	m.states.Put(s)
	return sum
}

// shardOf says which key-encryption key a file belongs to. The hash is keyed, so
// that somebody who knows an id cannot tell which stored keys it may be.
func (r *Keyring) shardOf(id string) byte {
	s := r.shard.begin()
	s.input = append(s.input, id...)
	return r.shard.end(s)[0]
}

// RequestName is the name under which a request of a staff member is remembered.
// It tells neither who asked nor under which id.
func (r *Keyring) RequestName(staffID, requestID string) [16]byte {
	s := r.requests.begin()
	s.input = appendField(appendField(s.input, staffID), requestID)
	sum := r.requests.end(s)
	return [16]byte(sum[:16])
}

// RecordName is the name under which a record of the file at a locator is stored.
// It tells neither the record's kind nor its id, and all names are of one length.
func (r *Keyring) RecordName(locator []byte, kind uint32, id []byte) [16]byte {
	s := r.records.begin()
	s.input = appendField(s.input, locator)
	s.input = binary.BigEndian.AppendUint32(s.input, kind)
	s.input = appendField(s.input, id)
	sum := r.records.end(s)
	return [16]byte(sum[:16])
}

// Token is what a folded text of a kind is found by. Unlike texts share a token
// once in 2^64, so a hit must still be compared with what it hits.
func (r *Keyring) Token(kind byte, text string) uint64 {
	s := r.tokens.begin()
	s.input = append(append(s.input, kind), text...)
	sum := r.tokens.end(s)
	return binary.BigEndian.Uint64(sum[:])
}

// QueryHash is what the audit log says about a search text: 32 bytes, the same for
// the same text, from which nobody without the keyring can try texts.
func (r *Keyring) QueryHash(text string) []byte {
	s := r.queries.begin()
	s.input = append(s.input, text...)
	sum := r.queries.end(s)
	return sum[:]
}

// Fold is a file's term in the sum over all heads: the XOR of the terms of all
// files is compared with the one that the log keeps.
func (r *Keyring) Fold(pseudonym string, version uint64, headHash []byte) [32]byte {
	s := r.fold.begin()
	s.input = appendField(s.input, pseudonym)
	s.input = binary.BigEndian.AppendUint64(s.input, version)
	s.input = appendField(s.input, headHash)
	return r.fold.end(s)
}
