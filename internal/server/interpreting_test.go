package server_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/records"
)

// interpreterRequest holds a valid request for the methods of InterpreterService that
// take more than ids; nil for any other.
func interpreterRequest(method, newID string) proto.Message {
	switch method {
	case "InterpreterService/AddInterpreter":
		return &amparov1.AddInterpreterRequest{RequestId: newID, Interpreter: somebody("Prueba")}
	case "InterpreterService/UpdateInterpreter":
		return &amparov1.UpdateInterpreterRequest{RequestId: newID, InterpreterId: newID, Inactive: true}
	default:
		return nil
	}
}

func somebody(name string) *amparov1.InterpreterDraft {
	return &amparov1.InterpreterDraft{
		Name: name, Languages: []string{"ps"}, UndertakingSigned: "2026-01-15", Conflicts: []string{"the mayor's family"},
		Contact: &amparov1.SafeContact{Channel: amparov1.ContactChannel_CONTACT_CHANNEL_PHONE, Address: "+3225550120"},
	}
}

// TestAnInterpreterIsVettedFoundAndUnwanted follows two from the list to a call.
func TestAnInterpreterIsVettedFoundAndUnwanted(t *testing.T) {
	w := newWatched(t)
	reviewing := amparov1.NewInterpreterServiceClient(w.second.Conn)
	officer := amparov1.NewInterpreterServiceClient(w.officer.Conn)
	add := func(name string) string {
		answer, err := reviewing.AddInterpreter(t.Context(), &amparov1.AddInterpreterRequest{RequestId: records.NewID(), Interpreter: somebody(name)})
		if err != nil {
			t.Fatal(err)
		}
		return answer.GetInterpreterId()
	}
	cousin, neighbour := add("Primo"), add("Vecina")
	change := newNumber()
	change.Replaces = 1
	change.GetContact().GetWay().Language, change.GetContact().GetWay().ExcludedInterpreterIds = "ps-AF", []string{cousin}
	w.propose(t, change, "guayaba")
	found := func() []string {
		answer, err := officer.FindInterpreters(t.Context(), &amparov1.FindInterpretersRequest{CaseId: w.id})
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, i := range answer.GetInterpreters() {
			ids = append(ids, i.GetId())
		}
		return ids
	}
	if ids := found(); len(ids) != 1 || ids[0] != neighbour {
		t.Errorf("found %v, want the one whom she does not refuse", ids)
	}
	call := func(attempt *amparov1.ContactAttempt) ([]amparov1.SafetyWarning, error) {
		answer, err := w.cases.RecordContact(t.Context(), &amparov1.RecordContactRequest{RequestId: records.NewID(), CaseId: w.id, Contact: attempt})
		return answer.GetWarnings(), err
	}
	by := func(id string) *amparov1.ContactAttempt {
		attempt := reached(0)
		attempt.InterpreterId = id
		return attempt
	}
	if warnings, err := call(by(neighbour)); err != nil || len(warnings) != 0 {
		t.Errorf("with the neighbour: %v, %v", warnings, err)
	}
	if warnings, err := call(by(cousin)); err != nil || len(warnings) != 1 || warnings[0] != amparov1.SafetyWarning_SAFETY_WARNING_INTERPRETER_EXCLUDED {
		t.Errorf("with the cousin: %v, %v; want it recorded, with a warning", warnings, err)
	}
	if _, err := call(by(records.NewID())); reason(err) != "FIELD_INVALID" {
		t.Errorf("with nobody of the list: %v", err)
	}
	street := reached(0)
	street.UnvettedInterpreter = true
	if _, err := call(street); reason(err) != "FIELD_INVALID" {
		t.Errorf("with somebody in the street, and no reason: %v", err)
	}
	street.InterpreterReason = "she was bleeding, and he was there"
	if warnings, err := call(street); err != nil || len(warnings) != 1 || warnings[0] != amparov1.SafetyWarning_SAFETY_WARNING_INTERPRETER_NOT_VETTED {
		t.Errorf("with somebody in the street: %v, %v; want it recorded, with a warning", warnings, err)
	}
	_, err := reviewing.UpdateInterpreter(t.Context(), &amparov1.UpdateInterpreterRequest{RequestId: records.NewID(), InterpreterId: neighbour, Inactive: true})
	if err != nil || len(found()) != 0 {
		t.Errorf("who may not work any more is found: %v", err)
	}
	all, err := officer.ListInterpreters(t.Context(), &amparov1.ListInterpretersRequest{Language: "ps"})
	if err != nil || len(all.GetInterpreters()) != 2 || all.GetInterpreters()[1].GetInterpreter().GetConflicts()[0] == "" {
		t.Errorf("the list: %d, %v", len(all.GetInterpreters()), err)
	}
}
