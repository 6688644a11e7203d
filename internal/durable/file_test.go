package durable_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amparo-project/amparo/internal/durable"
)

// Whoever reads that a file cannot be written looks for the name that they gave.
func TestAFileThatCannotBeCreatedIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "absent", "file")
	err := durable.ReplaceWith(path, []byte("x"))
	at, ok := errors.AsType[*fs.PathError](err)
	if !ok || at.Path != path || !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), ".new-") {
		t.Errorf("error = %v", err)
	}
}

func TestAFailureLeavesWhatWasThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := durable.ReplaceWith(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	wrong := errors.New("no more")
	err := durable.Replace(path, func(w io.Writer) error {
		_, err := io.WriteString(w, "new")
		return errors.Join(err, wrong)
	})
	content, readErr := os.ReadFile(path)
	entries, dirErr := os.ReadDir(filepath.Dir(path))
	if !errors.Is(err, wrong) || readErr != nil || dirErr != nil || string(content) != "old" || len(entries) != 1 {
		t.Errorf("error = %v, content = %q, %d files", err, content, len(entries))
	}
}
