package ledger

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// Redacted is an entry without names, words, places, dates of birth and hashes of
// papers: every text that the vocabulary marks as a person's is gone, and what is left
// are numbers, kinds and times. For an auditor's sample, and for a data protection
// officer.
func Redacted(entry *amparov1.LedgerEntry) *amparov1.LedgerEntry {
	shown := proto.CloneOf(entry)
	redact(shown.ProtoReflect())
	return shown
}

func redact(message protoreflect.Message) {
	message.Range(func(field protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		options, _ := field.Options().(*descriptorpb.FieldOptions)
		if options.GetDebugRedact() && (field.Kind() == protoreflect.StringKind || field.Kind() == protoreflect.BytesKind) {
			message.Clear(field)
		}
		return true
	})
	each(message, redact)
}

// Unnamed is an entry without the names of staff and of recipients: what may be shown
// while a contact of the case is suspected to be in hostile hands.
func Unnamed(entry *amparov1.LedgerEntry) *amparov1.LedgerEntry {
	shown := proto.CloneOf(entry)
	shown.RecordedById = ""
	unname(shown.ProtoReflect())
	return shown
}

// unname leaves of every recipient, wherever one stands, number and kind.
func unname(message protoreflect.Message) {
	if r, ok := message.Interface().(*amparov1.Recipient); ok {
		number, kind := r.GetNumber(), r.GetKind()
		proto.Reset(r)
		r.Number, r.Kind = number, kind
		return
	}
	each(message, unname)
}

// each calls fn with every message that stands in another.
func each(message protoreflect.Message, fn func(protoreflect.Message)) {
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.Message() == nil:
		case field.IsList():
			for i := range value.List().Len() {
				fn(value.List().Get(i).Message())
			}
		default:
			fn(value.Message())
		}
		return true
	})
}
