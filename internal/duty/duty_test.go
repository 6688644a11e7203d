package duty_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/duty"
)

const (
	operator = amparov1.Role_ROLE_HOTLINE_OPERATOR
	officer  = amparov1.Role_ROLE_CASE_OFFICER
	reviewer = amparov1.Role_ROLE_REVIEWER
	head     = amparov1.Role_ROLE_HEAD_OF_SECRETARIAT
)

// six is a Friday evening at which the weekend's rota begins.
var six = time.Date(2026, 1, 30, 18, 0, 0, 0, time.UTC)

// times are short enough to be counted by hand.
var times = duty.Times{PassOn: 15 * time.Minute, WarnBefore: 24 * time.Hour, Digest: 15 * time.Minute, NoticesAnHour: 4}

func at(hours float64) time.Time { return six.Add(time.Duration(hours * float64(time.Hour))) }

// people is a staff whose ids are its first names.
type people []*amparov1.StaffMember

func (p people) Staff() []*amparov1.StaffMember { return p }

func (p people) ByID(id string) *amparov1.StaffMember {
	for _, member := range p {
		if member.GetId() == id {
			return member
		}
	}
	return nil
}

func person(name, office string, roles ...amparov1.Role) *amparov1.StaffMember {
	return &amparov1.StaffMember{
		Id: name, Roles: roles, Offices: []string{office}, Standing: amparov1.StaffStanding_STAFF_STANDING_ACTIVE,
	}
}

// staff is a small office, and one person of another.
func staff() people {
	french := person("faye", "north", operator)
	french.Languages = []string{"fr-SN", "wo"}
	spanish := person("sol", "north", operator)
	spanish.Languages = []string{"es"}
	gone := person("gil", "north", operator)
	gone.Standing = amparov1.StaffStanding_STAFF_STANDING_SUSPENDED
	ending := person("eva", "north", operator)
	ending.ValidUntil = timestamppb.New(at(10))
	return people{
		person("ana", "north", operator), person("ben", "north", officer), ending, french, gone,
		person("hal", "north", head), person("iris", "south", operator), person("jon", "south", head),
		person("rut", "north", reviewer), spanish, person("vic", "north", amparov1.Role_ROLE_AUDITOR),
	}
}

// shift is a slot of so many hours after six, with its people.
func shift(from, until float64, names ...string) *amparov1.RotaSlot {
	return &amparov1.RotaSlot{From: timestamppb.New(at(from)), Until: timestamppb.New(at(until)), StaffIds: names}
}

func rota(language string, slots ...*amparov1.RotaSlot) *amparov1.Rota {
	return &amparov1.Rota{Office: "north", Language: language, Slots: slots}
}

// weekend is a board with a rota for all languages and one for French.
func weekend() *duty.Board {
	return &duty.Board{Staff: staff(), Times: times, Rotas: []*amparov1.Rota{
		rota("", shift(0, 12, "ana", "ben"), shift(12, 24), shift(24, 48, "gil", "sol")),
		rota("fr", shift(0, 24, "faye")),
	}}
}

func names(list []string) string { return strings.Join(list, " ") }

func TestWhoIsOnDuty(t *testing.T) {
	for _, row := range []struct {
		what     string
		hour     float64
		language string
		want     string
	}{
		{"first and second of the rota", 1, "", "ana ben"},
		{"who speaks the language comes first", 1, "fr", "faye ana ben"},
		{"the language counts, not the region", 1, "fr-CH", "faye ana ben"},
		{"a language without a rota has that for all", 1, "es", "ana ben"},
		{"nobody took the shift: whoever else is on", 13, "es", "faye"},
		{"the suspended are not called", 25, "", "sol"},
		{"the last instant of a shift", 11.9999, "", "ana ben"},
		{"behind the end of all rotas every operator answers", 50, "", "ana faye sol"},
		{"before they begin as well", -1, "", "ana eva faye sol"},
	} {
		if got := names(weekend().OnDuty("north", row.language, at(row.hour))); got != row.want {
			t.Errorf("%s: %s, want %s", row.what, got, row.want)
		}
	}
	if got := names(weekend().OnDuty("south", "", six)); got != "iris" {
		t.Errorf("an office without a rota: %s, want all its operators", got)
	}
}

func TestWhoIsOnShift(t *testing.T) {
	for _, row := range []struct {
		what, name string
		hour       float64
		want       string
	}{
		{"named by the rota", "ana", 1, "north"},
		{"named by the rota of a language", "faye", 1, "north"},
		{"named, in another role", "ben", 1, "north"},
		{"an operator whom the rota does not name", "sol", 1, ""},
		{"her shift has begun", "sol", 24, "north"},
		{"his has ended", "ben", 12, ""},
		{"named but suspended", "gil", 25, ""},
		{"a reviewer is not on shift by being one", "rut", 1, ""},
		{"the rota has ended: any operator", "sol", 49, "north"},
		{"the rota has ended: nobody else", "ben", 49, ""},
		{"another office", "iris", 1, "south"},
	} {
		board := weekend()
		if got := names(board.OnShift(board.Staff.ByID(row.name), at(row.hour))); got != row.want {
			t.Errorf("%s: %s is on shift at %q, want %q", row.what, row.name, got, row.want)
		}
	}
}

func TestWhoMayAcknowledge(t *testing.T) {
	alarm := &amparov1.Alarm{Office: "north", Calls: []*amparov1.AlarmCall{{StaffId: "sol", At: timestamppb.New(six)}}}
	for _, row := range []struct{ what, name, want string }{
		{"on shift", "ana", ""},
		{"on shift for another language", "faye", ""},
		{"off shift, but called", "sol", ""},
		{"off shift", "eva", "not_on_shift"},
		{"reviewer of the office", "rut", ""},
		{"head of the office", "hal", ""},
		{"of another office", "iris", "not_found"},
		{"head of another office", "jon", "not_found"},
		{"suspended", "gil", "not_found"},
		{"excluded from the case", "ben", "not_found"},
	} {
		board := weekend()
		got := ""
		if err := board.MayAcknowledge(alarm, []string{"ben"}, board.Staff.ByID(row.name), at(1)); err != nil {
			got = err.Error()
		}
		if got != row.want {
			t.Errorf("%s: %q, want %q", row.what, got, row.want)
		}
	}
}

// TestAnAlarmPassesOn follows one alarm through a night in which nobody answers.
func TestAnAlarmPassesOn(t *testing.T) {
	for _, row := range []struct {
		what     string
		alarm    *amparov1.Alarm
		hour     float64
		excluded []string
		dead     string // whom no message reaches
		want     string // minutes and people
	}{
		{
			what: "down the rota, to reviewer and head, and again", alarm: &amparov1.Alarm{Office: "north"}, hour: 1,
			want: "0 ana, 15 ben, 30 rut, 45 hal, 60 ana, 75 ben",
		},
		{
			what: "a speaker of the language first", alarm: &amparov1.Alarm{Office: "north", Language: "fr"}, hour: 1,
			want: "0 faye, 15 ana, 30 ben, 45 rut, 60 hal, 75 faye",
		},
		{
			what: "all operators at once where there is no rota", alarm: &amparov1.Alarm{Office: "north"}, hour: 60,
			want: "0 ana faye sol, 15 rut, 30 hal, 45 ana faye sol",
		},
		{
			what: "past whoever is excluded from the case", alarm: &amparov1.Alarm{Office: "north"}, hour: 1, excluded: []string{"ana", "rut"},
			want: "0 ben, 15 hal, 30 ben",
		},
		{
			what: "an empty slot to those who can fill it", alarm: &amparov1.Alarm{Office: "north", Kind: amparov1.AlarmKind_ALARM_KIND_EMPTY_SLOT}, hour: 1,
			want: "0 rut, 15 hal, 30 ana, 45 ben",
		},
		{
			what: "nobody at all is left at the office: heads of others", alarm: &amparov1.Alarm{Office: "west"}, hour: 1,
			want: "0 hal, 15 jon, 30 hal",
		},
		{
			what: "sooner past somebody whom no message reaches", alarm: &amparov1.Alarm{Office: "north"}, hour: 1, dead: "ana rut",
			want: "0 ana, 1 ben, 16 rut, 17 hal, 32 ana, 33 ben",
		},
	} {
		board := weekend()
		var story []string
		for minute := 0; minute <= 75 && len(story) < strings.Count(row.want, ",")+1; minute++ {
			now := at(row.hour).Add(time.Duration(minute) * time.Minute)
			who, again := board.Next(row.alarm, row.excluded, now)
			if len(who) == 0 && !again.After(now) {
				t.Fatalf("%s: at %d nobody is called, and no time is said", row.what, minute)
			}
			for _, id := range who {
				duty.Called(row.alarm, id, !strings.Contains(row.dead, id), times.PassOn, now)
			}
			if len(who) > 0 {
				story = append(story, fmt.Sprint(minute, " ", names(who)))
			}
		}
		if got := strings.Join(story, ", "); got != row.want {
			t.Errorf("%s:\n got %s\nwant %s", row.what, got, row.want)
		}
	}
}

// TestWhereNobodyIsLeft an alarm is asked about again later, and not at once for ever.
func TestWhereNobodyIsLeft(t *testing.T) {
	who, again := weekend().Next(&amparov1.Alarm{Office: "west"}, []string{"hal", "jon"}, six)
	if len(who) > 0 || !again.After(six) {
		t.Errorf("%v are called, and it is asked again at %v", who, again)
	}
}

// TestAnAlarmDoesNotStayWithSomebodyGone: whoever had it was excluded from the case, or
// suspended.
func TestAnAlarmDoesNotStayWithSomebodyGone(t *testing.T) {
	for _, excluded := range [][]string{{"ana"}, nil} {
		board, alarm, now := weekend(), &amparov1.Alarm{Office: "north"}, at(1)
		duty.Called(alarm, "ana", true, times.PassOn, now)
		if excluded == nil {
			board.Staff.ByID("ana").Standing = amparov1.StaffStanding_STAFF_STANDING_SUSPENDED
		}
		if who, _ := board.Next(alarm, excluded, now.Add(time.Minute)); names(who) != "ben" {
			t.Errorf("excluded %v: %v are called", excluded, who)
		}
	}
}

// TestNobodyOfAStepIsForgotten: of three who are called together one has been, and
// the service went down before the others were.
func TestNobodyOfAStepIsForgotten(t *testing.T) {
	board, now := weekend(), at(60)
	alarm := &amparov1.Alarm{Office: "north"}
	duty.Called(alarm, "faye", true, times.PassOn, now)
	if who, _ := board.Next(alarm, nil, now.Add(time.Minute)); names(who) != "ana sol" {
		t.Errorf("%v are called a minute later, want the other two", who)
	}
	duty.Called(alarm, "ana", true, times.PassOn, now.Add(time.Minute))
	duty.Called(alarm, "sol", true, times.PassOn, now.Add(time.Minute))
	if who, again := board.Next(alarm, nil, now.Add(2*time.Minute)); len(who) != 0 || !again.Equal(now.Add(16*time.Minute)) {
		t.Errorf("%v are called then, and asked again at %v", who, again)
	}
}

func TestExtreme(t *testing.T) {
	const low, extreme = amparov1.RiskLevel_RISK_LEVEL_LOW, amparov1.RiskLevel_RISK_LEVEL_EXTREME
	for _, row := range []struct {
		before, after amparov1.RiskLevel
		want          bool
	}{{low, extreme, true}, {0, extreme, true}, {extreme, extreme, false}, {extreme, low, false}, {low, low, false}} {
		if got := duty.Extreme(row.before, row.after); got != row.want {
			t.Errorf("from %s to %s: %v, want %v", row.before, row.after, got, row.want)
		}
	}
}

// TestTooManyAlarmsFoldIntoOne of their kind and office, and others stand for themselves.
func TestTooManyAlarmsFoldIntoOne(t *testing.T) {
	var open []*amparov1.Alarm
	raise := func(kind amparov1.AlarmKind, office string, n int) {
		alarm := &amparov1.Alarm{Kind: kind, Office: office, CaseId: fmt.Sprint("case ", n)}
		if !duty.Fold(open, alarm) {
			open = append(open, alarm)
		}
	}
	for n := range 300 {
		raise(amparov1.AlarmKind_ALARM_KIND_OVERDUE, "north", n)
		raise(amparov1.AlarmKind_ALARM_KIND_OVERDUE, "north", n)
	}
	raise(amparov1.AlarmKind_ALARM_KIND_DURESS, "north", 1)
	raise(amparov1.AlarmKind_ALARM_KIND_OVERDUE, "south", 1)
	raise(amparov1.AlarmKind_ALARM_KIND_OVERDUE, "north", 5) // open by itself
	folded := 0
	for _, alarm := range open {
		if alarm.GetCaseId() == "" {
			folded++
		}
	}
	if len(open) != 203 || folded != 1 {
		t.Errorf("%d are open, %d of them for many; want 203 and 1", len(open), folded)
	}
}

func TestNoticesAreGathered(t *testing.T) {
	board := &duty.Board{Times: times, Notices: []duty.Notice{{StaffID: "ana", Since: six}, {StaffID: "ben", Since: six.Add(5 * time.Minute)}}}
	for _, row := range []struct {
		minute int
		due    string
		next   int
	}{{0, "", 15}, {14, "", 15}, {15, "ana", 20}, {20, "ana ben", -1}} {
		due, next := board.DueNotices(six.Add(time.Duration(row.minute) * time.Minute))
		var got []string
		for _, notice := range due {
			got = append(got, notice.StaffID)
		}
		wantNext := time.Time{}
		if row.next >= 0 {
			wantNext = six.Add(time.Duration(row.next) * time.Minute)
		}
		if !slices.Equal(got, strings.Fields(row.due)) || !next.Equal(wantNext) {
			t.Errorf("after %d minutes: %v and next at %v, want %q and %v", row.minute, got, next, row.due, wantNext)
		}
	}
}

// TestNoticesAreLimited: four in an hour, whatever the digest.
func TestNoticesAreLimited(t *testing.T) {
	often := times
	often.Digest = time.Minute
	minute := func(n int) time.Time { return six.Add(time.Duration(n) * time.Minute) }
	board := &duty.Board{Times: often, Notices: []duty.Notice{{StaffID: "ana", Since: minute(20)}, {StaffID: "ben", Since: minute(20)}}}
	for _, n := range []int{0, 5, 10, 15} {
		board.Told = append(board.Told, duty.Notice{StaffID: "ana", Since: minute(n)})
	}
	for _, row := range []struct{ minute, due, next int }{{21, 1, 60}, {59, 1, 60}, {60, 2, -1}} {
		due, next := board.DueNotices(minute(row.minute))
		if len(due) != row.due || (row.next < 0) != next.IsZero() || row.next >= 0 && !next.Equal(minute(row.next)) {
			t.Errorf("after %d minutes %d are due and the next at %v, want %d and %d", row.minute, len(due), next, row.due, row.next)
		}
	}
	if left := duty.Recent(board.Told, minute(66)); len(left) != 2 {
		t.Errorf("%d count after 66 minutes, want those of the last hour", len(left))
	}
}
