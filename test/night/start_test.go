package night_test

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

// isRefusal asks of a command that failed: the exit code of the contract, one line
// on stderr that names the reason, nothing on stdout, no stack trace.
func isRefusal(t *testing.T, what string, got ran, exit int, reason string) {
	t.Helper()
	line := strings.TrimSuffix(withoutLog(got.stderr), "\n")
	switch {
	case got.exit != exit:
		t.Errorf("%s: exit code %d, want %d: %s", what, got.exit, exit, got.stderr)
	case got.stdout != "":
		t.Errorf("%s: says %q on stdout", what, got.stdout)
	case line == "" || strings.Contains(line, "\n"):
		t.Errorf("%s: more or less than one line on stderr: %q", what, got.stderr)
	case !strings.Contains(line, reason):
		t.Errorf("%s: says %q, which does not name %q", what, line, reason)
	case strings.Contains(line, "goroutine") || strings.Contains(line, ".go:"):
		t.Errorf("%s: shows its inside: %q", what, line)
	}
}

// withoutLog leaves out the service's log, which is JSON on the same stderr.
func withoutLog(stderr string) string {
	var lines []string
	for line := range strings.Lines(stderr) {
		if !strings.HasPrefix(line, "{") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// TestClientWithoutService asks the command for its exit codes while the service is
// away, comes back, or is another.
func TestClientWithoutService(t *testing.T) {
	t.Parallel()
	s := newService(t, "info")
	s.start()
	admin := s.administrator()
	hired := s.hire(admin, "operator", operator, "bogota")
	s.hire(admin, "officer", officer, "bogota")
	s.kill()

	begun := time.Now()
	isRefusal(t, "a service that was killed", s.runClient("", "operator", "queue", "--patience", "0s"), 1, "UNREACHABLE")
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("an impatient client took %v", took)
	}
	note := s.runClient("Zoraida", "operator", "case", "note", client.NewRequestID(), "--patience", "0s")
	isRefusal(t, "a note without a service", note, 1, "--request-id")

	back := make(chan time.Duration)
	go func() {
		time.Sleep(700 * time.Millisecond)
		back <- s.start()
	}()
	if got := s.runClient("", "operator", "queue", "--patience", "20s"); got.exit != 0 {
		t.Errorf("a patient client does not live through a restart: exit code %d: %s", got.exit, got.stderr)
	}
	<-back

	if _, err := admin.Staff.SuspendStaff(t.Context(), &amparov1.SuspendStaffRequest{StaffId: hired.id()}); err != nil {
		t.Fatal(client.Explain(err))
	}
	isRefusal(t, "somebody suspended", s.runClient("", "operator", "queue"), 3, "DEVICE_NOT_ACTIVE")
	isRefusal(t, "nobody", s.runClient("", "nobody", "queue"), 2, "PROFILE_UNKNOWN")
	settings := filepath.Join(s.home, "officer", "profile.yaml")
	if got := s.runClient("", "officer", "queue"); got.exit != 0 {
		t.Errorf("exit code %d with the right pin: %s", got.exit, got.stderr)
	}
	turnPin(t, settings)
	isRefusal(t, "a wrong server pin", s.runClient("", "officer", "queue"), 7, "WRONG_SERVER")
	s.stop()
	s.check()
}

func replaceIn(t *testing.T, path, old, replacement string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(raw), old) {
		t.Fatalf("%s does not hold what is to be replaced", filepath.Base(path))
	}
	writeFile(t, path, strings.Replace(string(raw), old, replacement, 1))
}

// turnPin exchanges the first digit of the pin in a profile's settings.
func turnPin(t *testing.T, path string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const key = "server_pin: "
	at := strings.Index(string(raw), key) + len(key)
	if raw[at] == '"' {
		at++
	}
	digit := byte('a')
	if raw[at] == digit {
		digit = 'b'
	}
	raw[at] = digit
	writeFile(t, path, string(raw))
}

// badStart is one way in which a service's operator, or the disk, can be wrong.
type badStart struct {
	what   string
	spoil  func(t *testing.T, s *service)
	args   []string
	exit   int
	reason string
}

// TestBadStarts asks amparod for a clear refusal of each bad start, on a copy of a
// folder that holds a case.
func TestBadStarts(t *testing.T) {
	t.Parallel()
	s := newService(t, "info")
	s.start()
	s.hire(s.administrator(), "officer", officer, "bogota")
	serve := []string{"serve", "--data", s.data, "--identity", s.identity, "--config", s.config}
	held := time.Now()
	isRefusal(t, "a second serve", s.runService(append(serve, "--listen", "127.0.0.1:0")...), 1, "in use")
	isRefusal(t, "check on a folder in use", s.runService("check", "--data", s.data, "--identity", s.identity), 1, "in use")
	isRefusal(t, "an invitation on a folder in use", s.runService("invite-administrator", "--data", s.data, "--identity", s.identity), 1, "in use")
	if took := time.Since(held); took > 3*time.Second {
		t.Errorf("three commands on a held folder took %v, want a second each", took)
	}
	s.stop()
	good := readFolder(t, s.dir)
	for _, bad := range badStarts(s) {
		t.Run(bad.what, func(t *testing.T) {
			bad.spoil(t, s)
			args := bad.args
			if args == nil {
				args = serve
			}
			isRefusal(t, "amparod", s.runService(args...), bad.exit, bad.reason)
		})
		restore(t, s.dir, good)
	}
	s.start()
	if got := s.runClient("", "officer", "queue"); got.exit != 0 {
		t.Errorf("after all that the queue has exit code %d: %s", got.exit, got.stderr)
	}
	s.stop()
	s.check()
}

func badStarts(s *service) []badStart {
	nothing := func(*testing.T, *service) {}
	store := filepath.Join(s.data, "store.bolt")
	return []badStart{
		{"no flags", nothing, []string{"serve"}, 2, "--data"},
		{"an unknown flag", nothing, []string{"serve", "--dta", "x"}, 2, "flags"},
		{"no such folder", nothing, []string{"serve", "--data", s.dir + "/none", "--identity", s.identity}, 2, "find the files"},
		{"no identity file", nothing, []string{"serve", "--data", s.data, "--identity", s.dir + "/none"}, 2, "find the files"},
		{"init over a folder", nothing, []string{
			"init", "--data", s.data, "--identity", s.identity, "--recovery-recipient", "age1x", "--address", "localhost:1",
		}, 2, "there is a data folder already"},
		{"init without recovery", nothing, []string{
			"init", "--data", s.dir + "/new", "--identity", s.identity, "--address", "localhost:1",
		}, 2, "recovery-recipient"},
		{"another folder's identity", func(t *testing.T, s *service) {
			other := newService(t, "info")
			copyFile(t, other.identity, s.identity)
		}, nil, 3, "identity"},
		{"a misspelt setting", func(t *testing.T, s *service) {
			replaceIn(t, s.config, "call_burst", "cal_burst")
		}, nil, 2, "cal_burst"},
		{"a negative limit", func(t *testing.T, s *service) {
			replaceIn(t, s.config, "call_burst: ", "call_burst: -")
		}, nil, 2, "call_burst"},
		{"an address in use", func(t *testing.T, s *service) {
			listener, err := net.Listen("tcp", s.address)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { listener.Close() })
		}, nil, 1, "listen"},
		{"an empty store", truncate(store, 0), nil, 7, "empty"},
		{"a store cut to a page", truncate(store, 4096), nil, 7, "cut short"},
		{"a store cut to four pages", truncate(store, 4*4096), nil, 7, "cut short"},
		{"a meta page with a flipped bit", flip(store, 24), nil, 7, "--accept-lost-commit"},
		{"a keyring with a flipped bit", flip(filepath.Join(s.data, "keyring"), -1), nil, 7, "damaged"},
		{"a TLS key with a flipped bit", flip(filepath.Join(s.data, "tls.age"), -1), nil, 7, "tls.age"},
		{"a log key with a flipped bit", flip(filepath.Join(s.data, "log.age"), -1), nil, 7, "log.age"},
		{"no keyring", remove(filepath.Join(s.data, "keyring")), nil, 2, "find the files"},
		{"no store", remove(store), nil, 2, "find the files"},
	}
}

// truncate cuts a file.
func truncate(path string, to int64) func(*testing.T, *service) {
	return func(t *testing.T, _ *service) {
		if err := os.Truncate(path, to); err != nil {
			t.Fatal(err)
		}
	}
}

// flip turns a bit of a file around; -1 means in its middle.
func flip(path string, at int) func(*testing.T, *service) {
	return func(t *testing.T, _ *service) {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if at < 0 {
			at = len(raw) / 2
		}
		raw[at] ^= 1
		writeFile(t, path, string(raw))
	}
}

func remove(path string) func(*testing.T, *service) {
	return func(t *testing.T, _ *service) {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	raw, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, to, string(raw))
}

func readFolder(t *testing.T, folder string) map[string]string {
	t.Helper()
	content := map[string]string{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		content[path] = string(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func restore(t *testing.T, folder string, content map[string]string) {
	t.Helper()
	for path := range readFolder(t, folder) {
		if _, was := content[path]; !was {
			t.Errorf("a bad start left %s", filepath.Base(path))
		}
	}
	for path, text := range content {
		writeFile(t, path, text)
	}
}
