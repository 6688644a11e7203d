package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
	"github.com/amparo-project/amparo/internal/notify"
	"github.com/amparo-project/amparo/internal/notifytest"
	"github.com/amparo-project/amparo/internal/seal"
)

// TestTheWatchSampleLoads: it names every setting, and the defaults are what it
// says. Its profile and secrets are an operator's.
func TestTheWatchSampleLoads(t *testing.T) {
	config, err := readWatch(filepath.Join("..", "..", "deploy", "watch.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	everySetting(t, "", reflect.ValueOf(config))
	if d := defaultWatch(); config.Every != d.Every || config.AlarmAfter != d.AlarmAfter || config.Repeat != d.Repeat {
		t.Errorf("the sample's times are %v, %v and %v", config.Every, config.AlarmAfter, config.Repeat)
	}
}

func TestAWatchIsReadStrictly(t *testing.T) {
	const way = "profile: p\nnotify: {webhook: {url: 'https://example.org'}}\n"
	for name, c := range map[string]struct {
		text string
		says string // empty means that it loads
	}{
		"a webhook alone":      {way, ""},
		"mail":                 {"{profile: p, alarm_to: [a@example.org], notify: {smtp: {server: 'a:465'}}}", ""},
		"nobody to tell":       {"profile: p", "notify is needed"},
		"mail to nobody":       {"{profile: p, notify: {smtp: {server: 'a:465'}}}", "go together"},
		"told, but how":        {way + "alarm_to: [a@example.org]", "go together"},
		"no address":           {"{profile: p, alarm_to: [a], notify: {smtp: {server: 'a:465'}}}", "alarm_to"},
		"no profile":           {strings.TrimPrefix(way, "profile: p\n"), "profile is needed"},
		"all the time":         {way + "every: 1ms", "at least"},
		"alarm before asking":  {way + "alarm_after: 1s", "alarm_after"},
		"never repeated":       {way + "repeat: 0s", "repeat"},
		"a misspelt setting":   {way + "evry: 30s", "evry"},
		"a setting of serve's": {way + "last_alarm_to: [a@example.org]", "last_alarm_to"},
	} {
		path := filepath.Join(t.TempDir(), "watch.yaml")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := readWatch(path)
		if c.says == "" && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says) || asFailure(err).code != exitUsage) {
			t.Errorf("%s: got %v, want exit %d and %q", name, err, exitUsage, c.says)
		}
	}
}

// watched is a service at a fixed address, with a watch over it as a process of its
// own and the webhook that the watch tells.
type watched struct {
	t        *testing.T
	folder   dataFolder
	address  string
	profiles string
	service  *process
	watch    *process
	hook     *notifytest.HookServer
	heard    int // posts that the story has been through
}

func newWatched(t *testing.T) *watched {
	t.Helper()
	dir := fastFolder(t)
	w := &watched{t: t, address: freeAddress(t), profiles: filepath.Join(dir, "profiles"), hook: notifytest.StartHook(t, nil)}
	w.folder = dataFolder{t: t, path: filepath.Join(dir, "data"), identity: filepath.Join(dir, "identity.age")}
	invitation := w.init(w.folder)
	w.serve(w.folder)
	administrator := w.enrol("administrator", invitation)
	w.enrol("watch", w.invite(administrator))
	w.watch = begin(t, amparod(t, "watch", "--config", writeConfig(t, WatchConfig{
		Profile: filepath.Join(w.profiles, "watch"), Every: 100 * time.Millisecond, AlarmAfter: 900 * time.Millisecond, Repeat: time.Hour,
		Notify: notify.Config{Webhook: w.hook.Config()},
	})))
	return w
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// init makes a data folder for the address and returns its first invitation.
func (w *watched) init(f dataFolder) string {
	w.t.Helper()
	recipient, err := seal.GenerateIdentity(f.identity + ".offline")
	if err != nil {
		w.t.Fatal(err)
	}
	made := finish(w.t, amparod(w.t, "init", "--data", f.path, "--identity", f.identity, "--recovery-recipient", recipient, "--address", w.address))
	if made.code != 0 {
		w.t.Fatalf("init ends with %d: %s", made.code, made.said)
	}
	return strings.TrimSpace(made.out)
}

func (w *watched) serve(f dataFolder) {
	w.t.Helper()
	w.service = begin(w.t, amparod(w.t, "serve", "--data", f.path, "--identity", f.identity))
	if w.service.address() != w.address {
		w.t.Fatalf("serve: %q: %s", w.service.line, w.service.wait().said)
	}
}

func (w *watched) enrol(name, invitation string) *client.Profile {
	w.t.Helper()
	enrolled, err := client.Enrol(w.t.Context(), client.Enrolment{Home: w.profiles, Name: name, Invitation: invitation, Now: time.Now})
	if err != nil {
		w.t.Fatal(err)
	}
	return enrolled.Profile
}

// invite lets a machine in that can do nothing but watch: no second person is
// needed for that.
func (w *watched) invite(administrator *client.Profile) string {
	w.t.Helper()
	conn, err := client.Dial(administrator, client.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	invited, err := conn.Staff.InviteStaff(w.t.Context(), &amparov1.InviteStaffRequest{Name: "a machine", Roles: []amparov1.Role{amparov1.Role_ROLE_WATCH}})
	if err != nil {
		w.t.Fatal(err)
	}
	return invited.GetInvitation()
}

// hears waits for the next notice of the watch, and asks that it be the only one.
func (w *watched) hears(kind, after string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	for len(w.hook.Posts()) == w.heard && ctx.Err() == nil {
		time.Sleep(20 * time.Millisecond)
	}
	time.Sleep(400 * time.Millisecond) // four questions, for a second notice to show itself
	posts := w.hook.Posts()
	if len(posts) != w.heard+1 || !strings.Contains(string(posts[w.heard].Body), `"amparo.`+kind+`"`) {
		w.t.Fatalf("%s: %d notices, want one more than %d and %s", after, len(posts), w.heard, kind)
	}
	w.heard++
}

// TestWatch is an evening with outages of every kind, each noticed once.
func TestWatch(t *testing.T) {
	t.Parallel() // it waits most of its time
	w := newWatched(t)
	time.Sleep(1500 * time.Millisecond)
	if posts := w.hook.Posts(); len(posts) != 0 {
		t.Fatalf("%d notices about a service that answers", len(posts))
	}

	signal := func(s syscall.Signal) {
		if err := w.service.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	signal(syscall.SIGSTOP)
	w.hears("silent", "the service hangs, and its machine still takes connections")
	signal(syscall.SIGCONT)
	w.hears("answers", "it goes on")

	signal(syscall.SIGKILL)
	w.service.wait()
	w.hears("silent", "the service is gone")
	impostor := dataFolder{t: t, path: w.folder.path + "2", identity: w.folder.identity + "2"}
	w.init(impostor)
	w.serve(impostor)
	time.Sleep(1500 * time.Millisecond) // the all-clear would come with the next question
	if posts := w.hook.Posts(); len(posts) != w.heard {
		t.Fatal("another service at the same address passes for this one")
	}
	signal(syscall.SIGTERM)
	w.service.wait()
	w.serve(w.folder)
	w.hears("answers", "it is back")

	if err := os.Truncate(w.folder.store(), 2*16<<10); err != nil {
		t.Fatal(err)
	}
	if sealed := w.service.wait(); sealed.code != exitUnavailable || !strings.Contains(sealed.said, "SEALED") {
		t.Fatalf("the service ends with %d: %s", sealed.code, sealed.said)
	}
	w.hears("silent", "it sealed itself: the watch's own question made it notice")

	if err := w.watch.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ended := w.watch.wait()
	if ended.code != 0 || !strings.Contains(ended.said, "WRONG_SERVER") || strings.Contains(ended.said, "may do more than watch") {
		t.Errorf("the watch ends with %d: %s", ended.code, ended.said)
	}
}
