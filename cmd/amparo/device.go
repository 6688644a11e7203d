package main

import (
	"context"

	"github.com/spf13/cobra"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

func (a *app) confirmCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "confirm ID",
		Short: "Let a person in, against the code that they read aloud",
		Long: `The code is compared here, with the keys that the service says the person has:
if anybody exchanged a key in between, it differs, and nothing is sent.`,
		Example: `  amparo staff confirm lq3c5vd2gkzxwhm7ynbt4jsofa
  amparo staff confirm lq3c5vd2gkzxwhm7ynbt4jsofa --code - < code.txt`,
		Args: asUsed,
	}
	code := c.Flags().String("code", "", "code; asked for, or read from stdin, when absent or -")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		read, err := a.text(ctx, *code, "code", false)
		if err != nil {
			return err
		}
		return a.confirm(ctx, arguments[0], read)
	})
	return c
}

func (a *app) confirm(ctx context.Context, staffID, code string) error {
	return a.with(func(conn *client.Conn) error {
		answer, err := conn.Confirm(ctx, staffID, code, a.requestID)
		if err != nil {
			return err
		}
		return a.show(answer, func(p *page) {
			p.staff(answer.GetStaff())
			if answer.GetBootstrap() {
				p.line("confirmed by the one who invited, because fewer than two others may; the audit log says so")
			}
		})
	})
}

func (a *app) deviceCommand() *cobra.Command {
	return group("device", "List, revoke and invite the devices of a person", "  amparo staff device list lq3c5vd2gkzxwhm7ynbt4jsofa",
		a.deviceListCommand(), a.deviceRevokeCommand(), a.deviceInviteCommand())
}

func (a *app) deviceListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list ID", Short: "List a person's devices",
		Example: "  amparo staff device list lq3c5vd2gkzxwhm7ynbt4jsofa", Args: asUsed,
		RunE: a.do(func(ctx context.Context, arguments []string) error {
			return a.with(func(conn *client.Conn) error {
				answer, err := conn.Staff.ListDevices(ctx, &amparov1.ListDevicesRequest{StaffId: arguments[0]})
				if err != nil {
					return err
				}
				return a.show(answer, func(p *page) { p.devices(answer.GetDevices()) })
			})
		}),
	}
}

func (p *page) devices(devices []*amparov1.Device) {
	if len(devices) == 0 {
		p.line("the person has no device")
		return
	}
	columns := []column{{title: "STANDING"}, {title: "DEVICE"}, {title: "ENROLLED"}, {title: "CONFIRMED BY", spare: true}}
	for _, d := range devices {
		cells := []string{word(d.GetStanding()), d.GetId(), p.at(d.GetEnrolledAt()), d.GetConfirmedById()}
		for i, cell := range cells {
			columns[i].cells = append(columns[i].cells, client.Printable(cell))
		}
	}
	p.table(columns)
}

func (a *app) deviceRevokeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "revoke DEVICE", Short: "Shut one device out, for good",
		Long:    "A lost laptop is one device, not a person: its keys are never answered again, the person's other devices are.",
		Example: "  amparo staff device revoke p4x7mzq2vhd6wkfyc3ntbgjs5a", Args: asUsed,
		RunE: a.do(func(ctx context.Context, arguments []string) error {
			return a.with(func(conn *client.Conn) error {
				answer, err := conn.Staff.RevokeDevice(ctx, &amparov1.RevokeDeviceRequest{DeviceId: arguments[0], RequestId: a.requestID})
				if err != nil {
					return err
				}
				return a.show(answer, func(p *page) {
					p.entry("device", answer.GetDevice().GetId()+", "+word(answer.GetDevice().GetStanding()))
				})
			})
		}),
	}
}

func (a *app) deviceInviteCommand() *cobra.Command {
	return &cobra.Command{
		Use: "invite ID", Short: "Invite a further device of a person; prints the invitation, once",
		Example: "  amparo staff device invite lq3c5vd2gkzxwhm7ynbt4jsofa", Args: asUsed,
		RunE: a.do(func(ctx context.Context, arguments []string) error {
			return a.with(func(conn *client.Conn) error {
				answer, err := conn.Staff.InviteDevice(ctx, &amparov1.InviteDeviceRequest{StaffId: arguments[0], RequestId: a.requestID})
				if err != nil {
					return err
				}
				return a.show(answer, func(p *page) {
					p.entry("invitation", answer.GetInvitation())
					p.entry("good until", p.at(answer.GetExpiresAt()))
				})
			})
		}),
	}
}
