package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/amparo-project/amparo/internal/audit/audittest"
)

// medium is where a test keeps an anchor: not where the data folder is.
func medium(t *testing.T) string { return filepath.Join(t.TempDir(), "anchor") }

// shift serves the folder until the anchor holds what the start itself has logged.
func (f dataFolder) shift(anchor string, args ...string) outcome {
	f.t.Helper()
	before, _ := os.ReadFile(anchor)
	started, stop := f.serve(append([]string{"--anchor", anchor}, args...)...)
	if started {
		f.anchored(anchor, string(before))
	}
	return stop()
}

// anchored waits until the anchor is another than before, and returns it.
func (f dataFolder) anchored(anchor, before string) string {
	f.t.Helper()
	for range 100 {
		if now, _ := os.ReadFile(anchor); string(now) != before && strings.Count(string(now), "\n") == 5 {
			return string(now)
		}
		time.Sleep(100 * time.Millisecond)
	}
	f.t.Errorf("the anchor stays as it is:\n%s", before)
	return before
}

func (f dataFolder) newest() (checkpoint string) {
	f.open(func(u *unsealed) { checkpoint = u.log.Checkpoint() })
	return checkpoint
}

// TestAnOlderStoreIsNotServed: a store that was put back is shorter than its anchor,
// and one that has grown again since is another.
func TestAnOlderStoreIsNotServed(t *testing.T) {
	t.Parallel()
	f, anchor := newFolder(t), medium(t)
	yesterday, err := os.ReadFile(f.store())
	if err != nil {
		t.Fatal(err)
	}
	if got := f.shift(anchor); got.code != 0 || !strings.Contains(got.said, "there was no anchor") {
		t.Fatalf("the first time serve ends with %d: %s", got.code, got.said)
	}
	if got := f.shift(anchor); got.code != 0 || strings.Contains(got.said, "there was no anchor") {
		t.Fatalf("the second time serve ends with %d: %s", got.code, got.said)
	}
	note, err := os.ReadFile(anchor)
	if err != nil || string(note) != f.newest() {
		t.Errorf("what the service did last is not anchored (%v):\n%s", err, note)
	}
	for _, says := range []string{"older than its anchor", "another than the one that was anchored"} {
		if err := os.WriteFile(f.store(), yesterday, 0o600); err != nil {
			t.Fatal(err)
		}
		for range strings.Count(says, "another") * 5 { // it has grown past the anchor since
			if started, stop := f.serve(); !started || stop().code != 0 {
				t.Fatal("serve without an anchor does not start")
			}
		}
		got := f.shift(anchor)
		last := strings.Split(strings.TrimSpace(got.said), "\n")
		if got.code != exitBroken || !strings.Contains(last[len(last)-1], says) || !strings.Contains(last[len(last)-1], "restore") {
			t.Errorf("serve ends with %d: %s", got.code, got.said)
		}
		if now, err := os.ReadFile(anchor); err != nil || !bytes.Equal(now, note) {
			t.Errorf("the anchor was changed by what it refused (%v):\n%s", err, now)
		}
	}
}

// TestAnchorInDisorder: each has its exit code, and nothing is written.
func TestAnchorInDisorder(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(f.path, link); err != nil {
		t.Fatal(err)
	}
	strange := audittest.New(t).Grow(2).Checkpoint()
	for _, row := range []struct {
		name, path, there string
		code              int
		says              string
	}{
		{"in the data folder", filepath.Join(f.path, "anchor"), "", exitUsage, "inside the data folder"},
		{"in it by another name", filepath.Join(link, "anchor"), "", exitUsage, "inside the data folder"},
		{"in no folder", filepath.Join(t.TempDir(), "gone", "anchor"), "", exitUsage, "find the files"},
		{"of another service", medium(t), strange, exitBroken, "of another data folder"},
		{"damaged", medium(t), strange[:20], exitBroken, "damaged"},
		{"empty", medium(t), "\n", exitBroken, "damaged"},
	} {
		if row.there != "" {
			if err := os.WriteFile(row.path, []byte(row.there), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		started, stop := f.serve("--anchor", row.path)
		if got := stop(); started || got.code != row.code || !strings.Contains(got.said, row.says) {
			t.Errorf("%s: serve starts: %v, ends with %d: %s", row.name, started, got.code, got.said)
		}
		if now, _ := os.ReadFile(row.path); string(now) != row.there {
			t.Errorf("%s: the anchor is now\n%s", row.name, now)
		}
	}
}

// TestOneOfTwoServices: of a data folder and its copy one is served. Where locks do not
// hold, as on a share, the one that was first learns that it is not alone and stops.
func TestOneOfTwoServices(t *testing.T) {
	t.Parallel()
	here, anchor := newFolder(t), medium(t)
	if got := here.shift(anchor); got.code != 0 {
		t.Fatalf("serve ends with %d: %s", got.code, got.said)
	}
	there := here.copyTo(t)
	before, _ := os.ReadFile(anchor)
	started, stopHere := here.serve("--anchor", anchor)
	if !started {
		t.Fatal(stopHere().said)
	}
	// The copy fits as long as nothing was written since.
	there.refused(anchor, exitUnavailable, "the anchor is in use by another service")
	here.anchored(anchor, string(before))
	if err := os.Remove(anchor + ".lock"); err != nil {
		t.Fatal(err)
	}
	there.refused(anchor, exitBroken, "older than its anchor")
	// And as if it had been served there until a moment ago.
	if err := os.WriteFile(anchor, before, 0o600); err != nil {
		t.Fatal(err)
	}
	p := begin(t, amparod(t, "serve", "--data", there.path, "--identity", there.identity, "--listen", "127.0.0.1:0", "--anchor", anchor))
	time.Sleep(2 * time.Second)
	got := stopHere()
	if got.code != exitUnavailable || !strings.Contains(got.said, "SEALED") || !strings.Contains(got.said, "overtaken by another service") {
		t.Errorf("the service that was first ends with %d: %s", got.code, got.said)
	}
	_ = p.Process.Signal(syscall.SIGTERM)
	if got := p.wait(); got.code != 0 {
		t.Errorf("the other ends with %d: %s", got.code, got.said)
	}
}

func (f dataFolder) refused(anchor string, code int, says string) {
	f.t.Helper()
	started, stop := f.serve("--anchor", anchor)
	if got := stop(); started || got.code != code || !strings.Contains(got.said, says) {
		f.t.Errorf("serve starts: %v, ends with %d: %s", started, got.code, got.said)
	}
}

// TestAnchorTakenOut: a medium that is pulled out in the night stops nobody, and is
// written again when it is back.
func TestAnchorTakenOut(t *testing.T) {
	t.Parallel()
	f, anchor := newFolder(t), medium(t)
	if got := f.shift(anchor); got.code != 0 {
		t.Fatalf("serve ends with %d: %s", got.code, got.said)
	}
	started, stop := f.serve("--anchor", anchor)
	if !started {
		t.Fatal(stop().said)
	}
	before, err := os.ReadFile(anchor)
	drawer := filepath.Dir(anchor) + ".drawer"
	if err != nil || os.Rename(filepath.Dir(anchor), drawer) != nil {
		t.Fatal(err)
	}
	time.Sleep(2500 * time.Millisecond)
	if err := os.Rename(drawer, filepath.Dir(anchor)); err != nil {
		t.Fatal(err)
	}
	f.anchored(anchor, string(before))
	got := stop()
	if got.code != 0 || strings.Count(got.said, "THE ANCHOR CANNOT BE WRITTEN") != 1 || strings.Count(got.said, "the anchor is written again") != 1 {
		t.Errorf("serve ends with %d: %s", got.code, got.said)
	}
}

// TestALostCommitFitsItsAnchor: the last commit of a log only says again what its
// leaves say, so a service that starts without it comes to what was anchored.
func TestALostCommitFitsItsAnchor(t *testing.T) {
	t.Parallel()
	f, anchor := newFolder(t), medium(t)
	if got := f.shift(anchor); got.code != 0 {
		t.Fatalf("serve ends with %d: %s", got.code, got.said)
	}
	content, err := os.ReadFile(f.store())
	if err != nil {
		t.Fatal(err)
	}
	const page = 16 << 10
	newest := int64(0)
	if binary.NativeEndian.Uint64(content[page+64:]) > binary.NativeEndian.Uint64(content[64:]) {
		newest = page
	}
	f.flip(storeFile, newest+16+52)
	if got := f.shift(anchor, "--accept-lost-commit"); got.code != 0 || !strings.Contains(got.said, "THE LAST COMMIT WAS LOST") {
		t.Errorf("serve ends with %d: %s", got.code, got.said)
	}
}
