package records_test

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/casefile"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/store/memory"
)

// book is the plain model of a store: what everybody knows who was there.
type book struct {
	*house
	desk  person
	cases []*page
	first map[string]string // request id to the id of the case that it opened
}

// page is one case as it should be.
type page struct {
	id    string
	state amparov1.CaseState
	seen
}

var names = []string{"Amaru Quispe", "Beatriz Yupanqui", "Chasca Mamani", "Dorotea Huanca"}

// TestAgainstAModel does random things to a store and to a plain model, and after
// each start demands that nothing is amiss.
func TestAgainstAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := begin(t, memory.New(memory.Limits{}))
		b := &book{house: h, desk: newPerson(), first: map[string]string{}}
		b.open(t) // every other step takes a case
		t.Repeat(map[string]func(*rapid.T){
			"open":    func(t *rapid.T) { b.open(t) },
			"note":    func(t *rapid.T) { b.write(t) },
			"put":     func(t *rapid.T) { b.put(t) },
			"assess":  func(t *rapid.T) { b.assess(t) },
			"close":   func(t *rapid.T) { b.close(t) },
			"read":    func(t *rapid.T) { b.readOne(t) },
			"page":    func(t *rapid.T) { b.timelinePage(t) },
			"queue":   func(t *rapid.T) { b.queue(t) },
			"search":  func(t *rapid.T) { b.search(t) },
			"restart": func(*rapid.T) { b.reopen(); b.wantClean() },
		})
		b.reopen()
		b.wantClean()
	})
}

func (b *book) any(t *rapid.T) *page {
	return b.cases[rapid.IntRange(0, len(b.cases)-1).Draw(t, "case")]
}

func (b *book) open(t *rapid.T) {
	request := rapid.SampledFrom([]string{"", "r1", "r2", "r3", "r4"}).Draw(t, "request")
	name := rapid.SampledFrom(names).Draw(t, "name")
	id, err := b.create(b.desk, asked(request, name), intake{name: name, notes: []string{"opened"}, risk: 1})
	if first, made := b.first[request+name]; made && request != "" {
		if err != nil || id != first {
			t.Fatalf("the repetition answers %q, %v; want %q", id, err, first)
		}
		return
	}
	for known := range b.first {
		if request != "" && strings.HasPrefix(known, request) {
			wantReason(t, "another content", err, amparov1.Reason_REASON_REQUEST_ID_REUSED)
			return
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	b.first[request+name] = id
	b.cases = append(b.cases, &page{id: id, state: amparov1.CaseState_CASE_STATE_RECEIVED, seen: seen{
		name: name, facts: name + " asks for help", version: 1, risk: 1, notes: []string{"opened"},
	}})
}

// alter changes a case and its page.
func (b *book) alter(t *rapid.T, p *page, fn func(*records.File)) {
	version, err := b.change(b.desk, records.Request{}, p.id, fn)
	if err != nil {
		t.Fatal(err)
	}
	p.version++
	if version != p.version {
		t.Fatalf("version %d, want %d", version, p.version)
	}
}

func (b *book) write(t *rapid.T) {
	p, n := b.any(t), rapid.IntRange(1, 3).Draw(t, "entries")
	b.alter(t, p, func(f *records.File) {
		for i := range n {
			f.Append(&amparov1.TimelineEntry{Text: fmt.Sprint(p.version, ".", i)})
		}
	})
	for i := range n {
		p.notes = append(p.notes, fmt.Sprint(p.version-1, ".", i))
	}
}

func (b *book) put(t *rapid.T) {
	p, name := b.any(t), rapid.SampledFrom(names).Draw(t, "name")
	b.alter(t, p, func(f *records.File) { f.Put(records.RecordIdentity, "", identity(name)) })
	p.name = name
}

func (b *book) assess(t *rapid.T) {
	p := b.any(t)
	level := amparov1.RiskLevel(rapid.IntRange(1, 4).Draw(t, "level"))
	b.alter(t, p, func(f *records.File) {
		made, err := f.Assessments()
		if err != nil {
			t.Fatal(err)
		}
		f.SetAssessments(append(made, &amparov1.RiskAssessment{Judgement: &amparov1.RiskJudgement{Level: level}}))
		f.Case().RiskLevel = level
	})
	p.levels, p.risk = append(p.levels, level), level
}

func (b *book) close(t *rapid.T) {
	p := b.any(t)
	b.alter(t, p, func(f *records.File) {
		f.Case().State = amparov1.CaseState_CASE_STATE_CLOSED
		f.Touch()
	})
	p.state = amparov1.CaseState_CASE_STATE_CLOSED
}

func (b *book) readOne(t *rapid.T) {
	p := b.any(t)
	s, err := b.read(b.desk, p.id)
	if err != nil {
		t.Fatal(err)
	}
	if s.name != p.name || s.facts != p.facts || s.version != p.version || s.risk != p.risk ||
		!slices.Equal(s.notes, p.notes) || !slices.Equal(s.levels, p.levels) {
		t.Fatalf("the case reads %+v, want %+v", s, p.seen)
	}
}

// timelinePage asks for the newest entries only.
func (b *book) timelinePage(t *rapid.T) {
	p, limit := b.any(t), rapid.IntRange(1, 5).Draw(t, "limit")
	_, err := b.View(ctx, b.desk.grant(t, "CaseService/ListTimeline"), records.Targets(p.id), func(w *records.Work) (proto.Message, error) {
		entries, next, err := w.File(0).Timeline(0, nil, limit)
		if err != nil {
			return nil, err
		}
		if want := min(limit, len(p.notes)); len(entries) != want || (len(next) > 0) != (len(p.notes) > limit) {
			t.Fatalf("%d entries, more %v; want %d of %d", len(entries), len(next) > 0, want, len(p.notes))
		}
		for i, e := range entries {
			if at := len(p.notes) - 1 - i; e.GetText() != p.notes[at] || e.GetSequence() != uint64(at+1) {
				t.Fatalf("entry %d is %q with number %d, want %q", i, e.GetText(), e.GetSequence(), p.notes[at])
			}
		}
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (b *book) queue(t *rapid.T) {
	var got []string
	limit, token := rapid.IntRange(1, 4).Draw(t, "limit"), ""
	for {
		rows, next, err := b.Queue(ctx, b.desk.grant(t, "QueueService/ListQueue"), records.QueueQuery{
			Offices: []string{office}, Limit: limit, PageToken: token,
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			got = append(got, fmt.Sprint(row.GetCaseId(), row.GetVersion(), row.GetRiskLevel()))
		}
		if token = next; token == "" {
			break
		}
	}
	var open []*page
	for _, p := range b.cases {
		if p.state != amparov1.CaseState_CASE_STATE_CLOSED {
			open = append(open, p)
		}
	}
	place := func(p *page) uint64 { return casefile.SortKey(&amparov1.Case{State: p.state, RiskLevel: p.risk}) }
	slices.SortFunc(open, func(x, y *page) int {
		return cmp.Or(cmp.Compare(place(x), place(y)), bytes.Compare(raw(x.id), raw(y.id)))
	})
	var want []string
	for _, p := range open {
		want = append(want, fmt.Sprint(p.id, p.version, p.risk))
	}
	if !slices.Equal(got, want) {
		t.Fatalf("the queue shows %v, want %v", got, want)
	}
}

// raw is an id as the index sorts it, which is not the order of its letters.
func raw(id string) []byte {
	decoded, _ := ids.DecodeString(id)
	return decoded
}

func (b *book) search(t *rapid.T) {
	name := rapid.SampledFrom(names).Draw(t, "name")
	rows, truncated, err := b.Search(ctx, b.desk.grant(t, "QueueService/SearchCases"), name, 1000)
	if err != nil || truncated {
		t.Fatalf("search: truncated %v, %v", truncated, err)
	}
	want := 0
	for _, p := range b.cases {
		if strings.HasPrefix(p.facts, name) { // tokens are those of the opening
			want++
		}
	}
	if len(rows) != want {
		t.Fatalf("search for %s finds %d, want %d", name, len(rows), want)
	}
}

// TestQueuePages: pages follow each other in order across a restart and beside
// changes, and a token is good for the person and the call that it was given for.
func TestQueuePages(t *testing.T) {
	h, _ := inMemory(t)
	p, colleague := newPerson(), newPerson()
	var ids []string
	for i := range 25 {
		ids = append(ids, h.mustCreate(p, intake{name: fmt.Sprint("person ", i), risk: amparov1.RiskLevel(i%4 + 1)}))
	}
	list := p.grant(t, "QueueService/ListQueue")
	query := records.QueueQuery{Offices: []string{office}, Limit: 4}
	got := map[string]int{}
	last := uint64(0)
	for pages := 1; ; pages++ {
		rows, next, err := h.Queue(ctx, list, query)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			got[row.GetCaseId()]++
			place := casefile.SortKey(&amparov1.Case{State: row.GetState(), RiskLevel: row.GetRiskLevel()})
			if place < last {
				t.Errorf("page %d: a row stands behind a less pressing one", pages)
			}
			last = place
		}
		if query.PageToken = next; next == "" {
			if pages != 7 {
				t.Errorf("%d pages of four for 25 cases", pages)
			}
			break
		}
		h.reopen() // the token must survive it
		if _, err := h.note(p, records.Request{}, ids[pages], "beside the paging"); err != nil {
			t.Fatal(err)
		}
		foreign := map[string]error{}
		_, _, foreign["a colleague"] = h.Queue(ctx, colleague.grant(t, "QueueService/ListQueue"), query)
		_, _, foreign["another call"] = h.Queue(ctx, p.grant(t, "QueueService/SearchCases"), query)
		changed := query
		changed.PageToken = "b" + next[1:]
		if next[0] == 'b' {
			changed.PageToken = "c" + next[1:]
		}
		_, _, foreign["a changed token"] = h.Queue(ctx, list, changed)
		changed.PageToken = "?"
		_, _, foreign["no token at all"] = h.Queue(ctx, list, changed)
		for who, err := range foreign {
			wantReason(t, who, err, amparov1.Reason_REASON_CURSOR_INVALID)
		}
	}
	for _, id := range ids {
		if got[id] != 1 {
			t.Errorf("a case stands %d times in the pages", got[id])
		}
	}
	if place, err := h.OpenCursor(list, ""); err != nil || place != nil {
		t.Errorf("no token is %v, %v; want the start", place, err)
	}
}
