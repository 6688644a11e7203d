package server_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/servertest"
)

// forceLedger forces each refusal of the ledger, under a service whose time moves.
func forceLedger(t *testing.T, log *logged, take func(string, error)) {
	clock := newClock()
	l := &ledgerBench{bench: newBench(t, servertest.Options{Output: log, Now: clock.Now}), clock: clock}
	l.desk = deskOf(l.officer)
	l.second = deskOf(l.Enrol(t, canary, []amparov1.Role{amparov1.Role_ROLE_REVIEWER}, []string{"north"}))
	l.forceConsents(t, take)
	l.forceGate(t, take)
	l.forceSteps(t, take)
}

type ledgerBench struct {
	*bench
	desk
	second desk
	clock  *clock
}

// atRisk is a new case at a level of risk.
func (l *ledgerBench) atRisk(t *testing.T, level amparov1.RiskLevel) string {
	t.Helper()
	return l.newCase(t, l.officer, func(c *amparov1.Case) { c.RiskLevel = level })
}

// companion makes a consent that of somebody who goes along.
func companion(terms *amparov1.ConsentTerms, age amparov1.AgeGroup) {
	terms.Party = &amparov1.Party{Kind: amparov1.PartyKind_PARTY_KIND_COMPANION, Name: canary, AgeGroup: age}
}

// forceConsents spoils a consent in each way that is refused.
func (l *ledgerBench) forceConsents(t *testing.T, take func(string, error)) {
	id := l.atRisk(t, amparov1.RiskLevel_RISK_LEVEL_LOW)
	for want, spoil := range map[string]func(*amparov1.ConsentTerms){
		"PURPOSE_MISSING":         func(c *amparov1.ConsentTerms) { c.Purposes = nil },
		"RECIPIENT_MISSING":       func(c *amparov1.ConsentTerms) { c.Recipients = nil },
		"DATA_CATEGORY_MISSING":   func(c *amparov1.ConsentTerms) { c.Categories = nil },
		"CONSENT_METHOD_MISSING":  func(c *amparov1.ConsentTerms) { c.Method = 0 },
		"RECIPIENT_UNKNOWN":       func(c *amparov1.ConsentTerms) { c.Recipients[0].Number = 9 },
		"VALIDITY_IMPOSSIBLE":     func(c *amparov1.ConsentTerms) { c.ExpiresAt = timestamppb.New(time.Unix(1e9, 0)) },
		"WITHHOLDING_UNEXPLAINED": func(c *amparov1.ConsentTerms) { c.Withheld = []*amparov1.Withholding{{Category: 7, Text: canary}} },
		"CONSENT_NOT_FREE":        func(c *amparov1.ConsentTerms) { c.Quality.Free = false },
		"CONSENT_NOT_FULL":        func(c *amparov1.ConsentTerms) { c.Quality.Full = false },
		"CONSENT_NOT_INFORMED":    func(c *amparov1.ConsentTerms) { c.Quality.Informed = false },
		"STATEMENT_UNKNOWN":       func(c *amparov1.ConsentTerms) { c.Told.Statement.Id = canary },
		"GIVER_NOT_AUTHORISED":    func(c *amparov1.ConsentTerms) { c.Giver.Kind = amparov1.GiverKind_GIVER_KIND_COLLECTIVE_BODY },
		"FALLBACK_REASON_MISSING": func(c *amparov1.ConsentTerms) { c.Giver.Kind = amparov1.GiverKind_GIVER_KIND_FAMILY },
		"NOT_ASKED_ALONE":         func(c *amparov1.ConsentTerms) { companion(c, amparov1.AgeGroup_AGE_GROUP_ADULT) },
		"BEST_INTERESTS_MISSING":  func(c *amparov1.ConsentTerms) { companion(c, amparov1.AgeGroup_AGE_GROUP_6_11) },
		"CAREGIVER_CONSENT_MISSING": func(c *amparov1.ConsentTerms) {
			companion(c, amparov1.AgeGroup_AGE_GROUP_6_11)
			c.Child = &amparov1.ChildConsent{BestInterests: canary, Views: canary, Answer: amparov1.ChildAnswer_CHILD_ANSWER_ASSENTS}
		},
		"ASSENT_MISSING": func(c *amparov1.ConsentTerms) {
			c.Child = &amparov1.ChildConsent{Answer: amparov1.ChildAnswer_CHILD_ANSWER_DISSENTS, Views: canary}
		},
	} {
		terms := yes()
		terms.Recipients[0].Name, terms.Text = canary, canary
		spoil(terms)
		_, err := l.record(t, id, terms)
		take(want, err)
	}
}

// gateRow is something that must not leave: what was recorded before, and how it differs
// from what may.
type gateRow struct {
	want   string
	before []func(id string)
	spoil  func(*amparov1.DisclosureDraft)
}

// forceGate stops something at the gate for each reason that there is.
func (l *ledgerBench) forceGate(t *testing.T, take func(string, error)) {
	given := func(spoil func(*amparov1.ConsentTerms)) func(string) {
		return func(id string) {
			terms := yes()
			terms.Text = canary
			spoil(terms)
			must[*amparov1.RecordConsentResponse](t)(l.record(t, id, terms))
		}
	}
	checked := func(spoil func(*amparov1.HarmDraft)) func(string) {
		return func(id string) {
			harm := harmless()
			harm.Text = canary
			spoil(harm)
			must[*amparov1.CheckHarmResponse](t)(l.check(t, id, harm))
		}
	}
	said, asked := given(func(*amparov1.ConsentTerms) {}), checked(func(*amparov1.HarmDraft) {})
	later := func(string) { l.clock.Advance(15 * 24 * time.Hour) }
	withdrawn := func(id string) {
		must[*amparov1.WithdrawConsentResponse](t)(l.withdraw(t, id, &amparov1.WithdrawalDraft{Everything: true, Text: canary}))
	}
	attacked := func(id string) {
		must[*amparov1.AddIncidentResponse](t)(amparov1.NewCardServiceClient(l.officer.Conn).AddIncident(t.Context(), &amparov1.AddIncidentRequest{
			RequestId: records.NewID(), CaseId: id, Incident: &amparov1.Incident{ActCode: "020103020000", Description: canary},
		}))
	}
	for _, row := range []gateRow{
		{"NO_CONSENT", nil, nil},
		{"CONSENT_REFUSED", []func(string){func(id string) { must[*amparov1.RecordConsentResponse](t)(l.record(t, id, no())) }}, nil},
		{"CONSENT_WITHDRAWN", []func(string){said, withdrawn}, nil},
		{"CONSENT_EXPIRED", []func(string){given(func(c *amparov1.ConsentTerms) {
			c.ObtainedAt, c.ExpiresAt = timestamppb.New(l.clock.Now().Add(-48*time.Hour)), timestamppb.New(l.clock.Now().Add(-time.Hour))
		})}, nil},
		{"CONSENT_NOT_YET_VALID", []func(string){given(func(c *amparov1.ConsentTerms) {
			c.ValidFrom = timestamppb.New(l.clock.Now().Add(time.Hour))
		})}, nil},
		{"CONSENT_AWAITS_EVENT", []func(string){given(func(c *amparov1.ConsentTerms) {
			c.OnEvent = amparov1.PersonStatus_PERSON_STATUS_DETAINED
		})}, nil},
		{"DATA_CATEGORY_WITHHELD", []func(string){given(func(c *amparov1.ConsentTerms) {
			c.Withheld = []*amparov1.Withholding{{Category: amparov1.DataCategory_DATA_CATEGORY_NEEDS, Reason: 1, Text: canary}}
		})}, nil},
		{"PURPOSE_NOT_COVERED", []func(string){said}, func(d *amparov1.DisclosureDraft) {
			d.Action.Purpose = amparov1.Purpose_PURPOSE_MEDIA
		}},
		{"RECIPIENT_NOT_COVERED", []func(string){said}, func(d *amparov1.DisclosureDraft) { d.Action.Recipient.Name = canary }},
		{"DATA_CATEGORY_NOT_COVERED", []func(string){said}, func(d *amparov1.DisclosureDraft) {
			d.Action.Categories = append(d.Action.Categories, amparov1.DataCategory_DATA_CATEGORY_LEGAL)
		}},
		{"HARM_CHECK_MISSING", []func(string){said}, nil},
		{"HARM_CHECK_EXPIRED", []func(string){said, asked, later}, nil},
		{"HARM_CHECK_OVERTAKEN", []func(string){said, asked, attacked}, nil},
		{"HARM_CHECK_OTHER_ACTION", []func(string){said, checked(func(h *amparov1.HarmDraft) {
			h.Action.Purpose = amparov1.Purpose_PURPOSE_MEDIA
		})}, nil},
		{"HARM_DEFERRED", []func(string){said, checked(func(h *amparov1.HarmDraft) { h.Result = amparov1.HarmResult_HARM_RESULT_DEFER })}, nil},
		{"HARM_FORBIDS", []func(string){said, checked(func(h *amparov1.HarmDraft) { h.Result = amparov1.HarmResult_HARM_RESULT_DO_NOT_PROCEED })}, nil},
		{"CHANNEL_UNSAFE", []func(string){said, asked}, func(d *amparov1.DisclosureDraft) { d.Action.Channel = 0 }},
		{"VITAL_REASON_MISSING", nil, func(d *amparov1.DisclosureDraft) { d.Track = amparov1.DisclosureTrack_DISCLOSURE_TRACK_VITAL_INTERESTS }},
		{"BASIS_MISSING", nil, func(d *amparov1.DisclosureDraft) { d.Track = amparov1.DisclosureTrack_DISCLOSURE_TRACK_LISTED }},
	} {
		id := l.atRisk(t, amparov1.RiskLevel_RISK_LEVEL_LOW)
		for _, step := range row.before {
			step(id)
		}
		draft := leaving()
		draft.Text = canary
		if row.spoil != nil {
			row.spoil(draft)
		}
		_, err := l.disclose(t, id, draft)
		take(row.want, err)
	}
}

// forceSteps forces what is refused on the way to the gate, at a high risk.
func (l *ledgerBench) forceSteps(t *testing.T, take func(string, error)) {
	id := l.atRisk(t, amparov1.RiskLevel_RISK_LEVEL_HIGH)
	open := harmless()
	open.Answers = open.GetAnswers()[1:]
	_, err := l.check(t, id, open)
	take("HARM_QUESTION_OPEN", err)
	danger := harmless()
	danger.Answers[0].Reply, danger.Answers[0].Note = amparov1.HarmReply_HARM_REPLY_YES, canary
	_, err = l.check(t, id, danger)
	take("HARM_UNMITIGATED", err)
	_, err = l.second.approve(t, id, 77)
	take("ENTRY_UNKNOWN", err)

	place := amparov1.DataCategory_DATA_CATEGORY_LOCATION
	terms, harm, draft := yes(), harmless(), leaving()
	terms.Categories, harm.Action.Categories, draft.Action.Categories = append(terms.Categories, place), append(harm.Action.Categories, place), append(draft.Action.Categories, place)
	must[*amparov1.RecordConsentResponse](t)(l.record(t, id, terms))
	check := must[*amparov1.CheckHarmResponse](t)(l.check(t, id, harm))
	_, err = l.disclose(t, id, draft)
	take("APPROVAL_MISSING", err)
	must[*amparov1.ApproveDisclosureResponse](t)(l.second.approve(t, id, check.GetNumber()))
	_, err = l.disclose(t, id, draft)
	take("REDACTION_NEEDED", err)

	greedy := ordered()
	greedy.Action.Categories, greedy.Reason = append(greedy.Action.Categories, amparov1.DataCategory_DATA_CATEGORY_HEALTH), canary
	_, err = l.state(t, id, greedy)
	take("MORE_THAN_MINIMUM", err)
	must[*amparov1.StateBasisResponse](t)(l.state(t, id, ordered()))
	left := &amparov1.DisclosureDraft{Action: ordered().GetAction(), Track: amparov1.DisclosureTrack_DISCLOSURE_TRACK_LISTED}
	left.Action.Purpose = amparov1.Purpose_PURPOSE_MEDIA
	_, err = l.disclose(t, id, left)
	take("BASIS_OTHER_ACTION", err)
	l.clock.Advance(15 * 24 * time.Hour)
	left.Action = ordered().GetAction()
	_, err = l.disclose(t, id, left)
	take("BASIS_EXPIRED", err)
}
