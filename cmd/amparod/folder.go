package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"
	"go.yaml.in/yaml/v3"
	"golang.org/x/term"

	"github.com/amparo-project/amparo/internal/anchor"
	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/seal"
	"github.com/amparo-project/amparo/internal/server"
	"github.com/amparo-project/amparo/internal/store/bolt"
)

// Files of a data folder.
const (
	keyringFile = "keyring"
	logFile     = "log.age"
	tlsFile     = "tls.age"
	serviceFile = "service.yaml"
	storeFile   = "store.bolt"
)

// serviceFormat is the version of service.yaml and of the folder as a whole.
const serviceFormat = 1

// service is what service.yaml holds: nothing secret.
type service struct {
	Format  int    `yaml:"format"`
	Address string `yaml:"address"` // what invitations carry
}

// folder is an opened data folder.
type folder struct {
	path        string
	keyring     *seal.Keyring
	certificate tls.Certificate
	door        server.Door
	logKey      string
	zone        *time.Location // of the mechanism; nil where no term is counted
}

// openFolder opens the small files of a data folder with the unseal identity.
func openFolder(path, identityPath string) (*folder, error) {
	identities, err := seal.LoadIdentities(identityPath, terminal())
	if err != nil {
		return nil, err
	}
	f := &folder{path: path}
	if f.keyring, err = seal.OpenKeyring(filepath.Join(path, keyringFile), identities); err != nil {
		return nil, err
	}
	logKey, err := f.openSecret(logFile, identities)
	if err != nil {
		return nil, err
	}
	f.logKey = string(logKey)
	pair, err := f.openSecret(tlsFile, identities)
	if err != nil {
		return nil, err
	}
	if f.certificate, err = tls.X509KeyPair(pair, pair); err != nil {
		return nil, fmt.Errorf("read the TLS key: %w", err)
	}
	f.door.ServerPin = sha256.Sum256(f.certificate.Leaf.RawSubjectPublicKeyInfo)
	f.door.Address, err = readService(path)
	return f, err
}

// openSecret opens one of the small sealed files. The identity has opened the
// keyring before, so a file that it does not open is not the one that was sealed
// to it: that is damage, and no other identity would help.
func (f *folder) openSecret(name string, identities []age.Identity) ([]byte, error) {
	secret, err := seal.OpenFile(filepath.Join(f.path, name), identities)
	if errors.Is(err, seal.ErrWrongIdentity) {
		err = seal.ErrDamaged
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	return secret, nil
}

func readService(path string) (address string, err error) {
	file, err := os.Open(filepath.Join(path, serviceFile))
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	var s service
	decoder := yaml.NewDecoder(file)
	decoder.KnownFields(true)
	if err := decoder.Decode(&s); err != nil {
		return "", fmt.Errorf("read %s: %w", serviceFile, err)
	}
	if s.Format != serviceFormat {
		return "", seal.ErrFormat
	}
	return s.Address, nil
}

// terminal reaches the operator for a passphrase, when there is one to reach.
func terminal() seal.Terminal {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return seal.Terminal{}
	}
	return seal.Terminal{
		Show: func(message string) { _, _ = fmt.Fprintln(os.Stderr, message) },
		Ask: func(prompt string) (string, error) {
			_, _ = fmt.Fprint(os.Stderr, prompt+" ")
			secret, err := term.ReadPassword(int(os.Stdin.Fd()))
			_, _ = fmt.Fprintln(os.Stderr)
			return string(secret), err
		},
	}
}

// makeFolder writes the small files of a new data folder.
func makeFolder(path, address string, own, recovery []age.Recipient) error {
	if err := seal.CreateKeyring(filepath.Join(path, keyringFile), own, recovery); err != nil {
		return err
	}
	secret, _, err := audit.GenerateKey()
	if err != nil {
		return err
	}
	if err := seal.SealFile(filepath.Join(path, logFile), []byte(secret), own); err != nil {
		return err
	}
	pair, err := server.NewCertificate(address)
	if err != nil {
		return err
	}
	if err := seal.SealFile(filepath.Join(path, tlsFile), pair, own); err != nil {
		return err
	}
	text, err := yaml.Marshal(service{Format: serviceFormat, Address: address})
	if err != nil {
		return err
	}
	return writeSynced(filepath.Join(path, serviceFile), text)
}

// writeSynced writes a new file; the rename of the whole folder makes it appear.
func writeSynced(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Sync(), file.Close())
}

// unsealed is a data folder with its store open.
type unsealed struct {
	*folder
	engine  *bolt.Engine
	log     *audit.Log
	records *records.Records
	anchor  *anchor.Anchor // nil unless the folder is served with one
	outside                // nothing unless the folder is served
}

// unseal opens the store of a folder: the log catches up first, since what the
// heads are compared with must be complete.
func (f *folder) unseal(ctx context.Context, engine *bolt.Engine, integrity func(string)) (*unsealed, error) {
	return f.unsealWith(ctx, engine, records.Config{FreeSpace: freeSpace(f.path), Integrity: integrity})
}

// unsealToCheck leaves nothing in the log about what is damaged: it is told to
// whoever asked.
func (f *folder) unsealToCheck(ctx context.Context, engine *bolt.Engine) (*unsealed, error) {
	return f.unsealWith(ctx, engine, records.Config{ReadOnly: true})
}

func (f *folder) unsealWith(ctx context.Context, engine *bolt.Engine, config records.Config) (*unsealed, error) {
	log, err := audit.Open(ctx, audit.Config{Engine: engine, Sealer: f.keyring, Key: f.logKey})
	if err != nil {
		return nil, err
	}
	if err := log.CatchUp(ctx); err != nil {
		return nil, err
	}
	config.Engine, config.Keyring, config.Log, config.Now, config.Zone = engine, f.keyring, log, time.Now, f.zone
	if config.Zone == nil {
		// Whatever opens the store without a configuration begins it as a service
		// without one would.
		zone, err := Config{}.zone()
		if err != nil {
			return nil, err
		}
		config.Zone = zone
	}
	booted := time.Now()
	config.Uptime = func() time.Duration { return time.Since(booted) }
	r, err := records.Open(ctx, config)
	if err != nil {
		return nil, err
	}
	return &unsealed{folder: f, engine: engine, log: log, records: r}, nil
}

func (f *folder) openStore(acceptLostCommit bool) (*bolt.Engine, error) {
	return bolt.Open(bolt.Options{Path: filepath.Join(f.path, storeFile), AcceptLostCommit: acceptLostCommit})
}

var errFolderExists = errors.New("there is a data folder already")
