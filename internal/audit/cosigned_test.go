package audit_test

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/amparo-project/amparo/internal/audit"
)

// signedToo is a checkpoint with a signature of somebody else below the log's own.
func signedToo(t *testing.T, public, signed string) string {
	t.Helper()
	secret, _, err := note.GenerateKey(rand.Reader, "witness.example.org/w1")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := note.Open([]byte(signed), note.VerifierList(verifier))
	if err != nil {
		t.Fatal(err)
	}
	more, err := note.Sign(opened, signer)
	if err != nil {
		t.Fatal(err)
	}
	return string(more)
}

// TestCosigned: whoever asks is shown what witnesses have signed, unless they know
// more than that already.
func TestCosigned(t *testing.T) {
	config, l := grown(t, 5)
	public, five := l.PublicKey(), l.Checkpoint()
	cosigned := signedToo(t, public, five)
	_, stranger := grown(t, 5)
	for name, wrong := range map[string]string{"of another log": stranger.Checkpoint(), "none": "x", "altered": strings.Replace(cosigned, "\n5\n", "\n4\n", 1)} {
		if err := l.Cosign(wrong); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("a checkpoint %s: %v", name, err)
		}
	}
	if err := l.Cosign(cosigned); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		record(t, config, evening, read())
	}
	catchUp(t, l)
	eight := l.Checkpoint()
	_, three := prefix(t, config, 3)
	for _, c := range []struct {
		known string
		size  uint64
		want  string
	}{{"", 0, cosigned}, {three, 3, cosigned}, {five, 5, cosigned}, {cosigned, 5, cosigned}, {eight, 8, eight}} {
		shown, proof, err := l.CosignedProof(t.Context(), c.size)
		if err != nil || shown != c.want {
			t.Errorf("knowing %d leaves: %v, shown\n%s", c.size, err, shown)
		}
		if err := audit.CheckConsistency(public, c.known, shown, proof); err != nil {
			t.Errorf("knowing %d leaves: %v", c.size, err)
		}
	}
	if _, err := verify(export(t, l), audit.VerifyOptions{LogKey: public, OlderCheckpoint: cosigned}); err != nil {
		t.Errorf("an export against a cosigned checkpoint: %v", err)
	}
	if err := l.Cosign(""); err != nil {
		t.Fatal(err)
	}
	if shown, _, err := l.CosignedProof(t.Context(), 5); err != nil || shown != eight {
		t.Errorf("after it was dropped: %v, shown\n%s", err, shown)
	}
	// A log that is put back knows of no checkpoint that is ahead of it.
	behind, _ := prefix(t, config, 3)
	if err := behind.Cosign(signedToo(t, public, eight)); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("a checkpoint that is ahead: %v", err)
	}
	if _, err := l.Extension(t.Context(), 3, 9); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("a proof to what is not there: %v", err)
	}
}

// prefix is the log of the first n leaves, with its checkpoint.
func prefix(t *testing.T, config audit.Config, n uint64) (*audit.Log, string) {
	t.Helper()
	copied := config
	copied.Engine = newEngine()
	if err := audit.Create(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	l := open(t, config)
	at := open(t, copied)
	for index := range n {
		raw, err := l.Leaf(t.Context(), index)
		if err != nil {
			t.Fatal(err)
		}
		key := leafKey(t, config.Engine, int(index))
		put(t, copied.Engine, key, config.Sealer.SealLeaf(key[1:], raw))
		catchUp(t, at)
	}
	return at, at.Checkpoint()
}
