package main

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

var update = flag.Bool("update", false, "write the golden files anew")

func in(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(testNow.Add(d)) }

// The pages that people read all day, byte by byte.
func TestPages(t *testing.T) {
	rows := []*amparov1.QueueRow{
		{
			CaseId: exampleCase, Office: "berlin", State: amparov1.CaseState_CASE_STATE_TRIAGED, RiskLevel: amparov1.RiskLevel_RISK_LEVEL_EXTREME,
			PriorityClass: amparov1.PriorityClass_PRIORITY_CLASS_HRD_AT_RISK, NextTerm: amparov1.TermKind_TERM_KIND_FIRST_CONTACT,
			Due: in(-2*time.Hour - 5*time.Minute), OwnerId: "me", Restricted: true, PossibleDuplicate: true,
		},
		{
			CaseId: "lq3c5vd2gkzxwhm7ynbt4jsofa", Office: "berlin", State: amparov1.CaseState_CASE_STATE_RECEIVED,
			NextTerm: amparov1.TermKind_TERM_KIND_TRIAGE, Due: in(3*time.Hour + 20*time.Minute), OwnerId: "p4x7mzq2vhd6wkfyc3ntbgjs5a",
		},
		{
			CaseId: "p4x7mzq2vhd6wkfyc3ntbgjs5a", Office: "a-coruna", State: amparov1.CaseState_CASE_STATE_MONITORING,
			RiskLevel: amparov1.RiskLevel_RISK_LEVEL_LOW, PriorityClass: amparov1.PriorityClass_PRIORITY_CLASS_OTHER_INQUIRY,
			NextTerm: amparov1.TermKind_TERM_KIND_CHECK_IN, Due: in(77 * time.Hour), RiskConfirmationWaits: true,
		},
	}
	request := wantRequest(t)
	whole := &amparov1.GetCaseResponse{
		Case: &amparov1.Case{
			Id: exampleCase, Pseudonym: "keur7ih42yyyvf5ha4paug6zba", Office: "berlin", State: amparov1.CaseState_CASE_STATE_ON_HOLD,
			HoldReason: amparov1.HoldReason_HOLD_REASON_LOST_CONTACT, HeldFrom: amparov1.CaseState_CASE_STATE_ACTIVE,
			RiskLevel: amparov1.RiskLevel_RISK_LEVEL_HIGH, ReceivedAt: in(-30 * time.Hour), Channel: amparov1.Channel_CHANNEL_HOTLINE,
			PriorityClass: amparov1.PriorityClass_PRIORITY_CLASS_HRD_AT_RISK, OwnerId: "lq3c5vd2gkzxwhm7ynbt4jsofa",
			TriageOutcome: amparov1.TriageOutcome_TRIAGE_OUTCOME_ACCEPTED, Terms: []*amparov1.Term{
				{Kind: amparov1.TermKind_TERM_KIND_TRIAGE, Due: in(-29 * time.Hour), MetAt: in(-28 * time.Hour)},
				{Kind: amparov1.TermKind_TERM_KIND_SUPPORT_DECISION, Due: in(18 * time.Hour)},
				{Kind: amparov1.TermKind_TERM_KIND_CHECK_IN, Due: in(30 * time.Minute)},
			},
		},
		Intake: request.GetIntake(), Identity: request.GetIntake().GetIdentity(), Advice: arrested(request.GetIntake().GetSafeContact()),
	}
	pages := map[string]func(*page){
		"queue":        func(p *page) { p.queue(rows, "me") },
		"queue-narrow": func(p *page) { p.width = 100; p.queue(rows, "me") },
		"queue-colour": func(p *page) { p.colour = true; p.queue(rows, "me") },
		"case":         func(p *page) { p.wholeCase(whole) },
	}
	for name, draw := range pages {
		wantGolden(t, name, draw)
	}
}

// wantGolden compares a page with its golden file.
func wantGolden(t *testing.T, name string, draw func(*page)) {
	t.Helper()
	p := &page{now: testNow, zone: time.UTC}
	draw(p)
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, p.bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(p.bytes(), want) {
		t.Errorf("%s differs:\n%s", name, p.bytes())
	}
}

// Whatever a file holds, a terminal is shown plain text: the marks of colour are
// this program's own, and there are none without a terminal.
func TestNoTextMovesTheCursor(t *testing.T) {
	hostile := "name\x1b]0;title\x07\x1b[2J\u202e\u009b5m"
	whole := &amparov1.GetCaseResponse{
		Case:     &amparov1.Case{Id: hostile, Pseudonym: hostile, Office: hostile, OwnerId: hostile, TeamIds: []string{hostile}},
		Identity: &amparov1.Identity{Subject: &amparov1.Identity_Person{Person: &amparov1.Person{LegalName: hostile, Aliases: []string{hostile}}}},
		Intake:   &amparov1.Intake{Situation: "a\n" + hostile, SafeContact: &amparov1.SafeContact{CodeWord: hostile}},
		Risk:     &amparov1.RiskAssessment{Judgement: &amparov1.RiskJudgement{Reasons: hostile, Threats: []string{hostile}}},
	}
	pages := map[string]func(*page){
		"case":  func(p *page) { p.wholeCase(whole) },
		"queue": func(p *page) { p.queue([]*amparov1.QueueRow{{CaseId: hostile, Office: hostile, OwnerId: hostile}}, "") },
		"staff": func(p *page) {
			p.directory([]*amparov1.StaffMember{{Id: hostile, Name: hostile, Offices: []string{hostile}}})
			p.staff(&amparov1.StaffMember{Id: hostile, Name: hostile, Languages: []string{hostile}})
		},
		"devices": func(p *page) { p.devices([]*amparov1.Device{{Id: hostile, ConfirmedById: hostile}}) },
		"timeline": func(p *page) {
			p.timelineEntry(&amparov1.TimelineEntry{Text: hostile, StaffId: hostile, ColleagueId: hostile})
		},
		"log": func(p *page) {
			p.leaves([]*amparov1.LoggedLeaf{{Leaf: &amparov1.AuditLeaf{StaffId: hostile, Shown: []string{hostile}}}})
		},
		"rota":   func(p *page) { p.rotas(hostileRota(hostile), map[string]string{hostile: hostile}) },
		"alarms": func(p *page) { p.alarms([]*amparov1.Alarm{{Id: hostile, CaseId: hostile, Office: hostile}}, nil) },
		"safety": func(p *page) {
			advice := arrested(&amparov1.SafeContact{Address: hostile, Instructions: hostile})
			advice.Instruction.Text, advice.Contacts[0].LocalTime = hostile, hostile
			p.advice(advice)
		},
		"interpreters": func(p *page) { p.interpreters([]*amparov1.Interpreter{{Id: hostile, VettedById: hostile}}) },
		"links": func(p *page) {
			p.links(&amparov1.ShowLinksResponse{
				Linked:    []*amparov1.LinkedCase{{CaseId: hostile, OwnerId: hostile}},
				Incidents: []*amparov1.IncidentGroup{{Id: hostile, OwnerIds: []string{hostile}}},
			})
		},
		"handover": func(p *page) {
			items := []*amparov1.HandoverItem{{Entry: &amparov1.HandoverEntry{CaseId: hostile, Note: hostile}, Refusal: hostile}}
			p.handover(&amparov1.Handover{Id: hostile, FromId: hostile, ToId: hostile, Items: items, Offer: &amparov1.HandoverSignature{DeviceId: hostile}})
		},
		"plan": func(p *page) {
			p.plan(&amparov1.ProtectionPlan{WrittenById: hostile, Content: &amparov1.PlanContent{EmergencyPlan: hostile}})
		},
		"differences": func(p *page) {
			p.differences("", []*amparov1.PolicyDifference{{Path: hostile, Before: hostile, After: hostile}})
		},
		"staffing": func(p *page) {
			p.gaps([]*amparov1.StaffingGap{{Office: hostile, NeededStaffIds: []string{hostile}}}, map[string]string{hostile: hostile})
		},
		"waiting": func(p *page) { p.waiting([]*amparov1.KeptCapsule{{RequestId: hostile}}) },
		"receipt": func(p *page) { p.receipt(&amparov1.CaseReceipt{CaseId: hostile, Pseudonym: hostile}) },
		"text":    func(p *page) { p.read("one\n" + hostile + "\n") },
		"breaches": func(p *page) {
			p.breaches([]*amparov1.BreachRow{{CaseId: hostile, Pseudonym: hostile, Breach: &amparov1.BreachDraft{Text: hostile, HighRisk: true}}})
		},
		"disclosed": func(p *page) {
			p.disclosed(&amparov1.DiscloseResponse{Case: &amparov1.CaseReceipt{CaseId: hostile}, SecondDueAt: in(time.Hour)}, amparov1.DisclosureTrack_DISCLOSURE_TRACK_VITAL_INTERESTS)
		},
		"decision": func(p *page) {
			p.decision(&amparov1.Decision{Obstacles: []*amparov1.Obstacle{{Field: hostile, Rule: hostile}}})
		},
		"to agree": func(p *page) { p.toAgree(hostile, 1, 1) },
		"texts":    func(p *page) { p.texts([]*amparov1.TextVersion{{Id: hostile, Language: hostile}}) },
		"advice":   func(p *page) { p.eligibility([]*amparov1.EligibilityAdvice{{Quote: hostile}}) },
	}
	for name, draw := range pages {
		p := &page{now: testNow, zone: time.UTC}
		draw(p)
		if strings.ContainsAny(string(p.bytes()), "\x1b\x07\u202e\u009b") {
			t.Errorf("%s lets control characters through", name)
		}
		if !strings.Contains(string(p.bytes()), "name") {
			t.Errorf("%s shows nothing", name)
		}
	}
}

func TestSpans(t *testing.T) {
	for d, want := range map[time.Duration]string{
		29 * time.Second: "under 1 min", 59 * time.Minute: "59 min", time.Hour: "1 h", 4*time.Hour - time.Second: "4 h",
		3*time.Hour + 20*time.Minute: "3 h 20 min", 47 * time.Hour: "47 h", 48 * time.Hour: "2 d", 77 * time.Hour: "3 d 5 h",
	} {
		if got := span(d); got != want {
			t.Errorf("%s = %q, want %q", d, got, want)
		}
	}
}

func TestJSONIsOneLine(t *testing.T) {
	var out bytes.Buffer
	a := &app{terminal: &terminal{out: &out, err: io.Discard}, output: "json", now: time.Now, zone: time.UTC}
	if err := a.show(&amparov1.AddNoteResponse{Case: &amparov1.CaseReceipt{CaseId: "x", Version: 3}}, nil); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != `{"case":{"caseId":"x","version":"3"}}`+"\n" {
		t.Errorf("json = %q", got)
	}
}

func wantRequest(t *testing.T) *amparov1.CreateIntakeRequest {
	t.Helper()
	i, _, _ := drive(typedAnswers)
	if err := i.askAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	prune(i.request.ProtoReflect())
	return proto.CloneOf(i.request)
}
