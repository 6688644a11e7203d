package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"filippo.io/age"
	"github.com/rogpeppe/go-internal/testscript"
	"go.yaml.in/yaml/v3"
)

// binaries is the folder with amparo, amparod and age, built once for all stories.
var binaries string

func TestMain(m *testing.M) {
	// The stories wait for one another's processes more than they work.
	flag.Parse()
	_ = flag.Set("test.parallel", strconv.Itoa(max(4, runtime.GOMAXPROCS(0))))
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "amparo-bin-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", dir+string(filepath.Separator), ".", "../amparod", "filippo.io/age/cmd/age")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	binaries = dir
	return m.Run()
}

// TestStories plays the stories of testdata against the real programs. Beside the
// usual commands of testscript they know:
//
//	service init|start [DATA]|stop|kill
//	                               a service of the story's own, on a free port; it is
//	                               configured by amparod.yaml where that is there
//	witness start|stop             a witness of the story's own, named in amparod.yaml
//	enrolled PROFILE ROLE [OFFICE] invites, enrols and confirms somebody
//	exits CODE PROGRAM ARG...      runs a program that must end with the exit code
//	handshake PROFILE              does what any TLS client would with a profile's PEM files
//	field NAME PATH                takes a field of the JSON on stdout into $NAME
//	crafted                        writes exports of logs, honest and forged; see cmdCrafted
func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", binaries+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("AMPARO_HOME", filepath.Join(env.WorkDir, "profiles"))
			env.Setenv("TZ", "UTC")
			bodies, err := filepath.Abs("../../internal/texts/bodies") // where the texts lie as they were written
			env.Setenv("BODIES", bodies)
			env.Values[serviceKey{}] = &played{service: &service{binary: filepath.Join(binaries, "amparod")}}
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"service": cmdService, "enrolled": cmdEnrolled, "exits": cmdExits, "field": cmdField,
			"handshake": cmdHandshake, "crafted": cmdCrafted, "witness": cmdWitness,
		},
	})
}

type serviceKey struct{}

// played is what runs in one story.
type played struct {
	*service
	witness *exec.Cmd // nil when none runs
}

func serviceOf(ts *testscript.TestScript) *played { return ts.Value(serviceKey{}).(*played) }

func cmdService(ts *testscript.TestScript, _ bool, args []string) {
	s := serviceOf(ts)
	data, identity := ts.MkAbs("data"), ts.MkAbs("identity.age")
	switch args[0] {
	case "init":
		recovery, err := age.GenerateHybridIdentity()
		ts.Check(err)
		s.address, err = freeAddress()
		ts.Check(err)
		invitation, err := s.order(context.Background(), "init", "--data", data, "--identity", identity,
			"--recovery-recipient", recovery.Recipient().String(), "--address", s.address)
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs("invitation.txt"), []byte(invitation+"\n"), 0o600))
	case "start":
		if len(args) > 1 {
			data = ts.MkAbs(args[1])
		}
		if config := ts.MkAbs("amparod.yaml"); fileExists(config) {
			s.config = config
		}
		ts.Check(s.start(context.Background(), data, identity))
		ts.Defer(func() {
			if s.process == nil {
				return
			}
			if err := s.kill(); err != nil { // it has ended by itself: its log says why
				ts.Fatalf("%v\n%s", err, s.log.text())
			}
		})
	case "stop":
		ts.Check(s.stop())
	case "kill":
		ts.Check(s.kill())
	default:
		ts.Fatalf("service %s: there is no such order", args[0])
	}
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// cmdWitness starts a witness for the log that the administrator's profile knows.
func cmdWitness(ts *testscript.TestScript, _ bool, args []string) {
	s := serviceOf(ts)
	if args[0] == "stop" {
		ts.Check(s.witness.Process.Signal(syscall.SIGTERM))
		ts.Check(s.witness.Wait())
		s.witness = nil
		return
	}
	var settings struct {
		Key string `yaml:"log_key"`
	}
	ts.Check(yaml.Unmarshal([]byte(ts.ReadFile("profiles/administrator/profile.yaml")), &settings))
	s.witness = exec.Command(s.binary, "witness", "--data", ts.MkAbs("witness"), "--listen", "127.0.0.1:0", "--log-key", settings.Key)
	out, err := s.witness.StdoutPipe()
	ts.Check(err)
	ts.Check(s.witness.Start())
	ts.Defer(func() {
		if s.witness != nil {
			_ = s.witness.Process.Kill()
			_ = s.witness.Wait()
		}
	})
	var first struct {
		Listening string `json:"listening"`
		Key       string `json:"witness_key"`
	}
	ts.Check(json.NewDecoder(out).Decode(&first))
	config := fmt.Sprintf("witnesses:\n  - url: http://%s\n    key: %s\n", first.Listening, first.Key)
	ts.Check(os.WriteFile(ts.MkAbs("amparod.yaml"), []byte(config), 0o600))
	name, _, _ := strings.Cut(first.Key, "+")
	ts.Setenv("WITNESS", name)
}

// amparo runs the client with a text on stdin and returns its JSON.
func amparo(ts *testscript.TestScript, stdin string, args ...string) map[string]any {
	command := exec.Command(filepath.Join(binaries, "amparo"), append([]string{"--output", "json"}, args...)...)
	command.Env = append(os.Environ(), "AMPARO_HOME="+ts.Getenv("AMPARO_HOME"))
	command.Stdin = strings.NewReader(stdin)
	out, err := command.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		ts.Fatalf("amparo %s: %s", args[0], exit.Stderr)
	}
	ts.Check(err)
	var answer map[string]any
	ts.Check(json.Unmarshal(out, &answer))
	return answer
}

func cmdEnrolled(ts *testscript.TestScript, _ bool, args []string) {
	profile, role := args[0], args[1]
	invite := []string{"staff", "invite", "--name", "-", "--role", role, "--profile", "administrator"}
	if len(args) > 2 {
		invite = append(invite, "--office", args[2])
	}
	invited := amparo(ts, "Test "+profile, invite...)
	enrolled := amparo(ts, invited["invitation"].(string), "enrol", "--profile", profile)
	if code, ok := enrolled["confirmationCode"].(string); ok {
		amparo(ts, code, "staff", "confirm", invited["staffId"].(string), "--profile", "administrator")
	}
	ts.Setenv(strings.ToUpper(profile), invited["staffId"].(string))
}

func cmdExits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
	// A refusal is one line, and never a stack trace.
	if lines := strings.Count(ts.ReadFile("stderr"), "\n"); want != 0 && ts.Getenv("TALKATIVE") == "" && lines != 1 {
		ts.Fatalf("stderr has %d lines, want one", lines)
	}
}

func cmdField(ts *testscript.TestScript, _ bool, args []string) {
	scanner := bufio.NewScanner(strings.NewReader(ts.ReadFile("stdout")))
	scanner.Buffer(nil, 1<<20)
	if !scanner.Scan() {
		ts.Fatalf("stdout is empty")
	}
	var value any
	decoder := json.NewDecoder(bytes.NewReader(scanner.Bytes()))
	decoder.UseNumber()
	ts.Check(decoder.Decode(&value))
	for name := range strings.SplitSeq(args[1], ".") {
		switch parent := value.(type) {
		case map[string]any:
			value = parent[name]
		case []any:
			index, err := strconv.Atoi(name)
			ts.Check(err)
			value = parent[index]
		}
	}
	if value == nil {
		ts.Fatalf("stdout has no %s", args[1])
	}
	ts.Setenv(args[0], fmt.Sprint(value))
}

// cmdHandshake connects as grpcurl, ghz and others do: they check the server's
// certificate by a file of authorities and by the host that they dial.
func cmdHandshake(ts *testscript.TestScript, _ bool, args []string) {
	dir := filepath.Join(ts.Getenv("AMPARO_HOME"), args[0])
	own, err := tls.LoadX509KeyPair(filepath.Join(dir, "client.crt"), filepath.Join(dir, "client.key"))
	ts.Check(err)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(ts.ReadFile(filepath.Join(dir, "server.crt")))) {
		ts.Fatalf("server.crt holds no certificate")
	}
	conn, err := tls.Dial("tcp", serviceOf(ts).address, &tls.Config{
		RootCAs: roots, Certificates: []tls.Certificate{own}, NextProtos: []string{"h2"},
	})
	ts.Check(err)
	ts.Check(conn.Close())
}

// TestDemo plays the demo with the built programs, and keeps what it leaves.
func TestDemo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "night")
	command := exec.Command(filepath.Join(binaries, "amparo"), "demo", "--keep", dir, "--output", "json")
	var errs bytes.Buffer
	command.Stderr = &errs
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, &errs)
	}
	if got := bytes.Count(out, []byte("\n")); got != len((&demo{}).story()) {
		t.Errorf("%d steps were proven, want %d", got, len((&demo{}).story()))
	}
	for _, path := range []string{
		"data/keyring", "identity.age", "recovery.age", "input/intake-night.yaml",
		"profiles/administrator", "profiles/operator", "profiles/officer", "profiles/auditor",
		"profiles/reviewer", "profiles/head",
	} {
		if _, err := os.Stat(filepath.Join(dir, path)); err != nil {
			t.Errorf("%s is not kept", path)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 5 {
		t.Errorf("%d entries are kept, want data, identity.age, recovery.age, profiles and input: %v", len(entries), err)
	}
}

// What the demo proves about the store at rest must be able to fail.
func TestACanaryInTheStoreIsFound(t *testing.T) {
	d := &demo{secrets: []string{"amparo1-secret"}}
	sent := map[string][]byte{"input": []byte(strings.Join(canaries, "\n"))}
	if err := d.nowhere(sent, map[string][]byte{"store": []byte("sealed")}); err != nil {
		t.Errorf("a sealed store: %v", err)
	}
	for _, planted := range append([]string{"amparo1-secret"}, canaries...) {
		if d.nowhere(sent, map[string][]byte{"store": []byte("\x00\x01" + planted + "\x02")}) == nil {
			t.Errorf("%q in the store was not found", planted)
		}
	}
	if d.nowhere(map[string][]byte{}, map[string][]byte{}) == nil {
		t.Error("a search for what was never sent proves something")
	}
}

// Every canary stands in an input of the demo.
func TestCanariesAreSent(t *testing.T) {
	all := demoIntake + demoDuplicate + demoTriage + demoNoAnswer + demoReached + demoHoldText + demoNote + demoPlan + demoClosing + demoSearch + demoCutLine +
		demoReturning + demoProxy + demoWishes + demoArrest + demoPlainCall + demoDuressCall + demoHandoverNote + demoRefusal + demoDaughter + demoLawyer + demoEmployer + demoMore + demoDawn
	for _, who := range demoPeople {
		all += who.name
	}
	for _, canary := range canaries {
		if !strings.Contains(all, canary) {
			t.Errorf("%q is in no input", canary)
		}
	}
}
