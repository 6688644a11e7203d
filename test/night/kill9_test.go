package night_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/connectivity"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

// once makes each call once: what it leaves open is for the test to settle.
var once = client.Options{Timeout: 10 * time.Second, Patience: -1, Version: "night"}

const (
	writerCount = 16
	// The service has to be back within this time after a kill.
	longestStart = 5 * time.Second
)

// siege is the service under kills, with all that was promised so far.
type siege struct {
	*service
	t        *testing.T
	crew     *crew
	reviewer *person
	auditor  *person
	ledger   *ledger
	intakes  int                 // cases that there are
	last     [writerCount]uint32 // disclosure that each made last
	tally    siegeTally
}

type siegeTally struct {
	rounds, acked, open, applied int // open were cut off; applied is how many of them had been done
	slowest                      time.Duration
}

// TestKill9 lets sixteen people write and kills the service after 20 to 300 ms,
// again and again. After each start every acknowledged act must be there, exactly as
// it was sent; every other one wholly or not at all; and sending it again under the
// same request id must make it there once.
func TestKill9(t *testing.T) {
	rounds := 30
	if *long {
		rounds = 500
	}
	s := besiege(t)
	for round := 1; round <= rounds && !t.Failed(); round++ {
		s.tally.rounds = round
		s.round()
		if round%10 == 0 {
			s.check()
		}
		s.tally.slowest = max(s.tally.slowest, s.start())
		s.reconnect()
		s.settle()
	}
	s.judgeAll()
	s.stop()
	t.Log(s.check())
	t.Logf("%d rounds: %d acts acknowledged, %d cut off, %d of these had been done; slowest start %v", rounds,
		s.tally.acked, s.tally.open, s.tally.applied, s.tally.slowest.Round(time.Millisecond))
	if s.tally.slowest > longestStart {
		t.Errorf("the slowest start took %v, want at most %v", s.tally.slowest, longestStart)
	}
	if s.tally.open == 0 || s.tally.applied == 0 {
		t.Error("no call was ever cut off between its commit and its answer: the kills do not fall in the work")
	}
}

func besiege(t *testing.T) *siege {
	t.Helper()
	s := &siege{service: newService(t, "info"), t: t, crew: &crew{office: "bogota"}, ledger: newLedger(t)}
	s.start()
	admin := s.administrator()
	s.reviewer = s.hire(admin, "reviewer", reviewer, s.crew.office)
	s.auditor = s.hire(admin, "auditor", auditor)
	for i := range writerCount {
		hired := s.hire(admin, fmt.Sprintf("writer-%d", i), officer, s.crew.office)
		s.crew.writers = append(s.crew.writers, s.dial(hired.profile, once))
	}
	s.reconnect()
	return s
}

// reconnect brings every line up, without waiting for the time that a client leaves
// between two attempts.
func (s *siege) reconnect() {
	ctx, cancel := context.WithTimeout(s.t.Context(), longestStart)
	defer cancel()
	for _, p := range append(slices.Clone(s.crew.writers), s.reviewer) {
		p.ResetConnectBackoff()
		p.Connect()
	}
	for _, p := range append(slices.Clone(s.crew.writers), s.reviewer) {
		for state := p.GetState(); state != connectivity.Ready; state = p.GetState() {
			if state == connectivity.Idle {
				p.Connect()
			}
			if !p.WaitForStateChange(ctx, state) {
				log, _ := os.ReadFile(s.logFile())
				s.t.Fatalf("%s cannot reach the service again: %v; the service says %s", p.profile.Name, state, tail(log))
			}
		}
	}
}

// round lets everybody write until the kill comes.
func (s *siege) round() {
	shared := s.sharedCase()
	if shared == "" {
		s.t.Fatal("a case cannot be opened")
	}
	var writers sync.WaitGroup
	for i := range s.crew.writers {
		writers.Go(func() { s.write(i, shared) })
	}
	time.Sleep(20*time.Millisecond + rand.N(280*time.Millisecond))
	s.kill()
	writers.Wait()
}

// sharedCase opens a case on whose team everybody is.
func (s *siege) sharedCase() string {
	opened, ok := s.do("intake", 0, "")
	if !ok {
		return ""
	}
	if _, ok := s.do("assign-all", 0, opened); !ok {
		return ""
	}
	return opened
}

// write is one person's work until the service is gone: a request, then steps in
// that case and notes in the one that all share.
func (s *siege) write(writer int, shared string) {
	var own string
	triaged := false
	for {
		kind, where := nextAct(own, triaged), own
		if rest, is := strings.CutPrefix(kind, "shared "); is {
			kind, where = rest, shared
		}
		if kind == "intake" {
			where = ""
		}
		opened, ok := s.do(kind, writer, where)
		if kind == "vital" && where == shared && ok {
			// Somebody else signs for it, in the case on whose team everybody is.
			_, ok = s.sign(s.last[writer], (writer+1)%writerCount, where)
		}
		switch {
		case !ok:
			return
		case kind == "intake":
			own, triaged = opened, false
		case kind == "triage":
			triaged = true
		}
	}
}

func nextAct(own string, triaged bool) string {
	n := rand.IntN(140)
	switch {
	case own == "" || n < 8:
		return "intake"
	case n < 16 && !triaged:
		return "triage"
	case n < 30:
		return "risk"
	case n < 40:
		return "assign"
	case n < 60:
		return "contact"
	case n < 75:
		return "shared note"
	case n < 100:
		return "note"
	case n < 110:
		return "shared vital"
	default:
		return []string{"consent", "consent", "check", "withdraw", "breach", "vital"}[n%6]
	}
}

// do makes one call, with the ledger written before and after it, and reports
// whether it was answered.
func (s *siege) do(kind string, writer int, caseID string) (string, bool) {
	return s.make(act{ID: client.NewRequestID(), Kind: kind, Writer: writer, Case: caseID})
}

// sign has somebody countersign an entry.
func (s *siege) sign(entry uint32, writer int, caseID string) (string, bool) {
	return s.make(act{ID: client.NewRequestID(), Kind: "countersign", Writer: writer, Case: caseID, Of: entry})
}

func (s *siege) make(a act) (string, bool) {
	a.SHA256 = hashOf(s.crew.requestOf(&a))
	s.ledger.note(a)
	return s.attempt(a)
}

func (s *siege) attempt(a act) (string, bool) {
	opened, version, err := s.crew.call(s.t.Context(), &a)
	if err != nil {
		if f := client.Explain(err); f.Exit != 1 && f.Reason != "BUSY_FILE" {
			s.t.Errorf("%s was refused: %v", a.Kind, f)
		}
		return "", false
	}
	a.Case, a.Version, a.Acked = opened, version, true
	if a.Kind == "vital" {
		s.last[a.Writer] = a.Entry
	}
	s.ledger.note(a)
	return opened, true
}

// settle looks, after a start, at every case that the last round touched; sends
// what was cut off once more; and looks again.
func (s *siege) settle() {
	from := len(s.ledger.order)
	s.ledger.readBack()
	acts := s.ledger.order[from:]
	found := s.findIntakes(acts)
	states := s.judge(acts, found)
	cutOff := map[string]bool{}
	for _, a := range acts {
		if a.Acked {
			s.tally.acked++
			continue
		}
		cutOff[a.ID] = true
		if states[a.ID] {
			s.tally.applied++
		}
		if _, ok := s.attempt(*a); !ok {
			s.t.Errorf("%s cannot be repeated", a.Kind)
		}
	}
	s.tally.open += len(cutOff)
	s.ledger.readBack()
	again := map[string]bool{}
	for _, a := range acts {
		if before := found[a.ID]; before != "" && before != a.Case {
			s.t.Errorf("repeating an intake that was done opened a second case")
		}
		if a.Kind == "intake" {
			s.intakes++
		}
		if !a.Acked {
			s.t.Errorf("%s has no answer", a.Kind)
		}
		again[a.Case] = again[a.Case] || cutOff[a.ID]
	}
	s.judge(slices.DeleteFunc(slices.Clone(acts), func(a *act) bool { return !again[a.Case] }), nil)
	if err := s.reviewer.KeepCheckpoint(s.t.Context()); err != nil {
		s.t.Errorf("the log after a kill: %v", client.Explain(err))
	}
}

// findIntakes searches for the intakes that were cut off and gives the acts that
// were done their case.
func (s *siege) findIntakes(acts []*act) map[string]string {
	found := map[string]string{}
	for _, a := range acts {
		if a.Kind != "intake" || a.Acked {
			continue
		}
		answer, err := s.reviewer.Queue.SearchCases(s.t.Context(), &amparov1.SearchCasesRequest{Text: nameOf(a)})
		if err != nil {
			s.t.Errorf("search: %v", client.Explain(err))
			continue
		}
		if len(answer.GetRows()) > 1 {
			s.t.Errorf("one intake opened %d cases", len(answer.GetRows()))
		}
		for _, r := range answer.GetRows() {
			found[a.ID] = r.GetCaseId()
		}
	}
	return found
}

// judgeAll looks once more at everything that was ever written, counts the cases,
// and has the log verified.
func (s *siege) judgeAll() {
	s.judge(s.ledger.order, nil)
	rows := s.reviewer.pages(s.t.Context(), s.t, &amparov1.ListQueueRequest{Office: s.crew.office})
	if len(rows) != s.intakes {
		s.t.Errorf("%d cases stand in the queue, want %d", len(rows), s.intakes)
	}
	s.exported(s.auditor)
}
