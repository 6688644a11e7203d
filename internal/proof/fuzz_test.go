package proof_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/proof"
	"github.com/amparo-project/amparo/internal/proof/prooftest"
)

// FuzzLeaves: whatever a service signs, every disclosure in it gets one class, and
// reasons exactly where it is uncovered.
func FuzzLeaves(f *testing.F) {
	log := prooftest.New(monday)
	c := log.Case("pseudonym-1")
	c.Consent()
	c.Check()
	c.Approve(c.Disclose(), reviewer)
	c.DiscloseAtOnce(c.Vital)
	c.Withdraw()
	c.Basis()
	for _, leaf := range log.Leaves {
		raw, err := proto.Marshal(leaf)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw, raw)
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		p := proof.New()
		left := 0
		for i, raw := range [][]byte{first, second} {
			leaf := &amparov1.AuditLeaf{}
			if proto.Unmarshal(raw, leaf) != nil {
				return
			}
			for _, fact := range leaf.GetFacts() {
				if fact.GetDisclosure() != nil {
					left++
				}
			}
			p.Leaf(uint64(i), leaf)
		}
		r := p.Finish()
		var counted uint64
		for _, class := range proof.Classes() {
			counted += r.Classes[class]
		}
		if counted != uint64(left) {
			t.Errorf("%d of %d disclosures have a class", counted, left)
		}
		for _, l := range r.Ledgers {
			for _, d := range l.Disclosures {
				if (d.Class == proof.Uncovered) != (len(d.Reasons) > 0) {
					t.Errorf("%s for %d reasons", d.Class, len(d.Reasons))
				}
			}
		}
	})
}
