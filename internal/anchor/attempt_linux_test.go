package anchor_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amparo-project/amparo/internal/anchor"
	"github.com/amparo-project/amparo/internal/audit/audittest"
)

// TestAnAttemptThatFails leaves what was there, which is still this service's own. The
// folder's name is so long that it takes no file with a longer name than the anchor's.
func TestAnAttemptThatFails(t *testing.T) {
	const longest = 4095
	dir := t.TempDir()
	for dir += "/"; len(dir) < longest-300; dir += strings.Repeat("d", 100) + "/" {
	}
	dir += strings.Repeat("e", longest-len("/a.lock")-len(dir)-200) + "/" + strings.Repeat("f", 199)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "a")
	log := audittest.New(t).Grow(3)
	write(t, path, log.Checkpoint())
	a := take(t, path)
	if _, err := a.Hold(t.Context(), log); err != nil {
		t.Fatal(err)
	}
	before := content(t, path)
	for range 3 {
		log.Grow(1)
		if err := a.Replace(); err == nil || errors.Is(err, anchor.ErrOvertaken) || content(t, path) != before {
			t.Errorf("it is to be tried again: %v", err)
		}
	}
}
