package witness

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	// maxProof is how many hashes the protocol lets a proof have.
	maxProof = 63
	// maxBody is room for them and for a checkpoint with some dozen signatures of the
	// largest kind.
	maxBody = 128 << 10
)

var errMalformed = errors.New("witness: malformed submission")

// submission is the body of add-checkpoint: a line with the old size, the lines of the
// proof, an empty line, and the checkpoint.
type submission struct {
	oldSize    uint64
	proof      [][]byte
	checkpoint string
}

// origin is the first line of the checkpoint.
func (s submission) origin() string {
	origin, _, _ := strings.Cut(s.checkpoint, "\n")
	return origin
}

func (s submission) body() string {
	var b strings.Builder
	b.WriteString("old " + strconv.FormatUint(s.oldSize, 10) + "\n")
	for _, hash := range s.proof {
		b.WriteString(base64.StdEncoding.EncodeToString(hash) + "\n")
	}
	b.WriteString("\n" + s.checkpoint)
	return b.String()
}

// readSubmission takes only what body would have written.
func readSubmission(body string) (submission, error) {
	head, checkpoint, whole := strings.Cut(body, "\n\n")
	lines := strings.Split(head, "\n")
	number, isSize := strings.CutPrefix(lines[0], "old ")
	if !whole || !isSize || len(lines) > 1+maxProof {
		return submission{}, errMalformed
	}
	s := submission{checkpoint: checkpoint}
	var err error
	if s.oldSize, err = readSize(number); err != nil {
		return submission{}, err
	}
	for _, line := range lines[1:] {
		hash, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(hash) != tlog.HashSize {
			return submission{}, errMalformed
		}
		s.proof = append(s.proof, hash)
	}
	if s.body() != body { // there are other spellings of base64
		return submission{}, errMalformed
	}
	return s, nil
}

func readSize(text string) (uint64, error) {
	size, err := strconv.ParseUint(text, 10, 63)
	if err != nil || strconv.FormatUint(size, 10) != text {
		return 0, errMalformed
	}
	return size, nil
}
