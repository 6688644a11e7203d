package disclosure_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/ledger"
)

func reached(uint32, *timestamppb.Timestamp) bool { return true }

// TestAWithdrawalAndWhatFollows: the stop is at once, what cannot be undone waits until
// it is settled.
func TestAWithdrawalAndWhatFollows(t *testing.T) {
	told := func(t *testing.T) *desk {
		d := open(t, amparov1.RiskLevel_RISK_LEVEL_LOW)
		d.says(given)
		d.checks(name)
		if _, reasons := d.leaves("ana", &amparov1.DisclosureDraft{Action: tellLawyer(name)}); reasons != nil {
			t.Fatal(reasons)
		}
		return d
	}
	requests := func(d *desk) (numbers []uint32) {
		for _, entry := range d.entries {
			if entry.GetReturnRequest() != nil {
				numbers = append(numbers, entry.GetNumber())
			}
		}
		return numbers
	}
	t.Run("stands", func(t *testing.T) {
		d := told(t)
		w := d.took(d.act("eva").Withdraw(&amparov1.WithdrawalDraft{Consent: 1}))
		if _, reasons := d.leaves("ana", &amparov1.DisclosureDraft{Action: tellLawyer(name)}); !slices.Equal(reasons, []amparov1.Reason{amparov1.Reason_REASON_CONSENT_WITHDRAWN}) {
			t.Errorf("an hour later: %v", reasons)
		}
		if len(requests(d)) != 0 || d.running(amparov1.TermKind_TERM_KIND_WITHDRAWAL_SETTLEMENT) != 1 {
			t.Error("what cannot be undone has happened, or nobody is asked to settle it")
		}
		never := func(uint32, *timestamppb.Timestamp) bool { return false }
		if _, err := d.act("ana").Settle(&amparov1.SettlementDraft{Withdrawal: w, Stands: true}, never); fault.As(err).Reason != amparov1.Reason_REASON_NOT_PROVEN {
			t.Errorf("settled without having reached her: %v", err)
		}
		d.took(d.act("ana").Settle(&amparov1.SettlementDraft{Withdrawal: w, Stands: true, Contact: 1}, reached))
		asked := requests(d)
		if len(asked) != 1 || d.running(amparov1.TermKind_TERM_KIND_RETURN_ANSWER) != 1 || d.running(amparov1.TermKind_TERM_KIND_WITHDRAWAL_SETTLEMENT) != 0 {
			t.Fatalf("%d recipients are to be asked, and %d terms run for it", len(asked), d.running(amparov1.TermKind_TERM_KIND_RETURN_ANSWER))
		}
		if _, err := d.act("ana").Settle(&amparov1.SettlementDraft{Withdrawal: w}, reached); fault.As(err).Reason != amparov1.Reason_REASON_NOTHING_TO_CONFIRM {
			t.Errorf("settled twice: %v", err)
		}
		// Asking for it back is an outward act of its own, on a listed basis.
		ask := &amparov1.DisclosureDraft{Track: listed, Action: tellLawyer(profile)}
		if _, reasons := d.leaves("ana", ask); reasons != nil {
			t.Errorf("the lawyer cannot be asked to return it: %v", reasons)
		}
		d.took(d.act("ana").AnswerReturn(asked[0], amparov1.ReturnOutcome_RETURN_OUTCOME_CONFIRMED_DELETED, ""))
		if d.running(amparov1.TermKind_TERM_KIND_RETURN_ANSWER) != 0 {
			t.Error("an answer is still awaited")
		}
	})
	t.Run("was not her wish", func(t *testing.T) {
		d := told(t)
		w := d.took(d.act("eva").Withdraw(&amparov1.WithdrawalDraft{Consent: 1, SuspectedCoercion: true}))
		d.took(d.act("ana").Settle(&amparov1.SettlementDraft{Withdrawal: w, Contact: 1}, reached))
		if _, reasons := d.leaves("ana", &amparov1.DisclosureDraft{Action: tellLawyer(name)}); reasons == nil || len(requests(d)) != 0 {
			t.Error("what it stopped leaves again without a word of hers, or the lawyer is to be asked for nothing")
		}
	})
	t.Run("nobody settles it", func(t *testing.T) {
		d := told(t)
		w := d.took(d.act("eva").Withdraw(&amparov1.WithdrawalDraft{Everything: true}))
		d.took(d.act("").Lapse(w))
		if len(requests(d)) != 1 {
			t.Errorf("%d recipients are to be asked", len(requests(d)))
		}
		if _, err := d.act("").Lapse(w); fault.As(err).Reason != amparov1.Reason_REASON_NOTHING_TO_CONFIRM {
			t.Errorf("it lapses twice: %v", err)
		}
	})
	t.Run("of what nobody received", func(t *testing.T) {
		d := told(t)
		w := d.took(d.act("eva").Withdraw(&amparov1.WithdrawalDraft{Consent: 1, Categories: []amparov1.DataCategory{image}}))
		d.took(d.act("ana").Settle(&amparov1.SettlementDraft{Withdrawal: w, Stands: true, Contact: 1}, reached))
		if len(requests(d)) != 0 {
			t.Error("the lawyer is asked to return what she never had")
		}
	})
	t.Run("of nothing", func(t *testing.T) {
		d := told(t)
		if _, err := d.act("eva").Withdraw(&amparov1.WithdrawalDraft{Consent: 2}); fault.As(err).Reason != amparov1.Reason_REASON_ENTRY_UNKNOWN {
			t.Errorf("a check is withdrawn for a consent: %v", err)
		}
	})
}

// TestABreachIsAlwaysAccepted: whatever is known of it.
func TestABreachIsAlwaysAccepted(t *testing.T) {
	for _, row := range []struct {
		says    string
		draft   *amparov1.BreachDraft
		due     time.Time
		persons int // who must be told besides the authority
	}{
		{"somebody has it, nobody knows who", &amparov1.BreachDraft{Text: "A folder was left on a train."}, night.Add(72 * time.Hour), 0},
		{"known since the day before", &amparov1.BreachDraft{Text: "x", AwareAt: timestamppb.New(night.Add(-24 * time.Hour))}, night.Add(48 * time.Hour), 0},
		{"known since tomorrow: a slip", &amparov1.BreachDraft{Text: "x", AwareAt: timestamppb.New(night.Add(24 * time.Hour))}, night.Add(72 * time.Hour), 0},
		{"a recipient of whom only a name is known, about a stranger, of no disclosure", &amparov1.BreachDraft{
			Text: "x", Recipient: &amparov1.Recipient{Name: "Somebody"}, About: []*amparov1.Party{{Number: 4}}, Disclosure: 9, HighRisk: true,
		}, night.Add(72 * time.Hour), 1},
	} {
		d := open(t, amparov1.RiskLevel_RISK_LEVEL_LOW)
		number := d.took(d.act("ana").Breach(row.draft))
		terms := d.c.GetTerms()
		last := terms[slices.IndexFunc(terms, func(term *amparov1.Term) bool {
			return term.GetKind() == amparov1.TermKind_TERM_KIND_DATA_BREACH_NOTICE
		})]
		if !last.GetDue().AsTime().Equal(row.due) || d.running(amparov1.TermKind_TERM_KIND_DUTY_TO_INFORM) != row.persons || d.c.GetBreachesOpen() != 1 {
			t.Errorf("%s: the authority must be told until %v, %d others, %d in the register", row.says, last.GetDue().AsTime(), d.running(amparov1.TermKind_TERM_KIND_DUTY_TO_INFORM), d.c.GetBreachesOpen())
		}
		authority := &amparov1.PlannedAction{
			Purpose: amparov1.Purpose_PURPOSE_SERVICE_PROVISION, Channel: signal, Categories: []amparov1.DataCategory{profile},
			Recipient: &amparov1.Recipient{Name: "Data authority", Kind: amparov1.RecipientKind_RECIPIENT_KIND_AUTHORITY},
		}
		stated := d.took(d.act("ana").StateBasis(&amparov1.BasisDraft{
			Basis: amparov1.ListedBasis_LISTED_BASIS_BREACH_NOTICE, Reason: "within 72 hours", Of: number, Action: authority,
		}))
		d.agrees("ben", stated)
		if _, reasons := d.leaves("ana", &amparov1.DisclosureDraft{Track: listed, Action: authority}); reasons != nil {
			t.Fatalf("%s: the authority cannot be told: %v", row.says, reasons)
		}
		if d.c.GetBreachesOpen() != 0 || d.c.GetBreaches() != 1 || d.running(amparov1.TermKind_TERM_KIND_DATA_BREACH_NOTICE) != 0 {
			t.Errorf("%s: the authority was told, and %d stand open", row.says, d.c.GetBreachesOpen())
		}
	}
}

// TestABreachKeepsWhatIsKnown of whoever has it now, and of whom it is about: a slip in a
// number loses no name, and a name that nobody knows no other word.
func TestABreachKeepsWhatIsKnown(t *testing.T) {
	d := open(t, amparov1.RiskLevel_RISK_LEVEL_LOW)
	d.says(given)
	member := amparov1.PartyKind_PARTY_KIND_MEMBER
	for _, row := range []struct {
		says       string
		recipient  *amparov1.Recipient
		about      *amparov1.Party
		recipients uint32 // its number afterwards
		parties    []uint32
	}{
		{"the lawyer, by number", &amparov1.Recipient{Number: 1}, &amparov1.Party{}, 1, nil},
		{"a slip in both numbers", &amparov1.Recipient{Number: 77, Name: "Somebody"}, &amparov1.Party{Number: 9, Kind: member, Name: "Sani Testowy"}, 2, []uint32{1}},
		{"an office and a child without names", &amparov1.Recipient{Organisation: "the ministry"}, &amparov1.Party{Kind: member, AgeGroup: amparov1.AgeGroup_AGE_GROUP_6_11}, 0, []uint32{0}},
		{"nobody of those numbers", &amparov1.Recipient{Number: 77}, &amparov1.Party{Number: 9}, 0, nil},
	} {
		sent := &amparov1.BreachDraft{Text: "x", Recipient: row.recipient, About: []*amparov1.Party{row.about}}
		kept := ledger.Find(d.entries, d.took(d.act("ana").Breach(sent))).GetBreach().GetDraft()
		var parties []uint32
		for _, one := range kept.GetAbout() {
			parties = append(parties, one.GetNumber())
			if one.GetName() != row.about.GetName() || one.GetAgeGroup() != row.about.GetAgeGroup() {
				t.Errorf("%s: whom it is about has lost a word", row.says)
			}
		}
		r := kept.GetRecipient()
		if r.GetNumber() != row.recipients || !slices.Equal(parties, row.parties) || r.GetOrganisation() != row.recipient.GetOrganisation() {
			t.Errorf("%s: recipient %d, about %v", row.says, r.GetNumber(), parties)
		}
	}
}

// TestWhatBefallsACase is followed in its ledger, and asks again without stopping
// anything.
func TestWhatBefallsACase(t *testing.T) {
	const again = amparov1.TermKind_TERM_KIND_CONSENT_RECONFIRMATION
	for _, row := range []struct {
		says  string
		told  *amparov1.TimelineEntry
		event amparov1.LedgerEventKind
		asks  int
	}{
		{"an arrest", &amparov1.TimelineEntry{Kind: amparov1.TimelineKind_TIMELINE_KIND_STATUS, PersonStatus: amparov1.PersonStatus_PERSON_STATUS_DETAINED}, amparov1.LedgerEventKind_LEDGER_EVENT_KIND_STATUS, 1},
		{"a release", &amparov1.TimelineEntry{Kind: amparov1.TimelineKind_TIMELINE_KIND_STATUS, PersonStatus: amparov1.PersonStatus_PERSON_STATUS_AT_LIBERTY}, amparov1.LedgerEventKind_LEDGER_EVENT_KIND_STATUS, 1},
		{"a seized telephone", &amparov1.TimelineEntry{Kind: amparov1.TimelineKind_TIMELINE_KIND_STATUS}, amparov1.LedgerEventKind_LEDGER_EVENT_KIND_INCIDENT, 0},
		{"another threat", &amparov1.TimelineEntry{Kind: amparov1.TimelineKind_TIMELINE_KIND_INCIDENT}, amparov1.LedgerEventKind_LEDGER_EVENT_KIND_INCIDENT, 0},
		{"a raised risk", &amparov1.TimelineEntry{Kind: amparov1.TimelineKind_TIMELINE_KIND_RISK, FromLevel: amparov1.RiskLevel_RISK_LEVEL_MEDIUM, ToLevel: amparov1.RiskLevel_RISK_LEVEL_HIGH}, amparov1.LedgerEventKind_LEDGER_EVENT_KIND_RISK_RAISED, 1},
		{"a lowered risk", &amparov1.TimelineEntry{Kind: amparov1.TimelineKind_TIMELINE_KIND_RISK, FromLevel: amparov1.RiskLevel_RISK_LEVEL_HIGH, ToLevel: amparov1.RiskLevel_RISK_LEVEL_LOW}, 0, 0},
		{"a raised risk that is only proposed", &amparov1.TimelineEntry{Kind: amparov1.TimelineKind_TIMELINE_KIND_RISK_PROPOSED, FromLevel: amparov1.RiskLevel_RISK_LEVEL_LOW, ToLevel: amparov1.RiskLevel_RISK_LEVEL_HIGH}, 0, 0},
		{"a note", &amparov1.TimelineEntry{Kind: amparov1.TimelineKind_TIMELINE_KIND_NOTE}, 0, 0},
	} {
		d := open(t, amparov1.RiskLevel_RISK_LEVEL_LOW)
		d.says(given)
		d.checks(name)
		row.told.At = timestamppb.New(d.now())
		added, err := d.act("ana").Follow(row.told)
		if err != nil {
			t.Fatal(err)
		}
		event := amparov1.LedgerEventKind_LEDGER_EVENT_KIND_UNSPECIFIED
		if len(added) > 0 {
			event = added[0].GetEvent().GetKind()
		}
		if event != row.event || d.running(again) != row.asks {
			t.Errorf("%s: followed as %v, to be asked again %d times", row.says, event, d.running(again))
		}
		d.entries = append(d.entries, added...)
		_, reasons := d.leaves("ana", &amparov1.DisclosureDraft{Action: tellLawyer(name)})
		if stopped := reasons != nil; stopped != (row.event == amparov1.LedgerEventKind_LEDGER_EVENT_KIND_INCIDENT) {
			t.Errorf("%s: stopped by %v", row.says, reasons)
		}
		d.says(given)
		if d.running(again) != 0 {
			t.Errorf("%s: she was asked, and is to be asked again", row.says)
		}
	}
	fresh := open(t, amparov1.RiskLevel_RISK_LEVEL_LOW)
	if added, _ := fresh.act("ana").Follow(&amparov1.TimelineEntry{Kind: amparov1.TimelineKind_TIMELINE_KIND_INCIDENT}); len(added) != 0 {
		t.Error("a case in which nobody has allowed anything has a ledger")
	}
	fresh.checks(name)
	if fresh.running(again) != 1 {
		t.Error("a recipient of whom nobody was asked is no reason to ask")
	}
}
