package safety

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/spelling"
)

// saying is what a word that somebody said is to the case.
type saying int

const (
	unknownWord saying = iota
	codeWord
	duressWord
)

// said compares a word with those of the contacts. Where one is both, it means
// duress: to wake somebody in vain costs less than not to.
func said(contacts []*amparov1.SafetyContact, word string) saying {
	is := unknownWord
	for _, c := range contacts {
		way := c.GetContact().GetWay()
		if spelling.SameWord(word, way.GetDuressWord()) {
			return duressWord
		}
		if c.GetVerification() != hostile && spelling.SameWord(word, way.GetCodeWord()) {
			is = codeWord
		}
	}
	return is
}

// challengers are the contacts whose words prove a change: the person's own, in use
// or not, since the words are in nobody's telephone, and the one that is changed.
func challengers(s *amparov1.Safety, draft *amparov1.ChangeDraft) (may []*amparov1.SafetyContact) {
	for _, c := range s.GetContacts() {
		if speaksFor(c, draft) || c.GetNumber() == draft.GetRestore() {
			may = append(may, c)
		}
	}
	return may
}

// duressLasts is for how long after a sign of duress nothing that the person says
// proves anything.
const duressLasts = 7 * 24 * time.Hour

// keepSign keeps a sign of duress with the newest of those before it.
func keepSign(s *amparov1.Safety, sign *amparov1.DuressSign) {
	signs := append(s.GetDuressSigns(), sign)
	s.DuressSigns = signs[max(0, len(signs)-keptSigns):]
}

func underDuress(s *amparov1.Safety, now time.Time) bool {
	for _, sign := range s.GetDuressSigns() {
		if now.Before(sign.GetRecordedAt().AsTime().Add(duressLasts)) {
			return true
		}
	}
	return false
}

var duressField = (&amparov1.SafeContact{}).ProtoReflect().Descriptor().Fields().ByName("duress_word")

// WithoutDuressWords takes the words for duress out of a message that is to be shown,
// at any depth, and returns it: whoever reads an answer over a shoulder must not learn
// which word to forbid.
func WithoutDuressWords[M proto.Message](m M) M {
	clearDuressWords(m.ProtoReflect())
	return m
}

func clearDuressWords(m protoreflect.Message) {
	if !m.IsValid() {
		return
	}
	if m.Descriptor() == duressField.Parent() {
		m.Clear(duressField)
	}
	for _, field := range toContacts[m.Descriptor().FullName()] {
		switch {
		case !m.Has(field):
		case field.IsList():
			for i := range m.Get(field).List().Len() {
				clearDuressWords(m.Get(field).List().Get(i).Message())
			}
		default:
			clearDuressWords(m.Get(field).Message())
		}
	}
}

// toContacts are, of each message of the api, the fields at whose end a safe contact
// can stand: every opened case is looked through, and most of it leads to none.
var toContacts = fieldsTo(duressField.ContainingMessage().FullName())

func fieldsTo(target protoreflect.FullName) map[protoreflect.FullName][]protoreflect.FieldDescriptor {
	all := map[protoreflect.FullName]protoreflect.MessageDescriptor{}
	protoregistry.GlobalFiles.RangeFilesByPackage("amparo.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Messages().Len() {
			all[file.Messages().Get(i).FullName()] = file.Messages().Get(i)
		}
		return true
	})
	leading := map[protoreflect.FullName][]protoreflect.FieldDescriptor{}
	for more := true; more; {
		more = false
		for name, message := range all {
			before := len(leading[name])
			leading[name] = nil
			for i := range message.Fields().Len() {
				field := message.Fields().Get(i)
				if to := field.Message(); to != nil && (to.FullName() == target || len(leading[to.FullName()]) > 0) {
					leading[name] = append(leading[name], field)
				}
			}
			more = more || len(leading[name]) != before
		}
	}
	return leading
}
