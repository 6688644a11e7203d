// Package texts holds what an operator reads aloud or sends to a defender, a
// relative, a child or a partner, word for word: before a consent, when something
// was received, and when a request cannot be met. A consent that is recorded names
// the text that the person was told, by id, version, language and hash.
//
// Find gives one text, All lists them, Languages says in which an id can be read.
// The words lie in bodies/, one file for each text, version and language, named
// ID.VERSION.LANGUAGE.txt. What has been released never changes, since somebody has
// consented to it: a correction is a new version, in every language, and
// testdata/released.txt lists what there is.
//
// No text names an organisation, a person, a recipient or a date: whoever listens in
// must not hear the first, and the operator says the others. The package does not
// record who was told what, nor choose a text for a case.
package texts

import (
	"cmp"
	"crypto/sha256"
	"embed"
	"slices"
	"strconv"
	"strings"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// Text is one version of a text in one language.
type Text struct {
	ID       string // the same in each language
	Kind     amparov1.TextKind
	Version  uint32            // from 1
	Language string            // BCP 47
	Body     string            // the bytes of the file, its last line break too
	Hash     [sha256.Size]byte // SHA-256 of Body
	// Explains is why a request is not met, for a refusal.
	Explains amparov1.TriageReason
}

// In reports whether the text is in a language, or in the one that this is a form
// of: whoever speaks fr-CI is read the French.
func (t Text) In(language string) bool {
	language, _, _ = strings.Cut(language, "-")
	return t.Language == language
}

//go:embed bodies/*.txt
var bodies embed.FS

// kinds tell the kind of a text by how its id begins.
var kinds = []struct {
	prefix string
	kind   amparov1.TextKind
}{
	{"consent-", amparov1.TextKind_TEXT_KIND_CONSENT},
	{"withdrawal", amparov1.TextKind_TEXT_KIND_WITHDRAWAL},
	{"ack-", amparov1.TextKind_TEXT_KIND_ACKNOWLEDGEMENT},
	{"refusal-", amparov1.TextKind_TEXT_KIND_REFUSAL},
}

// explained are the refusals with the reason of a triage that each is for. That the
// person does not wish it any more is no refusal, and another reason has words of
// its own.
var explained = map[string]amparov1.TriageReason{
	"refusal-outside-mandate":       amparov1.TriageReason_TRIAGE_REASON_OUTSIDE_MANDATE,
	"refusal-no-link":               amparov1.TriageReason_TRIAGE_REASON_NO_LINK_TO_RIGHTS_WORK,
	"refusal-not-eligible":          amparov1.TriageReason_TRIAGE_REASON_NOT_ELIGIBLE,
	"refusal-no-means":              amparov1.TriageReason_TRIAGE_REASON_NO_MEANS,
	"refusal-helped-by-others":      amparov1.TriageReason_TRIAGE_REASON_HELPED_BY_OTHERS,
	"refusal-partner-better-placed": amparov1.TriageReason_TRIAGE_REASON_PARTNER_BETTER_PLACED,
	"refusal-resettlement-stream":   amparov1.TriageReason_TRIAGE_REASON_RESETTLEMENT_STREAM,
	"refusal-not-verifiable":        amparov1.TriageReason_TRIAGE_REASON_NOT_VERIFIABLE,
}

// all are the texts by kind, id, version and language.
var all = load()

// load reads what is embedded. A file whose name says no text is left out, and the
// list of the released ones shows it.
func load() []Text {
	const folder = "bodies"
	var found []Text
	entries, _ := bodies.ReadDir(folder) // what was embedded can be read
	for _, entry := range entries {
		body, _ := bodies.ReadFile(folder + "/" + entry.Name())
		if t, ok := named(entry.Name()); ok {
			t.Body, t.Hash = string(body), sha256.Sum256(body)
			found = append(found, t)
		}
	}
	order(found)
	return found
}

func order(list []Text) {
	slices.SortFunc(list, func(a, b Text) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Language, b.Language))
	})
}

// named reads ID.VERSION.LANGUAGE.txt.
func named(file string) (Text, bool) {
	parts := strings.Split(file, ".")
	if len(parts) != 4 {
		return Text{}, false
	}
	version, err := strconv.ParseUint(parts[1], 10, 32)
	t := Text{ID: parts[0], Version: uint32(version), Language: parts[2], Explains: explained[parts[0]]}
	for _, k := range kinds {
		if strings.HasPrefix(t.ID, k.prefix) {
			t.Kind = k.kind
		}
	}
	return t, err == nil && version > 0 && t.Kind != amparov1.TextKind_TEXT_KIND_UNSPECIFIED
}

// All returns the texts, each version in each language, by kind and id.
func All() []Text { return slices.Clone(all) }

// Find returns a version of a text in a language, and whether there is one. Version 0
// is the newest in that language.
func Find(id string, version uint32, language string) (Text, bool) {
	return find(all, id, version, language)
}

func find(ordered []Text, id string, version uint32, language string) (Text, bool) {
	var found Text
	for _, t := range ordered {
		if t.ID == id && t.In(language) && (version == 0 || version == t.Version) {
			found = t // versions rise
		}
	}
	return found, found.Version > 0
}

// Languages returns the languages in which some version of a text can be read, in
// the order of their codes; none for an id that there is not.
func Languages(id string) []string {
	var languages []string
	for _, t := range all {
		if t.ID == id && !slices.Contains(languages, t.Language) {
			languages = append(languages, t.Language)
		}
	}
	slices.Sort(languages)
	return languages
}
