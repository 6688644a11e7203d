package records_test

import (
	"maps"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/disclosure"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/proof"
	"github.com/amparo-project/amparo/internal/records"
)

// The people, purposes and data of a history are few, so that they meet often.
var (
	outside = []string{"Adila Testowa", "an embassy", "a newspaper"}
	reasons = []amparov1.Purpose{amparov1.Purpose_PURPOSE_LEGAL_ASSISTANCE, amparov1.Purpose_PURPOSE_ADVOCACY_PUBLIC}
	data    = []amparov1.DataCategory{
		amparov1.DataCategory_DATA_CATEGORY_IDENTITY, amparov1.DataCategory_DATA_CATEGORY_LOCATION, amparov1.DataCategory_DATA_CATEGORY_IMAGE,
	}
)

const sister = "Sani Testowa"

// history is a case on which things befall, and what somebody remembers of it.
type history struct {
	*house
	recollection

	id    string
	staff []person
}

// TestAHistory: whatever was said, withdrawn, checked and signed, in whatever order and
// at whatever times, the gate lets leave what a plain memory of it says may leave, and
// nothing else; and whoever reads nothing but the log comes to the same.
func TestAHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory(t)
		// What is asked for most often is in a history most often.
		steps := map[string]func(*rapid.T){
			"withdraws": func(t *rapid.T) { h.withdraws(t, h.anyone(t)) },
			"checks":    h.checksHarm, "agrees": h.agrees, "signs": h.signs, "befalls": h.befallsHer, "passes": h.passes, "leaps": h.leaps, "sweeps": h.sweeps,
			"restarts": func(*rapid.T) { h.reopen() },
		}
		for _, again := range []string{"", " again", " once more"} {
			steps["says"+again], steps["asks"+again], steps["leaves"+again] = h.says, h.asks, h.letsLeave
		}
		t.Repeat(steps)
		h.reopen()
		h.wantClean()
		h.wantProof(t)
	})
}

func newHistory(t *rapid.T) *history {
	h, _ := inMemory(t)
	made := &history{house: h, staff: []person{newPerson(), newPerson(), newPerson()}}
	made.recollection = recollection{classes: map[string]uint64{}, known: map[string]bool{}, pending: map[uint32]time.Time{}, level: amparov1.RiskLevel_RISK_LEVEL_LOW}
	made.id = h.mustCreate(made.staff[0], intake{name: "Amaru Quispe", risk: amparov1.RiskLevel_RISK_LEVEL_LOW})
	made.service(made.id, func(_ *records.Work, f *records.File) error {
		f.Put(records.RecordIdentity, "", adult("Amaru Quispe"))
		return nil
	})
	return made
}

func adult(name string) *amparov1.Identity {
	return &amparov1.Identity{Subject: &amparov1.Identity_Person{Person: &amparov1.Person{LegalName: name, BirthDate: "1984"}}}
}

func some[T any](t *rapid.T, what string, all []T, least int) []T {
	picked := rapid.SliceOfNDistinct(rapid.IntRange(0, len(all)-1), least, len(all), rapid.ID[int]).Draw(t, what)
	list := make([]T, 0, len(picked))
	for _, i := range picked {
		list = append(list, all[i])
	}
	return list
}

func one[T any](t *rapid.T, what string, all []T) T { return rapid.SampledFrom(all).Draw(t, what) }

// oneIn is true once in n times.
func oneIn(t *rapid.T, what string, n int) bool { return rapid.IntRange(1, n).Draw(t, what) == n }

func (h *history) anyone(t *rapid.T) person { return one(t, "staff", h.staff) }

// act does something with the ledger, as often as others are quicker.
func (h *history) act(p person, fn func(*records.Work, *records.File, disclosure.Act) error) error {
	rules, err := rules()
	if err != nil {
		h.t.Fatal(err)
	}
	caller := access.Caller{Staff: p.staff, Device: p.device, OnShift: []string{office}}
	grant, err := access.Authorize(rules, caller, amparov1.DisclosureService_Disclose_FullMethodName, start)
	if err != nil {
		h.t.Fatal(err)
	}
	_, err = h.Update(ctx, grant, records.Request{}, records.Targets(h.id), func(w *records.Work) (proto.Message, error) {
		act, err := w.LedgerAct(w.File(0))
		if err != nil {
			return nil, err
		}
		return nil, fn(w, w.File(0), act)
	})
	return err
}

// must does something that no rule may stand in the way of.
func (h *history) must(p person, fn func(*records.Work, *records.File, disclosure.Act) (disclosure.Added, error)) uint32 {
	h.t.Helper()
	var number uint32
	err := h.act(p, func(w *records.Work, f *records.File, act disclosure.Act) error {
		added, err := fn(w, f, act)
		if err != nil {
			return err
		}
		number = added.Entries()[0].GetNumber()
		return w.Enter(f, added)
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return number
}

func (h *history) recipients(names []string) (all []*amparov1.Recipient) {
	for _, name := range names {
		all = append(all, &amparov1.Recipient{Name: name, Kind: amparov1.RecipientKind_RECIPIENT_KIND_LAWYER})
	}
	return all
}

func party(name string) *amparov1.Party {
	if name == "" {
		return nil
	}
	return &amparov1.Party{Name: name, BirthDate: "1986", Kind: amparov1.PartyKind_PARTY_KIND_COMPANION}
}

func (h *history) befallsHer(t *rapid.T) {
	h.happens(one(t, "what", []string{"detained", "released", "attacked", "released", "worse"}))
}

// happens lets something happen to the person, which an entry of the timeline tells.
func (h *history) happens(what string) {
	now := timestamppb.New(h.Now())
	entry := &amparov1.TimelineEntry{At: now, RecordedAt: now}
	switch what {
	case "attacked":
		entry.Kind = amparov1.TimelineKind_TIMELINE_KIND_INCIDENT
	case "detained":
		entry.Kind, entry.PersonStatus = amparov1.TimelineKind_TIMELINE_KIND_STATUS, amparov1.PersonStatus_PERSON_STATUS_DETAINED
	case "released":
		entry.Kind, entry.PersonStatus = amparov1.TimelineKind_TIMELINE_KIND_STATUS, amparov1.PersonStatus_PERSON_STATUS_AT_LIBERTY
	case "worse":
		entry.Kind, entry.FromLevel, entry.ToLevel = amparov1.TimelineKind_TIMELINE_KIND_RISK, h.level, amparov1.RiskLevel_RISK_LEVEL_HIGH
	}
	heard := false
	h.service(h.id, func(_ *records.Work, f *records.File) error {
		before, err := f.Ledger()
		heard = len(before) > 0
		if entry.GetPersonStatus() != 0 {
			f.Case().PersonStatus = entry.GetPersonStatus()
		}
		f.Case().RiskLevel = max(f.Case().GetRiskLevel(), entry.GetToLevel())
		f.Append(proto.CloneOf(entry))
		return err
	})
	switch {
	case what == "worse":
		h.level = amparov1.RiskLevel_RISK_LEVEL_HIGH
	case what == "attacked":
		h.attacked()
	case heard:
		h.befalls(entry.GetPersonStatus(), now.AsTime())
	}
}

func (h *history) passes(t *rapid.T) {
	h.pass(one(t, "time", []time.Duration{time.Minute, time.Minute, 2 * time.Hour, 25 * time.Hour, 80 * time.Hour, 15 * 24 * time.Hour}))
}

// leaps sets the clock: forward by more than a day, which somebody confirms or not, or
// back.
func (h *history) leaps(t *rapid.T) {
	if oneIn(t, "back", 2) {
		h.advance(-2 * time.Hour)
		return
	}
	h.advance(30 * time.Hour)
	if oneIn(t, "confirmed", 2) {
		grant := h.staff[0].grant(t, "DeadlineService/ConfirmClock")
		if _, err := h.ConfirmClock(ctx, grant, time.Unix(0, h.clock.Load())); err != nil && fault.As(err).Reason != amparov1.Reason_REASON_CLOCK_DIFFERS {
			t.Fatal(err)
		}
	}
}

// sweeps lets withdrawals stand that nobody has settled: in time, and never while the
// clock is in doubt.
func (h *history) sweeps(t *rapid.T) {
	frozen := h.Frozen()
	if _, err := h.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	settled := map[uint32]bool{}
	h.service(h.id, func(_ *records.Work, f *records.File) error {
		entries, err := f.Ledger()
		for _, entry := range entries {
			settled[entry.GetSettlement().GetDraft().GetWithdrawal()] = true
		}
		return err
	})
	for number, due := range h.pending {
		if overdue := h.Now().After(due.Add(time.Second)); overdue && !frozen != settled[number] {
			t.Fatalf("frozen %v: the withdrawal of entry %d, due %v, has lapsed: %v", frozen, number, due, settled[number])
		}
		if settled[number] {
			delete(h.pending, number)
		}
	}
}

// wantProof reads the log and nothing else.
func (h *history) wantProof(t *rapid.T) {
	t.Helper()
	read := proof.New()
	var newest time.Time
	for i, leaf := range h.leaves() {
		read.Leaf(uint64(i), leaf)
		newest = leaf.GetRecordedAt().AsTime()
	}
	report := read.Finish()
	if !report.Sound() {
		t.Fatalf("the log does not prove what left: %+v %+v", report.Classes, report.Findings)
	}
	got := map[string]uint64{}
	for class, n := range report.Classes {
		if n > 0 && class != "LISTED" {
			got[string(class)] = n
		}
	}
	if want := h.settle(newest); !maps.Equal(got, want) {
		t.Fatalf("the log proves %v, and %v has left", got, want)
	}
}
