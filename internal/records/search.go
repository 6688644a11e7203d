package records

import (
	"context"
	"slices"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/lookup"
	"github.com/amparo-project/amparo/internal/policy"
	"github.com/amparo-project/amparo/internal/risk"
	"github.com/amparo-project/amparo/internal/spelling"
)

const (
	// searchCandidates is how many cases of the index are looked at for one
	// search; beyond them the answer says that there are more.
	searchCandidates = 1000
	// toldDuplicates is how many owners are told of one intake.
	toldDuplicates = 3
	// duplicateCandidates is how many cases are looked at for them.
	duplicateCandidates = 64
)

// Tokens are the keyed hashes of search keys, in the same order.
func (r *Records) Tokens(keys []spelling.Key) []uint64 {
	tokens := make([]uint64, len(keys))
	for i, key := range keys {
		tokens[i] = r.cfg.Keyring.Token(byte(key.Kind), key.Text)
	}
	return tokens
}

// Search returns the cases whose subject answers to the text, that the caller may know
// of, and that are found by them at their level of risk. The leaf holds the text's keyed
// hash and the pseudonyms shown.
func (r *Records) Search(ctx context.Context, grant access.Grant, text string, limit int) ([]*amparov1.QueueRow, bool, error) {
	var parts [][]uint64
	for _, part := range spelling.QueryKeys(text) {
		parts = append(parts, r.Tokens(part))
	}
	staff, _ := parseID(grant.StaffID())
	reaches := reachesOf(r.Policy())
	candidates, truncated := r.index.Candidates(parts, searchCandidates)
	var found []lookup.Head
	for i := range candidates {
		if !sees(grant, staff, &candidates[i]) || !reaches.finds(grant, staff, &candidates[i].Row) {
			continue
		}
		if len(found) == limit {
			truncated = true
			break
		}
		tokens, err := r.tokensOf(ctx, candidates[i])
		if err != nil {
			return nil, false, err
		}
		if answers(tokens, parts) {
			found = append(found, candidates[i])
		}
	}
	leaf := &amparov1.AuditLeaf{QueryHash: r.cfg.Keyring.QueryHash(text)}
	rows, err := r.show(ctx, grant, found, leaf)
	return rows, truncated, err
}

// reaches are how far cases of each level of risk are found.
type reaches [amparov1.RiskLevel_RISK_LEVEL_EXTREME + 1]amparov1.SearchReach

func reachesOf(p *amparov1.Policy) (r reaches) {
	for level := range r {
		r[level] = policy.Demands(p, amparov1.RiskLevel(level)).GetSearch()
	}
	return r
}

// finds asks whether a search by the caller, who may know of the case, finds it.
func (r *reaches) finds(grant access.Grant, staff lookup.ID, row *lookup.Row) bool {
	var reach amparov1.SearchReach // of a level of a later release: the narrowest
	if int(row.Risk) < len(r) {
		reach = r[row.Risk]
	}
	return risk.MayFind(reach, risk.Finder{
		OnTeam: contains(row.Team, staff), OnShift: grant.OnShift(row.Office), Reviews: grant.Reviews(), Oversees: grant.Oversees(),
	})
}

// Duplicates returns the ids of at most three cases that bear one of the strong
// tokens, the newest of each owner: cases of any office, whether the caller may know
// of them or not. What becomes of that knowledge is for the caller to keep.
func (r *Records) Duplicates(ctx context.Context, strong []uint64) ([]string, error) {
	if len(strong) == 0 {
		return nil, nil
	}
	parts := [][]uint64{strong}
	candidates, _ := r.index.Candidates(parts, duplicateCandidates)
	var ids []string
	told := map[lookup.ID]bool{}
	for _, candidate := range candidates {
		if told[candidate.Row.Owner] {
			continue
		}
		tokens, err := r.tokensOf(ctx, candidate)
		if err != nil {
			return nil, err
		}
		if !answers(tokens, parts) {
			continue
		}
		told[candidate.Row.Owner] = true
		if ids = append(ids, textOf(candidate.ID)); len(ids) == toldDuplicates {
			break
		}
	}
	return ids, nil
}

// tokensOf opens a head for its tokens. A file that fails its proof has none: it
// is shut and has been told of, and the rest of the search goes on.
func (r *Records) tokensOf(ctx context.Context, known lookup.Head) ([]uint64, error) {
	if r.isBroken(known.ID) {
		return nil, nil
	}
	file, err := r.loadKnown(ctx, known)
	if err != nil {
		_ = r.judge(ctx, known, err)
		if r.isBroken(known.ID) {
			return nil, nil
		}
		return nil, asFault(err)
	}
	return file.head.GetTokens(), nil
}

func answers(tokens []uint64, parts [][]uint64) bool {
	for _, part := range parts {
		if !slices.ContainsFunc(part, func(t uint64) bool { return slices.Contains(tokens, t) }) {
			return false
		}
	}
	return len(parts) > 0
}
