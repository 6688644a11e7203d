package audit

import (
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// VerifyOptions says what the reader of an export knows from elsewhere. Without
// either key or checkpoint, a file proves no more than that it agrees with itself.
type VerifyOptions struct {
	// LogKey is the log's public key. Without it the key is the file's own, and
	// whoever made the file may have made the log.
	LogKey string
	// OlderCheckpoint is a checkpoint that was seen before: the export must hold
	// all that it covered. One that covers more than the file shows that the file's
	// log was cut at its end.
	OlderCheckpoint string
	// Leaf is called with each leaf, in order, on the caller's goroutine; an error
	// ends the verification. The leaf is used again after the call, but for the
	// messages in it. Whatever follows from the leaves is worth nothing until
	// VerifyExport has returned without an error.
	Leaf func(index uint64, leaf *amparov1.AuditLeaf) error
}

// Report is what a verified export says.
type Report struct {
	// Version is that of the file's format.
	Version int
	// LogKey is the key that verified; its name is the log's origin.
	LogKey string
	// KeyFromFile says that LogKey was taken from the file itself.
	KeyFromFile bool
	// Size is the number of leaves.
	Size uint64
	// Root is the hash of the tree, in base64 as in a checkpoint.
	Root string
	// Extends says that the file was held against an older checkpoint, and Older is
	// how many leaves that one covered: between the two nothing was left out.
	Extends bool
	Older   uint64
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
	// Ledger counts what the ledgers of cases hold, by the names that the counts of
	// the file have.
	Ledger map[string]uint64
}

// VerifyExport reads an export to its end and verifies it: the signature, the tree
// from the leaves up, that every byte is where the format wants it, that each leaf
// is one that this version knows, that no version of a file is missing in between,
// that the counts are those of the leaves, and every inclusion proof. It needs no
// service, no network and no other key. Its memory grows with the number of files and
// of leaves that hold entries of ledgers, and not with that of all leaves.
//
// The error wraps ErrInvalid, or ErrFork or ErrShrunk when the file is in itself
// right but does not hold what the older checkpoint covered, or is the reader's.
func VerifyExport(r io.Reader, options VerifyOptions) (Report, error) {
	lines := newLineReader(r)
	header, err := lines.header()
	if err != nil {
		return Report{}, err
	}
	v := &verifying{lines: lines, header: header, history: newHistory(), counts: newCounts(), leafDone: options.Leaf, older: checkpoint{size: -1}}
	report := &v.history.report
	report.Version, report.LogKey, report.KeyFromFile = header.version, header.public, options.LogKey == ""
	if options.LogKey != "" && header.public != strings.TrimSpace(options.LogKey) {
		return Report{}, fmt.Errorf("%w: export of a log with another key", ErrInvalid)
	}
	if v.newest, err = openExact(header.public, header.signed); err != nil {
		return Report{}, err
	}
	if options.OlderCheckpoint != "" {
		if v.older, err = openCheckpoint(header.public, options.OlderCheckpoint); err != nil {
			return Report{}, fmt.Errorf("older checkpoint: %w", err)
		}
		if v.older.size > v.newest.size {
			return Report{}, fmt.Errorf("%w: from %d to %d leaves", ErrShrunk, v.older.size, v.newest.size)
		}
		report.Extends, report.Older = true, uint64(v.older.size)
	}
	if err := v.rest(); err != nil {
		return Report{}, err
	}
	report.Root = base64.StdEncoding.EncodeToString(v.newest.root[:])
	report.Acts, report.Ledger = v.history.counted(), make(map[string]uint64)
	for _, name := range countNames[1:] {
		report.Ledger[name] = v.counts.of(name)
	}
	return *report, nil
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

// verifying is a file that is being read from its first leaf on.
type verifying struct {
	lines    *lineReader
	header   header
	newest   checkpoint
	older    checkpoint
	history  *history
	counts   *counts
	leafDone func(uint64, *amparov1.AuditLeaf) error
	tree     edge
	forked   bool
	proven   []provenLeaf // leaves that hold entries of ledgers
	spare    sync.Pool    // of *leafBatch
}

// provenLeaf is a leaf of which the file holds a proof.
type provenLeaf struct {
	index int64
	hash  tlog.Hash
}
