package witness_test

import (
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amparo-project/amparo/internal/audit/audittest"
	"github.com/amparo-project/amparo/internal/witness"
)

// TestARootThatIsAnother is said without a size by some witnesses.
func TestARootThatIsAnother(t *testing.T) {
	t.Parallel()
	log := audittest.New(t).Grow(9)
	terse := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !strings.HasPrefix(string(body), "old 9\n") {
			w.Header().Set("Content-Type", "text/x.tlog.size")
			defer fmt.Fprintln(w, 9)
		}
		w.WriteHeader(409)
	}))
	t.Cleanup(terse.Close)
	s := cosign(t, log, witness.Peer{URL: terse.URL, Key: keyOf(t, "example.org/w1")})
	s.contradicted(witness.ErrForked)
}

// TestTheWitnessIsKnownByItsCertificate: somebody between the two who answers in its
// stead could have people woken.
func TestTheWitnessIsKnownByItsCertificate(t *testing.T) {
	t.Parallel()
	log := audittest.New(t).Grow(2)
	liar := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/x.tlog.size")
		w.WriteHeader(409)
		fmt.Fprintln(w, 1000)
	}))
	liar.Config.ErrorLog = nil
	liar.StartTLS()
	defer liar.Close()
	own := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(own, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: liar.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	cosign(t, log.Fork(), witness.Peer{URL: liar.URL, Key: keyOf(t, "example.org/w1"), CAFile: own}).contradicted(witness.ErrAhead)
	s := cosign(t, log.Fork(), witness.Peer{URL: liar.URL, Key: keyOf(t, "example.org/w1")})
	s.heard("certificate")
	if told := s.says(); len(told) != 1 {
		t.Errorf("of a stranger is told %q", told)
	}
}
