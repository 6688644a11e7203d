package notify

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// Config says by which ways notices go out. A way that is left out is not used.
type Config struct {
	// SMTP is the mail server that takes notices for everybody.
	SMTP SMTP `yaml:"smtp"`
	// Webhook is the address of a program of the mechanism's own, which calls or
	// texts people.
	Webhook Webhook `yaml:"webhook"`
}

// SMTP is one mail server. Nothing is said to it before TLS stands and its
// certificate is checked, so a password never travels in the open.
type SMTP struct {
	// Server is HOST:PORT. The certificate must be good for HOST.
	Server string `yaml:"server"`
	// From is the bare address of the sender. Choose one that says nothing.
	From string `yaml:"from"`
	// User logs in; empty means that the server asks for no login.
	User string `yaml:"user"`
	// PasswordFile holds the password of User on one line.
	PasswordFile string `yaml:"password_file"`
	// TLS is implicit or starttls; empty means implicit at port 465 and starttls
	// at any other.
	TLS string `yaml:"tls"`
	// CAFile holds the authorities to trust, in PEM, instead of the machine's.
	CAFile string `yaml:"ca_file"`
	// Timeout bounds one Send from the first byte to the last; zero means 20s.
	Timeout time.Duration `yaml:"timeout"`
}

// Webhook is one HTTP address, posted to as standardwebhooks.com has it: headers
// webhook-id, webhook-timestamp and webhook-signature, the last being the
// HMAC-SHA-256 over id, timestamp and body.
type Webhook struct {
	// URL is https, or http to this machine itself.
	URL string `yaml:"url"`
	// SecretFile holds the key of the signature on one line: whsec_ and base64, or
	// any text of at least 24 bytes. Required, so that the receiver can tell an
	// alarm from a prank.
	SecretFile string `yaml:"secret_file"`
	// CAFile holds the authorities to trust, in PEM, instead of the machine's.
	CAFile string `yaml:"ca_file"`
	// Timeout bounds one Send with all its attempts; zero means 10s.
	Timeout time.Duration `yaml:"timeout"`
}

const (
	smtpTimeout    = 20 * time.Second
	webhookTimeout = 10 * time.Second
	maxTimeout     = 2 * time.Minute
	minSecret      = 24
)

// wayOut is an address with the TLS that leads to it.
type wayOut struct {
	host    string
	port    int
	tls     *tls.Config
	timeout time.Duration
}

func newWayOut(address, caFile string, timeout, fallback time.Duration) (wayOut, error) {
	host, portText, err := net.SplitHostPort(address)
	port, portErr := strconv.Atoi(portText)
	if err != nil || portErr != nil || host == "" || port < 1 || port > 65535 {
		return wayOut{}, errors.New("must be HOST:PORT")
	}
	if timeout < 0 || timeout > maxTimeout {
		return wayOut{}, fmt.Errorf("timeout must be between 0 and %v", maxTimeout)
	}
	if timeout == 0 {
		timeout = fallback
	}
	config := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return wayOut{}, fmt.Errorf("read ca_file: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return wayOut{}, errors.New("ca_file holds no certificate in PEM")
		}
	}
	return wayOut{host: host, port: port, tls: config, timeout: timeout}, nil
}

// readSecret reads the one line of a file that other users cannot read.
func readSecret(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Mode().Perm()&0o007 != 0 {
		return "", errors.New("every user of this machine can read the file: chmod 600 it, and change the secret")
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	line := string(bytes.TrimRight(raw, "\r\n"))
	if line == "" || strings.ContainsAny(line, "\r\n\x00") {
		return "", errors.New("the file must hold one line")
	}
	return line, nil
}

// signingKey reads the key as standardwebhooks.com writes it, or takes any text
// that is long enough for what it is.
func signingKey(path string) ([]byte, error) {
	line, err := readSecret(path)
	if err != nil {
		return nil, err
	}
	key := []byte(line)
	if encoded, ok := strings.CutPrefix(line, "whsec_"); ok {
		if key, err = base64.StdEncoding.DecodeString(encoded); err != nil {
			return nil, errors.New("what follows whsec_ is no base64")
		}
	}
	if len(key) < minSecret {
		return nil, fmt.Errorf("the secret is shorter than %d bytes", minSecret)
	}
	return key, nil
}

// target reads a URL that a notice may be posted to: https to anywhere, http to
// this machine alone, by its number, so that no name service has a say in it.
func target(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return nil, errors.New("must be https://HOST/PATH, without a user or a fragment")
	}
	switch u.Scheme {
	case "https":
		return u, nil
	case "http":
		if address, err := netip.ParseAddr(u.Hostname()); err == nil && address.IsLoopback() {
			return u, nil
		}
		return nil, errors.New("http is for 127.0.0.1 and [::1] only; use https")
	default:
		return nil, errors.New("must be https")
	}
}
