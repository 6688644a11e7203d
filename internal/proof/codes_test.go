package proof_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEveryCodeIsDocumented: an auditor who reads a code finds it on the page, and the
// page explains none that is never said.
func TestEveryCodeIsDocumented(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "audit-export.md"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]bool{}
	for _, name := range files {
		code, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, found := range regexp.MustCompile(`"([A-Z]+(?:_[A-Z]+)*)"`).FindAllStringSubmatch(string(code), -1) {
			said[found[1]] = true
		}
	}
	delete(said, "UNSPECIFIED") // the end of a name of an enum
	explained := map[string]bool{}
	for _, found := range regexp.MustCompile("`([A-Z]+(?:_[A-Z]+)*)`").FindAllStringSubmatch(string(page), -1) {
		explained[found[1]] = true
	}
	for code := range said {
		if !explained[code] {
			t.Errorf("the page does not explain %s", code)
		}
	}
	for code := range explained {
		if !said[code] {
			t.Errorf("the page explains %s, which is never said", code)
		}
	}
	if len(said) < 30 {
		t.Errorf("only %d codes were found", len(said))
	}
}
