package notify_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amparo-project/amparo/internal/notify"
	"github.com/amparo-project/amparo/internal/notifytest"
)

// TestConfigRefused: each mistake is named before the first alarm needs the way,
// and no value is repeated.
func TestConfigRefused(t *testing.T) {
	folder := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(folder, name)
		if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	secret := file("secret", "twenty-four bytes or more\n", 0o600)
	mail := func(change func(*notify.SMTP)) notify.Config {
		c := notify.Config{SMTP: notify.SMTP{Server: "canary.example.org:465", From: "notices@example.org", User: "canary", PasswordFile: secret}}
		change(&c.SMTP)
		return c
	}
	hook := func(change func(*notify.Webhook)) notify.Config {
		c := notify.Config{Webhook: notify.Webhook{URL: "https://canary.example.org/x", SecretFile: secret}}
		change(&c.Webhook)
		return c
	}
	for name, c := range map[string]struct {
		config notify.Config
		says   string // empty where it is taken
	}{
		"nothing":                    {notify.Config{}, ""},
		"mail":                       {mail(func(*notify.SMTP) {}), ""},
		"webhook":                    {hook(func(*notify.Webhook) {}), ""},
		"webhook on this machine":    {hook(func(c *notify.Webhook) { c.URL = "http://127.0.0.1:8080/x" }), ""},
		"webhook on this machine, 6": {hook(func(c *notify.Webhook) { c.URL = "http://[::1]:8080/x" }), ""},
		"a key as standardwebhooks has it": {hook(func(c *notify.Webhook) {
			c.SecretFile = file("whsec", "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n", 0o600)
		}), ""},
		"no port":                      {mail(func(c *notify.SMTP) { c.Server = "canary.example.org" }), "notify.smtp: server: must be HOST:PORT"},
		"no server":                    {mail(func(c *notify.SMTP) { c.Server = "" }), "notify.smtp: server"},
		"plain text":                   {mail(func(c *notify.SMTP) { c.TLS = "none" }), "notify.smtp: tls must be"},
		"sender with a name":           {mail(func(c *notify.SMTP) { c.From = "Canary <a@example.org>" }), "notify.smtp: from: not a bare"},
		"sender with a header":         {mail(func(c *notify.SMTP) { c.From = "a@example.org\r\nBcc: canary@example.org" }), "notify.smtp: from"},
		"user, no password":            {mail(func(c *notify.SMTP) { c.PasswordFile = "" }), "go together"},
		"password of nobody":           {mail(func(c *notify.SMTP) { c.User = "" }), "go together"},
		"no password file":             {mail(func(c *notify.SMTP) { c.PasswordFile = filepath.Join(folder, "none") }), "password_file"},
		"everybody's password":         {mail(func(c *notify.SMTP) { c.PasswordFile = file("open", "canary", 0o644) }), "chmod 600"},
		"empty password":               {mail(func(c *notify.SMTP) { c.PasswordFile = file("empty", "\n", 0o600) }), "one line"},
		"two passwords":                {mail(func(c *notify.SMTP) { c.PasswordFile = file("two", "canary\ncanary\n", 0o600) }), "one line"},
		"no authority":                 {mail(func(c *notify.SMTP) { c.CAFile = secret }), "ca_file holds no certificate"},
		"backwards":                    {mail(func(c *notify.SMTP) { c.Timeout = -time.Second }), "timeout"},
		"for ever":                     {hook(func(c *notify.Webhook) { c.Timeout = time.Hour }), "timeout"},
		"http":                         {hook(func(c *notify.Webhook) { c.URL = "http://canary.example.org/x" }), "notify.webhook: url: http is for 127.0.0.1"},
		"http by a name":               {hook(func(c *notify.Webhook) { c.URL = "http://localhost/x" }), "http is for 127.0.0.1"},
		"http elsewhere by its number": {hook(func(c *notify.Webhook) { c.URL = "http://192.0.2.1/x" }), "http is for 127.0.0.1"},
		"ftp":                          {hook(func(c *notify.Webhook) { c.URL = "ftp://canary.example.org/x" }), "must be https"},
		"user in the URL":              {hook(func(c *notify.Webhook) { c.URL = "https://canary@example.org/x" }), "without a user"},
		"no URL":                       {hook(func(c *notify.Webhook) { c.URL = "" }), "notify.webhook: url"},
		"unsigned":                     {hook(func(c *notify.Webhook) { c.SecretFile = "" }), "secret_file is needed"},
		"short secret":                 {hook(func(c *notify.Webhook) { c.SecretFile = file("short", "canary\n", 0o600) }), "shorter than"},
		"secret is no base64":          {hook(func(c *notify.Webhook) { c.SecretFile = file("bad", "whsec_canary!", 0o600) }), "base64"},
	} {
		_, err := notify.New(c.config, time.Now)
		switch {
		case c.says == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "canary")):
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestMessageRefused: what is no id cannot leave in the place of one.
func TestMessageRefused(t *testing.T) {
	hook := notifytest.StartHook(t, nil)
	for name, m := range map[string]notify.Message{
		"no kind":      {},
		"unknown kind": {Kind: 99},
		"a name":       {Kind: notify.Alarm, Ref: "somebody"},
		"a person":     {Kind: notify.Alarm, To: []notify.Recipient{{PersonID: "somebody"}}},
	} {
		receipt := sender(t, notify.Config{Webhook: hook.Config()}).Send(t.Context(), m)
		if receipt.Any() || receipt.Err() == nil || strings.Contains(receipt.Err().Error(), "somebody") {
			t.Errorf("%s: %v", name, receipt.Err())
		}
	}
	if posts := hook.Posts(); len(posts) != 0 {
		t.Errorf("posted %d times", len(posts))
	}
	if receipt := sender(t, notify.Config{}).Send(t.Context(), toDesk(notify.Task)); !errors.Is(receipt.Err(), notify.ErrNoWay) || receipt.Any() {
		t.Errorf("without any way: %v", receipt.Err())
	}
}
