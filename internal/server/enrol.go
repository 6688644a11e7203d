package server

import (
	"context"
	"slices"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/enrolment"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/records"
)

// enrolments serves EnrolmentService.
type enrolments struct {
	amparov1.UnimplementedEnrolmentServiceServer
	s *Server
}

// maxWrongProofs is how many wrong proofs burn an invitation.
const maxWrongProofs = 5

// errInvitation is one answer for every invitation that does not open the door, so
// that a guesser does not learn whether it is unknown, used, expired or burnt.
var errInvitation = fault.New(amparov1.Reason_REASON_INVITATION_INVALID)

// Enrol registers the keys of a device. Taking the invitation and entering the
// device are one commit on both files: of two clients with one invitation, one is
// enrolled.
func (h *enrolments) Enrol(ctx context.Context, req *amparov1.EnrolRequest) (*amparov1.EnrolResponse, error) {
	if !records.ValidRecipient(req.GetAgeRecipient()) {
		return nil, fault.Field(amparov1.Reason_REASON_FIELD_INVALID, "age_recipient", "must be an age recipient")
	}
	proven, err := h.prove(ctx, req)
	if err != nil {
		return nil, err
	}
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_ENROL)
	targets := records.Targets(req.GetInvitationId(), h.s.records.Directory().FileID)
	answer, err := h.s.records.Update(ctx, grant, records.Request{}, targets, func(w *records.Work) (proto.Message, error) {
		state := w.File(0).Invitation()
		if state == nil || state.GetUsed() || state.GetWrongProofs() >= maxWrongProofs || !w.Now.Before(state.GetExpiresAt().AsTime()) {
			return nil, errInvitation
		}
		w.Leaf.InvitationId = req.GetInvitationId()
		if !proven {
			state.WrongProofs++
			w.File(0).Touch()
			return nil, nil
		}
		state.Used = true
		w.File(0).Touch()
		return h.enter(ctx, w, req)
	})
	if fault.Is(err, fault.NotFound) || (err == nil && !proven) {
		return nil, errInvitation
	}
	if err != nil {
		return nil, err
	}
	return as[*amparov1.EnrolResponse](answer)
}

// prove checks the proof against the key that the service keeps of the invitation.
// A call without a proof, or for an invitation that does not exist, is not proven.
func (h *enrolments) prove(ctx context.Context, req *amparov1.EnrolRequest) (bool, error) {
	c := callOf(ctx)
	if c.connection == nil {
		return false, fault.New(amparov1.Reason_REASON_DEVICE_NOT_ACTIVE)
	}
	md, _ := metadata.FromIncomingContext(ctx)
	proofs := md.Get(enrolment.ProofHeader)
	if len(proofs) != 1 {
		return false, nil
	}
	exporter, err := c.connection.state.ExportKeyingMaterial(enrolment.ExporterLabel, nil, enrolment.ExporterSize)
	if err != nil {
		return false, fault.Wrap(amparov1.Reason_REASON_INTERNAL, err)
	}
	claim := enrolment.Claim{
		InvitationID: req.GetInvitationId(), Exporter: exporter, TLSPin: c.connection.pin,
		AgeRecipient: req.GetAgeRecipient(), SigningKey: req.GetSigningKey(),
	}
	key, err := h.s.records.ProofKey(ctx, req.GetInvitationId())
	if err != nil || key == nil {
		return false, err
	}
	return enrolment.Verify(key, claim, []byte(proofs[0])), nil
}

// enter writes the person and the device into the directory.
func (h *enrolments) enter(ctx context.Context, w *records.Work, req *amparov1.EnrolRequest) (proto.Message, error) {
	state, directory := w.File(0).Invitation(), w.File(1)
	member := proto.CloneOf(state.GetStaff())
	invitedBy := member.GetInvitedById()
	if found, err := directory.Get(records.RecordStaff, member.GetId(), member); err != nil {
		return nil, err
	} else if found != state.GetDeviceOnly() {
		return nil, errInvitation
	}
	all, err := members(directory)
	if err != nil {
		return nil, err
	}
	c := callOf(ctx)
	if slices.ContainsFunc(all, func(m *amparov1.StaffMember) bool { return holdsKey(m, c.connection.pin) }) {
		// One key is one device of one person; a second enrolment makes a new key.
		return nil, errInvitation
	}
	if invitedBy != "" && !slices.ContainsFunc(all, func(m *amparov1.StaffMember) bool { return m.GetId() == invitedBy && access.Present(m, w.Now) }) {
		// What somebody who has been shut out left behind must not let anybody in:
		// a stolen administrator's key could have made its own successor.
		return nil, errInvitation
	}
	device := &amparov1.Device{
		Id: records.NewID(), TlsPin: c.connection.pin[:], AgeRecipient: req.GetAgeRecipient(), SigningKey: req.GetSigningKey(),
		EnrolledAt: timestamppb.New(w.Now), InvitedById: invitedBy,
		Standing: amparov1.DeviceStanding_DEVICE_STANDING_ACTIVE,
	}
	pending := access.NeedsConfirmation(member.GetRoles())
	if pending {
		device.Standing = amparov1.DeviceStanding_DEVICE_STANDING_PENDING
	}
	if !state.GetDeviceOnly() {
		member.EnrolledAt = timestamppb.New(w.Now)
		member.Standing = amparov1.StaffStanding_STAFF_STANDING_ACTIVE
		if pending {
			member.Standing = amparov1.StaffStanding_STAFF_STANDING_PENDING
		}
	}
	member.Devices = append(member.Devices, device)
	directory.Put(records.RecordStaff, member.GetId(), member)
	w.Leaf.TargetStaffId, w.Leaf.TargetDeviceId = member.GetId(), device.GetId()
	return &amparov1.EnrolResponse{
		Staff: withoutDevices(member), Device: device, ServerName: enrolment.ServiceName(h.s.cfg.Door.ServerPin),
		ServiceRecipient: h.s.records.ServiceRecipient(), LogKey: h.s.records.LogKey(),
	}, nil
}

func holdsKey(member *amparov1.StaffMember, pin [32]byte) bool {
	return slices.ContainsFunc(member.GetDevices(), func(device *amparov1.Device) bool {
		return [32]byte(device.GetTlsPin()) == pin
	})
}
