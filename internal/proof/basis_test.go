package proof_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/policy"
)

const (
	back   = amparov1.ListedBasis_LISTED_BASIS_RETURN_OR_DELETE
	child  = amparov1.ListedBasis_LISTED_BASIS_SAFEGUARDING_REPORT
	notice = amparov1.ListedBasis_LISTED_BASIS_BREACH_NOTICE

	profile = amparov1.DataCategory_DATA_CATEGORY_PROFILE
)

// leaveOn lets the situation leave on a basis.
func leaveOn(c story, n uint32, edits ...func(disclosure)) {
	c.Disclose(append([]func(disclosure){func(d disclosure) {
		d.Track, d.Basis, d.Check, d.Consents, d.Categories = listed, n, 0, nil, []amparov1.DataCategory{situation}
	}}, edits...)...)
}

// TestListed: a basis other than consent allows what it names, and nothing else.
func TestListed(t *testing.T) {
	leave := func(c story, edits ...func(disclosure)) { leaveOn(c, 1, edits...) }
	stated := func(edits ...func(basis)) func(story) {
		return func(c story) { c.Approve(c.Basis(edits...), reviewer); leave(c) }
	}
	judge(t, []row{
		{"as it should be", stated(), "LISTED"},
		{"after a no of the person", func(c story) {
			c.Approve(c.Basis(), reviewer)
			c.Withdraw()
			leave(c)
		}, "LISTED"},
		{"none", func(c story) { c.Basis(); leave(c, func(d disclosure) { d.Basis = 0 }) }, "UNCOVERED BASIS_MISSING"},
		{"to somebody else", stated(func(b basis) { b.Recipient = 2 }), "UNCOVERED BASIS_OTHER_RECIPIENT"},
		{"other data", stated(func(b basis) { b.Categories[0] = health }), "UNCOVERED BASIS_OTHER_DATA"},
		{"too old", stated(func(b basis) { b.ValidUntil.Seconds -= 7*86400 - 2*3600 }), "UNCOVERED BASIS_EXPIRED"},
		{"at its last moment", stated(func(b basis) { b.ValidUntil.Seconds -= 7*86400 - 2*3600 - 1 }), "LISTED"},
		{"nobody agreed", func(c story) { c.Basis(); leave(c) }, "UNCOVERED BASIS_UNAPPROVED"},
		{"an order of a court to which nobody needs to agree, by its own word", func(c story) {
			c.Basis(func(b basis) { b.ApprovalsNeeded = 0 })
			leave(c)
		}, "UNCOVERED BASIS_UNAPPROVED"},
		{"a child to protect, where a mechanism has nobody to agree", func(c story) {
			c.Basis(func(b basis) { b.Basis, b.ApprovalsNeeded = child, 0 })
			leave(c)
		}, "LISTED"},
		{"somebody agreed, by the entry, after it left", func(c story) {
			c.Approve(c.Basis(), reviewer)
			leave(c, at(c, -time.Hour-time.Second))
		}, "UNCOVERED BASIS_UNAPPROVED"},
		{"for another purpose", stated(func(b basis) { b.Purpose = media }), "UNCOVERED BASIS_OTHER_PURPOSE"},
		{"about somebody else too", func(c story) {
			c.Approve(c.Basis(), reviewer)
			leave(c, func(d disclosure) { d.Parties = []uint32{1} })
		}, "UNCOVERED BASIS_OTHER_PARTY"},
		{"about fewer than it says", stated(func(b basis) { b.Parties = []uint32{1} }), "LISTED"},
		{"for longer than any can hold", stated(func(b basis) { b.ValidUntil.Seconds += 7*86400 + 1 }), "UNCOVERED TERM_TOO_LONG"},
		{"it left before it was stated", func(c story) {
			c.Approve(c.Basis(), reviewer)
			leave(c, at(c, -3*time.Hour))
		}, "UNCOVERED BASIS_RECORDED_LATER BASIS_UNAPPROVED"},
	})
}

// TestCauses: what tells of a breach, or asks back what left, names it.
func TestCauses(t *testing.T) {
	onlyProfile := func(d disclosure) { d.Categories = []amparov1.DataCategory{profile} }
	// asked is a consent, a check, what left on them (3), and a request to have it back (4).
	asked := func(c story) {
		c.Consent()
		c.Check()
		note(c, requested(c.Disclose(), c.Log().Now.Add(5*day)))
	}
	because := func(kind amparov1.ListedBasis, of uint32, edits ...func(basis)) func(story) {
		return func(c story) {
			n := c.Basis(append([]func(basis){func(b basis) {
				b.Basis, b.Of, b.ApprovalsNeeded, b.Categories = kind, of, 0, []amparov1.DataCategory{profile}
			}}, edits...)...)
			leaveOn(c, n, onlyProfile)
		}
	}
	for _, row := range []struct {
		name       string
		tell, then func(c story)
		want       string
	}{
		{"asked back", asked, because(back, 4), "LISTED"},
		{"asked back, and nothing had left", asked, because(back, 0), "UNCOVERED BASIS_WITHOUT_CAUSE"},
		{"asked back on the strength of a check", asked, because(back, 2), "UNCOVERED BASIS_WITHOUT_CAUSE"},
		{"asked back by a request that comes later", asked, func(c story) {
			n := c.Basis(func(b basis) { b.Basis, b.Of, b.Categories = back, 6, []amparov1.DataCategory{profile} })
			note(c, requested(3, c.Log().Now.Add(5*day)))
			c.Approve(n, reviewer)
			leaveOn(c, n, onlyProfile)
		}, "UNCOVERED BASIS_WITHOUT_CAUSE"},
		{"asked back from somebody who never had it", asked, func(c story) {
			n := c.Basis(func(b basis) {
				b.Basis, b.Of, b.ApprovalsNeeded, b.Recipient, b.Categories = back, 4, 0, 2, []amparov1.DataCategory{profile}
			})
			leaveOn(c, n, onlyProfile, func(d disclosure) { d.Recipient = 2 })
		}, "UNCOVERED BASIS_WITHOUT_CAUSE"},
		{"asked back, with all of it told anew", asked, func(c story) {
			leaveOn(c, c.Basis(func(b basis) { b.Basis, b.Of, b.ApprovalsNeeded = back, 4, 0 }))
		}, "UNCOVERED BASIS_TOO_WIDE"},
		{"notice of a breach", func(c story) { note(c, breach(monday, monday)) }, because(notice, 1), "LISTED"},
		{"notice of no breach", asked, because(notice, 4), "UNCOVERED BASIS_WITHOUT_CAUSE"},
		{"notice with names", func(c story) { note(c, breach(monday, monday)) }, func(c story) {
			leaveOn(c, c.Basis(func(b basis) { b.Basis, b.Of, b.ApprovalsNeeded = notice, 1, 0 }))
		}, "UNCOVERED BASIS_TOO_WIDE"},
		{"on a basis that is none", func(story) {}, because(0, 0), "UNCOVERED BASIS_UNLISTED"},
		{"on a basis of a later version", func(story) {}, because(9, 0), "UNCOVERED BASIS_UNLISTED"},
	} {
		r := told(func(c story) { row.tell(c); row.then(c) })
		if got := verdict(r); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
}

// TestBoundsAreThoseOfThePolicy: what no policy may say, no entry gets through with; and
// what one may, passes.
func TestBoundsAreThoseOfThePolicy(t *testing.T) {
	for number := range amparov1.ListedBasis_name {
		kind := amparov1.ListedBasis(number)
		if kind == 0 {
			continue
		}
		for category := range amparov1.DataCategory_name {
			if category != 0 {
				data := []amparov1.DataCategory{amparov1.DataCategory(category)}
				agree(t, kind, func(b *amparov1.BasisPolicy) { b.Categories = data }, 2, data)
			}
		}
		for n := range uint32(3) {
			agree(t, kind, func(b *amparov1.BasisPolicy) { b.Approvals = n }, n, []amparov1.DataCategory{profile})
		}
	}
}

// agree compares whether a policy may allow a basis with whether something may leave
// that was stated so.
func agree(t *testing.T, kind amparov1.ListedBasis, edit func(*amparov1.BasisPolicy), approvals uint32, data []amparov1.DataCategory) {
	t.Helper()
	p := proto.CloneOf(policy.Default())
	edit(policy.BasisOf(p, kind))
	r := told(func(c story) {
		c.Consent()
		c.Check()
		note(c, requested(c.Disclose(), c.Log().Now.Add(5*day)))
		note(c, breach(monday, monday))
		n := c.Basis(func(b basis) {
			b.Basis, b.ApprovalsNeeded, b.Categories = kind, approvals, data
			b.Of = map[amparov1.ListedBasis]uint32{back: 4, notice: 5}[kind]
		})
		for _, by := range []string{reviewer, head}[:approvals] {
			c.Approve(n, by)
		}
		leaveOn(c, n, func(d disclosure) { d.Categories = data })
	})
	if may := policy.Check(p) == nil; may != (verdict(r) == "LISTED") {
		t.Errorf("%s with %d approvals and %v: a policy may say so: %v, and it is %s", kind, approvals, data, may, verdict(r))
	}
}
