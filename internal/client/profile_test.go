package client_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/amparo-project/amparo/internal/client"
)

func TestProfileNamesCannotLeaveTheHome(t *testing.T) {
	for _, name := range []string{"", ".", "..", "../x", "a/b", `a\b`, ".x", "-x", "a b", "a\x00b", strings.Repeat("a", 65)} {
		_, err := client.OpenProfile(t.TempDir(), name)
		if failure := client.Explain(err); failure == nil || failure.Reason != "PROFILE_NAME" {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestProfilesAreListed(t *testing.T) {
	b := startBench(t)
	home := t.TempDir()
	for _, name := range []string{"zulu", "alpha"} {
		e := b.enrolment(t, home)
		e.Name = name
		if _, err := client.Enrol(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(home, "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	names, err := client.ProfileNames(home)
	if err != nil || !slices.Equal(names, []string{"alpha", "zulu"}) {
		t.Errorf("names = %v, %v", names, err)
	}
	if names, err := client.ProfileNames(filepath.Join(home, "absent")); err != nil || len(names) != 0 {
		t.Errorf("names of an absent home = %v, %v", names, err)
	}
}

func TestAProfileThatOthersReadIsRefused(t *testing.T) {
	for _, file := range []string{"", "client.key", "identity.age", "signing.key"} {
		p := enrolledProfile(t, startBench(t))
		if err := os.Chmod(filepath.Join(p.Dir, file), 0o755); err != nil {
			t.Fatal(err)
		}
		_, err := client.OpenProfile(filepath.Dir(p.Dir), p.Name)
		if failure := client.Explain(err); failure == nil || failure.Reason != "PROFILE_EXPOSED" {
			t.Errorf("%q readable: %v", file, err)
		}
	}
}

func TestADamagedProfileIsRefused(t *testing.T) {
	for file, content := range map[string]string{
		"profile.yaml": "address: x\nserver_name: y\nserver_pin: " + strings.Repeat("00", 32) + "\nport: 1\n",
		"client.key":   "no key", "identity.age": "AGE-SECRET-KEY-1", "signing.key": "no key", "client.crt": "",
	} {
		p := enrolledProfile(t, startBench(t))
		if err := os.WriteFile(filepath.Join(p.Dir, file), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := client.OpenProfile(filepath.Dir(p.Dir), p.Name)
		if failure := client.Explain(err); failure == nil || failure.Reason != "PROFILE_DAMAGED" {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestADraftIsSealedAndComesBack(t *testing.T) {
	p := enrolledProfile(t, startBench(t))
	if kept, err := p.Draft(); kept != nil || err != nil {
		t.Fatalf("a draft before there is one: %v", err)
	}
	if err := p.SaveDraft([]byte(canary)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(p.Dir, "intake.draft.age")
	raw, err := os.ReadFile(path)
	if err != nil || bytes.Contains(raw, []byte(canary)) {
		t.Fatalf("the draft lies open: %v", err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v", info.Mode())
	}
	if kept, err := p.Draft(); string(kept) != canary || err != nil {
		t.Fatalf("draft = %d bytes, %v", len(kept), err)
	}
	raw[len(raw)-1] ^= 1
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Draft(); err == nil {
		t.Error("a changed draft was opened")
	}
	if err := p.DropDraft(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Error("the draft is still there")
	}
	if err := p.DropDraft(); err != nil {
		t.Errorf("dropping none: %v", err)
	}
}

func TestWriteFileReplacesAsAWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for _, content := range []string{"one", "two, longer"} {
		if err := client.WriteFile(path, []byte(content)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != content {
			t.Errorf("content = %q, %v", got, err)
		}
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("%d files, want one", len(entries))
	}
}
