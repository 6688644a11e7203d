package client

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"

	"filippo.io/age"
	"go.yaml.in/yaml/v3"

	"github.com/amparo-project/amparo/internal/enrolment"
)

// The files of a profile.
const (
	fileClientKey  = "client.key"
	fileClientCert = "client.crt"
	fileServerCert = "server.crt"
	fileIdentity   = "identity.age"
	fileSigning    = "signing.key"
	fileSettings   = "profile.yaml"
	fileCheckpoint = "checkpoint"
	fileDraft      = "intake.draft.age"
	fileOutbox     = "outbox" // a folder

	fileCheckpointLock = "checkpoint.lock"
	fileLogSeen        = "log.seen"
)

// Profile is one enrolled device of one person, as it lies in a folder of its
// own.
type Profile struct {
	// Name of the profile, and of its folder.
	Name string
	// Dir is the folder.
	Dir string
	// Address of the service, host:port.
	Address string
	// ServerName is the name to ask for in TLS.
	ServerName string
	// ServerPin is the SHA-256 of the service's TLS public key.
	ServerPin [sha256.Size]byte
	// StaffID is the person.
	StaffID string
	// DeviceID is the device.
	DeviceID string
	// ServiceRecipient is the age recipient of the service.
	ServiceRecipient string
	// LogKey verifies the checkpoints of the audit log.
	LogKey string

	certificate tls.Certificate
	identity    *age.HybridIdentity
	signing     ed25519.PrivateKey
}

// settings is profile.yaml.
type settings struct {
	Address          string `yaml:"address"`
	ServerName       string `yaml:"server_name"`
	ServerPin        string `yaml:"server_pin"`
	StaffID          string `yaml:"staff_id"`
	DeviceID         string `yaml:"device_id"`
	ServiceRecipient string `yaml:"service_recipient"`
	LogKey           string `yaml:"log_key"`
}

// Home is the folder that holds the profiles: $AMPARO_HOME, or the platform's
// configuration folder.
func Home() (string, error) {
	if home := os.Getenv("AMPARO_HOME"); home != "" {
		return home, nil
	}
	config, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find configuration folder: %w", err)
	}
	return filepath.Join(config, "amparo"), nil
}

// A name is one folder: no separator, no leading dot, nothing that a shell or a
// file system reads in another way.
var profileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func checkName(name string) error {
	if profileName.MatchString(name) {
		return nil
	}
	return &Failure{
		Exit: exitInvalid, Reason: "PROFILE_NAME", Text: "that is no name for a profile",
		Next: "use up to 64 letters, digits, dots, dashes and underscores",
	}
}

// ProfileNames lists the profiles in home, sorted. A home that does not exist has
// none.
func ProfileNames(home string) ([]string, error) {
	entries, err := os.ReadDir(home)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read profiles: %w", err)
	}
	var names []string
	for _, entry := range entries {
		if !entry.IsDir() || checkName(entry.Name()) != nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(home, entry.Name(), fileSettings)); err == nil {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

// OpenProfile reads the profile of that name. It refuses one that other users of
// the machine can read, and one whose parts do not fit together.
func OpenProfile(home, name string) (*Profile, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	p := &Profile{Name: name, Dir: filepath.Join(home, name)}
	if _, err := os.Stat(p.path(fileSettings)); errors.Is(err, fs.ErrNotExist) {
		return nil, &Failure{
			Exit: exitInvalid, Reason: "PROFILE_UNKNOWN", Text: "there is no such profile on this machine",
			Next: "name another with --profile, or make one with: amparo enrol", cause: err,
		}
	}
	if err := p.checkPrivate(); err != nil {
		return nil, err
	}
	if err := errors.Join(p.readSettings(), p.readKeys()); err != nil {
		return nil, &Failure{
			Exit: exitUnavailable, Reason: "PROFILE_DAMAGED", Text: "the profile's files are not whole",
			Next: "restore the folder from a copy, or enrol this device anew", cause: err,
		}
	}
	return p, nil
}

func (p *Profile) path(file string) string { return filepath.Join(p.Dir, file) }

// checkPrivate refuses a folder that others may look into: whoever copies the keys
// is, to the service, this person.
func (p *Profile) checkPrivate() error {
	if runtime.GOOS == "windows" {
		return nil // its modes say nothing; the user's own folder is private there
	}
	for _, path := range []string{p.Dir, p.path(fileClientKey), p.path(fileIdentity), p.path(fileSigning)} {
		info, err := os.Stat(path)
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			return &Failure{
				Exit: exitInvalid, Reason: "PROFILE_EXPOSED", Text: "other users of this machine can read the profile",
				Next: "chmod 700 its folder and chmod 600 its files; if somebody may have copied it, have the device revoked",
			}
		}
	}
	return nil
}

func (p *Profile) readSettings() error {
	raw, err := os.ReadFile(p.path(fileSettings))
	if err != nil {
		return fmt.Errorf("read settings: %w", err)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	decoder.KnownFields(true)
	var s settings
	if err := decoder.Decode(&s); err != nil {
		return fmt.Errorf("read settings: %w", err)
	}
	pin, err := hex.DecodeString(s.ServerPin)
	if err != nil || len(pin) != len(p.ServerPin) || s.Address == "" || s.ServerName == "" {
		return errors.New("read settings: address, server name or server pin is missing")
	}
	copy(p.ServerPin[:], pin)
	p.Address, p.ServerName = s.Address, s.ServerName
	p.StaffID, p.DeviceID = s.StaffID, s.DeviceID
	p.ServiceRecipient, p.LogKey = s.ServiceRecipient, s.LogKey
	return nil
}

func (p *Profile) writeSettings() error {
	raw, err := yaml.Marshal(settings{
		Address: p.Address, ServerName: p.ServerName, ServerPin: hex.EncodeToString(p.ServerPin[:]),
		StaffID: p.StaffID, DeviceID: p.DeviceID, ServiceRecipient: p.ServiceRecipient, LogKey: p.LogKey,
	})
	if err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	return writeFile(p.path(fileSettings), raw)
}

func (p *Profile) readKeys() error {
	var err error
	p.certificate, err = tls.LoadX509KeyPair(p.path(fileClientCert), p.path(fileClientKey))
	if err != nil {
		return fmt.Errorf("read TLS key: %w", err)
	}
	identity, err := os.ReadFile(p.path(fileIdentity))
	if err != nil {
		return fmt.Errorf("read identity: %w", err)
	}
	if p.identity, err = age.ParseHybridIdentity(string(bytes.TrimSpace(identity))); err != nil {
		return fmt.Errorf("read identity: %w", err)
	}
	signing, err := os.ReadFile(p.path(fileSigning))
	if err != nil {
		return fmt.Errorf("read signing key: %w", err)
	}
	block, _ := pem.Decode(signing)
	if block == nil {
		return errors.New("read signing key: not PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return fmt.Errorf("read signing key: %w", err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return errors.New("read signing key: not Ed25519")
	}
	p.signing = key
	return nil
}

// ConfirmationCode is the code that the owner of this profile reads aloud to a
// colleague who confirms the device. It is computed from the keys on this
// machine, so a service that swapped a key would show.
func (p *Profile) ConfirmationCode() (string, error) {
	pin, err := pinOf(p.certificate)
	if err != nil {
		return "", err
	}
	public, ok := p.signing.Public().(ed25519.PublicKey)
	if !ok {
		return "", errors.New("read signing key: not Ed25519")
	}
	return enrolment.ConfirmationCode(p.StaffID, pin[:], p.identity.Recipient().String(), public), nil
}
