package client_test

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

// exporter is the audit service of a bench: it sends what a test wants, and then
// fails if the test wants that.
type exporter struct {
	amparov1.UnimplementedAuditServiceServer
	parts []*amparov1.ExportLogResponse
	fails error
}

func (e *exporter) ExportLog(_ *amparov1.ExportLogRequest, stream amparov1.AuditService_ExportLogServer) error {
	for _, part := range e.parts {
		if err := stream.Send(part); err != nil {
			return err
		}
	}
	return e.fails
}

// signed is a checkpoint of so many leaves, with its key.
func signed(t *testing.T, size string) (key, checkpoint string) {
	t.Helper()
	secretKey, key, err := note.GenerateKey(rand.Reader, "log/test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secretKey)
	if err != nil {
		t.Fatal(err)
	}
	text := "log/test\n" + size + "\n" + strings.Repeat("A", 43) + "=\n"
	raw, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		t.Fatal(err)
	}
	return key, string(raw)
}

func TestAnExportIsWholeOrNotThere(t *testing.T) {
	key, checkpoint := signed(t, "3")
	first := &amparov1.ExportLogResponse{LogKey: key, Checkpoint: checkpoint, Leaves: [][]byte{{1}, {2}}}
	last := &amparov1.ExportLogResponse{Leaves: [][]byte{{3}}}
	tests := map[string]struct {
		service exporter
		exit    int
	}{
		"whole":              {exporter{parts: []*amparov1.ExportLogResponse{first, last}}, 0},
		"too few leaves":     {exporter{parts: []*amparov1.ExportLogResponse{first}}, 7},
		"too many leaves":    {exporter{parts: []*amparov1.ExportLogResponse{first, last, last}}, 7},
		"no checkpoint":      {exporter{parts: []*amparov1.ExportLogResponse{last}}, 7},
		"broken off":         {exporter{parts: []*amparov1.ExportLogResponse{first}, fails: status.Error(codes.Unavailable, "x")}, 1},
		"refused at once":    {exporter{fails: status.Error(codes.PermissionDenied, "x")}, 3},
		"damaged on its way": {exporter{parts: []*amparov1.ExportLogResponse{first}, fails: status.Error(codes.DataLoss, "x")}, 7},
	}
	for name, test := range tests {
		b := startBench(t)
		b.exporter.Store(&test.service)
		conn := dialled(t, enrolledProfile(t, b), client.Options{Patience: -1})
		path := filepath.Join(t.TempDir(), "log.amparo")
		failure := client.Explain(conn.ExportLog(t.Context(), path))
		entries, err := os.ReadDir(filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case test.exit == 0 && (failure != nil || len(entries) != 1):
			t.Errorf("%s: %v, %d files", name, failure, len(entries))
		case test.exit != 0 && (failure == nil || failure.Exit != test.exit || len(entries) != 0):
			t.Errorf("%s: %v, %d files, want exit %d", name, failure, len(entries), test.exit)
		}
	}
}
