package server

import (
	"context"
	"crypto/rand"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/enrolment"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/records"
)

// invitationLife is how long an invitation is good.
const invitationLife = 24 * time.Hour

// Door is where an invitation leads: what a new device must know of the service.
type Door struct {
	Address   string // host:port
	ServerPin [32]byte
}

// invite begins the file of an invitation and returns the string to hand over. The
// service keeps the public half of the key that the secret seeds, and not the
// secret: whoever reads the store cannot enrol.
func invite(w *records.Work, permit access.Permit, door Door, state *records.Invitation) (string, error) {
	var secret [enrolment.SecretSize]byte
	_, _ = rand.Read(secret[:]) // never fails: the runtime ends the process instead
	key, err := enrolment.ProofKey(secret[:])
	if err != nil {
		return "", err
	}
	id := records.NewID()
	expires := timestamppb.New(w.Now.Add(invitationLife))
	state.ProofKey, state.ExpiresAt = key, expires
	if err := w.CreateInvitation(permit, id, state); err != nil {
		return "", err
	}
	w.Leaf.InvitationId, w.Leaf.TargetStaffId = id, state.GetStaff().GetId()
	return enrolment.Encode(&amparov1.Invitation{
		Address: door.Address, ServerPin: door.ServerPin[:], EnrolmentName: enrolment.Name(door.ServerPin),
		Id: id, Secret: secret[:], ExpiresAt: expires,
	})
}

// InviteAdministrator makes an invitation for an administrator on the service's own
// behalf: the first one at init, and a new one on the machine itself when that has
// expired.
func InviteAdministrator(ctx context.Context, r *records.Records, door Door) (string, error) {
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_STAFF_INVITE)
	var invitation string
	_, err := r.Update(ctx, grant, records.Request{}, nil, func(w *records.Work) (proto.Message, error) {
		permit, err := grant.PermitDirectory()
		if err != nil {
			return nil, err
		}
		invitation, err = invite(w, permit, door, &records.Invitation{Staff: &amparov1.StaffMember{
			Id: records.NewID(), Name: "Administrator", Roles: []amparov1.Role{amparov1.Role_ROLE_ADMINISTRATOR},
		}})
		return nil, err
	})
	return invitation, err
}

// InviteStaff makes an invitation. It is answered once: a repetition of the request
// finds the person and the term and no secret, since the service has not kept it.
func (h *staff) InviteStaff(ctx context.Context, req *amparov1.InviteStaffRequest) (*amparov1.InviteStaffResponse, error) {
	c := callOf(ctx)
	if err := checkInvitation(req, h.s.records.Now()); err != nil {
		return nil, err
	}
	permit, err := c.grant.PermitDirectory()
	if err != nil {
		return nil, err
	}
	var invitation string
	made, err := update(ctx, h.s, req.GetRequestId(), records.Targets(h.s.records.Directory().FileID), func(w *records.Work) (*amparov1.InviteStaffResponse, error) {
		member := &amparov1.StaffMember{
			Id: records.NewID(), Name: req.GetName(), Roles: req.GetRoles(), Offices: req.GetOffices(),
			Languages: req.GetLanguages(), ValidUntil: req.GetValidUntil(), InvitedById: c.grant.StaffID(),
		}
		state := &records.Invitation{Staff: member}
		if invitation, err = invite(w, permit, h.s.cfg.Door, state); err != nil {
			return nil, err
		}
		addOffices(w.File(0), req.GetOffices())
		return &amparov1.InviteStaffResponse{StaffId: member.GetId(), ExpiresAt: state.GetExpiresAt()}, nil
	})
	if err != nil {
		return nil, err
	}
	made.Invitation = invitation
	return made, nil
}

func checkInvitation(req *amparov1.InviteStaffRequest, now time.Time) error {
	if req.GetValidUntil() != nil && !req.GetValidUntil().AsTime().After(now) {
		return fault.Field(amparov1.Reason_REASON_DATE_IMPOSSIBLE, "valid_until", "must lie in the future")
	}
	if access.WorksCases(req.GetRoles()) && len(req.GetOffices()) == 0 {
		return fault.Field(amparov1.Reason_REASON_OFFICE_UNKNOWN, "offices", "must name an office for a role that works cases")
	}
	return nil
}

// addOffices begins the offices that an invitation names for the first time.
func addOffices(directory *records.File, offices []string) {
	for _, office := range offices {
		if !slices.Contains(directory.Offices(), office) {
			directory.AddOffice(office)
		}
	}
}

// InviteDevice makes an invitation for a further device of a person.
func (h *staff) InviteDevice(ctx context.Context, req *amparov1.InviteDeviceRequest) (*amparov1.InviteDeviceResponse, error) {
	c := callOf(ctx)
	permit, err := c.grant.PermitDirectory()
	if err != nil {
		return nil, err
	}
	var invitation string
	made, err := update(ctx, h.s, req.GetRequestId(), nil, func(w *records.Work) (*amparov1.InviteDeviceResponse, error) {
		member := h.s.records.Directory().ByID(req.GetStaffId())
		if member == nil {
			return nil, fault.New(amparov1.Reason_REASON_NOT_FOUND)
		}
		state := &records.Invitation{
			Staff:      &amparov1.StaffMember{Id: member.GetId(), InvitedById: c.grant.StaffID()},
			DeviceOnly: true,
		}
		if invitation, err = invite(w, permit, h.s.cfg.Door, state); err != nil {
			return nil, err
		}
		return &amparov1.InviteDeviceResponse{ExpiresAt: state.GetExpiresAt()}, nil
	})
	if err != nil {
		return nil, err
	}
	made.Invitation = invitation
	return made, nil
}
