package duty_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/duty"
	"github.com/amparo-project/amparo/internal/fault"
)

func TestWhatARotaIsRefusedFor(t *testing.T) {
	standing := rota("", shift(0, 24, "ana"))
	for _, row := range []struct {
		what   string
		before *amparov1.Rota
		rota   *amparov1.Rota
		want   string // the field, empty for a rota that is taken
	}{
		{"two shifts, one after the other", nil, rota("", shift(1, 9, "ana"), shift(9, 20, "sol", "ben")), ""},
		{"a shift that nobody has taken yet", nil, rota("", shift(1, 9), shift(9, 20, "sol")), ""},
		{"a gap", nil, rota("", shift(1, 9, "ana"), shift(10, 20, "sol")), "rota.slots[1].from"},
		{"an overlap", nil, rota("", shift(1, 9, "ana"), shift(8, 20, "sol")), "rota.slots[1].from"},
		{"in the wrong order", nil, rota("", shift(9, 20, "ana"), shift(1, 9, "sol")), "rota.slots[1].from"},
		{"an end before the beginning", nil, rota("", shift(9, 2, "ana")), "rota.slots[0].until"},
		{"a shift of no length", nil, rota("", shift(9, 9, "ana")), "rota.slots[0].until"},
		{"all of it past", nil, rota("", shift(-9, -1, "ana")), "rota.slots[0].until"},
		{"somebody unknown", nil, rota("", shift(1, 9, "zoe")), "rota.slots[0].staff_ids[0]"},
		{"somebody suspended", nil, rota("", shift(1, 9, "ana", "gil")), "rota.slots[0].staff_ids[1]"},
		{"somebody of another office", nil, rota("", shift(1, 9, "iris")), "rota.slots[0].staff_ids[0]"},
		{"a role that works no cases", nil, rota("", shift(1, 9, "vic")), "rota.slots[0].staff_ids[0]"},
		{"an account that ends within the shift", nil, rota("", shift(1, 11, "eva")), "rota.slots[0].staff_ids[0]"},
		{"one that ends after it", nil, rota("", shift(1, 10, "eva")), ""},
		{"who speaks the language", nil, rota("fr", shift(1, 9, "faye")), ""},
		{"who does not", nil, rota("fr", shift(1, 9, "sol")), "rota.slots[0].staff_ids[0]"},
		{"of whom no language is noted", nil, rota("fr", shift(1, 9, "ana")), ""},
		{"people of a shift that is over", nil, rota("", shift(-9, -1, "gil"), shift(-1, 9, "ana")), ""},
		{"going on where the one before ends", standing, rota("", shift(24, 30, "sol")), ""},
		{"taking over before that", standing, rota("", shift(12, 30, "sol")), ""},
		{"leaving a gap behind it", standing, rota("", shift(25, 30, "sol")), "rota.slots[0].from"},
		{"after one that has lapsed", rota("", shift(-24, 0, "ana")), rota("", shift(5, 30, "sol")), ""},
	} {
		_, err := duty.Announce(row.before, row.rota, staff(), six)
		got := ""
		if err != nil {
			got = fault.As(err).Violations[0].Field
		}
		if got != row.want {
			t.Errorf("%s: refused for %q, want %q", row.what, got, row.want)
		}
	}
}

// TestRotasAreBounded: neither announced again and again nor in ever more languages do
// they grow for ever.
func TestRotasAreBounded(t *testing.T) {
	var whole *amparov1.Rota
	taken := 0
	for range 10 {
		var slots []*amparov1.RotaSlot
		for n := range 400 {
			begins := float64(taken*400 + n)
			slots = append(slots, shift(begins, begins+1, "ana"))
		}
		next, err := duty.Announce(whole, rota("", slots...), staff(), six)
		if err != nil {
			break
		}
		whole, taken = next, taken+1
	}
	if taken != 2 || len(whole.GetSlots()) != 800 {
		t.Errorf("%d were taken, %d slots are kept; want 2 and 800", taken, len(whole.GetSlots()))
	}
	if err := duty.Room(make([]*amparov1.Rota, 40)); err == nil {
		t.Error("a forty-first language is taken")
	}
	if !duty.Past(rota("", shift(0, 1, "ana")), at(24*7+2)) || duty.Past(rota("", shift(0, 1, "ana")), at(24*7)) {
		t.Error("a rota is not past a week after its end, and no sooner")
	}
}

// shown writes a rota as hours and people.
func shown(rota *amparov1.Rota) string {
	var parts []string
	for _, slot := range rota.GetSlots() {
		hours := func(t *timestamppb.Timestamp) float64 { return t.AsTime().Sub(six).Hours() }
		parts = append(parts, fmt.Sprintf("%g-%g %s", hours(slot.GetFrom()), hours(slot.GetUntil()), names(slot.GetStaffIds())))
	}
	return strings.Join(parts, ", ")
}

func TestARotaIsJoinedToTheOneBefore(t *testing.T) {
	before := rota("", shift(-200, -180, "sol"), shift(-180, -2, "ana"), shift(-2, 12, "ben"), shift(12, 24, "ana"))
	for _, row := range []struct {
		what string
		rota *amparov1.Rota
		want string
	}{
		{"behind it", rota("", shift(24, 36, "sol")), "-180--2 ana, -2-12 ben, 12-24 ana, 24-36 sol"},
		{"over the middle of a shift", rota("", shift(6, 18, "sol")), "-180--2 ana, -2-6 ben, 6-18 sol"},
		{"reaching back: what is past stays", rota("", shift(-20, 18, "sol")), "-180--2 ana, -2-0 ben, 0-18 sol"},
	} {
		joined, err := duty.Announce(before, row.rota, staff(), six)
		if err != nil || shown(joined) != row.want {
			t.Errorf("%s: %v\n got %s\nwant %s", row.what, err, shown(joined), row.want)
		}
	}
}

func TestEmptySlotsAreWarnedOfADayAhead(t *testing.T) {
	for _, row := range []struct {
		what   string
		rotas  []*amparov1.Rota
		warned []duty.EmptySlot
		want   string // hours
	}{
		{"all taken, and announced for long", []*amparov1.Rota{rota("", shift(0, 30, "ana"))}, nil, ""},
		{"nobody took it", []*amparov1.Rota{rota("", shift(0, 12, "ana"), shift(12, 60))}, nil, "12"},
		{"more than a day ahead", []*amparov1.Rota{rota("", shift(0, 25, "ana"), shift(25, 60))}, nil, ""},
		{"exactly a day ahead", []*amparov1.Rota{rota("", shift(0, 24, "ana"), shift(24, 60))}, nil, "24"},
		{"the one who took it was suspended", []*amparov1.Rota{rota("", shift(-2, 60, "gil"))}, nil, "-2"},
		{"the one who took it leaves before", []*amparov1.Rota{rota("", shift(0, 11, "ana"), shift(11, 60, "eva"))}, nil, "11"},
		{"nothing is announced behind it", []*amparov1.Rota{rota("", shift(0, 20, "ana"))}, nil, "20"},
		{"one language of two", []*amparov1.Rota{rota("", shift(0, 60, "ana")), rota("fr", shift(0, 5, "faye"), shift(5, 60))}, nil, "5"},
		{"warned of already", []*amparov1.Rota{rota("", shift(0, 12, "ana"), shift(12, 60))}, []duty.EmptySlot{{Office: "north", From: at(12)}}, ""},
		{"lapsed long ago", []*amparov1.Rota{rota("", shift(-400, -200, "ana"))}, nil, ""},
	} {
		board := &duty.Board{Staff: staff(), Times: times, Rotas: row.rotas, Warned: row.warned}
		var got []string
		for _, slot := range board.EmptyAhead(six) {
			got = append(got, fmt.Sprint(slot.From.Sub(six).Hours()))
		}
		if names(got) != row.want {
			t.Errorf("%s: %q, want %q", row.what, names(got), row.want)
		}
	}
}

// drawRota draws shifts one after the other, and sometimes moves a border, so that
// they overlap or leave a gap.
func drawRota(t *rapid.T) *amparov1.Rota {
	from, r := rapid.IntRange(-60, 60).Draw(t, "from"), rota("")
	for range rapid.IntRange(1, 12).Draw(t, "shifts") {
		until := from + rapid.IntRange(1, 24).Draw(t, "hours")
		r.Slots = append(r.Slots, shift(float64(from), float64(until), rapid.SampledFrom([]string{"ana", "ben", "sol"}).Draw(t, "who")))
		from = until
	}
	if rapid.IntRange(0, 3).Draw(t, "spoil") == 0 {
		slot := rapid.SampledFrom(r.GetSlots()).Draw(t, "which")
		slot.From = timestamppb.New(slot.GetFrom().AsTime().Add(time.Duration(rapid.IntRange(-3, 3).Draw(t, "by")) * time.Hour))
	}
	return r
}

// TestARotaCoversEachInstantOnce announces rota after rota. Whatever is accepted
// holds each instant from its beginning to its end in exactly one shift, and the
// board finds that shift's people.
func TestARotaCoversEachInstantOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var held *amparov1.Rota
		for range rapid.IntRange(1, 5).Draw(t, "rotas") {
			joined, err := duty.Announce(held, drawRota(t), staff(), six)
			if err != nil {
				continue
			}
			held = joined
			board := &duty.Board{Staff: staff(), Times: times, Rotas: []*amparov1.Rota{held}}
			first, last := held.GetSlots()[0].GetFrom().AsTime(), held.GetSlots()[len(held.GetSlots())-1].GetUntil().AsTime()
			for instant := first; instant.Before(last); instant = instant.Add(30 * time.Minute) {
				covering := 0
				for _, slot := range held.GetSlots() {
					if !instant.Before(slot.GetFrom().AsTime()) && instant.Before(slot.GetUntil().AsTime()) {
						covering++
						if people, byRota := board.Shift("north", instant); !byRota || names(people) != names(slot.GetStaffIds()) {
							t.Fatalf("at %v %v are on shift, want %v", instant, people, slot.GetStaffIds())
						}
					}
				}
				if covering != 1 {
					t.Fatalf("%d shifts cover %v: %s", covering, instant, shown(held))
				}
			}
		}
	})
}

// TestAnAlarmIsAlwaysHeld lets time pass in steps of any length while people come and
// go and messages fail: whenever the rules are asked, either somebody able has the
// alarm, called no longer ago than a patience, or somebody able is named now.
func TestAnAlarmIsAlwaysHeld(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		board := &duty.Board{Staff: staff(), Times: times, Rotas: []*amparov1.Rota{drawRota(t)}}
		alarm := &amparov1.Alarm{Office: rapid.SampledFrom([]string{"north", "south", "west"}).Draw(t, "office")}
		var excluded []string
		if rapid.Bool().Draw(t, "excludes") {
			excluded = []string{rapid.SampledFrom([]string{"ana", "rut", "hal"}).Draw(t, "excluded")}
		}
		now := six
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			who, again := board.Next(alarm, excluded, now)
			last := time.Time{}
			for _, call := range alarm.GetCalls() {
				last = call.GetAt().AsTime()
			}
			switch {
			case len(who) == 0 && (last.IsZero() || now.Sub(last) >= times.PassOn):
				t.Fatalf("nobody holds it at %v", now)
			case len(who) == 0 && (!again.After(now) || again.Sub(last) > times.PassOn):
				t.Fatalf("asked again at %v, called at %v, now %v", again, last, now)
			}
			for _, id := range who {
				member := board.Staff.ByID(id)
				if member.GetStanding() != amparov1.StaffStanding_STAFF_STANDING_ACTIVE || names(excluded) == id {
					t.Fatalf("%s is called, who cannot answer", id)
				}
				duty.Called(alarm, id, rapid.Bool().Draw(t, "reached"), times.PassOn, now)
			}
			if len(alarm.GetCalls()) > 24 {
				t.Fatalf("%d calls are kept", len(alarm.GetCalls()))
			}
			now = now.Add(time.Duration(rapid.IntRange(0, 20*60).Draw(t, "seconds")) * time.Second)
		}
	})
}
