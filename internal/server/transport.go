package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"sync"

	"google.golang.org/grpc/credentials"
)

// transport is the service's side of TLS 1.3: both ends show a certificate, no
// session is ever resumed, and a device is its key. Whether the key is known is
// not asked here but at every call, so that a client whose key was shut out can
// tell a refusal from an outage.
type transport struct {
	config        *tls.Config
	enrolmentName string
	limits        Limits

	mu         sync.Mutex
	open       map[[32]byte]int // connections by key
	enrolments int              // connections under the enrolment name
}

// connection is what the handshake proved; gRPC hands it to every call.
type connection struct {
	credentials.CommonAuthInfo
	pin       [32]byte // SHA-256 of the client's public key
	enrolment bool     // it came under the enrolment name
	state     tls.ConnectionState
	close     func()
}

// AuthType names the transport to gRPC.
func (*connection) AuthType() string { return "amparo-mtls" }

var (
	errProtocol    = errors.New("server: the connection does not speak HTTP/2")
	errConnections = errors.New("server: too many connections")
)

func newTransport(certificate tls.Certificate, enrolmentName string, limits Limits) *transport {
	t := &transport{enrolmentName: enrolmentName, limits: limits, open: map[[32]byte]int{}}
	t.config = &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{certificate},
		ClientAuth:             tls.RequireAnyClientCert,
		NextProtos:             []string{"h2"},
		SessionTicketsDisabled: true,
		VerifyConnection:       wellFormed,
	}
	return t
}

// wellFormed ends the handshake of a client whose certificate could not be a
// device's. It runs for every connection, also where certificates are not
// verified otherwise.
func wellFormed(state tls.ConnectionState) error {
	if len(state.PeerCertificates) != 1 {
		return errors.New("server: a device shows one certificate")
	}
	_, err := pinOf(state.PeerCertificates[0])
	return err
}

// pinOf is the hash of a certificate's key, which has to be of the one kind that
// devices have.
func pinOf(certificate *x509.Certificate) ([32]byte, error) {
	key, ok := certificate.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return [32]byte{}, errors.New("server: the certificate's key is not one of ours")
	}
	return sha256.Sum256(certificate.RawSubjectPublicKeyInfo), nil
}

// ServerHandshake takes a connection in; gRPC has set its deadline.
func (t *transport) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn := tls.Server(raw, t.config)
	if err := conn.HandshakeContext(context.Background()); err != nil {
		_ = raw.Close()
		return nil, nil, err
	}
	state := conn.ConnectionState()
	if state.NegotiatedProtocol != "h2" {
		_ = conn.Close()
		return nil, nil, errProtocol
	}
	pin, err := pinOf(state.PeerCertificates[0])
	if err != nil {
		_ = conn.Close()
		return nil, nil, err
	}
	c := &connection{
		CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity},
		pin:            pin,
		enrolment:      state.ServerName == t.enrolmentName,
		state:          state,
	}
	if !t.admit(c) {
		_ = conn.Close()
		return nil, nil, errConnections
	}
	counted := &countedConn{Conn: conn, release: func() { t.release(c) }}
	c.close = func() { _ = counted.Close() }
	return counted, c, nil
}

// admit counts a connection against the cap of its key, and an enrolment against
// the cap of all enrolments, so that neither a broken client nor a flood of
// strangers at the enrolment's door takes the places of the others.
func (t *transport) admit(c *connection) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.enrolment {
		if t.enrolments >= t.limits.EnrolmentConnections {
			return false
		}
		t.enrolments++
		return true
	}
	if t.open[c.pin] >= t.limits.ConnectionsPerDevice {
		return false
	}
	t.open[c.pin]++
	return true
}

func (t *transport) release(c *connection) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.enrolment {
		t.enrolments--
		return
	}
	if t.open[c.pin]--; t.open[c.pin] <= 0 {
		delete(t.open, c.pin)
	}
}

// countedConn gives its place back when it closes, however often it is closed.
type countedConn struct {
	net.Conn
	once    sync.Once
	release func()
}

// Close closes the connection and frees its place.
func (c *countedConn) Close() error {
	c.once.Do(c.release)
	return c.Conn.Close()
}

// ClientHandshake is never called: the service does not dial.
func (t *transport) ClientHandshake(context.Context, string, net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.New("server: the service does not dial")
}

// Info describes the transport to gRPC.
func (t *transport) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "tls"}
}

// Clone returns the transport itself; it is configured once.
func (t *transport) Clone() credentials.TransportCredentials { return t }

// OverrideServerName does nothing: the service has no name to ask for.
func (t *transport) OverrideServerName(string) error { return nil }
