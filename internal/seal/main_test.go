package seal_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/plugin"
	"github.com/amparo-project/amparo/internal/seal"
)

// TestMain lets the test binary stand in for the other programs that the tests
// start: an age plugin, by its name, and a service that replaces its keyring.
func TestMain(m *testing.M) {
	if strings.HasPrefix(filepath.Base(os.Args[0]), "age-plugin-") {
		os.Exit(actAsPlugin())
	}
	if keyring := os.Getenv("SEAL_TEST_REPLACE"); keyring != "" {
		err := replaceForEver(keyring, os.Getenv("SEAL_TEST_IDENTITY"))
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// replaceForEver prints each epoch once it is in force.
func replaceForEver(path, identityPath string) error {
	identities, err := seal.LoadIdentities(identityPath, seal.Terminal{})
	if err != nil {
		return err
	}
	service, err := seal.Recipients(identities)
	if err != nil {
		return err
	}
	ring, err := seal.OpenKeyring(path, identities)
	for err == nil {
		fmt.Println(ring.Epoch())
		var recovery []age.Recipient
		if recovery, err = ring.RecoveryRecipients(); err != nil {
			break
		}
		ring, err = ring.Replace(path, service, recovery)
	}
	return err
}

// actAsPlugin keeps a key that it hands out for the PIN 2468.
func actAsPlugin() int {
	p, err := plugin.New("sealtest")
	if err != nil {
		return 1
	}
	p.RegisterFlags(nil)
	p.HandleRecipient(func(data []byte) (age.Recipient, error) { return pluginKey(data).Recipient(), nil })
	p.HandleIdentityAsRecipient(func(data []byte) (age.Recipient, error) { return pluginKey(data).Recipient(), nil })
	p.HandleIdentity(func(data []byte) (age.Identity, error) { return &askingIdentity{p, pluginKey(data)}, nil })
	return p.Main()
}

type askingIdentity struct {
	plugin *plugin.Plugin
	key    *age.X25519Identity
}

func (i *askingIdentity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if err := i.plugin.DisplayMessage("touch the token"); err != nil {
		return nil, err
	}
	pin, err := i.plugin.RequestValue("PIN", true)
	if err != nil {
		return nil, err
	}
	if pin != "2468" {
		return nil, fmt.Errorf("wrong PIN")
	}
	return i.key.Unwrap(stanzas)
}

func pluginKey(data []byte) *age.X25519Identity {
	identity, err := age.ParseX25519Identity(string(data))
	if err != nil {
		panic(err)
	}
	return identity
}
