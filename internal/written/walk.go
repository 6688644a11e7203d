package written

import (
	"fmt"
	"regexp"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const timestampName = "google.protobuf.Timestamp"

// walk carries a document over into a message and gathers what is wrong with it.
// It follows the message's type, which nests only so deep, never the document.
type walk struct {
	faults Faults
}

func (w *walk) fault(node *yaml.Node, path, rule string) {
	if len(w.faults) < maxFaults {
		w.faults = append(w.faults, Fault{Path: path, Line: node.Line, Rule: rule})
	}
}

// plain refuses anchors and aliases: a request has no use for them, and nested
// they make a small file a huge one.
func (w *walk) plain(node *yaml.Node, path string) bool {
	if node.Kind == yaml.AliasNode || node.Anchor != "" {
		w.fault(node, path, "anchors and aliases are not taken")
		return false
	}
	return true
}

func isNull(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null"
}

func (w *walk) message(node *yaml.Node, message protoreflect.Message, path string) {
	if !w.plain(node, path) {
		return
	}
	if node.Kind != yaml.MappingNode {
		w.fault(node, path, "must be a group of fields, each as name: value")
		return
	}
	seen := map[protoreflect.FieldNumber]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if !w.plain(key, path) {
			continue
		}
		field := fieldByName(message.Descriptor(), key)
		if field == nil {
			w.unknown(key, message.Descriptor(), path)
			continue
		}
		at := join(path, string(field.Name()))
		if seen[field.Number()] {
			w.fault(key, at, "is given twice")
			continue
		}
		seen[field.Number()] = true
		if other := otherChoice(message, field); other != nil && !isNull(value) {
			w.fault(key, at, "cannot stand beside "+string(other.Name()))
			continue
		}
		w.field(value, message, field, at)
	}
}

// otherChoice returns the field of the same oneof that is set already, if any.
func otherChoice(message protoreflect.Message, field protoreflect.FieldDescriptor) protoreflect.FieldDescriptor {
	choice := field.ContainingOneof()
	if choice == nil || choice.IsSynthetic() {
		return nil
	}
	return message.WhichOneof(choice)
}

func (w *walk) field(node *yaml.Node, message protoreflect.Message, field protoreflect.FieldDescriptor, path string) {
	if !w.plain(node, path) || isNull(node) {
		return // a name without a value means the same as no name
	}
	if field.IsMap() {
		w.fault(node, path, "cannot be given in a file")
		return
	}
	if !field.IsList() {
		if value, ok := w.value(node, message.NewField(field), field, path); ok {
			message.Set(field, value)
		}
		return
	}
	if node.Kind != yaml.SequenceNode {
		w.fault(node, path, "must be a list, as [one, another]")
		return
	}
	list := message.Mutable(field).List()
	for i, item := range node.Content {
		at := fmt.Sprintf("%s[%d]", path, i)
		if !w.plain(item, at) {
			continue
		}
		if isNull(item) {
			w.fault(item, at, "is empty")
			continue
		}
		var empty protoreflect.Value
		if field.Message() != nil {
			empty = list.NewElement()
		}
		if value, ok := w.value(item, empty, field, at); ok {
			list.Append(value)
		}
	}
}

// value reads one value; empty is a new message of the field's type, where it is
// a message.
func (w *walk) value(node *yaml.Node, empty protoreflect.Value, field protoreflect.FieldDescriptor, path string) (protoreflect.Value, bool) {
	if field.Message() != nil && field.Message().FullName() != timestampName {
		w.message(node, empty.Message(), path)
		return empty, true
	}
	if node.Kind != yaml.ScalarNode {
		w.fault(node, path, "must be a single value")
		return protoreflect.Value{}, false
	}
	value, rule := scalar(node, empty, field)
	if rule != "" {
		w.fault(node, path, rule)
	}
	return value, rule == ""
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func fieldByName(descriptor protoreflect.MessageDescriptor, key *yaml.Node) protoreflect.FieldDescriptor {
	if key.Kind != yaml.ScalarNode {
		return nil
	}
	if field := descriptor.Fields().ByName(protoreflect.Name(key.Value)); field != nil {
		return field
	}
	return descriptor.Fields().ByJSONName(key.Value)
}

// A key that looks like a field's name may be shown. Any other may be a value that
// slipped to the left, so about a person.
var fieldLike = regexp.MustCompile(`^[A-Za-z][A-Za-z]*(_[A-Za-z0-9]+)*$`)

func (w *walk) unknown(key *yaml.Node, descriptor protoreflect.MessageDescriptor, path string) {
	if key.Kind != yaml.ScalarNode || len(key.Value) > 40 || !fieldLike.MatchString(key.Value) {
		w.fault(key, path, "holds a key that is no field's name")
		return
	}
	rule := "is no field here"
	fields := descriptor.Fields()
	names := make([]string, fields.Len())
	for i := range names {
		names[i] = string(fields.Get(i).Name())
	}
	if near := nearest(key.Value, names); near != "" {
		rule += ", did you mean " + near + "?"
	}
	w.fault(key, join(path, key.Value), rule)
}
