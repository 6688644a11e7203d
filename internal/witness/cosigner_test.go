package witness_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	formats "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"github.com/amparo-project/amparo/internal/audit/audittest"
	"github.com/amparo-project/amparo/internal/witness"
)

// hurried is what a second is here.
const hurried = 50 * time.Millisecond

// service is the cosigning of one log, and what its operator is told.
type service struct {
	t    *testing.T
	log  *audittest.Log
	stop func() error

	cosigner *witness.Cosigner

	mu   sync.Mutex
	told []string
}

func cosign(t *testing.T, log *audittest.Log, peers ...witness.Peer) *service {
	t.Helper()
	s := &service{t: t, log: log}
	c, err := witness.NewCosigner(peers, func(name string, err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.told = append(s.told, fmt.Sprint(name, ": ", err))
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Hurry(hurried)
	s.cosigner = c
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx, log) }()
	s.stop = sync.OnceValue(func() error {
		select {
		case err := <-ended:
			return err
		case <-time.After(time.Second):
		}
		cancel()
		return <-ended
	})
	t.Cleanup(func() { _ = s.stop() })
	return s
}

func (s *service) says() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.told
}

// shown waits until the newest checkpoint is shown with so many cosignatures, and
// returns it.
func (s *service) shown(cosignatures int, patience time.Duration) string {
	s.t.Helper()
	newest := s.log.Checkpoint()
	text := newest[:strings.Index(newest, "\n\n")+2]
	for begun := time.Now(); time.Since(begun) < patience; time.Sleep(20 * time.Millisecond) {
		if note := s.log.Cosigned(); strings.HasPrefix(note, text) && strings.Count(note, "— ") == 1+cosignatures {
			return note
		}
	}
	s.t.Errorf("not shown with %d cosignatures:\n%s; told %q", cosignatures, s.log.Cosigned(), s.says())
	return ""
}

func (r *running) peer() witness.Peer { return witness.Peer{URL: r.url, Key: r.w.Key()} }

// TestCheckpointsAreCosigned by each witness, from wherever that one stands; and what
// is shown bears the signatures of all.
func TestCheckpointsAreCosigned(t *testing.T) {
	t.Parallel()
	log := audittest.New(t).Grow(9)
	fresh, _ := start(t, filepath.Join(t.TempDir(), "fresh"), log.PublicKey())
	behind, _ := start(t, filepath.Join(t.TempDir(), "behind"), log.PublicKey())
	behind.post(submission(t, log, 0, 4))
	s := cosign(t, log, fresh.peer(), behind.peer())
	signed := s.shown(2, 5*time.Second)
	var verifiers []note.Verifier
	for _, r := range []*running{fresh, behind} {
		verifier, err := formats.NewVerifierForCosignatureV1(r.w.Key())
		if err != nil {
			t.Fatal(err)
		}
		verifiers = append(verifiers, verifier)
	}
	if opened, err := note.Open([]byte(signed), note.VerifierList(verifiers...)); err != nil || len(opened.Sigs) != 2 {
		t.Errorf("the cosignatures do not verify: %v", err)
	}
	log.Grow(3)
	begun := time.Now()
	s.shown(2, 15*time.Second)
	if took := time.Since(begun); took < 8*hurried {
		t.Errorf("the next one was submitted after %v: a busy log would wear its witnesses out", took)
	}
	if told := s.says(); len(told) != 0 {
		t.Errorf("told %q", told)
	}
	if err := s.stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
	log.Grow(1) // what a service does while it stops
	if err := s.cosigner.Last(t.Context(), log); err != nil {
		t.Error(err)
	}
	s.shown(2, time.Second)
}

// heard waits until something is told, and returns how often it is by then.
func (s *service) heard(what string) (n int) {
	s.t.Helper()
	for begun := time.Now(); n == 0 && time.Since(begun) < 15*time.Second; time.Sleep(20 * time.Millisecond) {
		for _, told := range s.says() {
			n += strings.Count(told, what)
		}
	}
	if n == 0 {
		s.t.Errorf("%q is not told; told %q", what, s.says())
	}
	return n
}

// contradicted waits until a witness contradicts the log so, which is said once.
func (s *service) contradicted(by error) {
	s.t.Helper()
	s.heard(by.Error())
	time.Sleep(25 * hurried) // long enough to be asked again
	if n := s.heard(by.Error()); n > 1 {
		s.t.Errorf("%q is told %d times: %q", by, n, s.says())
	}
}

// TestAStoreThatIsNotWhatItWas: whatever the witness has cosigned before, of a log that
// does not extend it the operators are told, and the others cosign it all the same.
func TestAStoreThatIsNotWhatItWas(t *testing.T) {
	t.Parallel()
	log := audittest.New(t).Grow(9)
	for _, row := range []struct {
		name string
		now  *audittest.Log
		told error
	}{
		{"put back", log.Prefix(7), witness.ErrAhead},
		{"put back to its beginning", log.Prefix(0), witness.ErrAhead},
		{"put back and grown to the same size", log.Prefix(7).Grow(2), witness.ErrForked},
		{"put back and grown further", log.Prefix(7).Grow(8), witness.ErrForked},
		{"as it was", log, nil},
		{"grown", log.Fork().Grow(2), nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r, _ := start(t, filepath.Join(t.TempDir(), "witness"), log.PublicKey())
			r.post(submission(t, log, 0, 9))
			other, _ := start(t, filepath.Join(t.TempDir(), "other"), log.PublicKey())
			s := cosign(t, row.now, r.peer(), other.peer())
			if row.told == nil {
				s.shown(2, 5*time.Second)
				if told := s.says(); len(told) > 0 {
					t.Errorf("told %q", told)
				}
				return
			}
			s.contradicted(row.told)
			s.shown(1, 5*time.Second)
			if err := s.stop(); !errors.Is(err, context.Canceled) {
				t.Errorf("it ends with %v", err)
			}
		})
	}
}

// TestTwoServicesWithOneLog: the witness goes with the one whose log it has seen grow.
func TestTwoServicesWithOneLog(t *testing.T) {
	t.Parallel()
	log := audittest.New(t).Grow(9)
	other := log.Fork().Grow(2)
	r, _ := start(t, filepath.Join(t.TempDir(), "witness"), log.PublicKey())
	one := cosign(t, log, r.peer())
	one.shown(1, 5*time.Second)
	two := cosign(t, other, r.peer())
	two.shown(1, 5*time.Second)
	log.Grow(5) // what has another end is now the longer one
	one.contradicted(witness.ErrForked)
	if told := two.says(); len(told) > 0 {
		t.Errorf("of the second is told %q", told)
	}
}

// TestAWitnessThatIsNoHelp: whatever it answers, or does not, nothing ends but what it
// contradicts, its operator is told, and the other witness's signature is shown.
func TestAWitnessThatIsNoHelp(t *testing.T) {
	t.Parallel()
	log := audittest.New(t).Grow(9)
	stranger, _ := start(t, filepath.Join(t.TempDir(), "stranger"), log.PublicKey())
	line := stranger.post(submission(t, log, 0, 9)).text
	says := func(code int, kind, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(code)
			fmt.Fprint(w, text)
		}
	}
	liar := httptest.NewServer(says(409, "text/x.tlog.size", "12345\n"))
	t.Cleanup(liar.Close)
	for name, handler := range map[string]http.HandlerFunc{
		"an outage":             says(503, "", ""),
		"a page":                says(200, "text/html", "<html>"),
		"nothing":               says(200, "", ""),
		"another's cosignature": says(200, "", line),
		"far too much":          says(200, "", strings.Repeat("x", 1<<20)),
		"an unknown log":        says(404, "", ""),
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, liar.URL, http.StatusTemporaryRedirect)
		},
		"a size that it does not want":       says(409, "text/x.tlog.size", "0\n"),
		"a size that is none":                says(409, "text/x.tlog.size", "many\n"),
		"a conflict of something on the way": says(409, "text/html", "12345\n"),
		"unproven at the first":              says(422, "", ""),
		"each time another size": func() http.HandlerFunc {
			size := 9
			return func(w http.ResponseWriter, r *http.Request) {
				size--
				says(409, "text/x.tlog.size", fmt.Sprintln(size))(w, r)
			}
		}(),
		"a proof refused once, and then taken back": func() http.HandlerFunc {
			answers := []http.HandlerFunc{says(409, "text/x.tlog.size", "5\n"), says(422, "", ""), says(409, "text/x.tlog.size", "6\n"), says(503, "", "")}
			return func(w http.ResponseWriter, r *http.Request) {
				next := answers[0]
				answers = append(answers[1:], answers[0])
				next(w, r)
			}
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad := httptest.NewServer(handler)
			defer bad.Close()
			log := log.Fork().Grow(0)
			other, _ := start(t, filepath.Join(t.TempDir(), "other"), log.PublicKey())
			s := cosign(t, log, witness.Peer{URL: bad.URL, Key: keyOf(t, "example.org/bad")}, other.peer())
			s.shown(1, 5*time.Second)
			if err := s.stop(); !errors.Is(err, context.Canceled) {
				t.Errorf("it ends with %v", err)
			}
			if told := s.says(); len(told) == 0 || strings.Count(strings.Join(told, "\n"), "example.org/bad: witness ") != len(told) {
				t.Errorf("told %q", told)
			}
		})
	}
}

// keyOf is a key that no witness here has.
func keyOf(t *testing.T, name string) string {
	t.Helper()
	_, public, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	key, err := formats.VKeyToCosignatureV1(public)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestAWitnessComesBack, after it was away, and after it went back.
func TestAWitnessComesBack(t *testing.T) {
	t.Parallel()
	log := audittest.New(t).Grow(3)
	dir := filepath.Join(t.TempDir(), "witness")
	r, stop := start(t, dir, log.PublicKey())
	early := copyOf(t, dir)
	address := strings.TrimPrefix(r.url, "http://")
	s := cosign(t, log, r.peer())
	s.shown(1, 5*time.Second)
	stop()
	log.Grow(1)
	s.heard("refused")
	_, stop = startAt(t, address, dir, log.PublicKey())
	s.shown(1, 15*time.Second)
	stop()
	_, stop = startAt(t, address, early, log.PublicKey())
	defer stop()
	log.Grow(1)
	s.shown(1, 15*time.Second)
	s.heard(": <nil>")
	s.heard("went back: to 0 leaves")
}

// TestAnOldCosignatureIsNotShownForEver: clients would keep what is long past.
func TestAnOldCosignatureIsNotShownForEver(t *testing.T) {
	t.Parallel()
	log := audittest.New(t).Grow(3)
	r, stop := start(t, filepath.Join(t.TempDir(), "witness"), log.PublicKey())
	s := cosign(t, log, r.peer())
	old := s.shown(1, 5*time.Second)
	stop()
	time.Sleep(80 * hurried)
	if log.Cosigned() != old {
		t.Error("it is dropped though there is nothing newer")
	}
	log.Grow(1)
	time.Sleep(30 * hurried)
	if log.Cosigned() != old {
		t.Error("it is dropped at once")
	}
	time.Sleep(60 * hurried)
	if now := log.Cosigned(); now != "" {
		t.Errorf("it is still shown:\n%s", now)
	}
}

// TestPeersThatCannotBeUsed are refused when the configuration is read.
func TestPeersThatCannotBeUsed(t *testing.T) {
	key := keyOf(t, "example.org/w1")
	_, plain, err := note.GenerateKey(rand.Reader, "example.org/w1")
	if err != nil {
		t.Fatal(err)
	}
	notPEM := filepath.Join(t.TempDir(), "ca")
	if err := os.WriteFile(notPEM, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name  string
		peers []witness.Peer
		says  string // empty for what can be used
	}{
		{"https", []witness.Peer{{URL: "https://witness.example.org/amparo/", Key: key + "\n"}}, ""},
		{"this machine", []witness.Peer{{URL: "http://[::1]:8080", Key: key}}, ""},
		{"http elsewhere", []witness.Peer{{URL: "http://witness.example.org", Key: key}}, "https"},
		{"http to another machine", []witness.Peer{{URL: "http://192.0.2.1", Key: key}}, "https"},
		{"no scheme", []witness.Peer{{URL: "witness.example.org", Key: key}}, "https"},
		{"a user", []witness.Peer{{URL: "https://a@witness.example.org", Key: key}}, "https"},
		{"a query", []witness.Peer{{URL: "https://witness.example.org/?a=b", Key: key}}, "https"},
		{"no key", []witness.Peer{{URL: "https://witness.example.org"}}, "key"},
		{"a key of plain notes", []witness.Peer{{URL: "https://witness.example.org", Key: plain}}, "key"},
		{"a key that was copied badly", []witness.Peer{{URL: "https://witness.example.org", Key: strings.Replace(key, "w1", "w2", 1)}}, "key"},
		{"one twice", []witness.Peer{{URL: "https://a.example.org", Key: key}, {URL: "https://b.example.org", Key: key}}, "witness 2"},
		{"no authorities", []witness.Peer{{URL: "https://a.example.org", Key: key, CAFile: notPEM}}, "ca_file"},
		{"no file of authorities", []witness.Peer{{URL: "https://a.example.org", Key: key, CAFile: notPEM + "x"}}, "ca_file"},
		{"a crowd", make([]witness.Peer, 17), "at most 16"},
	} {
		_, err := witness.NewCosigner(row.peers, nil)
		if (err == nil) != (row.says == "") || err != nil && !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}
