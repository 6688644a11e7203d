package risk_test

import (
	"math/big"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/risk"
)

const (
	unset       = amparov1.RiskLevel_RISK_LEVEL_UNSPECIFIED
	notAssessed = amparov1.RiskLevel_RISK_LEVEL_NOT_ASSESSED
	low         = amparov1.RiskLevel_RISK_LEVEL_LOW
	medium      = amparov1.RiskLevel_RISK_LEVEL_MEDIUM
	high        = amparov1.RiskLevel_RISK_LEVEL_HIGH
	extreme     = amparov1.RiskLevel_RISK_LEVEL_EXTREME

	inForce    = amparov1.RiskStanding_RISK_STANDING_IN_FORCE
	proposed   = amparov1.RiskStanding_RISK_STANDING_PROPOSED
	superseded = amparov1.RiskStanding_RISK_STANDING_SUPERSEDED
)

var night = time.Date(2026, time.March, 29, 3, 0, 0, 0, time.UTC)

func TestIndicative(t *testing.T) {
	for _, row := range []struct {
		name       string
		t, v, c    uint32
		threat     bool
		injury     bool
		level      amparov1.RiskLevel
		hundredths uint32
	}{
		{"the least", 1, 1, 5, false, false, low, 20},
		{"the most", 5, 5, 1, false, false, extreme, 2500},
		{"just below three", 2, 4, 3, false, false, low, 266},
		{"three", 3, 4, 4, false, false, medium, 300},
		{"below six", 5, 4, 4, false, false, medium, 500},
		{"six", 4, 3, 2, false, false, high, 600},
		{"below twelve", 5, 4, 2, false, false, high, 1000},
		{"twelve", 4, 3, 1, false, false, extreme, 1200},
		{"a capable death threat makes low high", 1, 1, 5, true, false, high, 20},
		{"an injury makes medium high", 3, 4, 4, false, true, high, 300},
		{"a guard lowers nothing", 5, 5, 1, true, true, extreme, 2500},
		{"no capacities rated: no score, and no division", 5, 5, 0, false, false, unset, 0},
		{"no threats rated", 0, 5, 1, false, false, unset, 0},
		{"no vulnerabilities rated", 5, 0, 1, false, false, unset, 0},
		{"nothing rated, and a death threat", 0, 0, 0, true, false, high, 0},
		{"a rating beyond the scale is none", 6, 5, 1, false, false, unset, 0},
	} {
		level, score := risk.Indicative(&amparov1.RiskJudgement{
			ThreatRating: row.t, VulnerabilityRating: row.v, CapacityRating: row.c,
			CapableDeathThreat: row.threat, RecentInjuryOrAbduction: row.injury,
		})
		if level != row.level || score != row.hundredths {
			t.Errorf("%s: %v with %d, want %v with %d", row.name, level, score, row.level, row.hundredths)
		}
	}
}

// TestIndicativeAgreesWithFractions compares all 125 ratings with exact arithmetic.
func TestIndicativeAgreesWithFractions(t *testing.T) {
	for i := range int64(125) {
		threat, vulnerability, capacity := i%5+1, i/5%5+1, i/25+1
		score := big.NewRat(threat*vulnerability, capacity)
		want := low
		for _, bound := range []struct {
			from  int64
			level amparov1.RiskLevel
		}{{3, medium}, {6, high}, {12, extreme}} {
			if score.Cmp(big.NewRat(bound.from, 1)) >= 0 {
				want = bound.level
			}
		}
		level, _ := risk.Indicative(&amparov1.RiskJudgement{
			ThreatRating: uint32(threat), VulnerabilityRating: uint32(vulnerability), CapacityRating: uint32(capacity),
		})
		if level != want {
			t.Errorf("%d x %d / %d: %v, want %v", threat, vulnerability, capacity, level, want)
		}
	}
}

func TestRank(t *testing.T) {
	order := []amparov1.RiskLevel{extreme, high, notAssessed, medium, low}
	for i, level := range order {
		for j, floor := range order {
			if risk.AtLeast(level, floor) != (i <= j) {
				t.Errorf("%v at least %v: %v", level, floor, i > j)
			}
		}
		if !risk.AtLeast(level, unset) {
			t.Errorf("%v is below no floor at all", level)
		}
	}
	if risk.Rank(unset) != risk.Rank(notAssessed) {
		t.Error("unset and not assessed differ")
	}
}

// TestOneJudgement has a row for every level before and every level stated.
func TestOneJudgement(t *testing.T) {
	const refused = amparov1.RiskStanding_RISK_STANDING_UNSPECIFIED
	stated := []amparov1.RiskLevel{notAssessed, low, medium, high, extreme}
	for before, want := range map[amparov1.RiskLevel][5]amparov1.RiskStanding{
		// stated:     not assessed, low,      medium,   high,     extreme
		unset:       {inForce, inForce, inForce, inForce, inForce},
		notAssessed: {inForce, inForce, inForce, inForce, inForce},
		low:         {refused, inForce, inForce, inForce, inForce},
		medium:      {refused, proposed, inForce, inForce, inForce},
		high:        {refused, proposed, proposed, inForce, inForce},
		extreme:     {refused, proposed, proposed, proposed, inForce},
	} {
		for i, level := range stated {
			c := &amparov1.Case{RiskLevel: before}
			made, err := risk.Assess(c, nil, &amparov1.RiskJudgement{Level: level}, "first", night)
			if want[i] == refused {
				if !fault.Is(err, fault.Invalid) || c.GetRiskLevel() != before {
					t.Errorf("%v to %v: %v, want a refusal", before, level, err)
				}
				continue
			}
			if err != nil || made[0].GetStanding() != want[i] {
				t.Errorf("%v to %v: %v (%v), want %v", before, level, made[0].GetStanding(), err, want[i])
				continue
			}
			holds, waits := level, unset
			if want[i] == proposed {
				holds, waits = before, level
			}
			if c.GetRiskLevel() != holds || c.GetRiskLevelProposed() != waits {
				t.Errorf("%v to %v: in force %v, proposed %v", before, level, c.GetRiskLevel(), c.GetRiskLevelProposed())
			}
		}
	}
}

func TestLoweringTakesTwo(t *testing.T) {
	c := &amparov1.Case{}
	judge := func(made []*amparov1.RiskAssessment, level amparov1.RiskLevel, who string) []*amparov1.RiskAssessment {
		t.Helper()
		all, err := risk.Assess(c, made, &amparov1.RiskJudgement{Level: level}, who, night)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	refused := func(made []*amparov1.RiskAssessment, who string, want amparov1.Reason) {
		t.Helper()
		before := proto.CloneOf(c)
		if _, err := risk.Confirm(c, made, who, night); fault.As(err).Reason != want {
			t.Fatalf("%v, want %v", err, want)
		}
		if !proto.Equal(before, c) {
			t.Fatal("a refused confirmation has changed the case")
		}
	}

	made := judge(nil, extreme, "asma")
	refused(made, "bela", amparov1.Reason_REASON_NOTHING_TO_CONFIRM)
	made = judge(made, low, "asma")
	refused(made, "asma", amparov1.Reason_REASON_SECOND_PERSON_NEEDED)
	made = judge(made, medium, "bela") // replaces the proposal of asma, who is the second now
	refused(made, "bela", amparov1.Reason_REASON_SECOND_PERSON_NEEDED)
	if risk.InForce(made).GetSequence() != 1 {
		t.Fatal("a proposal took the place of what is in force")
	}

	earlier := made
	made, err := risk.Confirm(c, made, "asma", night)
	if err != nil || c.GetRiskLevel() != medium || c.GetRiskLevelProposed() != unset || c.GetRiskProposedById() != "" {
		t.Fatalf("after the confirmation: %v, level %v", err, c.GetRiskLevel())
	}
	for i, want := range []amparov1.RiskStanding{superseded, superseded, inForce} {
		if made[i].GetStanding() != want || made[i].GetSequence() != uint64(i+1) {
			t.Errorf("assessment %d: %v, want %v", made[i].GetSequence(), made[i].GetStanding(), want)
		}
	}
	if earlier[0].GetStanding() != inForce || earlier[2].GetStanding() != proposed {
		t.Error("the list that was handed in has changed")
	}
	if made[2].GetConfirmedById() != "asma" || !made[2].GetConfirmedAt().AsTime().Equal(night) {
		t.Error("the confirmation does not say who and when")
	}
	refused(made, "cleo", amparov1.Reason_REASON_NOTHING_TO_CONFIRM)

	made = judge(made, low, "bela")
	made = judge(made, medium, "asma") // the same level again: in force, and the proposal is gone
	refused(made, "cleo", amparov1.Reason_REASON_NOTHING_TO_CONFIRM)
	if c.GetRiskLevel() != medium || risk.InForce(made).GetSequence() != 5 {
		t.Error("a repeated level does not hold at once")
	}
}
