package witness

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	formats "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
)

// Peer is one witness of a service, as its configuration names it.
type Peer struct {
	// URL is what the protocol calls the submission prefix: https, or http to this
	// machine itself. Whoever answers there can stop the service.
	URL string `yaml:"url"`
	// Key verifies the witness's cosignatures; the witness says it when it starts.
	Key string `yaml:"key"`
	// CAFile holds authorities to trust, in PEM; empty means the machine's.
	CAFile string `yaml:"ca_file"`
}

const (
	// answerTime is for how long one answer is waited for.
	answerTime = 5 * time.Second
	// maxAnswer is more than any sensible answer has.
	maxAnswer = 64 << 10
	// attempts is how often one checkpoint is submitted in a row: to learn what the
	// witness knows, to extend that, and to do both again before it is believed that
	// it cannot be extended.
	attempts = 5
)

// peer submits checkpoints to one witness.
type peer struct {
	url      string
	verifier note.Verifier
	client   *http.Client

	// Only one submission is made at a time.
	size     uint64 // of what the witness has cosigned, as far as is known
	cosigned string // the checkpoint that it has cosigned last
	line     string // with which line
	failures int    // in a row
	rest     int    // rounds until it is asked again

	contradicts bool // it says that it has seen what the log does not hold
}

func newPeer(p Peer) (*peer, error) {
	u, err := url.Parse(p.URL)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("url must be https://HOST/PATH")
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme != "https" && (u.Scheme != "http" || ip == nil || !ip.IsLoopback()) {
		return nil, errors.New("url must be https, or http to 127.0.0.1 or [::1]")
	}
	key := strings.TrimSpace(p.Key)
	verifier, err := formats.NewVerifierForCosignatureV1(key)
	// The library computes the hash in the key and leaves the one that is written
	// there alone: a key that was copied badly would never verify anything.
	if err != nil || !strings.HasPrefix(key, fmt.Sprintf("%s+%08x+", verifier.Name(), verifier.KeyHash())) {
		return nil, fmt.Errorf("%w: copy it from the witness's first line", ErrKey)
	}
	roots, err := authorities(p.CAFile)
	if err != nil {
		return nil, err
	}
	return &peer{url: strings.TrimSuffix(u.String(), "/") + addPath, verifier: verifier, client: &http.Client{
		Timeout: answerTime,
		// No proxy of the environment: it could answer for the witness.
		Transport: &http.Transport{
			TLSClientConfig:   &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
			ForceAttemptHTTP2: true, MaxResponseHeaderBytes: maxHeaders, MaxConnsPerHost: 1, IdleConnTimeout: idleTime,
		},
		// A redirect is an answer like any other that is none of the protocol's.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func authorities(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read ca_file: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("ca_file holds no certificate in PEM")
	}
	return roots, nil
}

// submit has one checkpoint of size leaves cosigned. The error wraps ErrAhead or
// ErrForked when the witness contradicts the log, and is the line's or the witness's
// own fault otherwise.
func (p *peer) submit(ctx context.Context, log Log, checkpoint string, size uint64) error {
	doubted := false
	for range attempts {
		proof, err := log.Extension(ctx, p.size, size)
		if err != nil {
			return err
		}
		code, known, answer, err := p.post(ctx, submission{oldSize: p.size, proof: proof, checkpoint: checkpoint}.body())
		// A conflict without a size is how some witnesses say that their root is
		// another. Anything else on the way could say the same, and less.
		contradicted := p.size > 0 && (code == codeUnproven || code == codeConflict && !known && p.size == size)
		switch {
		case err != nil:
			return err
		case code == http.StatusOK:
			return p.accept(checkpoint, size, answer)
		case code == codeConflict && known:
			if err := p.learn(answer, size); err != nil {
				return err
			}
		case contradicted && doubted:
			return fmt.Errorf("%w: its first %d leaves are others", ErrForked, p.size)
		case contradicted:
			doubted, p.size = true, 0 // let it say once more what it has cosigned
		default:
			return fmt.Errorf("witness answers %d", code)
		}
	}
	return errors.New("witness has cosigned something else each time")
}

// learn takes over what the witness says it has cosigned.
func (p *peer) learn(answer string, size uint64) error {
	text, whole := strings.CutSuffix(answer, "\n")
	known, err := readSize(text)
	switch {
	case !whole || err != nil:
		return errors.New("witness answers that it knows more, and not what")
	case known > size:
		return fmt.Errorf("%w: of %d leaves, of which this one has %d", ErrAhead, known, size)
	case known == p.size && known == size:
		return fmt.Errorf("%w: another root for the same %d leaves", ErrForked, size)
	case known == p.size:
		return errors.New("witness refuses the size that it asks for")
	}
	back := known < p.size
	p.size = known
	if back {
		return fmt.Errorf("%w: to %d leaves", errForgot, known)
	}
	return nil
}

// accept verifies a cosignature.
func (p *peer) accept(checkpoint string, size uint64, answer string) error {
	opened, err := note.Open([]byte(checkpoint+answer), note.VerifierList(p.verifier))
	if err != nil {
		return errors.New("witness answers with no cosignature by its key")
	}
	p.size, p.cosigned = size, checkpoint
	p.line = "— " + opened.Sigs[0].Name + " " + opened.Sigs[0].Base64 + "\n"
	return nil
}

// post makes one submission. known says that the answer is the size that the witness
// has cosigned.
func (p *peer) post(ctx context.Context, body string) (code int, known bool, answer string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader([]byte(body)))
	if err != nil {
		return 0, false, "", errors.New("witness cannot be asked")
	}
	request.Header.Set("User-Agent", "amparo")
	response, err := p.client.Do(request)
	if err != nil {
		return 0, false, "", fmt.Errorf("witness cannot be asked: %w", err)
	}
	defer response.Body.Close() //nolint:errcheck // it is only read
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil || len(raw) > maxAnswer {
		return 0, false, "", errors.New("witness breaks off in its answer")
	}
	return response.StatusCode, response.Header.Get("Content-Type") == typeSize, string(raw), nil
}
