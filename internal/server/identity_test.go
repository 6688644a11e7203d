package server_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
	"github.com/amparo-project/amparo/internal/enrolment"
	"github.com/amparo-project/amparo/internal/servertest"
)

// certificate is one for the key, good from and until so many years from now,
// signed by itself or by an authority.
func certificate(t testing.TB, key crypto.Signer, from, until int, authority *tls.Certificate) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "device"},
		NotBefore: time.Now().AddDate(from, 0, 0), NotAfter: time.Now().AddDate(until, 0, 0),
		IsCA: authority == nil, BasicConstraintsValid: true,
	}
	parent, signer := template, crypto.PrivateKey(key)
	if authority != nil {
		parent, signer = authority.Leaf, authority.PrivateKey
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key, Leaf: leaf}
}

func newKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestIdentities: a device is its key, under whatever certificate, and nothing else
// is a device. An unknown key is told so; what could be no device's does not get
// through the handshake.
func TestIdentities(t *testing.T) {
	w := &world{Service: servertest.Start(t, servertest.Options{})}
	own, _ := w.Admin.Certificate.PrivateKey.(crypto.Signer)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	authority := certificate(t, newKey(t, elliptic.P256()), -1, 9, nil)
	signed := certificate(t, newKey(t, elliptic.P256()), -1, 9, &authority)
	stolen := w.Admin.Certificate
	stolen.PrivateKey = newKey(t, elliptic.P256())
	chain := func(certificate tls.Certificate) tls.Certificate {
		certificate.Certificate = append(certificate.Certificate[:1:1], authority.Certificate[0])
		return certificate
	}
	const accepted, unknown, noHandshake = codes.OK, codes.Unauthenticated, codes.Unavailable
	for _, row := range []struct {
		name string
		own  tls.Certificate
		want codes.Code
	}{
		{"the pinned key", w.Admin.Certificate, accepted},
		{"the pinned key, another certificate", certificate(t, own, -1, 1, nil), accepted},
		{"the pinned key, an expired certificate", certificate(t, own, -3, -1, nil), accepted},
		{"the pinned key, signed by an authority", certificate(t, own, -1, 1, &authority), accepted},
		{"another key, the same subject", certificate(t, newKey(t, elliptic.P256()), -1, 1, nil), unknown},
		{"another key, expired", certificate(t, newKey(t, elliptic.P256()), -3, -1, nil), unknown},
		{"another key, not yet valid", certificate(t, newKey(t, elliptic.P256()), 1, 2, nil), unknown},
		{"another key, signed by an authority", signed, unknown},
		{"the pinned certificate without its key", stolen, noHandshake},
		{"the pinned key with a chain", chain(w.Admin.Certificate), noHandshake},
		{"another key with its chain", chain(signed), noHandshake},
		{"no certificate", tls.Certificate{}, noHandshake},
		{"Ed25519", certificate(t, edKey, -1, 1, nil), noHandshake},
		{"P-384", certificate(t, newKey(t, elliptic.P384()), -1, 1, nil), noHandshake},
		{"RSA", certificate(t, rsaKey, -1, 1, nil), noHandshake},
	} {
		_, err := amparov1.NewStaffServiceClient(w.Dial(t, row.own)).WhoAmI(t.Context(), &amparov1.WhoAmIRequest{})
		if got := status.Code(err); got != row.want {
			t.Errorf("%s: %v, want %v", row.name, err, row.want)
		}
		if row.want == unknown && reason(err) != "DEVICE_NOT_ACTIVE" {
			t.Errorf("%s: refused for %q", row.name, reason(err))
		}
	}
}

// TestAStrangerIsShownOut: the refusal arrives, and then the connection ends, so
// that a stranger holds no place.
func TestAStrangerIsShownOut(t *testing.T) {
	w := &world{Service: servertest.Start(t, servertest.Options{})}
	conn := w.Dial(t, servertest.NewDevice(t).Certificate)
	if _, err := amparov1.NewStaffServiceClient(conn).WhoAmI(t.Context(), &amparov1.WhoAmIRequest{}); reason(err) != "DEVICE_NOT_ACTIVE" {
		t.Fatal(err)
	}
	begin := time.Now()
	for conn.GetState() == connectivity.Ready && time.Since(begin) < 5*time.Second {
		time.Sleep(10 * time.Millisecond)
	}
	if took := time.Since(begin); took < 300*time.Millisecond || took > 3*time.Second {
		t.Errorf("the connection stayed for %v", took)
	}
}

// dialTLS makes one connection by hand and reports what the service said on it
// within a moment.
func (w *world) dialTLS(t testing.TB, config *tls.Config) (state tls.ConnectionState, said []byte, err error) {
	t.Helper()
	raw, err := net.Dial("tcp", w.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	conn := tls.Client(raw, config)
	if err := conn.SetDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if err := conn.Handshake(); err != nil {
		return tls.ConnectionState{}, nil, err
	}
	// A client of TLS 1.3 is done before the service has looked at it: reading
	// shows what the service thinks, and takes in tickets if it sends any.
	said = make([]byte, 1024)
	n, err := conn.Read(said)
	return conn.ConnectionState(), said[:n], err
}

// tickets counts what a client was given to resume with.
type tickets struct{ given int }

func (c *tickets) Get(string) (*tls.ClientSessionState, bool) { return nil, false }

func (c *tickets) Put(_ string, state *tls.ClientSessionState) {
	if state != nil {
		c.given++
	}
}

// TestNoDowngrade: nothing but TLS 1.3 with HTTP/2 gets an answer, and nobody gets
// a ticket with which a session could be resumed after a revocation.
func TestNoDowngrade(t *testing.T) {
	w := &world{Service: servertest.Start(t, servertest.Options{})}
	config := func(change func(*tls.Config)) *tls.Config {
		c := w.TLS(w.Admin.Certificate, enrolment.ServiceName(w.Pin))
		change(c)
		return c
	}
	seen := &tickets{}
	state, said, err := w.dialTLS(t, config(func(c *tls.Config) { c.ClientSessionCache = seen }))
	if len(said) == 0 {
		t.Fatalf("an honest connection is told nothing: %v", err)
	}
	if state.Version != tls.VersionTLS13 || state.DidResume || seen.given != 0 {
		t.Errorf("version %x, resumed %v, tickets %d", state.Version, state.DidResume, seen.given)
	}
	for name, change := range map[string]func(*tls.Config){
		"TLS 1.0": func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS10 },
		"TLS 1.1": func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 },
		"TLS 1.2": func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS12 },
		"no ALPN": func(c *tls.Config) { c.NextProtos = nil },
		"HTTP/1":  func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} },
	} {
		if _, said, err := w.dialTLS(t, config(change)); err == nil || len(said) != 0 {
			t.Errorf("%s: answered with %d bytes", name, len(said))
		}
	}
	for name, hello := range map[string]string{
		"plain HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", "plain HTTP/1": "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		raw, err := net.Dial("tcp", w.Address)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = raw.Write([]byte(hello))
		_ = raw.SetReadDeadline(time.Now().Add(2 * time.Second))
		said, err := io.ReadAll(raw)
		// A TLS alert is all that it may say.
		if err != nil || len(said) > 7 || bytes.Contains(said, []byte("HTTP")) {
			t.Errorf("%s: answered %q, %v", name, said, err)
		}
		_ = raw.Close()
	}
}

// TestAnotherServerIsRefused: the client sends nothing to a server of another key,
// neither when it enrols nor later.
func TestAnotherServerIsRefused(t *testing.T) {
	w := &world{Service: servertest.Start(t, servertest.Options{})}
	other := &world{Service: servertest.Start(t, servertest.Options{})}
	text := w.Invite(t, "Victim", []amparov1.Role{amparov1.Role_ROLE_AUDITOR}, nil, time.Time{})
	invitation, err := enrolment.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	invitation.Address = other.Address // as somebody in the middle would have it
	diverted, err := enrolment.Encode(invitation)
	if err != nil {
		t.Fatal(err)
	}
	enrol := client.Enrolment{Home: t.TempDir(), Name: "victim", Invitation: diverted, Now: time.Now}
	if _, err := client.Enrol(t.Context(), enrol); client.Explain(err).Reason != "WRONG_SERVER" {
		t.Errorf("enrolling with another server: %v", err)
	}
	enrol.Invitation = text
	enrolled, err := client.Enrol(t.Context(), enrol)
	if err != nil {
		t.Fatalf("the invitation was spoilt by the attempt: %v", err)
	}
	enrolled.Profile.Address = other.Address
	conn, err := client.Dial(enrolled.Profile, client.Options{Patience: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Staff.WhoAmI(t.Context(), &amparov1.WhoAmIRequest{}); client.Explain(err).Reason != "WRONG_SERVER" {
		t.Errorf("calling another server: %v", err)
	}
}

// TestConnectionsOfADevice: one device cannot take the places of the others.
func TestConnectionsOfADevice(t *testing.T) {
	limits := servertest.Generous()
	limits.ConnectionsPerDevice = 3
	w := &world{Service: servertest.Start(t, servertest.Options{Limits: limits})}
	person := w.Enrol(t, "auditor", []amparov1.Role{amparov1.Role_ROLE_AUDITOR}, nil)
	whoAmI := func(conn *grpc.ClientConn) error {
		_, err := amparov1.NewStaffServiceClient(conn).WhoAmI(t.Context(), &amparov1.WhoAmIRequest{})
		return err
	}
	conns := []*grpc.ClientConn{person.Conn, w.Dial(t, person.Certificate), w.Dial(t, person.Certificate)}
	for _, conn := range conns {
		if err := whoAmI(conn); err != nil {
			t.Fatal(err)
		}
	}
	fourth := w.Dial(t, person.Certificate, grpc.WithTransportCredentials(credentials.NewTLS(w.TLS(person.Certificate, "x.internal"))))
	if err := whoAmI(fourth); status.Code(err) != codes.Unavailable {
		t.Errorf("a fourth connection: %v", err)
	}
	if err := whoAmI(w.Admin.Conn); err != nil {
		t.Errorf("another device meanwhile: %v", err)
	}
	_ = conns[2].Close()
	for begin := time.Now(); whoAmI(fourth) != nil; time.Sleep(20 * time.Millisecond) {
		if time.Since(begin) > 5*time.Second {
			t.Fatal("the place of a closed connection is not given back")
		}
	}
}

// muteConn is a connection whose line can die without a word to either end.
type muteConn struct {
	net.Conn
	mute *atomic.Bool
}

func (c muteConn) Write(b []byte) (int, error) {
	if c.mute.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

func (c muteConn) Close() error {
	if c.mute.Load() {
		return nil // the service does not hear of it
	}
	return c.Conn.Close()
}

// TestDeadConnectionsGiveTheirPlacesBack: a line that dies in silence leaves the
// service with a connection that nobody holds any more.
func TestDeadConnectionsGiveTheirPlacesBack(t *testing.T) {
	limits := servertest.Generous()
	limits.ConnectionsPerDevice, limits.Silence = 2, time.Second
	w := &world{Service: servertest.Start(t, servertest.Options{Limits: limits})}
	person := w.Enrol(t, "auditor", []amparov1.Role{amparov1.Role_ROLE_AUDITOR}, nil)
	whoAmI := func(conn *grpc.ClientConn) error {
		_, err := amparov1.NewStaffServiceClient(conn).WhoAmI(t.Context(), &amparov1.WhoAmIRequest{})
		return err
	}
	var mute atomic.Bool
	dying := w.Dial(t, person.Certificate, grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		return muteConn{conn, &mute}, err
	}))
	if err := whoAmI(dying); err != nil { // the person's own is the first
		t.Fatal(err)
	}
	mute.Store(true)
	third := w.Dial(t, person.Certificate)
	if err := whoAmI(third); status.Code(err) != codes.Unavailable {
		t.Errorf("a third connection at once: %v", err)
	}
	for begin := time.Now(); whoAmI(third) != nil; time.Sleep(50 * time.Millisecond) {
		if time.Since(begin) > 8*time.Second {
			t.Fatal("the place of a dead connection is not given back")
		}
	}
	if err := whoAmI(person.Conn); err != nil {
		t.Errorf("a connection that is alive: %v", err)
	}
}
