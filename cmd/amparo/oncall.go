package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

func (a *app) oncallCommand() *cobra.Command {
	return group("oncall", "Who is on call, and what for", "  amparo oncall show",
		a.rotaShowCommand(), a.rotaSetCommand(), a.alarmsCommand(), a.acknowledgeCommand())
}

func (a *app) rotaShowCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "show",
		Short: "Show who is on shift now, and the rotas",
		Example: `  amparo oncall show
  amparo oncall show --office berlin`,
		Args: noSuchCommand,
	}
	office := c.Flags().String("office", "", "only this office")
	c.RunE = a.do(func(ctx context.Context, _ []string) error {
		return a.with(func(conn *client.Conn) error {
			answer, err := conn.OnCall.GetRota(ctx, &amparov1.GetRotaRequest{Office: *office})
			if err != nil {
				return err
			}
			names, err := a.names(ctx, conn)
			if err != nil {
				return err
			}
			return a.show(answer, func(p *page) { p.rotas(answer, names) })
		})
	})
	return c
}

func (a *app) rotaSetCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "set",
		Short: "Announce who answers when",
		Long: `Takes a SetRotaRequest:

  rota:
    office: berlin
    language: fr             # only for cases in this language; left out: for all
    slots:                   # one after the other, without a gap or an overlap
      - from: 2027-03-05T18:00:00Z
        until: 2027-03-06T06:00:00Z
        staff_ids: [` + exampleStaff + `]   # first, second, ...
      - from: 2027-03-06T06:00:00Z
        until: 2027-03-06T18:00:00Z
        staff_ids: []        # nobody yet: an alarm is raised a day before
  addresses:                 # where people are told; those of others stay
    - staff_id: ` + exampleStaff + `
      mail: desk@example.org

What was announced before stands until the first slot begins, and ends there. A
message says that there is an alarm, and nothing else. Addresses are shown to
nobody.`,
		Example: "  amparo oncall set --file rota.yaml",
		Args:    noSuchCommand,
	}
	file := fileFlag(c, "the SetRotaRequest")
	c.RunE = a.do(func(ctx context.Context, _ []string) error {
		request := &amparov1.SetRotaRequest{}
		if err := a.readFile(*file, request); err != nil {
			return err
		}
		if err := a.placeRequestID(request); err != nil {
			return err
		}
		return a.with(func(conn *client.Conn) error {
			answer, err := conn.OnCall.SetRota(ctx, request)
			if err != nil {
				return err
			}
			names, err := a.names(ctx, conn)
			if err != nil {
				return err
			}
			return a.show(answer, func(p *page) {
				p.rotas(&amparov1.GetRotaResponse{Rotas: []*amparov1.Rota{answer.GetRota()}, UnreachableIds: answer.GetUnreachableIds()}, names)
			})
		})
	})
	return c
}

const exampleStaff = "lq3c5vd2gkzxwhm7ynbt4jsofa"

func (a *app) alarmsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "alarms",
		Short: "Show the alarms that nobody has taken yet",
		Long: `Shows the alarms of the offices where you are on shift, those that you were called
for, and, to reviewers and heads, all of their offices. With --watch each new one is
shown at once, and the terminal's bell rings.`,
		Example: `  amparo oncall alarms
  amparo oncall alarms --watch`,
		Args: noSuchCommand,
	}
	office := c.Flags().String("office", "", "only this office")
	watch := c.Flags().Bool("watch", false, "go on, and ring the bell for each new one")
	c.RunE = a.do(func(ctx context.Context, _ []string) error {
		a.watches = *watch
		return a.with(func(conn *client.Conn) error {
			names, err := a.names(ctx, conn)
			if err != nil {
				return err
			}
			if *watch {
				return a.watchAlarms(ctx, conn, *office, names)
			}
			answer, err := conn.OnCall.ListAlarms(ctx, &amparov1.ListAlarmsRequest{Office: *office})
			if err != nil {
				return err
			}
			return a.show(answer, func(p *page) { p.alarms(answer.GetAlarms(), names) })
		})
	})
	return c
}

// watchAlarms shows alarms until the person ends it, which is no failure, or the
// service does, which is one.
func (a *app) watchAlarms(ctx context.Context, conn *client.Conn, office string, names map[string]string) error {
	stream, err := conn.OnCall.WatchAlarms(ctx, &amparov1.WatchAlarmsRequest{Office: office})
	if err != nil {
		return err
	}
	for first := true; ; first = false {
		batch, err := stream.Recv()
		if err != nil {
			return watchEnd(ctx, err)
		}
		if first && a.outIsPerson {
			a.tell("%s\n", "watching; end with Ctrl-C")
		}
		if len(batch.GetAlarms()) > 0 && a.outIsPerson {
			a.tell("\a")
		}
		err = a.show(batch, func(p *page) {
			if len(batch.GetAlarms()) > 0 {
				p.line(p.now.In(p.zone).Format("15:04:05"))
				p.alarms(batch.GetAlarms(), names)
			}
			for _, id := range batch.GetGoneIds() {
				p.line(p.now.In(p.zone).Format("15:04:05"), "taken, or no longer yours:", client.Printable(id))
			}
		})
		if err != nil {
			return err
		}
	}
}

func (a *app) acknowledgeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "ack ALARM",
		Short: "Take an alarm: it is yours, and nobody else is called for it",
		Long: `Takes an alarm, by the reference in the message or by the list of alarms. Where
somebody took it before, you are told who.`,
		Example: "  amparo oncall ack " + exampleCase,
		Args:    asUsed,
		RunE: a.do(func(ctx context.Context, arguments []string) error {
			return a.with(func(conn *client.Conn) error {
				answer, err := conn.OnCall.AcknowledgeAlarm(ctx, &amparov1.AcknowledgeAlarmRequest{AlarmId: arguments[0], RequestId: a.requestID})
				if err != nil {
					return err
				}
				names, err := a.names(ctx, conn)
				if err != nil {
					return err
				}
				return a.show(answer, func(p *page) { p.alarm(answer.GetAlarm(), names) })
			})
		}),
	}
}

// names are those of colleagues, by their ids, where a person reads the answer.
func (a *app) names(ctx context.Context, conn *client.Conn) (map[string]string, error) {
	if a.output != "text" {
		return nil, nil
	}
	answer, err := conn.Staff.ListStaff(ctx, &amparov1.ListStaffRequest{})
	names := map[string]string{}
	for _, member := range answer.GetStaff() {
		names[member.GetId()] = member.GetName()
	}
	return names, err
}

// people writes colleagues by their names, which may hold commas themselves.
func (p *page) people(ids []string, names map[string]string) string {
	var out []string
	for _, id := range ids {
		name := names[id]
		if name == "" {
			name = id
		}
		out = append(out, client.Printable(name))
	}
	return strings.Join(out, "; ")
}

// rotas writes who is on shift, and the slots that are not over.
func (p *page) rotas(answer *amparov1.GetRotaResponse, names map[string]string) {
	for _, shift := range answer.GetOnShift() {
		who, by := p.people(shift.GetStaffIds(), names), "by the rota"
		switch {
		case who == "":
			who, by = p.paint("1;31", "nobody"), "no rota is in force, and there is no operator"
		case !shift.GetByRota():
			by = "every operator: no rota is in force"
		}
		p.line(client.Printable(shift.GetOffice())+": on shift now", who, "("+by+")")
	}
	columns := []column{{title: "OFFICE"}, {title: "LANGUAGE"}, {title: "FROM"}, {title: "UNTIL"}, {title: "PEOPLE"}}
	for _, rota := range answer.GetRotas() {
		for _, slot := range rota.GetSlots() {
			if slot.GetUntil().AsTime().Before(p.now) {
				continue
			}
			language, who := rota.GetLanguage(), p.people(slot.GetStaffIds(), names)
			if language == "" {
				language = "all"
			}
			if who == "" {
				who = p.paint("1;31", "nobody yet")
			}
			for i, cell := range []string{client.Printable(rota.GetOffice()), client.Printable(language), p.at(slot.GetFrom()), p.at(slot.GetUntil()), who} {
				columns[i].cells = append(columns[i].cells, cell)
			}
		}
	}
	if len(columns[0].cells) > 0 {
		p.table(columns)
	}
	if len(answer.GetUnreachableIds()) > 0 {
		p.line("no address is known, and no message reaches:", p.people(answer.GetUnreachableIds(), names))
	}
}

// alarms writes a table of alarms, with who was called last.
func (p *page) alarms(alarms []*amparov1.Alarm, names map[string]string) {
	if len(alarms) == 0 {
		p.line("no alarm waits")
		return
	}
	columns := []column{{title: "WHY"}, {title: "RAISED"}, {title: "ALARM"}, {title: "CASE"}, {title: "OFFICE", spare: true}, {title: "CALLED"}}
	for _, alarm := range alarms {
		for i, cell := range []string{
			p.paint("1;31", word(alarm.GetKind())), p.ago(alarm.GetRaisedAt()), client.Printable(alarm.GetId()),
			client.Printable(alarm.GetCaseId()), client.Printable(alarm.GetOffice()), p.people(called(alarm), names),
		} {
			columns[i].cells = append(columns[i].cells, cell)
		}
	}
	p.table(columns)
}

// called are the people who were called for an alarm, each once.
func called(alarm *amparov1.Alarm) []string {
	var ids []string
	for _, call := range alarm.GetCalls() {
		if !slices.Contains(ids, call.GetStaffId()) {
			ids = append(ids, call.GetStaffId())
		}
	}
	return ids
}

func (p *page) alarm(alarm *amparov1.Alarm, names map[string]string) {
	p.entry("alarm", alarm.GetId())
	p.entry("why", word(alarm.GetKind()))
	p.entry("case", alarm.GetCaseId())
	p.entry("office", alarm.GetOffice())
	p.entry("raised", p.ago(alarm.GetRaisedAt()))
	p.entry("called", p.people(called(alarm), names))
	p.entry("taken by", p.people([]string{alarm.GetAcknowledgedById()}, names))
	p.entry("taken", p.at(alarm.GetAcknowledgedAt()))
}
