package audit

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// VerifyOptions says what the reader of an export knows from elsewhere. Without
// either, a file proves no more than that it agrees with itself.
type VerifyOptions struct {
	// LogKey is the log's public key. Without it the key is the file's own, and
	// whoever made the file may have made the log.
	LogKey string
	// OlderCheckpoint is a checkpoint that was seen before: the export must hold
	// all that it covered.
	OlderCheckpoint string
}

// Report is what a verified export says.
type Report struct {
	// LogKey is the key that verified; its name is the log's origin.
	LogKey string
	// KeyFromFile says that LogKey was taken from the file itself.
	KeyFromFile bool
	// Size is the number of leaves.
	Size uint64
	// Root is the hash of the tree, in base64 as in a checkpoint.
	Root string
	// First is the time of the first leaf, Last the newest time (UTC); both are
	// zero for an empty log.
	First, Last time.Time
	// Acts counts acts by their kind, refused ones among them. A leaf may stand
	// for several.
	Acts map[amparov1.LeafAction]uint64
	// Refused counts the acts that were refused.
	Refused uint64
	// BackInTime counts leaves that are more than a minute older than one before
	// them. A service does not make them; a machine that stood still while it
	// was about to store one may.
	BackInTime uint64
}

// maxExportLine is the longest line there can be: a leaf in base64.
const maxExportLine = (maxLeafBytes + 2) / 3 * 4

// VerifyExport reads an export to its end and verifies it: the signature, the tree
// from the leaves up, that every byte is where the format wants it, that each leaf
// is one that this version knows, and that no version of a file is missing in
// between. It needs no service, no network and no other key.
//
// The error wraps ErrInvalid, or ErrFork or ErrShrunk when the file is in itself
// right but does not hold what the older checkpoint covered, or is the reader's.
func VerifyExport(r io.Reader, options VerifyOptions) (Report, error) {
	lines := &lineReader{r: bufio.NewReaderSize(r, maxExportLine+1)}
	public, signed, err := lines.header()
	if err != nil {
		return Report{}, err
	}
	h := newHistory()
	h.report.LogKey, h.report.KeyFromFile = public, true
	if options.LogKey != "" {
		if public != strings.TrimSpace(options.LogKey) {
			return Report{}, fmt.Errorf("%w: export of a log with another key", ErrInvalid)
		}
		h.report.KeyFromFile = false
	}
	newest, err := openExact(public, signed)
	if err != nil {
		return Report{}, err
	}
	older := checkpoint{size: -1}
	if options.OlderCheckpoint != "" {
		if older, err = openCheckpoint(public, options.OlderCheckpoint); err != nil {
			return Report{}, fmt.Errorf("older checkpoint: %w", err)
		}
		if older.size > newest.size {
			return Report{}, fmt.Errorf("%w: from %d to %d leaves", ErrShrunk, older.size, newest.size)
		}
	}
	if err := lines.leaves(h, newest, older); err != nil {
		return Report{}, err
	}
	h.report.Root = base64.StdEncoding.EncodeToString(newest.root[:])
	return h.report, nil
}

// openExact opens a checkpoint of which, as of its key, not even the unsigned
// parts may differ from what the log wrote: spellings of base64 and of numbers,
// further signatures.
func openExact(public, signed string) (checkpoint, error) {
	opened, err := openNote(public, signed)
	if err != nil {
		return checkpoint{}, err
	}
	if len(opened.Sigs) != 1 || len(opened.UnverifiedSigs) != 0 {
		return checkpoint{}, fmt.Errorf("%w: checkpoint with further signatures", ErrInvalid)
	}
	if _, err := strictBase64(opened.Sigs[0].Base64); err != nil {
		return checkpoint{}, fmt.Errorf("%w: signature of the checkpoint", ErrInvalid)
	}
	key := strings.SplitN(public, "+", 3)
	if len(key) != 3 || key[1] != fmt.Sprintf("%08x", opened.Sigs[0].Hash) {
		return checkpoint{}, fmt.Errorf("%w: log key", ErrInvalid)
	}
	if _, err := strictBase64(key[2]); err != nil {
		return checkpoint{}, fmt.Errorf("%w: log key", ErrInvalid)
	}
	return readCheckpoint(opened)
}

func strictBase64(s string) ([]byte, error) {
	// The decoder overlooks line ends in the middle and bits at the end, so the
	// way back decides.
	data, err := base64.StdEncoding.DecodeString(s)
	if err != nil || base64.StdEncoding.EncodeToString(data) != s {
		return nil, fmt.Errorf("%w: base64", ErrInvalid)
	}
	return data, nil
}

type lineReader struct {
	r      *bufio.Reader
	number int
}

// next returns the next line without its end.
func (l *lineReader) next() (string, error) {
	l.number++
	line, err := l.r.ReadSlice('\n')
	switch {
	case err == nil:
		return string(line[:len(line)-1]), nil
	case errors.Is(err, io.EOF):
		return "", fmt.Errorf("%w: export ends in line %d", ErrInvalid, l.number)
	case errors.Is(err, bufio.ErrBufferFull):
		return "", fmt.Errorf("%w: line %d of the export is too long", ErrInvalid, l.number)
	}
	return "", fmt.Errorf("read export: %w", err)
}

func (l *lineReader) expect(want string) error {
	line, err := l.next()
	if err == nil && line != want {
		err = fmt.Errorf("%w: line %d of the export is not %q", ErrInvalid, l.number, want)
	}
	return err
}

func (l *lineReader) header() (public, signed string, err error) {
	if err := l.expect(exportFirst); err != nil {
		return "", "", err
	}
	if public, err = l.next(); err != nil {
		return "", "", err
	}
	var text strings.Builder
	for range 5 {
		line, err := l.next()
		if err != nil {
			return "", "", err
		}
		text.WriteString(line + "\n")
	}
	return public, text.String(), nil
}

// leaves reads the rest of the file into h and compares the tree with the two
// checkpoints where it has their sizes.
func (l *lineReader) leaves(h *history, newest, older checkpoint) error {
	if err := l.expect(exportLeaves + strconv.FormatInt(newest.size, 10)); err != nil {
		return err
	}
	forked := false
	for {
		if h.edge.size == older.size {
			root, err := h.edge.root()
			if err != nil {
				return err
			}
			forked = root != older.root
		}
		if h.edge.size == newest.size {
			break
		}
		if err := l.leaf(h); err != nil {
			return err
		}
	}
	if err := l.end(h, newest); err != nil {
		return err
	}
	// Said last, since it is an accusation only if the file is what the log signed.
	if forked {
		return fmt.Errorf("%w: the first %d leaves are not those of the older checkpoint", ErrFork, older.size)
	}
	return nil
}

func (l *lineReader) leaf(h *history) error {
	line, err := l.next()
	if err != nil {
		return err
	}
	raw, err := strictBase64(line)
	if err == nil {
		_, _, err = h.add(raw)
	}
	if err != nil {
		return fmt.Errorf("line %d of the export: %w", l.number, err)
	}
	return nil
}

func (l *lineReader) end(h *history, newest checkpoint) error {
	root, err := h.edge.root()
	if err != nil {
		return err
	}
	if root != newest.root {
		return fmt.Errorf("%w: the leaves are not those that the checkpoint covers", ErrInvalid)
	}
	if err := l.expect(exportLast); err != nil {
		return err
	}
	if _, err := l.r.ReadByte(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: export goes on after its end", ErrInvalid)
	}
	return nil
}
