package deadline_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/calendar"
	"github.com/amparo-project/amparo/internal/deadline"
)

// pair is a file kept twice: by the engine, and on paper.
type pair struct {
	file
	paper *plainFile
	bases map[string]bool // of both files, by kind
}

var lived = []amparov1.TermKind{
	triage, firstContact, decision, reassessment, checkIn, initialResponse, finalResponse, subjectAccess,
	countersignature, breachNotice, reconfirmation,
}

// lifeBook has every unit and, beside those of the defaults, working days that may rest.
func lifeBook(t failer) (*deadline.Book, *time.Location) {
	t.Helper()
	book := brussels(t)
	for i := range book.Rules {
		if book.Rules[i].Kind == finalResponse {
			book.Rules[i].Length = calendar.Length{Count: 10, Unit: calendar.WorkingDays}
			book.Rules[i].PauseCap = 5 * 24 * time.Hour
		}
	}
	must(t, book.Check())
	zone, err := time.LoadLocation("Europe/Brussels")
	must(t, err)
	return book, zone
}

// TestTenYears lets two files live through ten years of whatever comes, and compares
// the engine with the paper after each event. The sweep comes at some hours only: a
// service may stop for weeks. -rapid.checks=N lives N lives instead of a hundred.
func TestTenYears(t *testing.T) {
	book, zone := lifeBook(t)
	rapid.Check(t, func(t *rapid.T) {
		bases := map[string]bool{}
		fresh := func() *pair {
			return &pair{file: file{book: book}, paper: &plainFile{book: book, zone: zone}, bases: bases}
		}
		one, two := fresh(), fresh()
		now := instant(t, "2024-01-01T00:00:00Z").Add(time.Duration(rapid.IntRange(0, 366*24).Draw(t, "begin")) * time.Hour)
		for end := now.AddDate(10, 0, 0); now.Before(end); {
			p := one
			if rapid.IntRange(0, 2).Draw(t, "file") == 2 {
				p = two
			}
			switch what := rapid.SampledFrom(happenings).Draw(t, "what"); what {
			case "merge":
				must(t, one.do(t, now, &amparov1.TermEvent{Event: merged, Merged: two.terms}))
				one.paper.merge(two.paper, now)
				two.replays(t)
				two = fresh()
			case "new":
				one.replays(t)
				one, two = two, fresh()
			default:
				p.live(t, what, now)
			}
			one.compare(t, now)
			two.compare(t, now)
			longest := rapid.SampledFrom([]int{4, 72, 72, 72, 60 * 24}).Draw(t, "longest")
			now = now.Add(time.Duration(rapid.IntRange(1, longest).Draw(t, "gap")) * time.Hour)
		}
		one.replays(t)
	})
}

// happenings are as frequent as they stand here.
var happenings = []string{
	"start", "start", "start", "start", "level", "level", "meet", "meet", "pause", "pause", "resume", "resume",
	"sweep", "sweep", "sweep", "sweep", "agree", "shorten", "assign", "merge", "new",
}

func (p *pair) live(t *rapid.T, what string, now time.Time) {
	kinds := lived
	if what == "pause" || what == "resume" {
		kinds = []amparov1.TermKind{decision, finalResponse, subjectAccess, triage}
	}
	kind, id := rapid.SampledFrom(kinds).Draw(t, "kind"), ""
	if deadline.Outlives(kind) {
		id = rapid.SampledFrom([]string{"1", "2", "3"}).Draw(t, "id")
	}
	levels := []amparov1.RiskLevel{notAssessed, low, low, medium, high, extreme}
	level := rapid.SampledFrom(levels).Draw(t, "level")
	switch what {
	case "start":
		ago := rapid.SampledFrom([]int{0, 3, 100}).Draw(t, "ago")
		p.start(t, kind, id, now.Add(-time.Duration(ago)*time.Hour), level, now)
	case "level":
		must(t, p.do(t, now, &amparov1.TermEvent{Event: changed, Level: level}))
		p.paper.change(level, now)
	case "meet":
		must(t, p.do(t, now, &amparov1.TermEvent{Event: met, Kind: kind, TermId: id}))
		p.paper.meet(kind, id, now)
	case "agree", "shorten":
		event := agreed
		if what == "shorten" {
			event = shortened
		}
		due := now.Add(time.Duration(rapid.SampledFrom([]int{-10, 1, 20, 24 * 5, 24 * 20}).Draw(t, "agreed")) * time.Hour)
		must(t, p.do(t, now, &amparov1.TermEvent{Event: event, Kind: kind, TermId: id, Due: timestamppb.New(due)}))
		p.paper.hasten(kind, id, due, now)
	case "pause":
		p.pause(t, kind, now)
	case "resume":
		p.resume(t, kind, now)
	case "assign":
		must(t, p.do(t, now, &amparov1.TermEvent{Event: assigned, StaffId: "somebody"}))
	case "sweep":
		p.sweep(t, now)
	}
}

func (p *pair) start(t *rapid.T, kind amparov1.TermKind, id string, base time.Time, level amparov1.RiskLevel, now time.Time) {
	// Terms of one name stand in the order of their bases, and the paper tells them
	// apart by these; TestTwinsAreToldApart has two with one base.
	name := kind.String() + id + base.String()
	for _, c := range p.paper.clocks {
		if c.kind == kind && c.id == id && base.Before(c.base) {
			return
		}
	}
	if p.bases[name] {
		return
	}
	p.bases[name] = true
	must(t, p.do(t, now, &amparov1.TermEvent{Event: started, Kind: kind, TermId: id, Base: timestamppb.New(base), Level: level}))
	p.paper.start(kind, id, base, level)
}

func (p *pair) pause(t *rapid.T, kind amparov1.TermKind, now time.Time) {
	err := p.do(t, now, &amparov1.TermEvent{Event: paused, Kind: kind, PauseReason: awaits})
	if allowed := p.paper.pause(kind, now); allowed != (err == nil) {
		t.Fatalf("pause of %v: %v, on paper %v", kind, err, allowed)
	}
}

func (p *pair) resume(t *rapid.T, kind amparov1.TermKind, now time.Time) {
	err := p.do(t, now, &amparov1.TermEvent{Event: resumed, Kind: kind})
	if allowed := p.paper.resume(kind, now); allowed != (err == nil) {
		t.Fatalf("resumption of %v: %v, on paper %v", kind, err, allowed)
	}
}

// compare holds every clock on paper against the engine's term.
func (p *pair) compare(t *rapid.T, now time.Time) {
	for _, c := range p.paper.clocks {
		term := p.termOf(c)
		if term == nil {
			if c.runs() || !c.missed.IsZero() {
				t.Fatalf("%v from %v is not on record", c.kind, c.base)
			}
			continue
		}
		if got := term.GetDue().AsTime(); !got.Equal(c.due) {
			t.Fatalf("%v from %v at %v is due %v, on paper %v", c.kind, c.base, c.level, got, c.due)
		}
		if got, want := deadline.Breached(term, now), !c.missed.IsZero() || c.runs() && c.late(now); got != want {
			t.Fatalf("%v from %v is missed: %v, on paper %v", c.kind, c.base, got, want)
		}
		if got := term.GetBreachedAt(); !c.missed.IsZero() && !got.AsTime().Equal(c.missed) {
			t.Fatalf("%v from %v was missed at %v, on paper %v", c.kind, c.base, got.AsTime(), c.missed)
		}
		if !c.runs() && !term.GetMetAt().AsTime().Equal(c.met) {
			t.Fatalf("%v from %v was met at %v, on paper %v", c.kind, c.base, term.GetMetAt().AsTime(), c.met)
		}
	}
}

func (p *pair) termOf(c *plainClock) *amparov1.Term {
	i := slices.IndexFunc(p.terms, func(t *amparov1.Term) bool {
		return t.GetKind() == c.kind && t.GetId() == c.id && t.GetBase().AsTime().Equal(c.base) &&
			(t.GetMetAt() == nil) == c.runs() && (c.runs() || t.GetMetAt().AsTime().Equal(c.met))
	})
	if i < 0 {
		return nil
	}
	return p.terms[i]
}

// sweep records what is due, and asks the paper whether it was that and no more.
func (p *pair) sweep(t *rapid.T, now time.Time) {
	events := p.book.Reached(p.terms, now)
	if next, found := p.book.NextNotice(p.terms); found != (len(events) > 0) && !next.After(now) {
		t.Fatalf("the next notice is for %v, at %v", next, now)
	}
	var last time.Time
	for _, e := range events {
		if at := e.GetNotice().GetAt().AsTime(); at.Before(last) || at.After(now) {
			t.Fatalf("a notice for %v after one for %v, at %v", at, last, now)
		} else {
			last = at
		}
		p.tell(t, e)
		must(t, p.do(t, now, e))
	}
	if again := p.book.Reached(p.terms, now); len(again) > 0 {
		t.Fatalf("%d notices are given again", len(again))
	}
	for _, c := range p.paper.clocks {
		if p.termOf(c) != nil {
			p.wasTold(t, c, now)
		}
	}
}

func noticeName(n *amparov1.TermNotice) string {
	return fmt.Sprintf("%v %d", n.GetStep(), n.GetNumber())
}

func (p *pair) tell(t *rapid.T, e *amparov1.TermEvent) {
	for _, c := range p.paper.clocks {
		name := noticeName(e.GetNotice())
		if c.kind != e.GetKind() || c.id != e.GetTermId() || !c.base.Equal(e.GetBase().AsTime()) {
			continue
		}
		if c.told[name]++; c.told[name] > 1+c.extended {
			t.Fatalf("%s of %v from %v is given %d times", name, c.kind, c.base, c.told[name])
		}
		return
	}
	t.Fatalf("a notice about %v from %v, which is not on paper", e.GetKind(), e.GetBase().AsTime())
}

// wasTold holds that after a sweep everything was told that the paper finds due.
func (p *pair) wasTold(t *rapid.T, c *plainClock, now time.Time) {
	if !c.runs() {
		if got := c.told["TERM_STEP_OVERDUE 0"]; !c.missed.IsZero() && got == 0 {
			t.Fatalf("%v from %v was missed, and nobody was told", c.kind, c.base)
		}
		return
	}
	c.look(now, time.Time{})
	want := map[string]bool{"TERM_STEP_OVERDUE 0": !c.missed.IsZero()}
	for i, wait := range p.book.Ladder {
		want[fmt.Sprintf("TERM_STEP_LADDER %d", i+1)] = !c.missed.IsZero() && now.Sub(c.missed) >= wait
	}
	rule, _ := p.book.Rule(c.kind, c.level)
	if rule.Length.Unit == calendar.Hours {
		passed, all := 0, 0
		pauses := p.paper.effective(c, rule.PauseCap)
		for at := c.base; at.Before(c.due); at = at.Add(time.Hour) {
			if resting(pauses, at) {
				continue
			}
			if all++; at.Before(now) {
				passed++
			}
		}
		for i, percent := range p.book.Warnings {
			want[fmt.Sprintf("TERM_STEP_WARNING %d", i+1)] = passed*100 >= percent*all && !c.due.Before(c.base)
		}
	}
	for name, due := range want {
		if due && c.told[name] == 0 {
			t.Fatalf("%s of %v from %v is due at %v and was not given", name, c.kind, c.base, now)
		}
		// What was told before stays told when the due time is brought to before the base.
		if !due && c.told[name] > 0 && c.extended == 0 && !c.due.Before(c.base) {
			t.Fatalf("%s of %v from %v was given before it was due", name, c.kind, c.base)
		}
	}
}

// replays holds that the history, after a journey over the wire, gives the same terms.
func (p *pair) replays(t *rapid.T) {
	var history []*amparov1.TermEvent
	for _, e := range p.history {
		raw, err := proto.Marshal(e)
		must(t, err)
		again := &amparov1.TermEvent{}
		must(t, proto.Unmarshal(raw, again))
		history = append(history, again)
	}
	terms, err := deadline.Replay([]*deadline.Book{p.book}, history)
	must(t, err)
	if !equalTerms(terms, p.terms) {
		t.Fatal("replayed terms differ")
	}
}
