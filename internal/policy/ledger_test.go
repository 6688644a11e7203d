package policy_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/policy"
)

const (
	countersignature = amparov1.TermKind_TERM_KIND_COUNTERSIGNATURE
	reconfirmation   = amparov1.TermKind_TERM_KIND_CONSENT_RECONFIRMATION
	settlement       = amparov1.TermKind_TERM_KIND_WITHDRAWAL_SETTLEMENT
	answer           = amparov1.TermKind_TERM_KIND_RETURN_ANSWER
	informing        = amparov1.TermKind_TERM_KIND_DUTY_TO_INFORM

	identity = amparov1.DataCategory_DATA_CATEGORY_IDENTITY
	location = amparov1.DataCategory_DATA_CATEGORY_LOCATION
	health   = amparov1.DataCategory_DATA_CATEGORY_HEALTH
	image    = amparov1.DataCategory_DATA_CATEGORY_IMAGE

	phone    = amparov1.ContactChannel_CONTACT_CHANNEL_PHONE
	sms      = amparov1.ContactChannel_CONTACT_CHANNEL_SMS
	signal   = amparov1.ContactChannel_CONTACT_CHANNEL_SIGNAL
	whatsApp = amparov1.ContactChannel_CONTACT_CHANNEL_WHATSAPP
	another  = amparov1.ContactChannel_CONTACT_CHANNEL_OTHER
)

// at returns what the policy demands at a level, to be changed.
func at(p *amparov1.Policy, name string) *amparov1.LevelPolicy {
	level := amparov1.RiskLevel(amparov1.RiskLevel_value["RISK_LEVEL_"+strings.ToUpper(name)])
	return p.GetLevels()[slices.IndexFunc(p.GetLevels(), func(l *amparov1.LevelPolicy) bool { return l.GetLevel() == level })]
}

// TestTermsOfTheLedger: what hangs on a signature, a withdrawal or an answer.
func TestTermsOfTheLedger(t *testing.T) {
	length := func(kind amparov1.TermKind, text string) func(*amparov1.Policy) {
		return func(p *amparov1.Policy) { term(p, kind).Length.EveryLevel = text }
	}
	try(t, []idea{
		{"a second signature within the shift", "", 0, length(countersignature, "8h")},
		{"after two days", "policy.terms[12].length.every_level", unsafe, length(countersignature, "48h")},
		{"on the next day, which may end later", "policy.terms[12].length.every_level", unsafe, length(countersignature, "1d")},
		{"what was allowed is asked again sooner", "", 0, func(p *amparov1.Policy) { term(p, reconfirmation).Length.Extreme = "24h" }},
		{"and never at an extreme risk", "policy.terms[13].length.extreme", unsafe, func(p *amparov1.Policy) { term(p, reconfirmation).Length.Extreme = "720h" }},
		{"a withdrawal is settled within a day", "", 0, length(settlement, "24h")},
		{"within the hour: whoever was made to withdraw has no time", "policy.terms[14].length.every_level", unsafe, length(settlement, "1h")},
		{"by the end of the next day, which may come sooner", "policy.terms[14].length.every_level", unsafe, length(settlement, "1d")},
		{"within a week", "", 0, length(settlement, "168h")},
		{"within a month", "policy.terms[14].length.every_level", unsafe, length(settlement, "720h")},
		{"a past recipient has a month", "", 0, length(answer, "1mo")},
		{"or two", "policy.terms[15].length.every_level", unsafe, length(answer, "2mo")},
		{"the person is told within a month of days", "", 0, length(informing, "30d")},
		{"within a quarter", "policy.terms[16].length.every_level", unsafe, length(informing, "90d")},
	})
}

// TestLevelsDemandMore: a higher risk never gets less care.
func TestLevelsDemandMore(t *testing.T) {
	try(t, []idea{
		{"two agree at an extreme risk", "", 0, func(p *amparov1.Policy) { at(p, "extreme").Approvals = 2 }},
		{"nobody at a high one", "policy.levels[3].approvals", unsafe, func(p *amparov1.Policy) { at(p, "high").Approvals, at(p, "not_assessed").Approvals = 0, 0 }},
		{"nobody where nobody has assessed", "", 0, func(p *amparov1.Policy) { at(p, "not_assessed").Approvals = 0 }},
		{"fewer at a high risk than at a medium one", "policy.levels[0].approvals", unsafe, func(p *amparov1.Policy) { at(p, "medium").Approvals = 2 }},
		{"more than the service counts", "policy.levels[4].approvals", invalid, func(p *amparov1.Policy) { at(p, "extreme").Approvals = 3 }},
		{"another sealed messenger at an extreme risk", "", 0, func(p *amparov1.Policy) {
			for _, name := range []string{"not_assessed", "high", "extreme"} {
				at(p, name).Channels = append(at(p, name).Channels, another)
			}
		}},
		{"WhatsApp at a high risk", "", 0, func(p *amparov1.Policy) {
			at(p, "not_assessed").Channels, at(p, "high").Channels = nil, append(at(p, "high").Channels, whatsApp)
		}},
		{"at an extreme one", "policy.levels[4].channels", unsafe, func(p *amparov1.Policy) {
			for _, name := range []string{"not_assessed", "high", "extreme"} {
				at(p, name).Channels = append(at(p, name).Channels, whatsApp)
			}
		}},
		{"a text message at a high risk", "policy.levels[3].channels", unsafe, func(p *amparov1.Policy) {
			at(p, "not_assessed").Channels, at(p, "high").Channels = nil, append(at(p, "high").Channels, sms)
		}},
		{"any way at a high risk", "policy.levels[3].channels", unsafe, func(p *amparov1.Policy) { at(p, "high").Channels, at(p, "not_assessed").Channels = nil, nil }},
		{"more ways at a high risk than where nobody has assessed", "policy.levels[3].channels", unsafe, func(p *amparov1.Policy) {
			at(p, "high").Channels = append(at(p, "high").Channels, phone)
		}},
		{"where somebody is goes along at a high risk", "policy.levels[3].held_back", unsafe, func(p *amparov1.Policy) {
			at(p, "high").HeldBack, at(p, "not_assessed").HeldBack = nil, nil
		}},
		{"a picture goes along at an extreme risk and not at a high one", "policy.levels[4].held_back", unsafe, func(p *amparov1.Policy) {
			at(p, "high").HeldBack, at(p, "extreme").HeldBack = append(at(p, "high").HeldBack, image), []amparov1.DataCategory{location}
		}},
		{"only the team finds an extreme risk", "", 0, func(p *amparov1.Policy) { at(p, "extreme").Search = amparov1.SearchReach_SEARCH_REACH_TEAM }},
		{"everybody finds an extreme risk and the shift a high one", "policy.levels[4].search", unsafe, func(p *amparov1.Policy) {
			at(p, "high").Search, at(p, "extreme").Search = amparov1.SearchReach_SEARCH_REACH_SHIFT, amparov1.SearchReach_SEARCH_REACH_OFFICE
		}},
		{"nobody says who finds a case", "policy.levels[1].search", invalid, func(p *amparov1.Policy) { at(p, "low").Search = 0 }},
		{"an act at an extreme risk is looked at within the hour", "", 0, func(p *amparov1.Policy) { at(p, "extreme").ReassessAfterIncident = "1h" }},
		{"within two days", "policy.levels[4].reassess_after_incident", unsafe, func(p *amparov1.Policy) { at(p, "extreme").ReassessAfterIncident = "48h" }},
		{"later than at a high risk", "policy.levels[4].reassess_after_incident", unsafe, func(p *amparov1.Policy) {
			at(p, "high").ReassessAfterIncident, at(p, "extreme").ReassessAfterIncident = "1h", "2h"
		}},
		{"in days", "policy.levels[1].reassess_after_incident", invalid, func(p *amparov1.Policy) { at(p, "low").ReassessAfterIncident = "7d" }},
		{"a level is left out", "policy.levels", invalid, func(p *amparov1.Policy) { p.Levels = p.GetLevels()[1:] }},
		{"a level stands twice", "policy.levels[5].level", invalid, func(p *amparov1.Policy) { p.Levels = append(p.GetLevels(), at(p, "low")) }},
	})
}

// TestWhatLeaves: consents, what leaves, and on which other basis.
func TestWhatLeaves(t *testing.T) {
	const subjectAccess, safeguarding, order = 1, 2, 4
	try(t, []idea{
		{"a release for a month", "", 0, func(p *amparov1.Policy) { p.Consent.Release.Length = "720h" }},
		{"for half a year", "policy.consent.release.length", unsafe, func(p *amparov1.Policy) { p.Consent.Release.Length = "4380h" }},
		{"for a minute: nobody would ask for one", "policy.consent.release.length", unsafe, func(p *amparov1.Policy) { p.Consent.Release.Length = "1min" }},
		{"a stay is followed for ever", "policy.consent.follow_up.length", unsafe, func(p *amparov1.Policy) { p.Consent.FollowUp.Length = "20000h" }},
		{"what is written down on the next day is not late", "policy.consent.late_after.length", unsafe, func(p *amparov1.Policy) { p.Consent.LateAfter.Length = "25h" }},
		{"a lawyer for the length of a stay", "", 0, func(p *amparov1.Policy) {
			p.Consent.Stay.Purposes = append(p.Consent.Stay.Purposes, amparov1.Purpose_PURPOSE_LEGAL_ASSISTANCE)
		}},
		{"the press for the length of a stay", "policy.consent.stay.purposes", unsafe, func(p *amparov1.Policy) {
			p.Consent.Stay.Purposes = append(p.Consent.Stay.Purposes, amparov1.Purpose_PURPOSE_MEDIA)
		}},
		{"a stay without a stay", "policy.consent.stay.purposes", invalid, func(p *amparov1.Policy) { p.Consent.Stay.Purposes = p.Consent.Stay.Purposes[1:] }},
		{"no basis in law", "policy.consent.legal_basis.basis", invalid, func(p *amparov1.Policy) { p.Consent.LegalBasis.Basis = 0 }},
		{"a check holds for a month", "policy.disclosure.check_valid.length", unsafe, func(p *amparov1.Policy) { p.Disclosure.CheckValid.Length = "720h" }},
		{"an act for a life holds for two weeks", "policy.disclosure.vital_act.length", unsafe, func(p *amparov1.Policy) { p.Disclosure.VitalAct.Length = "336h" }},
		{"a hospital is told what ails somebody", "", 0, func(p *amparov1.Policy) {
			p.Disclosure.Minimum.Categories = append(p.Disclosure.Minimum.Categories, health)
		}},
		{"and given a picture", "policy.disclosure.minimum.categories", unsafe, func(p *amparov1.Policy) {
			p.Disclosure.Minimum.Categories = append(p.Disclosure.Minimum.Categories, image)
		}},
		{"and told nothing", "policy.disclosure.minimum.categories", invalid, func(p *amparov1.Policy) { p.Disclosure.Minimum.Categories = nil }},
		{"a report that protects a child waits for nobody", "", 0, func(p *amparov1.Policy) { p.Bases[safeguarding].Approvals = 0 }},
		{"one person alone obeys an order", "policy.bases[4].approvals", unsafe, func(p *amparov1.Policy) { p.Bases[order].Approvals = 0 }},
		{"one person alone gives everything away", "policy.bases[1].approvals", unsafe, func(p *amparov1.Policy) { p.Bases[subjectAccess].Approvals = 0 }},
		{"three look at an order", "policy.bases[4].approvals", invalid, func(p *amparov1.Policy) { p.Bases[order].Approvals = 3 }},
		{"a request to delete says whom it is about", "policy.bases[0].categories", unsafe, func(p *amparov1.Policy) {
			p.Bases[0].Categories = append(p.Bases[0].Categories, identity)
		}},
		{"a notice of a breach says whom it is about", "policy.bases[3].categories", unsafe, func(p *amparov1.Policy) {
			p.Bases[3].Categories = append(p.Bases[3].Categories, identity)
		}},
		{"a basis on which nothing leaves", "policy.bases[2].categories", invalid, func(p *amparov1.Policy) { p.Bases[safeguarding].Categories = nil }},
		{"a basis in no law", "policy.bases[2].legal_basis", invalid, func(p *amparov1.Policy) { p.Bases[safeguarding].LegalBasis = "" }},
		{"a basis is left out", "policy.bases", invalid, func(p *amparov1.Policy) { p.Bases = p.Bases[1:] }},
		{"a basis stands twice", "policy.bases[5].basis", invalid, func(p *amparov1.Policy) { p.Bases = append(p.Bases, p.Bases[0]) }},
	})
}

// TestDemandsOfOldPolicies: where a policy says nothing, what comes with the program is
// demanded.
func TestDemandsOfOldPolicies(t *testing.T) {
	old, low := &amparov1.Policy{}, amparov1.RiskLevel_RISK_LEVEL_LOW
	if got := policy.Demands(old, amparov1.RiskLevel_RISK_LEVEL_EXTREME); got.GetApprovals() != 1 || policy.MayLeaveBy(got, phone) || !policy.MayLeaveBy(got, signal) {
		t.Error("an old policy lets anything leave at an extreme risk")
	}
	if !policy.MayLeaveBy(policy.Demands(old, low), phone) {
		t.Error("no way is named at a low risk, and not every way is allowed")
	}
	for unknown, as := range map[amparov1.RiskLevel]amparov1.RiskLevel{
		0: amparov1.RiskLevel_RISK_LEVEL_NOT_ASSESSED, 77: amparov1.RiskLevel_RISK_LEVEL_EXTREME,
	} {
		if got := policy.Demands(policy.Default(), unknown).GetLevel(); got != as {
			t.Errorf("level %d counts as %v, want %v", unknown, got, as)
		}
	}
	if got := policy.BasisOf(old, amparov1.ListedBasis_LISTED_BASIS_COURT_ORDER); got.GetApprovals() != 2 {
		t.Errorf("an old policy asks %d people about an order", got.GetApprovals())
	}
	if policy.BasisOf(policy.Default(), amparov1.ListedBasis_LISTED_BASIS_UNSPECIFIED) != nil {
		t.Error("no basis is one")
	}
	changed := policy.Default()
	changed.Levels[1].Approvals, changed.Bases[0].Approvals = 2, 1
	for gate, want := range map[amparov1.Gate]int{
		amparov1.Gate_GATE_HARM_CHECK: 2, amparov1.Gate_GATE_LISTED_BASIS: 2, amparov1.Gate_GATE_COUNTERSIGNATURE: 1, amparov1.Gate_GATE_ENROLMENT: 1,
	} {
		if got := policy.Approvals(changed, gate); got != want {
			t.Errorf("%v takes %d, want %d", gate, got, want)
		}
	}
	if got := policy.Approvals(old, amparov1.Gate_GATE_HARM_CHECK); got != 1 {
		t.Errorf("by an old policy a check takes %d", got)
	}
}

// TestTheBookHurries: how soon after an act the risk is assessed again.
func TestTheBookHurries(t *testing.T) {
	p := policy.Default()
	at(p, "low").ReassessAfterIncident = "100h"
	book, err := policy.Book(p, 1, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	known := time.Date(2026, 3, 14, 3, 0, 0, 0, time.UTC)
	for name, hours := range map[string]int{"low": 100, "medium": 72, "not_assessed": 24, "high": 24, "extreme": 4} {
		by, exists := book.ReassessBy(at(p, name).GetLevel(), known)
		if want := known.Add(time.Duration(hours) * time.Hour); !exists || !by.Equal(want) {
			t.Errorf("%s: by %v, want %v", name, by, want)
		}
	}
}

// TestSearchingAllocatesNothing: a search asks for every candidate.
func TestSearchingAllocatesNothing(t *testing.T) {
	p := policy.Default()
	if n := testing.AllocsPerRun(100, func() { policy.Demands(p, amparov1.RiskLevel_RISK_LEVEL_EXTREME) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestPassingLevels draws demands, and holds those that pass to the one sentence: no
// level is laxer than the one below it.
func TestPassingLevels(t *testing.T) {
	passed := 0
	rapid.Check(t, func(t *rapid.T) {
		p := policy.Default()
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			l := p.GetLevels()[rapid.IntRange(0, 4).Draw(t, "level")]
			switch rapid.SampledFrom([]string{"approvals", "channels", "held back", "search", "again"}).Draw(t, "what") {
			case "approvals":
				l.Approvals = rapid.Uint32Range(0, 3).Draw(t, "approvals")
			case "channels":
				l.Channels = rapid.SliceOfDistinct(rapid.SampledFrom([]amparov1.ContactChannel{phone, sms, signal, another}), rapid.ID[amparov1.ContactChannel]).Draw(t, "channels")
			case "held back":
				l.HeldBack = rapid.SliceOfDistinct(rapid.SampledFrom([]amparov1.DataCategory{location, image, health}), rapid.ID[amparov1.DataCategory]).Draw(t, "held back")
			case "search":
				l.Search = rapid.SampledFrom([]amparov1.SearchReach{1, 2, 3}).Draw(t, "search")
			case "again":
				l.ReassessAfterIncident = rapid.SampledFrom([]string{"30min", "4h", "24h", "72h", "300h"}).Draw(t, "again")
			}
		}
		if policy.Check(p) != nil {
			return
		}
		passed++
		order := []string{"low", "medium", "not_assessed", "high", "extreme"}
		for i, name := range order[1:] {
			l, below := at(p, name), at(p, order[i])
			for way := range amparov1.ContactChannel_name {
				if way := amparov1.ContactChannel(way); policy.MayLeaveBy(l, way) && !policy.MayLeaveBy(below, way) {
					t.Fatalf("%v leaves at %s and not at %s", way, name, order[i])
				}
			}
			again, _ := policy.Span(l.GetReassessAfterIncident())
			before, _ := policy.Span(below.GetReassessAfterIncident())
			if l.GetApprovals() < below.GetApprovals() || l.GetSearch() < below.GetSearch() || again > before {
				t.Fatalf("%s is laxer than %s", name, order[i])
			}
		}
		if l := at(p, "extreme"); l.GetApprovals() == 0 || policy.MayLeaveBy(l, sms) || policy.MayLeaveBy(l, phone) || !slices.Contains(l.GetHeldBack(), location) {
			t.Fatal("an extreme risk is treated like any other")
		}
	})
	if passed < 5 {
		t.Errorf("only %d policies passed: the property was hardly tried", passed)
	}
}

// TestDifferencesOfTheLedger: ages go by country and age, levels and bases by name.
func TestDifferencesOfTheLedger(t *testing.T) {
	after := policy.Default()
	at(after, "low").Approvals = 1
	after.Bases[2].Approvals = 0
	after.Children[2].ChildInWriting = false
	row := proto.CloneOf(after.Children[0])
	row.Country, row.Source = "FR", "x"
	after.Children = append(after.Children, row)
	var got []string
	for _, d := range policy.Differences(policy.Default(), after) {
		got = append(got, d.GetPath()+": "+d.GetBefore()+" -> "+d.GetAfter())
	}
	want := []string{
		"bases.safeguarding_report.approvals: 1 -> ",
		"children.all.from_12.child_in_writing: true -> ",
		"levels.low.approvals:  -> 1",
		"children.FR.from_0.country:  -> FR",
		"children.FR.from_0.child:  -> explained",
		"children.FR.from_0.caregiver:  -> consent",
		"children.FR.from_0.without:  -> other_adult",
		"children.FR.from_0.consent_in_writing:  -> true",
		"children.FR.from_0.source:  -> x",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the differences are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
