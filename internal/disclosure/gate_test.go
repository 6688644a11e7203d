package disclosure_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/casefile"
	"github.com/amparo-project/amparo/internal/deadline"
	"github.com/amparo-project/amparo/internal/disclosure"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/policy"
)

var night = time.Date(2026, 3, 14, 3, 0, 0, 0, time.UTC)

const (
	given   = amparov1.ConsentAnswer_CONSENT_ANSWER_GIVEN
	refused = amparov1.ConsentAnswer_CONSENT_ANSWER_REFUSED

	legal    = amparov1.Purpose_PURPOSE_LEGAL_ASSISTANCE
	name     = amparov1.DataCategory_DATA_CATEGORY_IDENTITY
	location = amparov1.DataCategory_DATA_CATEGORY_LOCATION
	image    = amparov1.DataCategory_DATA_CATEGORY_IMAGE
	profile  = amparov1.DataCategory_DATA_CATEGORY_PROFILE

	urgent = amparov1.DisclosureTrack_DISCLOSURE_TRACK_URGENT
	vital  = amparov1.DisclosureTrack_DISCLOSURE_TRACK_VITAL_INTERESTS
	listed = amparov1.DisclosureTrack_DISCLOSURE_TRACK_LISTED

	signal = amparov1.ContactChannel_CONTACT_CHANNEL_SIGNAL
	sms    = amparov1.ContactChannel_CONTACT_CHANNEL_SMS
)

// desk is a case whose ledger people work on, an hour after each other.
type desk struct {
	t        testing.TB
	book     *deadline.Book
	policy   *amparov1.Policy
	c        *amparov1.Case
	identity *amparov1.Identity
	entries  []*amparov1.LedgerEntry
	hour     int
	offShift bool
}

func open(t testing.TB, level amparov1.RiskLevel) *desk {
	t.Helper()
	p := policy.Default()
	book, err := policy.Book(p, 1, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, book: book, policy: p, identity: &amparov1.Identity{Subject: &amparov1.Identity_Person{Person: &amparov1.Person{LegalName: "Imara Testowa", BirthDate: "1984"}}}}
	d.c, _, err = casefile.Act{StaffID: "owner", Now: night, Book: book}.Open(&amparov1.Intake{}, "case", "name", "north")
	if err != nil {
		t.Fatal(err)
	}
	d.c.RiskLevel = level
	return d
}

func (d *desk) now() time.Time { return night.Add(time.Duration(d.hour) * time.Hour) }

func (d *desk) act(who string) disclosure.Act {
	return disclosure.Act{
		Act: casefile.Act{StaffID: who, Now: d.now(), Book: d.book}, Case: d.c, Entries: d.entries, Policy: d.policy, OnShift: !d.offShift,
	}
}

// took takes in what an act added, and returns the number of what it is about.
func (d *desk) took(added disclosure.Added, err error) uint32 {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
	first := uint32(len(d.entries)) + 1
	d.entries = append(slices.Clone(d.entries), added.Entries()...)
	d.hour++
	return first
}

func lawyer() *amparov1.Recipient {
	return &amparov1.Recipient{Name: "Adila Testowa", Kind: amparov1.RecipientKind_RECIPIENT_KIND_LAWYER}
}

func tellLawyer(categories ...amparov1.DataCategory) *amparov1.PlannedAction {
	return &amparov1.PlannedAction{Purpose: legal, Recipient: lawyer(), Categories: categories, Channel: signal}
}

func (d *desk) says(answer amparov1.ConsentAnswer, change ...func(*amparov1.ConsentTerms)) uint32 {
	d.t.Helper()
	terms := &amparov1.ConsentTerms{
		Answer: answer, Purposes: []amparov1.Purpose{legal}, Recipients: []*amparov1.Recipient{lawyer()},
		Categories: []amparov1.DataCategory{name, location, image, amparov1.DataCategory_DATA_CATEGORY_LEGAL}, Method: amparov1.ConsentMethod_CONSENT_METHOD_WRITTEN,
		Told:    &amparov1.Telling{Language: "fr", Statement: &amparov1.StatementReference{Id: "consent-release", Language: "fr"}},
		Quality: &amparov1.FreeFullInformed{Free: true, Full: true, Informed: true},
	}
	for _, c := range change {
		c(terms)
	}
	return d.took(d.act("ana").Consent(terms, d.identity))
}

// harm answers the questions so that none sees a danger.
func harm(action *amparov1.PlannedAction, short bool) *amparov1.HarmDraft {
	no, yes := amparov1.HarmReply_HARM_REPLY_NO, amparov1.HarmReply_HARM_REPLY_YES
	draft := &amparov1.HarmDraft{Action: action, Result: amparov1.HarmResult_HARM_RESULT_PROCEED}
	for i, reply := range []amparov1.HarmReply{no, no, no, yes, yes, no, yes, no, yes, yes, no, yes} {
		if !short || slices.Contains([]int{0, 1, 3, 4, 11}, i) {
			draft.Answers = append(draft.Answers, &amparov1.HarmAnswer{Question: amparov1.HarmQuestion(i + 1), Reply: reply})
		}
	}
	return draft
}

func (d *desk) checks(categories ...amparov1.DataCategory) uint32 {
	d.t.Helper()
	return d.took(d.act("ana").CheckHarm(harm(tellLawyer(categories...), false)))
}

// leaves asks the gate, and returns why it refuses; none when it lets it leave.
func (d *desk) leaves(who string, draft *amparov1.DisclosureDraft) (uint32, []amparov1.Reason) {
	d.t.Helper()
	before := proto.CloneOf(d.c)
	added, err := d.act(who).Disclose(draft)
	decision := d.act(who).Decide(draft)
	if decision.GetAllowed() != (err == nil) {
		d.t.Fatalf("the gate says %v when it is asked, and %v when it is passed", decision.GetAllowed(), err)
	}
	if err == nil {
		d.took(added, nil)
		return added.Last().GetNumber(), nil
	}
	if !proto.Equal(before, d.c) {
		d.t.Error("a refusal has changed the case")
	}
	var reasons []amparov1.Reason
	for _, v := range fault.As(err).Violations {
		if !slices.Contains(reasons, v.Reason) {
			reasons = append(reasons, v.Reason)
		}
	}
	if fault.As(err).Kind() != fault.Refused {
		d.t.Errorf("the gate refuses with %v, which is no rule's word", err)
	}
	return 0, reasons
}

func (d *desk) running(kind amparov1.TermKind) int {
	n := 0
	for _, t := range d.c.GetTerms() {
		if t.GetKind() == kind && t.GetMetAt() == nil {
			n++
		}
	}
	return n
}

// TestTheOrdinaryTrack: a case at a level, what was done, and whether the lawyer may be
// told.
func TestTheOrdinaryTrack(t *testing.T) {
	const low, high, extreme = amparov1.RiskLevel_RISK_LEVEL_LOW, amparov1.RiskLevel_RISK_LEVEL_HIGH, amparov1.RiskLevel_RISK_LEVEL_EXTREME
	type reasons = []amparov1.Reason
	for _, row := range []struct {
		says    string
		level   amparov1.RiskLevel
		done    func(d *desk)
		draft   *amparov1.DisclosureDraft
		refused reasons
	}{
		{"a consent and a check", low, func(d *desk) { d.says(given); d.checks(name) }, &amparov1.DisclosureDraft{Action: tellLawyer(name)}, nil},
		{"nothing at all", low, func(*desk) {}, &amparov1.DisclosureDraft{}, reasons{
			amparov1.Reason_REASON_PURPOSE_MISSING, amparov1.Reason_REASON_RECIPIENT_MISSING, amparov1.Reason_REASON_DATA_CATEGORY_MISSING,
			amparov1.Reason_REASON_HARM_CHECK_MISSING, amparov1.Reason_REASON_CHANNEL_UNSAFE,
		}},
		{"a consent and no check", low, func(d *desk) { d.says(given) }, &amparov1.DisclosureDraft{Action: tellLawyer(name)}, reasons{amparov1.Reason_REASON_HARM_CHECK_MISSING}},
		{"a check and no consent", low, func(d *desk) { d.checks(name) }, &amparov1.DisclosureDraft{Action: tellLawyer(name)}, reasons{amparov1.Reason_REASON_NO_CONSENT}},
		{"withdrawn at dawn", low, func(d *desk) {
			d.says(given)
			d.checks(name)
			d.took(d.act("eva").Withdraw(&amparov1.WithdrawalDraft{Consent: 1}))
		}, &amparov1.DisclosureDraft{Action: tellLawyer(name)}, reasons{amparov1.Reason_REASON_CONSENT_WITHDRAWN}},
		{"the case goes on in another", low, func(d *desk) { d.says(given); d.checks(name); d.c.MergedIntoId = "other" }, &amparov1.DisclosureDraft{Action: tellLawyer(name)}, reasons{amparov1.Reason_REASON_STATE_FORBIDS}},
		{"by a text message, at a low risk", low, func(d *desk) { d.says(given); d.took(d.act("ana").CheckHarm(harm(byWay(sms, name), false))) }, &amparov1.DisclosureDraft{Action: byWay(sms, name)}, nil},
		{"at a high risk nobody else has agreed", high, func(d *desk) { d.says(given); d.checks(name) }, &amparov1.DisclosureDraft{Action: tellLawyer(name)}, reasons{amparov1.Reason_REASON_APPROVAL_MISSING}},
		{"at a high risk somebody else has", high, func(d *desk) { d.says(given); d.agrees("ben", d.checks(name)) }, &amparov1.DisclosureDraft{Action: tellLawyer(name)}, nil},
		{"at a high risk by a text message, with where she is", high, func(d *desk) {
			d.says(given)
			d.agrees("ben", d.took(d.act("ana").CheckHarm(harm(byWay(sms, name, location), false))))
		}, &amparov1.DisclosureDraft{Action: byWay(sms, name, location)}, reasons{amparov1.Reason_REASON_CHANNEL_UNSAFE, amparov1.Reason_REASON_REDACTION_NEEDED}},
		{"with where she is, and why it must be", high, func(d *desk) { d.says(given); d.agrees("ben", d.checks(name, location)) }, &amparov1.DisclosureDraft{
			Action: tellLawyer(name, location), Necessities: []*amparov1.Necessity{{Category: location, Why: "She must be visited in the cell."}},
		}, nil},
		{"agreed at a low risk that is extreme now", low, func(d *desk) { d.says(given); d.checks(name); d.c.RiskLevel = extreme }, &amparov1.DisclosureDraft{Action: tellLawyer(name)}, reasons{amparov1.Reason_REASON_APPROVAL_MISSING}},
		{"the check of another action, by its number", low, func(d *desk) { d.says(given); d.checks(location) }, &amparov1.DisclosureDraft{Action: tellLawyer(name), Check: 2}, reasons{amparov1.Reason_REASON_HARM_CHECK_OTHER_ACTION}},
		{"a consent in place of a check", low, func(d *desk) { d.says(given) }, &amparov1.DisclosureDraft{Action: tellLawyer(name), Check: 1}, reasons{amparov1.Reason_REASON_HARM_CHECK_MISSING}},
		{"it left yesterday, before anybody was asked", low, func(d *desk) { d.says(given); d.checks(name) }, &amparov1.DisclosureDraft{Action: tellLawyer(name), HappenedAt: timestamppb.New(night.Add(-24 * time.Hour))}, reasons{
			amparov1.Reason_REASON_CONSENT_NOT_YET_VALID, amparov1.Reason_REASON_HARM_CHECK_MISSING,
		}},
		{"it leaves tomorrow", low, func(d *desk) { d.says(given); d.checks(name) }, &amparov1.DisclosureDraft{Action: tellLawyer(name), HappenedAt: timestamppb.New(night.Add(48 * time.Hour))}, reasons{amparov1.Reason_REASON_VALIDITY_IMPOSSIBLE}},
		{"about her companion, whom nobody has asked", low, func(d *desk) { d.says(given); d.checks(name) }, &amparov1.DisclosureDraft{
			Action: &amparov1.PlannedAction{
				Purpose: legal, Recipient: lawyer(), Categories: []amparov1.DataCategory{name}, Channel: signal,
				About: []*amparov1.Party{{Kind: amparov1.PartyKind_PARTY_KIND_COMPANION, Name: "Sani Testowy"}},
			},
		}, reasons{amparov1.Reason_REASON_RECIPIENT_UNKNOWN}},
	} {
		d := open(t, row.level)
		row.done(d)
		if _, got := d.leaves("ana", row.draft); !slices.Equal(got, row.refused) {
			t.Errorf("%s: refused for %v, want %v", row.says, got, row.refused)
		}
	}
}

func (d *desk) agrees(who string, number uint32) {
	d.t.Helper()
	added, _, err := d.act(who).Approve(number)
	d.took(added, err)
}

// TestTheUrgentTrack: a lawyer is told within minutes, by one person, and a second one
// signs within a day.
func TestTheUrgentTrack(t *testing.T) {
	extreme := amparov1.RiskLevel_RISK_LEVEL_EXTREME
	now := func(categories ...amparov1.DataCategory) *amparov1.DisclosureDraft {
		return &amparov1.DisclosureDraft{Track: urgent, Action: tellLawyer(categories...), Harm: harm(nil, true)}
	}
	d := open(t, extreme)
	d.says(given)
	number, reasons := d.leaves("ana", now(name, location))
	if reasons != nil || d.running(amparov1.TermKind_TERM_KIND_COUNTERSIGNATURE) != 1 {
		t.Fatalf("refused for %v; %d second signatures are awaited", reasons, d.running(amparov1.TermKind_TERM_KIND_COUNTERSIGNATURE))
	}
	left := d.entries[number-1].GetDisclosure()
	if left.GetCheck() != number-1 || !left.GetSecondDueAt().AsTime().Equal(night.Add(25*time.Hour)) || !slices.Equal(left.GetConsents(), []uint32{1}) {
		t.Errorf("it rests on check %d and consents %v, to be signed until %v", left.GetCheck(), left.GetConsents(), left.GetSecondDueAt().AsTime())
	}
	if _, err := d.act("ana").Countersign(number); fault.As(err).Reason != amparov1.Reason_REASON_SECOND_PERSON_NEEDED {
		t.Errorf("the one who let it leave signs twice: %v", err)
	}
	d.took(d.act("ben").Countersign(number))
	if _, err := d.act("eva").Countersign(number); fault.As(err).Reason != amparov1.Reason_REASON_NOTHING_TO_CONFIRM || d.running(amparov1.TermKind_TERM_KIND_COUNTERSIGNATURE) != 0 {
		t.Errorf("a third signature is asked for: %v", err)
	}

	for _, row := range []struct {
		says    string
		done    func(d *desk)
		draft   *amparov1.DisclosureDraft
		refused []amparov1.Reason
	}{
		{"somebody who is not on shift", func(d *desk) { d.says(given); d.offShift = true }, now(name), []amparov1.Reason{amparov1.Reason_REASON_NOT_ON_SHIFT}},
		{"more than the least", func(d *desk) { d.says(given) }, now(name, image), []amparov1.Reason{amparov1.Reason_REASON_MORE_THAN_MINIMUM}},
		{"no consent on record", func(*desk) {}, now(name), []amparov1.Reason{amparov1.Reason_REASON_NO_CONSENT}},
		{"no check", func(d *desk) { d.says(given) }, &amparov1.DisclosureDraft{Track: urgent, Action: tellLawyer(name)}, []amparov1.Reason{amparov1.Reason_REASON_HARM_CHECK_MISSING}},
		{"a check with a question open", func(d *desk) { d.says(given) }, &amparov1.DisclosureDraft{Track: urgent, Action: tellLawyer(name), Harm: &amparov1.HarmDraft{Result: amparov1.HarmResult_HARM_RESULT_PROCEED}}, []amparov1.Reason{amparov1.Reason_REASON_HARM_QUESTION_OPEN}},
		{"she said no", func(d *desk) { d.says(refused) }, now(name), []amparov1.Reason{amparov1.Reason_REASON_CONSENT_REFUSED}},
	} {
		d := open(t, extreme)
		row.done(d)
		if _, got := d.leaves("ana", row.draft); !slices.Equal(got, row.refused) {
			t.Errorf("%s: refused for %v, want %v", row.says, got, row.refused)
		}
	}
}

// TestVitalInterests: a life hangs on it, and nobody can be asked.
func TestVitalInterests(t *testing.T) {
	act := func(change ...func(*amparov1.DisclosureDraft)) *amparov1.DisclosureDraft {
		draft := &amparov1.DisclosureDraft{
			Track: vital, Action: tellLawyer(name, location), Harm: harm(nil, true),
			Vital: &amparov1.VitalInterests{Reason: "She is being beaten now.", ExpiresAt: timestamppb.New(night.Add(48 * time.Hour))},
		}
		for _, c := range change {
			c(draft)
		}
		return draft
	}
	d := open(t, amparov1.RiskLevel_RISK_LEVEL_EXTREME)
	number, reasons := d.leaves("ana", act())
	if reasons != nil || d.running(amparov1.TermKind_TERM_KIND_COUNTERSIGNATURE) != 1 || d.running(amparov1.TermKind_TERM_KIND_DUTY_TO_INFORM) != 1 {
		t.Fatalf("refused for %v, or nobody has to sign and to tell her", reasons)
	}
	under := func(draft *amparov1.DisclosureDraft) {
		draft.Vital = &amparov1.VitalInterests{Under: number}
	}
	for _, row := range []struct {
		says    string
		draft   *amparov1.DisclosureDraft
		refused []amparov1.Reason
	}{
		{"no reason and no end", act(func(d *amparov1.DisclosureDraft) { d.Vital = nil }), []amparov1.Reason{amparov1.Reason_REASON_VITAL_REASON_MISSING, amparov1.Reason_REASON_VALIDITY_IMPOSSIBLE}},
		{"for a month", act(func(d *amparov1.DisclosureDraft) { d.Vital.ExpiresAt = timestamppb.New(night.Add(720 * time.Hour)) }), []amparov1.Reason{amparov1.Reason_REASON_VALIDITY_IMPOSSIBLE}},
		{"her picture", act(func(d *amparov1.DisclosureDraft) { d.Action = tellLawyer(image) }), []amparov1.Reason{amparov1.Reason_REASON_MORE_THAN_MINIMUM}},
		{"to somebody of whom only a name is known", act(func(d *amparov1.DisclosureDraft) { d.Action.Recipient = &amparov1.Recipient{Name: "Somebody"} }), []amparov1.Reason{amparov1.Reason_REASON_RECIPIENT_UNKNOWN}},
		{"more on the same act, to somebody else", act(under, func(d *amparov1.DisclosureDraft) {
			d.Action.Recipient = &amparov1.Recipient{Name: "Harbour Clinic", Kind: amparov1.RecipientKind_RECIPIENT_KIND_PROVIDER}
		}), []amparov1.Reason{amparov1.Reason_REASON_MORE_THAN_MINIMUM}},
		{"on an act that there is not", act(func(d *amparov1.DisclosureDraft) { d.Vital = &amparov1.VitalInterests{Under: 1} }), []amparov1.Reason{amparov1.Reason_REASON_ENTRY_UNKNOWN}},
	} {
		if _, got := d.leaves("ana", row.draft); !slices.Equal(got, row.refused) {
			t.Errorf("%s: refused for %v, want %v", row.says, got, row.refused)
		}
	}
	if _, got := d.leaves("ana", act(under, func(d *amparov1.DisclosureDraft) { d.Action = tellLawyer(location) })); got != nil || d.running(amparov1.TermKind_TERM_KIND_COUNTERSIGNATURE) != 1 {
		t.Errorf("less on the same act: refused for %v, or signed for twice", got)
	}
	d.hour = 30
	if _, got := d.leaves("ana", act(under)); !slices.Equal(got, []amparov1.Reason{amparov1.Reason_REASON_SECOND_PERSON_NEEDED}) {
		t.Errorf("on an act that nobody has signed in time: %v", got)
	}
	d.took(d.act("ben").Countersign(number))
	d.hour = 60
	if _, got := d.leaves("ana", act(under)); !slices.Equal(got, []amparov1.Reason{amparov1.Reason_REASON_BASIS_EXPIRED}) {
		t.Errorf("after the act has ended: %v", got)
	}
	d.took(d.act("ana").Inform(number, "Told over the safe channel."))
	if d.running(amparov1.TermKind_TERM_KIND_DUTY_TO_INFORM) != 1 { // that of the second act is left
		t.Errorf("%d duties to inform run", d.running(amparov1.TermKind_TERM_KIND_DUTY_TO_INFORM))
	}
}

// TestListedBases: what the law demands needs no consent, and no more than the policy
// allows leaves on it.
func TestListedBases(t *testing.T) {
	court := func(categories ...amparov1.DataCategory) *amparov1.BasisDraft {
		return &amparov1.BasisDraft{
			Basis: amparov1.ListedBasis_LISTED_BASIS_COURT_ORDER, Reason: "Order of the court of appeal", Reference: "12/26",
			Action: &amparov1.PlannedAction{
				Purpose: legal, Recipient: &amparov1.Recipient{Name: "Court of appeal", Kind: amparov1.RecipientKind_RECIPIENT_KIND_AUTHORITY}, Categories: categories,
			},
		}
	}
	leave := func(categories ...amparov1.DataCategory) *amparov1.DisclosureDraft {
		return &amparov1.DisclosureDraft{Track: listed, Action: &amparov1.PlannedAction{
			Purpose: legal, Recipient: &amparov1.Recipient{Name: "court of appeal"}, Categories: categories, Channel: signal,
		}}
	}
	d := open(t, amparov1.RiskLevel_RISK_LEVEL_HIGH)
	for _, row := range []struct {
		says   string
		draft  *amparov1.BasisDraft
		reason amparov1.Reason
	}{
		{"none of the list", &amparov1.BasisDraft{Reason: "because"}, amparov1.Reason_REASON_BASIS_MISSING},
		{"more than a court is given", court(name, location), amparov1.Reason_REASON_MORE_THAN_MINIMUM},
		{"a notice of no breach", &amparov1.BasisDraft{Basis: amparov1.ListedBasis_LISTED_BASIS_BREACH_NOTICE, Reason: "because", Action: court(profile).GetAction()}, amparov1.Reason_REASON_ENTRY_UNKNOWN},
	} {
		if _, err := d.act("ana").StateBasis(row.draft); fault.As(err).Reason != row.reason {
			t.Errorf("%s: %v", row.says, err)
		}
	}
	if _, got := d.leaves("ana", leave(name)); !slices.Equal(got, []amparov1.Reason{amparov1.Reason_REASON_BASIS_MISSING}) {
		t.Errorf("nothing was stated: %v", got)
	}
	stated := d.took(d.act("ana").StateBasis(court(name)))
	needed := int(d.entries[stated-1].GetBasis().GetApprovalsNeeded())
	if needed < 1 {
		t.Fatal("a court order takes nobody's word but one")
	}
	for i := range needed {
		if _, got := d.leaves("ana", leave(name)); !slices.Equal(got, []amparov1.Reason{amparov1.Reason_REASON_APPROVAL_MISSING}) {
			t.Errorf("%d of %d have agreed: %v", i, needed, got)
		}
		if _, _, err := d.act("ana").Approve(stated); fault.As(err).Reason != amparov1.Reason_REASON_SECOND_PERSON_NEEDED {
			t.Errorf("its author agrees: %v", err)
		}
		d.agrees([]string{"ben", "eva"}[i], stated)
		if _, _, err := d.act("ben").Approve(stated); fault.As(err).Reason != amparov1.Reason_REASON_SECOND_PERSON_NEEDED {
			t.Errorf("somebody agrees twice: %v", err)
		}
	}
	if _, _, err := d.act("leo").Approve(stated); fault.As(err).Reason != amparov1.Reason_REASON_NOTHING_TO_CONFIRM {
		t.Errorf("one more agrees than is needed: %v", err)
	}
	if _, got := d.leaves("ana", leave(name, amparov1.DataCategory_DATA_CATEGORY_LEGAL)); !slices.Equal(got, []amparov1.Reason{amparov1.Reason_REASON_BASIS_OTHER_ACTION}) {
		t.Errorf("more than was stated: %v", got)
	}
	if _, got := d.leaves("ana", leave(name)); got != nil {
		t.Errorf("what was stated and agreed to: %v", got)
	}
	d.hour = 24 * 20
	if _, got := d.leaves("ana", leave(name)); !slices.Equal(got, []amparov1.Reason{amparov1.Reason_REASON_BASIS_EXPIRED}) {
		t.Errorf("three weeks later: %v", got)
	}
}
