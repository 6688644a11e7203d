package audit_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/audit"
)

// forge writes an export of any leaves, signed as a dishonest service could with
// the log's own key.
func forge(t *testing.T, leaves ...*amparov1.AuditLeaf) []byte {
	t.Helper()
	raws := make([][]byte, len(leaves))
	for i, leaf := range leaves {
		leaf.Salt = make([]byte, 16)
		if leaf.RecordedAt == nil {
			leaf.RecordedAt = stamp(evening)
		}
		raw, err := proto.Marshal(leaf)
		if err != nil {
			t.Fatal(err)
		}
		raws[i] = raw
	}
	return forgeRaw(t, raws...)
}

func forgeRaw(t *testing.T, raws ...[]byte) []byte {
	t.Helper()
	secret, public, err := audit.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	root := tlog.Hash(merkle(raws))
	text := fmt.Sprintf("%s\n%d\n%s\n", signer.Name(), len(raws), root)
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	err = audit.WriteExport(&file, public, string(signed), func(yield func([]byte, error) bool) {
		for _, raw := range raws {
			if !yield(raw, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// TestForgedLeaves says what is refused although the log's key signed it.
func TestForgedLeaves(t *testing.T) {
	with := func(change func(*amparov1.AuditLeaf)) *amparov1.AuditLeaf {
		leaf := note1(1)
		change(leaf)
		return leaf
	}
	other := note1(2)
	other.Changes[0].PreviousHeadHash = bytes.Repeat([]byte{9}, 32)
	for _, c := range []struct {
		name   string
		leaves []*amparov1.AuditLeaf
		good   bool
	}{
		{"two versions", []*amparov1.AuditLeaf{note1(1), note1(2)}, true},
		{"nothing", nil, true},
		{"a version is missing", []*amparov1.AuditLeaf{note1(1), note1(3)}, false},
		{"the first version is missing", []*amparov1.AuditLeaf{note1(2)}, false},
		{"a version comes twice", []*amparov1.AuditLeaf{note1(1), note1(1)}, false},
		{"a version follows another than the one known", []*amparov1.AuditLeaf{note1(1), other}, false},
		{"no action", []*amparov1.AuditLeaf{with(func(l *amparov1.AuditLeaf) { l.Action = 0 })}, false},
		{"an action of a later version", []*amparov1.AuditLeaf{with(func(l *amparov1.AuditLeaf) { l.Action = 9999 })}, false},
		{"no outcome", []*amparov1.AuditLeaf{with(func(l *amparov1.AuditLeaf) { l.Outcome = 0 })}, false},
		{"done, with a reason", []*amparov1.AuditLeaf{with(func(l *amparov1.AuditLeaf) { l.Reason = 1 })}, false},
		{"refused without a reason", []*amparov1.AuditLeaf{with(func(l *amparov1.AuditLeaf) {
			l.Outcome, l.Changes, l.Shown = amparov1.LeafOutcome_LEAF_OUTCOME_REFUSED, nil, nil
		})}, false},
		{"refused, and a file changed", []*amparov1.AuditLeaf{with(func(l *amparov1.AuditLeaf) {
			l.Outcome, l.Reason = amparov1.LeafOutcome_LEAF_OUTCOME_REFUSED, 1
		})}, false},
		{"a hash of another length", []*amparov1.AuditLeaf{with(func(l *amparov1.AuditLeaf) { l.Changes[0].HeadHash = []byte("x") })}, false},
		{"an unknown field", []*amparov1.AuditLeaf{with(func(l *amparov1.AuditLeaf) {
			l.ProtoReflect().SetUnknown([]byte{0xf8, 0x7f, 1})
		})}, false},
		{"an unknown field within", []*amparov1.AuditLeaf{with(func(l *amparov1.AuditLeaf) {
			l.Changes[0].ProtoReflect().SetUnknown([]byte{0xf8, 0x7f, 1})
		})}, false},
	} {
		_, err := verify(forge(t, c.leaves...), audit.VerifyOptions{})
		if c.good && err != nil || !c.good && !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := verify(forgeRaw(t, []byte("no message")), audit.VerifyOptions{}); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("no message: %v", err)
	}
}

// TestNothingUnknownAnywhere puts a field of a later version into every message that a
// leaf can hold: it may mean that something was allowed, or that it was not.
func TestNothingUnknownAnywhere(t *testing.T) {
	fields := (&amparov1.AuditLeaf{}).ProtoReflect().Descriptor().Fields()
	messages := 0
	for i := range fields.Len() {
		field := fields.Get(i)
		if field.Message() == nil {
			continue
		}
		messages++
		leaf := note1(1)
		leaf.RecordedAt = stamp(evening)
		within := leaf.ProtoReflect().Mutable(field)
		var inner protoreflect.Message
		if field.IsList() {
			if within.List().Len() == 0 {
				within.List().AppendMutable()
			}
			inner = within.List().Get(within.List().Len() - 1).Message()
		} else {
			inner = within.Message()
		}
		if _, err := verify(forge(t, leaf), audit.VerifyOptions{}); err != nil {
			t.Errorf("%s: %v", field.Name(), err)
		}
		inner.SetUnknown([]byte{0xf8, 0x7f, 1})
		if _, err := verify(forge(t, leaf), audit.VerifyOptions{}); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%s with something unknown: %v, want ErrInvalid", field.Name(), err)
		}
	}
	if messages < 4 {
		t.Errorf("a leaf holds %d messages", messages)
	}
}
