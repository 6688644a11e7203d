package audit

import (
	"crypto/sha256"
	"fmt"
	"time"

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
	files  map[string]*version // by pseudonym
	acts   []uint64            // by the number of their kind
	report Report
}

type version struct {
	number uint64
	hash   [sha256.Size]byte
}

func newHistory() *history {
	return &history{
		files: make(map[string]*version),
	}
}

// counted is how many acts there were of each kind.
func (h *history) counted() map[amparov1.LeafAction]uint64 {
	acts := make(map[amparov1.LeafAction]uint64)
	for kind, n := range h.acts {
		if n > 0 {
			acts[amparov1.LeafAction(kind)] = n
		}
	}
	return acts
}

// take takes in the next leaf. It does so also when the leaf does not follow from
// the ones before it, so that one wrong leaf is one finding.
func (h *history) take(leaf *amparov1.AuditLeaf) error {
	h.count(leaf)
	return h.follow(leaf.GetChanges())
}

func (h *history) count(leaf *amparov1.AuditLeaf) {
	acts := uint64(max(leaf.GetCount(), 1))
	h.report.Size++
	for kind := int(leaf.GetAction()); kind >= len(h.acts); {
		h.acts = append(h.acts, 0)
	}
	h.acts[leaf.GetAction()] += acts
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
		if known == nil {
			known = new(version)
			h.files[change.GetPseudonym()] = known
		}
		before := *known
		*known = version{change.GetVersion(), [sha256.Size]byte(change.GetHeadHash())}
		if known.number != before.number+1 {
			return fmt.Errorf("%w: a file's version %d follows its version %d", ErrInvalid, known.number, before.number)
		}
		if before.number > 0 && [sha256.Size]byte(change.GetPreviousHeadHash()) != before.hash {
			return fmt.Errorf("%w: a file's version %d does not follow the version %d that the log knows",
				ErrInvalid, known.number, before.number)
		}
	}
	return nil
}
