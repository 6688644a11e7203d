// Package risk keeps the judgement of danger: Assess records one, Confirm puts a
// lowered level in force, Indicative says what the ratings alone would suggest,
// and Rank orders levels. It keeps the do-no-harm check of a planned action too:
// CheckHarm says what a check lacks, and Allows whether one lets the action go on. What a
// level demands stands in the policy.
//
// A person chooses the level and gives reasons. The score is a thinking aid that
// stands beside it and never decides, refuses or closes anything.
//
// Raising a level is free to anyone, since one pair of eyes is enough to see a
// danger; lowering one takes a second person, since a wrong one may cost a life.
// Who may assess at all, and in which state of a case, is not decided here.
package risk

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
)

const highestRating = 5

// Indicative returns the level that a judgement's ratings would suggest, and the
// score behind it times 100, rounded down. The score is threats times
// vulnerabilities divided by capacities, each from 1 to 5 (the formula: Front Line
// Defenders, workbook on security; Protection International, protection manual;
// the bounds 3, 6 and 12 are Amparo's own).
//
// A judgement without all three ratings has no score, and no level unless a guard
// holds: a death threat by somebody able to carry it out, or an injury or abduction
// within 30 days, suggests at least high. The guards need no rating, for whoever
// takes a call at night may have time for nothing else.
func Indicative(j *amparov1.RiskJudgement) (amparov1.RiskLevel, uint32) {
	t, v, c := j.GetThreatRating(), j.GetVulnerabilityRating(), j.GetCapacityRating()
	level, score := amparov1.RiskLevel_RISK_LEVEL_UNSPECIFIED, uint32(0)
	if rated(t) && rated(v) && rated(c) {
		level, score = levelOf(t*v, c), t*v*100/c
	}
	guarded := j.GetCapableDeathThreat() || j.GetRecentInjuryOrAbduction()
	if guarded && level < amparov1.RiskLevel_RISK_LEVEL_HIGH {
		level = amparov1.RiskLevel_RISK_LEVEL_HIGH
	}
	return level, score
}

func rated(rating uint32) bool { return rating >= 1 && rating <= highestRating }

// levelOf compares without dividing, so that 2.99 never becomes 3.
func levelOf(product, capacity uint32) amparov1.RiskLevel {
	switch {
	case product >= 12*capacity:
		return amparov1.RiskLevel_RISK_LEVEL_EXTREME
	case product >= 6*capacity:
		return amparov1.RiskLevel_RISK_LEVEL_HIGH
	case product >= 3*capacity:
		return amparov1.RiskLevel_RISK_LEVEL_MEDIUM
	default:
		return amparov1.RiskLevel_RISK_LEVEL_LOW
	}
}

// Rank orders levels for the queue: extreme 5, high 4, not assessed 3, medium 2,
// low 1. What nobody has assessed stands above medium, since it may be anything.
func Rank(level amparov1.RiskLevel) uint8 {
	switch level {
	case amparov1.RiskLevel_RISK_LEVEL_EXTREME:
		return 5
	case amparov1.RiskLevel_RISK_LEVEL_HIGH:
		return 4
	case amparov1.RiskLevel_RISK_LEVEL_MEDIUM:
		return 2
	case amparov1.RiskLevel_RISK_LEVEL_LOW:
		return 1
	default:
		return 3
	}
}

// AtLeast tells whether a level ranks as high as a floor. Without a floor every
// level does.
func AtLeast(level, floor amparov1.RiskLevel) bool {
	return floor == amparov1.RiskLevel_RISK_LEVEL_UNSPECIFIED || Rank(level) >= Rank(floor)
}

// Assessed tells whether a level says anything: unset and not assessed do not.
func Assessed(level amparov1.RiskLevel) bool {
	return level > amparov1.RiskLevel_RISK_LEVEL_NOT_ASSESSED
}

// Assess records a judgement: it sets the levels of the case and returns the
// assessments with the new one last. made are those of the case so far, oldest
// first; they are not changed. An older proposal is replaced by any new assessment.
//
// The first level, a higher one and the same one hold at once. A lower one is
// proposed and waits for Confirm; until then the level in force goes on. "Not
// assessed" records why nobody can tell yet and is possible only until somebody
// can: afterwards it is refused (REASON_FIELD_INVALID) and nothing has changed.
func Assess(
	c *amparov1.Case, made []*amparov1.RiskAssessment, j *amparov1.RiskJudgement, staffID string, now time.Time,
) ([]*amparov1.RiskAssessment, error) {
	before, after := c.GetRiskLevel(), j.GetLevel()
	if after == amparov1.RiskLevel_RISK_LEVEL_UNSPECIFIED || !Assessed(after) && Assessed(before) {
		return nil, fault.Field(amparov1.Reason_REASON_FIELD_INVALID, "judgement.level", "states a level")
	}
	indicative, score := Indicative(j)
	assessment := &amparov1.RiskAssessment{
		Sequence:                  lastSequence(made) + 1,
		Judgement:                 proto.CloneOf(j),
		IndicativeLevel:           indicative,
		IndicativeScoreHundredths: score,
		AssessedById:              staffID,
		AssessedAt:                timestamppb.New(now),
		Standing:                  amparov1.RiskStanding_RISK_STANDING_IN_FORCE,
	}
	c.RiskLevelProposed, c.RiskProposedById = amparov1.RiskLevel_RISK_LEVEL_UNSPECIFIED, ""
	all := supersede(made, amparov1.RiskStanding_RISK_STANDING_PROPOSED)
	if Assessed(before) && after < before {
		assessment.Standing = amparov1.RiskStanding_RISK_STANDING_PROPOSED
		c.RiskLevelProposed, c.RiskProposedById = after, staffID
	} else {
		all = supersede(all, amparov1.RiskStanding_RISK_STANDING_IN_FORCE)
		c.RiskLevel = after
	}
	return append(all, assessment), nil
}

// Confirm puts the proposed level in force for a second person and returns the
// assessments, changed in copies. It refuses with REASON_NOTHING_TO_CONFIRM or, to
// the one who proposed, REASON_SECOND_PERSON_NEEDED; then nothing has changed.
func Confirm(
	c *amparov1.Case, made []*amparov1.RiskAssessment, staffID string, now time.Time,
) ([]*amparov1.RiskAssessment, error) {
	at := find(made, amparov1.RiskStanding_RISK_STANDING_PROPOSED)
	if at < 0 || !Assessed(c.GetRiskLevelProposed()) {
		return nil, fault.New(amparov1.Reason_REASON_NOTHING_TO_CONFIRM)
	}
	if staffID == c.GetRiskProposedById() || staffID == made[at].GetAssessedById() {
		return nil, fault.New(amparov1.Reason_REASON_SECOND_PERSON_NEEDED)
	}
	all := supersede(made, amparov1.RiskStanding_RISK_STANDING_IN_FORCE)
	confirmed := proto.CloneOf(all[at])
	confirmed.Standing = amparov1.RiskStanding_RISK_STANDING_IN_FORCE
	confirmed.ConfirmedById = staffID
	confirmed.ConfirmedAt = timestamppb.New(now)
	all[at] = confirmed
	c.RiskLevel = c.GetRiskLevelProposed()
	c.RiskLevelProposed, c.RiskProposedById = amparov1.RiskLevel_RISK_LEVEL_UNSPECIFIED, ""
	return all, nil
}

// Adopt puts an assessment of another case about the same person in force, and returns
// the assessments with it last. The others are not changed.
func Adopt(made []*amparov1.RiskAssessment, from *amparov1.RiskAssessment) []*amparov1.RiskAssessment {
	if from == nil {
		return made
	}
	adopted := proto.CloneOf(from)
	adopted.Sequence, adopted.Standing = lastSequence(made)+1, amparov1.RiskStanding_RISK_STANDING_IN_FORCE
	return append(supersede(made, amparov1.RiskStanding_RISK_STANDING_IN_FORCE), adopted)
}

// InForce returns the assessment in force, or nil before the first.
func InForce(made []*amparov1.RiskAssessment) *amparov1.RiskAssessment {
	if at := find(made, amparov1.RiskStanding_RISK_STANDING_IN_FORCE); at >= 0 {
		return made[at]
	}
	return nil
}

// find returns the place of the newest assessment of a standing, or -1.
func find(made []*amparov1.RiskAssessment, standing amparov1.RiskStanding) int {
	for i := len(made) - 1; i >= 0; i-- {
		if made[i].GetStanding() == standing {
			return i
		}
	}
	return -1
}

func lastSequence(made []*amparov1.RiskAssessment) uint64 {
	last := uint64(0)
	for _, a := range made {
		last = max(last, a.GetSequence())
	}
	return last
}

// supersede returns a list of its own in which no assessment has the standing.
func supersede(made []*amparov1.RiskAssessment, standing amparov1.RiskStanding) []*amparov1.RiskAssessment {
	all := make([]*amparov1.RiskAssessment, 0, len(made)+1)
	for _, a := range made {
		if a.GetStanding() == standing {
			a = proto.CloneOf(a)
			a.Standing = amparov1.RiskStanding_RISK_STANDING_SUPERSEDED
		}
		all = append(all, a)
	}
	return all
}
