package main

import (
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// hostileRota is a rota in which every text is one.
func hostileRota(text string) *amparov1.GetRotaResponse {
	return &amparov1.GetRotaResponse{
		OnShift:        []*amparov1.Shift{{Office: text, StaffIds: []string{text}}},
		Rotas:          []*amparov1.Rota{{Office: text, Language: text, Slots: []*amparov1.RotaSlot{{Until: in(time.Hour), StaffIds: []string{text}}}}},
		UnreachableIds: []string{text},
	}
}

func TestOnCallPages(t *testing.T) {
	const ana, ben = "lq3c5vd2gkzxwhm7ynbt4jsofa", "p4x7mzq2vhd6wkfyc3ntbgjs5a"
	names := map[string]string{ana: "Ana", ben: "Ben"}
	slot := func(from, until int, people ...string) *amparov1.RotaSlot {
		return &amparov1.RotaSlot{From: in(time.Duration(from) * time.Hour), Until: in(time.Duration(until) * time.Hour), StaffIds: people}
	}
	wantGolden(t, "rota", func(p *page) {
		p.rotas(&amparov1.GetRotaResponse{
			OnShift: []*amparov1.Shift{{Office: "berlin", StaffIds: []string{ana, ben}, ByRota: true}, {Office: "quito", StaffIds: []string{ana}}, {Office: "tunis"}},
			Rotas: []*amparov1.Rota{
				{Office: "berlin", Slots: []*amparov1.RotaSlot{slot(-20, -8, ben), slot(-8, 4, ana, ben), slot(4, 16)}},
				{Office: "berlin", Language: "fr", Slots: []*amparov1.RotaSlot{slot(-8, 16, "keur7ih42yyyvf5ha4paug6zba")}},
			},
			UnreachableIds: []string{ben},
		}, names)
	})
	call := func(who string, minutes int) *amparov1.AlarmCall {
		return &amparov1.AlarmCall{StaffId: who, At: in(time.Duration(minutes) * time.Minute)}
	}
	alarms := []*amparov1.Alarm{
		{
			Id: "keur7ih42yyyvf5ha4paug6zba", Kind: amparov1.AlarmKind_ALARM_KIND_EXTREME, CaseId: exampleCase, Office: "berlin", RaisedAt: in(-35 * time.Minute),
			Calls: []*amparov1.AlarmCall{call(ana, -35), call(ben, -20), call(ana, -5)},
		},
		{Id: "lq3c5vd2gkzxwhm7ynbt4jsofa", Kind: amparov1.AlarmKind_ALARM_KIND_EMPTY_SLOT, Office: "berlin", RaisedAt: in(-time.Minute)},
	}
	wantGolden(t, "alarms", func(p *page) {
		p.alarms(alarms, names)
		taken := alarms[0]
		taken.AcknowledgedById, taken.AcknowledgedAt = ben, in(0)
		p.line()
		p.alarm(taken, names)
		p.line()
		p.alarms(nil, names)
	})
}
