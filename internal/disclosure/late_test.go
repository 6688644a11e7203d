package disclosure_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
)

func byWay(channel amparov1.ContactChannel, categories ...amparov1.DataCategory) *amparov1.PlannedAction {
	action := tellLawyer(categories...)
	action.Channel = channel
	return action
}

// after is a draft of something that left so many hours into the night.
func after(hours int, draft *amparov1.DisclosureDraft) *amparov1.DisclosureDraft {
	draft.HappenedAt = timestamppb.New(night.Add(time.Duration(hours) * time.Hour))
	return draft
}

// TestWhatCameLater: what was agreed to, or came about, after something had left did not
// let it leave; and a check is of one way.
func TestWhatCameLater(t *testing.T) {
	const low, high = amparov1.RiskLevel_RISK_LEVEL_LOW, amparov1.RiskLevel_RISK_LEVEL_HIGH
	type reasons = []amparov1.Reason
	detained := amparov1.PersonStatus_PERSON_STATUS_DETAINED
	ifDetained := func(terms *amparov1.ConsentTerms) { terms.OnEvent = detained }
	arrested := func(d *desk) {
		told := &amparov1.TimelineEntry{Kind: amparov1.TimelineKind_TIMELINE_KIND_STATUS, PersonStatus: detained, At: timestamppb.New(d.now())}
		entries, err := d.act("eva").Follow(told)
		if err != nil {
			d.t.Fatal(err)
		}
		d.entries = append(slices.Clone(d.entries), entries...)
		d.hour++
	}
	for _, row := range []struct {
		says    string
		level   amparov1.RiskLevel
		done    func(d *desk)
		draft   *amparov1.DisclosureDraft
		refused reasons
	}{
		{"agreed before it left", high, func(d *desk) { d.says(given); d.agrees("ben", d.checks(name)); d.hour = 9 }, after(4, &amparov1.DisclosureDraft{Action: tellLawyer(name)}), nil},
		{"agreed after it left", high, func(d *desk) { d.says(given); n := d.checks(name); d.hour = 6; d.agrees("ben", n) }, after(4, &amparov1.DisclosureDraft{Action: tellLawyer(name)}), reasons{amparov1.Reason_REASON_APPROVAL_MISSING}},
		{"arrested before it left", low, func(d *desk) { d.says(given, ifDetained); d.checks(name); arrested(d); d.hour = 9 }, after(4, &amparov1.DisclosureDraft{Action: tellLawyer(name)}), nil},
		{"arrested after it left", low, func(d *desk) { d.says(given, ifDetained); d.checks(name); d.hour = 6; arrested(d) }, after(4, &amparov1.DisclosureDraft{Action: tellLawyer(name)}), reasons{amparov1.Reason_REASON_CONSENT_AWAITS_EVENT}},
		{"checked for one way and sent by another", low, func(d *desk) { d.says(given); d.checks(name) }, &amparov1.DisclosureDraft{Action: byWay(sms, name)}, reasons{amparov1.Reason_REASON_HARM_CHECK_OTHER_ACTION}},
		{"with a check in the same breath, where there is time", low, func(d *desk) { d.says(given); d.checks(name) }, &amparov1.DisclosureDraft{Action: tellLawyer(name), Harm: harm(nil, true)}, reasons{amparov1.Reason_REASON_HARM_CHECK_OTHER_ACTION}},
		{"the case was merged with another since the check", low, func(d *desk) {
			d.says(given)
			d.checks(name)
			other := open(d.t, low)
			other.says(given)
			d.entries = append(slices.Clone(d.entries), d.act("ana").Carry(other.entries, 0)...)
		}, &amparov1.DisclosureDraft{Action: tellLawyer(name)}, reasons{amparov1.Reason_REASON_HARM_CHECK_OVERTAKEN}},
	} {
		d := open(t, row.level)
		row.done(d)
		if _, got := d.leaves("ana", row.draft); !slices.Equal(got, row.refused) {
			t.Errorf("%s: refused for %v, want %v", row.says, got, row.refused)
		}
	}
}

// TestPartedCases: what was taken back in one case while two were one holds in both.
func TestPartedCases(t *testing.T) {
	stays, other := open(t, amparov1.RiskLevel_RISK_LEVEL_LOW), open(t, amparov1.RiskLevel_RISK_LEVEL_LOW)
	other.says(given)
	other.checks(name)
	stays.says(given)
	stays.entries = append(slices.Clone(stays.entries), stays.act("ana").Carry(other.entries, 0)...)
	together := len(stays.entries)
	stays.took(stays.act("eva").Withdraw(&amparov1.WithdrawalDraft{Everything: true}))
	other.entries = append(slices.Clone(other.entries), other.act("ana").CarryBack(stays.entries, together)...)
	if _, got := other.leaves("ana", &amparov1.DisclosureDraft{Action: tellLawyer(name)}); !slices.Equal(got, []amparov1.Reason{amparov1.Reason_REASON_CONSENT_WITHDRAWN}) {
		t.Errorf("after the two had parted: refused for %v", got)
	}
}

// TestANoBeforeTheFirstYes: a case in which nothing had been said takes the no along too,
// for the early yes that somebody finds in a drawer.
func TestANoBeforeTheFirstYes(t *testing.T) {
	stays, other := open(t, amparov1.RiskLevel_RISK_LEVEL_LOW), open(t, amparov1.RiskLevel_RISK_LEVEL_LOW)
	stays.says(given)
	stays.took(stays.act("eva").Withdraw(&amparov1.WithdrawalDraft{Everything: true}))
	other.entries = other.act("ana").CarryBack(stays.entries, 0)
	other.hour = 3
	other.says(given, func(terms *amparov1.ConsentTerms) { terms.ObtainedAt = timestamppb.New(night.Add(-time.Hour)) })
	other.checks(name)
	if _, got := other.leaves("ana", &amparov1.DisclosureDraft{Action: tellLawyer(name)}); !slices.Equal(got, []amparov1.Reason{amparov1.Reason_REASON_CONSENT_WITHDRAWN}) {
		t.Errorf("on a yes from before the no: refused for %v", got)
	}
}

// TestWhomABasisLeadsTo: a basis other than consent is for one kind of recipient.
func TestWhomABasisLeadsTo(t *testing.T) {
	profile := amparov1.DataCategory_DATA_CATEGORY_PROFILE
	d := open(t, amparov1.RiskLevel_RISK_LEVEL_LOW)
	d.says(given)
	d.checks(name)
	left, _ := d.leaves("ana", &amparov1.DisclosureDraft{Action: tellLawyer(name)})
	withdrawal := d.took(d.act("eva").Withdraw(&amparov1.WithdrawalDraft{Everything: true}))
	d.took(d.act("ana").Lapse(withdrawal))
	request := uint32(0)
	for _, entry := range d.entries {
		if entry.GetReturnRequest().GetDisclosure() == left && left != 0 {
			request = entry.GetNumber()
		}
	}
	paper := &amparov1.Recipient{Name: "The paper", Kind: amparov1.RecipientKind_RECIPIENT_KIND_MEDIA}
	herself := &amparov1.Recipient{Name: "Herself", Kind: amparov1.RecipientKind_RECIPIENT_KIND_SUBJECT}
	for _, row := range []struct {
		says    string
		basis   amparov1.ListedBasis
		of      uint32
		to      *amparov1.Recipient
		purpose amparov1.Purpose
		allowed bool
	}{
		{"asked back from the lawyer who has it", amparov1.ListedBasis_LISTED_BASIS_RETURN_OR_DELETE, request, lawyer(), legal, true},
		{"asked back from a paper that never had it", amparov1.ListedBasis_LISTED_BASIS_RETURN_OR_DELETE, request, paper, legal, false},
		{"asked back for another purpose", amparov1.ListedBasis_LISTED_BASIS_RETURN_OR_DELETE, request, lawyer(), amparov1.Purpose_PURPOSE_MEDIA, false},
		{"her own file for herself", amparov1.ListedBasis_LISTED_BASIS_SUBJECT_ACCESS, 0, herself, legal, true},
		{"her own file for a paper", amparov1.ListedBasis_LISTED_BASIS_SUBJECT_ACCESS, 0, paper, legal, false},
	} {
		_, err := d.act("ana").StateBasis(&amparov1.BasisDraft{Basis: row.basis, Of: row.of, Reason: "because", Action: &amparov1.PlannedAction{
			Purpose: row.purpose, Recipient: row.to, Categories: []amparov1.DataCategory{profile}, Channel: signal,
		}})
		if (err == nil) != row.allowed {
			t.Errorf("%s: %v", row.says, err)
		}
	}
}

// TestWhoBeganFirst: of two who agree at once, the one who is stored last may have begun
// before the other; there are still not more than were asked for.
func TestWhoBeganFirst(t *testing.T) {
	d := open(t, amparov1.RiskLevel_RISK_LEVEL_HIGH)
	d.says(given)
	check := d.checks(name)
	d.hour = 5
	d.agrees("ben", check)
	d.hour = 4
	if _, _, err := d.act("eva").Approve(check); fault.As(err).Reason != amparov1.Reason_REASON_NOTHING_TO_CONFIRM {
		t.Errorf("a second one of one: %v", err)
	}
	if _, _, err := d.act("ben").Approve(check); fault.As(err).Reason != amparov1.Reason_REASON_SECOND_PERSON_NEEDED {
		t.Errorf("the same one again: %v", err)
	}
}
