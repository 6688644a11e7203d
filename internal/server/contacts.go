package server

import (
	"context"
	"errors"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/risk"
	"github.com/amparo-project/amparo/internal/safety"
)

// contacts serves SafetyService.
type contacts struct {
	amparov1.UnimplementedSafetyServiceServer
	s *Server
}

// contacted records a contact in the case and in the record of its safe contact, and
// wakes somebody in the same commit where there was duress. What it returns does not
// depend on that.
func contacted(ctx context.Context, w *records.Work, f *records.File, what safety.Contacted) ([]amparov1.SafetyWarning, error) {
	act, level := actOf(ctx, w), f.Case().GetRiskLevel()
	held, err := f.Safety()
	if err != nil {
		return nil, err
	}
	what.Emergency = !risk.Assessed(level) || risk.AtLeast(level, amparov1.RiskLevel_RISK_LEVEL_HIGH)
	if what.Vetted, err = vetted(w, what.Attempt); err != nil {
		return nil, err
	}
	warnings, duress, err := safety.Attempt(held, what, zone, act.StaffID, act.Now)
	if err != nil {
		return nil, err
	}
	entry, err := act.Contact(f.Case(), what.Attempt)
	if err != nil {
		return nil, err
	}
	f.Append(entry)
	f.SetSafety(held)
	return warnings, wake(w, f, duress)
}

// wake raises the alarm for duress with the act itself.
func wake(w *records.Work, f *records.File, duress bool) error {
	if !duress {
		return nil
	}
	return w.Raise(amparov1.AlarmKind_ALARM_KIND_DURESS, f, "")
}

// keeping is one act on the record of a safe contact: it changes the record and
// returns the entries of the timeline and, once they are written, the answer.
type keeping[T proto.Message] func(w *records.Work, f *records.File, held *amparov1.Safety) ([]*amparov1.TimelineEntry, func() T, error)

// keep runs an act on the record of the request's safe contact.
func keep[T proto.Message](ctx context.Context, s *Server, request writing, run keeping[T]) (T, error) {
	return write(ctx, s, request, func(w *records.Work, f *records.File) (T, error) {
		var none T
		held, err := f.Safety()
		if err != nil {
			return none, err
		}
		entries, answer, err := run(w, f, held)
		if err != nil {
			return none, err
		}
		f.SetSafety(held)
		f.Append(entries...)
		return answer(), nil
	})
}

// GetSafety shows how the person can be reached.
func (h *contacts) GetSafety(ctx context.Context, req *amparov1.GetSafetyRequest) (*amparov1.GetSafetyResponse, error) {
	return read(ctx, h.s, req.GetCaseId(), func(f *records.File) (*amparov1.GetSafetyResponse, error) {
		held, err := f.Safety()
		if err != nil {
			return nil, err
		}
		return &amparov1.GetSafetyResponse{
			Advice: safety.Advise(held, zone, h.s.records.Now()),
			Safety: safety.Shown(held, callOf(ctx).grant.StaffID()),
		}, nil
	})
}

// RecordStatus records what befell the person.
func (h *contacts) RecordStatus(ctx context.Context, req *amparov1.RecordStatusRequest) (*amparov1.RecordStatusResponse, error) {
	return keep(ctx, h.s, req, func(w *records.Work, f *records.File, held *amparov1.Safety) ([]*amparov1.TimelineEntry, func() *amparov1.RecordStatusResponse, error) {
		act := actOf(ctx, w)
		entries, err := safety.Report(held, req.GetReport(), act.StaffID, act.Now)
		if err != nil {
			return nil, nil, err
		}
		if err := act.Befall(f.Case(), held.GetStatus(), entries[0]); err != nil {
			return nil, nil, err
		}
		return entries, func() *amparov1.RecordStatusResponse {
			return &amparov1.RecordStatusResponse{
				Case: receipt(f), Report: held.GetLastNumber(), Advice: safety.Advise(held, zone, act.Now),
			}
		}, tellOwner(w, f, act.StaffID)
	})
}

// ConfirmStatus records a second source.
func (h *contacts) ConfirmStatus(ctx context.Context, req *amparov1.ConfirmStatusRequest) (*amparov1.ConfirmStatusResponse, error) {
	return keep(ctx, h.s, req, func(w *records.Work, f *records.File, held *amparov1.Safety) ([]*amparov1.TimelineEntry, func() *amparov1.ConfirmStatusResponse, error) {
		act := actOf(ctx, w)
		entry, err := safety.Confirm(held, req.GetReport(), req.GetSource(), req.GetText(), act.StaffID, act.Now)
		return []*amparov1.TimelineEntry{entry}, func() *amparov1.ConfirmStatusResponse {
			return &amparov1.ConfirmStatusResponse{Case: receipt(f)}
		}, err
	})
}

// DistrustContact takes a contact out of use.
func (h *contacts) DistrustContact(ctx context.Context, req *amparov1.DistrustContactRequest) (*amparov1.DistrustContactResponse, error) {
	return keep(ctx, h.s, req, func(w *records.Work, f *records.File, held *amparov1.Safety) ([]*amparov1.TimelineEntry, func() *amparov1.DistrustContactResponse, error) {
		act := actOf(ctx, w)
		entry, err := safety.Distrust(held, req.GetContact(), req.GetSuspectedHostile(), req.GetText(), act.StaffID, act.Now)
		if err == nil {
			err = tellOwner(w, f, act.StaffID)
		}
		return []*amparov1.TimelineEntry{entry}, func() *amparov1.DistrustContactResponse {
			return &amparov1.DistrustContactResponse{Case: receipt(f), Advice: safety.Advise(held, zone, act.Now)}
		}, err
	})
}

// ProposeContactChange asks for another contact or payee.
func (h *contacts) ProposeContactChange(ctx context.Context, req *amparov1.ProposeContactChangeRequest) (*amparov1.ProposeContactChangeResponse, error) {
	return keep(ctx, h.s, req, func(w *records.Work, f *records.File, held *amparov1.Safety) ([]*amparov1.TimelineEntry, func() *amparov1.ProposeContactChangeResponse, error) {
		act := actOf(ctx, w)
		outcome, err := safety.Propose(held, req.GetChange(), req.GetAnswer(), act.StaffID, act.Now)
		if err != nil {
			return nil, nil, err
		}
		if err := h.findable(f, held); err != nil {
			return nil, nil, err
		}
		return outcome.Entries, func() *amparov1.ProposeContactChangeResponse {
			return &amparov1.ProposeContactChangeResponse{Case: receipt(f), Change: outcome.Number, Standing: outcome.Standing}
		}, errors.Join(tellOwner(w, f, act.StaffID), wake(w, f, outcome.Duress))
	})
}

// ConfirmContactChange proves a change, or rejects it.
func (h *contacts) ConfirmContactChange(ctx context.Context, req *amparov1.ConfirmContactChangeRequest) (*amparov1.ConfirmContactChangeResponse, error) {
	return keep(ctx, h.s, req, func(w *records.Work, f *records.File, held *amparov1.Safety) ([]*amparov1.TimelineEntry, func() *amparov1.ConfirmContactChangeResponse, error) {
		act := actOf(ctx, w)
		proof := safety.Proof{Kind: req.GetProof(), Answer: req.GetAnswer(), Contact: req.GetContact(), Reject: req.GetReject()}
		outcome, err := safety.Settle(held, req.GetChange(), proof, act.StaffID, act.Now)
		if err != nil {
			return nil, nil, err
		}
		if err := h.findable(f, held); err != nil {
			return nil, nil, err
		}
		return outcome.Entries, func() *amparov1.ConfirmContactChangeResponse {
			return &amparov1.ConfirmContactChangeResponse{Case: receipt(f), Standing: outcome.Standing}
		}, wake(w, f, outcome.Duress)
	})
}

// SetAdvanceInstructions records what the person wishes.
func (h *contacts) SetAdvanceInstructions(ctx context.Context, req *amparov1.SetAdvanceInstructionsRequest) (*amparov1.SetAdvanceInstructionsResponse, error) {
	return keep(ctx, h.s, req, func(w *records.Work, f *records.File, held *amparov1.Safety) ([]*amparov1.TimelineEntry, func() *amparov1.SetAdvanceInstructionsResponse, error) {
		act := actOf(ctx, w)
		entry, err := safety.Instruct(held, req.GetInstructions(), req.GetGivenAt(), act.StaffID, act.Now)
		return []*amparov1.TimelineEntry{entry}, func() *amparov1.SetAdvanceInstructionsResponse {
			return &amparov1.SetAdvanceInstructionsResponse{Case: receipt(f)}
		}, err
	})
}

// ReportDuress records a contact under duress, as any other.
func (h *contacts) ReportDuress(ctx context.Context, req *amparov1.ReportDuressRequest) (*amparov1.ReportDuressResponse, error) {
	return write(ctx, h.s, req, func(w *records.Work, f *records.File) (*amparov1.ReportDuressResponse, error) {
		warnings, err := contacted(ctx, w, f, safety.Contacted{Attempt: req.GetContact(), Duress: true})
		if err != nil {
			return nil, err
		}
		return &amparov1.ReportDuressResponse{Case: receipt(f), Warnings: warnings}, nil
	})
}

// findable lets a case be found by the contacts that were proven since its intake:
// whoever calls from a new number is looked up by it. A proxy's counts like an
// intermediary's: two strangers may share one.
func (h *contacts) findable(f *records.File, held *amparov1.Safety) error {
	asked := &amparov1.Intake{}
	if _, err := f.Get(records.RecordIntake, "", asked); err != nil {
		return err
	}
	asked.Identity = &amparov1.Identity{}
	if _, err := f.Get(records.RecordIdentity, "", asked.GetIdentity()); err != nil {
		return err
	}
	var later []*amparov1.SafeContact
	for _, c := range held.GetContacts() {
		way := proto.CloneOf(c.GetContact().GetWay())
		switch c.GetContact().GetKind() {
		case amparov1.ContactKind_CONTACT_KIND_OWN:
		case amparov1.ContactKind_CONTACT_KIND_PROXY:
			way.Channel = amparov1.ContactChannel_CONTACT_CHANNEL_INTERMEDIARY
		default: // who asks for many would be found with all of them
			continue
		}
		later = append(later, way)
	}
	f.SetTokens(h.s.tokens(asked, later...))
	return nil
}
