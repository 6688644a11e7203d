package server_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"filippo.io/age"
	"github.com/rs/zerolog"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/seal"
	"github.com/amparo-project/amparo/internal/server"
	"github.com/amparo-project/amparo/internal/store/memory"
)

// swept is an unsealed store with its sweeper, and nothing else of a service.
type swept struct {
	*records.Records
	engine *memory.Engine
}

// newKeyring is made outside of a bubble: its keys take a moment of real time.
func newKeyring(t *testing.T) (*seal.Keyring, string) {
	t.Helper()
	own, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	offline, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "keyring")
	if err := seal.CreateKeyring(path, []age.Recipient{own.Recipient()}, []age.Recipient{offline.Recipient()}); err != nil {
		t.Fatal(err)
	}
	ring, err := seal.OpenKeyring(path, []age.Identity{own})
	if err != nil {
		t.Fatal(err)
	}
	key, _, err := audit.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return ring, key
}

// sweeping runs fn in a bubble, beside a sweeper that is at rest.
func sweeping(t *testing.T, fn func(t *testing.T, s swept)) {
	t.Helper()
	ring, key := newKeyring(t)
	synctest.Test(t, func(t *testing.T) {
		s := swept{engine: memory.New(memory.Limits{})}
		config := audit.Config{Engine: s.engine, Sealer: ring, Key: key}
		must := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		must(audit.Create(t.Context(), config))
		log, err := audit.Open(t.Context(), config)
		must(err)
		begun := time.Now()
		s.Records, err = records.Open(t.Context(), records.Config{
			Engine: s.engine, Keyring: ring, Log: log, Now: time.Now, Uptime: func() time.Duration { return time.Since(begun) },
		})
		must(err)
		must(records.Begin(t.Context(), s.Records))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = log.Run(ctx) }()
		go server.Sweep(ctx, s.Records, zerolog.Nop())
		synctest.Wait()
		fn(t, s)
		cancel()
		synctest.Wait()
	})
}

// open opens a case of which a term of a kind began a while ago.
func (s swept) open(t *testing.T, kind amparov1.TermKind, ago time.Duration) string {
	t.Helper()
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_INTAKE)
	id := records.NewID()
	_, err := s.Update(t.Context(), grant, records.Request{}, nil, func(w *records.Work) (proto.Message, error) {
		permit, err := grant.PermitDirectory()
		if err != nil {
			return nil, err
		}
		terms, err := w.Book().Apply(nil, &amparov1.TermEvent{
			Event: amparov1.TermEventKind_TERM_EVENT_KIND_STARTED, At: timestamppb.New(w.Now), Base: timestamppb.New(w.Now.Add(-ago)),
			RulesVersion: w.Book().Version, Kind: kind, Level: amparov1.RiskLevel_RISK_LEVEL_EXTREME,
		})
		if err != nil {
			return nil, err
		}
		_, err = w.CreateCase(permit, &amparov1.Case{
			Id: id, Pseudonym: records.NewID(), State: amparov1.CaseState_CASE_STATE_ACTIVE, Terms: terms, TermsOnRecord: true,
		}, &amparov1.Intake{}, &amparov1.Identity{})
		return nil, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// recorded are the moments at which notices of a case were recorded, since a time.
func (s swept) recorded(t *testing.T, id string, since time.Time) (when []time.Duration) {
	t.Helper()
	_, err := s.View(t.Context(), access.Service(amparov1.LeafAction_LEAF_ACTION_TIMELINE_READ), records.Targets(id), func(w *records.Work) (proto.Message, error) {
		when = nil
		entries, _, err := w.File(0).Timeline(0, nil, 100)
		for i := range entries {
			for _, event := range entries[len(entries)-1-i].GetTermEvents() {
				when = append(when, event.GetAt().AsTime().Sub(since))
			}
		}
		return nil, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return when
}

// TestTheSweeperWakes when the first notice of any case is due, also for one that
// comes while it sleeps, and for one whose time has come already.
func TestTheSweeperWakes(t *testing.T) {
	sweeping(t, func(t *testing.T, s swept) {
		begun := time.Now()
		slow := s.open(t, amparov1.TermKind_TERM_KIND_FIRST_CONTACT, 0) // warned of after 2 h and 3 h 12 min, due after 4 h
		time.Sleep(10 * time.Minute)
		quick := s.open(t, amparov1.TermKind_TERM_KIND_TRIAGE, 0) // after 30 and 48 min, due after 1 h
		time.Sleep(time.Second)
		late := s.open(t, amparov1.TermKind_TERM_KIND_TRIAGE, 90*time.Minute)
		time.Sleep(9 * time.Hour)
		for _, c := range []struct {
			name, id string
			want     []time.Duration
		}{
			{"the slow one", slow, []time.Duration{120 * time.Minute, 192 * time.Minute, 240 * time.Minute, 300 * time.Minute, 330 * time.Minute, 360 * time.Minute}},
			{"the quick one", quick, []time.Duration{40 * time.Minute, 58 * time.Minute, 70 * time.Minute, 130 * time.Minute, 160 * time.Minute, 190 * time.Minute}},
			{"the late one", late, []time.Duration{10 * time.Minute, 10 * time.Minute, 10 * time.Minute, 40 * time.Minute, 70 * time.Minute, 100 * time.Minute}},
		} {
			got := s.recorded(t, c.id, begun)
			if len(got) != len(c.want) {
				t.Errorf("%s: recorded at %v, want %v", c.name, got, c.want)
				continue
			}
			for i := range got {
				if off := got[i] - c.want[i]; off < 0 || off > 3*time.Second {
					t.Errorf("%s: notice %d is recorded at %v, want %v", c.name, i, got[i], c.want[i])
				}
			}
		}
	})
}

// TestTheSweeperTriesAgain while the engine writes nothing, and nothing is lost.
func TestTheSweeperTriesAgain(t *testing.T) {
	sweeping(t, func(t *testing.T, s swept) {
		begun := time.Now()
		id := s.open(t, amparov1.TermKind_TERM_KIND_TRIAGE, 0)
		time.Sleep(29 * time.Minute)
		s.engine.Inject(func(c memory.Call) memory.Fault {
			if c.Kind == memory.Commit && time.Since(begun) < 50*time.Minute {
				return memory.Fault{Before: errors.New("no room")}
			}
			return memory.Fault{}
		})
		time.Sleep(time.Hour)
		got := s.recorded(t, id, begun)
		if len(got) != 3 || got[0] < 50*time.Minute || got[0] > 51*time.Minute || got[1] != got[0] || got[2] > time.Hour+3*time.Second {
			t.Errorf("recorded at %v, want two after 50 minutes and one after an hour", got)
		}
	})
}

// TestAQuietMonthIsNoLeap: a service in which nothing happens says what time it is.
func TestAQuietMonthIsNoLeap(t *testing.T) {
	sweeping(t, func(t *testing.T, s swept) {
		before := s.LogSize()
		time.Sleep(30 * 24 * time.Hour)
		if s.Frozen() {
			t.Error("the clock is taken for wrong")
		}
		if leaves := s.LogSize() - before; leaves < 59 || leaves > 61 {
			t.Errorf("%d leaves in a month in which nothing happened, want two a day", leaves)
		}
	})
}
