package seal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
	"filippo.io/age/plugin"
)

// maxWorkFactor is what age itself gives a passphrase; it costs 256 MiB and about
// two seconds. age would go on to 22, which is 4 GiB: a prepared file could stop
// the machine.
const maxWorkFactor = 18

// Terminal is how a passphrase, or an age plugin, reaches a person. The zero
// Terminal reaches nobody: what must be asked then fails, what is shown is lost.
type Terminal struct {
	Show func(message string)
	Ask  func(prompt string) (secret string, err error)
}

// GenerateIdentity makes a post-quantum age identity and writes it to a new file
// that only its owner may read. It returns the recipient that goes with it, which
// the file's first line names as well.
func GenerateIdentity(path string) (recipient string, err error) {
	identity, err := age.GenerateHybridIdentity()
	if err != nil {
		return "", fmt.Errorf("generate an identity: %w", err)
	}
	recipient = identity.Recipient().String()
	text := "# recipient: " + recipient + "\n" + identity.String() + "\n"
	if err := writeNew(path, []byte(text)); err != nil {
		return "", err
	}
	return recipient, syncFolder(path)
}

// LoadIdentities reads an age identity file: plain, under a passphrase, or naming
// age plugins. The error wraps fs.ErrNotExist, ErrWrongIdentity for a wrong
// passphrase, or says what is wrong; it never shows what the file holds. ssh keys
// are not read.
func LoadIdentities(path string, terminal Terminal) ([]age.Identity, error) {
	content, err := readFile(path)
	if err != nil {
		return nil, err
	}
	if content, err = openProtected(content, terminal); err != nil {
		return nil, err
	}
	var identities []age.Identity
	err = eachLine(content, func(line string) error {
		identity, err := parseIdentity(line, terminal)
		identities = append(identities, identity)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the identity file: %w", err)
	}
	return identities, nil
}

// openProtected asks for the passphrase of an identity file that has one.
func openProtected(content []byte, terminal Terminal) ([]byte, error) {
	var sealed io.Reader
	switch {
	case bytes.HasPrefix(content, []byte("age-encryption.org/")):
		sealed = bytes.NewReader(content)
	case bytes.HasPrefix(content, []byte(armor.Header)):
		sealed = armor.NewReader(bytes.NewReader(content))
	default:
		return content, nil
	}
	passphrase, err := terminal.ask("passphrase of the identity file")
	if err != nil {
		return nil, err
	}
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, fmt.Errorf("use the passphrase: %w", err)
	}
	identity.SetMaxWorkFactor(maxWorkFactor)
	r, err := age.Decrypt(sealed, identity)
	var noMatch *age.NoIdentityMatchError
	if errors.As(err, &noMatch) {
		return nil, fmt.Errorf("use the passphrase: %w", ErrWrongIdentity)
	}
	if err != nil {
		return nil, fmt.Errorf("open the identity file: %w", err)
	}
	if content, err = io.ReadAll(r); err != nil {
		return nil, fmt.Errorf("open the identity file: %w: %w", ErrDamaged, err)
	}
	return content, nil
}

func parseIdentity(line string, terminal Terminal) (age.Identity, error) {
	var identity age.Identity
	var err error
	switch {
	case strings.HasPrefix(line, "AGE-PLUGIN-"):
		var p *plugin.Identity
		p, err = plugin.NewIdentity(line, terminal.forPlugins())
		identity = pluginIdentity{p}
	case strings.HasPrefix(line, "AGE-SECRET-KEY-PQ-"):
		identity, err = age.ParseHybridIdentity(line)
	default:
		identity, err = age.ParseX25519Identity(line)
	}
	if err != nil {
		return nil, errors.New("it is no age identity") // err may quote the key
	}
	return identity, nil
}

// eachLine calls parse for what stands in a file one a line, beside comments.
func eachLine(content []byte, parse func(line string) error) error {
	found := false
	number := 0
	for line := range strings.Lines(string(content)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		found = true
		if err := parse(line); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
	}
	if !found {
		return errors.New("it is empty")
	}
	return nil
}

// errPlugin marks what a plugin could not do, which is not the file's fault.
var errPlugin = errors.New("age plugin")

type pluginIdentity struct {
	*plugin.Identity
}

func (i pluginIdentity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	key, err := i.Identity.Unwrap(stanzas)
	if err != nil && !errors.Is(err, age.ErrIncorrectIdentity) {
		return nil, fmt.Errorf("%w: %w", errPlugin, err)
	}
	return key, err
}

func (t Terminal) ask(prompt string) (string, error) {
	if t.Ask == nil {
		return "", errors.New("ask for a secret: nobody is there to give it")
	}
	return t.Ask(prompt)
}

func (t Terminal) show(message string) {
	if t.Show != nil {
		t.Show(message)
	}
}

// forPlugins lets a plugin talk. A choice between two answers is taken as a
// refusal: no key should hang on one.
func (t Terminal) forPlugins() *plugin.ClientUI {
	return &plugin.ClientUI{
		DisplayMessage: func(name, message string) error {
			t.show(name + ": " + message)
			return nil
		},
		RequestValue: func(name, prompt string, _ bool) (string, error) {
			return t.ask(name + ": " + prompt)
		},
		Confirm: func(name, prompt, _, _ string) (bool, error) {
			t.show(name + ": " + prompt)
			return false, errors.New("no choice can be offered")
		},
		WaitTimer: func(name string) { t.show("waiting for " + name) },
	}
}
