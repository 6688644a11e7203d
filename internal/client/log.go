package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/audit"
)

// KeepCheckpoint asks the service for its newest checkpoint of the audit log and
// keeps it in the profile, once it is proven to hold all that the one kept before
// held. A service whose log was rolled back or forked is a Failure with exit code
// 7, and the older checkpoint stays, as evidence.
func (c *Conn) KeepCheckpoint(ctx context.Context) error {
	p := c.profile
	older, err := p.OlderCheckpoint()
	if err != nil {
		return err
	}
	var size uint64
	if older != "" {
		if size, err = audit.CheckpointSize(p.LogKey, older); err != nil {
			return logFault("the checkpoint kept in the profile is damaged", err)
		}
	}
	answer, err := c.Audit.GetCheckpoint(ctx, &amparov1.GetCheckpointRequest{OldSize: size})
	if err != nil {
		if f := Explain(err); size > 0 && f.Exit == exitInvalid {
			return logFault("the service's audit log is shorter than this device has seen it", err)
		}
		return err
	}
	err = audit.CheckConsistency(p.LogKey, older, answer.GetCheckpoint(), answer.GetProof())
	if err != nil {
		return logFault("the service's audit log is not the one that this device has seen", err)
	}
	if older == answer.GetCheckpoint() {
		return nil
	}
	return WriteFile(p.path(fileCheckpoint), []byte(answer.GetCheckpoint()))
}

// ExportLog writes the audit log, up to its newest checkpoint, into a file that
// verifies by itself (see audit.VerifyExport). The file is whole or not there.
func (c *Conn) ExportLog(ctx context.Context, path string) error {
	return writeFile(path, func(w io.Writer) error { return c.writeLog(ctx, w) })
}

// VerifyLog takes the audit log, up to its newest checkpoint, and verifies it on the
// way, as audit.VerifyExport does with a file; it keeps nothing of it.
func (c *Conn) VerifyLog(ctx context.Context, options audit.VerifyOptions) (audit.Report, error) {
	ctx, cancel := context.WithCancel(ctx)
	reader, writer := io.Pipe()
	written := make(chan struct{})
	go func() {
		defer close(written)
		_ = writer.CloseWithError(c.writeLog(ctx, writer)) // whoever reads is told
	}()
	report, err := audit.VerifyExport(reader, options)
	cancel() // the log is read to its end, or nobody wants the rest
	_ = reader.Close()
	<-written
	return report, err
}

// writeLog writes an export of the log. Nothing must be made of it where it fails.
func (c *Conn) writeLog(ctx context.Context, w io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the stream where it was not read to its end
	stream, err := c.Audit.ExportLog(ctx, &amparov1.ExportLogRequest{})
	if err != nil {
		return err
	}
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	err = audit.WriteExport(w, first.GetLogKey(), first.GetCheckpoint(), parts(first, stream.Recv))
	if errors.Is(err, audit.ErrInvalid) {
		return logFault("the service's export does not fit its own checkpoint", err)
	}
	return err
}

// parts yields the leaves of every part of an export.
func parts(first *amparov1.ExportLogResponse, next func() (*amparov1.ExportLogResponse, error)) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		part, err := first, error(nil)
		for ; err == nil; part, err = next() {
			for _, leaf := range part.GetLeaves() {
				if !yield(leaf, nil) {
					return
				}
			}
		}
		if !errors.Is(err, io.EOF) {
			yield(nil, err)
		}
	}
}

// OlderCheckpoint is the newest checkpoint of the audit log that this device has
// seen, or "" when it has seen none.
func (p *Profile) OlderCheckpoint() (string, error) {
	note, err := os.ReadFile(p.path(fileCheckpoint))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read checkpoint: %w", err)
	}
	return string(note), nil
}

func logFault(text string, cause error) error {
	return &Failure{
		Exit: exitVerification, Reason: "LOG_INCONSISTENT", Text: text,
		Next: "keep the profile's folder as it is and tell the auditor by another way", cause: cause,
	}
}
