package client

import (
	"context"
	"strings"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/enrolment"
)

// Confirm lets a person's waiting device in, against the code that its owner read
// aloud. The code is computed here from the keys that the service shows, and where
// it differs nothing is sent: a service, or somebody before it, that exchanged a
// key is found out by the two people and not asked. Spaces, dashes and capitals in
// the code do no harm. An empty requestID is drawn.
func (c *Conn) Confirm(ctx context.Context, staffID, code, requestID string) (*amparov1.ConfirmStaffResponse, error) {
	code = strings.ToLower(strings.NewReplacer(" ", "", "-", "", "\t", "").Replace(code))
	answer, err := c.Staff.ListDevices(ctx, &amparov1.ListDevicesRequest{StaffId: staffID})
	if err != nil {
		return nil, err
	}
	waiting, fits := 0, false
	for _, device := range answer.GetDevices() {
		if device.GetStanding() != amparov1.DeviceStanding_DEVICE_STANDING_PENDING {
			continue
		}
		waiting++
		fits = fits || code == enrolment.ConfirmationCode(
			staffID, device.GetTlsPin(), device.GetAgeRecipient(), device.GetSigningKey())
	}
	if waiting > 0 && !fits {
		return nil, &Failure{
			Exit: exitRefused, Reason: "CONFIRMATION_CODE_WRONG",
			Text: "the code is not that of the keys that the service shows for this person; nothing was sent",
			Next: "let the person read it again; if it differs still, somebody stands in between: revoke the device",
		}
	}
	return c.Staff.ConfirmStaff(ctx, &amparov1.ConfirmStaffRequest{StaffId: staffID, Code: code, RequestId: requestID})
}
