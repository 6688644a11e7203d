package servertest

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"testing"
	"time"

	"filippo.io/age"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/enrolment"
	"github.com/amparo-project/amparo/internal/records"
)

// Device is the three keys of a device, enrolled or not.
type Device struct {
	Certificate tls.Certificate
	Pin         [32]byte
	Recipient   string // age
	Signing     ed25519.PrivateKey
}

// Person is somebody enrolled, with their device and a connection that is theirs.
type Person struct {
	*Device
	Conn     *grpc.ClientConn
	Name     string
	StaffID  string
	DeviceID string
	// Code is what the person reads aloud to be confirmed.
	Code string
}

// NewDevice draws the keys of a device.
func NewDevice(tb testing.TB) *Device {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(tb, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "device"},
		NotAfter: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	check(tb, err)
	leaf, err := x509.ParseCertificate(raw)
	check(tb, err)
	identity, err := age.GenerateHybridIdentity()
	check(tb, err)
	_, signing, err := ed25519.GenerateKey(rand.Reader)
	check(tb, err)
	return &Device{
		Certificate: tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key, Leaf: leaf},
		Pin:         sha256.Sum256(leaf.RawSubjectPublicKeyInfo),
		Recipient:   identity.Recipient().String(), Signing: signing,
	}
}

// TLS is a client's configuration that takes only the service's own key.
func (s *Service) TLS(own tls.Certificate, name string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, ServerName: name, Certificates: []tls.Certificate{own}, NextProtos: []string{"h2"},
		InsecureSkipVerify: true, //nolint:gosec // G402: the key itself is compared below
		VerifyConnection: func(state tls.ConnectionState) error {
			if sha256.Sum256(state.PeerCertificates[0].RawSubjectPublicKeyInfo) != s.Pin {
				return errors.New("servertest: another service answers")
			}
			return nil
		},
	}
}

// Dial connects a certificate to the service, under its main name. The connection
// closes with the test.
func (s *Service) Dial(tb testing.TB, own tls.Certificate, options ...grpc.DialOption) *grpc.ClientConn {
	tb.Helper()
	return s.dial(tb, s.TLS(own, enrolment.ServiceName(s.Pin)), options...)
}

func (s *Service) dial(tb testing.TB, config *tls.Config, options ...grpc.DialOption) *grpc.ClientConn {
	tb.Helper()
	options = append([]grpc.DialOption{
		grpc.WithTransportCredentials(credentials.NewTLS(config)), grpc.WithDisableServiceConfig(),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 20 * time.Millisecond, Multiplier: 1.5, MaxDelay: 200 * time.Millisecond},
			MinConnectTimeout: 5 * time.Second,
		}),
	}, options...)
	conn, err := grpc.NewClient(s.Address, options...)
	check(tb, err)
	tb.Cleanup(func() { _ = conn.Close() })
	return conn
}

// Prover signs the claim of an enrolment; a test that cheats changes it first.
type Prover func(claim enrolment.Claim) ([]byte, error)

// GetRequestMetadata implements credentials.PerRPCCredentials on the connection
// that carries the call.
func (p Prover) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	info, _ := credentials.RequestInfoFromContext(ctx)
	state, ok := info.AuthInfo.(credentials.TLSInfo)
	if !ok {
		return nil, errors.New("servertest: the connection is not TLS")
	}
	exporter, err := state.State.ExportKeyingMaterial(enrolment.ExporterLabel, nil, enrolment.ExporterSize)
	if err != nil {
		return nil, err
	}
	proof, err := p(enrolment.Claim{Exporter: exporter})
	return map[string]string{enrolment.ProofHeader: string(proof)}, err
}

// RequireTransportSecurity implements credentials.PerRPCCredentials.
func (Prover) RequireTransportSecurity() bool { return true }

// TryEnrol takes an invitation with a device. The prover is given the whole claim
// of an honest client; nil signs that with the invitation's secret.
func (s *Service) TryEnrol(tb testing.TB, device *Device, invitation string, prove Prover) (*amparov1.EnrolResponse, error) {
	tb.Helper()
	open, err := enrolment.Parse(invitation)
	check(tb, err)
	request := &amparov1.EnrolRequest{
		InvitationId: open.GetId(), AgeRecipient: device.Recipient, SigningKey: device.Signing[ed25519.PublicKeySize:],
	}
	if prove == nil {
		prove = func(claim enrolment.Claim) ([]byte, error) { return enrolment.Sign(open.GetSecret(), claim) }
	}
	conn := s.dial(tb, s.TLS(device.Certificate, enrolment.Name(s.Pin)))
	defer func() { _ = conn.Close() }()
	whole := Prover(func(claim enrolment.Claim) ([]byte, error) {
		claim.InvitationID, claim.TLSPin = request.GetInvitationId(), device.Pin
		claim.AgeRecipient, claim.SigningKey = request.GetAgeRecipient(), request.GetSigningKey()
		return prove(claim)
	})
	return amparov1.NewEnrolmentServiceClient(conn).Enrol(tb.Context(), request, grpc.PerRPCCredentials(whole))
}

// Invite makes an invitation on the administrator's behalf. A zero validUntil sets
// no end.
func (s *Service) Invite(tb testing.TB, name string, roles []amparov1.Role, offices []string, validUntil time.Time) string {
	tb.Helper()
	request := &amparov1.InviteStaffRequest{RequestId: records.NewID(), Name: name, Roles: roles, Offices: offices}
	if !validUntil.IsZero() {
		request.ValidUntil = timestamppb.New(validUntil)
	}
	answer, err := amparov1.NewStaffServiceClient(s.Admin.Conn).InviteStaff(tb.Context(), request)
	check(tb, err)
	return answer.GetInvitation()
}

// admit enrols a device with an invitation, and no more.
func (s *Service) admit(tb testing.TB, name, invitation string) *Person {
	tb.Helper()
	p := &Person{Device: NewDevice(tb), Name: name}
	answer, err := s.TryEnrol(tb, p.Device, invitation, nil)
	check(tb, err)
	p.StaffID, p.DeviceID = answer.GetStaff().GetId(), answer.GetDevice().GetId()
	p.Code = enrolment.ConfirmationCode(p.StaffID, p.Pin[:], p.Recipient, p.Signing[ed25519.PublicKeySize:])
	p.Conn = s.Dial(tb, p.Certificate)
	s.people = append(s.people, p)
	return p
}

// EnrolPending enrols a person and leaves the confirmation out.
func (s *Service) EnrolPending(tb testing.TB, name string, roles []amparov1.Role, offices []string) *Person {
	tb.Helper()
	return s.admit(tb, name, s.Invite(tb, name, roles, offices, time.Time{}))
}

// Enrol invites, enrols and confirms a person. The administrator confirms too for
// as long as the service lets them; after that, whoever else may.
func (s *Service) Enrol(tb testing.TB, name string, roles []amparov1.Role, offices []string) *Person {
	tb.Helper()
	return s.EnrolUntil(tb, name, roles, offices, time.Time{})
}

// EnrolUntil is Enrol for an account that ends by itself.
func (s *Service) EnrolUntil(tb testing.TB, name string, roles []amparov1.Role, offices []string, validUntil time.Time) *Person {
	tb.Helper()
	p := s.admit(tb, name, s.Invite(tb, name, roles, offices, validUntil))
	s.Confirm(tb, p)
	return p
}

// Confirm has a person confirmed who waits for it.
func (s *Service) Confirm(tb testing.TB, p *Person) {
	tb.Helper()
	me, err := amparov1.NewStaffServiceClient(p.Conn).WhoAmI(tb.Context(), &amparov1.WhoAmIRequest{})
	check(tb, err)
	if me.GetDevice().GetStanding() == amparov1.DeviceStanding_DEVICE_STANDING_ACTIVE {
		return
	}
	for _, other := range s.people {
		_, err = amparov1.NewStaffServiceClient(other.Conn).ConfirmStaff(tb.Context(), &amparov1.ConfirmStaffRequest{
			RequestId: records.NewID(), StaffId: p.StaffID, Code: p.Code,
		})
		if err == nil {
			return
		}
	}
	tb.Fatalf("nobody could confirm %s: %v", p.Name, status.Convert(err).Message())
}
