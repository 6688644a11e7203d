package audit_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/audit"
)

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
