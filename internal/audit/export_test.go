package audit_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/audit"
)

var exhaustive = flag.Bool("exhaustive", false, "try all 255 other values of every byte of an export")

// all is the leaves of a log, as a server sends and a client writes them.
func all(ctx context.Context, l *audit.Log) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		stop := errors.New("stop")
		err := l.Leaves(ctx, 0, l.State().Size, func(raw []byte) error {
			if !yield(raw, nil) {
				return stop
			}
			return nil
		})
		if err != nil && !errors.Is(err, stop) {
			yield(nil, err)
		}
	}
}

func export(t testing.TB, l *audit.Log) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := audit.WriteExport(&file, l.PublicKey(), l.Checkpoint(), all(t.Context(), l)); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func verify(file []byte, options audit.VerifyOptions) (audit.Report, error) {
	return audit.VerifyExport(bytes.NewReader(file), options)
}

func note1(version uint64) *amparov1.AuditLeaf {
	leaf := read()
	leaf.Action = amparov1.LeafAction_LEAF_ACTION_NOTE
	leaf.Changes = []*amparov1.FileChange{{
		Pseudonym: "pseudonym-1", Version: version, HeadHash: bytes.Repeat([]byte{byte(version)}, 32),
	}}
	if version > 1 {
		leaf.Changes[0].PreviousHeadHash = bytes.Repeat([]byte{byte(version - 1)}, 32)
	}
	return leaf
}

func refused() *amparov1.AuditLeaf {
	return &amparov1.AuditLeaf{
		Action:  amparov1.LeafAction_LEAF_ACTION_SEARCH,
		Outcome: amparov1.LeafOutcome_LEAF_OUTCOME_REFUSED,
		Reason:  1, Count: 40, QueryHash: make([]byte, 32),
	}
}

func TestExportVerifies(t *testing.T) {
	config := newLog(t)
	l := open(t, config)
	record(t, config, evening, read())
	record(t, config, evening.Add(time.Hour), note1(1))
	record(t, config, evening.Add(2*time.Hour), refused())
	catchUp(t, l)
	older := l.Checkpoint()
	record(t, config, evening.Add(time.Hour), note1(2))
	catchUp(t, l)
	file := export(t, l)

	report, err := verify(file, audit.VerifyOptions{LogKey: l.PublicKey(), OlderCheckpoint: older})
	if err != nil {
		t.Fatal(err)
	}
	if report.KeyFromFile || report.LogKey != l.PublicKey() || report.Size != 4 || report.Refused != 40 || report.BackInTime != 1 {
		t.Errorf("report: key from file %v, %d leaves, %d refused, %d back in time",
			report.KeyFromFile, report.Size, report.Refused, report.BackInTime)
	}
	if got := report.Acts[amparov1.LeafAction_LEAF_ACTION_NOTE]; got != 2 {
		t.Errorf("%d notes, want 2", got)
	}
	if !report.First.Equal(evening) || !report.Last.Equal(evening.Add(2*time.Hour)) {
		t.Errorf("from %v to %v", report.First, report.Last)
	}
	if !strings.Contains(l.Checkpoint(), "\n"+report.Root+"\n") {
		t.Errorf("root %s is not that of the checkpoint", report.Root)
	}
	if report, err = verify(file, audit.VerifyOptions{}); err != nil || !report.KeyFromFile {
		t.Errorf("without a key: %v, key from file %v", err, report.KeyFromFile)
	}
}

// TestExportOfV1 reads a file that was written when the format was new: files of
// its version must verify for as long as anybody keeps one.
func TestExportOfV1(t *testing.T) {
	file, err := os.ReadFile(filepath.Join("testdata", "export-v1.txt"))
	if err != nil {
		t.Fatal(err)
	}
	report, err := verify(file, audit.VerifyOptions{LogKey: strings.Split(string(file), "\n")[1]})
	if err != nil {
		t.Fatal(err)
	}
	if report.Size != 3 || report.Acts[amparov1.LeafAction_LEAF_ACTION_NOTE] != 1 || report.Refused != 40 {
		t.Errorf("%d leaves, %d refused", report.Size, report.Refused)
	}
}

// TestFormatIsDocumented holds the page that auditors read to the file itself.
func TestFormatIsDocumented(t *testing.T) {
	file, err := os.ReadFile(filepath.Join("testdata", "export-v1.txt"))
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "audit-export.md"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(file)) {
		if strings.TrimSpace(line) != "" && !strings.Contains(string(page), "    "+line) {
			t.Errorf("the page does not show the line %q", line)
		}
	}
}

// TestEveryByteCounts changes, removes and adds every byte of an export.
func TestEveryByteCounts(t *testing.T) {
	file, err := os.ReadFile(filepath.Join("testdata", "export-v1.txt"))
	if err != nil {
		t.Fatal(err)
	}
	refuse := func(what string, at int, changed []byte) {
		if _, err := verify(changed, audit.VerifyOptions{}); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("byte %d %s: %v, want ErrInvalid", at, what, err)
		}
	}
	for at := range file {
		// The next three letters stand for the same bytes where base64 leaves two
		// bits over.
		values := []byte{'\n', '\r', ' ', '=', 'A', 'B', '0', 0, file[at] + 1, file[at] + 2, file[at] + 3}
		for bit := range 8 {
			values = append(values, file[at]^1<<bit)
		}
		if *exhaustive {
			values = values[:0]
			for v := range 256 {
				values = append(values, byte(v))
			}
		}
		for _, v := range values {
			if v == file[at] {
				continue
			}
			changed := bytes.Clone(file)
			changed[at] = v
			refuse("changed", at, changed)
		}
		if at > 0 && file[at-1] == file[at] {
			continue // the same file as without the byte before, or with it twice
		}
		refuse("removed", at, slices.Delete(bytes.Clone(file), at, at+1))
		for _, v := range []byte{'\n', '\r', ' ', '=', file[at]} {
			refuse("added before", at, slices.Insert(bytes.Clone(file), at, v))
		}
		refuse("and all after it cut off", at, file[:at])
	}
	refuse("added at the end", len(file), append(bytes.Clone(file), '\n'))
}

// forge writes an export of any leaves, signed as a dishonest service could with
// the log's own key.
func forge(t *testing.T, leaves ...*amparov1.AuditLeaf) []byte {
	t.Helper()
	raws := make([][]byte, len(leaves))
	for i, leaf := range leaves {
		leaf.Salt = make([]byte, 16)
		if leaf.RecordedAt == nil {
			leaf.RecordedAt = stamp(evening)
		}
		raw, err := proto.Marshal(leaf)
		if err != nil {
			t.Fatal(err)
		}
		raws[i] = raw
	}
	return forgeRaw(t, raws...)
}

func forgeRaw(t *testing.T, raws ...[]byte) []byte {
	t.Helper()
	secret, public, err := audit.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	root := tlog.Hash(merkle(raws))
	text := fmt.Sprintf("%s\n%d\n%s\n", signer.Name(), len(raws), root)
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	err = audit.WriteExport(&file, public, string(signed), func(yield func([]byte, error) bool) {
		for _, raw := range raws {
			if !yield(raw, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// TestForgedLeaves says what is refused although the log's key signed it.
func TestForgedLeaves(t *testing.T) {
	with := func(change func(*amparov1.AuditLeaf)) *amparov1.AuditLeaf {
		leaf := note1(1)
		change(leaf)
		return leaf
	}
	other := note1(2)
	other.Changes[0].PreviousHeadHash = bytes.Repeat([]byte{9}, 32)
	for _, c := range []struct {
		name   string
		leaves []*amparov1.AuditLeaf
		good   bool
	}{
		{"two versions", []*amparov1.AuditLeaf{note1(1), note1(2)}, true},
		{"nothing", nil, true},
		{"a version is missing", []*amparov1.AuditLeaf{note1(1), note1(3)}, false},
		{"the first version is missing", []*amparov1.AuditLeaf{note1(2)}, false},
		{"a version comes twice", []*amparov1.AuditLeaf{note1(1), note1(1)}, false},
		{"a version follows another than the one known", []*amparov1.AuditLeaf{note1(1), other}, false},
		{"no action", []*amparov1.AuditLeaf{with(func(l *amparov1.AuditLeaf) { l.Action = 0 })}, false},
		{"an action of a later version", []*amparov1.AuditLeaf{with(func(l *amparov1.AuditLeaf) { l.Action = 9999 })}, false},
		{"no outcome", []*amparov1.AuditLeaf{with(func(l *amparov1.AuditLeaf) { l.Outcome = 0 })}, false},
		{"done, with a reason", []*amparov1.AuditLeaf{with(func(l *amparov1.AuditLeaf) { l.Reason = 1 })}, false},
		{"refused without a reason", []*amparov1.AuditLeaf{with(func(l *amparov1.AuditLeaf) {
			l.Outcome, l.Changes, l.Shown = amparov1.LeafOutcome_LEAF_OUTCOME_REFUSED, nil, nil
		})}, false},
		{"refused, and a file changed", []*amparov1.AuditLeaf{with(func(l *amparov1.AuditLeaf) {
			l.Outcome, l.Reason = amparov1.LeafOutcome_LEAF_OUTCOME_REFUSED, 1
		})}, false},
		{"a hash of another length", []*amparov1.AuditLeaf{with(func(l *amparov1.AuditLeaf) { l.Changes[0].HeadHash = []byte("x") })}, false},
		{"an unknown field", []*amparov1.AuditLeaf{with(func(l *amparov1.AuditLeaf) {
			l.ProtoReflect().SetUnknown([]byte{0xf8, 0x7f, 1})
		})}, false},
		{"an unknown field within", []*amparov1.AuditLeaf{with(func(l *amparov1.AuditLeaf) {
			l.Changes[0].ProtoReflect().SetUnknown([]byte{0xf8, 0x7f, 1})
		})}, false},
	} {
		_, err := verify(forge(t, c.leaves...), audit.VerifyOptions{})
		if c.good && err != nil || !c.good && !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := verify(forgeRaw(t, []byte("no message")), audit.VerifyOptions{}); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("no message: %v", err)
	}
}

// TestLeavesOfAnExport moves whole leaves about, which leaves each line as it was.
func TestLeavesOfAnExport(t *testing.T) {
	_, l := grown(t, 6)
	lines := strings.SplitAfter(string(export(t, l)), "\n")
	first := slices.Index(lines, "leaves 6\n") + 1
	edit := func(name string, change func(lines []string) []string) {
		t.Helper()
		changed := strings.Join(change(slices.Clone(lines)), "")
		if _, err := verify([]byte(changed), audit.VerifyOptions{}); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
	edit("removed", func(l []string) []string { return slices.Delete(l, first+2, first+3) })
	edit("removed and counted", func(l []string) []string {
		l[first-1] = "leaves 5\n"
		return slices.Delete(l, first+2, first+3)
	})
	edit("swapped", func(l []string) []string { l[first], l[first+1] = l[first+1], l[first]; return l })
	edit("doubled", func(l []string) []string { return slices.Insert(l, first, l[first]) })
	edit("one in place of another", func(l []string) []string { l[first] = l[first+1]; return l })
	edit("too long", func(l []string) []string {
		l[first] = base64.StdEncoding.EncodeToString(make([]byte, 1<<20)) + "\n"
		return l
	})
}

func TestExportAgainstWhatIsKnown(t *testing.T) {
	config, l := grown(t, 5)
	older := l.Checkpoint()
	file := export(t, l)
	record(t, config, evening, read())
	catchUp(t, l)
	_, stranger := grown(t, 5)

	for _, c := range []struct {
		name    string
		file    []byte
		options audit.VerifyOptions
		want    error
	}{
		{"as old as what is known", file, audit.VerifyOptions{OlderCheckpoint: older}, nil},
		{"older than what is known", file, audit.VerifyOptions{OlderCheckpoint: l.Checkpoint()}, audit.ErrShrunk},
		{"of another log", file, audit.VerifyOptions{LogKey: stranger.PublicKey()}, audit.ErrInvalid},
		{"against another log's checkpoint", file, audit.VerifyOptions{OlderCheckpoint: stranger.Checkpoint()}, audit.ErrInvalid},
		{"with a key that is none", file, audit.VerifyOptions{LogKey: "x"}, audit.ErrInvalid},
	} {
		if _, err := verify(c.file, c.options); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// TestFork lets two services with one key go different ways, and everybody who can
// notice notice it.
func TestFork(t *testing.T) {
	here := newLog(t)
	there := newLog(t)
	there.Key = here.Key
	there.Engine = newEngine()
	if err := audit.Create(t.Context(), there); err != nil {
		t.Fatal(err)
	}
	a, b := open(t, here), open(t, there)
	for range 3 {
		record(t, here, evening, read())
		record(t, there, evening, read())
	}
	catchUp(t, a)
	older := a.Checkpoint()
	record(t, there, evening, read())
	catchUp(t, b)
	if _, err := verify(export(t, b), audit.VerifyOptions{OlderCheckpoint: older}); !errors.Is(err, audit.ErrFork) {
		t.Errorf("export of the other: %v, want ErrFork", err)
	}
	newer, proof, err := b.ConsistencyProof(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	public := a.PublicKey()
	for _, c := range []struct {
		name         string
		older, newer string
		proof        [][]byte
		want         error
	}{
		{"no older one", "", newer, nil, nil},
		{"the same", newer, newer, nil, nil},
		{"forked", older, newer, proof, audit.ErrFork},
		{"forked, without a proof", older, newer, nil, audit.ErrFork},
		{"shrunk", newer, older, nil, audit.ErrShrunk},
		{"a proof of odd hashes", older, newer, [][]byte{{1}}, audit.ErrInvalid},
		{"a proof too many", newer, newer, proof, audit.ErrInvalid},
		{"no checkpoint", older, "x", nil, audit.ErrInvalid},
		{"an altered size", older, strings.Replace(newer, "\n4\n", "\n5\n", 1), nil, audit.ErrInvalid},
	} {
		if err := audit.CheckConsistency(public, c.older, c.newer, c.proof); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}
