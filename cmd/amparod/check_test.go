package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/seal"
	"github.com/amparo-project/amparo/internal/store"
)

// nth is the n-th entry whose key begins so; negative counts from the end.
func nth(all []store.Entry, prefix string, n int) store.Entry {
	var found []store.Entry
	for _, e := range all {
		if strings.HasPrefix(string(e.Key), prefix) {
			found = append(found, e)
		}
	}
	if n < 0 {
		n += len(found)
	}
	return found[n]
}

// slot finds the wrapped key (0) or the head (1) of the file with the most records,
// which is the case.
func slot(all []store.Entry, which byte) store.Entry {
	records, locator := map[string]int{}, ""
	for _, e := range all {
		if e.Key[0] != 'g' {
			continue
		}
		of := string(e.Key[1:17])
		if records[of]++; records[of] > records[locator] {
			locator = of
		}
	}
	for _, e := range all {
		if e.Key[0] == 'f' && string(e.Key[1:17]) == locator && e.Key[17] == which {
			return e
		}
	}
	return store.Entry{}
}

func remove(e store.Entry) []store.Write { return []store.Write{{Key: e.Key, Delete: true}} }

func replace(e store.Entry, value []byte) []store.Write {
	return []store.Write{{Key: e.Key, Value: value}}
}

// spoil changes the last byte of a value.
func spoil(e store.Entry) []store.Write {
	value := bytes.Clone(e.Value)
	value[len(value)-1] ^= 1
	return replace(e, value)
}

// planted are the damages of single records that check must find, each in a store
// with a case, an invitation and the staff directory.
var planted = map[string]func(all []store.Entry) []store.Write{
	"a record is missing":              func(all []store.Entry) []store.Write { return remove(nth(all, "g", 0)) },
	"another record is missing":        func(all []store.Entry) []store.Write { return remove(nth(all, "g", -1)) },
	"a record is changed":              func(all []store.Entry) []store.Write { return spoil(nth(all, "g", 1)) },
	"a record lies in another's place": func(all []store.Entry) []store.Write { return replace(nth(all, "g", 2), nth(all, "g", 3).Value) },
	"two records are exchanged": func(all []store.Entry) []store.Write {
		one, other := nth(all, "g", 0), nth(all, "g", 1)
		return append(replace(one, other.Value), replace(other, one.Value)...)
	},
	"a record of nobody":            func([]store.Entry) []store.Write { return replace(store.Entry{Key: []byte("g000")}, []byte("x")) },
	"a key of nobody":               func([]store.Entry) []store.Write { return replace(store.Entry{Key: []byte("z")}, []byte("x")) },
	"a head is missing":             func(all []store.Entry) []store.Write { return remove(slot(all, 1)) },
	"a head is changed":             func(all []store.Entry) []store.Write { return spoil(slot(all, 1)) },
	"a head's version is changed":   func(all []store.Entry) []store.Write { e := slot(all, 1); e.Value[7]--; return replace(e, e.Value) },
	"a wrapped key is missing":      func(all []store.Entry) []store.Write { return remove(slot(all, 0)) },
	"a wrapped key is changed":      func(all []store.Entry) []store.Write { return spoil(slot(all, 0)) },
	"a whole file is missing":       func(all []store.Entry) []store.Write { return append(remove(slot(all, 0)), remove(slot(all, 1))...) },
	"a request record is changed":   func(all []store.Entry) []store.Write { return spoil(nth(all, "r", 0)) },
	"a leaf is missing":             func(all []store.Entry) []store.Write { return remove(nth(all, "l", 0)) },
	"the newest leaf is changed":    func(all []store.Entry) []store.Write { return spoil(nth(all, "l", -1)) },
	"the log's state is missing":    func(all []store.Entry) []store.Write { return remove(nth(all, "s", 0)) },
	"the log's state is changed":    func(all []store.Entry) []store.Write { return spoil(nth(all, "s", 0)) },
	"the tree's hashes are changed": func(all []store.Entry) []store.Write { return spoil(nth(all, "h", 0)) },
	"every head is missing": func(all []store.Entry) (writes []store.Write) {
		for _, e := range all {
			if e.Key[0] == 'f' {
				writes = append(writes, remove(e)...)
			}
		}
		return writes
	},
}

// TestCheckFinds: a whole store is whole, and each damage is found and is exit 7.
func TestCheckFinds(t *testing.T) {
	whole := newFolder(t)
	clean := whole.check()
	if clean.code != 0 || !strings.Contains(clean.out, "every record opens") || clean.said != "" {
		t.Fatalf("check of a whole store ends with %d: %s%s", clean.code, clean.out, clean.said)
	}
	if again := whole.check(); again.code != 0 || again.out != clean.out {
		t.Errorf("a second check says %q, the first %q", again.out, clean.out)
	}
	var slots sync.WaitGroup
	gate := make(chan struct{}, 2)
	for name, damage := range planted {
		f := whole.copyTo(t)
		f.change(damage)
		slots.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			got := f.check()
			if got.code != exitBroken {
				t.Errorf("%s: exit %d: %s%s", name, got.code, got.out, got.said)
			}
			if again := f.check(); again.code != exitBroken {
				t.Errorf("%s: a second check ends with %d: what the first found is gone", name, again.code)
			}
			if strings.Contains(got.said, whole.caseID) {
				t.Errorf("%s: the report names a case by its id: %s", name, got.said)
			}
		})
	}
	slots.Wait()
}

// TestCheckWritesNothing into the log about what it finds; serve does.
func TestCheckWritesNothing(t *testing.T) {
	f := newFolder(t)
	f.change(func(all []store.Entry) []store.Write { return spoil(slot(all, 1)) })
	leaves := func() (n int) {
		f.change(func(all []store.Entry) []store.Write {
			for _, e := range all {
				if e.Key[0] == 'l' {
					n++
				}
			}
			return replace(all[0], all[0].Value) // as it was
		})
		return n
	}
	before := leaves()
	if got := f.check(); got.code != exitBroken {
		t.Fatalf("check ends with %d: %s", got.code, got.said)
	}
	if after := leaves(); after != before {
		t.Errorf("check wrote %d leaves", after-before)
	}
	if started, stop := f.serve(); !started {
		t.Errorf("serve does not start beside one damaged file: %s", stop().said)
	} else if ended := stop(); ended.code != 0 {
		t.Errorf("serve ends with %d: %s", ended.code, ended.said)
	}
	if after := leaves(); after < before+2 { // that it started, and of the file
		t.Errorf("serve wrote %d leaves", after-before)
	}
}

// TestServeNeedsItsDirectory: without the staff directory nobody could be let in.
func TestServeNeedsItsDirectory(t *testing.T) {
	f := newFolder(t)
	f.change(planted["every head is missing"])
	started, stop := f.serve()
	if got := stop(); started || got.code != exitBroken {
		t.Errorf("serve starts: %v, ends with %d: %s", started, got.code, got.said)
	}
}

// TestFolderInDisorder: each mishap of a folder as a whole has its exit code, and
// changes nothing.
func TestFolderInDisorder(t *testing.T) {
	whole := newFolder(t)
	const page = 16 << 10
	for name, c := range map[string]struct {
		disturb func(dataFolder)
		code    int
		says    string
	}{
		"no identity":             {func(f dataFolder) { os.Remove(f.identity) }, exitUsage, "identity"},
		"another's identity":      {foreignIdentity, exitDenied, "identity does not open"},
		"no identity in the file": {func(f dataFolder) { os.WriteFile(f.identity, []byte("hello\n"), 0o600) }, exitUnavailable, "identity file"},
		"no data folder":          {func(f dataFolder) { os.RemoveAll(f.path) }, exitUsage, "find the files"},
		"no keyring":              {func(f dataFolder) { os.Remove(filepath.Join(f.path, keyringFile)) }, exitUsage, "find the files"},
		"no database":             {func(f dataFolder) { os.Remove(f.store()) }, exitUsage, "find the files"},
		"keyring changed":         {func(f dataFolder) { f.flip(keyringFile, -40) }, exitBroken, "proof"},
		"log key changed":         {func(f dataFolder) { f.flip(logFile, -10) }, exitBroken, "proof"},
		"TLS key changed":         {func(f dataFolder) { f.flip(tlsFile, -10) }, exitBroken, "proof"},
		"folder of a later version": {func(f dataFolder) {
			os.WriteFile(filepath.Join(f.path, serviceFile), []byte("format: 2\naddress: a:1\n"), 0o600)
		}, exitUsage, "later version"},
		"database empty":           {func(f dataFolder) { os.Truncate(f.store(), 0) }, exitBroken, "empty"},
		"database cut short":       {func(f dataFolder) { os.Truncate(f.store(), 3*page) }, exitBroken, "cut short"},
		"first meta page changed":  {func(f dataFolder) { f.flip(storeFile, 16+52) }, exitBroken, "--accept-lost-commit"},
		"second meta page changed": {func(f dataFolder) { f.flip(storeFile, page+16+52) }, exitBroken, "--accept-lost-commit"},
		"both meta pages changed": {func(f dataFolder) {
			f.flip(storeFile, 16+52)
			f.flip(storeFile, page+16+52)
		}, exitBroken, "restore a backup"},
	} {
		t.Run(name, func(t *testing.T) {
			f := whole.copyTo(t)
			c.disturb(f)
			before, _ := os.ReadFile(f.store())
			got := f.check()
			if got.code != c.code || !strings.Contains(got.said, c.says) {
				t.Errorf("check ends with %d: %s; want %d and %q", got.code, got.said, c.code, c.says)
			}
			if started, stop := f.serve(); started || stop().code != c.code {
				t.Errorf("serve starts: %v, or ends with another code than %d", started, c.code)
			}
			if after, _ := os.ReadFile(f.store()); !bytes.Equal(before, after) {
				t.Error("the database was changed by being refused")
			}
		})
	}
}

func foreignIdentity(f dataFolder) {
	os.Remove(f.identity)
	if _, err := seal.GenerateIdentity(f.identity); err != nil {
		f.t.Fatal(err)
	}
}

// TestFolderInUse: a second process says so within a second, whichever command.
func TestFolderInUse(t *testing.T) {
	f := newFolder(t)
	started, stop := f.serve()
	if !started {
		t.Fatalf("serve does not start: %s", stop().said)
	}
	for _, command := range []string{"check", "serve", "invite-administrator"} {
		got := finish(t, amparod(t, command, "--data", f.path, "--identity", f.identity))
		if got.code != exitUnavailable || !strings.Contains(got.said, "in use") || got.took > 2*time.Second {
			t.Errorf("%s ends with %d after %v: %s", command, got.code, got.took, got.said)
		}
	}
	if ended := stop(); ended.code != 0 {
		t.Errorf("serve ends with %d on SIGTERM: %s", ended.code, ended.said)
	}
	if after := f.check(); after.code != 0 {
		t.Errorf("check afterwards ends with %d: %s", after.code, after.said)
	}
}

// TestLostCommitAccepted: serve goes on from the commit before only when it is told
// to, leaves a loud leaf, and is whole from then on.
func TestLostCommitAccepted(t *testing.T) {
	f := newFolder(t)
	content, err := os.ReadFile(f.store())
	if err != nil {
		t.Fatal(err)
	}
	const page = 16 << 10
	newest := 0
	if binary.NativeEndian.Uint64(content[page+64:]) > binary.NativeEndian.Uint64(content[64:]) {
		newest = page
	}
	f.flip(storeFile, int64(newest)+16+52)
	started, stop := f.serve()
	refused := stop()
	if started || refused.code != exitBroken || !strings.Contains(refused.said, "--accept-lost-commit") {
		t.Fatalf("serve starts: %v, and ends with %d: %s", started, refused.code, refused.said)
	}
	started, stop = f.serve("--accept-lost-commit")
	ended := stop()
	if !started || ended.code != 0 || !strings.Contains(ended.said, "THE LAST COMMIT WAS LOST") {
		t.Fatalf("serve --accept-lost-commit starts: %v, ends with %d: %s", started, ended.code, ended.said)
	}
	if checked := f.check(); checked.code != 0 {
		t.Errorf("check afterwards ends with %d: %s", checked.code, checked.said)
	}
	var acts []amparov1.LeafAction
	f.open(func(u *unsealed) {
		err := u.records.EachLeaf(context.Background(), u.records.LogSize(), func(raw []byte) error {
			leaf := &amparov1.AuditLeaf{}
			err := proto.Unmarshal(raw, leaf)
			acts = append(acts, leaf.GetAction())
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	if !slices.Contains(acts, amparov1.LeafAction_LEAF_ACTION_LOST_COMMIT_ACCEPTED) {
		t.Errorf("no leaf says that a commit was lost: %v", acts)
	}
	if started, stop := f.serve(); !started {
		t.Errorf("serve does not start afterwards: %s", stop().said)
	} else if again := stop(); strings.Contains(again.said, "LOST") {
		t.Error("serve says a second time that a commit was lost")
	}
}

// TestServeRefusesAConfiguration that it does not understand, before it unseals.
func TestServeRefusesAConfiguration(t *testing.T) {
	f := newFolder(t)
	config := filepath.Join(t.TempDir(), "amparod.yaml")
	for text, says := range map[string]string{
		"limits: {call_timout: 5s}\n": "call_timout",
		"log_level: loud\n":           "log_level",
		"\tlisten":                    "read",
	} {
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		started, stop := f.serve("--config", config)
		if got := stop(); started || got.code != exitUsage || !strings.Contains(got.said, says) {
			t.Errorf("with %q serve starts: %v, ends with %d: %s", text, started, got.code, got.said)
		}
	}
}
