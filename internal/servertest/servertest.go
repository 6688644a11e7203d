// Package servertest starts a whole service inside a test: an engine, a keyring,
// the audit log with its sequencer, the records, and the server on a loopback
// address with real TLS. Nothing in it is pretended, so what a test sees over the
// wire is what a client would see.
//
// Start it with Start, let people in with Service.Enrol, and call through their
// connections. A test that attacks the door makes a NewDevice and enrols it by
// hand. The package is for tests only: it ends the test where anything fails, and
// it leaves out data folders and processes, which are cmd/amparod's.
package servertest

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/seal"
	"github.com/amparo-project/amparo/internal/server"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/bolt"
)

// Options are how a service differs from the usual one; the zero value is a bolt
// engine in a temporary folder, the wall clock, and Generous limits.
type Options struct {
	// Engine to use instead. It must be empty, and its owner closes it.
	Engine store.Engine
	// Limits of the server; the zero value stands for Generous.
	Limits server.Limits
	// Now is the service's clock.
	Now func() time.Time
	// FreeSpace in bytes; nil means that there is always enough.
	FreeSpace func() (uint64, error)
	// Unswept leaves it to the test to sweep: nobody is told of a term by itself.
	Unswept bool
	// Output takes the service's own log lines; nil throws them away.
	Output io.Writer
}

// Generous limits do not slow a test down: those of server.DefaultLimits with
// rates that no test reaches.
func Generous() server.Limits {
	limits := server.DefaultLimits()
	limits.CallsPerSecond, limits.CallBurst = 1e6, 1e6
	limits.EnrolmentsPerSecond, limits.EnrolmentConnections = 1e6, 1024
	limits.ConnectionsPerDevice = 1024
	return limits
}

// Service is a running service.
type Service struct {
	Records *records.Records
	Engine  store.Engine
	Log     *audit.Log
	Address string
	Pin     [32]byte
	// Admin was enrolled with the service's own first invitation.
	Admin *Person

	options     Options
	path        string // of the bolt file; empty when the engine is the caller's
	keyring     *seal.Keyring
	logKey      string
	certificate tls.Certificate
	people      []*Person
	stop        func()
}

// Start starts a service that ends with the test, and enrols its first
// administrator.
func Start(tb testing.TB, options Options) *Service {
	tb.Helper()
	if options.Limits == (server.Limits{}) {
		options.Limits = Generous()
	}
	if options.Now == nil {
		options.Now = time.Now //nolint:forbidigo // a service under test lives in the test's own time
	}
	if options.Output == nil {
		options.Output = io.Discard
	}
	s := &Service{options: options, Engine: options.Engine, stop: func() {}}
	s.makeKeys(tb)
	if s.Engine == nil {
		s.path = filepath.Join(tb.TempDir(), "store.bolt")
		engine, err := bolt.Create(bolt.Options{Path: s.path})
		check(tb, err)
		s.Engine = engine
	}
	check(tb, audit.Create(tb.Context(), s.logConfig()))
	s.unseal(tb)
	check(tb, records.Begin(tb.Context(), s.Records))
	s.serve(tb, "127.0.0.1:0")
	tb.Cleanup(s.Stop)
	invitation, err := server.InviteAdministrator(tb.Context(), s.Records, s.door())
	check(tb, err)
	s.Admin = s.admit(tb, "Administrator", invitation)
	return s
}

func (s *Service) makeKeys(tb testing.TB) {
	tb.Helper()
	folder := tb.TempDir()
	own, other := filepath.Join(folder, "identity"), filepath.Join(folder, "recovery")
	_, err := seal.GenerateIdentity(own)
	check(tb, err)
	recoveryText, err := seal.GenerateIdentity(other)
	check(tb, err)
	identities, err := seal.LoadIdentities(own, seal.Terminal{})
	check(tb, err)
	recipients, err := seal.Recipients(identities)
	check(tb, err)
	recovery, err := seal.ParseRecipients(recoveryText)
	check(tb, err)
	check(tb, seal.CreateKeyring(filepath.Join(folder, "keyring"), recipients, recovery))
	s.keyring, err = seal.OpenKeyring(filepath.Join(folder, "keyring"), identities)
	check(tb, err)
	s.logKey, _, err = audit.GenerateKey()
	check(tb, err)
	pair, err := server.NewCertificate("127.0.0.1:0")
	check(tb, err)
	s.certificate, err = tls.X509KeyPair(pair, pair)
	check(tb, err)
	s.Pin = sha256.Sum256(s.certificate.Leaf.RawSubjectPublicKeyInfo)
}

func (s *Service) logConfig() audit.Config {
	return audit.Config{Engine: s.Engine, Sealer: s.keyring, Key: s.logKey}
}

func (s *Service) door() server.Door {
	return server.Door{Address: s.Address, ServerPin: s.Pin}
}

// unseal opens the store as amparod does: the log catches up first.
func (s *Service) unseal(tb testing.TB) {
	tb.Helper()
	var err error
	s.Log, err = audit.Open(tb.Context(), s.logConfig())
	check(tb, err)
	check(tb, s.Log.CatchUp(tb.Context()))
	s.Records, err = records.Open(tb.Context(), records.Config{
		Engine: s.Engine, Keyring: s.keyring, Log: s.Log, Now: s.options.Now, FreeSpace: s.options.FreeSpace,
	})
	check(tb, err)
}

// serve listens and answers until stop is called.
func (s *Service) serve(tb testing.TB, address string) {
	tb.Helper()
	from, err := s.Records.Started(tb.Context(), false)
	check(tb, err)
	listener, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", address)
	check(tb, err)
	s.Address = listener.Addr().String()
	running, err := server.New(server.Config{
		Records: s.Records, Certificate: s.certificate, Door: s.door(), Limits: s.options.Limits,
		Log: zerolog.New(s.options.Output), Version: "test",
	})
	check(tb, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	ended := make(chan error, 4)
	go func() { ended <- s.Log.Run(ctx) }()
	go func() { ended <- s.Records.Follow(ctx, from) }()
	go func() { ended <- running.Serve(listener) }()
	go func() {
		if !s.options.Unswept {
			server.Sweep(ctx, s.Records, zerolog.New(s.options.Output))
		}
		ended <- nil
	}()
	s.stop = func() {
		running.Stop()
		cancel()
		for range cap(ended) {
			if err := <-ended; err != nil && !errors.Is(err, context.Canceled) && !tb.Failed() {
				tb.Logf("the service ended with: %v", err)
			}
		}
		if s.path != "" {
			_ = s.Engine.Close()
		}
	}
}

// Stop ends the service as SIGTERM does. A second Stop does nothing.
func (s *Service) Stop() {
	stop := s.stop
	s.stop = func() {}
	stop()
}

// Restart stops the service, unseals its store again and serves it at the same
// address. Connections of people stay usable: they dial again by themselves.
func (s *Service) Restart(tb testing.TB) {
	tb.Helper()
	s.Stop()
	if s.path != "" {
		engine, err := bolt.Open(bolt.Options{Path: s.path})
		check(tb, err)
		s.Engine = engine
	}
	s.unseal(tb)
	s.serve(tb, s.Address)
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
