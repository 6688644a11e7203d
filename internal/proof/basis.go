package proof

import (
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// footing is how far any policy can go with one basis.
type footing struct {
	approvals uint32 // at least
	// most are the data that may leave at all; none means any.
	most []amparov1.DataCategory
}

// footings are the closed list, with its bounds. They are the law's, or a promise, so
// that no entry gets beyond them by what it says of itself.
var footings = map[amparov1.ListedBasis]footing{
	amparov1.ListedBasis_LISTED_BASIS_RETURN_OR_DELETE: {
		most: []amparov1.DataCategory{amparov1.DataCategory_DATA_CATEGORY_PROFILE},
	},
	amparov1.ListedBasis_LISTED_BASIS_SUBJECT_ACCESS:      {approvals: 1},
	amparov1.ListedBasis_LISTED_BASIS_SAFEGUARDING_REPORT: {},
	amparov1.ListedBasis_LISTED_BASIS_BREACH_NOTICE: {
		most: []amparov1.DataCategory{amparov1.DataCategory_DATA_CATEGORY_PROFILE, amparov1.DataCategory_DATA_CATEGORY_STATISTICS},
	},
	amparov1.ListedBasis_LISTED_BASIS_COURT_ORDER: {approvals: 1},
}

// basis holds a disclosure against the basis other than consent that it names.
func (l *ledger) basis(out *Disclosure, d *amparov1.DisclosureFact, why *reasons) {
	stated := l.support(d.GetBasis())
	b := stated.fact().GetBasis()
	if b == nil {
		why.add("BASIS_MISSING", "it names no basis that was there")
		return
	}
	n := stated.Number()
	out.Basis = n
	basisAction(n, b, d, why)
	l.basisCause(n, b, d, why)
	if !before(d.GetHappenedAt(), b.GetValidUntil()) {
		why.add("BASIS_EXPIRED", "basis %d was too old", n)
	}
	if exceeds(b.GetValidUntil(), stated.At, checkWithin) {
		why.add("TERM_TOO_LONG", "basis %d holds longer than any can", n)
	}
	if before(d.GetHappenedAt(), timestamppb.New(stated.At)) {
		why.add("BASIS_RECORDED_LATER", "basis %d was written down later", n)
	}
	limit, isListed := footings[b.GetBasis()]
	if !isListed {
		why.add("BASIS_UNLISTED", "basis %d is none of the list", n)
	}
	if len(limit.most) > 0 && !within(b.GetCategories(), limit.most) {
		why.add("BASIS_TOO_WIDE", "basis %d allows data that no %s can", n, word(b.GetBasis()))
	}
	approvals, needed := l.agreed(stated, d.GetHappenedAt()), max(limit.approvals, b.GetApprovalsNeeded())
	out.Approvals = numbers(approvals)
	if uint64(len(approvals)) < uint64(needed) {
		why.add("BASIS_UNAPPROVED", "basis %d had %d of %d approvals by others", n, len(approvals), needed)
	}
}

// basisAction holds what left against the action that a basis is of.
func basisAction(n uint32, b *amparov1.BasisFact, d *amparov1.DisclosureFact, why *reasons) {
	if b.GetPurpose() != d.GetPurpose() {
		why.add("BASIS_OTHER_PURPOSE", "basis %d is not for %s", n, word(d.GetPurpose()))
	}
	if b.GetRecipient() != d.GetRecipient() {
		why.add("BASIS_OTHER_RECIPIENT", "basis %d is not for recipient %d", n, d.GetRecipient())
	}
	for _, category := range kinds(d) {
		if !slices.Contains(b.GetCategories(), category) {
			why.add("BASIS_OTHER_DATA", "basis %d does not cover %s", n, word(category))
		}
	}
	if !within(others(d.GetParties()), b.GetParties()) {
		why.add("BASIS_OTHER_PARTY", "basis %d is not about everybody whom it concerns", n)
	}
}

// basisCause asks of a basis that follows from something in the ledger what that was.
func (l *ledger) basisCause(n uint32, b *amparov1.BasisFact, d *amparov1.DisclosureFact, why *reasons) {
	of := l.find(b.GetOf())
	if of != nil && of.Number() > n {
		of = nil // it was not there yet
	}
	switch b.GetBasis() {
	case amparov1.ListedBasis_LISTED_BASIS_RETURN_OR_DELETE:
		if r := of.fact().GetReturnRequest(); r == nil || r.GetRecipient() != d.GetRecipient() {
			why.add("BASIS_WITHOUT_CAUSE", "basis %d is of no request to recipient %d to return or delete", n, d.GetRecipient())
		}
	case amparov1.ListedBasis_LISTED_BASIS_BREACH_NOTICE:
		if of.fact().GetBreach() == nil {
			why.add("BASIS_WITHOUT_CAUSE", "basis %d is of no breach that was there", n)
		}
	default:
		// The others come from outside.
	}
}
