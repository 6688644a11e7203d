package server

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/handover"
	"github.com/amparo-project/amparo/internal/records"
)

const (
	// reassignedAtOnce is how many cases change hands in one commit.
	reassignedAtOnce = 25
	// returnedAtOnce is how many hand-overs are closed in one commit.
	returnedAtOnce = 20
	// shownLeft is how many cases are named that could not be given.
	shownLeft = 200
)

// reassignment is one call to reassign: several commits, each of which leaves the
// store as a repetition of the call would find it useful.
type reassignment struct {
	s    *Server
	c    *call
	req  *amparov1.ReassignCasesRequest
	left map[string]amparov1.HandoverObstacle // cases that could not be given
	gone bool                                 // nothing is left to do
}

// ReassignCases gives every open case of one person to another.
func (h *handovers) ReassignCases(ctx context.Context, req *amparov1.ReassignCasesRequest) (*amparov1.ReassignCasesResponse, error) {
	r := &reassignment{s: h.s, c: callOf(ctx), req: req, left: map[string]amparov1.HandoverObstacle{}}
	request := r.c.request(req.GetRequestId())
	if answer, err := h.s.records.Answered(ctx, r.c.grant, request); answer != nil || err != nil {
		if err != nil {
			return nil, err
		}
		return as[*amparov1.ReassignCasesResponse](answer)
	}
	if err := r.possible(); err != nil {
		return nil, err
	}
	for _, act := range []func(context.Context, *records.Work, *records.File) error{r.give, r.giveBack} {
		for r.gone = false; !r.gone; {
			_, err := h.s.records.Update(ctx, r.c.grant, records.Request{}, nil, func(w *records.Work) (proto.Message, error) {
				file, err := w.Handovers()
				if err != nil {
					return nil, err
				}
				w.Leaf.TargetStaffId = req.GetFromStaffId()
				return nil, act(ctx, w, file)
			})
			if err != nil {
				return nil, err
			}
		}
	}
	answer, err := h.s.records.Update(ctx, r.c.grant, request, nil, r.finish)
	if err != nil {
		return nil, err
	}
	return as[*amparov1.ReassignCasesResponse](answer)
}

// possible refuses people whom the caller has no say over, and a new owner who could
// take no case at all.
func (r *reassignment) possible() error {
	now, directory := r.s.records.Now(), r.s.records.Directory()
	near := func(member *amparov1.StaffMember) bool {
		return slices.ContainsFunc(member.GetOffices(), func(office string) bool { return slices.Contains(r.c.grant.Offices(), office) })
	}
	if !near(directory.ByID(r.req.GetFromStaffId())) {
		return fault.Field(amparov1.Reason_REASON_STAFF_UNSUITABLE, "from_staff_id", "is of your office")
	}
	to := directory.ByID(r.req.GetToStaffId())
	if !near(to) || !access.Present(to, now) || !access.WorksCases(to.GetRoles()) || to.GetId() == r.req.GetFromStaffId() {
		return fault.Field(amparov1.Reason_REASON_STAFF_UNSUITABLE, "to_staff_id", "is active, works cases of your office, and is somebody else")
	}
	return nil
}

// give gives the next cases. What a rule about people refuses is left and named.
func (r *reassignment) give(ctx context.Context, w *records.Work, file *records.File) error {
	progress := file.Reassigned(r.c.grant.StaffID(), r.req.GetRequestId())
	owned := w.Owned(r.req.GetFromStaffId(), reassignedAtOnce, func(id string) bool { _, left := r.left[id]; return left })
	for _, id := range owned {
		f, err := w.Open(records.Target{ID: id})
		if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Corrupt) {
			// It is not the caller's to give any more, or it is damaged, which has been
			// told loudly: the leaver's other cases do not wait for that.
			r.left[id] = 0
			continue
		}
		if err != nil {
			return err
		}
		c := f.Case()
		if c.GetOwnerId() != r.req.GetFromStaffId() {
			continue
		}
		proposed := c.GetRiskProposedById() == r.req.GetFromStaffId()
		entry, err := handover.Reassign(c, r.req.GetFromStaffId(), r.req.GetToStaffId(),
			r.s.rolesAt(c.GetOffice(), w.Now), r.s.assign(actOf(ctx, w), c))
		if err != nil {
			if handover.Obstacle(err) == 0 {
				return err
			}
			r.left[id] = handover.Obstacle(err)
			continue
		}
		f.Append(entry)
		progress.Reassigned++
		if proposed {
			progress.ApprovalsReturned++
		}
	}
	r.gone = len(owned) == 0
	if r.gone {
		return nil
	}
	file.SetReassigned(r.c.grant.StaffID(), r.req.GetRequestId(), progress)
	return nil
}

// giveBack returns the hand-overs that wait for the one who leaves.
func (r *reassignment) giveBack(_ context.Context, w *records.Work, file *records.File) error {
	progress, returned := file.Reassigned(r.c.grant.StaffID(), r.req.GetRequestId()), 0
	for _, waiting := range file.WaitingHandovers(r.req.GetFromStaffId()) {
		if returned == returnedAtOnce {
			break
		}
		h, err := file.Handover(waiting.GetId())
		if err != nil {
			return err
		}
		handover.Return(h, w.Now)
		file.SetHandover(h, w.Now)
		returned++
		if waiting.GetToId() != r.req.GetFromStaffId() {
			continue // the leaver's own, whose cases have a new owner by now
		}
		progress.HandoversReturned++
		if err := w.Tell(waiting.GetFromId()); err != nil {
			return err
		}
	}
	r.gone = returned == 0
	if !r.gone {
		file.SetReassigned(r.c.grant.StaffID(), r.req.GetRequestId(), progress)
	}
	return nil
}

// finish tells the people, names what is left, and makes the answer the one that a
// repetition gets.
func (r *reassignment) finish(w *records.Work) (proto.Message, error) {
	file, err := w.Handovers()
	if err != nil {
		return nil, err
	}
	w.Leaf.TargetStaffId = r.req.GetFromStaffId()
	answer := file.Reassigned(r.c.grant.StaffID(), r.req.GetRequestId())
	file.SetReassigned(r.c.grant.StaffID(), r.req.GetRequestId(), nil)
	for id, why := range r.left {
		if why != 0 && len(answer.GetLeft()) < shownLeft {
			answer.Left = append(answer.Left, &amparov1.ReassignLeft{CaseId: id, Why: why})
		}
	}
	whom := []string{r.req.GetToStaffId()}
	if answer.GetApprovalsReturned() > 0 {
		for _, office := range r.c.grant.Offices() {
			whom = append(whom, r.s.records.Directory().Reviewers(office, w.Now)...)
		}
	}
	return answer, w.Tell(whom...)
}
