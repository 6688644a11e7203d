package audit

import (
	"bytes"
	"fmt"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// countNames are the lines of an export's counts, in their order: first all leaves,
// then what the ledgers of cases hold. What left is also counted by what it left on.
var countNames = [...]string{
	"leaves", "ledgers", "facts",
	"consents", "withdrawals", "settlements", "checks", "bases", "approvals",
	"disclosures", "disclosures-ordinary", "disclosures-urgent", "disclosures-vital", "disclosures-listed",
	"events", "return-requests", "return-answers", "breaches", "informed",
}

// counts is how many there are of each.
type counts struct {
	leaves  uint64
	facts   uint64
	by      map[string]uint64
	ledgers map[string]bool // by pseudonym
}

func newCounts() *counts {
	return &counts{by: make(map[string]uint64), ledgers: make(map[string]bool)}
}

// add counts what a leaf holds of ledgers.
func (c *counts) add(facts []*amparov1.LedgerFact) {
	for _, fact := range facts {
		c.facts++
		c.ledgers[fact.GetPseudonym()] = true
		kind, track := factKind(fact)
		c.by[kind]++
		if track != "" {
			c.by[track]++
		}
	}
}

// of returns one of the counts.
func (c *counts) of(name string) uint64 {
	switch name {
	case "leaves":
		return c.leaves
	case "ledgers":
		return uint64(len(c.ledgers))
	case "facts":
		return c.facts
	default:
		return c.by[name]
	}
}

func (c *counts) line(name string) string { return name + " " + strconv.FormatUint(c.of(name), 10) }

// factKind is under which names a fact is counted: "" for one that says nothing.
func factKind(fact *amparov1.LedgerFact) (kind, track string) {
	switch f := fact.GetFact().(type) {
	case *amparov1.LedgerFact_Consent:
		return "consents", ""
	case *amparov1.LedgerFact_Withdrawal:
		return "withdrawals", ""
	case *amparov1.LedgerFact_Settlement:
		return "settlements", ""
	case *amparov1.LedgerFact_Check:
		return "checks", ""
	case *amparov1.LedgerFact_Basis:
		return "bases", ""
	case *amparov1.LedgerFact_Approval:
		return "approvals", ""
	case *amparov1.LedgerFact_Disclosure:
		return "disclosures", trackName(f.Disclosure.GetTrack())
	case *amparov1.LedgerFact_Event:
		return "events", ""
	case *amparov1.LedgerFact_ReturnRequest:
		return "return-requests", ""
	case *amparov1.LedgerFact_ReturnAnswer:
		return "return-answers", ""
	case *amparov1.LedgerFact_Breach:
		return "breaches", ""
	case *amparov1.LedgerFact_Informed:
		return "informed", ""
	default:
		return "", ""
	}
}

func trackName(track amparov1.DisclosureTrack) string {
	switch track {
	case amparov1.DisclosureTrack_DISCLOSURE_TRACK_UNSPECIFIED, amparov1.DisclosureTrack_DISCLOSURE_TRACK_ORDINARY:
		return "disclosures-ordinary"
	case amparov1.DisclosureTrack_DISCLOSURE_TRACK_URGENT:
		return "disclosures-urgent"
	case amparov1.DisclosureTrack_DISCLOSURE_TRACK_VITAL_INTERESTS:
		return "disclosures-vital"
	case amparov1.DisclosureTrack_DISCLOSURE_TRACK_LISTED:
		return "disclosures-listed"
	default:
		return ""
	}
}

// factsField is the number of AuditLeaf.facts, and factsTag how a leaf spells it.
const factsField = 17

var factsTag = protowire.AppendTag(nil, factsField, protowire.BytesType)

// factsOf returns what a leaf holds of ledgers. It looks closer only at leaves that may
// hold any, which few do, and leaves it to VerifyExport to refuse what is no leaf, or
// is spelt in another way.
func factsOf(raw []byte) ([]*amparov1.LedgerFact, error) {
	if !bytes.Contains(raw, factsTag) {
		return nil, nil
	}
	leaf := new(amparov1.AuditLeaf)
	if err := proto.Unmarshal(raw, leaf); err != nil {
		return nil, fmt.Errorf("%w: leaf that is no message", ErrInvalid)
	}
	return leaf.GetFacts(), nil
}
