package enrolment_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/enrolment"
)

func sample() *amparov1.Invitation {
	return &amparov1.Invitation{
		Address: "desk.example.org:7443", ServerPin: bytes.Repeat([]byte{1}, sha256.Size),
		EnrolmentName: enrolment.Name([32]byte{1}), Id: strings.Repeat("a", 26),
		Secret: bytes.Repeat([]byte{2}, enrolment.SecretSize), ExpiresAt: timestamppb.New(time.Unix(1_800_000_000, 0)),
	}
}

func TestAnInvitationSurvivesMailAndHands(t *testing.T) {
	text, err := enrolment.Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	for name, arrived := range map[string]string{
		"as it is":           text,
		"with a line break":  text + "\n",
		"folded by mail":     text[:40] + "\r\n " + text[40:],
		"with spaces around": "  " + text + "\t",
	} {
		got, err := enrolment.Parse(arrived)
		if err != nil || !proto.Equal(got, sample()) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatIsNoInvitation(t *testing.T) {
	text, err := enrolment.Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	without := func(change func(*amparov1.Invitation)) string {
		invitation := sample()
		change(invitation)
		encoded, err := enrolment.Encode(invitation)
		if err != nil {
			t.Fatal(err)
		}
		return encoded
	}
	for name, arrived := range map[string]string{
		"nothing":              "",
		"of another kind":      "amparo2-" + strings.TrimPrefix(text, "amparo1-"),
		"cut short":            text[:len(text)/2],
		"in another alphabet":  strings.ReplaceAll(text, "_", "/"),
		"endless":              text + strings.Repeat("A", 4096),
		"a short secret":       without(func(i *amparov1.Invitation) { i.Secret = i.GetSecret()[1:] }),
		"a short pin":          without(func(i *amparov1.Invitation) { i.ServerPin = i.GetServerPin()[1:] }),
		"no address":           without(func(i *amparov1.Invitation) { i.Address = "" }),
		"no id":                without(func(i *amparov1.Invitation) { i.Id = "" }),
		"no name to enrol at":  without(func(i *amparov1.Invitation) { i.EnrolmentName = "" }),
		"somebody else's text": "dear colleague",
	} {
		if _, err := enrolment.Parse(arrived); !errors.Is(err, enrolment.ErrInvitation) && arrived != text {
			t.Errorf("%s: got %v, want ErrInvitation", name, err)
		}
	}
}

// A proof binds everything that somebody in the middle could exchange: each part is
// changed by itself, and pieces are moved from one part to the next.
func TestAProofHoldsForItsOwnClaimOnly(t *testing.T) {
	secret := bytes.Repeat([]byte{3}, enrolment.SecretSize)
	key, err := enrolment.ProofKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	claim := enrolment.Claim{
		InvitationID: "invitation", Exporter: []byte("exporter"), TLSPin: [32]byte{4},
		AgeRecipient: "age1recipient", SigningKey: []byte("signing"),
	}
	proof, err := enrolment.Sign(secret, claim)
	if err != nil || !enrolment.Verify(key, claim, proof) {
		t.Fatalf("a true proof does not hold: %v", err)
	}
	for name, change := range map[string]func(*enrolment.Claim){
		"another invitation":  func(c *enrolment.Claim) { c.InvitationID = "another" },
		"another connection":  func(c *enrolment.Claim) { c.Exporter = []byte("elsewhere") },
		"another TLS key":     func(c *enrolment.Claim) { c.TLSPin[31] = 1 },
		"another recipient":   func(c *enrolment.Claim) { c.AgeRecipient = "age1other" },
		"another signing key": func(c *enrolment.Claim) { c.SigningKey = []byte("other") },
		"a piece moved on":    func(c *enrolment.Claim) { c.AgeRecipient, c.SigningKey = "age1recipientsign", []byte("ing") },
	} {
		changed := claim
		change(&changed)
		if enrolment.Verify(key, changed, proof) {
			t.Errorf("%s: the proof holds", name)
		}
	}
	other, err := enrolment.Sign(bytes.Repeat([]byte{9}, enrolment.SecretSize), claim)
	if err != nil || enrolment.Verify(key, claim, other) || enrolment.Verify(key, claim, nil) || enrolment.Verify(nil, claim, proof) {
		t.Errorf("a proof by another secret, no proof or no key passes: %v", err)
	}
}

func TestTheCodeTellsEveryKeyApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 1, 8), 4, 4).Draw(t, "keys")
		code := enrolment.ConfirmationCode(string(parts[0]), parts[1], string(parts[2]), parts[3])
		if len(code) != 8 || strings.ToLower(code) != code {
			t.Fatalf("%q is no code that can be read aloud", code)
		}
		which := rapid.IntRange(0, 3).Draw(t, "exchanged")
		parts[which] = append(bytes.Clone(parts[which]), 'x')
		if enrolment.ConfirmationCode(string(parts[0]), parts[1], string(parts[2]), parts[3]) == code {
			t.Fatal("an exchanged key has the same code")
		}
	})
}

func TestTheTwoNamesOfAServiceDiffer(t *testing.T) {
	a, b := [32]byte{1}, [32]byte{2}
	names := map[string]bool{enrolment.Name(a): true, enrolment.ServiceName(a): true, enrolment.Name(b): true, enrolment.ServiceName(b): true}
	if len(names) != 4 {
		t.Errorf("names are shared: %v", names)
	}
	for name := range names {
		if strings.Contains(name, "amparo") {
			t.Errorf("%s tells the wire what this is", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	text, err := enrolment.Encode(sample())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add("amparo1-")
	f.Fuzz(func(t *testing.T, text string) {
		invitation, err := enrolment.Parse(text)
		if err == nil && len(invitation.GetSecret()) != enrolment.SecretSize {
			t.Error("an invitation without a whole secret is taken")
		}
	})
}
