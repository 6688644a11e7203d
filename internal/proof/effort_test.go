package proof_test

import (
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/proof"
)

// many are the numbers from 1 on.
func many(n int) []uint32 {
	list := make([]uint32, n)
	for i := range list {
		list[i] = uint32(i + 1)
	}
	return list
}

// repeated is a list that says one thing over and over.
func repeated[T any](one T, n int) []T {
	list := make([]T, n)
	for i := range list {
		list[i] = one
	}
	return list
}

func last(r *proof.Report) *proof.Disclosure {
	all := r.Ledgers[0].Disclosures
	return all[len(all)-1]
}

// TestForgersDoNotChooseTheEffort: whatever is written into a leaf, or however often, what
// is said of it stays short. Were a list gone through for each value of another one, the
// first rows would not end.
func TestForgersDoNotChooseTheEffort(t *testing.T) {
	const n = 20_000
	never := func(k harm) { k.Result = amparov1.HarmResult_HARM_RESULT_DO_NOT_PROCEED }
	for _, row := range []struct {
		name              string
		tell              func(c story)
		reasons, findings int // at most
	}{
		{"lists that repeat themselves", func(c story) {
			c.Consent()
			c.Check()
			c.Disclose(func(d disclosure) {
				d.Parties, d.Categories, d.Consents = repeated(uint32(0), n), repeated(contact, n), repeated(uint32(1), n)
			})
		}, 0, 1},
		{"long lists", func(c story) {
			c.Consent()
			c.Check()
			c.Disclose(func(d disclosure) {
				d.Parties, d.Consents, d.Categories = many(n), many(n), nil
				for _, k := range many(n) {
					d.Categories = append(d.Categories, amparov1.DataCategory(k))
				}
			})
		}, 51, 1001},
		{"a long ledger of checks that say no", func(c story) {
			c.Consent()
			c.Check()
			for range 2000 {
				c.Check(never)
				c.Log().Wait(-time.Hour)
			}
			c.Disclose()
		}, 1, 0},
		{"a check to which everybody agrees", func(c story) {
			c.Consent()
			c.Check(func(k harm) { k.ApprovalsNeeded = 2 })
			for i := range 2000 {
				c.Approve(2, "staff "+string(rune('a'+i%26))+string(rune('a'+i/26%26))+string(rune('a'+i/676)))
				c.Log().Wait(-time.Hour)
			}
			c.Disclose()
		}, 0, 0},
	} {
		r := told(row.tell)
		if d := last(r); len(d.Reasons) > row.reasons || len(r.Findings) > row.findings || len(d.Approvals) > 16 {
			t.Errorf("%s: %d reasons, %d findings, %d approvals", row.name, len(d.Reasons), len(r.Findings), len(d.Approvals))
		}
	}
}

// TestMoreIsSaid: what is left out is not passed over.
func TestMoreIsSaid(t *testing.T) {
	r := told(func(c story) {
		c.Consent()
		c.Check()
		c.Disclose(func(d disclosure) { d.Parties, d.Consents = many(60), append([]uint32{1}, many(2001)[3:]...) })
	})
	if all := last(r).Reasons; all[len(all)-1].Code != "AND_MORE" || len(all) != 51 {
		t.Errorf("%d reasons, the last is %+v", len(all), all[len(all)-1])
	}
	if f := r.Findings; len(f) != 1001 || f[1000].Code != "AND_MORE" || f[1000].Text != "and 998 more" {
		t.Errorf("%d findings, the last is %+v", len(f), f[len(f)-1])
	}
}
