package records_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/lookup"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/store"
)

// archive is a store with something of every kind in it, and what a reader who was
// there when it was written knows.
type archive struct {
	*house
	reader     person
	cases      map[string]string // name to id
	invitation string
	requests   map[string]string // request id to what it answered
	truth      map[string]any    // what probe found when all was whole
	old        []cell            // what lay in a cell before it was written anew
}

// cell is a key of the engine with a value and the file that it belongs to.
type cell struct {
	name  string // such as "case a: head"
	of    string // the file, as probe names it
	key   []byte
	value []byte
}

const caseKind, directoryKind, invitationKind = 1, 2, 3

// newArchive writes two cases with their ledgers, a staff directory of two and an invitation, each
// in several versions.
func newArchive(t *testing.T, engine store.Engine) *archive {
	t.Helper()
	a := &archive{house: begin(t, engine), reader: newPerson(), cases: map[string]string{}, requests: map[string]string{}}
	a.writeCases()
	a.writeLedgers()
	a.writeStaff()
	a.writeInvitation()
	a.writePolicy()
	a.writeDuty()
	a.truth = map[string]any{}
	for _, f := range a.probe() {
		if f.err != nil {
			t.Fatalf("%s: %v", f.file, f.err)
		}
		a.truth[f.file] = f.answer
	}
	a.wantClean()
	return a
}

func (a *archive) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

func (a *archive) writeCases() {
	for _, name := range []string{"a", "b"} {
		id, err := a.create(a.reader, asked("open "+name, "x"), intake{name: "Amaru " + name, notes: []string{"first"}})
		a.must(err)
		a.cases[name], a.requests["open "+name] = id, id
		for i := range 3 {
			a.keepOld()
			_, err := a.change(a.reader, records.Request{}, id, func(f *records.File) {
				f.Append(&amparov1.TimelineEntry{Text: fmt.Sprint("note ", i, " in ", name)})
				f.Put(records.RecordIdentity, "", identity(fmt.Sprint("Amaru ", name, i)))
				level := amparov1.RiskLevel(i%3 + 1)
				f.Case().RiskLevel = level
				f.SetAssessments([]*amparov1.RiskAssessment{{Sequence: 1, Judgement: &amparov1.RiskJudgement{Level: level}}})
			})
			a.must(err)
		}
	}
}

func (a *archive) writeStaff() {
	a.keepOld()
	for _, standing := range []amparov1.StaffStanding{amparov1.StaffStanding_STAFF_STANDING_ACTIVE, amparov1.StaffStanding_STAFF_STANDING_SUSPENDED} {
		_, err := a.Update(ctx, a.reader.grant(a.t, "StaffService/SuspendStaff"), records.Request{}, records.Targets(a.Directory().FileID),
			func(w *records.Work) (proto.Message, error) {
				for _, id := range colleagues {
					w.File(0).Put(records.RecordStaff, id, &amparov1.StaffMember{Id: id, Name: "colleague " + id, Standing: standing})
				}
				return nil, nil
			})
		a.must(err)
		a.keepOld()
	}
}

func (a *archive) writeInvitation() {
	a.invitation = records.NewID()
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_STAFF_INVITE)
	permit, err := grant.PermitDirectory()
	a.must(err)
	_, err = a.Update(ctx, grant, records.Request{}, nil, func(w *records.Work) (proto.Message, error) {
		return nil, w.CreateInvitation(permit, a.invitation, &records.Invitation{ProofKey: bytes.Repeat([]byte{7}, 32)})
	})
	a.must(err)
	a.keepOld()
	_, err = a.Update(ctx, grant, records.Request{}, records.Targets(a.invitation), func(w *records.Work) (proto.Message, error) {
		w.File(0).Invitation().Used = true
		w.File(0).Touch()
		return nil, nil
	})
	a.must(err)
}

// writePolicy makes a second version of the policy, and proposes a third.
func (a *archive) writePolicy() {
	a.keepOld()
	a.must(a.decide(true, func(p *amparov1.Policy) { p.OnCall.PassOnAfter.Length = "2s" }))
	a.keepOld()
	a.must(a.decide(false, func(p *amparov1.Policy) { p.OnCall.PassOnAfter.Length = "3s" }))
}

// writeDuty announces a rota with an address, and takes an alarm.
func (a *archive) writeDuty() {
	p := newPerson()
	p.staff.Id, p.staff.Roles = operatorID, []amparov1.Role{amparov1.Role_ROLE_HOTLINE_OPERATOR}
	a.employ(p.staff)
	a.keepOld()
	a.onDuty(func(w *records.Work) error {
		_, _, err := w.Announce(&amparov1.Rota{Office: office, Slots: []*amparov1.RotaSlot{{
			From: timestamppb.New(w.Now), Until: timestamppb.New(w.Now.Add(time.Hour)), StaffIds: []string{p.staff.GetId()},
		}}}, []*amparov1.StaffAddress{{StaffId: p.staff.GetId(), Mail: "desk@example.org"}})
		return err
	})
	for range 2 {
		a.keepOld()
		a.take(p, a.raise())
	}
	a.raise()
}

// finding is what a reader got from one file.
type finding struct {
	file   string
	answer any
	err    error
}

// probe reads everything that there is.
func (a *archive) probe() []finding {
	a.t.Helper()
	var all []finding
	for _, name := range []string{"a", "b"} {
		s, err := a.read(a.reader, a.cases[name])
		all = append(all, finding{"case " + name, s, err})
	}
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_STAFF_LIST)
	names := map[string]amparov1.StaffStanding{}
	_, err := a.View(ctx, grant, records.Targets(a.Directory().FileID), func(w *records.Work) (proto.Message, error) {
		for _, id := range w.File(0).Children(records.RecordStaff) {
			member := &amparov1.StaffMember{}
			if _, err := w.File(0).Get(records.RecordStaff, id, member); err != nil {
				return nil, err
			}
			names[member.GetName()] = member.GetStanding()
		}
		return nil, nil
	})
	all = append(all, finding{"directory", names, err})
	for name, id := range records.Singles(a.Directory()) {
		answer := ""
		_, err := a.View(ctx, grant, records.Targets(id), func(w *records.Work) (proto.Message, error) {
			answer = fmt.Sprint(w.File(0).Pseudonym(), " at version ", w.File(0).Version())
			for version := range len(w.File(0).PolicyVersions()) + 1 {
				_, raw, err := w.File(0).PolicyText(uint32(version))
				if name != "policy" {
					break
				}
				if err != nil {
					return nil, err
				}
				answer += fmt.Sprintf(" %x", sha256.Sum256(raw))
			}
			held, err := records.DutyRecords(w.File(0))
			answer += fmt.Sprintf(" %x", sha256.Sum256(held))
			return nil, err
		})
		all = append(all, finding{name, answer, err})
	}
	var used bool
	_, err = a.View(ctx, grant, records.Targets(a.invitation), func(w *records.Work) (proto.Message, error) {
		used = w.File(0).Invitation().GetUsed()
		return nil, nil
	})
	all = append(all, finding{"invitation", used, err})
	for _, request := range []string{"open a", "open b"} {
		answer, err := a.create(a.reader, asked(request, "x"), intake{name: "done twice"})
		all = append(all, finding{"request " + request, answer, err})
	}
	return all
}

// judge holds what probe finds against the truth: every answer is exact or it is a
// refusal, and only the files named may refuse.
func (a *archive) judge(what string, damaged ...string) (refused []string) {
	a.t.Helper()
	a.judgeQueue(what)
	for _, f := range a.probe() {
		switch {
		case f.err == nil && !reflect.DeepEqual(f.answer, a.truth[f.file]):
			a.t.Errorf("%s: %s answers %v, want %v", what, f.file, f.answer, a.truth[f.file])
		case f.err != nil && !slices.Contains(damaged, f.file):
			a.t.Errorf("%s: %s is refused with %v, and was not touched", what, f.file, f.err)
		case f.err != nil:
			refused = append(refused, f.file)
			if kind := fault.As(f.err).Kind(); kind != fault.Corrupt && kind != fault.NotFound {
				a.t.Errorf("%s: %s is refused with %v", what, f.file, f.err)
			}
		}
	}
	return refused
}

// judgeQueue: a row of the queue is what the case is, or there is none.
func (a *archive) judgeQueue(what string) {
	a.t.Helper()
	rows, _, err := a.Queue(ctx, a.reader.grant(a.t, "QueueService/ListQueue"), records.QueueQuery{Offices: []string{office}, Limit: 9})
	a.must(err)
	for _, row := range rows {
		for name, id := range a.cases {
			if s, read := a.truth["case "+name].(seen); read && id == row.GetCaseId() && (row.GetVersion() != s.version || row.GetRiskLevel() != s.risk) {
				a.t.Errorf("%s: the queue shows version %d of case %s, want %d", what, row.GetVersion(), name, s.version)
			}
		}
	}
}

// keepOld remembers what lies in every cell that is about to be written anew.
func (a *archive) keepOld() {
	a.t.Helper()
	for _, c := range a.cells() {
		c.name = "older " + c.name
		a.old = append(a.old, c)
	}
}

// cells are the stored records with their names.
func (a *archive) cells() []cell {
	a.t.Helper()
	files, named := map[string]string{}, map[string]string{}
	for kind := range uint8(20) {
		a.Index().All(kind, func(head lookup.Head) bool {
			files[string(head.Locator[:])] = a.fileName(head)
			for name, key := range a.recordKeys(head.Locator) {
				named[string(key)] = name
			}
			return true
		})
	}
	var all []cell
	for _, prefix := range []string{"f", "g", "r"} {
		entries, err := a.engine.Scan(ctx, []byte(prefix), nil, 1000)
		a.must(err)
		for i, e := range entries {
			c := cell{key: e.Key, value: e.Value}
			if prefix == "r" {
				c.name = fmt.Sprint("request ", i)
				c.of = c.name
			} else {
				c.of = files[string(e.Key[1:17])]
				c.name = c.of + ": " + named[string(e.Key)]
			}
			all = append(all, c)
		}
	}
	return all
}

// recordKeys are the keys that the records of a file can have.
func (a *archive) recordKeys(locator lookup.ID) map[string][]byte {
	keys := map[string][]byte{
		"wrapped key": append(append([]byte("f"), locator[:]...), 0),
		"head":        append(append([]byte("f"), locator[:]...), 1),
		"intake":      records.RecordKey(a.Records, locator, records.RecordIntake, "", 0),
		"identity":    records.RecordKey(a.Records, locator, records.RecordIdentity, "", 0),
		"risk":        records.RecordKey(a.Records, locator, records.RecordRisk, "", 0),
		"version 1":   records.RecordKey(a.Records, locator, records.RecordPolicy, "1", 0),
		"version 2":   records.RecordKey(a.Records, locator, records.RecordPolicy, "2", 0),
		"operator":    records.RecordKey(a.Records, locator, records.RecordStaff, operatorID, 0),
		"rotas":       records.RecordKey(a.Records, locator, records.RecordDuty, "rotas "+office, 0),
		"addresses":   records.RecordKey(a.Records, locator, records.RecordDuty, "addresses", 0),
		"past alarms": records.RecordKey(a.Records, locator, records.RecordDuty, "past 2026-03 0", 0),
		"proposal":    records.RecordKey(a.Records, locator, records.RecordPolicy, "proposal", 0),
	}
	for _, id := range colleagues {
		keys["colleague "+id[:1]] = records.RecordKey(a.Records, locator, records.RecordStaff, id, 0)
	}
	for _, page := range []string{"1", "2"} {
		keys["page "+page+" of the ledger"] = records.RecordKey(a.Records, locator, records.RecordLedger, page, 0)
	}
	for sequence := range uint64(6) {
		keys[fmt.Sprint("entry ", sequence+1)] = records.RecordKey(a.Records, locator, records.RecordTimeline, "", sequence+1)
	}
	return keys
}

// colleagues are the people of the staff directory.
var colleagues = []string{"aaaaaaaaaaaaaaaaaaaaaaaaaa", "baaaaaaaaaaaaaaaaaaaaaaaaa"}

// operatorID is whoever is on call.
const operatorID = "caaaaaaaaaaaaaaaaaaaaaaaaa"

var ids = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func (a *archive) fileName(head lookup.Head) string {
	switch head.Kind {
	case directoryKind:
		return "directory"
	case invitationKind:
		return "invitation"
	}
	for name, id := range records.Singles(a.Directory()) {
		if id == ids.EncodeToString(head.ID[:]) {
			return name
		}
	}
	for name, id := range a.cases {
		if id == ids.EncodeToString(head.ID[:]) {
			return "case " + name
		}
	}
	return "case"
}

// lay puts a value where it does not belong; nil takes the key away.
func (a *archive) lay(key, value []byte) {
	a.t.Helper()
	_, err := a.engine.Commit(ctx, nil, []store.Write{{Key: key, Value: value, Delete: value == nil}})
	if errors.Is(err, store.ErrLimit) {
		a.t.Fatalf("lay a cell: %v", err)
	}
	a.must(err)
}

// touched are the files that probe may find refused when the cells are
// damaged. A request is answered under the key of the case that it opened.
func touched(cells ...cell) []string {
	var files []string
	for _, c := range cells {
		switch c.of {
		case "case a":
			files = append(files, "request open a")
		case "case b":
			files = append(files, "request open b")
		case "request 0", "request 1":
			files = append(files, "request open a", "request open b")
		}
		files = append(files, c.of)
	}
	return files
}
