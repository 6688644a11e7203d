package bolt_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/bolt"
)

// roles are what this test binary does as a process of its own, for what cannot
// be done to the test itself: being killed, or losing system calls.
var roles = map[string]func(args []string) error{
	"write until killed":   writeUntilKilled,
	"fill a limited file":  fillLimitedFile,
	"lose a system call":   loseSystemCall,
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

const crashWriters = 16

// writeUntilKilled commits pairs of records and writes each acknowledged one
// into a ledger. Its arguments: the database, the folder of the ledgers, and
// the number of the round.
func writeUntilKilled(args []string) error {
	e, err := bolt.Open(bolt.Options{Path: args[0]})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	failed := make(chan error)
	for w := range crashWriters {
		go func() {
			ledger, err := os.OpenFile(filepath.Join(args[1], fmt.Sprint(w)), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
			for i := 0; err == nil; i++ {
				name := fmt.Sprintf("%s/%d/%d", args[2], w, i)
				content := fmt.Appendf(nil, "%s %s", name, strings.Repeat("x", i*311%4000))
				_, err = e.Commit(context.Background(), nil, []store.Write{
					{Key: []byte("left/" + name), Value: content}, {Key: []byte("right/" + name), Value: content},
				})
				if err == nil {
					_, err = ledger.WriteString(name + "\n")
				}
				if err == nil {
					err = ledger.Sync()
				}
			}
			failed <- err
		}()
	}
	return <-failed
}

// TestKilled kills a writing process again and again. What it acknowledged must
// be there, and nothing may be there by half.
func TestKilled(t *testing.T) {
	e, path := create(t)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	ledgers := t.TempDir()
	acked := 0
	for round := range 10 {
		child := process(t, "write until killed", path, ledgers, fmt.Sprint(round))
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
			t.Fatalf("round %d: the writer says %q, %v", round, line, err)
		}
		time.Sleep(time.Duration(50+rand.IntN(250)) * time.Millisecond)
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait() // says that it was killed
		acked = checkLedgers(t, path, ledgers)
	}
	if acked < 10*crashWriters {
		t.Errorf("only %d commits were acknowledged in all", acked)
	}
	t.Logf("%d acknowledged commits, all there", acked)
}

func checkLedgers(t *testing.T, path, ledgers string) (acked int) {
	t.Helper()
	started := time.Now()
	e, err := bolt.Open(bolt.Options{Path: path})
	if err != nil {
		t.Fatalf("Open after a kill: %v", err)
	}
	defer e.Close()
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("Open after a kill took %v", took)
	}
	left, right := pairs(t, e, "left/"), pairs(t, e, "right/")
	if len(left) != len(right) {
		t.Errorf("%d left halves and %d right ones", len(left), len(right))
	}
	for name, l := range left {
		if r, ok := right[name]; !ok || r.Revision != l.Revision || !bytes.Equal(l.Value, r.Value) || !bytes.HasPrefix(l.Value, []byte(name+" ")) {
			t.Fatalf("%s is there by half", name)
		}
	}
	for w := range crashWriters {
		ledger, err := os.ReadFile(filepath.Join(ledgers, fmt.Sprint(w)))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(ledger)) {
			name, whole := strings.CutSuffix(line, "\n")
			if !whole {
				continue
			}
			acked++
			if _, ok := left[name]; !ok {
				t.Fatalf("%s was acknowledged and is lost", name)
			}
		}
	}
	return acked
}

// pairs scans all of one half, by name.
func pairs(t *testing.T, e *bolt.Engine, prefix string) map[string]store.Entry {
	t.Helper()
	found := make(map[string]store.Entry)
	var after []byte
	for {
		page, err := e.Scan(context.Background(), []byte(prefix), after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range page {
			found[strings.TrimPrefix(string(f.Key), prefix)] = f
		}
		if len(page) < 1000 {
			return found
		}
		after = page[len(page)-1].Key
	}
}

// TestLeavingEarly ends contexts while their commit is held in the sync: the
// one that is under way is unknown, and the one behind it is not written.
func TestLeavingEarly(t *testing.T) {
	e, _ := create(t)
	entered, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	bolt.OnCommit(e, func(tx *bolt.Tx, commit func(*bolt.Tx) error) error {
		once.Do(func() { close(entered); <-release })
		return commit(tx)
	})
	ctx, cancel := context.WithCancel(context.Background())
	results := make(map[string]chan error)
	start := func(key string) {
		done := make(chan error, 1)
		results[key] = done
		go func() {
			_, err := e.Commit(ctx, nil, []store.Write{{Key: []byte(key)}})
			done <- err
		}()
	}
	start("under way")
	<-entered
	start("behind")
	for bolt.Waiting(e) == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	underWay, behind := <-results["under way"], <-results["behind"]
	close(release)
	if _, err := e.Commit(context.Background(), nil, []store.Write{{Key: []byte("last")}}); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "the commit under way", underWay, store.ErrUnknown)
	wantErr(t, "the commit behind", behind, context.Canceled)
	_, err := e.Get(context.Background(), []byte("under way"))
	wantErr(t, "Get of the one under way", err, nil)
	_, err = e.Get(context.Background(), []byte("behind"))
	wantErr(t, "Get of the one behind", err, store.ErrNotFound)
}
