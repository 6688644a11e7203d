package year_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/casefile"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/seal"
	"github.com/amparo-project/amparo/internal/store/bolt"
)

// service is a store that is unsealed, and the clock that it goes by.
type service struct {
	*records.Records
	engine *bolt.Engine
	log    *audit.Log
	clock  time.Time
	uptime time.Duration
	r      *rand.Rand
	cases  []string
	form   form
}

// makeFolder makes the keys and an empty store.
func makeFolder(t *testing.T, folder string) {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	in := func(name string) string { return filepath.Join(folder, name) }
	_, err := seal.GenerateIdentity(in("identity"))
	must(err)
	offline, err := seal.GenerateIdentity(in("recovery"))
	must(err)
	identities, err := seal.LoadIdentities(in("identity"), seal.Terminal{})
	must(err)
	own, err := seal.Recipients(identities)
	must(err)
	recovery, err := seal.ParseRecipients(offline)
	must(err)
	must(seal.CreateKeyring(in("keyring"), own, recovery))
	secret, _, err := audit.GenerateKey()
	must(err)
	must(seal.SealFile(in("log"), []byte(secret), own))
	engine, err := bolt.Create(bolt.Options{Path: in("store")})
	must(err)
	keyring, err := seal.OpenKeyring(in("keyring"), identities)
	must(err)
	must(audit.Create(t.Context(), audit.Config{Engine: engine, Sealer: keyring, Key: secret}))
	must(engine.Close())
	s, err := unseal(t.Context(), folder)
	must(err)
	must(records.Begin(t.Context(), s.Records))
	must(s.employ(t.Context()))
	must(s.engine.Close())
}

// employ puts the one person into the staff directory who owns all cases.
func (s *service) employ(ctx context.Context) error {
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_STAFF_CONFIRM)
	_, err := s.Update(ctx, grant, records.Request{}, records.Targets(s.Directory().FileID), func(w *records.Work) (proto.Message, error) {
		id := records.NewID()
		w.File(0).Put(records.RecordStaff, id, &amparov1.StaffMember{
			Id: id, Standing: amparov1.StaffStanding_STAFF_STANDING_ACTIVE,
			Roles: []amparov1.Role{amparov1.Role_ROLE_HEAD_OF_SECRETARIAT},
		})
		return nil, nil
	})
	return err
}

// unseal opens the folder as amparod does. The clock goes on from the newest leaf: a
// machine's clock goes on while the service is dead.
func unseal(ctx context.Context, folder string) (*service, error) {
	s := &service{clock: begun}
	identities, err := seal.LoadIdentities(filepath.Join(folder, "identity"), seal.Terminal{})
	if err != nil {
		return nil, err
	}
	keyring, err := seal.OpenKeyring(filepath.Join(folder, "keyring"), identities)
	if err != nil {
		return nil, err
	}
	key, err := seal.OpenFile(filepath.Join(folder, "log"), identities)
	if err != nil {
		return nil, err
	}
	if s.engine, err = bolt.Open(bolt.Options{Path: filepath.Join(folder, "store")}); err != nil {
		return nil, err
	}
	if s.log, err = audit.Open(ctx, audit.Config{Engine: s.engine, Sealer: keyring, Key: string(key)}); err != nil {
		return nil, err
	}
	if err := s.log.CatchUp(ctx); err != nil {
		return nil, err
	}
	if mark := s.log.HighWater(); mark.After(s.clock) {
		s.clock = mark
	}
	s.Records, err = records.Open(ctx, records.Config{
		Engine: s.engine, Keyring: keyring, Log: s.log,
		Now: func() time.Time { return s.clock }, Uptime: func() time.Duration { return s.uptime },
	})
	return s, err
}

// live is the service's process: it goes on where the one before it was killed.
func live(folder string) int {
	if err := liveOn(context.Background(), folder); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func liveOn(ctx context.Context, folder string) error {
	s, err := unseal(ctx, folder)
	if err != nil {
		return err
	}
	seed, err := strconv.ParseUint(os.Getenv(seedVariable), 10, 64)
	if err != nil {
		return err
	}
	s.r, s.form = rand.New(rand.NewPCG(seed, 7)), chosen()
	// Nobody noticed for a while that it was dead, and every third time for days.
	s.clock = s.clock.Add(time.Duration(s.r.Int64N(int64(3 * time.Hour))))
	if s.r.IntN(3) == 0 {
		s.clock = s.clock.Add(time.Duration(s.r.Int64N(int64(4 * 24 * time.Hour))))
	}
	from, err := s.Started(ctx, false)
	if err != nil {
		return err
	}
	s.cases = s.all()
	if err := s.say(); err != nil {
		return err
	}
	work, stop := context.WithCancel(ctx)
	ended := make(chan error, 2)
	go func() { ended <- s.log.Run(work) }()
	go func() { ended <- s.Follow(work, from) }()
	err = s.days(ctx)
	stop()
	for range cap(ended) {
		if end := <-ended; err == nil && !errors.Is(end, context.Canceled) {
			err = end
		}
	}
	return errors.Join(err, s.log.CatchUp(ctx), s.engine.Close())
}

// days steps the clock to the end of the year. At each step the sweeper comes first,
// as it would have come by then, and then people.
func (s *service) days(ctx context.Context) error {
	end := begun.Add(time.Duration(s.form.days) * 24 * time.Hour)
	for {
		frozen, err := s.KeepTime(ctx)
		if err != nil {
			return err
		}
		if _, err := s.Sweep(ctx); err != nil {
			return err
		}
		if err := s.say(); err != nil {
			return err
		}
		if !s.clock.Before(end) {
			return nil
		}
		if frozen && s.r.IntN(4) == 0 {
			if err := s.confirm(ctx); err != nil {
				return err
			}
		}
		if err := s.people(ctx); err != nil {
			return err
		}
		step := time.Duration(s.r.Int64N(int64(2 * s.form.pace)))
		s.clock, s.uptime = s.clock.Add(step), s.uptime+step
	}
}

// say tells whoever kills how far the clock has come.
func (s *service) say() error {
	_, err := fmt.Println(s.clock.UnixNano())
	return err
}

// confirm is what the head of secretariat does about a clock.
func (s *service) confirm(ctx context.Context) error {
	rules, err := access.LoadV1()
	if err != nil {
		return err
	}
	head := access.Caller{
		Staff:  s.Directory().Staff()[0],
		Device: &amparov1.Device{Id: records.NewID(), Standing: amparov1.DeviceStanding_DEVICE_STANDING_ACTIVE},
	}
	grant, err := access.Authorize(rules, head, amparov1.DeadlineService_ConfirmClock_FullMethodName, s.clock)
	if err != nil {
		return err
	}
	_, err = s.ConfirmClock(ctx, grant, s.clock)
	return err
}

// people open a case, or do something in a few of those that there are: at most one
// thing in each between two sweeps.
func (s *service) people(ctx context.Context) error {
	if len(s.cases) < s.form.cases && s.r.IntN(4) == 0 {
		id := records.NewID()
		s.cases = append(s.cases, id)
		return s.open(ctx, id)
	}
	for _, i := range s.r.Perm(len(s.cases))[:min(2, len(s.cases))] {
		if err := s.act(ctx, s.cases[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *service) open(ctx context.Context, id string) error {
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_INTAKE)
	// Every other request is typed in late.
	received := s.clock.Add(-time.Duration(s.r.IntN(2) * s.r.IntN(int(30*time.Hour))))
	_, err := s.Update(ctx, grant, records.Request{}, nil, func(w *records.Work) (proto.Message, error) {
		permit, err := grant.PermitDirectory()
		if err != nil {
			return nil, err
		}
		c := &amparov1.Case{
			Id: id, Pseudonym: records.NewID(), State: amparov1.CaseState_CASE_STATE_ACTIVE,
			RiskLevel: amparov1.RiskLevel_RISK_LEVEL_LOW, OwnerId: s.Directory().Staff()[0].GetId(),
		}
		f, err := w.CreateCase(permit, c, &amparov1.Intake{}, &amparov1.Identity{})
		if err != nil {
			return nil, err
		}
		return nil, happen(w, f, &amparov1.TimelineEntry{Kind: amparov1.TimelineKind_TIMELINE_KIND_INTAKE},
			begins(amparov1.TermKind_TERM_KIND_TRIAGE, received), begins(amparov1.TermKind_TERM_KIND_FIRST_CONTACT, received),
			begins(amparov1.TermKind_TERM_KIND_REASSESSMENT, received), begins(amparov1.TermKind_TERM_KIND_CHECK_IN, received))
	})
	return err
}

func begins(kind amparov1.TermKind, base time.Time) *amparov1.TermEvent {
	return &amparov1.TermEvent{Event: amparov1.TermEventKind_TERM_EVENT_KIND_STARTED, Kind: kind, Base: timestamppb.New(base)}
}

// happen adds an entry with what it does to the terms of the case.
func happen(w *records.Work, f *records.File, entry *amparov1.TimelineEntry, events ...*amparov1.TermEvent) error {
	entry.At = timestamppb.New(w.Now)
	for _, event := range events {
		event.Level = f.Case().GetRiskLevel()
	}
	if err := (casefile.Act{Now: w.Now, Book: w.Book()}).Record(f.Case(), entry, events...); err != nil {
		return err
	}
	f.Append(entry)
	return nil
}

// act meets a term, begins the one after it, raises the risk, closes or reopens.
func (s *service) act(ctx context.Context, id string) error {
	kind := amparov1.TermKind(1 + s.r.IntN(5))
	what := s.r.IntN(12)
	_, err := s.Update(ctx, access.Service(amparov1.LeafAction_LEAF_ACTION_NOTE), records.Request{}, records.Targets(id),
		func(w *records.Work) (proto.Message, error) {
			f, c := w.File(0), w.File(0).Case()
			const active, closed = amparov1.CaseState_CASE_STATE_ACTIVE, amparov1.CaseState_CASE_STATE_CLOSED
			move := func(to amparov1.CaseState) error {
				entry := &amparov1.TimelineEntry{Kind: amparov1.TimelineKind_TIMELINE_KIND_STATE, FromState: c.GetState(), ToState: to}
				c.State = to
				return happen(w, f, entry)
			}
			switch {
			case c.GetState() == closed:
				return nil, move(active)
			case what == 0:
				return nil, move(closed)
			case what == 1 && c.GetRiskLevel() < amparov1.RiskLevel_RISK_LEVEL_EXTREME:
				c.RiskLevel++
				return nil, happen(w, f, &amparov1.TimelineEntry{Kind: amparov1.TimelineKind_TIMELINE_KIND_RISK},
					&amparov1.TermEvent{Event: amparov1.TermEventKind_TERM_EVENT_KIND_LEVEL_CHANGED})
			default:
				return nil, happen(w, f, &amparov1.TimelineEntry{Kind: amparov1.TimelineKind_TIMELINE_KIND_CONTACT},
					&amparov1.TermEvent{Event: amparov1.TermEventKind_TERM_EVENT_KIND_MET, Kind: kind}, begins(kind, w.Now))
			}
		})
	return err
}
