package policy

import (
	"cmp"
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// Differences returns the values in which two policies differ, in the order of the
// first, and then what only the second has. Terms and approvals go by their names,
// so that moving one is no difference.
func Differences(before, after *amparov1.Policy) []*amparov1.PolicyDifference {
	was, is := &listing{}, &listing{}
	was.message(before.ProtoReflect(), "")
	is.message(after.ProtoReflect(), "")
	var all []*amparov1.PolicyDifference
	for _, path := range append(was.paths, is.paths...) {
		old, now := was.values[path], is.values[path]
		if old != now {
			all = append(all, &amparov1.PolicyDifference{Path: path, Before: old, After: now})
		}
		delete(was.values, path)
		delete(is.values, path)
	}
	return all
}

// listing is a policy as a list of values, each with the path at which it stands.
type listing struct {
	paths  []string
	values map[string]string
}

func (l *listing) message(message protoreflect.Message, path string) {
	fields := message.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if !message.Has(field) {
			continue
		}
		at, value := joined(path, string(field.Name())), message.Get(field)
		switch {
		case field.IsList() && field.Message() != nil:
			for i := range value.List().Len() {
				item := value.List().Get(i).Message()
				l.message(item, joined(at, name(item)))
			}
		case field.IsList():
			var texts []string
			for i := range value.List().Len() {
				texts = append(texts, text(field, value.List().Get(i)))
			}
			l.add(at, strings.Join(texts, ", "))
		case field.Message() != nil:
			l.message(value.Message(), at)
		default:
			l.add(at, text(field, value))
		}
	}
}

func (l *listing) add(path, value string) {
	if l.values == nil {
		l.values = map[string]string{}
	}
	l.paths = append(l.paths, path)
	l.values[path] = value
}

// name is what tells one item of a list from the others: its kind or its gate; of
// children the country and the age from which a row holds.
func name(item protoreflect.Message) string {
	if row, ok := item.Interface().(*amparov1.ChildPolicy); ok {
		return fmt.Sprintf("%s.from_%d", cmp.Or(row.GetCountry(), anyCountry), row.GetFromAge())
	}
	first := item.Descriptor().Fields().ByNumber(1)
	return text(first, item.Get(first))
}

func text(field protoreflect.FieldDescriptor, value protoreflect.Value) string {
	if field.Enum() == nil {
		return value.String()
	}
	prefix := strings.TrimSuffix(string(field.Enum().Values().ByNumber(0).Name()), "UNSPECIFIED")
	if known := field.Enum().Values().ByNumber(value.Enum()); known != nil {
		return strings.ToLower(strings.TrimPrefix(string(known.Name()), prefix))
	}
	return value.String()
}

func joined(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// fill copies from another policy the sections that a policy lacks, and the items of
// lists that it says nothing of. The ages of children are one table: a mechanism that
// has drawn its own lines is not given others between them.
func fill(into, from protoreflect.Message) {
	from.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.Message() == nil:
		case field.Message().Name() == "ChildPolicy":
			if !into.Has(field) {
				into.Set(field, value)
			}
		case field.IsList():
			complete(into.Mutable(field).List(), value.List())
		case !into.Has(field):
			into.Set(field, value)
		default:
			fill(into.Mutable(field).Message(), value.Message())
		}
		return true
	})
}

// complete appends the items whose names a list does not have.
func complete(into, from protoreflect.List) {
	has := map[string]bool{}
	for i := range into.Len() {
		has[name(into.Get(i).Message())] = true
	}
	for i := range from.Len() {
		if item := from.Get(i); !has[name(item.Message())] {
			into.Append(item)
		}
	}
}
