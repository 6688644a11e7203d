// Package seal turns bytes into bytes that only the keyring opens: it holds the
// keyring, the data key of each file, and the envelopes of records, audit leaves
// and cursors. It seals any bytes and knows of no rule, no engine and no log.
//
// A folder is begun with GenerateIdentity and CreateKeyring. A service starts with
// LoadIdentities and OpenKeyring, draws a NewFileKey for each new file and stores
// it with Keyring.Wrap, and then works with FileKey.Seal and FileKey.Open. Small
// secrets beside the keyring are age files: SealFile, OpenFile.
//
// What it promises: whatever is opened was sealed by somebody who holds the key,
// for exactly the place that it is opened for. What it cannot: notice a record
// that is missing, or an older one of the same version (the head of its file
// does), hide how long a record is, or keep a key from whoever reads the memory of
// the running process. Erasing slices would not change the last, because the
// ciphers keep copies of their own; so it is not attempted.
//
// Everything that a Keyring or a FileKey offers may be called by many goroutines.
package seal

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrOpen says that an envelope is not what it is taken for: changed, cut, of
// another place, version, key or format. Which of these is not told apart, because
// no caller could do anything else about it.
var ErrOpen = errors.New("open sealed data: it is not what was sealed for this place")

// Context is the place of a record within its file. It is not stored in the
// envelope but bound to it, so that a record opens nowhere else.
type Context struct {
	RecordKind uint32
	RecordID   []byte // within the file; nil for a record of which there is one
	Version    uint64 // the record's own; a caller never seals two contents under one
}

// FileKey is the data key of one file, together with the kind and the id of that
// file: what it seals opens as a record of no other. The zero FileKey is no key,
// and using it panics rather than sealing under nothing.
type FileKey struct {
	of *dataKey
}

type dataKey struct {
	kind uint32
	id   string
	raw  [keySize]byte
	key  envelopeKey
}

// NewFileKey draws the key of a new file. The id is the file's public one.
func NewFileKey(kind uint32, id string) FileKey {
	k := &dataKey{kind: kind, id: id}
	// Never fails: the runtime ends the process when the system has no randomness.
	_, _ = rand.Read(k.raw[:])
	k.key = newEnvelopeKey(&k.raw)
	return FileKey{of: k}
}

func fileKey(kind uint32, id string, raw [keySize]byte) FileKey {
	k := &dataKey{kind: kind, id: id, raw: raw}
	k.key = newEnvelopeKey(&k.raw)
	return FileKey{of: k}
}

// Kind is the kind of the file.
func (k FileKey) Kind() uint32 { return k.of.kind }

// ID is the id of the file.
func (k FileKey) ID() string { return k.of.id }

// Seal returns the envelope of a record of the file.
func (k FileKey) Seal(ctx Context, plaintext []byte) []byte {
	scratch := borrow()
	defer scratch.giveBack()
	return k.of.key.seal(k.associated(scratch, ctx), plaintext)
}

// Open returns what Seal was given for the same place, or ErrOpen.
func (k FileKey) Open(ctx Context, envelope []byte) ([]byte, error) {
	scratch := borrow()
	defer scratch.giveBack()
	return k.of.key.open(k.associated(scratch, ctx), envelope)
}

// associated lists all that a record is bound to. Each field stands behind its
// length, so that no two places give the same bytes.
func (k FileKey) associated(s *scratch, ctx Context) []byte {
	b := append(s.bytes, 1, envelopeFormat)
	b = append(b, 4)
	b = binary.BigEndian.AppendUint32(b, k.of.kind)
	b = appendField(b, k.of.id)
	b = append(b, 4)
	b = binary.BigEndian.AppendUint32(b, ctx.RecordKind)
	b = appendField(b, ctx.RecordID)
	b = append(b, 8)
	b = binary.BigEndian.AppendUint64(b, ctx.Version)
	b = appendField(b, k.of.key.id[:])
	s.bytes = b
	return b
}

// Format keeps the key out of every kind of print.
func (k FileKey) Format(f fmt.State, _ rune) {
	_, _ = f.Write([]byte("file key"))
}
