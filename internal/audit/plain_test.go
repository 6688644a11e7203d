package audit_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/proof/prooftest"
)

// again adds to the bytes of a message a value of one of its fields.
func again(m proto.Message, number protowire.Number, value any) {
	var raw []byte
	switch v := value.(type) {
	case int:
		raw = protowire.AppendVarint(protowire.AppendTag(raw, number, protowire.VarintType), uint64(v))
	case string:
		raw = protowire.AppendString(protowire.AppendTag(raw, number, protowire.BytesType), v)
	}
	m.ProtoReflect().SetUnknown(append(m.ProtoReflect().GetUnknown(), raw...))
}

// TestLeavesThatCanBeReadInTwoWays: what an auditor judges says the same to whoever reads
// it, with whatever program.
func TestLeavesThatCanBeReadInTwoWays(t *testing.T) {
	const (
		consent, withdrawal, shown = 1, 2, 3 // leaves
		refused                    = "leaf that says something twice"
	)
	fact := func(l []*amparov1.AuditLeaf, i int) *amparov1.LedgerFact { return l[i].GetFacts()[0] }
	for _, row := range []struct {
		name string
		edit func(l []*amparov1.AuditLeaf)
		want string
	}{
		{"once", func([]*amparov1.AuditLeaf) {}, ""},
		{"an answer, and another", func(l []*amparov1.AuditLeaf) { again(fact(l, consent).GetConsent(), 2, 1) }, refused},
		{"a flag, and the same again", func(l []*amparov1.AuditLeaf) {
			again(fact(l, consent).GetConsent(), 13, 1)
			again(fact(l, consent).GetConsent(), 13, 1)
		}, refused},
		{"a flag that was not set", func(l []*amparov1.AuditLeaf) { again(fact(l, consent).GetConsent(), 13, 1) }, ""},
		{"a list that goes on", func(l []*amparov1.AuditLeaf) { again(fact(l, consent).GetConsent(), 4, 2) }, ""},
		{"the time of an answer, from another", func(l []*amparov1.AuditLeaf) { again(fact(l, consent).GetConsent().GetObtainedAt(), 1, 5) }, refused},
		{"a withdrawal that is a check as well", func(l []*amparov1.AuditLeaf) { again(fact(l, withdrawal), 6, "") }, refused},
		{"a check that ends up a withdrawal", func(l []*amparov1.AuditLeaf) { again(fact(l, withdrawal), 4, "") }, refused},
		{"an entry with two numbers", func(l []*amparov1.AuditLeaf) { again(fact(l, consent), 2, 1) }, refused},
		{"an act with two authors", func(l []*amparov1.AuditLeaf) { again(l[consent], 6, prooftest.Head) }, refused},
		{"an act with two times", func(l []*amparov1.AuditLeaf) { again(l[consent], 2, "\x08\x01") }, refused},
		{"a case that was shown twice", func(l []*amparov1.AuditLeaf) { again(l[consent], 9, "pseudonym-1") }, ""},
		{"two samples", func(l []*amparov1.AuditLeaf) { again(l[shown], 18, "\x10\x01"); again(l[shown], 18, "\x10\x02") }, refused},
		{"a sample", func(l []*amparov1.AuditLeaf) { again(l[shown], 18, "\x10\x01") }, ""},
	} {
		log := prooftest.New(evening)
		c := log.Case("pseudonym-1")
		c.Consent()
		c.Withdraw()
		log.Read("pseudonym-1")
		row.edit(log.Leaves)
		signer := prooftest.NewSigner(t)
		_, err := verify(signer.Export(t, log.Leaves), audit.VerifyOptions{LogKey: signer.Key})
		if (err == nil) != (row.want == "") || err != nil && !strings.HasSuffix(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", row.name, err, row.want)
		}
	}
}
