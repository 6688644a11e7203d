package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amparo-project/amparo/internal/audit/audittest"
	"github.com/amparo-project/amparo/internal/store"
)

// TestACheckpointThatSaysNothing about this store is a mistake in the call, in one line,
// and no reason to restore a backup.
func TestACheckpointThatSaysNothing(t *testing.T) {
	f := newFolder(t)
	for name, content := range map[string]string{
		"another log's": audittest.New(t).Grow(3).Checkpoint(), "no note": "hello\n", "empty": "",
	} {
		note := filepath.Join(t.TempDir(), "seen.note")
		if err := os.WriteFile(note, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		saysNothing(t, name, f.checkWith("--checkpoint", note))
	}
	saysNothing(t, "absent", f.checkWith("--checkpoint", filepath.Join(t.TempDir(), "absent")))
	note := filepath.Join(t.TempDir(), "own.note")
	if err := os.WriteFile(note, []byte(f.newest()), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := f.checkWith("--checkpoint", note); got.code != 0 {
		t.Errorf("its own: exit %d: %s", got.code, got.said)
	}
}

func saysNothing(t *testing.T, name string, got outcome) {
	t.Helper()
	if got.code != exitUsage || strings.Contains(got.said, "backup") || !strings.Contains(got.said, "--checkpoint") ||
		!strings.Contains(got.said, "; ") || strings.Count(got.said, "\n") != 1 || got.out != "" {
		t.Errorf("%s: exit %d: %s%s", name, got.code, got.out, got.said)
	}
}

// TestCheckForPrograms: one document, with the same exit codes.
func TestCheckForPrograms(t *testing.T) {
	f := newFolder(t)
	if whole := f.checkWith("--output", "json"); whole.code != 0 || faults(t, whole) != 0 || !strings.Contains(whole.out, `"faults":[]`) {
		t.Errorf("whole: exit %d: %s%s", whole.code, whole.out, whole.said)
	}
	f.change(func(all []store.Entry) []store.Write { return spoil(slot(all, 1)) })
	broken := f.checkWith("--output", "json")
	if n := faults(t, broken); broken.code != exitBroken || n == 0 || strings.Contains(broken.said, "1 faults") {
		t.Errorf("broken: exit %d, %d faults: %s", broken.code, n, broken.said)
	}
	if got := f.checkWith("--output", "xml"); got.code != exitUsage {
		t.Errorf("xml: exit %d", got.code)
	}
}

func faults(t *testing.T, got outcome) int {
	t.Helper()
	var document struct {
		Files, Records, Leaves uint64
		Faults                 []string
	}
	if err := json.Unmarshal([]byte(got.out), &document); err != nil {
		t.Fatalf("%q: %v", got.out, err)
	}
	if document.Files == 0 || document.Leaves == 0 {
		t.Errorf("it counts nothing: %s", got.out)
	}
	return len(document.Faults)
}
