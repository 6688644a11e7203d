package prooftest

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/audit"
)

// Signer is a log's key, in whosever hands.
type Signer struct {
	// Key verifies what the signer signs.
	Key string

	signer note.Signer
}

// NewSigner draws a key, under a new origin.
func NewSigner(tb testing.TB) *Signer {
	tb.Helper()
	secret, public, err := audit.GenerateKey()
	check(tb, err)
	signer, err := note.NewSigner(secret)
	check(tb, err)
	return &Signer{Key: public, signer: signer}
}

// Imposter draws another key under the origin of this one.
func (s *Signer) Imposter(tb testing.TB) *Signer {
	tb.Helper()
	secret, public, err := note.GenerateKey(rand.Reader, s.signer.Name())
	check(tb, err)
	signer, err := note.NewSigner(secret)
	check(tb, err)
	return &Signer{Key: public, signer: signer}
}

// Note is the checkpoint of leaves.
func (s *Signer) Note(tb testing.TB, leaves []*amparov1.AuditLeaf) string {
	tb.Helper()
	return s.note(tb, Marshal(tb, leaves))
}

// Export is a whole export of leaves.
func (s *Signer) Export(tb testing.TB, leaves []*amparov1.AuditLeaf) []byte {
	tb.Helper()
	raws := Marshal(tb, leaves)
	var file bytes.Buffer
	check(tb, audit.WriteExport(&file, s.Key, s.note(tb, raws), func(yield func([]byte, error) bool) {
		for _, raw := range raws {
			if !yield(raw, nil) {
				return
			}
		}
	}))
	return file.Bytes()
}

func (s *Signer) note(tb testing.TB, raws [][]byte) string {
	tb.Helper()
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			hashes[i] = stored[index]
		}
		return hashes, nil
	})
	for i, raw := range raws {
		added, err := tlog.StoredHashes(int64(i), raw, reader)
		check(tb, err)
		stored = append(stored, added...)
	}
	root, err := tlog.TreeHash(int64(len(raws)), reader)
	check(tb, err)
	signed, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", s.signer.Name(), len(raws), root)}, s.signer)
	check(tb, err)
	return string(signed)
}

// Marshal is the bytes of leaves, as they are hashed and exported.
func Marshal(tb testing.TB, leaves []*amparov1.AuditLeaf) [][]byte {
	tb.Helper()
	raws := make([][]byte, len(leaves))
	for i, leaf := range leaves {
		raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(leaf)
		check(tb, err)
		raws[i] = raw
	}
	return raws
}
