package audit

import (
	"crypto/sha256"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// overlap is how far a leaf's time may lie behind that of one before it without
// being remarked on. Acts at the same moment take their time first and their place
// in the log when they are stored, so the two orders differ by as long as a call
// may take.
const overlap = time.Minute

// history reads a log from its first leaf on and holds every leaf against the
// ones before it.
type history struct {
	edge   edge
	files  map[string]version // by pseudonym
	report Report
}

type version struct {
	number uint64
	hash   [sha256.Size]byte
}

func newHistory() *history {
	return &history{
		files:  make(map[string]version),
		report: Report{Acts: make(map[amparov1.LeafAction]uint64)},
	}
}

// add takes in the next leaf and returns it with the tree hashes that it adds. It
// does so also when the leaf is in itself wrong, so that one wrong leaf is one
// finding.
func (h *history) add(raw []byte) (*amparov1.AuditLeaf, []tlog.Hash, error) {
	hashes, err := h.edge.add(tlog.RecordHash(raw))
	if err != nil {
		return nil, nil, err
	}
	leaf, err := decodeLeaf(raw)
	if err != nil {
		return nil, hashes, err
	}
	h.count(leaf)
	return leaf, hashes, h.follow(leaf.GetChanges())
}

func (h *history) count(leaf *amparov1.AuditLeaf) {
	acts := uint64(max(leaf.GetCount(), 1))
	h.report.Size++
	h.report.Acts[leaf.GetAction()] += acts
	if leaf.GetOutcome() == amparov1.LeafOutcome_LEAF_OUTCOME_REFUSED {
		h.report.Refused += acts
	}
	at := leaf.GetRecordedAt().AsTime()
	if h.report.First.IsZero() {
		h.report.First = at
	}
	if at.Before(h.report.Last.Add(-overlap)) {
		h.report.BackInTime++
	}
	if at.After(h.report.Last) {
		h.report.Last = at
	}
}

// follow demands that every version of a file follows the one before it: a leaf
// that is missing leaves a gap here even if a whole tree was built without it.
func (h *history) follow(changes []*amparov1.FileChange) error {
	for _, change := range changes {
		known := h.files[change.GetPseudonym()]
		h.files[change.GetPseudonym()] = version{change.GetVersion(), [sha256.Size]byte(change.GetHeadHash())}
		if change.GetVersion() != known.number+1 {
			return fmt.Errorf("%w: a file's version %d follows its version %d", ErrInvalid, change.GetVersion(), known.number)
		}
		if known.number > 0 && [sha256.Size]byte(change.GetPreviousHeadHash()) != known.hash {
			return fmt.Errorf("%w: a file's version %d does not follow the version %d that the log knows",
				ErrInvalid, change.GetVersion(), known.number)
		}
	}
	return nil
}
