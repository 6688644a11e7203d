// Package enrolment is the arithmetic of letting a device in: the invitation
// string, the proof that its holder gives without sending the secret, and the
// short code that a second person compares. Client and service both call it, so
// that there is one definition of what is signed.
//
// Read an invitation with Parse, answer it with Sign, check the answer with
// Verify, and read ConfirmationCode aloud. The package decides nothing: whether
// an invitation is still good is for the service to say.
package enrolment

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

const (
	// SecretSize is the size of an invitation's secret in bytes: 128 bits, so
	// that it can seed a key and cannot be guessed within the day it is good.
	SecretSize = 16
	// ExporterLabel and ExporterSize name what both ends export from the TLS
	// connection (RFC 8446, 7.5). Signing it ties a proof to one connection: a
	// proof replayed on another, or relayed by somebody in the middle, fails.
	ExporterLabel = "EXPORTER-amparo-enrolment-1"
	// ExporterSize is the length of the export in bytes.
	ExporterSize = 32
	// ProofHeader is the metadata entry that carries the proof.
	ProofHeader = "amparo-proof-bin"

	prefix = "amparo1-"
)

// ErrInvitation is returned for a string that is no invitation.
var ErrInvitation = errors.New("read invitation: it is not whole")

// Encode writes an invitation as the one string that is handed over.
func Encode(invitation *amparov1.Invitation) (string, error) {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(invitation)
	if err != nil {
		return "", fmt.Errorf("write invitation: %w", err)
	}
	return prefix + base64.RawURLEncoding.EncodeToString(raw), nil
}

// Parse reads an invitation string. Spaces and line breaks, as mail programs and
// people add them, do no harm; anything else that is not as Encode wrote it is
// ErrInvitation.
func Parse(text string) (*amparov1.Invitation, error) {
	text = strings.Join(strings.Fields(text), "")
	encoded, ok := strings.CutPrefix(text, prefix)
	if !ok || len(encoded) > 2048 {
		return nil, ErrInvitation
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return nil, ErrInvitation
	}
	invitation := &amparov1.Invitation{}
	if err := proto.Unmarshal(raw, invitation); err != nil {
		return nil, ErrInvitation
	}
	whole := invitation.GetAddress() != "" && len(invitation.GetServerPin()) == sha256.Size &&
		invitation.GetEnrolmentName() != "" && invitation.GetId() != "" && len(invitation.GetSecret()) == SecretSize
	if !whole {
		return nil, ErrInvitation
	}
	return invitation, nil
}

// Claim is everything that a proof binds together. Leaving one out would let
// somebody in the middle exchange it.
type Claim struct {
	InvitationID string
	Exporter     []byte   // of the connection that carries the call
	TLSPin       [32]byte // SHA-256 of that connection's client key
	AgeRecipient string
	SigningKey   []byte
}

// message is length-prefixed field by field, so that no two claims read alike.
func (c Claim) message() []byte {
	out := []byte("amparo enrolment proof 1\n")
	for _, part := range [][]byte{[]byte(c.InvitationID), c.Exporter, c.TLSPin[:], []byte(c.AgeRecipient), c.SigningKey} {
		out = binary.BigEndian.AppendUint32(out, uint32(len(part)))
		out = append(out, part...)
	}
	return out
}

// proofKey stretches the secret into a signing key. The secret has 128 random
// bits, so a plain HKDF is enough: there is nothing to slow a guesser down for.
func proofKey(secret []byte) (ed25519.PrivateKey, error) {
	seed, err := hkdf.Key(sha256.New, secret, nil, "amparo enrolment key 1", ed25519.SeedSize)
	if err != nil {
		return nil, fmt.Errorf("derive proof key: %w", err)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// ProofKey is the public half that the service keeps of an invitation: it can
// check a proof with it and make none.
func ProofKey(secret []byte) (ed25519.PublicKey, error) {
	key, err := proofKey(secret)
	if err != nil {
		return nil, err
	}
	return ed25519.PublicKey(key[ed25519.SeedSize:]), nil // as crypto/ed25519 lays a key out
}

// Sign proves that the signer holds the invitation's secret.
func Sign(secret []byte, claim Claim) ([]byte, error) {
	key, err := proofKey(secret)
	if err != nil {
		return nil, err
	}
	return ed25519.Sign(key, claim.message()), nil
}

// Verify reports whether proof was made for the claim by the holder of the
// secret whose public half is key.
func Verify(key ed25519.PublicKey, claim Claim, proof []byte) bool {
	return len(key) == ed25519.PublicKeySize && ed25519.Verify(key, claim.message(), proof)
}

// ConfirmationCode is the short code that the enrolled person reads aloud and the
// confirmer's client computes again: 40 bits of SHA-256 over the person and the
// device's three keys, eight letters and digits. A server in the middle would
// have to find a second set of keys with the same code while the two speak.
func ConfirmationCode(staffID string, tlsPin []byte, ageRecipient string, signingKey []byte) string {
	h := sha256.New()
	h.Write([]byte("amparo confirmation code 1\n"))
	for _, part := range [][]byte{[]byte(staffID), tlsPin, []byte(ageRecipient), signingKey} {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		h.Write(part)
	}
	return strings.ToLower(base32.StdEncoding.EncodeToString(h.Sum(nil)[:5]))
}

// Name is the TLS name under which the service answers enrolments. It says
// nothing to whoever reads it on the wire, since a name in a TLS hello is sent in
// the clear, and it differs from one service to the next.
func Name(serverPin [32]byte) string { return name("enrolment", serverPin) }

// ServiceName is the TLS name under which the service answers everything else.
func ServiceName(serverPin [32]byte) string { return name("service", serverPin) }

func name(purpose string, serverPin [32]byte) string {
	sum := sha256.Sum256(append([]byte("amparo "+purpose+" name 1\n"), serverPin[:]...))
	return "h" + hex.EncodeToString(sum[:8]) + ".internal"
}
