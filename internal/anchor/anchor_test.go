package anchor_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/amparo-project/amparo/internal/anchor"
	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/audit/audittest"
)

func take(t *testing.T, path string) *anchor.Anchor {
	t.Helper()
	a, err := anchor.Take(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Release() })
	return a
}

func write(t rapid.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func content(t rapid.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(text)
}

// TestAtStart: a log that does not hold what the anchor covers is refused, and the
// anchor stays as it is; any other takes its place in it.
func TestAtStart(t *testing.T) {
	log := audittest.New(t).Grow(7)
	longer, asLong := log.Fork().Grow(4), log.Fork().Grow(4)
	for _, row := range []struct {
		name   string
		there  string // empty for no file
		log    *audittest.Log
		refuse error
	}{
		{"the first time", "", log, nil},
		{"nothing since", log.Checkpoint(), log, nil},
		{"grown since", log.Checkpoint(), longer, nil},
		{"an empty log", "", audittest.New(t), nil},
		{"put back", longer.Checkpoint(), log, audit.ErrShrunk},
		{"forked, and as long", longer.Checkpoint(), asLong, audit.ErrFork},
		{"forked, and longer", longer.Checkpoint(), log.Fork().Grow(9), audit.ErrFork},
		{"another log", audittest.New(t).Grow(2).Checkpoint(), log, anchor.ErrDamaged},
		{"damaged", log.Checkpoint()[:60], log, anchor.ErrDamaged},
		{"zeroes", string(make([]byte, 200)), log, anchor.ErrDamaged},
	} {
		path := filepath.Join(t.TempDir(), "anchor")
		if row.there != "" {
			write(t, path, row.there)
		}
		a := take(t, path)
		made, err := a.Hold(t.Context(), row.log)
		if !errors.Is(err, row.refuse) || made != (row.there == "") {
			t.Errorf("%s: made %v, %v; want %v", row.name, made, err, row.refuse)
		}
		want := row.log.Checkpoint()
		if row.refuse != nil {
			want = row.there
		}
		if now := content(t, path); now != want {
			t.Errorf("%s: the anchor is now\n%s", row.name, now)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", row.name, info.Mode(), err)
		}
	}
}

func TestWhatIsNoPlaceForAnAnchor(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "elsewhere"), link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, link, filepath.Join(dir, "gone", "anchor")} {
		if a, err := anchor.Take(path); err == nil {
			t.Errorf("%s is taken", path)
			_ = a.Release()
		}
	}
}

func TestOneServiceHasTheAnchor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "anchor")
	a := take(t, path)
	if a.Unlocked() {
		t.Error("this file system has no locks")
	}
	if _, err := anchor.Take(path); !errors.Is(err, anchor.ErrHeld) {
		t.Errorf("a second one: %v", err)
	}
	if err := a.Release(); err != nil {
		t.Error(err)
	}
	take(t, path)
}

// TestWhereLocksDoNotHold lets two services with one log, of which each believes that
// it alone has the anchor, write in any order: whoever is second to write learns of it
// before it writes, and writes no more.
func TestWhereLocksDoNotHold(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(r *rapid.T) {
		path := filepath.Join(dir, rapid.StringMatching(`[a-z]{16}`).Draw(r, "name"))
		defer os.Remove(path)
		first := audittest.New(t).Grow(3)
		logs := []*audittest.Log{first, first.Fork()}
		anchors := make([]*anchor.Anchor, 2)
		for i := range anchors {
			os.Remove(path + ".lock") // so does a share that knows no locks
			a, err := anchor.Take(path)
			if err != nil {
				r.Fatal(err)
			}
			defer a.Release()
			if _, err := a.Hold(r.Context(), logs[i]); err != nil {
				r.Fatal(err)
			}
			anchors[i] = a
		}
		stopped, wrote := [2]bool{}, -1
		for range rapid.IntRange(1, 20).Draw(r, "steps") {
			i := rapid.IntRange(0, 1).Draw(r, "service")
			if stopped[i] {
				continue
			}
			logs[i].Grow(rapid.IntRange(0, 2).Draw(r, "leaves"))
			newest, before := logs[i].Checkpoint(), content(r, path)
			switch err := anchors[i].Replace(); {
			case errors.Is(err, anchor.ErrOvertaken):
				if stopped[i] = true; wrote != 1-i || content(r, path) != before {
					r.Fatalf("service %d stops, %d has written", i, wrote)
				}
			case err != nil:
				r.Fatal(err)
			default:
				if wrote == 1-i || content(r, path) != newest {
					r.Fatalf("service %d writes over service %d", i, wrote)
				}
				if newest != before {
					wrote = i
				}
			}
		}
	})
}

// TestAMediumThatIsTakenOut: that stops nobody, and nothing is written where the
// medium was.
func TestAMediumThatIsTakenOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		medium, drawer := filepath.Join(dir, "medium"), filepath.Join(dir, "drawer")
		if err := os.Mkdir(medium, 0o700); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(medium, "anchor")
		log := audittest.New(t).Grow(3)
		a := take(t, path)
		if _, err := a.Hold(t.Context(), log); err != nil {
			t.Fatal(err)
		}
		var reports []error
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- a.Keep(ctx, func(err error) { reports = append(reports, err) }) }()
		goOn := func(name string, d time.Duration, told int, well bool) {
			t.Helper()
			log.Grow(1)
			time.Sleep(d)
			synctest.Wait()
			if len(reports) != told || told > 0 && (reports[told-1] == nil) != well {
				t.Errorf("%s: told %v", name, reports)
			}
			if now := content(t, path); (now == log.Checkpoint()) != well {
				t.Errorf("%s: the anchor is now\n%s", name, now)
			}
		}
		move := func(from, to string) {
			t.Helper()
			if err := os.Rename(from, to); err != nil {
				t.Fatal(err)
			}
		}
		goOn("as it should be", 5*time.Second, 0, true)
		move(medium, drawer)
		goOn("taken out", 5*time.Second, 1, false)
		goOn("still out", 15*time.Minute, 2, false)
		if err := os.Mkdir(medium, 0o700); err != nil {
			t.Fatal(err)
		}
		goOn("an empty folder in its place", 5*time.Second, 2, false)
		if left, err := os.ReadDir(medium); err != nil || len(left) != 0 {
			t.Errorf("something was written in its place: %v, %v", left, err)
		}
		if err := os.Remove(medium); err != nil {
			t.Fatal(err)
		}
		move(drawer, medium)
		goOn("put in again", 5*time.Second, 3, true)
		whole := content(t, path)
		write(t, path, whole[:50])
		goOn("torn out in the middle of a write", 5*time.Second, 4, false)
		if now := content(t, path); now != whole[:50] {
			t.Errorf("what is damaged is written over:\n%s", now)
		}
		write(t, path, whole)
		goOn("put right", 5*time.Second, 5, true)
		write(t, path, log.Fork().Grow(2).Checkpoint())
		time.Sleep(2 * time.Second)
		synctest.Wait()
		stop()
		if err := <-ended; !errors.Is(err, anchor.ErrOvertaken) {
			t.Errorf("written by another: %v", err)
		}
	})
}
