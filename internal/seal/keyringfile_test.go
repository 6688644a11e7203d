package seal_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/amparo-project/amparo/internal/seal"
	"github.com/amparo-project/amparo/internal/store/storepb"
	"google.golang.org/protobuf/proto"
)

// folder is a data folder with a keyring, and those who can open it.
type folder struct {
	path     string
	service  *age.HybridIdentity
	recovery *age.HybridIdentity
}

func newFolder(t testing.TB) folder {
	t.Helper()
	f := folder{
		path:     filepath.Join(t.TempDir(), "keyring"),
		service:  hybrid(t),
		recovery: hybrid(t),
	}
	if err := seal.CreateKeyring(f.path, recipients(f.service), recipients(f.recovery)); err != nil {
		t.Fatal(err)
	}
	return f
}

func hybrid(t testing.TB) *age.HybridIdentity {
	t.Helper()
	identity, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

func classic(t testing.TB) *age.X25519Identity {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

func recipients(identities ...*age.HybridIdentity) []age.Recipient {
	var all []age.Recipient
	for _, identity := range identities {
		all = append(all, identity.Recipient())
	}
	return all
}

func mustOpen(t *testing.T, f folder) *seal.Keyring {
	t.Helper()
	ring, err := seal.OpenKeyring(f.path, []age.Identity{f.service})
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestServiceAndRecoveryOpenTheSameKeyring(t *testing.T) {
	f := newFolder(t)
	ring := mustOpen(t, f)
	recovered, err := seal.OpenRecovery(f.path, []age.Identity{f.recovery})
	if err != nil {
		t.Fatal(err)
	}
	wrapped := ring.Wrap(seal.NewFileKey(1, "file"), []byte("locator"))
	if key, err := recovered.Unwrap([]byte("locator"), wrapped); err != nil || key.ID() != "file" {
		t.Errorf("the recovered keyring does not unwrap a file's key: %v", err)
	}
	leaf := ring.SealLeaf([]byte("locator"), []byte("leaf"))
	if got, err := recovered.OpenLeaf([]byte("locator"), leaf); err != nil || string(got) != "leaf" {
		t.Errorf("the recovered keyring opens the leaf as %q, %v", got, err)
	}
	if ring.ServiceRecipient() == "" || ring.ServiceRecipient() != recovered.ServiceRecipient() {
		t.Error("the two sides know different recipients of the service")
	}
	if ring.ServiceRecipient() == f.service.Recipient().String() {
		t.Error("the service's recipient is the one that unseals")
	}
	if ring.Epoch() != 1 || recovered.Epoch() != 1 {
		t.Errorf("epochs %d and %d, want 1", ring.Epoch(), recovered.Epoch())
	}
}

func TestAKeyringIsOpenedByItsOwnIdentitiesOnly(t *testing.T) {
	f := newFolder(t)
	stranger := hybrid(t)
	tests := []struct {
		name       string
		open       func(string, []age.Identity) (*seal.Keyring, error)
		identities []age.Identity
		opens      bool
	}{
		{"service", seal.OpenKeyring, []age.Identity{f.service}, true},
		{"service among others", seal.OpenKeyring, []age.Identity{stranger, classic(t), f.service}, true},
		{"recovery as service", seal.OpenKeyring, []age.Identity{f.recovery}, false},
		{"service as recovery", seal.OpenRecovery, []age.Identity{f.service}, false},
		{"stranger", seal.OpenKeyring, []age.Identity{stranger}, false},
		{"stranger, classic", seal.OpenRecovery, []age.Identity{classic(t)}, false},
		{"nobody", seal.OpenKeyring, nil, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := test.open(f.path, test.identities)
			if test.opens && err != nil || !test.opens && !errors.Is(err, seal.ErrWrongIdentity) {
				t.Errorf("opened with %v", err)
			}
		})
	}
}

func TestAMissingKeyringIsNotADamagedOne(t *testing.T) {
	_, err := seal.OpenKeyring(filepath.Join(t.TempDir(), "keyring"), []age.Identity{hybrid(t)})
	if !errors.Is(err, fs.ErrNotExist) || errors.Is(err, seal.ErrDamaged) {
		t.Errorf("got %v, want that it does not exist", err)
	}
}

func TestAKeyringOfALaterFormatIsRefusedByName(t *testing.T) {
	f := newFolder(t)
	later := bytes.Replace(content(t, f.path), []byte("keyring 1\n"), []byte("keyring 20\n"), 1)
	_, err := seal.ParseKeyring(later, []age.Identity{f.service})
	if !errors.Is(err, seal.ErrFormat) {
		t.Errorf("got %v, want ErrFormat", err)
	}
}

func TestEveryDamageOfAKeyringIsNoticed(t *testing.T) {
	f := newFolder(t)
	whole := content(t, f.path)
	refused := func(what string, at int, data []byte) {
		t.Helper()
		_, err := seal.ParseKeyring(data, []age.Identity{f.service})
		// A changed digit in the first line reads as another format.
		if !errors.Is(err, seal.ErrDamaged) && !errors.Is(err, seal.ErrFormat) {
			t.Errorf("%s at byte %d: %v; want ErrDamaged", what, at, err)
		}
	}
	for i := range whole {
		changed := bytes.Clone(whole)
		changed[i] ^= 1 << (i % 8)
		refused("changed", i, changed)
	}
	for i := 0; i < len(whole); i += 7 {
		refused("cut", i, whole[:i])
	}
	refused("lengthened", len(whole), append(bytes.Clone(whole), '\n'))
}

// TestAKeyringPutTogetherBySomebodyElseIsRefused changes the file as one can who
// holds the disk but no key, and knows the format.
func TestAKeyringPutTogetherBySomebodyElseIsRefused(t *testing.T) {
	f, other := newFolder(t), newFolder(t)
	stranger := hybrid(t)
	older := content(t, f.path)
	if _, err := mustOpen(t, f).Replace(f.path, recipients(f.service), recipients(f.recovery)); err != nil {
		t.Fatal(err)
	}
	whole := content(t, f.path)
	tests := []struct {
		name   string
		change func(file *storepb.KeyringFile)
	}{
		{"the next recovery recipient", func(file *storepb.KeyringFile) {
			file.RecoveryRecipients = []string{stranger.Recipient().String()}
		}},
		{"the service's recipient", func(file *storepb.KeyringFile) {
			file.ServiceRecipient = stranger.Recipient().String()
		}},
		{"the epoch", func(file *storepb.KeyringFile) { file.Epoch++ }},
		{"an older payload for the service", func(file *storepb.KeyringFile) {
			file.ForService = fileOf(t, older).GetForService()
		}},
		{"an older payload for recovery", func(file *storepb.KeyringFile) {
			file.ForRecovery = fileOf(t, older).GetForRecovery()
		}},
		{"no payload for recovery", func(file *storepb.KeyringFile) { file.ForRecovery = nil }},
		{"no payload for the service", func(file *storepb.KeyringFile) { file.ForService = nil }},
		{"another folder's keys", func(file *storepb.KeyringFile) {
			file.ForService = reseal(t, fileOf(t, content(t, other.path)).GetForService(), other.service, f.service)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			file := fileOf(t, whole)
			test.change(file)
			_, err := seal.ParseKeyring(resummed(t, whole, file), []age.Identity{f.service})
			if !errors.Is(err, seal.ErrDamaged) {
				t.Errorf("got %v, want ErrDamaged", err)
			}
		})
	}
	if _, err := seal.ParseKeyring(resummed(t, whole, fileOf(t, whole)), []age.Identity{f.service}); err != nil {
		t.Errorf("put together without a change: %v", err)
	}
}

const firstLine = "amparo keyring 1\n"

func fileOf(t *testing.T, whole []byte) *storepb.KeyringFile {
	t.Helper()
	file := &storepb.KeyringFile{}
	if err := proto.Unmarshal(whole[len(firstLine):len(whole)-64], file); err != nil {
		t.Fatal(err)
	}
	return file
}

// resummed is a keyring's file with another message, the old MAC and the right sum.
func resummed(t *testing.T, whole []byte, file *storepb.KeyringFile) []byte {
	t.Helper()
	body, err := proto.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	data := append([]byte(firstLine), body...)
	data = append(data, whole[len(whole)-64:len(whole)-32]...)
	sum := sha256.Sum256(data)
	return append(data, sum[:]...)
}

func reseal(t *testing.T, payload []byte, from, to *age.HybridIdentity) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "payload")
	if err := os.WriteFile(path, payload, 0o600); err != nil {
		t.Fatal(err)
	}
	plaintext, err := seal.OpenFile(path, []age.Identity{from})
	if err != nil {
		t.Fatal(err)
	}
	if err := seal.SealFile(path, plaintext, recipients(to)); err != nil {
		t.Fatal(err)
	}
	return content(t, path)
}

func TestAKeyringIsNotMadeWithoutAWayBack(t *testing.T) {
	service, first, second := hybrid(t), hybrid(t), hybrid(t)
	tests := []struct {
		name     string
		recovery []age.Recipient
		says     string
	}{
		{"no recovery recipient", nil, "needs a recovery recipient"},
		{"the service recovers itself", recipients(first, service), "the service's own"},
		{"one would be weaker", append(recipients(first, second), classic(t).Recipient()), "can't mix"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "keyring")
			err := seal.CreateKeyring(path, recipients(service), test.recovery)
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want %q", err, test.says)
			}
			if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
				t.Error("a file was left")
			}
		})
	}
}

func TestSidesMayBeOfDifferentStrength(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keyring")
	service, recovery := hybrid(t), classic(t)
	if err := seal.CreateKeyring(path, recipients(service), []age.Recipient{recovery.Recipient()}); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.OpenKeyring(path, []age.Identity{service}); err != nil {
		t.Errorf("the service: %v", err)
	}
	if _, err := seal.OpenRecovery(path, []age.Identity{recovery}); err != nil {
		t.Errorf("recovery: %v", err)
	}
}

func TestAnExistingKeyringIsNotOverwritten(t *testing.T) {
	f := newFolder(t)
	before := content(t, f.path)
	err := seal.CreateKeyring(f.path, recipients(f.service), recipients(f.recovery))
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v, want that it exists", err)
	}
	if !bytes.Equal(content(t, f.path), before) {
		t.Error("the keyring was changed")
	}
}

// FuzzOpenKeyring gives the message any bytes and the right sum, as somebody would
// who wants to get past it.
func FuzzOpenKeyring(f *testing.F) {
	ring := newFolder(f)
	whole, err := os.ReadFile(ring.path)
	if err != nil {
		f.Fatal(err)
	}
	valid := whole[:len(whole)-32]
	f.Add(valid)
	f.Add(valid[:200])
	f.Add([]byte(firstLine))
	f.Add([]byte("amparo keyring 2\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		sum := sha256.Sum256(data)
		_, err := seal.ParseKeyring(append(bytes.Clone(data), sum[:]...), []age.Identity{ring.service})
		if bytes.Equal(data, valid) {
			return
		}
		if !errors.Is(err, seal.ErrDamaged) && !errors.Is(err, seal.ErrFormat) && !errors.Is(err, seal.ErrWrongIdentity) {
			t.Errorf("opened with %v", err)
		}
	})
}
