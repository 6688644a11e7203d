package audit

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A checkpoint is a signed note whose text is three lines: the log's origin
// (which is also the name of its key), the number of leaves in decimal, and the
// root's hash in base64 (C2SP tlog-checkpoint, without extension lines).
type checkpoint struct {
	origin string
	size   int64
	root   tlog.Hash
}

// maxSize keeps the arithmetic on stored hashes within an int64.
const maxSize = 1 << 60

// algEd25519 is the first byte of an Ed25519 key in a note's key.
const algEd25519 = 1

// GenerateKey draws a key for a new log: the secret one for Config.Key, and the
// one that verifies, which may be shown to anybody. The origin within is random
// and says nothing about the service.
func GenerateKey() (secret, public string, err error) {
	id := make([]byte, 16)
	_, _ = rand.Read(id)
	secret, public, err = note.GenerateKey(rand.Reader, "log/"+hex.EncodeToString(id))
	if err != nil {
		return "", "", fmt.Errorf("generate log key: %w", err)
	}
	return secret, public, nil
}

// keyPair returns what signs, and the public key that verifies, of a secret key.
func keyPair(secret string) (note.Signer, string, error) {
	signer, err := note.NewSigner(secret)
	if err != nil {
		return nil, "", fmt.Errorf("%w: log key", ErrInvalid)
	}
	// PRIVATE+KEY+name+hash+key, of which only the last may hold a plus sign.
	parts := strings.SplitN(secret, "+", 5)
	key, err := base64.StdEncoding.DecodeString(parts[len(parts)-1])
	if err != nil || len(key) != 1+ed25519.SeedSize || key[0] != algEd25519 {
		return nil, "", fmt.Errorf("%w: log key that is not Ed25519", ErrInvalid)
	}
	private := ed25519.NewKeyFromSeed(key[1:])
	// A private key of this package ends with the public one.
	public, err := note.NewEd25519VerifierKey(signer.Name(), ed25519.PublicKey(private[ed25519.SeedSize:]))
	if err != nil {
		return nil, "", fmt.Errorf("%w: log key", ErrInvalid)
	}
	return signer, public, nil
}

func (c checkpoint) text() string {
	return c.origin + "\n" + strconv.FormatInt(c.size, 10) + "\n" + base64.StdEncoding.EncodeToString(c.root[:]) + "\n"
}

func (c checkpoint) sign(signer note.Signer) (string, error) {
	signed, err := note.Sign(&note.Note{Text: c.text()}, signer)
	if err != nil {
		return "", fmt.Errorf("sign checkpoint: %w", err)
	}
	return string(signed), nil
}

// openCheckpoint verifies a note with the log's public key. Signatures of others,
// such as witnesses, are left alone.
func openCheckpoint(public, signed string) (checkpoint, error) {
	opened, err := openNote(public, signed)
	if err != nil {
		return checkpoint{}, err
	}
	return readCheckpoint(opened)
}

// readCheckpoint reads a note that was verified.
func readCheckpoint(opened *note.Note) (checkpoint, error) {
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 {
		return checkpoint{}, fmt.Errorf("%w: checkpoint of %d lines", ErrInvalid, len(lines)-1)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || size > maxSize {
		return checkpoint{}, fmt.Errorf("%w: size of a checkpoint", ErrInvalid)
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return checkpoint{}, fmt.Errorf("%w: root of a checkpoint", ErrInvalid)
	}
	// Written again, it must be the same: whatever can be written in two ways
	// would let two notes pass for different checkpoints.
	c := checkpoint{origin: lines[0], size: size, root: root}
	if c.origin != opened.Sigs[0].Name || c.text() != opened.Text {
		return checkpoint{}, fmt.Errorf("%w: checkpoint of another log, or in another form", ErrInvalid)
	}
	return c, nil
}

func openNote(public, signed string) (*note.Note, error) {
	verifier, err := note.NewVerifier(public)
	if err != nil {
		return nil, fmt.Errorf("%w: log key", ErrInvalid)
	}
	opened, err := note.Open([]byte(signed), note.VerifierList(verifier))
	if err != nil {
		return nil, fmt.Errorf("%w: checkpoint without a good signature of the log", ErrInvalid)
	}
	return opened, nil
}

// CheckpointSize verifies a checkpoint with the log's public key and returns how
// many leaves it covers.
func CheckpointSize(public, signed string) (uint64, error) {
	c, err := openCheckpoint(public, signed)
	return uint64(c.size), err
}

// CheckConsistency is what a client does with each new checkpoint before it keeps
// it in place of the one that it has: it verifies both with the log's public key,
// and with the RFC 6962 proof that the newer holds all that the older one held.
// An empty older note stands for having none yet. The error wraps ErrShrunk,
// ErrFork or ErrInvalid; after any of them the older note must be kept.
func CheckConsistency(public, older, newer string, proof [][]byte) error {
	after, err := openCheckpoint(public, newer)
	if err != nil {
		return err
	}
	if older == "" {
		return nil
	}
	before, err := openCheckpoint(public, older)
	if err != nil {
		return err
	}
	hashes := make(tlog.TreeProof, len(proof))
	for i, h := range proof {
		if len(h) != tlog.HashSize {
			return fmt.Errorf("%w: proof with a hash of %d bytes", ErrInvalid, len(h))
		}
		hashes[i] = tlog.Hash(h)
	}
	switch {
	case after.size < before.size:
		return fmt.Errorf("%w: from %d to %d leaves", ErrShrunk, before.size, after.size)
	case after.size == before.size && !bytes.Equal(after.root[:], before.root[:]):
		return fmt.Errorf("%w: two roots for %d leaves", ErrFork, after.size)
	case after.size == before.size || before.size == 0:
		if len(proof) != 0 {
			return fmt.Errorf("%w: proof where none is needed", ErrInvalid)
		}
		return nil
	}
	if err := tlog.CheckTree(hashes, after.size, after.root, before.size, before.root); err != nil {
		return fmt.Errorf("%w: %d leaves are not shown to begin with the %d known", ErrFork, after.size, before.size)
	}
	return nil
}
