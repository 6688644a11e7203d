package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/notify"
	"github.com/amparo-project/amparo/internal/notifytest"
	"github.com/amparo-project/amparo/internal/servertest"
)

// TestLastAlarm: a service that loses its store seals itself, and says
// so by mail and webhook before it ends; mail that stalls does not hold it up.
func TestLastAlarm(t *testing.T) {
	t.Parallel()
	whole := newFolder(t)
	for name, c := range map[string]struct {
		mail  notifytest.MailOptions
		mails int
	}{
		"mail goes out": {notifytest.MailOptions{Password: "a password"}, 2},
		"mail stalls":   {notifytest.MailOptions{At: map[notifytest.Stage]notifytest.Conduct{notifytest.Sender: notifytest.Stall}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := whole.copyTo(t)
			mail, hook := notifytest.StartMail(t, c.mail), notifytest.StartHook(t, nil)
			p := begin(t, amparod(t, "serve", "--data", f.path, "--identity", f.identity, "--listen", "127.0.0.1:0", "--config",
				writeConfig(t, Config{
					LastAlarmTo: []string{"operator@example.org", "second@example.org"},
					Notify:      notify.Config{SMTP: mail.Config(), Webhook: hook.Config()},
				})))
			// The store is cut off under the running service.
			if err := os.Truncate(f.store(), 2*16<<10); err != nil {
				t.Fatal(err)
			}
			knock(t, p.address())
			ended := p.wait()
			if ended.code != exitUnavailable || !strings.Contains(ended.said, "SEALED") || ended.took > lastAlarmTime+5*time.Second {
				t.Errorf("serve ends with %d after %v: %s", ended.code, ended.took, ended.said)
			}
			if mails := mail.Mails(); len(mails) != c.mails || c.mails > 0 && !strings.Contains(mails[0], "The service has stopped by itself") {
				t.Errorf("%d mails: %s", len(mails), mails)
			}
			if posts := hook.Posts(); len(posts) != 1 || !strings.Contains(string(posts[0].Body), "amparo.sealed") {
				t.Errorf("%d posts", len(posts))
			}
		})
	}
}

// knock makes a call that leaves a leaf: a refusal to an unknown device.
func knock(t *testing.T, address string) {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{servertest.NewDevice(t).Certificate}, InsecureSkipVerify: true,
	})))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := amparov1.NewStaffServiceClient(conn).WhoAmI(ctx, &amparov1.WhoAmIRequest{}); err == nil {
		t.Error("an unknown device is answered")
	}
}

func writeConfig(t testing.TB, config any) string {
	t.Helper()
	text, err := yaml.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(fmt.Errorf("write the configuration: %w", err))
	}
	return path
}
