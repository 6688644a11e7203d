package dispatch_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/seal"
	"github.com/amparo-project/amparo/internal/store"
)

type keys struct {
	ring   *seal.Keyring
	logKey string
}

// sharedKeys are slow to make, and every store here has an engine of its own.
var sharedKeys = sync.OnceValues(func() (keys, error) {
	folder, err := os.MkdirTemp("", "dispatch-keys-")
	if err != nil {
		return keys{}, err
	}
	defer os.RemoveAll(folder)
	return makeKeys(folder)
})

// makeKeys makes a keyring in a folder. Its identity is thrown away.
func makeKeys(folder string) (keys, error) {
	own, err := age.GenerateHybridIdentity()
	if err != nil {
		return keys{}, err
	}
	offline, err := age.GenerateHybridIdentity()
	if err != nil {
		return keys{}, err
	}
	path := filepath.Join(folder, "keyring")
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

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// unseal opens a store, which it begins where it is new.
func unseal(t testing.TB, engine store.Engine, k keys, isNew bool) *records.Records {
	t.Helper()
	config := audit.Config{Engine: engine, Sealer: k.ring, Key: k.logKey}
	if isNew {
		must(t, audit.Create(t.Context(), config))
	}
	log, err := audit.Open(t.Context(), config)
	must(t, err)
	must(t, log.CatchUp(t.Context()))
	r, err := records.Open(t.Context(), records.Config{Engine: engine, Keyring: k.ring, Log: log, Now: time.Now})
	must(t, err)
	if isNew {
		must(t, records.Begin(t.Context(), r))
	}
	return r
}

// hire enters people of the office north: two operators, a case officer, a reviewer,
// and one who is suspended; and a head of the office south. All but eva have an
// address once a rota was announced.
func hire(t testing.TB, r *records.Records) {
	t.Helper()
	const active, suspended = amparov1.StaffStanding_STAFF_STANDING_ACTIVE, amparov1.StaffStanding_STAFF_STANDING_SUSPENDED
	act(t, r, r.Directory().FileID, func(w *records.Work) error {
		for _, member := range []*amparov1.StaffMember{
			{Id: "ana", Roles: []amparov1.Role{amparov1.Role_ROLE_HOTLINE_OPERATOR}, Standing: active},
			{Id: "ben", Roles: []amparov1.Role{amparov1.Role_ROLE_HOTLINE_OPERATOR}, Standing: active},
			{Id: "eva", Roles: []amparov1.Role{amparov1.Role_ROLE_CASE_OFFICER}, Standing: active},
			{Id: "gil", Roles: []amparov1.Role{amparov1.Role_ROLE_HOTLINE_OPERATOR}, Standing: suspended},
			{Id: "rut", Roles: []amparov1.Role{amparov1.Role_ROLE_REVIEWER}, Standing: active},
			{Id: "hal", Roles: []amparov1.Role{amparov1.Role_ROLE_HEAD_OF_SECRETARIAT}, Standing: active, Offices: []string{"south"}},
		} {
			member.Name = member.GetId()
			if len(member.GetOffices()) == 0 {
				member.Offices = []string{"north"}
			}
			w.File(0).Put(records.RecordStaff, member.GetId(), member)
		}
		return nil
	})
}

func suspend(t testing.TB, r *records.Records, who ...string) {
	t.Helper()
	act(t, r, r.Directory().FileID, func(w *records.Work) error {
		for _, id := range who {
			member := proto.CloneOf(r.Directory().ByID(id))
			member.Standing = amparov1.StaffStanding_STAFF_STANDING_SUSPENDED
			w.File(0).Put(records.RecordStaff, id, member)
		}
		return nil
	})
}

// announce sets the rota of north to one slot that began now.
func announce(t testing.TB, r *records.Records, length time.Duration, people ...string) {
	t.Helper()
	now := r.Now()
	slots := []*amparov1.RotaSlot{{From: timestamppb.New(now), Until: timestamppb.New(now.Add(length)), StaffIds: people}}
	var addresses []*amparov1.StaffAddress
	for _, id := range []string{"ana", "ben", "gil", "rut"} {
		addresses = append(addresses, &amparov1.StaffAddress{StaffId: id, Mail: id + "@example.org"})
	}
	act(t, r, r.DutyFile(), func(w *records.Work) error {
		_, _, err := w.Announce(&amparov1.Rota{Office: "north", Slots: slots}, addresses)
		return err
	})
	act(t, r, r.DutyFile(), func(w *records.Work) error {
		return w.NoteAddresses([]*amparov1.StaffAddress{{StaffId: "hal", Mail: "hal@example.org"}})
	})
}

// raise raises an alarm of the office and returns its id.
func raise(t testing.TB, r *records.Records, kind amparov1.AlarmKind) string {
	t.Helper()
	act(t, r, r.DutyFile(), func(w *records.Work) error { return w.Raise(kind, nil, "north") })
	open := r.Board().Alarms
	return open[len(open)-1].GetId()
}

func tell(t testing.TB, r *records.Records, who ...string) {
	t.Helper()
	act(t, r, r.DutyFile(), func(w *records.Work) error { return w.Tell(who...) })
}

func acknowledge(t testing.TB, r *records.Records, alarm, who string) {
	t.Helper()
	act(t, r, r.DutyFile(), func(w *records.Work) error {
		_, err := w.Acknowledge(alarm, r.Directory().ByID(who))
		return err
	})
}

func act(t testing.TB, r *records.Records, file string, fn func(*records.Work) error) {
	t.Helper()
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_NOTE)
	_, err := r.Update(context.WithoutCancel(t.Context()), grant, records.Request{}, records.Targets(file),
		func(w *records.Work) (proto.Message, error) { return nil, fn(w) })
	must(t, err)
}
