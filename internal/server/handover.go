package server

import (
	"cmp"
	"context"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/casefile"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/handover"
	"github.com/amparo-project/amparo/internal/records"
)

// handovers serves HandoverService.
type handovers struct {
	amparov1.UnimplementedHandoverServiceServer
	s *Server
}

// handedSpan is how far ahead a hand-over looks where its giver does not say: the
// length of a night shift.
const handedSpan = 12 * time.Hour

// PrepareHandover lists the caller's open items.
func (h *handovers) PrepareHandover(ctx context.Context, req *amparov1.PrepareHandoverRequest) (*amparov1.PrepareHandoverResponse, error) {
	grant := callOf(ctx).grant
	span := handedSpan
	if req.GetWithinHours() > 0 {
		span = time.Duration(req.GetWithinHours()) * time.Hour
	}
	return view(ctx, h.s, nil, func(w *records.Work) (*amparov1.PrepareHandoverResponse, error) {
		answer := &amparov1.PrepareHandoverResponse{}
		alarms, err := w.AlarmsOf(grant.StaffID())
		if err != nil {
			return nil, err
		}
		for _, alarm := range alarms {
			answer.Items = append(answer.Items, &amparov1.HandoverItem{
				Entry: &amparov1.HandoverEntry{AlarmId: alarm.GetId()}, Why: []amparov1.HandoverWhy{amparov1.HandoverWhy_HANDOVER_WHY_ALARM},
			})
		}
		until := w.Now.Add(span)
		for _, id := range h.s.records.Handed(grant.StaffID(), until, 2*handover.MaxItems) {
			file, err := w.Open(records.Target{ID: id})
			if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Corrupt) {
				continue // it has gone to somebody else meanwhile, or nobody can open it
			}
			if err != nil {
				return nil, err
			}
			if why := handover.Why(file.Case(), grant.StaffID(), w.Now, until); len(why) > 0 {
				answer.Items = append(answer.Items, &amparov1.HandoverItem{
					Entry: &amparov1.HandoverEntry{CaseId: id, CaseVersion: file.Version() - 1}, Pseudonym: file.Pseudonym(), Why: why,
				})
			}
		}
		if len(answer.GetItems()) > handover.MaxItems {
			answer.Items, answer.More = answer.Items[:handover.MaxItems], true
		}
		return answer, nil
	})
}

// signed checks that the calling device has signed a message, and keeps what whoever
// checks it again will need.
func (c *call) signed(message, signature []byte, now time.Time) (*amparov1.HandoverSignature, error) {
	device := c.caller.Device
	if !handover.Verify(device.GetSigningKey(), message, signature) {
		return nil, fault.New(amparov1.Reason_REASON_SIGNATURE_WRONG)
	}
	return &amparov1.HandoverSignature{
		DeviceId: device.GetId(), SigningKey: device.GetSigningKey(), Signature: signature, SignedAt: timestamppb.New(now),
	}, nil
}

// BeginHandover offers a list to one person.
func (h *handovers) BeginHandover(ctx context.Context, req *amparov1.BeginHandoverRequest) (*amparov1.BeginHandoverResponse, error) {
	c := callOf(ctx)
	return update(ctx, h.s, req.GetRequestId(), nil, func(w *records.Work) (*amparov1.BeginHandoverResponse, error) {
		offer := &amparov1.Handover{
			Id: req.GetRequestId(), FromId: c.grant.StaffID(), ToId: req.GetToStaffId(), BegunAt: timestamppb.New(w.Now),
		}
		for _, entry := range req.GetEntries() {
			offer.Items = append(offer.Items, &amparov1.HandoverItem{Entry: entry})
		}
		var err error
		if offer.Offer, err = c.signed(handover.Offer(offer, c.grant.DeviceID()), req.GetSignature(), w.Now); err != nil {
			return nil, err
		}
		if err := h.offerAll(w, offer); err != nil {
			return nil, err
		}
		file, err := w.Handovers()
		if err != nil {
			return nil, err
		}
		if before, err := file.Handover(offer.GetId()); before != nil || err != nil {
			return nil, cmp.Or[error](err, fault.New(amparov1.Reason_REASON_REQUEST_ID_REUSED))
		}
		file.SetHandover(offer, w.Now)
		if err := w.Tell(offer.GetToId()); err != nil {
			return nil, err
		}
		return &amparov1.BeginHandoverResponse{HandoverId: offer.GetId(), Items: uint32(len(offer.GetItems()))}, nil
	})
}

// offerAll puts every item of a hand-over before its receiver, who must be able to
// take each of them.
func (h *handovers) offerAll(w *records.Work, offer *amparov1.Handover) error {
	unsuitable := fault.Field(amparov1.Reason_REASON_STAFF_UNSUITABLE, "to_staff_id", "works cases of each case's office, and is somebody else")
	receiver := h.s.records.Directory().ByID(offer.GetToId())
	if receiver == nil || offer.GetToId() == offer.GetFromId() || !access.Present(receiver, w.Now) || !access.WorksCases(receiver.GetRoles()) {
		return unsuitable
	}
	alarms, err := w.AlarmsOf(offer.GetFromId())
	if err != nil {
		return err
	}
	for i, item := range offer.GetItems() {
		entry := item.GetEntry()
		if (entry.GetCaseId() == "") == (entry.GetAlarmId() == "") || offeredTwice(offer.GetItems()[:i], entry) {
			return fault.Field(amparov1.Reason_REASON_FIELD_INVALID, "entries", "are of one case or one alarm each, and of each once")
		}
		if entry.GetAlarmId() != "" {
			at := slices.IndexFunc(alarms, func(a *amparov1.Alarm) bool { return a.GetId() == entry.GetAlarmId() })
			if at < 0 {
				return fault.New(amparov1.Reason_REASON_HANDOVER_CHANGED)
			}
			// Whoever was passed an alarm may see it, and what it is about.
			if office := alarms[at].GetOffice(); office != "" && !slices.Contains(receiver.GetOffices(), office) {
				return unsuitable
			}
			if slices.Contains(h.s.records.Excluded(alarms[at].GetCaseId()), offer.GetToId()) {
				return fault.Field(amparov1.Reason_REASON_STAFF_EXCLUDED, "to_staff_id", "is not excluded from what the list is about")
			}
			item.Why = []amparov1.HandoverWhy{amparov1.HandoverWhy_HANDOVER_WHY_ALARM}
			item.Standing = amparov1.HandoverItemStanding_HANDOVER_ITEM_STANDING_WAITS
			continue
		}
		file, err := w.Open(records.Target{ID: entry.GetCaseId()})
		if err != nil {
			return err
		}
		if works, _ := h.s.rolesAt(file.Case().GetOffice(), w.Now)(offer.GetToId()); !works {
			return unsuitable
		}
		put, line, err := handover.Put(file.Case(), offer, entry, w.Now, w.Now.Add(handedSpan))
		if err != nil {
			return err
		}
		offer.Items[i] = put
		file.Append(line)
	}
	return nil
}

func offeredTwice(before []*amparov1.HandoverItem, entry *amparov1.HandoverEntry) bool {
	return slices.ContainsFunc(before, func(item *amparov1.HandoverItem) bool {
		return item.GetEntry().GetCaseId() == entry.GetCaseId() && item.GetEntry().GetAlarmId() == entry.GetAlarmId()
	})
}

// AcceptHandover answers items.
func (h *handovers) AcceptHandover(ctx context.Context, req *amparov1.AcceptHandoverRequest) (*amparov1.AcceptHandoverResponse, error) {
	c := callOf(ctx)
	return update(ctx, h.s, req.GetRequestId(), nil, func(w *records.Work) (*amparov1.AcceptHandoverResponse, error) {
		file, err := w.Handovers()
		if err != nil {
			return nil, err
		}
		offer, err := file.Handover(req.GetHandoverId())
		if err != nil {
			return nil, err
		}
		if offer.GetToId() != c.grant.StaffID() {
			return nil, fault.New(amparov1.Reason_REASON_NOT_FOUND)
		}
		signature, err := c.signed(handover.Answer(offer, c.grant.DeviceID(), req.GetDecisions()), req.GetSignature(), w.Now)
		if err != nil {
			return nil, err
		}
		if err := handover.Decide(offer, req.GetDecisions()); err != nil {
			return nil, err
		}
		for _, decision := range req.GetDecisions() {
			if err := h.carryOut(w, actOf(ctx, w), offer, decision); err != nil {
				return nil, err
			}
		}
		offer.Answers = append(offer.Answers, &amparov1.HandoverAnswer{Decisions: req.GetDecisions(), Signature: signature})
		count := handover.Close(offer, w.Now)
		file.SetHandover(offer, w.Now)
		if count.GetRefused() > 0 {
			err = w.Tell(offer.GetFromId())
		}
		return count, err
	})
}

// carryOut does to an item what its receiver decided.
func (h *handovers) carryOut(w *records.Work, act casefile.Act, offer *amparov1.Handover, decision *amparov1.HandoverDecision) error {
	item := offer.GetItems()[decision.GetItem()]
	if alarmID := item.GetEntry().GetAlarmId(); alarmID != "" {
		return passAlarm(w, offer, item, decision)
	}
	file, err := w.Open(records.Target{ID: item.GetEntry().GetCaseId()})
	if fault.Is(err, fault.NotFound) {
		handover.Lapse(item) // it is offered to somebody else by now, or not to be known
		return nil
	}
	if err != nil {
		return err
	}
	switch {
	case !handover.Offered(file.Case(), offer):
		handover.Lapse(item)
	case decision.GetAccepted():
		entry, err := handover.Take(file.Case(), offer, item, h.s.rolesAt(file.Case().GetOffice(), w.Now), h.s.assign(act, file.Case()))
		if err != nil {
			return err
		}
		file.Append(entry)
	default:
		file.Append(handover.Refuse(file.Case(), offer, item, decision.GetRefusal(), w.Now))
	}
	return nil
}

func passAlarm(w *records.Work, offer *amparov1.Handover, item *amparov1.HandoverItem, decision *amparov1.HandoverDecision) error {
	if !decision.GetAccepted() {
		item.Standing, item.Refusal = amparov1.HandoverItemStanding_HANDOVER_ITEM_STANDING_REFUSED, decision.GetRefusal()
		return nil
	}
	open, err := w.PassAlarm(item.GetEntry().GetAlarmId(), offer.GetFromId(), offer.GetToId())
	if err != nil {
		return err
	}
	item.Standing = amparov1.HandoverItemStanding_HANDOVER_ITEM_STANDING_ACCEPTED
	if !open {
		handover.Lapse(item)
	}
	return nil
}

// assign is casefile's rule about teams for one case.
func (s *Server) assign(act casefile.Act, c *amparov1.Case) handover.Assign {
	return func(team []string) (*amparov1.TimelineEntry, error) {
		return act.Assign(c, team, s.rolesAt(c.GetOffice(), act.Now))
	}
}

// ShowHandover shows a hand-over to those whom it concerns.
func (h *handovers) ShowHandover(ctx context.Context, req *amparov1.ShowHandoverRequest) (*amparov1.ShowHandoverResponse, error) {
	grant := callOf(ctx).grant
	return view(ctx, h.s, nil, func(w *records.Work) (*amparov1.ShowHandoverResponse, error) {
		file, err := w.Handovers()
		if err != nil {
			return nil, err
		}
		held, err := file.Handover(req.GetHandoverId())
		if err != nil {
			return nil, err
		}
		party := held != nil && (held.GetFromId() == grant.StaffID() || held.GetToId() == grant.StaffID())
		if held == nil || !party && !h.oversees(callOf(ctx).caller.Staff) {
			return nil, fault.New(amparov1.Reason_REASON_NOT_FOUND)
		}
		shown := handover.Shown(held, func(item *amparov1.HandoverItem) bool {
			caseID := item.GetEntry().GetCaseId()
			if caseID == "" {
				return true
			}
			return !h.s.records.Excludes(caseID, grant.StaffID()) && (party || w.Sees(caseID))
		})
		if !party && !slices.ContainsFunc(shown.GetItems(), func(i *amparov1.HandoverItem) bool { return i.GetPseudonym() != "" }) {
			return nil, fault.New(amparov1.Reason_REASON_NOT_FOUND)
		}
		for _, item := range shown.GetItems() {
			if item.GetPseudonym() != "" {
				w.Leaf.Shown = append(w.Leaf.Shown, item.GetPseudonym())
			}
		}
		return &amparov1.ShowHandoverResponse{Handover: shown}, nil
	})
}

// oversees reports whether a person may look into the hand-overs of others.
func (h *handovers) oversees(member *amparov1.StaffMember) bool {
	return access.Reviews(member.GetRoles())
}

// ListHandovers lists what waits for the caller or for somebody else's answer.
func (h *handovers) ListHandovers(ctx context.Context, _ *amparov1.ListHandoversRequest) (*amparov1.ListHandoversResponse, error) {
	grant := callOf(ctx).grant
	return view(ctx, h.s, nil, func(w *records.Work) (*amparov1.ListHandoversResponse, error) {
		file, err := w.Handovers()
		if err != nil {
			return nil, err
		}
		return &amparov1.ListHandoversResponse{Handovers: file.WaitingHandovers(grant.StaffID())}, nil
	})
}
