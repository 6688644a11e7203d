package seal_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"filippo.io/age"
	"github.com/amparo-project/amparo/internal/seal"
)

func TestASmallFileIsOpenedByItsIdentityOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.age")
	owner := hybrid(t)
	if err := seal.SealFile(path, []byte("checkpoint key"), recipients(owner)); err != nil {
		t.Fatal(err)
	}
	sealed := content(t, path)
	if bytes.Contains(sealed, []byte("checkpoint key")) {
		t.Error("the file shows its content")
	}
	got, err := seal.OpenFile(path, []age.Identity{owner})
	if err != nil || string(got) != "checkpoint key" {
		t.Errorf("opened %q, %v", got, err)
	}
	if _, err := seal.OpenFile(path, []age.Identity{hybrid(t)}); !errors.Is(err, seal.ErrWrongIdentity) {
		t.Errorf("a stranger: %v; want ErrWrongIdentity", err)
	}
	if _, err := seal.OpenFile(path+".not", []age.Identity{owner}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestADamagedSmallFileIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tls.age")
	owner := hybrid(t)
	if err := seal.SealFile(path, []byte("private key of the service"), recipients(owner)); err != nil {
		t.Fatal(err)
	}
	sealed := content(t, path)
	refused := func(what string, at int, data []byte) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := seal.OpenFile(path, []age.Identity{owner})
		if !errors.Is(err, seal.ErrDamaged) && !errors.Is(err, seal.ErrWrongIdentity) || got != nil {
			t.Errorf("%s at byte %d: opened %q, %v", what, at, got, err)
		}
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1 << (i % 8)
		refused("changed", i, changed)
	}
	for i := 0; i < len(sealed); i += 11 {
		refused("cut", i, sealed[:i])
	}
	refused("lengthened", len(sealed), append(bytes.Clone(sealed), 0))
}

func TestASmallFileIsReplacedAsAWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tls.age")
	owner := hybrid(t)
	if err := seal.SealFile(path, []byte("first"), recipients(owner)); err != nil {
		t.Fatal(err)
	}
	mixed := append(recipients(owner), classic(t).Recipient())
	if err := seal.SealFile(path, []byte("second"), mixed); err == nil {
		t.Error("sealed to a mixture")
	}
	if err := seal.SealFile(filepath.Join(path, "below a file"), []byte("second"), recipients(owner)); err == nil {
		t.Error("sealed into a folder that is none")
	}
	if got, err := seal.OpenFile(path, []age.Identity{owner}); err != nil || string(got) != "first" {
		t.Errorf("after failures: %q, %v", got, err)
	}
	if err := seal.SealFile(path, []byte("third"), recipients(owner)); err != nil {
		t.Fatal(err)
	}
	if got, err := seal.OpenFile(path, []age.Identity{owner}); err != nil || string(got) != "third" {
		t.Errorf("after replacing: %q, %v", got, err)
	}
}
