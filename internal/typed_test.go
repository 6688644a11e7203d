package internal_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// typedPackage is a package of this module, without its tests, with its types.
type typedPackage struct {
	name  string
	files []*ast.File
	info  *types.Info
}

// typedModule is what the tests that need types look at.
type typedModule struct {
	packages []typedPackage
	message  *types.Interface // protoreflect.ProtoMessage
}

// listed is what the go command says about a package; Export is the file with the
// types that it exports.
type listed struct {
	ImportPath string
	Export     string
	Dir        string
	GoFiles    []string
	Module     *struct{ Main bool }
}

// typed type-checks the module's hand-written packages against the types that the
// go command has compiled already, which costs far less than checking everything
// from source.
var typed = sync.OnceValues(func() (typedModule, error) {
	all, err := listPackages()
	if err != nil {
		return typedModule{}, err
	}
	exports := map[string]string{}
	for _, p := range all {
		exports[p.ImportPath] = p.Export
	}
	compiled := importer.ForCompiler(positions, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("find the types of %s", path)
		}
		return os.Open(exports[path])
	})
	reflection, err := compiled.Import("google.golang.org/protobuf/reflect/protoreflect")
	if err != nil {
		return typedModule{}, err
	}
	message, ok := reflection.Scope().Lookup("ProtoMessage").Type().Underlying().(*types.Interface)
	if !ok {
		return typedModule{}, errors.New("find protoreflect.ProtoMessage: it is no interface")
	}
	module := typedModule{message: message}
	for _, p := range all {
		if p.Module == nil || !p.Module.Main {
			continue
		}
		checked, err := checkTypesOf(p, compiled)
		if err != nil {
			return typedModule{}, err
		}
		module.packages = append(module.packages, checked)
	}
	return module, nil
})

func listPackages() ([]listed, error) {
	command := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Export,Dir,GoFiles,Module", "./...")
	command.Dir = root
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	var all []listed
	decoder := json.NewDecoder(output)
	for {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, errors.Join(err, command.Wait())
		}
		all = append(all, p)
	}
	return all, command.Wait()
}

func checkTypesOf(p listed, compiled types.Importer) (typedPackage, error) {
	checked := typedPackage{name: packageName(p.ImportPath), info: &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{},
		Uses:  map[*ast.Ident]types.Object{},
	}}
	var all []*ast.File
	for _, name := range p.GoFiles {
		path, err := filepath.Rel(mustAbs(root), filepath.Join(p.Dir, name))
		if err != nil {
			return typedPackage{}, err
		}
		file, err := parseFile(filepath.Join(root, path))
		if err != nil {
			return typedPackage{}, err
		}
		all = append(all, file.syntax)
		if !file.generated {
			checked.files = append(checked.files, file.syntax)
		}
	}
	if len(checked.files) == 0 {
		return checked, nil
	}
	config := types.Config{Importer: compiled}
	_, err := config.Check(p.ImportPath, positions, all, checked.info)
	return checked, err
}

func mustAbs(path string) string {
	absolute, err := filepath.Abs(path)
	if err != nil {
		panic(err)
	}
	return absolute
}

// inspectTyped calls visit for every node of every hand-written file.
func inspectTyped(t *testing.T, visit func(m typedModule, p typedPackage, node ast.Node)) {
	t.Helper()
	module, err := typed()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range module.packages {
		for _, file := range p.files {
			ast.Inspect(file, func(node ast.Node) bool {
				visit(module, p, node)
				return true
			})
		}
	}
}
