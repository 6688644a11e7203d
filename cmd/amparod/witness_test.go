package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/amparo-project/amparo/internal/audit/audittest"
	"github.com/amparo-project/amparo/internal/notify"
	"github.com/amparo-project/amparo/internal/notifytest"
	"github.com/amparo-project/amparo/internal/server"
	"github.com/amparo-project/amparo/internal/witness"
)

var long = flag.Bool("long", false, "kill the witness a hundred times instead of eight")

// vouching is a witness as a process, with what its first line says.
type vouching struct {
	*process
	Listening string `json:"listening"`
	Key       string `json:"witness_key"`
}

func vouch(t *testing.T, dir, listen, logKey string, args ...string) *vouching {
	t.Helper()
	w := &vouching{process: begin(t, amparod(t, append([]string{"witness", "--data", dir, "--listen", listen, "--log-key", logKey}, args...)...))}
	if json.Unmarshal([]byte(w.line), w) != nil || w.Listening == "" || w.Key == "" {
		t.Fatalf("the witness does not start: %s", w.wait().said)
	}
	t.Cleanup(func() {
		_ = w.Process.Kill() // where it has not ended
		w.wait()
	})
	return w
}

func (w *vouching) stop() outcome {
	_ = w.Process.Signal(syscall.SIGTERM)
	return w.wait()
}

// logPublic is the public key of a folder's log.
func (f dataFolder) logPublic() (key string) {
	f.open(func(u *unsealed) { key = u.log.PublicKey() })
	return key
}

// TestWitnessedServiceThatIsPutBack: the witness has seen more, and those who run the
// service are told. It goes on: what a witness says is for people to judge.
func TestWitnessedServiceThatIsPutBack(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	w := vouch(t, filepath.Join(t.TempDir(), "witness"), "127.0.0.1:0", f.logPublic())
	hook := notifytest.StartHook(t, nil)
	config := writeConfig(t, Config{Witnesses: []witness.Peer{{URL: "http://" + w.Listening, Key: w.Key}}, Notify: notify.Config{Webhook: hook.Config()}})
	told := func() int {
		n := 0
		for _, post := range hook.Posts() {
			if strings.Contains(string(post.Body), "amparo.doubted") {
				n++
			}
		}
		return n
	}
	yesterday, err := os.ReadFile(f.store())
	if err != nil {
		t.Fatal(err)
	}
	f.served(config, 0)
	copied := f.copyTo(t)
	f.served(config, 0)
	// The copy has not seen what was cosigned since.
	if got := copied.served(config, 0); !strings.Contains(got.said, "A WITNESS HAS SEEN WHAT") || !strings.Contains(got.said, "witness/") || told() != 1 {
		t.Errorf("%d were told of the copy, which says %s", told(), got.said)
	}
	if err := os.WriteFile(f.store(), yesterday, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := f.served(config, 0); !strings.Contains(got.said, "A WITNESS HAS SEEN WHAT") || !strings.Contains(got.said, "it has seen more of this log") || told() != 2 {
		t.Errorf("%d were told of the store that was put back, which says %s", told(), got.said)
	}
	if got := w.stop(); got.code != 0 {
		t.Errorf("the witness ends with %d: %s", got.code, got.said)
	}
	if got := f.served(config, 0); !strings.Contains(got.said, "a witness does not cosign") {
		t.Errorf("without its witness serve ends with %d: %s", got.code, got.said)
	}
}

// served serves a folder for a moment, which is long enough for its witness.
func (f dataFolder) served(config string, code int) outcome {
	f.t.Helper()
	started, stop := f.serve("--config", config)
	time.Sleep(1500 * time.Millisecond)
	got := stop()
	if !started || got.code != code {
		f.t.Errorf("serve starts: %v, ends with %d, want %d: %s", started, got.code, code, got.said)
	}
	return got
}

// TestWitnessInDisorder: each mishap has its exit code.
func TestWitnessInDisorder(t *testing.T) {
	t.Parallel()
	key := audittest.New(t).PublicKey()
	dir := filepath.Join(t.TempDir(), "witness")
	w := vouch(t, dir, "127.0.0.1:0", key)
	damaged := filepath.Join(t.TempDir(), "damaged")
	if err := os.CopyFS(damaged, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	_ = os.Chmod(damaged, 0o700)
	if err := os.Remove(filepath.Join(damaged, "kept")); err != nil {
		t.Fatal(err)
	}
	fresh := filepath.Join(t.TempDir(), "fresh")
	for _, row := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--data", dir, "--listen", "127.0.0.1:0", "--log-key", key}, exitUnavailable, "in use by another process"},
		{[]string{"--data", damaged, "--listen", "127.0.0.1:0", "--log-key", key}, exitBroken, "begin a new witness"},
		{[]string{"--data", fresh, "--listen", "127.0.0.1:0", "--log-key", "hello"}, exitUsage, "--log-key"},
		{[]string{"--data", fresh, "--listen", "127.0.0.1:0"}, exitUsage, "are needed"},
		{[]string{"--data", fresh, "--listen", w.Listening, "--log-key", key}, exitUnavailable, "listen"},
		{[]string{"--data", fresh, "--listen", "127.0.0.1:0", "--log-key", key, "--tls-cert", "x"}, exitUsage, "go together"},
		{[]string{"--data", fresh, "--listen", "127.0.0.1:0", "--log-key", key, "--tls-cert", "x", "--tls-key", "y"}, exitUsage, "certificate"},
		{[]string{"--data", filepath.Join(fresh, "gone", "x"), "--listen", "127.0.0.1:0", "--log-key", key}, exitUnavailable, "folder"},
	} {
		got := finish(t, amparod(t, append([]string{"witness"}, row.args...)...))
		if got.code != row.code || !strings.Contains(got.said, row.says) || strings.Count(got.said, "\n") != 1 {
			t.Errorf("%v: ends with %d: %s", row.args, got.code, got.said)
		}
	}
}

// TestWitnessWithACertificate: it speaks TLS by itself where it is given one.
func TestWitnessWithACertificate(t *testing.T) {
	t.Parallel()
	pair, err := server.NewCertificate("127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(t.TempDir(), "pair.pem")
	if err := os.WriteFile(own, pair, 0o600); err != nil {
		t.Fatal(err)
	}
	log := audittest.New(t).Grow(3)
	w := vouch(t, filepath.Join(t.TempDir(), "witness"), "127.0.0.1:0", log.PublicKey(), "--tls-cert", own, "--tls-key", own)
	roots := x509.NewCertPool()
	block, _ := pem.Decode(pair)
	for rest := pair; block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			roots.AppendCertsFromPEM(pem.EncodeToMemory(block))
		}
	}
	caller := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	if code, text := submit(caller, "https://"+w.Listening, log, 0, 3); code != 200 || !strings.HasPrefix(text, "— witness/") {
		t.Errorf("answer %d %s", code, text)
	}
}

// submit posts what extends a log from old to size; 0 stands for no answer.
func submit(caller *http.Client, url string, log *audittest.Log, old, size uint64) (code int, text string) {
	proof, _ := log.Extension(context.Background(), old, size)
	body := fmt.Sprintf("old %d\n", old)
	for _, hash := range proof {
		body += base64.StdEncoding.EncodeToString(hash) + "\n"
	}
	response, err := caller.Post(url+"/add-checkpoint", "", strings.NewReader(body+"\n"+log.At(size)))
	if err != nil {
		return 0, ""
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, ""
	}
	return response.StatusCode, string(raw)
}

// TestAWitnessThatIsKilled, again and again, in the middle of what many submit to it:
// what it has answered for, it knows after each start.
func TestAWitnessThatIsKilled(t *testing.T) {
	t.Parallel()
	kills := 8
	if *long {
		kills = 100
	}
	log := audittest.New(t).Grow(4)
	logs := []*audittest.Log{log, log.Fork().Grow(400 * kills)}
	log.Grow(400 * kills)
	dir := filepath.Join(fastFolder(t), "witness")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	k := &killed{t: t, logs: logs, url: "http://" + address, steps: map[uint64]string{}, caller: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}}}
	luck := rand.New(rand.NewPCG(9, 9))
	for n := range kills {
		w := vouch(t, dir, address, log.PublicKey())
		if at := k.holds(); at < k.acked {
			t.Fatalf("after kill %d it holds %d leaves, and had answered for %d", n, at, k.acked)
		}
		stop := make(chan struct{})
		var callers sync.WaitGroup
		for i := range 8 {
			callers.Go(func() { k.call(stop, rand.New(rand.NewPCG(uint64(n), uint64(i)))) })
		}
		time.Sleep(time.Duration(20+luck.IntN(200)) * time.Millisecond)
		if err := w.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		w.wait()
		close(stop)
		callers.Wait()
	}
	if len(k.steps) < kills {
		t.Errorf("only %d steps were answered for in %d submissions", len(k.steps), k.calls)
	}
	t.Logf("%d kills, %d submissions, %d steps, %d leaves", kills, k.calls, len(k.steps), k.acked)
}

// killed is the ledger of what the witness has answered for.
type killed struct {
	t      *testing.T
	logs   []*audittest.Log
	url    string
	caller *http.Client

	mu    sync.Mutex
	steps map[uint64]string // by the old size, to which checkpoint it was extended
	acked uint64
	held  uint64 // as far as is known, which may be more than was answered for
	calls int
}

// holds asks how much is cosigned.
func (k *killed) holds() uint64 {
	k.t.Helper()
	code, text := submit(k.caller, k.url, k.logs[0], k.logs[0].Size(), k.logs[0].Size())
	size, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
	if code != 409 || err != nil {
		k.t.Fatalf("the witness answers %d %q", code, text)
	}
	k.held = size
	return size
}

func (k *killed) call(stop <-chan struct{}, luck *rand.Rand) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		log := k.logs[luck.IntN(3)/2]
		k.mu.Lock()
		old := max(k.held, k.acked)
		k.mu.Unlock()
		size := old + 1 + uint64(luck.IntN(3))
		code, text := submit(k.caller, k.url, log, old, size)
		k.mu.Lock()
		k.calls++
		switch known, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64); {
		case code == 200:
			if other, twice := k.steps[old]; twice && other != log.At(size) {
				k.t.Errorf("what has %d leaves was extended twice", old)
			}
			k.steps[old] = log.At(size)
			k.acked = max(k.acked, size)
		case code == 409 && err == nil:
			k.held = max(k.held, known)
		}
		k.mu.Unlock()
	}
}
