//go:build unix

package seal_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/amparo-project/amparo/internal/seal"
)

func TestOnlyTheOwnerMayReadWhateverTheUmask(t *testing.T) {
	before := syscall.Umask(0)
	defer syscall.Umask(before)
	f := newFolder(t)
	dir := filepath.Dir(f.path)
	if _, err := seal.GenerateIdentity(filepath.Join(dir, "identity")); err != nil {
		t.Fatal(err)
	}
	// A file that was open to others before is not so after.
	if err := os.WriteFile(filepath.Join(dir, "log.age"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := seal.SealFile(filepath.Join(dir, "log.age"), []byte("key"), recipients(f.service)); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 3 {
		t.Errorf("%d files in the folder, want 3", len(entries))
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != fs.FileMode(0o600) {
			t.Errorf("%s has the mode %s", entry.Name(), info.Mode())
		}
	}
}
