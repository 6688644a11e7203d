package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

func (a *app) staffCommand() *cobra.Command {
	return group("staff", "Invite, confirm, suspend and list staff", "  amparo staff list",
		a.inviteCommand(), a.confirmCommand(), a.staffListCommand(), a.suspendCommand(), a.reinstateCommand(), a.reassignCommand(), a.deviceCommand())
}

func (a *app) inviteCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "invite",
		Short: "Invite a person; prints the invitation, once",
		Long: `Makes an invitation, one string that enrols one device within a day. Hand it over
by a way that only the person can read: whoever holds it first is that person.`,
		Example: `  amparo staff invite --role hotline-operator --office berlin --language en
  amparo staff invite --name - --role auditor --valid-until 2027-06-30 < name.txt`,
		Args: noSuchCommand,
	}
	flags := c.Flags()
	name := flags.String("name", "", "name that colleagues know; asked for, or read from stdin, when absent or -")
	roles := flags.StringSlice("role", nil, "role; may be given several times")
	offices := flags.StringSlice("office", nil, "office; begins with the first invitation that names it")
	languages := flags.StringSlice("language", nil, "language, as en or pt-BR")
	until := flags.String("valid-until", "", "last day of the account, as 2027-06-30, or an instant")
	a.offer(c, "role", fixed(roleWords()...))
	c.RunE = a.do(func(ctx context.Context, _ []string) error {
		request := &amparov1.InviteStaffRequest{Offices: *offices, Languages: *languages, RequestId: a.requestID}
		var err error
		if request.Roles, err = enumFlags[amparov1.Role]("role", *roles); err != nil {
			return err
		}
		if len(request.Roles) == 0 {
			return usage("--role is needed, one of %s", listed(roleWords()))
		}
		if request.ValidUntil, err = a.lastDay("valid-until", *until); err != nil {
			return err
		}
		if request.Name, err = a.text(ctx, *name, "name", false); err != nil {
			return err
		}
		return a.invite(ctx, request)
	})
	return c
}

func roleWords() []string {
	words := client.EnumWords(amparov1.Role(0).Descriptor())
	for i := range words {
		words[i] = strings.ReplaceAll(words[i], "_", "-")
	}
	return words
}

func (a *app) invite(ctx context.Context, request *amparov1.InviteStaffRequest) error {
	return a.with(func(conn *client.Conn) error {
		answer, err := conn.Staff.InviteStaff(ctx, request)
		if err != nil {
			return err
		}
		return a.show(answer, func(p *page) {
			p.entry("invitation", answer.GetInvitation())
			p.entry("person", answer.GetStaffId())
			p.entry("good until", p.at(answer.GetExpiresAt()))
		})
	})
}

// with connects, and closes after the body.
func (a *app) with(body func(conn *client.Conn) error) error {
	_, conn, err := a.connect()
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // nothing is left to lose
	return body(conn)
}

func (a *app) staffListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the staff directory", Example: "  amparo staff list", Args: noSuchCommand,
		RunE: a.do(func(ctx context.Context, _ []string) error {
			return a.with(func(conn *client.Conn) error {
				answer, err := conn.Staff.ListStaff(ctx, &amparov1.ListStaffRequest{})
				if err != nil {
					return err
				}
				return a.show(answer, func(p *page) { p.directory(answer.GetStaff()) })
			})
		}),
	}
}

func (a *app) suspendCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "suspend ID",
		Short: "Shut a person out at once",
		Long: `From the next call on nothing is answered to the person any more, and what is
open ends within two seconds. When in doubt, suspend: it can be taken back.`,
		Example: "  amparo staff suspend lq3c5vd2gkzxwhm7ynbt4jsofa", Args: asUsed,
		RunE: a.do(func(ctx context.Context, arguments []string) error {
			return a.with(func(conn *client.Conn) error {
				answer, err := conn.Staff.SuspendStaff(ctx, &amparov1.SuspendStaffRequest{StaffId: arguments[0], RequestId: a.requestID})
				if err != nil {
					return err
				}
				return a.show(answer, func(p *page) {
					p.staff(answer.GetStaff())
					if n := answer.GetCasesWithoutOwner(); n > 0 {
						p.line(p.paint("1;33", fmt.Sprintf("%s without an owner: amparo staff reassign %s TO", count(n, "open case is", "open cases are"), arguments[0])))
					}
					p.gaps(answer.GetGaps(), nil)
				})
			})
		}),
	}
}

func (a *app) reinstateCommand() *cobra.Command {
	return &cobra.Command{
		Use: "reinstate ID", Short: "Let a suspended person in again",
		Example: "  amparo staff reinstate lq3c5vd2gkzxwhm7ynbt4jsofa", Args: asUsed,
		RunE: a.do(func(ctx context.Context, arguments []string) error {
			return a.with(func(conn *client.Conn) error {
				answer, err := conn.Staff.ReinstateStaff(ctx, &amparov1.ReinstateStaffRequest{StaffId: arguments[0], RequestId: a.requestID})
				if err != nil {
					return err
				}
				return a.show(answer, func(p *page) { p.staff(answer.GetStaff()) })
			})
		}),
	}
}

// lastDay reads a day as the instant at which it ends on this machine, or an
// instant as it stands.
func (a *app) lastDay(flag, text string) (*timestamppb.Timestamp, error) {
	if text == "" {
		return nil, nil
	}
	if day, err := time.ParseInLocation(time.DateOnly, text, a.zone); err == nil {
		return timestamppb.New(day.AddDate(0, 0, 1)), nil
	}
	if instant, err := time.Parse(time.RFC3339, text); err == nil {
		return timestamppb.New(instant), nil
	}
	return nil, usage("--%s must be a day as 2027-06-30, or an instant with its zone", flag)
}

// instant reads a flag that holds a day (its begin on this machine), an instant,
// or a span like 72h, counted from now in the given direction.
func (a *app) instant(flag, text string, direction int) (*timestamppb.Timestamp, error) {
	if text == "" {
		return nil, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return timestamppb.New(a.now().Add(time.Duration(direction) * d)), nil
	}
	if day, err := time.ParseInLocation(time.DateOnly, text, a.zone); err == nil {
		return timestamppb.New(day), nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return timestamppb.New(at), nil
	}
	return nil, usage("--%s must be a span as 72h, a day as 2027-06-30, or an instant with its zone", flag)
}

// staff writes one person.
func (p *page) staff(s *amparov1.StaffMember) {
	p.entry("person", s.GetId())
	p.entry("name", s.GetName())
	p.entry("standing", word(s.GetStanding()))
	p.entry("roles", words(s.GetRoles()))
	p.entry("offices", listed(s.GetOffices()))
	p.entry("languages", listed(s.GetLanguages()))
	p.entry("until", p.at(s.GetValidUntil()))
}

// directory writes the staff, those who wait for a confirmation first.
func (p *page) directory(staff []*amparov1.StaffMember) {
	if len(staff) == 0 {
		p.line("nobody is enrolled")
		return
	}
	staff = slices.Clone(staff)
	slices.SortStableFunc(staff, func(x, y *amparov1.StaffMember) int {
		return standingOrder(x) - standingOrder(y)
	})
	columns := []column{{title: "STANDING"}, {title: "PERSON"}, {title: "ROLES"}, {title: "OFFICES", spare: true}, {title: "NAME"}}
	for _, s := range staff {
		cells := []string{word(s.GetStanding()), s.GetId(), words(s.GetRoles()), listed(s.GetOffices()), s.GetName()}
		for i, cell := range cells {
			columns[i].cells = append(columns[i].cells, client.Printable(cell))
		}
	}
	p.table(columns)
}

func standingOrder(s *amparov1.StaffMember) int {
	switch s.GetStanding() {
	case amparov1.StaffStanding_STAFF_STANDING_PENDING:
		return 0
	case amparov1.StaffStanding_STAFF_STANDING_SUSPENDED:
		return 2
	default:
		return 1
	}
}
