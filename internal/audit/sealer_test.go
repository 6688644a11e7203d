package audit_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/memory"
)

// sealer is an audit.Sealer over an AEAD, as the keyring is.
type sealer struct {
	aead cipher.AEAD
	key  []byte
}

func newSealer() sealer {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // 32 bytes are a key
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return sealer{aead, key}
}

func (s sealer) SealLeaf(locator, plaintext []byte) []byte {
	return s.aead.Seal(nil, nil, plaintext, append([]byte("leaf"), locator...))
}

func (s sealer) OpenLeaf(locator, envelope []byte) ([]byte, error) {
	return s.aead.Open(nil, nil, envelope, append([]byte("leaf"), locator...))
}

func (s sealer) SealLogState(locator, plaintext []byte) []byte {
	return s.aead.Seal(nil, nil, plaintext, append([]byte("state"), locator...))
}

func (s sealer) OpenLogState(locator, envelope []byte) ([]byte, error) {
	return s.aead.Open(nil, nil, envelope, append([]byte("state"), locator...))
}

func (s sealer) Fold(pseudonym string, version uint64, headHash []byte) [32]byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write(binary.BigEndian.AppendUint64([]byte(pseudonym), version))
	mac.Write(headHash)
	return [32]byte(mac.Sum(nil))
}

var evening = time.Date(2031, 5, 14, 23, 59, 58, 0, time.UTC)

func newEngine() *memory.Engine { return memory.New(memory.Limits{}) }

func stamp(t time.Time) *timestamppb.Timestamp { return timestamppb.New(t) }

// newLog begins a log on an engine of its own.
func newLog(t testing.TB) audit.Config {
	t.Helper()
	secret, _, err := audit.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	config := audit.Config{Engine: newEngine(), Sealer: newSealer(), Key: secret}
	if err := audit.Create(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	return config
}

func open(t testing.TB, config audit.Config) *audit.Log {
	t.Helper()
	l, err := audit.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func read() *amparov1.AuditLeaf {
	return &amparov1.AuditLeaf{
		Action:   amparov1.LeafAction_LEAF_ACTION_CASE_READ,
		Outcome:  amparov1.LeafOutcome_LEAF_OUTCOME_DONE,
		StaffId:  "staff-1",
		DeviceId: "device-1",
		Shown:    []string{"pseudonym-1"},
	}
}

// record commits leaves together, as one call of the service does.
func record(t testing.TB, config audit.Config, now time.Time, leaves ...*amparov1.AuditLeaf) {
	t.Helper()
	writes := make([]store.Write, len(leaves))
	for i, leaf := range leaves {
		w, err := audit.NewLeaf(config.Sealer, leaf, now, 0)
		if err != nil {
			t.Fatal(err)
		}
		writes[i] = w
	}
	if _, err := config.Engine.Commit(t.Context(), nil, writes); err != nil {
		t.Fatal(err)
	}
}
