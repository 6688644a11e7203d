package seal_test

import (
	"bufio"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/amparo-project/amparo/internal/seal"
)

func TestAReplacedKeyringIsTheNextEpochForItsRecipients(t *testing.T) {
	f := newFolder(t)
	ring := mustOpen(t, f)
	wrapped := ring.Wrap(seal.NewFileKey(1, "file"), []byte("locator"))

	recovery, err := ring.RecoveryRecipients()
	if err != nil {
		t.Fatal(err)
	}
	newService := hybrid(t)
	if _, err := ring.Replace(f.path, recipients(newService), recovery); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.OpenKeyring(f.path, []age.Identity{f.service}); !errors.Is(err, seal.ErrWrongIdentity) {
		t.Errorf("the former identity: %v; want ErrWrongIdentity", err)
	}
	for name, open := range map[string]func() (*seal.Keyring, error){
		"service":  func() (*seal.Keyring, error) { return seal.OpenKeyring(f.path, []age.Identity{newService}) },
		"recovery": func() (*seal.Keyring, error) { return seal.OpenRecovery(f.path, []age.Identity{f.recovery}) },
	} {
		next, err := open()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if next.Epoch() != 2 {
			t.Errorf("%s: epoch %d, want 2", name, next.Epoch())
		}
		if _, err := next.Unwrap([]byte("locator"), wrapped); err != nil {
			t.Errorf("%s: a key of the first epoch: %v", name, err)
		}
	}
}

func TestALostServiceIdentityIsReplacedThroughRecovery(t *testing.T) {
	f := newFolder(t)
	wrapped := mustOpen(t, f).Wrap(seal.NewFileKey(1, "file"), []byte("locator"))
	f.service = hybrid(t) // the former one is gone for good
	if _, err := seal.OpenKeyring(f.path, []age.Identity{f.service}); !errors.Is(err, seal.ErrWrongIdentity) {
		t.Fatalf("before recovery: %v; want ErrWrongIdentity", err)
	}
	recovered, err := seal.OpenRecovery(f.path, []age.Identity{f.recovery})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := recovered.Replace(f.path, recipients(f.service), recipients(f.recovery)); err != nil {
		t.Fatal(err)
	}
	if _, err := mustOpen(t, f).Unwrap([]byte("locator"), wrapped); err != nil {
		t.Errorf("a file's key after recovery: %v", err)
	}
}

// TestACrashWhileReplacingLeavesAKeyring stands in each state of the disk that a
// crash can leave.
func TestACrashWhileReplacingLeavesAKeyring(t *testing.T) {
	tests := []struct {
		name  string
		left  func(next []byte) []byte // beside the keyring
		epoch uint64
	}{
		{"before anything was written", nil, 1},
		{"after the new file was begun", func([]byte) []byte { return nil }, 1},
		{"in the middle of the new file", func(next []byte) []byte { return next[:len(next)/2] }, 1},
		{"before the rename", func(next []byte) []byte { return next }, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFolder(t)
			first := content(t, f.path)
			if _, err := mustOpen(t, f).Replace(f.path, recipients(f.service), recipients(f.recovery)); err != nil {
				t.Fatal(err)
			}
			next := content(t, f.path)
			if err := os.WriteFile(f.path, first, 0o600); err != nil {
				t.Fatal(err)
			}
			if test.left != nil {
				if err := os.WriteFile(f.path+".new", test.left(next), 0o600); err != nil {
					t.Fatal(err)
				}
			}

			ring := mustOpen(t, f)
			if ring.Epoch() != test.epoch {
				t.Errorf("epoch %d, want %d", ring.Epoch(), test.epoch)
			}
			if _, err := ring.Replace(f.path, recipients(f.service), recipients(f.recovery)); err != nil {
				t.Errorf("replace after the crash: %v", err)
			}
			if got := mustOpen(t, f).Epoch(); got != test.epoch+1 {
				t.Errorf("epoch %d after replacing, want %d", got, test.epoch+1)
			}
			if _, err := os.Stat(f.path + ".new"); !errors.Is(err, fs.ErrNotExist) {
				t.Error("the new file is left beside the keyring")
			}
		})
	}
}

// TestKilledWhileReplacing kills a process that replaces its keyring as fast as it
// can, and expects the newest epoch that it told of, or the one after.
func TestKilledWhileReplacing(t *testing.T) {
	f := newFolder(t)
	identity := filepath.Join(t.TempDir(), "identity")
	if err := os.WriteFile(identity, []byte(f.service.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 15 {
		told := replaceUntilKilled(t, f.path, identity)
		got := mustOpen(t, f).Epoch()
		if got != told && got != told+1 {
			t.Fatalf("epoch %d after %d was told", got, told)
		}
	}
}

// replaceUntilKilled returns the newest epoch that the process told of.
func replaceUntilKilled(t *testing.T, keyring, identity string) uint64 {
	t.Helper()
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), "SEAL_TEST_REPLACE="+keyring, "SEAL_TEST_IDENTITY="+identity)
	process.Stderr = os.Stderr
	output, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	var told, count uint64
	for lines := bufio.NewScanner(output); lines.Scan(); {
		// After the second, so that however slow the machine, one was replaced.
		if count++; count == 2 {
			time.AfterFunc(rand.N(40*time.Millisecond), func() { process.Process.Kill() })
		}
		if told, err = strconv.ParseUint(lines.Text(), 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	process.Wait()
	if count < 2 {
		t.Fatalf("the process told of %d epochs before it ended", count)
	}
	return told
}
