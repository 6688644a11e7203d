package records_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"filippo.io/age"

	"github.com/amparo-project/amparo/internal/seal"
	"github.com/amparo-project/amparo/internal/store/bolt"
)

// long runs the long forms: -long makes 10,000 flips and 1,000 pages of garbage
// instead of 150 and 30.
var long = flag.Bool("long", false, "run the long forms of the tests")

// roles are what this test binary does as a process of its own, for what cannot
// be done to the test itself: reading files that may bring it down, losing room.
var roles = map[string]func(args []string) error{
	"read damaged images":  readDamagedImages,
	"fill a limited file":  fillLimitedFile,
	"fill a mounted tmpfs": fillMountedDisk,
}

func TestMain(m *testing.M) {
	role := roles[os.Getenv("AMPARO_TEST_ROLE")]
	if role == nil {
		os.Exit(m.Run())
	}
	if err := role(os.Args[1:]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// process prepares this binary to run in a role.
func process(t testing.TB, role string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), "AMPARO_TEST_ROLE="+role)
	return cmd
}

// script stands in for a test in a process of its own: the first failure ends it.
type script struct {
	testing.TB
	failed string
}

// failure is how a script leaves a helper that cannot go on.
type failure struct{ text string }

func (s *script) Helper()                   {}
func (s *script) Fatal(args ...any)         { panic(failure{fmt.Sprint(args...)}) }
func (s *script) Fatalf(f string, a ...any) { panic(failure{fmt.Sprintf(f, a...)}) }
func (s *script) Errorf(f string, a ...any) {
	if s.failed == "" {
		s.failed = fmt.Sprintf(f, a...)
	}
}

// run calls fn and returns what failed in it.
func (s *script) run(fn func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(failure)
			if !ok {
				panic(r)
			}
			err = fmt.Errorf("%s", f.text)
		} else if s.failed != "" {
			err = fmt.Errorf("%s", s.failed)
		}
	}()
	fn()
	return nil
}

// onDisk is a store in a folder, with all that another process needs to open it
// and to know what it must read there.
type onDisk struct {
	Dir        string `json:"-"`
	LogKey     string
	Staff      string // id of the person who made the requests
	Identity   string
	Cases      []storedCase
	Invitation string
}

// storedCase is what the writer knows of a case.
type storedCase struct {
	ID, Request, Name string
	Text              string // all that can be read of it
	Version           uint64
}

func (d *onDisk) database() string { return filepath.Join(d.Dir, "store.bolt") }

// beginOnDisk makes a store in a folder, with keys of its own.
func beginOnDisk(t testing.TB, dir string) (*house, *onDisk) {
	t.Helper()
	own, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	k, err := makeKeys(filepath.Join(dir, "keyring"), own)
	if err != nil {
		t.Fatal(err)
	}
	d := &onDisk{Dir: dir, LogKey: k.logKey, Identity: own.String()}
	engine, err := bolt.Create(bolt.Options{Path: d.database()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	return beginWith(t, engine, k), d
}

// save writes what another process needs beside the store.
func (d *onDisk) save() error {
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(d.Dir, "truth.json"), text, 0o600)
}

// loadOnDisk is save's counterpart.
func loadOnDisk(dir string) (*onDisk, keys, error) {
	d := &onDisk{Dir: dir}
	text, err := os.ReadFile(filepath.Join(dir, "truth.json"))
	if err != nil {
		return nil, keys{}, err
	}
	if err := json.Unmarshal(text, d); err != nil {
		return nil, keys{}, err
	}
	own, err := age.ParseHybridIdentity(d.Identity)
	if err != nil {
		return nil, keys{}, err
	}
	ring, err := seal.OpenKeyring(filepath.Join(dir, "keyring"), []age.Identity{own})
	return d, keys{ring, d.LogKey}, err
}

// fastFolder is a folder in memory where the machine has one: what is tested here
// is not whether a disk keeps its promise.
func fastFolder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "records-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
