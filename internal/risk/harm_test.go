package risk_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/ledger"
	"github.com/amparo-project/amparo/internal/risk"
)

const (
	yes     = amparov1.HarmReply_HARM_REPLY_YES
	no      = amparov1.HarmReply_HARM_REPLY_NO
	unknown = amparov1.HarmReply_HARM_REPLY_UNKNOWN

	goOn      = amparov1.HarmResult_HARM_RESULT_PROCEED
	mitigated = amparov1.HarmResult_HARM_RESULT_PROCEED_WITH_MITIGATION
	later     = amparov1.HarmResult_HARM_RESULT_DEFER
	never     = amparov1.HarmResult_HARM_RESULT_DO_NOT_PROCEED

	open        = amparov1.Reason_REASON_HARM_QUESTION_OPEN
	unmitigated = amparov1.Reason_REASON_HARM_UNMITIGATED
)

// harmless are the answers to the twelve questions that see no danger, in their order.
var harmless = [12]amparov1.HarmReply{no, no, no, yes, yes, no, yes, no, yes, yes, no, yes}

// answers are those to some questions, by number; all where none is named.
func answers(numbers ...int) []*amparov1.HarmAnswer {
	var all []*amparov1.HarmAnswer
	for i, reply := range harmless {
		if len(numbers) == 0 || slices.Contains(numbers, i+1) {
			all = append(all, &amparov1.HarmAnswer{Question: amparov1.HarmQuestion(i + 1), Reply: reply})
		}
	}
	return all
}

// with changes the answer to one question.
func with(all []*amparov1.HarmAnswer, number int, reply amparov1.HarmReply, mitigation string) []*amparov1.HarmAnswer {
	for _, a := range all {
		if int(a.GetQuestion()) == number {
			a.Reply, a.Mitigation = reply, mitigation
		}
	}
	return all
}

func TestTheTwelveQuestions(t *testing.T) {
	short := []int{1, 2, 4, 5, 12}
	type reasons = []amparov1.Reason
	for _, row := range []struct {
		says    string
		answers []*amparov1.HarmAnswer
		result  amparov1.HarmResult
		wrong   reasons
		short   bool
	}{
		{"no danger anywhere", answers(), goOn, nil, false},
		{"nothing was asked", nil, goOn, reasons{open, open, open, open, open}, false},
		{"eleven of twelve", answers()[:11], goOn, reasons{open}, false},
		{"the seventh is left out", slices.Delete(answers(), 6, 7), goOn, reasons{open}, false},
		{"the five of the short form", answers(short...), goOn, nil, true},
		{"four of the five", answers(short...)[:4], goOn, reasons{open}, false},
		{"no result", answers(), 0, reasons{open}, false},
		{"one question twice", append(answers(), &amparov1.HarmAnswer{Question: 3, Reply: no}), goOn, reasons{open}, false},
		{"it could provoke revenge, and nothing is done", with(answers(), 2, yes, ""), mitigated, reasons{unmitigated}, false},
		{"it could provoke revenge, and she is moved first", with(answers(), 2, yes, "She sleeps elsewhere."), mitigated, nil, false},
		{"something is done, and the result says there is nothing to do", with(answers(), 2, yes, "She sleeps elsewhere."), goOn, reasons{unmitigated}, false},
		{"the line is not safe", with(answers(), 4, no, ""), goOn, reasons{unmitigated}, false},
		{"not acting is no worse: no danger by itself", with(answers(), 7, no, ""), goOn, nil, false},
		{"nobody knows whether others are at risk", with(answers(), 3, unknown, "Their names are left out."), mitigated, reasons{open}, false},
		{"in a hurry nobody knows about revenge, and something is done", with(answers(short...), 2, unknown, "Called from a public telephone."), mitigated, nil, true},
		{"in a hurry nobody knows about revenge", with(answers(short...), 2, unknown, ""), mitigated, reasons{open}, false},
		{"dangers all over, and so not now", with(with(answers(), 2, yes, ""), 3, unknown, ""), later, nil, false},
		{"dangers all over, and so never", with(answers(), 1, yes, ""), never, nil, false},
	} {
		entry, err := risk.CheckHarm(&amparov1.HarmDraft{Answers: row.answers, Result: row.result}, risk.Standard{Valid: 14 * 24 * time.Hour, Approvals: 1}, noon)
		var got reasons
		if err != nil {
			for _, v := range fault.As(err).Violations {
				got = append(got, v.Reason)
			}
		}
		if !slices.Equal(got, row.wrong) || err == nil && entry.GetCheck().GetShortForm() != row.short {
			t.Errorf("%s: %v, short form %v", row.says, got, entry.GetCheck().GetShortForm())
		}
		if err == nil && (entry.GetCheck().GetApprovalsNeeded() != 1 || !entry.GetCheck().GetValidUntil().AsTime().Equal(noon.Add(14*24*time.Hour))) {
			t.Errorf("%s: the check does not say how long it holds and who must agree", row.says)
		}
	}
}

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// TestWhatACheckAllows: a check of telling the lawyer her name and whereabouts, and
// what else happened, an hour apart.
func TestWhatACheckAllows(t *testing.T) {
	const (
		name, location, health = amparov1.DataCategory_DATA_CATEGORY_IDENTITY, amparov1.DataCategory_DATA_CATEGORY_LOCATION, amparov1.DataCategory_DATA_CATEGORY_HEALTH
		legal, media           = amparov1.Purpose_PURPOSE_LEGAL_ASSISTANCE, amparov1.Purpose_PURPOSE_MEDIA
	)
	check := func(result amparov1.HarmResult, answered []*amparov1.HarmAnswer, approvals uint32) *amparov1.LedgerEntry {
		entry, err := risk.CheckHarm(&amparov1.HarmDraft{
			Answers: answered, Result: result,
			Action: &amparov1.PlannedAction{
				Purpose: legal, Recipient: &amparov1.Recipient{Number: 1}, Categories: []amparov1.DataCategory{name, location},
				About: []*amparov1.Party{{Number: 1, Name: "Sani Testowy"}},
			},
		}, risk.Standard{Valid: 14 * 24 * time.Hour, Approvals: approvals}, noon)
		if err != nil {
			t.Fatal(err)
		}
		return entry
	}
	event := func(kind amparov1.LedgerEventKind) *amparov1.LedgerEntry {
		return &amparov1.LedgerEntry{Entry: &amparov1.LedgerEntry_Event{Event: &amparov1.LedgerEvent{Kind: kind, At: timestamppb.New(noon)}}}
	}
	approval := func(of uint32) *amparov1.LedgerEntry {
		return &amparov1.LedgerEntry{Entry: &amparov1.LedgerEntry_Approval{Approval: &amparov1.Approval{Of: of}}}
	}
	only := func(entry *amparov1.LedgerEntry, category amparov1.DataCategory) *amparov1.LedgerEntry {
		entry.GetCheck().GetDraft().GetAction().Categories = []amparov1.DataCategory{category}
		return entry
	}
	plain := check(goOn, answers(), 0)
	for _, row := range []struct {
		says    string
		entries []*amparov1.LedgerEntry
		change  func(*risk.Planned)
		reasons []amparov1.Reason
		named   uint32 // by its number; zero for the newest
	}{
		{"that action", []*amparov1.LedgerEntry{plain}, nil, nil, 0},
		{"her name alone: less than was checked", []*amparov1.LedgerEntry{plain}, func(p *risk.Planned) { p.Categories, p.About = []amparov1.DataCategory{name}, nil }, nil, 0},
		{"no check", nil, nil, []amparov1.Reason{amparov1.Reason_REASON_HARM_CHECK_MISSING}, 0},
		{"her health too", []*amparov1.LedgerEntry{plain}, func(p *risk.Planned) { p.Categories = []amparov1.DataCategory{name, health} }, []amparov1.Reason{amparov1.Reason_REASON_HARM_CHECK_OTHER_ACTION}, 0},
		{"for the press", []*amparov1.LedgerEntry{plain}, func(p *risk.Planned) { p.Purpose = media }, []amparov1.Reason{amparov1.Reason_REASON_HARM_CHECK_OTHER_ACTION}, 0},
		{"to somebody else", []*amparov1.LedgerEntry{plain}, func(p *risk.Planned) { p.Recipient = 2 }, []amparov1.Reason{amparov1.Reason_REASON_HARM_CHECK_MISSING}, 0},
		{"about her sister", []*amparov1.LedgerEntry{plain}, func(p *risk.Planned) { p.About = []uint32{1, 2} }, []amparov1.Reason{amparov1.Reason_REASON_HARM_CHECK_OTHER_ACTION}, 0},
		{"not now", []*amparov1.LedgerEntry{check(later, answers(), 0)}, nil, []amparov1.Reason{amparov1.Reason_REASON_HARM_DEFERRED}, 0},
		{"not at all", []*amparov1.LedgerEntry{check(never, answers(), 0)}, nil, []amparov1.Reason{amparov1.Reason_REASON_HARM_FORBIDS}, 0},
		{"on the last minute of fourteen days", []*amparov1.LedgerEntry{plain}, func(p *risk.Planned) { p.At = noon.Add(14*24*time.Hour - time.Minute) }, nil, 0},
		{"after fourteen days", []*amparov1.LedgerEntry{plain}, func(p *risk.Planned) { p.At = noon.Add(14 * 24 * time.Hour) }, []amparov1.Reason{amparov1.Reason_REASON_HARM_CHECK_EXPIRED}, 0},
		{"after another threat", []*amparov1.LedgerEntry{plain, event(amparov1.LedgerEventKind_LEDGER_EVENT_KIND_INCIDENT)}, nil, []amparov1.Reason{amparov1.Reason_REASON_HARM_CHECK_OVERTAKEN}, 0},
		{"after the risk has risen: a task, and no end", []*amparov1.LedgerEntry{plain, event(amparov1.LedgerEventKind_LEDGER_EVENT_KIND_RISK_RAISED)}, nil, nil, 0},
		{"checked again after the threat", []*amparov1.LedgerEntry{plain, event(amparov1.LedgerEventKind_LEDGER_EVENT_KIND_INCIDENT), check(goOn, answers(), 0)}, nil, nil, 0},
		{"a short check, in no hurry", []*amparov1.LedgerEntry{check(goOn, answers(1, 2, 4, 5, 12), 0)}, nil, []amparov1.Reason{open}, 0},
		{"a short check, in a hurry", []*amparov1.LedgerEntry{check(goOn, answers(1, 2, 4, 5, 12), 1)}, func(p *risk.Planned) { p.Hurried = true }, nil, 0},
		{"nobody has agreed yet", []*amparov1.LedgerEntry{check(goOn, answers(), 1)}, nil, []amparov1.Reason{amparov1.Reason_REASON_APPROVAL_MISSING}, 0},
		{"one has agreed", []*amparov1.LedgerEntry{check(goOn, answers(), 1), approval(1)}, nil, nil, 0},
		{"one has agreed to another", []*amparov1.LedgerEntry{plain, check(goOn, answers(), 1), approval(1)}, nil, []amparov1.Reason{amparov1.Reason_REASON_APPROVAL_MISSING}, 0},
		{"the level has risen, and demands somebody now", []*amparov1.LedgerEntry{plain}, func(p *risk.Planned) { p.Approvals = 1 }, []amparov1.Reason{amparov1.Reason_REASON_APPROVAL_MISSING}, 0},
		{"it happened before the check", []*amparov1.LedgerEntry{plain}, func(p *risk.Planned) { p.At = noon.Add(-time.Minute) }, []amparov1.Reason{amparov1.Reason_REASON_HARM_CHECK_MISSING}, 0},
		{"told to stop since, and an earlier check is named", []*amparov1.LedgerEntry{plain, check(never, answers(), 0)}, nil, []amparov1.Reason{amparov1.Reason_REASON_HARM_FORBIDS}, 1},
		{"told to wait since with her place, and more is asked for", []*amparov1.LedgerEntry{plain, only(check(later, answers(), 0), location)}, nil, []amparov1.Reason{amparov1.Reason_REASON_HARM_DEFERRED}, 1},
		{"told to wait since with her health, which is not asked for", []*amparov1.LedgerEntry{plain, only(check(later, answers(), 0), health)}, nil, nil, 1},
		{"told to stop before", []*amparov1.LedgerEntry{check(never, answers(), 0), plain}, nil, nil, 2},
	} {
		var entries []*amparov1.LedgerEntry
		for i, entry := range row.entries {
			entries = ledger.Add(entries, ledger.Act{StaffID: []string{"ana", "ben", "eva"}[i], Now: noon.Add(time.Duration(i) * time.Hour)}, entry)
		}
		planned := risk.Planned{Purpose: legal, Recipient: 1, Categories: []amparov1.DataCategory{name, location}, About: []uint32{1}, At: noon.Add(9 * time.Hour)}
		if row.change != nil {
			row.change(&planned)
		}
		_, obstacles := risk.Allows(entries, row.named, planned)
		var got []amparov1.Reason
		for _, o := range obstacles {
			got = append(got, o.GetReason())
		}
		if !slices.Equal(got, row.reasons) {
			t.Errorf("%s: %v, want %v", row.says, got, row.reasons)
		}
	}
}
