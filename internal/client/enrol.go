package client

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/durable"
	"github.com/amparo-project/amparo/internal/enrolment"
)

// Enrolment is what it takes to enrol this device.
type Enrolment struct {
	// Home is the folder of the profiles; made when absent.
	Home string
	// Name of the profile to make; there must be none of that name.
	Name string
	// Invitation string, a secret.
	Invitation string
	// Now is the clock, for the certificate's dates and the invitation's end.
	Now func() time.Time
	// Version of the program.
	Version string
}

// Enrolled is what an enrolment leaves.
type Enrolled struct {
	// Profile, on disk.
	Profile *Profile
	// Answer of the service.
	Answer *amparov1.EnrolResponse
	// ConfirmationCode is to be read aloud to a colleague; empty when the device
	// is active already.
	ConfirmationCode string
}

// Enrol makes the device's keys, registers them with the service that the
// invitation names, and leaves a profile. When it fails, nothing is left: a
// profile exists only if the service knows it.
func Enrol(ctx context.Context, e Enrolment) (*Enrolled, error) {
	invitation, err := e.check()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(e.Home, 0o700); err != nil {
		return nil, fmt.Errorf("make folder of profiles: %w", err)
	}
	// The folder's name begins with a dot, which no profile's may.
	staging, err := os.MkdirTemp(e.Home, ".enrol-*") // 0700 by contract of MkdirTemp
	if err != nil {
		return nil, fmt.Errorf("make profile: %w", err)
	}
	defer os.RemoveAll(staging) //nolint:errcheck // after success it has gone; else it is only keys that nobody knows
	p := &Profile{Name: e.Name, Dir: staging, Address: invitation.GetAddress()}
	copy(p.ServerPin[:], invitation.GetServerPin())
	if err := p.makeKeys(e.Now()); err != nil {
		return nil, err
	}
	answer, err := p.register(ctx, invitation, e.Version)
	if err != nil {
		return nil, err
	}
	p.ServerName = answer.GetServerName()
	p.StaffID, p.DeviceID = answer.GetStaff().GetId(), answer.GetDevice().GetId()
	p.ServiceRecipient, p.LogKey = answer.GetServiceRecipient(), answer.GetLogKey()
	if err := p.writeSettings(); err != nil {
		return nil, err
	}
	final := filepath.Join(e.Home, e.Name)
	if err := os.Rename(staging, final); err != nil {
		return nil, fmt.Errorf("keep profile: %w", err)
	}
	p.Dir = final
	if err := durable.SyncFolder(e.Home); err != nil {
		return nil, err
	}
	enrolled := &Enrolled{Profile: p, Answer: answer}
	if answer.GetDevice().GetStanding() == amparov1.DeviceStanding_DEVICE_STANDING_PENDING {
		enrolled.ConfirmationCode, err = p.ConfirmationCode()
	}
	return enrolled, err
}

func (e Enrolment) check() (*amparov1.Invitation, error) {
	if err := checkName(e.Name); err != nil {
		return nil, err
	}
	if _, err := os.Lstat(filepath.Join(e.Home, e.Name)); !errors.Is(err, fs.ErrNotExist) {
		return nil, &Failure{
			Exit: exitConflict, Reason: "PROFILE_EXISTS", Text: "there is a profile of that name already",
			Next: "name another with --profile", cause: err,
		}
	}
	invitation, err := enrolment.Parse(e.Invitation)
	if err != nil {
		return nil, &Failure{
			Exit: exitInvalid, Reason: "INVITATION_UNREADABLE", Text: "that is not a whole invitation",
			Next: "copy it again, from amparo1- to its end", cause: err,
		}
	}
	if end := invitation.GetExpiresAt(); end != nil && end.AsTime().Before(e.Now()) {
		return nil, &Failure{
			Exit: exitDenied, Reason: "INVITATION_INVALID", Text: "the invitation has expired",
			Next: "ask for a new invitation, or see whether this machine's clock is right",
		}
	}
	return invitation, nil
}

// register makes the one call that exists under the enrolment name.
func (p *Profile) register(ctx context.Context, invitation *amparov1.Invitation, version string) (*amparov1.EnrolResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	own, err := pinOf(p.certificate)
	if err != nil {
		return nil, err
	}
	public, ok := p.signing.Public().(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("register device: the signing key is not Ed25519")
	}
	request := &amparov1.EnrolRequest{
		InvitationId: invitation.GetId(), AgeRecipient: p.identity.Recipient().String(), SigningKey: public,
	}
	pin := &pinned{want: p.ServerPin}
	conn, err := dial(p.Address, pin.config(invitation.GetEnrolmentName(), p.certificate), version,
		grpc.WithPerRPCCredentials(&proof{secret: invitation.GetSecret(), claim: enrolment.Claim{
			InvitationID: request.InvitationId, TLSPin: own,
			AgeRecipient: request.AgeRecipient, SigningKey: request.SigningKey,
		}}))
	if err != nil {
		return nil, err
	}
	defer conn.Close() //nolint:errcheck // nothing is left to lose
	answer, err := amparov1.NewEnrolmentServiceClient(conn).Enrol(ctx, request)
	if err != nil {
		return nil, pin.explain(err)
	}
	if answer.GetServerName() == "" || answer.GetStaff().GetId() == "" || answer.GetDevice().GetId() == "" {
		return nil, &Failure{
			Exit: exitUnavailable, Reason: "ANSWER_INCOMPLETE", Text: "the service's answer to the enrolment is not whole",
			Next: "use the client of the service's version, and ask for a new invitation",
		}
	}
	return answer, p.writePEM(fileServerCert, "CERTIFICATE", pin.seen.Load().Raw)
}

// proof shows, on the connection that carries the call and on no other, that the
// caller holds the invitation's secret.
type proof struct {
	secret []byte
	claim  enrolment.Claim
}

// GetRequestMetadata implements credentials.PerRPCCredentials. It runs once the
// connection stands, so the exporter is that of this very connection.
func (p *proof) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	request, _ := credentials.RequestInfoFromContext(ctx)
	info, ok := request.AuthInfo.(credentials.TLSInfo)
	if !ok {
		return nil, errors.New("prove invitation: the connection is not TLS")
	}
	exporter, err := info.State.ExportKeyingMaterial(enrolment.ExporterLabel, nil, enrolment.ExporterSize)
	if err != nil {
		return nil, fmt.Errorf("prove invitation: %w", err)
	}
	claim := p.claim
	claim.Exporter = exporter
	signature, err := enrolment.Sign(p.secret, claim)
	if err != nil {
		return nil, err
	}
	return map[string]string{enrolment.ProofHeader: string(signature)}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials.
func (p *proof) RequireTransportSecurity() bool { return true }
