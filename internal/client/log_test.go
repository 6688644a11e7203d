package client_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/client"
	"github.com/amparo-project/amparo/internal/proof/prooftest"
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

// TestAnExportIsWholeOrNotThere: nothing that the service sends or leaves out makes a
// file that is less than the log which its checkpoint covers.
func TestAnExportIsWholeOrNotThere(t *testing.T) {
	log := prooftest.New(time.Date(2031, 3, 3, 9, 0, 0, 0, time.UTC))
	for range 3 {
		log.Read("pseudonym-1")
	}
	signer := prooftest.NewSigner(t)
	leaves := prooftest.Marshal(t, log.Leaves)
	first := &amparov1.ExportLogResponse{LogKey: signer.Key, Checkpoint: signer.Note(t, log.Leaves), Leaves: leaves[:2]}
	last := &amparov1.ExportLogResponse{Leaves: leaves[2:]}
	other := &amparov1.ExportLogResponse{Leaves: leaves[1:2]}
	tests := map[string]struct {
		service exporter
		exit    int
	}{
		"whole":              {exporter{parts: []*amparov1.ExportLogResponse{first, last}}, 0},
		"too few leaves":     {exporter{parts: []*amparov1.ExportLogResponse{first}}, 7},
		"too many leaves":    {exporter{parts: []*amparov1.ExportLogResponse{first, last, last}}, 7},
		"another leaf":       {exporter{parts: []*amparov1.ExportLogResponse{first, other}}, 7},
		"no checkpoint":      {exporter{parts: []*amparov1.ExportLogResponse{last}}, 7},
		"broken off":         {exporter{parts: []*amparov1.ExportLogResponse{first}, fails: status.Error(codes.Unavailable, "x")}, 1},
		"refused at once":    {exporter{fails: status.Error(codes.PermissionDenied, "x")}, 3},
		"damaged on its way": {exporter{parts: []*amparov1.ExportLogResponse{first}, fails: status.Error(codes.DataLoss, "x")}, 7},
		"wrong at the end":   {exporter{parts: []*amparov1.ExportLogResponse{first, last}, fails: status.Error(codes.DataLoss, "x")}, 7},
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

		seen := 0
		report, err := conn.VerifyLog(t.Context(), audit.VerifyOptions{LogKey: signer.Key, Leaf: func(uint64, *amparov1.AuditLeaf) error {
			seen++
			return nil
		}})
		failure = client.Explain(err)
		if test.exit == 0 && (failure != nil || report.Size != 3 || seen != 3) || test.exit != 0 && (failure == nil || failure.Exit != test.exit) {
			t.Errorf("%s, on the way: %v, %d leaves, want exit %d", name, failure, seen, test.exit)
		}
	}
}

// TestVerificationEndsTheStream: whoever has seen enough does not wait for the rest of
// the log.
func TestVerificationEndsTheStream(t *testing.T) {
	log := prooftest.New(time.Date(2031, 3, 3, 9, 0, 0, 0, time.UTC))
	for range 5000 {
		log.Read("pseudonym-1")
	}
	signer, stop := prooftest.NewSigner(t), errors.New("stop")
	leaves := prooftest.Marshal(t, log.Leaves)
	b := startBench(t)
	parts := []*amparov1.ExportLogResponse{{LogKey: signer.Key, Checkpoint: signer.Note(t, log.Leaves)}}
	for ; len(leaves) > 0; leaves = leaves[100:] {
		parts = append(parts, &amparov1.ExportLogResponse{Leaves: leaves[:100]})
	}
	b.exporter.Store(&exporter{parts: parts})
	conn := dialled(t, enrolledProfile(t, b), client.Options{Patience: -1})
	_, err := conn.VerifyLog(t.Context(), audit.VerifyOptions{Leaf: func(uint64, *amparov1.AuditLeaf) error { return stop }})
	if !errors.Is(err, stop) {
		t.Errorf("%v, want %v", err, stop)
	}
	if _, err := conn.VerifyLog(t.Context(), audit.VerifyOptions{LogKey: prooftest.NewSigner(t).Key}); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("with another key: %v, want ErrInvalid", err)
	}
}
