// Package server is the service at its edge: TLS, the gate that every call passes,
// and one file for each gRPC service. A handler opens files through package
// records, calls a rule on them, and answers; it decides nothing itself.
//
// Start with New and Serve; Stop drains. InviteAdministrator is for the machine
// itself. The package picks no engine and reads no file: cmd/amparod does.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/net/netutil"
	"golang.org/x/time/rate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/enrolment"
	"github.com/amparo-project/amparo/internal/records"
)

// Limits bound what callers can make the service do. DefaultLimits are safe.
type Limits struct {
	CallsPerSecond       float64       // of one device, on average
	CallBurst            int           // of one device, at once
	ConnectionsPerDevice int           // open at the same time
	EnrolmentConnections int           // open at the same time, of all
	EnrolmentsPerSecond  float64       // attempts, of all
	Connections          int           // open at the same time, of all
	CallTimeout          time.Duration // of a unary call
	Silence              time.Duration // of a client, before it is asked whether it is there
}

// DefaultLimits are the limits where the configuration says nothing.
func DefaultLimits() Limits {
	return Limits{
		CallsPerSecond: 50, CallBurst: 200, ConnectionsPerDevice: 8,
		EnrolmentConnections: 32, EnrolmentsPerSecond: 5, Connections: 4096, Silence: time.Minute,
		CallTimeout: 30 * time.Second,
	}
}

// Fixed limits of the transport: none of them is worth a setting.
const (
	maxMessage       = 1 << 20
	maxHeaders       = 16 << 10
	maxStreams       = 64
	handshakeTimeout = 10 * time.Second
	idleTimeout      = 15 * time.Minute
	connectionAge    = 12 * time.Hour
	minPing          = time.Minute
	drainTime        = 10 * time.Second
	// workers keep their stacks from one call to the next; a call that finds them
	// all busy gets a goroutine of its own.
	workers = 256
)

// Config is what New needs; all fields are required.
type Config struct {
	Records     *records.Records
	Certificate tls.Certificate
	Door        Door
	Limits      Limits
	Log         zerolog.Logger
	Version     string
}

// Server is the running service.
type Server struct {
	cfg        Config
	records    *records.Records
	rules      access.Rules
	checker    *checker
	rates      *rates
	refused    *refusals
	hints      *hints
	enrolments *rate.Limiter
	grpc       *grpc.Server
	stopping   chan struct{}
	stop       sync.Once
}

// New makes a server. It fails when a method does not declare who may call it.
func New(cfg Config) (*Server, error) {
	rules, err := access.LoadV1()
	if err != nil {
		return nil, err
	}
	check, err := newChecker()
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, records: cfg.Records, rules: rules, checker: check,
		rates:      &rates{perCall: rate.Limit(cfg.Limits.CallsPerSecond), burst: cfg.Limits.CallBurst, limiters: map[[32]byte]*rate.Limiter{}},
		refused:    &refusals{seen: map[refusalKey]*folded{}},
		hints:      &hints{told: map[string][]hint{}},
		enrolments: rate.NewLimiter(rate.Limit(cfg.Limits.EnrolmentsPerSecond), 2*max(1, int(cfg.Limits.EnrolmentsPerSecond))),
		stopping:   make(chan struct{}),
	}
	s.grpc = grpc.NewServer(s.options()...)
	amparov1.RegisterAuditServiceServer(s.grpc, &auditing{s: s})
	amparov1.RegisterCapsuleServiceServer(s.grpc, &capsules{s: s})
	amparov1.RegisterCardServiceServer(s.grpc, &cards{s: s})
	amparov1.RegisterCaseServiceServer(s.grpc, &cases{s: s})
	amparov1.RegisterConsentServiceServer(s.grpc, &consents{s: s})
	amparov1.RegisterDisclosureServiceServer(s.grpc, &disclosures{s: s})
	amparov1.RegisterDeadlineServiceServer(s.grpc, &deadlines{s: s})
	amparov1.RegisterEnrolmentServiceServer(s.grpc, &enrolments{s: s})
	amparov1.RegisterOnCallServiceServer(s.grpc, &oncall{s: s})
	amparov1.RegisterLinkServiceServer(s.grpc, &links{s: s})
	amparov1.RegisterHandoverServiceServer(s.grpc, &handovers{s: s})
	amparov1.RegisterPolicyServiceServer(s.grpc, &policies{s: s})
	amparov1.RegisterInterpreterServiceServer(s.grpc, &interpreting{s: s})
	amparov1.RegisterPlanServiceServer(s.grpc, &plans{s: s})
	amparov1.RegisterQueueServiceServer(s.grpc, &queue{s: s})
	amparov1.RegisterRiskServiceServer(s.grpc, &risks{s: s})
	amparov1.RegisterSafetyServiceServer(s.grpc, &contacts{s: s})
	amparov1.RegisterStaffServiceServer(s.grpc, &staff{s: s})
	amparov1.RegisterTextServiceServer(s.grpc, &reading{s: s})
	return s, nil
}

func (s *Server) options() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.Creds(newTransport(s.cfg.Certificate, enrolment.Name(s.cfg.Door.ServerPin), s.cfg.Limits)),
		grpc.ForceServerCodecV2(newCodec()),
		grpc.InTapHandle(s.tap),
		grpc.UnaryInterceptor(s.unary),
		grpc.StreamInterceptor(s.stream),
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.MaxSendMsgSize(maxMessage),
		grpc.MaxHeaderListSize(maxHeaders),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.ConnectionTimeout(handshakeTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionIdle: idleTimeout, MaxConnectionAge: connectionAge,
			// On a bad line most connections end without a word. Each would hold a
			// place of its device until it is idle for long, and a few of them
			// would shut the operator out.
			Time: s.cfg.Limits.Silence, Timeout: s.cfg.Limits.Silence / 3,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minPing, PermitWithoutStream: true}),
		grpc.WaitForHandlers(true),
		grpc.NumStreamWorkers(workers),
	}
}

// Serve answers on the listener until Stop; it returns nil after that.
func (s *Server) Serve(listener net.Listener) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go s.flushRefusals(ctx)
	s.warnOfStaffing()
	err := s.grpc.Serve(netutil.LimitListener(listener, s.cfg.Limits.Connections))
	if errors.Is(err, grpc.ErrServerStopped) {
		return nil
	}
	return err
}

// Stop ends open streams, lets running calls finish for a while, and then ends
// them too. What was acknowledged is durable; what was not can be repeated.
func (s *Server) Stop() {
	s.stop.Do(func() {
		close(s.stopping)
		timer := time.AfterFunc(drainTime, s.grpc.Stop)
		defer timer.Stop()
		s.grpc.GracefulStop()
	})
}

// Seal ends every connection at once: the store can vouch for nothing any more.
func (s *Server) Seal() {
	s.stop.Do(func() {
		close(s.stopping)
		s.grpc.Stop()
	})
}

// services are the descriptors of all that is served.
func services() []protoreflect.ServiceDescriptor {
	var all []protoreflect.ServiceDescriptor
	protoregistry.GlobalFiles.RangeFilesByPackage("amparo.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			all = append(all, file.Services().Get(i))
		}
		return true
	})
	return all
}

func newRequest(descriptor protoreflect.MessageDescriptor) (proto.Message, error) {
	kind, err := protoregistry.GlobalTypes.FindMessageByName(descriptor.FullName())
	if err != nil {
		return nil, err
	}
	return kind.New().Interface(), nil
}
