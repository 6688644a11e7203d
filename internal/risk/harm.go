package risk

import (
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/ledger"
)

// question is one of the twelve of a do-no-harm check: which answer means danger, and
// whether the short form asks it. What leaves no time still asks whom it could expose,
// to whose revenge, over which line and to whom, and what if it goes wrong.
type question struct {
	number amparov1.HarmQuestion
	danger amparov1.HarmReply // unspecified where neither answer does
	short  bool
}

const (
	yes     = amparov1.HarmReply_HARM_REPLY_YES
	no      = amparov1.HarmReply_HARM_REPLY_NO
	neither = amparov1.HarmReply_HARM_REPLY_UNSPECIFIED
	unknown = amparov1.HarmReply_HARM_REPLY_UNKNOWN
)

var questions = []question{
	{amparov1.HarmQuestion_HARM_QUESTION_IDENTIFIES, yes, true},
	{amparov1.HarmQuestion_HARM_QUESTION_RETALIATION, yes, true},
	{amparov1.HarmQuestion_HARM_QUESTION_OTHERS_AT_RISK, yes, false},
	{amparov1.HarmQuestion_HARM_QUESTION_CHANNEL_SAFE, no, true},
	{amparov1.HarmQuestion_HARM_QUESTION_RECIPIENT_TRUSTED, no, true},
	{amparov1.HarmQuestion_HARM_QUESTION_LESS_IS_ENOUGH, yes, false},
	{amparov1.HarmQuestion_HARM_QUESTION_NOT_ACTING_WORSE, neither, false},
	{amparov1.HarmQuestion_HARM_QUESTION_FALSE_EXPECTATIONS, yes, false},
	{amparov1.HarmQuestion_HARM_QUESTION_TIMING_SAFE, no, false},
	{amparov1.HarmQuestion_HARM_QUESTION_CAN_BE_UNDONE, no, false},
	{amparov1.HarmQuestion_HARM_QUESTION_SPECIFIC_HARMS, yes, false},
	{amparov1.HarmQuestion_HARM_QUESTION_PLAN_IF_WRONG, no, true},
}

// Standard is what a check is held to when it is made.
type Standard struct {
	Level     amparov1.RiskLevel // in force
	Approvals uint32             // how many others must agree at that level
	Valid     time.Duration      // for how long the check holds
	// Hurried is a check that comes with what leaves no time: whoever has answered more
	// than the short form asks is not held up for the rest.
	Hurried bool
}

// CheckHarm makes the entry of a do-no-harm check, whose action has its people
// numbered. A person decides the result; the check refuses one that its own answers
// contradict.
//
// All twelve questions are answered, or where short is allowed those of the short form
// (REASON_HARM_QUESTION_OPEN). To go on, nobody may be in the dark, save in the short
// form with something done against it; and against every danger something is done
// (REASON_HARM_UNMITIGATED). Every fault is returned at once.
func CheckHarm(draft *amparov1.HarmDraft, standard Standard, now time.Time) (*amparov1.LedgerEntry, error) {
	c := &checkingHarm{answers: map[amparov1.HarmQuestion]*amparov1.HarmAnswer{}, result: draft.GetResult()}
	c.read(draft)
	short := slices.ContainsFunc(questions, func(q question) bool { return c.answers[q.number] == nil })
	for _, q := range questions {
		c.answer(q, short, standard.Hurried)
	}
	if err := fault.Fields(c.wrong); err != nil {
		return nil, err
	}
	return &amparov1.LedgerEntry{Entry: &amparov1.LedgerEntry_Check{Check: &amparov1.HarmCheck{
		Draft: proto.CloneOf(draft), ShortForm: short, ValidUntil: timestamppb.New(now.Add(standard.Valid)),
		Level: standard.Level, ApprovalsNeeded: standard.Approvals,
	}}}, nil
}

type checkingHarm struct {
	answers map[amparov1.HarmQuestion]*amparov1.HarmAnswer
	places  map[amparov1.HarmQuestion]int
	result  amparov1.HarmResult
	wrong   []fault.Violation
}

func (c *checkingHarm) add(reason amparov1.Reason, field, rule string) {
	c.wrong = append(c.wrong, fault.Violation{Field: field, Rule: rule, Reason: reason})
}

func (c *checkingHarm) read(draft *amparov1.HarmDraft) {
	c.places = map[amparov1.HarmQuestion]int{}
	for i, answer := range draft.GetAnswers() {
		if c.answers[answer.GetQuestion()] != nil {
			c.add(amparov1.Reason_REASON_HARM_QUESTION_OPEN, fmt.Sprintf("harm.answers[%d].question", i), "is answered once")
		}
		c.answers[answer.GetQuestion()], c.places[answer.GetQuestion()] = answer, i
	}
	if c.result == amparov1.HarmResult_HARM_RESULT_UNSPECIFIED {
		c.add(amparov1.Reason_REASON_HARM_QUESTION_OPEN, "harm.result", "says what is decided")
	}
}

func (c *checkingHarm) goesOn() bool {
	return c.result == amparov1.HarmResult_HARM_RESULT_PROCEED || c.result == amparov1.HarmResult_HARM_RESULT_PROCEED_WITH_MITIGATION
}

// answer judges one question.
func (c *checkingHarm) answer(q question, short, hurried bool) {
	answer := c.answers[q.number]
	if answer == nil {
		if q.short || !hurried && len(c.answers) > shortForm() {
			c.add(amparov1.Reason_REASON_HARM_QUESTION_OPEN, "harm.answers", fmt.Sprintf("holds an answer to question %d", q.number))
		}
		return
	}
	field := fmt.Sprintf("harm.answers[%d]", c.places[q.number])
	switch {
	case !c.goesOn():
	case answer.GetReply() == unknown && (!short || answer.GetMitigation() == ""):
		c.add(amparov1.Reason_REASON_HARM_QUESTION_OPEN, field+".reply", "is known before the action goes on, or in the short form has something done against it")
	case answer.GetReply() == q.danger && q.danger != neither && answer.GetMitigation() == "":
		c.add(amparov1.Reason_REASON_HARM_UNMITIGATED, field+".mitigation", "says what is done against the danger")
	case answer.GetMitigation() != "" && c.result == amparov1.HarmResult_HARM_RESULT_PROCEED:
		c.add(amparov1.Reason_REASON_HARM_UNMITIGATED, "harm.result", "is proceed_with_mitigation where something has to be done")
	}
}

// shortForm is how many questions the short form asks.
func shortForm() int {
	n := 0
	for _, q := range questions {
		if q.short {
			n++
		}
	}
	return n
}

// Planned is an action that a check must allow, by the ledger's numbers.
type Planned struct {
	Purpose    amparov1.Purpose
	Recipient  uint32
	Categories []amparov1.DataCategory
	About      []uint32
	// Channel is the way: one of the questions is whether it is safe at both ends.
	Channel amparov1.ContactChannel
	// At is when it happens.
	At time.Time
	// Hurried is what leaves no time: a short check will do, made in the same breath,
	// and nobody else needs to agree first.
	Hurried bool
	// Approvals is how many others must agree at the level of risk in force.
	Approvals uint32
}

// Allows says which check allows an action, by the number of its entry, and everything
// that stands in the way. number names the check; zero takes the newest of the action.
// A check holds for as long as it says, for its action alone, and until the next act
// against the person (domain practice: 14 days or a new incident, whichever is first).
// A later check that says stop to any of it is not gone around by naming an earlier one.
func Allows(entries []*amparov1.LedgerEntry, number uint32, action Planned) (uint32, []*amparov1.Obstacle) {
	if number == 0 {
		number = newestCheck(entries, action)
	}
	entry := ledger.Find(entries, number)
	check := entry.GetCheck()
	if check == nil {
		return 0, []*amparov1.Obstacle{obstacle(amparov1.Reason_REASON_HARM_CHECK_MISSING, "names a do-no-harm check of this action", nil)}
	}
	var found []*amparov1.Obstacle
	add := func(holds bool, reason amparov1.Reason, rule string, others ...uint32) {
		if !holds {
			found = append(found, obstacle(reason, rule, slices.Compact(append([]uint32{number}, others...))))
		}
	}
	add(sameAction(check, action), amparov1.Reason_REASON_HARM_CHECK_OTHER_ACTION, "is a check of this purpose, this recipient, these data, these people and this way")
	for _, judged := range judgements(entries, entry, action) {
		add(judged.GetCheck().GetDraft().GetResult() != amparov1.HarmResult_HARM_RESULT_DEFER, amparov1.Reason_REASON_HARM_DEFERRED, "is a check that says go on", judged.GetNumber())
		add(judged.GetCheck().GetDraft().GetResult() != amparov1.HarmResult_HARM_RESULT_DO_NOT_PROCEED, amparov1.Reason_REASON_HARM_FORBIDS, "is a check that says go on", judged.GetNumber())
	}
	add(action.At.Before(check.GetValidUntil().AsTime()), amparov1.Reason_REASON_HARM_CHECK_EXPIRED, "is a check that is not too old")
	incident := incidentAfter(entries, number)
	add(incident == 0, amparov1.Reason_REASON_HARM_CHECK_OVERTAKEN, "is a check since which nothing has happened", incident)
	if !action.Hurried {
		add(!check.GetShortForm(), amparov1.Reason_REASON_HARM_QUESTION_OPEN, "is a check with all questions answered")
		add(!action.At.Before(entry.GetRecordedAt().AsTime()), amparov1.Reason_REASON_HARM_CHECK_MISSING, "is a check from before it happened")
		needed := max(check.GetApprovalsNeeded(), action.Approvals)
		add(ledger.Agreed(entries, number, action.At) >= needed, amparov1.Reason_REASON_APPROVAL_MISSING,
			fmt.Sprintf("is a check to which %d beside its author had agreed", needed))
	}
	return number, found
}

func obstacle(reason amparov1.Reason, rule string, entries []uint32) *amparov1.Obstacle {
	return &amparov1.Obstacle{Reason: reason, Field: "disclosure.check", Rule: rule, Entries: entries}
}

// judgements are a check and those later ones to the same recipient, for the same
// purpose, that judged any of the same data.
func judgements(entries []*amparov1.LedgerEntry, check *amparov1.LedgerEntry, action Planned) []*amparov1.LedgerEntry {
	judged := []*amparov1.LedgerEntry{check}
	for _, entry := range entries[check.GetNumber():] {
		planned := entry.GetCheck().GetDraft().GetAction()
		same := entry.GetCheck() != nil && planned.GetPurpose() == action.Purpose && planned.GetRecipient().GetNumber() == action.Recipient
		if same && slices.ContainsFunc(planned.GetCategories(), func(c amparov1.DataCategory) bool { return slices.Contains(action.Categories, c) }) {
			judged = append(judged, entry)
		}
	}
	return judged
}

// newestCheck is the newest check of an action; of another, where there is none of it.
func newestCheck(entries []*amparov1.LedgerEntry, action Planned) uint32 {
	newest := uint32(0)
	for _, entry := range slices.Backward(entries) {
		if check := entry.GetCheck(); check != nil {
			if sameAction(check, action) {
				return entry.GetNumber()
			}
			if newest == 0 && check.GetDraft().GetAction().GetRecipient().GetNumber() == action.Recipient {
				newest = entry.GetNumber()
			}
		}
	}
	return newest
}

// sameAction reports whether a check is of an action, or of one that holds more.
func sameAction(check *amparov1.HarmCheck, action Planned) bool {
	checked := check.GetDraft().GetAction()
	// What names no way at all is refused for that alone.
	sameWay := action.Channel == amparov1.ContactChannel_CONTACT_CHANNEL_UNSPECIFIED || checked.GetChannel() == action.Channel
	return checked.GetPurpose() == action.Purpose && checked.GetRecipient().GetNumber() == action.Recipient && sameWay &&
		holds(checked.GetCategories(), action.Categories) && holds(ledger.Numbers(checked.GetAbout()), action.About)
}

func holds[T comparable](all, some []T) bool {
	return !slices.ContainsFunc(some, func(one T) bool { return !slices.Contains(all, one) })
}

// incidentAfter is the first act against the person after an entry, or zero. A merge
// brings along what was known in another case only.
func incidentAfter(entries []*amparov1.LedgerEntry, number uint32) uint32 {
	for _, entry := range entries[number:] {
		switch entry.GetEvent().GetKind() { //nolint:exhaustive // the others make it a task to ask the person again
		case amparov1.LedgerEventKind_LEDGER_EVENT_KIND_INCIDENT, amparov1.LedgerEventKind_LEDGER_EVENT_KIND_MERGED:
			return entry.GetNumber()
		}
	}
	return 0
}
