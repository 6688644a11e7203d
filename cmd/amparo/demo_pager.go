package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/amparo-project/amparo/internal/client"
)

// pagerMessage is what is read of one message.
type pagerMessage struct {
	Data struct {
		Ref string   `json:"ref"`
		To  []string `json:"to"`
	} `json:"data"`
}

// pager is the program behind the webhook of a demo: it takes what leaves the house.
type pager struct {
	server *http.Server
	url    string

	mu  sync.Mutex
	raw []string
	got []pagerMessage
}

func startPager(ctx context.Context) (*pager, error) {
	listening := net.ListenConfig{}
	listener, err := listening.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for notices: %w", err)
	}
	p := &pager{url: "http://" + listener.Addr().String() + "/amparo"}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = p.server.Serve(listener) }() // ends with stop
	return p, nil
}

func (p *pager) stop() error {
	if p == nil {
		return nil
	}
	return p.server.Close()
}

// ServeHTTP implements http.Handler.
func (p *pager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var message pagerMessage
	if err := json.Unmarshal(body, &message); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, message)
	var headers strings.Builder
	_ = r.Header.Write(&headers) // into memory
	p.raw = append(p.raw, r.URL.String()+headers.String()+string(body))
}

// called are the people who were called for an alarm, in order.
func (p *pager) called(alarm string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var people []string
	for _, m := range p.got {
		if m.Data.Ref == alarm && len(m.Data.To) == 1 && !slices.Contains(people, m.Data.To[0]) {
			people = append(people, m.Data.To[0])
		}
	}
	return people
}

// saysNothing looks for the case, and for every canary, in all that was sent.
func (p *pager) saysNothing(caseID string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, raw := range p.raw {
		for _, secret := range append([]string{caseID, "berlin", "extreme", "duress"}, canaries...) {
			if strings.Contains(raw, secret) {
				return fmt.Errorf("a message that left the house holds %q", secret)
			}
		}
	}
	return nil
}

// configure writes a configuration that sends notices to the pager.
func (d *demo) configure() error {
	var key [32]byte
	rand.Read(key[:])
	secret := filepath.Join(d.work, "webhook.secret")
	if err := client.WriteFile(secret, []byte("whsec_"+base64.StdEncoding.EncodeToString(key[:])+"\n")); err != nil {
		return err
	}
	d.service.config = filepath.Join(d.work, "amparod.yaml")
	return client.WriteFile(d.service.config, fmt.Appendf(nil, "notify:\n  webhook:\n    url: %s\n    secret_file: %s\n", d.pager.url, secret))
}
