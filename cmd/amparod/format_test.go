package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/records"
)

// Some cases last twenty years, and the format outlives the program that wrote it. Each
// archive of testdata is a data folder of format 1 with its identity, as the demo left one
// when there was something new to write (amparo demo --keep), and the list of the same
// name holds some of its cases. None is ever written anew: what is written later gets an
// archive of its own, and these must still open.
func TestAFolderOfFormat1StillOpens(t *testing.T) {
	for _, row := range []struct {
		archive string
		people  int
		leaves  uint64
		kinds   []amparov1.TimelineKind
		entries int // of ledgers
	}{
		{"format1", 5, 50, []amparov1.TimelineKind{1, 2, 3, 4, 5, 6, 7, 9}, 0},
		{"format1-ledger", 8, 200, []amparov1.TimelineKind{
			amparov1.TimelineKind_TIMELINE_KIND_STATUS, amparov1.TimelineKind_TIMELINE_KIND_CONSENT, amparov1.TimelineKind_TIMELINE_KIND_DISCLOSURE,
			amparov1.TimelineKind_TIMELINE_KIND_WITHDRAWAL,
		}, 7},
	} {
		t.Run(row.archive, func(t *testing.T) {
			r := openArchive(t, row.archive)
			report, err := r.Check(t.Context(), "")
			if err != nil || len(report.Faults) > 0 {
				t.Fatalf("%v: %v", err, report.Faults)
			}
			if report.Files < 8 || report.Leaves < row.leaves || len(r.Directory().Staff()) != row.people {
				t.Errorf("%+v and %d people: less than was written", report, len(r.Directory().Staff()))
			}
			ids, err := os.ReadFile(filepath.Join("testdata", row.archive+".cases"))
			if err != nil {
				t.Fatal(err)
			}
			var kinds []amparov1.TimelineKind
			entries := 0
			for _, id := range strings.Fields(string(ids)) {
				read, ledger := readCase(t, r, id)
				kinds, entries = append(kinds, read...), entries+len(ledger)
			}
			for _, kind := range row.kinds {
				if !slices.Contains(kinds, kind) {
					t.Errorf("the folder has no entry of kind %v to read", kind)
				}
			}
			if entries != row.entries {
				t.Errorf("%d entries of ledgers, want %d", entries, row.entries)
			}
		})
	}
}

func openArchive(t *testing.T, archive string) *records.Records {
	t.Helper()
	dir := t.TempDir()
	unpack(t, filepath.Join("testdata", archive+".tar.gz"), dir)
	f, err := openFolder(filepath.Join(dir, "data"), filepath.Join(dir, "identity.age"))
	if err != nil {
		t.Fatal(err)
	}
	engine, err := f.openStore(false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	u, err := f.unseal(t.Context(), engine, func(pseudonym string) { t.Errorf("%s failed its proof", pseudonym) })
	if err != nil {
		t.Fatal(err)
	}
	return u.records
}

// readCase reads every kind of record of a case and looks for what every case has.
func readCase(t *testing.T, r *records.Records, id string) (kinds []amparov1.TimelineKind, ledger []*amparov1.LedgerEntry) {
	t.Helper()
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_CASE_READ)
	_, err := r.View(t.Context(), grant, records.Targets(id), func(w *records.Work) (proto.Message, error) {
		intake, identity := &amparov1.Intake{}, &amparov1.Identity{}
		_, facts := w.File(0).Get(records.RecordIntake, "", intake)
		_, who := w.File(0).Get(records.RecordIdentity, "", identity)
		_, risk := w.File(0).Assessments()
		entries, _, timeline := w.File(0).Timeline(0, nil, 1000)
		var allowed error
		ledger, allowed = w.File(0).Ledger()
		if err := errors.Join(facts, who, risk, timeline, allowed); err != nil {
			return nil, err
		}
		if intake.GetSubmitter() == nil || identity.GetPerson().GetLegalName() == "" || w.File(0).Case().GetId() != id {
			t.Errorf("case %s has lost its facts, its person or its head", id)
		}
		for _, entry := range entries {
			kinds = append(kinds, entry.GetKind())
		}
		return nil, nil
	})
	if err != nil {
		t.Errorf("case %s: %v", id, err)
	}
	return kinds, ledger
}

func unpack(t *testing.T, archive, dir string) {
	t.Helper()
	file, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	packed, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	for in := tar.NewReader(packed); ; {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.Base(header.Name))
		if strings.HasPrefix(header.Name, "data/") {
			path = filepath.Join(dir, "data", filepath.Base(header.Name))
		}
		if header.Typeflag == tar.TypeDir {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(io.LimitReader(in, 1<<26))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
