package night_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// crew is who writes, and who looks afterwards.
type crew struct {
	writers []*person
	office  string
}

// levels are stated by turns, so that risks rise and fall.
var levels = []amparov1.RiskLevel{
	amparov1.RiskLevel_RISK_LEVEL_LOW, amparov1.RiskLevel_RISK_LEVEL_EXTREME,
	amparov1.RiskLevel_RISK_LEVEL_MEDIUM, amparov1.RiskLevel_RISK_LEVEL_HIGH,
}

func judgementOf(a *act) *amparov1.RiskJudgement {
	return &amparov1.RiskJudgement{
		Level: levels[int(a.ID[0])%len(levels)], Reasons: textOf(a), Threats: []string{"seen near the house"},
		ThreatRating: 4, VulnerabilityRating: 3, CapacityRating: 2,
	}
}

// textOf is what an act writes where words can be written.
func textOf(a *act) string {
	return "act " + a.ID + " " + a.Kind + "\nby writer " + fmt.Sprint(a.Writer)
}

// nameOf is the name that an act's intake gives the person.
func nameOf(a *act) string { return "Persona " + a.ID }

// requestOf is the request of an act; the same each time.
func (c *crew) requestOf(a *act) proto.Message {
	switch a.Kind {
	case "intake":
		return &amparov1.CreateIntakeRequest{RequestId: a.ID, Intake: &amparov1.Intake{
			Channel: amparov1.Channel_CHANNEL_HOTLINE, Office: c.office, Situation: textOf(a),
			Submitter: &amparov1.Submitter{Kind: amparov1.SubmitterKind_SUBMITTER_KIND_SELF},
			Identity:  &amparov1.Identity{Subject: &amparov1.Identity_Person{Person: &amparov1.Person{LegalName: nameOf(a)}}},
		}}
	case "note":
		return &amparov1.AddNoteRequest{RequestId: a.ID, CaseId: a.Case, Text: textOf(a)}
	case "contact":
		return &amparov1.RecordContactRequest{RequestId: a.ID, CaseId: a.Case, Contact: &amparov1.ContactAttempt{
			Channel: amparov1.ContactChannel_CONTACT_CHANNEL_SIGNAL, Outcome: amparov1.ContactOutcome_CONTACT_OUTCOME_REACHED, Text: textOf(a),
		}}
	case "triage":
		return &amparov1.TriageCaseRequest{
			RequestId: a.ID, CaseId: a.Case, Risk: judgementOf(a), Text: textOf(a),
			PriorityClass: amparov1.PriorityClass_PRIORITY_CLASS_HRD_AT_RISK,
			Programme:     amparov1.Programme_PROGRAMME_EMERGENCY_SUPPORT, Outcome: amparov1.TriageOutcome_TRIAGE_OUTCOME_ACCEPTED,
		}
	case "risk":
		return &amparov1.AssessRiskRequest{RequestId: a.ID, CaseId: a.Case, Judgement: judgementOf(a)}
	case "assign":
		mate := (a.Writer + 1) % len(c.writers)
		return &amparov1.AssignCaseRequest{RequestId: a.ID, CaseId: a.Case, StaffIds: []string{c.writers[a.Writer].id(), c.writers[mate].id()}}
	case "assign-all":
		request := &amparov1.AssignCaseRequest{RequestId: a.ID, CaseId: a.Case}
		for _, w := range c.writers {
			request.StaffIds = append(request.StaffIds, w.id())
		}
		return request
	}
	return ledgerRequest(a)
}

// hashOf is the SHA-256 of a request in its one form.
func hashOf(request proto.Message) string {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(request)
	if err != nil {
		return err.Error()
	}
	hash := sha256.Sum256(raw)
	return hex.EncodeToString(hash[:])
}

// call makes an act's call and returns the case and its version from the answer.
func (c *crew) call(ctx context.Context, a *act) (caseID string, version uint64, err error) {
	p := c.writers[a.Writer]
	var receipt *amparov1.CaseReceipt
	switch request := c.requestOf(a).(type) {
	case *amparov1.CreateIntakeRequest:
		answer, e := p.Cases.CreateIntake(ctx, request)
		receipt, err = answer.GetCase(), e
	case *amparov1.AddNoteRequest:
		answer, e := p.Cases.AddNote(ctx, request)
		receipt, err = answer.GetCase(), e
	case *amparov1.RecordContactRequest:
		answer, e := p.Cases.RecordContact(ctx, request)
		receipt, err = answer.GetCase(), e
	case *amparov1.TriageCaseRequest:
		answer, e := p.Cases.TriageCase(ctx, request)
		receipt, err = answer.GetCase(), e
	case *amparov1.AssignCaseRequest:
		answer, e := p.Cases.AssignCase(ctx, request)
		receipt, err = answer.GetCase(), e
	case *amparov1.AssessRiskRequest:
		answer, e := p.Risk.AssessRisk(ctx, request)
		return answer.GetCaseId(), answer.GetVersion(), e
	default:
		return c.callLedger(ctx, a, request)
	}
	return receipt.GetCaseId(), receipt.GetVersion(), err
}
