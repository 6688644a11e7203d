package proof_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/policy"
	"github.com/amparo-project/amparo/internal/proof"
)

// TestLongestTermsAreThoseOfThePolicy: the longest term that a policy may give passes for
// what it is, and a longer one does not.
func TestLongestTermsAreThoseOfThePolicy(t *testing.T) {
	for _, row := range []struct {
		name          string
		most, tooLong string
		set           func(p *amparov1.Policy, length string)
		passes        func(length time.Duration) bool
	}{
		{
			"a check", "336h", "337h",
			func(p *amparov1.Policy, length string) { p.Disclosure.CheckValid.Length = length },
			func(length time.Duration) bool {
				return told(func(c story) { c.Consent(); c.Check(func(k harm) { k.ValidUntil = c.At(length) }); c.Disclose() }).Sound()
			},
		},
		{
			"a basis", "336h", "337h",
			func(p *amparov1.Policy, length string) { p.Disclosure.CheckValid.Length = length },
			func(length time.Duration) bool {
				return told(func(c story) {
					c.Approve(c.Basis(func(b basis) { b.ValidUntil = c.At(length) }), reviewer)
					leaveOn(c, 1)
				}).Sound()
			},
		},
		{
			"an act for vital interests", "168h", "169h",
			func(p *amparov1.Policy, length string) { p.Disclosure.VitalAct.Length = length },
			func(length time.Duration) bool {
				return told(func(c story) { c.DiscloseAtOnce(c.Vital, func(d disclosure) { d.ActExpiresAt = c.At(length) }) }).Sound()
			},
		},
		{"a second signature at the last moment", "24h", "25h", setCountersignature, func(length time.Duration) bool { return signedAfter(length) == "VITAL_COMPLETED" }},
	} {
		for _, length := range []string{row.most, row.tooLong} {
			p := proto.CloneOf(policy.Default())
			row.set(p, length)
			span, err := policy.Span(length)
			if err != nil {
				t.Fatal(err)
			}
			if may := policy.Check(p) == nil; may != (length == row.most) || row.passes(span) != may {
				t.Errorf("%s of %s: a policy may say so: %v, and it passes: %v", row.name, length, may, row.passes(span))
			}
		}
	}
}

func setCountersignature(p *amparov1.Policy, length string) {
	for _, term := range p.GetTerms() {
		if term.GetKind() == amparov1.TermKind_TERM_KIND_COUNTERSIGNATURE {
			term.Length = &amparov1.LengthByLevel{EveryLevel: length}
		}
	}
}

// signedAfter is the class of an act that gives the second person so long, and that they
// sign when that ends.
func signedAfter(length time.Duration) proof.Class {
	r := told(func(c story) {
		n := c.DiscloseAtOnce(c.Vital, func(d disclosure) { d.SecondDueAt = c.At(length) })
		c.Log().Wait(length - time.Hour)
		c.Approve(n, reviewer)
	})
	return r.Ledgers[0].Disclosures[0].Class
}
