package night_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"
)

// service is one amparod with its data folder, through all its restarts.
type service struct {
	t          testing.TB
	dir        string // holds all that follows, and nothing of the staff
	data       string
	identity   string
	config     string
	home       string // the staff's profiles, an AMPARO_HOME
	temp       string // TMPDIR of the service
	address    string
	invitation string // of the first administrator
	process    *process
	invited    []string // invitations that the administrator made
	second     *person  // who confirms enrolments when the administrator may not
}

// process is one run of amparod serve.
type process struct {
	cmd   *exec.Cmd
	first chan string // the line that says that it listens; closed at the end of stdout
	done  chan struct{}
	err   error // of Wait; to be read after done
}

// raised are limits far above what the tests do, as a service's operator would set
// them for a load test; nothing is switched off.
const raised = `log_level: LEVEL
limits:
  calls_per_second: 1000000
  call_burst: 1000000
  connections_per_device: 1000
  enrolments_per_second: 1000
`

// newService makes a data folder. It does not serve yet.
func newService(t testing.TB, logLevel string) *service {
	t.Helper()
	dir := t.TempDir()
	s := &service{
		t: t, dir: filepath.Join(dir, "service"), home: filepath.Join(dir, "home"),
		address: freeAddress(t),
	}
	s.data, s.identity = filepath.Join(s.dir, "data"), filepath.Join(s.dir, "identity.age")
	s.config, s.temp = filepath.Join(s.dir, "amparod.yaml"), filepath.Join(s.dir, "tmp")
	if err := os.MkdirAll(s.temp, 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, s.config, strings.Replace(raised, "LEVEL", logLevel, 1))
	recovery, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	made := s.runService("init", "--data", s.data, "--identity", s.identity,
		"--recovery-recipient", recovery.Recipient().String(), "--address", s.address)
	if made.exit != 0 {
		t.Fatalf("init: exit code %d: %s", made.exit, made.stderr)
	}
	s.invitation = strings.TrimSpace(made.stdout)
	t.Cleanup(func() {
		if s.process != nil {
			s.kill()
		}
	})
	return s
}

// freeAddress finds a port below those that the system hands out to whoever dials,
// so that it is still free when the service is down and comes back.
func freeAddress(t testing.TB) string {
	t.Helper()
	for range 100 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(15000+rand.IntN(15000)))
		listener, err := net.Listen("tcp", address)
		if err == nil {
			listener.Close()
			return address
		}
	}
	t.Fatal("no free port")
	return ""
}

func writeFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// command is amparod as a service's operator would start it, with an environment
// that holds nothing but what it is given here.
func (s *service) command(arguments ...string) *exec.Cmd {
	cmd := exec.Command(amparod, arguments...)
	cmd.Dir = s.dir
	cmd.Env = []string{"TMPDIR=" + s.temp, "HOME=" + s.temp, "PATH=/nonexistent"}
	return cmd
}

// start serves and returns how long that took until it answered.
func (s *service) start(more ...string) time.Duration {
	s.t.Helper()
	begun := time.Now()
	arguments := append([]string{"serve", "--data", s.data, "--identity", s.identity, "--config", s.config}, more...)
	p := &process{cmd: s.command(arguments...), first: make(chan string, 1), done: make(chan struct{})}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	stderr, err := os.OpenFile(s.logFile(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer stderr.Close()
	p.cmd.Stderr = stderr
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.process = p
	go p.follow(stdout)
	select {
	case line := <-p.first:
		s.isListening(line)
	case <-time.After(20 * time.Second):
		s.t.Fatal("the service does not answer after 20 s")
	}
	return time.Since(begun)
}

// logFile is what amparod says on standard error, in all its runs.
func (s *service) logFile() string { return filepath.Join(s.dir, "stderr.log") }

func (p *process) follow(stdout io.Reader) {
	lines := bufio.NewScanner(stdout)
	if lines.Scan() {
		p.first <- lines.Text()
	}
	close(p.first)
	io.Copy(io.Discard, stdout)
	p.err = p.cmd.Wait()
	close(p.done)
}

func (s *service) isListening(line string) {
	s.t.Helper()
	var said struct{ Listening string }
	if err := json.Unmarshal([]byte(line), &said); err != nil || said.Listening != s.address {
		log, _ := os.ReadFile(s.logFile())
		s.t.Fatalf("the service says %q on stdout and %s on stderr", line, tail(log))
	}
}

// kill ends the service with SIGKILL.
func (s *service) kill() {
	s.process.cmd.Process.Kill()
	<-s.process.done
	s.process = nil
}

// stop ends the service as its operator does, and asks for the exit code of a good
// end.
func (s *service) stop() {
	s.t.Helper()
	p := s.process
	s.process = nil
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		p.cmd.Process.Kill()
		s.t.Fatal("the service does not stop within 20 s of SIGTERM")
	}
	if p.err != nil {
		log, _ := os.ReadFile(s.logFile())
		s.t.Fatalf("SIGTERM ends the service with %v: %s", p.err, tail(log))
	}
}

// check runs amparod check, which must find nothing, on the stopped folder.
func (s *service) check() string {
	s.t.Helper()
	checked := s.runService("check", "--data", s.data, "--identity", s.identity)
	if checked.exit != 0 {
		s.t.Fatalf("amparod check: exit code %d: %s%s", checked.exit, checked.stdout, checked.stderr)
	}
	return strings.TrimSpace(checked.stdout)
}

// ran is a command that has ended.
type ran struct {
	exit           int
	stdout, stderr string
}

func (s *service) runService(arguments ...string) ran { return execute(s.t, s.command(arguments...)) }

// runClient runs amparo as a member of the staff.
func (s *service) runClient(stdin, profile string, arguments ...string) ran {
	cmd := exec.Command(amparo, arguments...)
	cmd.Dir = s.dir
	cmd.Env = []string{"TMPDIR=" + s.temp, "AMPARO_HOME=" + s.home, "AMPARO_PROFILE=" + profile}
	cmd.Stdin = strings.NewReader(stdin)
	return execute(s.t, cmd)
}

func execute(t testing.TB, cmd *exec.Cmd) ran {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		t.Fatal(err)
	}
	return ran{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

func tail(log []byte) []byte { return log[max(0, len(log)-2000):] }
