package notifytest

import (
	"crypto/rand"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/amparo-project/amparo/internal/notify"
)

// HookServer is a running webhook under https.
type HookServer struct {
	config notify.Webhook
	secret string
	ended  chan struct{}

	mu    sync.Mutex
	posts []Post
}

// Post is one request to a webhook.
type Post struct {
	Method, Path, Host string
	Header             http.Header
	Body               []byte
}

// StartHook starts a webhook that ends with the test. It answers the n-th request,
// counted from 0, as answer does; nil means 204 to all.
func StartHook(tb testing.TB, answer func(n int, w http.ResponseWriter)) *HookServer {
	tb.Helper()
	s := &HookServer{secret: rand.Text(), ended: make(chan struct{})}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			return // the client has gone
		}
		n := s.keep(Post{Method: r.Method, Path: r.URL.Path, Host: r.Host, Header: r.Header, Body: body})
		if answer == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		answer(n, w)
	}))
	tb.Cleanup(func() {
		close(s.ended)
		server.Close()
	})
	s.config = notify.Webhook{URL: server.URL + "/notices", CAFile: authorityFile(tb, server), SecretFile: secretFile(tb, s.secret)}
	return s
}

func (s *HookServer) keep(p Post) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posts = append(s.posts, p)
	return len(s.posts) - 1
}

// Config is what a client needs to post to the webhook.
func (s *HookServer) Config() notify.Webhook { return s.config }

// Secret is the key that posts are signed with.
func (s *HookServer) Secret() []byte { return []byte(s.secret) }

// Ended is closed when the test ends, for an answer that stalls until then.
func (s *HookServer) Ended() <-chan struct{} { return s.ended }

// Posts are the requests so far.
func (s *HookServer) Posts() []Post {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.posts)
}
