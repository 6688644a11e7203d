// Package audittest makes logs for the tests of those who must notice when one is
// put back or forked. New makes one, Grow lets it grow, and Fork makes a second with
// the same key that goes another way from there.
//
// Its logs have checkpoints and proofs as those of package audit have, made without
// it, and nothing that could be read.
package audittest

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/amparo-project/amparo/internal/audit"
)

// Log is a log in memory. Its methods are safe for concurrent use.
type Log struct {
	t      testing.TB
	signer note.Signer
	key    string

	mu       sync.Mutex
	branch   string
	size     int64
	hashes   []tlog.Hash
	cosigned string
}

// New makes an empty log with a name and a key of its own.
func New(t testing.TB) *Log {
	t.Helper()
	id := make([]byte, 16)
	_, _ = rand.Read(id)
	return Named(t, "log/"+hex.EncodeToString(id))
}

// Named makes an empty log with a key of its own and a name that another may have.
func Named(t testing.TB, origin string) *Log {
	t.Helper()
	secret, public, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	return &Log{t: t, signer: signer, key: public}
}

// PublicKey verifies the log's checkpoints.
func (l *Log) PublicKey() string { return l.key }

// Origin is the name of the log and of its key.
func (l *Log) Origin() string { return l.signer.Name() }

// Grow adds n leaves and returns the log.
func (l *Log) Grow(n int) *Log {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range n {
		added, err := tlog.StoredHashes(l.size, fmt.Append(nil, l.branch, l.size), (*stored)(l))
		if err != nil {
			l.t.Error(err)
			return l
		}
		l.hashes = append(l.hashes, added...)
		l.size++
	}
	return l
}

// Fork returns a log that holds the same so far, and other leaves from here on.
func (l *Log) Fork() *Log {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &Log{t: l.t, signer: l.signer, key: l.key, branch: rand.Text(), size: l.size, hashes: slices.Clone(l.hashes)}
}

// Prefix returns a log that holds the first size leaves, and other leaves from there on.
func (l *Log) Prefix(size uint64) *Log {
	f := l.Fork()
	f.size = int64(size)
	f.hashes = f.hashes[:tlog.StoredHashCount(f.size)]
	return f
}

// Size is the number of leaves.
func (l *Log) Size() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return uint64(l.size)
}

// Checkpoint is the newest checkpoint.
func (l *Log) Checkpoint() string { return l.At(l.Size()) }

// At is the checkpoint of the first size leaves.
func (l *Log) At(size uint64) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	root, err := tlog.TreeHash(int64(size), (*stored)(l))
	if err != nil {
		l.t.Error(err)
	}
	return l.Sign(fmt.Sprintf("%s\n%d\n%s\n", l.signer.Name(), size, base64.StdEncoding.EncodeToString(root[:])))
}

// Sign signs any text with the log's key.
func (l *Log) Sign(text string) string {
	signed, err := note.Sign(&note.Note{Text: text}, l.signer)
	if err != nil {
		l.t.Error(err)
	}
	return string(signed)
}

// Extension is the proof that the first newSize leaves begin with the first oldSize.
func (l *Log) Extension(_ context.Context, oldSize, newSize uint64) ([][]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if oldSize == 0 || oldSize == newSize {
		return nil, nil
	}
	proof, err := tlog.ProveTree(int64(newSize), int64(oldSize), (*stored)(l))
	out := make([][]byte, len(proof))
	for i, h := range proof {
		out[i] = h[:]
	}
	return out, err
}

// ConsistencyProof is the newest checkpoint with the proof that it extends the first
// oldSize leaves, or audit.ErrInvalid where there are not as many.
func (l *Log) ConsistencyProof(ctx context.Context, oldSize uint64) (signed string, proof [][]byte, err error) {
	size := l.Size()
	if oldSize > size {
		return "", nil, fmt.Errorf("%w: proof from %d of %d", audit.ErrInvalid, oldSize, size)
	}
	proof, err = l.Extension(ctx, oldSize, size)
	return l.At(size), proof, err
}

// Cosign keeps what it is given, for Cosigned.
func (l *Log) Cosign(signed string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cosigned = signed
	return nil
}

// Cosigned is what Cosign was given last.
func (l *Log) Cosigned() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cosigned
}

// stored reads the hashes of a log that its caller holds.
type stored Log

// ReadHashes implements tlog.HashReader.
func (s *stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		out[i] = s.hashes[index]
	}
	return out, nil
}
