package witness_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/audit/audittest"
	"github.com/amparo-project/amparo/internal/witness"
)

// running is a witness that answers.
type running struct {
	t   testing.TB
	url string
	w   *witness.Witness

	mu       sync.Mutex
	suspects []witness.Suspicion
}

func start(t testing.TB, dir string, keys ...string) (r *running, stop func()) {
	t.Helper()
	return startAt(t, "127.0.0.1:0", dir, keys...)
}

func startAt(t testing.TB, address, dir string, keys ...string) (r *running, stop func()) {
	t.Helper()
	r = &running{t: t}
	var err error
	r.w, err = witness.Open(dir, keys, func(s witness.Suspicion) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.suspects = append(r.suspects, s)
	})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	r.url = "http://" + listener.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.w.Serve(ctx, listener) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-ended, r.w.Close()); err != nil {
			t.Errorf("the witness ends with: %v", err)
		}
	})
	t.Cleanup(stop)
	return r, stop
}

func (r *running) suspicions() []witness.Suspicion {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.suspects
}

// answer is what a witness says.
type answer struct {
	code       int
	kind, text string
}

// crowd keeps a connection for each of many callers.
var crowd = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

func (r *running) post(body string) answer {
	r.t.Helper()
	response, err := crowd.Post(r.url+"/add-checkpoint", "", strings.NewReader(body))
	if err != nil {
		r.t.Error(err)
		return answer{}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Error(err)
	}
	return answer{response.StatusCode, response.Header.Get("Content-Type"), string(text)}
}

// submission is a body that extends a log from old to size.
func submission(t testing.TB, log *audittest.Log, old, size uint64) string {
	t.Helper()
	proof, err := log.Extension(t.Context(), old, size)
	if err != nil {
		t.Fatal(err)
	}
	return body(old, proof, log.At(size))
}

func body(old uint64, proof [][]byte, checkpoint string) string {
	text := fmt.Sprintf("old %d\n", old)
	for _, hash := range proof {
		text += base64.StdEncoding.EncodeToString(hash) + "\n"
	}
	return text + "\n" + checkpoint
}

// checkCosignature holds a line to the letter of the specification, without the
// library that made it.
func checkCosignature(t testing.TB, key, line, checkpoint string) {
	t.Helper()
	name, rest, _ := strings.Cut(key, "+")
	_, public, _ := strings.Cut(rest, "+")
	raw, err := base64.StdEncoding.DecodeString(public)
	if err != nil || len(raw) != 33 || raw[0] != 4 {
		t.Fatalf("the key is none of a witness: %s", key)
	}
	signature, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(strings.TrimPrefix(line, "— "+name+" "), "\n"))
	if err != nil || len(signature) != 4+8+64 || fmt.Sprintf("%x", signature[:4]) != strings.Split(key, "+")[1] {
		t.Fatalf("no line of a cosignature by %s: %q", key, line)
	}
	text, _, _ := strings.Cut(checkpoint, "\n\n")
	at := binary.BigEndian.Uint64(signature[4:])
	if off := time.Since(time.Unix(int64(at), 0)); off < -time.Minute || off > time.Minute {
		t.Errorf("the cosignature is of another time, by %v", off)
	}
	if !ed25519.Verify(raw[1:], fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s\n", at, text), signature[12:]) {
		t.Errorf("the cosignature is not by %s", key)
	}
}

// TestTheProtocol goes through the answers of the specification, for a log of which
// seven leaves are cosigned.
func TestTheProtocol(t *testing.T) {
	log := audittest.New(t).Grow(7)
	longer, another := log.Fork().Grow(6), audittest.New(t).Grow(9)
	forked, sameSize := log.Prefix(5).Grow(8), log.Prefix(5).Grow(2)
	proof, err := longer.Extension(t.Context(), 7, 13)
	if err != nil {
		t.Fatal(err)
	}
	forged := strings.Replace(log.At(7), "\n7\n", "\n8\n", 1)
	strangers := strings.ReplaceAll(another.At(9), another.Origin(), log.Origin())
	for _, row := range []struct {
		name, body string
		code       int
		size       string // of a 409
		suspicious bool
	}{
		{"nothing new", submission(t, log, 7, 7), 200, "", false},
		{"grown", submission(t, longer, 7, 13), 200, "", false},
		{"others have signed it too", body(7, proof, longer.At(13)+"— somebody.example.org/x Az3grlgt\n"), 200, "", false},

		{"an old size below", submission(t, longer, 3, 13), 409, "7\n", false},
		{"an old size above", submission(t, longer, 9, 13), 409, "7\n", false},
		{"to learn the size", submission(t, longer, 0, 13), 409, "7\n", false},
		{"a smaller log", submission(t, log, 3, 5), 409, "7\n", false},
		{"another root for the same size", body(7, nil, sameSize.At(7)), 409, "7\n", true},

		{"no proof", body(7, nil, longer.At(13)), 422, "", true},
		{"half a proof", body(7, proof[:1], longer.At(13)), 422, "", true},
		{"a proof where none is needed", body(7, proof, log.At(7)), 422, "", true},
		{"a fork", submission(t, forked, 7, 13), 422, "", true},

		{"an unknown log", submission(t, another, 0, 9), 404, "", false},
		{"an unknown key of that name", body(7, nil, strangers), 403, "", false},
		{"an altered size", body(7, nil, forged), 403, "", false},
		{"an old size beyond the checkpoint's", body(9, nil, log.At(7)), 400, "", false},
		{"more lines than a checkpoint has", body(7, nil, log.Sign(log.Origin()+"\n8\n"+strings.Repeat("A", 43)+"=\nmore\n")), 400, "", false},
		{"a text that is no checkpoint", body(7, nil, log.Sign(log.Origin()+"\nhello\n")), 400, "", false},
		{"a size in another spelling", body(7, nil, log.Sign(log.Origin()+"\n+8\n"+strings.Repeat("A", 43)+"=\n")), 400, "", false},
		{"nothing", "", 400, "", false},
		{"no checkpoint", "old 7\n\n", 404, "", false},
		{"no empty line", "old 7\n" + log.At(7), 400, "", false},
		{"no old size", "\n" + log.At(7), 400, "", false},
		{"an old size with a zero before it", strings.Replace(submission(t, log, 7, 7), "old 7", "old 07", 1), 400, "", false},
		{"an old size below zero", strings.Replace(submission(t, log, 7, 7), "old 7", "old -7", 1), 400, "", false},
		{"a line of no hash", "old 7\nAAAA\n\n" + log.At(7), 400, "", false},
		{"base64 in another spelling", "old 7\n" + strings.Repeat("A", 42) + "B=\n\n" + log.At(7), 400, "", false},
		{"lines that end as on Windows", strings.ReplaceAll(submission(t, longer, 7, 13), "\n", "\r\n"), 400, "", false},
		{"64 lines of proof", body(7, slicesOf(64), longer.At(13)), 400, "", false},
		{"63 lines of proof", body(7, slicesOf(63), longer.At(13)), 422, "", true},
		{"far too much", submission(t, log, 7, 7) + strings.Repeat("x", 1<<20), 413, "", false},
	} {
		dir := filepath.Join(t.TempDir(), "witness")
		r, stop := start(t, dir, log.PublicKey())
		if none := r.post(body(0, slicesOf(1), log.At(7))); none.code != 422 {
			t.Errorf("a proof from nothing: %v", none)
		}
		if first := r.post(submission(t, log, 0, 7)); first.code != 200 {
			t.Fatalf("the first checkpoint: %v", first)
		}
		got := r.post(row.body)
		if got.code != row.code || got.code == 409 && (got.text != row.size || got.kind != "text/x.tlog.size") {
			t.Errorf("%s: %d %s %q, want %d %q", row.name, got.code, got.kind, got.text, row.code, row.size)
		}
		if suspicious := len(r.suspicions()) > 0; suspicious != row.suspicious {
			t.Errorf("%s: suspicious: %v", row.name, suspicious)
		}
		held := uint64(7)
		if got.code == 200 {
			_, checkpoint, _ := strings.Cut(row.body, "\n\n")
			checkCosignature(t, r.w.Key(), got.text, checkpoint)
			if held, err = audit.CheckpointSize(log.PublicKey(), checkpoint); err != nil {
				t.Fatal(err)
			}
		}
		stop()
		r, _ = start(t, dir, log.PublicKey()) // what it holds is what it has on the disk
		if at := r.size(longer); at != held {
			t.Errorf("%s: it holds %d leaves, want %d", row.name, at, held)
		}
	}
}

func slicesOf(n int) [][]byte {
	all := make([][]byte, n)
	for i := range all {
		all[i] = make([]byte, 32)
	}
	return all
}

// size asks how much of a log is cosigned. The log must be longer than that.
func (r *running) size(log *audittest.Log) uint64 {
	r.t.Helper()
	newest := log.Size()
	for _, old := range []uint64{newest, 0} {
		got := r.post(body(old, nil, log.At(newest)))
		if size, err := strconv.ParseUint(strings.TrimSuffix(got.text, "\n"), 10, 64); got.code == 409 && err == nil {
			return size
		}
		if got.code == 200 && old == newest {
			return newest
		}
	}
	r.t.Error("the witness does not say what it has cosigned")
	return 0
}

// TestOnlyTheProtocol: nothing else is answered.
func TestOnlyTheProtocol(t *testing.T) {
	log := audittest.New(t).Grow(1)
	r, _ := start(t, filepath.Join(t.TempDir(), "witness"), log.PublicKey())
	for _, row := range []struct {
		method, path string
		code         int
	}{{"GET", "/add-checkpoint", 405}, {"PUT", "/add-checkpoint", 405}, {"GET", "/", 404}, {"POST", "/", 404}, {"POST", "/add-checkpoint/x", 404}, {"GET", "/key", 404}} {
		request, err := http.NewRequest(row.method, r.url+row.path, strings.NewReader(submission(t, log, 0, 1)))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != row.code {
			t.Errorf("%s %s: %d, want %d", row.method, row.path, response.StatusCode, row.code)
		}
	}
}

// TestASlowCaller is cut off, whatever it is slow at, and others are answered
// meanwhile.
func TestASlowCaller(t *testing.T) {
	t.Parallel()
	log := audittest.New(t).Grow(1)
	r, _ := start(t, filepath.Join(t.TempDir(), "witness"), log.PublicKey())
	for _, sent := range []string{"", "POST /add-ch", "POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nold"} {
		t.Run(strconv.Itoa(len(sent)), func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			begun := time.Now()
			if _, err := io.WriteString(conn, sent); err != nil {
				t.Fatal(err)
			}
			_ = conn.SetReadDeadline(begun.Add(30 * time.Second))
			if _, err := io.ReadAll(conn); err != nil {
				t.Errorf("it is still connected: %v", err)
			}
			if took := time.Since(begun); took > 15*time.Second {
				t.Errorf("it was cut off after %v", took)
			}
		})
	}
	if got := r.post(submission(t, log, 0, 1)); got.code != 200 {
		t.Errorf("somebody else: %v", got)
	}
}

// TestOneWitnessForSeveralLogs: each is its own story.
func TestOneWitnessForSeveralLogs(t *testing.T) {
	one, other := audittest.New(t).Grow(4), audittest.New(t).Grow(9)
	dir := filepath.Join(t.TempDir(), "witness")
	r, stop := start(t, dir, one.PublicKey(), " "+other.PublicKey()+"\n")
	for _, body := range []string{submission(t, one, 0, 2), submission(t, other, 0, 5), submission(t, one, 2, 4)} {
		if got := r.post(body); got.code != 200 {
			t.Errorf("%v", got)
		}
	}
	stop()
	// A log that is left out and comes back is not begun anew.
	r, stop = start(t, dir, one.PublicKey())
	if got := r.post(submission(t, other, 5, 9)); got.code != 404 {
		t.Errorf("a log that is left out: %v", got)
	}
	if got := r.post(submission(t, one.Grow(1), 4, 5)); got.code != 200 {
		t.Errorf("%v", got)
	}
	stop()
	r, _ = start(t, dir, other.PublicKey())
	if got := r.post(submission(t, other, 0, 9)); got.code != 409 || got.text != "5\n" {
		t.Errorf("a log that comes back: %v", got)
	}
}

// TestASuspicionIsToldOnce, with both notes.
func TestASuspicionIsToldOnce(t *testing.T) {
	log := audittest.New(t).Grow(7)
	other := log.Prefix(5).Grow(2)
	r, _ := start(t, filepath.Join(t.TempDir(), "witness"), log.PublicKey())
	r.post(submission(t, log, 0, 7))
	for range 3 {
		r.post(body(7, nil, other.At(7)))
	}
	all := r.suspicions()
	if len(all) != 1 || all[0].Origin != log.Origin() || all[0].Shown != other.At(7) || !errors.Is(all[0].Err, audit.ErrFork) {
		t.Fatalf("told %v", all)
	}
	verifier, err := note.NewVerifier(log.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	if held, err := note.Open([]byte(all[0].Held), note.VerifierList(verifier)); err != nil || !strings.HasPrefix(log.At(7), held.Text) {
		t.Errorf("what was held is %q (%v)", all[0].Held, err)
	}
	for n := range 100 {
		r.post(body(7, nil, log.Prefix(5).Grow(3+n).Checkpoint()))
	}
	if all := r.suspicions(); len(all) != 64 {
		t.Errorf("%d suspicions were told", len(all))
	}
}

// TestKeysThatCannotBeUsed are refused before anything is made.
func TestKeysThatCannotBeUsed(t *testing.T) {
	log := audittest.New(t)
	secret, _, err := note.GenerateKey(rand.Reader, "x")
	if err != nil {
		t.Fatal(err)
	}
	for name, keys := range map[string][]string{
		"no key": {"hello"}, "a secret key": {secret}, "one log twice": {log.PublicKey(), log.PublicKey()},
	} {
		dir := filepath.Join(t.TempDir(), "witness")
		if _, err := witness.Open(dir, keys, nil); !errors.Is(err, witness.ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
