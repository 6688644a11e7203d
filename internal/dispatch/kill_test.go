package dispatch_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/dispatch"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/seal"
	"github.com/amparo-project/amparo/internal/store/bolt"
)

// TestMain runs this binary as the process that is killed, when it is told to.
func TestMain(m *testing.M) {
	if folder := os.Getenv("AMPARO_TEST_FOLDER"); folder != "" {
		serveFolder(script{}, folder, os.Getenv("AMPARO_TEST_HOOK"), os.Getenv("AMPARO_TEST_RAISE") != "")
		return
	}
	os.Exit(m.Run())
}

// script stands in for a test in a process of its own: the first failure ends it.
type script struct{ testing.TB }

func (script) Helper() {}

func (script) Context() context.Context { return context.Background() }

func (script) Fatal(what ...any) {
	fmt.Println(append([]any{"failed:"}, what...)...)
	os.Exit(1)
}

// folderKeys are the keys of a store in a folder, made where there are none.
func folderKeys(t testing.TB, folder string) (k keys, isNew bool) {
	t.Helper()
	own, ring, log := filepath.Join(folder, "identity"), filepath.Join(folder, "keyring"), filepath.Join(folder, "log")
	if _, err := os.Stat(own); err != nil {
		isNew = true
		_, err := seal.GenerateIdentity(own)
		must(t, err)
		offline, err := seal.GenerateIdentity(filepath.Join(folder, "recovery"))
		must(t, err)
		secret, _, err := audit.GenerateKey()
		must(t, err)
		must(t, os.WriteFile(log, []byte(secret), 0o600))
		identities, err := seal.LoadIdentities(own, seal.Terminal{})
		must(t, err)
		recipients, err := seal.Recipients(identities)
		must(t, err)
		recovery, err := seal.ParseRecipients(offline)
		must(t, err)
		must(t, seal.CreateKeyring(ring, recipients, recovery))
	}
	identities, err := seal.LoadIdentities(own, seal.Terminal{})
	must(t, err)
	k.ring, err = seal.OpenKeyring(ring, identities)
	must(t, err)
	secret, err := os.ReadFile(log)
	must(t, err)
	k.logKey = string(secret)
	return k, isNew
}

// openFolder unseals the store of a folder.
func openFolder(t testing.TB, folder string) (r *records.Records, shut func()) {
	t.Helper()
	k, isNew := folderKeys(t, folder)
	options, open := bolt.Options{Path: filepath.Join(folder, "store")}, bolt.Open
	if isNew {
		open = bolt.Create
	}
	engine, err := open(options)
	must(t, err)
	return unseal(t, engine, k, isNew), func() { _ = engine.Close() }
}

// serveFolder is the process: it raises an alarm if it is told to, posts what the
// rules say to the hook, and says on its output what became durable.
func serveFolder(t testing.TB, folder, hook string, raises bool) {
	r, _ := openFolder(t, folder)
	if raises {
		raise(t, r, duress)
		fmt.Println("raised")
	}
	way := dispatch.Way{Name: "hook", Send: func(ctx context.Context, m dispatch.Message) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, hook, strings.NewReader(m.Alarm+" "+m.StaffID))
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		return response.Body.Close()
	}}
	go dispatch.Run(t.Context(), dispatch.Config{
		Records: r, Ways: []dispatch.Way{way}, Failed: func(string, error) {},
	})
	for {
		changed := r.DutyChanged()
		for _, alarm := range r.Board().Alarms {
			fmt.Printf("noted %d\n", len(alarm.GetCalls()))
		}
		<-changed
	}
}

// hook is a real HTTP server that counts what it was sent, and may keep a message
// without an answer.
type hook struct {
	*httptest.Server
	mu   sync.Mutex
	got  []string
	hold bool
	came chan struct{}
}

func newHook(t *testing.T) *hook {
	h := &hook{came: make(chan struct{}, 64)}
	h.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		h.mu.Lock()
		h.got = append(h.got, string(bytes.TrimSpace(body)))
		hold := h.hold
		h.mu.Unlock()
		h.came <- struct{}{}
		if hold {
			<-request.Context().Done()
		}
	}))
	t.Cleanup(h.Close)
	return h
}

// keep says whether messages are kept without an answer from now on, and returns those
// that came so far.
func (h *hook) keep(hold bool) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hold = hold
	return slices.Clone(h.got)
}

// life runs the process until it has said a line, or until the hook was sent
// something where line is empty, and kills it.
func (h *hook) life(t *testing.T, folder, line string, more ...string) {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	child := exec.Command(self)
	child.Env = append(append(os.Environ(), "AMPARO_TEST_FOLDER="+folder, "AMPARO_TEST_HOOK="+h.URL), more...)
	output, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	for len(h.came) > 0 {
		<-h.came // from the life before
	}
	said := make(chan string, 64)
	go func() {
		for lines := bufio.NewScanner(output); lines.Scan(); {
			said <- lines.Text()
		}
		close(said)
	}()
	deadline := time.After(20 * time.Second)
	for done := false; !done; {
		select {
		case text, open := <-said:
			if !open || strings.HasPrefix(text, "failed") {
				t.Fatalf("the process ended by itself: %s", text)
			}
			done = line != "" && text == line
		case <-h.came:
			done = line == ""
		case <-deadline:
			t.Fatalf("the process does not say %q", line)
		}
	}
	must(t, child.Process.Kill())
	_ = child.Wait() // it was killed, and says so
}

// TestAKillBetweenRaisingAndSending kills the process with nothing but SIGKILL at
// each point between an alarm and the record of its call. The person is always told,
// at worst twice, and not again once the call was noted.
func TestAKillBetweenRaisingAndSending(t *testing.T) {
	folder := t.TempDir()
	r, shut := openFolder(t, folder)
	hire(t, r)
	announce(t, r, 48*time.Hour, "ana", "ben")
	shut()
	h := newHook(t)
	h.keep(true)
	h.life(t, folder, "raised", "AMPARO_TEST_RAISE=yes")
	h.life(t, folder, "") // in the middle of sending
	before := len(h.keep(false))
	h.life(t, folder, "noted 1")
	r, shut = openFolder(t, folder)
	defer shut()
	if len(r.Board().Alarms) != 1 {
		t.Fatalf("%d alarms are open, want the one that was raised", len(r.Board().Alarms))
	}
	alarm := r.Board().Alarms[0]
	want := alarm.GetId() + " ana"
	all := h.keep(false)
	for _, got := range all {
		if got != want {
			t.Errorf("the hook was sent %q, want %q", got, want)
		}
	}
	if len(all) != before+1 || len(alarm.GetCalls()) != 1 || !alarm.GetCalls()[0].GetReached() {
		t.Errorf("sent %d times before and %d after, called %d times", before, len(all)-before, len(alarm.GetCalls()))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_ = dispatch.Run(ctx, dispatch.Config{Records: r, Failed: func(string, error) {}, Ways: []dispatch.Way{{
		Name: "hook", Send: func(context.Context, dispatch.Message) error {
			t.Error("told again after the call was noted")
			return nil
		},
	}}})
}
