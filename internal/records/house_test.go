package records_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"filippo.io/age"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/seal"
	"github.com/amparo-project/amparo/internal/spelling"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/memory"
)

var ctx = context.Background()

// keys are the keyring and the log's key that all stores of the tests share: each
// has an engine of its own, so nothing is confused by it, and making them is slow.
type keys struct {
	ring   *seal.Keyring
	logKey string
}

var sharedKeys = sync.OnceValues(func() (keys, error) {
	dir, err := os.MkdirTemp("", "records-keys-")
	if err != nil {
		return keys{}, err
	}
	defer os.RemoveAll(dir)
	own, err := age.GenerateHybridIdentity()
	if err != nil {
		return keys{}, err
	}
	return makeKeys(filepath.Join(dir, "keyring"), own)
})

func makeKeys(path string, own *age.HybridIdentity) (keys, error) {
	offline, err := age.GenerateHybridIdentity()
	if err != nil {
		return keys{}, err
	}
	if err := seal.CreateKeyring(path, []age.Recipient{own.Recipient()}, []age.Recipient{offline.Recipient()}); err != nil {
		return keys{}, err
	}
	ring, err := seal.OpenKeyring(path, []age.Identity{own})
	if err != nil {
		return keys{}, err
	}
	secret, _, err := audit.GenerateKey()
	return keys{ring, secret}, err
}

// house is an unsealed store as amparod has one.
type house struct {
	t      rapid.TB
	engine store.Engine
	keys   keys
	log    *audit.Log
	*records.Records

	clock  atomic.Int64 // Unix nanoseconds; it stands still unless a test moves it
	uptime atomic.Int64 // nanoseconds; likewise
	free   atomic.Uint64
	shut   atomic.Int64 // how often Integrity was told
	zone   *time.Location
}

var start = time.Date(2026, 3, 9, 22, 40, 0, 0, time.UTC)

// begin makes a new store on an engine and unseals it.
func begin(t rapid.TB, engine store.Engine) *house {
	t.Helper()
	k, err := sharedKeys()
	if err != nil {
		t.Fatal(err)
	}
	return beginWith(t, engine, k)
}

func beginWith(t rapid.TB, engine store.Engine, k keys) *house {
	t.Helper()
	h := &house{t: t, engine: engine, keys: k}
	h.clock.Store(start.UnixNano())
	h.free.Store(1 << 40)
	if err := audit.Create(ctx, h.auditConfig()); err != nil {
		t.Fatal(err)
	}
	h.reopen()
	if err := records.Begin(ctx, h.Records); err != nil {
		t.Fatal(err)
	}
	return h
}

func inMemory(t rapid.TB) (*house, *memory.Engine) {
	t.Helper()
	engine := memory.New(memory.Limits{})
	return begin(t, engine), engine
}

func (h *house) auditConfig() audit.Config {
	return audit.Config{Engine: h.engine, Sealer: h.keys.ring, Key: h.keys.logKey}
}

// unseal opens the store as a start of the service does.
func (h *house) unseal() error {
	log, err := audit.Open(ctx, h.auditConfig())
	if err != nil {
		return err
	}
	if err := log.CatchUp(ctx); err != nil {
		return err
	}
	r, err := records.Open(ctx, records.Config{
		Engine: h.engine, Keyring: h.keys.ring, Log: log, Zone: h.zone,
		Now:       func() time.Time { return time.Unix(0, h.clock.Load()) },
		Uptime:    func() time.Duration { return time.Duration(h.uptime.Load()) },
		FreeSpace: func() (uint64, error) { return h.free.Load(), nil },
		Integrity: func(string) { h.shut.Add(1) },
	})
	if err != nil {
		return err
	}
	h.log, h.Records = log, r
	return nil
}

func (h *house) reopen() {
	h.t.Helper()
	if err := h.unseal(); err != nil {
		h.t.Fatalf("unseal: %v", err)
	}
}

func (h *house) advance(by time.Duration) { h.clock.Add(int64(by)) }

// check returns the faults that Check finds, after the log has caught up.
func (h *house) check() []string {
	h.t.Helper()
	if err := h.log.CatchUp(ctx); err != nil {
		return []string{"catch up: " + err.Error()}
	}
	report, err := h.Check(ctx, "")
	if err != nil {
		return []string{"check: " + err.Error()}
	}
	return report.Faults
}

func (h *house) wantClean() {
	h.t.Helper()
	if faults := h.check(); len(faults) != 0 {
		h.t.Fatalf("check finds %d faults: %s", len(faults), strings.Join(faults, "; "))
	}
}

// leaves reads the whole log, the oldest leaf first.
func (h *house) leaves() []*amparov1.AuditLeaf {
	h.t.Helper()
	if err := h.log.CatchUp(ctx); err != nil {
		h.t.Fatal(err)
	}
	var all []*amparov1.AuditLeaf
	err := h.EachLeaf(ctx, h.LogSize(), func(raw []byte) error {
		leaf := &amparov1.AuditLeaf{}
		all = append(all, leaf)
		return proto.Unmarshal(raw, leaf)
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}

// person is somebody of the staff who may do everything at their offices.
type person struct {
	staff  *amparov1.StaffMember
	device *amparov1.Device
}

const office = "lima"

func newPerson(offices ...string) person {
	if len(offices) == 0 {
		offices = []string{office}
	}
	return person{
		staff: &amparov1.StaffMember{
			Id: records.NewID(), Offices: offices, Standing: amparov1.StaffStanding_STAFF_STANDING_ACTIVE,
			Roles: []amparov1.Role{amparov1.Role_ROLE_REVIEWER, amparov1.Role_ROLE_ADMINISTRATOR, amparov1.Role_ROLE_HEAD_OF_SECRETARIAT},
		},
		device: &amparov1.Device{Id: records.NewID(), Standing: amparov1.DeviceStanding_DEVICE_STANDING_ACTIVE},
	}
}

var rules = sync.OnceValues(access.LoadV1)

// grant is the person's for a method such as "CaseService/AddNote".
func (p person) grant(t rapid.TB, method string) access.Grant {
	t.Helper()
	all, err := rules()
	if err != nil {
		t.Fatal(err)
	}
	grant, err := access.Authorize(all, access.Caller{Staff: p.staff, Device: p.device}, "/amparo.v1."+method, start)
	if err != nil {
		t.Fatalf("authorize %s: %v", method, err)
	}
	return grant
}

// asked is a request with an id and a content.
func asked(id, content string) records.Request {
	return records.Request{ID: id, Hash: sha256.Sum256([]byte(content))}
}

// intake is what a test puts into a case.
type intake struct {
	name  string
	notes []string
	risk  amparov1.RiskLevel
	due   time.Time
}

// create opens a case and returns its id; the id of the request may be empty.
func (h *house) create(p person, request records.Request, in intake) (string, error) {
	h.t.Helper()
	grant := p.grant(h.t, "CaseService/CreateIntake")
	answer, err := h.Update(ctx, grant, request, nil, func(w *records.Work) (proto.Message, error) {
		permit, err := grant.PermitIntake(p.staff.GetOffices()[0])
		if err != nil {
			return nil, err
		}
		c := &amparov1.Case{
			Id: records.NewID(), Pseudonym: records.NewID(), Office: p.staff.GetOffices()[0],
			State: amparov1.CaseState_CASE_STATE_RECEIVED, RiskLevel: in.risk,
			ReceivedAt: timestamppb.New(w.Now), TakenById: p.staff.GetId(),
		}
		if !in.due.IsZero() {
			c.Terms = []*amparov1.Term{{Kind: 1, Due: timestamppb.New(in.due)}}
		}
		file, err := w.CreateCase(permit, c, &amparov1.Intake{Office: c.GetOffice(), Situation: in.name + " asks for help"}, identity(in.name))
		if err != nil {
			return nil, err
		}
		file.SetTokens(h.Tokens(spelling.NameKeys(in.name)), 0)
		for _, note := range in.notes {
			file.Append(&amparov1.TimelineEntry{Text: note})
		}
		return &amparov1.CaseReceipt{CaseId: c.GetId(), Version: file.Version()}, nil
	})
	if err != nil {
		return "", err
	}
	receipt, ok := answer.(*amparov1.CaseReceipt)
	if !ok {
		return "", errors.New("the answer is no receipt")
	}
	return receipt.GetCaseId(), nil
}

func identity(name string) *amparov1.Identity {
	return &amparov1.Identity{Subject: &amparov1.Identity_Person{Person: &amparov1.Person{LegalName: name}}}
}

func (h *house) mustCreate(p person, in intake) string {
	h.t.Helper()
	id, err := h.create(p, records.Request{}, in)
	if err != nil {
		h.t.Fatalf("create a case: %v", err)
	}
	return id
}

// change runs fn on a case and returns its version.
func (h *house) change(p person, request records.Request, id string, fn func(*records.File)) (uint64, error) {
	h.t.Helper()
	answer, err := h.Update(ctx, p.grant(h.t, "CaseService/AddNote"), request, records.Targets(id),
		func(w *records.Work) (proto.Message, error) {
			fn(w.File(0))
			return &amparov1.CaseReceipt{CaseId: id, Version: w.File(0).Version()}, nil
		})
	if err != nil {
		return 0, err
	}
	receipt, ok := answer.(*amparov1.CaseReceipt)
	if !ok {
		return 0, errors.New("the answer is no receipt")
	}
	return receipt.GetVersion(), nil
}

func (h *house) note(p person, request records.Request, id, text string) (uint64, error) {
	h.t.Helper()
	return h.change(p, request, id, func(f *records.File) { f.Append(&amparov1.TimelineEntry{Text: text}) })
}

// seen is everything that can be read of a case.
type seen struct {
	name    string
	facts   string
	version uint64
	risk    amparov1.RiskLevel
	notes   []string // oldest first
	levels  []amparov1.RiskLevel
	ledger  []string // what its entries say, oldest first
}

// read reads the whole of a case, the timeline in pages of seven.
func (h *house) read(p person, id string) (seen, error) {
	h.t.Helper()
	var s seen
	_, err := h.View(ctx, p.grant(h.t, "CaseService/GetCase"), records.Targets(id), func(w *records.Work) (proto.Message, error) {
		var err error
		s, err = readFile(w.File(0))
		return nil, err
	})
	return s, err
}

func readFile(f *records.File) (seen, error) {
	s := seen{version: f.Version() - 1, risk: f.Case().GetRiskLevel()}
	facts, identity := &amparov1.Intake{}, &amparov1.Identity{}
	if _, err := f.Get(records.RecordIntake, "", facts); err != nil {
		return seen{}, err
	}
	if _, err := f.Get(records.RecordIdentity, "", identity); err != nil {
		return seen{}, err
	}
	s.facts, s.name = facts.GetSituation(), identity.GetPerson().GetLegalName()
	assessments, err := f.Assessments()
	if err != nil {
		return seen{}, err
	}
	for _, a := range assessments {
		s.levels = append(s.levels, a.GetJudgement().GetLevel())
	}
	held, err := f.Ledger()
	if err != nil {
		return seen{}, err
	}
	for _, entry := range held {
		s.ledger = append(s.ledger, entry.GetConsent().GetTerms().GetText()+entry.GetWithdrawal().GetDraft().GetText())
	}
	var before uint64
	var expected []byte
	for {
		entries, next, err := f.Timeline(before, expected, 7)
		if err != nil {
			return seen{}, err
		}
		for _, e := range entries {
			s.notes = append([]string{e.GetText()}, s.notes...)
			before = e.GetSequence()
		}
		if len(next) == 0 || len(entries) == 0 {
			return s, nil
		}
		expected = next
	}
}

func wantReason(t rapid.TB, what string, err error, want amparov1.Reason) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error, want %v", what, want)
		return
	}
	if got := fault.As(err).Reason; got != want {
		t.Errorf("%s: refused with %v (%v), want %v", what, got, err, want)
	}
}
