package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// quitTime is how long a server may take to say good-bye, when everything has been
// said.
const quitTime = 2 * time.Second

// mailer sends mail through one server, over a connection for each Send.
type mailer struct {
	to       wayOut
	implicit bool
	from     string
	domain   string // of from: the only name that a message and the greeting bear
	user     string
	password string
	now      func() time.Time
}

func newMailer(c SMTP, now func() time.Time) (*mailer, error) {
	to, err := newWayOut(c.Server, c.CAFile, c.Timeout, smtpTimeout)
	if err != nil {
		return nil, fmt.Errorf("notify.smtp: server: %w", err)
	}
	m := &mailer{to: to, implicit: c.TLS == "implicit", from: c.From, user: c.User, now: now}
	switch c.TLS {
	case "":
		m.implicit = to.port == 465
	case "implicit", "starttls":
	default:
		return nil, errors.New("notify.smtp: tls must be implicit or starttls; there is no third")
	}
	if err := CheckAddress(c.From); err != nil {
		return nil, fmt.Errorf("notify.smtp: from: %w", err)
	}
	m.domain = c.From[strings.LastIndexByte(c.From, '@')+1:]
	if (c.User == "") != (c.PasswordFile == "") {
		return nil, errors.New("notify.smtp: user and password_file go together")
	}
	if c.PasswordFile != "" {
		if m.password, err = readSecret(c.PasswordFile); err != nil {
			return nil, fmt.Errorf("notify.smtp: password_file: %w", err)
		}
	}
	return m, nil
}

// send fills in one result for each recipient. A mail of their own goes to each:
// they do not learn of one another, and one address that is refused does not hold
// up the others.
func (m *mailer) send(ctx context.Context, message Message, results []error) {
	waiting := 0
	for i, to := range message.To {
		switch {
		case m == nil || to.Mail == "":
			results[i] = ErrNoWay
		case CheckAddress(to.Mail) != nil:
			results[i] = fmt.Errorf("send notice by mail: %w", errNoAddress)
		default:
			results[i] = errPending
			waiting++
		}
	}
	if waiting == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, m.to.timeout)
	defer cancel()
	err := m.sendEach(ctx, message, results)
	for i := range results {
		if errors.Is(results[i], errPending) {
			results[i] = explain("mail", err)
		}
	}
}

var errPending = errors.New("send notice by mail: not yet tried")

func (m *mailer) sendEach(ctx context.Context, message Message, results []error) error {
	line, err := dial(ctx, m.to)
	if err != nil {
		return err
	}
	defer line.hangUp()
	client, err := m.client(line)
	if err != nil {
		return err
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return errors.Join(err, line.failed, ctx.Err())
	}
	for i, to := range message.To {
		if !errors.Is(results[i], errPending) {
			continue
		}
		if results[i] = m.sendOne(client, session, message, to.Mail); results[i] != nil {
			results[i] = explain("mail", errors.Join(results[i], line.failed, ctx.Err()))
		}
	}
	soon, cancel := context.WithTimeout(ctx, quitTime)
	defer cancel()
	defer context.AfterFunc(soon, line.hangUp)()
	// Whether the server says good-bye changes nothing: each message has its answer.
	_ = client.CloseWithSMTPClient(session)
	return nil
}

func (m *mailer) sendOne(client *gomail.Client, session *smtp.Client, message Message, to string) error {
	mail, err := m.compose(message, to)
	if err != nil {
		return err
	}
	err = client.SendWithSMTPClient(session, mail)
	if mail.IsDelivered() {
		return nil // whatever went wrong afterwards, the server has taken it
	}
	if err == nil {
		return errors.New("the server took nothing")
	}
	return err
}

// compose writes one mail. What the library would add by itself is set here: its
// own name, the name of this machine in the Message-ID, and the zone of its clock.
func (m *mailer) compose(message Message, to string) (*gomail.Msg, error) {
	mail := gomail.NewMsg(gomail.WithNoDefaultUserAgent(),
		gomail.WithCharset(gomail.CharsetASCII), gomail.WithEncoding(gomail.EncodingUSASCII))
	if err := errors.Join(mail.From(m.from), mail.To(to)); err != nil {
		return nil, errNoAddress
	}
	mail.SetMessageIDWithValue(newID() + "@" + m.domain)
	mail.SetDateWithValue(m.now().UTC())
	// RFC 3834: a holiday answer to an alarm would tell who is away.
	mail.SetGenHeader("Auto-Submitted", "auto-generated")
	mail.Subject(message.subject())
	if message.Kind.urgent() {
		mail.SetImportance(gomail.ImportanceUrgent)
	}
	body := message.text() + "\r\n"
	if message.Ref != "" {
		body += "Reference: " + message.Ref + "\r\n"
	}
	mail.SetBodyString(gomail.TypeTextPlain, body)
	return mail, nil
}

// client is made for one connection: the library's client keeps state of it.
func (m *mailer) client(line *boundedLine) (*gomail.Client, error) {
	options := []gomail.Option{
		gomail.WithPort(m.to.port), gomail.WithTimeout(m.to.timeout), gomail.WithHELO(m.domain),
		gomail.WithTLSConfig(m.to.tls), gomail.WithTLSPolicy(gomail.TLSMandatory),
		gomail.WithDialContextFunc(m.secured(line)), gomail.WithoutNoop(), gomail.WithoutRset(),
	}
	if m.implicit {
		options = append(options, gomail.WithSSL())
	}
	if m.user != "" {
		options = append(options, gomail.WithUsername(m.user), gomail.WithPassword(m.password),
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin))
	}
	return gomail.NewClient(m.to.host, options...)
}

// secured hands the library its line, with TLS already on it where TLS comes first.
func (m *mailer) secured(line *boundedLine) gomail.DialContextFunc {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		if !m.implicit {
			return line, nil
		}
		secure := tls.Client(line, m.to.tls)
		return secure, secure.HandshakeContext(ctx)
	}
}
