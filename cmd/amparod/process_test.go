package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/seal"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/bolt"
)

// TestMain lets the test binary be amparod itself, so that exit codes and signals
// are those of a process.
func TestMain(m *testing.M) {
	if os.Getenv("AMPAROD_TEST_SELF") != "" {
		os.Exit(run(os.Args[1:]))
	}
	// More processes wait for one another here than there are cores.
	flag.Parse()
	_ = flag.Set("test.parallel", strconv.Itoa(max(6, runtime.GOMAXPROCS(0))))
	os.Exit(m.Run())
}

func amparod(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), "AMPAROD_TEST_SELF=1")
	return cmd
}

// outcome is how a command ended.
type outcome struct {
	code int
	out  string
	said string // on standard error
	took time.Duration
}

func finish(t testing.TB, cmd *exec.Cmd) outcome {
	t.Helper()
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	began := time.Now()
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return outcome{cmd.ProcessState.ExitCode(), out.String(), said.String(), time.Since(began)}
}

// dataFolder is a data folder with the identity that unseals it.
type dataFolder struct {
	t              testing.TB
	path, identity string
	caseID         string
}

func (f dataFolder) store() string { return filepath.Join(f.path, storeFile) }

// fastFolder is a folder in memory where the machine has one: what is tested here
// is not whether a disk keeps its promise.
func fastFolder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "amparod-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// newFolder makes a data folder by init, and puts a case with four versions in it.
func newFolder(t testing.TB) dataFolder {
	t.Helper()
	dir := fastFolder(t)
	offline := filepath.Join(dir, "offline.age")
	recipient, err := seal.GenerateIdentity(offline)
	if err != nil {
		t.Fatal(err)
	}
	f := dataFolder{t: t, path: filepath.Join(dir, "data"), identity: filepath.Join(dir, "identity.age"), caseID: records.NewID()}
	made := finish(t, amparod(t, "init", "--data", f.path, "--identity", f.identity, "--recovery-recipient", recipient, "--address", "127.0.0.1:7443"))
	if made.code != 0 || made.out == "" {
		t.Fatalf("init ends with %d: %s", made.code, made.said)
	}
	f.open(f.fillCase)
	return f
}

// copyTo gives a row of a table a folder of its own.
func (f dataFolder) copyTo(t testing.TB) dataFolder {
	t.Helper()
	dir := fastFolder(t)
	own := dataFolder{t: t, path: filepath.Join(dir, "data"), identity: filepath.Join(dir, "identity.age"), caseID: f.caseID}
	text, err := os.ReadFile(f.identity)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.CopyFS(own.path, os.DirFS(f.path)), os.WriteFile(own.identity, text, 0o600)); err != nil {
		t.Fatal(err)
	}
	return own
}

// open unseals the folder in this process, calls fn, and closes it.
func (f dataFolder) open(fn func(*unsealed)) {
	f.t.Helper()
	opened, err := openFolder(f.path, f.identity)
	if err != nil {
		f.t.Fatal(err)
	}
	engine, err := opened.openStore(false)
	if err != nil {
		f.t.Fatal(err)
	}
	u, err := opened.unseal(context.Background(), engine, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	fn(u)
	if err := errors.Join(u.log.CatchUp(context.Background()), engine.Close()); err != nil {
		f.t.Fatal(err)
	}
}

func (f dataFolder) fillCase(u *unsealed) {
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_NOTE)
	permit, err := grant.PermitDirectory() // the service's own covers every file
	if err != nil {
		f.t.Fatal(err)
	}
	request := records.Request{ID: records.NewID()}
	_, err = u.records.Update(context.Background(), grant, request, nil, func(w *records.Work) (proto.Message, error) {
		file, err := w.CreateCase(permit, &amparov1.Case{Id: f.caseID, Pseudonym: records.NewID()}, &amparov1.Intake{}, &amparov1.Identity{})
		if err == nil {
			file.Append(&amparov1.TimelineEntry{Text: "opened"})
		}
		return &amparov1.CaseReceipt{}, err
	})
	for range 3 {
		if err != nil {
			f.t.Fatal(err)
		}
		_, err = u.records.Update(context.Background(), grant, records.Request{}, records.Targets(f.caseID), func(w *records.Work) (proto.Message, error) {
			w.File(0).Append(&amparov1.TimelineEntry{Text: "a note"})
			return nil, nil
		})
	}
}

// change opens the database as an engine, under which nothing is sealed or checked.
func (f dataFolder) change(fn func(all []store.Entry) []store.Write) {
	f.t.Helper()
	engine, err := bolt.Open(bolt.Options{Path: f.store()})
	if err != nil {
		f.t.Fatal(err)
	}
	all, err := engine.Scan(context.Background(), nil, nil, 10_000)
	if err != nil {
		f.t.Fatal(err)
	}
	for some := range slices.Chunk(fn(all), 100) { // an engine takes no more than 128 at once
		if _, failed := engine.Commit(context.Background(), nil, some); failed != nil {
			err = failed
		}
	}
	if err := errors.Join(err, engine.Close()); err != nil {
		f.t.Fatal(err)
	}
}

// flip changes one byte of a file of the folder.
func (f dataFolder) flip(name string, at int64) {
	f.t.Helper()
	path := filepath.Join(f.path, name)
	content, err := os.ReadFile(path)
	if err != nil {
		f.t.Fatal(err)
	}
	if at < 0 {
		at += int64(len(content))
	}
	content[at] ^= 0x20
	if err := os.WriteFile(path, content, 0o600); err != nil {
		f.t.Fatal(err)
	}
}

func (f dataFolder) check() outcome {
	f.t.Helper()
	return finish(f.t, amparod(f.t, "check", "--data", f.path, "--identity", f.identity))
}

// serve starts the service on a free port; stop ends it with SIGTERM.
func (f dataFolder) serve(args ...string) (started bool, stop func() outcome) {
	f.t.Helper()
	p := begin(f.t, amparod(f.t, append([]string{"serve", "--data", f.path, "--identity", f.identity, "--listen", "127.0.0.1:0"}, args...)...))
	return strings.Contains(p.line, "listening"), func() outcome {
		_ = p.Process.Signal(syscall.SIGTERM) // it may have ended by itself
		return p.wait()
	}
}

// process is a command that runs, and has said its first line.
type process struct {
	*exec.Cmd
	line     string
	said     bytes.Buffer
	watchdog *time.Timer
}

func begin(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{Cmd: cmd}
	cmd.Stderr = &p.said
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.watchdog = time.AfterFunc(60*time.Second, func() { _ = cmd.Process.Kill() })
	p.line, _ = bufio.NewReader(out).ReadString('\n')
	return p
}

// address is what the first line of serve names.
func (p *process) address() string {
	var first struct{ Listening string }
	_ = json.Unmarshal([]byte(p.line), &first) // empty where it is another line
	return first.Listening
}

func (p *process) wait() outcome {
	defer p.watchdog.Stop()
	began := time.Now()
	_ = p.Wait()
	return outcome{code: p.ProcessState.ExitCode(), out: p.line, said: p.said.String(), took: time.Since(began)}
}
