package badline_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/server"
	"github.com/amparo-project/amparo/internal/servertest"
)

var long = flag.Bool("long", false, "run two hundred intakes at the times as they are")

// What the line is, and what is asked of it.
const (
	bytesASecond = 32_000 / 8
	roundTrip    = 1500 * time.Millisecond
	answered     = 60 * time.Second
)

// trial is one form of the test.
type trial struct {
	operators, each int
	faster          float64       // by which all times are divided
	slack           time.Duration // for a machine that is busy with other things, whose times are not divided
}

func (tr trial) scaled(d time.Duration) time.Duration { return time.Duration(float64(d) / tr.faster) }

// taken is what became of one intake.
type taken struct {
	name   string
	called time.Time
	took   time.Duration
	caseID string // empty where it was kept
	kept   bool
}

// TestIntakesOverABadLine takes requests in as operators do: a process for each, one
// after the other, each operator on a line of their own.
func TestIntakesOverABadLine(t *testing.T) {
	tr := trial{operators: 4, each: 3, faster: 20, slack: 2 * time.Second}
	if *long {
		tr = trial{operators: 8, each: 25, faster: 1}
	}
	limits := servertest.Generous()
	limits.ConnectionsPerDevice = server.DefaultLimits().ConnectionsPerDevice
	service := servertest.Start(t, servertest.Options{Limits: limits})
	home := t.TempDir()
	var mu sync.Mutex
	var all []taken
	var lines []*line
	var profiles []*client.Profile
	var working sync.WaitGroup
	for n := range tr.operators {
		p := enrol(t, service, home, fmt.Sprintf("operator%d", n))
		l := newLine(t, service.Address, bytesASecond*tr.faster, tr.scaled(roundTrip), uint64(n), false)
		good := p.Address
		p.Address = l.address
		lines, profiles = append(lines, l), append(profiles, p)
		working.Go(func() {
			defer func() { p.Address = good }()
			for i := range tr.each {
				one := tr.take(t, p, fmt.Sprintf("Persona %c%c Prueba", 'a'+n, 'a'+i), i%2 == 0)
				mu.Lock()
				all = append(all, one)
				mu.Unlock()
			}
		})
	}
	working.Wait()
	for _, p := range profiles {
		flush(t, p)
	}
	tr.judge(t, all, cases(t, service), lines)
}

// TestNoIntakeWaitsForTheLog: that the service's log is checked shows in no time but
// that of the prompt, which comes back a round trip later.
func TestNoIntakeWaitsForTheLog(t *testing.T) {
	tr := trial{faster: 5, slack: 300 * time.Millisecond}
	if *long {
		tr.faster = 1
	}
	service := servertest.Start(t, servertest.Options{})
	p := enrol(t, service, t.TempDir(), "operator")
	p.Address = newLine(t, service.Address, bytesASecond*tr.faster, tr.scaled(roundTrip), 1, true).address
	var took, closing [2]time.Duration
	for i, told := range []func(*client.Failure){nil, func(failure *client.Failure) { t.Error(failure) }} {
		conn, err := client.Dial(p, client.Options{OnLogFault: told})
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if _, kept, _, err := conn.TakeIntake(t.Context(), request("Persona Prueba"), begun); err != nil || kept != nil {
			t.Fatalf("kept %v: %v", kept != nil, err)
		}
		took[i] = time.Since(begun)
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		closing[i] = time.Since(begun) - took[i]
	}
	if more := took[1] - took[0]; more > tr.slack {
		t.Errorf("an intake takes %v longer, %v instead of %v", more, took[1], took[0])
	}
	if most := tr.scaled(2*roundTrip) + tr.slack; closing[1] > most {
		t.Errorf("the prompt comes back after %v, at most %v", closing[1], most)
	}
	if note, err := p.OlderCheckpoint(); err != nil || note == "" {
		t.Errorf("no checkpoint was kept: %v", err)
	}
	t.Logf("an intake %v, and %v with the check; the prompt %v and %v later", took[0], took[1], closing[0], closing[1])
}

// take is one call of the command: it connects, takes the request, tells the person,
// and closes, or is left by somebody whose phone rings again.
func (tr trial) take(t *testing.T, p *client.Profile, name string, left bool) taken {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	conn, err := client.Dial(p, client.Options{
		Timeout: tr.scaled(30 * time.Second), Patience: tr.scaled(10 * time.Second),
		OnLogFault: func(failure *client.Failure) { t.Errorf("%s: %v", name, failure) },
	})
	if err != nil {
		t.Error(err)
		return taken{name: name}
	}
	begun := time.Now()
	answer, kept, why, err := conn.TakeIntake(ctx, request(name), begun)
	one := taken{name: name, called: begun, took: time.Since(begun), caseID: answer.GetCase().GetCaseId(), kept: kept != nil}
	if err != nil || (kept != nil) != (why != nil) {
		t.Errorf("%s: neither answered nor kept: %v", name, err)
	}
	if left {
		cancel()
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	return one
}

func request(name string) *amparov1.CreateIntakeRequest {
	return &amparov1.CreateIntakeRequest{Intake: &amparov1.Intake{
		Channel:   amparov1.Channel_CHANNEL_HOTLINE,
		Submitter: &amparov1.Submitter{Kind: amparov1.SubmitterKind_SUBMITTER_KIND_SELF},
		Identity:  &amparov1.Identity{Subject: &amparov1.Identity_Person{Person: &amparov1.Person{LegalName: name, CurrentCountry: "CO"}}},
		Situation: "Two men on a motorbike have followed her since Friday; they know the house and the hour at which the children come home.",
	}}
}

// flush sends what waits over a good line.
func flush(t *testing.T, p *client.Profile) {
	t.Helper()
	conn, err := client.Dial(p, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = conn.SendOutbox(t.Context(), func(kept *amparov1.KeptCapsule, _ *amparov1.SubmitCapsuleResponse, failure *client.Failure) {
		if failure != nil {
			t.Errorf("%s stays in the outbox: %v", kept.GetRequestId(), failure)
		}
	})
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if err != nil {
		t.Errorf("send the outbox: %v", err)
	}
	if waiting, err := p.Outbox(); err != nil || len(waiting) != 0 {
		t.Errorf("%d wait after all was sent: %v", len(waiting), err)
	}
}

// held is a case as it lies with the service.
type held struct {
	id       string
	received time.Time
}

// cases are all of them, by the name of their person.
func cases(t *testing.T, service *servertest.Service) map[string][]held {
	t.Helper()
	head := service.Enrol(t, "head", []amparov1.Role{amparov1.Role_ROLE_HEAD_OF_SECRETARIAT}, []string{"bogota"})
	found := map[string][]held{}
	token := ""
	for {
		page, err := amparov1.NewQueueServiceClient(head.Conn).ListQueue(t.Context(), &amparov1.ListQueueRequest{PageSize: 200, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range page.GetRows() {
			shown, err := amparov1.NewCaseServiceClient(head.Conn).GetCase(t.Context(), &amparov1.GetCaseRequest{CaseId: row.GetCaseId()})
			if err != nil {
				t.Fatal(err)
			}
			name := shown.GetIdentity().GetPerson().GetLegalName()
			found[name] = append(found[name], held{row.GetCaseId(), shown.GetCase().GetReceivedAt().AsTime()})
		}
		if token = page.GetNextPageToken(); token == "" {
			return found
		}
	}
}

func (tr trial) judge(t *testing.T, all []taken, after map[string][]held, lines []*line) {
	t.Helper()
	kept, unknown, longest := 0, 0, time.Duration(0)
	var times []time.Duration
	for _, one := range all {
		there := after[one.name]
		if len(there) != 1 {
			t.Errorf("%s is there %d times, want once", one.name, len(there))
			continue
		}
		if one.caseID != "" && one.caseID != there[0].id {
			t.Errorf("%s was answered with another case than it has", one.name)
		}
		// A capsule bears the very instant of the call; a request that arrived, with
		// an answer that did not, was received when it arrived.
		late := there[0].received.Sub(one.called)
		if late < 0 || late > tr.scaled(answered)+tr.slack {
			t.Errorf("%s was received %v off the time of the call", one.name, late)
		}
		if one.took > tr.scaled(answered)+tr.slack {
			t.Errorf("%s: neither answered nor kept for %v", one.name, one.took)
		}
		if one.kept {
			kept++
			if late != 0 {
				unknown++
			}
		}
		longest = max(longest, one.took)
		times = append(times, one.took)
	}
	if len(all) != tr.operators*tr.each || len(after) != len(all) {
		t.Errorf("%d were taken and %d cases are there, want %d", len(all), len(after), tr.operators*tr.each)
	}
	slices.Sort(times)
	fates := [noFates]int{}
	for _, l := range lines {
		for f, n := range l.broken {
			fates[f] += n
		}
	}
	if unknown == 0 || *long && (unknown == kept || kept == len(all)) || fates[torn] == 0 || fates[silent] == 0 || fates[oneWay] == 0 {
		t.Errorf("%d of %d were kept, %d of them had arrived, over %v connections: the line was not what it should be", kept, len(all), unknown, fates)
	}
	t.Logf("%d intakes: %d answered, %d kept (%d of them had arrived, and their answers got lost), median %v, longest %v; connections whole, torn, silent, one way: %v",
		len(all), len(all)-kept, kept, unknown, times[len(times)/2], longest, fates)
}

// enrol lets an operator in with a profile on disk, as on a laptop.
func enrol(t *testing.T, service *servertest.Service, home, name string) *client.Profile {
	t.Helper()
	invitation := service.Invite(t, name, []amparov1.Role{amparov1.Role_ROLE_HOTLINE_OPERATOR}, []string{"bogota"}, time.Time{})
	enrolled, err := client.Enrol(t.Context(), client.Enrolment{Home: home, Name: name, Invitation: invitation, Now: time.Now, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = amparov1.NewStaffServiceClient(service.Admin.Conn).ConfirmStaff(t.Context(), &amparov1.ConfirmStaffRequest{
		RequestId: records.NewID(), StaffId: enrolled.Profile.StaffID, Code: enrolled.ConfirmationCode,
	})
	if err != nil {
		t.Fatal(err)
	}
	return enrolled.Profile
}
