package internal_test

import (
	"go/ast"
	"go/types"
	"slices"
	"testing"
)

// printers are the packages whose calls turn their arguments into text.
var printers = []string{"fmt", "log", "log/slog", "errors", "github.com/rs/zerolog", "github.com/rs/zerolog/log"}

// TestNoMessageIsPrinted keeps messages out of text: Go prints every field of one,
// those marked debug_redact too, so a single %v in an error may put a name and a
// place into a log. A field that may be shown is passed by itself. What hides
// behind an interface cannot be seen here; the canary tests look for that.
func TestNoMessageIsPrinted(t *testing.T) {
	inspectTyped(t, func(module typedModule, p typedPackage, node ast.Node) {
		call, ok := node.(*ast.CallExpr)
		if !ok {
			return
		}
		selector, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
		if !ok {
			return
		}
		if selector.Sel.Name == "String" && module.holdsMessage(p.info.TypeOf(selector.X)) {
			t.Errorf("%s: prints a message by its String method", at(call))
		}
		printer := printerOf(p.info.Uses[selector.Sel])
		if printer == "" {
			return
		}
		if printer == "github.com/rs/zerolog" && slices.Contains([]string{"Interface", "Any"}, selector.Sel.Name) {
			t.Errorf("%s: logs whatever it is handed: name the field's type", at(call))
		}
		for _, argument := range call.Args {
			if module.holdsMessage(p.info.TypeOf(argument)) {
				t.Errorf("%s: hands a message to %s.%s", at(argument), printer, selector.Sel.Name)
			}
		}
	})
}

func printerOf(called types.Object) string {
	function, ok := called.(*types.Func)
	if !ok || function.Pkg() == nil || !slices.Contains(printers, function.Pkg().Path()) {
		return ""
	}
	return function.Pkg().Path()
}

// holdsMessage tells whether printing a value of a type would print a message.
func (m typedModule) holdsMessage(t types.Type) bool {
	return m.holds(t, map[types.Type]bool{})
}

func (m typedModule) holds(t types.Type, seen map[types.Type]bool) bool {
	if t == nil || seen[t] {
		return false
	}
	seen[t] = true
	if types.Implements(t, m.message) || types.Implements(types.NewPointer(t), m.message) {
		return true
	}
	switch under := t.Underlying().(type) {
	case *types.Pointer:
		return m.holds(under.Elem(), seen)
	case *types.Slice:
		return m.holds(under.Elem(), seen)
	case *types.Array:
		return m.holds(under.Elem(), seen)
	case *types.Map:
		return m.holds(under.Key(), seen) || m.holds(under.Elem(), seen)
	case *types.Struct:
		for field := range under.Fields() {
			if m.holds(field.Type(), seen) {
				return true
			}
		}
	}
	return false
}

// TestOnlyAccessMakesPermits keeps the proof that access was checked in the hands
// of the package that checks it. The zero values that Go lets anyone declare are
// refused when they are used.
func TestOnlyAccessMakesPermits(t *testing.T) {
	inspectTyped(t, func(_ typedModule, p typedPackage, node ast.Node) {
		if p.name == "access" {
			return
		}
		switch node := node.(type) {
		case *ast.CompositeLit:
			if isPermit(p.info.TypeOf(node)) {
				t.Errorf("%s: makes a permit by hand", at(node))
			}
		case *ast.CallExpr:
			name, ok := ast.Unparen(node.Fun).(*ast.Ident)
			if ok && p.info.Uses[name] == types.Universe.Lookup("new") && isPermit(p.info.TypeOf(node.Args[0])) {
				t.Errorf("%s: makes a permit by hand", at(node))
			}
		}
	})
}

func isPermit(t types.Type) bool {
	if t == nil {
		return false
	}
	named, ok := types.Unalias(t).(*types.Named)
	if !ok {
		if pointer, isPointer := types.Unalias(t).(*types.Pointer); isPointer {
			return isPermit(pointer.Elem())
		}
		return false
	}
	object := named.Obj()
	return object.Pkg() != nil && packageName(object.Pkg().Path()) == "access" &&
		(object.Name() == "Grant" || object.Name() == "Permit")
}
