package written

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// shortLine is up to which width a list or a group of plain values stands in one
// line.
const shortLine = 90

// Encode writes a message as YAML for people, and so that Decode reads the same
// message from it: fields in the order of the proto, enum values without their
// prefix. What is not set is left out.
func Encode(message proto.Message) ([]byte, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(group(message.ProtoReflect())); err != nil {
		return nil, fmt.Errorf("write YAML: %w", err)
	}
	return out.Bytes(), nil
}

func group(message protoreflect.Message) *yaml.Node {
	node := &yaml.Node{Kind: yaml.MappingNode}
	fields := message.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if !message.Has(field) || field.IsMap() {
			continue
		}
		key := &yaml.Node{Kind: yaml.ScalarNode, Value: string(field.Name())}
		node.Content = append(node.Content, key, items(field, message.Get(field)))
	}
	return compactly(node)
}

func items(field protoreflect.FieldDescriptor, value protoreflect.Value) *yaml.Node {
	if !field.IsList() {
		return item(field, value)
	}
	node := &yaml.Node{Kind: yaml.SequenceNode}
	for i := range value.List().Len() {
		node.Content = append(node.Content, item(field, value.List().Get(i)))
	}
	return compactly(node)
}

func item(field protoreflect.FieldDescriptor, value protoreflect.Value) *yaml.Node {
	if field.Message() == nil {
		return plainNode(field, value)
	}
	if field.Message().FullName() == timestampName {
		fields := field.Message().Fields()
		at := time.Unix(value.Message().Get(fields.ByName("seconds")).Int(), value.Message().Get(fields.ByName("nanos")).Int())
		return &yaml.Node{Kind: yaml.ScalarNode, Value: at.UTC().Format(time.RFC3339Nano)}
	}
	return group(value.Message())
}

func plainNode(field protoreflect.FieldDescriptor, value protoreflect.Value) *yaml.Node {
	node := &yaml.Node{Kind: yaml.ScalarNode}
	switch field.Kind() {
	case protoreflect.StringKind:
		node.SetString(value.String())
	case protoreflect.BytesKind:
		node.SetString(base64.StdEncoding.EncodeToString(value.Bytes()))
	case protoreflect.EnumKind:
		known := field.Enum().Values().ByNumber(value.Enum())
		if known == nil {
			node.Value = fmt.Sprint(value.Enum()) // not read again, like any value that this version does not know
			break
		}
		node.Value = strings.ToLower(strings.TrimPrefix(string(known.Name()), enumPrefix(field.Enum())))
	default:
		node.Value = value.String()
	}
	return node
}

// compactly puts short lists and groups of plain values into one line.
func compactly(node *yaml.Node) *yaml.Node {
	width := 0
	for _, part := range node.Content {
		if part.Kind != yaml.ScalarNode || part.Style != 0 {
			return node
		}
		width += len(part.Value) + len(", ")
	}
	if width <= shortLine {
		node.Style = yaml.FlowStyle
	}
	return node
}
