package seal_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
	"filippo.io/age/plugin"
	"github.com/amparo-project/amparo/internal/seal"
)

func TestAGeneratedIdentityIsItsOwnDescription(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity.age")
	recipient, err := seal.GenerateIdentity(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(recipient, "age1pq1") {
		t.Errorf("the recipient %.10s… is not post-quantum", recipient)
	}
	if !bytes.HasPrefix(content(t, path), []byte("# recipient: "+recipient+"\n")) {
		t.Error("the file does not begin with its recipient")
	}
	identities, err := seal.LoadIdentities(path, seal.Terminal{})
	if err != nil {
		t.Fatal(err)
	}
	own, err := seal.Recipients(identities)
	if err != nil {
		t.Fatal(err)
	}
	if len(own) != 1 || own[0].(*age.HybridRecipient).String() != recipient {
		t.Error("the identity has another recipient than was returned")
	}
	before := content(t, path)
	if _, err := seal.GenerateIdentity(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("generated over an identity: %v", err)
	}
	if !bytes.Equal(content(t, path), before) {
		t.Error("the identity was changed")
	}
}

// write makes a file in a folder of the test's own.
func write(t *testing.T, data string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestIdentityFilesThatAreNone(t *testing.T) {
	key := hybrid(t).String()
	tests := []struct {
		name, file string
	}{
		{"empty", ""},
		{"comments only", "# nothing\n\n"},
		{"a recipient", hybrid(t).Recipient().String() + "\n"},
		{"a changed key", key[:20] + "QQQQ" + key[24:] + "\n"},
		{"an ssh key", "-----BEGIN OPENSSH PRIVATE KEY-----\n"},
		{"a word after the key", key + " key\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			identities, err := seal.LoadIdentities(write(t, test.file), seal.Terminal{})
			if err == nil {
				t.Fatalf("read %d identities", len(identities))
			}
			if strings.Contains(strings.ToUpper(err.Error()), key[20:30]) {
				t.Errorf("the error shows the key: %v", err)
			}
		})
	}
	if _, err := seal.LoadIdentities(filepath.Join(t.TempDir(), "none"), seal.Terminal{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

// protected is an identity file under a passphrase.
func protected(t *testing.T, identity, passphrase string, workFactor int, armored bool) string {
	t.Helper()
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		t.Fatal(err)
	}
	recipient.SetWorkFactor(workFactor)
	var file bytes.Buffer
	var out io.Writer = &file
	closeArmor := func() error { return nil }
	if armored {
		a := armor.NewWriter(&file)
		out, closeArmor = a, a.Close
	}
	w, err := age.Encrypt(out, recipient)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, "# comment\n"+identity+"\n")
	if err := errors.Join(w.Close(), closeArmor()); err != nil {
		t.Fatal(err)
	}
	return write(t, file.String())
}

func TestAnIdentityUnderAPassphraseOpensTheKeyring(t *testing.T) {
	f := newFolder(t)
	for _, armored := range []bool{false, true} {
		path := protected(t, f.service.String(), "correct horse", 10, armored)
		right := seal.Terminal{Ask: func(string) (string, error) { return "correct horse", nil }}
		identities, err := seal.LoadIdentities(path, right)
		if err != nil {
			t.Fatalf("armored %t: %v", armored, err)
		}
		if _, err := seal.OpenKeyring(f.path, identities); err != nil {
			t.Errorf("armored %t: %v", armored, err)
		}
		wrong := seal.Terminal{Ask: func(string) (string, error) { return "battery", nil }}
		if _, err := seal.LoadIdentities(path, wrong); !errors.Is(err, seal.ErrWrongIdentity) {
			t.Errorf("armored %t: wrong passphrase: %v", armored, err)
		}
		if _, err := seal.LoadIdentities(path, seal.Terminal{}); err == nil {
			t.Errorf("armored %t: opened without a passphrase", armored)
		}
	}
}

func TestAPassphraseMayNotCostTheMachine(t *testing.T) {
	path := protected(t, hybrid(t).String(), "x", 10, false)
	// Nobody would wait for a real one; the work factor stands in the header.
	dear := write(t, strings.Replace(string(content(t, path)), " 10\n", " 19\n", 1))
	_, err := seal.LoadIdentities(dear, seal.Terminal{Ask: func(string) (string, error) { return "x", nil }})
	if err == nil || !strings.Contains(err.Error(), "work factor too large") {
		t.Errorf("got %v, want that the work factor is too large", err)
	}
}

// installPlugin puts the test binary into PATH as age-plugin-sealtest and returns
// an identity and a recipient of it.
func installPlugin(t *testing.T) (identity, recipient string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(self, filepath.Join(bin, "age-plugin-sealtest")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	key := []byte(classic(t).String())
	return plugin.EncodeIdentity("sealtest", key), plugin.EncodeRecipient("sealtest", key)
}

func TestAPluginOpensTheKeyring(t *testing.T) {
	identity, recipient := installPlugin(t)
	var shown []string
	pin := "2468"
	terminal := seal.Terminal{
		Show: func(message string) { shown = append(shown, message) },
		Ask:  func(string) (string, error) { return pin, nil },
	}
	identities, err := seal.LoadIdentities(write(t, identity+"\n"), terminal)
	if err != nil {
		t.Fatal(err)
	}
	service, err := seal.Recipients(identities)
	if err != nil {
		t.Fatal(err)
	}
	recovery, err := seal.ParseRecipients(plugin.EncodeRecipient("sealtest", []byte(classic(t).String())))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "keyring")
	if err := seal.CreateKeyring(path, service, recovery); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(content(t, path), []byte(identity)) || bytes.Contains(content(t, path), []byte(recipient)) {
		t.Error("the keyring's file names the plugin's identity")
	}
	if _, err := seal.OpenKeyring(path, identities); err != nil {
		t.Errorf("the right PIN: %v", err)
	}
	if len(shown) == 0 || !strings.Contains(shown[0], "touch the token") {
		t.Errorf("the plugin's message was not shown: %q", shown)
	}

	pin = "1357"
	_, err = seal.OpenKeyring(path, identities)
	if err == nil || errors.Is(err, seal.ErrDamaged) || errors.Is(err, seal.ErrWrongIdentity) {
		t.Errorf("the wrong PIN: %v; want the plugin's error", err)
	}
	t.Setenv("PATH", t.TempDir())
	_, err = seal.OpenKeyring(path, identities)
	var missing *plugin.NotFoundError
	if !errors.As(err, &missing) {
		t.Errorf("no such plugin: %v; want that it is not found", err)
	}
}
