package audit

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/store"
)

const (
	saltBytes    = 16
	maxLeafBytes = 64 << 10
)

// NewLeaf returns the write that records an act; the act is recorded once a
// commit with that write has returned. It fills in the leaf's salt and time. The
// caller passes the later of its clock and Log.HighWater as now, so that a clock
// that is set back does not take the log with it. A leaf that VerifyExport would
// refuse is refused here, with ErrInvalid.
//
// count lays leaves of a day side by side in the order in which a caller counts
// them; it decides nothing, and two leaves may have the same.
//
// The bytes are marshalled once: they are what is sealed, hashed and exported,
// and nothing in the log's life marshals them again.
func NewLeaf(sealer Sealer, leaf *amparov1.AuditLeaf, now time.Time, count uint32) (store.Write, error) {
	leaf.Salt = make([]byte, saltBytes)
	_, _ = rand.Read(leaf.Salt) // never fails: it ends the process instead
	leaf.RecordedAt = timestamppb.New(now)
	if err := checkLeaf(leaf); err != nil {
		return store.Write{}, err
	}
	raw, err := proto.Marshal(leaf)
	if err != nil {
		return store.Write{}, fmt.Errorf("%w: leaf that cannot be marshalled", ErrInvalid)
	}
	if len(raw) > maxLeafBytes {
		return store.Write{}, fmt.Errorf("%w: leaf of %d bytes, at most %d", ErrInvalid, len(raw), maxLeafBytes)
	}
	var at locator
	day := dayOf(now)
	copy(at[:], day[:])
	binary.BigEndian.PutUint32(at[dayBytes:], count)
	_, _ = rand.Read(at[dayBytes+countBytes:])
	return store.Write{Key: at.key(), Value: sealer.SealLeaf(at[:], raw)}, nil
}

// checkLeaf holds a leaf to what the log's readers rely on.
func checkLeaf(leaf *amparov1.AuditLeaf) error {
	switch {
	case len(leaf.GetSalt()) != saltBytes:
		return fmt.Errorf("%w: leaf with a salt of %d bytes", ErrInvalid, len(leaf.GetSalt()))
	case leaf.GetRecordedAt().CheckValid() != nil || leaf.GetRecordedAt().AsTime().Before(time.Unix(0, 0)):
		return fmt.Errorf("%w: leaf without a valid time", ErrInvalid)
	case leaf.GetAction() == 0 || amparov1.LeafAction_name[int32(leaf.GetAction())] == "":
		return fmt.Errorf("%w: leaf with action %d, which this version does not know", ErrInvalid, leaf.GetAction())
	}
	switch leaf.GetOutcome() {
	case amparov1.LeafOutcome_LEAF_OUTCOME_DONE:
		if leaf.GetReason() != 0 {
			return fmt.Errorf("%w: leaf of an act that was done, with a reason for refusing it", ErrInvalid)
		}
	case amparov1.LeafOutcome_LEAF_OUTCOME_REFUSED:
		if leaf.GetReason() == 0 || amparov1.Reason_name[int32(leaf.GetReason())] == "" {
			return fmt.Errorf("%w: leaf of a refusal with reason %d, which this version does not know", ErrInvalid, leaf.GetReason())
		}
		if len(leaf.GetChanges()) != 0 || len(leaf.GetShown()) != 0 {
			return fmt.Errorf("%w: leaf of a refusal that changed or showed something", ErrInvalid)
		}
	default:
		return fmt.Errorf("%w: leaf with outcome %d", ErrInvalid, leaf.GetOutcome())
	}
	for _, change := range leaf.GetChanges() {
		if err := checkChange(change); err != nil {
			return err
		}
	}
	return nil
}

func checkChange(change *amparov1.FileChange) error {
	previous := sha256.Size
	if change.GetVersion() == 1 {
		previous = 0
	}
	switch {
	case change.GetPseudonym() == "":
		return fmt.Errorf("%w: change of a file without a pseudonym", ErrInvalid)
	case change.GetVersion() == 0:
		return fmt.Errorf("%w: change of a file to version 0", ErrInvalid)
	case len(change.GetHeadHash()) != sha256.Size || len(change.GetPreviousHeadHash()) != previous:
		return fmt.Errorf("%w: change of a file to version %d with hashes of %d and %d bytes", ErrInvalid,
			change.GetVersion(), len(change.GetHeadHash()), len(change.GetPreviousHeadHash()))
	}
	return nil
}

// decodeLeaf is for whoever has reason to doubt the bytes: it refuses what this
// version would overlook. What leaf held before is gone.
func decodeLeaf(raw []byte, leaf *amparov1.AuditLeaf) error {
	if err := proto.Unmarshal(raw, leaf); err != nil {
		return fmt.Errorf("%w: leaf that is no message", ErrInvalid)
	}
	if leafHasUnknown(leaf) {
		return fmt.Errorf("%w: leaf with fields that this version does not know", ErrInvalid)
	}
	if isJudged(leaf) && !saysOnce(raw, leaf.ProtoReflect().Descriptor()) {
		return fmt.Errorf("%w: leaf that says something twice", ErrInvalid)
	}
	return checkLeaf(leaf)
}

// leafHasUnknown is hasUnknown for leaves, most of which hold nothing but a time and
// changes of files: to walk all fields of each would take as long as to decode it.
func leafHasUnknown(leaf *amparov1.AuditLeaf) bool {
	if isJudged(leaf) {
		return hasUnknown(leaf.ProtoReflect())
	}
	unknown := len(leaf.ProtoReflect().GetUnknown()) > 0 || len(leaf.GetRecordedAt().ProtoReflect().GetUnknown()) > 0
	for _, change := range leaf.GetChanges() {
		unknown = unknown || len(change.ProtoReflect().GetUnknown()) > 0
	}
	return unknown
}

// isJudged tells the leaves, few among many, on which it rests whether what left was
// allowed to.
func isJudged(leaf *amparov1.AuditLeaf) bool {
	return len(leaf.GetFacts()) > 0 || leaf.GetSample() != nil
}

func hasUnknown(m protoreflect.Message) bool {
	if len(m.GetUnknown()) > 0 {
		return true
	}
	for _, field := range messagesIn(m.Descriptor()) {
		switch {
		case !m.Has(field):
		case field.IsList():
			for list, i := m.Get(field).List(), 0; i < list.Len(); i++ {
				if hasUnknown(list.Get(i).Message()) {
					return true
				}
			}
		default:
			if hasUnknown(m.Get(field).Message()) {
				return true
			}
		}
	}
	return false
}

// messages are the fields of each message in a leaf that hold messages themselves: of
// some twenty fields there are one or two, and the others need not be looked at.
var messages = gatherMessages(make(map[protoreflect.FullName][]protoreflect.FieldDescriptor), (&amparov1.AuditLeaf{}).ProtoReflect().Descriptor())

func gatherMessages(known map[protoreflect.FullName][]protoreflect.FieldDescriptor, m protoreflect.MessageDescriptor) map[protoreflect.FullName][]protoreflect.FieldDescriptor {
	if _, ok := known[m.FullName()]; !ok {
		known[m.FullName()] = fieldsWithMessages(m)
		for _, field := range known[m.FullName()] {
			gatherMessages(known, field.Message())
		}
	}
	return known
}

func fieldsWithMessages(m protoreflect.MessageDescriptor) []protoreflect.FieldDescriptor {
	var fields []protoreflect.FieldDescriptor
	for i := range m.Fields().Len() {
		if field := m.Fields().Get(i); field.Message() != nil {
			fields = append(fields, field)
		}
	}
	return fields
}

func messagesIn(m protoreflect.MessageDescriptor) []protoreflect.FieldDescriptor {
	if fields, ok := messages[m.FullName()]; ok {
		return fields
	}
	return fieldsWithMessages(m) // the log's own state
}
