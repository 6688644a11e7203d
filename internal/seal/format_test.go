package seal_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"sync"
	"testing"

	"github.com/amparo-project/amparo/internal/seal"
	"github.com/amparo-project/amparo/internal/store/storepb"
)

// fixedKey is 32 times the same byte.
func fixedKey(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

// fixed is a keyring whose keys anybody can tell.
func fixed(t *testing.T) *seal.Keyring {
	t.Helper()
	m := &storepb.Keyring{
		Epoch:           1,
		RequestKey:      fixedKey(1),
		TokenKey:        fixedKey(2),
		QueryKey:        fixedKey(3),
		FoldKey:         fixedKey(4),
		CursorKey:       fixedKey(5),
		LeafKey:         fixedKey(6),
		ServiceIdentity: hybrid(t).String(),
	}
	for shard := range 256 {
		m.Keks = append(m.Keks, &storepb.KeyEncryptionKey{Generation: 1, Key: fixedKey(byte(shard))})
	}
	ring, err := seal.KeyringOf(m)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// TestWhatWasSealedBeforeStillOpens holds what format 1 wrote. It must open for as
// long as any file of that format lasts.
func TestWhatWasSealedBeforeStillOpens(t *testing.T) {
	ring := fixed(t)
	key, err := ring.Unwrap([]byte("locator"), unhex(t, storedKey))
	if err != nil {
		t.Fatalf("a wrapped key: %v", err)
	}
	if key.Kind() != 7 || key.ID() != "file" {
		t.Errorf("the key of %d %q, want of 7 \"file\"", key.Kind(), key.ID())
	}
	context := seal.Context{RecordKind: 3, RecordID: []byte("record"), Version: 9}
	if got, err := key.Open(context, unhex(t, storedRecord)); err != nil || string(got) != "a record" {
		t.Errorf("a record: %q, %v", got, err)
	}
	if got, err := ring.OpenLeaf([]byte("locator"), unhex(t, storedLeaf)); err != nil || string(got) != "a leaf" {
		t.Errorf("a leaf: %q, %v", got, err)
	}
	if got, err := ring.OpenLogState([]byte("locator"), unhex(t, storedState)); err != nil || string(got) != "a state" {
		t.Errorf("the state of the log: %q, %v", got, err)
	}
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func hmacOf(key []byte, parts ...string) []byte {
	h := hmac.New(sha256.New, key)
	for _, part := range parts {
		h.Write([]byte(part))
	}
	return h.Sum(nil)
}

func TestKeyedHashesAreWhatTheyAreSaidToBe(t *testing.T) {
	ring := fixed(t)
	name := ring.RequestName("staff", "request")
	if want := hmacOf(fixedKey(1), "\x05staff", "\x07request"); !bytes.Equal(name[:], want[:16]) {
		t.Errorf("a request's name is %x, want %x", name, want[:16])
	}
	derived := hmacOf(fixedKey(1), "amparo keyring: record name\x01") // HKDF-Expand of one block
	record := ring.RecordName([]byte("locator"), 3, []byte("record"))
	if want := hmacOf(derived, "\x07locator", "\x00\x00\x00\x03", "\x06record"); !bytes.Equal(record[:], want[:16]) {
		t.Errorf("a record's name is %x, want %x", record, want[:16])
	}
	if got, want := ring.Token(9, "text"), hmacOf(fixedKey(2), "\x09text"); got != binary.BigEndian.Uint64(want) {
		t.Errorf("a token is %x, want %x", got, want[:8])
	}
	if got, want := ring.QueryHash("text"), hmacOf(fixedKey(3), "text"); !bytes.Equal(got, want) {
		t.Errorf("a search text's hash is %x, want %x", got, want)
	}
	fold := ring.Fold("name", 258, []byte("hash"))
	if want := hmacOf(fixedKey(4), "\x04name", "\x00\x00\x00\x00\x00\x00\x01\x02", "\x04hash"); !bytes.Equal(fold[:], want) {
		t.Errorf("a head's term is %x, want %x", fold, want)
	}
}

func TestKeyedHashesTellTheirFieldsApart(t *testing.T) {
	ring := drawn(t)
	if ring.RequestName("ab", "c") == ring.RequestName("a", "bc") {
		t.Error("two requests have one name")
	}
	if ring.RecordName([]byte("ab"), 1, []byte("c")) == ring.RecordName([]byte("a"), 1, []byte("bc")) {
		t.Error("two records have one name")
	}
	if ring.Fold("a", 1, []byte("b")) == ring.Fold("a", 2, []byte("b")) {
		t.Error("two versions of a head have one term")
	}
	if ring.Token(1, "text") == ring.Token(2, "text") {
		t.Error("two kinds of text have one token")
	}
	if ring.Token(1, "text") == drawn(t).Token(1, "text") {
		t.Error("two keyrings have one token")
	}
}

func TestKeyedHashesMayBeTakenAtOnce(t *testing.T) {
	ring := drawn(t)
	want := make([]uint64, 256)
	for kind := range want {
		want[kind] = ring.Token(byte(kind), "text")
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for round := range 2000 {
				if got := ring.Token(byte(round), "text"); got != want[byte(round)] {
					t.Errorf("token %d is %x, want %x", round, got, want[byte(round)])
				}
			}
		})
	}
	all.Wait()
}

func TestAnIncompleteKeyringIsRefused(t *testing.T) {
	complete := func() *storepb.Keyring {
		m := &storepb.Keyring{
			Epoch: 1, RequestKey: fixedKey(1), TokenKey: fixedKey(2), QueryKey: fixedKey(3), FoldKey: fixedKey(4),
			CursorKey: fixedKey(5), LeafKey: fixedKey(6), ServiceIdentity: hybrid(t).String(),
		}
		for range 256 {
			m.Keks = append(m.Keks, &storepb.KeyEncryptionKey{Generation: 1, Key: fixedKey(7)})
		}
		return m
	}
	if _, err := seal.KeyringOf(complete()); err != nil {
		t.Fatalf("complete: %v", err)
	}
	tests := []struct {
		name string
		cut  func(m *storepb.Keyring)
	}{
		{"no epoch", func(m *storepb.Keyring) { m.Epoch = 0 }},
		{"no request key", func(m *storepb.Keyring) { m.RequestKey = nil }},
		{"no token key", func(m *storepb.Keyring) { m.TokenKey = nil }},
		{"no query key", func(m *storepb.Keyring) { m.QueryKey = nil }},
		{"no fold key", func(m *storepb.Keyring) { m.FoldKey = nil }},
		{"a short cursor key", func(m *storepb.Keyring) { m.CursorKey = m.GetCursorKey()[:31] }},
		{"a long leaf key", func(m *storepb.Keyring) { m.LeafKey = append(m.GetLeafKey(), 0) }},
		{"a shard too few", func(m *storepb.Keyring) { m.Keks = m.GetKeks()[:255] }},
		{"a shard without a key", func(m *storepb.Keyring) { m.Keks[17].Key = nil }},
		{"a shard without a generation", func(m *storepb.Keyring) { m.Keks[255].Generation = 0 }},
		{"no identity", func(m *storepb.Keyring) { m.ServiceIdentity = "" }},
	}
	for _, test := range tests {
		m := complete()
		test.cut(m)
		if _, err := seal.KeyringOf(m); err == nil {
			t.Errorf("%s: taken for complete", test.name)
		}
	}
}
