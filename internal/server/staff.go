package server

import (
	"context"
	"crypto/subtle"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/enrolment"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/staffing"
)

// staff serves StaffService.
type staff struct {
	amparov1.UnimplementedStaffServiceServer
	s *Server
}

// memberEdit changes a member of the staff, or refuses.
type memberEdit func(w *records.Work, member *amparov1.StaffMember) error

// edit changes a person in the directory and answers what answer makes of them. The
// leaf names the person.
func edit[T proto.Message](ctx context.Context, s *Server, requestID, staffID string, change memberEdit,
	answer func(*amparov1.StaffMember) T,
) (T, error) {
	return update(ctx, s, requestID, records.Targets(s.records.Directory().FileID), func(w *records.Work) (T, error) {
		var none T
		member := &amparov1.StaffMember{}
		found, err := w.File(0).Get(records.RecordStaff, staffID, member)
		if err != nil {
			return none, err
		}
		if !found {
			return none, fault.New(amparov1.Reason_REASON_NOT_FOUND)
		}
		w.Leaf.TargetStaffId = staffID
		if err := change(w, member); err != nil {
			return none, err
		}
		w.File(0).Put(records.RecordStaff, staffID, member)
		return answer(member), nil
	})
}

// withoutDevices is a person as the directory shows them.
func withoutDevices(member *amparov1.StaffMember) *amparov1.StaffMember {
	shown := proto.CloneOf(member)
	shown.Devices = nil
	return shown
}

// ConfirmStaff lets a device in against the code that its owner reads aloud.
func (h *staff) ConfirmStaff(ctx context.Context, req *amparov1.ConfirmStaffRequest) (*amparov1.ConfirmStaffResponse, error) {
	confirmer := callOf(ctx).grant.StaffID()
	bootstrap := false
	return edit(ctx, h.s, req.GetRequestId(), req.GetStaffId(), func(w *records.Work, member *amparov1.StaffMember) error {
		device, err := waiting(member, req.GetCode())
		if err != nil {
			return err
		}
		if member.GetId() == confirmer {
			return fault.New(amparov1.Reason_REASON_SECOND_PERSON_NEEDED)
		}
		bootstrap = device.GetInvitedById() == confirmer
		if bootstrap {
			able, err := confirmers(w, member.GetId())
			if err != nil {
				return err
			}
			if able >= 2 {
				return fault.New(amparov1.Reason_REASON_SECOND_PERSON_NEEDED)
			}
		}
		if bootstrap {
			w.Leaf.Action = amparov1.LeafAction_LEAF_ACTION_STAFF_CONFIRM_BOOTSTRAP
		}
		w.Leaf.TargetDeviceId = device.GetId()
		device.Standing = amparov1.DeviceStanding_DEVICE_STANDING_ACTIVE
		device.ConfirmedById, device.ConfirmedAt = confirmer, timestamppb.New(w.Now)
		if member.GetStanding() == amparov1.StaffStanding_STAFF_STANDING_PENDING {
			member.Standing = amparov1.StaffStanding_STAFF_STANDING_ACTIVE
		}
		return nil
	}, func(member *amparov1.StaffMember) *amparov1.ConfirmStaffResponse {
		return &amparov1.ConfirmStaffResponse{Staff: withoutDevices(member), Bootstrap: bootstrap}
	})
}

// waiting finds the device that waits for its confirmation and whose keys give the
// code.
func waiting(member *amparov1.StaffMember, code string) (*amparov1.Device, error) {
	any := false
	for _, device := range member.GetDevices() {
		if device.GetStanding() != amparov1.DeviceStanding_DEVICE_STANDING_PENDING {
			continue
		}
		any = true
		want := enrolment.ConfirmationCode(member.GetId(), device.GetTlsPin(), device.GetAgeRecipient(), device.GetSigningKey())
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			return device, nil
		}
	}
	if !any {
		return nil, fault.New(amparov1.Reason_REASON_NOTHING_TO_CONFIRM)
	}
	return nil, fault.New(amparov1.Reason_REASON_CONFIRMATION_CODE_WRONG)
}

// members are the people of the directory as it was loaded for this act. The
// newest directory that is kept in memory may be a commit behind it, and two acts
// at the same time would then not see each other.
func members(directory *records.File) ([]*amparov1.StaffMember, error) {
	var all []*amparov1.StaffMember
	for _, id := range directory.Children(records.RecordStaff) {
		member := &amparov1.StaffMember{}
		if found, err := directory.Get(records.RecordStaff, id, member); err != nil {
			return nil, err
		} else if found {
			all = append(all, member)
		}
	}
	return all, nil
}

// confirmers counts the people who may confirm somebody else's enrolment.
func confirmers(w *records.Work, whom string) (int, error) {
	all, err := members(w.File(0))
	count := 0
	for _, member := range all {
		if member.GetId() != whom && access.MayConfirm(member.GetRoles()) && access.Present(member, w.Now) {
			count++
		}
	}
	return count, err
}

// ListStaff shows the directory.
func (h *staff) ListStaff(ctx context.Context, _ *amparov1.ListStaffRequest) (*amparov1.ListStaffResponse, error) {
	answer := &amparov1.ListStaffResponse{}
	for _, member := range h.s.records.Directory().Staff() {
		answer.Staff = append(answer.Staff, withoutDevices(member))
	}
	return answer, h.s.records.Note(ctx, callOf(ctx).grant, &amparov1.AuditLeaf{})
}

// SuspendStaff shuts a person out.
func (h *staff) SuspendStaff(ctx context.Context, req *amparov1.SuspendStaffRequest) (*amparov1.SuspendStaffResponse, error) {
	var gaps []*amparov1.StaffingGap
	return edit(ctx, h.s, req.GetRequestId(), req.GetStaffId(), func(w *records.Work, member *amparov1.StaffMember) error {
		if member.GetStanding() == amparov1.StaffStanding_STAFF_STANDING_SUSPENDED {
			return fault.New(amparov1.Reason_REASON_STANDING_UNCHANGED)
		}
		if err := keepAdministrator(w, member); err != nil {
			return err
		}
		all, err := members(w.File(0))
		if err != nil {
			return err
		}
		before := h.s.gaps(w.Policy(), all, w.Now)
		member.Standing = amparov1.StaffStanding_STAFF_STANDING_SUSPENDED
		left := slices.DeleteFunc(all, func(m *amparov1.StaffMember) bool { return m.GetId() == member.GetId() })
		gaps = staffing.Worse(before, h.s.gaps(w.Policy(), left, w.Now))
		return nil
	}, func(member *amparov1.StaffMember) *amparov1.SuspendStaffResponse {
		return &amparov1.SuspendStaffResponse{
			Staff: withoutDevices(member), CasesWithoutOwner: uint32(h.s.records.OpenCasesOf(member)), Gaps: gaps,
		}
	})
}

// keepAdministrator refuses when nobody could administer without the member.
func keepAdministrator(w *records.Work, member *amparov1.StaffMember) error {
	if !slices.Contains(member.GetRoles(), amparov1.Role_ROLE_ADMINISTRATOR) {
		return nil
	}
	all, err := members(w.File(0))
	if err != nil {
		return err
	}
	for _, other := range all {
		if other.GetId() != member.GetId() && slices.Contains(other.GetRoles(), amparov1.Role_ROLE_ADMINISTRATOR) && access.Present(other, w.Now) {
			return nil
		}
	}
	return fault.New(amparov1.Reason_REASON_LAST_ADMINISTRATOR)
}

// ReinstateStaff lets a suspended person in again. A device that waited for its
// confirmation goes on waiting.
func (h *staff) ReinstateStaff(ctx context.Context, req *amparov1.ReinstateStaffRequest) (*amparov1.ReinstateStaffResponse, error) {
	return edit(ctx, h.s, req.GetRequestId(), req.GetStaffId(), func(_ *records.Work, member *amparov1.StaffMember) error {
		if member.GetStanding() != amparov1.StaffStanding_STAFF_STANDING_SUSPENDED {
			return fault.New(amparov1.Reason_REASON_STANDING_UNCHANGED)
		}
		member.Standing = amparov1.StaffStanding_STAFF_STANDING_ACTIVE
		confirmed := slices.ContainsFunc(member.GetDevices(), func(device *amparov1.Device) bool {
			return device.GetStanding() == amparov1.DeviceStanding_DEVICE_STANDING_ACTIVE || device.GetConfirmedById() != ""
		})
		if !confirmed && access.NeedsConfirmation(member.GetRoles()) {
			member.Standing = amparov1.StaffStanding_STAFF_STANDING_PENDING
		}
		return nil
	}, func(member *amparov1.StaffMember) *amparov1.ReinstateStaffResponse {
		return &amparov1.ReinstateStaffResponse{Staff: withoutDevices(member)}
	})
}

// ListDevices shows the devices of a person.
func (h *staff) ListDevices(ctx context.Context, req *amparov1.ListDevicesRequest) (*amparov1.ListDevicesResponse, error) {
	member := h.s.records.Directory().ByID(req.GetStaffId())
	if member == nil {
		return nil, fault.New(amparov1.Reason_REASON_NOT_FOUND)
	}
	answer := &amparov1.ListDevicesResponse{Devices: member.GetDevices()}
	leaf := &amparov1.AuditLeaf{TargetStaffId: req.GetStaffId()}
	return answer, h.s.records.Note(ctx, callOf(ctx).grant, leaf)
}

// RevokeDevice shuts one device out.
func (h *staff) RevokeDevice(ctx context.Context, req *amparov1.RevokeDeviceRequest) (*amparov1.RevokeDeviceResponse, error) {
	owner := h.ownerOf(req.GetDeviceId())
	if owner == "" {
		return nil, fault.New(amparov1.Reason_REASON_NOT_FOUND)
	}
	var revoked *amparov1.Device
	return edit(ctx, h.s, req.GetRequestId(), owner, func(w *records.Work, member *amparov1.StaffMember) error {
		for _, device := range member.GetDevices() {
			if device.GetId() == req.GetDeviceId() {
				revoked = device
			}
		}
		if revoked == nil {
			return fault.New(amparov1.Reason_REASON_NOT_FOUND)
		}
		if revoked.GetStanding() == amparov1.DeviceStanding_DEVICE_STANDING_REVOKED {
			return fault.New(amparov1.Reason_REASON_STANDING_UNCHANGED)
		}
		w.Leaf.TargetDeviceId = req.GetDeviceId()
		revoked.Standing = amparov1.DeviceStanding_DEVICE_STANDING_REVOKED
		if access.Present(member, w.Now) {
			return nil // another device of theirs is left
		}
		return keepAdministrator(w, member)
	}, func(*amparov1.StaffMember) *amparov1.RevokeDeviceResponse {
		return &amparov1.RevokeDeviceResponse{Device: revoked}
	})
}

func (h *staff) ownerOf(deviceID string) string {
	for _, member := range h.s.records.Directory().Staff() {
		for _, device := range member.GetDevices() {
			if device.GetId() == deviceID {
				return member.GetId()
			}
		}
	}
	return ""
}

// WhoAmI says who the service takes the caller for.
func (h *staff) WhoAmI(ctx context.Context, _ *amparov1.WhoAmIRequest) (*amparov1.WhoAmIResponse, error) {
	c := callOf(ctx)
	answer := &amparov1.WhoAmIResponse{
		Staff: withoutDevices(c.caller.Staff), Device: c.caller.Device, ServiceVersion: h.s.cfg.Version,
	}
	return answer, h.s.records.Note(ctx, c.grant, &amparov1.AuditLeaf{})
}

// rolesAt says of a member of staff whether they are active in a role that works
// cases of the office, and whether as a case officer.
func (s *Server) rolesAt(office string, now time.Time) func(staffID string) (worksCases, caseOfficer bool) {
	directory := s.records.Directory()
	return func(staffID string) (bool, bool) {
		member := directory.ByID(staffID)
		if member == nil || !access.Present(member, now) || !slices.Contains(member.GetOffices(), office) {
			return false, false
		}
		roles := member.GetRoles()
		return access.WorksCases(roles), slices.Contains(roles, amparov1.Role_ROLE_CASE_OFFICER)
	}
}
