package client

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// Options are how patient a connection is. The zero value is right for a person
// at a terminal.
type Options struct {
	// Timeout ends one attempt at a call that is not a stream; zero means 30
	// seconds.
	Timeout time.Duration
	// Patience is for how long a call is repeated while the service does not
	// answer; zero means 10 seconds, a negative one that it is made once.
	Patience time.Duration
	// OnRetry is told before each repetition; may be nil.
	OnRetry func()
	// OnSent is told of each request that waited in the outbox and was sent at
	// the first contact, with its case, or with why it stays; may be nil. It is
	// called beside the connection's other calls. The sending ends with the context
	// of the call that made the contact, or with Close after a while.
	OnSent func(*amparov1.KeptCapsule, *amparov1.SubmitCapsuleResponse, *Failure)
	// OnLogFault is told when the service's audit log is not the one that this
	// device has seen, with the Failure of KeepCheckpoint. The checkpoint is asked for
	// after the first answer, and again each day on a connection that is still open;
	// never when OnLogFault is nil. It is called beside the connection's other calls,
	// and not after Close.
	OnLogFault func(*Failure)
	// OnLogUnseen is told since when the service has answered other calls and not
	// shown its audit log, where that is more than a day by Now; may be nil. It is
	// called as OnLogFault is, and as often.
	OnLogUnseen func(since time.Time)
	// Now is the clock by which the profile remembers when it has seen the log; it
	// remembers nothing where this is nil.
	Now func() time.Time
	// Version of the program, for the service's log.
	Version string
}

// Conn is a connection to the service, with its stubs. Close it after use. Calls
// come back with errors that Explain understands, and a writing request without a
// request_id is given one. With the first answer, what waits in the profile's outbox
// is sent, and the service's log is checked.
type Conn struct {
	*grpc.ClientConn
	Cards amparov1.CardServiceClient

	Safety       amparov1.SafetyServiceClient
	Interpreters amparov1.InterpreterServiceClient

	Cases amparov1.CaseServiceClient
	Risk  amparov1.RiskServiceClient
	Plans amparov1.PlanServiceClient
	Links amparov1.LinkServiceClient
	Queue amparov1.QueueServiceClient
	Staff amparov1.StaffServiceClient
	Audit amparov1.AuditServiceClient
	// Capsules takes what was sealed; see TakeIntake and SendOutbox.
	Capsules amparov1.CapsuleServiceClient

	Deadlines amparov1.DeadlineServiceClient
	Policy    amparov1.PolicyServiceClient
	OnCall    amparov1.OnCallServiceClient
	Texts     amparov1.TextServiceClient

	Consents    amparov1.ConsentServiceClient
	Disclosures amparov1.DisclosureServiceClient

	profile *Profile
	outbox  *outbox
	verdict *verdict
	now     func() time.Time // may be nil
}

// Dial connects a profile to its service: TLS 1.3, both ends known by the hash of
// their keys. It returns at once; an address that does not answer shows at the
// first call.
func Dial(p *Profile, options Options) (*Conn, error) {
	pin := &pinned{want: p.ServerPin}
	caller := newCaller(pin, options)
	box, log := &outbox{busy: map[string]bool{}}, &verdict{tell: options.OnLogFault}
	caller.contact = func(ctx context.Context) {
		box.contact(ctx)
		log.contact(ctx)
	}
	conn, err := dial(p.Address, pin.config(p.ServerName, p.certificate), options.Version,
		grpc.WithChainUnaryInterceptor(caller.unary), grpc.WithChainStreamInterceptor(caller.stream))
	if err != nil {
		return nil, err
	}
	c := &Conn{
		ClientConn: conn, profile: p, outbox: box, verdict: log, now: options.Now, Capsules: amparov1.NewCapsuleServiceClient(conn),
		Cards:  amparov1.NewCardServiceClient(conn),
		Safety: amparov1.NewSafetyServiceClient(conn), Interpreters: amparov1.NewInterpreterServiceClient(conn),
		Cases: amparov1.NewCaseServiceClient(conn), Risk: amparov1.NewRiskServiceClient(conn),
		Plans: amparov1.NewPlanServiceClient(conn), Links: amparov1.NewLinkServiceClient(conn),
		Queue: amparov1.NewQueueServiceClient(conn), Staff: amparov1.NewStaffServiceClient(conn),
		Audit: amparov1.NewAuditServiceClient(conn), Deadlines: amparov1.NewDeadlineServiceClient(conn), Policy: amparov1.NewPolicyServiceClient(conn), OnCall: amparov1.NewOnCallServiceClient(conn),
		Texts: amparov1.NewTextServiceClient(conn), Consents: amparov1.NewConsentServiceClient(conn), Disclosures: amparov1.NewDisclosureServiceClient(conn),
	}
	told := options.OnSent
	if told == nil {
		told = func(*amparov1.KeptCapsule, *amparov1.SubmitCapsuleResponse, *Failure) {}
	}
	// Each that stays has been told of, and waits on.
	box.send = func(ctx context.Context) { _ = c.SendOutbox(ctx, told) }
	if options.OnLogFault != nil && p.LogKey != "" { // an earlier version kept no key
		log.check = c.keepCheckpoint
		log.vain = func(why *Failure) {
			if options.OnLogUnseen == nil || c.now == nil {
				return
			}
			if since, tooLong := p.unseen(why, c.now()); tooLong {
				options.OnLogUnseen(since)
			}
		}
	}
	return c, nil
}

func dial(address string, config *tls.Config, version string, more ...grpc.DialOption) (*grpc.ClientConn, error) {
	options := append([]grpc.DialOption{
		grpc.WithTransportCredentials(credentials.NewTLS(config)),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(MaxMessage), grpc.MaxCallSendMsgSize(MaxMessage)),
		// A configuration found in the DNS would be somebody else's.
		grpc.WithDisableServiceConfig(),
		grpc.WithUserAgent("amparo/" + version),
		// An idle line that a router has dropped is noticed within two
		// minutes, so that a watch never shows an old queue in silence.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 90 * time.Second, Timeout: 20 * time.Second}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 200 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 3 * time.Second},
			MinConnectTimeout: 10 * time.Second,
		}),
	}, more...)
	conn, err := grpc.NewClient(address, options...)
	if err != nil {
		return nil, &Failure{
			Exit: exitInvalid, Reason: "ADDRESS", Text: "the service's address cannot be read",
			Next: "ask for a new invitation", cause: err,
		}
	}
	return conn, nil
}

var errWrongServer = errors.New("check server: its key is not the one pinned")

// pinned knows one server by its key.
type pinned struct {
	want  [sha256.Size]byte
	wrong atomic.Bool // the last handshake met another key
	seen  atomic.Pointer[x509.Certificate]
}

// config is a TLS configuration that accepts the pinned key under any certificate
// and no other key under any.
func (p *pinned) config(name string, own tls.Certificate) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		ServerName:             name,
		Certificates:           []tls.Certificate{own},
		SessionTicketsDisabled: true,
		InsecureSkipVerify:     true, //nolint:gosec // G402: VerifyConnection below compares the key itself, which no authority can vouch for in its stead
		VerifyConnection:       p.verify,
	}
}

func (p *pinned) verify(state tls.ConnectionState) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("check server: it shows no certificate")
	}
	leaf := state.PeerCertificates[0]
	got := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
	if subtle.ConstantTimeCompare(got[:], p.want[:]) != 1 {
		p.wrong.Store(true)
		return errWrongServer
	}
	p.wrong.Store(false)
	p.seen.Store(leaf)
	return nil
}

// explain tells a wrong server from an outage, which grpc reports alike.
func (p *pinned) explain(err error) error {
	if err == nil || !p.wrong.Load() {
		return err
	}
	return &Failure{
		Exit: exitVerification, Reason: "WRONG_SERVER",
		Text:  "what answers there does not hold the key of the service that was named to this device; nothing was sent to it",
		Next:  "tell the service's operator by another way, and do not enrol anew before it is known why",
		cause: fmt.Errorf("%w: %w", errWrongServer, err),
	}
}
