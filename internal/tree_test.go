package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const modulePath = "github.com/amparo-project/amparo"

// root is the module's folder, seen from the folder that these tests run in.
const root = ".."

// sourceFile is one parsed file of the module.
type sourceFile struct {
	path      string // relative to the module's folder, with slashes
	syntax    *ast.File
	lines     int
	test      bool
	generated bool
}

// sourcePackage is the files of one folder, tests included.
type sourcePackage struct {
	name  string // as the tables write it: without "internal/"
	files []sourceFile
}

// code returns what ships and was written by hand.
func (p sourcePackage) code() []sourceFile {
	return slices.DeleteFunc(slices.Clone(p.files), func(f sourceFile) bool { return f.test || f.generated })
}

var positions = token.NewFileSet()

// parsedTree is every package of the module, by name, parsed once for all tests.
// Modules inside the module (tools, and test beds with heavy requirements) are
// houses of their own.
var parsedTree = sync.OnceValues(func() (map[string]sourcePackage, error) {
	tree := map[string]sourcePackage{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return skipFolder(path, entry.Name())
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		file, err := parseFile(path)
		if err != nil {
			return err
		}
		name := packageName(filepath.ToSlash(filepath.Dir(file.path)))
		p := tree[name]
		p.name = name
		p.files = append(p.files, file)
		tree[name] = p
		return nil
	})
	return tree, err
})

func skipFolder(path, name string) error {
	if path == root {
		return nil
	}
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" {
		return filepath.SkipDir
	}
	if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
		return filepath.SkipDir
	}
	return nil
}

func parseFile(path string) (sourceFile, error) {
	syntax, err := parser.ParseFile(positions, path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return sourceFile{}, err
	}
	relative, err := filepath.Rel(root, path)
	if err != nil {
		return sourceFile{}, err
	}
	return sourceFile{
		path:      filepath.ToSlash(relative),
		syntax:    syntax,
		lines:     positions.File(syntax.FileStart).LineCount(),
		test:      strings.HasSuffix(path, "_test.go"),
		generated: ast.IsGenerated(syntax),
	}, nil
}

// packageName is the name under which the tables know an import path or a folder.
func packageName(path string) string {
	path = strings.TrimPrefix(path, modulePath+"/")
	return strings.TrimPrefix(path, "internal/")
}

// packages returns the module's packages in the order of their names.
func packages(t *testing.T) []sourcePackage {
	t.Helper()
	tree, err := parsedTree()
	if err != nil {
		t.Fatal(err)
	}
	var sorted []sourcePackage
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		sorted = append(sorted, tree[name])
	}
	if len(sorted) == 0 {
		t.Fatal("no package found: these tests must run in the module's internal folder")
	}
	return sorted
}

// imports returns the paths that a file imports.
func (f sourceFile) imports() []string {
	var paths []string
	for _, spec := range f.syntax.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err == nil {
			paths = append(paths, path)
		}
	}
	return paths
}

// importedAs returns the name under which a file knows an import path, or "".
func (f sourceFile) importedAs(path string) string {
	for _, spec := range f.syntax.Imports {
		if spec.Path.Value != strconv.Quote(path) {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path[strings.LastIndex(path, "/")+1:]
	}
	return ""
}

// at returns the place of a node, for a message.
func at(node ast.Node) string {
	p := positions.Position(node.Pos())
	return strings.TrimPrefix(filepath.ToSlash(p.Filename), root+"/") + ":" + strconv.Itoa(p.Line)
}
