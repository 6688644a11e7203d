// Package notifytest is what stands at the other end of a notice, inside a test: a
// mail server and a webhook, both with real TLS, which can be told to stall, to
// refuse or to hang up. Everything that they were told can be read back.
//
// Start them with StartMail and StartHook, and hand their Config to notify.New or
// to a program's configuration. The package is for tests only: it ends the test
// where anything fails. It keeps what it was sent in memory and delivers nothing.
package notifytest

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/amparo-project/amparo/internal/notify"
)

// Stage is a moment in the conversation with a mail server.
type Stage int

// The stages, in their order.
const (
	Connect   Stage = iota + 1 // the TCP connection stands; TLS has not begun
	Greeting                   // TLS stands; the server says nothing yet
	Hello                      // the client's EHLO
	Login                      // AUTH
	Sender                     // MAIL FROM
	Addressee                  // RCPT TO
	Content                    // the text is being sent
	Taken                      // the text has been read to its end
	Farewell                   // the client's QUIT
)

// Conduct is what a mail server does at a stage instead of going on.
type Conduct int

// The ways to misbehave.
const (
	Stall  Conduct = iota + 1 // say nothing until the test ends
	Refuse                    // answer with an error that repeats what was asked
	HangUp                    // close the connection
)

// MailOptions say what kind of server to start; the zero value takes everything
// from anybody under implicit TLS.
type MailOptions struct {
	// StartTLS begins in plain text and offers STARTTLS.
	StartTLS bool
	// NoTLS offers none, to a client that is set to STARTTLS.
	NoTLS bool
	// Password is asked for, of the user "desk", when it is not empty.
	Password string
	// At says what to do at a stage; may be nil.
	At map[Stage]Conduct
	// Unknown is the one address that is refused at Addressee.
	Unknown string
}

// MailServer is a running mail server.
type MailServer struct {
	options MailOptions
	config  notify.SMTP
	ended   chan struct{}

	mu    sync.Mutex
	wire  bytes.Buffer
	mails []string
}

// StartMail starts a mail server that ends with the test.
func StartMail(tb testing.TB, options MailOptions) *MailServer {
	tb.Helper()
	certificate, authority := newCertificate(tb)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(tb, err)
	s := &MailServer{options: options, ended: make(chan struct{})}
	s.config = notify.SMTP{
		Server: listener.Addr().String(), From: "notices@example.org", TLS: "implicit", CAFile: authority,
	}
	if options.Password != "" {
		s.config.User = "desk"
		s.config.PasswordFile = secretFile(tb, options.Password)
	}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		if err := s.reach(Hello, c); err != nil {
			return nil, err
		}
		return &session{s: s, conn: c}, nil
	}))
	server.Domain = "mail.example.org"
	server.ErrorLog = silent{}
	secure := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	plain := &misbehaving{Listener: listener, s: s, stage: Connect}
	var outer net.Listener = plain
	switch {
	case options.NoTLS:
		s.config.TLS = "starttls"
	case options.StartTLS:
		s.config.TLS = "starttls"
		server.TLSConfig = secure
	default:
		// The server sees a connection that records, and so does not see its TLS.
		server.AllowInsecureAuth = true
		outer = &misbehaving{Listener: tls.NewListener(plain, secure), s: s, stage: Greeting, records: true}
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(outer) // ends with an error when it is closed
	}()
	tb.Cleanup(func() {
		close(s.ended)
		_ = server.Close()
		<-served
	})
	return s
}

// Config is what a client needs to send through the server.
func (s *MailServer) Config() notify.SMTP { return s.config }

// Mails are the messages taken so far, each with its headers.
func (s *MailServer) Mails() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// Wire is everything that clients said: what stood under TLS when that is implicit,
// and what anybody on the line could read where the server offers STARTTLS.
func (s *MailServer) Wire() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wire.String()
}

func (s *MailServer) record(p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wire.Write(p)
}

// reach does what the server was told to do at a stage.
func (s *MailServer) reach(stage Stage, c *smtp.Conn, asked ...string) error {
	switch s.options.At[stage] {
	case Stall:
		<-s.ended
		return errors.New("the test has ended")
	case Refuse:
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: strings.Join(asked, " ") + " is refused"}
	case HangUp:
		return errors.Join(errors.New("hung up"), c.Conn().Close())
	default:
		return nil
	}
}

// session is one conversation.
type session struct {
	s        *MailServer
	conn     *smtp.Conn
	loggedIn bool
}

// AuthMechanisms implements smtp.AuthSession.
func (c *session) AuthMechanisms() []string {
	if c.s.options.Password == "" {
		return nil
	}
	return []string{sasl.Plain}
}

// Auth implements smtp.AuthSession.
func (c *session) Auth(string) (sasl.Server, error) {
	if err := c.s.reach(Login, c.conn); err != nil {
		return nil, err
	}
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "desk" || password != c.s.options.Password {
			return smtp.ErrAuthFailed
		}
		c.loggedIn = true
		return nil
	}), nil
}

// Mail implements smtp.Session.
func (c *session) Mail(from string, _ *smtp.MailOptions) error {
	if c.s.options.Password != "" && !c.loggedIn {
		return smtp.ErrAuthRequired
	}
	return c.s.reach(Sender, c.conn, from)
}

// Rcpt implements smtp.Session.
func (c *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if to == c.s.options.Unknown {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: to + " is unknown here"}
	}
	return c.s.reach(Addressee, c.conn, to)
}

// Data implements smtp.Session.
func (c *session) Data(r io.Reader) error {
	if err := c.s.reach(Content, c.conn); err != nil {
		return err
	}
	content, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	c.s.mu.Lock()
	c.s.mails = append(c.s.mails, string(content))
	c.s.mu.Unlock()
	return c.s.reach(Taken, c.conn)
}

// Reset implements smtp.Session.
func (c *session) Reset() {}

// Logout implements smtp.Session.
func (c *session) Logout() error { return nil }

// misbehaving is a listener that can stall or hang up before a server speaks.
type misbehaving struct {
	net.Listener
	s       *MailServer
	stage   Stage
	records bool
}

// Accept implements net.Listener.
func (l *misbehaving) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		switch l.s.options.At[l.stage] {
		case Stall:
			l.stall(conn)
		case HangUp, Refuse:
			_ = conn.Close()
		default:
			if l.records || l.s.config.TLS == "starttls" {
				return &recorded{Conn: conn, s: l.s}, nil
			}
			return conn, nil
		}
	}
}

// stall keeps a connection without a word; under TLS it shakes hands first.
func (l *misbehaving) stall(conn net.Conn) {
	go func() {
		if secure, ok := conn.(*tls.Conn); ok {
			_ = secure.Handshake() // the client's affair
		}
		<-l.s.ended
		_ = conn.Close()
	}()
}

// recorded is a connection that remembers what it read.
type recorded struct {
	net.Conn
	s *MailServer
}

// Read implements net.Conn.
func (c *recorded) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.s.record(p[:n])
	if bytes.HasSuffix(p[:n], []byte("QUIT\r\n")) && c.s.options.At[Farewell] == Stall {
		<-c.s.ended
	}
	return n, err
}

// silent is a server's log that nobody reads.
type silent struct{}

// Printf implements smtp.Logger.
func (silent) Printf(string, ...any) {}

// Println implements smtp.Logger.
func (silent) Println(...any) {}

// newCertificate is a certificate for 127.0.0.1, and a file with what to trust.
func newCertificate(tb testing.TB) (tls.Certificate, string) {
	tb.Helper()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	return server.TLS.Certificates[0], authorityFile(tb, server)
}

func authorityFile(tb testing.TB, server *httptest.Server) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "authority.pem")
	check(tb, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	return path
}

func secretFile(tb testing.TB, secret string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "secret")
	check(tb, os.WriteFile(path, []byte(secret+"\n"), 0o600))
	return path
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
