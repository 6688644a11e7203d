// Package interpreters keeps the list of those who may hear what a person in danger
// says: who was vetted, by whom and when, and who may interpret for one person.
//
// Vet puts somebody on the list or replaces what it says; Retire takes them off it;
// For chooses for a case. Whom a person does not want stands with their safe contact,
// which safety keeps, and so does what was recorded of each contact. Conflicts are in
// words and decide nothing here: a list of communities is never complete, and somebody
// who knows both sides reads it.
package interpreters

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/intake"
)

// Vet returns the entry of somebody whom a member of staff has vetted. It refuses
// languages that do not exist, a contact that reaches nobody, and an undertaking that
// was not signed yet: whoever has promised nothing may repeat everything.
func Vet(id string, draft *amparov1.InterpreterDraft, staffID string, now time.Time) (*amparov1.Interpreter, error) {
	draft = proto.CloneOf(draft)
	draft.Contact = intake.NormaliseContact(draft.GetContact())
	if draft.GetContact() != nil {
		// A word for duress is compared in a case; nobody listens for one here.
		draft.Contact.DuressWord = ""
	}
	violations := intake.CheckContact("interpreter.contact", draft.GetContact())
	for _, tag := range draft.GetLanguages() {
		violations = append(violations, intake.CheckLanguage("interpreter.languages", tag)...)
	}
	signed, err := time.Parse(time.DateOnly, draft.GetUndertakingSigned())
	// The day may have begun where they signed: nobody is ahead by more.
	if err != nil || signed.After(now.Add(14*time.Hour)) {
		violations = append(violations, fault.Violation{
			Reason: amparov1.Reason_REASON_DATE_IMPOSSIBLE, Field: "interpreter.undertaking_signed", Rule: "is a day that has come",
		})
	}
	if err := fault.Fields(violations); err != nil {
		return nil, err
	}
	return &amparov1.Interpreter{
		Id: id, Interpreter: draft, Active: true, VettedById: staffID, VettedAt: timestamppb.New(now),
	}, nil
}

// Retire returns the entry of somebody who may not work any more. What they promised,
// and who vetted them, stays on record.
func Retire(known *amparov1.Interpreter) *amparov1.Interpreter {
	retired := proto.CloneOf(known)
	retired.Active = false
	return retired
}

// Speaking returns those of a list who speak a language, by name; every one for an
// empty language. Somebody listed for a language speaks each form of it, and somebody
// listed for one form is offered for the language.
func Speaking(list []*amparov1.Interpreter, language string) []*amparov1.Interpreter {
	speaking := slices.DeleteFunc(slices.Clone(list), func(i *amparov1.Interpreter) bool {
		return language != "" && !slices.ContainsFunc(i.GetInterpreter().GetLanguages(), func(tag string) bool { return sameLanguage(tag, language) })
	})
	slices.SortFunc(speaking, func(a, b *amparov1.Interpreter) int {
		return cmp.Or(strings.Compare(a.GetInterpreter().GetName(), b.GetInterpreter().GetName()), strings.Compare(a.GetId(), b.GetId()))
	})
	return speaking
}

// For returns those who may interpret for a person: active, speaking the language, and
// none whom the person does not want.
func For(list []*amparov1.Interpreter, language string, unwanted []string) []*amparov1.Interpreter {
	return slices.DeleteFunc(Speaking(list, language), func(i *amparov1.Interpreter) bool {
		return !i.GetActive() || slices.Contains(unwanted, i.GetId())
	})
}

// sameLanguage compares tags of BCP 47: alike, or one the other with more said of it.
func sameLanguage(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	return a == b || strings.HasPrefix(a, b+"-") || strings.HasPrefix(b, a+"-")
}
