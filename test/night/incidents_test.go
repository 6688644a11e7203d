package night_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

// offices that the eight operators belong to, by turns.
var offices = []string{"bogota", "manila", "tbilisi"}

// taken is what became of one report.
type taken struct {
	row      row
	number   int
	intake   *amparov1.Intake
	office   string
	operator *person
	request  string // its id, the same in every attempt
	answer   *amparov1.CreateIntakeResponse
	refusal  *client.Failure
	state    amparov1.CaseState
	level    amparov1.RiskLevel
}

func (c *taken) caseID() string { return c.answer.GetCase().GetCaseId() }

// night is one night at the hotline.
type night struct {
	*service
	t         *testing.T
	operators []*person
	head      *person
	auditor   *person
	all       []*taken
	repeats   atomic.Int64 // calls that the clients made again
	busy      atomic.Int64 // answers that somebody else was quicker
	acked     atomic.Int64
}

// TestIncidents takes all reports in through eight operators at once, while the
// service is killed three times in between, and then looks for every one of them.
func TestIncidents(t *testing.T) {
	t.Parallel()
	n := begin(t)
	n.timed("taking in", n.takeIn)
	n.report()
	n.timed("working", n.work)
	n.timed("queue", n.checkQueue)
	n.timed("content", n.checkContent)
	n.timed("search", n.checkSearch)
	n.timed("log", n.checkLog)
	n.stop()
	t.Log(n.check())
}

func begin(t *testing.T) *night {
	t.Helper()
	n := &night{service: newService(t, "info"), t: t}
	n.start()
	admin := n.administrator()
	n.head = n.hire(admin, "head", head, offices...)
	n.auditor = n.hire(admin, "auditor", auditor)
	options := patient
	options.OnRetry = func() { n.repeats.Add(1) }
	for i := range 8 {
		hired := n.hire(admin, fmt.Sprintf("operator-%d", i), operator, offices[i%len(offices)])
		n.operators = append(n.operators, n.dial(hired.profile, options))
	}
	for i, r := range readRows(t) {
		intake, err := intakeOf(r, i)
		if err != nil {
			t.Fatal(err)
		}
		n.all = append(n.all, &taken{row: r, number: i, intake: intake, request: client.NewRequestID()})
	}
	if len(n.all) != rowCount {
		t.Fatalf("%d reports, want %d", len(n.all), rowCount)
	}
	n.all = append(n.all, spoilt(t)...)
	n.keepCheckpoints()
	return n
}

// spoilt are reports that must be refused, each for one field.
func spoilt(t *testing.T) []*taken {
	t.Helper()
	var all []*taken
	for i, spoil := range []func(*amparov1.Intake){
		func(in *amparov1.Intake) { in.GetIdentity().GetPerson().LegalName = "Zoraida \u202eipsiuQ" },
		func(in *amparov1.Intake) { in.GetIdentity().GetPerson().LegalName = strings.Repeat("Ñ", 201) },
		func(in *amparov1.Intake) { in.GetSafeContact().Address = "300 123 45 67" },
		func(in *amparov1.Intake) { in.GetIncidents()[0].Date = "2999-12-31" },
		func(in *amparov1.Intake) { in.GetIncidents()[0].Country = "ZZ" },
		func(in *amparov1.Intake) { in.GetIncidents()[0].PerpetratorCodes[0] = "123456789012" },
	} {
		report := row{
			ref: fmt.Sprintf("spoilt %d", i), date: "2020-02-29", name: "Ñusta Úrsula", perpetrator: "Police",
			countryNumeric: "076", personsCount: "1",
		}
		intake, err := intakeOf(report, rowCount+i)
		if err != nil {
			t.Fatal(err)
		}
		spoil(intake)
		all = append(all, &taken{row: report, number: rowCount + i, intake: intake, request: client.NewRequestID()})
	}
	return all
}

// refusedFields is the whole tally of refusals: the spoilt reports and nothing else.
var refusedFields = map[string]int{
	"intake.identity.person.legal_name":        2,
	"intake.safe_contact.address":              1,
	"intake.incidents[0].date":                 1,
	"intake.incidents[0].country":              1,
	"intake.incidents[0].perpetrator_codes[0]": 1,
}

// keepCheckpoints has every operator prove that the log holds all that it held when
// they looked last.
func (n *night) keepCheckpoints() {
	for _, p := range n.operators {
		if err := p.KeepCheckpoint(n.t.Context()); err != nil {
			n.t.Errorf("checkpoint of %s: %v", p.profile.Name, client.Explain(err))
		}
	}
}

func (n *night) timed(what string, do func()) {
	begun := time.Now()
	do()
	n.t.Logf("%s: %v", what, time.Since(begun).Round(time.Millisecond))
}

// takeIn sends the reports, eight at a time, and kills the service after each
// quarter of them.
func (n *night) takeIn() {
	reports := make(chan *taken)
	var operators sync.WaitGroup
	for i, p := range n.operators {
		operators.Go(func() {
			for report := range reports {
				report.operator, report.office = p, offices[i%len(offices)]
				n.take(report)
			}
		})
	}
	kills := []int{rowCount / 4, rowCount / 2, rowCount * 3 / 4}
	for i, report := range n.all {
		if slices.Contains(kills, i) {
			n.kill()
			n.t.Logf("killed after %d answers, back after %v", n.acked.Load(), n.start().Round(time.Millisecond))
		}
		reports <- report
	}
	close(reports)
	operators.Wait()
	if n.repeats.Load() < int64(len(kills)) {
		n.t.Errorf("only %d calls were cut off by %d kills: they did not fall in mid-stream", n.repeats.Load(), len(kills))
	}
}

// take sends one report until it is answered, as an operator would: what was
// refused for good is not sent again.
func (n *night) take(report *taken) {
	for range 20 {
		request := &amparov1.CreateIntakeRequest{RequestId: report.request, Intake: report.intake}
		answer, err := report.operator.Cases.CreateIntake(n.t.Context(), request)
		if err == nil {
			report.answer, report.state = answer, answer.GetCase().GetState()
			report.level = answer.GetCase().GetRiskLevel()
			n.acked.Add(1)
			return
		}
		report.refusal = client.Explain(err)
		switch report.refusal.Exit {
		case 1:
		case 6:
			n.busy.Add(1)
		default:
			return
		}
	}
}

// report prints every row that was refused, with its fields and their rules, and
// holds the tally against what had to be refused.
func (n *night) report() {
	tally := map[string]int{}
	for _, report := range n.all {
		if report.answer != nil {
			continue
		}
		n.t.Logf("%s was refused: %v", report.row.ref, report.refusal)
		if len(report.refusal.Fields) == 0 {
			n.t.Errorf("%s was refused without a field", report.row.ref)
		}
		for _, field := range report.refusal.Fields {
			tally[field.Path]++
			if field.Rule == "" {
				n.t.Errorf("%s was refused without a rule", report.row.ref)
			}
		}
	}
	if !maps.Equal(tally, refusedFields) {
		n.t.Errorf("refused %v, want %v", tally, refusedFields)
	}
	if n.acked.Load() != rowCount {
		n.t.Errorf("%d reports were taken in, want all %d", n.acked.Load(), rowCount)
	}
	n.t.Logf("%d taken in, %d refused, %d calls made again by the clients, %d answered busy", n.acked.Load(),
		int64(len(n.all))-n.acked.Load(), n.repeats.Load(), n.busy.Load())
	n.reportHints()
}

// reportHints counts how often each operator was told of a possible duplicate: ten
// times an hour, and anew after a restart.
func (n *night) reportHints() {
	hints := map[*person]int{}
	for _, report := range n.all {
		if report.answer.GetPossibleDuplicate() {
			hints[report.operator]++
		}
	}
	most := slices.Max(slices.Collect(maps.Values(hints)))
	if least := slices.Min(slices.Collect(maps.Values(hints))); least < 10 || most > 40 {
		n.t.Errorf("operators were told of %d to %d possible duplicates, want 10 to 40", least, most)
	}
}

// each runs do for every report that was taken in, several at a time, as the
// operators who took them.
func (n *night) each(do func(*taken)) {
	reports := make(chan *taken)
	var workers sync.WaitGroup
	for range 32 {
		workers.Go(func() {
			for report := range reports {
				do(report)
			}
		})
	}
	for _, report := range n.all {
		if report.answer != nil {
			reports <- report
		}
	}
	close(reports)
	workers.Wait()
}

// work triages some cases, and puts on hold or closes some of these.
func (n *night) work() {
	levels := []amparov1.RiskLevel{
		amparov1.RiskLevel_RISK_LEVEL_EXTREME, amparov1.RiskLevel_RISK_LEVEL_HIGH,
		amparov1.RiskLevel_RISK_LEVEL_MEDIUM, amparov1.RiskLevel_RISK_LEVEL_LOW,
	}
	n.each(func(c *taken) {
		if c.number%5 != 0 {
			return
		}
		level := levels[c.number/5%len(levels)]
		answer, err := c.operator.Cases.TriageCase(n.t.Context(), &amparov1.TriageCaseRequest{
			CaseId: c.caseID(), PriorityClass: amparov1.PriorityClass_PRIORITY_CLASS_HRD_AT_RISK,
			Programme: amparov1.Programme_PROGRAMME_EMERGENCY_SUPPORT, Outcome: amparov1.TriageOutcome_TRIAGE_OUTCOME_ACCEPTED,
			Risk: &amparov1.RiskJudgement{Level: level, Reasons: "the report says so"},
		})
		n.moved(c, answer.GetCase(), err)
		switch {
		case c.number%15 == 0:
			held, err := c.operator.Cases.HoldCase(n.t.Context(), &amparov1.HoldCaseRequest{
				CaseId: c.caseID(), Reason: amparov1.HoldReason_HOLD_REASON_LOST_CONTACT,
			})
			n.moved(c, held.GetCase(), err)
		case c.number%20 == 0:
			closed, err := c.operator.Cases.CloseCase(n.t.Context(), &amparov1.CloseCaseRequest{
				CaseId: c.caseID(), Closing: &amparov1.Closing{
					Reason: amparov1.ClosureReason_CLOSURE_REASON_LOST_CONTACT, Outcome: "none",
					RetentionWish: amparov1.RetentionWish_RETENTION_WISH_COULD_NOT_ASK,
				},
			})
			n.moved(c, closed.GetCase(), err)
		}
	})
}

func (n *night) moved(c *taken, receipt *amparov1.CaseReceipt, err error) {
	if err != nil {
		n.t.Errorf("%s: %v", c.row.ref, client.Explain(err))
		return
	}
	c.state, c.level = receipt.GetState(), receipt.GetRiskLevel()
}

// respelt is a name in another case and other spaces.
func respelt(name string) string {
	return strings.Join(strings.Fields(strings.ToUpper(name)), "   ")
}
