package server

import (
	"context"
	"encoding/binary"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/casefile"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/linkage"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/risk"
	"github.com/amparo-project/amparo/internal/safety"
)

// cases serves CaseService.
type cases struct {
	amparov1.UnimplementedCaseServiceServer
	s *Server
}

// writing is a request that changes one case.
type writing interface {
	GetRequestId() string
	GetCaseId() string
}

// update runs fn as one act of the caller on the files, and answers what fn returned
// once it is durable; a request that is repeated is answered as it was.
func update[T proto.Message](ctx context.Context, s *Server, requestID string, files []records.Target, fn func(*records.Work) (T, error)) (T, error) {
	c := callOf(ctx)
	answer, err := s.records.Update(ctx, c.grant, c.request(requestID), files, func(w *records.Work) (proto.Message, error) { return fn(w) })
	if err != nil {
		var none T
		return none, err
	}
	return as[T](answer)
}

// view runs fn on the files, and answers what it returned once the leaf is durable.
func view[T proto.Message](ctx context.Context, s *Server, files []records.Target, fn func(*records.Work) (T, error)) (T, error) {
	answer, err := s.records.View(ctx, callOf(ctx).grant, files, func(w *records.Work) (proto.Message, error) { return fn(w) })
	if err != nil {
		var none T
		return none, err
	}
	return as[T](answer)
}

// write opens the request's case, runs fn on it, and answers what fn returned once
// it is durable. Whatever act makes a risk extreme raises the alarm with it.
func write[T proto.Message](ctx context.Context, s *Server, request writing, fn func(*records.Work, *records.File) (T, error)) (T, error) {
	return update(ctx, s, request.GetRequestId(), records.Targets(request.GetCaseId()), func(w *records.Work) (T, error) {
		before := w.File(0).Case().GetRiskLevel()
		answer, err := fn(w, w.File(0))
		if err != nil {
			return answer, err
		}
		return answer, raiseExtreme(w, w.File(0), before)
	})
}

// read opens a case, runs fn on it, and answers once the leaf is durable.
func read[T proto.Message](ctx context.Context, s *Server, caseID string, fn func(*records.File) (T, error)) (T, error) {
	return view(ctx, s, records.Targets(caseID), func(w *records.Work) (T, error) { return fn(w.File(0)) })
}

// as is the answer in its own type. A first answer that is repeated comes from the
// disk; one of another type means that the id was used for another call, which the
// hash of the request has told apart before.
func as[T proto.Message](answer proto.Message) (T, error) {
	typed, ok := answer.(T)
	if !ok {
		return typed, fault.New(amparov1.Reason_REASON_REQUEST_ID_REUSED)
	}
	return typed, nil
}

// receipt is what every write to a case answers: the case as it will be written.
func receipt(f *records.File) *amparov1.CaseReceipt {
	r := casefile.Receipt(f.Case())
	r.Version = f.Version()
	return r
}

// rule is a step in the life of a case that yields one entry of its timeline.
type rule func(act casefile.Act, c *amparov1.Case) (*amparov1.TimelineEntry, error)

// actOf is the act of a call in a case.
func actOf(ctx context.Context, w *records.Work) casefile.Act {
	return casefile.Act{StaffID: callOf(ctx).grant.StaffID(), Now: w.Now, Book: w.Book()}
}

// step runs a rule on the request's case and answers a receipt.
func step[T proto.Message](ctx context.Context, s *Server, request writing, run rule, answer func(*amparov1.CaseReceipt) T) (T, error) {
	return write(ctx, s, request, func(w *records.Work, f *records.File) (T, error) {
		entry, err := run(actOf(ctx, w), f.Case())
		if err != nil {
			var none T
			return none, err
		}
		f.Append(entry)
		return answer(receipt(f)), nil
	})
}

// GetCase opens a case.
func (h *cases) GetCase(ctx context.Context, req *amparov1.GetCaseRequest) (*amparov1.GetCaseResponse, error) {
	return read(ctx, h.s, req.GetCaseId(), func(f *records.File) (*amparov1.GetCaseResponse, error) {
		answer := &amparov1.GetCaseResponse{Case: f.Case(), Intake: &amparov1.Intake{}, Identity: &amparov1.Identity{}}
		answer.Case.Version = f.Version() - 1
		if _, err := f.Get(records.RecordIntake, "", answer.Intake); err != nil {
			return nil, err
		}
		if _, err := f.Get(records.RecordIdentity, "", answer.Identity); err != nil {
			return nil, err
		}
		assessments, err := f.Assessments()
		if err != nil {
			return nil, err
		}
		answer.Risk = risk.InForce(assessments)
		held, err := f.Safety()
		if err != nil {
			return nil, err
		}
		answer.Advice = safety.Advise(held, zone, h.s.records.Now())
		linkage.Hide(answer.GetCase(), h.s.unknownTo(ctx))
		return safety.WithoutDuressWords(answer), nil
	})
}

const defaultPage = 50

// ListTimeline shows what was done in a case, newest first.
func (h *cases) ListTimeline(ctx context.Context, req *amparov1.ListTimelineRequest) (*amparov1.ListTimelineResponse, error) {
	grant := callOf(ctx).grant
	place, err := h.s.records.OpenCursor(grant, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	before, expected, err := timelinePlace(place, req.GetCaseId())
	if err != nil {
		return nil, err
	}
	limit := int(req.GetPageSize())
	if limit == 0 {
		limit = defaultPage
	}
	return read(ctx, h.s, req.GetCaseId(), func(f *records.File) (*amparov1.ListTimelineResponse, error) {
		entries, next, err := f.Timeline(before, expected, limit)
		if err != nil {
			return nil, err
		}
		answer := &amparov1.ListTimelineResponse{Entries: entries}
		for _, entry := range entries {
			if h.s.unknownTo(ctx)(entry.GetOtherCaseId()) {
				entry.OtherCaseId = ""
			}
		}
		if len(next) > 0 && len(entries) > 0 {
			last := entries[len(entries)-1].GetSequence()
			place := binary.BigEndian.AppendUint64([]byte(req.GetCaseId()), last)
			answer.NextPageToken = h.s.records.SealCursor(grant, append(place, next...))
		}
		return answer, nil
	})
}

// timelinePlace reads a place in a timeline: the case, the sequence before which
// the page begins, and the hash that its first entry must have.
func timelinePlace(place []byte, caseID string) (before uint64, expected []byte, err error) {
	if len(place) == 0 {
		return 0, nil, nil
	}
	if len(place) < len(caseID)+9 || string(place[:len(caseID)]) != caseID {
		return 0, nil, fault.Field(amparov1.Reason_REASON_CURSOR_INVALID, "page_token", "must come from the page before")
	}
	place = place[len(caseID):]
	return binary.BigEndian.Uint64(place), place[8:], nil
}

// TriageCase sets class, risk, programme and outcome.
func (h *cases) TriageCase(ctx context.Context, req *amparov1.TriageCaseRequest) (*amparov1.TriageCaseResponse, error) {
	return write(ctx, h.s, req, func(w *records.Work, f *records.File) (*amparov1.TriageCaseResponse, error) {
		identity := &amparov1.Identity{}
		if _, err := f.Get(records.RecordIdentity, "", identity); err != nil {
			return nil, err
		}
		assessments, err := f.Assessments()
		if err != nil {
			return nil, err
		}
		made, entries, err := actOf(ctx, w).Triage(f.Case(), assessments, req, identity)
		if err != nil {
			return nil, err
		}
		f.SetAssessments(made)
		f.Append(entries...)
		return &amparov1.TriageCaseResponse{Case: receipt(f), Eligibility: f.Case().GetEligibility()}, nil
	})
}

// AssignCase sets the team.
func (h *cases) AssignCase(ctx context.Context, req *amparov1.AssignCaseRequest) (*amparov1.AssignCaseResponse, error) {
	return step(ctx, h.s, req, func(act casefile.Act, c *amparov1.Case) (*amparov1.TimelineEntry, error) {
		return act.Assign(c, req.GetStaffIds(), h.s.rolesAt(c.GetOffice(), act.Now))
	}, func(r *amparov1.CaseReceipt) *amparov1.AssignCaseResponse {
		return &amparov1.AssignCaseResponse{Case: r}
	})
}

// AddNote adds a note to the timeline.
func (h *cases) AddNote(ctx context.Context, req *amparov1.AddNoteRequest) (*amparov1.AddNoteResponse, error) {
	return step(ctx, h.s, req, func(act casefile.Act, c *amparov1.Case) (*amparov1.TimelineEntry, error) {
		return act.Note(c, req.GetText())
	}, func(r *amparov1.CaseReceipt) *amparov1.AddNoteResponse {
		return &amparov1.AddNoteResponse{Case: r}
	})
}

// RecordContact records a contact, or an attempt at one.
func (h *cases) RecordContact(ctx context.Context, req *amparov1.RecordContactRequest) (*amparov1.RecordContactResponse, error) {
	return write(ctx, h.s, req, func(w *records.Work, f *records.File) (*amparov1.RecordContactResponse, error) {
		warnings, err := contacted(ctx, w, f, safety.Contacted{Attempt: req.GetContact(), Word: req.GetWord()})
		if err != nil {
			return nil, err
		}
		return &amparov1.RecordContactResponse{Case: receipt(f), Warnings: warnings}, nil
	})
}

// AdvanceCase moves an accepted case on.
func (h *cases) AdvanceCase(ctx context.Context, req *amparov1.AdvanceCaseRequest) (*amparov1.AdvanceCaseResponse, error) {
	return step(ctx, h.s, req, func(act casefile.Act, c *amparov1.Case) (*amparov1.TimelineEntry, error) {
		return act.Advance(c, req.GetTo(), req.GetText(), h.s.rolesAt(c.GetOffice(), act.Now))
	}, func(r *amparov1.CaseReceipt) *amparov1.AdvanceCaseResponse {
		return &amparov1.AdvanceCaseResponse{Case: r}
	})
}

// HoldCase puts a case on hold.
func (h *cases) HoldCase(ctx context.Context, req *amparov1.HoldCaseRequest) (*amparov1.HoldCaseResponse, error) {
	return step(ctx, h.s, req, func(act casefile.Act, c *amparov1.Case) (*amparov1.TimelineEntry, error) {
		return act.Hold(c, req.GetReason(), req.GetText())
	}, func(r *amparov1.CaseReceipt) *amparov1.HoldCaseResponse {
		return &amparov1.HoldCaseResponse{Case: r}
	})
}

// ResumeCase takes a case off hold.
func (h *cases) ResumeCase(ctx context.Context, req *amparov1.ResumeCaseRequest) (*amparov1.ResumeCaseResponse, error) {
	return step(ctx, h.s, req, func(act casefile.Act, c *amparov1.Case) (*amparov1.TimelineEntry, error) {
		return act.Resume(c, req.GetText())
	}, func(r *amparov1.CaseReceipt) *amparov1.ResumeCaseResponse {
		return &amparov1.ResumeCaseResponse{Case: r}
	})
}

// CloseCase closes a case.
func (h *cases) CloseCase(ctx context.Context, req *amparov1.CloseCaseRequest) (*amparov1.CloseCaseResponse, error) {
	return write(ctx, h.s, req, func(w *records.Work, f *records.File) (*amparov1.CloseCaseResponse, error) {
		held, err := f.Safety()
		if err != nil {
			return nil, err
		}
		if err := safety.MayClose(held, req.GetClosing().GetReason()); err != nil {
			return nil, err
		}
		entry, err := actOf(ctx, w).Close(f.Case(), req.GetClosing(), h.s.rolesAt(f.Case().GetOffice(), w.Now))
		if err != nil {
			return nil, err
		}
		f.Append(entry)
		return &amparov1.CloseCaseResponse{Case: receipt(f)}, nil
	})
}

// ReopenCase makes a closed case active again.
func (h *cases) ReopenCase(ctx context.Context, req *amparov1.ReopenCaseRequest) (*amparov1.ReopenCaseResponse, error) {
	return step(ctx, h.s, req, func(act casefile.Act, c *amparov1.Case) (*amparov1.TimelineEntry, error) {
		return act.Reopen(c, req.GetReason(), h.s.rolesAt(c.GetOffice(), act.Now))
	}, func(r *amparov1.CaseReceipt) *amparov1.ReopenCaseResponse {
		return &amparov1.ReopenCaseResponse{Case: r}
	})
}

// RestrictCase keeps a case to its team, or opens it to its office again.
func (h *cases) RestrictCase(ctx context.Context, req *amparov1.RestrictCaseRequest) (*amparov1.RestrictCaseResponse, error) {
	return write(ctx, h.s, req, func(w *records.Work, f *records.File) (*amparov1.RestrictCaseResponse, error) {
		entry, err := actOf(ctx, w).Restrict(f.Case(), req.GetRestricted())
		if err != nil {
			return nil, err
		}
		f.Append(entry)
		return &amparov1.RestrictCaseResponse{Case: receipt(f)}, h.s.barFromMerged(ctx, w, f.Case())
	})
}
