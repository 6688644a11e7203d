package client

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"

	"filippo.io/age"
)

// makeKeys draws the three keys of a device and writes them into the profile's
// folder. They never leave the machine.
func (p *Profile) makeKeys(now time.Time) error {
	return errors.Join(p.makeTLSKey(now), p.makeIdentity(), p.makeSigningKey())
}

func (p *Profile) makeTLSKey(now time.Time) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make TLS key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return fmt.Errorf("make TLS key: %w", err)
	}
	// The service knows the device by the key alone. The certificate around it
	// says nothing: no name, and a day that is the same for a whole year.
	begin := time.Date(now.UTC().Year()-1, time.January, 1, 0, 0, 0, 0, time.UTC)
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "device"},
		NotBefore:    begin,
		NotAfter:     begin.AddDate(21, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return fmt.Errorf("make certificate: %w", err)
	}
	if err := p.writePrivateKey(fileClientKey, key); err != nil {
		return err
	}
	p.certificate = tls.Certificate{Certificate: [][]byte{certificate}, PrivateKey: key}
	return p.writePEM(fileClientCert, "CERTIFICATE", certificate)
}

func (p *Profile) makeIdentity() error {
	identity, err := age.GenerateHybridIdentity()
	if err != nil {
		return fmt.Errorf("make identity: %w", err)
	}
	p.identity = identity
	return writeFile(p.path(fileIdentity), []byte(identity.String()+"\n"))
}

func (p *Profile) makeSigningKey() error {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("make signing key: %w", err)
	}
	p.signing = key
	return p.writePrivateKey(fileSigning, key)
}

func (p *Profile) writePrivateKey(file string, key any) error {
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("write private key: %w", err)
	}
	return p.writePEM(file, "PRIVATE KEY", raw)
}

func (p *Profile) writePEM(file, kind string, raw []byte) error {
	return writeFile(p.path(file), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}))
}

// pinOf is the SHA-256 of a certificate's public key: what the other side pins.
func pinOf(certificate tls.Certificate) ([sha256.Size]byte, error) {
	if len(certificate.Certificate) == 0 {
		return [sha256.Size]byte{}, errors.New("pin certificate: there is none")
	}
	leaf, err := x509.ParseCertificate(certificate.Certificate[0])
	if err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("pin certificate: %w", err)
	}
	return sha256.Sum256(leaf.RawSubjectPublicKeyInfo), nil
}
