package night_test

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/amparo-project/amparo/internal/client"
)

// aviary hands out canaries: strings that stand for what people say. Each is
// another, and all of a run begin and end alike, so that one look finds any.
type aviary struct {
	latin, cyrillic string
	count           int
	fixed           map[string]any // by field name or Message.field: what must not be a canary
}

func newAviary() *aviary {
	return &aviary{latin: newMark([]rune("bcdfghjkmnpqrstvwxz")), cyrillic: newMark([]rune("бвгджзклмнпрстфхцчшщ")), fixed: fixedValues()}
}

// next is a new canary: eight bytes that no other text has, its number, and eight
// letters of another alphabet for what encodes these differently.
func (a *aviary) next() string {
	a.count++
	return fmt.Sprintf("%s%04d%s", a.latin, a.count, a.cyrillic)
}

// paper is the hash of one.
var paper = []byte("0123456789abcdef0123456789abcdef")

// fixedValues are the fields that must hold something else to be taken: codes,
// dates, ids that the service gave. nil leaves a field empty.
func fixedValues() map[string]any {
	return map[string]any{
		"birth_date": "1984-03", "date": "2020-02", "from": "08:00", "until": "20:00",
		"nationalities": "CO", "residence_country": "CO", "current_country": "BR", "registered_in": "BR", "countries": "BR", "country": "BR",
		"act_code": "990000000000", "perpetrator_codes": "990000000000", "currency": "USD", "occupation_code": nil, "specific_needs": nil,
		"language": "es", "time_zone": "America/Bogota", "office": "bogota", "offices": "bogota",
		"SafeContact.channel": 10, "Identifier.kind": 3, "capacity_rating": 2, "since_year": 2001,
		"level": 4, "to": 3, "stateless": false, "restricted": false, "excluded_staff_ids": nil,
		"page_token": nil, "page_size": nil, "at_least": nil, "mine": false,
		"TriageCaseRequest.reason": nil, "final_risk_level": nil, "closed_by_id": nil,
		"code": "aaaaaaaa", "signing_key": []byte("0123456789abcdef0123456789abcdef"), "old_size": nil,
		"excluded_interpreter_ids": nil, "interpreter_id": nil, "undertaking_signed": "2026-01-15", "InterpreterDraft.languages": "es",
		"ConfirmStatusRequest.report": nil, "ConfirmStatusRequest.source": 2, "AdvanceInstruction.event": 3, "AdvanceInstruction.proxy": nil, "AdvanceInstruction.device_seized": nil,
		"follow_up_on": nil, "follow_up_staff_id": nil, "recorded_by_id": nil, "ProposeContactChangeRequest.answer": nil,
		"Recipient.number": nil, "Party.number": nil, "Party.age_group": nil, "StatementReference.id": "consent-release", "StatementReference.hash": nil,
		"document_hash": paper, "evidence_hash": paper, "DisclosedDocument.hash": paper, "PlannedAction.channel": 3, "on_event": nil,
		"ListConsentsRequest.before": nil, "nonce": paper, "sample": nil, "suspected": false,
		"Need.code": 1, "staff_id": nil, "device_id": nil, "invitation_id": nil,
	}
}

// fixedOf returns what a field must hold, and whether anything is fixed.
func (a *aviary) fixedOf(field protoreflect.FieldDescriptor) (any, bool) {
	if value, ok := a.fixed[string(field.Parent().Name())+"."+string(field.Name())]; ok {
		return value, true
	}
	value, ok := a.fixed[string(field.Name())]
	return value, ok
}

// fill fills every field of a message, at any depth, with canaries where words can
// stand. Of a choice the field named like choose is taken, or the first.
func (a *aviary) fill(message protoreflect.Message, choose string) {
	fields := message.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if of := field.ContainingOneof(); of != nil && !of.IsSynthetic() && !chosen(of, field, choose) {
			continue
		}
		if field.Name() == "request_id" {
			message.Set(field, protoreflect.ValueOfString(client.NewRequestID()))
			continue
		}
		value, ok := a.value(message, field, choose)
		switch {
		case !ok:
		case field.IsList():
			message.Mutable(field).List().Append(value)
		default:
			message.Set(field, value)
		}
	}
}

func chosen(of protoreflect.OneofDescriptor, field protoreflect.FieldDescriptor, choose string) bool {
	if wanted := of.Fields().ByName(protoreflect.Name(choose)); wanted != nil {
		return wanted == field
	}
	return of.Fields().Get(0) == field
}

func (a *aviary) value(message protoreflect.Message, field protoreflect.FieldDescriptor, choose string) (protoreflect.Value, bool) {
	fixed, isFixed := a.fixedOf(field)
	if isFixed && fixed == nil {
		return protoreflect.Value{}, false
	}
	switch field.Kind() {
	case protoreflect.MessageKind:
		if field.Message().FullName() == "google.protobuf.Timestamp" {
			return protoreflect.Value{}, false
		}
		var child protoreflect.Message
		if field.IsList() {
			child = message.Mutable(field).List().NewElement().Message()
		} else {
			child = message.NewField(field).Message()
		}
		a.fill(child, choose)
		return protoreflect.ValueOfMessage(child), true
	case protoreflect.StringKind:
		if isFixed {
			return protoreflect.ValueOfString(fixed.(string)), true
		}
		return protoreflect.ValueOfString(a.next()), true
	case protoreflect.BytesKind:
		if isFixed {
			return protoreflect.ValueOfBytes(fixed.([]byte)), true
		}
		return protoreflect.ValueOfBytes([]byte(a.next())), true
	case protoreflect.EnumKind:
		number := 1
		if isFixed {
			number = fixed.(int)
		}
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(number)), true
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(!isFixed), true
	case protoreflect.Uint32Kind:
		number := 1
		if isFixed {
			number = fixed.(int)
		}
		return protoreflect.ValueOfUint32(uint32(number)), true
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(1), true
	default:
		return protoreflect.Value{}, false
	}
}

// place is one field of words in a request, by the steps that lead to it.
type place []protoreflect.FieldDescriptor

// drawn are the random bytes of an auditor, who sees no case: the log must hold them as
// they are, so that whoever has it draws the same sample again.
const drawn = "amparo.v1.DrawSampleRequest.nonce"

// places returns every field of words or bytes of a filled message, empty ones too.
func places(message protoreflect.Message, before place) []place {
	var all []place
	fields := message.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if field.FullName() == drawn {
			continue
		}
		here := append(slices.Clone(before), field)
		switch field.Kind() {
		case protoreflect.StringKind, protoreflect.BytesKind:
			all = append(all, here)
		case protoreflect.MessageKind:
			if !message.Has(field) {
				continue
			}
			if field.IsList() {
				all = append(all, places(message.Get(field).List().Get(0).Message(), here)...)
			} else {
				all = append(all, places(message.Get(field).Message(), here)...)
			}
		default:
		}
	}
	return all
}

// spoil returns a copy of a request, with a new id, in which one field holds the
// text.
func spoil(request proto.Message, at place, text string) proto.Message {
	copied := proto.Clone(request)
	message := copied.ProtoReflect()
	if id := message.Descriptor().Fields().ByName("request_id"); id != nil {
		message.Set(id, protoreflect.ValueOfString(client.NewRequestID()))
	}
	for _, field := range at[:len(at)-1] {
		if field.IsList() {
			message = message.Mutable(field).List().Get(0).Message()
		} else {
			message = message.Mutable(field).Message()
		}
	}
	field := at[len(at)-1]
	value := protoreflect.ValueOfString(text)
	if field.Kind() == protoreflect.BytesKind {
		value = protoreflect.ValueOfBytes([]byte(text))
	}
	if field.IsList() {
		message.Mutable(field).List().Append(value)
	} else {
		message.Set(field, value)
	}
	return copied
}
