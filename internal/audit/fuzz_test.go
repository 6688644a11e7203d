package audit_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/audit"
)

// FuzzVerifyExport: only the files that were signed verify, byte for byte, and the
// rest is refused as invalid.
func FuzzVerifyExport(f *testing.F) {
	var files [][]byte
	for _, name := range kept {
		file := keptFile(f, name)
		files = append(files, file)
		f.Add(file)
		f.Add(file[:len(file)/2])
		f.Add(bytes.Replace(file, []byte("\nend\n"), []byte("\nproofs 0\nend\n"), 1))
	}
	f.Add([]byte("amparo audit log v2\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		leaves := uint64(0)
		report, err := audit.VerifyExport(bytes.NewReader(data), audit.VerifyOptions{Leaf: func(index uint64, _ *amparov1.AuditLeaf) error {
			if index != leaves {
				t.Errorf("leaf %d comes as leaf %d", leaves, index)
			}
			leaves++
			return nil
		}})
		if err == nil && (report.Size != leaves || !slices.ContainsFunc(files, func(file []byte) bool { return bytes.Equal(data, file) })) {
			t.Error("another file than those that were signed verifies")
		}
		if err != nil && !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%v, want ErrInvalid", err)
		}
	})
}

// FuzzCheckpoint: only the text that was signed passes, whatever is put after it.
func FuzzCheckpoint(f *testing.F) {
	file := keptFile(f, "export-v1.txt")
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
