package client

import (
	"context"
	"errors"
	"io"
	"iter"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/durable"
)

// ExportLog writes the audit log, up to its newest checkpoint, into a file that
// verifies by itself (see audit.VerifyExport). The file is whole or not there.
func (c *Conn) ExportLog(ctx context.Context, path string) error {
	return unwritable(durable.Replace(path, func(w io.Writer) error { return c.writeLog(ctx, w) }))
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
