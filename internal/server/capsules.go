package server

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/capsule"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/intake"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/written"
)

// capsules serves CapsuleService.
type capsules struct {
	amparov1.UnimplementedCapsuleServiceServer
	s *Server
}

// nobodys is whose a request is that names no taker. Were it its bringer's, two who
// bring it would begin two cases.
const nobodys = "capsule"

// GetServiceRecipient says to whom a capsule is sealed.
func (h *capsules) GetServiceRecipient(
	ctx context.Context, _ *amparov1.GetServiceRecipientRequest,
) (*amparov1.GetServiceRecipientResponse, error) {
	recipient := h.s.records.ServiceRecipient()
	answer := &amparov1.GetServiceRecipientResponse{ServiceRecipient: recipient, ServiceId: capsule.ServiceID(recipient)}
	return answer, h.s.records.Note(ctx, callOf(ctx).grant, &amparov1.AuditLeaf{})
}

// SubmitCapsule opens a case for the request in a capsule, or answers with the one
// that it has. The request counts as the taker's own, with the id and the hash that
// it has when the taker sends it: sent and sealed, it is one request.
//
// Somebody whom the intake excludes may bring it, and learns of the case no more
// than its receipt: the other choice is that the request stays on the stick.
func (h *capsules) SubmitCapsule(ctx context.Context, req *amparov1.SubmitCapsuleRequest) (*amparov1.SubmitCapsuleResponse, error) {
	c := callOf(ctx)
	opened, err := h.s.openCapsule(req.GetCapsule())
	if err != nil {
		return nil, err
	}
	by, err := h.takerOf(c.grant, opened)
	if err != nil {
		return nil, err
	}
	sent := &amparov1.CreateIntakeRequest{RequestId: opened.GetRequestId(), Intake: opened.GetIntake()}
	hash, raw, err := hashOf(sent, amparov1.CaseService_CreateIntake_FullMethodName)
	if err != nil {
		return nil, err
	}
	carried := records.Request{ID: sent.GetRequestId(), Hash: hash, By: cmp.Or(opened.GetTakenById(), nobodys), Begins: true}
	if known, err := h.known(ctx, c.grant, carried); known != nil || err != nil {
		return known, err
	}
	if err := h.s.checker.texts(sent, raw); err != nil {
		return nil, err
	}
	intake.Late(opened.GetIntake(), opened.GetCalledAt(), h.s.records.Now())
	opened.Intake = intake.Normalise(opened.GetIntake(), h.s.records.Now())
	if err := h.s.checker.fields(opened); err != nil {
		return nil, err
	}
	request := c.request(req.GetRequestId())
	request.Carried = &carried
	answer, err := h.s.takeIn(ctx, request, by, opened.GetIntake())
	if err != nil {
		return nil, err
	}
	return &amparov1.SubmitCapsuleResponse{Case: answer.GetCase(), PossibleDuplicate: answer.GetPossibleDuplicate()}, nil
}

// openCapsule opens what somebody sealed and reads it. Nothing of it is believed
// but that it was written for this service, if by somebody who knew its id.
func (s *Server) openCapsule(sealed []byte) (*amparov1.Capsule, error) {
	content, err := s.records.OpenCapsule(sealed)
	if err != nil {
		return nil, err
	}
	opened, err := capsule.Read(content)
	if faults, ok := errors.AsType[written.Faults](err); ok {
		return nil, contentFault(faults)
	}
	if err != nil {
		return nil, err
	}
	if named := opened.GetServiceId(); named != "" && named != capsule.ServiceID(s.records.ServiceRecipient()) {
		return nil, fault.New(amparov1.Reason_REASON_CAPSULE_FOREIGN)
	}
	return opened, nil
}

// contentFault tells what is wrong with the text in a capsule, by its lines.
func contentFault(faults written.Faults) error {
	var violations []fault.Violation
	for _, f := range faults {
		field, rule := cmp.Or(f.Path, "capsule"), f.Rule
		if f.Line > 0 {
			rule += " (line " + strconv.Itoa(f.Line) + ")"
		}
		violations = append(violations, fault.Violation{Field: field, Rule: rule, Reason: amparov1.Reason_REASON_FIELD_INVALID})
	}
	return fault.Fields(violations)
}

// takerOf is who took the request in a capsule: a person of the staff, in standing
// or not any more, since the person who called asked for help all the same. Where
// the intake names no office, the case goes to the first that taker and bringer
// share, or to the bringer's: to ask would be too late.
func (h *capsules) takerOf(grant access.Grant, opened *amparov1.Capsule) (taker, error) {
	by := taker{staffID: cmp.Or(opened.GetTakenById(), grant.StaffID())}
	member := h.s.records.Directory().ByID(by.staffID)
	if member == nil {
		return taker{}, fault.Field(amparov1.Reason_REASON_FIELD_INVALID, "taken_by_id", "names nobody of the staff")
	}
	for _, office := range slices.Concat(member.GetOffices(), grant.Offices()) {
		if slices.Contains(grant.Offices(), office) {
			by.offices = []string{office}
			break
		}
	}
	return by, nil
}

// known answers with the case that the request has already, or nil. Unlike the first
// answer to a request, which is kept for a month, it is found for as long as the
// case is: a stick may turn up after a year.
func (h *capsules) known(ctx context.Context, grant access.Grant, carried records.Request) (*amparov1.SubmitCapsuleResponse, error) {
	id, err := h.s.records.Begun(ctx, grant, carried)
	if id == "" || err != nil {
		return nil, err
	}
	target := records.Target{ID: id, Grant: access.Service(amparov1.LeafAction_LEAF_ACTION_CAPSULE_SUBMIT)}
	return view(ctx, h.s, []records.Target{target}, func(w *records.Work) (*amparov1.SubmitCapsuleResponse, error) {
		held := receipt(w.File(0))
		held.Version-- // of the head as it lies: nothing is written
		return &amparov1.SubmitCapsuleResponse{Case: held}, nil
	})
}
