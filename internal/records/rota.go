package records

import (
	"context"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/duty"
	"github.com/amparo-project/amparo/internal/store/storepb"
)

// Announce joins a rota to the one before it and notes addresses of its people, as
// part of the act. It returns what then holds, and the people in it for whom no
// address is known.
func (w *Work) Announce(rota *amparov1.Rota, addresses []*amparov1.StaffAddress) (whole *amparov1.Rota, unreachable []string, err error) {
	held, err := w.openSingle(kindDuty, amparov1.LeafAction_LEAF_ACTION_ROTA_SET)
	if err != nil {
		return nil, nil, err
	}
	rotas, err := held.rotas(rota.GetOffice())
	if err != nil {
		return nil, nil, err
	}
	var before *amparov1.Rota
	if i := slices.IndexFunc(rotas, func(r *amparov1.Rota) bool { return r.GetLanguage() == rota.GetLanguage() }); i >= 0 {
		before, rotas = rotas[i], slices.Delete(rotas, i, i+1)
	}
	rotas = slices.DeleteFunc(rotas, func(r *amparov1.Rota) bool { return duty.Past(r, w.Now) })
	if err := duty.Room(rotas); err != nil {
		return nil, nil, err
	}
	if err := duty.Addressable(addresses, rota.GetOffice(), w.records.Directory()); err != nil {
		return nil, nil, err
	}
	if whole, err = duty.Announce(before, rota, w.records.Directory(), w.Now); err != nil {
		return nil, nil, err
	}
	held.Put(recordDuty, rotasPrefix+rota.GetOffice(), &storepb.OfficeRotas{Rotas: append(rotas, whole)})
	if err := w.NoteAddresses(addresses); err != nil {
		return nil, nil, err
	}
	known, err := held.addresses()
	return whole, without(byPerson(known), whole), err
}

// NoteAddresses notes where people are told that something waits, as part of the act.
// An empty address takes the one before away; those of others stay.
func (w *Work) NoteAddresses(addresses []*amparov1.StaffAddress) error {
	held, err := w.openSingle(kindDuty, amparov1.LeafAction_LEAF_ACTION_ROTA_SET)
	if err != nil || len(addresses) == 0 {
		return err
	}
	known, err := held.addresses()
	if err != nil {
		return err
	}
	for _, address := range addresses {
		known.Addresses = slices.DeleteFunc(known.GetAddresses(), func(a *amparov1.StaffAddress) bool { return a.GetStaffId() == address.GetStaffId() })
		if address.GetMail() != "" {
			known.Addresses = append(known.Addresses, proto.CloneOf(address))
		}
	}
	held.Put(recordDuty, addressesID, known)
	return nil
}

func byPerson(addresses *storepb.Addresses) map[string]string {
	mails := map[string]string{}
	for _, address := range addresses.GetAddresses() {
		mails[address.GetStaffId()] = address.GetMail()
	}
	return mails
}

// without are the people of a rota who have no address.
func without(known map[string]string, rotas ...*amparov1.Rota) []string {
	var missing []string
	for _, rota := range rotas {
		for _, slot := range rota.GetSlots() {
			for _, id := range slot.GetStaffIds() {
				if known[id] == "" && !slices.Contains(missing, id) {
					missing = append(missing, id)
				}
			}
		}
	}
	return missing
}

// Rotas shows the rotas of offices, and who is on shift there. Its leaf is durable
// before it returns.
func (r *Records) Rotas(ctx context.Context, grant access.Grant, offices []string) (*amparov1.GetRotaResponse, error) {
	if err := r.dutyIntact(); err != nil {
		return nil, err
	}
	board, now, answer := r.Board(), r.Now(), &amparov1.GetRotaResponse{}
	for _, rota := range board.Rotas {
		if slices.Contains(offices, rota.GetOffice()) {
			answer.Rotas = append(answer.Rotas, rota)
		}
	}
	for _, office := range offices {
		people, byRota := board.Shift(office, now)
		answer.OnShift = append(answer.OnShift, &amparov1.Shift{Office: office, StaffIds: people, ByRota: byRota})
	}
	known := map[string]string{}
	if held := r.duty.Load(); held != nil {
		known = held.addresses
	}
	answer.UnreachableIds = without(known, answer.GetRotas()...)
	return answer, r.Note(ctx, grant, &amparov1.AuditLeaf{})
}

// Alarms shows the open alarms that are for a person, of one office or of all. Its
// leaf is durable before it returns.
func (r *Records) Alarms(ctx context.Context, grant access.Grant, office string) ([]*amparov1.Alarm, error) {
	if err := r.dutyIntact(); err != nil {
		return nil, err
	}
	alarms := r.alarmsFor(grant, office, r.Now())
	return alarms, r.noteAlarms(ctx, grant, alarms)
}

// alarmsFor are the open alarms that a person may see.
func (r *Records) alarmsFor(grant access.Grant, office string, now time.Time) []*amparov1.Alarm {
	board, member := r.Board(), r.Directory().ByID(grant.StaffID())
	onShift := r.OnShift(member, now)
	var shown []*amparov1.Alarm
	for _, alarm := range board.Alarms {
		if office != "" && alarm.GetOffice() != office ||
			board.MayAcknowledge(alarm, r.Excluded(alarm.GetCaseId()), member, now) != nil {
			continue
		}
		shown = append(shown, r.shownTo(grant, alarm, onShift))
	}
	return shown
}

// shownTo is an alarm as a person sees it: the case is named only to those who may
// know of it, or may open its card because the alarm is theirs.
func (r *Records) shownTo(grant access.Grant, alarm *amparov1.Alarm, onShift []string) *amparov1.Alarm {
	shown := proto.CloneOf(alarm)
	if !duty.Answers(alarm, onShift, grant.StaffID()) && !r.knows(grant, alarm.GetCaseId()) {
		shown.CaseId = ""
	}
	return shown
}

func (r *Records) noteAlarms(ctx context.Context, grant access.Grant, alarms []*amparov1.Alarm) error {
	leaf := &amparov1.AuditLeaf{}
	for _, alarm := range alarms {
		if about := r.about(alarm); about != "" && alarm.GetCaseId() != "" {
			leaf.Shown = append(leaf.Shown, about)
		}
	}
	return r.Note(ctx, grant, leaf)
}

// shiftPace is how often a watch looks whose shift has begun or ended.
const shiftPace = 15 * time.Second

// WatchAlarms calls push with the open alarms that are for a person, and then with
// those that are new or changed and the ids of those that are gone, until ctx ends.
// Each batch has a leaf of its own and leaves at once; the next one is at least a
// second behind it.
func (r *Records) WatchAlarms(ctx context.Context, grant access.Grant, office string, push func(*amparov1.WatchAlarmsResponse) error) error {
	shown := map[string]*amparov1.Alarm{}
	ticker := time.NewTicker(shiftPace)
	defer ticker.Stop()
	for first := true; ; first = false {
		if err := r.dutyIntact(); err != nil {
			return err
		}
		changed := r.DutyChanged()
		batch := news(shown, r.alarmsFor(grant, office, r.Now()))
		if first || len(batch.GetAlarms())+len(batch.GetGoneIds()) > 0 {
			if err := r.noteAlarms(ctx, grant, batch.GetAlarms()); err != nil {
				return err
			}
			if err := push(batch); err != nil {
				return err
			}
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(watchPace):
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
		case <-ticker.C:
		}
	}
}

// news is what differs from what was shown before, which it brings up to date.
func news(shown map[string]*amparov1.Alarm, open []*amparov1.Alarm) *amparov1.WatchAlarmsResponse {
	batch := &amparov1.WatchAlarmsResponse{}
	now := map[string]bool{}
	for _, alarm := range open {
		now[alarm.GetId()] = true
		if before := shown[alarm.GetId()]; before == nil || !proto.Equal(before, alarm) {
			shown[alarm.GetId()] = alarm
			batch.Alarms = append(batch.Alarms, alarm)
		}
	}
	for id := range shown {
		if !now[id] {
			delete(shown, id)
			batch.GoneIds = append(batch.GoneIds, id)
		}
	}
	slices.Sort(batch.GoneIds)
	return batch
}
