package server

import (
	"context"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/interpreters"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/safety"
)

// interpreting serves InterpreterService.
type interpreting struct {
	amparov1.UnimplementedInterpreterServiceServer
	s *Server
}

// AddInterpreter puts somebody on the list.
func (h *interpreting) AddInterpreter(ctx context.Context, req *amparov1.AddInterpreterRequest) (*amparov1.AddInterpreterResponse, error) {
	c := callOf(ctx)
	return update(ctx, h.s, req.GetRequestId(), nil, func(w *records.Work) (*amparov1.AddInterpreterResponse, error) {
		list, err := w.Interpreters()
		if err != nil {
			return nil, err
		}
		vetted, err := interpreters.Vet(records.NewID(), req.GetInterpreter(), c.grant.StaffID(), w.Now)
		if err != nil {
			return nil, err
		}
		list.SetInterpreter(vetted)
		return &amparov1.AddInterpreterResponse{InterpreterId: vetted.GetId()}, nil
	})
}

// UpdateInterpreter replaces what the list says of somebody.
func (h *interpreting) UpdateInterpreter(ctx context.Context, req *amparov1.UpdateInterpreterRequest) (*amparov1.UpdateInterpreterResponse, error) {
	c := callOf(ctx)
	return update(ctx, h.s, req.GetRequestId(), nil, func(w *records.Work) (*amparov1.UpdateInterpreterResponse, error) {
		list, err := w.Interpreters()
		if err != nil {
			return nil, err
		}
		known, err := list.Interpreter(req.GetInterpreterId())
		if err != nil {
			return nil, err
		}
		if known == nil {
			return nil, fault.New(amparov1.Reason_REASON_NOT_FOUND)
		}
		if draft := req.GetInterpreter(); draft != nil || !req.GetInactive() {
			if draft == nil {
				draft = known.GetInterpreter()
			}
			if known, err = interpreters.Vet(known.GetId(), draft, c.grant.StaffID(), w.Now); err != nil {
				return nil, err
			}
		}
		if req.GetInactive() {
			known = interpreters.Retire(known)
		}
		list.SetInterpreter(known)
		return &amparov1.UpdateInterpreterResponse{}, nil
	})
}

// ListInterpreters shows the list.
func (h *interpreting) ListInterpreters(ctx context.Context, req *amparov1.ListInterpretersRequest) (*amparov1.ListInterpretersResponse, error) {
	return view(ctx, h.s, nil, func(w *records.Work) (*amparov1.ListInterpretersResponse, error) {
		list, err := listed(w)
		return &amparov1.ListInterpretersResponse{Interpreters: interpreters.Speaking(list, req.GetLanguage())}, err
	})
}

func listed(w *records.Work) ([]*amparov1.Interpreter, error) {
	file, err := w.Interpreters()
	if err != nil {
		return nil, err
	}
	return file.InterpreterList()
}

// FindInterpreters shows who may interpret in a case.
func (h *interpreting) FindInterpreters(ctx context.Context, req *amparov1.FindInterpretersRequest) (*amparov1.FindInterpretersResponse, error) {
	return view(ctx, h.s, records.Targets(req.GetCaseId()), func(w *records.Work) (*amparov1.FindInterpretersResponse, error) {
		held, err := w.File(0).Safety()
		if err != nil {
			return nil, err
		}
		list, err := listed(w)
		if err != nil {
			return nil, err
		}
		language := req.GetLanguage()
		if language == "" {
			language = safety.Language(held)
		}
		return &amparov1.FindInterpretersResponse{Interpreters: interpreters.For(list, language, safety.ExcludedInterpreters(held))}, nil
	})
}

// vetted reports whether the interpreter whom a contact names may work; nobody named
// is no question. One who is not on the list is a slip of the pen.
func vetted(w *records.Work, attempt *amparov1.ContactAttempt) (bool, error) {
	id := attempt.GetInterpreterId()
	if id == "" {
		return false, nil
	}
	list, err := w.Interpreters()
	if err != nil {
		return false, err
	}
	known, err := list.Interpreter(id)
	if err == nil && known == nil {
		err = fault.Field(amparov1.Reason_REASON_FIELD_INVALID, "contact.interpreter_id", "is on the list of interpreters")
	}
	return known.GetActive(), err
}
