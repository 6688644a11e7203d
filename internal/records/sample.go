package records

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/ledger"
	"github.com/amparo-project/amparo/internal/lookup"
	"github.com/amparo-project/amparo/internal/proof"
)

// logged is a fact of the log, with the leaf that holds it.
type logged struct {
	leaf uint64
	fact *amparov1.LedgerFact
}

// DrawSample draws entries of ledgers from the first size leaves of the log, and says in a
// leaf that it did; size zero takes all that the newest checkpoint covers. The root of
// those leaves and the caller's nonce decide which entries: whoever has an export draws
// the same ones again.
func (r *Records) DrawSample(ctx context.Context, grant access.Grant, request *amparov1.DrawSampleRequest) (*amparov1.DrawSampleResponse, error) {
	size := request.GetSize()
	if size > r.LogSize() {
		return nil, fault.Field(amparov1.Reason_REASON_FIELD_INVALID, "size", "is no more than the log has leaves")
	}
	if size == 0 {
		size = r.LogSize()
	}
	sample := &amparov1.SampleDraw{Size: size, Count: request.GetCount(), Nonce: request.GetNonce()}
	entries, err := r.sampled(ctx, sample)
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, fault.Field(amparov1.Reason_REASON_ENTRY_UNKNOWN, "count", "is drawn from a log in which there are entries of ledgers")
	}
	leaf := &amparov1.AuditLeaf{Sample: sample}
	if err := r.Note(ctx, grant, leaf); err != nil {
		return nil, err
	}
	answer := &amparov1.DrawSampleResponse{Size: sample.GetSize()}
	if answer.Sample, err = r.indexOf(ctx, leaf, sample.GetSize()); err != nil {
		return nil, err
	}
	for _, entry := range entries {
		answer.Leaves = append(answer.Leaves, entry.leaf)
		answer.Facts = append(answer.Facts, entry.fact)
	}
	return answer, nil
}

// sampled are the entries of a sample, in the order of the draw.
func (r *Records) sampled(ctx context.Context, sample *amparov1.SampleDraw) ([]logged, error) {
	type spot struct {
		leaf uint64
		fact int
	}
	var population []spot
	index := uint64(0)
	err := r.EachLeaf(ctx, sample.GetSize(), func(raw []byte) error {
		n, err := factsIn(raw)
		for i := range n {
			population = append(population, spot{index, i})
		}
		index++
		return err
	})
	if err != nil {
		return nil, err
	}
	root, err := r.cfg.Log.Root(ctx, sample.GetSize())
	if err != nil {
		return nil, logFault(err)
	}
	var entries []logged
	for _, i := range proof.Draw(root, sample.GetNonce(), uint64(len(population)), int(sample.GetCount())) {
		at := population[i]
		raw, err := r.cfg.Log.Leaf(ctx, at.leaf)
		if err != nil {
			return nil, logFault(err)
		}
		leaf, err := parseLeaf(raw)
		if err != nil {
			return nil, err
		}
		entries = append(entries, logged{at.leaf, leaf.GetFacts()[at.fact]})
	}
	return entries, nil
}

// factsField is the number of the facts in a leaf.
var factsField = (*amparov1.AuditLeaf)(nil).ProtoReflect().Descriptor().Fields().ByName("facts").Number()

// factsIn counts the facts in the bytes of a leaf, of which there may be a million.
func factsIn(raw []byte) (n int, err error) {
	for len(raw) > 0 {
		number, kind, used := protowire.ConsumeTag(raw)
		if used < 0 {
			return 0, errLeaf
		}
		value := protowire.ConsumeFieldValue(number, kind, raw[used:])
		if value < 0 {
			return 0, errLeaf
		}
		if number == factsField && kind == protowire.BytesType {
			n++
		}
		raw = raw[used+value:]
	}
	return n, nil
}

var errLeaf = fmt.Errorf("%w: a leaf does not parse", errProof)

func parseLeaf(raw []byte) (*amparov1.AuditLeaf, error) {
	leaf := &amparov1.AuditLeaf{}
	if err := proto.Unmarshal(raw, leaf); err != nil {
		return nil, errLeaf
	}
	return leaf, nil
}

// indexOf is where a leaf that was just recorded stands in the log. The salt tells it
// from every other.
func (r *Records) indexOf(ctx context.Context, recorded *amparov1.AuditLeaf, from uint64) (index uint64, err error) {
	if err := r.CatchUp(ctx); err != nil {
		return 0, err
	}
	found, next := false, from
	err = r.cfg.Log.Leaves(ctx, from, r.LogSize(), func(raw []byte) error {
		leaf, err := parseLeaf(raw)
		if string(leaf.GetSalt()) == string(recorded.GetSalt()) {
			index, found = next, true
		}
		next++
		return err
	})
	if err == nil && !found {
		err = fmt.Errorf("%w: a leaf is not in the log", errProof)
	}
	return index, logFault(err)
}

// OpenSample shows the entries of a sample, by the index of the leaf that says that it
// was drawn, without anything that identifies anybody. An entry whose case is gone, is
// damaged, or must be kept from the caller is left out.
func (r *Records) OpenSample(ctx context.Context, grant access.Grant, number uint64) (*amparov1.OpenSampleResponse, error) {
	drawnIn, err := r.Leaves(ctx, number+1, 1)
	if err != nil {
		return nil, err
	}
	if len(drawnIn) == 0 || drawnIn[0].GetIndex() != number || drawnIn[0].GetLeaf().GetSample() == nil ||
		drawnIn[0].GetLeaf().GetAction() != amparov1.LeafAction_LEAF_ACTION_SAMPLE_DRAW {
		return nil, errNotFound
	}
	sample := drawnIn[0].GetLeaf().GetSample()
	entries, err := r.sampled(ctx, sample)
	if err != nil {
		return nil, err
	}
	ids := r.caseIDs(grant, entries)
	for {
		shut := r.Broken()
		answer, err := r.View(ctx, grant, nil, func(w *Work) (proto.Message, error) {
			w.Leaf.Sample = sample
			return w.openSample(entries, ids)
		})
		if fault.Is(err, fault.Corrupt) && r.Broken() > shut {
			continue // the case that was found to be damaged is left out from now on
		}
		if err != nil {
			return nil, err
		}
		return answer.(*amparov1.OpenSampleResponse), nil //nolint:errcheck,forcetypeassert // made by openSample
	}
}

// caseIDs are the cases of entries by their pseudonyms, without those that exclude the
// caller.
func (r *Records) caseIDs(grant access.Grant, entries []logged) map[string]string {
	wanted := map[string]bool{}
	for _, entry := range entries {
		wanted[entry.fact.GetPseudonym()] = true
	}
	staff, _ := parseID(grant.StaffID())
	found := map[string]string{}
	r.index.All(kindCase, func(head lookup.Head) bool {
		if pseudonym := textOf(head.Pseudonym); wanted[pseudonym] && !contains(head.Row.Excluded, staff) {
			found[pseudonym] = textOf(head.ID)
		}
		return len(found) < len(wanted)
	})
	return found
}

func (w *Work) openSample(entries []logged, ids map[string]string) (*amparov1.OpenSampleResponse, error) {
	answer, opened := &amparov1.OpenSampleResponse{}, map[string]*File{}
	for pseudonym, id := range ids {
		// The call has no relation to any one case: the draw decides what it opens.
		f, err := w.Open(Target{ID: id, Grant: access.Service(w.grant.Action())})
		if fault.Is(err, fault.Corrupt) || fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		opened[pseudonym] = f
	}
	for _, drawn := range entries {
		f := opened[drawn.fact.GetPseudonym()]
		if f == nil {
			continue
		}
		all, err := f.Ledger()
		if err != nil {
			return nil, err
		}
		if entry := ledger.Find(all, drawn.fact.GetNumber()); entry != nil {
			answer.Entries = append(answer.Entries, &amparov1.SampledEntry{
				Leaf: drawn.leaf, Pseudonym: drawn.fact.GetPseudonym(), Entry: ledger.Redacted(entry),
			})
		}
	}
	return answer, nil
}
