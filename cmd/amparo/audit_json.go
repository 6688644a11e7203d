package main

import (
	"encoding/json"
	"fmt"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/amparo-project/amparo/internal/proof"
)

func (a *app) showJSON(document any) error {
	raw, err := json.Marshal(document)
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return a.write(append(raw, '\n'))
}

// verifiedJSON is what was verified of a log.
type verifiedJSON struct {
	Verified    bool              `json:"verified"`
	Sound       bool              `json:"sound"`
	Version     int               `json:"version"`
	Size        uint64            `json:"size"`
	Root        string            `json:"root"`
	LogKey      string            `json:"logKey"`
	KeyFromFile bool              `json:"keyFromFile"`
	Extends     *uint64           `json:"extends,omitempty"` // leaves of the older checkpoint
	Acts        map[string]uint64 `json:"acts"`
	Refused     uint64            `json:"refused"`
	BackInTime  uint64            `json:"backInTime"`
	Counts      map[string]uint64 `json:"counts"`
	Classes     map[string]uint64 `json:"classes"`
	Bases       map[string]uint64 `json:"bases"`
	Uncovered   []leftJSON        `json:"uncovered"`
	Findings    []findingJSON     `json:"findings"`
	Breaches    []breachJSON      `json:"breaches"`
	Exceptions  exceptionsJSON    `json:"exceptions"`
}

type exceptionsJSON struct {
	Oral       []entryJSON    `json:"oral"`
	Late       []entryJSON    `json:"late"`
	FormShort  []entryJSON    `json:"formShort"`
	Belated    []entryJSON    `json:"belated"`
	AgainstNo  []entryJSON    `json:"againstNo"`
	Unanswered []entryJSON    `json:"unanswered"`
	Acts       []staffActJSON `json:"acts"`
}

type staffActJSON struct {
	StaffID string    `json:"staffId"`
	Urgent  tallyJSON `json:"urgent"`
	Vital   tallyJSON `json:"vital"`
}

type tallyJSON struct {
	Completed uint64 `json:"completed"`
	Pending   uint64 `json:"pending"`
	Late      uint64 `json:"late"`
	Uncovered uint64 `json:"uncovered"`
}

// entryJSON is an entry, as an amparo.v1.LedgerFact with what its leaf says of it.
type entryJSON struct {
	Leaf    uint64          `json:"leaf"`
	Time    string          `json:"time"`
	StaffID string          `json:"staffId"`
	Fact    json.RawMessage `json:"fact"`
}

type reasonJSON struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

type findingJSON struct {
	Pseudonym string `json:"pseudonym"`
	Number    uint32 `json:"number"`
	Leaf      uint64 `json:"leaf"`
	reasonJSON
}

type breachJSON struct {
	entryJSON
	NoticeDue string `json:"noticeDue,omitempty"`
	Notice    uint32 `json:"notice,omitempty"`
}

// leftJSON is a disclosure with what it rests on.
type leftJSON struct {
	Pseudonym string       `json:"pseudonym"`
	Number    uint32       `json:"number"`
	Leaf      uint64       `json:"leaf"`
	Time      string       `json:"time"`
	StaffID   string       `json:"staffId"`
	Class     proof.Class  `json:"class"`
	Consents  []uint32     `json:"consents,omitempty"`
	Check     uint32       `json:"check,omitempty"`
	Basis     uint32       `json:"basis,omitempty"`
	Approvals []uint32     `json:"approvals,omitempty"`
	Under     uint32       `json:"under,omitempty"`
	Second    uint32       `json:"second,omitempty"`
	Against   uint32       `json:"against,omitempty"`
	Reasons   []reasonJSON `json:"reasons,omitempty"`
}

type ledgersJSON struct {
	Verified    bool          `json:"verified"`
	Sound       bool          `json:"sound"`
	Size        uint64        `json:"size"`
	LogKey      string        `json:"logKey"`
	KeyFromFile bool          `json:"keyFromFile"`
	Ledgers     []ledgerJSON  `json:"ledgers"`
	Findings    []findingJSON `json:"findings"`
}

type ledgerJSON struct {
	Pseudonym   string      `json:"pseudonym"`
	Entries     []entryJSON `json:"entries"`
	Disclosures []leftJSON  `json:"disclosures"`
}

func (j judged) json() verifiedJSON {
	r := j.log
	out := verifiedJSON{
		Verified: true, Sound: j.proof.Sound(), Version: r.Version, Size: r.Size, Root: r.Root, LogKey: r.LogKey, KeyFromFile: r.KeyFromFile,
		Acts: map[string]uint64{}, Refused: r.Refused, BackInTime: r.BackInTime, Counts: r.Ledger,
		Classes: map[string]uint64{}, Bases: map[string]uint64{}, Uncovered: []leftJSON{}, Findings: findingsJSON(j.proof.Findings), Breaches: []breachJSON{},
		Exceptions: exceptionsJSON{
			Oral: mentionsJSON(j.proof.Oral), Late: mentionsJSON(j.proof.Late), FormShort: mentionsJSON(j.proof.FormShort),
			Belated: mentionsJSON(j.proof.Belated), AgainstNo: mentionsJSON(j.proof.AgainstNo), Unanswered: mentionsJSON(j.proof.Unanswered), Acts: []staffActJSON{},
		},
	}
	if r.Extends {
		out.Extends = &r.Older
	}
	for act, n := range r.Acts {
		out.Acts[act.String()] = n
	}
	for _, class := range proof.Classes() {
		out.Classes[string(class)] = j.proof.Classes[class]
	}
	for basis, n := range j.proof.Bases {
		out.Bases[basis.String()] = n
	}
	for _, l := range j.proof.Ledgers {
		for _, d := range l.Disclosures {
			if d.Class == proof.Uncovered {
				out.Uncovered = append(out.Uncovered, disclosureJSON(l.Pseudonym, d))
			}
		}
	}
	for _, b := range j.proof.Breaches {
		one := breachJSON{entryJSON: entryOf(&b.Entry)}
		if !b.NoticeDue.IsZero() {
			one.NoticeDue = b.NoticeDue.Format(time.RFC3339Nano)
		}
		if b.Notice != nil {
			one.Notice = b.Notice.Number()
		}
		out.Breaches = append(out.Breaches, one)
	}
	for _, acts := range j.proof.Staff {
		out.Exceptions.Acts = append(out.Exceptions.Acts, staffActJSON{acts.StaffID, tallyJSON(acts.Urgent), tallyJSON(acts.Vital)})
	}
	return out
}

func (j judged) ledgersJSON() ledgersJSON {
	out := ledgersJSON{
		Verified: true, Sound: j.proof.Sound(), Size: j.log.Size, LogKey: j.log.LogKey, KeyFromFile: j.log.KeyFromFile,
		Ledgers: []ledgerJSON{}, Findings: findingsJSON(j.proof.Findings),
	}
	for _, l := range j.proof.Ledgers {
		one := ledgerJSON{Pseudonym: l.Pseudonym, Entries: []entryJSON{}, Disclosures: []leftJSON{}}
		for _, e := range l.Entries {
			one.Entries = append(one.Entries, entryOf(e))
		}
		for _, d := range l.Disclosures {
			one.Disclosures = append(one.Disclosures, disclosureJSON(l.Pseudonym, d))
		}
		out.Ledgers = append(out.Ledgers, one)
	}
	return out
}

func disclosureJSON(pseudonym string, d *proof.Disclosure) leftJSON {
	return leftJSON{
		Pseudonym: pseudonym, Number: d.Number(), Leaf: d.Leaf, Time: d.At.Format(time.RFC3339Nano), StaffID: d.StaffID, Class: d.Class,
		Consents: d.Consents, Check: d.Check, Basis: d.Basis, Approvals: d.Approvals, Under: d.Under, Second: d.Second, Against: d.Against, Reasons: reasonsJSON(d.Reasons),
	}
}

func reasonsJSON(reasons []proof.Reason) (out []reasonJSON) {
	for _, r := range reasons {
		out = append(out, reasonJSON(r))
	}
	return out
}

func findingsJSON(findings []proof.Finding) []findingJSON {
	out := []findingJSON{}
	for _, f := range findings {
		out = append(out, findingJSON{f.Pseudonym, f.Number, f.Leaf, reasonJSON(f.Reason)})
	}
	return out
}

func mentionsJSON(list []proof.Mention) []entryJSON {
	out := []entryJSON{}
	for _, m := range list {
		out = append(out, entryOf(&m.Entry))
	}
	return out
}

func entryOf(e *proof.Entry) entryJSON {
	raw, err := protojson.Marshal(e.Fact)
	if err != nil {
		raw = nil // text that is not UTF-8; a decoded message holds none
	}
	return entryJSON{Leaf: e.Leaf, Time: e.At.Format(time.RFC3339Nano), StaffID: e.StaffID, Fact: raw}
}
