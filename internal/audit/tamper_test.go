package audit_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"flag"
	"slices"
	"strings"
	"testing"

	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/proof/prooftest"
)

var exhaustive = flag.Bool("exhaustive", false, "try all 255 other values of every byte of an export")

// TestEveryByteCounts changes, removes, adds and swaps every byte of an export.
func TestEveryByteCounts(t *testing.T) {
	for _, name := range kept {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyByteCounts(t, keptFile(t, name))
		})
	}
}

func everyByteCounts(t *testing.T, file []byte) {
	refuse := func(what string, at int, changed []byte) {
		if bytes.Equal(changed, file) {
			return // the same as without the byte before, or with it twice
		}
		if _, err := verify(changed, audit.VerifyOptions{}); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("byte %d %s: %v, want ErrInvalid", at, what, err)
		}
	}
	for at, was := range file {
		// The next three letters stand for the same bytes where base64 leaves bits
		// over.
		values := []byte{'\n', ' ', '=', 0, was + 1, was + 2, was + 3}
		for bit := range 8 {
			values = append(values, was^1<<bit)
		}
		if *exhaustive {
			values = values[:0]
			for v := range 256 {
				values = append(values, byte(v))
			}
		}
		for _, v := range values {
			changed := bytes.Clone(file)
			changed[at] = v
			refuse("changed", at, changed)
		}
		refuse("removed", at, slices.Delete(bytes.Clone(file), at, at+1))
		for _, v := range []byte{'\n', ' ', '=', was} {
			refuse("added before", at, slices.Insert(bytes.Clone(file), at, v))
		}
		if at > 0 {
			changed := bytes.Clone(file)
			changed[at], changed[at-1] = changed[at-1], changed[at]
			refuse("swapped with the one before", at, changed)
		}
		refuse("and all after it cut off", at, file[:at])
	}
	for what, changed := range map[string][]byte{
		"with a line more":                     append(bytes.Clone(file), '\n'),
		"twice":                                slices.Concat(file, file),
		"with line ends of another system":     bytes.ReplaceAll(file, []byte("\n"), []byte("\r\n")),
		"with a byte order mark":               append([]byte("\xef\xbb\xbf"), file...),
		"with the letters of the other base64": []byte(strings.NewReplacer("+", "-", "/", "_").Replace(string(file))),
		"with padding, or without":             otherwisePadded(file),
		"of a version to come":                 bytes.Replace(file, []byte("log v"), []byte("log v1"), 1),
		"as the other version": bytes.Replace(bytes.Replace(bytes.Replace(file, []byte("log v1"), []byte("log v0"), 1),
			[]byte("log v2"), []byte("log v1"), 1), []byte("log v0"), []byte("log v2"), 1),
	} {
		refuse(what, len(file), changed)
	}
}

// otherwisePadded gives base64 of every line of leaves the padding that it lacks, or
// takes it away.
func otherwisePadded(file []byte) []byte {
	lines := strings.Split(string(file), "\n")
	for i, line := range lines[8:] {
		if trimmed := strings.TrimRight(line, "="); trimmed != line {
			lines[8+i] = trimmed
		} else if !strings.Contains(line, " ") && len(line)%4 > 1 && len(line) > 80 {
			lines[8+i] += "==="[:4-len(line)%4]
		}
	}
	return []byte(strings.Join(lines, "\n"))
}

// TestPartsOfAnExport moves whole lines about, which leaves each line as it was, and
// writes counts and proofs that are well formed and wrong.
func TestPartsOfAnExport(t *testing.T) {
	signer, other := prooftest.NewSigner(t), prooftest.NewSigner(t)
	log := prooftest.New(evening)
	for n := range 3 {
		c := log.Case(prooftest.Pseudonym(n))
		c.Consent()
		c.Check()
		log.Read(c.Pseudonym)
		c.Disclose()
	}
	lines := strings.SplitAfter(string(signer.Export(t, log.Leaves)), "\n")
	leaf := slices.Index(lines, "leaves 15\n") + 1
	counts := slices.Index(lines, "counts\n")
	proofs := slices.Index(lines, "proofs 9\n") + 1
	strange := strings.SplitAfter(string(other.Export(t, log.Leaves[1:])), "\n")
	for _, c := range []struct {
		name string
		edit func(l []string) []string
	}{
		{"a leaf removed", func(l []string) []string { return slices.Delete(l, leaf+2, leaf+3) }},
		{"a leaf removed and counted", func(l []string) []string {
			l[leaf-1], l[counts+1] = "leaves 14\n", "leaves 14\n"
			return slices.Delete(l, leaf+3, leaf+4) // one that was only read
		}},
		{"two leaves swapped", func(l []string) []string { l[leaf], l[leaf+1] = l[leaf+1], l[leaf]; return l }},
		{"a leaf doubled", func(l []string) []string { return slices.Insert(l, leaf, l[leaf]) }},
		{"one leaf in place of another", func(l []string) []string { l[leaf+3] = l[leaf+8]; return l }},
		{"a leaf that is too long", func(l []string) []string {
			l[leaf] = base64.RawStdEncoding.EncodeToString(make([]byte, 1<<20)) + "\n"
			return l
		}},
		{"an entry too few", func(l []string) []string { return replace(l, "facts 9", "facts 8") }},
		{"a consent that is a withdrawal", func(l []string) []string {
			return replace(replace(l, "consents 3", "consents 2"), "withdrawals 0", "withdrawals 1")
		}},
		{"a disclosure on another track", func(l []string) []string {
			return replace(replace(l, "disclosures-ordinary 3", "disclosures-ordinary 2"), "disclosures-listed 0", "disclosures-listed 1")
		}},
		{"a ledger too many", func(l []string) []string { return replace(l, "ledgers 3", "ledgers 4") }},
		{"a count left out", func(l []string) []string { return slices.Delete(l, counts+2, counts+3) }},
		{"two counts swapped", func(l []string) []string { l[counts+2], l[counts+3] = l[counts+3], l[counts+2]; return l }},
		{"counts that nobody knows", func(l []string) []string { return slices.Insert(l, proofs-1, "others 1\n") }},
		{"no counts at all", func(l []string) []string { return slices.Delete(l, counts, proofs-1) }},
		{"a proof removed", func(l []string) []string { return slices.Delete(l, proofs, proofs+1) }},
		{"a proof removed and counted", func(l []string) []string {
			l[proofs-1] = "proofs 8\n"
			return slices.Delete(l, proofs, proofs+1)
		}},
		{"a proof of a leaf that has no entry, and counted", func(l []string) []string {
			l[proofs-1] = "proofs 10\n"
			return slices.Insert(l, proofs, "0"+l[proofs][1:])
		}},
		{"two proofs swapped", func(l []string) []string { l[proofs], l[proofs+1] = l[proofs+1], l[proofs]; return l }},
		{"the paths of two proofs swapped", func(l []string) []string {
			l[proofs], l[proofs+1] = l[proofs][:1]+l[proofs+1][1:], l[proofs+1][:1]+l[proofs][1:]
			return l
		}},
		{"a proof that leads to another root", func(l []string) []string {
			l[proofs] = l[proofs][:1] + strange[len(strange)-3][2:]
			return l
		}},
		{"a proof that goes on", func(l []string) []string {
			l[proofs] = strings.TrimSuffix(l[proofs], "\n") + " " + strings.Repeat("A", 43) + "\n"
			return l
		}},
		{"a proof that ends early", func(l []string) []string { l[proofs] = l[proofs][:len(l[proofs])-45] + "\n"; return l }},
		{"no proofs at all", func(l []string) []string { return slices.Delete(l, proofs-1, proofs+9) }},
		{"proofs before counts", func(l []string) []string {
			return slices.Concat(l[:counts], l[proofs-1:proofs+9], l[counts:proofs-1], l[proofs+9:])
		}},
	} {
		if _, err := verify([]byte(strings.Join(lines, "")), audit.VerifyOptions{LogKey: signer.Key}); err != nil {
			t.Fatal(err)
		}
		changed := strings.Join(c.edit(slices.Clone(lines)), "")
		if _, err := verify([]byte(changed), audit.VerifyOptions{}); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", c.name, err)
		}
	}
}

func replace(lines []string, line, with string) []string {
	lines[slices.Index(lines, line+"\n")] = with + "\n"
	return lines
}
