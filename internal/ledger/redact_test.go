package ledger_test

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/ledger"
)

const canary = "qx7canary"

// fill puts a canary into every text and every bytes of a message, down to the last, and
// a number or a kind everywhere else. What stands in keep is filled by its own name.
func fill(m protoreflect.Message, keep map[protoreflect.FullName]string) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if of := field.ContainingOneof(); of != nil && m.WhichOneof(of) != nil {
			continue
		}
		text := canary
		if keep[field.FullName()] != "" {
			text = string(field.Name())
		}
		var value protoreflect.Value
		switch field.Kind() {
		case protoreflect.StringKind:
			value = protoreflect.ValueOfString(text)
		case protoreflect.BytesKind:
			value = protoreflect.ValueOfBytes([]byte(text))
		case protoreflect.EnumKind:
			value = protoreflect.ValueOfEnum(1)
		case protoreflect.Uint32Kind:
			value = protoreflect.ValueOfUint32(1)
		case protoreflect.BoolKind:
			value = protoreflect.ValueOfBool(true)
		case protoreflect.MessageKind:
			if field.IsList() {
				fill(m.Mutable(field).List().AppendMutable().Message(), keep)
			} else if field.Message().FullName() != "google.protobuf.Timestamp" {
				fill(m.Mutable(field).Message(), keep)
			}
			continue
		default:
			continue
		}
		if field.IsList() {
			m.Mutable(field).List().Append(value)
			continue
		}
		m.Set(field, value)
	}
}

// kinds are the entries of every kind, each with its name, filled with canaries.
func kinds(t *testing.T, keep map[protoreflect.FullName]string) map[string]*amparov1.LedgerEntry {
	t.Helper()
	all := map[string]*amparov1.LedgerEntry{}
	fields := (&amparov1.LedgerEntry{}).ProtoReflect().Descriptor().Oneofs().ByName("entry").Fields()
	for i := range fields.Len() {
		entry := &amparov1.LedgerEntry{}
		fill(entry.ProtoReflect().Mutable(fields.Get(i)).Message(), keep)
		fill(entry.ProtoReflect(), keep)
		all[string(fields.Get(i).Name())] = entry
	}
	if len(all) < 12 {
		t.Fatalf("only %d kinds of entries", len(all))
	}
	return all
}

func holdsCanary(t *testing.T, m proto.Message) bool {
	t.Helper()
	raw, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(raw, []byte(canary))
}

// shownRedacted are the texts that an auditor's sample holds all the same, and why.
var shownRedacted = map[protoreflect.FullName]string{
	"amparo.v1.LedgerEntry.recorded_by_id": "a member of staff, by the id that the log has too",
	"amparo.v1.Telling.interpreter_id":     "an interpreter of the vetted list, by their id",
	"amparo.v1.StatementReference.id":      "which text was read, of those that everybody may read",
	"amparo.v1.StatementReference.hash":    "the hash of that text",
	"amparo.v1.StatedBasis.legal_basis":    "an article of a law, from the policy",
}

// TestRedactedHoldsNobodysWords fills every text of every kind of entry, and finds none
// of them in what a sample shows, nor in what the log holds.
func TestRedactedHoldsNobodysWords(t *testing.T) {
	for kind, entry := range kinds(t, shownRedacted) {
		before := proto.CloneOf(entry)
		if shown := ledger.Redacted(entry); holdsCanary(t, shown) || proto.Size(shown) == 0 {
			t.Errorf("%s: words are left, or nothing is", kind)
		}
		if holdsCanary(t, ledger.Fact(entry, "pseudonym")) {
			t.Errorf("%s: the log's fact holds words", kind)
		}
		if !proto.Equal(entry, before) {
			t.Errorf("%s: the entry itself was changed", kind)
		}
	}
	for kind, entry := range kinds(t, nil) {
		if !holdsCanary(t, entry) {
			t.Errorf("%s: there was nothing to find", kind)
		}
	}
}

// TestUnnamedNamesNobody: neither staff nor a recipient is named, wherever they stand.
func TestUnnamedNamesNobody(t *testing.T) {
	var recipients func(protoreflect.Message, func(*amparov1.Recipient))
	recipients = func(m protoreflect.Message, fn func(*amparov1.Recipient)) {
		if r, ok := m.Interface().(*amparov1.Recipient); ok {
			fn(r)
		}
		m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
			switch {
			case field.Message() == nil:
			case field.IsList():
				for i := range value.List().Len() {
					recipients(value.List().Get(i).Message(), fn)
				}
			default:
				recipients(value.Message(), fn)
			}
			return true
		})
	}
	found := 0
	for kind, entry := range kinds(t, nil) {
		shown := ledger.Unnamed(entry)
		if shown.GetRecordedById() != "" {
			t.Errorf("%s: who recorded it is shown", kind)
		}
		recipients(shown.ProtoReflect(), func(r *amparov1.Recipient) {
			found++
			if holdsCanary(t, r) || r.GetNumber() == 0 || r.GetKind() == 0 {
				t.Errorf("%s: a recipient is named, or has lost their number or kind", kind)
			}
		})
	}
	if found < 7 {
		t.Errorf("only %d recipients stood anywhere", found)
	}
}
