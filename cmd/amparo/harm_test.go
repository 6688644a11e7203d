package main

import (
	"strings"
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
	"github.com/amparo-project/amparo/internal/risk"
)

// safely answers questions so that no answer means danger.
func safely(questions []harmQuestion) *amparov1.HarmDraft {
	draft := &amparov1.HarmDraft{Result: amparov1.HarmResult_HARM_RESULT_PROCEED}
	for _, q := range questions {
		reply := amparov1.HarmReply_HARM_REPLY_NO
		if q.danger == "no" {
			reply = amparov1.HarmReply_HARM_REPLY_YES
		}
		draft.Answers = append(draft.Answers, &amparov1.HarmAnswer{Question: q.number, Reply: reply})
	}
	return draft
}

// The form tells people which answer means danger and which questions the short form
// asks; the service is the judge of both.
func TestTheFormAsksWhatTheServiceJudges(t *testing.T) {
	check := func(draft *amparov1.HarmDraft) (*amparov1.LedgerEntry, error) {
		return risk.CheckHarm(draft, risk.Standard{Valid: time.Hour}, testNow)
	}
	for i, q := range harmQuestions {
		for reply, said := range map[amparov1.HarmReply]string{amparov1.HarmReply_HARM_REPLY_YES: "yes", amparov1.HarmReply_HARM_REPLY_NO: "no"} {
			draft := safely(harmQuestions)
			draft.Answers[i].Reply = reply
			if _, err := check(draft); (err != nil) != (said == q.danger) {
				t.Errorf("%s: the form says that %q means danger; to %s the service says %v", word(q.number), q.danger, said, err)
			}
		}
	}
	short := questionsOf(true)
	if entry, err := check(safely(short)); err != nil || !entry.GetCheck().GetShortForm() {
		t.Errorf("the short form is not one: %v", err)
	}
	for i := range short {
		draft := safely(short)
		draft.Answers = append(draft.Answers[:i:i], draft.Answers[i+1:]...)
		if _, err := check(draft); err == nil {
			t.Errorf("%s is in the short form, and can be left out", word(short[i].number))
		}
	}
}

// What is printed can be sent once it is filled in, and fits a screen.
func TestTheFormIsARequest(t *testing.T) {
	for _, short := range []bool{false, true} {
		text := harmForm(short)
		request := &amparov1.CheckHarmRequest{}
		if err := client.Decode([]byte(text), request); err != nil {
			t.Fatal(client.Explain(err))
		}
		want := questionsOf(short)
		if len(request.GetHarm().GetAnswers()) != len(want) {
			t.Fatalf("short %t: %d questions, want %d", short, len(request.GetHarm().GetAnswers()), len(want))
		}
		for i, answer := range request.GetHarm().GetAnswers() {
			if answer.GetQuestion() != want[i].number || answer.GetReply() != 0 {
				t.Errorf("short %t: question %d is %s", short, i, word(answer.GetQuestion()))
			}
		}
		for line := range strings.Lines(text) {
			if len(line) > 81 {
				t.Errorf("too long for a screen: %s", line)
			}
		}
	}
	if len(harmQuestions) != len(amparov1.HarmQuestion_name)-1 || len(questionsOf(true)) != 5 {
		t.Errorf("%d questions, %d in short", len(harmQuestions), len(questionsOf(true)))
	}
}
