package witness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/net/netutil"
)

// The answers of the protocol.
const (
	codeMalformed = http.StatusBadRequest
	codeForbidden = http.StatusForbidden
	codeUnknown   = http.StatusNotFound
	codeConflict  = http.StatusConflict
	codeUnproven  = http.StatusUnprocessableEntity
	codeBroken    = http.StatusInternalServerError

	typeSize = "text/x.tlog.size"
	addPath  = "/add-checkpoint"
)

// What callers can make a witness do. A log that submits a checkpoint every ten
// seconds needs one connection.
const (
	maxConnections = 256
	maxHeaders     = 8 << 10
	headerTime     = 5 * time.Second
	requestTime    = 10 * time.Second
	idleTime       = 2 * time.Minute
	drainTime      = 5 * time.Second
)

// Serve answers POST /add-checkpoint until ctx ends, which is no error, or the folder
// fails.
func (w *Witness) Serve(ctx context.Context, listener net.Listener) error {
	routes := http.NewServeMux()
	routes.HandleFunc("POST "+addPath, w.add)
	server := &http.Server{
		Handler: routes, DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout: headerTime, ReadTimeout: requestTime, WriteTimeout: requestTime, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHeaders,
		// It would write the addresses of whoever breaks a connection off.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(netutil.LimitListener(listener, maxConnections)) }()
	var broken error
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case broken = <-w.broken:
	case <-ctx.Done():
	}
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if server.Shutdown(draining) != nil {
		_ = server.Close() // whoever is still there is cut off
	}
	return broken
}

func (w *Witness) add(answer http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(answer, request.Body, maxBody))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		http.Error(answer, "too large", http.StatusRequestEntityTooLarge)
		return
	}
	s, malformed := readSubmission(string(body))
	if err != nil || malformed != nil {
		http.Error(answer, "malformed", codeMalformed)
		return
	}
	line, no := w.cosign(s)
	answer.Header().Set("Content-Type", "text/plain; charset=utf-8")
	switch {
	case no == nil:
		_, _ = io.WriteString(answer, line)
	case no.size != nil:
		answer.Header().Set("Content-Type", typeSize)
		answer.WriteHeader(no.code)
		_, _ = io.WriteString(answer, strconv.FormatUint(*no.size, 10)+"\n")
	default:
		http.Error(answer, no.text, no.code)
	}
}
