package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// service is the amparod of a demo: a process of its own.
type service struct {
	binary  string
	address string
	config  string // file
	process *exec.Cmd
	ended   chan error
	log     logBuffer
}

// logBuffer takes what the service writes on stderr.
type logBuffer struct {
	mu  sync.Mutex
	all bytes.Buffer
}

// Write implements io.Writer.
func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.Write(p)
}

func (b *logBuffer) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.String()
}

// findService finds amparod beside this program, builds it where this program was
// started from the source tree, or takes it from PATH.
func findService(ctx context.Context, into string) (string, error) {
	own, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find amparod: %w", err)
	}
	beside := filepath.Join(filepath.Dir(own), "amparod")
	if info, err := os.Stat(beside); err == nil && info.Mode().IsRegular() {
		return beside, nil
	}
	if tree := sourceTree(); tree != "" {
		return buildService(ctx, tree, into)
	}
	if path, err := exec.LookPath("amparod"); err == nil {
		return path, nil
	}
	return "", errors.New("find amparod: it is neither beside amparo, nor in PATH, nor is this its source tree")
}

// sourceTree is the module's folder if the working directory lies in it.
func sourceTree() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for {
		if module, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil {
			if strings.HasPrefix(string(module), "module github.com/amparo-project/amparo\n") {
				return dir
			}
			return ""
		}
		if filepath.Dir(dir) == dir {
			return ""
		}
		dir = filepath.Dir(dir)
	}
}

func buildService(ctx context.Context, tree, into string) (string, error) {
	binary := filepath.Join(into, "amparod")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/amparod")
	build.Dir = tree
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build amparod: %w: %s", err, bytes.TrimSpace(out))
	}
	return binary, nil
}

// freeAddress is a port of this machine that nobody listens on: one of those that no
// system gives to whoever asks for any, so that nobody is given it before it is used.
func freeAddress() (string, error) {
	var err error
	for range 50 {
		var drawn [2]byte
		_, _ = rand.Read(drawn[:]) // never fails
		address := fmt.Sprintf("127.0.0.1:%d", 15_000+binary.BigEndian.Uint16(drawn[:])%15_000)
		var listener net.Listener
		if listener, err = net.Listen("tcp", address); err == nil {
			return address, listener.Close()
		}
	}
	return "", fmt.Errorf("find a free port: %w", err)
}

// start runs amparod serve and waits until it says that it listens.
func (s *service) start(ctx context.Context, data, identity string) error {
	s.process = exec.Command(s.binary, "serve", "--data", data, "--identity", identity, "--listen", s.address, "--config", s.config)
	s.process.Stderr = &s.log
	out, err := s.process.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start amparod: %w", err)
	}
	if err := s.process.Start(); err != nil {
		return fmt.Errorf("start amparod: %w", err)
	}
	s.ended = make(chan error, 1)
	said := make(chan string, 1)
	go func(process *exec.Cmd, ended chan<- error) {
		line, err := bufio.NewReader(out).ReadBytes('\n')
		var first struct {
			Listening string `json:"listening"`
		}
		if err == nil && json.Unmarshal(line, &first) == nil {
			said <- first.Listening
		}
		ended <- process.Wait()
	}(s.process, s.ended)
	select {
	case address := <-said:
		if address != s.address {
			return fmt.Errorf("amparod listens on %s, not on %s", address, s.address)
		}
		return nil
	case err := <-s.ended:
		s.process = nil
		return fmt.Errorf("amparod ended (%w): %s", errors.Join(err, errors.New("before it listened")), strings.TrimSpace(s.log.text()))
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(60 * time.Second):
		return errors.New("amparod does not say that it listens")
	}
}

// kill ends the service as a power cut would.
func (s *service) kill() error {
	if err := s.process.Process.Kill(); err != nil {
		return fmt.Errorf("kill amparod: %w", err)
	}
	err := <-s.ended
	s.process = nil
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.Exited() {
		return fmt.Errorf("kill amparod: it had ended before: %w", err)
	}
	return nil
}

// stop ends the service as its operator would; nothing happens when none runs.
func (s *service) stop() error {
	if s.process == nil {
		return nil
	}
	process := s.process
	s.process = nil
	if err := process.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop amparod: %w", err)
	}
	select {
	case err := <-s.ended:
		if err != nil {
			return fmt.Errorf("stop amparod: %w: %s", err, strings.TrimSpace(s.log.text()))
		}
		return nil
	case <-time.After(30 * time.Second):
		// Its own child, by its handle: nothing else is ended.
		return errors.Join(errors.New("stop amparod: it does not end"), process.Process.Kill())
	}
}

// order runs another command of amparod and returns its output.
func (s *service) order(ctx context.Context, arguments ...string) (string, error) {
	out, err := exec.CommandContext(ctx, s.binary, arguments...).Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return "", fmt.Errorf("amparod %s: exit code %d: %s", arguments[0], exit.ExitCode(), bytes.TrimSpace(exit.Stderr))
	}
	if err != nil {
		return "", fmt.Errorf("amparod %s: %w", arguments[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}
