package audit_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/proof/prooftest"
)

var update = flag.Bool("update", false, "write the worked example of docs/audit-export.md anew, with a new key")

// kept are files that were written when their format was new: such files must verify
// for as long as anybody keeps one.
var kept = []string{"export-v1.txt", "export-v2.txt"}

func keptFile(t testing.TB, name string) []byte {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// example is the log of the worked example: a person allows that a partner is told,
// nothing speaks against it, and it is told; a colleague reads the case in between.
func example() []*amparov1.AuditLeaf {
	log := prooftest.New(evening)
	c := log.Case("pseudonym-1")
	c.Consent()
	c.Check()
	log.Read("pseudonym-1")
	c.Disclose()
	return log.Leaves
}

func TestKeptFiles(t *testing.T) {
	if *update {
		file := prooftest.NewSigner(t).Export(t, example())
		if err := os.WriteFile(filepath.Join("testdata", "export-v2.txt"), file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for version, name := range kept {
		file := keptFile(t, name)
		report, err := verify(file, audit.VerifyOptions{LogKey: strings.Split(string(file), "\n")[1]})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if want := [][2]uint64{{3, 40}, {5, 0}}[version]; report.Version != version+1 || report.Size != want[0] || report.Refused != want[1] {
			t.Errorf("%s: version %d, %d leaves, %d refused", name, report.Version, report.Size, report.Refused)
		}
	}
}

// TestFormatIsDocumented holds the page that auditors read to the file itself.
func TestFormatIsDocumented(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "audit-export.md"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(keptFile(t, "export-v2.txt"))) {
		if strings.TrimSpace(line) != "" && !strings.Contains(string(page), "    "+line) {
			t.Errorf("the page does not show the line %q", line)
		}
	}
	for _, name := range countNames(t) {
		if !strings.Contains(string(page), "| `"+name+"` |") {
			t.Errorf("the page does not say what %s counts", name)
		}
	}
}

// countNames are the names in a file's counts.
func countNames(t *testing.T) (names []string) {
	t.Helper()
	_, rest, _ := strings.Cut(string(keptFile(t, "export-v2.txt")), "\ncounts\n")
	rest, _, _ = strings.Cut(rest, "\nproofs ")
	for line := range strings.Lines(rest) {
		names = append(names, strings.Fields(line)[0])
	}
	if len(names) < 10 {
		t.Fatal("the file has no counts")
	}
	return names
}

// plainly verifies a file as docs/audit-export.md says, with nothing of this package:
// the signed note, the tree, and each proof by itself.
func plainly(file, key string) (proven int, err error) {
	lines := strings.Split(file, "\n")
	if len(lines) < 8 || lines[0] != "amparo audit log v2" || lines[1] != key || lines[len(lines)-1] != "" || lines[len(lines)-2] != "end" {
		return 0, errors.New("not an export of this log")
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return 0, err
	}
	opened, err := note.Open([]byte(strings.Join(lines[2:7], "\n")+"\n"), note.VerifierList(verifier))
	if err != nil {
		return 0, err
	}
	tree, err := tlog.ParseTree([]byte("go.sum database tree\n" + strings.Join(strings.Split(opened.Text, "\n")[1:], "\n")))
	if err != nil {
		return 0, err
	}
	if lines[7] != fmt.Sprintf("leaves %d", tree.N) {
		return 0, errors.New("another number of leaves")
	}
	var stored, leaves []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) (out []tlog.Hash, err error) {
		for _, index := range indexes {
			out = append(out, stored[index])
		}
		return out, nil
	})
	rest := lines[8:]
	for ; int64(len(leaves)) < tree.N; rest = rest[1:] {
		raw, err := base64.RawStdEncoding.Strict().DecodeString(rest[0])
		if err != nil {
			return 0, err
		}
		hashes, err := tlog.StoredHashes(int64(len(leaves)), raw, reader)
		if err != nil {
			return 0, err
		}
		stored, leaves = append(stored, hashes...), append(leaves, tlog.RecordHash(raw))
	}
	if root, err := tlog.TreeHash(tree.N, reader); err != nil || root != tree.Hash {
		return 0, errors.New("another root")
	}
	return plainProofs(rest, tree, leaves)
}

func plainProofs(rest []string, tree tlog.Tree, leaves []tlog.Hash) (proven int, err error) {
	for rest[0] != "end" && !strings.HasPrefix(rest[0], "proofs ") {
		rest = rest[1:]
	}
	for _, line := range rest[1 : len(rest)-2] {
		fields := strings.Split(line, " ")
		index, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil || index >= tree.N {
			return 0, errors.New("no such leaf")
		}
		var path tlog.RecordProof
		for _, field := range fields[1:] {
			h, err := base64.RawStdEncoding.Strict().DecodeString(field)
			if err != nil || len(h) != tlog.HashSize {
				return 0, errors.New("no hash")
			}
			path = append(path, tlog.Hash(h))
		}
		if err := tlog.CheckRecord(path, tree.N, tree.Hash, index, leaves[index]); err != nil {
			return 0, err
		}
		proven++
	}
	if rest[0] != fmt.Sprintf("proofs %d", proven) {
		return 0, errors.New("another number of proofs")
	}
	return proven, nil
}

// TestAnotherProgramVerifies: the page says all that it takes, and what verifies here
// verifies there.
func TestAnotherProgramVerifies(t *testing.T) {
	signer := prooftest.NewSigner(t)
	log := prooftest.New(evening)
	for n := range 120 { // over four chunks
		c := log.Case(prooftest.Pseudonym(n))
		c.Consent()
		for range n % 13 {
			log.Read(c.Pseudonym)
		}
		c.Check()
		c.Disclose()
	}
	kept := string(keptFile(t, "export-v2.txt"))
	file := string(signer.Export(t, log.Leaves))
	for _, c := range []struct {
		file, key string
		proofs    int
	}{
		{kept, strings.Split(kept, "\n")[1], 3}, {file, signer.Key, 360}, {string(signer.Export(t, nil)), signer.Key, 0},
	} {
		if proven, err := plainly(c.file, c.key); err != nil || proven != c.proofs {
			t.Errorf("%d proofs of %d hold: %v", proven, c.proofs, err)
		}
	}
	lines := strings.Split(file, "\n")
	last := len(lines) - 3
	for name, edit := range map[string]func([]string){
		"a leaf":               func(l []string) { l[8], l[9] = l[9], l[8] },
		"a proof":              func(l []string) { l[last], l[last-1] = l[last-1], l[last] },
		"the index of a proof": func(l []string) { l[last] = "0" + l[last][strings.Index(l[last], " "):] },
		"the key":              func(l []string) { l[1] = signer.Imposter(t).Key },
	} {
		edited := slices.Clone(lines)
		edit(edited)
		_, plain := plainly(strings.Join(edited, "\n"), signer.Key)
		_, ours := verify([]byte(strings.Join(edited, "\n")), audit.VerifyOptions{LogKey: signer.Key})
		if name == "a proof" && plain == nil { // the order of proofs is the file's, not theirs
			plain = errors.New("proofs in another order")
		}
		if plain == nil || !errors.Is(ours, audit.ErrInvalid) {
			t.Errorf("%s was changed: another program says %v, this one %v", name, plain, ours)
		}
	}
}

// TestAProofStandsByItself cuts one entry and its proof out of a file, and holds them
// against the checkpoint alone.
func TestAProofStandsByItself(t *testing.T) {
	file := string(keptFile(t, "export-v2.txt"))
	lines := strings.Split(file, "\n")
	cut := strings.Join(slices.Concat(lines[1:7], []string{lines[8+2], lines[len(lines)-4]}), "\n")

	part := strings.Split(cut, "\n")
	verifier, err := note.NewVerifier(part[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := note.Open([]byte(strings.Join(part[1:6], "\n")+"\n"), note.VerifierList(verifier)); err != nil {
		t.Fatal(err)
	}
	root, err := tlog.ParseHash(part[3])
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.RawStdEncoding.DecodeString(part[6])
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(part[7])
	var path tlog.RecordProof
	for _, field := range fields[1:] {
		h, err := base64.RawStdEncoding.DecodeString(field)
		if err != nil {
			t.Fatal(err)
		}
		path = append(path, tlog.Hash(h))
	}
	if err := tlog.CheckRecord(path, 5, root, 2, tlog.RecordHash(raw)); err != nil || fields[0] != "2" {
		t.Errorf("leaf %s: %v", fields[0], err)
	}
	if !bytes.Contains(raw, []byte("pseudonym-1")) {
		t.Error("the entry is of no case")
	}
}
