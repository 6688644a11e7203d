package casefile_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/deadline"
	"github.com/amparo-project/amparo/internal/fault"
)

// replays holds that the timeline gives the terms of the case.
func (d *desk) replays(t failer) {
	t.Helper()
	var history []*amparov1.TermEvent
	for _, entry := range d.timeline {
		history = append(history, entry.GetTermEvents()...)
	}
	terms, err := deadline.Replay([]*deadline.Book{book}, history)
	if err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(&amparov1.Case{Terms: terms}, &amparov1.Case{Terms: d.c.GetTerms()}) {
		t.Fatal("the timeline gives other terms than the case has")
	}
}

// TestFoundTerms takes a case as an earlier release left it: terms without the rules
// that they follow from, and no history.
func TestFoundTerms(t *testing.T) {
	d := openDesk(t, &amparov1.Intake{})
	d.c.TermsOnRecord, d.timeline = false, nil
	for _, term := range d.c.GetTerms() {
		term.Rule, term.RulesVersion, term.OwnerId = "", 0, ""
	}
	found := proto.CloneOf(d.c)
	d.now = night.Add(5 * time.Hour)
	must(t, d.note(d.by("operator").Note(d.c, "nothing new")))
	if len(d.timeline[0].GetTermEvents()) > 0 || d.c.GetTermsOnRecord() {
		t.Error("a note has begun a history")
	}
	must(t, d.contact(reached, d.now))
	if events := d.timeline[1].GetTermEvents(); len(events) != 2 ||
		!proto.Equal(&amparov1.Case{Terms: events[0].GetMerged()}, &amparov1.Case{Terms: found.GetTerms()}) {
		t.Error("the history does not begin with what was found")
	}
	must(t, d.triage(acceptedAt(extreme), "operator"), d.assign("officer"))
	d.replays(t)
	if !deadline.Breached(d.term(triageTerm), d.now) || !d.term(triageTerm).GetBase().AsTime().Equal(night) {
		t.Error("a triage that was missed before is no longer")
	}
}

// TestLegalDatesAreLeftAlone holds that no step of a case touches the date of a court.
func TestLegalDatesAreLeftAlone(t *testing.T) {
	d := openDesk(t, &amparov1.Intake{})
	const legal = amparov1.TermKind_TERM_KIND_LEGAL
	entry := &amparov1.TimelineEntry{}
	must(t, d.note(entry, d.by("officer").Record(d.c, entry, &amparov1.TermEvent{
		Event: amparov1.TermEventKind_TERM_EVENT_KIND_STARTED, Kind: legal, TermId: "reply",
		Due: timestamppb.New(night.AddDate(0, 2, 0)), StaffId: "officer",
	})))
	entry = &amparov1.TimelineEntry{}
	must(t, d.note(entry, d.by("officer").Record(d.c, entry, &amparov1.TermEvent{
		Event: amparov1.TermEventKind_TERM_EVENT_KIND_CONFIRMED, Kind: legal, TermId: "reply",
		Due: timestamppb.New(night.AddDate(0, 1, 0)), StaffId: "lawyer",
	})))
	before := proto.CloneOf(d.term(legal))
	must(
		t, d.triage(acceptedAt(extreme), "operator"), d.assign("officer"), d.advance(active), d.contact(reached, d.now),
		d.assess(low, "operator"), d.confirm("officer"), d.close(), d.note(d.by("officer").Reopen(d.c, "again", roles)),
	)
	if !proto.Equal(before, d.term(legal)) {
		t.Errorf("the confirmed date is now %v", d.term(legal).GetDue().AsTime())
	}
	d.replays(t)
}

// TestRecordChangesNothingWhenRefused gives it a good event and then a bad one.
func TestRecordChangesNothingWhenRefused(t *testing.T) {
	d := openDesk(t, &amparov1.Intake{})
	before, entry := proto.CloneOf(d.c), &amparov1.TimelineEntry{}
	err := d.by("operator").Record(
		d.c, entry,
		&amparov1.TermEvent{Event: amparov1.TermEventKind_TERM_EVENT_KIND_MET, Kind: triageTerm},
		&amparov1.TermEvent{Event: amparov1.TermEventKind_TERM_EVENT_KIND_RESUMED, Kind: firstContact},
	)
	if !fault.Is(err, fault.Refused) || !proto.Equal(before, d.c) || len(entry.GetTermEvents()) > 0 {
		t.Errorf("refused with %v; the case has changed: %v", err, !proto.Equal(before, d.c))
	}
}

// TestTermsThatRest holds that only a decision at a low or medium risk does, and that
// a closed case has nothing to rest.
func TestTermsThatRest(t *testing.T) {
	const why = amparov1.TermPauseReason_TERM_PAUSE_REASON_AWAITS_INFORMATION
	d := openDesk(t, &amparov1.Intake{ReceivedAt: timestamppb.New(night)})
	must(t, d.triage(acceptedAt(medium), "operator"), d.note(d.by("operator").PauseTerm(d.c, decision, why)))
	checkClocks(t, "it may rest for a week", d, []clock{{decision, 0, 21 * d24, runs}})
	forbids := amparov1.Reason_REASON_STATE_FORBIDS
	refusal(t, "twice at once", d, forbids, "", func() error { return d.note(d.by("operator").PauseTerm(d.c, decision, why)) })
	refusal(t, "a first contact", d, forbids, "", func() error { return d.note(d.by("operator").PauseTerm(d.c, firstContact, why)) })
	d.now = night.Add(2 * d24)
	must(t, d.note(d.by("operator").ResumeTerm(d.c, decision)))
	checkClocks(t, "it rested for two days", d, []clock{{decision, 0, 16 * d24, runs}})
	must(t, d.assess(extreme, "operator"))
	refusal(t, "at an extreme risk", d, forbids, "", func() error { return d.note(d.by("operator").PauseTerm(d.c, decision, why)) })
	d.replays(t)
	must(t, d.close())
	refusal(t, "closed", d, forbids, "", func() error { return d.note(d.by("operator").PauseTerm(d.c, decision, why)) })
	refusal(t, "closed", d, forbids, "", func() error { return d.note(d.by("operator").ResumeTerm(d.c, decision)) })
}
