package records

import (
	"bytes"
	"context"
	"slices"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/fault"
)

// beginningKind stands before the names of requests among the things that a case is
// found by. The kinds of search keys are small, so no text that anybody types meets
// one.
const beginningKind = 0xff

// begunCandidates is how many cases are looked at for a request: the index holds
// half of each token, so that another case shares it once in four thousand million.
const begunCandidates = 8

func (r *Records) beginning(request Request, grant access.Grant) uint64 {
	return r.cfg.Keyring.Token(beginningKind, request.by(grant)+" "+request.ID)
}

// nameBeginning enters in a new case the request that began it.
func (r *Records) nameBeginning(file *File, grant access.Grant, request Request) {
	for _, named := range request.all() {
		if named.Begins && file.version == 0 && file.Case() != nil {
			file.head.RequestToken = r.beginning(named, grant)
			file.head.RequestHash = named.Hash[:16]
			return
		}
	}
}

// Begun returns the id of the case that a request began, or "" when there is none.
// Unlike the first answer to a request, which Update gives for 30 days, the case
// is found for as long as it is kept. Another content under the same id is refused
// with REASON_REQUEST_ID_REUSED.
func (r *Records) Begun(ctx context.Context, grant access.Grant, request Request) (string, error) {
	token := r.beginning(request, grant)
	candidates, _ := r.index.Candidates([][]uint64{{token}}, begunCandidates)
	for _, candidate := range candidates {
		file, err := r.loadKnown(ctx, candidate)
		if err != nil {
			return "", r.judge(ctx, candidate, err)
		}
		if file.head.GetRequestToken() != token {
			continue
		}
		if !bytes.Equal(file.head.GetRequestHash(), request.Hash[:16]) {
			return "", fault.New(amparov1.Reason_REASON_REQUEST_ID_REUSED)
		}
		return file.id, nil
	}
	return "", nil
}

// tokens are all that a file is found by: what was set, and the request that began it.
func (f *File) tokens() []uint64 {
	if f.head.GetRequestToken() == 0 {
		return f.head.GetTokens()
	}
	return append(slices.Clone(f.head.GetTokens()), f.head.GetRequestToken())
}
