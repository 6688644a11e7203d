package notify_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/amparo-project/amparo/internal/notify"
	"github.com/amparo-project/amparo/internal/notifytest"
)

func posted(t *testing.T, hook *notifytest.HookServer, timeout time.Duration) (notify.Receipt, time.Duration) {
	t.Helper()
	config := hook.Config()
	config.Timeout = timeout
	began := time.Now()
	receipt := sender(t, notify.Config{Webhook: config}).Send(t.Context(), toDesk(notify.Alarm))
	return receipt, time.Since(began)
}

// TestWebhookSaysNothingElse: the body is known but for its time, no header tells
// of the machine, and a receiver's own library vouches for the signature.
func TestWebhookSaysNothingElse(t *testing.T) {
	hook := notifytest.StartHook(t, nil)
	receipt, _ := posted(t, hook, 0)
	if err := receipt.Err(); err != nil || !receipt.Reached(0) {
		t.Fatal(err)
	}
	post := hook.Posts()[0]
	want := `{"type":"amparo.alarm","timestamp":"2027-02-28T23:00:00Z","data":{` +
		`"text":"You have an urgent task: open Amparo and acknowledge it.","urgent":true,"ref":"` + alarmRef + `","to":["` + personID + `"]}}`
	if string(post.Body) != want {
		t.Errorf("posted %s\nwant   %s", post.Body, want)
	}
	for name, values := range post.Header {
		switch name {
		case "Webhook-Id", "Webhook-Timestamp", "Webhook-Signature", "Content-Length", "Accept-Encoding", "Connection":
		case "Content-Type", "User-Agent":
			if values[0] != "application/json" && values[0] != "amparo" {
				t.Errorf("%s: %s", name, values[0])
			}
		default:
			t.Errorf("a header that nobody asked for: %s", name)
		}
	}
	receiver, err := standardwebhooks.NewWebhookRaw(hook.Secret())
	if err != nil {
		t.Fatal(err)
	}
	if err := receiver.VerifyIgnoringTimestamp(post.Body, post.Header); err != nil || post.Method != http.MethodPost || post.Path != "/notices" {
		t.Errorf("%s %s: %v", post.Method, post.Path, err)
	}
	post.Body[len(post.Body)-3] ^= 1
	if receiver.VerifyIgnoringTimestamp(post.Body, post.Header) == nil {
		t.Error("the signature covers no body")
	}
}

// TestWebhookMisbehaves: what passes is tried again under the same id, what is
// refused for good is not, and nothing outlasts the limit.
func TestWebhookMisbehaves(t *testing.T) {
	other := notifytest.StartHook(t, nil)
	const limit = 1500 * time.Millisecond
	for name, c := range map[string]struct {
		answer func(hook **notifytest.HookServer) func(int, http.ResponseWriter)
		posts  int
		says   string // empty where the message is taken in the end
	}{
		"500, then taken": {func(**notifytest.HookServer) func(int, http.ResponseWriter) {
			return func(n int, w http.ResponseWriter) {
				w.WriteHeader([]int{http.StatusInternalServerError, http.StatusNoContent}[min(n, 1)])
			}
		}, 2, ""},
		"refused for good": {func(**notifytest.HookServer) func(int, http.ResponseWriter) {
			return func(_ int, w http.ResponseWriter) { http.Error(w, desk, http.StatusForbidden) }
		}, 1, "code 403"},
		"led elsewhere": {func(**notifytest.HookServer) func(int, http.ResponseWriter) {
			return func(_ int, w http.ResponseWriter) {
				w.Header().Set("Location", other.Config().URL)
				w.WriteHeader(http.StatusTemporaryRedirect)
			}
		}, 1, "code 307"},
		"stalls": {func(hook **notifytest.HookServer) func(int, http.ResponseWriter) {
			return func(int, http.ResponseWriter) { <-(*hook).Ended() }
		}, 1, "no answer in time"},
	} {
		t.Run(name, func(t *testing.T) {
			var hook *notifytest.HookServer
			hook = notifytest.StartHook(t, c.answer(&hook))
			receipt, took := posted(t, hook, limit)
			posts := hook.Posts()
			if len(posts) != c.posts || took > limit+time.Second {
				t.Errorf("%d posts in %v", len(posts), took)
			}
			for _, post := range posts[1:] {
				if post.Header.Get("Webhook-Id") != posts[0].Header.Get("Webhook-Id") {
					t.Error("a repetition has another id")
				}
			}
			switch err := receipt.Err(); {
			case c.says == "" && err != nil:
				t.Error(err)
			case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), desk)):
				t.Errorf("error: %v", err)
			}
		})
	}
	if posts := other.Posts(); len(posts) != 0 {
		t.Errorf("the message was carried to another address: %d", len(posts))
	}
}

// TestWebhookOfAStranger is not told anything.
func TestWebhookOfAStranger(t *testing.T) {
	hook := notifytest.StartHook(t, nil)
	config := hook.Config()
	config.CAFile, config.Timeout = "", time.Second // the machine's authorities do not know the test's
	receipt := sender(t, notify.Config{Webhook: config}).Send(t.Context(), toDesk(notify.Alarm))
	if err := receipt.Err(); err == nil || !strings.Contains(err.Error(), "certificate") || len(hook.Posts()) != 0 {
		t.Errorf("%v, %d posts", err, len(hook.Posts()))
	}
}

// TestOneWayFails and the other is not held up by it: the message has gone out.
func TestOneWayFails(t *testing.T) {
	hook := notifytest.StartHook(t, nil)
	mail := notifytest.StartMail(t, notifytest.MailOptions{At: map[notifytest.Stage]notifytest.Conduct{notifytest.Connect: notifytest.Stall}})
	config := notify.Config{SMTP: mail.Config(), Webhook: hook.Config()}
	config.SMTP.Timeout = 200 * time.Millisecond
	receipt := sender(t, config).Send(t.Context(), toDesk(notify.Alarm))
	if receipt.Webhook != nil || receipt.Mail[0] == nil || !receipt.Reached(0) || !receipt.Any() || receipt.Err() == nil {
		t.Errorf("webhook: %v, mail: %v", receipt.Webhook, receipt.Mail[0])
	}
}

// TestTheDocumentationIsTrue: docs/notices.md shows the very body that is posted
// above, and every text.
func TestTheDocumentationIsTrue(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "docs", "notices.md"))
	if err != nil {
		t.Fatal(err)
	}
	doc := string(raw)
	hook := notifytest.StartHook(t, nil)
	for kind := notify.Task; kind <= notify.Doubted; kind++ {
		if err := sender(t, notify.Config{Webhook: hook.Config()}).Send(t.Context(), toDesk(kind)).Err(); err != nil {
			t.Fatal(err)
		}
		var body struct {
			Type string
			Data struct{ Text string }
		}
		post := hook.Posts()[len(hook.Posts())-1]
		if err := json.Unmarshal(post.Body, &body); err != nil {
			t.Fatal(err)
		}
		if row := "| `" + body.Type + "` |"; !strings.Contains(doc, row) || !strings.Contains(doc, "| "+body.Data.Text+" |") {
			t.Errorf("docs/notices.md has no row for %s: %s", body.Type, body.Data.Text)
		}
		if kind == notify.Alarm && !strings.Contains(strings.Join(strings.Fields(doc), ""), strings.Join(strings.Fields(string(post.Body)), "")) {
			t.Errorf("docs/notices.md does not show %s", post.Body)
		}
	}
}

// TestAPanicIsAFailure of the message, on either way, and says nothing.
func TestAPanicIsAFailure(t *testing.T) {
	broken, err := notify.New(notify.Config{Webhook: notifytest.StartHook(t, nil).Config(), SMTP: notifytest.StartMail(t, notifytest.MailOptions{}).Config()},
		func() time.Time { panic("desk@example.org") })
	if err != nil {
		t.Fatal(err)
	}
	receipt := broken.Send(t.Context(), toDesk(notify.Alarm))
	if receipt.Any() || strings.Contains(receipt.Err().Error(), "desk@") {
		t.Errorf("somebody was reached, or named: %v", receipt.Err())
	}
}
