package audit_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amparo-project/amparo/internal/audit"
)

// FuzzVerifyExport: whatever verifies is what WriteExport writes for those leaves,
// byte for byte, and the rest is refused as invalid.
func FuzzVerifyExport(f *testing.F) {
	file, err := os.ReadFile(filepath.Join("testdata", "export-v1.txt"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Add(file[:len(file)/2])
	f.Add([]byte("amparo audit log v1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := audit.VerifyExport(bytes.NewReader(data), audit.VerifyOptions{})
		if err == nil && !bytes.Equal(data, file) {
			t.Error("another file than the only one that was signed verifies")
		}
		if err != nil && !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%v, want ErrInvalid", err)
		}
	})
}

// FuzzCheckpoint: only the text that was signed passes, whatever is put after it.
func FuzzCheckpoint(f *testing.F) {
	file, err := os.ReadFile(filepath.Join("testdata", "export-v1.txt"))
	if err != nil {
		f.Fatal(err)
	}
	lines := strings.SplitAfter(string(file), "\n")
	public, signed := strings.TrimSuffix(lines[1], "\n"), strings.Join(lines[2:7], "")
	text := strings.Join(lines[2:6], "")
	f.Add(signed)
	f.Add(signed + lines[6])
	f.Add(text)
	f.Fuzz(func(t *testing.T, data string) {
		size, err := audit.CheckpointSize(public, data)
		if err == nil && (size != 3 || !strings.HasPrefix(data, text)) {
			t.Errorf("a text that was not signed passes for %d leaves", size)
		}
		if err != nil && !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%v, want ErrInvalid", err)
		}
	})
}
