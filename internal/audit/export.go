package audit

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"iter"
	"strconv"
)

// The export is a text file of lines that end in "\n", in this order:
//
//	amparo audit log v1
//	KEY                    the public key of the log, as a note's verifier key
//	ORIGIN                 from here the newest checkpoint, a signed note:
//	SIZE                   the number of leaves, in decimal
//	ROOT                   the tree's root, base64
//	                       an empty line
//	— ORIGIN SIGNATURE     one signature, base64
//	leaves SIZE
//	LEAF                   SIZE lines: the bytes of one leaf each, base64, in the
//	                       order of the log
//	end
//
// Base64 is RFC 4648 with padding, and every line has one spelling only: whatever
// byte of the file is changed, it no longer verifies. The tree is that of RFC
// 6962: a leaf's hash is SHA-256 of a zero byte and the leaf's bytes, which are an
// amparo.v1.AuditLeaf message. Whoever adds to the format raises the version in
// the first line; a reader refuses a version that it does not know.
const (
	exportFirst  = "amparo audit log v1"
	exportLeaves = "leaves "
	exportLast   = "end"
)

// WriteExport writes an export of the leaves that a checkpoint covers, for
// VerifyExport. It fails when the checkpoint is not signed with the log's key, or
// covers another number of leaves; it leaves the rest to VerifyExport.
func WriteExport(w io.Writer, public, signed string, leaves iter.Seq2[[]byte, error]) error {
	c, err := openCheckpoint(public, signed)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	// A bufio.Writer remembers its first error until Flush.
	_, _ = fmt.Fprintf(out, "%s\n%s\n%s%s%s\n", exportFirst, public, signed, exportLeaves, strconv.FormatInt(c.size, 10))
	written := int64(0)
	for raw, err := range leaves {
		if err != nil {
			return fmt.Errorf("export log: %w", err)
		}
		_, _ = out.WriteString(base64.StdEncoding.EncodeToString(raw))
		if err := out.WriteByte('\n'); err != nil {
			return fmt.Errorf("export log: %w", err)
		}
		written++
	}
	if written != c.size {
		return fmt.Errorf("%w: export of %d leaves for a checkpoint of %d", ErrInvalid, written, c.size)
	}
	_, _ = out.WriteString(exportLast + "\n")
	if err := out.Flush(); err != nil {
		return fmt.Errorf("export log: %w", err)
	}
	return nil
}
