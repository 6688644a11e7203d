package client_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
	"github.com/amparo-project/amparo/internal/enrolment"
)

const (
	staffID      = "aaaaaaaaaaaaaaaaaaaaaaaaaa"
	deviceID     = "bbbbbbbbbbbbbbbbbbbbbbbbbb"
	invitationID = "cccccccccccccccccccccccccc"
)

var secret = bytes.Repeat([]byte{7}, enrolment.SecretSize)

// bench is the least service that can enrol a device and answer it: TLS 1.3 with
// pins, the proof of the invitation checked as the service checks it, and two calls.
type bench struct {
	amparov1.UnimplementedEnrolmentServiceServer
	amparov1.UnimplementedStaffServiceServer
	amparov1.UnimplementedCaseServiceServer
	amparov1.UnimplementedAuditServiceServer
	amparov1.UnimplementedCapsuleServiceServer

	address  string
	pin      [32]byte
	pending  bool
	enrolled atomic.Pointer[amparov1.Device]
	notes    atomic.Int32 // AddNote calls that came in
	failing  atomic.Int32 // so many of them are answered UNAVAILABLE first
	lastID   atomic.Pointer[string]
	exporter atomic.Pointer[exporter]
	log      atomic.Pointer[checkpoints]
	intakes  func(id string) error      // what becomes of an intake
	capsules func(capsule []byte) error // what becomes of a capsule
}

func startBench(t *testing.T) *bench {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().AddDate(1, 0, 0), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{address: listener.Addr().String(), pin: sha256.Sum256(leaf.RawSubjectPublicKeyInfo), pending: true}
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(&tls.Config{
		MinVersion: tls.VersionTLS13, ClientAuth: tls.RequireAnyClientCert,
		Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}},
	})))
	amparov1.RegisterEnrolmentServiceServer(server, b)
	amparov1.RegisterStaffServiceServer(server, b)
	amparov1.RegisterCaseServiceServer(server, b)
	amparov1.RegisterAuditServiceServer(server, b)
	amparov1.RegisterCapsuleServiceServer(server, b)
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	return b
}

func (b *bench) invitation(t *testing.T) string {
	t.Helper()
	text, err := enrolment.Encode(&amparov1.Invitation{
		Address: b.address, ServerPin: b.pin[:], EnrolmentName: enrolment.Name(b.pin), Id: invitationID, Secret: secret,
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (b *bench) enrolment(t *testing.T, home string) client.Enrolment {
	t.Helper()
	return client.Enrolment{Home: home, Name: "hotline", Invitation: b.invitation(t), Now: time.Now}
}

func tlsOf(ctx context.Context) tls.ConnectionState {
	from, _ := peer.FromContext(ctx)
	return from.AuthInfo.(credentials.TLSInfo).State
}

func (b *bench) Enrol(ctx context.Context, request *amparov1.EnrolRequest) (*amparov1.EnrolResponse, error) {
	state := tlsOf(ctx)
	exporter, err := state.ExportKeyingMaterial(enrolment.ExporterLabel, nil, enrolment.ExporterSize)
	if err != nil {
		return nil, err
	}
	pin := sha256.Sum256(state.PeerCertificates[0].RawSubjectPublicKeyInfo)
	key, err := enrolment.ProofKey(secret)
	if err != nil {
		return nil, err
	}
	head, _ := metadata.FromIncomingContext(ctx)
	proof := head.Get(enrolment.ProofHeader)
	if len(proof) != 1 || state.ServerName != enrolment.Name(b.pin) || !enrolment.Verify(key, enrolment.Claim{
		InvitationID: request.GetInvitationId(), Exporter: exporter, TLSPin: pin,
		AgeRecipient: request.GetAgeRecipient(), SigningKey: request.GetSigningKey(),
	}, []byte(proof[0])) {
		return nil, status.Error(codes.Unauthenticated, "the invitation is not valid")
	}
	device := &amparov1.Device{
		Id: deviceID, Standing: amparov1.DeviceStanding_DEVICE_STANDING_ACTIVE, TlsPin: pin[:],
		AgeRecipient: request.GetAgeRecipient(), SigningKey: request.GetSigningKey(),
	}
	if b.pending {
		device.Standing = amparov1.DeviceStanding_DEVICE_STANDING_PENDING
	}
	b.enrolled.Store(device)
	return &amparov1.EnrolResponse{
		Staff: &amparov1.StaffMember{Id: staffID}, Device: device, ServerName: enrolment.ServiceName(b.pin), LogKey: "log", ServiceRecipient: "age1service",
	}, nil
}

func (b *bench) WhoAmI(ctx context.Context, _ *amparov1.WhoAmIRequest) (*amparov1.WhoAmIResponse, error) {
	pin := sha256.Sum256(tlsOf(ctx).PeerCertificates[0].RawSubjectPublicKeyInfo)
	if !bytes.Equal(pin[:], b.enrolled.Load().GetTlsPin()) {
		return nil, status.Error(codes.Unauthenticated, "this device is not active")
	}
	return &amparov1.WhoAmIResponse{Staff: &amparov1.StaffMember{Id: staffID}}, nil
}

func (b *bench) ListDevices(context.Context, *amparov1.ListDevicesRequest) (*amparov1.ListDevicesResponse, error) {
	return &amparov1.ListDevicesResponse{Devices: []*amparov1.Device{b.enrolled.Load()}}, nil
}

func (b *bench) ConfirmStaff(_ context.Context, request *amparov1.ConfirmStaffRequest) (*amparov1.ConfirmStaffResponse, error) {
	id := request.GetRequestId() + " " + request.GetCode()
	b.lastID.Store(&id)
	return &amparov1.ConfirmStaffResponse{}, nil
}

func (b *bench) AddNote(_ context.Context, request *amparov1.AddNoteRequest) (*amparov1.AddNoteResponse, error) {
	b.notes.Add(1)
	id := request.GetRequestId()
	if last := b.lastID.Swap(&id); last != nil && *last != id {
		return nil, status.Error(codes.Internal, "the request id changed")
	}
	if b.failing.Add(-1) >= 0 {
		return nil, status.Error(codes.Unavailable, "not now")
	}
	return &amparov1.AddNoteResponse{}, nil
}

func (b *bench) ExportLog(request *amparov1.ExportLogRequest, stream amparov1.AuditService_ExportLogServer) error {
	return b.exporter.Load().ExportLog(request, stream)
}

func TestEnrolLeavesAPrivateWholeProfile(t *testing.T) {
	b := startBench(t)
	home := filepath.Join(t.TempDir(), "home")
	enrolled, err := client.Enrol(t.Context(), b.enrolment(t, home))
	if err != nil {
		t.Fatal(err)
	}
	device := b.enrolled.Load()
	code := enrolment.ConfirmationCode(staffID, device.GetTlsPin(), device.GetAgeRecipient(), device.GetSigningKey())
	if enrolled.ConfirmationCode != code {
		t.Errorf("code = %q, want that of the keys that arrived", enrolled.ConfirmationCode)
	}
	dir := filepath.Join(home, "hotline")
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder: %v %v", info.Mode(), err)
	}
	for _, name := range []string{"client.key", "client.crt", "server.crt", "identity.age", "signing.key", "profile.yaml"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if entries, _ := os.ReadDir(home); len(entries) != 1 {
		t.Errorf("%d entries in the home, want the profile alone", len(entries))
	}
	p, err := client.OpenProfile(home, "hotline")
	if err != nil {
		t.Fatal(err)
	}
	if p.StaffID != staffID || p.DeviceID != deviceID || p.LogKey != "log" || p.Address != b.address || p.ServerPin != b.pin {
		t.Error("the profile does not hold what the enrolment gave")
	}
	if again, err := p.ConfirmationCode(); err != nil || again != code {
		t.Errorf("code of the opened profile = %q, %v", again, err)
	}
	conn, err := client.Dial(p, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Staff.WhoAmI(t.Context(), &amparov1.WhoAmIRequest{}); err != nil {
		t.Error(err)
	}
}

func TestAFailedEnrolmentLeavesNothing(t *testing.T) {
	b := startBench(t)
	home := filepath.Join(t.TempDir(), "home")
	for name, change := range map[string]func(*client.Enrolment){
		"a foreign secret": func(e *client.Enrolment) {
			e.Invitation = foreign(t, b, func(i *amparov1.Invitation) { i.Secret = bytes.Repeat([]byte{8}, 16) })
		},
		"a wrong server pin": func(e *client.Enrolment) {
			e.Invitation = foreign(t, b, func(i *amparov1.Invitation) { i.ServerPin = bytes.Repeat([]byte{1}, 32) })
		},
		"half an invitation": func(e *client.Enrolment) { e.Invitation = e.Invitation[:40] },
		"a path for a name":  func(e *client.Enrolment) { e.Name = "../elsewhere" },
		"a hidden name":      func(e *client.Enrolment) { e.Name = ".hidden" },
	} {
		want := map[string]int{"a foreign secret": 3, "a wrong server pin": 7}[name]
		if want == 0 {
			want = 2
		}
		e := b.enrolment(t, home)
		change(&e)
		_, err := client.Enrol(t.Context(), e)
		if failure := client.Explain(err); failure == nil || failure.Exit != want {
			t.Errorf("%s: %v, want exit %d", name, err, want)
		}
		if entries, _ := os.ReadDir(home); len(entries) != 0 {
			t.Errorf("%s: %d entries are left", name, len(entries))
		}
	}
}

func foreign(t *testing.T, b *bench, change func(*amparov1.Invitation)) string {
	t.Helper()
	invitation, err := enrolment.Parse(b.invitation(t))
	if err != nil {
		t.Fatal(err)
	}
	change(invitation)
	text, err := enrolment.Encode(invitation)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestAProfileIsNotOverwritten(t *testing.T) {
	b := startBench(t)
	home := t.TempDir()
	if _, err := client.Enrol(t.Context(), b.enrolment(t, home)); err != nil {
		t.Fatal(err)
	}
	_, err := client.Enrol(t.Context(), b.enrolment(t, home))
	if failure := client.Explain(err); failure == nil || failure.Exit != 6 {
		t.Errorf("error = %v", err)
	}
}

func enrolledProfile(t *testing.T, b *bench) *client.Profile {
	t.Helper()
	enrolled, err := client.Enrol(t.Context(), b.enrolment(t, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	return enrolled.Profile
}

func dialled(t *testing.T, p *client.Profile, options client.Options) *client.Conn {
	t.Helper()
	conn, err := client.Dial(p, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestAWrongServerIsNoOutage(t *testing.T) {
	p := enrolledProfile(t, startBench(t))
	other := startBench(t)
	p.Address = other.address
	conn := dialled(t, p, client.Options{})
	started := time.Now()
	_, err := conn.Staff.WhoAmI(t.Context(), &amparov1.WhoAmIRequest{})
	if failure := client.Explain(err); failure == nil || failure.Exit != 7 || failure.Reason != "WRONG_SERVER" {
		t.Errorf("error = %v", err)
	}
	if time.Since(started) > 3*time.Second {
		t.Error("it was tried again and again")
	}
	stream, err := conn.Queue.WatchQueue(t.Context(), &amparov1.WatchQueueRequest{})
	if err == nil {
		_, err = stream.Recv()
	}
	if failure := client.Explain(err); failure.Exit != 7 {
		t.Errorf("stream: %v", err)
	}
}

func TestAWriteIsRepeatedUnderOneID(t *testing.T) {
	b := startBench(t)
	conn := dialled(t, enrolledProfile(t, b), client.Options{})
	b.failing.Store(2)
	request := &amparov1.AddNoteRequest{CaseId: staffID, Text: "note"}
	if _, err := conn.Cases.AddNote(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	if got := b.notes.Load(); got != 3 {
		t.Errorf("%d calls, want 3", got)
	}
	if len(request.GetRequestId()) != 26 || strings.Trim(request.GetRequestId(), "abcdefghijklmnopqrstuvwxyz234567") != "" {
		t.Errorf("request id = %q", request.GetRequestId())
	}
}

func TestPatienceEnds(t *testing.T) {
	b := startBench(t)
	conn := dialled(t, enrolledProfile(t, b), client.Options{Patience: 300 * time.Millisecond})
	b.failing.Store(1000)
	request := &amparov1.AddNoteRequest{CaseId: staffID, Text: "note"}
	_, err := conn.Cases.AddNote(t.Context(), request)
	failure := client.Explain(err)
	if failure == nil || failure.Exit != 1 || !strings.Contains(failure.Next, "--request-id "+request.GetRequestId()) {
		t.Errorf("error = %v", err)
	}
	b.notes.Store(0)
	once := dialled(t, enrolledProfile(t, b), client.Options{Patience: -1})
	if _, err := once.Cases.AddNote(t.Context(), request); err == nil || b.notes.Load() != 1 {
		t.Errorf("%d calls, want 1: %v", b.notes.Load(), err)
	}
}

func TestALargeRequestIsNotSent(t *testing.T) {
	b := startBench(t)
	conn := dialled(t, enrolledProfile(t, b), client.Options{})
	_, err := conn.Cases.AddNote(t.Context(), &amparov1.AddNoteRequest{Text: strings.Repeat("a", 2<<20)})
	if failure := client.Explain(err); failure == nil || failure.Exit != 2 || failure.Next != "shorten it" {
		t.Errorf("error = %v", err)
	}
	if b.notes.Load() != 0 {
		t.Error("it was sent")
	}
}

func TestConfirmComparesBeforeItSends(t *testing.T) {
	b := startBench(t)
	enrolled, err := client.Enrol(t.Context(), b.enrolment(t, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	conn := dialled(t, enrolled.Profile, client.Options{})
	_, err = conn.Confirm(t.Context(), staffID, "abcdefgh", "")
	if failure := client.Explain(err); failure == nil || failure.Exit != 5 || b.lastID.Load() != nil {
		t.Errorf("a wrong code: %v", err)
	}
	spoken := strings.ToUpper(enrolled.ConfirmationCode[:4] + " " + enrolled.ConfirmationCode[4:])
	if _, err := conn.Confirm(t.Context(), staffID, spoken, ""); err != nil {
		t.Fatal(err)
	}
	if sent := *b.lastID.Load(); !strings.HasSuffix(sent, " "+enrolled.ConfirmationCode) {
		t.Errorf("sent %q", sent)
	}
	// A key exchanged on the way: the same code must not do.
	device := b.enrolled.Load()
	device.SigningKey = bytes.Repeat([]byte{1}, 32)
	if _, err := conn.Confirm(t.Context(), staffID, spoken, ""); err == nil {
		t.Error("the code of other keys was accepted")
	}
}
