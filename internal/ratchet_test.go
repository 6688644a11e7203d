package internal_test

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// The sizes past which a reader loses the thread. Generated code is not counted,
// and of test code only the length of a file.
const (
	maxFileLines        = 400
	maxFunctionLines    = 60
	maxExports          = 20 // functions, types, constants and variables of a package
	maxStructFields     = 25
	maxInterfaceMethods = 5
	maxMainLines        = 20
)

// exempt is what is larger all the same, with its size and why that is right. It
// may only shrink: a size that has fallen must be lowered here, and a thing that
// has come under its limit must be taken out.
var exempt = []exemption{}

type exemption struct {
	what   string // as the complaint names it
	size   int
	reason string
}

// TestSizes compares every measured size with its limit.
func TestSizes(t *testing.T) {
	used := map[string]bool{}
	check := func(what string, size, limit int) {
		i := slices.IndexFunc(exempt, func(e exemption) bool { return e.what == what })
		if i < 0 {
			if size > limit {
				t.Errorf("%s: %d, at most %d", what, size, limit)
			}
			return
		}
		used[what] = true
		switch allowed := exempt[i].size; {
		case size <= limit:
			t.Errorf("%s: %d is within the limit of %d: take its exemption out", what, size, limit)
		case size < allowed:
			t.Errorf("%s: %d, exempt up to %d: lower the exemption", what, size, allowed)
		case size > allowed:
			t.Errorf("%s: %d, exempt up to %d only", what, size, allowed)
		}
	}
	for _, p := range packages(t) {
		checkPackage(p, check)
	}
	for _, e := range exempt {
		if !used[e.what] {
			t.Errorf("%s: exempt, but there is no such thing", e.what)
		}
		if e.reason == "" {
			t.Errorf("%s: exempt without a reason", e.what)
		}
	}
}

func checkPackage(p sourcePackage, check func(what string, size, limit int)) {
	exports := 0
	for _, file := range p.files {
		if !file.generated {
			check("lines of "+file.path, file.lines, maxFileLines)
		}
	}
	for _, file := range p.code() {
		for _, declaration := range file.syntax.Decls {
			exports += countExports(declaration)
			if function, ok := declaration.(*ast.FuncDecl); ok {
				limit := maxFunctionLines
				if file.syntax.Name.Name == "main" && functionName(function) == "main" {
					limit = maxMainLines
				}
				check("lines of "+p.name+"."+functionName(function), lineSpan(function), limit)
			}
		}
		checkTypes(p.name, file, check)
	}
	check("exports of "+p.name, exports, maxExports)
}

func checkTypes(pkg string, file sourceFile, check func(what string, size, limit int)) {
	ast.Inspect(file.syntax, func(node ast.Node) bool {
		spec, ok := node.(*ast.TypeSpec)
		if !ok {
			return true
		}
		switch body := spec.Type.(type) {
		case *ast.StructType:
			check("fields of "+pkg+"."+spec.Name.Name, body.Fields.NumFields(), maxStructFields)
		case *ast.InterfaceType:
			check("methods of "+pkg+"."+spec.Name.Name, body.Methods.NumFields(), maxInterfaceMethods)
		}
		return true
	})
}

// functionName is Name, or Type.Name for a method.
func functionName(f *ast.FuncDecl) string {
	if receiver := receiverName(f); receiver != "" {
		return receiver + "." + f.Name.Name
	}
	return f.Name.Name
}

func receiverName(f *ast.FuncDecl) string {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return ""
	}
	expression := f.Recv.List[0].Type
	for {
		switch e := expression.(type) {
		case *ast.StarExpr:
			expression = e.X
		case *ast.IndexExpr:
			expression = e.X
		case *ast.IndexListExpr:
			expression = e.X
		case *ast.Ident:
			return e.Name
		default:
			return fmt.Sprintf("%T", e)
		}
	}
}

func lineSpan(node ast.Node) int {
	return positions.Position(node.End()).Line - positions.Position(node.Pos()).Line + 1
}

func countExports(declaration ast.Decl) int {
	switch d := declaration.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil && d.Name.IsExported() {
			return 1
		}
	case *ast.GenDecl:
		n := 0
		for _, spec := range d.Specs {
			for _, name := range declaredNames(spec) {
				if name.IsExported() {
					n++
				}
			}
		}
		return n
	}
	return 0
}

func declaredNames(spec ast.Spec) []*ast.Ident {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		return []*ast.Ident{s.Name}
	case *ast.ValueSpec:
		return s.Names
	}
	return nil
}

// TestPackageComments asks for exactly one comment on each package, in the file
// where a reader would look for it.
func TestPackageComments(t *testing.T) {
	for _, p := range packages(t) {
		var commented []string
		for _, file := range p.code() {
			if file.syntax.Doc != nil {
				commented = append(commented, file.path)
			}
		}
		switch {
		case len(p.code()) == 0:
		case len(commented) == 0:
			t.Errorf("package %s has no comment: what is it for, what is called first, what does it leave out?", p.name)
		case len(commented) > 1:
			t.Errorf("package %s has a comment in each of %s", p.name, strings.Join(commented, ", "))
		}
	}
}

// TestDocumentedExports asks for a comment on every exported name: functions,
// types, methods of exported types and of interfaces, and constants and variables,
// where the comment of their group will do. For fields that of their struct will,
// and what Error and Unwrap do is said by package errors.
func TestDocumentedExports(t *testing.T) {
	for _, p := range packages(t) {
		for _, file := range p.code() {
			if file.syntax.Name.Name == "main" {
				continue
			}
			for _, declaration := range file.syntax.Decls {
				for _, name := range undocumented(declaration) {
					t.Errorf("%s: %s has no comment", at(name), name.Name)
				}
			}
		}
	}
}

func undocumented(declaration ast.Decl) []*ast.Ident {
	switch d := declaration.(type) {
	case *ast.FuncDecl:
		receiver := receiverName(d)
		if receiver != "" && (d.Name.Name == "Error" || d.Name.Name == "Unwrap") {
			return nil
		}
		if d.Doc == nil && d.Name.IsExported() && (receiver == "" || ast.IsExported(receiver)) {
			return []*ast.Ident{d.Name}
		}
	case *ast.GenDecl:
		var bare []*ast.Ident
		for _, spec := range d.Specs {
			bare = append(bare, undocumentedSpec(d, spec)...)
		}
		return bare
	}
	return nil
}

func undocumentedSpec(d *ast.GenDecl, spec ast.Spec) []*ast.Ident {
	var bare []*ast.Ident
	switch s := spec.(type) {
	case *ast.ValueSpec:
		if d.Doc != nil || s.Doc != nil || s.Comment != nil {
			return nil
		}
		bare = s.Names
	case *ast.TypeSpec:
		if s.Doc == nil && (d.Doc == nil || d.Lparen.IsValid()) {
			bare = append(bare, s.Name)
		}
		if contract, ok := s.Type.(*ast.InterfaceType); ok && s.Name.IsExported() {
			bare = append(bare, undocumentedMethods(contract)...)
		}
	}
	return slices.DeleteFunc(slices.Clone(bare), func(name *ast.Ident) bool { return !name.IsExported() })
}

func undocumentedMethods(contract *ast.InterfaceType) []*ast.Ident {
	var bare []*ast.Ident
	for _, method := range contract.Methods.List {
		if method.Doc == nil && method.Comment == nil {
			bare = append(bare, method.Names...)
		}
	}
	return bare
}
