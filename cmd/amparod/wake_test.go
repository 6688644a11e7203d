package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/notify"
	"github.com/amparo-project/amparo/internal/notifytest"
	"github.com/amparo-project/amparo/internal/records"
)

// raiseAlarm enters somebody of north who can answer, with an address, and an alarm
// about the case.
func (f dataFolder) raiseAlarm() (alarm, staffID string) {
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_NOTE)
	staffID = records.NewID()
	f.open(func(u *unsealed) {
		ctx := context.Background()
		for _, fn := range []func(w *records.Work) error{
			func(w *records.Work) error {
				w.File(0).Put(records.RecordStaff, staffID, &amparov1.StaffMember{
					Id: staffID, Name: "Operator", Roles: []amparov1.Role{amparov1.Role_ROLE_HOTLINE_OPERATOR},
					Offices: []string{"north"}, Standing: amparov1.StaffStanding_STAFF_STANDING_ACTIVE,
				})
				return nil
			},
			func(w *records.Work) error {
				w.File(1).Case().Office = "north"
				return w.Raise(amparov1.AlarmKind_ALARM_KIND_DURESS, w.File(1), "")
			},
			func(w *records.Work) error {
				return w.NoteAddresses([]*amparov1.StaffAddress{{StaffId: staffID, Mail: "operator@example.org"}})
			},
		} {
			_, err := u.records.Update(ctx, grant, records.Request{}, records.Targets(u.records.Directory().FileID, f.caseID),
				func(w *records.Work) (proto.Message, error) { return nil, fn(w) })
			if err != nil {
				f.t.Fatal(err)
			}
		}
		alarm = u.records.Board().Alarms[0].GetId()
	})
	return alarm, staffID
}

// TestServeWakesPeople: an alarm that was raised before the service went down leaves
// by the way that works, while the other stalls, and holds nothing but its id. Killed
// and begun anew, the service does not call the same person again.
func TestServeWakesPeople(t *testing.T) {
	t.Parallel()
	whole := newFolder(t)
	whole.open(func(u *unsealed) {
		if _, err := u.records.Started(context.Background(), false); err != nil {
			t.Fatal(err)
		}
	})
	stall := notifytest.MailOptions{At: map[notifytest.Stage]notifytest.Conduct{notifytest.Sender: notifytest.Stall}}
	for name, c := range map[string]struct {
		mail    notifytest.MailOptions
		withWeb bool
	}{"mail": {}, "webhook, while the mail stalls": {stall, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := whole.copyTo(t)
			alarm, staffID := f.raiseAlarm()
			mail, hook := notifytest.StartMail(t, c.mail), notifytest.StartHook(t, nil)
			config := Config{Notify: notify.Config{SMTP: mail.Config()}}
			if c.withWeb {
				config.Notify.Webhook = hook.Config()
			}
			arguments := []string{"serve", "--data", f.path, "--identity", f.identity, "--listen", "127.0.0.1:0", "--config", writeConfig(t, config)}
			told := func() string {
				for _, post := range hook.Posts() {
					return string(post.Body)
				}
				return strings.Join(mail.Mails(), "\n")
			}
			p := begin(t, amparod(t, arguments...))
			for begun := time.Now(); told() == "" && time.Since(begun) < 15*time.Second; {
				time.Sleep(10 * time.Millisecond)
			}
			said := told()
			if !strings.Contains(said, alarm) || strings.Contains(said, f.caseID) || c.withWeb && !strings.Contains(said, staffID) {
				t.Errorf("told: %s", said)
			}
			time.Sleep(1500 * time.Millisecond) // for the record of the call
			_ = p.Process.Kill()
			p.wait()
			p = begin(t, amparod(t, arguments...))
			time.Sleep(500 * time.Millisecond)
			_ = p.Process.Kill()
			p.wait()
			if count := len(hook.Posts()) + len(mail.Mails()); count != 1 {
				t.Errorf("told %d times", count)
			}
			f.open(func(u *unsealed) {
				calls := u.records.Board().Alarms[0].GetCalls()
				if len(calls) != 1 || calls[0].GetStaffId() != staffID || !calls[0].GetReached() {
					t.Errorf("%d calls are recorded", len(calls))
				}
			})
		})
	}
}
