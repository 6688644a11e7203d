package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// attempts is how often one message is posted at most.
const attempts = 4

// hook posts to one address.
type hook struct {
	url     string
	key     []byte
	timeout time.Duration
	client  *http.Client
	now     func() time.Time
}

func newHook(c Webhook, now func() time.Time) (*hook, error) {
	u, err := target(c.URL)
	if err != nil {
		return nil, fmt.Errorf("notify.webhook: url: %w", err)
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	to, err := newWayOut(net.JoinHostPort(u.Hostname(), port), c.CAFile, c.Timeout, webhookTimeout)
	if err != nil {
		return nil, fmt.Errorf("notify.webhook: %w", err)
	}
	if c.SecretFile == "" {
		return nil, errors.New("notify.webhook: secret_file is needed")
	}
	key, err := signingKey(c.SecretFile)
	if err != nil {
		return nil, fmt.Errorf("notify.webhook: secret_file: %w", err)
	}
	return &hook{url: u.String(), key: key, timeout: to.timeout, now: now, client: &http.Client{
		// No proxy of the environment: it would be told of every alarm. A new
		// connection each time: notices are rare, and an old line may be dead.
		Transport: &http.Transport{
			TLSClientConfig: to.tls, DisableKeepAlives: true, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: maxHeard,
		},
		// A redirect is an answer like any other that is no success: the message
		// goes to the address in the configuration or nowhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// notice is the body of a post.
type notice struct {
	Type      string    `json:"type"` // amparo. and the kind
	Timestamp time.Time `json:"timestamp"`
	Data      struct {
		Text   string   `json:"text"`
		Urgent bool     `json:"urgent"`
		Ref    string   `json:"ref,omitempty"`
		To     []string `json:"to,omitempty"` // staff ids
	} `json:"data"`
}

func (h *hook) send(ctx context.Context, m Message) error {
	if h == nil {
		return ErrNoWay
	}
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	body, err := h.body(m)
	if err != nil {
		return explain("webhook", err)
	}
	id := newID() // one for all attempts: the receiver tells a repetition by it
	_, err = backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, h.post(ctx, id, body) },
		backoff.WithMaxTries(attempts), backoff.WithMaxElapsedTime(h.timeout))
	if err == nil {
		return nil
	}
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	return explain("webhook", err)
}

func (h *hook) body(m Message) ([]byte, error) {
	n := notice{Type: "amparo." + m.Kind.word(), Timestamp: h.now().UTC().Truncate(time.Second)}
	n.Data.Text, n.Data.Urgent, n.Data.Ref = m.text(), m.Kind.urgent(), m.Ref
	for _, to := range m.To {
		if to.PersonID != "" {
			n.Data.To = append(n.Data.To, to.PersonID)
		}
	}
	return json.Marshal(n)
}

// post makes one attempt. What would be refused again is not tried again.
func (h *hook) post(ctx context.Context, id string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return backoff.Permanent(err)
	}
	at := strconv.FormatInt(h.now().Unix(), 10)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "amparo")
	request.Header.Set("Webhook-Id", id)
	request.Header.Set("Webhook-Timestamp", at)
	request.Header.Set("Webhook-Signature", "v1,"+h.sign(id, at, body))
	response, err := h.client.Do(request)
	if err != nil {
		return err
	}
	_ = response.Body.Close() // nothing in it is of use
	switch code := response.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusTooManyRequests, code >= 500:
		return &Error{Way: "webhook", Code: code}
	default:
		return backoff.Permanent(&Error{Way: "webhook", Code: code})
	}
}

// sign covers the id and the time too, so that an old alarm cannot be played again.
func (h *hook) sign(id, at string, body []byte) string {
	mac := hmac.New(sha256.New, h.key)
	_, _ = fmt.Fprintf(mac, "%s.%s.%s", id, at, body) // a hash takes everything
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// newID draws 128 random bits, written as every id here is.
func newID() string {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails; it ends the process rather than weaken an id
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw[:]))
}
