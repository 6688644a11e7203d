package notify_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/amparo-project/amparo/internal/notify"
	"github.com/amparo-project/amparo/internal/notifytest"
)

const (
	alarmRef = "alarmalarmalarmalarmalarma"
	// personID must not leave by mail.
	personID = "canarycanarycanarycanaryca"
	password = "canary-password"
	desk     = "desk@example.org"
	second   = "second@example.org"
)

// mailed sends through a mail server of its own.
func mailed(t *testing.T, options notifytest.MailOptions, timeout time.Duration, m notify.Message) (*notifytest.MailServer, notify.Receipt) {
	t.Helper()
	server := notifytest.StartMail(t, options)
	config := server.Config()
	config.Timeout = timeout
	return server, sender(t, notify.Config{SMTP: config}).Send(t.Context(), m)
}

func sender(t *testing.T, config notify.Config) *notify.Sender {
	t.Helper()
	s, err := notify.New(config, clock)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// clock is that of a machine whose zone would tell where it stands.
func clock() time.Time {
	return time.Date(2027, 3, 1, 4, 30, 0, 0, time.FixedZone("", 5*3600+1800))
}

func toDesk(kind notify.Kind) notify.Message {
	return notify.Message{Kind: kind, Ref: alarmRef, To: []notify.Recipient{{Mail: desk, PersonID: personID}}}
}

// allowed is the whole of what may be said to a mail server for an alarm, with its
// headers sorted, but for a random id.
const allowed = `EHLO example.org
MAIL FROM:<notices@example.org> BODY=8BITMIME
RCPT TO:<desk@example.org>
DATA
Auto-Submitted: auto-generated
Content-Transfer-Encoding: 7bit
Content-Type: text/plain; charset=US-ASCII
Date: Sun, 28 Feb 2027 23:00:00 +0000
From: <notices@example.org>
Importance: urgent
MIME-Version: 1.0
Message-ID: <id@example.org>
Priority: 1
Subject: Urgent notice
To: <desk@example.org>
X-MSMail-Priority: 1
X-Priority: 1

You have an urgent task: open Amparo and acknowledge it.
Reference: alarmalarmalarmalarmalarma
.
QUIT
`

// TestMailSaysNothingElse: every byte under TLS is in the text above.
func TestMailSaysNothingElse(t *testing.T) {
	server, receipt := mailed(t, notifytest.MailOptions{}, 0, toDesk(notify.Alarm))
	if err := receipt.Mail[0]; err != nil {
		t.Fatal(err)
	}
	if got := inOrder(server.Wire()); got != allowed {
		t.Errorf("said:\n%s\nallowed:\n%s", got, allowed)
	}
	if mails := server.Mails(); len(mails) != 1 || !receipt.Reached(0) || receipt.Err() != nil {
		t.Errorf("taken: %v, reached: %v, error: %v", mails, receipt.Reached(0), receipt.Err())
	}
}

var randomID = regexp.MustCompile(`(?m)^Message-ID: <[a-z2-7]{26}@`)

// inOrder sorts the headers, which the library writes in no order, and replaces the
// id that differs from mail to mail.
func inOrder(said string) string {
	said = strings.ReplaceAll(said, "\r\n", "\n")
	before, rest, _ := strings.Cut(said, "DATA\n")
	head, body, _ := strings.Cut(rest, "\n\n")
	head = randomID.ReplaceAllString(head, "Message-ID: <id@")
	lines := strings.Split(head, "\n")
	slices.Sort(lines)
	return before + "DATA\n" + strings.Join(lines, "\n") + "\n\n" + body
}

// TestEachKindHasItsText and no notice tells more than its kind and a reference.
func TestEachKindHasItsText(t *testing.T) {
	for kind, want := range map[notify.Kind]string{
		notify.Task:    "Subject: Notice|You have a task.",
		notify.Alarm:   "Subject: Urgent notice|You have an urgent task: open Amparo and acknowledge it.",
		notify.Sealed:  "Subject: Urgent notice|The service has stopped by itself and needs its operator.",
		notify.Silent:  "Subject: Urgent notice|The service does not answer and needs its operator.",
		notify.Answers: "Subject: Notice|The service answers again.",
		notify.Doubted: "Subject: Urgent notice|The service's memory is in doubt and it needs its operator.",
	} {
		m := toDesk(kind)
		m.Ref = ""
		server, receipt := mailed(t, notifytest.MailOptions{}, 0, m)
		if receipt.Err() != nil {
			t.Fatal(receipt.Err())
		}
		content := server.Mails()[0]
		subject, text, _ := strings.Cut(want, "|")
		if !strings.Contains(content, subject+"\r\n") || !strings.HasSuffix(content, "\r\n\r\n"+text+"\r\n") {
			t.Errorf("kind %d is mailed as:\n%s", kind, content)
		}
	}
}

// TestLogin only under TLS, and with nothing in the open before it.
func TestLogin(t *testing.T) {
	for name, options := range map[string]notifytest.MailOptions{
		"implicit TLS": {Password: password},
		"STARTTLS":     {Password: password, StartTLS: true},
	} {
		server, receipt := mailed(t, options, 0, toDesk(notify.Task))
		if receipt.Err() != nil || len(server.Mails()) != 1 {
			t.Errorf("%s: %v, taken: %d", name, receipt.Err(), len(server.Mails()))
		}
		open, sealed, _ := strings.Cut(server.Wire(), "STARTTLS\r\n")
		if options.StartTLS && (open != "EHLO example.org\r\n" || sealed == "" || strings.Contains(sealed, "example.org>")) {
			t.Errorf("%s: said in the open: %q", name, open)
		}
	}
}

// TestNeverWithoutTLS: a server that offers none is told nothing, and one that
// nobody vouches for neither.
func TestNeverWithoutTLS(t *testing.T) {
	plain := notifytest.StartMail(t, notifytest.MailOptions{StartTLS: true, Password: password})
	config := plain.Config()
	config.CAFile = "" // the machine's authorities do not know the test's
	receipt := sender(t, notify.Config{SMTP: config}).Send(t.Context(), toDesk(notify.Alarm))
	if err := receipt.Err(); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a stranger's certificate: %v", err)
	}
	config = plain.Config()
	config.Server = strings.Replace(config.Server, "127.0.0.1", "localhost", 1)
	receipt = sender(t, notify.Config{SMTP: config}).Send(t.Context(), toDesk(notify.Alarm))
	if err := receipt.Err(); err == nil || !strings.Contains(err.Error(), "certificate") || strings.Contains(plain.Wire(), password) {
		t.Errorf("another's certificate: %v", err)
	}
	bare := notifytest.StartMail(t, notifytest.MailOptions{NoTLS: true})
	receipt = sender(t, notify.Config{SMTP: bare.Config()}).Send(t.Context(), toDesk(notify.Alarm))
	if receipt.Any() || bare.Wire() != "EHLO example.org\r\nQUIT\r\n" && bare.Wire() != "EHLO example.org\r\n" {
		t.Errorf("without STARTTLS: sent %v, said %q", receipt.Any(), bare.Wire())
	}
}

// TestMailServerMisbehaves at each stage: Send reports a failure within its time,
// so that the caller can try again, and its errors repeat nothing that the server
// said.
func TestMailServerMisbehaves(t *testing.T) {
	const limit = 300 * time.Millisecond
	stages := map[notifytest.Stage]string{
		notifytest.Connect: "connect", notifytest.Greeting: "greeting", notifytest.Hello: "hello", notifytest.Login: "login",
		notifytest.Sender: "sender", notifytest.Addressee: "addressee", notifytest.Content: "content", notifytest.Taken: "taken",
	}
	for conduct, want := range map[notifytest.Conduct]string{
		notifytest.Stall: "no answer in time", notifytest.HangUp: "broke off", notifytest.Refuse: "refused with code",
	} {
		for stage, name := range stages {
			for _, startTLS := range []bool{false, true} {
				if conduct == notifytest.Refuse && stage <= notifytest.Hello || startTLS && stage == notifytest.Greeting {
					continue // before it greets a server can only stall or hang up; under STARTTLS it greets in the open
				}
				options := notifytest.MailOptions{StartTLS: startTLS, Password: password, At: map[notifytest.Stage]notifytest.Conduct{stage: conduct}}
				t.Run(fmt.Sprintf("%s %s, STARTTLS %v", name, want, startTLS), func(t *testing.T) {
					t.Parallel()
					began := time.Now()
					_, receipt := mailed(t, options, limit, toDesk(notify.Alarm))
					if took := time.Since(began); took > limit+2*time.Second {
						t.Errorf("took %v", took)
					}
					err := receipt.Err()
					if receipt.Any() || err == nil || !strings.Contains(err.Error(), want) {
						t.Fatalf("sent: %v, error: %v", receipt.Any(), err)
					}
					if strings.Contains(err.Error(), "example.org") || strings.Contains(err.Error(), password) {
						t.Errorf("the error tells too much: %v", err)
					}
				})
			}
		}
	}
}

// TestOneBadAddress does not hold up the others, and its refusal is not repeated.
func TestOneBadAddress(t *testing.T) {
	m := notify.Message{Kind: notify.Alarm, To: []notify.Recipient{
		{Mail: "gone@example.org"}, {Mail: desk}, {}, {Mail: "Somebody <x@example.org>"}, {Mail: second},
	}}
	server, receipt := mailed(t, notifytest.MailOptions{Unknown: "gone@example.org"}, 0, m)
	refusal, _ := errors.AsType[*notify.Error](receipt.Mail[0])
	if refusal == nil || refusal.Code != 550 || strings.Contains(refusal.Error(), "gone") {
		t.Errorf("an unknown address: %v", receipt.Mail[0])
	}
	if !errors.Is(receipt.Mail[2], notify.ErrNoWay) || receipt.Mail[3] == nil {
		t.Errorf("no address: %v; no bare one: %v", receipt.Mail[2], receipt.Mail[3])
	}
	mails := server.Mails()
	if len(mails) != 2 || receipt.Mail[1] != nil || receipt.Mail[4] != nil {
		t.Fatalf("%d mails; %v", len(mails), receipt.Mail)
	}
	for i, want := range []string{desk, second} {
		if !strings.Contains(mails[i], "To: <"+want+">\r\n") || strings.Count(mails[i], "@example.org>") != 3 {
			t.Errorf("mail %d to %s holds another address:\n%s", i, want, mails[i])
		}
	}
	if !receipt.Reached(1) || receipt.Reached(2) || !receipt.Any() {
		t.Error("the receipt does not tell who was reached")
	}
}

// TestServerKeepsItsFarewell: the message was taken, so nobody waits for manners.
func TestServerKeepsItsFarewell(t *testing.T) {
	began := time.Now()
	_, receipt := mailed(t, notifytest.MailOptions{At: map[notifytest.Stage]notifytest.Conduct{notifytest.Farewell: notifytest.Stall}},
		time.Minute, toDesk(notify.Alarm))
	if took := time.Since(began); receipt.Err() != nil || took > 5*time.Second {
		t.Errorf("%v, after %v", receipt.Err(), took)
	}
}

// TestServerTalksForEver and is not listened to.
func TestServerTalksForEver(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		for err == nil {
			_, err = conn.Write([]byte("220-" + strings.Repeat("x", 1000) + "\r\n"))
		}
	}()
	config := notify.SMTP{Server: listener.Addr().String(), From: "notices@example.org"}
	receipt := sender(t, notify.Config{SMTP: config}).Send(t.Context(), toDesk(notify.Alarm))
	if err := receipt.Err(); err == nil || !strings.Contains(err.Error(), "says too much") {
		t.Error(err)
	}
}

// TestGivingUp ends a Send at once.
func TestGivingUp(t *testing.T) {
	server := notifytest.StartMail(t, notifytest.MailOptions{At: map[notifytest.Stage]notifytest.Conduct{notifytest.Sender: notifytest.Stall}})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	began := time.Now()
	receipt := sender(t, notify.Config{SMTP: server.Config()}).Send(ctx, toDesk(notify.Task))
	if took := time.Since(began); receipt.Any() || took > 5*time.Second {
		t.Errorf("sent %v, after %v", receipt.Any(), took)
	}
}
